//! The simulated network: a server, and a link whose bandwidth all transfers share.

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use data_url::DataUrl;

use super::{
    bytes::Bytes,
    model::{FOREVER, MILLISECOND, Nanos, SECOND},
    time::Signal,
    world::{Device, Queue, Thread, TimerKey, World},
};
use crate::platform::types::{ByteRange, Delivery, Exception, Request};

/// What answers requests.
pub trait Server {
    /// Answers a request that arrives so many milliseconds after the world began.
    fn answer(&mut self, request: &Request, at_ms: f64) -> Answer;
}

impl<F: FnMut(&Request, f64) -> Answer> Server for F {
    fn answer(&mut self, request: &Request, at_ms: f64) -> Answer {
        self(request, at_ms)
    }
}

/// How a server answers.
#[derive(Clone, Debug)]
pub enum Answer {
    /// With a response.
    Response(Reply),
    /// There is no connection, or the response is not for this origin.
    Failure {
        /// When that is clear.
        after_ms: f64,
    },
    /// Never.
    Silence,
}

/// A response.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The URL after redirects, if there were any.
    pub redirected_to: Option<String>,
    /// The body; `None` for a response that has none at all.
    pub body: Option<Bytes>,
    /// Until the headers arrive.
    pub latency_ms: f64,
    /// Bytes that arrive at once.
    pub chunk: usize,
    /// What goes wrong with the body.
    pub fault: BodyFault,
    /// Whether the browser's cache answers, without the network.
    pub is_cached: bool,
    /// Whether another origin hides its resource timing.
    pub hides_timing: bool,
}

/// What goes wrong with a body.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum BodyFault {
    /// Nothing.
    #[default]
    None,
    /// After so many bytes it ends, as if that were all.
    Truncated(usize),
    /// After so many bytes the connection is lost.
    Reset(usize),
    /// After so many bytes nothing comes for some milliseconds, or ever if they are infinite.
    Stalls(usize, f64),
}

impl Reply {
    /// A body with its length, after 20 ms.
    pub fn ok(body: Bytes) -> Self {
        Self {
            headers: vec![("content-length".into(), body.len().to_string())],
            body: Some(body),
            ..Self::status(200)
        }
    }

    /// What a request asks for of a whole file: all of it, or a range with status 206, or 416 if there is nothing
    /// at that range.
    pub fn file(file: &Bytes, request: &Request) -> Self {
        let Some(ByteRange { first, last }) = request.range else {
            return Self::ok(file.clone());
        };
        let length = file.len() as u64;
        if first >= length {
            return Self::status(416);
        }
        let end = last.map_or(length, |last| (last + 1).min(length));
        let mut reply = Self::ok(file.slice(first as usize..end as usize));
        reply.status = 206;
        let range = format!("bytes {first}-{}/{length}", end - 1);
        reply.headers.push(("content-range".into(), range));
        reply
    }

    /// A status with an empty body.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            redirected_to: None,
            body: Some(Bytes::default()),
            latency_ms: 20.0,
            chunk: 32 << 10,
            fault: BodyFault::None,
            is_cached: false,
            hides_timing: false,
        }
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is on its way.
    Pending,
    /// All of it arrived.
    Complete,
    /// The program aborted it.
    Aborted,
    /// The network failed.
    Failed,
}

/// A request that was made.
#[derive(Clone, Debug)]
pub struct RequestRecord {
    /// When, in milliseconds since the world began.
    pub at_ms: f64,
    /// What was asked for.
    pub request: Request,
    /// The status; 0 until there is one.
    pub status: u16,
    /// Bytes of the body so far.
    pub received: usize,
    /// What became of it.
    pub outcome: Outcome,
}

/// The network of a world.
#[derive(Default)]
struct Network(RefCell<NetworkState>);

impl Device for Network {
    fn machine_wakes(&self) {
        fail_all(&World::current(), "net::ERR_NETWORK_IO_SUSPENDED");
    }

    fn clear(&self) {
        let state = self.0.take();
        drop((state.server, state.transfers));
    }
}

