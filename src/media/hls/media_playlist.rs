//! Media playlists (§ 4.4.3, § 4.4.4): the segments of one representation.

use std::{mem::take, rc::Rc};

use super::{
    attributes::{attribute, attribute_or_empty, byte_range, hexadecimal_sequence, is_drm},
    limits::{EXPANDS_TOO_FAR, MAX_EXPANDED_BYTES},
};
use crate::media::{
    Availability, EncryptionKey, ListedSegment, Resource, SegmentAddresses, SegmentRun, Segments,
    Timestamps,
    number::{decimal, digits},
};

/// The segments of one representation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaPlaylist {
    /// All segments; paths are relative to the playlist.
    pub segments: Segments,
    /// Whether more segments will be added.
    pub availability: Availability,
    /// Upper bound of segment durations in seconds; 0 if it is missing.
    pub target_duration: f64,
}

/// Ticks per second of the segments: they are timed in microseconds.
const TIMESCALE: u64 = 1_000_000;

/// Reads the tags and URI lines of a media playlist.
#[derive(Default)]
pub(super) struct MediaReader<'a> {
    segments: Vec<ListedSegment>,
    runs: Vec<SegmentRun>,
    inits: Vec<Resource>,
    is_complete: bool,
    target_duration: f64,
    unsupported: Option<&'static str>,
    /// End of the last segment. Exact durations are added up and rounded afterwards, so that rounding errors do
    /// not add up.
    end_seconds: f64,
    end_ticks: u64,
    /// Bytes of all key paths: each segment has its own copy.
    key_path_bytes: usize,

    // These fields apply to all following segments.
    encryption: Option<Encryption<'a>>,
    /// Whether the segments are encrypted with a key of a DRM system. If they also have a key that can be fetched,
    /// that one is used.
    has_drm_key: bool,
    sequence_number: u64,
    discontinuity: u32,

    /// The tags that apply to the next segment only.
    next: SegmentTags<'a>,
}

/// EXT-X-KEY with METHOD=AES-128 (§ 4.4.4.4).
#[derive(Clone, Copy)]
struct Encryption<'a> {
    path: &'a str,
    /// `None` if it is the media sequence number of each segment.
    iv: Option<u128>,
}

/// The tags of one segment.
#[derive(Default)]
struct SegmentTags<'a> {
    /// EXTINF; empty if it is missing.
    duration: &'a str,
    /// EXT-X-BYTERANGE; empty if it is missing.
    byte_range: &'a str,
    /// EXT-X-GAP.
    is_missing: bool,
}

impl<'a> MediaReader<'a> {
    pub(super) fn read_tag(&mut self, tag: &str, value: &'a str) -> Result<(), &'static str> {
        match tag {
            "#EXTINF" => self.next.duration = value.split(',').next().unwrap_or_default(),
            "#EXT-X-BYTERANGE" => self.next.byte_range = value,
            "#EXT-X-GAP" => self.next.is_missing = true,
            "#EXT-X-DISCONTINUITY" => self.discontinuity = self.discontinuity.saturating_add(1),
            "#EXT-X-KEY" => self.read_key(value)?,
            "#EXT-X-MAP" => {
                let mut init = init_segment(value).ok_or("an EXT-X-MAP cannot be read")?;
                init.key = self.next_key()?;
                if self.inits.last() != Some(&init) {
                    self.inits.push(init);
                }
            }
            "#EXT-X-MEDIA-SEQUENCE" => self.sequence_number = require_number(digits(value))?,
            "#EXT-X-DISCONTINUITY-SEQUENCE" => {
                let number = require_number(digits(value))?;
                self.discontinuity = number.try_into().unwrap_or(u32::MAX);
            }
            "#EXT-X-TARGETDURATION" => self.target_duration = require_number(decimal(value))?,
            "#EXT-X-ENDLIST" => self.is_complete = true,
            "#EXT-X-PLAYLIST-TYPE" => self.is_complete |= value == "VOD",
            "#EXT-X-I-FRAMES-ONLY" => self.unsupported = Some("playlists of I-frames only"),
            "#EXT-X-SKIP" => return Err("it is a delta update without the playlist before it"),
            _ => {}
        }
        Ok(())
    }

    fn read_key(&mut self, list: &'a str) -> Result<(), &'static str> {
        match attribute_or_empty(list, "METHOD") {
            "NONE" => (self.encryption, self.has_drm_key) = (None, false),
            _ if is_drm(list) => self.has_drm_key = true,
            method => {
                if method != "AES-128" {
                    self.unsupported = Some("encryption other than AES-128");
                }
                let encryption = encryption(list).ok_or("an EXT-X-KEY cannot be read")?;
                self.encryption = Some(encryption);
            }
        }
        Ok(())
    }

    /// Adds the segment at a URI line, unless the line `is_variant`. Returns whether it is a segment: without an
    /// EXTINF it is not.
    pub(super) fn read_uri(&mut self, uri: &str, is_variant: bool) -> Result<bool, &'static str> {
        let tags = take(&mut self.next);
        let is_segment = !is_variant && !tags.duration.is_empty();
        if is_segment {
            self.add_duration(require_number(decimal(tags.duration))?);
            self.add_segment(uri, &tags)?;
        }
        Ok(is_segment)
    }

    fn add_duration(&mut self, seconds: f64) {
        self.end_seconds += seconds;
        let end_ticks = (self.end_seconds * TIMESCALE as f64 + 0.5) as u64;
        let time = self.end_ticks;
        // No segment is shorter than a tick, even if the playlist says 0.
        let duration = end_ticks.saturating_sub(time).max(1);
        self.end_ticks = time.saturating_add(duration);
        match self.runs.last_mut() {
            Some(run) if run.duration == duration => run.count += 1,
            _ => self.runs.push(SegmentRun {
                time,
                duration,
                count: 1,
                first: self.segments.len() as u64,
            }),
        }
    }

    fn add_segment(&mut self, path: &str, tags: &SegmentTags) -> Result<(), &'static str> {
        let range = match tags.byte_range {
            "" => None,
            text => Some(
                byte_range(text, self.implied_first_byte(path))
                    .ok_or("a byte range has no beginning or no end")?,
            ),
        };
        let key = self.next_key()?;
        self.segments.push(ListedSegment {
            resource: Resource {
                path: path.into(),
                range,
                key,
            },
            // The last EXT-X-MAP applies.
            init: self.inits.len().checked_sub(1),
            discontinuity: self.discontinuity,
            is_missing: tags.is_missing,
        });
        self.sequence_number = self.sequence_number.saturating_add(1);
        Ok(())
    }

