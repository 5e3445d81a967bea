//! Records the messages and media events of the page's first player, for the lab, which may be opened later.

use std::{cell::RefCell, mem, rc::Rc};

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::HtmlMediaElement;
use yew::Callback;

use crate::{
    platform::web,
    player::dom::query_page,
    protocol::{
        Message,
        recording::{MediaEvent, RecordedEvent, RecordedKind},
    },
};

/// The maximum size of each half of the recording. Both halves together hold about 90 minutes of playback.
const MAX_HALF_BYTES: usize = 256 << 10;

/// Records messages and media events until it is dropped.
pub struct SessionRecorder {
    /// Records a message between player and engine.
    pub on_message: Callback<Message>,
    buffer: Rc<RefCell<RecordingBuffer>>,
    _media_events: Vec<EventListener>,
}

/// Called with the bytes of one or more [`RecordedEvent`]s in postcard's encoding.
type Consumer = Box<dyn Fn(&[u8])>;

/// Recorded events, encoded one after the other.
#[derive(Default)]
struct RecordingBuffer {
    /// Dropped when `newer` is full, which takes its place.
    older: Vec<u8>,
    newer: Vec<u8>,
    /// Receives all further events instead, once it is set.
    consumer: Option<Consumer>,
}

impl SessionRecorder {
    /// Starts to record.
    pub fn start() -> Self {
        let buffer = Rc::<RefCell<RecordingBuffer>>::default();
        let media_events = MediaEvent::ALL.map(|event| record_media_event(event, buffer.clone()));
        let on_message = {
            let buffer = buffer.clone();
            Callback::from(move |message| {
                let kind = match message {
                    Message::Command(command) => {
                        RecordedKind::Command(command.bytes().unwrap_or_default())
                    }
                    // Only the event with the handle has no bytes.
                    Message::Event(event) => event
                        .bytes()
                        .map_or(RecordedKind::HandleArrived, RecordedKind::Event),
                };
                buffer.borrow_mut().record(kind);
            })
        };
        Self {
            on_message,
            buffer,
            _media_events: media_events.into(),
        }
    }

    /// Forwards the recorded events, and all further ones.
    pub fn forward_to(&self, consumer: Consumer) {
        let RecordingBuffer { older, newer, .. } = self.buffer.take();
        consumer(&older);
        consumer(&newer);
        self.buffer.borrow_mut().consumer = Some(consumer);
    }
}

/// Records an event of the first video on the page.
fn record_media_event(event: MediaEvent, buffer: Rc<RefCell<RecordingBuffer>>) -> EventListener {
    // Media events do not bubble. In the capture phase they reach the window, even from elements that are added later.
    let options = EventListenerOptions::run_in_capture_phase();
    web::listen_with(&web::global(), event.name(), options, move |dom_event| {
        let first = query_page("main video");
        let target = dom_event.target();
        if let Some(video) = first.filter(|video| target.as_ref() == Some(video)) {
            let position = video.unchecked_into::<HtmlMediaElement>().current_time();
            buffer
                .borrow_mut()
                .record(RecordedKind::Element { event, position });
        }
    })
}

impl RecordingBuffer {
    fn record(&mut self, kind: RecordedKind) {
        let at = web::now();
        // Encoding numbers and bytes into a Vec cannot fail.
        let Ok(bytes) = postcard::to_allocvec(&RecordedEvent { at, kind }) else {
            return;
        };
        if let Some(consumer) = &self.consumer {
            return consumer(&bytes);
        }
        self.newer.extend(bytes);
        if self.newer.len() > MAX_HALF_BYTES {
            self.older = mem::take(&mut self.newer);
        }
    }
}
