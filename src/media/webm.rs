//! The index of a WebM file in DASH: Cues ([RFC 9559](https://www.rfc-editor.org/rfc/rfc9559) § 5.1.5), whose byte range
//! the MPD states.

use super::{
    error::ManifestError,
    presentation::SidxLocation,
    segments::{
        ByteRange, ListedSegment, Resource, SegmentAddresses, SegmentRun, Segments, Timestamps,
    },
};

const EBML: u64 = 0x1a45_dfa3;
const SEGMENT: u64 = 0x1853_8067;
const INFO: u64 = 0x1549_a966;
const TIMESTAMP_SCALE: u64 = 0x2a_d7b1;
const DURATION: u64 = 0x4489;
const CUES: u64 = 0x1c53_bb6b;
const CUE_POINT: u64 = 0xbb;
const CUE_TIME: u64 = 0xb3;
const CUE_TRACK_POSITIONS: u64 = 0xb7;
const CUE_CLUSTER_POSITION: u64 = 0xf1;

/// Largest number of Cues.
const MAX_CUES: usize = 1 << 18;

/// Reads the Cues of a file: first its init segment, to which their positions are relative, then they themselves.
#[derive(Clone, Debug, Default)]
pub struct CueIndex {
    init: Option<ByteRange>,
    index: Option<ByteRange>,
    /// Position of the content of `Segment`.
    segment: Option<u64>,
    /// Nanoseconds of a tick.
    scale: u64,
    /// Ticks; 0 if unknown.
    duration: u64,
    /// Times in ticks and positions of clusters, ascending.
    cues: Option<Vec<(u64, u64)>>,
}

impl CueIndex {
    /// Begins to read the index at a location.
    pub fn new(location: &SidxLocation) -> Self {
        Self {
            init: location.init.as_ref().and_then(|init| init.range),
            index: location.index,
            scale: 1_000_000,
            ..Self::default()
        }
    }

    /// The bytes to read next; `None` if the index is complete.
    ///
    /// # Errors
    /// [`ManifestError::Unsupported`] if the MPD does not state the ranges.
    pub fn next_range(&self) -> Result<Option<ByteRange>, ManifestError> {
        let (Some(init), Some(index)) = (self.init, self.index) else {
            return Err(ManifestError::Unsupported(
                "WebM files without the ranges of their init segment and their index",
            ));
        };
        Ok(match (self.segment, &self.cues) {
            (None, _) => Some(init),
            (Some(_), None) => Some(index),
            _ => None,
        })
    }

    /// Reads the bytes that [`next_range`](Self::next_range) asked for.
    ///
    /// # Errors
    /// [`ManifestError::Malformed`] if they are not what they should be.
    pub fn read(&mut self, bytes: &[u8]) -> Result<(), ManifestError> {
        let result = match self.segment {
            None => self.read_init(bytes),
            Some(segment) => self.read_cues(bytes, segment),
        };
        result.ok_or_else(|| ManifestError::Malformed("its index is damaged".into()))
    }

    fn read_init(&mut self, bytes: &[u8]) -> Option<()> {
        let (id, ebml, _) = element(bytes)?;
        let rest = bytes.get(ebml.end()?..)?;
        let (segment_id, segment, _) = element(rest)?;
        if id != EBML || segment_id != SEGMENT {
            return None;
        }
        self.segment = Some((ebml.end()? + segment.header) as u64 + self.init?.first);
        let content = rest.get(segment.header..)?;
        if let Some(info) = Elements(content).find(|(id, _)| *id == INFO) {
            for (id, value) in Elements(info.1) {
                match id {
                    TIMESTAMP_SCALE => self.scale = unsigned(value).max(1),
                    DURATION => self.duration = float(value).max(0.0) as u64,
                    _ => {}
                }
            }
        }
        Some(())
    }

    fn read_cues(&mut self, bytes: &[u8], segment: u64) -> Option<()> {
        let (_, points) = Elements(bytes).find(|(id, _)| *id == CUES)?;
        let mut cues: Vec<(u64, u64)> = Vec::new();
        for (_, point) in Elements(points).filter(|(id, _)| *id == CUE_POINT) {
            let find = |bytes, id| {
                Elements(bytes)
                    .find(|(found, _)| *found == id)
                    .map(|it| it.1)
            };
            let time = unsigned(find(point, CUE_TIME)?);
            let place = find(point, CUE_TRACK_POSITIONS)?;
            let position = segment.checked_add(unsigned(find(place, CUE_CLUSTER_POSITION)?))?;
            let is_later = cues
                .last()
                .is_none_or(|last| last.0 < time && last.1 < position);
            if is_later && cues.len() < MAX_CUES {
                cues.push((time, position));
            }
        }
        cues.first()?;
        self.cues = Some(cues);
        Some(())
    }

