//! Faults of servers and networks: a plan, drawn from a seed, determines the requests that fail, their faults
//! and their recovery. [`Plan::apply`] is a pure function; [`Server`] counts attempts for it.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use crate::{
    fmp4::{self, Damage},
    http::{ByteRange, Chunk, End, Request, Response},
    random::{Random, hash},
};

/// A fault in a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A status without the resource.
    Status {
        /// 4xx or 5xx.
        code: u16,
        /// `Retry-After` in seconds, rounded up.
        retry_after: Option<Duration>,
    },
    /// A redirect to the same path below a prefix, which [`Server`] takes off again.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        code: u16,
        /// Whether it leads to itself.
        is_endless: bool,
    },
    /// A range is answered wrongly. Requests without a range are not affected.
    Range(WrongRange),
    /// The bytes are not those of the resource, though the response is complete.
    Damaged(Damage),
    /// The connection is closed after this many thousandths of the body.
    Closed(u16),
    /// The connection is closed before the headers.
    Refused,
    /// Nothing arrives after this many thousandths of the body; `None`: not even the headers arrive.
    Silent(Option<u16>),
    /// A page of HTML with status 200, as a captive portal or a parked domain sends.
    Html,
    /// The headers are late.
    Late(Duration),
    /// The body arrives in ten parts, each after a pause.
    Slow(Duration),
    /// The media type is missing or wrong.
    WrongType,
}

/// A wrong answer to a range request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongRange {
    /// 200 with the whole resource.
    Ignored,
    /// 206 with bytes that begin one later, with a matching `Content-Range`.
    Shifted,
    /// 206 with the requested bytes, but a `Content-Range` of others.
    Misstated,
    /// 206 with half of the bytes, with a matching `Content-Range`.
    Short,
    /// 416.
    Unsatisfiable,
}

/// The requests that a fault affects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// MPDs and playlists.
    Manifests,
    /// Init segments.
    Inits,
    /// Media segments, and ranges of files.
    Media,
    /// Keys.
    Keys,
    /// WebVTT files.
    Captions,
    /// Paths that contain a text, such as `/cdn0/` or `v720/`.
    Containing(String),
    /// All.
    All,
}

impl Target {
    /// Whether a request is affected.
    pub fn matches(&self, request: &Request) -> bool {
        let path = request.resource();
        let ends = |ends: &[&str]| ends.iter().any(|end| path.ends_with(end));
        match self {
            Self::Manifests => ends(&[".mpd", ".m3u8"]),
            Self::Inits => ends(&["init.mp4"]),
            Self::Media => ends(&[".m4s", "media.mp4"]),
            Self::Keys => ends(&[".bin"]),
            Self::Captions => ends(&[".vtt"]),
            Self::Containing(text) => path.contains(text.as_str()),
            Self::All => true,
        }
    }
}

/// The end of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// After this many attempts at each path.
    After(u32),
    /// At a time.
    At(Duration),
    /// Never.
    Never,
}

/// A fault of some requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The requests that it may affect.
    pub target: Target,
    /// The affected share of their paths, in thousandths. The plan's seed selects the paths.
    pub thousandths: u32,
    /// When it begins.
    pub from: Duration,
    /// When it ends.
    pub recovery: Recovery,
    /// The fault.
    pub fault: Fault,
}

/// The rules by which requests fail. Removing rules makes a failing case smaller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Seed for the choice of paths.
    pub seed: u64,
    /// The rules; the first that applies counts.
    pub rules: Vec<Rule>,
}

/// The prefix of the paths that [`Fault::Redirect`] leads to.
const ELSEWHERE: &str = "/elsewhere";

impl Plan {
    /// A plan for a seed, for a session that begins at a time and lasts about so long. Half of all plans
    /// are without a fault, and most faults recover.
    pub fn random(seed: u64, start: Duration, length: Duration) -> Self {
        let random = &mut Random::for_use(seed, "faults");
        let count = match random.below(10) {
            0..=4 => 0,
            5..=7 => 1,
            8 => 2,
            _ => random.within(3..=6),
        };
        let mut rules = Vec::new();
        for _ in 0..count {
            let from = start + length.mul_f64(random.fraction());
            rules.push(Rule {
                target: random.pick(&[
                    Target::Manifests,
                    Target::Inits,
                    Target::Media,
                    Target::Media,
                    Target::Media,
                    Target::Keys,
                    Target::Captions,
                    Target::Containing("/cdn0/".to_owned()),
                    Target::All,
                ]),
                thousandths: random.pick(&[10, 100, 300, 1000]),
                from: random.pick(&[start, from]),
                recovery: match random.below(6) {
                    0..=2 => Recovery::After(random.within(1..=3) as u32),
                    3 | 4 => Recovery::At(from + length.mul_f64(random.fraction() / 4.0)),
                    _ => Recovery::Never,
                },
                fault: Fault::random(random),
            });
        }
        Self { seed, rules }
    }

