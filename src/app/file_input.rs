//! Files of the visitor: chosen by the button in index.html, dropped anywhere on the page, or pasted.

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{ClipboardEvent, DataTransfer, DragEvent, File, FileList, HtmlInputElement};
use yew::Callback;

use crate::{
    platform::{ObjectUrl, web},
    player::dom::{document, query_page},
};

/// The listeners for files, until they are dropped.
pub struct FileInput {
    _listeners: [EventListener; 4],
}

impl FileInput {
    /// Connects the page's `<input type="file">`, and the page itself. `None` if the page has no such input.
    pub fn connect(on_files: &Callback<Vec<File>>) -> Option<Self> {
        let input: HtmlInputElement = query_page("#file")?.dyn_into().ok()?;
        let document = document()?;
        let options = EventListenerOptions::enable_prevent_default;
        let chosen = {
            let (input, on_files) = (input.clone(), on_files.clone());
            web::listen(&input.clone(), "change", move |_| {
                emit(&on_files, input.files());
                // So that the same file can be chosen again.
                input.set_value("");
            })
        };
        let [dragged, dropped] = ["dragover", "drop"].map(|name| {
            let on_files = on_files.clone();
            web::listen_with(&document, name, options(), move |event| {
                let data = event.unchecked_ref::<DragEvent>().data_transfer();
                let Some(data) = data.filter(has_files) else {
                    return;
                };
                // Otherwise the browser would leave the page and open the file.
                event.prevent_default();
                if event.type_() == "drop" {
                    emit(&on_files, data.files());
                }
            })
        });
        let pasted = {
            let on_files = on_files.clone();
            web::listen(&document, "paste", move |event| {
                let data = event.unchecked_ref::<ClipboardEvent>().clipboard_data();
                if let Some(data) = data.filter(has_files) {
                    emit(&on_files, data.files());
                }
            })
        };
        Some(Self {
            _listeners: [chosen, dragged, dropped, pasted],
        })
    }
}

fn has_files(data: &DataTransfer) -> bool {
    data.types().includes(&"Files".into(), 0)
}

fn emit(on_files: &Callback<Vec<File>>, list: Option<FileList>) {
    let Some(list) = list else { return };
    let files: Vec<_> = (0..list.length())
        .filter_map(|index| list.get(index))
        .collect();
    if !files.is_empty() {
        on_files.emit(files);
    }
}

/// Whether a file has captions, by its name.
pub fn is_captions(file: &File) -> bool {
    let name = file.name().to_ascii_lowercase();
    name.ends_with(".vtt") || name.ends_with(".srt")
}

/// Reads captions in WebVTT or SubRip, and returns a URL of them in WebVTT; `None` if the file cannot be read.
pub async fn read_captions(file: &File) -> Option<ObjectUrl> {
    let text = JsFuture::from(file.text()).await.ok()?.as_string()?;
    ObjectUrl::of_text(&to_webvtt(&text)).ok()
}

/// SubRip as WebVTT: with a header, and with points in its times. WebVTT stays as it is.
fn to_webvtt(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}');
    if text.starts_with("WEBVTT") {
        return text.to_owned();
    }
    let mut webvtt = "WEBVTT\n\n".to_owned();
    for line in text.lines() {
        match line.contains("-->") {
            true => webvtt.push_str(&line.replace(',', ".")),
            false => webvtt.push_str(line),
        }
        webvtt.push('\n');
    }
    webvtt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subrip_becomes_webvtt_and_webvtt_stays() {
        let subrip = "\u{feff}1\r\n00:00:01,500 --> 00:00:02,000\r\nOne, two\r\n\r\n";
        let webvtt = "WEBVTT\n\n1\n00:00:01.500 --> 00:00:02.000\nOne, two\n\n";
        assert_eq!(to_webvtt(subrip), webvtt);
        assert_eq!(to_webvtt(webvtt), webvtt);
    }
}
