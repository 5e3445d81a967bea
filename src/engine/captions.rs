//! The captions of a film: tells the page which there are, and reads those that are shown there.

use std::convert::Infallible;

use super::{
    content::Content,
    context::{Context, Error, invalid_data},
    media_source::call_error,
};
use crate::{
    media::captions::{self, CaptionTrack},
    platform::web::{self, ObjectUrl},
    protocol::{Event, ResourceKind, TrackInfo},
};

/// With less than this ahead, a film has better use for the network: seconds.
const CALM: f64 = 5.0;

/// Sees to the captions for as long as this is awaited.
pub async fn serve(shared: &Context) -> Infallible {
    let (session, conditions) = (shared.session, &shared.state);
    while conditions.buffered_ahead() < CALM.min(conditions.goal() / 2.0)
        && !conditions.is_fully_buffered()
    {
        conditions.next_change_or_tick().await;
    }
    let all = offered(&shared.content).await;
    let tracks = all.iter().map(|it| TrackInfo {
        language: it.language.clone(),
        label: it.label.clone(),
    });
    let tracks = tracks.collect();
    shared.port.post(Event::CaptionTracks { session, tracks });
    // What the page has been given, it can reach for as long as this is held.
    let mut given: Vec<(u32, ObjectUrl)> = Vec::new();
    let mut heard = None;
    loop {
        let change = conditions.next_change();
        let shown = conditions.captions();
        if shown != heard
            && let Some(place) = shown
            && let Some(wanted) = all.get(place as usize)
            && given.iter().all(|(known, _)| *known != place)
        {
            let file = match read(&shared.content, wanted).await {
                Ok(url) => {
                    let words = url.as_str().to_owned();
                    given.push((place, url));
                    Ok(words)
                }
                Err(fault) => Err(*fault),
            };
            shared.port.post(Event::CaptionsLoaded {
                session,
                index: place,
                url: file,
            });
        }
        heard = shown;
        change.await;
    }
}

/// Those captions that are whole files: to know that in HLS, their playlists have to be read. There are no
/// captions in one that cannot be.
async fn offered(film: &Content) -> Vec<CaptionTrack> {
    let mut all = film.presentation().captions.clone();
    for captions in &mut all {
        for file in std::mem::take(&mut captions.files) {
            let whole = match file.is_playlist {
                true => film.caption_file(&file).await.ok().flatten(),
                false => Some(file),
            };
            captions.files.extend(whole);
        }
    }
    all.retain(|it| !it.files.is_empty());
    all
}

/// Reads captions, and makes one file of them that the page can reach.
async fn read(film: &Content, wanted: &CaptionTrack) -> Result<ObjectUrl, Error> {
    let mut all = String::new();
    for it in &wanted.files {
        let file = film
            .resource(ResourceKind::CaptionTracks, &it.base_urls, &it.resource)
            .await?;
        captions::append(&mut all, &web::decode(&file.bytes), it.time_offset).ok_or_else(|| {
            invalid_data(ResourceKind::CaptionTracks, &file.url, "it is no WebVTT")
        })?;
    }
    ObjectUrl::of_text(&all)
        .map_err(|exception| call_error("make a file of the captions", &exception))
}
