//! The fuzz target, for some thousand inputs, always the same ones: streams that are broken in every way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "hostile/check.rs"]
mod check;

use std::{fs, path::Path};

const PACKET: usize = 188;

/// Numbers that are always the same ones (Marsaglia's xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 as usize
    }

    fn below(&mut self, limit: usize) -> usize {
        self.next() % limit.max(1)
    }
}

#[test]
fn broken_streams_and_layers_do_not_panic() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams");
    let mut streams: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    streams.retain(|path| path.extension().is_some_and(|extension| extension == "ts"));
    streams.sort();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for path in streams {
        let bytes = fs::read(&path).unwrap();
        for _ in 0..100 {
            // The tables come first, then some part of the stream.
            let packets = 4 + random.below(100);
            let from = random.below(bytes.len() / PACKET) * PACKET;
            let to = bytes.len().min(from + packets * PACKET);
            let mut input = bytes[..bytes.len().min(4 * PACKET)].to_vec();
            input.extend_from_slice(&bytes[from..to]);
            for _ in 0..random.below(20) {
                let at = random.below(input.len());
                match random.below(5) {
                    0 => input[at] = random.next() as u8,
                    1 => input[at] ^= 1 << random.below(8),
                    2 => drop(input.drain(at..(at + random.below(300)).min(input.len()))),
                    3 => {
                        let end = (at + random.below(300)).min(input.len());
                        input[at..end].fill(random.next() as u8);
                    }
                    _ => {
                        let copied = input[at..(at + random.below(300)).min(input.len())].to_vec();
                        input.splice(at..at, copied);
                    }
                }
                if input.len() < 2 {
                    break;
                }
            }
            input.push(random.next() as u8);
            check::check(&input);
            // Without what packets are for: a layer by itself.
            check::check(&input[random.below(input.len())..]);
        }
    }
}
