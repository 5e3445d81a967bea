//! Every claim about `MediaSource.handle`, in the order in which they are told, each with the code that
//! checks it. A claim with two halves has the worker's first and the page's after it; they talk to each
//! other, and the page says what came of it.

use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, Reflect};
use wasm_bindgen::JsValue;
use yew_mse_worker::platform::web;

use crate::{
    bench::{
        Frame, OtherOrigin, Screen, ServiceWorker, broadcast, post, shared_worker, stand_still,
        store, until,
    },
    claim::{Claim, ClaimResult, Outcome, Section, within},
    mse::{MIME, MediaSource, construct_handle, in_words, object_url},
    peer::{Inbox, Peer},
};

const HANDLE: Section = Section {
    name: "MediaSource.handle",
    link: "https://w3c.github.io/media-source/#dom-mediasource-handle",
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
const DETACHING: Section = Section {
    name: "Detaching from a media element",
    link: "https://w3c.github.io/media-source/#mediasource-detach",
};
const CROSS_CONTEXT: Section = Section {
    name: "Cross-context communication",
    link: "https://w3c.github.io/media-source/#mediasource-cross-context-communication-model",
};
const METHODS: Section = Section {
    name: "MediaSource, methods",
    link: "https://w3c.github.io/media-source/#methods",
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

/// What the working group knows to be open: what becomes of a call when its element has just let go.
const CLOSING: Section = Section {
    name: "Issue 276",
    link: "https://github.com/w3c/media-source/issues/276",
};
/// The same, of what becomes of an element whose worker ends.
const ENDING: Section = Section {
    name: "Issue 277",
    link: "https://github.com/w3c/media-source/issues/277",
};
const POLICY: Section = Section {
    name: "Content Security Policy, media-src",
    link: "https://w3c.github.io/webappsec-csp/#directive-media-src",
};

const CLONE: &str = "DataCloneError";
const STATE: &str = "InvalidStateError";
/// [`MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED`](https://html.spec.whatwg.org/#dom-mediaerror-media_err_src_not_supported).
const NOT_SUPPORTED: u16 = 4;
/// How long the worker is busy, in milliseconds.
const BUSY: f64 = 300.0;
/// How long the film is that claims play, in milliseconds.
const FILM: u32 = 2_000;
/// How long the page stands still, in milliseconds.
const FREEZE: f64 = 1_000.0;

/// All of them.
pub fn claims() -> Vec<Claim> {
    vec![
        Claim::between(
            "`handle` is visible in dedicated workers, and only there",
            "[Exposed=DedicatedWorker]",
            HANDLE,
            async |page| {
                page.say(has_handle()?);
                Ok(())
            },
            async |worker| {
                let (here, there) = (has_handle()?, worker.hear().await? == true);
                let shared = shared_worker().await.map(|it| it.has_handle);
                let service = ServiceWorker::start().await.map(|it| it.witness.has_handle);
                let words = |is_there| if is_there { "yes" } else { "no" };
                let told = |seen: &Outcome<bool>| seen.as_ref().map_or("not to be had", |it| words(*it));
                let words = format!(
                    "on the page: {}; in a worker: {}; in a shared worker: {}; in a service worker: {}",
                    words(here),
                    words(there),
                    told(&shared),
                    told(&service),
                );
                let elsewhere = here || shared.unwrap_or(false) || service.unwrap_or(false);
                match elsewhere || there {
                    false => Ok(ClaimResult::nothing(words)),
                    true => Ok(ClaimResult::whether(!elsewhere, words)),
                }
            },
        )
        .universal(),
        Claim::in_worker(
            "A MediaSourceHandle cannot be constructed",
            "TypeError",
            INTERFACE,
            async || Ok(ClaimResult::refused(construct_handle(), "TypeError")),
        ),
        Claim::in_worker(
            "`handle` is the same object every time, also after it was transferred",
            "one object",
            HANDLE,
            async || {
                let source = MediaSource::new()?;
                let handle = source.handle();
                let is_same_before = source.handle() == handle;
                post(&handle, &[&handle])?;
                let is_same_after = source.handle() == handle;
                Ok(ClaimResult::all([
                    (
                        "before",
                        ClaimResult::whether(is_same_before, same(is_same_before)),
                    ),
                    ("after", ClaimResult::whether(is_same_after, same(is_same_after))),
                ]))
            },
        ),
        Claim::in_worker(
            "Each MediaSource has a handle of its own",
            "two objects",
            HANDLE,
            async || {
                let is_same = MediaSource::new()?.handle() == MediaSource::new()?.handle();
                Ok(ClaimResult::whether(!is_same, same(is_same)))
            },
        ),
        Claim::in_worker(
            "`handle` is read-only",
            "an assignment changes nothing",
            HANDLE,
            async || {
                let source = MediaSource::new()?;
                let (handle, other) = (source.handle(), MediaSource::new()?.handle());
                let is_set = Reflect::set(&source, &"handle".into(), &other)?;
                let is_kept = source.handle() == handle;
                let words = if is_kept {
                    "it is still the same"
                } else {
                    "it is another"
                };
                Ok(ClaimResult::whether(is_kept && !is_set, words))
            },
        ),
        Claim::in_worker(
            "A handle cannot be posted without a transfer list",
            CLONE,
            TRANSFER,
            async || {
                let handle = MediaSource::new()?.handle();
                Ok(ClaimResult::refused(post(&handle, &[]), CLONE))
            },
        ),
        Claim::in_worker("It cannot be listed twice", CLONE, TRANSFER, async || {
            let handle = MediaSource::new()?.handle();
            Ok(ClaimResult::refused(post(&handle, &[&handle, &handle]), CLONE))
        }),
        Claim::in_worker(
            "It cannot be transferred a second time",
            CLONE,
            TRANSFER,
            async || {
                let handle = MediaSource::new()?.handle();
                post(&handle, &[&handle])?;
                Ok(ClaimResult::refused(post(&handle, &[&handle]), CLONE))
            },
        ),
        Claim::between(
            "It cannot be transferred once it was `srcObject`, even if that is null again",
            CLONE,
            TRANSFER,
            lend_a_handle,
            async |worker| {
                let (handle, screen) = (worker.hear().await?, Screen::new()?);
                screen.attach(&handle)?;
                let attached = ClaimResult::refused(post(&handle, &[&handle]), CLONE);
                screen.attach(&JsValue::NULL)?;
                let detached = ClaimResult::refused(post(&handle, &[&handle]), CLONE);
                Ok(ClaimResult::all([("set", attached), ("null again", detached)]))
            },
        ),
        Claim::in_worker(
            "A MediaSource itself cannot be transferred",
            CLONE,
            CROSS_CONTEXT,
            async || {
                let source = MediaSource::new()?;
                Ok(ClaimResult::refused(post(&source, &[&source]), CLONE))
            },
        ),
        Claim::between(
            "A shared worker does not get it, and the sender has it no more",
            "`messageerror` there",
            TRANSFER,
            lend_a_handle,
            async |worker| {
                let handle = worker.hear().await?;
                let arrives = shared_worker().await?.receives(&handle).await?;
                Ok(refusal(arrives, &handle))
            },
        ),
        Claim::between(
            "Nor does a service worker",
            "`messageerror` there",
            TRANSFER,
            lend_a_handle,
            async |worker| {
                let handle = worker.hear().await?;
                let arrives = ServiceWorker::start()
                    .await?
                    .witness
                    .receives(&handle)
                    .await?;
                Ok(refusal(arrives, &handle))
            },
        ),
        Claim::between(
            "Nor does a frame of another origin",
            "`messageerror` there",
            TRANSFER,
            lend_a_handle,
            async |worker| {
                let handle = worker.hear().await?;
                let arrives = OtherOrigin::start()
                    .await?
                    .witness
                    .receives(&handle)
                    .await?;
                Ok(refusal(arrives, &handle))
            },
        ),
        Claim::between(
            "A frame of the same origin gets it, and attaches it to an element of its own",
            "open there",
            TRANSFER,
            lend_until_open,
            async |worker| {
                let (handle, frame) = (worker.hear().await?, Frame::new()?);
                let screen = Screen::of(&frame.document()?)?;
                let arrived = frame.given(&handle).await?;
                screen.attach(&arrived)?;
                worker.hear().await?;
                Ok(ClaimResult::so("open"))
            },
        ),
        Claim::in_worker("It cannot be broadcast", CLONE, INTERFACE, async || {
            Ok(ClaimResult::refused(
                broadcast(&MediaSource::new()?.handle()),
                CLONE,
            ))
        }),
        Claim::between(
            "It cannot be stored as a history entry’s state",
            CLONE,
            INTERFACE,
            lend_a_handle,
            async |worker| Ok(ClaimResult::refused(store(&worker.hear().await?), CLONE)),
        ),
        Claim::between(
            "`sourceopen` comes only after attachment",
            "closed, then open",
            ATTACHING,
            async |page| {
                let source = MediaSource::new()?;
                TimeoutFuture::new(300).await;
                page.say(source.ready_state());
                page.give(&source.handle())?;
                source.opened().await;
                page.say(source.ready_state());
                page.dismissal().await;
                Ok(())
            },
            async |worker| {
                let (before, handle) = (worker.hear().await?, worker.hear().await?);
                let screen = Screen::new()?;
                screen.attach(&handle)?;
                let after = worker.hear().await?;
                let words = |state: &JsValue| state.as_string().unwrap_or_default();
                let words = format!(
                    "{} for 300 ms without an element; {} with one",
                    words(&before),
                    words(&after)
                );
                Ok(ClaimResult::whether(before == "closed" && after == "open", words))
            },
        ),
        Claim::in_worker(
            "Before that, it takes no SourceBuffer, duration, end or live range",
            STATE,
            METHODS,
            async || {
                let source = MediaSource::new()?;
                let buffer = source.add_source_buffer(MIME);
                Ok(ClaimResult::all([
                    ("addSourceBuffer", ClaimResult::refused(buffer, STATE)),
                    ("duration", ClaimResult::refused(source.set_duration(1.0), STATE)),
                    ("endOfStream", ClaimResult::refused(source.end_of_stream(), STATE)),
                    (
                        "setLiveSeekableRange",
                        ClaimResult::refused(source.set_live_range(0.0, 1.0), STATE),
                    ),
                ]))
            },
        ),
        Claim::between(
            "An element outside the document, with preload=none, attaches it all the same",
            "open",
            ATTACHING,
            lend_until_open,
            async |worker| {
                let (handle, screen) = (worker.hear().await?, Screen::new()?);
                screen.video.set_preload("none");
                screen.attach(&handle)?;
                worker.hear().await?;
                Ok(ClaimResult::so("open"))
            },
        ),
        Claim::between(
            "Set, nulled in the same task and set again later, it opens",
            "open",
            ATTACHING,
            lend_until_open,
            async |worker| {
                let (handle, screen) = (worker.hear().await?, Screen::new()?);
                screen.attach(&handle)?;
                screen.attach(&JsValue::NULL)?;
                TimeoutFuture::new(100).await;
                screen.attach(&handle)?;
                worker.hear().await?;
                Ok(ClaimResult::so("open"))
            },
        ),
        Claim::between(
            "One handle on two elements: one of them wins",
            "error 4 on the other",
            ATTACHING,
            lend_until_open,
            async |worker| {
                let handle = worker.hear().await?;
                let screens = [Screen::new()?, Screen::new()?];
                for screen in &screens {
                    screen.attach(&handle)?;
                }
                worker.hear().await?;
                let loses = screens
                    .each_ref()
                    .map(|screen| screen.video.error().is_some());
                let loser = match loses {
                    [true, true] => return Ok(ClaimResult::otherwise("neither plays")),
                    [true, false] => &screens[0],
                    _ => &screens[1],
                };
                if let Some(error) = loser.video.error() {
                    let words =
                        format!("the other has error {}, {}", error.code(), error.message());
                    return Ok(ClaimResult::whether(error.code() == NOT_SUPPORTED, words));
                }
                Ok(loser.fails_with(NOT_SUPPORTED).await)
            },
        ),
        Claim::between(
            "A MediaSource that was detached is not attached again",
            "error 4",
            ATTACHING,
            lend_until_open,
            async |worker| {
                let (handle, screen) = (worker.hear().await?, Screen::new()?);
                screen.attach(&handle)?;
                worker.hear().await?;
                screen.attach(&JsValue::NULL)?;
                let fails = screen.fails_with(NOT_SUPPORTED);
                screen.attach(&handle)?;
                Ok(fails.await)
            },
        ),
        Claim::between(
            "Passed on unused, it attaches where it arrives, and not where it was",
            "open there; error 4 here",
            TRANSFER,
            lend_until_open,
            async |worker| {
                let handle = worker.hear().await?;
                let arrived = arrival(&handle).await?;
                let [old, new] = [Screen::new()?, Screen::new()?];
                let fails = old.fails_with(NOT_SUPPORTED);
                old.attach(&handle)?;
                let fails = fails.await;
                new.attach(&arrived)?;
                worker.hear().await?;
                Ok(ClaimResult::all([("there", ClaimResult::so("open")), ("here", fails)]))
            },
        ),
        Claim::between(
            "An object URL of the worker’s MediaSource is of no use on the page",
            "error 4",
            ATTACHING,
            async |page| {
                let source = MediaSource::new()?;
                page.say(object_url(&source)?);
                page.dismissal().await;
                Ok(())
            },
            async |worker| {
                let url = worker.hear().await?.as_string().unwrap_or_default();
                let screen = Screen::new()?;
                let fails = screen.fails_with(NOT_SUPPORTED);
                screen.video.set_src(&url);
                let seen = fails.await;
                let words = match url.as_str() {
                    "" => format!("the URL is empty: {}", seen.words),
                    _ => seen.words,
                };
                let verdict = seen.verdict;
                Ok(ClaimResult { verdict, words })
            },
        ),
        Claim::between(
            "Detaching closes the source",
            "`sourceclose`; no duration, no buffers",
            DETACHING,
            async |page| {
                let source = MediaSource::new()?;
                page.give(&source.handle())?;
                source.opened().await;
                source.with_film().await?;
                let closed = web::event(&source, "sourceclose");
                page.say("appended");
                until(closed, "sourceclose").await?;
                let buffers = source.source_buffers().length();
                let is_empty = source.duration().is_nan() && buffers == 0;
                let state = source.ready_state();
                let words = format!("{state}; duration {}; {buffers} buffers", source.duration());
                Err(ClaimResult::whether(is_empty && state == "closed", words))
            },
            async |worker| {
                let (handle, screen) = (worker.hear().await?, Screen::new()?);
                screen.attach(&handle)?;
                worker.hear().await?;
                screen.attach(&JsValue::NULL)?;
                Ok(worker.verdict().await)
            },
        ),
        Claim::between(
            "Detached while the worker is busy, the source refuses at once what is asked of it",
            STATE,
            CLOSING,
            async |page| {
                let source = MediaSource::new()?;
                page.give(&source.handle())?;
                source.opened().await;
                let (buffer, _) = source.with_film().await?;
                page.say("busy");
                // In one task: no event can have told of it.
                let since = web::now();
                while buffer.buffered().is_ok() && web::now() - since < BUSY * 5.0 {}
                let added = source.add_source_buffer(MIME);
                Err(ClaimResult::all([
                    ("buffered", ClaimResult::refused(buffer.buffered(), STATE)),
                    ("duration", ClaimResult::refused(source.set_duration(1.0), STATE)),
                    ("addSourceBuffer", ClaimResult::refused(added, STATE)),
                    ("endOfStream", ClaimResult::refused(source.end_of_stream(), STATE)),
                ]))
            },
            async |worker| {
                let (handle, screen) = (worker.hear().await?, Screen::new()?);
                screen.attach(&handle)?;
                worker.hear().await?;
                screen.attach(&JsValue::NULL)?;
                Ok(worker.verdict().await)
            },
        ),
        Claim::between(
            "An append after `endOfStream()` opens the source again",
            "`sourceopen` a second time",
            PREPARE_APPEND,
            async |page| {
                let source = MediaSource::new()?;
                page.give(&source.handle())?;
                source.opened().await;
                let (buffer, segment) = source.with_film().await?;
                source.end_of_stream()?;
                let ended = source.ready_state();
                let opened = web::event(&source, "sourceopen");
                buffer.append(&segment).await?;
                until(opened, "sourceopen").await?;
                let words = format!("{ended}, then {}", source.ready_state());
                Err(ClaimResult::whether(
                    ended == "ended" && source.ready_state() == "open",
                    words,
                ))
            },
            watch_it_play,
        ),
        Claim::between(
            "`endOfStream(\"network\")` and `endOfStream(\"decode\")` are errors of the element",
            "error 2, error 3",
            END_OF_STREAM,
            async |page| {
                for error in ["network", "decode"] {
                    let source = MediaSource::new()?;
                    page.give(&source.handle())?;
                    source.opened().await;
                    source.with_film().await?;
                    // Metadata comes to the element a little later than the append ends.
                    page.hear().await?;
                    source.end_with(error)?;
                    page.hear().await?;
                }
                Ok(())
            },
            async |worker| {
                let mut codes = [ClaimResult::so(""), ClaimResult::so("")];
                for (seen, code) in codes.iter_mut().zip([2, 3]) {
                    let (handle, screen) = (worker.hear().await?, Screen::new()?);
                    let ready = web::event(&screen.video, "loadedmetadata");
                    let fails = screen.fails_with(code);
                    screen.attach(&handle)?;
                    until(ready, "loadedmetadata").await?;
                    worker.say("ready");
                    *seen = fails.await;
                    worker.say("seen");
                }
                let [network, decode] = codes;
                Ok(ClaimResult::all([("network", network), ("decode", decode)]))
            },
        ),
        Claim::between(
            "Before there is metadata, it can play nothing of what so ends, and lets go of it",
            "error 4, then `sourceclose`",
            END_OF_STREAM,
            async |page| {
                for error in ["network", "decode"] {
                    let source = MediaSource::new()?;
                    page.give(&source.handle())?;
                    source.opened().await;
                    let closed = web::event(&source, "sourceclose");
                    source.end_with(error)?;
                    until(closed, "sourceclose").await?;
                    page.say("closed");
                }
                Ok(())
            },
            async |worker| {
                let mut ends = [ClaimResult::so(""), ClaimResult::so("")];
                for seen in &mut ends {
                    let (handle, screen) = (worker.hear().await?, Screen::new()?);
                    let fails = screen.fails_with(NOT_SUPPORTED);
                    screen.attach(&handle)?;
                    *seen = fails.await;
                    worker.hear().await?;
                }
                let [network, decode] = ends;
                Ok(ClaimResult::all([("network", network), ("decode", decode)]))
            },
        ),
        Claim::between(
            "What the element calls seekable of an endless film ends with the live range",
            "from what is buffered to there: 0 to 9 s",
            ELEMENT,
            async |page| {
                let source = MediaSource::new()?;
                page.give(&source.handle())?;
                source.opened().await;
                source.with_film().await?;
                source.set_duration(f64::INFINITY)?;
                source.set_live_range(5.0, 9.0)?;
                page.say("set");
                page.dismissal().await;
                Ok(())
            },
            async |worker| {
                let (handle, screen) = (worker.hear().await?, Screen::new()?);
                screen.attach(&handle)?;
                worker.hear().await?;
                // The element hears of it a little later.
                let mut words = String::new();
                for _ in 0..20 {
                    words = in_words(&screen.video.seekable());
                    if words == "0.0–9.0 s" {
                        return Ok(ClaimResult::so(words));
                    }
                    TimeoutFuture::new(20).await;
                }
                Ok(ClaimResult::otherwise(words))
            },
        ),
        Claim::between(
            "A handle whose worker has ended cannot be played",
            "error 4; `play()` is refused",
            ATTACHING,
            lend_a_handle,
            async |worker| {
                let (handle, screen) = (worker.hear().await?, Screen::new()?);
                worker.end().await;
                let fails = screen.fails_with(NOT_SUPPORTED);
                screen.attach(&handle)?;
                let fails = fails.await;
                let refused = screen.refuses_to_play("NotSupportedError").await?;
                Ok(ClaimResult::all([("attached", fails), ("play()", refused)]))
            },
        )
        .in_its_own_worker(),
        Claim::between(
            "What becomes of an element that plays when its worker ends",
            "left open",
            ENDING,
            async |page| {
                let source = MediaSource::new()?;
                page.give(&source.handle())?;
                source.opened().await;
                source.with_film().await?;
                page.say("appended");
                page.dismissal().await;
                Ok(())
            },
            async |worker| {
                let (handle, screen) = (worker.hear().await?, Screen::new()?);
                screen.attach(&handle)?;
                worker.hear().await?;
                screen.plays().await?;
                let before = in_words(&screen.video.buffered());
                let ended = web::event(&screen.video, "ended");
                worker.end().await;
                // As long as there would be something to play.
                let _ = within(FILM, ended).await;
                let video = &screen.video;
                let error = video.error().map_or_else(|| "no error".into(), |error| format!("error {}", error.code()));
                let words = format!(
                    "buffered before: {before}, after: {}; ended: {}; {error}",
                    in_words(&video.buffered()),
                    video.ended(),
                );
                Ok(ClaimResult::unspecified(words))
            },
        )
        .in_its_own_worker(),
        Claim::between(
            "Where a Content-Security-Policy forbids all media",
            "left open",
            POLICY,
            lend_until_open,
            async |worker| {
                let (handle, frame) = (worker.hear().await?, Frame::new()?);
                // This page’s own allows `blob:`, which is what Chromium takes a handle for.
                frame.restrict("media-src 'none'")?;
                let screen = Screen::of(&frame.document()?)?;
                let failure = screen.failure();
                screen.attach(&handle)?;
                let words = match failure.await {
                    Some((code, message)) => format!("error {code}, {message}"),
                    None => match worker.hear().await {
                        Ok(_) => "it opens all the same".into(),
                        Err(_) => "neither an error nor open".into(),
                    },
                };
                Ok(ClaimResult::unspecified(words))
            },
        ),
        Claim::between(
            "While the worker is busy, the page still reads what is buffered",
            "at once",
            CROSS_CONTEXT,
            async |page| {
                let source = MediaSource::new()?;
                page.give(&source.handle())?;
                source.opened().await;
                source.with_film().await?;
                page.say("appended");
                page.hear().await?;
                page.say(web::now() + BUSY);
                stand_still(BUSY);
                page.dismissal().await;
                Ok(())
            },
            async |worker| {
                let (handle, screen) = (worker.hear().await?, Screen::new()?);
                let ready = web::event(&screen.video, "loadeddata");
                screen.attach(&handle)?;
                worker.hear().await?;
                until(ready, "loadeddata").await?;
                worker.say("ready");
                let until = worker.hear().await?.as_f64().unwrap_or_default();
                let since = web::now();
                if since >= until {
                    return Ok(ClaimResult::nothing("the page came too late to see it"));
                }
                let buffered = screen.video.buffered();
                let words = in_words(&buffered);
                let now = web::now();
                let is_read = buffered.length() > 0 && now < until;
                let words = format!("{words}, read in {:.1} ms", now - since);
                Ok(ClaimResult::whether(is_read, words))
            },
        ),
        Claim::between(
            "While the page stands still, the worker appends on",
            "it does",
            CROSS_CONTEXT,
            async |page| {
                let source = MediaSource::new()?;
                page.give(&source.handle())?;
                source.opened().await;
                let (buffer, segment) = source.with_film().await?;
                page.say("ready");
                page.hear().await?;
                // Longer than the page does, which may begin a little later.
                let since = web::now();
                let times = Array::new();
                while web::now() - since < FREEZE * 1.5 {
                    buffer.append(&segment).await?;
                    times.push(&web::now().into());
                }
                page.say(times);
                Ok(())
            },
            async |worker| {
                let (handle, screen) = (worker.hear().await?, Screen::new()?);
                screen.attach(&handle)?;
                worker.hear().await?;
                worker.say("go");
                let since = web::now();
                stand_still(FREEZE);
                let frozen = since..web::now();
                let times = Array::from(&worker.hear().await?);
                let times = times.iter().filter_map(|time| time.as_f64());
                let count = times.filter(|time| frozen.contains(time)).count();
                let seconds = (frozen.end - frozen.start) / 1000.0;
                let words = format!("{count} appends in the {seconds:.1} s that it stood still");
                Ok(ClaimResult::whether(count > 1, words))
            },
        ),
    ]
}

/// The worker's half of many a claim: a MediaSource's handle for the page, and nothing else.
async fn lend_a_handle(page: &mut Peer) -> Outcome<()> {
    let source = MediaSource::new()?;
    page.give(&source.handle())?;
    page.dismissal().await;
    Ok(())
}

/// The same, and word of its `sourceopen`.
async fn lend_until_open(page: &mut Peer) -> Outcome<()> {
    let source = MediaSource::new()?;
    page.give(&source.handle())?;
    until(source.opened(), "sourceopen").await?;
    page.say("open");
    page.dismissal().await;
    Ok(())
}

/// The page's half where all is to be seen in the worker, but for the element.
async fn watch_it_play(worker: &mut Peer) -> Outcome {
    let (handle, screen) = (worker.hear().await?, Screen::new()?);
    screen.attach(&handle)?;
    Ok(worker.verdict().await)
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

const fn same(is_same: bool) -> &'static str {
    if is_same {
        "the same object"
    } else {
        "another object"
    }
}

/// That another kind of worker gets nothing, and that what was sent is gone all the same.
fn refusal(arrives: bool, handle: &JsValue) -> ClaimResult {
    let there = if arrives {
        "it arrived"
    } else {
        "messageerror"
    };
    ClaimResult::all([
        ("there", ClaimResult::whether(!arrives, there)),
        (
            "here, once more",
            ClaimResult::refused(post(handle, &[handle]), CLONE),
        ),
    ])
}

/// Transfers a handle to nowhere else than here.
async fn arrival(handle: &JsValue) -> Outcome<JsValue> {
    let port = post(handle, &[handle])?;
    let mut inbox = Inbox::of(&port);
    port.start();
    let message = inbox.next().await;
    message
        .map(|message| message.data())
        .ok_or_else(|| ClaimResult::otherwise("it did not arrive"))
}
