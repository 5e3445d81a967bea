//! `cargo xtask live`: serves the demo together with live streams of the sample video.

use std::{
    fs,
    io::Cursor,
    path::{Component, Path},
    sync::Arc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use testkit::{
    http,
    live::{Config, DashOptions, HlsOptions, Live, Source, UtcTiming},
    sample_video::SampleVideo,
};
use tiny_http::{Header, Request, Response, Server};

use super::{Outcome, root, run, step};
use crate::tools::Tools;

const ADDRESS: &str = "127.0.0.1:8081";
/// Where the streams are on the server.
const FOLDER: &str = "/live";
/// How many requests are answered at the same time.
const THREADS: usize = 8;
/// The streams have been running for this long when the server starts.
const AGE: Duration = Duration::from_secs(3600);
/// How long segments are kept.
const WINDOW: Duration = Duration::from_secs(600);
/// The streams, with the labels of their buttons.
const STREAMS: [(&str, &str); 3] = [
    ("live/time.mpd", "Live in DASH"),
    ("live/number.mpd", "Live in DASH, by number"),
    ("live/main.m3u8", "Live in HLS"),
];
/// The buttons are inserted into the page after this one.
const LAST_BUTTON: &str = "The same in DASH</button>";

/// Builds the demo, and serves it until the process is ended.
pub fn serve(options: &[String]) -> Outcome {
    let release = options.iter().any(|option| option == "--release");
    let tools = Tools::for_building(release)?;
    let site = root().join("target/live-site");
    step("Building (the first build takes one to two minutes)");
    run(tools
        .command("trunk")
        .arg("build")
        .args(options)
        .arg("--dist")
        .arg(&site))?;
    let video = SampleVideo::read(&root().join("assets/film"))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let live = Arc::new(Live::new(
        config(now.saturating_sub(AGE)),
        Source::SampleVideo(video),
    ));
    let server = Server::http(ADDRESS).map_err(|error| error.to_string())?;
    let server = Arc::new(server);
    step(&format!(
        "The demo is at http://{ADDRESS}/, its live streams below that:"
    ));
    for (path, _) in STREAMS {
        eprintln!("   http://{ADDRESS}/{path}");
    }
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (server, live, site) = (server.clone(), live.clone(), site.clone());
            thread::spawn(move || {
                while let Ok(request) = server.recv() {
                    answer(request, &live, &site);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| "the server has panicked")?;
    }
    Ok(())
}

fn config(start: Duration) -> Config {
    let default = Config::default();
    Config {
        start: Duration::from_secs(start.as_secs()),
        window: WINDOW,
        dash: DashOptions {
            utc_timing: UtcTiming::HttpIso,
            ..default.dash
        },
        hls: HlsOptions {
            can_skip: true,
            ..default.hls
        },
        ..default
    }
}

/// Answers a request. A client that has gone away is no error.
fn answer(request: Request, live: &Live, site: &Path) {
    let response = match request.url().strip_prefix(FOLDER) {
        Some(path) => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            live.respond(&http::Request {
                path: path.to_owned(),
                range: range(&request),
                now: now.unwrap_or_default(),
            })
        }
        None => file(site, request.url()).with_range(range(&request)),
    };
    let headers = response.headers.iter().filter_map(|(name, value)| {
        // The server adds the length itself.
        let is_length = *name == "content-length";
        Header::from_bytes(*name, value.as_str())
            .ok()
            .filter(|_| !is_length)
    });
    let open = [
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", "*"),
    ];
    let open = open
        .into_iter()
        .filter_map(|(name, value)| Header::from_bytes(name, value).ok());
    let length = response.body.len();
    let _ = request.respond(Response::new(
        response.status.into(),
        headers.chain(open).collect(),
        Cursor::new(response.body),
        Some(length),
        None,
    ));
}

/// The requested range of bytes.
pub fn range(request: &Request) -> Option<http::ByteRange> {
    let header = request
        .headers()
        .iter()
        .find(|header| header.field.equiv("Range"))?;
    http::ByteRange::parse(header.value.as_str())
}

/// A file of the site. The page offers the live streams.
fn file(site: &Path, url: &str) -> http::Response {
    let path = url
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    let is_inside = Path::new(path)
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let Some(body) = fs::read(site.join(path)).ok().filter(|_| is_inside) else {
        return http::Response::not_found();
    };
    let body = match path {
        "index.html" => with_buttons(&String::from_utf8_lossy(&body)).into_bytes(),
        _ => body,
    };
    http::Response::ok(content_type(path), body)
}

/// The page, with a button for each live stream.
fn with_buttons(page: &str) -> String {
    let mut buttons = LAST_BUTTON.to_owned();
    for (path, label) in STREAMS {
        buttons += &format!("\n          <button value=\"{path}\">{label}</button>");
    }
    page.replacen(LAST_BUTTON, &buttons, 1)
}

/// The MIME type of a file.
pub fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html",
        "js" => "text/javascript",
        "wasm" => "application/wasm",
        "css" => "text/css",
        "svg" => "image/svg+xml",
        "vtt" => "text/vtt",
        "mpd" => "application/dash+xml",
        "m3u8" => "application/vnd.apple.mpegurl",
        "mp4" | "m4s" => "video/mp4",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_has_a_button_for_each_stream() {
        let page = fs::read_to_string(root().join("index.html")).unwrap_or_default();
        let page = with_buttons(&page);
        for (path, label) in STREAMS {
            assert!(page.contains(&format!("<button value=\"{path}\">{label}</button>")));
        }
    }
}
