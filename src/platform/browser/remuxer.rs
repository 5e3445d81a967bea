//! The remuxer: a wasm module of its own (`remux/`), without glue code and with a memory of its own. Also loads the modules
//! of the other file readers.

use std::cell::RefCell;

use js_sys::{Object, Promise, Uint8Array, WebAssembly};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::Response;

use super::bytes::Bytes;
use crate::platform::types::{AudioLimits, Exception, RemuxOutput, RemuxTracks};

#[wasm_bindgen]
extern "C" {
    /// `fetch` of the global object, which has the same name in windows and workers.
    #[wasm_bindgen(js_name = fetch)]
    fn global_fetch(url: &str) -> Promise;

    /// The module's exports: see `remux/src/bin/remux.rs`.
    #[derive(Debug)]
    type Exports;

    #[wasm_bindgen(method, getter, structural)]
    fn memory(this: &Exports) -> WebAssembly::Memory;

    #[wasm_bindgen(method, structural)]
    fn start(this: &Exports, tracks: u32, expected: f64);

    #[wasm_bindgen(method, structural)]
    fn room(this: &Exports, length: u32) -> u32;

    #[wasm_bindgen(method, structural)]
    fn push(this: &Exports, length: u32);

    #[wasm_bindgen(method, structural)]
    fn next_segment(this: &Exports);

    #[wasm_bindgen(method, structural)]
    fn flush(this: &Exports);

    #[wasm_bindgen(method, structural)]
    fn take(this: &Exports) -> u32;

    #[wasm_bindgen(method, structural)]
    fn bytes(this: &Exports) -> u32;

    #[wasm_bindgen(method, structural)]
    fn length(this: &Exports) -> u32;

    #[wasm_bindgen(method, structural)]
    fn text(this: &Exports) -> u32;

    #[wasm_bindgen(method, structural)]
    fn text_length(this: &Exports) -> u32;

    #[wasm_bindgen(method, structural)]
    fn number(this: &Exports, index: u32) -> f64;
}

/// Ticks per second of the remuxer's times.
const TICKS: f64 = 90_000.0;

thread_local! {
    /// The URL of each module whose download has begun, and the promise of the compiled module.
    static MODULES: RefCell<Vec<(String, Promise)>> = const { RefCell::new(Vec::new()) };
}

/// Begins to download and compile the remuxer, unless that has begun. [`load_remuxer`] reports errors.
pub fn preload_remuxer(url: &str) {
    // A `JsFuture` handles a rejection, so that it is not reported as unhandled.
    drop(JsFuture::from(module(url)));
}

/// Creates a remuxer, after its module has been downloaded and compiled. The module is shared by all remuxers of this
/// thread; each has its own memory. The URL may be relative to this thread's.
///
/// # Errors
/// If the module cannot be fetched or compiled. The next call tries it again.
pub async fn load_remuxer(url: &str) -> Result<Remuxer, Exception> {
    Ok(Remuxer(instance(url).await?.unchecked_into()))
}

/// The exports of a new instance of a module.
pub(super) async fn instance(url: &str) -> Result<JsValue, Exception> {
    let exports = instantiate(url).await;
    if exports.is_err() {
        MODULES.with_borrow_mut(|modules| modules.retain(|(known, _)| known != url));
    }
    Ok(exports?)
}

async fn instantiate(url: &str) -> Result<JsValue, JsValue> {
    let module: WebAssembly::Module = JsFuture::from(module(url)).await?.unchecked_into();
    let instance = WebAssembly::instantiate_module(&module, &Object::new());
    let instance: WebAssembly::Instance = JsFuture::from(instance).await?.unchecked_into();
    Ok(instance.exports().into())
}

/// The promise of a compiled module.
fn module(url: &str) -> Promise {
    MODULES.with_borrow_mut(|modules| {
        if let Some((_, promise)) = modules.iter().find(|(known, _)| known == url) {
            return promise.clone();
        }
        let response = JsFuture::from(global_fetch(url));
        let promise =
            future_to_promise(async move { compile(response.await?.unchecked_into()).await });
        modules.push((url.to_owned(), promise.clone()));
        promise
    })
}

