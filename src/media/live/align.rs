//! Places HLS media playlists on the timeline of the presentation.
//!
//! A reloaded playlist is laid on its predecessor by media sequence numbers (RFC 8216bis § 6.2.2), as long as these name
//! the same files. Sequence numbers of different playlists mean nothing to each other (§ 6.3.2): other playlists are
//! aligned by their dates (EXT-X-PROGRAM-DATE-TIME), or else by a discontinuity that both have, or else by their ends.

use crate::media::{ListedSegment, Segment, SegmentAddresses, Segments};

/// How a reloaded playlist relates to the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It is the same stream, at the same time or later.
    Continues,
    /// It is an older copy, as from a cache that lags behind.
    Stale,
    /// The sequence numbers or the files are others: the encoder has restarted.
    Restarted,
}

/// Restarted playlists number their discontinuities anew. This is added to the numbers for each restart, so that they
/// stay different; real numbers are lower.
const DISCONTINUITIES_PER_RESTART: u32 = 1 << 24;
/// Dates of the same moment in two copies of a playlist may differ by this much, in seconds.
const DATE_TOLERANCE_SECONDS: f64 = 0.5;

/// Places a reloaded playlist on the timeline by the one before. Call it before anything else is done with the new one.
pub fn follow(old: &Segments, new: &mut Segments) -> Relation {
    set_restarts(new, old.live.restarts);
    if old.is_empty() {
        new.time_offset = old.time_offset;
        return Relation::Continues;
    }
    if new.is_empty() {
        return Relation::Stale;
    }
    let (old_first, new_first) = (old.live.first_sequence, new.live.first_sequence);
    let (old_end, new_end) = (
        old_first.saturating_add(old.len()),
        new_first.saturating_add(new.len()),
    );
    let common = old_first.max(new_first);
    let segments = common
        .checked_sub(old_first)
        .and_then(|number| old.get(number))
        .zip(
            common
                .checked_sub(new_first)
                .and_then(|number| new.get(number)),
        );
    if let Some((known, same)) = segments {
        if is_same_file(&known, &same) {
            new.time_offset += known.start - same.start;
            return match new_end < old_end {
                true => Relation::Stale,
                false => Relation::Continues,
            };
        }
        restart(old, new);
        return Relation::Restarted;
    }
    if new_first >= old_end {
        // Segments in between were never seen.
        new.time_offset = offset_by_date(old, new).unwrap_or_else(|| {
            new.time_offset + end(old) + missed(old, new_first - old_end) - start(new)
        });
        return Relation::Continues;
    }
    let date = |segments: &Segments| segments.date_at(end(segments));
    if let (Some(old), Some(new)) = (date(old), date(new))
        && new <= old + DATE_TOLERANCE_SECONDS
    {
        return Relation::Stale;
    }
    restart(old, new);
    Relation::Restarted
}

/// Places a playlist by another one of the same presentation, which is on the timeline already.
pub fn align(reference: &Segments, new: &mut Segments) {
    set_restarts(new, reference.live.restarts);
    let offset = offset_by_date(reference, new)
        .or_else(|| offset_by_discontinuity(reference, new))
        .unwrap_or_else(|| match new.live.is_growing || reference.live.is_growing {
            true => new.time_offset + end(reference) - end(new),
            false => reference.time_offset,
        });
    new.time_offset = offset;
}

/// Places a playlist of a restarted encoder by its dates, or else behind the one before. Never before its end, where the
/// other stream is.
fn restart(old: &Segments, new: &mut Segments) {
    set_restarts(new, old.live.restarts.saturating_add(1));
    let behind = new.time_offset + end(old) - start(new);
    new.time_offset = offset_by_date(old, new).map_or(behind, |offset| offset.max(behind));
}

/// Sets how often the encoder has restarted, and numbers discontinuities accordingly.
fn set_restarts(segments: &mut Segments, restarts: u32) {
    let added = restarts
        .wrapping_sub(segments.live.restarts)
        .wrapping_mul(DISCONTINUITIES_PER_RESTART);
    segments.live.restarts = restarts;
    if added != 0
        && let SegmentAddresses::Listed(listed) = &mut segments.addresses
    {
        for ListedSegment { discontinuity, .. } in listed {
            *discontinuity = discontinuity.wrapping_add(added);
        }
    }
}

/// The time offset at which a playlist's last date is where it is in the other one.
fn offset_by_date(reference: &Segments, new: &Segments) -> Option<f64> {
    let (number, date) = new.live.dates.last()?;
    let time = reference.time_of_date(*date)?;
    Some(new.time_offset + time - new.get(*number)?.start)
}

/// The time offset at which a discontinuity that begins in both playlists is at the same time.
fn offset_by_discontinuity(reference: &Segments, new: &Segments) -> Option<f64> {
    let boundaries = |segments: &Segments| -> Vec<(u32, f64)> {
        let SegmentAddresses::Listed(listed) = &segments.addresses else {
            return Vec::new();
        };
        let pairs = listed.iter().zip(listed.iter().skip(1)).enumerate();
        let starts = pairs.filter(|(_, (one, next))| one.discontinuity != next.discontinuity);
        starts
            .filter_map(|(index, (_, next))| {
                let segment = segments.get(index as u64 + 1)?;
                Some((next.discontinuity, segment.start))
            })
            .collect()
    };
    let known = boundaries(reference);
    boundaries(new)
        .into_iter()
        .rev()
        .find_map(|(number, start)| {
            let (_, place) = known.iter().find(|(other, _)| *other == number)?;
            Some(new.time_offset + place - start)
        })
}

/// Whether two segments are in the same file, apart from a token in the query.
fn is_same_file(one: &Segment, other: &Segment) -> bool {
    let without_query = |path: &str| path.split('?').next().unwrap_or_default().to_owned();
    without_query(&one.resource.path) == without_query(&other.resource.path)
        && one.resource.range == other.resource.range
}

/// The duration of segments that were missed, in seconds: as long as the known ones are on average.
fn missed(old: &Segments, count: u64) -> f64 {
    count as f64 * (end(old) - start(old)) / old.len().max(1) as f64
}

fn start(segments: &Segments) -> f64 {
    segments
        .span()
        .map_or(segments.time_offset, |(start, _)| start)
}

fn end(segments: &Segments) -> f64 {
    segments.span().map_or(segments.time_offset, |(_, end)| end)
}

#[cfg(test)]
mod tests;
