//! Finds where a segment lies on the timeline. The manifest claims a place; the timestamps of the media decide.

use std::cell::RefCell;

use super::{content::Content, error::Error};
use crate::{
    media::{Index, Representation, RepresentationId, Segment, Segments, Timestamps, mp4},
    protocol::ResourceKind,
};

/// A segment that is further than this from its place in the manifest is moved, with those after it.
pub const MOVE_SECONDS: f64 = 0.25;
/// A segment that is further than this from the end of the one before it begins a new timeline, although the manifest
/// does not say so.
const DISCONTINUITY_SECONDS: f64 = 1.0;

/// How many offsets are kept. A live stream has ever new ones.
const MAX_OFFSETS: usize = 256;

/// The timestamp offsets of a presentation, shared by all tracks so that they stay in sync.
#[derive(Default)]
pub struct OffsetTable {
    offsets: RefCell<Vec<Offset>>,
}

/// The offset of a timeline of the media.
#[derive(Clone, Copy)]
struct Offset {
    period: usize,
    /// The HLS discontinuity sequence number. There may be several timelines between two discontinuities.
    discontinuity: u32,
    /// Seconds to add to a media time to get a presentation time.
    seconds: f64,
}

/// A segment whose media have begun to arrive.
pub struct Arrival<'a> {
    /// The representation's id.
    pub id: RepresentationId,
    /// The representation.
    pub representation: &'a Representation,
    /// The segment.
    pub segment: &'a Segment,
    /// When its media begin, in seconds of the media.
    pub start: f64,
    /// Whether it was appended right after the segment that ends where it starts.
    pub follows: bool,
    /// Its start in seconds before the end of the previous segment moved it.
    pub former_start: Option<f64>,
}

impl OffsetTable {
    /// The timestamp offset of a segment, in seconds. Moves the segment in the presentation if it is not where the
    /// manifest says.
    ///
    /// The first track that reaches a discontinuity determines the offset for both. It is that of the discontinuity's
    /// first segment, so that a time shows the same frame wherever playback starts.
    ///
    /// # Errors
    /// Those of the network.
    pub async fn offset(&self, content: &Content, arrival: &Arrival<'_>) -> Result<f64, Error> {
        let Arrival {
            id, segment, start, ..
        } = *arrival;
        let Index::Known(segments) = &arrival.representation.index else {
            return Ok(0.0);
        };
        let is_hls = segments.timestamps == Timestamps::Discontinuities;
        if self.known_offsets(arrival, segments).is_empty() {
            let first = first_of_discontinuity(segments, segment);
            let offset = self.first_offset(content, arrival, &first).await?;
            // The other track may have been faster.
            if self.known_offsets(arrival, segments).is_empty() {
                self.add(id.period, segment.discontinuity, offset);
            }
        }
        let known = self.known_offsets(arrival, segments);
        let deviation = |offset: f64| start + offset - segment.start;
        let nearest = nearest(&known, deviation);
        let Some(offset) = nearest else {
            return Ok(0.0);
        };
        let far = deviation(offset);
        // The list of a live stream is replaced again and again, so nothing in it is moved.
        if far.abs() <= MOVE_SECONDS || content.is_live() {
            return Ok(offset);
        }
        if let Some(former_start) = arrival.former_start
            && (start + offset - former_start).abs() <= MOVE_SECONDS
        {
            // The previous segment ends early, but this one is where the manifest says.
            content.move_segment(id, segment.number, former_start, None);
            return Ok(offset);
        }
        let first = first_of_discontinuity(segments, segment);
        let begins_anew = match is_hls {
            true => arrival.follows || first.number == segment.number,
            // The times of DASH are those of the media: a later one is a gap.
            false => arrival.follows && far < 0.0,
        };
        if !begins_anew
            && let Some(anew) = self
                .restart_before(content, arrival, &first, offset)
                .await?
        {
            self.add(id.period, segment.discontinuity, anew);
            return Ok(anew);
        }
        // A constant offset of DASH is lived with, unless nothing would be left to play.
        let is_outside = !is_hls
            && !content.is_in_period(id.period, start + offset)
            && !starts_inside(content, arrival, &first, offset).await?;
        if (begins_anew && far.abs() > DISCONTINUITY_SECONDS) || is_outside {
            let offset = segment.start - start;
            self.add(id.period, segment.discontinuity, offset);
            return Ok(offset);
        }
        // A segment of HLS was counted from the first one. An offset of DASH is that of all segments.
        let is_counted = is_hls || far < 0.0;
        let origin = is_counted.then_some(first.number);
        content.move_segment(id, segment.number, start + offset, origin);
        Ok(offset)
    }

    /// The offset of the first discontinuity that was reached, in seconds; `None` before that.
    pub fn first_offset_known(&self) -> Option<f64> {
        let offsets = self.offsets.borrow();
        let first = offsets.iter().min_by_key(|offset| offset.discontinuity);
        first.map(|offset| offset.seconds)
    }

    /// The offset of an HLS discontinuity that became known first, in seconds.
    pub fn known(&self, period: usize, discontinuity: u32) -> Option<f64> {
        let offsets = self.offsets.borrow();
        let mut offsets = offsets.iter();
        let found = offsets.find(|it| (it.period, it.discontinuity) == (period, discontinuity))?;
        Some(found.seconds)
    }

