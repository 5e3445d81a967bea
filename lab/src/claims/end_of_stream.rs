//! Claims about `endOfStream()` and the seekable range.

use gloo_timers::future::TimeoutFuture;
use yew_mse_worker::platform::web;

use super::MEDIA_ERR_SRC_NOT_SUPPORTED;
use crate::{
    claim::{Claim, ClaimResult, Outcome, Section},
    fixtures::{TestVideo, wait_for},
    mse::{MediaSource, format_ranges},
    peer::Peer,
};

const END_OF_STREAM: Section = Section {
    name: "End of stream",
    link: "https://w3c.github.io/media-source/#end-of-stream-algorithm",
};
const PREPARE_APPEND: Section = Section {
    name: "Prepare append",
    link: "https://w3c.github.io/media-source/#sourcebuffer-prepare-append",
};
const ELEMENT: Section = Section {
    name: "HTMLMediaElement extensions",
    link: "https://w3c.github.io/media-source/#htmlmediaelement-extensions",
};

pub fn claims() -> Vec<Claim> {
    vec![
        Claim::between(
            "An append after `endOfStream()` opens the MediaSource again",
            "a second `sourceopen`",
            PREPARE_APPEND,
            async |page| {
                let source = MediaSource::new()?;
                page.transfer(&source.handle())?;
                source.wait_until_open().await;
                let (buffer, segment) = source.append_sample().await?;
                source.end_of_stream()?;
                let ended = source.ready_state();
                let opened = web::event(&source, "sourceopen");
                buffer.append(&segment).await?;
                wait_for(opened, "sourceopen").await?;
                let details = format!("{ended}, then {}", source.ready_state());
                Err(ClaimResult::check(
                    ended == "ended" && source.ready_state() == "open",
                    details,
                ))
            },
            attach_and_receive_result,
        ),
        Claim::between(
            "`endOfStream(\"network\")` and `endOfStream(\"decode\")` fail the element",
            "error 2, error 3",
            END_OF_STREAM,
            async |page| {
                for error in ["network", "decode"] {
                    let source = MediaSource::new()?;
                    page.transfer(&source.handle())?;
                    source.wait_until_open().await;
                    source.append_sample().await?;
                    // The element fires `loadedmetadata` a little later than `updateend`.
                    page.receive().await?;
                    source.end_of_stream_with_error(error)?;
                    page.receive().await?;
                }
                Ok(())
            },
            async |worker| {
                let mut results = [ClaimResult::as_specified(""), ClaimResult::as_specified("")];
                for (result, code) in results.iter_mut().zip([2, 3]) {
                    let (handle, video) = (worker.receive().await?, TestVideo::new()?);
                    let ready = web::event(&video.element, "loadedmetadata");
                    let error = video.expect_error(code);
                    video.attach(&handle)?;
                    wait_for(ready, "loadedmetadata").await?;
                    worker.send("ready");
                    *result = error.await;
                    worker.send("failed");
                }
                let [network, decode] = results;
                Ok(ClaimResult::all([("network", network), ("decode", decode)]))
            },
        ),
        Claim::between(
            "Without metadata, `endOfStream(error)` makes the element detach the MediaSource",
            "error 4, then `sourceclose`",
            END_OF_STREAM,
            async |page| {
                for error in ["network", "decode"] {
                    let source = MediaSource::new()?;
                    page.transfer(&source.handle())?;
                    source.wait_until_open().await;
                    let closed = web::event(&source, "sourceclose");
                    source.end_of_stream_with_error(error)?;
                    wait_for(closed, "sourceclose").await?;
                    page.send("closed");
                }
                Ok(())
            },
            async |worker| {
                let mut results = [ClaimResult::as_specified(""), ClaimResult::as_specified("")];
                for result in &mut results {
                    let (handle, video) = (worker.receive().await?, TestVideo::new()?);
                    let error = video.expect_error(MEDIA_ERR_SRC_NOT_SUPPORTED);
                    video.attach(&handle)?;
                    *result = error.await;
                    worker.receive().await?;
                }
                let [network, decode] = results;
                Ok(ClaimResult::all([("network", network), ("decode", decode)]))
            },
        ),
        Claim::between(
            "With infinite duration, `seekable` ends with the live seekable range",
            "from the buffered start to the range’s end: 0 to 9 s",
            ELEMENT,
            async |page| {
                let source = MediaSource::new()?;
                page.transfer(&source.handle())?;
                source.wait_until_open().await;
                source.append_sample().await?;
                source.set_duration(f64::INFINITY)?;
                source.set_live_seekable_range(5.0, 9.0)?;
                page.send("set");
                page.wait_until_closed().await;
                Ok(())
            },
            async |worker| {
                let (handle, video) = (worker.receive().await?, TestVideo::new()?);
                video.attach(&handle)?;
                worker.receive().await?;
                // The element's `seekable` follows a little later.
                let mut details = String::new();
                for _ in 0..20 {
                    details = format_ranges(&video.element.seekable());
                    if details == "0.0–9.0 s" {
                        return Ok(ClaimResult::as_specified(details));
                    }
                    TimeoutFuture::new(20).await;
                }
                Ok(ClaimResult::differs(details))
            },
        ),
    ]
}

/// The page's part of claims that are tested in the worker: attaches the handle.
async fn attach_and_receive_result(worker: &mut Peer) -> Outcome {
    let (handle, video) = (worker.receive().await?, TestVideo::new()?);
    video.attach(&handle)?;
    Ok(worker.receive_result().await)
}
