//! Requests, responses, and how a response arrives over time. An adapter for a real HTTP server maps
//! [`Response::status`], [`Response::headers`] and [`Response::body`] to its own types and follows
//! [`Response::delivery`].

use std::time::Duration;

/// A request by GET. For HEAD, leave out the response's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Absolute path, and query if there is one: `/p0/v720/3.m4s?token=1`.
    pub path: String,
    /// The `Range` header.
    pub range: Option<ByteRange>,
    /// Time of the request since the Unix epoch, UTC.
    pub now: Duration,
}

impl Request {
    /// A request for all of a resource.
    pub fn get(path: &str, now: Duration) -> Self {
        Self {
            path: path.to_owned(),
            range: None,
            now,
        }
    }

    /// The path without its query.
    pub fn resource(&self) -> &str {
        self.path.split(['?', '#']).next().unwrap_or_default()
    }

    /// The value of a parameter of the query, not decoded.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let (_, query) = self.path.split_once('?')?;
        let mut parameters = query.split('&').filter_map(|it| it.split_once('='));
        let (_, value) = parameters.find(|(known, _)| *known == name)?;
        Some(value)
    }
}

/// Bytes of a resource, both ends included (RFC 9110 § 14.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub first: u64,
    /// The last byte; `None` for all that follow.
    pub last: Option<u64>,
}

impl ByteRange {
    /// Reads a `Range` header of one range, such as `bytes=0-499`. `None` if it is anything else, in
    /// which case a server ignores it.
    pub fn parse(header: &str) -> Option<Self> {
        let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
        let range = Self {
            first: first.parse().ok()?,
            last: match last {
                "" => None,
                last => Some(last.parse().ok()?),
            },
        };
        (range.last.is_none_or(|last| range.first <= last)).then_some(range)
    }
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Header names, in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// The bytes that arrive. Where the connection breaks, they are fewer than `content-length`.
    pub body: Vec<u8>,
    /// Number of bytes that a simulated network counts for the body.
    pub nominal_length: u64,
    /// Its delivery over time.
    pub delivery: Delivery,
}

/// The delivery of a response over time. This is the server's part; bandwidth is the network's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Delay before the server sends the status and the headers.
    pub delay: Duration,
    /// Whether it sends nothing at all, not even the status, before the end.
    pub is_withheld: bool,
    /// The parts in which it sends the body, in order. What they do not cover is sent at once.
    pub chunks: Vec<Chunk>,
    /// The end of the response after the body.
    pub end: End,
}

/// A part of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Delay before the server sends it.
    pub after: Duration,
    /// Bytes.
    pub length: usize,
}

/// The end of a response after the last byte of its body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// The response is complete.
    #[default]
    Complete,
    /// The connection is closed before the response is complete.
    Closed,
    /// Nothing more arrives, and the connection stays open.
    Silent,
}

impl Response {
    /// 200, with a body.
    pub fn ok(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self {
            status: 200,
            headers: vec![
                ("content-type", content_type.to_owned()),
                ("content-length", body.len().to_string()),
                ("accept-ranges", "bytes".to_owned()),
                ("access-control-allow-origin", "*".to_owned()),
            ],
            nominal_length: body.len() as u64,
            body,
            delivery: Delivery::default(),
        }
    }

    /// A status, described by the body.
    pub fn status(status: u16) -> Self {
        let mut response = Self::ok("text/plain", status.to_string());
        response.status = status;
        response
    }

    /// 404.
    pub fn not_found() -> Self {
        Self::status(404)
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(known, _)| *known == name)?;
        Some(value)
    }

    /// Sets a header, in place of one of the same name.
    pub fn set_header(&mut self, name: &'static str, value: impl Into<String>) {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
    }

    /// The same response with more simulated bytes than real ones.
    #[must_use]
    pub fn with_nominal_length(mut self, length: u64) -> Self {
        self.nominal_length = length.max(self.body.len() as u64);
        self
    }

    /// The requested part of a complete response: 206, or 416 if there is no such part.
    #[must_use]
    pub fn with_range(mut self, range: Option<ByteRange>) -> Self {
        let Some(range) = range.filter(|_| self.status == 200) else {
            return self;
        };
        let length = self.body.len() as u64;
        if range.first >= length {
            let mut response = Self::status(416);
            response.set_header("content-range", format!("bytes */{length}"));
            return response;
        }
        let last = range.last.unwrap_or(u64::MAX).min(length - 1);
        let part = last - range.first + 1;
        // Both fit: they are within the body.
        self.body.truncate(last as usize + 1);
        self.body.drain(..range.first as usize);
        self.nominal_length =
            (u128::from(self.nominal_length) * u128::from(part) / u128::from(length)) as u64;
        self.status = 206;
        self.set_header("content-length", part.to_string());
        self.set_header(
            "content-range",
            format!("bytes {}-{last}/{length}", range.first),
        );
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: u64, last: Option<u64>) -> Option<ByteRange> {
        Some(ByteRange { first, last })
    }

    #[test]
    fn range_headers_of_one_range_are_read() {
        assert_eq!(ByteRange::parse("bytes=0-499"), range(0, Some(499)));
        assert_eq!(ByteRange::parse("bytes=7-"), range(7, None));
        for other in ["bytes=-5", "bytes=5-4", "bytes=0-1,3-4", "lines=0-1", ""] {
            assert_eq!(ByteRange::parse(other), None, "{other}");
        }
    }

    #[test]
    fn range_selects_part_of_the_body() {
        let whole = Response::ok("text/plain", "0123456789").with_nominal_length(1000);
        let part = whole.clone().with_range(range(2, Some(4)));
        assert_eq!((part.status, &*part.body), (206, &b"234"[..]));
        assert_eq!(part.header("content-range"), Some("bytes 2-4/10"));
        assert_eq!(part.header("content-length"), Some("3"));
        assert_eq!(part.nominal_length, 300);
        let rest = whole.clone().with_range(range(8, Some(99)));
        assert_eq!((rest.status, &*rest.body), (206, &b"89"[..]));
        assert_eq!(whole.clone().with_range(range(10, None)).status, 416);
        assert_eq!(whole.clone().with_range(None), whole);
    }

    #[test]
    fn query_is_not_part_of_the_resource() {
        let request = Request::get("/a/b.m3u8?_HLS_skip=YES&x=1", Duration::ZERO);
        assert_eq!(request.resource(), "/a/b.m3u8");
        assert_eq!(request.parameter("_HLS_skip"), Some("YES"));
        assert_eq!(request.parameter("y"), None);
    }
}
