//! Checks the size of the files that are transferred before the first frame.
//!
//! `cargo xtask test size_budget --nocapture` builds a release and prints the table.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use brotli::CompressorWriter;
use flate2::{Compression, write::GzEncoder};

/// Maximum size of page and worker together, in bytes after gzip -9.
const BUDGET: usize = 392_000;

/// Maximum size of each module that reads media, in bytes after gzip -9.
const MEDIA_BUDGET: usize = 40_000;

/// One file of the site.
struct File {
    /// Relative to the site, with `/`.
    path: String,
    content: Vec<u8>,
}

/// The program that a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Page,
    Worker,
    /// Loaded for streams and files in MPEG-TS.
    Remuxer,
    /// Loaded for MP4 and QuickTime files.
    Mp4File,
    /// Loaded for WebM and Matroska files.
    MatroskaFile,
    /// Loaded when its section of the page is opened, so it does not count.
    Lab,
}

#[derive(Clone, Copy, Default)]
struct Size {
    plain: usize,
    gzip: usize,
    brotli: usize,
}

impl Size {
    fn of(content: &[u8]) -> Self {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(content).unwrap();
        // Quality 11 and a window of 4 MB, as hosts compress files in advance.
        let mut brotli = CompressorWriter::new(Vec::new(), 4096, 11, 22);
        brotli.write_all(content).unwrap();
        Self {
            plain: content.len(),
            gzip: gzip.finish().unwrap().len(),
            brotli: brotli.into_inner().len(),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            plain: self.plain + other.plain,
            gzip: self.gzip + other.gzip,
            brotli: self.brotli + other.brotli,
        }
    }

    fn print(self, name: &str) {
        let [plain, gzip, brotli] = [self.plain, self.gzip, self.brotli].map(|n| n as f64 / 1000.0);
        println!("{plain:>7.1} {gzip:>7.1} {brotli:>7.1}  {name}");
    }
}

#[test]
fn page_and_worker_are_within_the_size_budget() {
    let site = std::env::var("SITE").expect("SITE is not set: run `cargo xtask test`");
    let files = read_site(Path::new(&site));
    println!("  plain    gzip  brotli  (kB)");
    let parts = [
        Part::Page,
        Part::Worker,
        Part::Remuxer,
        Part::Mp4File,
        Part::MatroskaFile,
        Part::Lab,
    ];
    let [page, worker, remuxer, mp4, matroska, _lab] = parts.map(|part| {
        let mut total = Size::default();
        for file in files
            .iter()
            .filter(|file| part_of(file, &files) == Some(part))
        {
            let size = Size::of(&file.content);
            size.print(&file.path);
            total = total.plus(size);
        }
        total.print(&format!("{part:?}\n"));
        total
    });
    let start = page.plus(worker);
    start.print("before the first frame: page and worker");
    for (name, size) in [
        ("remux", remuxer),
        ("mp4_file", mp4),
        ("matroska_file", matroska),
    ] {
        assert!(
            (10_000..=MEDIA_BUDGET).contains(&size.gzip),
            "{name}: {} bytes of gzip, the budget is {MEDIA_BUDGET}",
            size.gzip
        );
    }
    for (name, size) in [("page", page), ("worker", worker)] {
        assert!(size.gzip > 30_000, "files of the {name} are missing");
    }
    assert!(
        start.gzip <= BUDGET,
        "page and worker: {} bytes of gzip, the budget is {BUDGET}",
        start.gzip
    );
}

/// The program that a file belongs to; `None` for icons and the sample video, which the first frame does not need.
fn part_of(file: &File, files: &[File]) -> Option<Part> {
    let path = file.path.as_str();
    if path.starts_with("snippets/") {
        let imported_by = |glue: &str| {
            files.iter().any(|file| {
                file.path.starts_with(glue)
                    && file.path.ends_with(".js")
                    && String::from_utf8_lossy(&file.content).contains(path)
            })
        };
        return Some(if imported_by("app-") {
            Part::Page
        } else if imported_by("worker") {
            Part::Worker
        } else {
            Part::Lab
        });
    }
    let (name, extension) = path.rsplit_once('.')?;
    match extension {
        _ if name.contains('/') => None,
        "js" | "wasm" if name.starts_with("worker") => Some(Part::Worker),
        "wasm" if name == "remux_bg" => Some(Part::Remuxer),
        "wasm" if name == "mp4_file_bg" => Some(Part::Mp4File),
        "wasm" if name == "matroska_file_bg" => Some(Part::MatroskaFile),
        // Their glue code is empty, and nothing loads it.
        "js" if matches!(name, "remux" | "mp4_file" | "matroska_file") => None,
        "js" | "wasm" if name == "lab" || name == "lab_bg" => Some(Part::Lab),
        "js" | "wasm" | "css" | "html" => Some(Part::Page),
        _ => None,
    }
}

/// All files of the site, in the order of their paths.
fn read_site(site: &Path) -> Vec<File> {
    let mut paths = Vec::new();
    collect(site, &mut paths);
    paths.sort();
    let read = |path: PathBuf| File {
        path: path
            .strip_prefix(site)
            .unwrap()
            .to_string_lossy()
            .replace('\\', "/"),
        content: fs::read(&path).unwrap(),
    };
    paths.into_iter().map(read).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else {
            paths.push(path);
        }
    }
}
