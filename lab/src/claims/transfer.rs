//! Claims about transferring a MediaSourceHandle.

use wasm_bindgen::JsValue;

use super::{CROSS_CONTEXT, INTERFACE, TRANSFER, send_handle, send_handle_and_await_open};
use crate::{
    claim::{Claim, ClaimResult},
    fixtures::{
        CrossOriginFrame, HiddenFrame, TestServiceWorker, TestVideo, broadcast, post_to_new_port,
        start_shared_worker, store_in_history,
    },
    mse::MediaSource,
};

const DATA_CLONE_ERROR: &str = "DataCloneError";

pub fn claims() -> Vec<Claim> {
    vec![
        Claim::in_worker(
            "A handle cannot be posted without a transfer list",
            DATA_CLONE_ERROR,
            TRANSFER,
            async || {
                let handle = MediaSource::new()?.handle();
                Ok(ClaimResult::expect_exception(
                    post_to_new_port(&handle, &[]),
                    DATA_CLONE_ERROR,
                ))
            },
        ),
        Claim::in_worker(
            "A handle cannot be in the transfer list twice",
            DATA_CLONE_ERROR,
            TRANSFER,
            async || {
                let handle = MediaSource::new()?.handle();
                Ok(ClaimResult::expect_exception(
                    post_to_new_port(&handle, &[&handle, &handle]),
                    DATA_CLONE_ERROR,
                ))
            },
        ),
        Claim::in_worker(
            "A handle cannot be transferred twice",
            DATA_CLONE_ERROR,
            TRANSFER,
            async || {
                let handle = MediaSource::new()?.handle();
                post_to_new_port(&handle, &[&handle])?;
                Ok(ClaimResult::expect_exception(
                    post_to_new_port(&handle, &[&handle]),
                    DATA_CLONE_ERROR,
                ))
            },
        ),
        Claim::between(
            "A handle that has been an element’s `srcObject` cannot be transferred",
            DATA_CLONE_ERROR,
            TRANSFER,
            send_handle,
            async |worker| {
                let (handle, video) = (worker.receive().await?, TestVideo::new()?);
                video.attach(&handle)?;
                let attached = ClaimResult::expect_exception(
                    post_to_new_port(&handle, &[&handle]),
                    DATA_CLONE_ERROR,
                );
                video.attach(&JsValue::NULL)?;
                let detached = ClaimResult::expect_exception(
                    post_to_new_port(&handle, &[&handle]),
                    DATA_CLONE_ERROR,
                );
                Ok(ClaimResult::all([
                    ("while set", attached),
                    ("after removal", detached),
                ]))
            },
        ),
        Claim::in_worker(
            "A MediaSource cannot be transferred",
            DATA_CLONE_ERROR,
            CROSS_CONTEXT,
            async || {
                let source = MediaSource::new()?;
                Ok(ClaimResult::expect_exception(
                    post_to_new_port(&source, &[&source]),
                    DATA_CLONE_ERROR,
                ))
            },
        ),
        Claim::between(
            "A shared worker cannot receive a handle, and the sender loses it",
            "`messageerror` at the receiver",
            TRANSFER,
            send_handle,
            async |worker| {
                let handle = worker.receive().await?;
                let arrives = start_shared_worker().await?.receives(&handle).await?;
                Ok(check_not_received(arrives, &handle))
            },
        ),
        Claim::between(
            "A service worker cannot receive a handle, and the sender loses it",
            "`messageerror` at the receiver",
            TRANSFER,
            send_handle,
            async |worker| {
                let handle = worker.receive().await?;
                let arrives = TestServiceWorker::start()
                    .await?
                    .context
                    .receives(&handle)
                    .await?;
                Ok(check_not_received(arrives, &handle))
            },
        ),
        Claim::between(
            "A cross-origin frame cannot receive a handle, and the sender loses it",
            "`messageerror` at the receiver",
            TRANSFER,
            send_handle,
            async |worker| {
                let handle = worker.receive().await?;
                let arrives = CrossOriginFrame::start()
                    .await?
                    .context
                    .receives(&handle)
                    .await?;
                Ok(check_not_received(arrives, &handle))
            },
        ),
        Claim::between(
            "A same-origin frame can receive a handle and attach it to its own element",
            "the MediaSource opens",
            TRANSFER,
            send_handle_and_await_open,
            async |worker| {
                let (handle, frame) = (worker.receive().await?, HiddenFrame::new()?);
                let video = TestVideo::in_document(&frame.document()?)?;
                let arrived = frame.transfer(&handle).await?;
                video.attach(&arrived)?;
                worker.receive().await?;
                Ok(ClaimResult::as_specified("open"))
            },
        ),
        Claim::in_worker(
            "A handle cannot be posted to a BroadcastChannel",
            DATA_CLONE_ERROR,
            INTERFACE,
            async || {
                Ok(ClaimResult::expect_exception(
                    broadcast(&MediaSource::new()?.handle()),
                    DATA_CLONE_ERROR,
                ))
            },
        ),
        Claim::between(
            "A handle cannot be stored as the state of a history entry",
            DATA_CLONE_ERROR,
            INTERFACE,
            send_handle,
            async |worker| {
                Ok(ClaimResult::expect_exception(
                    store_in_history(&worker.receive().await?),
                    DATA_CLONE_ERROR,
                ))
            },
        ),
    ]
}

/// The result of a transfer to a context that cannot receive handles: the object does not arrive, and
/// the sender cannot transfer it again.
fn check_not_received(arrives: bool, handle: &JsValue) -> ClaimResult {
    let details = if arrives {
        "it arrived"
    } else {
        "messageerror"
    };
    ClaimResult::all([
        ("at the receiver", ClaimResult::check(!arrives, details)),
        (
            "second transfer",
            ClaimResult::expect_exception(post_to_new_port(handle, &[handle]), DATA_CLONE_ERROR),
        ),
    ])
}