    /// The first byte of a range without an offset: it follows the range of the previous segment, if that is in
    /// the same file.
    fn implied_first_byte(&self, path: &str) -> Option<u64> {
        let previous = &self.segments.last()?.resource;
        let last = previous.range?.last?;
        (previous.path == path).then(|| last.saturating_add(1))
    }

    /// The key of the next file; `None` if it is not encrypted.
    fn next_key(&mut self) -> Result<Option<Rc<EncryptionKey>>, &'static str> {
        let Some(Encryption { path, iv }) = self.encryption else {
            if self.has_drm_key {
                self.unsupported = Some("DRM protection");
            }
            return Ok(None);
        };
        self.key_path_bytes += path.len();
        if self.key_path_bytes > MAX_EXPANDED_BYTES {
            return Err(EXPANDS_TOO_FAR);
        }
        Ok(Some(Rc::new(EncryptionKey {
            path: path.into(),
            iv: iv.unwrap_or(self.sequence_number.into()).to_be_bytes(),
        })))
    }

    pub(super) const fn has_segments(&self) -> bool {
        !self.segments.is_empty()
    }

    /// Whether the playlist is live, and so may not have segments yet.
    pub(super) fn is_live(&self) -> bool {
        !self.is_complete && self.target_duration > 0.0
    }

    /// A feature in the playlist that the player does not support.
    pub(super) const fn unsupported(&self) -> Option<&'static str> {
        self.unsupported
    }

    pub(super) fn into_playlist(self) -> MediaPlaylist {
        MediaPlaylist {
            segments: Segments {
                timescale: TIMESCALE,
                runs: self.runs,
                addresses: SegmentAddresses::Listed(self.segments),
                inits: self.inits,
                timestamps: Timestamps::Discontinuities,
                time_offset: 0.0,
                end: f64::INFINITY,
            },
            availability: if self.is_complete {
                Availability::Complete
            } else {
                Availability::Live
            },
            target_duration: self.target_duration,
        }
    }
}

/// Reads EXT-X-KEY.
fn encryption(list: &str) -> Option<Encryption<'_>> {
    attribute(list, "METHOD")?;
    Some(Encryption {
        path: attribute(list, "URI")?,
        iv: match attribute(list, "IV") {
            Some(iv) => Some(hexadecimal_sequence(iv)?),
            None => None,
        },
    })
}

/// Reads EXT-X-MAP (§ 4.4.4.5).
fn init_segment(list: &str) -> Option<Resource> {
    Some(Resource {
        path: attribute(list, "URI")?.into(),
        range: match attribute(list, "BYTERANGE") {
            Some(range) => Some(byte_range(range, Some(0))?),
            None => None,
        },
        key: None,
    })
}

fn require_number<T>(number: Option<T>) -> Result<T, &'static str> {
    number.ok_or("a duration or a sequence number is not a number")
}
