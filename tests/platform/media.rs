//! MediaSource, SourceBuffer and the element, through the platform interface.

use std::{cell::Cell, rc::Rc};

use yew_mse_worker::platform::{
    self, Bytes, Exception, MediaHandle, MediaSource, ReadyState, SourceBuffer,
    simulated::{Browser, MediaElement, MediaEvent, Readiness, Thread, World},
};

use crate::fmp4::{AUDIO, VIDEO, init, run, segment};

const MIME: &str = "video/mp4; codecs=\"avc1.4d401e\"";

/// An open source on the page, with one buffer that has its init segment.
struct TestContext {
    world: World,
    element: MediaElement,
    source: MediaSource,
    buffer: Option<SourceBuffer>,
}

impl TestContext {
    fn new(world: &World) -> Self {
        let element = MediaElement::new();
        let source = MediaSource::new().unwrap();
        element.attach(source.handle());
        let opened = source.clone();
        let buffer = world.block_on(1_000.0, async move {
            opened.opened().await;
            let mut buffer = opened.add_source_buffer(MIME).unwrap();
            buffer
                .append(&Bytes::from(init(&[VIDEO]).as_slice()))
                .await
                .unwrap();
            buffer
        });
        Self {
            world: world.clone(),
            element,
            source,
            buffer,
        }
    }

    /// Runs an operation on the buffer to its end.
    fn operate<T: 'static>(
        &mut self,
        operate: impl AsyncFnOnce(&mut SourceBuffer) -> T + 'static,
    ) -> T {
        let mut buffer = self.buffer.take().unwrap();
        let done = self.world.block_on(10_000.0, async move {
            let result = operate(&mut buffer).await;
            (buffer, result)
        });
        let (buffer, result) = done.expect("the operation comes to an end");
        self.buffer = Some(buffer);
        result
    }

    fn append(&mut self, from: f64, to: f64) -> Result<(), Exception> {
        let bytes = Bytes::from(segment(&[run(VIDEO, from, to)]).as_slice());
        self.operate(async move |buffer| buffer.append(&bytes).await)
    }
}

#[test]
fn source_opens_when_attached_and_closes_when_detached() {
    let world = World::new(1, Browser::chromium());
    let _entered = world.enter();
    let context = TestContext::new(&world);
    assert_eq!(context.source.ready_state(), ReadyState::Open);
    context.element.detach();
    assert_eq!(context.source.ready_state(), ReadyState::Closed);
    assert!(context.buffer.unwrap().buffered().is_err());
}

#[test]
fn handle_can_be_attached_once() {
    let world = World::new(1, Browser::chromium());
    let _entered = world.enter();
    let context = TestContext::new(&world);
    let handle = context.source.handle().clone();
    context.element.attach(&handle);
    world.run_for(100.0);
    assert_eq!(context.element.error(), Some(4));
}

#[test]
fn handle_survives_serialization() {
    let world = World::new(1, Browser::chromium());
    let _entered = world.enter();
    let source = MediaSource::new().unwrap();
    let bytes = postcard::to_allocvec(source.handle()).unwrap();
    let handle: MediaHandle = postcard::from_bytes(&bytes).unwrap();
    let element = MediaElement::new();
    element.attach(&handle);
    let opened = world.block_on(1_000.0, async move { source.opened().await });
    assert_eq!(opened, Some(()));
}

#[test]
fn detached_worker_source_throws_before_it_closes() {
    let world = World::new(1, Browser::chromium());
    let _entered = world.enter();
    let worker = world.start_worker();
    let element = MediaElement::new();
    let source = world.on(worker, || MediaSource::new().unwrap());
    element.attach(source.handle());
    world.run_for(100.0);
    element.detach();
    assert_eq!(source.ready_state(), ReadyState::Open);
    let refused = world.on(worker, || source.add_source_buffer(MIME).unwrap_err());
    assert_eq!(refused.name, "InvalidStateError");
    assert!(
        world.violations().is_empty(),
        "the engine could not know that the source was detached"
    );
    world.run_for(10.0);
    assert_eq!(source.ready_state(), ReadyState::Closed);
    let _ = world.on(worker, || source.end_of_stream());
    assert_eq!(world.violations().len(), 1);
}

#[test]
fn append_after_a_dropped_one_needs_abort() {
    let world = World::new(1, Browser::chromium());
    let _entered = world.enter();
    let mut context = TestContext::new(&world);
    let bytes = Bytes::from(segment(&[run(VIDEO, 0.0, 1.0)]).as_slice());
    let results = context.operate(async move |buffer| {
        let begun = futures_util::poll!(Box::pin(buffer.append(&bytes)));
        assert!(begun.is_pending() && buffer.is_updating());
        let busy = buffer.append(&bytes).await.unwrap_err().name;
        buffer.abort().unwrap();
        (busy, buffer.append(&bytes).await)
    });
    assert_eq!(results, ("InvalidStateError".into(), Ok(())));
    assert_eq!(world.violations(), ["appendBuffer on a busy SourceBuffer"]);
}

#[test]
fn garbage_fails_the_append_and_the_element() {
    let world = World::new(1, Browser::chromium());
    let _entered = world.enter();
    let mut context = TestContext::new(&world);
    let failed = context.operate(async |buffer| buffer.append(&Bytes::zeros(64)).await);
    assert_eq!(failed.unwrap_err().name, "EncodingError");
    world.run_for(10.0);
    assert_eq!(context.element.error(), Some(3));
    assert_eq!(
        context.append(0.0, 1.0).unwrap_err().name,
        "InvalidStateError"
    );
}

