//! Reads the parts of MP4 files that a player needs before it appends them: codecs, segment indexes, and the start
//! times of segments. Boxes are those of ISO/IEC 14496-12, codec strings those of RFC 6381.

mod boxes;
mod codecs;
mod init_segment;
mod segment_index;
mod timing;

pub use boxes::{BoxHeader, box_header};
pub use codecs::{has_same_items, is_same_format};
pub use init_segment::{InitSegment, parse_init_segment};
pub use segment_index::SegmentIndex;
pub use timing::{FragmentTimes, earliest_time};

#[cfg(test)]
mod test_boxes;
