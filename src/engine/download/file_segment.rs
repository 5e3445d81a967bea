//! Appends segments of media files, which are ranges of one file.

use super::Download;
use crate::{
    engine::{
        error::Error,
        http::ReadMode,
        media_file::{self, MediaFile},
        segment_buffer::SegmentBuffer,
    },
    protocol::ResourceKind,
};

impl Download<'_> {
    /// Appends the ranges of a media file that are the segment.
    pub(super) async fn append_file_segment(
        &self,
        buffer: &mut SegmentBuffer,
        file: &MediaFile,
        base: &str,
    ) -> Result<(), Error> {
        let set = self.id.set as u32;
        let mut number = self.segment.number;
        let mut plan = file.plan(self.id.set, number).await?;
        // Where the next place to begin at is far behind the segment, its media are in the range of a later one.
        while plan.head.is_empty()
            && plan.ranges.is_empty()
            && self.context.content.segment(self.id, number + 1).is_some()
        {
            if plan.is_converted {
                begin_conversion(file, set, number);
            }
            number += 1;
            plan = file.plan(self.id.set, number).await?;
        }
        self.last_number.set(number);
        let offset = Some(-file.origin(self.id.set));
        buffer.set_offset_and_window(offset, self.append_window())?;
        self.append_init(buffer, file.init(self.id.set), None)
            .await?;
        if plan.is_converted {
            begin_conversion(file, set, number);
        } else if !plan.head.is_empty() {
            buffer.append(&plan.head).await?;
        }
        for (start, end) in plan.ranges {
            let network = &self.context.network;
            let resource = media_file::range_resource(start, end);
            let request = network.send(ResourceKind::MediaSegment, base, &resource)?;
            let mut response = request.response(self.progress.clone()).await?;
            response.measure(network.meter.clone());
            while let Some(bytes) = response.read(ReadMode::Soon).await? {
                for part in media_file::parts(&bytes) {
                    if plan.is_converted {
                        file.reader().borrow_mut().push(set, &part);
                        append_converted(buffer, file, set).await?;
                    } else {
                        buffer.append(&part).await?;
                    }
                }
                let buffered = buffer.buffered();
                let state = &self.context.state;
                state.update_buffered(self.content_type, buffered, self.segment.start);
            }
        }
        if plan.is_converted {
            file.reader().borrow_mut().finish(set);
            append_converted(buffer, file, set).await?;
            let buffered = buffer.buffered();
            let state = &self.context.state;
            state.update_buffered(self.content_type, buffered, self.segment.start);
        }
        Ok(())
    }
}

/// Begins to convert the segment that was planned last. It continues the one before it.
fn begin_conversion(file: &MediaFile, set: u32, number: u64) {
    let mut reader = file.reader().borrow_mut();
    reader.begin_conversion(set, u32::try_from(number).unwrap_or(u32::MAX));
}

/// Appends what was converted so far. The browser copies a fragment when it is appended, before the reader's memory
/// changes.
async fn append_converted(
    buffer: &mut SegmentBuffer,
    file: &MediaFile,
    set: u32,
) -> Result<(), Error> {
    loop {
        let fragment = file.reader().borrow_mut().take(set);
        let Some(fragment) = fragment else {
            return Ok(());
        };
        buffer.append(&fragment).await?;
    }
}