/// Compiles a module while it arrives, if the server says that it is one.
async fn compile(response: Response) -> Result<JsValue, JsValue> {
    if !response.ok() {
        let message = format!("the server answered {}", response.status());
        return Err(js_sys::Error::new(&message).into());
    }
    let content_type = response.headers().get("content-type")?;
    if content_type.is_some_and(|it| it.starts_with("application/wasm")) {
        let response: JsValue = response.into();
        let response = Promise::resolve(&response);
        return JsFuture::from(WebAssembly::compile_streaming(&response)).await;
    }
    let bytes = JsFuture::from(response.array_buffer()?).await?;
    JsFuture::from(WebAssembly::compile(&bytes)).await
}

/// Remuxes MPEG-TS to fragmented MP4.
#[derive(Debug)]
pub struct Remuxer(Exports);

impl Remuxer {
    /// Starts reading these tracks within these limits, after a seek or at a discontinuity. Drops outputs that were not
    /// taken. `expected` is the time in seconds near which the first timestamp is expected, because timestamps wrap.
    pub fn start(&mut self, tracks: RemuxTracks, limits: AudioLimits, expected: Option<f64>) {
        let bits = [
            tracks.video,
            tracks.audio,
            limits.no_ac3,
            limits.no_eac3,
            limits.no_mp3,
            limits.is_optional,
        ];
        let bits = (bits.iter().rev()).fold(0, |bits, bit| bits << 1 | u32::from(*bit));
        let expected = expected.map(|seconds| seconds * TICKS);
        self.0.start(bits, expected.unwrap_or(f64::NAN));
    }

    /// Adds bytes of the stream.
    pub fn push(&mut self, bytes: &Bytes) {
        let length = bytes.array().length();
        let room = self.0.room(length);
        self.view(room, length).set(bytes.array(), 0);
        self.0.push(length);
    }

    /// Announces the bytes of another segment, which continues the previous one.
    pub fn next_segment(&mut self) {
        self.0.next_segment();
    }

    /// Completes the last frames.
    pub fn flush(&mut self) {
        self.0.flush();
    }

    /// Takes the next output, in the order in which they have to be used.
    pub fn take(&mut self) -> Option<RemuxOutput> {
        let kind = self.0.take();
        let number = |index| self.0.number(index);
        Some(match kind {
            0 => return None,
            1 => {
                let tracks = number(0) as u32;
                RemuxOutput::Init {
                    mime: self.text(),
                    tracks: RemuxTracks {
                        video: tracks & 1 != 0,
                        audio: tracks & 2 != 0,
                    },
                    size: (number(1) as u32, number(2) as u32),
                }
            }
            2 => RemuxOutput::Fragment {
                first_shown: number(3) / TICKS,
                end: number(2) / TICKS,
            },
            3 => RemuxOutput::Metadata,
            _ => RemuxOutput::Problem {
                // The numbers of codings that are not supported, and of encryption.
                is_unsupported: (3.0..=5.0).contains(&number(0)),
                is_late_track: number(0) == 10.0,
                text: self.text(),
            },
        })
    }

    /// The segment that was taken last. It is in the remuxer's memory: copy it, or append it, before
    /// another call.
    pub fn bytes(&self) -> Bytes {
        self.view(self.0.bytes(), self.0.length()).into()
    }

    fn text(&self) -> String {
        Bytes::from(self.view(self.0.text(), self.0.text_length())).to_text()
    }

    /// A part of the remuxer's memory. Its buffer is another one after the memory has grown.
    fn view(&self, start: u32, length: u32) -> Uint8Array {
        Uint8Array::new_with_byte_offset_and_length(&self.0.memory().buffer(), start, length)
    }
}
