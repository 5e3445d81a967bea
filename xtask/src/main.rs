//! `cargo xtask`: the project's commands. Each installs the tools it lacks and prints each step.

mod bench;
mod live;
mod live_reload;
mod rename;
mod tools;
mod undone;

use std::{
    env,
    error::Error,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use tools::Tools;

/// The result of a command; the error is printed to the user.
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The tests serve the site under a sub-path, as GitHub Pages does.
const TEST_PUBLIC_URL: &str = "/some/place/";

const USAGE: &str = "\
cargo xtask serve [trunk serve options]   build the demo and serve it, with live reload
cargo xtask live [trunk build options]    serve the demo together with live streams
cargo xtask build [trunk build options]   build a release in dist/, as `trunk build --release` does
cargo xtask test [filter]                 check and test everything, or run the tests whose names match
cargo xtask bench start [RUNS]            compare the time to the first frame with other players', in Chromium
cargo xtask bench remux [FILE.ts...]      compare the MPEG-TS remuxer's speed with hls.js's, in Chromium
cargo xtask undone [NAME...]              undo fixes of the past one by one, and see the simulation fail
cargo xtask tools                         install the tools for all of these
cargo xtask rename NAME                   give the project and everything in it another name

Each command first installs the tools it lacks.";

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let outcome = match (command.as_str(), rest.as_slice()) {
        ("serve", options) => serve(options),
        ("live", options) => live::serve(options),
        ("build", options) => build(options),
        ("test", filters) => test(filters),
        ("bench", [what, files @ ..]) if what == "remux" => bench::remux(files),
        ("bench", [what, runs @ ..]) if what == "start" => bench::start(runs),
        ("undone", names) => undone::run(names),
        ("tools", []) => install_tools(),
        ("rename", [name]) => rename::run(name),
        ("allow-live-reload", []) => live_reload::run(),
        ("" | "help" | "--help" | "-h", _) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(options: &[String]) -> Outcome {
    let release = options.iter().any(|option| option == "--release");
    let tools = Tools::for_building(release)?;
    step("Building and serving (the first build takes one to two minutes)");
    run(tools.command("trunk").arg("serve").args(options))
}

fn build(options: &[String]) -> Outcome {
    let tools = Tools::for_building(true)?;
    step("Building the release (two to five minutes the first time)");
    run(tools
        .command("trunk")
        .args(["build", "--release"])
        .args(options))
}

fn install_tools() -> Outcome {
    Tools::for_building(true)?;
    Tools::for_testing()?;
    step("All tools are installed");
    Ok(())
}

fn test(filters: &[String]) -> Outcome {
    let tools = Tools::for_testing()?;
    let cargo = |arguments: &str| {
        let mut command = tools.command("cargo");
        command.args(arguments.split(' '));
        command
    };
    if filters.is_empty() {
        step("1/6 Formatting");
        run(&mut cargo("fmt --all --check"))?;
        step("2/6 Clippy, native");
        run(&mut cargo(
            "clippy --workspace --all-targets -- -D warnings",
        ))?;
        step("3/6 Clippy, wasm32");
        run(&mut cargo(
            "clippy --workspace --exclude xtask --exclude testkit --target wasm32-unknown-unknown -- -D warnings",
        ))?;
        step("4/6 Documentation");
        run(cargo("doc --workspace --no-deps --document-private-items")
            .env("RUSTDOCFLAGS", "-D warnings"))?;
    }
    step("5/6 Release build");
    let site = root().join("target/site");
    run(tools
        .command("trunk")
        .args(["build", "--release", "--public-url", TEST_PUBLIC_URL])
        .arg("--dist")
        .arg(&site))?;
    step("6/6 Tests, native and in Chromium, Firefox and WebKit");
    run(cargo("test --workspace --no-fail-fast --")
        .args(filters)
        .env("SITE", &site)
        .env("SITE_PUBLIC_URL", TEST_PUBLIC_URL))
}

/// The root of the checkout.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Prints what happens next.
fn step(message: &str) {
    eprintln!("\n── {message}");
}

/// Runs a command in the root of the checkout; an exit status other than 0 is an error.
fn run(command: &mut Command) -> Outcome {
    run_in(root(), command)
}

fn run_in(folder: &Path, command: &mut Command) -> Outcome {
    let program = PathBuf::from(command.get_program());
    let status = command
        .current_dir(folder)
        .status()
        .map_err(|error| format!("{} could not be started: {error}", program.display()))?;
    if status.success() {
        return Ok(());
    }
    let arguments: Vec<_> = command
        .get_args()
        .map(|argument| argument.to_string_lossy())
        .collect();
    Err(format!("`{} {}` failed", program.display(), arguments.join(" ")).into())
}
