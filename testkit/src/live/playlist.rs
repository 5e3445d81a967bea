//! Playlists of a live stream.

use super::{Live, Moment, Rendition};
use crate::{
    clock::{decimal, iso8601},
    content::Kind,
    hls::{self, Attributes, Playlist},
};

impl Live {
    /// The multivariant playlist of a generation.
    pub(super) fn multivariant(&self, moment: &Moment) -> String {
        let mut playlist = Playlist::new(9);
        playlist.flag("EXT-X-INDEPENDENT-SEGMENTS");
        let renditions = self.renditions(moment);
        let (sound, pictures): (Vec<_>, Vec<_>) =
            renditions.iter().partition(|it| it.kind == Kind::Audio);
        for (nth, rendition) in sound.iter().enumerate() {
            let mut attributes = Attributes::default()
                .with("TYPE", "AUDIO")
                .quoted("GROUP-ID", "audio")
                .quoted("NAME", format_args!("Audio {nth}"))
                .with("DEFAULT", if nth == 0 { "YES" } else { "NO" })
                .with("AUTOSELECT", "YES");
            if !rendition.language.is_empty() {
                attributes = attributes.quoted("LANGUAGE", &rendition.language);
            }
            let attributes = attributes.quoted("URI", format_args!("{}.m3u8", rendition.id));
            playlist.tag("EXT-X-MEDIA", attributes);
        }
        if self.config.has_captions {
            let captions = hls::subtitles("en", "English", "captions.m3u8");
            playlist.tag("EXT-X-MEDIA", captions);
        }
        let variants = if pictures.is_empty() {
            &sound
        } else {
            &pictures
        };
        let is_apart = !pictures.is_empty() && !sound.is_empty();
        for variant in variants {
            let other = sound.first().filter(|_| is_apart);
            let bandwidth = variant.bandwidth + other.map_or(0, |it| it.bandwidth);
            let codecs = match other {
                Some(other) => format!("{},{}", variant.codecs, other.codecs),
                None => variant.codecs.clone(),
            };
            // Segments are up to 40 percent larger than their nominal bandwidth.
            let mut attributes = Attributes::default()
                .with("BANDWIDTH", bandwidth * 14 / 10)
                .with("AVERAGE-BANDWIDTH", bandwidth)
                .quoted("CODECS", codecs);
            if let Some((width, height)) = variant.size {
                attributes = attributes.with("RESOLUTION", format_args!("{width}x{height}"));
            }
            if !sound.is_empty() {
                attributes = attributes.quoted("AUDIO", "audio");
            }
            if self.config.has_captions {
                attributes = attributes.quoted("SUBTITLES", "captions");
            }
            playlist.tag("EXT-X-STREAM-INF", attributes);
            playlist.uri(format_args!("{}.m3u8", variant.id));
        }
        playlist.finish()
    }

    /// A media playlist at a time; `skips` if the client has requested a delta update.
    pub(super) fn media_playlist(
        &self,
        moment: &Moment,
        rendition: &Rendition,
        skips: bool,
    ) -> String {
        let options = &self.config.hls;
        let generation = moment.generation;
        let every = self.every();
        let first = self.first_listed(moment);
        let target = self.segment_seconds().round().max(1.0);
        let mut playlist = Playlist::new(9);
        playlist.tag("EXT-X-TARGETDURATION", target);
        let mut control = Attributes::default();
        if options.can_skip {
            control = control.with("CAN-SKIP-UNTIL", decimal(6.0 * target, 3));
        }
        if let Some(hold_back) = options.hold_back {
            // § 4.4.3.8: at least three target durations.
            let seconds = hold_back.as_secs_f64().max(3.0 * target);
            control = control.with("HOLD-BACK", decimal(seconds, 3));
        }
        let control = control.to_string();
        if !control.is_empty() {
            playlist.tag("EXT-X-SERVER-CONTROL", control);
        }
        playlist.tag("EXT-X-MEDIA-SEQUENCE", self.sequence(rendition, first));
        let before = generation.discontinuities(first, every);
        if before > 0 || every > 0 {
            playlist.tag("EXT-X-DISCONTINUITY-SEQUENCE", before);
        }
        if options.is_event {
            playlist.tag("EXT-X-PLAYLIST-TYPE", "EVENT");
        }
        let listed_from = if skips && options.can_skip {
            self.first_unskipped(moment, first, 6.0 * target)
        } else {
            first
        };
        if listed_from > first {
            let skipped = Attributes::default().with("SKIPPED-SEGMENTS", listed_from - first);
            playlist.tag("EXT-X-SKIP", skipped);
        }
        let folder = format!("g{}/{}", generation.number, rendition.id);
        let mut key = None;
        for position in first..moment.count {
            let made = generation.at(position);
            let number = options
                .segments_per_key
                .map(|it| position.checked_div(it).unwrap_or(0));
            if position < listed_from {
                key = number;
                continue;
            }
            let has_discontinuity = generation.has_discontinuity(position, every);
            if has_discontinuity {
                playlist.flag("EXT-X-DISCONTINUITY");
            }
            if has_discontinuity || position == first {
                if number.is_some() && position > first {
                    // What follows EXT-X-KEY is encrypted, and init segments are not.
                    playlist.tag("EXT-X-KEY", "METHOD=NONE");
                }
                key = None;
                let map = Attributes::default().quoted("URI", format_args!("{folder}/init.mp4"));
                playlist.tag("EXT-X-MAP", map);
            }
            if let Some(number) = number
                && key != Some(number)
            {
                let uri = format!("g{}/key{number}.bin", generation.number);
                playlist.tag("EXT-X-KEY", hls::key(&uri, None));
                key = Some(number);
            }
            if options.has_dates {
                playlist.tag("EXT-X-PROGRAM-DATE-TIME", iso8601(made.start));
            }
            if made.is_missing {
                playlist.flag("EXT-X-GAP");
            }
            let ticks = self.source.ticks(rendition, made.media);
            let seconds = (ticks.end - ticks.start) as f64 / f64::from(rendition.timescale);
            playlist.tag("EXTINF", format_args!("{seconds:.6},"));
            playlist.uri(format_args!("{folder}/s{position}.m4s"));
        }
        if moment.is_over {
            playlist.flag("EXT-X-ENDLIST");
        }
        playlist.finish()
    }

    /// The first segment that a delta update lists: that from which on less than so many seconds remain.
    fn first_unskipped(&self, moment: &Moment, first: u64, seconds: f64) -> u64 {
        let segments = (seconds / self.segment_seconds()).ceil() as u64;
        moment.count.saturating_sub(segments).max(first)
    }
}
