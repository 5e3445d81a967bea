//! Seeded pseudo-random numbers: xoshiro256++, seeded by SplitMix64 (Blackman and Vigna, 2019).

use std::ops::RangeInclusive;

/// A generator. Its numbers are the same on every platform and in every version of this crate.
#[derive(Clone, Debug)]
pub struct Random {
    state: [u64; 4],
}

impl Random {
    /// A generator for a seed. Similar seeds give unrelated numbers.
    pub fn new(seed: u64) -> Self {
        let mut mixed = seed;
        let state = [(); 4].map(|()| {
            mixed = mixed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            mix(mixed)
        });
        Self { state }
    }

    /// A generator for one use of a seed, such as `"faults"`. Numbers drawn for one use do not depend
    /// on how many were drawn for another.
    pub fn for_use(seed: u64, label: &str) -> Self {
        Self::new(hash(seed, label))
    }

    /// A number of 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let drawn = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        drawn
    }

    /// A number below a limit; 0 if the limit is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(limit)) >> 64) as u64
    }

    /// A number within a range, both ends included.
    pub fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        let span = range.end().saturating_sub(*range.start());
        range.start() + self.below(span.saturating_add(1))
    }

    /// A number from 0 up to, but not including, 1.
    pub fn fraction(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// `true` with a probability of `percent` percent.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of several options.
    pub fn pick<T: Clone, const N: usize>(&mut self, options: &[T; N]) -> T {
        const { assert!(N > 0) };
        options[self.below(N as u64) as usize].clone()
    }

    /// Random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        [(); N].map(|()| self.next_u64() as u8)
    }
}

/// A number that depends on a seed and a text, for decisions that depend on a request's path.
pub fn hash(seed: u64, text: &str) -> u64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = text.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, fold);
    mix(hash)
}

/// The finalizer of SplitMix64.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_gives_same_numbers() {
        let mut random = Random::new(1);
        let drawn = [(); 3].map(|()| random.next_u64());
        let mut again = Random::new(1);
        assert_eq!(drawn, [(); 3].map(|()| again.next_u64()));
        assert_ne!(drawn, [(); 3].map(|()| Random::new(2).next_u64()));
    }

    #[test]
    fn numbers_stay_within_limits_and_reach_them() {
        let mut random = Random::new(7);
        let mut seen = [false; 3];
        for _ in 0..1000 {
            let number = random.within(4..=6);
            seen[usize::try_from(number - 4).unwrap()] = true;
            assert!((0.0..1.0).contains(&random.fraction()));
        }
        assert_eq!(seen, [true; 3]);
        assert_eq!(random.below(0), 0);
        assert!(random.within(0..=u64::MAX) > 0);
    }

    #[test]
    fn hash_depends_on_seed_and_text() {
        assert_eq!(hash(1, "a"), hash(1, "a"));
        assert_ne!(hash(1, "a"), hash(2, "a"));
        assert_ne!(hash(1, "a"), hash(1, "b"));
    }
}
