//! Playlist delta updates (§ 4.4.5.2, § 6.2.5.1): a playlist that leaves out its older segments.

use super::attributes::attribute;
use crate::media::number::digits;

/// Tags that apply to the whole playlist. The delta update has them itself.
const PLAYLIST_TAGS: [&str; 12] = [
    "#EXTM3U",
    "#EXT-X-VERSION",
    "#EXT-X-TARGETDURATION",
    "#EXT-X-MEDIA-SEQUENCE",
    "#EXT-X-DISCONTINUITY-SEQUENCE",
    "#EXT-X-PLAYLIST-TYPE",
    "#EXT-X-INDEPENDENT-SEGMENTS",
    "#EXT-X-SERVER-CONTROL",
    "#EXT-X-PART-INF",
    "#EXT-X-START",
    "#EXT-X-DEFINE",
    "#EXT-X-SKIP",
];

/// Tags that apply to all segments after them.
const LASTING_TAGS: [&str; 2] = ["#EXT-X-MAP", "#EXT-X-KEY"];

/// Completes a delta update by the segments that it skips, from the complete playlist before. Returns the text of the
/// complete playlist; `None` if the update skips nothing, or segments that the other one does not have.
pub fn apply_delta_update(previous: &str, update: &str) -> Option<String> {
    let skip = update
        .lines()
        .find_map(|line| line.strip_prefix("#EXT-X-SKIP:"))?;
    let skipped = usize::try_from(digits(attribute(skip, "SKIPPED-SEGMENTS")?)?).ok()?;
    let gone = usize::try_from(sequence(update)?.checked_sub(sequence(previous)?)?).ok()?;
    let segments = segments_of(previous);
    let kept = segments.get(gone..gone.checked_add(skipped)?)?;
    let mut text = String::new();
    let mut lines = update.lines();
    for line in lines.by_ref() {
        if tag(line) == "#EXT-X-SKIP" {
            break;
        }
        text.push_str(line);
        text.push('\n');
    }
    // Tags of removed segments may still apply.
    for lasting in LASTING_TAGS {
        let removed = segments.iter().take(gone).flatten();
        if let Some(line) = removed.rev().find(|line| tag(line) == lasting) {
            text.push_str(line);
            text.push('\n');
        }
    }
    for line in kept.iter().flatten().copied().chain(lines) {
        text.push_str(line);
        text.push('\n');
    }
    Some(text)
}

fn tag(line: &str) -> &str {
    line.split(':').next().unwrap_or_default().trim_ascii()
}

fn sequence(text: &str) -> Option<u64> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:"));
    value.map_or(Some(0), |value| digits(value.trim_ascii()))
}

/// The lines of each segment: its tags and its URI.
fn segments_of(text: &str) -> Vec<Vec<&str>> {
    let mut segments = Vec::new();
    let mut current = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if PLAYLIST_TAGS.contains(&tag(line)) {
            continue;
        }
        current.push(line);
        if !line.starts_with('#') {
            segments.push(std::mem::take(&mut current));
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n";

    #[test]
    fn skipped_segments_are_taken_from_the_playlist_before() {
        let previous = format!(
            "{HEADER}#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-MAP:URI=\"i\"\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:2,\n7\n\
             #EXTINF:2,\n8\n#EXT-X-GAP\n#EXTINF:2,\n9\n#EXTINF:2,\n10\n"
        );
        let update = format!(
            "{HEADER}#EXT-X-MEDIA-SEQUENCE:8\n#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n#EXTINF:2,\n10\n#EXTINF:2,\n11\n"
        );
        assert_eq!(
            apply_delta_update(&previous, &update),
            Some(format!(
                "{HEADER}#EXT-X-MEDIA-SEQUENCE:8\n#EXT-X-MAP:URI=\"i\"\n#EXT-X-KEY:METHOD=NONE\n\
                 #EXTINF:2,\n8\n#EXT-X-GAP\n#EXTINF:2,\n9\n#EXTINF:2,\n10\n#EXTINF:2,\n11\n"
            ))
        );
        assert_eq!(apply_delta_update(&previous, &previous), None);
        let too_many = update.replace("=2", "=9");
        assert_eq!(apply_delta_update(&previous, &too_many), None);
    }
}
