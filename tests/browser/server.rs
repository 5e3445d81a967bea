//! Serves the built site as a static host would, under a sub-path, and breaks it on demand.

use std::{
    convert::Infallible,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tokio::sync::watch;
use tower_http::services::ServeDir;

use crate::stage::PATIENCE;

/// The sample film in DASH.
pub const FILM: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/film/film.mpd"));

impl Trouble {
    /// [`Trouble::Patch`] for a text: the first occurrence of this becomes that.
    pub fn replace(this: impl Into<String>, that: impl Into<String>) -> Self {
        let (this, that) = (this.into().into_bytes(), that.into().into_bytes());
        Self::Patch(Arc::new(move |mut file| {
            let at = file.windows(this.len()).position(|window| window == this);
            let at = at.expect("there is nothing to replace");
            file.splice(at..at + this.len(), that.iter().copied());
            file
        }))
    }

    /// [`Trouble::Patch`] for a file: nothing is left of it but its type.
    pub fn empty() -> Self {
        Self::Patch(Arc::new(|_| Vec::new()))
    }

    /// [`Trouble::Patch`] for a script: this goes before it, and that after it.
    pub fn around(before: &'static str, after: impl Into<String>) -> Self {
        let after = after.into();
        Self::Patch(Arc::new(move |script| {
            [before.as_bytes(), &script, after.as_bytes()].concat()
        }))
    }
}

/// What to do instead of answering well.
#[derive(Clone)]
pub enum Trouble {
    /// Answer with this status.
    Status(StatusCode),
    /// Answer with this text.
    Text(&'static str),
    /// Take the request and never answer.
    Silence,
    /// Answer with what the file would be if this in it were that.
    Patch(Arc<dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync>),
    /// Answer well, but not before so much time has passed.
    Late(Duration),
    /// Answer well, but not before all is well again.
    Held,
    /// Answer with so many bytes per second.
    Throttle(usize),
    /// Promise all of it, and break off after so many bytes.
    Cut(usize),
    /// Send all of it where a range was asked for.
    NoRanges,
    /// Send another range than was asked for, and say so.
    WrongRange,
    /// Send the client elsewhere: to this path of the site, or to another one.
    Redirect(String),
    /// Answer well, but let no other origin read it.
    Private,
    /// Never end the answer: zeros, as fast as they are taken.
    Endless,
    /// Of ten requests, fail one, cut one and delay one by three seconds: always the same ones.
    Storm,
}

/// What becomes of a request in a storm, by how many there were before it.
fn weather(nth: usize) -> Option<Trouble> {
    // Multiplied by this, numbers that follow each other come to lie far apart.
    match (nth as u32).wrapping_mul(2_654_435_761) >> 16 & 0xffff {
        0..6_554 => Some(Trouble::Status(StatusCode::SERVICE_UNAVAILABLE)),
        6_554..13_107 => Some(Trouble::Cut(500)),
        13_107..19_661 => Some(Trouble::Late(Duration::from_secs(3))),
        _ => None,
    }
}

#[derive(Default)]
struct Troubles {
    /// Part of a path, the trouble there, and how often it is met.
    at: Vec<(String, Trouble, usize)>,
    /// Files that are nowhere on the disk.
    made: Vec<(String, Vec<u8>)>,
    requests: Vec<Uri>,
    /// The headers of each of these.
    headers: Vec<HeaderMap>,
    abandoned: usize,
    /// Says that all is well again.
    healed: watch::Sender<()>,
    /// What pages take to be the pixels of the screen in one of CSS, if not what is true.
    density: Option<f64>,
}

/// A server of one test's own.
pub struct Server {
    address: SocketAddr,
    troubles: Arc<Mutex<Troubles>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start() -> Self {
        let site = std::env::var("SITE").expect("no site to show: run `cargo xtask test`");
        Self::of(site.as_ref()).await
    }

    /// Serves another site.
    pub async fn of(site: &Path) -> Self {
        let troubles = Arc::new(Mutex::new(Troubles::default()));
        let router = Router::new()
            .nest_service(&(public_url() + "tests"), ServeDir::new("tests"))
            .nest_service(public_url().trim_end_matches('/'), ServeDir::new(site))
            .layer(middleware::from_fn_with_state(troubles.clone(), with_probe))
            .layer(middleware::from_fn_with_state(troubles.clone(), answer));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            troubles,
            task,
        }
    }

    /// Where a file of the site is. `localhost`, because a worker needs a secure context no less
    /// than a page does.
    pub fn url(&self, path: &str) -> String {
        format!(
            "http://localhost:{}{}{path}",
            self.address.port(),
            public_url()
        )
    }

    /// From now on, requests for paths with this in them meet trouble.
    pub fn trouble(&self, part: &str, trouble: Trouble) {
        self.trouble_times(part, trouble, usize::MAX);
    }

    /// The next so many requests for paths with this in them meet trouble.
    pub fn trouble_times(&self, part: &str, trouble: Trouble, times: usize) {
        let mut troubles = self.troubles.lock().unwrap();
        troubles.at.push((part.into(), trouble, times));
    }

    /// From now on, there is a file at this path of the site.
    pub fn make(&self, path: &str, content: impl Into<Vec<u8>>) {
        let path = public_url() + path;
        self.troubles
            .lock()
            .unwrap()
            .made
            .push((path, content.into()));
    }

    /// From now on, the sample film is also at `film/plain.mpd`, in these of its renditions only: of a
    /// film in one rendition, each segment is asked for once, however fast the network is.
    pub fn make_plain(&self, renditions: &[&str]) {
        let is_kept = |line: &&str| {
            let names = |id: &&str| line.contains(&format!("<Representation id=\"{id}\""));
            !line.contains("avc1") || renditions.iter().any(names)
        };
        let lines: Vec<&str> = FILM.lines().filter(is_kept).collect();
        self.make("film/plain.mpd", lines.join("\n"));
    }

    /// From now on, pages are shown on a screen with so many pixels in one of CSS.
    pub fn set_density(&self, density: f64) {
        self.troubles.lock().unwrap().density = Some(density);
    }

    /// All requests so far for paths with this in them, in order, with their queries.
    pub fn requested(&self, part: &str) -> Vec<String> {
        let troubles = self.troubles.lock().unwrap();
        let wanted = troubles
            .requests
            .iter()
            .filter(|uri| uri.path().contains(part));
        wanted.map(Uri::to_string).collect()
    }

    /// How many of the requests for paths with this in them had a header of this name and value.
    pub fn requests_with(&self, part: &str, name: &str, value: &str) -> usize {
        let troubles = self.troubles.lock().unwrap();
        let all = troubles.requests.iter().zip(&troubles.headers);
        all.filter(|(uri, headers)| {
            uri.path().contains(part) && headers.get(name).is_some_and(|it| it == value)
        })
        .count()
    }

    /// From now on, all is well.
    pub fn heal(&self) {
        let mut troubles = self.troubles.lock().unwrap();
        troubles.at.clear();
        troubles.healed.send_replace(());
    }

    /// How many requests that were never answered were given up.
    pub fn abandoned(&self) -> usize {
        self.troubles.lock().unwrap().abandoned
    }

    /// Waits until so many of them were given up: a server hears of it a little later.
    pub async fn until_abandoned(&self, count: usize) {
        until(|| self.abandoned() >= count).await;
    }

    /// Waits for a request for a path with this in it.
    pub async fn until_asked_for(&self, part: &str) {
        until(|| self.requests(part) > 0).await;
    }

    /// How many requests there were for paths with this in them.
    pub fn requests(&self, part: &str) -> usize {
        let troubles = self.troubles.lock().unwrap();
        troubles
            .requests
            .iter()
            .filter(|uri| uri.path().contains(part))
            .count()
    }
}

async fn until(condition: impl Fn() -> bool) {
    let since = Instant::now();
    while !condition() {
        assert!(since.elapsed() < PATIENCE, "the server waits in vain");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn public_url() -> String {
    std::env::var("SITE_PUBLIC_URL").unwrap_or_else(|_| "/".into())
}

/// Is dropped with the request that it waits in: when the client has hung up.
struct Abandoned<'a>(&'a Mutex<Troubles>);

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap().abandoned += 1;
    }
}

