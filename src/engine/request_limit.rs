//! Limits how often the same bytes are requested. Whatever planner and feeder disagree on, no server gets a storm of
//! requests.

use crate::{media::ByteRange, protocol::ResourceKind};

const PERIOD_MS: f64 = 60_000.0;
/// Requests for the same bytes within a minute. Retries and seeks need fewer.
const MAX_REQUESTS: usize = 10;
/// Requests for the same manifest, or for the same segment of a live stream, within a minute: the manifest is loaded again
/// with each segment, and the newest segment is asked for until it is there.
const MAX_POLLS: usize = 120;

/// A request of the last minute.
struct SentRequest {
    url: String,
    range: Option<ByteRange>,
    /// In milliseconds.
    at: f64,
}

/// The requests of the last minute.
#[derive(Default)]
pub struct RequestLimit {
    /// Whether the stream is live.
    is_live: bool,
    sent: Vec<SentRequest>,
}

impl RequestLimit {
    /// Records that the stream is live.
    pub const fn set_live(&mut self) {
        self.is_live = true;
    }

    /// Records a request at a time in milliseconds. Returns whether it may be sent.
    pub fn admit(
        &mut self,
        kind: ResourceKind,
        url: &str,
        range: Option<ByteRange>,
        now: f64,
    ) -> bool {
        // A clock that was set back must not block requests.
        self.sent
            .retain(|request| (0.0..PERIOD_MS).contains(&(now - request.at)));
        let is_same = |request: &&SentRequest| request.url == url && request.range == range;
        let count = self.sent.iter().filter(is_same).count();
        let limit = match kind {
            ResourceKind::Manifest => MAX_POLLS,
            _ if self.is_live => MAX_POLLS,
            _ => MAX_REQUESTS,
        };
        let is_admitted = count < limit;
        if is_admitted {
            self.sent.push(SentRequest {
                url: url.to_owned(),
                range,
                at: now,
            });
        }
        is_admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eleventh_request_within_a_minute_is_refused() {
        let mut limit = RequestLimit::default();
        let kind = ResourceKind::MediaSegment;
        let mut admit = |url, now| limit.admit(kind, url, None, now);
        assert!((0..10).all(|nth| admit("a", f64::from(nth) * 1_000.0)));
        assert!(!admit("a", 59_999.0));
        assert!(admit("b", 59_999.0), "another address");
        assert!(admit("a", 60_000.0), "the first is a minute ago");
        assert!(!admit("a", 60_001.0));
    }
}
