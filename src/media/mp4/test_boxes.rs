//! Boxes for the tests of this module.

/// A box with some bodies, one after another.
pub fn boxed(kind: &[u8; 4], bodies: &[&[u8]]) -> Vec<u8> {
    let body = bodies.concat();
    let size = u32::try_from(8 + body.len()).unwrap();
    [&size.to_be_bytes(), kind.as_slice(), &body].concat()
}

/// A `trak` with a handler and one sample entry, whose decoder is configured by the boxes in `configuration`.
/// Its track ID is 7, its timescale 90,000, and video is of 320 × 180 pixels.
pub fn trak(handler: &[u8; 4], format: &[u8; 4], configuration: &[u8]) -> Vec<u8> {
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
