//! As much of a film as one MediaSource can play. Most films have one act; one whose periods differ in
//! what there is to feed, such as an advertisement without sound, has more.

use std::{cell::RefCell, future::poll_fn, rc::Rc, task::Poll};

use futures_util::future::{LocalBoxFuture, try_join};

use super::{
    context::{Context, Error},
    media_source::OwnedMediaSource,
    monitor::monitor,
    track_feeder::TrackFeeder,
};
use crate::{
    media::{
        ContentType, RepresentationId,
        selection::{self, AudioPreference, PeriodGroup, SetPerPeriod, is_muxed, set_in_period},
    },
    platform::web,
    protocol::{Event, PlaybackError, Quality, TrackInfo, milestone::Milestone},
};

/// What a person may choose from, as the page was told.
#[derive(Default)]
pub struct OfferedTracks {
    /// Bits per second.
    pub qualities: Vec<u64>,
    /// The sounds.
    pub audio: Vec<Rc<AudioPreference>>,
}

/// Plays the act that a time is in, and returns where to go on with another one.
///
/// # Errors
/// What ends the playback.
pub async fn play(
    shared: &Rc<Context>,
    source: &OwnedMediaSource,
    at: f64,
    offers: &RefCell<OfferedTracks>,
) -> Result<f64, Error> {
    let cast = Tracks::of(shared, at)?;
    let period = cast.group.period;
    let [video, audio] = &cast.feeders;
    let types = try_join(first_type(video, period), first_type(audio, period)).await?;
    // Only now is it known how long a film in HLS is.
    if let Some(duration) = shared.content.presentation().duration {
        source.set_duration(duration)?;
    }
    // What lies at its very beginning WebKitGTK plays before it is asked to, and a seek that is over while the
    // first frame is on its way makes it lose the stream for good. So an element that would begin within the
    // first segment begins with it, and `app/screen.rs` has it go on once that frame is there.
    if at > 0.0
        && cast
            .feeders
            .iter()
            .flatten()
            .any(TrackFeeder::starts_at_zero)
    {
        let session = shared.session;
        shared.port.post(Event::Seek { session, to: 0.0 });
    }
    // All SourceBuffers are made before anything is appended to one of them: later, browsers refuse. No
    // feed begins before it is waited for.
    let mut acting: Vec<LocalBoxFuture<Result<f64, Error>>> = Vec::new();
    for (feed, mime) in cast.feeders.iter().zip([&types.0, &types.1]) {
        if let (Some(feed), Some(mime)) = (feed, mime) {
            let buffer = source.add_buffer(mime)?;
            acting.push(Box::pin(async { match feed.run(buffer, source).await? {} }));
        }
    }
    acting.push(Box::pin(monitor(shared, source, &cast)));
    shared
        .port
        .post_milestone(shared.session, Milestone::SourceBuffersCreated);
    cast.announce_tracks(shared, offers);
    // Feeds come to no end but by a fault.
    poll_fn(|context| {
        let mut polled = acting.iter_mut().map(|it| it.as_mut().poll(context));
        polled.find(Poll::is_ready).unwrap_or(Poll::Pending)
    })
    .await
}

/// The type that the SourceBuffer of a feed is to be made for.
async fn first_type(feed: &Option<TrackFeeder>, period: usize) -> Result<Option<String>, Error> {
    match feed {
        Some(feed) => feed.first_type(period).await.map(Some),
        None => Ok(None),
    }
}

/// Who is on stage.
pub struct Tracks {
    /// The act itself.
    pub group: PeriodGroup,
    /// Of pictures and of sound.
    feeders: [Option<TrackFeeder>; 2],
}

/// In the order of all pairs of them.
pub const CONTENT_TYPES: [ContentType; 2] = [ContentType::Video, ContentType::Audio];

impl Tracks {
    fn of(shared: &Rc<Context>, at: f64) -> Result<Self, Error> {
        let sets = [
            select_adaptation_sets(shared, ContentType::Video),
            select_adaptation_sets(shared, ContentType::Audio),
        ];
        let film = shared.content.presentation();
        let format = |sets: &SetPerPeriod, period: usize| {
            let it = film.representation(RepresentationId {
                period,
                set: set_in_period(sets, period)?,
                representation: 0,
            })?;
            Some((it.container.as_str(), it.codecs.split('.').next()))
        };
        let alike = |one: usize, other: usize| {
            web::can_change_type()
                || sets
                    .iter()
                    .all(|sets| format(sets, one) == format(sets, other))
        };
        let [video, audio] = &sets;
        let act = selection::period_group(&film, [video, audio], at, &alike);
        let act = act.ok_or_else(|| nothing_to_play(at))?;
        drop(film);
        let [video, audio] = sets;
        let feed = |kind, sets: SetPerPeriod| {
            let is_fed = set_in_period(&sets, act.period).is_some();
            is_fed.then(|| TrackFeeder::new(shared.clone(), kind, sets, act.end))
        };
        let feeds = [
            feed(ContentType::Video, video),
            feed(ContentType::Audio, audio),
        ];
        Ok(Self {
            group: act,
            feeders: feeds,
        })
    }

    /// Feeds the sound that a person has chosen, from now on.
    pub fn select_audio(&self, shared: &Context) {
        if let [_, Some(audio)] = &self.feeders {
            audio.select(select_adaptation_sets(shared, ContentType::Audio));
            shared.state.notify();
        }
    }

    /// Tells the page what there is to choose from.
    fn announce_tracks(&self, shared: &Context, offers: &RefCell<OfferedTracks>) {
        let film = shared.content.presentation();
        let period = self.group.period;
        let [video, audio] = &self.feeders;
        let pictures = video.as_ref().and_then(|feed| feed.adaptation_set(period));
        let (mut qualities, mut tracks) = (Vec::new(), Vec::new());
        let mut offered = OfferedTracks::default();
        for &(id, set, it) in &film.representations() {
            if id.period != period || !shared.content.is_playable(id) {
                continue;
            }
            if Some(id.set) == pictures {
                offered.qualities.push(it.bandwidth);
                qualities.push(Quality {
                    size: it.size,
                    bandwidth: it.bandwidth,
                    mime: it.mime(),
                });
            } else if set.content_type == ContentType::Audio && audio.is_some() {
                let wish = Rc::new(AudioPreference {
                    language: set.language.clone(),
                    label: set.label.clone(),
                });
                if !offered.audio.contains(&wish) {
                    tracks.push(TrackInfo {
                        language: wish.language.clone(),
                        label: wish.label.clone(),
                    });
                    offered.audio.push(wish);
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
fn select_adaptation_sets(shared: &Context, kind: ContentType) -> SetPerPeriod {
    let film = shared.content.presentation();
    let wish = shared.state.audio_preference();
    let is_playable = &|id| shared.content.is_playable(id);
    let mut sets = selection::select_sets(&film, kind, wish.as_deref(), is_playable);
    if kind == ContentType::Audio && wish.is_none() {
        // Pictures that bring their own sound need no other, unless a person asks for it.
        let video = selection::select_sets(&film, ContentType::Video, None, is_playable);
        for ((period, video), audio) in film.periods.iter().zip(video).zip(&mut sets) {
            if video
                .and_then(|set| period.adaptation_sets.get(set))
                .is_some_and(is_muxed)
            {
                *audio = None;
            }
        }
    }
    sets
}

/// There is nothing to play at a time.
pub fn nothing_to_play(at: f64) -> Error {
    let second = at as u32;
    PlaybackError::NothingToPlay { second }.into()
}
