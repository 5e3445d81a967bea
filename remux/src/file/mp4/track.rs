//! Tracks of a `moov` box, and the initialization segments made of them.

use std::{ops::Range, rc::Rc};

use super::{
    boxes::{Boxes, find},
    sample_entry::{self, SampleEntry},
    sample_table::SampleTable,
};
use crate::{
    file::{input::number, movie::FileTrack},
    mp4::write_box,
    output::Kind,
};

/// A track of a `moov` box.
#[derive(Debug, Clone)]
pub struct Mp4Track {
    /// What it is.
    pub about: FileTrack,
    /// Ticks per second of its times.
    pub timescale: u32,
    /// Duration in ticks, as the track says.
    pub duration: u64,
    /// Added to its media times, in ticks: what the edit list says.
    pub shift: i64,
    /// Decoding time at which the edit list ends it.
    pub end: Option<i64>,
    /// Its samples.
    pub samples: Option<SampleTable>,
    /// Its sample entries.
    pub entries: Vec<SampleEntry>,
    /// Content of `tkhd`.
    tkhd: Range<usize>,
    /// Packed language of `mdhd`.
    language: u16,
}

/// Name of a box, and its version.
fn version(bytes: &[u8], range: &Range<usize>) -> u8 {
    bytes.get(range.start).copied().unwrap_or(0)
}

/// Timescale and duration of `mvhd` or `mdhd`, and where they end.
pub fn header(bytes: &[u8], range: &Range<usize>) -> Option<(u32, u64, usize)> {
    let content = bytes.get(range.clone())?;
    Some(if version(bytes, range) == 1 {
        (number::u32(content, 20)?, number::u64(content, 24)?, 32)
    } else {
        let duration = number::u32(content, 16)?;
        (number::u32(content, 12)?, u64::from(duration), 20)
    })
}

/// Reads `trak`; `None` if it is damaged.
pub fn parse(moov: &Rc<Vec<u8>>, trak: Range<usize>, movie_timescale: u32) -> Option<Mp4Track> {
    let bytes = moov.as_slice();
    let tkhd = find(bytes, trak.clone(), &[b"tkhd"])?;
    let mdia = find(bytes, trak.clone(), &[b"mdia"])?;
    let mdhd = find(bytes, mdia.clone(), &[b"mdhd"])?;
    let handler = bytes.get(find(bytes, mdia.clone(), &[b"hdlr"])?)?;
    let stbl = find(bytes, mdia.clone(), &[b"minf", b"stbl"])?;
    let stsd = find(bytes, stbl.clone(), &[b"stsd"])?;
    let (timescale, duration, at) = header(bytes, &mdhd)?;
    let language = number::u16(bytes, mdhd.start + at)?;
    let kind = match handler.get(8..12)? {
        b"vide" => Some(Kind::Video),
        b"soun" => Some(Kind::Audio),
        _ => None,
    };
    let wide = version(bytes, &tkhd) == 1;
    let fields = bytes.get(tkhd.clone())?;
    let flags = number::u32(fields, 0)?;
    let matrix = if wide { 52 } else { 40 };
    let entries = sample_entry::entries(bytes, stsd, kind == Some(Kind::Video));
    let first = entries.first().cloned().unwrap_or_default();
    let samples = SampleTable::new(moov, stbl);
    let (shift, end) = find(bytes, trak.clone(), &[b"edts", b"elst"])
        .and_then(|elst| edits(bytes.get(elst)?, timescale, movie_timescale))
        .unwrap_or((0, None));
    let mime = match kind {
        Some(Kind::Video) => format!("video/mp4; codecs=\"{}\"", first.codec),
        Some(Kind::Audio) => format!("audio/mp4; codecs=\"{}\"", first.codec),
        None => String::new(),
    };
    let problem = match kind {
        _ if timescale == 0 => "its timescale is zero",
        Some(_) if entries.is_empty() => "it has no sample entry",
        Some(_) if entries.iter().any(|entry| entry.is_encrypted) => "it is encrypted",
        Some(_) => "",
        None => "it is no video or audio",
    };
    Some(Mp4Track {
        about: FileTrack {
            kind,
            is_text: matches!(handler.get(8..12)?, b"text" | b"sbtl" | b"subt" | b"subp"),
            number: number::u32(fields, if wide { 20 } else { 12 })?.into(),
            codec: first.codec,
            mime,
            language: find(bytes, mdia, &[b"elng"])
                .and_then(|elng| bytes.get(elng.start + 4..elng.end))
                .and_then(|tag| std::str::from_utf8(tag.split(|byte| *byte == 0).next()?).ok())
                .map_or_else(|| language_tag(language), str::to_owned),
            label: find(bytes, trak, &[b"udta", b"name"])
                .and_then(|name| std::str::from_utf8(bytes.get(name)?).ok())
                .unwrap_or_default()
                .to_owned(),
            is_default: flags & 1 != 0,
            size: (first.size.0.into(), first.size.1.into()),
            rotation: rotation(fields.get(matrix..)?),
            channels: first.channels,
            frame_rate: 0.0,
            problem: problem.to_owned(),
        },
        timescale: timescale.max(1),
        duration,
        shift,
        end,
        samples,
        entries,
        tkhd,
        language,
    })
}

