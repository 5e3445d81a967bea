//! Synthetic fragmented MP4, read back by an independent reader.

use mp4_atom::{Any, Codec as Entry};
use testkit::{
    aac::Aac,
    avc::{Avc, Profile},
    fmp4::{self, Damage, Event, Layout, Options, Reference},
    synthetic::{self, Packaging, Part, Reorder, Stream, Tag},
};

use crate::oracle::{atoms, moofs, moov, samples};

const AVC: Avc = Avc {
    profile: Profile::Main,
    level: 31,
    width: 1280,
    height: 720,
    full_size: false,
};

const AAC: Aac = Aac {
    sample_rate: 48_000,
    stereo: true,
};

fn video(reorder: Reorder) -> Stream {
    Stream::video(AVC, [30, 1], 12).reordered(reorder)
}

fn audio() -> Stream {
    let mut stream = Stream::audio(AAC);
    stream.track.id = 2;
    stream
}

fn tag(sequence: u64) -> Tag {
    Tag {
        representation: "v720".to_owned(),
        sequence: Some(sequence),
        fragment: 0,
        nominal_bytes: 123_456,
    }
}

fn segment(stream: &Stream, frames: u64, decode_time: u64, packaging: &Packaging) -> Vec<u8> {
    let part = Part {
        stream,
        frames,
        decode_time,
    };
    synthetic::media(&[part], &tag(7), packaging)
}

#[test]
fn init_segment_describes_its_tracks() {
    let init = synthetic::init(&[video(Reorder::None), audio()], "both");
    let moov = moov(&init);
    let [picture, sound] = &moov.trak[..] else {
        panic!("{moov:?}");
    };
    assert_eq!(picture.mdia.mdhd.timescale, 30 * 512);
    assert_eq!(sound.mdia.mdhd.timescale, 48_000);
    let [Entry::Avc1(avc1)] = &picture.mdia.minf.stbl.stsd.codecs[..] else {
        panic!("{picture:?}");
    };
    assert_eq!((avc1.visual.width, avc1.visual.height), (1280, 720));
    assert_eq!(avc1.avcc.avc_profile_indication, 77);
    assert_eq!(avc1.avcc.avc_level_indication, 31);
    assert_eq!(avc1.avcc.sequence_parameter_sets.len(), 1);
    let [Entry::Mp4a(mp4a)] = &sound.mdia.minf.stbl.stsd.codecs[..] else {
        panic!("{sound:?}");
    };
    assert_eq!(mp4a.audio.channel_count, 2);
    let specific = mp4a.esds.es_desc.dec_config.dec_specific.as_ref().unwrap();
    assert_eq!(
        (specific.profile, specific.freq_index, specific.chan_conf),
        (2, 3, 2)
    );
    assert_eq!(moov.mvex.unwrap().trex.len(), 2);
    assert_eq!(Tag::find(&init).unwrap().sequence, None);
    assert_eq!(AVC.codec(), "avc1.4d401f");
}

#[test]
fn segment_holds_the_frames_asked_for() {
    for layout in [Layout::Compact, Layout::Full] {
        let packaging = Packaging {
            options: Options {
                layout,
                ..Options::default()
            },
            ..Packaging::default()
        };
        let bytes = segment(&video(Reorder::None), 30, 9_000_000_000, &packaging);
        let moofs = moofs(&bytes);
        assert_eq!(moofs.len(), 1);
        let samples = samples(&moofs[0], 1);
        assert_eq!(samples.len(), 30);
        for (nth, (time, duration, offset, flags, _)) in samples.iter().enumerate() {
            assert_eq!(*time, 9_000_000_000 + 512 * nth as u64);
            assert_eq!((*duration, *offset), (512, 0));
            let is_sync = flags & 0x1_0000 == 0;
            assert_eq!(is_sync, nth % 12 == 0, "{layout:?} {nth}");
        }
    }
}

#[test]
fn samples_lie_where_the_run_says() {
    let streams = [video(Reorder::Delayed), audio()];
    let parts = [
        Part {
            stream: &streams[0],
            frames: 10,
            decode_time: 0,
        },
        Part {
            stream: &streams[1],
            frames: 15,
            decode_time: 0,
        },
    ];
    let bytes = synthetic::media(&parts, &tag(1), &Packaging::default());
    let moof = &moofs(&bytes)[0];
    for traf in &moof.traf {
        let mut at = usize::try_from(traf.trun[0].data_offset.unwrap()).unwrap();
        for (nth, (_, _, _, _, size)) in samples(moof, traf.tfhd.track_id).iter().enumerate() {
            let sample = bytes.get(at..at + *size as usize).unwrap();
            assert_eq!(Tag::find(sample).is_some(), nth == 0);
            at += *size as usize;
        }
    }
    assert_eq!(Tag::find_all(&bytes).len(), 2);
}

