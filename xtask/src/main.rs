//! `cargo xtask`: the project's commands. Each installs what it lacks, says what it does, and does
//! nothing twice.

mod after_trunk;
mod frugal;
mod tools;

use std::{
    env,
    error::Error,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use tools::Tools;

/// What any step may fail with: words for the person at the terminal.
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Where the tests' site is served, as a project page on a host is: not at its root.
const TEST_PUBLIC_URL: &str = "/some/place/";

const USAGE: &str = "\
cargo xtask serve [options of trunk serve]   install what is missing, build, serve the demo
cargo xtask build [options of trunk build]   the same, for a release in dist/
cargo xtask test  [filter of cargo test]     install what is missing, check everything
cargo xtask tools                            install what is missing for all of these";

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let outcome = match command.as_str() {
        "serve" => serve(&rest),
        "build" => build(&rest),
        "test" => test(&rest),
        "tools" => install_all(),
        "after-trunk" => after_trunk::run(),
        _ => {
            println!("{USAGE}");
            return ExitCode::from(u8::from(!command.is_empty()) * 2);
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
    step("Serving; the first build takes a minute or two");
    run(tools.command("trunk").arg("serve").args(options))
}

fn build(options: &[String]) -> Outcome {
    let tools = Tools::for_building(true)?;
    step("Building the release");
    run(release(&tools).args(options))
}

/// `trunk build` for a release.
fn release(tools: &Tools) -> Command {
    let mut trunk = tools.command("trunk");
    trunk.args(["build", "--release"]);
    trunk.env(frugal::VARIABLE, frugal::flags());
    trunk
}

fn install_all() -> Outcome {
    Tools::for_building(true)?;
    Tools::for_testing()?;
    step("All there");
    Ok(())
}

fn test(filters: &[String]) -> Outcome {
    let tools = Tools::for_testing()?;
    if filters.is_empty() {
        step("Formatting");
        run(tools.command("cargo").args(["fmt", "--all", "--check"]))?;
        step("Clippy, for this machine and for the browser");
        let clippy = [
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ];
        run(tools.command("cargo").args(clippy))?;
        let clippy = [
            "clippy",
            "--target",
            "wasm32-unknown-unknown",
            "--",
            "-D",
            "warnings",
        ];
        run(tools.command("cargo").args(clippy))?;
        step("Documentation");
        run(tools
            .command("cargo")
            .args(["doc", "--no-deps", "--document-private-items"])
            .env("RUSTDOCFLAGS", "-D warnings"))?;
    }
    step("Building the release that the browsers are shown");
    let site = root().join("target/site");
    run(release(&tools)
        .args(["--public-url", TEST_PUBLIC_URL, "--dist"])
        .arg(&site))?;
    step("Tests: native, architecture, and in Chromium, Firefox and WebKit");
    run(tools
        .command("cargo")
        .args(["test", "--workspace", "--"])
        .args(filters)
        .env("SITE", &site)
        .env("SITE_PUBLIC_URL", TEST_PUBLIC_URL))
}

/// The checkout.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Says what comes next.
fn step(what: &str) {
    eprintln!("\n── {what}");
}

fn run(command: &mut Command) -> Outcome {
    let program = PathBuf::from(command.get_program());
    let status = command
        .current_dir(root())
        .status()
        .map_err(|error| format!("{} could not be started: {error}", program.display()))?;
    if status.success() {
        return Ok(());
    }
    let arguments: Vec<_> = command
        .get_args()
        .map(|part| part.to_string_lossy())
        .collect();
    Err(format!("`{} {}` failed", program.display(), arguments.join(" ")).into())
}
