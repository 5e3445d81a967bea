//! Runs a script by the interface that the engine uses, [`yew_mse_worker::platform`].

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write,
    future::Future,
    ops::Range,
    pin::pin,
};

use futures_util::future::{Either, select};
use yew_mse_worker::platform::{
    self, Bytes, Exception, MediaHandle, MediaSource, ReadyState, Request, SourceBuffer,
};

use crate::script::{Media, Script, Step};

/// A paused media element.
pub trait Element {
    /// Attaches a MediaSource.
    fn attach(&self, handle: &MediaHandle);
    /// Sets `currentTime`, in seconds.
    fn seek(&self, position: f64);
    /// `seeking`.
    fn is_seeking(&self) -> bool;
    /// `buffered`, in seconds.
    fn buffered(&self) -> Vec<Range<f64>>;
}

/// How long an operation may take: WebKitGTK never ends some removals.
const OPERATION_MS: u32 = 4_000;
/// How long a seek may take before it counts as waiting for data.
const SEEK_MS: u32 = 700;

/// The result of an operation that does not end in time.
const BUSY: &str = "timeout";
/// The result of an append that cannot be parsed.
const FAILED: &str = "EncodingError";

/// Where the media files are, and what has been fetched of them.
pub struct Files {
    base: String,
    files: HashMap<String, Bytes>,
}

impl Files {
    /// Files at an absolute URL that ends with a slash.
    pub fn at(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            files: HashMap::new(),
        }
    }

    async fn load(&mut self, path: &str) -> Result<(), Exception> {
        if self.files.contains_key(path) {
            return Ok(());
        }
        let request = Request {
            url: format!("{}{path}", self.base),
            ..Request::default()
        };
        let mut response = platform::fetch(&request).response().await?;
        let mut chunks = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            chunks.push(chunk);
        }
        self.files.insert(path.to_owned(), Bytes::concat(&chunks));
        Ok(())
    }

    fn get(&self, path: &str) -> Bytes {
        self.files.get(path).cloned().unwrap_or_default()
    }
}

struct Buffer {
    media: Media,
    is_other_quality: bool,
    buffer: SourceBuffer,
}

impl Buffer {
    fn path(&self, name: &str) -> String {
        path(self.media, self.is_other_quality, name)
    }
}

fn path(media: Media, is_other_quality: bool, name: &str) -> String {
    match media {
        Media::Video if is_other_quality => format!("film/360p/{name}"),
        Media::Video => format!("film/240p/{name}"),
        Media::Audio => format!("film/audio/{name}"),
        Media::Muxed => format!("packed/muxed-{name}"),
    }
}

fn mime(media: Media, is_other_quality: bool) -> &'static str {
    match media {
        Media::Video if is_other_quality => "video/mp4; codecs=\"avc1.4d401e\"",
        Media::Video => "video/mp4; codecs=\"avc1.4d4015\"",
        Media::Audio => "audio/mp4; codecs=\"mp4a.40.2\"",
        Media::Muxed => "video/mp4; codecs=\"avc1.4d400c,mp4a.40.2\"",
    }
}

/// Runs a script in a new MediaSource. Returns a line for each operation: its result, the state and duration of the
/// source, and what is buffered. Ends after an append that cannot be parsed and an operation that does not end in time.
pub async fn run(script: &Script, files: &mut Files, element: &impl Element) -> Vec<String> {
    let mut lines = Vec::new();
    match open(script, files, element).await {
        Err(exception) => lines.push(format!("open: {}", exception.name)),
        Ok((source, mut buffers)) => {
            for (nth, step) in &script.steps {
                let Some(buffer) = buffers.get_mut(*nth) else {
                    lines.push(format!("no buffer {nth}"));
                    break;
                };
                let result = perform(step, buffer, &source, files, element).await;
                // After an error, the state depends on when the element is told.
                if result == FAILED {
                    lines.push(format!("{step}: {result}"));
                    break;
                }
                let state = describe(&source, &buffers, element);
                lines.push(format!("{step}: {result} | {state}"));
                if result == BUSY {
                    break;
                }
            }
        }
    }
    lines
}

/// Opens a MediaSource with the script's buffers, and fetches all that the script appends.
async fn open(
    script: &Script,
    files: &mut Files,
    element: &impl Element,
) -> Result<(MediaSource, Vec<Buffer>), Exception> {
    let mut paths = BTreeSet::new();
    for (nth, step) in &script.steps {
        let Some(media) = script.buffers.get(*nth) else {
            continue;
        };
        let name = match step {
            Step::Init => "init.mp4".to_owned(),
            Step::Append(number) | Step::AppendPart(number, ..) | Step::Fill(number, _) => {
                format!("{number}.m4s")
            }
            _ => continue,
        };
        paths.insert(path(*media, false, &name));
        paths.insert(path(*media, true, &name));
    }
    for path in paths {
        files.load(&path).await?;
    }
    let source = MediaSource::new()?;
    element.attach(source.handle());
    source.opened().await;
    let mut buffers = Vec::new();
    for media in &script.buffers {
        buffers.push(Buffer {
            media: *media,
            is_other_quality: false,
            buffer: source.add_source_buffer(mime(*media, false))?,
        });
    }
    Ok((source, buffers))
}

