//! Extracts audio frames from PES packets, whose boundaries need not be those of frames.

use crate::{
    ac3::{self, Ac3},
    adts::{self, Adts},
    mp4::{FragmentBuilder, HEADROOM, Sample},
    mpeg_audio::{self, MpegAudio},
    output::{Kind, Problem, Track},
    remuxer::Events,
    time::{TICKS, Times, rescale},
};

/// The size in bytes at which a fragment ends.
const MAX_FRAGMENT: usize = 1 << 18;

/// The distance of times, in seconds, that counts as a jump.
const JUMP: i64 = 10;

/// Maximum size of a header in bytes.
const MAX_HEADER: usize = 9;

/// The codings of audio. Their headers distinguish AC-3 and Enhanced AC-3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// AAC with ADTS headers.
    Adts,
    /// MPEG-1 and MPEG-2 audio.
    Mpeg,
    /// MPEG audio that is written without MP4 around it.
    RawMpeg,
    /// AC-3 and Enhanced AC-3.
    Ac3,
}

impl Coding {
    /// Reads a frame's header.
    pub fn parse(self, bytes: &[u8]) -> Parsed {
        match self {
            Self::Adts => adts::parse(bytes),
            Self::Mpeg | Self::RawMpeg => mpeg_audio::parse(bytes),
            Self::Ac3 => ac3::parse(bytes),
        }
    }
}

/// The result of parsing a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed {
    /// The bytes may be the beginning of a header.
    More,
    /// The bytes are not a header.
    Invalid,
    /// The bytes begin with a header.
    Frame(Header),
}

/// A frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the frame with its header.
    pub length: usize,
    /// Bytes of the header, which are not written.
    pub skip: usize,
    /// Audio samples of each channel.
    pub samples: u32,
    /// Whether it belongs to the previous frame.
    pub continues: bool,
    /// The decoder's configuration.
    pub format: Format,
}

/// A decoder's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// AAC.
    Adts(Adts),
    /// MPEG audio.
    Mpeg(MpegAudio),
    /// AC-3 and Enhanced AC-3.
    Ac3(Ac3),
}

impl Format {
    fn rate(self) -> u32 {
        match self {
            Self::Adts(it) => it.rate(),
            Self::Mpeg(it) => it.rate(),
            Self::Ac3(it) => it.rate(),
        }
        .max(1)
    }

    fn is_like(self, other: Self) -> bool {
        match (self, other) {
            (Self::Ac3(this), Self::Ac3(other)) => this.is_like(other),
            _ => self == other,
        }
    }

    fn describe(self) -> Result<Track, &'static str> {
        match self {
            Self::Adts(it) => Ok(it.track()),
            Self::Mpeg(it) => it.track(),
            Self::Ac3(it) => Ok(it.track()),
        }
    }

    /// The track, if browsers may decode it.
    pub fn track(self) -> Option<Track> {
        self.describe().ok()
    }
}

/// The frame being read.
#[derive(Debug, Clone, Copy)]
struct Frame {
    /// Bytes that are still missing.
    left: usize,
    /// In units of the sampling rate.
    dts: i64,
    samples: u32,
    /// Whether its position confirms that it is a frame, and not bytes that look like one.
    is_sure: bool,
}

/// The audio track.
#[derive(Debug)]
pub struct Audio {
    pid: u16,
    coding: Coding,
    builder: FragmentBuilder,
    /// An incomplete header.
    header: Vec<u8>,
    /// Number of bytes of `header` that are from the previous PES packet.
    carried: usize,
    frame: Option<Frame>,
    format: Option<Format>,
    /// Whether the last frame ended where this one begins.
    is_in_sync: bool,
    /// Whether no byte of the PES packet has been read yet.
    is_at_start: bool,
    is_cut_wanted: bool,
    /// Whether browsers do not support the coding.
    is_unsupported: bool,
    /// Time of the current PES packet, until a frame uses it, in ticks of 90 kHz.
    pes_time: Option<i64>,
    /// Time at which the last frame ends, in units of the sampling rate; `None` after a loss.
    chain: Option<i64>,
}

impl Audio {
    /// An empty track.
    pub fn new(pid: u16, coding: Coding) -> Self {
        Self {
            pid,
            coding,
            builder: match coding {
                Coding::RawMpeg => FragmentBuilder::raw(Kind::Audio),
                _ => FragmentBuilder::new(Kind::Audio),
            },
            header: Vec::with_capacity(MAX_HEADER),
            carried: 0,
            frame: None,
            format: None,
            is_in_sync: false,
            is_at_start: false,
            is_cut_wanted: false,
            is_unsupported: false,
            pes_time: None,
            chain: None,
        }
    }

    /// The coding of the track.
    pub fn coding(&self) -> Coding {
        self.coding
    }

    /// Begins a PES packet.
    pub fn start(&mut self, times: Option<Times>) {
        self.pes_time = times.map(|times| times.pts);
        self.carried = self.header.len();
        self.is_at_start = self.header.is_empty() && self.frame.is_none_or(|frame| frame.left == 0);
    }