    /// The known offsets of the segment's discontinuity.
    fn known_offsets(&self, arrival: &Arrival, segments: &Segments) -> Vec<f64> {
        let key = (arrival.id.period, arrival.segment.discontinuity);
        let offsets = self.offsets.borrow();
        let found = offsets
            .iter()
            .filter(|offset| (offset.period, offset.discontinuity) == key);
        let stated = (segments.timestamps == Timestamps::Media).then_some(segments.time_offset);
        stated
            .into_iter()
            .chain(found.map(|offset| offset.seconds))
            .collect()
    }

    /// Adds an offset in seconds.
    pub fn add(&self, period: usize, discontinuity: u32, seconds: f64) {
        let mut offsets = self.offsets.borrow_mut();
        if offsets.len() == MAX_OFFSETS {
            offsets.remove(0);
        }
        offsets.push(Offset {
            period,
            discontinuity,
            seconds,
        });
    }

    /// The offset of the timeline that begins between the first segment of a discontinuity and this one, although the
    /// playlist does not say so: timestamps go back there. Looks for it by bisection, because the viewer has sought past
    /// it. `None` if there is none.
    async fn restart_before(
        &self,
        content: &Content,
        arrival: &Arrival<'_>,
        first: &Segment,
        offset: f64,
    ) -> Result<Option<f64>, Error> {
        let Arrival {
            id,
            representation,
            segment,
            start,
            ..
        } = *arrival;
        let far = start + offset - segment.start;
        let Index::Known(segments) = &representation.index else {
            return Ok(None);
        };
        if segments.timestamps != Timestamps::Discontinuities || far > -DISCONTINUITY_SECONDS {
            return Ok(None);
        }
        let Some(first_start) = media_start(content, representation, first).await? else {
            return Ok(None);
        };
        let mut before = (first.number, first_start);
        let mut after = (segment.number, start);
        while after.0 - before.0 > 1 {
            let number = before.0.midpoint(after.0);
            let Some(middle) = content.segment(id, number) else {
                return Ok(None);
            };
            let Some(time) = media_start(content, representation, &middle).await? else {
                return Ok(None);
            };
            match time + offset - middle.start > far / 2.0 {
                true => before = (number, time),
                false => after = (number, time),
            }
        }
        let goes_back = after.1 < before.1;
        let restart = content.segment(id, after.0).filter(|_| goes_back);
        Ok(restart.map(|restart| restart.start - after.1))
    }

    /// The offset of an unknown discontinuity, by its first segment.
    async fn first_offset(
        &self,
        content: &Content,
        arrival: &Arrival<'_>,
        first: &Segment,
    ) -> Result<f64, Error> {
        let segment = arrival.segment;
        if first.number != segment.number
            && !content.is_live()
            && let Some(start) = media_start(content, arrival.representation, first).await?
        {
            return Ok(first.start - start);
        }
        Ok(segment.start - arrival.start)
    }
}

/// Whether the first segment of an arrival's discontinuity lies within the period with this offset, in seconds.
async fn starts_inside(
    content: &Content,
    arrival: &Arrival<'_>,
    first: &Segment,
    offset: f64,
) -> Result<bool, Error> {
    if first.number == arrival.segment.number {
        return Ok(false);
    }
    let start = media_start(content, arrival.representation, first).await?;
    Ok(start.is_some_and(|start| content.is_in_period(arrival.id.period, start + offset)))
}

/// The offset with the least deviation.
fn nearest(offsets: &[f64], deviation: impl Fn(f64) -> f64) -> Option<f64> {
    let offsets = offsets.iter().copied();
    offsets.min_by(|one, other| deviation(*one).abs().total_cmp(&deviation(*other).abs()))
}

/// The first segment with the same discontinuity sequence number that is not missing.
fn first_of_discontinuity(segments: &Segments, segment: &Segment) -> Segment {
    let earlier = (0..segment.number).rev().map_while(|number| {
        let earlier = segments.get(number)?;
        (earlier.discontinuity == segment.discontinuity).then_some(earlier)
    });
    let present = earlier.filter(|earlier| !earlier.is_missing);
    present.last().unwrap_or_else(|| segment.clone())
}

/// When the media of a segment begin, in seconds of the media, by its first bytes. `None` if they do not say so.
///
/// # Errors
/// Those of the network for its init segment.
async fn media_start(
    content: &Content,
    representation: &Representation,
    segment: &Segment,
) -> Result<Option<f64>, Error> {
    let init = match &segment.init {
        Some(resource) => Some(content.init_segment(representation, resource).await?),
        None => None,
    };
    let (kind, base_urls) = (ResourceKind::MediaSegment, &representation.base_urls);
    // A segment that is gone is no reason not to play the others.
    let Ok(file) = content.resource(kind, base_urls, &segment.resource).await else {
        return Ok(None);
    };
    let bytes = file.bytes.to_vec();
    let init = init.map_or_else(|| bytes.clone(), |init| init.to_vec());
    let init = mp4::parse_init_segment(&init).ok();
    Ok(init.and_then(|init| mp4::earliest_time(&bytes, &init)))
}
