//! Blocks (RFC 9559 § 10.1 to 10.3) and the frames laced in them.

use std::ops::Range;

use super::{
    ebml::{Elements, unsigned, vint},
    ids,
};

/// A block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// TrackNumber.
    pub track: u64,
    /// Time less that of the cluster, in ticks of the segment.
    pub time: i16,
    /// Whether decoding can begin with it.
    pub is_key: bool,
    /// Duration in ticks, if it says so.
    pub duration: Option<u64>,
    /// Where its frames are in the bytes that it was parsed from.
    pub frames: Vec<Range<usize>>,
}

/// Parses the content of a `SimpleBlock` at a range of bytes; `None` if it is damaged.
pub fn simple(bytes: &[u8], range: Range<usize>) -> Option<Block> {
    let (block, flags) = parse(bytes, range)?;
    Some(Block {
        is_key: flags & 0x80 != 0,
        ..block
    })
}

/// Parses the content of a `BlockGroup`.
pub fn group(bytes: &[u8], range: Range<usize>) -> Option<Block> {
    let mut block = None;
    let (mut duration, mut is_key) = (None, true);
    for (id, range) in Elements::new(bytes, range) {
        match id {
            ids::BLOCK => block = parse(bytes, range),
            ids::BLOCK_DURATION => duration = bytes.get(range).map(unsigned),
            ids::REFERENCE_BLOCK => is_key = false,
            _ => {}
        }
    }
    Some(Block {
        is_key,
        duration,
        ..block?.0
    })
}

/// A block and its flags.
fn parse(bytes: &[u8], range: Range<usize>) -> Option<(Block, u8)> {
    let content = bytes.get(range.clone())?;
    let (track, length, _) = vint(content)?;
    let &[high, low, flags] = content.get(length..)?.first_chunk()?;
    let start = range.start + length + 3;
    let frames = frames(bytes, start..range.end, flags >> 1 & 3)?;
    let block = Block {
        track,
        time: i16::from_be_bytes([high, low]),
        is_key: true,
        duration: None,
        frames,
    };
    Some((block, flags))
}

/// The frames of a block with this lacing: 0 none, 1 Xiph, 2 of fixed size, 3 EBML.
fn frames(bytes: &[u8], range: Range<usize>, lacing: u8) -> Option<Vec<Range<usize>>> {
    if lacing == 0 {
        return Some(vec![range]);
    }
    let count = usize::from(*bytes.get(range.start)?) + 1;
    let mut at = range.start + 1;
    let mut sizes: Vec<usize> = Vec::with_capacity(count);
    match lacing {
        1 => {
            for _ in 1..count {
                let mut size = 0;
                loop {
                    let byte = *bytes.get(at..range.end)?.first()?;
                    at += 1;
                    size += usize::from(byte);
                    if byte < 255 {
                        break;
                    }
                }
                sizes.push(size);
            }
        }
        3 => {
            let mut size = 0i64;
            for index in 1..count {
                let (value, length, _) = vint(bytes.get(at..range.end)?)?;
                at += length;
                let value = i64::try_from(value).ok()?;
                size = if index == 1 {
                    value
                } else {
                    // Differences are signed by an offset of half their range.
                    size.checked_add(value - ((1i64 << (7 * length - 1)) - 1))?
                };
                sizes.push(usize::try_from(size).ok()?);
            }
        }
        _ => {
            let size = range.end.checked_sub(at)? / count;
            sizes.resize(count - 1, size);
        }
    }
    let mut frames = Vec::with_capacity(count);
    for size in sizes {
        let end = at.checked_add(size).filter(|end| *end <= range.end)?;
        frames.push(at..end);
        at = end;
    }
    frames.push(at..range.end);
    Some(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(block: &[u8]) -> Option<Vec<usize>> {
        let frames = simple(block, 0..block.len())?.frames;
        Some(frames.into_iter().map(|frame| frame.len()).collect())
    }

    fn block(flags: u8, laces: &[u8], payload: usize) -> Vec<u8> {
        let mut block = vec![0x81, 0, 5, flags];
        block.extend_from_slice(laces);
        block.resize(block.len() + payload, 7);
        block
    }

    #[test]
    fn laced_frames_have_the_sizes_of_the_specification() {
        assert_eq!(sizes(&block(0x80, &[], 9)), Some(vec![9]));
        // The example of RFC 9559 § 10.3: frames of 800, 500 and 1000 bytes.
        let xiph = [2, 255, 255, 255, 35, 255, 245];
        assert_eq!(sizes(&block(0x82, &xiph, 2300)), Some(vec![800, 500, 1000]));
        let ebml = [2, 0x43, 0x20, 0x5e, 0xd3];
        assert_eq!(sizes(&block(0x86, &ebml, 2300)), Some(vec![800, 500, 1000]));
        assert_eq!(sizes(&block(0x84, &[2], 2400)), Some(vec![800; 3]));
    }

    #[test]
    fn laces_longer_than_the_block_are_damage() {
        assert_eq!(sizes(&block(0x82, &[1, 200], 100)), None);
        assert_eq!(sizes(&block(0x86, &[2, 0x81, 0x81], 2)), None);
        assert_eq!(sizes(&[0x81, 0]), None);
    }
}
