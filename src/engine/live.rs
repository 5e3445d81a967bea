//! Follows a live stream: where to start, reloads, the window and the edge, and the distance from it.

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    rc::Rc,
};

use super::{
    context::Context, error::Error, media_source::OwnedMediaSource, playback_state::PlaybackState,
    tracks::Tracks,
};
use crate::{
    media::{
        live::{
            catch_up::{CatchUp, Deviation},
            edge::target_delay,
        },
        ranges::TimeRange,
    },
    platform,
    protocol::{Event, LiveStatus, PlaybackError},
};

/// How often to look whether the manifest has to be reloaded.
const TICK_MS: u32 = 250;
/// The least interval between two [`Event::Live`] without a change.
const REPORT_INTERVAL_MS: f64 = 1_000.0;
/// A manifest that has not changed for this many segment durations has stalled.
const STALLED_SEGMENTS: f64 = 3.0;
/// Further behind the wished delay than this many segments, a viewer at the edge is taken back to it.
const RETURN_SEGMENTS: f64 = 4.0;
/// The same in seconds; the greater counts.
const RETURN_SECONDS: f64 = 15.0;
/// A position this close to the wished delay is at the edge, in seconds.
const AT_EDGE_SECONDS: f64 = 3.0;
/// A jump of the position by more than this, in seconds, is a seek.
const SEEK_SECONDS: f64 = 1.0;
/// Less media ahead than this, in seconds, is none.
const NOTHING_AHEAD_SECONDS: f64 = 0.1;
/// A seek that the element has not performed is requested again after this time.
const REPEAT_SEEK_MS: f64 = 1_000.0;
/// Stalls raise the delay by at most this many segments.
const MAX_RAISE_SEGMENTS: f64 = 2.0;

/// Reloads the manifest of a live stream whenever that is due, until the future is dropped.
pub async fn reload(context: &Context) -> Infallible {
    let Context { content, state, .. } = context;
    loop {
        if content.is_live() {
            if content.reload_due().await {
                state.notify();
            }
            platform::sleep(TICK_MS).await;
        } else {
            state.next_change().await;
        }
    }
}

/// Where to start: at `requested` on demand, near the edge in a live stream. Waits until a live stream has begun.
///
/// # Errors
/// Any that ends the session.
pub async fn start_position(context: &Rc<Context>, requested: f64) -> Result<f64, Error> {
    let Context {
        content,
        state,
        network,
        ..
    } = &**context;
    // HLS says only in its media playlists whether it is live.
    let tracks = Tracks::at(context, requested)?;
    tracks.load_first_indexes(requested).await?;
    while content.is_live() {
        if let Some(seekable) = content.seekable_range()
            && let Some((edge, _)) = content.live_edge()
        {
            network.set_waiting(None);
            let delay = base_delay(context, seekable);
            return Ok(position_at_edge(
                seekable,
                edge - delay,
                content.segment_seconds(),
            ));
        }
        network.set_waiting(Some(PlaybackError::NotStarted {
            at: content.begins_at(),
        }));
        state.next_change_or_tick().await;
    }
    Ok(requested)
}

/// A position at the edge, limited to the window.
fn position_at_edge(seekable: TimeRange, position: f64, segment_seconds: f64) -> f64 {
    position
        .min(seekable.end - segment_seconds)
        .max(seekable.start)
}

/// The delay without the seconds that stalls have added.
fn base_delay(context: &Context, seekable: TimeRange) -> f64 {
    let content = &context.content;
    target_delay(
        content.author_delay(),
        content.segment_seconds(),
        seekable.length(),
    )
}

/// Keeps the viewer of a live stream at the edge, and inside its window.
#[derive(Default)]
pub struct LiveFollower {
    catch_up: Cell<CatchUp>,
    /// Whether the viewer is away from the edge on purpose: has paused, or has seeked back.
    is_away: Cell<bool>,
    has_played: Cell<bool>,
    was_live: Cell<bool>,
    was_paused: Cell<bool>,
    was_stalled: Cell<bool>,
    /// The last position and its time, in seconds.
    last: Cell<Option<(f64, f64)>>,
    /// When the list changed last, in seconds.
    changed_at: Cell<f64>,
    /// The rate that was sent last; 0 for none.
    rate: Cell<f64>,
    sent_range: Cell<Option<TimeRange>>,
    needs_duration: Cell<bool>,
    reported: RefCell<Option<LiveStatus>>,
}