    /// The fault of a request, if it has to fail. `attempt` is the number of earlier requests for the same
    /// path.
    pub fn fault(&self, request: &Request, attempt: u32) -> Option<&Fault> {
        let applies = |nth: usize, rule: &Rule| {
            let is_over = match rule.recovery {
                Recovery::After(attempts) => attempt >= attempts,
                Recovery::At(time) => request.now >= time,
                Recovery::Never => false,
            };
            let drawn = hash(self.seed.wrapping_add(nth as u64), request.resource()) % 1000;
            !is_over
                && request.now >= rule.from
                && drawn < u64::from(rule.thousandths)
                && rule.target.matches(request)
        };
        let mut rules = self.rules.iter().enumerate();
        let (_, rule) = rules.find(|(nth, rule)| applies(*nth, rule))?;
        Some(&rule.fault)
    }

    /// Answers a request with the response of a server, changed by the plan's fault, if there is one.
    pub fn apply(
        &self,
        request: &Request,
        attempt: u32,
        respond: impl Fn(&Request) -> Response,
    ) -> Response {
        match self.fault(request, attempt) {
            Some(fault) => fault.apply(request, respond),
            None => respond(request),
        }
    }
}

impl Fault {
    fn random(random: &mut Random) -> Self {
        let milliseconds = |random: &mut Random, most| Duration::from_millis(random.below(most));
        match random.below(16) {
            0..=3 => Self::Status {
                code: random.pick(&[400, 401, 403, 404, 410, 429, 500, 502, 503, 504]),
                retry_after: random
                    .percent(30)
                    .then(|| Duration::from_secs(random.within(0..=30))),
            },
            4 => Self::Redirect {
                code: random.pick(&[301, 302, 303, 307, 308]),
                is_endless: random.percent(20),
            },
            5 => Self::Range(random.pick(&[
                WrongRange::Ignored,
                WrongRange::Shifted,
                WrongRange::Misstated,
                WrongRange::Short,
                WrongRange::Unsatisfiable,
            ])),
            6 => Self::Damaged(match random.below(5) {
                0 => Damage::Truncated(random.below(1000) as u16),
                1 => Damage::Garbage(random.next_u64()),
                2 => Damage::Corrupted(random.next_u64()),
                3 => Damage::Oversized,
                _ => Damage::Empty,
            }),
            7 | 8 => Self::Closed(random.below(1000) as u16),
            9 => Self::Refused,
            10 => Self::Silent(random.percent(50).then(|| random.below(1000) as u16)),
            11 => Self::Html,
            12 | 13 => Self::Late(milliseconds(random, 20_000)),
            14 => Self::Slow(milliseconds(random, 3000)),
            _ => Self::WrongType,
        }
    }

    /// Answers a request with this fault, which the headers need not show.
    pub fn apply(&self, request: &Request, respond: impl Fn(&Request) -> Response) -> Response {
        match self {
            Self::Status { code, retry_after } => {
                let mut response = Response::status(*code);
                if let Some(after) = retry_after {
                    let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
                    response.set_header("retry-after", seconds.to_string());
                }
                response
            }
            Self::Redirect { code, is_endless } => {
                if request.path.starts_with(ELSEWHERE) && !is_endless {
                    return respond(request);
                }
                let mut response = Response::status(*code);
                let path = request.path.trim_start_matches(ELSEWHERE);
                response.set_header("location", format!("{ELSEWHERE}{path}"));
                response
            }
            Self::Range(wrong) => match request.range {
                Some(range) => wrong.apply(request, range, respond),
                None => respond(request),
            },
            Self::Damaged(damage) => {
                let mut response = respond(request);
                response.body = fmp4::damage(response.body, *damage);
                response.set_header("content-length", response.body.len().to_string());
                response.nominal_length = response.nominal_length.max(response.body.len() as u64);
                response
            }
            Self::Closed(thousandths) => cut(respond(request), *thousandths, End::Closed),
            Self::Refused => withheld(respond(request), End::Closed),
            Self::Silent(Some(thousandths)) => cut(respond(request), *thousandths, End::Silent),
            Self::Silent(None) => withheld(respond(request), End::Silent),
            Self::Html => Response::ok(
                "text/html",
                "<!doctype html><title>Welcome</title><p>Please log in.",
            ),
            Self::Late(delay) => {
                let mut response = respond(request);
                response.delivery.delay = response.delivery.delay.saturating_add(*delay);
                response
            }
            Self::Slow(pause) => {
                let mut response = respond(request);
                let length = response.body.len();
                let chunk = |nth| Chunk {
                    after: *pause,
                    length: length * (nth + 1) / 10 - length * nth / 10,
                };
                response.delivery.chunks = (0..10).map(chunk).collect();
                response
            }
            Self::WrongType => {
                let mut response = respond(request);
                response.set_header("content-type", "application/octet-stream");
                response
            }
        }
    }
}

