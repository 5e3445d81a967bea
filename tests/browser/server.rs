//! Serves the built site as a static host would, under a sub-path, with faults on demand.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use testkit::{
    http,
    live::{Config, Live, Source},
    sample_video::SampleVideo,
};
use tokio::sync::watch;
use tower_http::services::ServeDir;

use crate::context::TIMEOUT;

/// The MPD of the sample video.
pub const SAMPLE_MPD: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/film/film.mpd"));

impl ServerFault {
    /// Replaces the first occurrence of `this` in a file by `that`.
    pub fn replace(this: impl Into<String>, that: impl Into<String>) -> Self {
        let (this, that) = (this.into().into_bytes(), that.into().into_bytes());
        Self::Patch(Arc::new(move |mut file| {
            let at = file.windows(this.len()).position(|window| window == this);
            let at = at.expect("the file does not contain the text to replace");
            file.splice(at..at + this.len(), that.iter().copied());
            file
        }))
    }

    /// Answers with an empty file of the right type.
    pub fn empty() -> Self {
        Self::Patch(Arc::new(|_| Vec::new()))
    }

    /// Adds code before and after a script.
    pub fn wrap_script(before: &'static str, after: impl Into<String>) -> Self {
        let after = after.into();
        Self::Patch(Arc::new(move |script| {
            [before.as_bytes(), &script, after.as_bytes()].concat()
        }))
    }
}

/// What the server does instead of answering answer_well.
#[derive(Clone)]
pub enum ServerFault {
    /// Answers with this status.
    Status(StatusCode),
    /// Answers with this text.
    Text(&'static str),
    /// Never answers.
    Silence,
    /// Answers with the changed file.
    Patch(Arc<dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync>),
    /// Answers after [`Server::clear_faults`].
    Held,
    /// Answers with so many bytes per second.
    Throttle(usize),
    /// Breaks off after so many bytes, with the `Content-Length` of all of them.
    Truncated(usize),
    /// Redirects to a path of the site, or to an absolute URL.
    Redirect(String),
    /// Answers without CORS headers.
    NoCors,
}

#[derive(Default)]
struct ServerState {
    /// Part of a path, the fault, and how many more requests meet it.
    at: Vec<(String, ServerFault, usize)>,
    /// Path and content of added files.
    added: Vec<(String, Vec<u8>)>,
    requests: Vec<Uri>,
    /// The headers of each request.
    headers: Vec<HeaderMap>,
    aborted: usize,
    /// Wakes held requests when the faults are cleared.
    cleared: watch::Sender<()>,
    /// The live stream below `live/`.
    live: Option<Arc<Live>>,
    /// The `devicePixelRatio` that pages see; `None` for the real one.
    density: Option<f64>,
}

/// The server of one test.
pub struct Server {
    address: SocketAddr,
    state: Arc<Mutex<ServerState>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start() -> Self {
        let site =
            std::env::var("SITE").expect("the variable SITE is not set: run `cargo xtask test`");
        Self::of_folder(site.as_ref()).await
    }

    /// Serves another site.
    pub async fn of_folder(site: &Path) -> Self {
        Self::with_streams(site, Path::new("tests/streams")).await
    }

    /// Serves the site, and a folder as `streams`.
    pub async fn with_streams(site: &Path, streams: &Path) -> Self {
        let state = Arc::new(Mutex::new(ServerState::default()));
        let router = Router::new()
            .nest_service(&(public_url() + "tests"), ServeDir::new("tests"))
            .nest_service(&(public_url() + "streams"), ServeDir::new(streams))
            .nest_service(
                &(public_url() + "remux/tests"),
                ServeDir::new("remux/tests"),
            )
            .nest_service(public_url().trim_end_matches('/'), ServeDir::new(site))
            .layer(middleware::from_fn_with_state(state.clone(), with_probe))
            .layer(middleware::from_fn_with_state(state.clone(), answer));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            state,
            task,
        }
    }

    /// The absolute URL of a file of the site. On `localhost`, because workers need a secure context.
    pub fn url(&self, path: &str) -> String {
        format!(
            "http://localhost:{}{}{path}",
            self.address.port(),
            public_url()
        )
    }

    /// From now on, requests for paths that contain `part` meet this fault.
    pub fn add_fault(&self, part: &str, fault: ServerFault) {
        self.add_fault_times(part, fault, usize::MAX);
    }

    /// The next requests for paths that contain `part` meet this fault.
    pub fn add_fault_times(&self, part: &str, fault: ServerFault, times: usize) {
        let mut state = self.state.lock().unwrap();
        state.at.push((part.into(), fault, times));
    }

    /// Adds a file to the site.
    pub fn add_file(&self, path: &str, content: impl Into<Vec<u8>>) {
        let path = public_url() + path;
        self.state
            .lock()
            .unwrap()
            .added
            .push((path, content.into()));
    }

