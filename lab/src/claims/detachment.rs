//! Claims about detaching a MediaSource in a worker from its element.

use wasm_bindgen::JsValue;
use yew_mse_worker::platform::web;

use super::{INVALID_STATE_ERROR, WORKER_BUSY_MS};
use crate::{
    claim::{Claim, ClaimResult, Section},
    fixtures::{TestVideo, wait_for},
    mse::{MediaSource, SAMPLE_MIME},
};

const DETACHING: Section = Section {
    name: "Detaching from a media element",
    link: "https://w3c.github.io/media-source/#mediasource-detach",
};
/// Open issue: calls on a MediaSource whose element has just detached it.
const DETACH_ISSUE: Section = Section {
    name: "Issue 276",
    link: "https://github.com/w3c/media-source/issues/276",
};

pub fn claims() -> Vec<Claim> {
    vec![
        Claim::between(
            "Detaching closes the MediaSource",
            "`sourceclose`; duration NaN; no buffers",
            DETACHING,
            async |page| {
                let source = MediaSource::new()?;
                page.transfer(&source.handle())?;
                source.wait_until_open().await;
                source.append_sample().await?;
                let closed = web::event(&source, "sourceclose");
                page.send("appended");
                wait_for(closed, "sourceclose").await?;
                let buffers = source.source_buffers().length();
                let is_empty = source.duration().is_nan() && buffers == 0;
                let state = source.ready_state();
                let details = format!("{state}; duration {}; {buffers} buffers", source.duration());
                Err(ClaimResult::check(is_empty && state == "closed", details))
            },
            async |worker| {
                let (handle, video) = (worker.receive().await?, TestVideo::new()?);
                video.attach(&handle)?;
                worker.receive().await?;
                video.attach(&JsValue::NULL)?;
                Ok(worker.receive_result().await)
            },
        ),
        Claim::between(
            "A MediaSource that is detached while its worker is busy throws at once",
            INVALID_STATE_ERROR,
            DETACH_ISSUE,
            async |page| {
                let source = MediaSource::new()?;
                page.transfer(&source.handle())?;
                source.wait_until_open().await;
                let (buffer, _) = source.append_sample().await?;
                page.send("busy");
                // All in one task: no event can have announced the detachment.
                let since = web::now();
                while buffer.buffered().is_ok() && web::now() - since < WORKER_BUSY_MS * 5.0 {}
                let added = source.add_source_buffer(SAMPLE_MIME);
                Err(ClaimResult::all([
                    (
                        "buffered",
                        ClaimResult::expect_exception(buffer.buffered(), INVALID_STATE_ERROR),
                    ),
                    (
                        "duration",
                        ClaimResult::expect_exception(
                            source.set_duration(1.0),
                            INVALID_STATE_ERROR,
                        ),
                    ),
                    (
                        "addSourceBuffer",
                        ClaimResult::expect_exception(added, INVALID_STATE_ERROR),
                    ),
                    (
                        "endOfStream",
                        ClaimResult::expect_exception(source.end_of_stream(), INVALID_STATE_ERROR),
                    ),
                ]))
            },
            async |worker| {
                let (handle, video) = (worker.receive().await?, TestVideo::new()?);
                video.attach(&handle)?;
                worker.receive().await?;
                video.attach(&JsValue::NULL)?;
                Ok(worker.receive_result().await)
            },
        ),
    ]
}
