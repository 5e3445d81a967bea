//! Bit fields and Exp-Golomb codes (ISO/IEC 14496-10 § 7.2 and § 9.1).

/// Reads bits, the most significant first. Reads past the end return `None`.
#[derive(Debug, Clone)]
pub struct Bits<'a> {
    bytes: &'a [u8],
    /// Position in bits from the first byte.
    position: usize,
}

impl<'a> Bits<'a> {
    /// Creates a reader at the first bit of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// The next bit.
    pub fn flag(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.position / 8)?;
        let bit = byte >> (7 - self.position % 8) & 1;
        self.position += 1;
        Some(bit == 1)
    }

    /// The next `count` bits as a number; `count` is at most 32.
    pub fn read(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | u32::from(self.flag()?);
        }
        Some(value)
    }

    /// Skips `count` bits.
    pub fn skip(&mut self, count: usize) -> Option<()> {
        self.position = self.position.checked_add(count)?;
        (self.position <= self.bytes.len() * 8).then_some(())
    }

    /// An unsigned Exp-Golomb code, `ue(v)`.
    pub fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let rest = self.read(zeros)?;
        Some((1u32 << zeros) - 1 + rest)
    }

    /// A signed Exp-Golomb code, `se(v)`.
    pub fn se(&mut self) -> Option<i32> {
        let code = i64::from(self.ue()?);
        let magnitude = (code + 1) / 2;
        i32::try_from(if code % 2 == 1 { magnitude } else { -magnitude }).ok()
    }
}

/// The payload of a NAL unit without its emulation prevention bytes (ISO/IEC 14496-10 § 7.4.1.1), at most `limit`
/// bytes of it.
pub fn unescape(nal: &[u8], limit: usize) -> Vec<u8> {
    let mut payload = Vec::with_capacity(nal.len().min(limit));
    let mut zeros = 0;
    for &byte in nal {
        if payload.len() == limit {
            break;
        }
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        payload.push(byte);
    }
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_codes_are_read_as_in_the_standard() {
        // 1, 010, 011, 00100, 00101: the first five codes of table 9-2.
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        assert_eq!([0, 1, 2, 3, 4], [(); 5].map(|()| bits.ue().unwrap()));
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        assert_eq!([0, 1, -1, 2, -2], [(); 5].map(|()| bits.se().unwrap()));
    }

    #[test]
    fn reading_past_the_end_gives_none() {
        let mut bits = Bits::new(&[0]);
        assert_eq!(bits.ue(), None);
        assert_eq!(Bits::new(&[0xff]).read(9), None);
        assert_eq!(Bits::new(&[0xff]).skip(9), None);
    }

    #[test]
    fn emulation_prevention_is_removed() {
        assert_eq!(
            unescape(&[0, 0, 3, 1, 0, 0, 3, 0, 0, 3], 64),
            [0, 0, 1, 0, 0, 0, 0]
        );
        assert_eq!(unescape(&[1, 2, 3], 2), [1, 2]);
    }
}