    /// Adds `video/plain.mpd`: the sample video with these qualities only. With one quality, each segment is requested
    /// once, however fast the network is.
    pub fn add_plain_mpd(&self, renditions: &[&str]) {
        let is_kept = |line: &&str| {
            let names = |id: &&str| line.contains(&format!("<Representation id=\"{id}\""));
            !line.contains("avc1") || renditions.iter().any(names)
        };
        let lines: Vec<&str> = SAMPLE_MPD.lines().filter(is_kept).collect();
        self.add_file("film/plain.mpd", lines.join("\n"));
    }

    /// Serves the sample video as a live stream below `live/`. `configure` is given a stream that began 100 s ago, with a
    /// window of 60 s.
    pub fn serve_live(&self, configure: impl FnOnce(&mut Config)) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let mut config = Config {
            start: Duration::from_secs(now.as_secs() - 100),
            ..Config::default()
        };
        configure(&mut config);
        let video = SampleVideo::read(Path::new("assets/film")).unwrap();
        let live = Live::new(config, Source::SampleVideo(video));
        self.state.lock().unwrap().live = Some(Arc::new(live));
    }

    /// Sets the `devicePixelRatio` that pages see.
    pub fn set_density(&self, density: f64) {
        self.state.lock().unwrap().density = Some(density);
    }

    /// The URLs of all requests so far for paths that contain `part`, in order.
    pub fn requested_urls(&self, part: &str) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let wanted = state
            .requests
            .iter()
            .filter(|uri| uri.path().contains(part));
        wanted.map(Uri::to_string).collect()
    }

    /// How many requests for paths that contain `part` had this header.
    pub fn request_count_with_header(&self, part: &str, name: &str, value: &str) -> usize {
        let state = self.state.lock().unwrap();
        let all = state.requests.iter().zip(&state.headers);
        all.filter(|(uri, headers)| {
            uri.path().contains(part) && headers.get(name).is_some_and(|it| it == value)
        })
        .count()
    }

    /// How often each part of each file whose path contains `part` was requested.
    pub fn request_counts(&self, part: &str) -> HashMap<String, usize> {
        let state = self.state.lock().unwrap();
        let mut counts = HashMap::new();
        for (uri, headers) in state.requests.iter().zip(&state.headers) {
            if uri.path().contains(part) {
                let range = headers.get(header::RANGE);
                let range = range.map_or("", |range| range.to_str().unwrap_or_default());
                *counts.entry(format!("{uri} {range}")).or_default() += 1;
            }
        }
        counts
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        let mut state = self.state.lock().unwrap();
        state.at.clear();
        state.cleared.send_replace(());
    }

    /// How many requests the client aborted while they were held back.
    pub fn aborted_count(&self) -> usize {
        self.state.lock().unwrap().aborted
    }

    /// Waits until the client has aborted so many requests.
    pub async fn wait_for_aborted(&self, count: usize) {
        wait_until(|| self.aborted_count() >= count).await;
    }

    /// Waits for a request for a path that contains `part`.
    pub async fn wait_for_request(&self, part: &str) {
        wait_until(|| self.request_count(part) > 0).await;
    }

    /// How many requests there were for paths that contain `part`.
    pub fn request_count(&self, part: &str) -> usize {
        let state = self.state.lock().unwrap();
        state
            .requests
            .iter()
            .filter(|uri| uri.path().contains(part))
            .count()
    }
}

async fn wait_until(condition: impl Fn() -> bool) {
    let since = Instant::now();
    while !condition() {
        assert!(since.elapsed() < TIMEOUT, "timed out");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn public_url() -> String {
    std::env::var("SITE_PUBLIC_URL").unwrap_or_else(|_| "/".into())
}

/// Counts a held request as aborted when it is dropped, which is when the client disconnects.
struct CountAborted<'a>(&'a Mutex<ServerState>);

impl Drop for CountAborted<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap().aborted += 1;
    }
}

