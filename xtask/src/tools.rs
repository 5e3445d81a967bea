//! What the commands need, and how it gets onto a machine.
//!
//! Nothing here asks GitHub for anything: cargo, rustup, npm and Debian's apt have it all. What trunk
//! would download for itself is put where trunk would have put it, so that `trunk serve` finds it,
//! too.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{Outcome, root, run, step};

const TRUNK: &str = "0.21.14";
const GECKODRIVER: &str = "0.37.1";
/// What looks for barriers in the page, for those who hear it or use it by keyboard alone.
const AXE: &str = "4.14.1";

/// What WebKit's driver, a screen for it, and its decoders are called in Debian.
const WEBKIT: [&str; 6] = [
    "webkit2gtk-driver",
    "xvfb",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-plugins-bad",
    "gstreamer1.0-libav",
];

/// The tools, all of them there.
pub struct Tools {
    path: OsString,
}

impl Tools {
    /// What `trunk` needs; for a release build wasm-opt, too.
    pub fn for_building(release: bool) -> Outcome<Self> {
        let tools = Self::new()?;
        tools.wasm_target()?;
        tools.trunk()?;
        tools.wasm_bindgen()?;
        if release {
            tools.wasm_opt()?;
        }
        Ok(tools)
    }

    /// What the tests need beside that: three browsers and their drivers.
    pub fn for_testing() -> Outcome<Self> {
        let tools = Self::new()?;
        // First what may have to be installed by hand, and only then what takes its time.
        tools.chromium()?;
        tools.firefox()?;
        tools.webkit()?;
        tools.components()?;
        tools.geckodriver()?;
        tools.axe()?;
        Self::for_building(true)
    }

    fn new() -> Outcome<Self> {
        // rustup's installer puts it on PATH, but only for the shells that are opened afterwards.
        let mut places = vec![cargo_home()?.join("bin")];
        places.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        Ok(Self {
            path: env::join_paths(places)?,
        })
    }

    /// A command that finds the tools.
    pub fn command(&self, program: &str) -> Command {
        // Found here, because the PATH of a command does not count for the command itself everywhere.
        let mut command = Command::new(self.find(program).unwrap_or_else(|| program.into()));
        command.env("PATH", &self.path);
        command
    }

    fn find(&self, program: &str) -> Option<PathBuf> {
        env::split_paths(&self.path)
            .map(|place| place.join(format!("{program}{}", env::consts::EXE_SUFFIX)))
            .find(|file| file.is_file())
    }

    /// What a program prints when asked for its version.
    fn version(&self, program: &str) -> Option<String> {
        self.find(program)?;
        let asked = self
            .command(program)
            .arg("--version")
            .stderr(Stdio::null())
            .output()
            .ok()?;
        asked
            .status
            .success()
            .then(|| String::from_utf8_lossy(&asked.stdout).trim().into())
    }

    fn wasm_target(&self) -> Outcome {
        let asked = self
            .command("rustc")
            .args([
                "--print",
                "target-libdir",
                "--target",
                "wasm32-unknown-unknown",
            ])
            .current_dir(root())
            .output()?;
        if Path::new(String::from_utf8_lossy(&asked.stdout).trim()).is_dir() {
            return Ok(());
        }
        step("Installing Rust’s wasm32-unknown-unknown target");
        run(self
            .command("rustup")
            .args(["target", "add", "wasm32-unknown-unknown"]))
    }

    fn components(&self) -> Outcome {
        let works = |program| self.version(program).is_some();
        if works("cargo-clippy") && works("rustfmt") {
            return Ok(());
        }
        step("Installing clippy and rustfmt");
        run(self
            .command("rustup")
            .args(["component", "add", "clippy", "rustfmt"]))
    }

    fn trunk(&self) -> Outcome {
        match self.version("trunk") {
            Some(words) if words.starts_with("trunk 0.21.") => return Ok(()),
            Some(words) => {
                let found = format!("There is {words}, but this project is built with {TRUNK}");
                let way = format!("`cargo install trunk --version {TRUNK} --locked` replaces it");
                return Err(format!("{found}. {way}.").into());
            }
            None => {}
        }
        step(&format!(
            "Installing trunk {TRUNK}: compiles it, some five to ten minutes"
        ));
        run(self.cargo_install("trunk", TRUNK).arg("--locked"))
    }

