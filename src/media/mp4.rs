//! Reads what a player has to know of MP4 files before it appends them: where their segments are, what
//! they are coded in, and which time they begin at. Boxes after ISO/IEC 14496-12, names of codecs after
//! RFC 6381 and what it refers to.

use super::{
    ByteRange, ContentType, ListedSegment, ManifestError, Resource, SegmentAddresses, SegmentRun,
    Segments, SidxLocation, Timestamps,
    number::{DECIMAL, write},
};

/// How much of a file to fetch in order to find its segment index, if nothing says how long it is.
const GLIMPSE: u64 = 32 * 1024;

/// The longest segment index: 65,535 references of 12 bytes, and its header.
const LONGEST_INDEX: u64 = 800 * 1024;

/// How many fetches a segment index may take. Of two levels, each lower box may take one.
const MOST_FETCHES: u32 = 1000;

/// How many tracks of an init segment are looked at. All of its fragments are held against all of them.
const MOST_TRACKS: usize = 64;

/// How a box begins (§ 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoxHeader {
    /// Its type, such as `moof`.
    pub kind: [u8; 4],
    /// Bytes of the header itself.
    pub length: usize,
    /// Bytes of the box, header included; `None` if it goes on to the end of the file.
    pub size: Option<u64>,
}

/// Reads the header of the box that these bytes begin with, 16 of which are enough. `None` if they are
/// no header, or too few.
pub fn box_header(bytes: &[u8]) -> Option<BoxHeader> {
    let kind: [u8; 4] = *bytes.get(4..)?.first_chunk()?;
    if !kind.iter().all(|byte| matches!(byte, b' '..=b'~' | 0xa9)) {
        return None;
    }
    let (length, size) = match number(bytes, 0, 4)? {
        0 => (8, None),
        1 => (16, Some(number(bytes, 8, 8)?)),
        size => (8, Some(size)),
    };
    (size.is_none_or(|size| size >= length as u64)).then_some(BoxHeader { kind, length, size })
}

/// A box, or as much of it as is there.
struct Contained<'a> {
    kind: [u8; 4],
    /// What follows its header.
    body: &'a [u8],
    /// Whether the body is all there.
    whole: bool,
}

/// The boxes that follow one another in some bytes, up to the first that is none.
fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = Contained<'_>> {
    std::iter::from_fn(move || {
        let (first, rest) = first_box(bytes)?;
        bytes = rest;
        Some(first)
    })
}

/// The box that some bytes begin with, and what follows it.
fn first_box(bytes: &[u8]) -> Option<(Contained<'_>, &[u8])> {
    let BoxHeader { kind, length, size } = box_header(bytes)?;
    let size = size.map_or(bytes.len(), |size| {
        usize::try_from(size).unwrap_or(usize::MAX)
    });
    let body = bytes.get(length..size.min(bytes.len()))?;
    let first = Contained {
        kind,
        body,
        whole: size <= bytes.len(),
    };
    Some((first, bytes.get(size..).unwrap_or_default()))
}

/// What the first box of a type has inside.
fn child<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(bytes)
        .find(|found| found.kind == *kind)
        .map(|found| found.body)
}

/// What a box has inside that lies in others, the outermost first.
fn descendant<'a>(bytes: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter()
        .try_fold(bytes, |bytes, kind| child(bytes, kind))
}

/// The number that some bytes are, the most significant first.
fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(at..)?.get(..width)?;
    let append = |number, byte: &u8| number << 8 | u64::from(*byte);
    Some(bytes.iter().fold(0, append))
}

/// How many bytes times have in a box, by its version.
fn width_of_times(body: &[u8]) -> usize {
    if body.first() == Some(&0) { 4 } else { 8 }
}

/// Reads the segment index of a file (`sidx`, § 8.16.3) while the file is being fetched, as it may take
/// some fetches to find it, and as it may refer to further ones:
///
/// ```text
/// let mut index = SegmentIndex::new(&sidx);
/// while let Some(range) = index.wanted() {
///     index.read(&fetch(range), range.first)?;
/// }
/// index.segments(&sidx)
/// ```
#[derive(Clone, Debug)]
pub struct SegmentIndex {
    /// The box to look at next, which may turn out not to be an index, and how many bytes to fetch for
    /// it; `None` when all is known.
    next: Option<(u64, u64)>,
    /// Where the last index ends. Those to come lie behind it, so that no byte counts twice.
    behind: u64,
    /// What is referred to and not yet looked at, the first of it last.
    pending: Vec<Reference>,
    /// The segments that are known, in order.
    found: Vec<Reference>,
    /// Ticks per second of all references, which is that of the first index; 0 until that is found.
    timescale: u64,
    /// Where the first index begins.
    start: u64,
    fetches: u32,
}

/// An entry of a segment index.
#[derive(Clone, Copy, Debug)]
struct Reference {
    /// The position of its first byte in the file.
    first: u64,
    /// Its bytes; never 0.
    size: u64,
    /// Presentation time in ticks.
    time: u64,
    /// In ticks.
    end: u64,
    /// Whether there is another index, not a segment.
    is_index: bool,
}

