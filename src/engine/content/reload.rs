//! Reloads of a live manifest.

use std::rc::Rc;

use futures_util::future::join_all;

use super::{Content, live_state::now_seconds};
use crate::{
    engine::{error::Error, manifest},
    media::{Index, Resource, live::merge},
    protocol::ResourceKind,
};

/// An MPD is not refreshed more often than this, in seconds.
const MIN_UPDATE_SECONDS: f64 = 1.0;
/// How often an MPD without `minimumUpdatePeriod` and without a timeline is refreshed, in seconds: it does not grow, but it
/// may end.
const STATIC_UPDATE_SECONDS: f64 = 30.0;

impl Content {
    /// Reloads what is due: the MPD, or the playlists in use. Returns whether anything has changed.
    pub async fn reload_due(&self) -> bool {
        if !self.is_live() {
            return false;
        }
        if self.live.is_mpd.get() {
            let is_due = now_seconds() - self.live.loaded_at.get() >= self.update_seconds();
            if !is_due {
                return false;
            }
            self.live.loaded_at.set(now_seconds());
            let result = self.reload_mpd().await;
            return self.record_reload(result);
        }
        let due = self.due_playlists();
        let results = join_all(due.into_iter().map(|id| self.reload_playlist(id))).await;
        let mut has_changed = false;
        for result in results {
            has_changed |= self.record_reload(result);
        }
        has_changed
    }

    fn record_reload(&self, result: Result<bool, Error>) -> bool {
        self.live
            .reloads
            .set(self.live.reloads.get().wrapping_add(1));
        let (has_changed, error) = match result {
            Ok(has_changed) => (has_changed, None),
            Err(error) => (false, Some(error)),
        };
        self.live.error.replace(error);
        has_changed
    }

    /// How often to refresh the MPD, in seconds.
    fn update_seconds(&self) -> f64 {
        let presentation = self.presentation();
        let period = presentation
            .live
            .as_ref()
            .and_then(|live| live.update_period);
        let seconds = match period {
            Some(period) if period > 0.0 => period,
            // § 5.3.1.2: without it, the MPD does not change; 0 means that it may change at any time.
            None if self.is_by_clock() => STATIC_UPDATE_SECONDS,
            _ => self.segment_seconds(),
        };
        seconds.max(MIN_UPDATE_SECONDS)
    }

    /// Whether segments become available by the clock.
    pub fn is_by_clock(&self) -> bool {
        let presentation = self.presentation();
        self.tracked().iter().any(|id| {
            let index = presentation.representation(*id).map(|representation| &representation.index);
            matches!(index, Some(Index::Known(segments)) if segments.live.availability_offset.is_some())
        })
    }

    async fn reload_mpd(&self) -> Result<bool, Error> {
        let location = self
            .presentation()
            .live
            .as_ref()
            .and_then(|live| live.locations.first().cloned());
        let (kind, resource) = (ResourceKind::Manifest, Resource::default());
        let own: Rc<str> = self.url.as_str().into();
        let file = match location {
            Some(location) => match self.network.get(kind, &[location.into()], &resource).await {
                Ok(file) => file,
                // An address with an expired token, for example.
                Err(_) => self.network.get(kind, &[own], &resource).await?,
            },
            None => self.network.get(kind, &[own], &resource).await?,
        };
        let (new, _) = manifest::parse(&file)?;
        let merged = merge::merge(self.presentation.take(), new);
        let periods = merged.presentation.periods.len();
        self.presentation.replace(merged.presentation);
        for id in merged.removed {
            if self.is_playable(id) {
                self.exclude(id);
            }
        }
        self.prune(periods);
        self.exclude_undecodable();
        self.live
            .version
            .set(self.live.version.get().wrapping_add(1));
        Ok(merged.is_newer)
    }

    /// Forgets what belongs to periods that are gone.
    fn prune(&self, periods: usize) {
        let presentation = self.presentation();
        let is_gone = |period: usize| {
            let period = presentation.periods.get(period);
            period.is_none_or(|period| period.adaptation_sets.is_empty())
        };
        debug_assert!(periods == presentation.periods.len());
        self.excluded.borrow_mut().retain(|id| !is_gone(id.period));
        self.live
            .unavailable
            .borrow_mut()
            .retain(|entry| !is_gone(entry.id.period));
    }
}
