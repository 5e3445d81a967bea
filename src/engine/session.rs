//! One playback of one film, from `new MediaSource()` to the end of the stream.

use std::{cell::Cell, future::pending, iter};

use futures_channel::oneshot;
use futures_util::{
    StreamExt,
    future::{select, try_join, try_join_all},
    stream,
};
use wasm_bindgen_futures::spawn_local;

use super::{buffer::Buffer, fetch, manifest, source::Source};
use crate::{
    media::Track,
    wire::{
        Event, Fault, Piece, SessionId,
        journey::{Mark, Step},
        post::Port,
    },
};

/// How many segments of a track are on their way at once: one arrives while another is appended.
const IN_FLIGHT: usize = 2;

/// A playback that goes on for as long as this is held. Dropping it aborts its fetches and ends its calls
/// to the MediaSource, which is then posted as [`Event::Stopped`].
pub struct Session {
    id: SessionId,
    /// Never sent on: it is the dropping that is heard.
    _held: oneshot::Sender<()>,
}

impl Session {
    /// Makes the MediaSource, sends its handle to the page, and plays the film at `url`.
    ///
    /// # Errors
    /// [`Fault::NoMediaSourceInWorkers`], or [`Fault::Media`] if the browser does not let go of the
    /// handle. What fails later is posted as [`Event::Failed`].
    pub fn start(port: Port, session: SessionId, url: String) -> Result<Self, Fault> {
        // Here the MediaSource is made, on the worker's own thread …
        let source = Source::new()?;
        port.reached(session, Step::MediaSourceCreated);

        // … and here its handle leaves for the page. It arrives in `app/link.rs`, and
        // `app/screen.rs` attaches it.
        let mark = Mark::now(Step::HandleSent);
        let handle = source.handle().clone();
        port.transfer(Event::Opened { session, handle })?;
        port.post(Event::Reached { session, mark });

        let (held, dropped) = oneshot::channel();
        spawn_local(async move {
            let playback = async {
                if let Err(fault) = play(&port, session, &source, &url).await {
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
            source.closed().await;
            port.post(Event::Closed { session });
        });
        Ok(Self {
            id: session,
            _held: held,
        })
    }

    /// Which playback this is.
    pub const fn id(&self) -> SessionId {
        self.id
    }
}

async fn play(port: &Port, session: SessionId, source: &Source, url: &str) -> Result<(), Fault> {
    let attached = async {
        source.opened().await;
        port.reached(session, Step::SourceOpen);
        Ok(())
    };
    let (film, ()) = try_join(manifest::read(url), attached).await?;

    source.set_duration(film.duration())?;
    let tracks = film.tracks.iter();
    let feeds: Vec<_> = tracks
        .map(|track| Ok((track, source.buffer(&track.mime)?)))
        .collect::<Result<_, Fault>>()?;
    port.reached(session, Step::SourceBuffersCreated);

    let first = Cell::new(true);
    let appended = || {
        if first.take() {
            port.reached(session, Step::FirstAppend);
        }
    };
    try_join_all(
        feeds
            .into_iter()
            .map(|(track, buffer)| feed(track, buffer, &appended)),
    )
    .await?;

    source.end()?;
    port.reached(session, Step::EndOfStream);
    Ok(())
}

/// Fetches a track and appends it, in order. The init segment and the first media segment are
/// fetched together.
async fn feed(track: &Track, mut buffer: Buffer, appended: &impl Fn()) -> Result<(), Fault> {
    let init = iter::once((&track.init, Piece::Init));
    let segments = track
        .segments
        .iter()
        .map(|segment| (&segment.url, Piece::Segment));
    let mut arriving = stream::iter(init.chain(segments))
        .map(async |(url, piece)| Ok((fetch::bytes(url, piece).await?, piece)))
        .buffered(IN_FLIGHT);
    while let Some(arrived) = arriving.next().await {
        let (bytes, piece) = arrived?;
        buffer.append(&bytes).await?;
        if piece == Piece::Segment {
            appended();
        }
    }
    Ok(())
}
