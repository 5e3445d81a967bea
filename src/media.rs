//! Presentations, the readers of manifests and media files, and the decisions about playback. All of it is
//! pure: text, bytes and numbers in, values out. No JavaScript type occurs here, so everything is tested
//! natively.
//!
//! Times are seconds on the presentation timeline unless a name says ticks. The terms are those of DASH
//! (ISO/IEC 23009-1:2022); an HLS variant is a [`Representation`] here.

pub mod abr;
pub mod captions;
pub mod clock;
mod codec_names;
mod container;
pub mod dash;
mod error;
pub mod hls;
pub mod id3;
pub mod language;
pub mod live;
pub mod mp4;
pub mod number;
mod placement;
pub mod plan;
mod presentation;
mod purpose;
pub mod ranges;
pub mod retry;
mod segment_template;
mod segments;
pub mod selection;
pub mod sniff;
pub mod text;
pub mod webm;
pub mod xml;

pub use container::Container;
pub use error::ManifestError;
pub use placement::Placement;
pub use presentation::{
    AdaptationSet, ContentType, Index, Period, Presentation, Representation, RepresentationId,
    SidxLocation, content_type_of_codec,
};
pub use purpose::{AutoSelect, Purpose};
pub use segments::{
    BOUNDARY_TOLERANCE, ByteRange, EncryptionKey, ListedSegment, LiveList, Resource, Segment,
    SegmentAddresses, SegmentRun, Segments, Timestamps, boundary_tolerance,
};
