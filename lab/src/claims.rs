//! The claims about `MediaSource.handle`, each with the code that tests it. The worker's part of a claim
//! comes first, the page's part second; the page's part returns the result.

mod attachment;
mod concurrency;
mod detachment;
mod end_of_stream;
mod environment;
mod exposure;
mod transfer;

use crate::{
    claim::{Claim, Outcome, Section},
    fixtures::wait_for,
    mse::MediaSource,
    peer::Peer,
};

const INTERFACE: Section = Section {
    name: "MediaSourceHandle",
    link: "https://w3c.github.io/media-source/#mediasourcehandle",
};
const TRANSFER: Section = Section {
    name: "Transfer",
    link: "https://w3c.github.io/media-source/#transfer",
};
const ATTACHING: Section = Section {
    name: "Attaching to a media element",
    link: "https://w3c.github.io/media-source/#mediasource-attach",
};
const CROSS_CONTEXT: Section = Section {
    name: "Cross-context communication",
    link: "https://w3c.github.io/media-source/#mediasource-cross-context-communication-model",
};
const INVALID_STATE_ERROR: &str = "InvalidStateError";
/// [`MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED`](https://html.spec.whatwg.org/#dom-mediaerror-media_err_src_not_supported).
const MEDIA_ERR_SRC_NOT_SUPPORTED: u16 = 4;
/// How long a claim keeps the worker busy.
const WORKER_BUSY_MS: f64 = 300.0;

/// All claims, in the order of the table. Both threads use the same order: a claim is identified by its
/// index.
pub fn claims() -> Vec<Claim> {
    [
        exposure::claims(),
        transfer::claims(),
        attachment::claims(),
        detachment::claims(),
        end_of_stream::claims(),
        environment::claims(),
        concurrency::claims(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The worker's part of many claims: transfers a MediaSource's handle to the page.
async fn send_handle(page: &mut Peer) -> Outcome<()> {
    let source = MediaSource::new()?;
    page.transfer(&source.handle())?;
    page.wait_until_closed().await;
    Ok(())
}

/// Like [`send_handle`], and sends a message when the MediaSource opens.
async fn send_handle_and_await_open(page: &mut Peer) -> Outcome<()> {
    let source = MediaSource::new()?;
    page.transfer(&source.handle())?;
    wait_for(source.wait_until_open(), "sourceopen").await?;
    page.send("open");
    page.wait_until_closed().await;
    Ok(())
}