    /// Ends the fragment at the next frame, because the input has no more PES packets.
    pub fn want_cut(&mut self) {
        self.is_cut_wanted = true;
    }

    /// Adds data of a PES packet; `at` is the transport packet's position in the stream.
    pub fn data(&mut self, mut bytes: &[u8], at: u64, events: &mut Events) {
        while !bytes.is_empty() && !self.is_unsupported {
            if let Some(frame) = &mut self.frame
                && frame.left > 0
            {
                let (now, later) = bytes.split_at(bytes.len().min(frame.left));
                self.builder.bytes.extend_from_slice(now);
                frame.left -= now.len();
                bytes = later;
                continue;
            }
            if let Some((first, rest)) = bytes.split_first() {
                self.header.push(*first);
                bytes = rest;
            }
            self.read_header(at, events);
        }
    }

    /// Parses the header as far as it has arrived; skips bytes that do not begin one.
    fn read_header(&mut self, at: u64, events: &mut Events) {
        while !self.header.is_empty() {
            match self.coding.parse(&self.header) {
                Parsed::More => return,
                Parsed::Frame(header) if self.accepts(&header) => {
                    self.begin(header, events);
                    return;
                }
                Parsed::Frame(_) | Parsed::Invalid => {
                    if self.is_in_sync {
                        events.problem(Problem::Broken {
                            pid: self.pid,
                            what: "an audio frame",
                            at,
                        });
                        self.leave_sync();
                    }
                    self.is_at_start = false;
                    self.header.remove(0);
                    self.carried = self.carried.saturating_sub(1);
                }
            }
        }
    }

    /// Whether a header is plausible: in the middle of a PES packet, one with another configuration is more likely
    /// damage.
    fn accepts(&self, header: &Header) -> bool {
        let is_new = self
            .format
            .is_some_and(|format| !format.is_like(header.format));
        match header.continues {
            true => self.frame.is_some(),
            false => !is_new || self.is_at_start,
        }
    }

    /// Drops the current frame, unless its position confirmed it.
    fn leave_sync(&mut self) {
        self.is_in_sync = false;
        if self.frame.is_some_and(|frame| !frame.is_sure) {
            self.drop_frame();
        }
    }

    fn drop_frame(&mut self) {
        if let Some(frame) = self.frame.take() {
            self.chain = Some(frame.dts);
        }
        self.builder.bytes.truncate(self.builder.samples_end());
    }

    fn begin(&mut self, header: Header, events: &mut Events) {
        let is_sure = self.is_in_sync || self.is_at_start;
        let is_of_this_pes = self.carried == 0;
        self.carried = 0;
        self.is_at_start = false;
        if header.continues {
            if let Some(frame) = &mut self.frame {
                frame.left = header.length.saturating_sub(self.header.len());
            }
            self.builder.bytes.append(&mut self.header);
            return;
        }
        if self.is_in_sync
            && let Some(frame) = &mut self.frame
        {
            frame.is_sure = true;
        }
        self.end_frame();
        if self
            .format
            .is_none_or(|format| !format.is_like(header.format))
        {
            self.configure(header.format, events);
        }
        let time = if is_of_this_pes {
            self.pes_time.take()
        } else {
            None
        };
        let rate = header.format.rate();
        let told = time.map(|ticks| (rescale(ticks * 2, TICKS as u32, rate) + 1) / 2);
        let dts = match (told, self.chain) {
            // Timestamps are rounded; durations are not.
            (Some(told), Some(chain)) if (told - chain).abs() < i64::from(header.samples) => chain,
            (Some(told), chain) => {
                let from = chain.unwrap_or(told);
                if (told - from).abs() > JUMP * i64::from(rate) {
                    let ticks = |time| rescale(time, rate, TICKS as u32);
                    events.problem(Problem::TimeJump {
                        pid: self.pid,
                        from: ticks(from),
                        to: ticks(told),
                    });
                }
                told
            }
            (None, Some(chain)) => chain,
            (None, None) => {
                // The frame has no known time: skip it.
                self.is_in_sync = false;
                self.header.clear();
                return;
            }
        };
        if self.is_cut_wanted
            || self.builder.is_full(HEADROOM + MAX_FRAGMENT)
            || self.builder.end().is_some_and(|end| end != dts)
        {
            self.cut(events);
        }
        self.chain = Some(dts + i64::from(header.samples));
        let written = self.header.get(header.skip..).unwrap_or_default();
        self.builder.bytes.extend_from_slice(written);
        let left = header.length.saturating_sub(self.header.len());
        self.header.clear();
        self.frame = Some(Frame {
            left,
            dts,
            samples: header.samples,
            is_sure,
        });
        self.is_in_sync = true;
    }

