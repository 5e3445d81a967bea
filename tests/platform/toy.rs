//! A toy player: fetches two segments in a worker, appends them, and plays to the end on the page.

use std::{cell::RefCell, rc::Rc};

use yew_mse_worker::platform::{
    self, Bytes, Exception, MediaHandle, MediaSource, Request,
    simulated::{Answer, Browser, Ended, MediaElement, Reply, Thread, World},
};

use crate::fmp4::{VIDEO, init, run, segment};

const MIME: &str = "video/mp4; codecs=\"avc1.4d401e\"";

/// The result of a run.
#[derive(Debug, PartialEq)]
struct Played {
    ended: Ended,
    spans: Vec<std::ops::Range<f64>>,
    violations: Vec<String>,
    trace_hash: u64,
}

/// A server of an init segment and segments of two seconds.
fn serve(request: &Request, _: f64) -> Answer {
    let name = request.url.rsplit('/').next().unwrap_or_default();
    let file = match name.parse::<u32>() {
        Ok(nth) => {
            let start = f64::from(nth) * 2.0;
            segment(&[run(VIDEO, start, start + 2.0)])
        }
        Err(_) => init(&[VIDEO]),
    };
    Answer::Response(Reply::file(&Bytes::from(file.as_slice()), request))
}

async fn download(name: &str) -> Result<Bytes, Exception> {
    let url = platform::resolve_url("https://example.test/video/", name).unwrap();
    let request = Request {
        url,
        ..Request::default()
    };
    let mut response = platform::fetch(&request).response().await?;
    let mut chunks = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        chunks.push(chunk);
    }
    Ok(Bytes::concat(&chunks))
}

/// The worker's program. Each file is fetched by a separate task, so that the seed decides their order.
async fn feed(source: MediaSource) -> Result<(), Exception> {
    source.opened().await;
    let mut buffer = source.add_source_buffer(MIME)?;
    let files = Rc::new(RefCell::new([const { None }; 3]));
    for (nth, name) in ["init", "0", "1"].into_iter().enumerate() {
        let files = files.clone();
        platform::spawn(async move {
            let file = download(name).await;
            files.borrow_mut()[nth] = Some(file);
        });
    }
    for nth in 0..3 {
        let file = loop {
            let file = files.borrow_mut()[nth].take();
            match file {
                Some(file) => break file?,
                None => platform::sleep(5).await,
            }
        };
        buffer.append(&file).await?;
    }
    source.end_of_stream()
}

fn play(seed: u64) -> Played {
    let world = World::new(seed, Browser::chromium());
    let _entered = world.enter();
    world.serve(serve);
    let element = MediaElement::new();
    element.play();
    let worker = world.start_worker();
    let shown = element.clone();
    let in_worker = world.clone();
    world.post(worker, move || {
        let source = MediaSource::new().unwrap();
        let handle: MediaHandle = source.handle().clone();
        in_worker.post(Thread::PAGE, move || shown.attach(&handle));
        platform::spawn(async move {
            feed(source).await.unwrap();
        });
    });
    let ended = world.run_until(60_000.0, || element.has_ended());
    let spans = element.played();
    Played {
        ended,
        spans,
        violations: world.violations(),
        trace_hash: world.trace_hash(),
    }
}

#[test]
fn two_segments_are_played_to_the_end() {
    let played = play(1);
    assert_eq!(played.ended, Ended::Done);
    assert_eq!(played.spans, [0.0..4.0]);
    assert_eq!(played.violations, [""; 0]);
}

#[test]
fn same_seed_gives_the_same_trace() {
    for seed in 0..20 {
        assert_eq!(play(seed), play(seed), "seed {seed}");
    }
}

#[test]
fn other_seeds_give_other_traces_and_the_same_result() {
    let all: Vec<Played> = (0..50).map(play).collect();
    let mut hashes: Vec<u64> = all.iter().map(|played| played.trace_hash).collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), all.len());
    for (seed, played) in all.iter().enumerate() {
        assert_eq!(played.spans, [0.0..4.0], "seed {seed}");
    }
}