impl SegmentIndex {
    /// Knows nothing yet but where to look.
    pub fn new(sidx: &SidxLocation) -> Self {
        let next = sidx.index.map_or((0, GLIMPSE), |index| {
            let size = index.last.map_or(GLIMPSE, |last| {
                last.saturating_sub(index.first).saturating_add(1)
            });
            (index.first, size.min(LONGEST_INDEX))
        });
        Self {
            next: Some(next),
            behind: 0,
            pending: Vec::new(),
            found: Vec::new(),
            timescale: 0,
            start: 0,
            fetches: 0,
        }
    }

    /// What to fetch and to [`read`](Self::read) next, which may reach beyond the end of the file;
    /// `None` when all is known.
    pub fn next_range(&self) -> Option<ByteRange> {
        self.next.map(|(first, size)| ByteRange {
            first,
            last: Some(first.saturating_add(size.saturating_sub(1))),
        })
    }

    /// Reads bytes of the file, the first of which is the one at a position. They may be more than were
    /// wanted; if they are fewer, and do not do, the file is refused.
    pub fn read(&mut self, bytes: &[u8], position: u64) -> Result<(), ManifestError> {
        self.look_at(bytes, position)
            .map_err(|reason| ManifestError::Malformed(reason.into()))
    }

    fn look_at(&mut self, bytes: &[u8], position: u64) -> Result<(), &'static str> {
        self.fetches += 1;
        if self.fetches > MOST_FETCHES {
            return Err("its segment index does not come to an end");
        }
        let before = self.next;
        while let Some((at, _)) = self.next {
            let skipped = at.checked_sub(position).unwrap_or(u64::MAX);
            let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
            if !self.step(bytes.get(skipped..).unwrap_or_default(), at)? {
                break;
            }
        }
        if self.next.is_some() && self.next == before {
            return Err("it ends before its segment index does");
        }
        Ok(())
    }

    /// Looks at the box at a position: passes it over, or reads it, or finds that these are too few
    /// bytes of it, which is `false`.
    fn step(&mut self, bytes: &[u8], at: u64) -> Result<bool, &'static str> {
        const MISSING: &str = "it has no segment index";
        let Some(BoxHeader { kind, length, size }) = box_header(bytes) else {
            return match bytes.len() {
                ..16 => Ok(false),
                _ => Err("something else is where its segment index should be"),
            };
        };
        let size = size.ok_or(MISSING)?;
        let end = at.checked_add(size).ok_or(MISSING)?;
        match &kind {
            b"sidx" if size > LONGEST_INDEX => return Err("its segment index is too long"),
            b"sidx" => {
                // The cast is of at most LONGEST_INDEX.
                let Some(body) = bytes.get(length..size as usize) else {
                    self.next = Some((at, size));
                    return Ok(false);
                };
                if self.timescale == 0 {
                    self.start = at;
                }
                self.list(body, end)
                    .ok_or("its segment index cannot be read")?;
                self.behind = end;
                self.proceed()?;
            }
            // An index behind the first segment would not be one of the whole file.
            b"moof" | b"mdat" => return Err(MISSING),
            _ => self.next = Some((end, GLIMPSE)),
        }
        Ok(true)
    }

    /// Takes note of all that an index refers to, which begins where the index ends, or as far behind
    /// that as it says.
    fn list(&mut self, body: &[u8], end: u64) -> Option<()> {
        let timescale = number(body, 8, 4).filter(|timescale| *timescale > 0)?;
        let width = width_of_times(body);
        let mut time = number(body, 12, width)?;
        let mut first = end.checked_add(number(body, 12 + width, width)?)?;
        let count = number(body, 14 + 2 * width, 2)?;
        if self.timescale == 0 {
            self.timescale = timescale;
        }
        let known = self.pending.len();
        let mut at = 16 + 2 * width;
        for _ in 0..count {
            let kind_and_size = number(body, at, 4)?;
            let size = kind_and_size & 0x7fff_ffff;
            let end = time.checked_add(number(body, at + 4, 4)?)?;
            if size > 0 {
                self.pending.push(Reference {
                    first,
                    size,
                    time: rescaled(time, timescale, self.timescale),
                    end: rescaled(end, timescale, self.timescale),
                    is_index: kind_and_size >> 31 == 1,
                });
            }
            first = first.checked_add(size)?;
            time = end;
            at += 12;
        }
        self.pending.get_mut(known..)?.reverse();
        Some(())
    }

    /// Files the segments that are referred to, up to the next index.
    fn proceed(&mut self) -> Result<(), &'static str> {
        self.next = None;
        while let Some(reference) = self.pending.pop() {
            if !reference.is_index {
                self.found.push(reference);
            } else if reference.first < self.behind {
                return Err("its segment index refers to itself");
            } else {
                self.next = Some((reference.first, reference.size.min(GLIMPSE)));
                break;
            }
        }
        Ok(())
    }

    /// What is known, as the segments of the representation.
    pub fn segments(&self, sidx: &SidxLocation) -> Segments {
        let place = |range| Resource {
            path: sidx.path.clone(),
            range: Some(range),
            key: None,
        };
        let before = |last| {
            let last = Some(last);
            place(ByteRange { first: 0, last })
        };
        let init = sidx.init.clone();
        let init = init.or_else(|| self.start.checked_sub(1).map(before));
        let timescale = self.timescale.max(1);
        let mut listed = Vec::with_capacity(self.found.len());
        let mut runs: Vec<SegmentRun> = Vec::new();
        let mut ended = 0;
        for segment in &self.found {
            // Where indexes disagree about a boundary, the earlier one is believed.
            let time = segment.time.max(ended);
            let begins = sidx.time_offset + time as f64 / timescale as f64;
            if segment.end <= time || begins >= sidx.end {
                continue;
            }
            let duration = segment.end - time;
            match runs.last_mut() {
                Some(run) if run.duration == duration && ended == time => run.count += 1,
                _ => runs.push(SegmentRun {
                    time,
                    duration,
                    count: 1,
                    first: listed.len() as u64,
                }),
            }
            ended = segment.end;
            listed.push(ListedSegment {
                resource: place(ByteRange {
                    first: segment.first,
                    last: Some(segment.first.saturating_add(segment.size - 1)),
                }),
                init: init.as_ref().map(|_| 0),
                discontinuity: 0,
                is_missing: false,
            });
        }
        Segments {
            timescale,
            time_offset: sidx.time_offset,
            runs,
            addresses: SegmentAddresses::Listed(listed),
            inits: init.map_or_else(Vec::new, |init| vec![init]),
            timestamps: Timestamps::Media,
            end: sidx.end,
        }
    }
}

