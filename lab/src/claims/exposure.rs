//! Claims about where `MediaSource.handle` is exposed, and about its identity.

use js_sys::Reflect;

use super::INTERFACE;
use crate::{
    claim::{Claim, ClaimResult, Outcome, Section},
    fixtures::{TestServiceWorker, post_to_new_port, start_shared_worker},
    mse::{MediaSource, construct_handle},
};

const HANDLE: Section = Section {
    name: "MediaSource.handle",
    link: "https://w3c.github.io/media-source/#dom-mediasource-handle",
};

pub fn claims() -> Vec<Claim> {
    vec![
        Claim::between(
            "`handle` is exposed in dedicated workers only",
            "[Exposed=DedicatedWorker]",
            HANDLE,
            async |page| {
                page.send(has_handle()?);
                Ok(())
            },
            async |worker| {
                let (on_page, in_worker) = (has_handle()?, worker.receive().await? == true);
                let shared = start_shared_worker()
                    .await
                    .map(|context| context.has_handle);
                let service = TestServiceWorker::start()
                    .await
                    .map(|worker| worker.context.has_handle);
                let yes_or_no = |is_exposed| if is_exposed { "yes" } else { "no" };
                let describe = |is_exposed: &Outcome<bool>| {
                    is_exposed
                        .as_ref()
                        .map_or("not available", |is_exposed| yes_or_no(*is_exposed))
                };
                let details = format!(
                    "on the page: {}; in a worker: {}; in a shared worker: {}; \
                     in a service worker: {}",
                    yes_or_no(on_page),
                    yes_or_no(in_worker),
                    describe(&shared),
                    describe(&service),
                );
                let is_exposed_elsewhere =
                    on_page || shared.unwrap_or(false) || service.unwrap_or(false);
                match is_exposed_elsewhere || in_worker {
                    false => Ok(ClaimResult::untestable(details)),
                    true => Ok(ClaimResult::check(!is_exposed_elsewhere, details)),
                }
            },
        )
        .universal(),
        Claim::in_worker(
            "A MediaSourceHandle cannot be constructed",
            "TypeError",
            INTERFACE,
            async || {
                Ok(ClaimResult::expect_exception(
                    construct_handle(),
                    "TypeError",
                ))
            },
        ),
        Claim::in_worker(
            "`handle` returns the same object every time, even after a transfer",
            "the same object",
            HANDLE,
            async || {
                let source = MediaSource::new()?;
                let handle = source.handle();
                let is_same_before = source.handle() == handle;
                post_to_new_port(&handle, &[&handle])?;
                let is_same_after = source.handle() == handle;
                Ok(ClaimResult::all([
                    (
                        "before",
                        ClaimResult::check(is_same_before, describe_identity(is_same_before)),
                    ),
                    (
                        "after",
                        ClaimResult::check(is_same_after, describe_identity(is_same_after)),
                    ),
                ]))
            },
        ),
        Claim::in_worker(
            "Each MediaSource has its own handle",
            "different objects",
            HANDLE,
            async || {
                let is_same = MediaSource::new()?.handle() == MediaSource::new()?.handle();
                Ok(ClaimResult::check(!is_same, describe_identity(is_same)))
            },
        ),
        Claim::in_worker(
            "`handle` is read-only",
            "an assignment has no effect",
            HANDLE,
            async || {
                let source = MediaSource::new()?;
                let (handle, other) = (source.handle(), MediaSource::new()?.handle());
                let is_set = Reflect::set(&source, &"handle".into(), &other)?;
                let is_kept = source.handle() == handle;
                let details = if is_kept { "unchanged" } else { "changed" };
                Ok(ClaimResult::check(is_kept && !is_set, details))
            },
        ),
    ]
}

/// Whether `MediaSource.prototype` has a `handle` on this thread.
fn has_handle() -> Outcome<bool> {
    let class = Reflect::get(&js_sys::global(), &"MediaSource".into())?;
    if class.is_undefined() {
        return Ok(false);
    }
    let prototype = Reflect::get(&class, &"prototype".into())?;
    Ok(Reflect::has(&prototype, &"handle".into())?)
}

const fn describe_identity(is_same: bool) -> &'static str {
    if is_same {
        "the same object"
    } else {
        "another object"
    }
}
