//! Random scripts. The same seed always gives the same script.

use crate::script::{Media, Script, Step};

/// A xorshift generator, which is enough for choosing operations.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 32) % u64::from(end)) as u32
    }

    fn halves(&mut self, end: u32) -> f64 {
        f64::from(self.below(end * 2)) / 2.0
    }
}

/// The script of a seed: an init segment, and 4 to 11 operations.
pub fn script(seed: u64) -> Script {
    let mut random = Random(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    for _ in 0..8 {
        random.below(2);
    }
    let media = match random.below(10) {
        0..6 => Media::Video,
        6..8 => Media::Audio,
        _ => Media::Muxed,
    };
    let segments = if media == Media::Muxed { 4 } else { 6 };
    let mut steps = vec![Step::Init, Step::Append(1 + random.below(segments))];
    let target = 5 + random.below(8) as usize;
    while steps.len() < target {
        let segment = 1 + random.below(segments);
        match random.below(100) {
            0..38 => steps.push(Step::Append(segment)),
            38..44 => {
                let cut = 20 + 10 * random.below(8);
                steps.push(Step::AppendPart(segment, 0, cut));
                match random.below(3) {
                    0 => steps.push(Step::AppendPart(segment, cut, 100)),
                    1 => steps.extend([Step::Abort, Step::Init]),
                    _ => {}
                }
            }
            44..56 => {
                let offsets = [0.0, 0.0, 0.5, 1.0, 2.0, 3.3, -1.0];
                steps.push(Step::Offset(offsets[random.below(7) as usize]));
            }
            56..64 => {
                let start = random.halves(3);
                let end = start + 0.5 + random.halves(4);
                let is_open = random.below(4) == 0;
                let end = if is_open { f64::INFINITY } else { end };
                steps.push(Step::Window(start, end));
            }
            64..80 => {
                let start = random.halves(8);
                let end = start + 0.5 + random.halves(4);
                steps.push(Step::Remove(start, end));
            }
            80..86 => steps.extend([Step::Abort, Step::Init]),
            86..91 if media == Media::Video => {
                steps.extend([Step::SwitchQuality, Step::Init]);
            }
            91..94 => steps.extend([Step::ChangeType, Step::Init]),
            94..97 => steps.push(Step::End),
            _ => steps.push(Step::Duration(random.halves(16))),
        }
    }
    let steps = steps.into_iter().map(|step| (0, step)).collect();
    Script {
        buffers: vec![media],
        steps,
    }
}
