//! Claims about a terminated worker and about the Content-Security-Policy.

use yew_mse_worker::platform::web;

use super::{ATTACHING, MEDIA_ERR_SRC_NOT_SUPPORTED, send_handle, send_handle_and_await_open};
use crate::{
    claim::{Claim, ClaimResult, Section, timeout},
    fixtures::{HiddenFrame, TestVideo},
    mse::{MediaSource, format_ranges},
};

/// Open issue: an element whose worker has been terminated.
const TERMINATION_ISSUE: Section = Section {
    name: "Issue 277",
    link: "https://github.com/w3c/media-source/issues/277",
};
const POLICY: Section = Section {
    name: "Content Security Policy, media-src",
    link: "https://w3c.github.io/webappsec-csp/#directive-media-src",
};
/// The duration of the media that `MediaSource::append_sample` appends.
const SAMPLE_DURATION_MS: u32 = 2_000;

pub fn claims() -> Vec<Claim> {
    vec![
        Claim::between(
            "A handle cannot be played after its worker was terminated",
            "error 4; `play()` rejects",
            ATTACHING,
            send_handle,
            async |worker| {
                let (handle, video) = (worker.receive().await?, TestVideo::new()?);
                worker.terminate_worker().await;
                let error = video.expect_error(MEDIA_ERR_SRC_NOT_SUPPORTED);
                video.attach(&handle)?;
                let error = error.await;
                let rejection = video.expect_play_rejected("NotSupportedError").await?;
                Ok(ClaimResult::all([
                    ("attached", error),
                    ("play()", rejection),
                ]))
            },
        )
        .in_its_own_worker(),
        Claim::between(
            "It is not specified how an element behaves after its worker is terminated",
            "not specified",
            TERMINATION_ISSUE,
            async |page| {
                let source = MediaSource::new()?;
                page.transfer(&source.handle())?;
                source.wait_until_open().await;
                source.append_sample().await?;
                page.send("appended");
                page.wait_until_closed().await;
                Ok(())
            },
            async |worker| {
                let (handle, video) = (worker.receive().await?, TestVideo::new()?);
                video.attach(&handle)?;
                worker.receive().await?;
                video.play().await?;
                let before = format_ranges(&video.element.buffered());
                let ended = web::event(&video.element, "ended");
                worker.terminate_worker().await;
                // Waits for as long as the sample lasts.
                let _ = timeout(SAMPLE_DURATION_MS, ended).await;
                let element = &video.element;
                let error = element.error().map_or_else(
                    || "no error".into(),
                    |error| format!("error {}", error.code()),
                );
                let details = format!(
                    "buffered before: {before}, after: {}; ended: {}; {error}",
                    format_ranges(&element.buffered()),
                    element.ended(),
                );
                Ok(ClaimResult::unspecified(details))
            },
        )
        .in_its_own_worker(),
        Claim::between(
            "It is not specified whether the policy `media-src 'none'` blocks a handle",
            "not specified",
            POLICY,
            send_handle_and_await_open,
            async |worker| {
                let (handle, frame) = (worker.receive().await?, HiddenFrame::new()?);
                // The page's own policy allows `blob:`, and Chromium treats a handle like a `blob:` URL.
                frame.add_content_security_policy("media-src 'none'")?;
                let video = TestVideo::in_document(&frame.document()?)?;
                let error = video.wait_for_error();
                video.attach(&handle)?;
                let details = match error.await {
                    Some((code, message)) => format!("error {code}, {message}"),
                    None => match worker.receive().await {
                        Ok(_) => "the MediaSource opens".into(),
                        Err(_) => "neither an error nor open".into(),
                    },
                };
                Ok(ClaimResult::unspecified(details))
            },
        ),
    ]
}
