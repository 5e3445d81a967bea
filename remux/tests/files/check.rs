//! What must hold for any bytes as a file: bounded reads, sound segments and ranges, no panic.

use remux::file::{Error, MediaFile, Step};

fn drive<T>(
    file: &mut MediaFile,
    bytes: &[u8],
    limit: usize,
    mut ask: impl FnMut(&mut MediaFile) -> Result<Step<T>, Error>,
) -> Result<T, Error> {
    for _ in 0..limit {
        match ask(file)? {
            Step::Done(done) => return Ok(done),
            Step::Need(range) => {
                assert!(
                    !range.is_empty() && range.end <= bytes.len() as u64,
                    "{range:?}"
                );
                let part = bytes[range.start as usize..range.end as usize].to_vec();
                file.feed(range, part);
            }
        }
    }
    panic!("more than {limit} reads");
}

/// Opens the file and reads some of its segments.
pub fn check(bytes: &[u8]) {
    let mut file = MediaFile::new(bytes.len() as u64);
    let Ok(movie) = drive(&mut file, bytes, 3_100, MediaFile::open) else {
        return;
    };
    assert!(
        movie.duration.is_finite() && movie.duration >= 0.0,
        "{}",
        movie.duration
    );
    let tracks: Vec<_> = (0..movie.tracks.len())
        .filter(|index| movie.tracks[*index].problem.is_empty())
        .collect();
    let Ok(sets) = file.choose(&tracks) else {
        return;
    };
    for (index, set) in sets.iter().enumerate() {
        assert!(!set.segments.is_empty() && !set.tracks.is_empty());
        for (segment, times) in set.segments.iter().enumerate() {
            assert!(
                times.start.is_finite() && times.start <= times.end,
                "{times:?}"
            );
            if let Some(next) = set.segments.get(segment + 1) {
                assert!(times.start <= next.start, "{times:?} {next:?}");
            }
        }
        let count = set.segments.len();
        let mut previous = None;
        for segment in (0..count.min(12)).chain([count - 1, count / 2, count]) {
            let Ok(plan) = drive(&mut file, bytes, 64, |file| file.plan(index, segment)) else {
                continue;
            };
            assert!(
                plan.ranges
                    .iter()
                    .all(|range| range.start <= range.end && range.end <= bytes.len() as u64)
            );
            if plan.is_converted {
                let mut converter = file.converter(index, previous.take()).unwrap();
                for range in plan.ranges {
                    for part in bytes[range.start as usize..range.end as usize].chunks(4096) {
                        converter.push(part);
                    }
                }
                converter.finish();
                while let Some(bytes) = converter.take() {
                    assert!(!bytes.is_empty());
                }
                previous = Some(converter);
            }
        }
    }
}