/// A time in ticks of another length.
fn rescaled(ticks: u64, from: u64, to: u64) -> u64 {
    if from == to {
        return ticks;
    }
    (ticks as f64 * to as f64 / from as f64) as u64
}

/// What an init segment says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InitSegment {
    /// Video if there is a video track, be there audio or not.
    pub content_type: ContentType,
    /// RFC 6381, comma-separated: one for each track of video or audio, as a SourceBuffer wants it.
    pub codecs: String,
    /// Width and height of the picture in pixels; zeros if there is none.
    pub size: (u32, u32),
    /// Whether a track is encrypted, or may become so.
    pub is_encrypted: bool,
    /// The number of each track of video or audio, and its ticks per second, which are never 0.
    pub timescales: Vec<(u32, u32)>,
}

/// Reads an init segment. Its tracks of text and of metadata are passed over.
pub fn parse_init_segment(bytes: &[u8]) -> Result<InitSegment, ManifestError> {
    let mut init = InitSegment {
        content_type: ContentType::Audio,
        ..InitSegment::default()
    };
    match tracks(&mut init, bytes) {
        Ok(()) => Ok(init),
        Err(reason) => Err(ManifestError::Malformed(reason.into())),
    }
}

fn tracks(init: &mut InitSegment, bytes: &[u8]) -> Result<(), &'static str> {
    let moov = boxes(bytes)
        .find(|found| found.kind == *b"moov")
        .ok_or("it has no moov box")?;
    if !moov.whole {
        return Err("its moov box is cut off");
    }
    let traks = boxes(moov.body).filter(|found| found.kind == *b"trak");
    for trak in traks.take(MOST_TRACKS) {
        let hdlr = descendant(trak.body, &[b"mdia", b"hdlr"]).unwrap_or_default();
        let kind = match hdlr.get(8..12) {
            Some(b"vide") => ContentType::Video,
            Some(b"soun") => ContentType::Audio,
            _ => continue,
        };
        track(init, kind, trak.body).ok_or("a track cannot be read")?;
    }
    if init.timescales.is_empty() {
        return Err("it has no track of video or audio");
    }
    Ok(())
}

/// Adds what a track (`trak`, § 8.3) says to what is known.
fn track(init: &mut InitSegment, kind: ContentType, trak: &[u8]) -> Option<()> {
    // Creation and modification time come first.
    let after_times = |body| number(body, 4 + 2 * width_of_times(body), 4);
    let number_of_track = after_times(child(trak, b"tkhd")?)?;
    let timescale = after_times(descendant(trak, &[b"mdia", b"mdhd"])?)?;
    if timescale == 0 {
        return None;
    }
    // Both are of 32 bits.
    init.timescales
        .push((number_of_track as u32, timescale as u32));

    // There may be several sample entries, such as a clear one and an encrypted one; they are of one codec.
    let stsd = descendant(trak, &[b"mdia", b"minf", b"stbl", b"stsd"])?;
    let entries = stsd.get(8..)?;
    init.is_encrypted |= boxes(entries).any(|entry| matches!(&entry.kind, b"encv" | b"enca"));
    let (entry, _) = first_box(entries)?;
    let configuration = match kind {
        ContentType::Video => {
            let size = number(entry.body, 24, 4)? as u32;
            init.content_type = ContentType::Video;
            init.size = (size >> 16, size & 0xffff);
            entry.body.get(78..)?
        }
        ContentType::Audio => entry.body.get(28..)?,
    };
    // The format of what is encrypted is the original one, which § 8.12 has put elsewhere.
    let original = descendant(configuration, &[b"sinf", b"frma"]).and_then(<[u8]>::first_chunk);
    if !init.codecs.is_empty() {
        init.codecs.push(',');
    }
    name(
        &mut init.codecs,
        original.unwrap_or(&entry.kind),
        configuration,
    );
    Some(())
}