/// What [`LiveFollower::step`] works with. Times in seconds.
struct Situation {
    seekable: TimeRange,
    edge: f64,
    delay: f64,
    segment: f64,
    position: f64,
    latency: f64,
    now: f64,
}

impl LiveFollower {
    /// Updates everything that depends on the live edge. Called at every change and tick.
    ///
    /// # Errors
    /// [`PlaybackError::MediaSourceCall`] if the source is closed.
    pub fn step(&self, context: &Context, source: &OwnedMediaSource) -> Result<(), Error> {
        let Context { content, state, .. } = context;
        if !content.is_live() {
            return self.end(context, source);
        }
        let now = platform::now() / 1000.0;
        let Some((edge, has_changed)) = content.live_edge() else {
            return Ok(());
        };
        let Some(seekable) = content.seekable_range() else {
            return Ok(());
        };
        if has_changed || !self.was_live.replace(true) {
            self.changed_at.set(now);
        }
        let segment = content.segment_seconds();
        let position = state.position();
        let mut catch_up = self.catch_up.get();
        let delay = base_delay(context, seekable) + catch_up.raised(now);
        self.catch_up.set(catch_up);
        let situation = Situation {
            seekable,
            edge,
            delay: delay.min(seekable.length().max(segment)),
            segment,
            position,
            latency: edge - position,
            now,
        };
        self.note_stall(state, &situation);
        self.note_viewer(state, &situation);
        self.tell_stalled(context, &situation);
        if source.is_open() && self.sent_range.get() != Some(seekable) {
            source.set_live_seekable_range(seekable)?;
            self.sent_range.set(Some(seekable));
        }
        self.report(context, &situation, has_changed);
        self.keep_in_window(context, &situation);
        self.set_rate(context, &situation);
        Ok(())
    }

    /// The delay is raised when playback stalls.
    fn note_stall(&self, state: &PlaybackState, now: &Situation) {
        let is_playing = state.rate() > 0.0;
        let is_stalled = is_playing
            && self.has_played.get()
            && !state.has_pending_seek()
            && state.buffered_ahead() < NOTHING_AHEAD_SECONDS;
        if is_playing && state.buffered_ahead() > NOTHING_AHEAD_SECONDS {
            self.has_played.set(true);
        }
        if is_stalled && !self.was_stalled.replace(is_stalled) && !self.is_away.get() {
            let limit =
                (now.seekable.length() / 2.0 - now.delay).min(MAX_RAISE_SEGMENTS * now.segment);
            let mut catch_up = self.catch_up.get();
            catch_up.stall(now.now, now.segment, limit);
            self.catch_up.set(catch_up);
        }
        self.was_stalled.set(is_stalled);
    }

    /// Notes whether the viewer is at the edge or away from it on purpose.
    fn note_viewer(&self, state: &PlaybackState, now: &Situation) {
        let is_paused = state.rate() == 0.0;
        let has_resumed = self.was_paused.replace(is_paused) && !is_paused;
        let last = self.last.replace(Some((now.position, now.now)));
        if !self.has_played.get() || state.has_pending_seek() {
            return;
        }
        let has_seeked = last.is_some_and(|(position, at)| {
            let moved = now.position - position;
            moved < -SEEK_SECONDS || moved > (now.now - at) * state.rate().max(1.0) + SEEK_SECONDS
        });
        if has_resumed || has_seeked {
            let margin = AT_EDGE_SECONDS.max(now.segment);
            self.is_away.set(now.latency > now.delay + margin);
        }
    }

    /// Tells the page when nothing new has arrived for too long.
    fn tell_stalled(&self, context: &Context, now: &Situation) {
        let seconds = now.now - self.changed_at.get();
        let is_stalled = seconds > STALLED_SEGMENTS * now.segment;
        context.network.set_waiting(is_stalled.then(|| {
            context
                .content
                .reload_error()
                .unwrap_or(PlaybackError::StreamStalled {
                    seconds: seconds as u32,
                })
        }));
    }

