//! `cargo xtask undone [NAME...]`: undoes fixes of the past, one at a time, in a copy of the sources, and plays the
//! simulation until it fails.
//!
//! A fix is undone by a patch in `tests/simulation/undone`, whose first line says what the fix is for.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::{Outcome, root, step};

/// The folder of the patches, relative to the checkout.
const PATCHES: &str = "tests/simulation/undone";
/// How the simulation says that it has failed, before the number of seeds.
const RED: &str = "red after ";

/// What the simulation says to one undone fix.
struct Finding {
    name: String,
    title: String,
    /// The number of seeds until the first violation, and that violation.
    red: Option<(u64, String)>,
}

/// Undoes the fixes of these names, or all, and prints a table.
///
/// # Errors
/// If the simulation does not notice one of them, or one cannot be undone.
pub fn run(names: &[String]) -> Outcome {
    let mut findings = Vec::new();
    for patch in patches()? {
        let name = patch.file_stem().unwrap_or_default().to_string_lossy();
        if names.is_empty() || names.iter().any(|it| *it == *name) {
            step(&format!("Undoing {name}"));
            findings.push(play_without(&patch, &name)?);
        }
    }
    println!("{}", table(&findings));
    let green = findings.iter().filter(|it| it.red.is_none());
    let green: Vec<&str> = green.map(|it| &*it.name).collect();
    match green.as_slice() {
        [] if findings.is_empty() => Err("there are no patches of these names".into()),
        [] => Ok(()),
        names => Err(format!("the simulation does not notice: {}", names.join(", ")).into()),
    }
}

/// The patches, by name.
fn patches() -> Outcome<Vec<PathBuf>> {
    let mut patches = Vec::new();
    for entry in fs::read_dir(root().join(PATCHES))? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "patch") {
            patches.push(path);
        }
    }
    patches.sort();
    Ok(patches)
}

/// Plays the simulation without a fix.
fn play_without(patch: &Path, name: &str) -> Outcome<Finding> {
    let copy = root().join("target/undone/checkout");
    copy_sources(&copy)?;
    let mut apply = Command::new("git");
    // Not as a part of the repository around it, where the paths of the patch are others.
    apply.env("GIT_CEILING_DIRECTORIES", root().join("target/undone"));
    output(apply.arg("apply").arg(patch).current_dir(&copy))?;
    // Not the checkout's folder: Cargo takes packages at the same place within a workspace for the same.
    let target: PathBuf =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    let mut cargo = Command::new("cargo");
    let played = cargo
        .args(["test", "--test", "simulation", "seeded"])
        .envs([("UNTIL_RED", "1"), ("SHRINK", "0")])
        .env("CARGO_TARGET_DIR", target.join("undone"))
        .current_dir(&copy)
        .output()?;
    let text = String::from_utf8_lossy(&played.stdout);
    let red = text.lines().find_map(|line| {
        let (count, violation) = line.trim().strip_prefix(RED)?.split_once(" seeds: ")?;
        Some((count.parse().ok()?, violation.to_owned()))
    });
    if red.is_none() && !played.status.success() {
        let error = String::from_utf8_lossy(&played.stderr);
        return Err(format!("the simulation does not run:\n{text}{error}").into());
    }
    match &red {
        Some((count, violation)) => eprintln!("red after {count} seeds: {violation}"),
        None => eprintln!("green"),
    }
    let patch = fs::read_to_string(patch)?;
    Ok(Finding {
        name: name.to_owned(),
        title: patch.lines().next().unwrap_or_default().to_owned(),
        red,
    })
}

/// Makes the copy like the checkout. Leaves files alone that are the same, so that they are not built again.
fn copy_sources(copy: &Path) -> Outcome {
    let mut list = Command::new("git");
    list.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let listed = output(list.current_dir(root()))?;
    let listed = String::from_utf8(listed.stdout)?;
    let files: BTreeSet<PathBuf> = listed.split_terminator('\0').map(PathBuf::from).collect();
    remove_others(copy, Path::new(""), &files)?;
    for file in files {
        let (from, to) = (root().join(&file), copy.join(&file));
        // git still lists a file that was deleted since the last commit.
        if !from.is_file() {
            continue;
        }
        let bytes = fs::read(&from)?;
        if fs::read(&to).ok().as_ref() != Some(&bytes) {
            fs::create_dir_all(to.parent().unwrap_or(copy))?;
            fs::write(&to, bytes)?;
        }
    }
    Ok(())
}

/// Removes the files of a folder of the copy that are not listed.
fn remove_others(copy: &Path, folder: &Path, listed: &BTreeSet<PathBuf>) -> Outcome {
    let Ok(entries) = fs::read_dir(copy.join(folder)) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            remove_others(copy, &path, listed)?;
        } else if !listed.contains(&path) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Runs a command that has to succeed.
fn output(command: &mut Command) -> Outcome<Output> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(output);
    }
    let error = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} failed: {error}").into())
}

/// The findings as a Markdown table.
fn table(findings: &[Finding]) -> String {
    let mut table =
        String::from("| undone fix | patch | seeds until red | violation |\n|---|---|---|---|\n");
    for Finding { name, title, red } in findings {
        let (count, violation) = match red {
            Some((count, violation)) => (count.to_string(), violation.replace('|', "\\|")),
            None => ("green".into(), String::new()),
        };
        table += &format!("| {title} | `{name}` | {count} | {violation} |\n");
    }
    table
}