const HEXADECIMAL: &[u8] = b"0123456789ABCDEF";

/// Appends the RFC 6381 name of a sample entry format, with what the box that configures its decoder
/// adds to it. Names without such a box are those of the formats, but for `Opus`, `fLaC` and `.mp3`.
fn name(codec: &mut String, format: &[u8; 4], configuration: &[u8]) {
    for byte in format.iter().filter(|byte| **byte != b'.') {
        codec.push(char::from(byte.to_ascii_lowercase()));
    }
    let config = |kind| child(configuration, kind);
    // What cannot be read adds nothing.
    let _ = match format {
        b"avc1" | b"avc2" | b"avc3" | b"avc4" => config(b"avcC").and_then(|it| avc(codec, it)),
        b"hvc1" | b"hev1" => config(b"hvcC").and_then(|it| hevc(codec, it)),
        b"vp08" | b"vp09" => config(b"vpcC").and_then(|it| vp(codec, it)),
        b"av01" => config(b"av1C").and_then(|it| av1(codec, it)),
        b"mp4a" => config(b"esds").and_then(|it| mpeg4_audio(codec, it)),
        _ => None,
    };
}

/// Profile, constraints and level of an AVCDecoderConfigurationRecord (RFC 6381 § 3.3).
fn avc(codec: &mut String, config: &[u8]) -> Option<()> {
    let profile_to_level = number(config, 1, 3)?;
    write(codec, ".", profile_to_level, b"0123456789abcdef", 6);
    Some(())
}

/// What ISO/IEC 14496-15 § E.3 makes of an HEVCDecoderConfigurationRecord.
fn hevc(codec: &mut String, config: &[u8]) -> Option<()> {
    let profile = number(config, 1, 1)?;
    let compatibility = number(config, 2, 4)? as u32;
    let mut constraints = number(config, 6, 6)? << 16;
    let level = number(config, 12, 1)?;
    let space = match profile >> 6 {
        0 => ".",
        1 => ".A",
        2 => ".B",
        _ => ".C",
    };
    let tier = if profile & 0x20 == 0 { ".L" } else { ".H" };
    write(codec, space, profile & 0x1f, DECIMAL, 1);
    write(
        codec,
        ".",
        compatibility.reverse_bits().into(),
        HEXADECIMAL,
        1,
    );
    write(codec, tier, level, DECIMAL, 1);
    // Byte by byte, up to the last that is not zero.
    while constraints > 0 {
        write(codec, ".", constraints >> 56, HEXADECIMAL, 1);
        constraints <<= 8;
    }
    Some(())
}

/// All eight fields of a VPCodecConfigurationRecord ("VP Codec ISO Media File Format Binding").
fn vp(codec: &mut String, config: &[u8]) -> Option<()> {
    let [profile, level, packed, primaries, transfer, matrix] = *config.get(4..)?.first_chunk()?;
    let (depth, subsampling, full_range) = (packed >> 4, packed >> 1 & 7, packed & 1);
    for field in [
        profile,
        level,
        depth,
        subsampling,
        primaries,
        transfer,
        matrix,
        full_range,
    ] {
        write(codec, ".", field.into(), DECIMAL, 2);
    }
    Some(())
}

/// The fields of an AV1CodecConfigurationRecord that a name may not leave out ("AV1 Codec ISO Media
/// File Format Binding" § 5).
fn av1(codec: &mut String, config: &[u8]) -> Option<()> {
    let profile_and_level = number(config, 1, 1)?;
    let flags = number(config, 2, 1)?;
    let tier = if flags & 0x80 == 0 { "M." } else { "H." };
    let depth = match flags & 0x60 {
        0x40 => 10,
        0x60 => 12,
        _ => 8,
    };
    write(codec, ".", profile_and_level >> 5, DECIMAL, 1);
    write(codec, ".", profile_and_level & 0x1f, DECIMAL, 2);
    write(codec, tier, depth, DECIMAL, 2);
    Some(())
}