    /// The version that Cargo.lock asks for, to the letter: page and glue are made for each other.
    fn wasm_bindgen(&self) -> Outcome {
        let version = locked("wasm-bindgen")?;
        let home = trunk_cache()?.join(format!("wasm-bindgen-{version}"));
        let program = home.join(format!("wasm-bindgen{}", env::consts::EXE_SUFFIX));
        let installed = self.version("wasm-bindgen");
        if program.is_file() || installed.is_some_and(|words| words.ends_with(&version)) {
            return Ok(());
        }
        step(&format!(
            "Installing wasm-bindgen {version}: compiles it, two to five minutes"
        ));
        run(self
            .cargo_install("wasm-bindgen-cli", &version)
            .arg("--root")
            .arg(&home))?;
        // Trunk looks for it without the `bin`.
        fs::copy(
            home.join("bin").join(program.file_name().ok_or("no name")?),
            &program,
        )?;
        Ok(())
    }

    /// The version that Trunk.toml asks for, so that sizes are the same everywhere.
    fn wasm_opt(&self) -> Outcome {
        let version = setting("Trunk.toml", "wasm_opt")?;
        let number = version.trim_start_matches("version_").to_owned();
        let home = trunk_cache()?.join(format!("wasm-opt-{version}"));
        let program = home.join("bin/wasm-opt");
        let installed = self.version("wasm-opt");
        if program.exists() || installed.is_some_and(|words| words.contains(&number)) {
            return Ok(());
        }
        if cfg!(windows) {
            // npm has it as a script, which Windows does not run by itself.
            eprintln!("trunk will download wasm-opt {number} from GitHub");
            return Ok(());
        }
        step(&format!("Installing wasm-opt {number}, by npm’s binaryen"));
        fs::create_dir_all(home.join("bin"))?;
        self.npm(&home, &format!("binaryen@{number}"))?;
        // What an earlier try may have left, and points nowhere.
        let _ = fs::remove_file(&program);
        #[cfg(unix)]
        std::os::unix::fs::symlink("../node_modules/binaryen/bin/wasm-opt", &program)?;
        Ok(())
    }

    /// Where the tests look for it: beside what else is made for them.
    fn axe(&self) -> Outcome {
        let home = root().join("target/axe");
        let package = home.join("node_modules/axe-core/package.json");
        let version = format!("\"version\": \"{AXE}\"");
        if fs::read_to_string(package).is_ok_and(|text| text.contains(&version)) {
            return Ok(());
        }
        step(&format!("Installing axe-core {AXE}, by npm"));
        fs::create_dir_all(&home)?;
        self.npm(&home, &format!("axe-core@{AXE}"))
    }

    /// Installs a package of npm's into a folder of its own.
    fn npm(&self, home: &Path, package: &str) -> Outcome {
        if self.find("npm").is_none() {
            self.apt(
                &["nodejs", "npm"],
                "Install Node.js with npm (https://nodejs.org)",
            )?;
        }
        run(self
            .command("npm")
            .args([
                "install",
                "--no-save",
                "--no-fund",
                "--no-audit",
                "--prefix",
            ])
            .arg(home)
            .arg(package))
    }

    fn chromium(&self) -> Outcome {
        let browsers = ["chromium", "chromium-browser", "google-chrome"];
        let browser = browsers.iter().any(|name| self.find(name).is_some());
        if browser && self.find("chromedriver").is_some() {
            return Ok(());
        }
        self.apt(
            &["chromium", "chromium-driver"],
            "Install Chromium or Chrome, and the chromedriver of the same version, on your PATH \
             (https://googlechromelabs.github.io/chrome-for-testing)",
        )
    }

    fn firefox(&self) -> Outcome {
        if self.find("firefox").is_some() || self.find("firefox-esr").is_some() {
            return Ok(());
        }
        self.apt(
            &["firefox-esr"],
            "Install Firefox, on your PATH (https://www.firefox.com)",
        )
    }

