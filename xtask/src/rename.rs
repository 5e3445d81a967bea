//! `cargo xtask rename NAME`: replaces the project's name wherever it occurs.
//!
//! The name occurs as in Cargo.toml (packages, storage keys, User Timing marks, page title, documentation) and
//! with underscores (library paths). Licences and changelog keep the old name: they name the code's origin.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Outcome, root, run_in, step,
    tools::{Tools, setting},
};

/// The prefixes of the names of files that keep the old name.
const KEPT: [&str; 2] = ["LICENSE", "CHANGELOG"];

pub fn run(name: &str) -> Outcome {
    let old = rename(root(), name)?;
    step(&format!("Renamed {old} to {name}"));
    eprintln!(
        "`git diff` shows the changes, `cargo xtask test` checks them. The sample video and the screenshot still \
         show the old name."
    );
    Ok(())
}

/// Renames the project in a checkout; returns its old name.
fn rename(checkout: &Path, name: &str) -> Outcome<String> {
    let tools = Tools::for_renaming()?;
    let old = setting(&checkout.join("Cargo.toml"), "name")?;
    check_old_name(&old)?;
    check_new_name(checkout, &tools, name)?;
    check_clean(checkout)?;

    step(&format!("Replacing {old} by {name}"));
    let (old_path, new_path) = (old.replace('-', "_"), name.replace('-', "_"));
    let mut rust_files = Vec::new();
    for file in files_to_rename(checkout)? {
        // Media files are not UTF-8.
        let Ok(text) = String::from_utf8(fs::read(checkout.join(&file))?) else {
            continue;
        };
        let renamed = text.replace(&old, name).replace(&old_path, &new_path);
        if renamed != text {
            fs::write(checkout.join(&file), renamed)?;
            eprintln!("{}", file.display());
            if file.extension().is_some_and(|extension| extension == "rs") {
                rust_files.push(file);
            }
        }
    }

    step("Sorting Cargo.lock and imports by the new name");
    let update = ["update", "--workspace", "--offline"];
    run_in(checkout, tools.command("cargo").args(update))?;
    let edition = setting(&checkout.join("Cargo.toml"), "edition")?;
    run_in(
        checkout,
        tools
            .command("rustfmt")
            .args(["--edition", &edition])
            .args(rust_files),
    )?;
    Ok(old)
}

/// Refuses an old name of a single word, which may occur in other meanings: every occurrence is replaced.
fn check_old_name(old: &str) -> Outcome {
    if old.contains('-') {
        return Ok(());
    }
    Err(format!(
        "The current name, {old}, has no hyphen, so it cannot be distinguished from ordinary words and identifiers. \
         Rename by hand: `git grep --ignore-case {old}` finds it."
    )
    .into())
}

fn check_new_name(checkout: &Path, tools: &Tools, name: &str) -> Outcome {
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    if !name.split(['-', '_']).all(is_word) {
        return Err(format!(
            "`{name}` cannot be the name: it takes words of lower-case letters and digits, joined by hyphens, \
             such as `my-player`."
        )
        .into());
    }

    // Cargo refuses keywords and warns of the names of Rust's own crates.
    let folder = env::temp_dir().join(format!("xtask-rename-{}", std::process::id()));
    let output = tools
        .command("cargo")
        .args(["new", "--lib", "--vcs", "none", "--name", name])
        .arg(&folder)
        .output()?;
    let _ = fs::remove_dir_all(&folder);
    let messages = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() || messages.contains("warning: package name") {
        return Err(format!("`{name}` cannot be the name. cargo says:\n{messages}").into());
    }

    let path = name.replace('-', "_");
    let lock = fs::read_to_string(checkout.join("Cargo.lock"))?;
    let mut packages = lock.lines().filter_map(|line| {
        let package = line.strip_prefix("name = \"")?.strip_suffix('"')?;
        Some(package.replace('-', "_"))
    });
    if packages.any(|package| package == path) {
        return Err(format!("`{name}` is already the name of a package in Cargo.lock.").into());
    }
    let programs = checkout.join("src/bin");
    if programs.join(&path).exists() || programs.join(format!("{path}.rs")).exists() {
        return Err(format!("`{name}` is already the name of a program in src/bin.").into());
    }
    Ok(())
}

/// Refuses a checkout in which a renaming could not be undone.
fn check_clean(checkout: &Path) -> Outcome {
    let status = git(checkout, &["status", "--porcelain"])?;
    if status.is_empty() {
        return Ok(());
    }
    Err(format!(
        "Commit or stash these changes first, so that the renaming can be undone:\n{status}"
    )
    .into())
}

fn tracked_files(checkout: &Path) -> Outcome<Vec<PathBuf>> {
    let files = git(checkout, &["ls-files", "-z"])?;
    Ok(files.split_terminator('\0').map(PathBuf::from).collect())
}

/// All tracked files but licences and changelog.
fn files_to_rename(checkout: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = tracked_files(checkout)?;
    files.retain(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        !KEPT.iter().any(|kept| name.starts_with(kept))
    });
    Ok(files)
}

