//! The page on which `tests/browser/conformance.rs` runs scripts in real browsers.

#[cfg(target_family = "wasm")]
mod page {
    use std::{cell::RefCell, ops::Range};

    use conformance::{
        run::{Element, Files, run},
        script::Script,
    };
    use wasm_bindgen::prelude::*;
    use web_sys::HtmlVideoElement;
    use yew_mse_worker::platform::{
        MediaHandle,
        web::{Attachment, attach},
    };

    /// A video element on the page.
    struct Video(HtmlVideoElement, RefCell<Option<Attachment>>);

    impl Element for Video {
        fn attach(&self, handle: &MediaHandle) {
            self.1.replace(attach(&self.0, handle).ok());
        }

        fn seek(&self, position: f64) {
            self.0.set_current_time(position);
        }

        fn is_seeking(&self) -> bool {
            self.0.seeking()
        }

        fn buffered(&self) -> Vec<Range<f64>> {
            let ranges = self.0.buffered();
            let range = |nth| Some(ranges.start(nth).ok()?..ranges.end(nth).ok()?);
            (0..ranges.length()).filter_map(range).collect()
        }
    }

    thread_local! {
        static FILES: RefCell<Option<Files>> = const { RefCell::new(None) };
    }

    /// Runs a script, and returns the lines of its outcome.
    #[wasm_bindgen]
    pub async fn run_script(text: String) -> Result<String, JsValue> {
        let script: Script = text
            .parse()
            .map_err(|_| JsValue::from_str("invalid script"))?;
        let document = web_sys::window()
            .and_then(|window| window.document())
            .ok_or("no document")?;
        let element = document.create_element("video")?;
        let video: HtmlVideoElement = element.unchecked_into();
        video.set_muted(true);
        document.body().ok_or("no body")?.append_child(&video)?;
        let base = document.base_uri()?.unwrap_or_default();
        let mut files = FILES.take().unwrap_or_else(|| Files::at(&base));
        let element = Video(video, RefCell::default());
        let lines = run(&script, &mut files, &element).await;
        FILES.replace(Some(files));
        element.0.remove_attribute("src")?;
        element.0.load();
        element.0.remove();
        Ok(lines.join("\n"))
    }
}

fn main() {}