/// Looks at the state of a world's network, or changes it.
fn with_network<T>(world: &World, act: impl FnOnce(&mut NetworkState) -> T) -> T {
    act(&mut world.device::<Network>().0.borrow_mut())
}

/// The state of the network.
#[derive(Default)]
struct NetworkState {
    server: Option<Box<dyn Server>>,
    /// From which world time on how many bits per second, ascending.
    bandwidth: Vec<(Nanos, f64)>,
    is_offline: bool,
    waiting_for_online: Vec<(Thread, Signal)>,
    transfers: BTreeMap<u64, Transfer>,
    /// Up to when the bandwidth was shared out.
    settled: Nanos,
    timer: Option<TimerKey>,
    records: Vec<RequestRecord>,
    deliveries: BTreeMap<(Thread, String), Delivery>,
}

impl NetworkState {
    /// Bits per second at a time, and when that changes.
    fn bandwidth_at(&self, time: Nanos) -> (f64, Nanos) {
        let next = self.bandwidth.partition_point(|(from, _)| *from <= time);
        let current = next.checked_sub(1).and_then(|nth| self.bandwidth.get(nth));
        let changes = self.bandwidth.get(next).map_or(FOREVER, |(from, _)| *from);
        // 100 Mbit/s unless a trace says otherwise.
        (current.map_or(100e6, |(_, bits)| *bits), changes)
    }
}

/// A response on its way.
struct Transfer {
    thread: Thread,
    record: usize,
    exchange: Exchange,
    url: String,
    reply: Reply,
    /// Bytes of the body that were delivered.
    sent: usize,
    /// Bytes that have arrived beyond those.
    credit: f64,
    /// Whether the headers have arrived, and the body takes its share of the bandwidth.
    is_flowing: bool,
}

impl Transfer {
    /// Where the body stops.
    fn end(&self) -> usize {
        let length = self.reply.body.as_ref().map_or(0, Bytes::len);
        match self.reply.fault {
            BodyFault::None => length,
            BodyFault::Truncated(at) | BodyFault::Reset(at) | BodyFault::Stalls(at, _) => {
                at.min(length)
            }
        }
    }

    /// Bytes of the next chunk.
    fn next_chunk(&self) -> usize {
        (self.end() - self.sent).min(self.reply.chunk.max(1))
    }
}

/// What has arrived of a response and was not taken.
#[derive(Clone, Debug, Default)]
struct Exchange(Rc<RefCell<Arrived>>);

#[derive(Debug, Default)]
struct Arrived {
    head: Option<Result<Head, Exception>>,
    chunks: VecDeque<Bytes>,
    end: Option<Result<(), Exception>>,
    /// The next thing to arrive.
    more: Signal,
}

#[derive(Clone, Debug)]
struct Head {
    status: u16,
    url: String,
    headers: Vec<(String, String)>,
    has_body: bool,
}

impl Exchange {
    fn arrive(&self, change: impl FnOnce(&mut Arrived)) {
        let more = {
            let mut arrived = self.0.borrow_mut();
            change(&mut arrived);
            std::mem::take(&mut arrived.more)
        };
        more.set();
    }

    /// Waits for something.
    async fn take<T>(&self, mut take: impl FnMut(&mut Arrived) -> Option<T>) -> T {
        loop {
            let more = {
                let mut arrived = self.0.borrow_mut();
                if let Some(taken) = take(&mut arrived) {
                    return taken;
                }
                arrived.more.clone()
            };
            more.wait().await;
        }
    }
}

/// A request that has been sent. Dropping it aborts it.
#[derive(Debug)]
#[must_use = "dropping it aborts the request"]
pub struct Fetch {
    exchange: Exchange,
    abort: AbortOnDrop,
}

/// Aborts a transfer when it is dropped, without effect on one that is complete.
#[derive(Debug)]
struct AbortOnDrop(u64);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(world) = World::try_current() {
            settle(&world);
            let aborted = with_network(&world, |network| network.transfers.remove(&self.0));
            if let Some(transfer) = aborted {
                world.note(format_args!("aborted {}", transfer.url));
                finish(&world, transfer.record, Outcome::Aborted);
                schedule(&world);
            }
        }
    }
}

