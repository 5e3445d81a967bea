//! One playback of one film, from `new MediaSource()` to its end.

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    future::pending,
    rc::Rc,
};

use futures_channel::oneshot;
use futures_util::future::{Either, select, try_join};
use wasm_bindgen_futures::spawn_local;

use super::{
    captions,
    content::Content,
    context::{Context, Error},
    media_source::OwnedMediaSource,
    network::Network,
    period_group::{self, OfferedTracks},
    playback_state::PlaybackState,
};
use crate::protocol::{
    BufferGoal, Event, Observation, PlaybackError, PlaybackSettings, SessionId,
    milestone::{Milestone, ReachedMilestone},
    transfer::Port,
};

/// A playback that goes on for as long as this is held. Dropping it aborts its fetches and ends its calls
/// to the MediaSource, which is then posted as [`Event::Stopped`].
pub struct Session {
    playback: Rc<SessionTask>,
    /// Never sent on: it is the dropping that is heard.
    _held: oneshot::Sender<()>,
}

impl Session {
    /// Makes the MediaSource, sends its handle to the page, and plays the film at `url`.
    ///
    /// # Errors
    /// [`PlaybackError::NoMediaSourceInWorkers`], or [`PlaybackError::MediaSourceCall`] if the browser does not let go of the
    /// handle. What fails later is posted as [`Event::Failed`].
    ///
    /// [`PlaybackError::NoMediaSourceInWorkers`]: crate::wire::PlaybackError::NoMediaSourceInWorkers
    /// [`PlaybackError::MediaSourceCall`]: crate::wire::PlaybackError::MediaSourceCall
    pub fn start(
        port: Port,
        session: SessionId,
        url: String,
        settings: PlaybackSettings,
    ) -> Result<Self, Error> {
        let start = settings.start;
        let playback = Rc::new(SessionTask {
            source: RefCell::new(open(&port, session, start)?),
            conditions: PlaybackState::new(start, settings.buffer),
            network: Rc::new(Network::new(port.clone(), session, settings)),
            offers: RefCell::default(),
            port,
            session,
        });
        let (held, dropped) = oneshot::channel();
        let this = Self {
            playback: playback.clone(),
            _held: held,
        };
        spawn_local(async move {
            // Boxed, so that it goes with the `select`, and with it whatever it is waiting for.
            select(Box::pin(playback.run(&url, start)), dropped).await;

            // Nothing touches the MediaSource any more, so the page may detach it. While it does,
            // every call to it would throw.
            playback.port.post(Event::Stopped { session });
            let source = playback.source.borrow().clone();
            source.wait_until_closed().await;
            playback.port.post(Event::Closed { session });
        });
        Ok(this)
    }

    /// Which playback this is.
    pub fn id(&self) -> SessionId {
        self.playback.session
    }

    /// The page has seen where the film is.
    pub fn observe(&self, observation: Observation) {
        self.playback.conditions.observe(observation);
    }

    /// A person has chosen: positions in what [`Event::Tracks`] and [`Event::Captions`] listed.
    pub fn select(&self, quality: Option<u32>, audio: Option<u32>, captions: Option<u32>) {
        let offers = self.playback.offers.borrow();
        let quality = quality.and_then(|nth| offers.qualities.get(nth as usize));
        let sound = audio.and_then(|nth| offers.audio.get(nth as usize));
        let conditions = &self.playback.conditions;
        conditions.select(quality.copied(), sound.cloned(), captions);
    }

    /// From now on, so much is buffered.
    pub fn configure(&self, buffer: BufferGoal) {
        self.playback.conditions.set_buffer_goal(buffer);
    }
}

/// What there is of a playback before anything is known of its film.
struct SessionTask {
    port: Port,
    session: SessionId,
    /// The one that is shown, which is another one once the film goes on with other tracks.
    source: RefCell<OwnedMediaSource>,
    network: Rc<Network>,
    conditions: Rc<PlaybackState>,
    offers: RefCell<OfferedTracks>,
}

impl SessionTask {
    /// Plays a film, and comes to no end by itself: played or failed, the MediaSource is kept until the
    /// page lets go of it.
    async fn run(&self, url: &str, start: f64) {
        let Err(fault) = self.play(url, start).await;
        let (session, fault) = (self.session, *fault);
        self.port.post(Event::Failed {
            session,
            error: fault,
        });
        pending().await
    }

    /// Plays a film.
    async fn play(&self, url: &str, start: f64) -> Result<Infallible, Error> {
        let first = self.source.borrow().clone();
        let attached = async {
            first.wait_until_open().await;
            self.port
                .post_milestone(self.session, Milestone::SourceOpen);
            Ok(())
        };
        let (film, ()) = try_join(Content::load(url, self.network.clone()), attached).await?;
        spawn_local(film.clone().exclude_unsmooth());
        let shared = Rc::new(Context {
            port: self.port.clone(),
            session: self.session,
            content: film,
            network: self.network.clone(),
            state: self.conditions.clone(),
            offsets: RefCell::default(),
            nothing_appended: Cell::new(true),
        });
        let captions = Box::pin(captions::serve(&shared));
        match select(Box::pin(self.perform(&shared, start)), captions).await {
            Either::Left((fault, _)) => fault,
            Either::Right((never, _)) => match never {},
        }
    }

    /// Plays one act after another, with as many MediaSources as it takes: most films take one.
    async fn perform(&self, shared: &Rc<Context>, mut at: f64) -> Result<Infallible, Error> {
        loop {
            let current = self.source.borrow().clone();
            let performing = Box::pin(period_group::play(shared, &current, at, &self.offers));
            at = match select(performing, Box::pin(current.wait_until_closed())).await {
                Either::Left((done, _)) => done?,
                Either::Right(_) => return Err(PlaybackError::Detached.into()),
            };
            let next = open(&self.port, self.session, at)?;
            next.wait_until_open().await;
            self.conditions.reset(at);
            self.source.replace(next);
        }
    }
}

/// Makes a MediaSource, and sends its handle to the page, which will play it from `start` on.
fn open(port: &Port, session: SessionId, start: f64) -> Result<OwnedMediaSource, Error> {
    // Here the MediaSource is made, on the worker's own thread …
    let source = OwnedMediaSource::new()?;
    port.post_milestone(session, Milestone::MediaSourceCreated);

    // … and here its handle leaves for the page. It arrives in `app/link.rs`, and
    // `app/screen.rs` attaches it.
    let mark = ReachedMilestone::now(Milestone::HandleSent);
    let handle = source.handle().clone();
    port.post_with_transfer(Event::MediaSourceReady {
        session,
        handle,
        start,
    })?;
    port.post(Event::MilestoneReached { session, mark });
    Ok(source)
}
