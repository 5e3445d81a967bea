//! Media playlists (§ 4.4.3, § 4.4.4): the segments of one representation.

use std::{mem::take, rc::Rc};

use super::{
    attributes::{
        attribute, attribute_or_empty, byte_range, hexadecimal_sequence, is_drm, start_offset,
    },
    limits::{EXPANDS_TOO_FAR, MAX_EXPANDED_BYTES},
};
use crate::media::{
    EncryptionKey, ListedSegment, LiveList, Resource, SegmentAddresses, SegmentRun, Segments,
    Timestamps,
    live::wall_clock,
    number::{integer, number},
    placement::Placement,
};

/// The segments of one representation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaPlaylist {
    /// All segments; paths are relative to the playlist.
    pub segments: Segments,
    /// Where the author wants playback to start (EXT-X-START), in seconds; negative ones count from the end.
    pub start: Option<f64>,
}

/// Differences between stated and computed wall-clock times up to this many seconds are rounding errors.
const DATE_TOLERANCE_SECONDS: f64 = 0.05;

/// Ticks per second of the segments: they are timed in microseconds.
const TIMESCALE: u64 = 1_000_000;
/// Assumed duration of a segment without one, if the playlist does not state any other duration either.
const ASSUMED_DURATION_SECONDS: f64 = 10.0;

/// Reads the tags and URI lines of a media playlist.
#[derive(Default)]
pub(super) struct MediaReader<'a> {
    segments: Vec<ListedSegment>,
    /// Whether a segment has an EXTINF. Without one, the URI lines may be anything.
    has_durations: bool,
    /// Duration of the last segment, in seconds; 0 before the first.
    last_duration: f64,
    runs: Vec<SegmentRun>,
    inits: Vec<Resource>,
    is_complete: bool,
    live: LiveList,
    /// Whether there is an EXT-X-MEDIA-SEQUENCE, which only media playlists have.
    has_sequence_number: bool,
    /// The wall-clock time at which the next segment begins, in seconds since the Unix epoch, if there was an
    /// EXT-X-PROGRAM-DATE-TIME before.
    next_date: Option<f64>,
    start: Option<f64>,
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
    /// EXTINF.
    duration: Option<&'a str>,
    /// EXT-X-BYTERANGE; empty if it is missing.
    byte_range: &'a str,
    /// EXT-X-GAP.
    is_missing: bool,
    /// EXT-X-PROGRAM-DATE-TIME, in seconds since the Unix epoch.
    date: Option<f64>,
}

impl<'a> MediaReader<'a> {
    pub(super) fn read_tag(&mut self, tag: &str, value: &'a str) -> Result<(), String> {
        match tag {
            "#EXTINF" => self.next.duration = Some(value),
            "#EXT-X-BYTERANGE" => self.next.byte_range = value,
            "#EXT-X-GAP" => self.next.is_missing = true,
            "#EXT-X-DISCONTINUITY" => self.discontinuity = self.discontinuity.saturating_add(1),
            "#EXT-X-KEY" => self.read_key(value)?,
            "#EXT-X-MAP" => self.read_map(value)?,
            "#EXT-X-PROGRAM-DATE-TIME" => self.next.date = wall_clock::parse_iso8601(value),
            "#EXT-X-SERVER-CONTROL" => {
                let seconds = |name| attribute(value, name).and_then(positive_number);
                self.live.hold_back = seconds("HOLD-BACK");
                self.live.can_skip_until = seconds("CAN-SKIP-UNTIL");
            }
            // Both have to be before the first segment (§ 4.4.3.2, § 4.4.3.3).
            "#EXT-X-MEDIA-SEQUENCE" if self.segments.is_empty() => {
                self.sequence_number = integer(value).unwrap_or(0);
                self.live.first_sequence = self.sequence_number;
                self.has_sequence_number = true;
            }
            "#EXT-X-DISCONTINUITY-SEQUENCE" if self.segments.is_empty() => {
                let number = integer(value).unwrap_or(0);
                self.discontinuity = number.try_into().unwrap_or(u32::MAX);
            }
            "#EXT-X-TARGETDURATION" => {
                self.live.target_duration = positive_number(value).unwrap_or(0.0);
            }
            "#EXT-X-START" => self.start = start_offset(value),
            "#EXT-X-ENDLIST" => self.is_complete = true,
            "#EXT-X-PLAYLIST-TYPE" => self.is_complete |= value.eq_ignore_ascii_case("VOD"),
            "#EXT-X-I-FRAMES-ONLY" => self.unsupported = Some("playlists of I-frames only"),
            "#EXT-X-SKIP" => {
                return Err("it is a delta update without the playlist before it".into());
            }
            _ => {}
        }
        Ok(())
    }

    fn read_key(&mut self, list: &'a str) -> Result<(), String> {
        let method = attribute_or_empty(list, "METHOD");
        let uri = attribute(list, "URI").filter(|uri| !uri.is_empty());
        match method.to_ascii_uppercase().as_str() {
            "NONE" => (self.encryption, self.has_drm_key) = (None, false),
            // Without a method and a URI, it says nothing.
            "" if uri.is_none() => {}
            _ if is_drm(list) => self.has_drm_key = true,
            upper_case => {
                if !matches!(upper_case, "AES-128" | "") {
                    self.unsupported = Some("encryption other than AES-128");
                }
                let iv =
                    match attribute(list, "IV") {
                        Some(iv) => Some(hexadecimal_sequence(iv).ok_or_else(|| {
                            format!("the IV “{iv}” of an EXT-X-KEY cannot be read")
                        })?),
                        None => None,
                    };
                let path = uri.ok_or("an EXT-X-KEY has no URI")?;
                self.encryption = Some(Encryption { path, iv });
            }
        }
        Ok(())
    }

