//! Runs each target of `fuzz/` with thousands of mutated inputs, which are the same in every run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::{fs, panic, path::Path, thread};

/// Replacements for numbers, names and quotes.
const REPLACEMENTS: [&str; 16] = [
    "18446744073709551615",
    "9223372036854775808",
    "4294967296",
    "999999999999.999999999",
    "0",
    "-1",
    "",
    "é",
    "\"",
    "<",
    ">",
    "&#x10ffff;",
    "\n#EXTINF:0.0000001,\n",
    "$Number%099d$$Time$",
    "PT99999999999H",
    "\0",
];

/// A pseudorandom generator with a fixed seed (Marsaglia's xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// Start and end of a random part of `length` bytes.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let start = self.below(length + 1);
        let longest = [4, 64, 1024, length][self.below(4)];
        (start, length.min(start + self.below(longest + 1)))
    }
}

/// Mutates an input, perhaps with a part of another one.
fn mutate(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let (start, end) = random.range(bytes.len());
    match random.below(7) {
        0 => bytes[start..end]
            .iter_mut()
            .take(3)
            .for_each(|byte| *byte = random.next() as u8),
        1 => bytes[start..end]
            .iter_mut()
            .take(1)
            .for_each(|byte| *byte ^= 1 << (random.next() % 8)),
        2 => drop(bytes.drain(start..end)),
        3 => {
            let copy = bytes[start..end].to_vec();
            bytes.splice(start..start, copy);
        }
        4 => {
            let (from, to) = random.range(other.len());
            bytes.splice(start..end, other[from..to].iter().copied());
        }
        // Replaces the next number or name.
        _ => {
            let rest = &bytes[start..];
            let from = rest.iter().position(u8::is_ascii_alphanumeric).unwrap_or(0);
            let is_other = |byte: &u8| !byte.is_ascii_alphanumeric();
            let length = rest[from..].iter().position(is_other).unwrap_or(0);
            let replacement = REPLACEMENTS[random.below(REPLACEMENTS.len())];
            bytes.splice(start + from..start + from + length, replacement.bytes());
        }
    }
}

/// Runs a target with the seeds, and with `count` inputs: seeds that were mutated one to four times.
fn run(target: fn(&[u8]), seeds: &[Vec<u8>], count: u32) {
    assert!(!seeds.is_empty());
    seeds.iter().for_each(|seed| target(seed));
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for index in 0..count {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(4) {
            let other = random.below(seeds.len());
            mutate(&mut bytes, &seeds[other], &mut random);
        }
        // Repeated duplication would make inputs grow without limit.
        bytes.truncate(1 << 18);
        if let Err(reason) = panic::catch_unwind(|| target(&bytes)) {
            let test = thread::current().name().unwrap_or_default().to_owned();
            let file = std::env::temp_dir().join(format!("fuzz-{test}"));
            fs::write(&file, &bytes).unwrap();
            println!("failed for input {index}, which is in {}", file.display());
            panic::resume_unwind(reason);
        }
    }
}

/// The files in some folders whose names end with `suffix`.
fn seeds(folders: &[&str], suffix: &str) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    for folder in folders {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let files = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        paths.extend(
            files.filter(|path| path.is_file() && path.to_str().unwrap().ends_with(suffix)),
        );
    }
    paths.sort();
    assert!(!paths.is_empty(), "no seeds");
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn mutated_mpds_are_handled() {
    let folders = [
        "tests/manifests",
        "tests/media",
        "tests/media/h264",
        "tests/media/ondemand",
        "tests/streams/6339",
    ];
    let mut seeds = seeds(&folders, ".mpd");
    seeds.retain(|seed| seed.len() < 1 << 15);
    run(targets::dash, &seeds, 4000);
}

#[test]
fn mutated_playlists_are_handled() {
    let folders = ["tests/manifests", "tests/media/packed", "assets/film"];
    run(targets::hls, &seeds(&folders, ".m3u8"), 20_000);
}

#[test]
fn mutated_boxes_are_handled() {
    let folders = ["tests/media/packed", "tests/media/vp9/video"];
    let mut all_seeds = seeds(&folders, "init.mp4");
    // A segment after its init segment, so that its time is read.
    let segment = seeds(&["tests/media/packed"], "muxed-1.m4s").concat();
    let both = [&all_seeds[0], &segment[..1024]].concat();
    all_seeds.push(both);
    for mut file in seeds(&["tests/media/ondemand"], ".mp4") {
        file.truncate(2048);
        all_seeds.push(file);
    }
    run(targets::mp4, &all_seeds, 20_000);
}

#[test]
fn mutated_file_starts_are_handled() {
    let mut seeds = seeds(&["tests/media/packed", "assets/film"], "");
    seeds.iter_mut().for_each(|seed| seed.truncate(512));
    run(targets::sniff, &seeds, 20_000);
}

#[test]
fn mutated_captions_are_handled() {
    let mut seeds = seeds(&["assets/film"], ".vtt");
    // Preceded by the bytes of a time offset.
    seeds
        .iter_mut()
        .for_each(|seed| drop(seed.splice(0..0, [0, 0, 3, 7])));
    run(targets::captions, &seeds, 20_000);
}

#[test]
fn mutated_numbers_are_handled() {
    let seeds = ["9.984", "18446744073709551615", ".5", "7.", "0.0000000001"];
    run(targets::number, &seeds.map(Vec::from), 20_000);
}
