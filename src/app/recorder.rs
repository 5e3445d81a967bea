//! Keeps what happens in a playback, for whoever comes later and wants to see it: the lab.

use std::{cell::RefCell, rc::Rc};

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::HtmlMediaElement;
use yew::Callback;

use crate::{
    platform::web,
    player::dom::part_of_page,
    protocol::{
        Message,
        recording::{MediaEvent, RecordedEvent, RecordedKind},
    },
};

/// How much is kept, in bytes, and once more: an hour and a half of a film's usual doings.
const ROOM: usize = 256 << 10;

/// Notes what the page, the engine and the first element on the page say, until it is dropped.
pub struct SessionRecorder {
    /// Hears what page and engine say to each other.
    pub on_message: Callback<Message>,
    buffer: Rc<RefCell<RecordingBuffer>>,
    _moments: Vec<EventListener>,
}

/// Who reads along: called with the bytes of each note.
type Reader = Box<dyn Fn(&[u8])>;

/// What is noted.
#[derive(Default)]
struct RecordingBuffer {
    /// Where there is no room any more, what is older is forgotten, and this becomes that.
    older: Vec<u8>,
    newer: Vec<u8>,
    reader: Option<Reader>,
}

impl SessionRecorder {
    /// Begins to note.
    pub fn begin() -> Self {
        let book = Rc::<RefCell<RecordingBuffer>>::default();
        let moments = MediaEvent::ALL.map(|moment| {
            let book = book.clone();
            let options = EventListenerOptions::run_in_capture_phase();
            // Media events do not bubble, but they do come down.
            let target = web::global();
            web::hear_with(&target, moment.name(), options, move |event| {
                let first = part_of_page("main video");
                if let Some(video) = first.filter(|it| event.target().as_ref() == Some(it)) {
                    let position = video.unchecked_into::<HtmlMediaElement>().current_time();
                    note(
                        &book,
                        RecordedKind::Element {
                            event: moment,
                            position,
                        },
                    );
                }
            })
        });
        let ear = {
            let book = book.clone();
            Callback::from(move |message| {
                let what = match message {
                    Message::Command(letter) => {
                        RecordedKind::Command(letter.bytes().unwrap_or_default())
                    }
                    // The handle's alone is more than bytes.
                    Message::Event(letter) => letter
                        .bytes()
                        .map_or(RecordedKind::HandleArrived, RecordedKind::Event),
                };
                note(&book, what);
            })
        };
        Self {
            on_message: ear,
            buffer: book,
            _moments: moments.into(),
        }
    }

    /// Hands over what there is, and from now on whatever is noted.
    pub fn read(&self, reader: Reader) {
        let RecordingBuffer { older, newer, .. } = self.buffer.take();
        reader(&older);
        reader(&newer);
        self.buffer.borrow_mut().reader = Some(reader);
    }
}

fn note(book: &RefCell<RecordingBuffer>, what: RecordedKind) {
    let at = web::now();
    // Numbers and words can always be written.
    let Ok(bytes) = postcard::to_allocvec(&RecordedEvent { at, kind: what }) else {
        return;
    };
    let mut book = book.borrow_mut();
    if let Some(reader) = &book.reader {
        return reader(&bytes);
    }
    book.newer.extend(bytes);
    if book.newer.len() > ROOM {
        book.older = std::mem::take(&mut book.newer);
    }
}