    /// Reads EXT-X-MAP (§ 4.4.4.5). Without a URI, the media have to tell.
    fn read_map(&mut self, list: &str) -> Result<(), String> {
        let Some(path) = attribute(list, "URI").filter(|uri| !uri.is_empty()) else {
            return Ok(());
        };
        let range = match attribute_or_empty(list, "BYTERANGE") {
            "" => None,
            range => byte_range(range, 0)
                .ok_or_else(|| format!("the BYTERANGE “{range}” of an EXT-X-MAP cannot be read"))?,
        };
        let init = Resource {
            path: path.into(),
            range,
            key: self.next_key()?,
        };
        if self.inits.last() != Some(&init) {
            self.inits.push(init);
        }
        Ok(())
    }

    /// Adds the segment at a URI line, unless the line `is_variant`. Some segments have no EXTINF.
    pub(super) fn read_uri(&mut self, uri: &str, is_variant: bool) -> Result<(), String> {
        let tags = take(&mut self.next);
        if !is_variant {
            self.has_durations |= tags.duration.is_some();
            self.add_duration(tags.duration.unwrap_or_default(), tags.date);
            self.add_segment(uri, &tags)?;
        }
        Ok(())
    }

    /// Adds the duration of the next segment. If EXTINF does not state one, it is assumed to be that of the segment
    /// before, until the media tell.
    fn add_duration(&mut self, extinf: &str, date: Option<f64>) {
        let assumed = [
            self.last_duration,
            self.live.target_duration,
            ASSUMED_DURATION_SECONDS,
        ];
        let assumed = assumed.into_iter().find(|seconds| *seconds > 0.0);
        let seconds = duration(extinf).or(assumed).unwrap_or_default();
        self.last_duration = seconds;
        self.add_date(date, seconds);
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

    /// Records the wall-clock time of a segment, unless it follows from the one before.
    fn add_date(&mut self, date: Option<f64>, duration: f64) {
        if let Some(date) = date
            && (self.next_date).is_none_or(|next| (date - next).abs() > DATE_TOLERANCE_SECONDS)
        {
            self.live.dates.push((self.segments.len() as u64, date));
        }
        self.next_date = date.or(self.next_date).map(|date| date + duration);
    }

    fn add_segment(&mut self, path: &str, tags: &SegmentTags) -> Result<(), String> {
        let text = tags.byte_range;
        let range = match text {
            "" => None,
            _ => byte_range(text, self.implied_first_byte(path))
                .ok_or_else(|| format!("the EXT-X-BYTERANGE “{text}” cannot be read"))?,
        };
        let is_empty = !text.is_empty() && range.is_none();
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
            is_missing: tags.is_missing || is_empty,
        });
        self.sequence_number = self.sequence_number.saturating_add(1);
        Ok(())
    }

    /// The first byte of a range without an offset: it follows the range of the previous segment, if that is in
    /// the same file.
    fn implied_first_byte(&self, path: &str) -> u64 {
        let previous = self.segments.last().map(|previous| &previous.resource);
        previous
            .filter(|previous| previous.path == path)
            .and_then(|previous| previous.range?.last)
            .map_or(0, |last| last.saturating_add(1))
    }

    /// The key of the next file; `None` if it is not encrypted.
    fn next_key(&mut self) -> Result<Option<Rc<EncryptionKey>>, String> {
        let Some(Encryption { path, iv }) = self.encryption else {
            if self.has_drm_key {
                self.unsupported = Some("DRM protection");
            }
            return Ok(None);
        };
        self.key_path_bytes += path.len();
        if self.key_path_bytes > MAX_EXPANDED_BYTES {
            return Err(EXPANDS_TOO_FAR.into());
        }
        Ok(Some(Rc::new(EncryptionKey {
            path: path.into(),
            iv: iv.unwrap_or(self.sequence_number.into()).to_be_bytes(),
        })))
    }

    pub(super) fn has_segments(&self) -> bool {
        self.has_durations || !self.segments.is_empty() && self.live.target_duration > 0.0
    }

    /// Whether the playlist is live, and so may not have segments yet.
    pub(super) fn is_live(&self) -> bool {
        !self.is_complete && (self.live.target_duration > 0.0 || self.has_sequence_number)
    }

    /// A feature in the playlist that the player does not support.
    pub(super) const fn unsupported(&self) -> Option<&'static str> {
        self.unsupported
    }

    pub(super) fn into_playlist(self) -> MediaPlaylist {
        let live = LiveList {
            is_growing: !self.is_complete,
            ..self.live
        };
        MediaPlaylist {
            segments: Segments {
                timescale: TIMESCALE,
                runs: self.runs,
                addresses: SegmentAddresses::Listed(self.segments),
                inits: self.inits,
                timestamps: Timestamps::Discontinuities,
                time_offset: 0.0,
                end: f64::INFINITY,
                live,
                placement: Placement::default(),
            },
            start: self.start,
        }
    }
}

/// The duration in an EXTINF, in seconds; `None` if it is not positive. Some packagers write a decimal comma.
fn duration(extinf: &str) -> Option<f64> {
    let mut parts = extinf.split(',');
    let (whole, fraction) = (parts.next()?, parts.next().unwrap_or_default());
    let are_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if are_digits(whole) && are_digits(fraction) && parts.next().is_some() {
        return positive_number(&[whole, ".", fraction].concat());
    }
    positive_number(whole)
}

fn positive_number(text: &str) -> Option<f64> {
    number(text).filter(|number| *number > 0.0)
}
