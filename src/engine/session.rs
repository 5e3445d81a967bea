//! One playback of one film, from `new MediaSource()` to its end.

use std::{
    cell::{Cell, RefCell},
    future::pending,
    rc::Rc,
};

use futures_channel::oneshot;
use futures_util::future::{select, try_join};
use wasm_bindgen_futures::spawn_local;

use super::{
    act::{self, Offers},
    conditions::Conditions,
    film::Film,
    network::Network,
    shared::Shared,
    source::Source,
};
use crate::wire::{
    BufferGoal, Event, Fault, Observation, SessionId, Settings,
    journey::{Mark, Step},
    post::Port,
};

/// A playback that goes on for as long as this is held. Dropping it aborts its fetches and ends its calls
/// to the MediaSource, which is then posted as [`Event::Stopped`].
pub struct Session {
    id: SessionId,
    conditions: Rc<Conditions>,
    offers: Rc<RefCell<Offers>>,
    /// Never sent on: it is the dropping that is heard.
    _held: oneshot::Sender<()>,
}

impl Session {
    /// Makes the MediaSource, sends its handle to the page, and plays the film at `url`.
    ///
    /// # Errors
    /// [`Fault::NoMediaSourceInWorkers`], or [`Fault::Media`] if the browser does not let go of the
    /// handle. What fails later is posted as [`Event::Failed`].
    pub fn start(
        port: Port,
        session: SessionId,
        url: String,
        settings: Settings,
    ) -> Result<Self, Fault> {
        let source = open(&port, session, settings.start)?;
        let conditions = Conditions::new(settings.start, settings.buffer);
        let offers = Rc::<RefCell<Offers>>::default();
        let (held, dropped) = oneshot::channel();
        let this = Self {
            id: session,
            conditions: conditions.clone(),
            offers: offers.clone(),
            _held: held,
        };
        spawn_local(async move {
            // The one that is shown, which is another one once the film goes on with other tracks.
            let source = RefCell::new(source);
            let playback = async {
                let playing = play(&port, session, &source, &url, settings, conditions, offers);
                if let Err(fault) = playing.await {
                    port.post(Event::Failed { session, fault });
                }
                // Played or failed, the MediaSource is kept until the page lets go of it.
                pending::<()>().await
            };
            // Boxed, so that it goes with the `select`, and with it whatever it is waiting for.
            select(Box::pin(playback), dropped).await;

            // Nothing touches the MediaSource any more, so the page may detach it. While it does,
            // every call to it would throw.
            port.post(Event::Stopped { session });
            source.into_inner().closed().await;
            port.post(Event::Closed { session });
        });
        Ok(this)
    }

    /// Which playback this is.
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// The page has seen where the film is.
    pub fn observe(&self, observation: Observation) {
        self.conditions.observe(observation);
    }

    /// A person has chosen: positions in what [`Event::Tracks`] listed.
    pub fn choose(&self, quality: Option<u32>, audio: Option<u32>) {
        let offers = self.offers.borrow();
        let quality = quality.and_then(|nth| offers.qualities.get(nth as usize));
        let sound = audio.and_then(|nth| offers.sounds.get(nth as usize));
        self.conditions.choose(quality.copied(), sound.cloned());
    }

    /// From now on, so much is buffered.
    pub fn configure(&self, buffer: BufferGoal) {
        self.conditions.want(buffer);
    }
}

/// Makes a MediaSource, and sends its handle to the page, which will play it from `start` on.
fn open(port: &Port, session: SessionId, start: f64) -> Result<Source, Fault> {
    // Here the MediaSource is made, on the worker's own thread …
    let source = Source::new()?;
    port.reached(session, Step::MediaSourceCreated);

    // … and here its handle leaves for the page. It arrives in `app/link.rs`, and
    // `app/screen.rs` attaches it.
    let mark = Mark::now(Step::HandleSent);
    let handle = source.handle().clone();
    port.transfer(Event::Opened {
        session,
        handle,
        start,
    })?;
    port.post(Event::Reached { session, mark });
    Ok(source)
}

/// Plays a film, with as many MediaSources as it takes: most films take one.
async fn play(
    port: &Port,
    session: SessionId,
    source: &RefCell<Source>,
    url: &str,
    settings: Settings,
    conditions: Rc<Conditions>,
    offers: Rc<RefCell<Offers>>,
) -> Result<(), Fault> {
    let mut at = settings.start;
    let network = Rc::new(Network::new(port.clone(), session, settings));
    let first = source.borrow().clone();
    let attached = async {
        first.opened().await;
        port.reached(session, Step::SourceOpen);
        Ok(())
    };
    let (film, ()) = try_join(Film::read(url, network.clone()), attached).await?;
    let shared = Rc::new(Shared {
        port: port.clone(),
        session,
        film,
        network,
        conditions,
        offsets: RefCell::default(),
        is_first: Cell::new(true),
    });
    let slow = shared.clone();
    spawn_local(async move { slow.film.exclude_the_slow().await });
    loop {
        let current = source.borrow().clone();
        at = act::perform(&shared, &current, at, &offers).await?;
        let next = open(port, session, at)?;
        next.opened().await;
        shared.conditions.empty(at);
        source.replace(next);
    }
}