    fn webkit(&self) -> Outcome {
        if !cfg!(target_os = "linux") {
            // WebKitGTK is nowhere else, and the tests say so.
            return Ok(());
        }
        let is_there = match is_debian() {
            true => WEBKIT.iter().all(|package| self.has_package(package)),
            false => self.find("WebKitWebDriver").is_some() && self.find("Xvfb").is_some(),
        };
        if is_there {
            return Ok(());
        }
        self.apt(
            &WEBKIT,
            "Install WebKitGTK with its WebKitWebDriver and its MiniBrowser, Xvfb, and GStreamer’s \
             plugins (base, good, bad, libav)",
        )
    }

    fn geckodriver(&self) -> Outcome {
        if self.version("geckodriver").is_some() {
            return Ok(());
        }
        step(&format!(
            "Installing geckodriver {GECKODRIVER}: compiles it, about two minutes"
        ));
        run(self
            .cargo_install("geckodriver", GECKODRIVER)
            .arg("--locked"))
    }

    /// Tools are compiled to be there soon: for the seconds that they run, speed matters little.
    fn cargo_install(&self, name: &str, version: &str) -> Command {
        let mut command = self.command("cargo");
        command
            .args(["install", name, "--version", version])
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        command
    }

    /// Whether a package of Debian's is installed, and not only known.
    fn has_package(&self, name: &str) -> bool {
        let asked = self
            .command("dpkg-query")
            .args(["--show", "--showformat", "${db:Status-Status}", name])
            .stderr(Stdio::null())
            .output();
        asked.is_ok_and(|answer| answer.stdout == b"installed")
    }

    /// Installs Debian's packages. On another system, or without the right to, it says what to do.
    fn apt(&self, packages: &[&str], otherwise: &str) -> Outcome {
        if !is_debian() {
            return Err(format!("{otherwise}, then run this again").into());
        }
        let packages = packages.join(" ");
        if !is_root() {
            let update = "sudo apt-get update";
            let install = format!("sudo apt-get install --no-install-recommends {packages}");
            return Err(format!("Run `{update} && {install}`, then this again").into());
        }
        step(&format!("Installing {packages}, by apt"));
        run(self.command("apt-get").arg("update"))?;
        run(self
            .command("apt-get")
            .args(["install", "--yes", "--no-install-recommends"])
            .args(packages.split(' '))
            .env("DEBIAN_FRONTEND", "noninteractive"))
    }
}

/// Whether the packages have the names that they have in Debian: in Ubuntu, say, they have not.
fn is_debian() -> bool {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    release.lines().any(|line| line == "ID=debian")
}

fn is_root() -> bool {
    let asked = Command::new("id").arg("-u").output();
    asked.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

fn home() -> Outcome<PathBuf> {
    let home = env::home_dir().ok_or("there is no home directory")?;
    Ok(home)
}

fn cargo_home() -> Outcome<PathBuf> {
    match env::var_os("CARGO_HOME") {
        Some(place) => Ok(place.into()),
        None => Ok(home()?.join(".cargo")),
    }
}

/// Where trunk keeps what it has downloaded.
fn trunk_cache() -> Outcome<PathBuf> {
    if cfg!(target_os = "macos") {
        return Ok(home()?.join("Library/Caches/dev.trunkrs.trunk"));
    }
    if cfg!(windows) {
        let local = env::var_os("LOCALAPPDATA").ok_or("LOCALAPPDATA is not set")?;
        return Ok(PathBuf::from(local).join("trunkrs/trunk/cache"));
    }
    match env::var_os("XDG_CACHE_HOME") {
        Some(place) => Ok(PathBuf::from(place).join("trunk")),
        None => Ok(home()?.join(".cache/trunk")),
    }
}

/// The version of a crate in Cargo.lock.
fn locked(name: &str) -> Outcome<String> {
    let lock = fs::read_to_string(root().join("Cargo.lock"))?;
    let entry = format!("name = \"{name}\"\nversion = \"");
    let (_, rest) = lock
        .split_once(&entry)
        .ok_or(format!("Cargo.lock has no {name}"))?;
    let (version, _) = rest.split_once('"').ok_or("Cargo.lock is cut off")?;
    Ok(version.into())
}

/// A string in one of the project's own settings files.
fn setting(file: &str, key: &str) -> Outcome<String> {
    let text = fs::read_to_string(root().join(file))?;
    let start = format!("{key} = \"");
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(&start)?.strip_suffix('"'));
    Ok(value.ok_or(format!("{file} has no {key}"))?.into())
}