/// Ends a response before it is complete.
fn cut(mut response: Response, thousandths: u16, end: End) -> Response {
    let thousandths = thousandths.min(1000);
    let length = response.body.len() * usize::from(thousandths) / 1000;
    response.body.truncate(length);
    response.nominal_length =
        (u128::from(response.nominal_length) * u128::from(thousandths) / 1000) as u64;
    response.delivery.chunks.clear();
    response.delivery.end = end;
    response
}

/// Ends a response before it begins.
fn withheld(response: Response, end: End) -> Response {
    let mut response = cut(response, 0, end);
    response.delivery.is_withheld = true;
    response
}

impl WrongRange {
    fn apply(
        self,
        request: &Request,
        range: ByteRange,
        respond: impl Fn(&Request) -> Response,
    ) -> Response {
        let with = |range| {
            respond(&Request {
                range,
                ..request.clone()
            })
        };
        match self {
            Self::Ignored => with(None),
            Self::Shifted => with(Some(ByteRange {
                first: range.first.saturating_add(1),
                last: range.last.map(|last| last.saturating_add(1)),
            })),
            Self::Misstated => {
                let mut response = with(Some(range));
                if response.status == 206 {
                    response.set_header("content-range", "bytes 0-0/1");
                }
                response
            }
            Self::Short => {
                let whole = with(Some(range));
                if whole.status != 206 {
                    return whole;
                }
                let half = (whole.body.len() as u64).div_ceil(2).max(1);
                with(Some(ByteRange {
                    first: range.first,
                    last: Some(range.first + half - 1),
                }))
            }
            Self::Unsatisfiable => Response::status(416),
        }
    }
}

/// A server whose responses fail by a plan. Unlike the plan it has state: the number of requests for each
/// path.
#[derive(Clone, Debug, Default)]
pub struct Server {
    plan: Plan,
    /// Number of attempts at each of the last requested paths.
    attempts: BTreeMap<String, u32>,
    /// The paths in the order of their first requests.
    order: VecDeque<String>,
}

/// Maximum number of paths whose attempts are counted.
const PATHS: usize = 10_000;

