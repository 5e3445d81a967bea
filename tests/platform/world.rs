//! Time, tasks and threads.

use std::{cell::RefCell, rc::Rc};

use yew_mse_worker::platform::{
    self, Bytes, MediaSource, ObjectUrl,
    simulated::{Browser, Ended, MediaElement, MediaEvent, Thread, World},
};

use crate::fmp4::{VIDEO, init, run, segment};

type Log = Rc<RefCell<Vec<String>>>;

fn world(seed: u64) -> World {
    World::new(seed, Browser::chromium())
}

/// The order in which tasks that are ready at once run.
fn order(seed: u64) -> Vec<String> {
    let world = world(seed);
    let _entered = world.enter();
    let log = Log::default();
    for name in ["a", "b", "c", "d", "e"] {
        let log = log.clone();
        platform::spawn(async move {
            platform::sleep(10).await;
            log.borrow_mut().push(name.into());
        });
    }
    world.run_for(100.0);
    log.take()
}

#[test]
fn seed_decides_the_order_of_ready_tasks() {
    assert_eq!(order(1), order(1));
    let mut orders: Vec<_> = (0..20).map(order).collect();
    orders.sort();
    orders.dedup();
    assert!(orders.len() > 10, "{} orders", orders.len());
}

#[test]
fn random_numbers_follow_from_the_seed() {
    let draw = |seed| {
        let world = world(seed);
        let _entered = world.enter();
        [platform::random(), platform::random()]
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn timers_fire_in_the_order_of_their_times() {
    let world = world(3);
    let _entered = world.enter();
    let log = Log::default();
    for milliseconds in [30, 10, 20] {
        let log = log.clone();
        platform::spawn(async move {
            platform::sleep(milliseconds).await;
            let line = format!("{milliseconds} at {}", World::current().elapsed_ms());
            log.borrow_mut().push(line);
        });
    }
    assert_eq!(world.run_for(1_000.0), Ended::Deadline);
    assert_eq!(log.take(), ["10 at 10", "20 at 20", "30 at 30"]);
}

#[test]
fn dropped_sleep_leaves_no_timer() {
    let world = world(1);
    let _entered = world.enter();
    drop(platform::sleep(1_000));
    assert!(!world.step(), "nothing is left to wait for");
}

#[test]
fn program_that_runs_in_circles_is_found_out() {
    let world = world(1);
    let _entered = world.enter();
    platform::spawn(async {
        loop {
            platform::sleep(0).await;
        }
    });
    assert_eq!(world.run_for(1_000.0), Ended::Livelock);
}

#[test]
fn blocked_thread_runs_late_and_others_do_not() {
    let world = world(1);
    let _entered = world.enter();
    let worker = world.start_worker();
    let log = Log::default();
    for (name, thread) in [("page", Thread::PAGE), ("worker", worker)] {
        let log = log.clone();
        world.on(thread, || {
            platform::spawn(async move {
                platform::sleep(10).await;
                let line = format!("{name} at {}", World::current().elapsed_ms());
                log.borrow_mut().push(line);
            });
        });
    }
    world.run_for(5.0);
    world.block(Thread::PAGE, 500.0);
    world.run_for(1_000.0);
    assert_eq!(log.take(), ["worker at 10", "page at 505"]);
}

#[test]
fn frozen_page_runs_after_it_is_thawed() {
    let world = world(1);
    let _entered = world.enter();
    let log = Log::default();
    let to = log.clone();
    platform::spawn(async move {
        platform::sleep(10).await;
        to.borrow_mut().push("ran".into());
    });
    world.run_for(1.0);
    world.freeze(Thread::PAGE);
    world.run_for(10_000.0);
    assert!(log.borrow().is_empty());
    world.thaw(Thread::PAGE);
    world.run_for(1.0);
    assert_eq!(log.take(), ["ran"]);
}

#[test]
fn timers_of_a_hidden_page_fire_at_whole_seconds() {
    let world = world(1);
    let _entered = world.enter();
    world.set_hidden(Thread::PAGE, true);
    let time = world.block_on(10_000.0, async {
        platform::sleep(10).await;
        World::current().elapsed_ms()
    });
    assert_eq!(time, Some(1_000.0));
}

#[test]
fn messages_arrive_in_their_order() {
    for seed in 0..20 {
        let world = world(seed);
        let _entered = world.enter();
        let worker = world.start_worker();
        let log = Log::default();
        for name in ["a", "b", "c"] {
            let log = log.clone();
            world.post(worker, move || {
                assert!(platform::is_worker());
                log.borrow_mut().push(name.into());
            });
        }
        world.run_for(100.0);
        assert_eq!(log.take(), ["a", "b", "c"], "seed {seed}");
    }
}

#[test]
fn terminated_worker_neither_runs_nor_answers() {
    let world = world(1);
    let _entered = world.enter();
    let worker = world.start_worker();
    let log = Log::default();
    let (on_drop, on_page) = (log.clone(), log.clone());
    world.on(worker, || {
        platform::spawn(async move {
            let _guard = PostOnDrop(on_drop);
            platform::sleep(100).await;
            unreachable!("the worker is gone");
        });
    });
    world.run_for(10.0);
    world.terminate(worker);
    world.post(worker, move || on_page.borrow_mut().push("heard".into()));
    world.run_for(1_000.0);
    assert_eq!(log.take(), ["dropped"]);
    assert_eq!(world.task_count(), 0);
}

/// Posts to the page when it is dropped. Messages of a terminated worker are not delivered.
struct PostOnDrop(Log);

impl Drop for PostOnDrop {
    fn drop(&mut self) {
        self.0.borrow_mut().push("dropped".into());
        let log = self.0.clone();
        World::current().post(Thread::PAGE, move || log.borrow_mut().push("posted".into()));
    }
}

#[test]
fn object_url_is_fetched_until_it_is_dropped() {
    let world = world(1);
    let _entered = world.enter();
    let texts = world.block_on(1_000.0, async {
        let url = ObjectUrl::of_text("WEBVTT").unwrap();
        let request = platform::Request {
            url: url.as_str().into(),
            ..platform::Request::default()
        };
        let mut response = platform::fetch(&request).response().await.unwrap();
        let text = response.chunk().await.unwrap().unwrap().to_text();
        drop(url);
        let gone = platform::fetch(&request).response().await;
        (text, gone.is_err())
    });
    assert_eq!(texts, Some(("WEBVTT".into(), true)));
}

#[test]
fn aes_cbc_is_decrypted_as_nist_encrypted_it() {
    let world = world(1);
    let _entered = world.enter();
    // NIST SP 800-38A, F.2.1, its first block, and a block of padding.
    let key = hex("2b7e151628aed2a6abf7158809cf4f3c");
    let iv: [u8; 16] = hex("000102030405060708090a0b0c0d0e0f").try_into().unwrap();
    let plain = hex("6bc1bee22e409f96e93d7e117393172a");
    let encrypted = hex("7649abac8119b246cee98e9b12e9197d8964e0b149c10b7b682e6e39aaeb731c");
    let results = world.block_on(1_000.0, async move {
        let encrypted = Bytes::from(encrypted.as_slice());
        let key = Bytes::from(key.as_slice());
        let right = platform::decrypt_aes_cbc(&encrypted, &key, iv).await;
        let short = platform::decrypt_aes_cbc(&encrypted, &key.slice(0..15), iv).await;
        let wrong = platform::decrypt_aes_cbc(&encrypted, &Bytes::zeros(16), iv).await;
        (right.unwrap().to_vec(), short.is_err(), wrong.is_err())
    });
    assert_eq!(results, Some((plain, true, true)));
}

fn hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    let pairs = pairs.map(|pair| std::str::from_utf8(pair).unwrap());
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

#[test]
fn death_of_the_worker_looks_like_the_end() {
    let world = world(1);
    let _entered = world.enter();
    let worker = world.start_worker();
    let element = MediaElement::new();
    let events = Log::default();
    let log = events.clone();
    element.on_event(move |event| {
        if !matches!(event, MediaEvent::TimeUpdate) {
            log.borrow_mut().push(format!("{event:?}"));
        }
    });
    let source = world.on(worker, || MediaSource::new().unwrap());
    element.attach(source.handle());
    world.on(worker, || {
        platform::spawn(async move {
            source.opened().await;
            let mut buffer = source
                .add_source_buffer("video/mp4; codecs=avc1.4d401e")
                .unwrap();
            source.set_duration(60.0).unwrap();
            for bytes in [init(&[VIDEO]), segment(&[run(VIDEO, 0.0, 10.0)])] {
                buffer.append(&Bytes::from(bytes.as_slice())).await.unwrap();
            }
            std::future::pending::<()>().await;
        });
    });
    element.play();
    world.run_until(5_000.0, || element.position() > 1.0);
    events.take();
    world.terminate(worker);
    assert_eq!(element.buffered(), []);
    world.run_for(1_000.0);
    assert_eq!(events.take(), ["Waiting", "Pause", "Ended"]);
    assert_eq!((element.position(), element.error()), (60.0, None));
}
