//! Claims about attaching a MediaSourceHandle to a media element.

use gloo_timers::future::TimeoutFuture;
use wasm_bindgen::JsValue;

use super::{
    ATTACHING, INVALID_STATE_ERROR, MEDIA_ERR_SRC_NOT_SUPPORTED, TRANSFER,
    send_handle_and_await_open,
};
use crate::{
    claim::{Claim, ClaimResult, Outcome, Section},
    fixtures::{TestVideo, post_to_new_port},
    mse::{MediaSource, SAMPLE_MIME, create_object_url},
    peer::MessageQueue,
};

const METHODS: Section = Section {
    name: "MediaSource, methods",
    link: "https://w3c.github.io/media-source/#methods",
};

pub fn claims() -> Vec<Claim> {
    vec![
        Claim::between(
            "A MediaSource opens only when it is attached",
            "closed before, open after",
            ATTACHING,
            async |page| {
                let source = MediaSource::new()?;
                TimeoutFuture::new(300).await;
                page.send(source.ready_state());
                page.transfer(&source.handle())?;
                source.wait_until_open().await;
                page.send(source.ready_state());
                page.wait_until_closed().await;
                Ok(())
            },
            async |worker| {
                let (before, handle) = (worker.receive().await?, worker.receive().await?);
                let video = TestVideo::new()?;
                video.attach(&handle)?;
                let after = worker.receive().await?;
                let text = |state: &JsValue| state.as_string().unwrap_or_default();
                let details = format!(
                    "{} for 300 ms without an element; {} with an element",
                    text(&before),
                    text(&after)
                );
                Ok(ClaimResult::check(
                    before == "closed" && after == "open",
                    details,
                ))
            },
        ),
        Claim::in_worker(
            "A closed MediaSource accepts no SourceBuffer, duration, end or live range",
            INVALID_STATE_ERROR,
            METHODS,
            async || {
                let source = MediaSource::new()?;
                let buffer = source.add_source_buffer(SAMPLE_MIME);
                Ok(ClaimResult::all([
                    (
                        "addSourceBuffer",
                        ClaimResult::expect_exception(buffer, INVALID_STATE_ERROR),
                    ),
                    (
                        "duration",
                        ClaimResult::expect_exception(
                            source.set_duration(1.0),
                            INVALID_STATE_ERROR,
                        ),
                    ),
                    (
                        "endOfStream",
                        ClaimResult::expect_exception(source.end_of_stream(), INVALID_STATE_ERROR),
                    ),
                    (
                        "setLiveSeekableRange",
                        ClaimResult::expect_exception(
                            source.set_live_seekable_range(0.0, 1.0),
                            INVALID_STATE_ERROR,
                        ),
                    ),
                ]))
            },
        ),
        Claim::between(
            "An element outside the document, with preload=none, attaches a handle",
            "the MediaSource opens",
            ATTACHING,
            send_handle_and_await_open,
            async |worker| {
                let (handle, video) = (worker.receive().await?, TestVideo::new()?);
                video.element.set_preload("none");
                video.attach(&handle)?;
                worker.receive().await?;
                Ok(ClaimResult::as_specified("open"))
            },
        ),
        Claim::between(
            "A handle that is set, removed in the same task and set again later is attached",
            "the MediaSource opens",
            ATTACHING,
            send_handle_and_await_open,
            async |worker| {
                let (handle, video) = (worker.receive().await?, TestVideo::new()?);
                video.attach(&handle)?;
                video.attach(&JsValue::NULL)?;
                TimeoutFuture::new(100).await;
                video.attach(&handle)?;
                worker.receive().await?;
                Ok(ClaimResult::as_specified("open"))
            },
        ),
        Claim::between(
            "A handle that is set on two elements is attached to one of them",
            "error 4 on the other element",
            ATTACHING,
            send_handle_and_await_open,
            async |worker| {
                let handle = worker.receive().await?;
                let videos = [TestVideo::new()?, TestVideo::new()?];
                for video in &videos {
                    video.attach(&handle)?;
                }
                worker.receive().await?;
                let has_failed = videos
                    .each_ref()
                    .map(|video| video.element.error().is_some());
                let failed = match has_failed {
                    [true, true] => return Ok(ClaimResult::differs("error on both elements")),
                    [true, false] => &videos[0],
                    _ => &videos[1],
                };
                if let Some(error) = failed.element.error() {
                    let details = format!("the other: error {}, {}", error.code(), error.message());
                    return Ok(ClaimResult::check(
                        error.code() == MEDIA_ERR_SRC_NOT_SUPPORTED,
                        details,
                    ));
                }
                Ok(failed.expect_error(MEDIA_ERR_SRC_NOT_SUPPORTED).await)
            },
        ),
        Claim::between(
            "A MediaSource cannot be attached again after it was detached",
            "error 4",
            ATTACHING,
            send_handle_and_await_open,
            async |worker| {
                let (handle, video) = (worker.receive().await?, TestVideo::new()?);
                video.attach(&handle)?;
                worker.receive().await?;
                video.attach(&JsValue::NULL)?;
                let error = video.expect_error(MEDIA_ERR_SRC_NOT_SUPPORTED);
                video.attach(&handle)?;
                Ok(error.await)
            },
        ),
        Claim::between(
            "After a transfer, only the received handle can be attached",
            "received: opens; sent: error 4",
            TRANSFER,
            send_handle_and_await_open,
            async |worker| {
                let handle = worker.receive().await?;
                let arrived = transfer_within_page(&handle).await?;
                let [sent_video, received_video] = [TestVideo::new()?, TestVideo::new()?];
                let error = sent_video.expect_error(MEDIA_ERR_SRC_NOT_SUPPORTED);
                sent_video.attach(&handle)?;
                let error = error.await;
                received_video.attach(&arrived)?;
                worker.receive().await?;
                Ok(ClaimResult::all([
                    ("received", ClaimResult::as_specified("open")),
                    ("sent", error),
                ]))
            },
        ),
        Claim::between(
            "An object URL of a worker’s MediaSource cannot be played on the page",
            "error 4",
            ATTACHING,
            async |page| {
                let source = MediaSource::new()?;
                page.send(create_object_url(&source)?);
                page.wait_until_closed().await;
                Ok(())
            },
            async |worker| {
                let url = worker.receive().await?.as_string().unwrap_or_default();
                let video = TestVideo::new()?;
                let error = video.expect_error(MEDIA_ERR_SRC_NOT_SUPPORTED);
                video.element.set_src(&url);
                let result = error.await;
                let details = match url.as_str() {
                    "" => format!("the URL is empty: {}", result.details),
                    _ => result.details,
                };
                let verdict = result.verdict;
                Ok(ClaimResult { verdict, details })
            },
        ),
    ]
}

/// Transfers a handle through a channel within the page, and returns the handle that arrives.
async fn transfer_within_page(handle: &JsValue) -> Outcome<JsValue> {
    let port = post_to_new_port(handle, &[handle])?;
    let mut queue = MessageQueue::new(&port);
    port.start();
    let message = queue.next().await;
    message
        .map(|message| message.data())
        .ok_or_else(|| ClaimResult::differs("it did not arrive"))
}