async fn answer(
    State(state): State<Arc<Mutex<ServerState>>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let (fault, added, live, mut cleared) = {
        let mut state = state.lock().unwrap();
        state.requests.push(request.uri().clone());
        state.headers.push(request.headers().clone());
        let found = state
            .at
            .iter_mut()
            .find(|(part, _, times)| *times > 0 && path.contains(part.as_str()));
        let fault = found.map(|(_, fault, times)| {
            *times -= 1;
            fault.clone()
        });
        let added = state.added.iter().find(|(at, _)| *at == path);
        let added = added.map(|(_, content)| content.clone());
        (fault, added, state.live.clone(), state.cleared.subscribe())
    };
    let live = live.zip(
        path.strip_prefix(&(public_url() + "live"))
            .map(str::to_owned),
    );
    let answer_well = async {
        if let Some((live, path)) = live {
            return answer_live(&live, path, &request);
        }
        match added {
            // Browsers require the type of scripts only.
            Some(content) if path.ends_with(".js") => {
                ([(header::CONTENT_TYPE, "text/javascript")], content).into_response()
            }
            Some(content) => content.into_response(),
            None => next.run(request).await,
        }
    };
    let is_without_cors = matches!(fault, Some(ServerFault::NoCors));
    let mut response = match fault {
        None | Some(ServerFault::NoCors) => answer_well.await,
        Some(ServerFault::Status(status)) => status.into_response(),
        Some(ServerFault::Text(text)) => text.into_response(),
        Some(ServerFault::Redirect(path)) => {
            let is_absolute = path.starts_with("http:");
            let to = if is_absolute {
                path
            } else {
                public_url() + path.as_str()
            };
            let to = [(header::LOCATION, to)];
            (StatusCode::FOUND, to).into_response()
        }
        Some(ServerFault::Silence) => {
            let _count_aborted = CountAborted(&state);
            std::future::pending().await
        }
        Some(ServerFault::Held) => {
            let count_aborted = CountAborted(&state);
            cleared.changed().await.unwrap();
            // It was answered, not aborted.
            std::mem::forget(count_aborted);
            answer_well.await
        }
        Some(ServerFault::Patch(patch)) => {
            let (mut parts, body) = answer_well.await.into_parts();
            parts.headers.remove(header::CONTENT_LENGTH);
            let bytes = to_bytes(body, usize::MAX).await.unwrap();
            Response::from_parts(parts, Body::from(patch(bytes.to_vec())))
        }
        Some(ServerFault::Throttle(rate)) => {
            let (parts, body) = answer_well.await.into_parts();
            let bytes = to_bytes(body, usize::MAX).await.unwrap();
            Response::from_parts(parts, throttled(bytes.to_vec(), rate, usize::MAX))
        }
        Some(ServerFault::Truncated(length)) => {
            let (parts, body) = answer_well.await.into_parts();
            let bytes = to_bytes(body, usize::MAX).await.unwrap();
            Response::from_parts(parts, throttled(bytes.to_vec(), usize::MAX / 20, length))
        }
    };
    // No cache keeps a faulty response, and other origins may read the videos.
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if !is_without_cors {
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            HeaderValue::from_static("*"),
        );
    }
    response
}

/// The answer of a live stream's server.
fn answer_live(live: &Live, path: String, request: &Request) -> Response {
    let range = request.headers().get(header::RANGE);
    let query = request.uri().query().map(|query| format!("?{query}"));
    let answer = live.respond(&http::Request {
        path: [path.as_str(), &query.unwrap_or_default()].concat(),
        range: range.and_then(|range| http::ByteRange::parse(range.to_str().ok()?)),
        now: SystemTime::now().duration_since(UNIX_EPOCH).unwrap(),
    });
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap()
}

/// A body that arrives at so many bytes per second and breaks off after `length`.
fn throttled(bytes: Vec<u8>, rate: usize, length: usize) -> Body {
    const STEP_INTERVAL: Duration = Duration::from_millis(50);
    let step = (rate / 20).max(1);
    let pieces = futures_util::stream::unfold((bytes, 0), move |(bytes, at)| async move {
        if at >= length.min(bytes.len()) {
            let is_cut = length < bytes.len() && at < usize::MAX;
            let broken = || Err(std::io::Error::other("truncated"));
            return is_cut.then(|| (broken(), (bytes, usize::MAX)));
        }
        if at > 0 {
            tokio::time::sleep(STEP_INTERVAL).await;
        }
        let end = at.saturating_add(step).min(bytes.len()).min(length);
        let piece = bytes[at..end].to_vec();
        Some((Ok(piece), (bytes, end)))
    });
    Body::from_stream(pieces)
}

/// Inserts probe.js before the page's first script. It is served by the page's own host, as the page's Content-
/// Security-Policy requires.
async fn with_probe(
    State(state): State<Arc<Mutex<ServerState>>>,
    request: Request,
    next: Next,
) -> Response {
    if request.uri().path().ends_with("/probe.js") {
        let kind = [(header::CONTENT_TYPE, "text/javascript")];
        let mut script = include_str!("probe.js").to_owned();
        if let Some(density) = state.lock().unwrap().density {
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
    // After the `<base>`, to which the script's URL is relative.
    let (before, after) = html.split_once("<base").unwrap();
    let after = after.replacen('>', "><script src=\"probe.js\"></script>", 1);
    Response::from_parts(parts, Body::from(format!("{before}<base{after}")))
}