/// Sends a request, with the call and not with the first poll.
pub fn fetch(request: &Request) -> Fetch {
    let world = World::current();
    let id = world.unique();
    let exchange = Exchange::default();
    let fetch = Fetch {
        exchange: exchange.clone(),
        abort: AbortOnDrop(id),
    };
    let thread = world.thread();
    if !world.is_alive(thread) {
        return fetch;
    }
    match request.range {
        Some(range) => world.note(format_args!("fetch {} {range:?}", request.url)),
        None => world.note(format_args!("fetch {}", request.url)),
    }
    let at_ms = world.elapsed_ms();
    let (record, is_offline) = {
        let network = world.device::<Network>();
        let mut network = network.0.borrow_mut();
        network.records.push(RequestRecord {
            at_ms,
            request: request.clone(),
            status: 0,
            received: 0,
            outcome: Outcome::Pending,
        });
        (network.records.len() - 1, network.is_offline)
    };
    let answer = if request.url.starts_with("data:") {
        let file = DataUrl::process(&request.url).ok();
        let file = file.and_then(|url| url.decode_to_vec().ok());
        let answer = file.map(|(bytes, _)| {
            Answer::Response(Reply {
                latency_ms: 1.0,
                is_cached: true,
                ..Reply::ok(Bytes::from(bytes.as_slice()))
            })
        });
        answer.unwrap_or(Answer::Failure { after_ms: 1.0 })
    } else if let Some(file) = world.object_url(&request.url) {
        let latency_ms = 1.0;
        Answer::Response(Reply {
            latency_ms,
            is_cached: true,
            ..Reply::file(&file, request)
        })
    } else if is_offline || request.url.starts_with("blob:") {
        Answer::Failure { after_ms: 1.0 }
    } else {
        // The server may look at the world, so it is taken out of it.
        let server = with_network(&world, |network| network.server.take());
        match server {
            Some(mut server) => {
                let answer = server.answer(request, at_ms);
                with_network(&world, |network| network.server = Some(server));
                answer
            }
            None => Answer::Failure { after_ms: 1.0 },
        }
    };
    let (reply, latency_ms, failure) = match answer {
        Answer::Response(reply) => {
            let latency_ms = reply.latency_ms;
            (reply, latency_ms, None)
        }
        Answer::Failure { after_ms } => (Reply::status(0), after_ms, Some(FAILED)),
        Answer::Silence => (Reply::status(0), f64::INFINITY, None),
    };
    let url = reply.redirected_to.clone();
    let url = url.unwrap_or_else(|| request.url.clone());
    let transfer = Transfer {
        thread,
        record,
        exchange,
        url,
        reply,
        sent: 0,
        credit: 0.0,
        is_flowing: false,
    };
    with_network(&world, |network| network.transfers.insert(id, transfer));
    if latency_ms.is_finite() {
        let arrives = world.nanos() + (latency_ms * MILLISECOND as f64) as Nanos;
        world.at(arrives, Queue::Browser, move || {
            let world = World::current();
            match failure {
                None => begin(&world, id),
                Some(reason) => fail(&world, id, reason),
            }
        });
    }
    fetch
}

const FAILED: &str = "Failed to fetch";

/// The headers of a response arrive.
fn begin(world: &World, id: u64) {
    settle(world);
    {
        let network = world.device::<Network>();
        let mut network = network.0.borrow_mut();
        let network = &mut *network;
        let Some(transfer) = network.transfers.get_mut(&id) else {
            return;
        };
        transfer.is_flowing = true;
        if transfer.reply.is_cached {
            transfer.credit = f64::MAX;
        }
        if let Some(record) = network.records.get_mut(transfer.record) {
            record.status = transfer.reply.status;
        }
        let head = Head {
            status: transfer.reply.status,
            url: transfer.url.clone(),
            headers: transfer.reply.headers.clone(),
            has_body: transfer.reply.body.is_some(),
        };
        let exchange = transfer.exchange.clone();
        world.queue(Queue::Network(transfer.thread), move || {
            exchange.arrive(|arrived| arrived.head = Some(Ok(head)));
        });
    }
    deliver(world);
    schedule(world);
}