/// The language of `mdhd`: three letters of five bits, or a Macintosh code, of which only English is common.
fn language_tag(packed: u16) -> String {
    if packed == 0 {
        return "en".to_owned();
    }
    let letters = [10, 5, 0].map(|shift| (packed >> shift & 31) as u8 + 0x60);
    let is_tag = letters.iter().all(u8::is_ascii_lowercase) && letters != *b"und";
    if is_tag {
        letters.into_iter().map(char::from).collect()
    } else {
        String::new()
    }
}

/// The rotation of a transformation matrix, clockwise; 0 if it is none by right angles.
fn rotation(matrix: &[u8]) -> u16 {
    let value = |index: usize| number::u32(matrix, index * 4).unwrap_or(0) as i32;
    match [value(0), value(1), value(3), value(4)].map(i32::signum) {
        [0, 1, -1, 0] => 90,
        [-1, 0, 0, -1] => 180,
        [0, -1, 1, 0] => 270,
        _ => 0,
    }
}

/// What to add to media times, and the decoding time at which the edit ends, in ticks of the media. An empty edit
/// delays the track; of several others, the first counts.
fn edits(elst: &[u8], timescale: u32, movie_timescale: u32) -> Option<(i64, Option<i64>)> {
    let wide = *elst.first()? == 1;
    let count = number::u32(elst, 4)?;
    let width = if wide { 20 } else { 12 };
    let mut delay = 0i64;
    let scaled = |duration: u64| {
        let ticks =
            i128::from(duration) * i128::from(timescale) / i128::from(movie_timescale.max(1));
        i64::try_from(ticks).unwrap_or(0)
    };
    for entry in elst.get(8..)?.chunks_exact(width).take(count as usize) {
        let (duration, time) = if wide {
            (number::u64(entry, 0)?, number::u64(entry, 8)? as i64)
        } else {
            let time = number::u32(entry, 4)? as i32;
            (number::u32(entry, 0)?.into(), time.into())
        };
        if time < 0 {
            delay = delay.saturating_add(scaled(duration));
            continue;
        }
        // With several edits, cutting at the end of the first would lose the others.
        let is_only = elst.get(8..)?.chunks_exact(width).len() <= 2 || count <= 2;
        let end = (duration > 0 && is_only).then(|| time.saturating_add(scaled(duration)));
        return Some((delay.saturating_sub(time), end));
    }
    Some((delay, None))
}

impl Mp4Track {
    /// Number of the track in what is written.
    pub fn id(&self) -> u32 {
        self.about.kind.map_or(3, Kind::track_id)
    }

