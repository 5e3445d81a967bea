//! Monitors the playback of a period group: jumps gaps, resolves stalls, ends the stream, and reports buffer levels.

use super::{
    context::Context,
    error::{Error, nothing_to_play},
    live::LiveFollower,
    media_source::OwnedMediaSource,
    playback_state::PlaybackState,
    track_feeder::track_kind,
    tracks::{CONTENT_TYPES, Tracks},
};
use crate::{
    media::{
        BOUNDARY_TOLERANCE,
        ranges::TimeRanges,
        selection::{MIN_ALONE_SECONDS, PeriodGroup},
    },
    platform,
    protocol::{BufferLevel, Diagnostic, Event, milestone::Milestone},
};

/// The least interval between two buffer reports.
const REPORT_INTERVAL_MS: f64 = 1_000.0;
/// How long a seek may take before it is requested again.
const SEEK_TIMEOUT_MS: f64 = 1_000.0;
/// How far into a buffered range a gap jump seeks, because the start of the range may be rounded.
const JUMP_MARGIN_SECONDS: f64 = 0.01;
/// How far behind its start a group is entered: browsers round times to microseconds, and wait before the first frame.
const BORDER_MARGIN_SECONDS: f64 = 0.001;
/// How far a stalled element seeks forward.
const STALL_NUDGE_SECONDS: f64 = 0.1;

/// Runs until the position leaves the group. It begins at `begins_at`, in seconds. Returns the position where another group has to continue.
///
/// # Errors
/// [`PlaybackError::NothingToPlay`](crate::protocol::PlaybackError::NothingToPlay) if all segments are appended and
/// nothing is buffered, and [`MediaSourceCall`](crate::protocol::PlaybackError::MediaSourceCall) if `endOfStream()`
/// throws.
pub async fn monitor(
    context: &Context,
    live: &LiveFollower,
    source: &OwnedMediaSource,
    tracks: &Tracks,
    begins_at: f64,
) -> Result<f64, Error> {
    let Context { port, state, .. } = context;
    let session = context.session;
    let mut report = BufferReport::default();
    let mut jumper = GapJumper::default();
    let mut audio = state.audio_preference();
    let mut is_ended = false;
    let mut corrections = context.content.corrections();
    let began_at = platform::now();
    // Whether the element was observed within the group.
    let mut has_arrived = false;
    loop {
        let change = state.next_change_or_tick();
        let position = state.position();
        let preferred_audio = state.audio_preference();
        if preferred_audio != audio {
            audio = preferred_audio;
            tracks.select_audio(context);
        }
        report.post_if_changed(context, position);
        live.step(context, source)?;
        tracks.update(context);

        confirm_ends(context);
        let known_corrections = context.content.corrections();
        if known_corrections != corrections {
            corrections = known_corrections;
            let Some(current) = Tracks::current_group(context, position) else {
                return Err(nothing_to_play(position));
            };
            if !continues(&tracks.group.get(), &current) {
                return Ok(position);
            }
            tracks.set_group(current);
            state.notify();
        }
        update_duration(context, source);
        let PeriodGroup { start, end, .. } = tracks.group.get();
        state.set_ended(source.is_ended());
        if position < start - BOUNDARY_TOLERANCE && !has_arrived {
            // Chromium sometimes ignores a start position that is set before there is metadata.
            if let Some(to) = jumper.request(begins_at) {
                port.post(Event::Seek { session, to });
            }
            change.await;
            continue;
        }
        has_arrived |= state.is_observed_since(began_at);
        if position >= end - BOUNDARY_TOLERANCE {
            // The clock may be ahead of an element that waits at the end of a track.
            let is_beyond = state.observed_position() >= end;
            return Ok(if is_beyond {
                position
            } else {
                after_border(end)
            });
        }
        if position < start - BOUNDARY_TOLERANCE {
            return Ok(position);
        }
        let playable = state.final_ranges();
        if state.is_fully_buffered() {
            // After a seek to the end of tracks of different lengths, none of what is buffered is in both. The end of
            // stream extends the shorter one.
            let last_end = state.common_end().unwrap_or(position);
            if end.is_finite() && position >= last_end - BOUNDARY_TOLERANCE {
                return Ok(after_border(end));
            }
            if state.has_empty_buffer() {
                return Err(nothing_to_play(position));
            }
            if end.is_infinite() && source.is_open() {
                source.end_of_stream()?;
                if !std::mem::replace(&mut is_ended, true) {
                    port.post_milestone(session, Milestone::EndOfStream);
                }
            }
        }
        if let Some(to) = jumper.seek_target(state, &playable, position, source.duration()) {
            port.post(Event::Seek { session, to });
        }
        change.await;
    }
}

/// Where playback goes on behind the end of a group, in seconds.
fn after_border(end: f64) -> f64 {
    end + BORDER_MARGIN_SECONDS
}