/// Shares out what came over the link since the last time.
fn settle(world: &World) {
    let now = world.nanos();
    let network = world.device::<Network>();
    let mut network = network.0.borrow_mut();
    let from = network.settled;
    network.settled = now;
    let flowing = network
        .transfers
        .values()
        .filter(|it| it.is_flowing && !it.reply.is_cached)
        .count();
    // The rate is constant in between, as each change of it is a point at which this is called.
    let (bits, _) = network.bandwidth_at(from);
    let share = bits / 8.0 * (now - from) as f64 / SECOND as f64 / flowing.max(1) as f64;
    for transfer in network.transfers.values_mut() {
        if transfer.is_flowing {
            transfer.credit += share;
        }
    }
}

/// Delivers the chunks that are complete.
fn deliver(world: &World) {
    let mut ended = Vec::new();
    {
        let network = world.device::<Network>();
        let mut network = network.0.borrow_mut();
        let network = &mut *network;
        for (&id, transfer) in &mut network.transfers {
            if !transfer.is_flowing {
                continue;
            }
            loop {
                let length = transfer.next_chunk();
                // Half a byte is lost in rounding.
                if length == 0 || transfer.credit + 0.5 < length as f64 {
                    break;
                }
                transfer.credit -= length as f64;
                let from = transfer.sent;
                transfer.sent += length;
                let body = transfer.reply.body.as_ref();
                let chunk = body.map_or_else(Bytes::default, |it| it.slice(from..from + length));
                if let Some(record) = network.records.get_mut(transfer.record) {
                    record.received = transfer.sent;
                }
                let exchange = transfer.exchange.clone();
                world.queue(Queue::Network(transfer.thread), move || {
                    exchange.arrive(|arrived| arrived.chunks.push_back(chunk));
                });
            }
            if transfer.next_chunk() == 0 {
                ended.push(id);
            }
        }
    }
    for id in ended {
        let fault = {
            let network = world.device::<Network>();
            let network = network.0.borrow();
            network.transfers.get(&id).map(|it| it.reply.fault)
        };
        match fault {
            Some(BodyFault::None | BodyFault::Truncated(_)) => complete(world, id),
            Some(BodyFault::Reset(_)) => fail(world, id, "network error"),
            Some(BodyFault::Stalls(_, milliseconds)) => {
                with_network(world, |network| {
                    if let Some(transfer) = network.transfers.get_mut(&id) {
                        transfer.is_flowing = false;
                        transfer.credit = 0.0;
                    }
                });
                if milliseconds.is_finite() {
                    let goes_on = world.nanos() + (milliseconds * MILLISECOND as f64) as Nanos;
                    world.at(goes_on, Queue::Browser, move || {
                        resume(&World::current(), id)
                    });
                }
            }
            None => {}
        }
    }
}

/// A body that stalled goes on.
fn resume(world: &World, id: u64) {
    settle(world);
    with_network(world, |network| {
        if let Some(transfer) = network.transfers.get_mut(&id) {
            transfer.is_flowing = true;
            transfer.reply.fault = BodyFault::None;
        }
    });
    deliver(world);
    schedule(world);
}

fn complete(world: &World, id: u64) {
    let Some(transfer) = with_network(world, |network| network.transfers.remove(&id)) else {
        return;
    };
    let delivery = match (transfer.reply.hides_timing, transfer.reply.is_cached) {
        (true, _) => Delivery::Hidden,
        (false, true) => Delivery::Cache,
        (false, false) => Delivery::Network,
    };
    let network = world.device::<Network>();
    let mut network = network.0.borrow_mut();
    let asked = network.records.get(transfer.record);
    let asked = asked.map(|it| it.request.url.clone()).unwrap_or_default();
    network
        .deliveries
        .insert((transfer.thread, asked), delivery);
    drop(network);
    finish(world, transfer.record, Outcome::Complete);
    let exchange = transfer.exchange;
    world.queue(Queue::Network(transfer.thread), move || {
        exchange.arrive(|arrived| arrived.end = Some(Ok(())));
    });
}

