//! Stores parameter sets by their ids, and detects changes.

/// Maximum size of a parameter set in bytes; longer ones are treated as damage.
pub const MAX_SET: usize = 4096;

/// Maximum number of sets; the standards allow 16 to 32 sequence and 64 to 256 picture parameter sets.
const MAX_SETS: usize = 320;

/// Maximum size of all sets together in bytes: each configuration contains all of them.
const MAX_BYTES: usize = 1 << 15;

/// The kind of a parameter set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// VPS, of H.265.
    Video,
    /// SPS.
    Sequence,
    /// PPS.
    Picture,
}

/// Identifies a parameter set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The kind of the set.
    pub level: Level,
    /// Its id.
    pub id: u32,
}

/// The parameter sets in force, sorted by their keys: NAL units with their headers.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ParameterSets(Vec<(Key, Vec<u8>)>);

impl ParameterSets {
    /// Whether this set is in force unchanged.
    pub fn contains(&self, key: Key, nal: &[u8]) -> bool {
        self.find(key)
            .is_ok_and(|at| self.0.get(at).is_some_and(|(_, known)| known == nal))
    }

    /// Puts a set in force. A sequence parameter set that replaces another one removes all other sets, until they come
    /// again.
    pub fn insert(&mut self, key: Key, nal: Vec<u8>) {
        if self.find(key).is_ok() && key.level == Level::Sequence && !self.contains(key, &nal) {
            self.0.retain(|(known, _)| known.level < Level::Sequence);
        }
        self.0.retain(|(known, _)| *known != key);
        let size: usize = self.0.iter().map(|(_, known)| known.len()).sum();
        if let Err(at) = self.find(key)
            && self.0.len() < MAX_SETS
            && size + nal.len() <= MAX_BYTES
        {
            self.0.insert(at, (key, nal));
        }
    }

    /// All of one level.
    pub fn of(&self, level: Level) -> impl Iterator<Item = &[u8]> + Clone {
        self.0
            .iter()
            .filter(move |(key, _)| key.level == level)
            .map(|(_, nal)| nal.as_slice())
    }

    fn find(&self, key: Key) -> Result<usize, usize> {
        self.0.binary_search_by_key(&key, |(known, _)| *known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPS: Key = Key {
        level: Level::Sequence,
        id: 0,
    };
    const PPS: Key = Key {
        level: Level::Picture,
        id: 0,
    };

    #[test]
    fn number_and_size_of_sets_are_bounded() {
        let mut sets = ParameterSets::default();
        for id in 0..1000 {
            sets.insert(
                Key {
                    level: Level::Picture,
                    id,
                },
                vec![0; 200],
            );
        }
        assert_eq!(sets.of(Level::Picture).count(), MAX_BYTES / 200);
    }

    #[test]
    fn new_sequence_forgets_the_pictures_of_the_old_one() {
        let mut sets = ParameterSets::default();
        sets.insert(SPS, vec![1]);
        sets.insert(PPS, vec![2]);
        sets.insert(SPS, vec![1]);
        assert!(sets.contains(PPS, &[2]));
        sets.insert(SPS, vec![3]);
        assert_eq!(sets.of(Level::Picture).count(), 0);
        assert!(sets.contains(SPS, &[3]));
    }
}
