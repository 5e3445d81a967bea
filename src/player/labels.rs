//! The texts of the controls, which a page may replace for another language.

use yew::prelude::*;

/// The texts of the controls: labels of buttons, for the eye and for assistive technology, and announcements.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the default value says what each is for")]
pub struct Labels {
    pub video: AttrValue,
    pub controls: AttrValue,
    pub play: AttrValue,
    pub pause: AttrValue,
    pub play_again: AttrValue,
    pub mute: AttrValue,
    pub unmute: AttrValue,
    pub muted: AttrValue,
    pub volume: AttrValue,
    pub seek: AttrValue,
    pub subtitles: AttrValue,
    pub subtitles_on: AttrValue,
    pub subtitles_off: AttrValue,
    pub settings: AttrValue,
    pub picture_in_picture: AttrValue,
    pub full_screen: AttrValue,
    pub exit_full_screen: AttrValue,
    pub quality: AttrValue,
    pub audio: AttrValue,
    pub speed: AttrValue,
    /// The choice of quality and audio that is left to the player.
    pub automatic: AttrValue,
    /// The choice of no subtitles.
    pub off: AttrValue,
    pub loading: AttrValue,
    pub live: AttrValue,
    pub return_to_live: AttrValue,
    pub left_window: AttrValue,
    pub keyboard_shortcuts: AttrValue,
    pub shortcuts: ShortcutLabels,
    /// Between position and duration, as they are spoken.
    pub of: AttrValue,
    /// Units of spoken times, in singular and plural.
    pub hour: [AttrValue; 2],
    pub minute: [AttrValue; 2],
    pub second: [AttrValue; 2],
}

/// What the keys do, for the list of keyboard shortcuts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the default value says what each is for")]
pub struct ShortcutLabels {
    pub space: AttrValue,
    pub play: AttrValue,
    pub skip_10: AttrValue,
    pub skip_5: AttrValue,
    pub digits: AttrValue,
    pub volume: AttrValue,
    pub mute: AttrValue,
    pub subtitles: AttrValue,
    pub speed: AttrValue,
    pub full_screen: AttrValue,
    pub picture_in_picture: AttrValue,
    pub shortcuts: AttrValue,
}

impl Default for Labels {
    fn default() -> Self {
        let text = AttrValue::Static;
        Self {
            video: text("Video"),
            controls: text("Controls"),
            play: text("Play"),
            pause: text("Pause"),
            play_again: text("Play again"),
            mute: text("Mute"),
            unmute: text("Unmute"),
            muted: text("Muted"),
            volume: text("Volume"),
            seek: text("Seek"),
            subtitles: text("Subtitles"),
            subtitles_on: text("Subtitles on"),
            subtitles_off: text("Subtitles off"),
            settings: text("Settings"),
            picture_in_picture: text("Picture in picture"),
            full_screen: text("Full screen"),
            exit_full_screen: text("Exit full screen"),
            quality: text("Quality"),
            audio: text("Audio"),
            speed: text("Speed"),
            automatic: text("Auto"),
            off: text("Off"),
            loading: text("Loading"),
            live: text("Live"),
            return_to_live: text("Go to live"),
            left_window: text("The stream does not go back that far: it continues where it begins"),
            keyboard_shortcuts: text("Keyboard shortcuts"),
            shortcuts: ShortcutLabels::default(),
            of: text("of"),
            hour: [text("hour"), text("hours")],
            minute: [text("minute"), text("minutes")],
            second: [text("second"), text("seconds")],
        }
    }
}

impl Default for ShortcutLabels {
    fn default() -> Self {
        let text = AttrValue::Static;
        Self {
            space: text("Space"),
            play: text("Play or pause"),
            skip_10: text("Back or forward 10 seconds"),
            skip_5: text("Back or forward 5 seconds"),
            digits: text("Go to 0 % to 90 % of the video"),
            volume: text("Volume up or down"),
            mute: text("Mute or unmute"),
            subtitles: text("Subtitles on or off"),
            speed: text("Slower or faster"),
            full_screen: text("Full screen"),
            picture_in_picture: text("Picture in picture"),
            shortcuts: text("Show these shortcuts"),
        }
    }
}

impl Labels {
    /// A time for screen readers: 1 hour 2 minutes 3 seconds.
    pub fn spoken(&self, seconds: u32) -> String {
        let units = [
            (seconds / 3600, &self.hour),
            (seconds / 60 % 60, &self.minute),
            (seconds % 60, &self.second),
        ];
        let parts: Vec<String> = units
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, [singular, plural])| {
                let unit = if number == 1 { singular } else { plural };
                [&number.to_string(), " ", unit].concat()
            })
            .collect();
        match parts.is_empty() {
            true => ["0 ", &self.second[1]].concat(),
            false => parts.join(" "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spoken_time_leaves_out_zero_units() {
        let labels = Labels::default();
        assert_eq!(labels.spoken(0), "0 seconds");
        assert_eq!(labels.spoken(61), "1 minute 1 second");
        assert_eq!(labels.spoken(7200), "2 hours");
    }
}
