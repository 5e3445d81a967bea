//! The container formats of media segments. The format is a property of each segment: a playlist may go from packed
//! audio to MP4, and manifests are often wrong about it.

use super::{
    presentation::ContentType,
    sniff::{self, Format},
};

/// The container format of a media segment. It is unknown until the segment's init segment or first bytes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// Fragmented MP4 (ISO/IEC 14496-12).
    Mp4,
    /// WebM or Matroska.
    WebM,
    /// AAC in ADTS frames.
    Aac,
    /// MPEG audio frames (MP3).
    Mp3,
    /// MPEG-2 transport stream.
    TransportStream,
}

impl Container {
    /// Detects the container by the first bytes of an init segment or a media segment; `None` if they do not tell.
    pub fn detect(first_bytes: &[u8]) -> Option<Self> {
        match sniff::detect(first_bytes, "") {
            Format::Mp4 => Some(Self::Mp4),
            Format::WebM => Some(Self::WebM),
            Format::Aac => Some(Self::Aac),
            Format::Mp3 => Some(Self::Mp3),
            Format::TransportStream => Some(Self::TransportStream),
            Format::Mpd | Format::Playlist | Format::OtherAudio | Format::Html | Format::Other => {
                None
            }
        }
    }

    /// The container of a media type such as `video/mp4`; `None` if it is unknown.
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        match media_type.split_once('/')?.1 {
            "mp4" => Some(Self::Mp4),
            "webm" => Some(Self::WebM),
            "aac" => Some(Self::Aac),
            "mpeg" => Some(Self::Mp3),
            "mp2t" => Some(Self::TransportStream),
            _ => None,
        }
    }

    /// The media type without parameters.
    pub const fn media_type(self, content_type: ContentType) -> &'static str {
        match (self, content_type) {
            (Self::Mp4, ContentType::Video) => "video/mp4",
            (Self::Mp4, ContentType::Audio) => "audio/mp4",
            (Self::WebM, ContentType::Video) => "video/webm",
            (Self::WebM, ContentType::Audio) => "audio/webm",
            (Self::Aac, _) => "audio/aac",
            (Self::Mp3, _) => "audio/mpeg",
            (Self::TransportStream, _) => "video/mp2t",
        }
    }

    /// Whether it is audio frames without a container. They have no timestamps, and the media type implies the codec.
    pub const fn is_packed_audio(self) -> bool {
        matches!(self, Self::Aac | Self::Mp3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_and_containers_match() {
        for container in [
            Container::Mp4,
            Container::WebM,
            Container::Aac,
            Container::Mp3,
            Container::TransportStream,
        ] {
            for content_type in [ContentType::Video, ContentType::Audio] {
                let media_type = container.media_type(content_type);
                assert_eq!(Container::of_media_type(media_type), Some(container));
            }
        }
        assert_eq!(Container::of_media_type(""), None);
        assert_eq!(Container::of_media_type("text/vtt"), None);
    }

    #[test]
    fn first_bytes_tell_the_container() {
        for (bytes, container) in [
            (b"\0\0\0\x18ftypiso5".as_slice(), Some(Container::Mp4)),
            (b"\xff\xf1\x50\x80", Some(Container::Aac)),
            (b"\xff\xfb\x90\x44", Some(Container::Mp3)),
            (b"<!doctype html>", None),
            (b"", None),
        ] {
            assert_eq!(Container::detect(bytes), container, "{bytes:?}");
        }
    }
}
