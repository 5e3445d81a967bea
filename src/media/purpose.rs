//! What a track is for: the programme itself, or something beside it that most viewers do not want.

use super::xml::Element;

/// What an audio, video or caption track is for. If a manifest names several, the greatest one counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// The programme.
    #[default]
    Programme,
    /// The programme in another version.
    Alternate,
    /// The programme, dubbed.
    Dub,
    /// Subtitles for what is not in the language of the audio.
    Forced,
    /// Something beside the programme.
    Supplementary,
    /// Captions that also describe sounds.
    HardOfHearing,
    /// Speech is easier to understand.
    ClearSpeech,
    /// Simple language.
    EasyToRead,
    /// For singing along.
    Karaoke,
    /// An emergency message.
    Emergency,
    /// With an interpreter in sign language.
    SignLanguage,
    /// A commentary on the programme.
    Commentary,
    /// The picture is described.
    AudioDescription,
}

/// Whether a track may be played without having been chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum AutoSelect {
    /// Only if nothing else can be played.
    Never,
    /// If it is in the viewer's language.
    #[default]
    Allowed,
    /// Rather than others in the same language.
    Preferred,
}

impl Purpose {
    const ALL: [Self; 13] = [
        Self::Programme,
        Self::Alternate,
        Self::Dub,
        Self::Forced,
        Self::Supplementary,
        Self::HardOfHearing,
        Self::ClearSpeech,
        Self::EasyToRead,
        Self::Karaoke,
        Self::Emergency,
        Self::SignLanguage,
        Self::Commentary,
        Self::AudioDescription,
    ];

    /// The name in menus; empty for the programme.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Programme => "",
            Self::Alternate => "alternate",
            Self::Dub => "dubbed",
            Self::Forced => "forced",
            Self::Supplementary => "supplementary",
            Self::HardOfHearing => "for the hard of hearing",
            Self::ClearSpeech => "clear speech",
            Self::EasyToRead => "easy to read",
            Self::Karaoke => "karaoke",
            Self::Emergency => "emergency",
            Self::SignLanguage => "sign language",
            Self::Commentary => "commentary",
            Self::AudioDescription => "audio description",
        }
    }

    /// The purpose with a name in menus; the programme if there is none.
    pub fn of_name(name: &str) -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|purpose| purpose.name() == name)
            .unwrap_or_default()
    }

    /// Whether viewers get it only if they ask for it.
    pub const fn is_special(self) -> bool {
        !matches!(self, Self::Programme | Self::Alternate | Self::Dub)
    }

    /// Of the Role (ISO/IEC 23009-1 § 5.8.5.5) and Accessibility (§ 5.8.4.3) elements of an AdaptationSet.
    pub fn of_adaptation_set(set: &Element) -> Self {
        let descriptors = set.children("Role").chain(set.children("Accessibility"));
        let purposes = descriptors.map(|descriptor| {
            let value = descriptor.attribute("value").unwrap_or_default();
            match descriptor.attribute("schemeIdUri").unwrap_or_default() {
                scheme if scheme.contains("AudioPurposeCS") => Self::of_tv_anytime(value),
                scheme if scheme.is_empty() || scheme.contains("dash:role") => Self::of_role(value),
                _ => Self::Programme,
            }
        });
        purposes.max().unwrap_or_default()
    }

    /// Of a value of the scheme `urn:mpeg:dash:role:2011`.
    fn of_role(value: &str) -> Self {
        match value.to_ascii_lowercase().replace('_', "-").as_str() {
            "alternate" => Self::Alternate,
            "dub" => Self::Dub,
            "forced-subtitle" => Self::Forced,
            "supplementary" => Self::Supplementary,
            "caption" => Self::HardOfHearing,
            "enhanced-audio-intelligibility" => Self::ClearSpeech,
            "easyreader" => Self::EasyToRead,
            "karaoke" => Self::Karaoke,
            "emergency" => Self::Emergency,
            "sign" => Self::SignLanguage,
            "commentary" => Self::Commentary,
            "description" => Self::AudioDescription,
            _ => Self::Programme,
        }
    }

    /// Of a value of the scheme `urn:tva:metadata:cs:AudioPurposeCS:2007` (ETSI TS 102 822-3-1).
    fn of_tv_anytime(value: &str) -> Self {
        match value {
            "1" => Self::AudioDescription,
            "2" => Self::ClearSpeech,
            "3" | "4" => Self::Commentary,
            "5" => Self::Supplementary,
            _ => Self::Programme,
        }
    }

    /// Of CHARACTERISTICS (RFC 8216bis § 4.4.6.1) and FORCED in HLS.
    pub fn of_characteristics(characteristics: &str, is_forced: bool) -> Self {
        let all = characteristics.split(',').map(str::trim_ascii);
        let purposes = all.map(|characteristic| match characteristic {
            "public.accessibility.describes-video" => Self::AudioDescription,
            "public.accessibility.transcribes-spoken-dialog"
            | "public.accessibility.describes-music-and-sound" => Self::HardOfHearing,
            "public.accessibility.enhances-speech-intelligibility" => Self::ClearSpeech,
            "public.easy-to-read" => Self::EasyToRead,
            "public.auxiliary-content" => Self::Supplementary,
            _ => Self::Programme,
        });
        let forced = is_forced.then_some(Self::Forced);
        purposes.chain(forced).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::xml;

    #[test]
    fn roles_and_accessibility_tell_the_purpose() {
        const TVA: &str = "schemeIdUri='urn:tva:metadata:cs:AudioPurposeCS:2007'";
        const ROLE: &str = "schemeIdUri='urn:mpeg:dash:role:2011'";
        for (children, purpose) in [
            (String::new(), Purpose::Programme),
            (format!("<Role {ROLE} value='main'/>"), Purpose::Programme),
            (
                format!("<Accessibility {TVA} value='1'/>"),
                Purpose::AudioDescription,
            ),
            (
                format!("<Accessibility {TVA} value='2'/><Role {ROLE} value='alternate'/>"),
                Purpose::ClearSpeech,
            ),
            (
                format!("<Accessibility {ROLE} value='sign'/>"),
                Purpose::SignLanguage,
            ),
            (
                format!("<Role {ROLE} value='dub'/><Role {ROLE} value='forced_subtitle'/>"),
                Purpose::Forced,
            ),
            (
                "<Role schemeIdUri='urn:other' value='commentary'/>".into(),
                Purpose::Programme,
            ),
        ] {
            let text = format!("<AdaptationSet>{children}</AdaptationSet>");
            let set = xml::parse(&text).unwrap();
            assert_eq!(Purpose::of_adaptation_set(&set), purpose, "{children}");
        }
    }

    #[test]
    fn characteristics_tell_the_purpose() {
        for (characteristics, is_forced, purpose) in [
            ("", false, Purpose::Programme),
            ("", true, Purpose::Forced),
            (
                "public.accessibility.describes-video",
                false,
                Purpose::AudioDescription,
            ),
            ("x, public.easy-to-read", false, Purpose::EasyToRead),
        ] {
            let found = Purpose::of_characteristics(characteristics, is_forced);
            assert_eq!(found, purpose, "{characteristics}");
        }
    }

    #[test]
    fn names_and_purposes_match() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::of_name(purpose.name()), purpose);
        }
        assert_eq!(Purpose::of_name("2"), Purpose::Programme);
    }
}