impl Server {
    /// A server with a plan of its faults.
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            ..Self::default()
        }
    }

    /// Answers a request, and counts it.
    pub fn respond(
        &mut self,
        request: &Request,
        respond: impl Fn(&Request) -> Response,
    ) -> Response {
        let path = request.path.trim_start_matches(ELSEWHERE);
        let attempt = match self.attempts.get_mut(path) {
            Some(attempts) => {
                *attempts = attempts.saturating_add(1);
                *attempts
            }
            None => {
                if self.order.len() == PATHS
                    && let Some(first) = self.order.pop_front()
                {
                    self.attempts.remove(&first);
                }
                self.order.push_back(path.to_owned());
                self.attempts.insert(path.to_owned(), 0);
                0
            }
        };
        self.plan.apply(request, attempt, |request| {
            let mut request = request.clone();
            request.path = request.path.trim_start_matches(ELSEWHERE).to_owned();
            respond(&request)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(_: &Request) -> Response {
        Response::ok("video/mp4", vec![7; 100]).with_nominal_length(10_000)
    }

    fn ranged(request: &Request) -> Response {
        Response::ok("video/mp4", (0..100).collect::<Vec<u8>>()).with_range(request.range)
    }

    fn always(fault: Fault) -> Plan {
        with(fault, Recovery::Never)
    }

    fn with(fault: Fault, recovery: Recovery) -> Plan {
        Plan {
            seed: 1,
            rules: vec![Rule {
                target: Target::Media,
                thousandths: 1000,
                from: Duration::from_secs(10),
                recovery,
                fault,
            }],
        }
    }

    fn at(seconds: u64) -> Request {
        Request::get("/v/1.m4s", Duration::from_secs(seconds))
    }

    const GONE: Fault = Fault::Status {
        code: 410,
        retry_after: Some(Duration::from_millis(1500)),
    };

    #[test]
    fn fault_begins_and_ends_when_planned() {
        let plan = with(GONE, Recovery::At(Duration::from_secs(20)));
        for (seconds, status) in [(9, 200), (10, 410), (19, 410), (20, 200)] {
            assert_eq!(plan.apply(&at(seconds), 0, serve).status, status);
        }
        let response = plan.apply(&at(10), 0, serve);
        assert_eq!(response.header("retry-after"), Some("2"));
        let manifest = Request::get("/a.mpd", Duration::from_secs(10));
        assert_eq!(plan.apply(&manifest, 0, serve).status, 200);
    }

    #[test]
    fn server_recovers_after_attempts_at_each_path() {
        let mut server = Server::new(with(GONE, Recovery::After(2)));
        let other = Request::get("/v/2.m4s", Duration::from_secs(10));
        let statuses = [&at(10), &at(11), &other, &at(12), &other, &other]
            .map(|request| server.respond(request, serve).status);
        assert_eq!(statuses, [410, 410, 410, 200, 410, 200]);
    }

    #[test]
    fn redirect_leads_to_the_resource_unless_endless() {
        for (is_endless, expected) in [(false, 200), (true, 302)] {
            let mut server = Server::new(always(Fault::Redirect {
                code: 302,
                is_endless,
            }));
            let first = server.respond(&at(10), serve);
            let location = first.header("location").unwrap();
            assert_eq!((first.status, location), (302, "/elsewhere/v/1.m4s"));
            let second = Request::get(location, Duration::from_secs(10));
            assert_eq!(server.respond(&second, serve).status, expected);
        }
    }

    #[test]
    fn body_that_is_cut_is_shorter_than_its_length_says() {
        let response = always(Fault::Closed(250)).apply(&at(10), 0, serve);
        assert_eq!((response.body.len(), response.nominal_length), (25, 2500));
        assert_eq!(response.header("content-length"), Some("100"));
        assert_eq!(response.delivery.end, End::Closed);
        let response = always(Fault::Silent(Some(0))).apply(&at(10), 0, serve);
        assert_eq!(
            (response.body.len(), response.delivery.end),
            (0, End::Silent)
        );
        let response = always(Fault::Refused).apply(&at(10), 0, serve);
        assert!(response.delivery.is_withheld && response.body.is_empty());
        let response = always(Fault::Damaged(Damage::Truncated(500))).apply(&at(10), 0, serve);
        assert_eq!(response.header("content-length"), Some("50"));
        assert_eq!(response.delivery.end, End::Complete);
    }

    #[test]
    fn ranges_are_wrong_in_the_way_planned() {
        let request = Request {
            range: Some(ByteRange {
                first: 10,
                last: Some(19),
            }),
            ..at(10)
        };
        for (wrong, status, first, length, content_range) in [
            (WrongRange::Ignored, 200, 0, 100, None),
            (WrongRange::Shifted, 206, 11, 10, Some("bytes 11-20/100")),
            (WrongRange::Misstated, 206, 10, 10, Some("bytes 0-0/1")),
            (WrongRange::Short, 206, 10, 5, Some("bytes 10-14/100")),
        ] {
            let response = always(Fault::Range(wrong)).apply(&request, 0, ranged);
            assert_eq!((response.status, response.body.len()), (status, length));
            assert_eq!(response.body.first(), Some(&first), "{wrong:?}");
            assert_eq!(response.header("content-range"), content_range);
        }
    }

    #[test]
    fn slow_body_arrives_in_parts_that_cover_it() {
        let pause = Duration::from_secs(1);
        let response = always(Fault::Slow(pause))
            .apply(&at(10), 0, |_| Response::ok("video/mp4", vec![0; 97]));
        let chunks = &response.delivery.chunks;
        assert_eq!(chunks.iter().map(|it| it.length).sum::<usize>(), 97);
        assert!(chunks.iter().all(|chunk| chunk.after == pause));
    }

    #[test]
    fn share_of_paths_is_about_what_is_planned() {
        let mut plan = always(GONE);
        plan.rules[0].thousandths = 300;
        let fails = |nth: &u64| {
            let request = Request::get(&format!("/{nth}.m4s"), Duration::from_secs(10));
            plan.fault(&request, 0).is_some()
        };
        let failed = (0..2000).filter(fails).count();
        assert!((500..700).contains(&failed), "{failed}");
    }

    #[test]
    fn seeds_give_plans_with_and_without_faults() {
        let plan = |seed| Plan::random(seed, Duration::ZERO, Duration::from_secs(60));
        assert_eq!(plan(3), plan(3));
        let plans: Vec<_> = (0..300).map(plan).collect();
        let empty = plans.iter().filter(|plan| plan.rules.is_empty()).count();
        assert!((100..200).contains(&empty), "{empty}");
        let rules = plans.iter().flat_map(|plan| &plan.rules);
        let forever = rules
            .filter(|rule| rule.recovery == Recovery::Never)
            .count();
        assert!(forever > 10, "{forever}");
    }

    #[test]
    fn memory_of_attempts_is_bounded() {
        let mut server = Server::new(Plan::default());
        for nth in 0..PATHS + 10 {
            server.respond(&Request::get(&format!("/{nth}"), Duration::ZERO), serve);
        }
        assert_eq!((server.attempts.len(), server.order.len()), (PATHS, PATHS));
    }
}
