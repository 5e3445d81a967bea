//! The settings menu: quality, audio, subtitles, speed.

use std::cell::{Cell, RefCell};

use gloo_events::EventListener;
use web_sys::{
    Event, HtmlElement, HtmlOptionElement, HtmlSelectElement, HtmlVideoElement, TextTrack,
    TextTrackMode,
};
use yew::TargetCast;

use super::{action::ControlAction, media_state, preferences};
use crate::{
    platform::web,
    player::{
        dom::{focus_is_lost, query},
        model::{Dispatch, PlayerAction, PlayerModel},
    },
    protocol::{Quality, TrackInfo, TrackSelection},
};

/// The settings menu and its selects.
pub struct SettingsMenu {
    quality: Option<Menu>,
    audio: Option<Menu>,
    captions: Option<Menu>,
    /// The selection as of the last update.
    chosen: Cell<TrackSelection>,
    /// The height of each quality in pixels, by which the selected quality is stored.
    heights: RefCell<Vec<u32>>,
    playback: Dispatch,
    _sheets: [Option<EventListener>; 2],
}

impl SettingsMenu {
    /// Finds the selects, and connects the buttons that open the popups.
    pub fn new(frame: &HtmlElement, playback: &Dispatch) -> Self {
        let sheet = |name| {
            let button = query(frame, &["[data-opens='", name, "']"].concat());
            Some(open_by(button?, &query(frame, name)?))
        };
        Self {
            _sheets: [sheet(".settings-menu"), sheet(".shortcuts")],
            quality: Menu::new(frame, "[name=quality]"),
            audio: Menu::new(frame, "[name=audio]"),
            captions: Menu::new(frame, "[name=captions]"),
            chosen: Cell::default(),
            heights: RefCell::default(),
            playback: playback.clone(),
        }
    }

    /// Updates the options, and selects the quality that was selected on the last visit.
    pub fn show(&self, playback: &PlayerModel) {
        let TrackSelection { quality, audio, .. } = playback.selection;
        let all = &playback.qualities;
        let is_current = |quality: &&Quality| quality.bandwidth == playback.bandwidth;
        let automatic = match all.iter().find(is_current) {
            Some(current) if quality.is_none() => ["Auto (", &name_of(current, all), ")"].concat(),
            _ => "Auto".into(),
        };
        if let Some(menu) = &self.quality {
            let names = all.iter().map(|quality| name_of(quality, all));
            let mut names: Vec<_> = (0..).zip(names).collect();
            // Best quality first.
            names.reverse();
            menu.offer(automatic, names, quality);
        }
        if let Some(menu) = &self.audio {
            let name_of = |it: &TrackInfo| it.display_name().unwrap_or("Audio").to_owned();
            let names = playback.audio_tracks.iter().map(name_of);
            menu.offer("Auto".into(), (0..).zip(names).collect(), audio);
        }
        let heights: Vec<u32> = all.iter().map(|quality| quality.size.1).collect();
        let height = preferences::number("quality");
        let locked = heights.iter().rposition(|it| Some(*it) == height);
        if quality.is_none() && locked.is_some() {
            let quality = locked.and_then(|place| u32::try_from(place).ok());
            self.playback.emit(PlayerAction::Select(TrackSelection {
                quality,
                ..playback.selection
            }));
        }
        self.heights.replace(heights);
        self.chosen.set(playback.selection);
    }

    /// Updates the options for captions, and selects the track that is not disabled, so that the engine loads it.
    pub fn show_captions(&self, video: &HtmlVideoElement) {
        let tracks = media_state::captions(video);
        let first = |is_it: fn(&TextTrack) -> bool| {
            let place = tracks.iter().position(is_it);
            place.and_then(|place| u32::try_from(place).ok())
        };
        if let Some(menu) = &self.captions {
            let names = tracks.iter().map(TextTrack::label);
            let shown = first(media_state::is_shown);
            menu.offer("Off".into(), (0..).zip(names).collect(), shown);
        }
        // A hidden track is loaded, too: a script may read it.
        let captions = first(|track| track.mode() != TextTrackMode::Disabled);
        let chosen = self.chosen.get();
        if chosen.captions != captions {
            self.playback
                .emit(PlayerAction::Select(TrackSelection { captions, ..chosen }));
        }
    }

    /// Handles a change of a select. Returns the action if it concerns the element.
    pub fn chosen(&self, event: &Event) -> Option<ControlAction> {
        let select = event.target_dyn_into::<HtmlSelectElement>();
        let select = select.filter(|_| event.type_() == "change")?;
        let place: Option<u32> = select.value().parse().ok();
        let mut choice = self.chosen.get();
        match select.name().as_str() {
            "speed" => return place.map(ControlAction::Rate),
            "captions" => return Some(ControlAction::Show(place)),
            "quality" => {
                choice.quality = place;
                let heights = self.heights.borrow();
                let height = place.and_then(|place| heights.get(usize::try_from(place).ok()?));
                let height = height.copied().unwrap_or_default();
                preferences::remember("quality", &height.to_string());
            }
            _ => choice.audio = place,
        }
        self.playback.emit(PlayerAction::Select(choice));
        None
    }
}

/// Connects a button to a popup, and moves the focus back to the button when that closes.
fn open_by(button: HtmlElement, sheet: &HtmlElement) -> EventListener {
    web::set_popover_target(&button, sheet);
    web::listen(sheet, "toggle", move |_| {
        // Firefox leaves nothing focused.
        if focus_is_lost() {
            let _ = button.focus();
        }
    })
}

/// One select.
struct Menu {
    select: HtmlSelectElement,
    /// Values and names of the current options.
    shown: RefCell<Vec<(String, String)>>,
}

impl Menu {
    fn new(frame: &HtmlElement, selector: &str) -> Option<Self> {
        let select = query(frame, selector)?;
        let shown = RefCell::default();
        Some(Self { select, shown })
    }

    /// Updates the options: `automatic` first, then the given indexes with their names.
    fn offer(&self, automatic: String, places: Vec<(u32, String)>, chosen: Option<u32>) {
        let places = places
            .into_iter()
            .map(|(place, name)| (place.to_string(), name));
        let mut options = vec![(String::new(), automatic)];
        options.extend(places);
        if *self.shown.borrow() != options {
            // Hidden if there is only one choice.
            let is_idle = options.len() < 3;
            if let Some(label) = self.select.parent_element() {
                let _ = label.toggle_attribute_with_force("hidden", is_idle);
            }
            self.select.set_length(0);
            for (place, name) in &options {
                if let Ok(option) = HtmlOptionElement::new_with_text_and_value(name, place) {
                    let _ = self.select.append_child(&option);
                }
            }
            self.shown.replace(options);
        }
        let chosen = chosen.map_or_else(String::new, |place| place.to_string());
        if self.select.value() != chosen {
            self.select.set_value(&chosen);
        }
    }
}

/// The name of a quality: its height, its bandwidth if the height is unknown, both if the height is not unique.
fn name_of(quality: &Quality, all: &[Quality]) -> String {
    let bits = || (quality.bandwidth / 1000).to_string() + " kbit/s";
    let height = quality.size.1;
    let alike = all.iter().filter(|other| other.size.1 == height).count();
    match (height, alike) {
        (0, _) => bits(),
        (_, 0 | 1) => height.to_string() + "p",
        _ => [&height.to_string(), "p, ", &bits()].concat(),
    }
}
