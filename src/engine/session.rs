//! A session: one playback of one URL. `open_media_source` creates the MediaSource and sends its handle to the page.

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    future::pending,
    rc::Rc,
};

use futures_channel::oneshot;
use futures_util::future::{Either, join3, select, try_join};

use super::{
    captions,
    content::Content,
    context::{AudioDefaults, Context},
    error::Error,
    live::{self, LiveFollower},
    media_source::OwnedMediaSource,
    network::Network,
    offset_table::OffsetTable,
    period_group::{self, PreparedGroup},
    playback_state::PlaybackState,
    tracks::OfferedTracks,
};
use crate::{
    media::{Purpose, selection::AudioPreference},
    platform::{self, FileHandle},
    protocol::{
        BufferGoal, Event, EventPort, Observation, PlaybackError, PlaybackSettings, SessionId,
        TrackSelection,
        milestone::{Milestone, ReachedMilestone},
    },
};

/// How long the first segments wait for the browser to say which representations it decodes smoothly.
const CAPABILITIES_TIMEOUT_MS: u32 = 50;

/// Creates a MediaSource and sends its handle to the page, which plays it from `start`, in seconds.
fn open_media_source(
    port: &EventPort,
    session: SessionId,
    start: f64,
) -> Result<OwnedMediaSource, Error> {
    // `new MediaSource()`, on the worker's own thread.
    let source = OwnedMediaSource::new()?;
    port.post_milestone(session, Milestone::MediaSourceCreated);

    // The handle is transferred to the page. `player/engine_client.rs` receives it, and `player/attachment.rs` sets
    // `video.srcObject`. Then `sourceopen` fires on this thread (`SessionTask::play`).
    let reached = ReachedMilestone::now(Milestone::HandleSent);
    let handle = source.handle().clone();
    port.post_with_transfer(Event::MediaSourceReady {
        session,
        handle,
        start,
    })?;
    port.post(Event::MilestoneReached { session, reached });
    Ok(source)
}

/// A running session. Dropping it aborts its requests and tasks. Then [`Event::Stopped`] is posted, and
/// [`Event::Closed`] once the MediaSource is closed.
pub struct Session {
    task: Rc<SessionTask>,
    /// Dropping the sender cancels the task.
    _cancel: oneshot::Sender<()>,
}

impl Session {
    /// Creates the MediaSource, sends its handle to the page, and starts to play what is at `url`, or
    /// a file, whose name is `url` then.
    ///
    /// # Errors
    /// [`PlaybackError::NoMediaSourceInWorkers`] or [`PlaybackError::NoMediaSource`], and
    /// [`PlaybackError::MediaSourceCall`] if the browser does not transfer the handle. Later errors are posted as
    /// [`Event::Failed`].
    pub fn start(
        port: EventPort,
        session: SessionId,
        url: String,
        file: Option<FileHandle>,
        settings: PlaybackSettings,
    ) -> Result<Self, Error> {
        let start = settings.start.unwrap_or(0.0);
        let starts_by_author = settings.start.is_none();
        let audio_defaults = AudioDefaults {
            remembered: (settings.remembered_audio.as_ref()).map(|track| AudioPreference {
                language: track.language.clone(),
                purpose: Purpose::of_name(&track.note),
                ..AudioPreference::default()
            }),
            languages: settings.languages.clone(),
        };
        let task = Rc::new(SessionTask {
            source: RefCell::new(open_media_source(&port, session, start)?),
            state: PlaybackState::new(start, settings.buffer, settings.screen_size),
            network: Rc::new(Network::new(port.clone(), session, file, settings)),
            offered: RefCell::default(),
            starts_by_author,
            audio_defaults,
            port,
            session,
        });
        let (cancel, cancelled) = oneshot::channel();
        platform::spawn(task.clone().run_until(cancelled, url, start));
        Ok(Self {
            task,
            _cancel: cancel,
        })
    }

    /// The session's id.
    pub fn id(&self) -> SessionId {
        self.task.session
    }

    /// Updates the playback state with an observation of the element.
    pub fn observe(&self, observation: Observation) {
        self.task.state.observe(observation);
    }

    /// Selects among the offered tracks.
    pub fn select(&self, selection: TrackSelection) {
        let offered = self.task.offered.borrow();
        let quality = selection
            .quality
            .and_then(|index| offered.qualities.get(index as usize));
        let audio = selection
            .audio
            .and_then(|index| offered.audio.get(index as usize));
        let state = &self.task.state;
        state.select(quality.copied(), audio.cloned(), selection.captions);
    }

    /// Changes how much to buffer.
    pub fn configure(&self, buffer: BufferGoal) {
        self.task.state.set_buffer_goal(buffer);
    }
}

