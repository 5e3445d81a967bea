//! Installs the tools that the commands need.
//!
//! They come from cargo, rustup, npm and Debian's apt, because not every network reaches GitHub.
//! wasm-bindgen and wasm-opt, which trunk would download from GitHub, go to trunk's cache, so that plain
//! `trunk serve` finds them.

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
/// Version of axe-core, which a browser test uses to check the page's accessibility.
const AXE: &str = "4.14.1";

/// Debian's packages of WebKitGTK's driver, its virtual display and its decoders.
const WEBKIT_PACKAGES: [&str; 6] = [
    "webkit2gtk-driver",
    "xvfb",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-plugins-bad",
    "gstreamer1.0-libav",
];

/// The installed tools.
pub struct Tools {
    /// `PATH` with cargo's `bin` in front.
    path: OsString,
}

impl Tools {
    /// Installs trunk and what it calls: wasm-opt for a release only.
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

    /// Installs everything for building and testing: also three browsers and their drivers.
    pub fn for_testing() -> Outcome<Self> {
        let tools = Self::new()?;
        // First the tools that may have to be installed by hand, because compiling the others takes minutes.
        tools.chromium()?;
        tools.firefox()?;
        tools.webkit()?;
        tools.components()?;
        tools.geckodriver()?;
        tools.axe()?;
        Self::for_building(true)
    }

    /// Installs rustfmt.
    pub fn for_renaming() -> Outcome<Self> {
        let tools = Self::new()?;
        tools.components()?;
        Ok(tools)
    }

    fn new() -> Outcome<Self> {
        // The shell that installed rustup does not have cargo's `bin` on its PATH yet.
        let mut folders = vec![cargo_home()?.join("bin")];
        folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        Ok(Self {
            path: env::join_paths(folders)?,
        })
    }

    /// A command with the tools on its `PATH`.
    pub fn command(&self, program: &str) -> Command {
        // Windows looks for the program itself on the parent's PATH, not on the command's.
        let mut command = Command::new(self.find(program).unwrap_or_else(|| program.into()));
        command.env("PATH", &self.path);
        command
    }

    fn find(&self, program: &str) -> Option<PathBuf> {
        env::split_paths(&self.path)
            .map(|folder| folder.join(format!("{program}{}", env::consts::EXE_SUFFIX)))
            .find(|file| file.is_file())
    }

    /// The output of `program --version`; `None` if there is no such program or it fails.
    fn version(&self, program: &str) -> Option<String> {
        self.find(program)?;
        let output = self
            .command(program)
            .arg("--version")
            .stderr(Stdio::null())
            .output()
            .ok()?;
        let version = String::from_utf8_lossy(&output.stdout).trim().into();
        output.status.success().then_some(version)
    }

    fn wasm_target(&self) -> Outcome {
        let output = self
            .command("rustc")
            .args([
                "--print",
                "target-libdir",
                "--target",
                "wasm32-unknown-unknown",
            ])
            .current_dir(root())
            .output()?;
        if Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir() {
            return Ok(());
        }
        self.rustup(&["target", "add", "wasm32-unknown-unknown"])
    }

    fn components(&self) -> Outcome {
        let works = |program| self.version(program).is_some();
        if works("cargo-clippy") && works("rustfmt") {
            return Ok(());
        }
        self.rustup(&["component", "add", "clippy", "rustfmt"])
    }

    fn rustup(&self, arguments: &[&str]) -> Outcome {
        if self.find("rustup").is_none() {
            let command = arguments.join(" ");
            return Err(format!(
                "Rust lacks a component. With rustup (https://rustup.rs), run `rustup {command}`, then this again."
            )
            .into());
        }
        step(&format!("rustup {}", arguments.join(" ")));
        run(self.command("rustup").args(arguments))
    }