    fn configure(&mut self, format: Format, events: &mut Events) {
        self.cut(events);
        match format.describe() {
            Ok(mut track) => {
                if self.coding == Coding::RawMpeg {
                    track.entry.clear();
                }
                if let Some(before) = self.format
                    && before.rate() != format.rate()
                {
                    let scaled = |time| rescale(time, before.rate(), format.rate());
                    self.chain = self.chain.map(scaled);
                }
                self.format = Some(format);
                events.configured(track);
            }
            Err(name) => {
                self.is_unsupported = true;
                events.problem(Problem::UnsupportedCoding {
                    pid: self.pid,
                    name,
                });
                events.given_up(Kind::Audio);
            }
        }
    }

    /// Adds the complete frame as a sample.
    fn end_frame(&mut self) {
        let Some(frame) = self.frame.take() else {
            return;
        };
        let size = self.builder.bytes.len() - self.builder.samples_end();
        self.builder.add(
            frame.dts,
            Sample {
                size,
                duration: frame.samples,
                offset: 0,
                is_sync: true,
            },
        );
    }

    fn cut(&mut self, events: &mut Events) {
        self.is_cut_wanted = false;
        let rate = self.format.map_or(1, Format::rate);
        events.fragment(&mut self.builder, rate);
    }

    /// Handles missing data: drops the frame, and waits for the next PES packet with a time.
    pub fn lost(&mut self) {
        self.drop_frame();
        self.header.clear();
        self.carried = 0;
        self.is_in_sync = false;
        self.chain = None;
        self.pes_time = None;
    }

    /// Handles the end of the stream: completes the fragment, and drops an incomplete frame.
    pub fn finish(&mut self, events: &mut Events) {
        match self.frame {
            Some(frame) if frame.left == 0 => self.end_frame(),
            _ => self.drop_frame(),
        }
        self.header.clear();
        self.carried = 0;
        self.is_in_sync = false;
        self.pes_time = None;
        self.cut(events);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Fragment;

    /// AAC-LC at 48 kHz, 3 bytes behind the header: 1,024 samples, 1,920 ticks of 90 kHz.
    const FRAME: [u8; 10] = [0xff, 0xf1, 0x4c, 0x80, 0x01, 0x5f, 0xfc, 1, 2, 3];

    /// Remuxes PES packets with their times, in ticks of 90 kHz.
    fn remux(packets: &[(Option<i64>, &[u8])]) -> Vec<Fragment> {
        let (mut audio, mut events) = (Audio::new(257, Coding::Adts), Events::default());
        for (pts, data) in packets {
            audio.start(pts.map(|pts| Times { dts: pts, pts }));
            audio.data(data, 1, &mut events);
        }
        audio.finish(&mut events);
        events.fragments()
    }

    fn times(fragments: &[Fragment]) -> Vec<(i64, i64)> {
        fragments
            .iter()
            .map(|fragment| (fragment.start, fragment.end))
            .collect()
    }

    #[test]
    fn time_is_that_of_the_packet_the_frame_begins_in() {
        let first = [&FRAME[..], &FRAME[..3]].concat();
        let second = [&FRAME[3..], &FRAME].concat();
        let fragments = remux(&[(Some(0), &first), (Some(9000), &second)]);
        assert_eq!(times(&fragments), [(0, 3840), (9000, 10_920)]);
    }

    #[test]
    fn rounded_times_do_not_break_the_chain() {
        let fragments = remux(&[
            (Some(0), &FRAME),
            (Some(1950), &FRAME),
            (Some(3800), &FRAME),
        ]);
        assert_eq!(times(&fragments), [(0, 5760)]);
    }

    #[test]
    fn gap_is_left_and_overlap_is_kept() {
        let fragments = remux(&[
            (Some(20_000), &FRAME),
            (Some(90_000), &FRAME),
            (Some(9000), &FRAME),
        ]);
        assert_eq!(
            times(&fragments),
            [(20_000, 21_920), (90_000, 91_920), (9000, 10_920)]
        );
    }

    #[test]
    fn frames_before_the_first_time_are_left_out() {
        let fragments = remux(&[(None, &FRAME), (Some(9000), &FRAME)]);
        assert_eq!(times(&fragments), [(9000, 10_920)]);
    }

    #[test]
    fn bytes_that_look_like_a_frame_are_dropped() {
        // A header in the middle of noise, without another frame at its end.
        let noise = [&[7, 7][..], &FRAME, &[7, 7], &FRAME, &FRAME].concat();
        let fragments = remux(&[(Some(9000), &noise)]);
        assert_eq!(
            fragments
                .iter()
                .map(|fragment| fragment.samples)
                .sum::<usize>(),
            2
        );
    }

    #[test]
    fn layer_that_browsers_do_not_decode_is_named() {
        let (mut audio, mut events) = (Audio::new(257, Coding::Mpeg), Events::default());
        audio.start(Some(Times { dts: 0, pts: 0 }));
        audio.data(&[0xff, 0xfd, 0xa4, 0, 1, 2, 3], 1, &mut events);
        let name = "MPEG audio layer II";
        assert_eq!(
            events.problems(),
            [Problem::UnsupportedCoding { pid: 257, name }]
        );
    }
}