    /// The segments; none before the index is complete.
    pub fn segments(&self, location: &SidxLocation) -> Segments {
        let cues = self.cues.as_deref().unwrap_or_default();
        let mut runs = Vec::with_capacity(cues.len());
        let mut list = Vec::with_capacity(cues.len());
        let timescale = (1_000_000_000 / self.scale).max(1);
        for (number, (time, position)) in cues.iter().enumerate() {
            let next = cues.get(number + 1);
            let last_tick = match location.end.is_finite() {
                _ if self.duration > *time => self.duration,
                true => ((location.end - location.time_offset) * timescale as f64).max(0.0) as u64,
                false => time + timescale,
            };
            let end = next.map_or(last_tick, |(time, _)| *time);
            runs.push(SegmentRun {
                time: *time,
                duration: end.saturating_sub(*time).max(1),
                count: 1,
                first: number as u64,
            });
            // Behind the last cluster are the Cues, or the end of the file.
            let index = self.index.map(|index| index.first);
            let behind = index.filter(|index| index > position);
            let end = next.map(|(_, position)| *position).or(behind);
            list.push(ListedSegment {
                resource: Resource {
                    path: location.path.clone(),
                    range: Some(ByteRange {
                        first: *position,
                        last: end.map(|end| end - 1),
                    }),
                    key: None,
                },
                init: Some(0),
                ..ListedSegment::default()
            });
        }
        Segments {
            timescale,
            time_offset: location.time_offset,
            runs,
            addresses: SegmentAddresses::Listed(list),
            inits: location.init.iter().cloned().collect(),
            timestamps: Timestamps::Media,
            end: location.end,
            ..Segments::default()
        }
    }
}

/// Lengths of an element's header and of its content; `None` for unknown.
struct Size {
    header: usize,
    content: Option<usize>,
}

impl Size {
    fn end(&self) -> Option<usize> {
        self.header.checked_add(self.content?)
    }
}

/// A number of variable size, with its marker or without; its length; and whether all its bits are set.
fn vint(bytes: &[u8], keeps_marker: bool) -> Option<(u64, usize, bool)> {
    let length = bytes.first()?.leading_zeros() as usize + 1;
    if length > 8 {
        return None;
    }
    let value = unsigned(bytes.get(..length)?);
    let mask = (1u64 << (7 * length)) - 1;
    let number = if keeps_marker { value } else { value & mask };
    Some((number, length, value & mask == mask))
}

/// ID and size of the element at the start of the bytes, and its content as far as it is there.
fn element(bytes: &[u8]) -> Option<(u64, Size, &[u8])> {
    let (id, id_length, _) = vint(bytes, true)?;
    let (size, size_length, is_unknown) = vint(bytes.get(id_length..)?, false)?;
    let header = id_length + size_length;
    let content = (!is_unknown).then(|| usize::try_from(size).ok()).flatten();
    let rest = bytes.get(header..).unwrap_or_default();
    let available = rest.get(..content.unwrap_or(usize::MAX)).unwrap_or(rest);
    Some((id, Size { header, content }, available))
}

/// Iterates over elements: IDs and contents.
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (id, size, content) = element(self.0)?;
        let end = size.header.saturating_add(content.len());
        self.0 = self.0.get(end.max(1)..).unwrap_or_default();
        Some((id, content))
    }
}

fn unsigned(bytes: &[u8]) -> u64 {
    let bytes = bytes.iter().take(8);
    bytes.fold(0, |value, byte| value << 8 | u64::from(*byte))
}

fn float(bytes: &[u8]) -> f64 {
    match bytes.len() {
        4 => f32::from_bits(unsigned(bytes) as u32).into(),
        8 => f64::from_bits(unsigned(bytes)),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = include_bytes!("../../remux/tests/files/vp9-opus.webm");

    fn find(id: [u8; 4]) -> usize {
        FILE.windows(4).position(|bytes| bytes == id).unwrap()
    }

    fn location() -> SidxLocation {
        let range = |first: usize, end: usize| ByteRange {
            first: first as u64,
            last: Some(end as u64 - 1),
        };
        let first_cluster = find([0x1f, 0x43, 0xb6, 0x75]);
        let is_cues = |bytes: &[u8]| bytes == [0x1c, 0x53, 0xbb, 0x6b];
        let cues = FILE.windows(4).rposition(is_cues).unwrap();
        SidxLocation {
            path: "a.webm".into(),
            // Its ID is in SeekHead, too.
            index: Some(range(cues, FILE.len())),
            init: Some(Resource {
                path: "a.webm".into(),
                range: Some(range(0, first_cluster)),
                key: None,
            }),
            end: f64::INFINITY,
            ..SidxLocation::default()
        }
    }

    #[test]
    fn cues_list_clusters_up_to_the_index() {
        let location = location();
        let mut index = CueIndex::new(&location);
        while let Some(range) = index.next_range().unwrap() {
            let last = range.last.unwrap() as usize;
            index.read(&FILE[range.first as usize..=last]).unwrap();
        }
        let segments = index.segments(&location);
        assert!(segments.len() > 1);
        let mut end = None;
        for number in 0..segments.len() {
            let segment = segments.get(number).unwrap();
            let range = segment.resource.range.unwrap();
            let first = range.first as usize;
            assert_eq!(FILE[first..first + 4], [0x1f, 0x43, 0xb6, 0x75]);
            assert!(end.is_none_or(|end| end < range.first));
            end = range.last;
        }
        assert_eq!(end, location.index.map(|index| index.first - 1));
        let (start, end) = segments.span().unwrap();
        assert!(start < 0.1 && (end - 6.0).abs() < 0.1, "{start} {end}");
    }

    #[test]
    fn damaged_cues_and_missing_ranges_are_errors() {
        let location = location();
        for length in 0..300 {
            let mut index = CueIndex::new(&location);
            if index.read(&FILE[..length]).is_ok() {
                assert!(index.read(&FILE[..length]).is_err());
            }
        }
        let nowhere = SidxLocation::default();
        assert!(CueIndex::new(&nowhere).next_range().is_err());
    }
}