    fn trunk(&self) -> Outcome {
        match self.version("trunk") {
            Some(version) if version.starts_with("trunk 0.21.") => return Ok(()),
            Some(version) => {
                return Err(format!(
                    "{version} is installed, but this project needs {TRUNK}. To replace it, run \
                     `cargo install trunk --version {TRUNK} --locked`, then this again."
                )
                .into());
            }
            None => {}
        }
        step(&format!("Compiling trunk {TRUNK} (five to ten minutes)"));
        run(self.cargo_install("trunk", TRUNK).arg("--locked"))
    }

    /// Installs wasm-bindgen in the version of its crate in Cargo.lock: it refuses wasm of another version.
    fn wasm_bindgen(&self) -> Outcome {
        let version = locked("wasm-bindgen")?;
        let folder = trunk_cache()?.join(format!("wasm-bindgen-{version}"));
        let program = folder.join(format!("wasm-bindgen{}", env::consts::EXE_SUFFIX));
        let installed = self.version("wasm-bindgen");
        if program.is_file() || installed.is_some_and(|output| output.ends_with(&version)) {
            return Ok(());
        }
        step(&format!(
            "Compiling wasm-bindgen {version} (two to five minutes)"
        ));
        run(self
            .cargo_install("wasm-bindgen-cli", &version)
            .arg("--root")
            .arg(&folder))?;
        // cargo installs into `bin`; trunk looks in the folder above.
        fs::copy(
            folder
                .join("bin")
                .join(program.file_name().ok_or("not a file")?),
            &program,
        )?;
        Ok(())
    }

    /// Installs wasm-opt in the version of Trunk.toml, so that every machine builds the same bytes.
    fn wasm_opt(&self) -> Outcome {
        let version = setting(&root().join("Trunk.toml"), "wasm_opt")?;
        let number = version.trim_start_matches("version_").to_owned();
        let folder = trunk_cache()?.join(format!("wasm-opt-{version}"));
        let program = folder.join("bin/wasm-opt");
        let installed = self.version("wasm-opt");
        if program.exists() || installed.is_some_and(|output| output.contains(&number)) {
            return Ok(());
        }
        if cfg!(windows) {
            // npm's wasm-opt is a Node script, which trunk cannot start on Windows.
            eprintln!("trunk downloads wasm-opt {number} from GitHub");
            return Ok(());
        }
        step(&format!(
            "Installing wasm-opt {number} (npm install binaryen)"
        ));
        fs::create_dir_all(folder.join("bin"))?;
        self.npm(&folder, &format!("binaryen@{number}"))?;
        // An interrupted installation may have left a dangling link.
        let _ = fs::remove_file(&program);
        #[cfg(unix)]
        std::os::unix::fs::symlink("../node_modules/binaryen/bin/wasm-opt", &program)?;
        Ok(())
    }

    /// Installs axe-core into `target/axe`, where the tests look for it.
    fn axe(&self) -> Outcome {
        let folder = root().join("target/axe");
        let package = folder.join("node_modules/axe-core/package.json");
        let version = format!("\"version\": \"{AXE}\"");
        if fs::read_to_string(package).is_ok_and(|text| text.contains(&version)) {
            return Ok(());
        }
        step(&format!("Installing axe-core {AXE} (npm install)"));
        fs::create_dir_all(&folder)?;
        self.npm(&folder, &format!("axe-core@{AXE}"))
    }

