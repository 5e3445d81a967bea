//! Files that the viewer has chosen.

use js_sys::Promise;
use wasm_bindgen::JsValue;
use web_sys::{Headers, Response, ResponseInit};

use super::network::Fetch;
use crate::platform::types::{ByteRange, Exception};

/// A file of the viewer. It crosses to another thread in a message, without its bytes.
pub type FileHandle = web_sys::File;

/// The name of a file.
pub fn file_name(file: &FileHandle) -> String {
    file.name()
}

/// Reads a file, or a part of it, as if a server sent it. A file that was changed or removed since it was chosen fails
/// like a connection that is lost.
pub fn read_file(file: &FileHandle, range: Option<ByteRange>) -> Fetch {
    let response = response(file, range).map_err(|exception| Exception::from(exception).message);
    Fetch::of(&match response {
        Ok(response) => Promise::resolve(&JsValue::from(response)),
        Err(message) => Promise::reject(&js_sys::Error::new(&message)),
    })
}

fn response(file: &FileHandle, range: Option<ByteRange>) -> Result<Response, JsValue> {
    let (first, end) = match range {
        Some(ByteRange { first, last }) => {
            let end = last.map_or(f64::INFINITY, |last| (last + 1) as f64);
            (first as f64, end.min(file.size()))
        }
        None => (0.0, file.size()),
    };
    let part = file.slice_with_f64_and_f64(first, end)?;
    let headers = Headers::new()?;
    headers.set("content-length", &(part.size() as u64).to_string())?;
    let init = ResponseInit::new();
    init.set_headers(&headers);
    init.set_status(if range.is_some() { 206 } else { 200 });
    Response::new_with_opt_blob_and_init(Some(&part), &init)
}
