//! MPDs of a live stream.

use super::{EncodedSegment, Live, Moment, Rendition, UtcTiming};
use crate::{
    clock::{iso8601, xs_duration},
    content::Kind,
    dash::{self, Element},
};

impl Live {
    /// The MPD at a time, with a SegmentTimeline or with a constant duration.
    pub(super) fn mpd(&self, moment: &Moment, has_timeline: bool) -> String {
        let options = &self.config.dash;
        let segments = self.offered(moment);
        let renditions = self.renditions(moment);
        let published = segments
            .last()
            .map_or(moment.generation.start, |it| it.available);
        let mut root = dash::mpd(!moment.is_over, "isoff-live")
            .with("availabilityStartTime", iso8601(moment.generation.start))
            .with("publishTime", iso8601(published.min(moment.now)));
        if moment.is_over {
            let total = segments.iter().map(|it| it.media + 1).max().unwrap_or(0);
            let seconds = total as f64 * self.segment_seconds();
            root = root.with("mediaPresentationDuration", xs_duration(seconds));
        } else {
            let seconds = |it: std::time::Duration| xs_duration(it.as_secs_f64());
            let window = options.states_window.then_some(self.config.window);
            root = root
                .with_some(
                    "minimumUpdatePeriod",
                    options.minimum_update_period.map(seconds),
                )
                .with_some("timeShiftBufferDepth", window.map(seconds))
                .with_some(
                    "suggestedPresentationDelay",
                    options.suggested_presentation_delay.map(seconds),
                );
        }
        if let Some(location) = &options.location {
            root = root.child(Element::new("Location").text(location.as_str()));
        }
        if let Some(latency) = options.target_latency {
            let latency = latency.as_millis();
            root = root.child(
                Element::new("ServiceDescription")
                    .with("id", 0)
                    .child(
                        Element::new("Latency")
                            .with("target", latency)
                            .with("min", latency / 2)
                            .with("max", latency * 2),
                    )
                    .child(
                        Element::new("PlaybackRate")
                            .with("min", 0.95)
                            .with("max", 1.05),
                    ),
            );
        }
        let mut runs: Vec<u64> = segments
            .iter()
            .map(|it| self.splice_index(it.media))
            .collect();
        runs.dedup();
        if runs.is_empty() {
            runs.push(0);
        }
        let periods = runs
            .into_iter()
            .map(|run| self.period(moment, &renditions, run, &segments, has_timeline));
        root.children(periods)
            .children(self.utc_timing(moment))
            .document()
    }

    /// The segments that an MPD offers, by ascending times: where the source has jumped back, those that
    /// it has made last.
    fn offered(&self, moment: &Moment) -> Vec<EncodedSegment> {
        let first = if moment.is_over {
            self.first_archived(moment)
        } else {
            self.first_within(moment, self.config.window)
        };
        let mut offered: Vec<EncodedSegment> = Vec::new();
        for position in (first..moment.count).rev() {
            let made = moment.generation.at(position);
            if offered.last().is_none_or(|next| made.media < next.media) {
                offered.push(made);
            }
        }
        offered.reverse();
        offered
    }

    fn period(
        &self,
        moment: &Moment,
        renditions: &[Rendition],
        run: u64,
        segments: &[EncodedSegment],
        has_timeline: bool,
    ) -> Element {
        let generation = moment.generation.number;
        let first = run * self.every();
        let start = first as f64 * self.segment_seconds();
        let mut element = Element::new("Period")
            .with("id", format!("g{generation}p{run}"))
            .with("start", xs_duration(start));
        let (sound, pictures): (Vec<_>, Vec<_>) =
            renditions.iter().partition(|it| it.kind == Kind::Audio);
        // Renditions of video are alternatives; each of audio is a track of its own.
        let sets = [pictures].into_iter().filter(|set| !set.is_empty());
        let sets: Vec<_> = sets.chain(sound.into_iter().map(|it| vec![it])).collect();
        for (nth, set) in sets.into_iter().enumerate() {
            let kind = match set.first().map(|it| it.kind) {
                Some(Kind::Audio) => "audio",
                _ => "video",
            };
            let language = set.first().map(|it| &it.language);
            let mut parent = Element::new("AdaptationSet")
                .with("id", nth)
                .with("contentType", kind)
                .with("mimeType", format!("{kind}/mp4"))
                .with_some("lang", language.filter(|it| !it.is_empty()))
                .with("segmentAlignment", true)
                .with("startWithSAP", 1);
            for rendition in set {
                let ticks = self.source.nominal_start(first, rendition.timescale);
                let offset = self.timestamp(rendition, run, ticks);
                let mut template = Element::new("SegmentTemplate")
                    .with("timescale", rendition.timescale)
                    .with_some("presentationTimeOffset", (offset > 0).then_some(offset));
                let early = self.config.dash.availability_time_offset.as_secs_f64();
                if early > 0.0 {
                    template = template.with("availabilityTimeOffset", early);
                }
                let folder = format!("g{generation}");
                template = template.with(
                    "initialization",
                    format!("{folder}/$RepresentationID$/init.mp4"),
                );
                template = if has_timeline {
                    let within = segments
                        .iter()
                        .filter(|it| self.splice_index(it.media) == run);
                    let times = within.map(|it| {
                        let ticks = self.source.ticks(rendition, it.media);
                        (
                            self.decode_time(rendition, it.media),
                            ticks.end - ticks.start,
                        )
                    });
                    let media = format!("{folder}/p{run}/$RepresentationID$/t$Time$.m4s");
                    template.with("media", media).child(dash::timeline(times))
                } else {
                    let duration = self.source.nominal_start(1, rendition.timescale);
                    template
                        .with("media", format!("{folder}/$RepresentationID$/$Number$.m4s"))
                        .with("startNumber", self.config.dash.first_number + first)
                        .with("duration", duration)
                };
                let mut representation = Element::new("Representation")
                    .with("id", &rendition.id)
                    .with("bandwidth", rendition.bandwidth)
                    .with("codecs", &rendition.codecs);
                if let Some((width, height)) = rendition.size {
                    representation = representation.with("width", width).with("height", height);
                }
                parent = parent.child(representation.child(template));
            }
            element = element.child(parent);
        }
        if self.config.has_captions {
            element = element.child(dash::captions("en", "English", "captions.vtt"));
        }
        element
    }

    fn utc_timing(&self, moment: &Moment) -> Option<Element> {
        let (scheme, value) = match self.config.dash.utc_timing {
            UtcTiming::Absent => return None,
            UtcTiming::Direct => ("direct", iso8601(self.server_clock(moment.now))),
            UtcTiming::HttpHead => ("http-head", "clock/iso".to_owned()),
            UtcTiming::HttpIso => ("http-iso", "clock/iso".to_owned()),
            UtcTiming::HttpXsdate => ("http-xsdate", "clock/xsdate".to_owned()),
        };
        let scheme = format!("urn:mpeg:dash:utc:{scheme}:2014");
        Some(dash::descriptor("UTCTiming", &scheme, &value))
    }
}