/// The output of a git command.
fn git(checkout: &Path, arguments: &[&str]) -> Outcome<String> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(checkout)
        .output()
        .map_err(|error| format!("git could not be started: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    let message = String::from_utf8_lossy(&output.stderr);
    Err(format!("`git {}` failed: {message}", arguments.join(" ")).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "acme-player";

    /// A copy of this checkout, uncommitted changes included, in a git repository of its own; and the target
    /// folder to build it in.
    fn copy_of_checkout(test: &str) -> (PathBuf, PathBuf) {
        let folder = root().join("target/rename").join(test);
        let copy = folder.join("checkout");
        if copy.exists() {
            fs::remove_dir_all(&copy).unwrap();
        }
        for file in tracked_files(root()).unwrap() {
            // git still lists a file that was deleted since the last commit.
            if root().join(&file).exists() {
                fs::create_dir_all(copy.join(&file).parent().unwrap()).unwrap();
                fs::copy(root().join(&file), copy.join(&file)).unwrap();
            }
        }
        git(&copy, &["init", "--quiet"]).unwrap();
        git(&copy, &["add", "--all"]).unwrap();
        let author = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
        let commit = ["commit", "--quiet", "--message=copy"];
        git(&copy, &[&author[..], &commit[..]].concat()).unwrap();
        (copy, folder.join("target"))
    }

    /// `None` in a fork whose name cannot be replaced.
    fn renamed_copy(test: &str) -> Option<(PathBuf, PathBuf)> {
        if check_old_name(&setting(&root().join("Cargo.toml"), "name").unwrap()).is_err() {
            return None;
        }
        let (copy, target) = copy_of_checkout(test);
        let old = rename(&copy, NAME).unwrap();
        assert_no_trace(&copy, &old);
        Some((copy, target))
    }

    fn assert_no_trace(checkout: &Path, old: &str) {
        let forms = [old.to_owned(), old.replace('-', "_")];
        let files = files_to_rename(checkout).unwrap();
        assert!(files.len() > 100, "only {} files", files.len());
        for file in files {
            let content = fs::read(checkout.join(&file)).unwrap();
            let text = file.to_string_lossy() + String::from_utf8_lossy(&content);
            let text = text.to_lowercase();
            let trace = forms.iter().find(|form| text.contains(form.as_str()));
            assert_eq!(trace, None, "in {}", file.display());
        }
    }

    fn succeeds(folder: &Path, target: &Path, command: &str) {
        let tools = Tools::for_renaming().unwrap();
        let mut words = command.split(' ');
        let mut command = tools.command(words.next().unwrap());
        command.args(words).env("CARGO_TARGET_DIR", target);
        run_in(folder, &mut command).unwrap();
    }

    #[test]
    fn renamed_checkout_has_no_trace_of_the_old_name() {
        if let Some((copy, target)) = renamed_copy("check") {
            succeeds(&copy, &target, "cargo fmt --all --check");
        }
    }

    #[test]
    #[ignore = "compiles everything again, in a copy: the scheduled workflow runs it"]
    fn renamed_checkout_builds_tests_fuzz_targets_and_site() {
        let Some((copy, target)) = renamed_copy("build") else {
            return;
        };
        Tools::for_building(true).unwrap();
        let check = "cargo check --workspace --all-targets --locked";
        succeeds(&copy, &target, check);
        let check = "cargo check --manifest-path fuzz/Cargo.toml --all-targets";
        succeeds(&copy, &target, check);
        succeeds(&copy, &target, "trunk build --release --locked");
        let page = fs::read_to_string(copy.join("dist/index.html")).unwrap();
        assert!(page.contains(NAME));
    }

    #[test]
    fn checkout_with_uncommitted_changes_is_refused() {
        let (copy, _) = copy_of_checkout("dirty");
        fs::write(copy.join("new-file"), "").unwrap();
        let error = check_clean(&copy).unwrap_err().to_string();
        assert!(error.contains("new-file"), "{error}");
    }

    #[test]
    fn name_that_is_taken_or_no_crate_name_is_refused() {
        let tools = Tools::for_renaming().unwrap();
        let check = |name| check_new_name(root(), &tools, name);
        for name in ["my-player", "player2", "my_player"] {
            assert!(check(name).is_ok(), "{name}");
        }
        let invalid = [
            "",
            "My-Player",
            "my player",
            "my--player",
            "-player",
            "player-",
            "2player",
            "é",
            "a/b",
            "async",
            "test",
            "core",
        ];
        let taken = ["yew", "gloo_worker", "gloo-worker", "xtask", "app"];
        for name in invalid.into_iter().chain(taken) {
            assert!(check(name).is_err(), "{name}");
        }
    }

    #[test]
    fn old_name_of_one_word_is_refused() {
        assert!(check_old_name("my-player").is_ok());
        assert!(check_old_name("player").is_err());
    }
}
