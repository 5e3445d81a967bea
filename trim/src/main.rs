//! `trim FOLDER`: the last step of a release, done to trunk's staging folder. The site does what it
//! did, and less of it crosses the network.
//!
//! wasm-bindgen calls an import `__wbg_addEventListener_f2d27251d333a631`, in the wasm (`X_bg.wasm`)
//! and in the glue (`X.js`), and what is hashed does not compress. No optimizer may touch such a name,
//! because each sees one of the two files only. Here both are seen: [`pair`] gives the import a
//! number, by which the one finds it in a list of the other's. [`order`] sorts the functions of the wasm,
//! [`script`] minifies all JavaScript and says shorter what wasm-bindgen says at length (`lean.js`), and
//! [`page`] sees to the hashes by which `index.html` names these files.
//!
//! Glue and wasm that do not fit together, before or after, end the build. A folder that is trimmed
//! already is left as it is.

mod order;
mod page;
mod pair;
mod script;
mod wasm;

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use pair::Names;

/// What any step may fail with: words for the person at the terminal.
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let outcome = match env::args_os().nth(1) {
        Some(folder) => trim(Path::new(&folder)),
        None => Err("which folder? `trim FOLDER`".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: the release could not be trimmed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Trims all that is in the folder of a site.
fn trim(folder: &Path) -> Outcome {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    let mut pairs = 0;
    for file in files.iter().filter(|file| is(file, "js")) {
        let wasm = wasm_of(file);
        let trimmed = if files.contains(&wasm) {
            pairs += 1;
            trim_pair(file, &wasm)
        } else {
            trim_script(file)
        };
        trimmed.map_err(|error| format!("{}: {error}", file.display()))?;
    }
    let programs = files.iter().filter(|file| is(file, "wasm")).count();
    if pairs == 0 || pairs != programs {
        return Err(format!("{programs} programs, and glue for {pairs} of them").into());
    }
    let page = folder.join("index.html");
    let html = fs::read_to_string(&page)?;
    Ok(fs::write(&page, page::renew(&html, folder, &files)?)?)
}

fn trim_pair(glue: &Path, wasm: &Path) -> Outcome {
    let (script, program) = pair::trim(&fs::read_to_string(glue)?, &fs::read(wasm)?)?;
    fs::write(glue, script)?;
    Ok(fs::write(wasm, program)?)
}

fn trim_script(file: &Path) -> Outcome {
    Ok(fs::write(
        file,
        script::minify(&fs::read_to_string(file)?, &Names::default())?,
    )?)
}

/// The wasm for which a script is the glue, if it is any: `X_bg.wasm` for `X.js`.
fn wasm_of(script: &Path) -> PathBuf {
    let stem = script.file_stem().unwrap_or_default().to_string_lossy();
    script.with_file_name(format!("{stem}_bg.wasm"))
}

fn is(file: &Path, kind: &str) -> bool {
    file.extension().is_some_and(|extension| extension == kind)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Outcome {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