fn fail(world: &World, id: u64, reason: &'static str) {
    let Some(transfer) = with_network(world, |network| network.transfers.remove(&id)) else {
        return;
    };
    world.note(format_args!("{reason}: {}", transfer.url));
    finish(world, transfer.record, Outcome::Failed);
    let exchange = transfer.exchange;
    world.queue(Queue::Network(transfer.thread), move || {
        exchange.arrive(|arrived| {
            let exception = Exception::new("TypeError", reason);
            arrived.head.get_or_insert(Err(exception.clone()));
            arrived.end = Some(Err(exception));
        });
    });
}

/// All transfers fail.
fn fail_all(world: &World, reason: &'static str) {
    let ids: Vec<u64> = {
        let network = world.device::<Network>();
        let mut network = network.0.borrow_mut();
        network.settled = world.nanos();
        network.transfers.keys().copied().collect()
    };
    for id in ids {
        fail(world, id, reason);
    }
    schedule(world);
}

fn finish(world: &World, record: usize, outcome: Outcome) {
    let network = world.device::<Network>();
    let mut network = network.0.borrow_mut();
    if let Some(record) = network.records.get_mut(record) {
        record.outcome = outcome;
    }
}

/// Waits for the next chunk, or the next change of the bandwidth.
fn schedule(world: &World) {
    let now = world.nanos();
    let (next, timer) = {
        let network = world.device::<Network>();
        let mut network = network.0.borrow_mut();
        let (bits, changes) = network.bandwidth_at(now);
        let flowing = network.transfers.values();
        let flowing = flowing.filter(|it| it.is_flowing && !it.reply.is_cached);
        let shares = flowing.clone().count();
        let share = bits / 8.0 / shares.max(1) as f64;
        let until_next = |it: &Transfer| {
            let left = (it.next_chunk() as f64 - it.credit).max(0.0);
            (left / share * SECOND as f64).ceil()
        };
        let soonest = flowing.map(until_next).fold(f64::INFINITY, f64::min);
        let next = match soonest.is_finite() {
            true => now.saturating_add(soonest as Nanos).min(changes),
            false if shares > 0 => changes,
            false => FOREVER,
        };
        (next, network.timer.take())
    };
    if let Some(timer) = timer {
        world.cancel(timer);
    }
    if next != FOREVER {
        let key = world.at(next, Queue::Browser, || {
            let world = World::current();
            with_network(&world, |network| network.timer = None);
            settle(&world);
            deliver(&world);
            schedule(&world);
        });
        with_network(world, |network| network.timer = Some(key));
    }
}

impl Fetch {
    /// Waits for status and headers.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn response(self) -> Result<Response, Exception> {
        let head = self.exchange.take(|arrived| arrived.head.clone()).await?;
        Ok(Response {
            head,
            exchange: self.exchange,
            _abort: self.abort,
        })
    }
}

/// A response whose body may still be arriving. Dropping it aborts the request.
#[derive(Debug)]
pub struct Response {
    head: Head,
    exchange: Exchange,
    _abort: AbortOnDrop,
}

impl Response {
    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        self.head.status
    }

    /// The URL after redirects.
    pub fn url(&self) -> String {
        self.head.url.clone()
    }

    /// The value of a header; `None` if it is absent.
    pub fn header(&self, name: &str) -> Option<String> {
        let mut headers = self.head.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    }

    /// Whether there is a body at all, be it empty.
    pub const fn has_body(&self) -> bool {
        self.head.has_body
    }

    /// The next part of the body, as soon as there is one; `None` at its end.
    ///
    /// # Errors
    /// If the connection is lost.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Exception> {
        let next = |arrived: &mut Arrived| match arrived.chunks.pop_front() {
            Some(chunk) => Some(Ok(Some(chunk))),
            None => arrived.end.clone().map(|end| end.map(|()| None)),
        };
        self.exchange.take(next).await
    }
}

