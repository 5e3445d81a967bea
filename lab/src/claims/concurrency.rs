//! Claims about a busy worker and a blocked page.

use js_sys::Array;
use yew_mse_worker::platform::web;

use super::{CROSS_CONTEXT, WORKER_BUSY_MS};
use crate::{
    claim::{Claim, ClaimResult},
    fixtures::{TestVideo, block_thread, wait_for},
    mse::{MediaSource, format_ranges},
};

/// How long a claim blocks the page.
const PAGE_BLOCKED_MS: f64 = 1_000.0;

pub fn claims() -> Vec<Claim> {
    vec![
        Claim::between(
            "The page can read `buffered` while the worker is busy",
            "without waiting",
            CROSS_CONTEXT,
            async |page| {
                let source = MediaSource::new()?;
                page.transfer(&source.handle())?;
                source.wait_until_open().await;
                source.append_sample().await?;
                page.send("appended");
                page.receive().await?;
                page.send(web::now() + WORKER_BUSY_MS);
                block_thread(WORKER_BUSY_MS);
                page.wait_until_closed().await;
                Ok(())
            },
            async |worker| {
                let (handle, video) = (worker.receive().await?, TestVideo::new()?);
                let ready = web::event(&video.element, "loadeddata");
                video.attach(&handle)?;
                worker.receive().await?;
                wait_for(ready, "loadeddata").await?;
                worker.send("ready");
                let busy_until = worker.receive().await?.as_f64().unwrap_or_default();
                let since = web::now();
                if since >= busy_until {
                    return Ok(ClaimResult::untestable(
                        "the page was too late: the worker was no longer busy",
                    ));
                }
                let buffered = video.element.buffered();
                let details = format_ranges(&buffered);
                let now = web::now();
                let is_read = buffered.length() > 0 && now < busy_until;
                let details = format!("{details}, read in {:.1} ms", now - since);
                Ok(ClaimResult::check(is_read, details))
            },
        ),
        Claim::between(
            "The worker can append while the page is blocked",
            "appends complete",
            CROSS_CONTEXT,
            async |page| {
                let source = MediaSource::new()?;
                page.transfer(&source.handle())?;
                source.wait_until_open().await;
                let (buffer, segment) = source.append_sample().await?;
                page.send("ready");
                page.receive().await?;
                // Longer than the page is blocked, because the page may start a little later.
                let since = web::now();
                let times = Array::new();
                while web::now() - since < PAGE_BLOCKED_MS * 1.5 {
                    buffer.append(&segment).await?;
                    times.push(&web::now().into());
                }
                page.send(times);
                Ok(())
            },
            async |worker| {
                let (handle, video) = (worker.receive().await?, TestVideo::new()?);
                video.attach(&handle)?;
                worker.receive().await?;
                worker.send("go");
                let since = web::now();
                block_thread(PAGE_BLOCKED_MS);
                let blocked = since..web::now();
                let times = Array::from(&worker.receive().await?);
                let times = times.iter().filter_map(|time| time.as_f64());
                let count = times.filter(|time| blocked.contains(time)).count();
                let seconds = (blocked.end - blocked.start) / 1000.0;
                let details =
                    format!("{count} appends while the page was blocked for {seconds:.1} s");
                Ok(ClaimResult::check(count > 1, details))
            },
        ),
    ]
}
