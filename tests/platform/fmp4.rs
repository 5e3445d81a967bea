//! Writes minimal fragmented MP4 for the tests of the simulated browser.

/// A track: one frame every `ticks` of its timescale.
#[derive(Clone, Copy)]
pub struct Track {
    pub id: u32,
    pub handler: &'static [u8; 4],
    pub codec: &'static [u8; 4],
    pub timescale: u32,
    pub ticks: u32,
    /// `media_time` of the edit list; none if it is 0.
    pub edit_start: u32,
}

/// Video with ten frames per second.
pub const VIDEO: Track = Track {
    id: 1,
    handler: b"vide",
    codec: b"avc1",
    timescale: 10,
    ticks: 1,
    edit_start: 0,
};

/// Audio with twenty frames per second.
pub const AUDIO: Track = Track {
    id: 2,
    handler: b"soun",
    codec: b"mp4a",
    timescale: 100,
    ticks: 5,
    edit_start: 0,
};

/// Frames of one track that follow each other.
#[derive(Clone)]
pub struct Run<'a> {
    pub track: Track,
    /// Decode time of the first, in ticks.
    pub start: u64,
    pub count: u32,
    /// Distance between random access points in frames; the first frame is one.
    pub group: u32,
    /// Bytes of each frame.
    pub size: u32,
    /// Composition offsets in ticks, repeated; empty for none.
    pub composition: &'a [i32],
}

/// A run of frames from one second to another, with a random access point every second.
pub fn run(track: Track, from: f64, to: f64) -> Run<'static> {
    let per_second = f64::from(track.timescale) / f64::from(track.ticks);
    Run {
        track,
        start: (from * f64::from(track.timescale)).round() as u64,
        count: ((to - from) * per_second).round() as u32,
        group: per_second as u32,
        size: 100,
        composition: &[],
    }
}

/// An init segment.
pub fn init(tracks: &[Track]) -> Vec<u8> {
    let mut moov = full_box(b"mvhd", 0, &[0; 96]);
    let mut mvex = Vec::new();
    for track in tracks {
        let mut tkhd = vec![0; 8];
        tkhd.extend(track.id.to_be_bytes());
        tkhd.extend([0; 68]);
        let mut mdhd = vec![0; 8];
        mdhd.extend(track.timescale.to_be_bytes());
        mdhd.extend([0; 8]);
        let mut hdlr = vec![0; 4];
        hdlr.extend(track.handler);
        hdlr.extend([0; 13]);
        let mut stsd = 1_u32.to_be_bytes().to_vec();
        stsd.extend(plain_box(track.codec, &[0; 78]));
        let stbl = plain_box(b"stbl", &full_box(b"stsd", 0, &stsd));
        let mut mdia = full_box(b"mdhd", 0, &mdhd);
        mdia.extend(full_box(b"hdlr", 0, &hdlr));
        mdia.extend(plain_box(b"minf", &stbl));
        let mut trak = full_box(b"tkhd", 0, &tkhd);
        if track.edit_start > 0 {
            let mut elst = 1_u32.to_be_bytes().to_vec();
            elst.extend(0_u32.to_be_bytes());
            elst.extend(track.edit_start.to_be_bytes());
            elst.extend([0, 1, 0, 0]);
            trak.extend(plain_box(b"edts", &full_box(b"elst", 0, &elst)));
        }
        trak.extend(plain_box(b"mdia", &mdia));
        moov.extend(plain_box(b"trak", &trak));
        let mut trex = track.id.to_be_bytes().to_vec();
        trex.extend(1_u32.to_be_bytes());
        trex.extend(track.ticks.to_be_bytes());
        trex.extend([0; 8]);
        mvex.extend(full_box(b"trex", 0, &trex));
    }
    moov.extend(plain_box(b"mvex", &mvex));
    let mut init = plain_box(b"ftyp", b"iso6\0\0\0\0iso6");
    init.extend(plain_box(b"moov", &moov));
    init
}

/// A media segment of these runs: one `moof`, one `mdat`.
pub fn segment(runs: &[Run<'_>]) -> Vec<u8> {
    // The offsets depend on the length of the moof, which does not depend on the offsets.
    let length = moof(runs, 0).len();
    let mut segment = moof(runs, length as u32 + 8);
    let payload: u32 = runs.iter().map(|run| run.count * run.size).sum();
    segment.extend(plain_box(b"mdat", &vec![0; payload as usize]));
    segment
}

fn moof(runs: &[Run<'_>], data_offset: u32) -> Vec<u8> {
    let mut moof = full_box(b"mfhd", 0, &1_u32.to_be_bytes());
    let mut data_offset = data_offset;
    for run in runs {
        const DEFAULT_BASE_IS_MOOF: u32 = 0x02_0000;
        let mut traf = full_box(b"tfhd", DEFAULT_BASE_IS_MOOF, &run.track.id.to_be_bytes());
        traf.extend(full_box(b"tfdt", 0x0100_0000, &run.start.to_be_bytes()));
        // Data offset, and of each sample size, flags and a signed composition offset.
        let mut trun = run.count.to_be_bytes().to_vec();
        trun.extend(data_offset.to_be_bytes());
        for nth in 0..run.count {
            let flags = if nth % run.group == 0 {
                0
            } else {
                0x01_0000_u32
            };
            let composition = match run.composition.len() {
                0 => 0,
                length => run.composition[nth as usize % length],
            };
            trun.extend(run.size.to_be_bytes());
            trun.extend(flags.to_be_bytes());
            trun.extend(composition.to_be_bytes());
        }
        traf.extend(full_box(b"trun", 0x0100_0E01, &trun));
        moof.extend(plain_box(b"traf", &traf));
        data_offset += run.count * run.size;
    }
    plain_box(b"moof", &moof)
}

pub fn plain_box(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut whole = (content.len() as u32 + 8).to_be_bytes().to_vec();
    whole.extend(kind);
    whole.extend(content);
    whole
}

fn full_box(kind: &[u8; 4], version_and_flags: u32, content: &[u8]) -> Vec<u8> {
    let mut inner = version_and_flags.to_be_bytes().to_vec();
    inner.extend(content);
    plain_box(kind, &inner)
}
