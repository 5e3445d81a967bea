//! HLS playlists ([RFC 8216bis](https://datatracker.ietf.org/doc/html/draft-pantos-hls-rfc8216bis)).
//!
//! Section numbers in this module are those of RFC 8216bis. Unknown tags are ignored (§ 6.3.1), and so are malformed
//! ones that are not needed for playback; features that the player does not support are reported by name.

mod attributes;
mod delta_update;
mod limits;
mod media_playlist;
mod multivariant;
mod variables;

use super::ManifestError;
use media_playlist::MediaReader;
use multivariant::MultivariantReader;
use variables::first_reference;

pub use delta_update::apply_delta_update;
pub use media_playlist::MediaPlaylist;
pub use multivariant::MultivariantPlaylist;
pub use variables::VariableDefinitions;

/// A playlist of either kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Playlist {
    /// Lists the variants of a presentation (§ 4.4.6).
    Multivariant(MultivariantPlaylist),
    /// Lists the segments of one representation (§ 4.4.3).
    Media(MediaPlaylist),
}

/// Reads a playlist of either kind that was fetched from `url`. A media playlist may import the variables of the
/// multivariant playlist that refers to it, `imported`.
///
/// # Errors
/// [`ManifestError`] if the playlist is malformed or needs an unsupported feature.
pub fn parse(
    text: &str,
    url: &str,
    imported: &VariableDefinitions,
) -> Result<Playlist, ManifestError> {
    let mut variables = VariableDefinitions::default();
    let text = variables
        .substitute(text, url, imported)
        .map_err(|reason| ManifestError::Malformed(reason.into()))?;
    let mut reader = PlaylistReader::default();
    reader.read(&text).map_err(ManifestError::Malformed)?;
    let PlaylistReader {
        multivariant,
        media,
        ..
    } = reader;
    if let Some(feature) = multivariant.unsupported().or(media.unsupported()) {
        return Err(ManifestError::Unsupported(feature));
    }
    Ok(if multivariant.has_variants() {
        Playlist::Multivariant(MultivariantPlaylist {
            presentation: multivariant.into_presentation(url),
            variables,
        })
    } else {
        Playlist::Media(media.into_playlist())
    })
}

/// Reads a playlist line by line as both kinds, because the kind may be known only at its end.
#[derive(Default)]
struct PlaylistReader<'a> {
    multivariant: MultivariantReader<'a>,
    media: MediaReader<'a>,
}

impl<'a> PlaylistReader<'a> {
    fn read(&mut self, text: &'a str) -> Result<(), String> {
        let lines = || text.split('\n').filter(|line| !line.is_empty());
        if !lines().next().is_some_and(is_first_line) {
            return Err("it does not begin with #EXTM3U".into());
        }
        for line in lines() {
            if line.starts_with('#') {
                let (tag, value) = line.split_once(':').unwrap_or((line, ""));
                let (tag, value) = (tag.trim_ascii_end(), value.trim_ascii());
                self.multivariant.read_tag(tag, value);
                self.media.read_tag(tag, value)?;
            } else {
                if let Some(name) = first_reference(line) {
                    return Err(format!("its variable “{name}” is not defined"));
                }
                // A URI line consumes the tags before it in both readers.
                let is_variant = self.multivariant.read_uri(line);
                self.media.read_uri(line, is_variant)?;
            }
        }
        // § 4.1: the kind of a playlist follows from its tags. A live one may not have segments yet.
        let is_empty = !self.multivariant.has_variants() && !self.media.has_segments();
        if is_empty && !self.media.is_live() {
            return Err("it lists neither variants nor segments".into());
        }
        Ok(())
    }
}

/// Whether a playlist may begin with a line. Some lack `#EXTM3U`.
fn is_first_line(line: &str) -> bool {
    let start = line.get(.."#EXTM3U".len()).unwrap_or_default();
    start.eq_ignore_ascii_case("#EXTM3U") || line.starts_with("#EXT-X-")
}

#[cfg(test)]
mod tests;
