//! Compares language tags ([RFC 5646](https://www.rfc-editor.org/rfc/rfc5646)).

/// Two-letter codes of languages that manifests often give in three letters (ISO 639-2, both kinds).
const SHORT_CODES: [(&str, &str); 44] = [
    ("ara", "ar"),
    ("bul", "bg"),
    ("cat", "ca"),
    ("ces", "cs"),
    ("cze", "cs"),
    ("chi", "zh"),
    ("zho", "zh"),
    ("dan", "da"),
    ("deu", "de"),
    ("ger", "de"),
    ("dut", "nl"),
    ("nld", "nl"),
    ("ell", "el"),
    ("gre", "el"),
    ("eng", "en"),
    ("est", "et"),
    ("fin", "fi"),
    ("fra", "fr"),
    ("fre", "fr"),
    ("heb", "he"),
    ("hin", "hi"),
    ("hrv", "hr"),
    ("hun", "hu"),
    ("ind", "id"),
    ("ita", "it"),
    ("jpn", "ja"),
    ("kor", "ko"),
    ("lav", "lv"),
    ("lit", "lt"),
    ("nor", "no"),
    ("nob", "no"),
    ("nb", "no"),
    ("pol", "pl"),
    ("por", "pt"),
    ("ron", "ro"),
    ("rum", "ro"),
    ("rus", "ru"),
    ("slk", "sk"),
    ("slv", "sl"),
    ("spa", "es"),
    ("swe", "sv"),
    ("tur", "tr"),
    ("ukr", "uk"),
    ("vie", "vi"),
];

/// How well a language matches the viewer's languages, which are in order of preference: the greater, the better, and 0
/// if it matches none. A match of the whole tag is better than one of the language without its region.
pub fn match_rank(language: &str, preferred: &[String]) -> usize {
    if language.is_empty() {
        return 0;
    }
    let position = preferred
        .iter()
        .position(|preferred| is_same_language(language, preferred));
    let Some(position) = position else {
        return 0;
    };
    let is_exact = (preferred.iter())
        .take_while(|preferred| is_same_language(language, preferred))
        .chain(preferred.get(position))
        .any(|preferred| preferred.eq_ignore_ascii_case(language));
    2 * (preferred.len() - position) + usize::from(is_exact)
}

/// Whether two tags are of the same language, maybe of different regions.
pub fn is_same_language(one: &str, other: &str) -> bool {
    !one.is_empty() && primary(one) == primary(other)
}

/// The primary language of a tag, with two letters if it has such a code.
fn primary(tag: &str) -> String {
    let primary = tag
        .trim_ascii()
        .split(['-', '_'])
        .next()
        .unwrap_or_default();
    let primary = primary.to_ascii_lowercase();
    let short = SHORT_CODES.iter().find(|(long, _)| *long == primary);
    short.map_or(primary, |(_, short)| (*short).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_language_wins_then_its_region() {
        let preferred = ["en-GB", "de"].map(String::from);
        let rank = |language| match_rank(language, &preferred);
        assert!(rank("en-GB") > rank("en-US"));
        assert!(rank("en-US") > rank("de"));
        assert_eq!(rank("eng"), rank("en"));
        assert!(rank("ger") > rank("fr"));
        assert_eq!(rank("fr"), 0);
        assert_eq!(rank(""), 0);
        assert_eq!(match_rank("en", &[]), 0);
    }

    #[test]
    fn codes_of_three_letters_are_known() {
        for (one, other) in [
            ("deu", "ger"),
            ("DE-at", "deu"),
            ("pt_BR", "por"),
            ("nb", "nor"),
        ] {
            assert!(is_same_language(one, other), "{one} {other}");
        }
        assert!(!is_same_language("", ""));
        assert!(!is_same_language("en", "enm"));
    }
}