/// The task that plays a session, and the state that exists before its manifest is loaded.
struct SessionTask {
    port: EventPort,
    session: SessionId,
    /// The MediaSource of the current period group.
    source: RefCell<OwnedMediaSource>,
    network: Rc<Network>,
    state: Rc<PlaybackState>,
    offered: RefCell<OfferedTracks>,
    /// See [`Context::starts_by_author`].
    starts_by_author: bool,
    audio_defaults: AudioDefaults,
}

impl SessionTask {
    /// Runs the session until `cancelled`, then posts `Stopped`, and `Closed` once the page has detached the
    /// MediaSource.
    async fn run_until(self: Rc<Self>, cancelled: oneshot::Receiver<()>, url: String, start: f64) {
        // Boxed, so that it is dropped, with all its requests and timers, before the teardown.
        select(Box::pin(self.run(&url, start)), cancelled).await;

        // The MediaSource must not be used any more: once the page detaches it, every call would throw.
        let session = self.session;
        self.port.post(Event::Stopped { session });
        let source = self.source.borrow().clone();
        source.wait_until_closed().await;
        self.port.post(Event::Closed { session });
    }

    /// Plays `url`, and posts [`Event::Failed`] if that fails. Does not return even then: the MediaSource is kept until
    /// the session is cancelled.
    async fn run(&self, url: &str, start: f64) {
        let Err(error) = self.play(url, start).await;
        self.port.post(Event::Failed {
            session: self.session,
            error: *error,
        });
        pending().await
    }

    /// Loads the manifest and requests the first segments while the page attaches the handle, then plays.
    async fn play(&self, url: &str, start: f64) -> Result<Infallible, Error> {
        let source = self.source.borrow().clone();
        let attached = async {
            source.wait_until_open().await;
            self.port
                .post_milestone(self.session, Milestone::SourceOpen);
            Ok::<(), Error>(())
        };
        let prepared = async {
            let context = Rc::new(Context {
                port: self.port.clone(),
                session: self.session,
                content: Content::load(url, self.network.clone()).await?,
                network: self.network.clone(),
                state: self.state.clone(),
                offset_table: OffsetTable::default(),
                starts_by_author: Cell::new(self.starts_by_author),
                audio_defaults: self.audio_defaults.clone(),
                nothing_appended: Cell::new(true),
            });
            if let Some(file) = &context.content.file {
                self.port.post_diagnostic(self.session, &file.report());
                if !file.left_out().is_empty() {
                    self.port.post(Event::TracksLeftOut {
                        session: self.session,
                        tracks: file.left_out().to_vec(),
                    });
                }
            }
            // The first segments are chosen with it, if the browser answers soon.
            let unsmooth = Box::pin(context.content.exclude_unsmooth());
            select(unsmooth, platform::sleep(CAPABILITIES_TIMEOUT_MS)).await;
            let first = period_group::prepare(&context, start).await?;
            Ok((context, first))
        };
        // Boxed to keep the future small.
        let ((context, mut first), ()) = try_join(Box::pin(prepared), attached).await?;
        for (time, reason) in context.content.unplayable_periods() {
            context.report_skipped(time, *reason);
        }
        let playing = Box::pin(async {
            if context.content.is_live() {
                // Waits for reloads, which run beside it.
                let position = live::start_position(&context, start).await?;
                let session = self.session;
                self.state.seek(position);
                self.port.post(Event::Seek {
                    session,
                    to: position,
                });
                first = period_group::prepare(&context, position).await?;
            }
            self.play_groups(&context, &LiveFollower::default(), first)
                .await
        });
        let background = join3(
            captions::serve(&context),
            live::reload(&context),
            context.content.exclude_unsmooth(),
        );
        match select(playing, Box::pin(background)).await {
            Either::Left((result, _)) => result,
            Either::Right(((never, ..), _)) => match never {},
        }
    }

    /// Plays one period group after another, each with its own MediaSource. Most content has only one group.
    async fn play_groups(
        &self,
        context: &Rc<Context>,
        live: &LiveFollower,
        first: PreparedGroup,
    ) -> Result<Infallible, Error> {
        let mut group = first;
        loop {
            let source = self.source.borrow().clone();
            let playing = period_group::play(context, live, &source, group, &self.offered);
            let closed = source.wait_until_closed();
            let position = match select(Box::pin(playing), Box::pin(closed)).await {
                Either::Left((next, _)) => next?,
                Either::Right(_) => return Err(PlaybackError::Detached.into()),
            };
            let next = open_media_source(&self.port, self.session, position)?;
            next.wait_until_open().await;
            self.state.reset(position);
            self.source.replace(next);
            group = period_group::prepare(context, position).await?;
        }
    }
}
