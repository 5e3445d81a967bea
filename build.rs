//! Sets `BUILD_ID`, a hash of the sources, by which the page refuses a worker of another build.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

fn main() {
    let mut hasher = DefaultHasher::new();
    for path in [
        "Cargo.toml",
        "Cargo.lock",
        "build.rs",
        "src",
        "remux/src",
        "assets/worker_loader.js",
    ] {
        println!("cargo::rerun-if-changed={path}");
        hash(Path::new(path), &mut hasher);
    }
    // A debug build and a release build of the same sources differ.
    std::env::var("PROFILE").ok().hash(&mut hasher);
    println!("cargo::rustc-env=BUILD_ID={:016x}", hasher.finish());
}

/// Hashes a file, or all files of a folder in a fixed order, with their paths.
fn hash(path: &Path, hasher: &mut DefaultHasher) {
    path.hash(hasher);
    if let Ok(entries) = fs::read_dir(path) {
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            hash(&path, hasher);
        }
    } else {
        fs::read(path).ok().hash(hasher);
    }
}
