//! One segment on its way from a server into a SourceBuffer.

use std::rc::Rc;

use js_sys::Uint8Array;

use super::{
    box_validator::BoxValidator,
    context::{Context, Error, invalid_data},
    decryption,
    http::{ReadMode, RequestProgress},
    network::{PATIENCE, base_url},
    segment_buffer::SegmentBuffer,
};
use crate::{
    media::{
        ContentType, Index, Representation, RepresentationId, Segment, Timestamps, mp4,
        ranges::TimeRange,
    },
    protocol::ResourceKind,
};

/// What overlaps the edges of a period by less than this is kept whole: seconds.
const EDGE: f64 = 0.1;
/// How many bytes of a segment are looked at to find its time.
const GLIMPSE: u32 = 64 << 10;

/// A segment, and all that it takes to append it.
pub struct Download<'a> {
    /// What all of the playback shares.
    pub context: &'a Context,
    /// Whose buffer it is for.
    pub content_type: ContentType,
    /// Which representation it is a segment of.
    pub id: RepresentationId,
    /// That representation.
    pub representation: &'a Representation,
    /// The segment itself.
    pub segment: &'a Segment,
    /// How it is getting on.
    pub progress: Rc<RequestProgress>,
}

impl Download<'_> {
    /// Fetches it and appends it, from one server or another.
    ///
    /// # Errors
    /// Those of the network, once there is no use in trying on; that it is damaged; that the browser does
    /// not take it.
    pub async fn run(&self, buffer: &mut SegmentBuffer) -> Result<(), Error> {
        let mut attempts = self
            .context
            .network
            .start_attempts(&self.representation.base_urls, PATIENCE.1);
        while let Err(fault) = self
            .attempt(buffer, base_url(&self.representation.base_urls, &attempts))
            .await
        {
            buffer.reset();
            self.context.network.failed(&mut attempts, fault).await?;
        }
        self.context.network.succeeded(&attempts);
        Ok(())
    }

    async fn attempt(&self, buffer: &mut SegmentBuffer, base: &str) -> Result<(), Error> {
        let Context {
            network,
            content: film,
            state: conditions,
            ..
        } = self.context;
        // The init segment is fetched once, and together with the first media segment.
        let request = network.send(ResourceKind::MediaSegment, base, &self.segment.resource)?;
        let init = match &self.segment.init {
            Some(place) => Some(film.init_segment(self.representation, place).await?),
            None => None,
        };
        let secret = match &self.segment.resource.key {
            Some(key) => Some((film.key(&self.representation.base_urls, key).await?, key.iv)),
            None => None,
        };
        let mut answer = request.response(self.progress.clone()).await?;
        answer.measure(network.meter.clone());
        // What comes is appended as it comes, but what is encrypted is decrypted as a whole.
        let extent = match secret {
            Some(_) => ReadMode::Whole,
            None => ReadMode::Soon,
        };
        let mut boxes = BoxValidator::new(&self.representation.container);
        let mut is_ready = false;
        while let Some(mut bytes) = answer.read(extent).await? {
            if let Some((secret, iv)) = &secret {
                let url = answer.url();
                bytes = decryption::decrypt(
                    ResourceKind::MediaSegment,
                    &bytes,
                    &secret.bytes,
                    *iv,
                    &url,
                )
                .await?;
            }
            boxes.push(&bytes);
            if boxes.is_invalid() {
                break;
            }
            if !is_ready {
                self.prepare_buffer(buffer, init.as_ref(), &bytes)?;
                if let (Some(bytes), Some(place)) = (&init, &self.segment.init)
                    && !buffer.is_initialized(self.id, place)
                {
                    buffer.append(bytes).await?;
                    buffer.set_initialized(self.id, place);
                }
                is_ready = true;
            }
            buffer.append(&bytes).await?;
            conditions.update_buffered(self.content_type, buffer.buffered(), self.segment.start);
        }
        match boxes.error() {
            Some(reason) => Err(invalid_data(
                ResourceKind::MediaSegment,
                &answer.url(),
                reason,
            )),
            None => Ok(()),
        }
    }

    /// Readies the buffer for the segment: its type, and where on the film's time it belongs.
    fn prepare_buffer(
        &self,
        buffer: &mut SegmentBuffer,
        init: Option<&Uint8Array>,
        beginning: &Uint8Array,
    ) -> Result<(), Error> {
        buffer.change_type(self.representation.mime())?;
        // WebKitGTK drops what is earlier than what its parser got first. Of WebM it is not looked at
        // whether the segment before came to its end, and must not matter.
        if !buffer.ends_at(self.segment.start) || self.representation.container.ends_with("/webm") {
            buffer.reset();
        }
        let offset = self.timestamp_offset(buffer, init, beginning)?;
        buffer.set_placement(offset, self.append_window())
    }

    /// What is outside of its period is not played, but for the part of a frame.
    fn append_window(&self) -> TimeRange {
        let film = self.context.content.presentation();
        let is_last = self.id.period + 1 == film.periods.len();
        let mut bounds = TimeRange {
            start: 0.0,
            end: f64::INFINITY,
        };
        if let Some(period) = film.periods.get(self.id.period) {
            bounds.start = (period.start - EDGE).max(0.0);
            if !is_last {
                bounds.end = period.end + EDGE;
            }
        }
        bounds
    }

    /// What is added to the timestamps of the segment, in seconds. `None` leaves it as it is, for packed
    /// audio: that has no timestamps, and each segment follows the one before.
    fn timestamp_offset(
        &self,
        buffer: &SegmentBuffer,
        init: Option<&Uint8Array>,
        beginning: &Uint8Array,
    ) -> Result<Option<f64>, Error> {
        let Index::Known(segments) = &self.representation.index else {
            return Ok(None);
        };
        if segments.timestamps == Timestamps::Media {
            return Ok(Some(segments.time_offset));
        }
        let (stretch, start) = (self.segment.discontinuity, self.segment.start);
        if !self.representation.container.ends_with("mp4") {
            return Ok((!buffer.ends_at(start)).then_some(start));
        }
        let mut offsets = self.context.offsets.borrow_mut();
        if let Some((_, offset)) = offsets.iter().find(|(known, _)| *known == stretch) {
            return Ok(Some(*offset));
        }
        // Where there is no init segment, the media segment is one as well.
        let init = mp4::parse_init_segment(&init.unwrap_or(beginning).to_vec()).ok();
        let glimpse = beginning.subarray(0, beginning.length().min(GLIMPSE));
        let begins = init.and_then(|init| mp4::earliest_time(&glimpse.to_vec(), &init));
        let Some(begins) = begins else {
            let path = &self.segment.resource.path;
            return Err(invalid_data(
                ResourceKind::MediaSegment,
                path,
                "it does not say its time",
            ));
        };
        offsets.push((stretch, start - begins));
        Ok(Some(start - begins))
    }
}
