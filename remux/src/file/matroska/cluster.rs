//! Clusters (RFC 9559 § 5.1.3) that are found without an index.

use super::{
    block,
    ebml::{Elements, Parsed, header, unsigned},
    ids,
};
use crate::file::search::Mark;

/// The clusters in some bytes of the file.
pub fn scan(bytes: &[u8], offset: u64, scale: u64) -> Vec<Mark> {
    let id = ids::CLUSTER.to_be_bytes();
    let mut marks = Vec::new();
    let mut at = 0;
    while let Some(found) = bytes
        .get(at..)
        .and_then(|rest| rest.windows(4).position(|name| name == id))
    {
        let start = at + found;
        at = start + 4;
        let Some(Parsed::Header(head)) = bytes.get(start..).map(header) else {
            continue;
        };
        let content = bytes.get(start + head.length..).unwrap_or_default();
        // The timestamp comes first; CRC-32, void and position may be before it.
        let time = Elements::new(content, 0..content.len().min(128))
            .take(4)
            .take_while(|(id, _)| matches!(*id, ids::TIMESTAMP | 0xbf | 0xec | 0xa7 | 0xab))
            .find(|(id, _)| *id == ids::TIMESTAMP)
            .and_then(|(_, range)| content.get(range))
            .filter(|time| (1..=8).contains(&time.len()));
        marks.extend(time.map(|time| Mark {
            position: offset + start as u64,
            time: unsigned(time) as f64 * scale as f64 / 1e9,
        }));
    }
    marks
}

/// The latest time of a block in a cluster, less that of the cluster.
pub fn last_block(bytes: &[u8]) -> i64 {
    let mut last = 0;
    let Parsed::Header(cluster) = header(bytes) else {
        return last;
    };
    let content = cluster.length..bytes.len();
    for (id, range) in Elements::new(bytes, content) {
        let block = match id {
            ids::SIMPLE_BLOCK => block::simple(bytes, range),
            ids::BLOCK_GROUP => block::group(bytes, range),
            _ => None,
        };
        last = block.map_or(last, |block| last.max(block.time.into()));
    }
    last
}