#[test]
fn managed_source_streams_between_its_goals() {
    let world = World::new(1, Browser::webkit());
    let _entered = world.enter();
    let mut context = TestContext::new(&world);
    assert!(context.source.is_streaming());
    context.append(0.0, 20.0).unwrap();
    assert!(context.source.is_streaming());
    context.append(20.0, 31.0).unwrap();
    assert!(!context.source.is_streaming());
    context.element.play();
    world.run_until(30_000.0, || context.source.is_streaming());
    let position = context.element.position();
    assert!((21.0..21.6).contains(&position), "{position}");
}

#[test]
fn eviction_by_the_browser_fires_an_event_and_stalls() {
    let world = World::new(1, Browser::webkit());
    let _entered = world.enter();
    let mut context = TestContext::new(&world);
    context.append(0.0, 10.0).unwrap();
    context.element.play();
    world.run_until(5_000.0, || context.element.position() > 2.0);
    assert!(!context.buffer.as_ref().unwrap().take_evicted());
    context.element.evict(0, 0.0..5.0);
    world.run_for(10.0);
    assert!(context.buffer.as_ref().unwrap().take_evicted());
    assert_eq!(context.element.buffered(), [5.0..10.0]);
    assert!(!context.element.is_moving());
}

#[test]
fn element_plays_on_while_its_page_is_frozen() {
    let world = World::new(1, Browser::webkit());
    let _entered = world.enter();
    let mut context = TestContext::new(&world);
    context.append(0.0, 20.0).unwrap();
    context.element.play();
    world.run_for(100.0);
    let event_count = Rc::new(Cell::new(0));
    let count = event_count.clone();
    context
        .element
        .on_event(move |_| count.set(count.get() + 1));
    world.freeze(Thread::PAGE);
    world.run_for(10_000.0);
    assert_eq!(event_count.get(), 0);
    let played = context.element.played();
    assert!(played[0].end > 9.9, "{played:?}");
    world.thaw(Thread::PAGE);
    world.run_for(1.0);
    assert!(
        event_count.get() > 30,
        "events are delivered after the freeze"
    );
}

#[test]
fn early_seek_is_sometimes_ignored_in_chromium() {
    let sought = |browser: Browser| {
        let seeks = (0..40).filter(|&seed| {
            let world = World::new(seed, browser.clone());
            let _entered = world.enter();
            let source = MediaSource::new().unwrap();
            let element = MediaElement::new();
            element.attach(source.handle());
            element.seek(5.0);
            element.position() == 5.0
        });
        seeks.count()
    };
    assert!((10..35).contains(&sought(Browser::chromium())));
    assert_eq!(sought(Browser::firefox()), 40);
}

#[test]
fn seek_before_the_first_frame_may_lose_the_stream_in_webkit() {
    let lost = (0..40).filter(|&seed| {
        let world = World::new(seed, Browser::webkit());
        let _entered = world.enter();
        let mut context = TestContext::new(&world);
        context.append(0.0, 10.0).unwrap();
        context.element.seek(5.0);
        context.element.play();
        world.run_for(1_000.0);
        context.element.position() == 5.0
    });
    assert!((10..30).contains(&lost.count()));
}

#[test]
fn firefox_has_no_media_source_in_workers() {
    let world = World::new(1, Browser::firefox());
    let _entered = world.enter();
    assert!(MediaSource::new().is_ok());
    let worker = world.start_worker();
    assert!(world.on(worker, MediaSource::new).is_err());
}

#[test]
fn awaited_event_is_the_next_one() {
    let world = World::new(1, Browser::chromium());
    let _entered = world.enter();
    let mut context = TestContext::new(&world);
    context.append(0.0, 1.0).unwrap();
    let waiting = context.element.next(MediaEvent::Waiting);
    context.element.play();
    let time = world.block_on(5_000.0, async move {
        waiting.await;
        platform::now()
    });
    assert!(time.is_some());
    assert_eq!(context.element.position(), 0.965);
    assert_eq!(context.element.readiness(), Readiness::CurrentData);
}

#[test]
fn element_waits_for_the_shorter_of_two_buffers() {
    let world = World::new(1, Browser::chromium());
    let _entered = world.enter();
    let element = MediaElement::new();
    let source = MediaSource::new().unwrap();
    element.attach(source.handle());
    element.play();
    platform::spawn(async move {
        source.opened().await;
        let mut video = source.add_source_buffer(MIME).unwrap();
        let mut audio = source
            .add_source_buffer("audio/mp4; codecs=mp4a.40.2")
            .unwrap();
        for (buffer, track, end) in [(&mut video, VIDEO, 5.0), (&mut audio, AUDIO, 2.0)] {
            buffer
                .append(&Bytes::from(init(&[track]).as_slice()))
                .await
                .unwrap();
            let media = segment(&[run(track, 0.0, end)]);
            buffer.append(&Bytes::from(media.as_slice())).await.unwrap();
        }
        platform::sleep(10_000).await;
        source.end_of_stream().unwrap();
    });
    world.run_for(9_000.0);
    assert_eq!(element.played(), [0.0..1.965]);
    world.run_until(20_000.0, || element.has_ended());
    assert_eq!(element.played(), [0.0..5.0], "the shorter one has ended");
}
