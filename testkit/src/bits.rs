//! Bit fields, Exp-Golomb codes and NAL units (ISO/IEC 14496-10 §§ 7.3.1, 9.1).

/// Writes bit fields, the most significant bit first.
#[derive(Clone, Debug, Default)]
pub struct BitWriter {
    bytes: Vec<u8>,
    /// How many bits of the last byte are in use; 0 if all are.
    used: u32,
}

impl BitWriter {
    /// Writes the lowest bits of a number.
    pub fn bits(&mut self, value: u64, count: u32) {
        for nth in (0..count).rev() {
            let bit = (value >> nth & 1) as u8;
            if self.used == 0 {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= bit << (7 - self.used);
            }
            self.used = (self.used + 1) % 8;
        }
    }

    /// `ue(v)`: an unsigned number as an Exp-Golomb code.
    pub fn unsigned(&mut self, value: u32) {
        let value = u64::from(value) + 1;
        let length = 64 - value.leading_zeros();
        self.bits(value, 2 * length - 1);
    }

    /// A 1 and zeros up to the end of the byte: `rbsp_trailing_bits`.
    pub fn trailing(&mut self) {
        self.bits(1, 1);
        self.align();
    }

    /// Zeros up to the end of the byte.
    pub fn align(&mut self) {
        self.used = 0;
    }

    /// Whole bytes; they need not be aligned.
    pub fn bytes(&mut self, bytes: &[u8]) {
        if self.used == 0 {
            self.bytes.extend_from_slice(bytes);
        } else {
            for byte in bytes {
                self.bits(u64::from(*byte), 8);
            }
        }
    }

    /// All that was written.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// A NAL unit: its header, and its payload with emulation prevention bytes.
pub fn nal(header: u8, payload: &[u8]) -> Vec<u8> {
    let mut unit = vec![header];
    let mut zeros = 0;
    for byte in payload {
        if zeros >= 2 && *byte <= 3 {
            unit.push(3);
            zeros = 0;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        unit.push(*byte);
    }
    unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_codes_are_those_of_table_9_2() {
        for (value, bits, count) in [
            (0, 0b1, 1),
            (1, 0b010, 3),
            (3, 0b00100, 5),
            (7, 0b0001000, 7),
        ] {
            let (mut written, mut expected) = (BitWriter::default(), BitWriter::default());
            written.unsigned(value);
            expected.bits(bits, count);
            assert_eq!(written.finish(), expected.finish(), "{value}");
        }
    }

    #[test]
    fn start_codes_are_prevented_in_nal_units() {
        assert_eq!(
            nal(0x65, &[0, 0, 0, 0, 1, 0, 0, 4]),
            [0x65, 0, 0, 3, 0, 0, 3, 1, 0, 0, 4]
        );
    }
}