/// Performs an operation; returns `ok`, the name of the exception, or [`BUSY`].
async fn perform(
    step: &Step,
    target: &mut Buffer,
    source: &MediaSource,
    files: &Files,
    element: &impl Element,
) -> String {
    let buffer = &mut target.buffer;
    let result = match step {
        Step::Init => {
            let bytes = files.get(&target.path("init.mp4"));
            return in_time(target.buffer.append(&bytes)).await;
        }
        Step::Append(number) => {
            let bytes = files.get(&target.path(&format!("{number}.m4s")));
            return in_time(target.buffer.append(&bytes)).await;
        }
        Step::AppendPart(number, from, to) => {
            let bytes = files.get(&target.path(&format!("{number}.m4s")));
            let at = |percent: &u32| bytes.len() * *percent as usize / 100;
            let part = bytes.slice(at(from)..at(to));
            return in_time(target.buffer.append(&part)).await;
        }
        Step::AppendGarbage(length) => {
            let bytes = Bytes::from(vec![0x55; *length as usize].as_slice());
            return in_time(buffer.append(&bytes)).await;
        }
        Step::AppendHtml => {
            let bytes = Bytes::from(b"<!doctype html><title>Welcome</title>".as_slice());
            return in_time(buffer.append(&bytes)).await;
        }
        Step::Remove(start, end) => return in_time(buffer.remove(*start..*end)).await,
        Step::Seek(position) => return seek(element, *position).await,
        Step::Fill(number, times) => {
            let bytes = files.get(&target.path(&format!("{number}.m4s")));
            return fill(&mut target.buffer, &bytes, *times).await;
        }
        Step::SwitchQuality => {
            target.is_other_quality = !target.is_other_quality;
            Ok(())
        }
        Step::ChangeType => buffer.change_type(mime(target.media, target.is_other_quality)),
        Step::Offset(offset) => buffer.set_timestamp_offset(*offset),
        Step::Window(start, end) => buffer.set_append_window(*start..*end),
        Step::Abort => buffer.abort(),
        Step::End => source.end_of_stream(),
        Step::Duration(duration) => source.set_duration(*duration),
    };
    name_of(result)
}

fn name_of(result: Result<(), Exception>) -> String {
    match result {
        Ok(()) => "ok".to_owned(),
        Err(exception) => exception.name,
    }
}

async fn in_time(operation: impl Future<Output = Result<(), Exception>>) -> String {
    match select(pin!(operation), platform::sleep(OPERATION_MS)).await {
        Either::Left((result, _)) => name_of(result),
        Either::Right(_) => BUSY.to_owned(),
    }
}

async fn seek(element: &impl Element, position: f64) -> String {
    const POLL_MS: u32 = 20;
    element.seek(position);
    for _ in 0..SEEK_MS / POLL_MS {
        platform::sleep(POLL_MS).await;
        if !element.is_seeking() {
            return "ok".to_owned();
        }
    }
    "waits".to_owned()
}

async fn fill(buffer: &mut SourceBuffer, bytes: &Bytes, times: u32) -> String {
    for nth in 0..times {
        if let Err(exception) = buffer.set_timestamp_offset(f64::from(nth) * 2.0) {
            return exception.name;
        }
        let result = in_time(buffer.append(bytes)).await;
        if result != "ok" {
            return result;
        }
    }
    "ok".to_owned()
}

/// The state after an operation.
fn describe(source: &MediaSource, buffers: &[Buffer], element: &impl Element) -> String {
    let state = match source.ready_state() {
        ReadyState::Closed => "closed",
        ReadyState::Open => "open",
        ReadyState::Ended => "ended",
    };
    let mut text = format!("{state} {:.3}", source.duration());
    for Buffer { buffer, .. } in buffers {
        match buffer.buffered() {
            Ok(ranges) => write_ranges(&mut text, &ranges),
            Err(exception) => text = format!("{text} | {}", exception.name),
        }
    }
    if buffers.len() > 1 {
        text += " | element";
        write_ranges(&mut text, &element.buffered());
    }
    text
}

fn write_ranges(text: &mut String, ranges: &[Range<f64>]) {
    *text += " |";
    for range in ranges {
        // Writing to a string does not fail.
        let _ = write!(text, " {:.3} to {:.3}", range.start, range.end);
    }
}