#[test]
fn every_frame_of_reordered_video_is_shown_once() {
    for (reorder, delay) in [(Reorder::Delayed, 1), (Reorder::Signed, 0)] {
        for (frames, fragments) in [(1, 1), (2, 1), (11, 1), (12, 1), (37, 3), (40, 4)] {
            let packaging = Packaging {
                fragments,
                ..Packaging::default()
            };
            let bytes = segment(&video(reorder), frames, 51_200, &packaging);
            let samples: Vec<_> = moofs(&bytes).iter().flat_map(|it| samples(it, 1)).collect();
            let mut shown: Vec<_> = samples
                .iter()
                .map(|(time, _, offset, _, _)| time.checked_add_signed(*offset).unwrap())
                .collect();
            shown.sort_unstable();
            let expected: Vec<_> = (0..frames).map(|it| 51_200 + 512 * (it + delay)).collect();
            assert_eq!(shown, expected, "{reorder:?} {frames}");
        }
    }
}

#[test]
fn boxes_before_the_fragments_are_read() {
    let packaging = Packaging {
        options: Options {
            has_type: true,
            has_index: true,
            events: vec![Event {
                scheme: "urn:test".to_owned(),
                value: "1".to_owned(),
                timescale: 1000,
                time: 5000,
                duration: 100,
                id: 3,
                message: b"hello".to_vec(),
            }],
            producer_time: Some(1 << 32),
            moof_padding: 100_000,
            layout: Layout::Compact,
        },
        fragments: 2,
        ..Packaging::default()
    };
    let bytes = segment(&audio(), 90, 48_000, &packaging);
    let atoms = atoms(&bytes);
    let kinds: Vec<_> = atoms.iter().map(|atom| atom.kind().to_string()).collect();
    assert_eq!(
        kinds,
        [
            "styp", "sidx", "emsg", "prft", "moof", "mdat", "moof", "mdat"
        ]
    );
    let Some(Any::Sidx(index)) = atoms.get(1) else {
        panic!("{atoms:?}");
    };
    assert_eq!(index.references.len(), 1);
    assert_eq!(index.references[0].subsegment_duration, 90 * 1024);
    let after = bytes.windows(4).position(|it| it == b"emsg").unwrap() - 4;
    let before = bytes.windows(4).position(|it| it == b"moof").unwrap() - 4;
    let size = index.references[0].referenced_size as usize;
    assert_eq!(bytes.len() - before, size);
    assert!(before > after && size > 200_000);
}

#[test]
fn gap_separates_the_halves_of_a_segment() {
    let packaging = Packaging {
        fragments: 2,
        gap_frames: 10,
        ..Packaging::default()
    };
    let bytes = segment(&audio(), 50, 0, &packaging);
    let moofs = moofs(&bytes);
    assert_eq!(samples(&moofs[0], 2).last().unwrap().0, 19 * 1024);
    assert_eq!(samples(&moofs[1], 2).first().unwrap().0, 30 * 1024);
    assert_eq!(samples(&moofs[1], 2).last().unwrap().0, 49 * 1024);
}

#[test]
fn index_refers_to_segments_in_order() {
    let track = video(Reorder::None).track;
    let references = [
        Reference {
            size: 10,
            duration: 512,
        },
        Reference {
            size: 20,
            duration: 1024,
        },
    ];
    let bytes = fmp4::segment_index(&track, 77, &references);
    let Some(Any::Sidx(index)) = atoms(&bytes).into_iter().next() else {
        panic!("no sidx");
    };
    assert_eq!(
        (index.timescale, index.earliest_presentation_time),
        (15_360, 77)
    );
    let sizes: Vec<_> = index
        .references
        .iter()
        .map(|it| it.referenced_size)
        .collect();
    assert_eq!(sizes, [10, 20]);
}

#[test]
fn tag_survives_a_round_trip() {
    let bytes = segment(&video(Reorder::None), 5, 0, &Packaging::default());
    assert_eq!(Tag::find_all(&bytes), [tag(7)]);
    assert_eq!(Tag::find(b"testkit:broken"), None);
}

#[test]
fn damage_is_what_it_says() {
    let whole = segment(&audio(), 5, 0, &Packaging::default());
    let damaged = |damage| fmp4::damage(whole.clone(), damage);
    assert_eq!(damaged(Damage::Truncated(500)).len(), whole.len() / 2);
    assert_eq!(damaged(Damage::Garbage(1)).len(), whole.len());
    assert_eq!(damaged(Damage::Garbage(1)), damaged(Damage::Garbage(1)));
    assert_ne!(damaged(Damage::Garbage(1)), damaged(Damage::Garbage(2)));
    assert_ne!(damaged(Damage::Corrupted(1)), whole);
    assert!(damaged(Damage::Empty).is_empty());
    assert_eq!(
        damaged(Damage::Oversized).get(..4),
        Some(&[0x7f, 0xff, 0xff, 0xff][..])
    );
}
