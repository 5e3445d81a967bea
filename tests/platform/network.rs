//! Requests, bandwidth and faults.

use yew_mse_worker::platform::{
    self, ByteRange, Bytes, Delivery, Exception, Request,
    simulated::{Answer, BodyFault, Browser, Outcome, Reply, World},
};

const URL: &str = "https://example.test/file";

fn world() -> World {
    World::new(1, Browser::chromium())
}

fn request(range: Option<ByteRange>) -> Request {
    Request {
        url: URL.into(),
        range,
        ..Request::default()
    }
}

/// Serves one file, with a change to each reply.
fn serve(world: &World, length: usize, change: impl Fn(&mut Reply) + 'static) {
    world.serve(move |request: &Request, _: f64| {
        let mut reply = Reply::file(&Bytes::zeros(length), request);
        change(&mut reply);
        Answer::Response(reply)
    });
}

/// Downloads the file; how many bytes came, and when the last of them did, in milliseconds.
async fn download(range: Option<ByteRange>) -> Result<(usize, f64), Exception> {
    let mut response = platform::fetch(&request(range)).response().await?;
    let mut received = 0;
    while let Some(chunk) = response.chunk().await? {
        received += chunk.len();
    }
    Ok((received, World::current().elapsed_ms().round()))
}

fn downloaded(world: &World) -> Result<(usize, f64), Exception> {
    let result = world.block_on(100_000.0, download(None));
    result.expect("the download does not end")
}

#[test]
fn body_takes_as_long_as_the_bandwidth_allows() {
    let world = world();
    let _entered = world.enter();
    serve(&world, 1_000_000, |_| {});
    world.set_bandwidth(&[(0.0, 8e6)]);
    assert_eq!(downloaded(&world), Ok((1_000_000, 1_020.0)));
}

#[test]
fn bandwidth_follows_its_trace() {
    let world = world();
    let _entered = world.enter();
    serve(&world, 1_000_000, |_| {});
    // 480 kB in the first half second, nothing in the next, then 520 kB at 4 Mbit/s.
    world.set_bandwidth(&[(0.0, 8e6), (500.0, 0.0), (1_000.0, 4e6)]);
    assert_eq!(downloaded(&world), Ok((1_000_000, 2_040.0)));
}

#[test]
fn transfers_at_once_share_the_bandwidth() {
    let world = world();
    let _entered = world.enter();
    serve(&world, 500_000, |_| {});
    world.set_bandwidth(&[(0.0, 8e6)]);
    platform::spawn(async {
        download(None).await.unwrap();
    });
    assert_eq!(downloaded(&world), Ok((500_000, 1_020.0)));
}

#[test]
fn range_is_answered_by_its_bytes() {
    let world = world();
    let _entered = world.enter();
    world.serve(|request: &Request, _: f64| {
        let file = Bytes::from([0, 1, 2, 3, 4, 5, 6, 7].as_slice());
        Answer::Response(Reply::file(&file, request))
    });
    let answers = world.block_on(1_000.0, async {
        let mut answers = Vec::new();
        for (first, last) in [(2, Some(4)), (6, None), (6, Some(90)), (8, None)] {
            let range = Some(ByteRange { first, last });
            let mut response = platform::fetch(&request(range)).response().await.unwrap();
            let body = response.chunk().await.unwrap().unwrap_or_default();
            let range = response.header("Content-Range").unwrap_or_default();
            answers.push((response.status(), range, body.to_vec()));
        }
        answers
    });
    let expected = vec![
        (206, "bytes 2-4/8".into(), vec![2, 3, 4]),
        (206, "bytes 6-7/8".into(), vec![6, 7]),
        (206, "bytes 6-7/8".into(), vec![6, 7]),
        (416, String::new(), vec![]),
    ];
    assert_eq!(answers, Some(expected));
}

#[test]
fn truncated_body_ends_early_without_an_error() {
    let world = world();
    let _entered = world.enter();
    serve(&world, 1_000, |reply| {
        reply.fault = BodyFault::Truncated(400)
    });
    assert_eq!(downloaded(&world).unwrap().0, 400);
}