async fn answer(
    State(troubles): State<Arc<Mutex<Troubles>>>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let (trouble, made, mut healed) = {
        let mut troubles = troubles.lock().unwrap();
        troubles.requests.push(request.uri().clone());
        troubles.headers.push(request.headers().clone());
        let found = troubles
            .at
            .iter_mut()
            .find(|(part, _, times)| *times > 0 && path.contains(part.as_str()));
        let trouble = found.map(|(_, trouble, times)| {
            *times -= 1;
            trouble.clone()
        });
        let trouble = match trouble {
            Some(Trouble::Storm) => weather(troubles.requests.len()),
            other => other,
        };
        let made = troubles.made.iter().find(|(at, _)| *at == path);
        let made = made.map(|(_, content)| content.clone());
        (trouble, made, troubles.healed.subscribe())
    };
    if let Some(Trouble::NoRanges | Trouble::WrongRange) = &trouble {
        request.headers_mut().remove(header::RANGE);
    }
    let well = async {
        match made {
            // Of all that is made up, only scripts have to say what they are.
            Some(content) if path.ends_with(".js") => {
                ([(header::CONTENT_TYPE, "text/javascript")], content).into_response()
            }
            Some(content) => content.into_response(),
            None => next.run(request).await,
        }
    };
    let is_private = matches!(trouble, Some(Trouble::Private));
    let mut response = match trouble {
        None | Some(Trouble::NoRanges | Trouble::Storm | Trouble::Private) => well.await,
        Some(Trouble::Status(status)) => status.into_response(),
        Some(Trouble::Text(text)) => text.into_response(),
        Some(Trouble::Redirect(path)) => {
            let is_elsewhere = path.starts_with("http:");
            let to = if is_elsewhere {
                path
            } else {
                public_url() + path.as_str()
            };
            let to = [(header::LOCATION, to)];
            (StatusCode::FOUND, to).into_response()
        }
        Some(Trouble::Endless) => {
            let zeros =
                futures_util::stream::repeat_with(|| Ok::<_, Infallible>(vec![0_u8; 1 << 16]));
            Body::from_stream(zeros).into_response()
        }
        Some(Trouble::Silence) => {
            let _abandoned = Abandoned(&troubles);
            std::future::pending().await
        }
        Some(Trouble::Late(time)) => {
            let abandoned = Abandoned(&troubles);
            tokio::time::sleep(time).await;
            // It was waited for.
            std::mem::forget(abandoned);
            well.await
        }
        Some(Trouble::Held) => {
            let abandoned = Abandoned(&troubles);
            healed.changed().await.unwrap();
            // It was waited for.
            std::mem::forget(abandoned);
            well.await
        }
        Some(Trouble::WrongRange) => {
            let (mut parts, body) = well.await.into_parts();
            parts.status = StatusCode::PARTIAL_CONTENT;
            let range = HeaderValue::from_static("bytes 7-99/100");
            parts.headers.insert(header::CONTENT_RANGE, range);
            Response::from_parts(parts, body)
        }
        Some(Trouble::Patch(patch)) => {
            let (mut parts, body) = well.await.into_parts();
            parts.headers.remove(header::CONTENT_LENGTH);
            let bytes = to_bytes(body, usize::MAX).await.unwrap();
            Response::from_parts(parts, Body::from(patch(bytes.to_vec())))
        }
        Some(Trouble::Throttle(rate)) => {
            let (parts, body) = well.await.into_parts();
            let bytes = to_bytes(body, usize::MAX).await.unwrap();
            Response::from_parts(parts, slowly(bytes.to_vec(), rate, usize::MAX))
        }
        Some(Trouble::Cut(length)) => {
            let (parts, body) = well.await.into_parts();
            let bytes = to_bytes(body, usize::MAX).await.unwrap();
            Response::from_parts(parts, slowly(bytes.to_vec(), usize::MAX / 20, length))
        }
    };
    // Trouble ends without a trace in any cache, and films may be fetched from other hosts.
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if !is_private {
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            HeaderValue::from_static("*"),
        );
    }
    response
}

