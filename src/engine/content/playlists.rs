//! The media playlists of live HLS: where they are on the timeline, when to reload them, and when they are complete.

use std::rc::Rc;

use super::{
    Content,
    live_state::{LoadedPlaylist, now_seconds},
};
use crate::{
    engine::{error::Error, manifest, network::FetchedFile},
    media::{
        Index, RepresentationId, Resource, Segments,
        hls::{self, MediaPlaylist},
        live::{
            FIRST_WINDOW_START, Live,
            align::{self, Relation},
        },
    },
    platform,
    protocol::{PlaybackError, ResourceKind},
};

/// A playlist is not reloaded more often than this, in seconds.
const MIN_RELOAD_SECONDS: f64 = 1.0;
/// A restarted playlist is believed once it was seen this often in a row, because it may be another server's old copy.
const RESTART_CONFIRMATIONS: u32 = 2;
/// A playlist that has not been used for this long, in seconds, is forgotten.
const KEEP_UNUSED_SECONDS: f64 = 10.0;

impl Content {
    /// Remembers the media playlist that was loaded as the manifest, if it is live.
    pub(super) fn adopt_playlist(&self, file: &FetchedFile, requested_at: f64) {
        let id = RepresentationId::default();
        let segments = match self.presentation().representation(id).map(|it| &it.index) {
            Some(Index::Known(segments)) if segments.live.is_growing => segments.clone(),
            _ => return,
        };
        if self.live.is_mpd.get() {
            return;
        }
        let url: Rc<str> = file.url.as_str().into();
        if segments.is_empty() {
            self.forget_playlist(id, &url);
            return;
        }
        let mut segments = Rc::unwrap_or_clone(segments);
        self.place_playlist(
            id,
            url.clone(),
            file.bytes.to_text(),
            &mut segments,
            requested_at,
        );
        self.replace_list(id, segments, url);
    }

    /// Places a media playlist that was loaded for the first time on the timeline, and remembers where it came from.
    pub(super) fn place_playlist(
        &self,
        id: RepresentationId,
        url: Rc<str>,
        text: String,
        segments: &mut Segments,
        requested_at: f64,
    ) {
        let reference = self.reference(id);
        match &reference {
            Some(reference) => align::align(reference, segments),
            None if segments.live.is_growing => segments.time_offset = FIRST_WINDOW_START,
            None => return,
        }
        let text = segments.live.can_skip_until.map(|_| text);
        let mut playlists = self.live.playlists.borrow_mut();
        playlists.retain(|other| other.id != id);
        playlists.push(LoadedPlaylist {
            id,
            url,
            text,
            loaded_at: requested_at / 1000.0,
            used_at: now_seconds(),
            has_changed: true,
            restarts_seen: 0,
        });
    }

    /// A live playlist that is on the timeline already: the one that ends last.
    fn reference(&self, id: RepresentationId) -> Option<Rc<Segments>> {
        let presentation = self.presentation();
        let playlists = self.live.playlists.borrow();
        let known = playlists.iter().filter(|known| known.id != id);
        let lists = known.filter_map(
            |known| match &presentation.representation(known.id)?.index {
                Index::Known(segments) if !segments.is_empty() => Some(segments.clone()),
                _ => None,
            },
        );
        let end = |segments: &Rc<Segments>| segments.span().map_or(0.0, |(_, end)| end);
        lists.max_by(|one, other| end(one).total_cmp(&end(other)))
    }

    /// The playlists in use that have to be reloaded now (RFC 8216bis § 6.3.4). Forgets those that are no longer used.
    pub(super) fn due_playlists(&self) -> Vec<RepresentationId> {
        let now = now_seconds();
        let in_use = self.tracked();
        let mut due = Vec::new();
        let mut forgotten = Vec::new();
        {
            let presentation = self.presentation();
            for playlist in self.live.playlists.borrow_mut().iter_mut() {
                let Some(Index::Known(segments)) = presentation
                    .representation(playlist.id)
                    .map(|representation| &representation.index)
                else {
                    continue;
                };
                if !segments.live.is_growing {
                    continue;
                }
                if !in_use.contains(&playlist.id) {
                    if now - playlist.used_at > KEEP_UNUSED_SECONDS {
                        forgotten.push((playlist.id, playlist.url.clone()));
                    }
                    continue;
                }
                playlist.used_at = now;
                let target = segments.live.target_duration.max(MIN_RELOAD_SECONDS);
                let wait = if playlist.has_changed {
                    target
                } else {
                    target / 2.0
                };
                if now - playlist.loaded_at >= wait {
                    playlist.loaded_at = now;
                    due.push(playlist.id);
                }
            }
        }
        for (id, url) in forgotten {
            self.forget_playlist(id, &url);
        }
        due
    }

    /// Forgets the list of a representation: it is loaded anew, and aligned to the others, when it is needed.
    fn forget_playlist(&self, id: RepresentationId, url: &str) {
        self.live
            .playlists
            .borrow_mut()
            .retain(|playlist| playlist.id != id);
        let mut presentation = self.presentation.borrow_mut();
        let set = presentation.adaptation_set_mut(id);
        if let Some(representation) =
            set.and_then(|set| set.representations.get_mut(id.representation))
        {
            representation.index = Index::Playlist(url.into());
        }
    }

