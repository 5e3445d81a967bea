//! Lists the captions, and loads those that are selected.

use std::convert::Infallible;

use super::{
    content::Content,
    context::Context,
    error::{Error, call_error, invalid_data},
};
use crate::{
    media::{
        captions::{self, CaptionTrack},
        text,
    },
    platform::ObjectUrl,
    protocol::{Event, ResourceKind, TrackInfo},
};

/// Captions are not requested before this much media is buffered ahead.
const MIN_AHEAD_SECONDS: f64 = 5.0;

/// Posts the list of captions, and loads captions when they are selected, until the future is dropped.
pub async fn serve(context: &Context) -> Infallible {
    let (session, state) = (context.session, &context.state);
    while state.buffered_ahead() < MIN_AHEAD_SECONDS.min(state.goal() / 2.0)
        && !state.is_fully_buffered()
    {
        state.next_change_or_tick().await;
    }
    let tracks = loadable_tracks(&context.content).await;
    context.port.post(Event::CaptionTracks {
        session,
        tracks: tracks
            .iter()
            .map(|track| TrackInfo {
                language: track.language.clone(),
                label: track.label.clone(),
                note: track.purpose.name().into(),
            })
            .collect(),
    });
    // The object URLs are valid for as long as they are held.
    let mut loaded: Vec<(u32, ObjectUrl)> = Vec::new();
    let mut previous = None;
    loop {
        let change = state.next_change();
        let selected = state.captions();
        if selected != previous
            && let Some(index) = selected
            && let Some(track) = tracks.get(index as usize)
            && loaded.iter().all(|(known, _)| *known != index)
        {
            let url = match load(context, track).await {
                Ok(file) => {
                    let url = file.as_str().to_owned();
                    loaded.push((index, file));
                    Ok(url)
                }
                Err(error) => Err(*error),
            };
            context.port.post(Event::CaptionsLoaded {
                session,
                index,
                url,
            });
        }
        previous = selected;
        change.await;
    }
}

/// The caption tracks that consist of whole files. In HLS, only their playlists tell; tracks whose playlist cannot be
/// loaded are left out.
async fn loadable_tracks(content: &Content) -> Vec<CaptionTrack> {
    let mut tracks = content.presentation().captions.clone();
    for track in &mut tracks {
        for file in std::mem::take(&mut track.files) {
            let whole = match file.is_playlist {
                true => content.caption_file(&file).await.ok().flatten(),
                false => Some(file),
            };
            track.files.extend(whole);
        }
    }
    tracks.retain(|track| !track.files.is_empty());
    tracks
}

/// Loads a caption track and combines its files into one.
async fn load(context: &Context, track: &CaptionTrack) -> Result<ObjectUrl, Error> {
    let kind = ResourceKind::Captions;
    let mut combined = String::new();
    for part in &track.files {
        let file = context
            .content
            .resource(kind, &part.base_urls, &part.resource)
            .await?;
        let text = text::decode(&file.bytes.to_vec());
        let mut time_offset = part.time_offset;
        if part.has_timestamp_map
            && let Some(media_time) = captions::timestamp_map(&text)
        {
            time_offset += captions::shift_by_map(media_time, first_media_offset(context));
        }
        captions::append(&mut combined, &text, time_offset)
            .ok_or_else(|| invalid_data(kind, &file.url, "it is not WebVTT"))?;
    }
    ObjectUrl::of_text(&combined)
        .map_err(|exception| call_error("create a file of the captions", exception))
}

/// Seconds to add to the media times of the first discontinuity that was played, to get presentation times.
fn first_media_offset(context: &Context) -> f64 {
    context.offset_table.first_offset_known().unwrap_or(0.0)
}
