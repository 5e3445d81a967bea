//! From a film's URL to what has to be fetched: reads the playlist, and those that it names.

use futures_util::future::try_join;
use web_sys::Url;

use super::fetch;
use crate::{
    media::{
        Presentation, Segment, Track,
        hls::{self, Kind, Media, Multivariant, Playlist, Refusal},
    },
    wire::{Fault, Piece},
};

/// Reads the film at `url`.
///
/// # Errors
/// [`Fault::Playlist`] and [`Fault::Unsupported`], and what [`fetch::text`] may fail with.
pub async fn read(url: &str) -> Result<Presentation, Fault> {
    let (base, playlist) = playlist(url).await?;
    let tracks = match playlist {
        Playlist::Multivariant(film) => variant_tracks(&base, &film).await?,
        Playlist::Media(_) => {
            return Err(Fault::Unsupported {
                url: url.into(),
                feature: "a media playlist alone, which does not say its codecs".into(),
            });
        }
    };
    Ok(Presentation { tracks })
}

/// The tracks of the variant that is chosen: pictures and sound, or both in one.
async fn variant_tracks(base: &str, film: &Multivariant) -> Result<Vec<Track>, Fault> {
    let lacks = |what: &str| Fault::Unsupported {
        url: base.into(),
        feature: format!("a variant without {what}"),
    };
    let (variant, audio) = film.choose().ok_or_else(|| lacks("a URI"))?;
    let (video, sound) = (
        variant.codecs_of(Kind::Video),
        variant.codecs_of(Kind::Audio),
    );
    match (video.as_str(), sound.as_str(), audio) {
        ("", "", _) => Err(lacks("CODECS")),
        (_, "", Some(_)) => Err(lacks("the CODECS of its sound")),
        ("", sound, _) => Ok(vec![track(base, &variant.uri, mime("audio", sound)).await?]),
        (video, "", None) => Ok(vec![track(base, &variant.uri, mime("video", video)).await?]),
        (video, sound, None) => {
            let muxed = mime("video", &[video, sound].join(","));
            Ok(vec![track(base, &variant.uri, muxed).await?])
        }
        (video, sound, Some(audio)) => {
            let pictures = track(base, &variant.uri, mime("video", video));
            let sound = track(base, audio, mime("audio", sound));
            let (pictures, sound) = try_join(pictures, sound).await?;
            Ok(vec![pictures, sound])
        }
    }
}

/// Fetches and reads one playlist; its URL after redirects comes first.
async fn playlist(url: &str) -> Result<(String, Playlist), Fault> {
    let text = fetch::text(url, Piece::Playlist).await?;
    let playlist = hls::read(&text.content).map_err(|refusal| match refusal {
        Refusal::Malformed(reason) => Fault::Playlist {
            url: url.into(),
            reason,
        },
        Refusal::Unsupported(feature) => Fault::Unsupported {
            url: url.into(),
            feature: feature.into(),
        },
    })?;
    Ok((text.url, playlist))
}

/// Reads the media playlist `uri`, named by the playlist at `base`.
async fn track(base: &str, uri: &str, mime: String) -> Result<Track, Fault> {
    let url = resolve(base, uri)?;
    let (base, Playlist::Media(media)) = playlist(&url).await? else {
        return Err(Fault::Playlist {
            url,
            reason: "it lists variants where segments were expected".into(),
        });
    };
    let Media { init, segments } = media;
    let segments = segments.iter().map(|entry| {
        Ok(Segment {
            url: resolve(&base, &entry.uri)?,
            duration: entry.duration,
        })
    });
    Ok(Track {
        mime,
        init: resolve(&base, &init)?,
        segments: segments.collect::<Result<_, Fault>>()?,
    })
}

fn mime(kind: &str, codecs: &str) -> String {
    format!("{kind}/mp4; codecs=\"{codecs}\"")
}

fn resolve(base: &str, uri: &str) -> Result<String, Fault> {
    Url::new_with_base(uri, base)
        .map(|url| url.href())
        .map_err(|_| Fault::Playlist {
            url: base.into(),
            reason: format!("“{uri}” is not a URL"),
        })
}