#[test]
fn lost_connection_is_an_error_after_what_came() {
    let world = world();
    let _entered = world.enter();
    serve(&world, 1_000, |reply| reply.fault = BodyFault::Reset(400));
    let results = world.block_on(1_000.0, async {
        let mut response = platform::fetch(&request(None)).response().await.unwrap();
        let first = response.chunk().await.unwrap().unwrap().len();
        (first, response.chunk().await.is_err())
    });
    assert_eq!(results, Some((400, true)));
    assert_eq!(world.requests()[0].outcome, Outcome::Failed);
}

#[test]
fn stalled_body_goes_on_later() {
    let world = world();
    let _entered = world.enter();
    serve(&world, 1_000, |reply| {
        reply.fault = BodyFault::Stalls(400, 5_000.0)
    });
    assert_eq!(downloaded(&world), Ok((1_000, 5_020.0)));
}

#[test]
fn silent_server_never_answers() {
    let world = world();
    let _entered = world.enter();
    world.serve(|_: &Request, _: f64| Answer::Silence);
    assert_eq!(world.block_on(60_000.0, download(None)), None);
}

#[test]
fn dropped_fetch_is_aborted_and_frees_the_bandwidth() {
    let world = world();
    let _entered = world.enter();
    serve(&world, 1_000_000, |_| {});
    world.set_bandwidth(&[(0.0, 8e6)]);
    let other = platform::fetch(&request(None));
    platform::spawn(async move {
        platform::sleep(520).await;
        drop(other);
    });
    // Half a second at half the bandwidth transfers a quarter of the file.
    assert_eq!(downloaded(&world), Ok((1_000_000, 1_270.0)));
    let outcomes: Vec<_> = world
        .requests()
        .iter()
        .map(|request| request.outcome)
        .collect();
    assert_eq!(outcomes, [Outcome::Aborted, Outcome::Complete]);
}

#[test]
fn offline_fails_all_requests_until_the_online_event() {
    let world = world();
    let _entered = world.enter();
    serve(&world, 1_000_000, |_| {});
    world.set_bandwidth(&[(0.0, 8e6)]);
    let switch = world.clone();
    platform::spawn(async move {
        platform::sleep(500).await;
        switch.set_online(false);
        platform::sleep(500).await;
        switch.set_online(true);
    });
    let results = world.block_on(10_000.0, async {
        let cut = download(None).await.is_err();
        let is_online = platform::is_online();
        let next = platform::next_online();
        let refused = download(None).await.is_err();
        next.await;
        (cut, is_online, refused, World::current().elapsed_ms())
    });
    assert_eq!(results, Some((true, false, true, 1_000.0)));
}

#[test]
fn sleeping_machine_loses_its_connections() {
    let world = world();
    let _entered = world.enter();
    serve(&world, 1_000_000, |_| {});
    world.set_bandwidth(&[(0.0, 8e6)]);
    let machine = world.clone();
    platform::spawn(async move {
        platform::sleep(500).await;
        machine.suspend(3_600_000.0);
    });
    assert!(downloaded(&world).is_err());
    assert_eq!(world.elapsed_ms(), 3_600_500.0);
}

#[test]
fn cached_response_needs_no_network_and_says_so() {
    let world = world();
    let _entered = world.enter();
    serve(&world, 1_000_000, |reply| {
        reply.is_cached = true;
        reply.latency_ms = 1.0;
    });
    world.set_bandwidth(&[(0.0, 0.0)]);
    assert_eq!(downloaded(&world), Ok((1_000_000, 1.0)));
    assert_eq!(platform::take_delivery(URL), Delivery::Cache);
    assert_eq!(
        platform::take_delivery(URL),
        Delivery::Network,
        "the request is not recorded"
    );
}

#[test]
fn redirect_shows_in_the_url() {
    let world = world();
    let _entered = world.enter();
    serve(&world, 10, |reply| {
        reply.redirected_to = Some("https://cdn.test/x".into())
    });
    let url = world.block_on(1_000.0, async {
        platform::fetch(&request(None))
            .response()
            .await
            .unwrap()
            .url()
    });
    assert_eq!(url.as_deref(), Some("https://cdn.test/x"));
}

#[test]
fn urls_are_resolved_as_browsers_do() {
    let resolve = |reference| platform::resolve_url("https://a.test/b/c?d", reference);
    assert_eq!(resolve("../e.mp4").as_deref(), Some("https://a.test/e.mp4"));
    assert_eq!(resolve("//f.test/g").as_deref(), Some("https://f.test/g"));
    assert_eq!(resolve("file:///etc/passwd"), None);
    assert_eq!(resolve("https://"), None);
}