    /// Seeks to the edge if a viewer who was there has fallen far behind, as after sleep; and into the window if the
    /// position has left it, as after a long pause.
    fn keep_in_window(&self, context: &Context, now: &Situation) {
        let Context {
            port,
            session,
            state,
            ..
        } = context;
        let session = *session;
        if let Some(to) = state.overdue_seek(REPEAT_SEEK_MS) {
            port.post(Event::Seek { session, to });
            return;
        }
        if state.has_pending_seek() || state.rate() == 0.0 {
            return;
        }
        let ahead = state.playable_ranges().ahead(now.position);
        let has_nothing = ahead < NOTHING_AHEAD_SECONDS;
        let is_outside = now.position < now.seekable.start && has_nothing;
        let too_far = now.delay + RETURN_SECONDS.max(RETURN_SEGMENTS * now.segment);
        let is_away = self.is_away.get();
        let at_edge = position_at_edge(now.seekable, now.edge - now.delay, now.segment);
        let to = if !is_away && (is_outside || now.latency > too_far) {
            at_edge
        } else if is_outside {
            port.post(Event::LeftWindow { session });
            // Not its very beginning, which is about to be removed.
            (now.seekable.start + now.segment)
                .min(at_edge)
                .max(now.seekable.start)
        } else {
            return;
        };
        if to <= now.position + SEEK_SECONDS {
            return;
        }
        state.seek(to);
        self.last.set(None);
        port.post(Event::Seek { session, to });
    }

    /// Sends the rate that keeps the distance from the edge.
    fn set_rate(&self, context: &Context, now: &Situation) {
        let state = &context.state;
        let applies = self.has_played.get()
            && !self.is_away.get()
            && !state.has_pending_seek()
            && state.rate() > 0.0;
        let mut catch_up = self.catch_up.get();
        let rate = match applies {
            true => catch_up.rate(Deviation {
                latency: now.latency,
                delay: now.delay,
                buffer_ahead: state.playable_ranges().ahead(now.position),
            }),
            false => 1.0,
        };
        self.catch_up.set(catch_up);
        self.send_rate(context, rate);
    }

    fn send_rate(&self, context: &Context, rate: f64) {
        let sent = self.rate.replace(rate);
        if sent != rate && (sent, rate) != (0.0, 1.0) {
            let session = context.session;
            context.port.post(Event::CatchUp { session, rate });
        }
    }

    /// Posts the state of the stream.
    fn report(&self, context: &Context, now: &Situation, has_changed: bool) {
        let content = &context.content;
        let at = platform::now();
        let mut reported = self.reported.borrow_mut();
        let is_due = reported.is_none_or(|last| at - last.at >= REPORT_INTERVAL_MS);
        if !is_due && !has_changed {
            return;
        }
        let status = LiveStatus {
            seekable: (now.seekable.start, now.seekable.end),
            edge: now.edge,
            at,
            delay: now.delay,
            latency: now.latency,
            zero: content
                .date_at(now.position)
                .map(|date| date - now.position),
            clock_offset: content.clock_offset(),
            reloads: content.reloads(),
        };
        *reported = Some(status);
        context.port.post(Event::Live {
            session: context.session,
            status: Some(status),
        });
    }

    /// Turns the stream into one on demand, after it has ended.
    fn end(&self, context: &Context, source: &OwnedMediaSource) -> Result<(), Error> {
        if self.was_live.take() {
            self.needs_duration.set(true);
            context.network.set_waiting(None);
            self.send_rate(context, 1.0);
            context.port.post(Event::Live {
                session: context.session,
                status: None,
            });
            context.state.notify();
        }
        // The duration cannot be changed while a SourceBuffer is updating.
        if self.needs_duration.get()
            && source.is_idle()
            && let Some(duration) = context.content.presentation().duration
        {
            self.needs_duration.set(false);
            source.shorten_duration(duration);
        }
        Ok(())
    }
}
