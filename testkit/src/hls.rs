//! Writes playlists (RFC 8216bis).

use std::fmt::{Display, Write as _};

/// An attribute list.
#[derive(Default)]
pub struct Attributes(String);

impl Attributes {
    /// With an attribute that is not quoted.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Display) -> Self {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        let _ = write!(self.0, "{name}={value}");
        self
    }

    /// With a quoted string.
    #[must_use]
    pub fn quoted(self, name: &str, value: impl Display) -> Self {
        self.with(name, format_args!("\"{value}\""))
    }
}

impl Display for Attributes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A playlist that is being written.
pub struct Playlist(String);

impl Playlist {
    pub fn new(version: u32) -> Self {
        Self(format!("#EXTM3U\n#EXT-X-VERSION:{version}\n"))
    }

    /// Adds a tag without a value.
    pub fn flag(&mut self, name: &str) {
        let _ = writeln!(self.0, "#{name}");
    }

    /// Adds a tag.
    pub fn tag(&mut self, name: &str, value: impl Display) {
        let _ = writeln!(self.0, "#{name}:{value}");
    }

    /// Adds a line without a tag.
    pub fn uri(&mut self, uri: impl Display) {
        let _ = writeln!(self.0, "{uri}");
    }

    pub fn finish(self) -> String {
        self.0
    }
}

/// EXT-X-KEY with METHOD=AES-128.
pub fn key(uri: &str, vector: Option<[u8; 16]>) -> Attributes {
    let attributes = Attributes::default()
        .with("METHOD", "AES-128")
        .quoted("URI", uri);
    match vector {
        Some(vector) => {
            attributes.with("IV", format_args!("0x{:032x}", u128::from_be_bytes(vector)))
        }
        None => attributes,
    }
}

/// EXT-X-MEDIA of subtitles.
pub fn subtitles(language: &str, label: &str, uri: &str) -> Attributes {
    Attributes::default()
        .with("TYPE", "SUBTITLES")
        .quoted("GROUP-ID", "captions")
        .quoted("NAME", label)
        .quoted("LANGUAGE", language)
        .with("DEFAULT", "NO")
        .with("AUTOSELECT", "YES")
        .quoted("URI", uri)
}

/// A playlist of one WebVTT file.
pub fn captions(uri: &str, seconds: f64) -> String {
    let mut playlist = Playlist::new(7);
    playlist.tag("EXT-X-TARGETDURATION", seconds.ceil().max(1.0));
    playlist.tag("EXT-X-PLAYLIST-TYPE", "VOD");
    playlist.tag("EXTINF", format_args!("{seconds:.3},"));
    playlist.uri(uri);
    playlist.flag("EXT-X-ENDLIST");
    playlist.finish()
}
