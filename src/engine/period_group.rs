//! Plays consecutive periods that one MediaSource can play. Most content is one group; a period with other tracks,
//! such as an advertisement without audio, starts another.

use std::{
    cell::RefCell,
    future::{pending, poll_fn},
    rc::Rc,
    task::Poll,
};

use futures_util::future::LocalBoxFuture;

use super::{
    context::Context,
    error::Error,
    live::LiveFollower,
    media_source::OwnedMediaSource,
    monitor::monitor,
    track_feeder::TrackFeeder,
    tracks::{OfferedTracks, Tracks},
};
use crate::protocol::{Event, milestone::Milestone};

/// A period group whose MediaSource may still be closed.
pub struct PreparedGroup {
    position: f64,
    /// Where the author wants playback to start, in seconds, if the page does not say.
    author_start: Option<f64>,
    tracks: Tracks,
    /// The media types of the SourceBuffers, in the order of the feeders.
    types: [Option<String>; 2],
}

/// Prepares to play the period group at a position: selects its tracks, loads what is needed to know their types, and
/// requests the first segments. Not those of a live stream, which plays from another position by then.
///
/// # Errors
/// Any that ends the session.
pub async fn prepare(context: &Rc<Context>, position: f64) -> Result<PreparedGroup, Error> {
    let (tracks, types) = loop {
        let tracks = Tracks::at(context, position)?;
        let types = tracks.load_first_indexes(position).await?;
        // Indexes and init segments may have shown that a track is shorter, or of another type.
        let current = Tracks::current_group(context, position);
        if current == Some(tracks.group.get()) || context.content.is_live() {
            break (tracks, types);
        }
    };
    let mut author_start = None;
    if !context.content.is_live() {
        // Known once a media playlist is loaded.
        author_start = context.content.presentation().start_position();
        author_start = author_start.filter(|start| context.starts_by_author.take() && *start > 0.0);
        if let Some(start) = author_start {
            context.state.seek(start);
        }
        let feeders = tracks.feeders.iter().flatten();
        feeders.for_each(TrackFeeder::prefetch);
    }
    Ok(PreparedGroup {
        position,
        author_start,
        tracks,
        types: [types.0, types.1],
    })
}

/// Plays a period group. Returns the position where another group has to continue.
///
/// # Errors
/// Any that ends the session.
pub async fn play(
    context: &Rc<Context>,
    live: &LiveFollower,
    source: &OwnedMediaSource,
    prepared: PreparedGroup,
    offered: &RefCell<OfferedTracks>,
) -> Result<f64, Error> {
    let PreparedGroup {
        position,
        author_start,
        tracks,
        types,
    } = prepared;
    if context.content.is_live() {
        context.network.set_live();
        source.set_duration(f64::INFINITY)?;
    }
    // The duration of HLS is only known once a media playlist is loaded.
    if let Some(duration) = context.content.presentation().duration {
        source.set_duration(duration)?;
    }
    if let Some(start) = author_start {
        let session = context.session;
        context.port.post(Event::Seek { session, to: start });
    }
    let begins_at = author_start.unwrap_or(position);
    let feeders = || tracks.feeders.iter().flatten();
    if position > 0.0 && feeders().any(TrackFeeder::starts_at_zero) {
        // WebKitGTK plays a segment at 0 before its first seek, and loses the stream if a seek ends while the
        // first frame is decoded. An element that starts within the first segment therefore starts at 0, and
        // `player/attachment.rs` seeks once the first frame is there.
        let session = context.session;
        context.port.post(Event::Seek { session, to: 0.0 });
    }
    // Browsers refuse to create a SourceBuffer after the first append, so all are created before any feeder runs.
    let mut tasks: Vec<LocalBoxFuture<Result<f64, Error>>> = Vec::new();
    for (feeder, mime) in tracks.feeders.iter().zip(&types) {
        if let (Some(feeder), Some(mime)) = (feeder, mime) {
            let buffer = source.add_buffer(mime)?;
            tasks.push(Box::pin(async {
                match feeder.run(buffer, source).await? {}
            }));
        }
    }
    if let Some(start) = author_start {
        tasks.push(Box::pin(repeat_ignored_seek(context, start)));
    }
    tasks.push(Box::pin(monitor(context, live, source, &tracks, begins_at)));
    context
        .port
        .post_milestone(context.session, Milestone::SourceBuffersCreated);
    tracks.announce(context, offered);
    // Runs until the first task ends: the monitor, or a feeder with an error.
    poll_fn(|task_context| {
        let mut polls = tasks
            .iter_mut()
            .map(|task| task.as_mut().poll(task_context));
        polls.find(Poll::is_ready).unwrap_or(Poll::Pending)
    })
    .await
}

/// Repeats the first seek once there is media: Chromium may ignore a seek before it has metadata. Does not return.
async fn repeat_ignored_seek(context: &Context, to: f64) -> Result<f64, Error> {
    let state = &context.state;
    while state.playable_ranges().iter().next().is_none() {
        state.next_change().await;
    }
    let session = context.session;
    context.port.post(Event::Seek { session, to });
    pending().await
}
