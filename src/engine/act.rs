//! As much of a film as one MediaSource can play. Most films have one act; one whose periods differ in
//! what there is to feed, such as an advertisement without sound, has more.

use std::{cell::RefCell, convert::Infallible, future::pending, rc::Rc};

use futures_util::future::{Either, select, try_join};

use super::{
    buffer::Buffer,
    conditions::Conditions,
    feed::{Feed, kind_on_the_wire},
    shared::Shared,
    source::Source,
};
use crate::{
    media::{
        Kind, TOLERANCE,
        ranges::Ranges,
        selection::{self, Act, Sets, Wish, is_muxed},
    },
    web,
    wire::{AudioTrack, Event, Fault, Level, Quality, journey::Step},
};

/// How often the page is told how the buffers are filled, at most: milliseconds.
const REPORT: f64 = 1_000.0;
/// How long a jump is given to take effect before it is asked for again, in milliseconds.
const LANDING: f64 = 1_000.0;
/// How far into what is buffered a jump goes, in seconds: an edge may be rounded.
const FOOTING: f64 = 0.01;
/// How far a film that stands still is pushed, in seconds.
const PUSH: f64 = 0.1;

/// What a person may choose from, as the page was told.
#[derive(Default)]
pub struct Offers {
    /// Bits per second.
    pub qualities: Vec<u64>,
    /// The sounds.
    pub sounds: Vec<Wish>,
}

/// Plays the act that a time is in, and returns where to go on with another one.
///
/// # Errors
/// What ends the playback.
pub async fn perform(
    shared: &Rc<Shared>,
    source: &Source,
    at: f64,
    offers: &RefCell<Offers>,
) -> Result<f64, Fault> {
    let cast = Cast::of(shared, at)?;
    let period = cast.act.period;
    let [video, audio] = &cast.feeds;
    let types = try_join(first_type(video, period), first_type(audio, period)).await?;
    // Only now is it known how long a film in HLS is.
    if let Some(duration) = shared.film.presentation().duration {
        source.set_duration(duration)?;
    }
    // All SourceBuffers are made before anything is appended to one of them: later, browsers refuse.
    let buffer = |mime: Option<String>| mime.map(|mime| source.buffer(&mime)).transpose();
    let buffers = (buffer(types.0)?, buffer(types.1)?);
    shared
        .port
        .reached(shared.session, Step::SourceBuffersCreated);
    cast.announce(shared, offers);

    let feeding = try_join(run(video, buffers.0), run(audio, buffers.1));
    let watching = Box::pin(watch(shared, source, &cast));
    match select(Box::pin(feeding), watching).await {
        Either::Left((Err(fault), _)) => Err(fault),
        // Feeds come to no end but by a fault.
        Either::Left((Ok(_), _)) => pending().await,
        Either::Right((outcome, _)) => outcome,
    }
}

/// The type that the SourceBuffer of a feed is to be made for.
async fn first_type(feed: &Option<Feed>, period: usize) -> Result<Option<String>, Fault> {
    match feed {
        Some(feed) => feed.first_type(period).await.map(Some),
        None => Ok(None),
    }
}

async fn run(feed: &Option<Feed>, buffer: Option<Buffer>) -> Result<Infallible, Fault> {
    match feed.as_ref().zip(buffer) {
        Some((feed, buffer)) => feed.run(buffer).await,
        None => pending().await,
    }
}

/// Who is on stage.
struct Cast {
    act: Act,
    /// Of pictures and of sound.
    feeds: [Option<Feed>; 2],
    /// The sets of the pictures and of the sound.
    sets: [Sets; 2],
}

const KINDS: [Kind; 2] = [Kind::Video, Kind::Audio];

impl Cast {
    fn of(shared: &Rc<Shared>, at: f64) -> Result<Self, Fault> {
        let sets = KINDS.map(|kind| sets(shared, kind));
        let film = shared.film.presentation();
        let format = |sets: &Sets, period: usize| {
            let set = sets.get(period).copied().flatten()?;
            let it = film
                .periods
                .get(period)?
                .sets
                .get(set)?
                .representations
                .first()?;
            let codec = it.codecs.split('.').next().map(str::to_owned);
            Some((it.container.clone(), codec))
        };
        let alike = |one: usize, other: usize| {
            web::can_change_type()
                || sets
                    .iter()
                    .all(|sets| format(sets, one) == format(sets, other))
        };
        let [video, audio] = &sets;
        let act = selection::act(&film, [video, audio], at, &alike);
        let act = act.ok_or(Fault::Nothing { second: at as u32 })?;
        drop(film);
        let feed = |kind, sets: &Sets| {
            let is_fed = sets.get(act.period).copied().flatten().is_some();
            is_fed.then(|| Feed::new(shared.clone(), kind, sets.clone(), act.end))
        };
        let feeds = [feed(Kind::Video, video), feed(Kind::Audio, audio)];
        Ok(Self { act, feeds, sets })
    }