    pub(super) async fn reload_playlist(&self, id: RepresentationId) -> Result<bool, Error> {
        let Some((url, previous, known)) = self.loaded_playlist(id) else {
            return Ok(false);
        };
        let mut resource = Resource::default();
        if previous.is_some() {
            // RFC 8216bis § 6.2.5.1.
            let separator = if url.contains('?') { '&' } else { '?' };
            resource.path = format!("{url}{separator}_HLS_skip=YES");
        }
        let fetched = self
            .network
            .get(
                ResourceKind::Manifest,
                std::slice::from_ref(&url),
                &resource,
            )
            .await;
        let file = match fetched {
            Ok(file) => file,
            Err(error) => {
                if let PlaybackError::HttpStatus {
                    status: 400..500, ..
                } = *error
                {
                    self.renew_addresses().await?;
                }
                return Err(error);
            }
        };
        let mut text = file.bytes.to_text();
        if let Some(previous) = &previous
            && let Some(whole) = hls::apply_delta_update(previous, &text)
        {
            text = whole;
        }
        let MediaPlaylist { mut segments, .. } =
            match manifest::read_media_playlist(&text, &file.url, &self.definitions) {
                Ok(playlist) => playlist,
                Err(error) => {
                    // A delta update that does not fit is followed by a complete playlist.
                    self.with_playlist(id, |playlist| playlist.text = None);
                    return Err(error);
                }
            };
        let relation = align::follow(&known, &mut segments);
        let mut is_confirmed = relation != Relation::Restarted;
        let has_changed = relation != Relation::Stale
            && (segments.span() != known.span() || !segments.live.is_growing);
        self.with_playlist(id, |playlist| {
            if relation == Relation::Restarted {
                playlist.restarts_seen += 1;
                is_confirmed = playlist.restarts_seen >= RESTART_CONFIRMATIONS;
            }
            if is_confirmed {
                playlist.restarts_seen = 0;
            }
            playlist.has_changed = has_changed && is_confirmed;
            playlist.text = segments.live.can_skip_until.map(|_| text);
        });
        if relation == Relation::Stale || !is_confirmed {
            return Ok(false);
        }
        let base_url = Rc::from(file.url.as_str());
        self.replace_list(id, segments, base_url);
        Ok(has_changed)
    }

    /// The URL, the last text and the segments of a playlist.
    fn loaded_playlist(
        &self,
        id: RepresentationId,
    ) -> Option<(Rc<str>, Option<String>, Rc<Segments>)> {
        let playlists = self.live.playlists.borrow();
        let playlist = playlists.iter().find(|playlist| playlist.id == id)?;
        let presentation = self.presentation();
        match &presentation.representation(id)?.index {
            Index::Known(segments) => Some((
                playlist.url.clone(),
                playlist.text.clone(),
                segments.clone(),
            )),
            _ => None,
        }
    }

    fn with_playlist(&self, id: RepresentationId, change: impl FnOnce(&mut LoadedPlaylist)) {
        let mut playlists = self.live.playlists.borrow_mut();
        if let Some(playlist) = playlists.iter_mut().find(|playlist| playlist.id == id) {
            change(playlist);
        }
    }

    /// Replaces the list of a representation. When the last list in use is complete, so is the presentation.
    fn replace_list(&self, id: RepresentationId, segments: Segments, base_url: Rc<str>) {
        {
            let mut presentation = self.presentation.borrow_mut();
            let set = presentation.adaptation_set_mut(id);
            let Some(representation) =
                set.and_then(|set| set.representations.get_mut(id.representation))
            else {
                return;
            };
            representation.base_urls = vec![base_url];
            representation.index = Index::Known(Rc::new(segments));
        }
        self.update_completeness();
    }

    /// Updates whether an HLS presentation is live: as long as a list in use grows.
    pub(super) fn update_completeness(&self) {
        if self.live.is_mpd.get() {
            return;
        }
        let tracked = self.tracked();
        let (mut is_growing, mut end, mut zero) = (false, None::<f64>, None);
        {
            let presentation = self.presentation();
            for id in &tracked {
                if let Some(Index::Known(segments)) = presentation
                    .representation(*id)
                    .map(|representation| &representation.index)
                {
                    is_growing |= segments.live.is_growing;
                    let list_end = segments.span().map(|(_, end)| end);
                    end = end.into_iter().chain(list_end).reduce(f64::max);
                    zero = zero.or_else(|| {
                        let (start, _) = segments.span()?;
                        Some(segments.date_at(start)? - start)
                    });
                }
            }
        }
        let mut presentation = self.presentation.borrow_mut();
        if is_growing {
            self.live.was_live.set(true);
            presentation.live.get_or_insert_with(Live::default).zero = zero;
            presentation.duration = None;
        } else if presentation.live.take().is_some() {
            presentation.duration = end;
            drop(presentation);
            // Lists that were not reloaded are incomplete.
            let playlists = self.live.playlists.borrow();
            let unused = playlists
                .iter()
                .filter(|playlist| !tracked.contains(&playlist.id));
            let unused: Vec<_> = unused
                .map(|playlist| (playlist.id, playlist.url.clone()))
                .collect();
            drop(playlists);
            for (id, url) in unused {
                self.forget_playlist(id, &url);
            }
        }
    }

    /// Loads the multivariant playlist again, for the addresses of its media playlists: tokens in them may have expired.
    async fn renew_addresses(&self) -> Result<(), Error> {
        let own: Rc<str> = self.url.as_str().into();
        let file = self
            .network
            .get(ResourceKind::Manifest, &[own], &Resource::default())
            .await?;
        let (new, _) = manifest::parse(&file)?;
        for playlist in self.live.playlists.borrow_mut().iter_mut() {
            let representation = new.representation(playlist.id);
            if let Some(representation) = representation
                && let Index::Playlist(path) = &representation.index
                && let Some(base) = representation.base_urls.first()
                && let Some(url) = platform::resolve_url(base, path)
            {
                playlist.url = url.into();
                playlist.text = None;
            }
        }
        Ok(())
    }
}