    fn write(&self, b: &mut Vec<u8>, moov: &[u8]) {
        let is_video = self.about.kind == Some(Kind::Video);
        write_box(b, b"trak", |b| {
            write_box(b, b"tkhd", |b| {
                let mut fields = moov.get(self.tkhd.clone()).unwrap_or_default().to_vec();
                let wide = fields.first() == Some(&1);
                let (id, duration) = if wide { (20, 28..36) } else { (12, 20..24) };
                if let Some(duration) = fields.get_mut(duration) {
                    duration.fill(0);
                }
                if let Some(field) = fields.get_mut(id..id + 4) {
                    field.copy_from_slice(&self.id().to_be_bytes());
                }
                // Enabled, in the movie: an alternative track is disabled in the file.
                if let Some(flags) = fields.get_mut(3) {
                    *flags |= 3;
                }
                b.extend_from_slice(&fields);
            });
            write_box(b, b"mdia", |b| {
                write_box(b, b"mdhd", |b| {
                    b.extend_from_slice(&[0; 12]);
                    b.extend_from_slice(&self.timescale.to_be_bytes());
                    b.extend_from_slice(&[0; 4]);
                    b.extend_from_slice(&self.language.to_be_bytes());
                    b.extend_from_slice(&[0; 2]);
                });
                write_box(b, b"hdlr", |b| {
                    b.extend_from_slice(&[0; 8]);
                    b.extend_from_slice(if is_video { b"vide" } else { b"soun" });
                    b.extend_from_slice(&[0; 13]);
                });
                write_box(b, b"minf", |b| {
                    if is_video {
                        write_box(b, b"vmhd", |b| {
                            b.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
                        });
                    } else {
                        write_box(b, b"smhd", |b| b.extend_from_slice(&[0; 8]));
                    }
                    write_box(b, b"dinf", |b| {
                        write_box(b, b"dref", |b| {
                            b.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 1]);
                            write_box(b, b"url ", |b| b.extend_from_slice(&[0, 0, 0, 1]));
                        });
                    });
                    write_box(b, b"stbl", |b| {
                        write_box(b, b"stsd", |b| {
                            b.extend_from_slice(&[0; 4]);
                            b.extend_from_slice(&(self.entries.len() as u32).to_be_bytes());
                            for entry in &self.entries {
                                b.extend_from_slice(&entry.bytes);
                            }
                        });
                        write_box(b, b"stts", |b| b.extend_from_slice(&[0; 8]));
                        write_box(b, b"stsc", |b| b.extend_from_slice(&[0; 8]));
                        write_box(b, b"stsz", |b| b.extend_from_slice(&[0; 12]));
                        write_box(b, b"stco", |b| b.extend_from_slice(&[0; 8]));
                    });
                });
            });
        });
    }
}

/// The initialization segment of some tracks, with the sizes, transformations and sample entries of the file.
pub fn init(moov: &[u8], tracks: &[&Mp4Track]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2048);
    write_box(&mut bytes, b"ftyp", |b| {
        b.extend_from_slice(b"iso6\0\0\0\0iso6mp41")
    });
    write_box(&mut bytes, b"moov", |b| {
        write_box(b, b"mvhd", |b| {
            let identity = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];
            let fields = [0, 0, 0, 1000, 0, 0x1_0000, 0x0100_0000, 0, 0]
                .into_iter()
                .chain(identity)
                .chain([0, 0, 0, 0, 0, 0, u32::MAX]);
            b.extend(fields.flat_map(u32::to_be_bytes));
        });
        for track in tracks {
            track.write(b, moov);
        }
        write_box(b, b"mvex", |b| {
            for track in tracks {
                write_box(b, b"trex", |b| {
                    b.extend(
                        [0, track.id(), 1, 0, 0, 0]
                            .into_iter()
                            .flat_map(u32::to_be_bytes),
                    );
                });
            }
        });
    });
    bytes
}

/// The tracks of `moov`, and the movie's timescale and duration.
pub fn tracks(moov: &Rc<Vec<u8>>) -> Option<(Vec<Mp4Track>, u32, u64)> {
    let all = 0..moov.len();
    let (timescale, duration, _) = header(moov, &find(moov, all.clone(), &[b"mvhd"])?)?;
    let tracks = Boxes::new(moov, all)
        .filter(|(name, _)| name == b"trak")
        .filter_map(|(_, trak)| parse(moov, trak, timescale))
        .take(64)
        .collect();
    Some((tracks, timescale, duration))
}