    /// Tells the page what there is to choose from.
    fn announce(&self, shared: &Shared, offers: &RefCell<Offers>) {
        let film = shared.film.presentation();
        let period = self.act.period;
        let [video, audio] = self
            .sets
            .each_ref()
            .map(|sets| sets.get(period).copied().flatten());
        let (mut qualities, mut tracks) = (Vec::new(), Vec::new());
        let mut offered = Offers::default();
        for id in film.ids() {
            let (Some(set), Some(it)) = (film.set(id), film.representation(id)) else {
                continue;
            };
            if id.period != period || !shared.film.is_playable(id) {
                continue;
            }
            if Some(id.set) == video {
                offered.qualities.push(it.bandwidth);
                qualities.push(Quality {
                    size: it.size,
                    bandwidth: it.bandwidth,
                    mime: it.mime(),
                });
            } else if set.kind == Kind::Audio && audio.is_some() {
                let wish = Wish {
                    language: set.language.clone(),
                    label: set.label.clone(),
                };
                if !offered.sounds.contains(&wish) {
                    tracks.push(AudioTrack {
                        language: wish.language.clone(),
                        label: wish.label.clone(),
                    });
                    offered.sounds.push(wish);
                }
            }
        }
        offers.replace(offered);
        shared.port.post(Event::Tracks {
            session: shared.session,
            qualities,
            audio: tracks,
        });
    }
}

/// Which sets are played, in all periods.
fn sets(shared: &Shared, kind: Kind) -> Sets {
    let film = shared.film.presentation();
    let wish = shared.conditions.sound();
    let is_playable = &|id| shared.film.is_playable(id);
    let mut sets = selection::select(&film, kind, wish.as_ref(), is_playable);
    if kind == Kind::Audio && wish.is_none() {
        // Pictures that bring their own sound need no other, unless a person asks for it.
        let video = selection::select(&film, Kind::Video, None, is_playable);
        for ((period, video), audio) in film.periods.iter().zip(video).zip(&mut sets) {
            if video
                .and_then(|set| period.sets.get(set))
                .is_some_and(is_muxed)
            {
                *audio = None;
            }
        }
    }
    sets
}

/// Sees to what no single feed can: gaps, freezes, the end, and what the page wants to know.
async fn watch(shared: &Shared, source: &Source, cast: &Cast) -> Result<f64, Fault> {
    let Shared {
        port,
        session,
        conditions,
        ..
    } = shared;
    let session = *session;
    let mut report = Report::default();
    let mut jumps = Jumps::default();
    let mut heard = conditions.sound();
    let mut is_ended = false;
    loop {
        let change = conditions.tick();
        let position = conditions.position();
        if conditions.sound() != heard {
            heard = conditions.sound();
            if let [_, Some(audio)] = &cast.feeds {
                audio.select(sets(shared, Kind::Audio));
            }
        }
        report.tell(shared, position);

        let Act { start, end, .. } = cast.act;
        if position < start - TOLERANCE || position >= end - TOLERANCE {
            return Ok(position);
        }
        let common = conditions.common();
        if conditions.is_all_there() {
            let Some(last) = common.iter().last() else {
                let second = position as u32;
                return Err(Fault::Nothing { second });
            };
            if end.is_finite() && position >= last.end - TOLERANCE {
                return Ok(end);
            }
            if end.is_infinite() && source.is_open() {
                source.end()?;
                if !std::mem::replace(&mut is_ended, true) {
                    port.reached(session, Step::EndOfStream);
                }
            }
        }
        if let Some(to) = jumps.where_to(conditions, &common, position) {
            port.post(Event::Jump { session, to });
        }
        change.await;
    }
}

/// What the page was last told of the buffers.
#[derive(Default)]
struct Report {
    at: f64,
    levels: Vec<Level>,
}

impl Report {
    /// Tells the page how the buffers are filled, if that is news, and not too soon.
    fn tell(&mut self, shared: &Shared, position: f64) {
        let now = web::now();
        if now - self.at < REPORT {
            return;
        }
        let mut levels = Vec::new();
        for kind in KINDS {
            if let Some(filled) = shared.conditions.filled(kind) {
                let ranges = filled.buffered.iter();
                levels.push(Level {
                    kind: kind_on_the_wire(kind),
                    buffered: ranges.map(|range| (range.start, range.end)).collect(),
                });
            }
        }
        if levels == self.levels {
            return;
        }
        (self.at, self.levels) = (now, levels.clone());
        shared.port.post(Event::Levels {
            session: shared.session,
            levels,
            position,
            bandwidth: shared.network.meter.estimate(),
            goal: shared.conditions.goal(),
        });
    }
}

/// Where the element was last asked to go, and when.
#[derive(Default)]
struct Jumps {
    at: f64,
    to: f64,
}

impl Jumps {
    /// Where the element has to go by itself, for it would not come there by playing: on over a gap, or
    /// a little further if it stands still for no reason.
    fn where_to(&mut self, conditions: &Conditions, common: &Ranges, position: f64) -> Option<f64> {
        let to = if conditions.is_frozen() {
            conditions.thaw();
            position + PUSH
        } else if common.at(position).is_none() {
            let next = common.after(position)?.start;
            // What is still to come before it is waited for.
            if conditions.complete() < next - TOLERANCE {
                return None;
            }
            next + FOOTING
        } else {
            return None;
        };
        let now = web::now();
        if to == self.to && now - self.at < LANDING {
            return None;
        }
        (self.at, self.to) = (now, to);
        Some(to)
    }
}
