//! The server of a session: its content, with the faults of the scenario, over its connection.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};

use testkit::{
    faults::{Fault, Plan},
    http::{self, End, Request, Response},
    random::Random,
};
use yew_mse_worker::platform::{
    self, Bytes,
    simulated::{Answer, BodyFault, Reply, Server},
};

use crate::{
    scenario::{Scenario, epoch},
    source::Respond,
};

/// Where all content is.
pub const ORIGIN: &str = "https://example.test";
/// Where [`Fault::Redirect`] leads to.
const ELSEWHERE: &str = "/elsewhere";
/// As many redirects as `fetch` follows.
const MAX_REDIRECTS: u32 = 20;
/// Bytes that arrive at once.
const CHUNK: usize = 64 << 10;

/// What the server did wrong, and what it served.
#[derive(Debug, Default)]
pub struct ServerLog {
    /// The faults that requests met, with their paths.
    pub faults: Vec<(Fault, String)>,
    /// Responses that broke off.
    pub lost: u32,
    /// Statuses other than success.
    pub statuses: Vec<(u16, String)>,
}

/// Serves a scenario.
pub struct Host {
    respond: Respond,
    plan: Plan,
    latency_ms: (f64, f64),
    lost_thousandths: u32,
    random: Random,
    attempts: BTreeMap<String, u32>,
    log: Rc<RefCell<ServerLog>>,
}

impl Host {
    /// A server of some content under a scenario.
    pub fn new(respond: Respond, scenario: &Scenario, log: Rc<RefCell<ServerLog>>) -> Self {
        Self {
            respond,
            plan: scenario.faults.clone(),
            latency_ms: scenario.connection.latency_ms,
            lost_thousandths: scenario.connection.lost_thousandths,
            random: Random::for_use(scenario.seed, "connection"),
            attempts: BTreeMap::new(),
            log,
        }
    }

    /// One response, with the fault that the plan has for it.
    fn respond_once(&mut self, request: &Request) -> Response {
        let path = request.path.trim_start_matches(ELSEWHERE).to_owned();
        let count = self.attempts.entry(path.clone()).or_default();
        let attempt = *count;
        *count += 1;
        let respond = |request: &Request| {
            let mut request = request.clone();
            request.path = request.path.trim_start_matches(ELSEWHERE).to_owned();
            (self.respond)(&request)
        };
        let Some(fault) = self.plan.fault(request, attempt) else {
            return respond(request);
        };
        let response = fault.apply(request, respond);
        self.log.borrow_mut().faults.push((fault.clone(), path));
        response
    }
}

impl Server for Host {
    fn answer(&mut self, request: &platform::Request, at_ms: f64) -> Answer {
        let Some(path) = request.url.strip_prefix(ORIGIN) else {
            return Answer::Failure { after_ms: 5.0 };
        };
        let mut asked = Request {
            path: path.to_owned(),
            range: request.range.map(|range| http::ByteRange {
                first: range.first,
                last: range.last,
            }),
            now: epoch() + Duration::from_secs_f64(at_ms / 1000.0),
        };
        let (least, most) = self.latency_ms;
        let mut latency_ms = least + self.random.fraction() * (most - least);
        let mut response = self.respond_once(&asked);
        let mut redirects = 0;
        while let (301..=308, Some(to)) = (response.status, response.header("location")) {
            redirects += 1;
            if redirects > MAX_REDIRECTS {
                return Answer::Failure {
                    after_ms: latency_ms,
                };
            }
            asked.path = to.to_owned();
            latency_ms += least;
            response = self.respond_once(&asked);
        }
        latency_ms += response.delivery.delay.as_secs_f64() * 1000.0;
        if response.delivery.is_withheld {
            return match response.delivery.end {
                End::Silent => Answer::Silence,
                End::Complete | End::Closed => Answer::Failure {
                    after_ms: latency_ms,
                },
            };
        }
        if !(200..300).contains(&response.status) {
            let failed = (response.status, asked.path.clone());
            self.log.borrow_mut().statuses.push(failed);
        }
        let length = response.body.len();
        let pause_ms = response.delivery.chunks.first();
        let pause_ms = pause_ms.map_or(0.0, |chunk| chunk.after.as_secs_f64() * 1000.0);
        let mut fault = match response.delivery.end {
            End::Complete if pause_ms > 0.0 => BodyFault::Stalls(length / 2, 2.0 * pause_ms),
            End::Complete => BodyFault::None,
            End::Closed => BodyFault::Reset(length),
            End::Silent => BodyFault::Stalls(length, f64::INFINITY),
        };
        if self.random.below(1000) < u64::from(self.lost_thousandths) {
            self.log.borrow_mut().lost += 1;
            fault = BodyFault::Reset(self.random.below(length as u64 + 1) as usize);
        }
        let headers = response.headers.iter();
        Answer::Response(Reply {
            headers: headers
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            body: Some(Bytes::from(response.body.as_slice())),
            redirected_to: (redirects > 0).then(|| format!("{ORIGIN}{}", asked.path)),
            latency_ms,
            chunk: CHUNK,
            fault,
            ..Reply::status(response.status)
        })
    }
}