/// A body that comes at so many bytes per second, and breaks off after `length`.
fn slowly(bytes: Vec<u8>, rate: usize, length: usize) -> Body {
    const PULSE: Duration = Duration::from_millis(50);
    let step = (rate / 20).max(1);
    let pieces = futures_util::stream::unfold((bytes, 0), move |(bytes, at)| async move {
        if at >= length.min(bytes.len()) {
            let is_cut = length < bytes.len() && at < usize::MAX;
            let broken = || Err(std::io::Error::other("cut"));
            return is_cut.then(|| (broken(), (bytes, usize::MAX)));
        }
        if at > 0 {
            tokio::time::sleep(PULSE).await;
        }
        let end = at.saturating_add(step).min(bytes.len()).min(length);
        let piece = bytes[at..end].to_vec();
        Some((Ok(piece), (bytes, end)))
    });
    Body::from_stream(pieces)
}

/// Gives the page a script that watches it, before any of its own. It comes from the page's own
/// host, as the page's Content-Security-Policy asks.
async fn with_probe(
    State(troubles): State<Arc<Mutex<Troubles>>>,
    request: Request,
    next: Next,
) -> Response {
    if request.uri().path().ends_with("/probe.js") {
        let kind = [(header::CONTENT_TYPE, "text/javascript")];
        let mut script = include_str!("probe.js").to_owned();
        if let Some(density) = troubles.lock().unwrap().density {
            script += &format!("setDensity({density});\n");
        }
        return (kind, script).into_response();
    }
    let response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE);
    if kind.is_none_or(|kind| !kind.as_bytes().starts_with(b"text/html")) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    let html = to_bytes(body, usize::MAX).await.unwrap();
    let html = String::from_utf8(html.to_vec()).unwrap();
    // After the <base>, which the script's address is relative to.
    let (before, after) = html.split_once("<base").unwrap();
    let after = after.replacen('>', "><script src=\"probe.js\"></script>", 1);
    Response::from_parts(parts, Body::from(format!("{before}<base{after}")))
}
