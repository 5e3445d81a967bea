//! What must hold for any bytes: no panic, and no more out than in. A target of cargo-fuzz (`fuzz/fuzz_targets/ts.rs`)
//! and of `../hostile.rs`.

use remux::{
    Output, Remuxer, Wanted,
    audio::{Coding, Parsed},
    bits::unescape,
    h264, h265,
    nal::{self, Sink, Splitter},
    packets::{PACKET, Packets},
    pes::{Pes, Piece},
    psi::{self, Sections},
};

/// Bytes beyond the input that may come out: initialization segments, `moof`, metadata.
const OVERHEAD: usize = 1 << 16;

/// Each layer, and all of them; the last byte tells how the others are divided.
pub fn check(bytes: &[u8]) {
    let Some((&last, rest)) = bytes.split_last() else {
        return;
    };
    let part = match last {
        0..200 => usize::from(last) + 1,
        _ => usize::MAX,
    };
    layers(rest, part);
    let (divided, samples) = remux(rest, part);
    let (whole, same) = remux(rest, usize::MAX);
    assert_eq!(
        (divided, samples),
        (whole, same),
        "it depends on the division"
    );
    // As packets, whatever they are: most inputs have none.
    if !rest.starts_with(&[0x47]) {
        let packets: Vec<u8> = rest.chunks(PACKET - 1).flat_map(packet).collect();
        remux(&packets, part);
    }
}

fn packet(content: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x47];
    packet.extend_from_slice(content);
    packet.resize(PACKET, 0xff);
    packet
}

/// Bytes of payload and number of samples.
fn remux(bytes: &[u8], part: usize) -> (usize, usize) {
    let mut remuxer = Remuxer::new(Wanted::default(), None);
    let (mut payload, mut samples, mut others) = (0, 0, 0);
    let mut take = |remuxer: &mut Remuxer| {
        let mut problems = 0;
        while let Some(output) = remuxer.take() {
            match output {
                Output::Init(init) => others += init.bytes.len(),
                Output::Fragment(fragment) => {
                    assert!(fragment.samples > 0 && fragment.start >= 0);
                    // 96 bytes, and 16 for each sample, are no payload.
                    payload += fragment.bytes().len() - 96 - 16 * fragment.samples;
                    samples += fragment.samples;
                    remuxer.recycle(fragment);
                }
                Output::Metadata(metadata) => others += metadata.bytes.len(),
                Output::Problem(problem) => {
                    problems += 1;
                    assert!(!problem.to_string().is_empty());
                }
            }
        }
        assert!(problems <= 32);
    };
    for part in bytes.chunks(part.min(bytes.len().max(1))) {
        remuxer.push(part);
        take(&mut remuxer);
    }
    remuxer.flush();
    take(&mut remuxer);
    // A start code of 3 bytes becomes a length of 4; parameter sets may be in many initialization segments.
    assert!(payload <= bytes.len() * 2, "{payload} of {}", bytes.len());
    assert!(
        others <= bytes.len() * 64 + OVERHEAD,
        "{others} of {}",
        bytes.len()
    );
    (payload, samples)
}

#[derive(Default)]
struct Count(usize);

impl Sink for Count {
    fn start(&mut self) {}
    fn data(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
    fn end(&mut self) {}
}

fn layers(bytes: &[u8], part: usize) {
    let (mut packets, mut at) = (Packets::default(), 0);
    while packets.next(bytes, &mut at, true).is_some() {}
    assert!(at <= bytes.len());

    let (mut sections, mut pes) = (Sections::default(), Pes::default());
    let (mut splitter, mut count) = (Splitter::default(), Count::default());
    sections.packet(true);
    pes.packet(true);
    for part in bytes.chunks(part.min(bytes.len().max(1))) {
        sections.push(part);
        if let Piece::Start(_, data) | Piece::Data(data) = pes.push(part) {
            assert!(data.len() <= part.len());
        }
        splitter.push(part, &mut count);
    }
    splitter.finish(&mut count);
    assert!(count.0 <= bytes.len());

    let _ = (psi::first_program(bytes), psi::streams(bytes));
    let _ = (
        h264::key(bytes),
        h265::key(bytes),
        h264::classify(bytes),
        h265::classify(bytes),
    );
    let _ = h264::is_intra(bytes);
    assert!(nal::sei(bytes).captions.len() <= bytes.len());
    assert!(unescape(bytes, 100).len() <= bytes.len().min(100));
    for coding in [Coding::Adts, Coding::Mpeg, Coding::Ac3] {
        if let Parsed::Frame(header) = coding.parse(bytes) {
            assert!(header.length > header.skip && header.samples > 0);
        }
    }
}
