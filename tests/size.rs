//! What crosses the network before the first frame. `cargo xtask test budget --nocapture` prints it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test cannot go on without, it fails for"
)]

use std::{fs, io::Write, path::Path};

use flate2::{Compression, write::GzEncoder};

/// Bytes of JavaScript and wasm, gzipped at level 9: of the worker, and of the page.
const BUDGETS: [(&str, usize); 2] = [("worker", 75_500), ("page", 87_500)];

#[test]
fn scripts_and_wasm_stay_within_their_budgets() {
    let site = std::env::var("SITE").expect("no site to measure: run `cargo xtask test`");
    let mut files = Vec::new();
    collect(Path::new(&site), &mut files);
    files.sort();
    assert!(files.len() >= 6, "the site lacks something: {files:?}");
    for (thread, budget) in BUDGETS {
        let is_here = |name: &str| name.starts_with("worker") == (thread == "worker");
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
            files.push((name, encoder.finish().unwrap().len()));
        }
    }
}