    /// Installs an npm package into a folder.
    fn npm(&self, folder: &Path, package: &str) -> Outcome {
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
            .arg(folder)
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
            "Install Chromium or Chrome and the chromedriver of the same version on your PATH \
             (`npx @puppeteer/browsers install chrome@stable`, then the same with chromedriver@stable)",
        )
    }

    fn firefox(&self) -> Outcome {
        if self.find("firefox").is_some() || self.find("firefox-esr").is_some() {
            return Ok(());
        }
        self.apt(
            &["firefox-esr"],
            "Install Firefox on your PATH (https://www.firefox.com)",
        )
    }

    fn webkit(&self) -> Outcome {
        if !cfg!(target_os = "linux") {
            // WebKitGTK runs on Linux only; the tests skip it elsewhere and say so.
            return Ok(());
        }
        let is_installed = match is_debian() {
            true => WEBKIT_PACKAGES
                .iter()
                .all(|package| self.has_package(package)),
            false => self.find("WebKitWebDriver").is_some() && self.find("Xvfb").is_some(),
        };
        if is_installed {
            return Ok(());
        }
        self.apt(
            &WEBKIT_PACKAGES,
            "Install WebKitGTK with WebKitWebDriver and MiniBrowser, Xvfb, and GStreamer’s plugins (base, \
             good, bad, libav); in Ubuntu, `sudo apt-get install webkit2gtk-driver xvfb \
             gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad \
             gstreamer1.0-libav`",
        )
    }

    fn geckodriver(&self) -> Outcome {
        if self.version("geckodriver").is_some() {
            return Ok(());
        }
        step(&format!(
            "Compiling geckodriver {GECKODRIVER} (two minutes)"
        ));
        run(self
            .cargo_install("geckodriver", GECKODRIVER)
            .arg("--locked"))
    }

    /// `cargo install` with little optimization: trunk compiles in 9 instead of 20 minutes on two cores.
    fn cargo_install(&self, name: &str, version: &str) -> Command {
        let mut command = self.command("cargo");
        command
            .args(["install", name, "--version", version])
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        command
    }

    /// Whether a Debian package is installed.
    fn has_package(&self, name: &str) -> bool {
        let output = self
            .command("dpkg-query")
            .args(["--show", "--showformat", "${db:Status-Status}", name])
            .stderr(Stdio::null())
            .output();
        output.is_ok_and(|output| output.stdout == b"installed")
    }

    /// Installs Debian packages as root.
    ///
    /// # Errors
    /// As another user: the command to type. On another system: `instructions`.
    fn apt(&self, packages: &[&str], instructions: &str) -> Outcome {
        if !is_debian() {
            return Err(format!("{instructions}, then run this again.").into());
        }
        let packages = packages.join(" ");
        if !is_root() {
            let update = "sudo apt-get update";
            let install = format!("sudo apt-get install --no-install-recommends {packages}");
            return Err(format!("Run `{update} && {install}`, then this again.").into());
        }
        step(&format!("apt-get install {packages}"));
        run(self.command("apt-get").arg("update"))?;
        run(self
            .command("apt-get")
            .args(["install", "--yes", "--no-install-recommends"])
            .args(packages.split(' '))
            .env("DEBIAN_FRONTEND", "noninteractive"))
    }
}

/// Whether this is Debian. Ubuntu does not count: its Chromium and Firefox are snaps instead of packages.
fn is_debian() -> bool {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    release.lines().any(|line| line == "ID=debian")
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

fn home() -> Outcome<PathBuf> {
    let home = env::home_dir().ok_or("there is no home directory")?;
    Ok(home)
}

fn cargo_home() -> Outcome<PathBuf> {
    match env::var_os("CARGO_HOME") {
        Some(folder) => Ok(folder.into()),
        None => Ok(home()?.join(".cargo")),
    }
}

/// The folder of the tools that trunk downloads.
fn trunk_cache() -> Outcome<PathBuf> {
    if cfg!(target_os = "macos") {
        return Ok(home()?.join("Library/Caches/dev.trunkrs.trunk"));
    }
    if cfg!(windows) {
        let local = env::var_os("LOCALAPPDATA").ok_or("LOCALAPPDATA is not set")?;
        return Ok(PathBuf::from(local).join("trunkrs/trunk/cache"));
    }
    match env::var_os("XDG_CACHE_HOME") {
        Some(folder) => Ok(PathBuf::from(folder).join("trunk")),
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

/// The first `key = "value"` in a TOML file.
pub fn setting(file: &Path, key: &str) -> Outcome<String> {
    let text = fs::read_to_string(file)?;
    let start = format!("{key} = \"");
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(&start)?.strip_suffix('"'));
    Ok(value
        .ok_or(format!("{} has no {key}", file.display()))?
        .into())
}