/// Whether what the MediaSource plays is still what it was created for, as far as media are concerned that are not
/// appended yet.
fn continues(group: &PeriodGroup, current: &PeriodGroup) -> bool {
    let starts_later = current.start > group.start + BOUNDARY_TOLERANCE;
    current.has_tracks == group.has_tracks && !starts_later
}

/// Where a track ends early because a segment is missing, and the other has been appended far beyond that, the
/// presentation goes on without it.
fn confirm_ends(context: &Context) {
    let state = &context.state;
    let [video, audio] = CONTENT_TYPES.map(|kind| state.buffer_status(kind));
    let (Some(video), Some(audio)) = (video, audio) else {
        return;
    };
    let tracks = [(&video, &audio), (&audio, &video)];
    for (content_type, (track, other)) in CONTENT_TYPES.into_iter().zip(tracks) {
        let end = track.buffered.end().unwrap_or(state.position());
        let other_end = other.buffered.end();
        let goes_on = other_end.is_some_and(|other_end| other_end > end + MIN_ALONE_SECONDS);
        if track.is_complete && goes_on {
            context.content.confirm_ends(content_type);
        }
    }
}

/// Sets the duration if the media have corrected it.
fn update_duration(context: &Context, source: &OwnedMediaSource) {
    let Some(duration) = context.content.presentation().duration else {
        return;
    };
    let duration = duration.max(context.state.highest_end());
    let is_other = (source.duration() - duration).abs() > BOUNDARY_TOLERANCE;
    // Not while anything is appended. The browser refuses a duration before the end of what it has, which it may have
    // only just appended: the next change asks again.
    if is_other && context.content.corrections() > 0 && source.is_open() && source.is_idle() {
        source.shorten_duration(duration);
    }
}

/// The last buffer report: its time, and its ranges by content type.
#[derive(Default)]
struct BufferReport {
    at: f64,
    buffered: [Option<TimeRanges>; 2],
}

impl BufferReport {
    /// Posts the buffer levels if they have changed, at most once per interval.
    fn post_if_changed(&mut self, context: &Context, position: f64) {
        let now = platform::now();
        if now - self.at < REPORT_INTERVAL_MS {
            return;
        }
        let state = &context.state;
        let buffered = CONTENT_TYPES.map(|kind| Some(state.buffer_status(kind)?.buffered));
        if buffered == self.buffered {
            return;
        }
        let levels = CONTENT_TYPES
            .into_iter()
            .zip(&buffered)
            .filter_map(|(kind, ranges)| {
                Some(BufferLevel {
                    kind: track_kind(kind),
                    buffered: ranges
                        .as_ref()?
                        .iter()
                        .map(|range| (range.start, range.end))
                        .collect(),
                })
            })
            .collect();
        (self.at, self.buffered) = (now, buffered);
        let diagnostic = Diagnostic::BufferLevels {
            levels,
            position,
            bandwidth: context.network.meter.estimate(),
            goal: state.goal(),
            memory: platform::memory_size(),
        };
        context.port.post_diagnostic(context.session, &diagnostic);
    }
}

/// Decides when the element has to seek. Records the time and the target of the last requested seek.
#[derive(Default)]
struct GapJumper {
    at: f64,
    to: f64,
}

impl GapJumper {
    /// The position, in seconds, that the element has to seek to because it cannot play on by itself: the end of a gap,
    /// or a little ahead if it stalls with media ahead. `duration`, in seconds, is not known if it is not a number.
    fn seek_target(
        &mut self,
        state: &PlaybackState,
        playable: &TimeRanges,
        position: f64,
        duration: f64,
    ) -> Option<f64> {
        let to = if state.is_stalled() {
            state.reset_stall();
            // WebKitGTK begins anew if it seeks beyond the end.
            (position + STALL_NUDGE_SECONDS).min(duration)
        } else if let Some(next) = state.end_of_short_gap() {
            next + JUMP_MARGIN_SECONDS
        } else if playable.range_at(position).is_none() {
            // Seeks to the next range, or to where the media will continue, unless media may still be fetched for the
            // gap.
            let complete = state.complete_until();
            let next = playable
                .first_after(position)
                .map_or(complete, |range| range.start);
            let is_final = complete >= next - BOUNDARY_TOLERANCE && next.is_finite();
            if !is_final || next < position + BOUNDARY_TOLERANCE {
                return None;
            }
            next + JUMP_MARGIN_SECONDS
        } else {
            return None;
        };
        self.request(to)
    }

    /// The target, unless the same seek was requested a short time ago.
    fn request(&mut self, to: f64) -> Option<f64> {
        let now = platform::now();
        if to == self.to && now - self.at < SEEK_TIMEOUT_MS {
            return None;
        }
        (self.at, self.to) = (now, to);
        Some(to)
    }
}
