//! A server whose answers pass through a simulated line.

use std::{
    collections::{HashMap, HashSet},
    io::{Cursor, Read, Write},
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use testkit::http;
use tiny_http::{Header, Request, Response, Server};

use crate::{
    Outcome,
    live::{content_type, range},
};

/// A line between a server and its visitors.
#[derive(Clone, Copy)]
pub struct Line {
    /// For tables.
    pub name: &'static str,
    /// `None` if it is as fast as the machine.
    pub bits_per_second: Option<f64>,
    /// A request waits for so long, and once more for a new connection.
    pub round_trip: Duration,
}

/// The files of a site, in the order in which they are looked for.
pub struct Folders(pub Vec<(&'static str, PathBuf)>);

/// What a server has in common for all its requests.
struct Shared {
    line: Line,
    folders: Folders,
    /// When the line has carried everything so far.
    free_at: Mutex<Instant>,
    connections: Mutex<HashSet<SocketAddr>>,
    /// The files that were read, compressed as they are sent.
    files: Mutex<HashMap<PathBuf, Vec<u8>>>,
}

/// Serves folders below their paths, on a port of its own, until the process ends. Returns the address.
pub fn serve(line: Line, folders: Folders) -> Outcome<String> {
    let server = Server::http("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = format!("http://{}", server.server_addr());
    let shared = Arc::new(Shared {
        line,
        folders,
        free_at: Mutex::new(Instant::now()),
        connections: Mutex::default(),
        files: Mutex::default(),
    });
    thread::spawn(move || {
        for request in server.incoming_requests() {
            let shared = shared.clone();
            thread::spawn(move || shared.answer(request));
        }
    });
    Ok(address)
}

impl Shared {
    fn answer(self: Arc<Self>, request: Request) {
        let mut delay = self.line.round_trip;
        if let Some(address) = request.remote_addr()
            && lock(&self.connections).insert(*address)
        {
            delay *= 2;
        }
        thread::sleep(delay);
        let Some((path, kind)) = self.find(request.url()) else {
            // A client that has gone away is no error.
            let _ = request.respond(Response::empty(404));
            return;
        };
        let is_media = kind.starts_with("video/");
        let Ok(bytes) = self.read(path, !is_media) else {
            let _ = request.respond(Response::empty(404));
            return;
        };
        let response = http::Response::ok(kind, bytes);
        let response = match is_media {
            true => response.with_range(range(&request)),
            false => response,
        };
        let mut headers = response.headers;
        headers.push(("cache-control", "max-age=600".to_owned()));
        if !is_media {
            headers.push(("content-encoding", "gzip".to_owned()));
        }
        let headers = headers.into_iter().filter_map(|(name, value)| {
            // The server adds the length itself.
            let is_length = name == "content-length";
            Header::from_bytes(name, value).ok().filter(|_| !is_length)
        });
        let length = response.body.len();
        let body = Carried {
            shared: self.clone(),
            bytes: Cursor::new(response.body),
        };
        let _ = request.respond(Response::new(
            response.status.into(),
            headers.collect(),
            body,
            Some(length),
            None,
        ));
    }

    /// The file of a URL, and its type.
    fn find(&self, url: &str) -> Option<(PathBuf, &'static str)> {
        let path = url.split(['?', '#']).next()?;
        let (_, folder, rest) = self.folders.0.iter().find_map(|(prefix, folder)| {
            let rest = path.strip_prefix(prefix)?;
            Some((prefix, folder, rest))
        })?;
        let index = if rest.is_empty() || rest.ends_with('/') {
            "index.html"
        } else {
            ""
        };
        let file = format!("{rest}{index}");
        Some((folder.join(&file), content_type(&file)))
    }

    fn read(&self, path: PathBuf, compresses: bool) -> std::io::Result<Vec<u8>> {
        let known = lock(&self.files).get(&path).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let mut bytes = std::fs::read(&path)?;
        if compresses {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(&bytes)?;
            bytes = encoder.finish()?;
        }
        lock(&self.files).insert(path, bytes.clone());
        Ok(bytes)
    }
}

/// Bytes that pass through the line as fast as it carries them.
struct Carried {
    shared: Arc<Shared>,
    bytes: Cursor<Vec<u8>>,
}

impl Read for Carried {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some(rate) = self.shared.line.bits_per_second else {
            return self.bytes.read(buffer);
        };
        // A packet at a time, so that all connections have their share.
        let packet = buffer.len().min(1400);
        let length = self.bytes.read(&mut buffer[..packet])?;
        let free_at = {
            let mut free_at = lock(&self.shared.free_at);
            let taken = Duration::from_secs_f64(length as f64 * 8.0 / rate);
            *free_at = (*free_at).max(Instant::now()) + taken;
            *free_at
        };
        thread::sleep(free_at.saturating_duration_since(Instant::now()));
        Ok(length)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
