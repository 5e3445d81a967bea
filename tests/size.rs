//! What crosses the network before the first frame. `cargo xtask test budget --nocapture` prints it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test cannot go on without, it fails for"
)]

use std::{fs, io::Write, path::Path};

use flate2::{Compression, write::GzEncoder};

/// Bytes of JavaScript and wasm, gzipped at level 9: of the worker, of the lab, which is fetched when
/// somebody opens it and holds a player of its own, and of the page, which is all the rest.
const BUDGETS: [(&str, usize); 3] = [("worker", 75_000), ("lab", 172_000), ("page", 90_000)];

#[test]
fn scripts_and_wasm_stay_within_their_budgets() {
    let site = std::env::var("SITE").expect("no site to measure: run `cargo xtask test`");
    let mut files = Vec::new();
    collect(Path::new(&site), &mut files);
    files.sort();
    assert!(files.len() >= 6, "the site lacks something: {files:?}");
    for (thread, budget) in BUDGETS {
        let is_here = |name: &str| program(name) == thread;
        let mut total = 0;
        for (name, bytes) in files.iter().filter(|(name, _)| is_here(name)) {
            println!("{:>7.1} kB  {name}", *bytes as f64 / 1000.0);
            total += bytes;
        }
        println!("{:>7.1} kB  {thread}, gzipped", total as f64 / 1000.0);
        assert!(
            total <= budget,
            "the {thread}'s {total} bytes gzipped are over {budget}"
        );
    }
}

/// Which program a file belongs to.
fn program(name: &str) -> &str {
    let of_the_lab = name.starts_with("lab.") || name.starts_with("lab_bg");
    match name.starts_with("worker") {
        true => "worker",
        false if of_the_lab => "lab",
        false => "page",
    }
}

fn collect(folder: &Path, files: &mut Vec<(String, usize)>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path
            .extension()
            .is_some_and(|kind| kind == "js" || kind == "wasm")
        {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(&fs::read(&path).unwrap()).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // The lab brings a script for workers of its own.
            // By where it comes from, whatever the folders are called that the site lies in.
            let is_labs = path.to_string_lossy().contains("/src/bin/lab/");
            let name = if is_labs {
                "lab.".to_owned() + &name
            } else {
                name
            };
            files.push((name, encoder.finish().unwrap().len()));
        }
    }
}
