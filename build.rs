//! Names the build after what it is made of, so that the page can tell a worker of its own build
//! from one out of an old cache.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

fn main() {
    let mut hasher = DefaultHasher::new();
    for place in [
        "Cargo.toml",
        "Cargo.lock",
        "build.rs",
        "src",
        "assets/worker_loader.js",
        "trim",
    ] {
        println!("cargo::rerun-if-changed={place}");
        hash(Path::new(place), &mut hasher);
    }
    // A debug build and a release build of the same sources are two builds.
    std::env::var("PROFILE").ok().hash(&mut hasher);
    println!("cargo::rustc-env=BUILD_ID={:016x}", hasher.finish());
}

fn hash(place: &Path, hasher: &mut DefaultHasher) {
    place.hash(hasher);
    if let Ok(entries) = fs::read_dir(place) {
        let mut places: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        places.sort();
        for place in places {
            hash(&place, hasher);
        }
    } else {
        fs::read(place).ok().hash(hasher);
    }
}
