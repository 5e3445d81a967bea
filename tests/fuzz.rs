//! The readers, given what is broken in every way: each target of `fuzz/` for some thousand times, always
//! with the same inputs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test cannot go on without, it fails for"
)]

#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::{fs, panic, path::Path, thread};

/// What numbers, names and quotes are replaced by.
const WORDS: [&str; 16] = [
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

/// A generator of numbers that are always the same ones (Marsaglia's xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.roll() % limit.max(1) as u64) as usize
    }

    /// A piece of something: from where, to where.
    fn piece(&mut self, length: usize) -> (usize, usize) {
        let start = self.below(length + 1);
        let longest = [4, 64, 1024, length][self.below(4)];
        (start, length.min(start + self.below(longest + 1)))
    }
}

/// Breaks something, with the help of something else of its kind.
fn mutate(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let (start, end) = dice.piece(bytes.len());
    match dice.below(7) {
        0 => bytes[start..end]
            .iter_mut()
            .take(3)
            .for_each(|byte| *byte = dice.roll() as u8),
        1 => bytes[start..end]
            .iter_mut()
            .take(1)
            .for_each(|byte| *byte ^= 1 << (dice.roll() % 8)),
        2 => drop(bytes.drain(start..end)),
        3 => {
            let piece = bytes[start..end].to_vec();
            bytes.splice(start..start, piece);
        }
        4 => {
            let (from, to) = dice.piece(other.len());
            bytes.splice(start..end, other[from..to].iter().copied());
        }
        // The next number or name becomes another.
        _ => {
            let rest = &bytes[start..];
            let from = rest.iter().position(u8::is_ascii_alphanumeric).unwrap_or(0);
            let is_other = |byte: &u8| !byte.is_ascii_alphanumeric();
            let length = rest[from..].iter().position(is_other).unwrap_or(0);
            let word = WORDS[dice.below(WORDS.len())];
            bytes.splice(start + from..start + from + length, word.bytes());
        }
    }
}

/// Gives a target `times` inputs, each of them a seed that was broken up to four times.
fn run(target: fn(&[u8]), seeds: &[Vec<u8>], times: u32) {
    assert!(!seeds.is_empty());
    seeds.iter().for_each(|seed| target(seed));
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    for time in 0..times {
        let mut bytes = seeds[dice.below(seeds.len())].clone();
        for _ in 0..=dice.below(4) {
            let other = dice.below(seeds.len());
            mutate(&mut bytes, &seeds[other], &mut dice);
        }
        // What doubles again and again is no worse than what is long.
        bytes.truncate(1 << 18);
        if let Err(reason) = panic::catch_unwind(|| target(&bytes)) {
            let test = thread::current().name().unwrap_or_default().to_owned();
            let file = std::env::temp_dir().join(format!("broken-{test}"));
            fs::write(&file, &bytes).unwrap();
            println!("broken by input {time}, which is in {}", file.display());
            panic::resume_unwind(reason);
        }
    }
}

/// The files in some folders whose names end so.
fn seeds(folders: &[&str], end: &str) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    for folder in folders {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let there = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
        paths.extend(there.filter(|path| path.is_file() && path.to_str().unwrap().ends_with(end)));
    }
    paths.sort();
    assert!(!paths.is_empty(), "where are the seeds?");
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn mpds() {
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
fn playlists() {
    let folders = ["tests/manifests", "tests/media/packed", "assets/film"];
    run(targets::hls, &seeds(&folders, ".m3u8"), 20_000);
}

#[test]
fn boxes() {
    let folders = ["tests/media/packed", "tests/media/vp9/video"];
    let mut seeds_of_init = seeds(&folders, "init.mp4");
    // The time of a segment is read by what its init segment says.
    let segment = seeds(&["tests/media/packed"], "muxed-1.m4s").concat();
    let both = [&seeds_of_init[0], &segment[..1024]].concat();
    seeds_of_init.push(both);
    for mut file in seeds(&["tests/media/ondemand"], ".mp4") {
        file.truncate(2048);
        seeds_of_init.push(file);
    }
    run(targets::mp4, &seeds_of_init, 20_000);
}

#[test]
fn beginnings() {
    let mut seeds = seeds(&["tests/media/packed", "assets/film"], "");
    seeds.iter_mut().for_each(|seed| seed.truncate(512));
    run(targets::sniff, &seeds, 20_000);
}

#[test]
fn captions() {
    let mut seeds = seeds(&["assets/film"], ".vtt");
    // With a time that they are moved by before them.
    seeds
        .iter_mut()
        .for_each(|seed| drop(seed.splice(0..0, [0, 0, 3, 7])));
    run(targets::captions, &seeds, 20_000);
}

#[test]
fn numbers() {
    let seeds = ["9.984", "18446744073709551615", ".5", "7.", "0.0000000001"];
    run(targets::number, &seeds.map(Vec::from), 20_000);
}