/// The absolute URL of a reference, relative to a base URL; `None` if it is not valid, or not an `http`,
/// `https`, `blob` or `data` URL.
pub fn resolve_url(base: &str, reference: &str) -> Option<String> {
    let url = url::Url::parse(base).ok()?.join(reference).ok()?;
    let is_fetched = matches!(url.scheme(), "http" | "https" | "blob" | "data");
    is_fetched.then(|| url.into())
}

/// How the last response from a URL was delivered to this thread. What was known is forgotten.
pub fn take_delivery(url: &str) -> Delivery {
    let world = World::current();
    let thread = world.thread();
    let network = world.device::<Network>();
    let mut network = network.0.borrow_mut();
    let delivery = network.deliveries.remove(&(thread, url.into()));
    network.deliveries.retain(|(other, _), _| *other != thread);
    delivery.unwrap_or(Delivery::Network)
}

/// The download of the engine's program. Simulated engines are not downloaded.
pub const fn program_download() -> Option<(u64, f64)> {
    None
}

/// Whether the browser believes that there is a network.
pub fn is_online() -> bool {
    with_network(&World::current(), |network| !network.is_offline)
}

/// Completes at the next `online` event.
#[derive(Debug)]
#[must_use = "it does nothing unless awaited"]
pub struct Online(Signal);

/// Waits for the next `online` event, which is listened for from the call on.
pub fn next_online() -> Online {
    let world = World::current();
    let signal = Signal::default();
    let network = world.device::<Network>();
    let mut network = network.0.borrow_mut();
    // Those that are no longer waited for have nobody else who knows them.
    network.waiting_for_online.retain(|(_, it)| !it.is_alone());
    network
        .waiting_for_online
        .push((world.thread(), signal.clone()));
    Online(signal)
}

impl Future for Online {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll(context)
    }
}

/// The network, as a test sets it.
impl World {
    /// Has a server answer all requests from now on.
    pub fn serve(&self, server: impl Server + 'static) {
        with_network(self, |network| network.server = Some(Box::new(server)));
    }

    /// Sets the bandwidth of the link: from so many milliseconds after now on, so many bits per second. Ascending.
    pub fn set_bandwidth(&self, trace: &[(f64, f64)]) {
        settle(self);
        let now = self.nanos();
        let from = |&(ms, bits): &(f64, f64)| (now + (ms * MILLISECOND as f64) as Nanos, bits);
        with_network(self, |network| {
            network.bandwidth = trace.iter().map(from).collect()
        });
        schedule(self);
    }

    /// Cuts the network, so that all requests fail, or brings it back.
    pub fn set_online(&self, is_online: bool) {
        self.note(format_args!("online: {is_online}"));
        let was_offline = {
            let network = self.device::<Network>();
            let mut network = network.0.borrow_mut();
            std::mem::replace(&mut network.is_offline, !is_online)
        };
        if !is_online {
            fail_all(self, FAILED);
        } else if was_offline {
            let waiting = {
                let network = self.device::<Network>();
                let mut network = network.0.borrow_mut();
                std::mem::take(&mut network.waiting_for_online)
            };
            for (thread, signal) in waiting {
                self.queue(Queue::Network(thread), move || signal.set());
            }
        }
    }

    /// All requests so far, in order.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.with_requests(<[RequestRecord]>::to_vec)
    }

    /// Reads all requests so far, in order.
    pub fn with_requests<T>(&self, read: impl FnOnce(&[RequestRecord]) -> T) -> T {
        with_network(self, |network| read(&network.records))
    }

    /// How many requests are on their way.
    pub fn pending_requests(&self) -> usize {
        with_network(self, |network| network.transfers.len())
    }
}