/// The object type of an ES_Descriptor (ISO/IEC 14496-1 § 7.2.6.5) and, if that is MPEG-4 audio, the
/// audio object type (ISO/IEC 14496-3 § 1.6.2.1).
fn mpeg4_audio(codec: &mut String, esds: &[u8]) -> Option<()> {
    let stream = descriptor(esds.get(4..)?, 3)?;
    // Nothing optional comes between, in a file: its streams are not elsewhere, nor timed by others.
    let decoder = descriptor(stream.get(3..)?, 4)?;
    let kind = number(decoder, 0, 1)?;
    // Whoever leaves the configuration to the frames themselves means AAC-LC.
    let object = match descriptor(decoder.get(13..)?, 5) {
        Some(specific) => match number(specific, 0, 1)? >> 3 {
            31 => 32 + (number(specific, 0, 2)? >> 5 & 0x3f),
            object => object,
        },
        None => 2,
    };
    write(codec, ".", kind, HEXADECIMAL, 2);
    if kind == 0x40 {
        write(codec, ".", object, DECIMAL, 1);
    }
    Some(())
}

/// What the descriptor has inside that begins here, if it is of a tag (ISO/IEC 14496-1 § 8.3.3).
fn descriptor(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let (found, mut rest) = bytes.split_first()?;
    let mut size = 0_usize;
    for _ in 0..4 {
        let (byte, after) = rest.split_first()?;
        rest = after;
        size = size << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    (*found == tag).then(|| rest.get(..size))?
}

/// Which time a media segment begins at, in seconds: the earliest decode time (`tfdt`, § 8.8.12) of the
/// tracks in its first fragment. `None` if these bytes, which may be its beginning, do not hold all of
/// that fragment's `moof`.
pub fn earliest_time(segment: &[u8], init: &InitSegment) -> Option<f64> {
    let moof = boxes(segment).find(|found| found.kind == *b"moof" && found.whole)?;
    boxes(moof.body)
        .filter(|found| found.kind == *b"traf")
        .filter_map(|traf| {
            let track = number(child(traf.body, b"tfhd")?, 4, 4)?;
            let tfdt = child(traf.body, b"tfdt")?;
            let time = number(tfdt, 4, width_of_times(tfdt))?;
            let mut timescales = init.timescales.iter();
            let (_, timescale) = timescales.find(|(known, _)| u64::from(*known) == track)?;
            Some(time as f64 / f64::from(*timescale))
        })
        .reduce(f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], bodies: &[&[u8]]) -> Vec<u8> {
        let body = bodies.concat();
        let size = u32::try_from(8 + body.len()).unwrap();
        [&size.to_be_bytes(), kind.as_slice(), &body].concat()
    }

    /// A segment index of (is index, bytes, ticks) each.
    fn sidx(timescale: u32, time: u64, offset: u64, references: &[(bool, u32, u32)]) -> Vec<u8> {
        let mut body = [[1, 0, 0, 0], [0; 4], timescale.to_be_bytes()].concat();
        body.extend([time.to_be_bytes(), offset.to_be_bytes()].concat());
        body.extend((references.len() as u32).to_be_bytes());
        for (is_index, size, duration) in references {
            let first = u32::from(*is_index) << 31 | size;
            body.extend([first, *duration, 0].map(u32::to_be_bytes).concat());
        }
        boxed(b"sidx", &[&body])
    }

    /// Answers what the reader wants from a file, as a server would, and counts the fetches.
    fn look_up(file: &[u8], sidx: &SidxLocation) -> Result<(Segments, usize), ManifestError> {
        let mut index = SegmentIndex::new(sidx);
        let mut fetches = 0;
        while let Some(ByteRange { first, last }) = index.next_range() {
            let end = usize::try_from(last.unwrap() + 1).unwrap().min(file.len());
            let bytes = file.get(first as usize..end).unwrap_or_default();
            index.read(bytes, first)?;
            fetches += 1;
        }
        Ok((index.segments(sidx), fetches))
    }

    fn whole() -> SidxLocation {
        SidxLocation {
            end: f64::INFINITY,
            ..SidxLocation::default()
        }
    }

    /// Start, end, first and last byte of each segment.
    fn listed(segments: &Segments) -> Vec<(f64, f64, u64, u64)> {
        (0..segments.len())
            .filter_map(|number| segments.get(number))
            .map(|segment| {
                let range = segment.resource.range.unwrap();
                (segment.start, segment.end, range.first, range.last.unwrap())
            })
            .collect()
    }

    #[test]
    fn a_header_tells_the_size_of_its_box() {
        let header_of = |size: u32, kind: &[u8; 4], large: u64| {
            let bytes = [&size.to_be_bytes(), kind.as_slice(), &large.to_be_bytes()].concat();
            box_header(&bytes).map(|header| (header.length, header.size))
        };
        assert_eq!(header_of(24, b"ftyp", 0), Some((8, Some(24))));
        assert_eq!(header_of(8, b"free", 0), Some((8, Some(8))));
        assert_eq!(header_of(0, b"mdat", 0), Some((8, None)));
        assert_eq!(header_of(1, b"mdat", 1 << 40), Some((16, Some(1 << 40))));
        assert_eq!(header_of(1, b"mdat", 15), None);
        assert_eq!(header_of(7, b"free", 0), None);
        assert_eq!(header_of(24, b"\0typ", 0), None);
        assert_eq!(box_header(&[0, 0, 0, 1, b'm', b'd', b'a', b't']), None);
    }

    #[test]
    fn an_index_is_found_behind_the_init_segment() {
        let index = sidx(
            1000,
            500,
            20,
            &[(false, 300, 2000), (false, 400, 2000), (false, 9, 700)],
        );
        let start = 16 + 40_008;
        let file = [
            boxed(b"ftyp", &[b"dash\0\0\0\0"]),
            boxed(b"moov", &[&[0; 40_000]]),
            index,
        ]
        .concat();
        let (segments, fetches) = look_up(&file, &whole()).unwrap();
        assert_eq!(fetches, 2);
        let media = file.len() as u64 + 20;
        assert_eq!(
            listed(&segments),
            [
                (0.5, 2.5, media, media + 299),
                (2.5, 4.5, media + 300, media + 699),
                (4.5, 5.2, media + 700, media + 708),
            ]
        );
        assert_eq!(segments.runs.len(), 2);
        let init = segments.get(0).unwrap().init.unwrap().range.unwrap();
        assert_eq!((init.first, init.last), (0, Some(start - 1)));
    }

    #[test]
    fn an_index_is_read_where_the_manifest_says() {
        let index = sidx(10, 30, 0, &[(false, 5, 20); 4]);
        let file = [vec![0; 100], index].concat();
        let place = SidxLocation {
            path: "a.mp4".into(),
            index: Some(ByteRange {
                first: 100,
                last: Some(file.len() as u64 - 1),
            }),
            init: Some(Resource {
                range: Some(ByteRange {
                    first: 7,
                    last: Some(99),
                }),
                ..Resource::default()
            }),
            time_offset: 10.0,
            end: 17.0,
        };
        let (segments, fetches) = look_up(&file, &place).unwrap();
        assert_eq!(fetches, 1);
        let first = segments.get(0).unwrap();
        assert_eq!((first.start, &*first.resource.path), (13.0, "a.mp4"));
        assert_eq!(first.init, place.init);
        // What begins where the period ends is not of it.
        assert_eq!((segments.len(), segments.span()), (2, Some((13.0, 17.0))));
    }

    #[test]
    fn an_index_of_indexes_is_read_level_by_level() {
        // The second one counts in other ticks, and lies beyond what is fetched at first.
        let segments = [(false, 40_000, 50), (false, 60_000, 50)];
        let part = |index: &[u8]| [index, &vec![0; 100_000]].concat();
        let one = part(&sidx(50, 0, 0, &segments));
        let finer = segments.map(|(is, size, ticks)| (is, size, 2 * ticks));
        let two = part(&sidx(100, 200, 0, &finer));
        let size = one.len() as u32;
        let top = sidx(
            50,
            0,
            0,
            &[(true, size, 100), (true, size, 100), (false, 10, 25)],
        );
        let first = top.len() as u64;
        let (found, fetches) = look_up(&[top, one, two].concat(), &whole()).unwrap();
        assert_eq!(fetches, 2);
        let at = [64, 40_064, 100_128, 140_128, 200_128].map(|at| first + at);
        let starts: Vec<(f64, u64)> = listed(&found).iter().map(|it| (it.0, it.2)).collect();
        assert_eq!(
            starts,
            [
                (0., at[0]),
                (1., at[1]),
                (2., at[2]),
                (3., at[3]),
                (4., at[4])
            ]
        );
        assert_eq!(found.span(), Some((0.0, 4.5)));
    }

    #[test]
    fn indexes_that_are_none_are_refused() {
        let reason = |file: &[u8]| look_up(file, &whole()).unwrap_err().to_string();
        let moof = boxed(b"moof", &[]);
        assert_eq!(reason(&moof), "it has no segment index");
        assert_eq!(reason(b"\0\0\0\0mdat"), "it has no segment index");
        assert_eq!(reason(b""), "it ends before its segment index does");
        let index = sidx(1, 0, 0, &[(false, 1, 1); 3]);
        assert_eq!(
            reason(&index[..index.len() - 1]),
            "it ends before its segment index does"
        );
        assert_eq!(
            reason(&sidx(0, 0, 0, &[])),
            "its segment index cannot be read"
        );
        assert_eq!(
            reason(&boxed(b"sidx", &[&[0; 22], &[1, 0]])),
            "its segment index cannot be read"
        );
        assert_eq!(
            reason(&[0; 16]),
            "something else is where its segment index should be"
        );
        assert_eq!(
            reason(b"\x7f\0\0\0sidx........"),
            "its segment index is too long"
        );
    }

    #[test]
    fn indexes_within_one_another_are_refused() {
        // The second lies in the first one's bytes, so reading both could go on exponentially.
        let inner = sidx(1, 0, 0, &[(false, 1, 1)]);
        let outer = boxed(b"sidx", &[&sidx(1, 0, 0, &[])[8..], &inner]);
        let top = sidx(1, 0, 0, &[(true, 40, 1), (true, 52, 1)]);
        let refused = look_up(&[top, outer].concat(), &whole()).unwrap_err();
        assert_eq!(refused.to_string(), "its segment index refers to itself");
    }

    #[test]
    fn an_index_without_end_is_refused() {
        let mut index = SegmentIndex::new(&whole());
        let refused = (0..=MOST_FETCHES)
            .find_map(|_| {
                let at = index.next_range().unwrap().first;
                index.read(&boxed(b"free", &[]), at).err()
            })
            .unwrap();
        assert_eq!(
            refused.to_string(),
            "its segment index does not come to an end"
        );
    }

    #[test]
    fn segments_of_no_time_or_no_bytes_are_left_out() {
        let references = [
            (false, 10, 1),
            (false, 10, 0),
            (false, 0, 1),
            (false, 10, 1),
        ];
        let (segments, _) = look_up(&sidx(1, 0, 0, &references), &whole()).unwrap();
        let kept: Vec<(f64, f64)> = listed(&segments).iter().map(|it| (it.0, it.1)).collect();
        assert_eq!(kept, [(0.0, 1.0), (2.0, 3.0)]);
    }

    /// A track of a handler, with one sample entry of a format that is so configured.
    fn trak(handler: &[u8; 4], format: &[u8; 4], configuration: &[u8]) -> Vec<u8> {
        let mut fixed = vec![0; if handler == b"vide" { 78 } else { 28 }];
        if handler == b"vide" {
            fixed[24..28].copy_from_slice(&[1, 64, 0, 180]);
        }
        let entry = boxed(format, &[&fixed, configuration]);
        let stsd = boxed(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1], &entry]);
        let minf = boxed(b"minf", &[&boxed(b"stbl", &[&stsd])]);
        let mdhd = boxed(
            b"mdhd",
            &[&[1, 0, 0, 0], &[0; 16], &90_000_u32.to_be_bytes(), &[0; 12]],
        );
        let hdlr = boxed(b"hdlr", &[&[0; 8], handler, &[0; 12]]);
        let tkhd = boxed(b"tkhd", &[&[0; 12], &7_u32.to_be_bytes(), &[0; 68]]);
        boxed(b"trak", &[&tkhd, &boxed(b"mdia", &[&mdhd, &hdlr, &minf])])
    }

    fn name_of(handler: &[u8; 4], format: &[u8; 4], kind: &[u8; 4], record: &[u8]) -> String {
        let trak = trak(handler, format, &boxed(kind, &[record]));
        parse_init_segment(&boxed(b"moov", &[&trak]))
            .unwrap()
            .codecs
    }

    #[test]
    fn codecs_are_named_after_their_configuration() {
        for (format, kind, record, name) in [
            (
                b"avc1",
                b"avcC",
                [1, 0x4d, 0x40, 0x1f].as_slice(),
                "avc1.4d401f",
            ),
            (b"avc3", b"avcC", &[1, 0x64, 0, 0x28], "avc3.640028"),
            // The examples of ISO/IEC 14496-15 § E.3, and one with a zero among the constraints.
            (
                b"hvc1",
                b"hvcC",
                &[1, 1, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93],
                "hvc1.1.6.L93.B0",
            ),
            (
                b"hev1",
                b"hvcC",
                &[1, 0x64, 0x82, 0, 0, 0, 0xb0, 0x23, 0, 0, 0, 0, 120],
                "hev1.A4.41.H120.B0.23",
            ),
            (
                b"hvc1",
                b"hvcC",
                &[1, 2, 0, 0, 0, 1, 0x90, 0, 0x0a, 0, 0, 0, 120],
                "hvc1.2.80000000.L120.90.0.A",
            ),
            (
                b"vp09",
                b"vpcC",
                &[1, 0, 0, 0, 2, 10, 0xa5, 9, 16, 9, 0, 0],
                "vp09.02.10.10.02.09.16.09.01",
            ),
            (b"av01", b"av1C", &[0x81, 0x04, 0x0c, 0], "av01.0.04M.08"),
            (b"av01", b"av1C", &[0x81, 0x0d, 0xc0, 0], "av01.0.13H.10"),
            (b"av01", b"av1C", &[0x81, 0x4d, 0x60, 0], "av01.2.13M.12"),
            // Nothing that configures it is known, or there.
            (b"vvc1", b"vvcC", &[], "vvc1"),
            (b"avc1", b"hvcC", &[1, 2, 3, 4], "avc1"),
            (b"avc1", b"avcC", &[1], "avc1"),
        ] {
            assert_eq!(name_of(b"vide", format, kind, record), name);
        }
        for (format, name) in [
            (b"Opus", "opus"),
            (b"fLaC", "flac"),
            (b".mp3", "mp3"),
            (b"ac-3", "ac-3"),
            (b"ec-3", "ec-3"),
            (b"alac", "alac"),
        ] {
            assert_eq!(name_of(b"soun", format, b"free", &[]), name);
        }
    }

    #[test]
    fn mpeg_audio_is_named_after_its_object_type() {
        // The decoder's configuration: its object type, eleven and one byte that do not matter, and more.
        let named = |object: u8, specific: &[u8]| {
            let decoder = [
                &[4, 13 + specific.len() as u8, object],
                [0; 12].as_slice(),
                specific,
            ]
            .concat();
            let stream = [&[0, 1, 0], &*decoder].concat();
            let esds = [
                &[0, 0, 0, 0, 3, 0x80, 0x80, 0x80, stream.len() as u8],
                &*stream,
            ]
            .concat();
            name_of(b"soun", b"mp4a", b"esds", &esds)
        };
        assert_eq!(named(0x40, &[5, 2, 0x12, 0x10]), "mp4a.40.2");
        assert_eq!(named(0x40, &[5, 2, 5 << 3, 0]), "mp4a.40.5");
        assert_eq!(named(0x40, &[5, 2, 0xf8 | 1, 0x40]), "mp4a.40.42");
        assert_eq!(named(0x40, &[]), "mp4a.40.2");
        assert_eq!(named(0x67, &[]), "mp4a.67");
        assert_eq!(named(0x6b, &[]), "mp4a.6B");
        assert_eq!(name_of(b"soun", b"mp4a", b"free", &[]), "mp4a");
    }

    #[test]
    fn all_tracks_count_but_those_of_text() {
        let video = trak(b"vide", b"avc1", &boxed(b"avcC", &[&[1, 0x4d, 0x40, 0x1f]]));
        let audio = trak(b"soun", b"Opus", &[]);
        let text = trak(b"text", b"wvtt", &[]);
        let both = parse_init_segment(&boxed(b"moov", &[&text, &audio, &video])).unwrap();
        assert_eq!(
            (both.content_type, &*both.codecs),
            (ContentType::Video, "opus,avc1.4d401f")
        );
        assert_eq!((both.size, both.is_encrypted), ((320, 180), false));
        assert_eq!(both.timescales, [(7, 90_000), (7, 90_000)]);
        let one = parse_init_segment(&boxed(b"moov", &[&audio])).unwrap();
        assert_eq!((one.content_type, one.size), (ContentType::Audio, (0, 0)));
    }

    #[test]
    fn encrypted_tracks_are_named_after_what_they_are_originally() {
        let avc = boxed(b"avcC", &[&[1, 0x4d, 0x40, 0x1f]]);
        let sinf = boxed(b"sinf", &[&boxed(b"frma", &[b"avc1"])]);
        let read = parse_init_segment(&boxed(
            b"moov",
            &[&trak(b"vide", b"encv", &[avc, sinf].concat())],
        ))
        .unwrap();
        assert_eq!((&*read.codecs, read.is_encrypted), ("avc1.4d401f", true));
    }

    #[test]
    fn what_is_no_init_segment_is_refused() {
        let reason = |file: &[u8]| parse_init_segment(file).unwrap_err().to_string();
        assert_eq!(reason(b"<html>"), "it has no moov box");
        assert_eq!(reason(&boxed(b"ftyp", &[])), "it has no moov box");
        let moov = boxed(b"moov", &[&trak(b"text", b"wvtt", &[])]);
        assert_eq!(reason(&moov), "it has no track of video or audio");
        assert_eq!(reason(&moov[..moov.len() - 1]), "its moov box is cut off");
        let broken = boxed(b"moov", &[&trak(b"vide", b"avc1", &[])[..200]]);
        assert_eq!(reason(&broken), "a track cannot be read");
        let mut timeless = boxed(b"moov", &[&trak(b"soun", b"Opus", &[])]);
        let ticks = timeless
            .windows(4)
            .position(|four| four == 90_000_u32.to_be_bytes());
        timeless[ticks.unwrap()..][..4].fill(0);
        assert_eq!(reason(&timeless), "a track cannot be read");
    }

    #[test]
    fn a_segment_begins_with_the_earliest_of_its_tracks() {
        let traf = |track: u8, version: u8, time: &[u8]| {
            let tfhd = boxed(b"tfhd", &[&[0, 0, 0, 0, 0, 0, 0, track]]);
            boxed(
                b"traf",
                &[&tfhd, &boxed(b"tfdt", &[&[version, 0, 0, 0], time])],
            )
        };
        let init = InitSegment {
            timescales: vec![(1, 100), (2, 1)],
            ..InitSegment::default()
        };
        let one = traf(1, 1, &1234_u64.to_be_bytes());
        let two = traf(2, 0, &12_u32.to_be_bytes());
        let other = traf(3, 0, &[0; 4]);
        let segment = [boxed(b"styp", &[]), boxed(b"moof", &[&other, &one, &two])].concat();
        assert_eq!(earliest_time(&segment, &init), Some(12.0));
        assert_eq!(earliest_time(&segment[..segment.len() - 1], &init), None);
        assert_eq!(earliest_time(&boxed(b"moof", &[&one]), &init), Some(12.34));
        assert_eq!(earliest_time(&boxed(b"moof", &[&other]), &init), None);
        assert_eq!(earliest_time(&boxed(b"mdat", &[]), &init), None);
    }
}
