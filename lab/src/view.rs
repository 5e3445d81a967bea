//! The zoom and scroll position of the timeline. Does not touch the DOM.
//!
//! A session is given as the times of its first and last event, in milliseconds since the Unix epoch.

use crate::chart::Extent;

/// The shortest visible span.
const MIN_SPAN_MS: f64 = 100.0;
const DEFAULT_SPAN_MS: f64 = 60_000.0;
/// A shorter session is shown as if it had this length.
const MIN_SESSION_MS: f64 = 15_000.0;

/// Which part of the session is visible.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// The length of the visible part.
    span_ms: f64,
    /// The start of the visible part, in milliseconds since the Unix epoch; `None` while the view follows the end of
    /// the session.
    from: Option<f64>,
}

impl Default for View {
    fn default() -> Self {
        Self {
            span_ms: DEFAULT_SPAN_MS,
            from: None,
        }
    }
}

impl View {
    /// The visible part of a session.
    pub fn extent(self, (first, last): (f64, f64)) -> Extent {
        let span = self.span_ms.min((last - first).max(MIN_SESSION_MS));
        let from = self.from.unwrap_or((last - span).max(first));
        Extent {
            from,
            to: from + span,
        }
    }

    /// Whether the view follows the end of the session.
    pub const fn is_following(self) -> bool {
        self.from.is_none()
    }

    /// Multiplies the visible span by `factor`. The time `center` keeps its place on the screen.
    pub fn zoom(&mut self, factor: f64, center: f64, session: (f64, f64)) {
        let Extent { from, to } = self.extent(session);
        let max_span = (session.1 - session.0).max(MIN_SESSION_MS);
        let span = ((to - from) * factor).clamp(MIN_SPAN_MS, max_span);
        let from = center - (center - from) * span / (to - from);
        let keep_following = self.is_following() && center >= session.1;
        self.span_ms = span;
        self.start_at(from, session);
        if keep_following {
            self.follow();
        }
    }

    /// Scrolls forwards, or backwards if negative.
    pub fn shift(&mut self, milliseconds: f64, session: (f64, f64)) {
        self.start_at(self.extent(session).from + milliseconds, session);
    }

    /// Scrolls to the start of the session.
    pub fn show_start(&mut self, session: (f64, f64)) {
        self.start_at(session.0, session);
    }

    /// Shows the whole session, and follows its end.
    pub fn show_all(&mut self, (first, last): (f64, f64)) {
        *self = Self {
            span_ms: (last - first).max(MIN_SPAN_MS),
            from: None,
        };
    }

    /// Follows the end of the session.
    pub const fn follow(&mut self) {
        self.from = None;
    }

    /// Scrolls to a time; follows the end if that is then visible.
    fn start_at(&mut self, from: f64, (first, last): (f64, f64)) {
        let from = from.max(first);
        self.from = (from + self.span_ms < last).then_some(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: (f64, f64) = (1_000.0, 3_601_000.0);

    #[test]
    fn follows_the_end_until_scrolled_back() {
        let mut view = View::default();
        assert_eq!(view.extent(HOUR).to, HOUR.1);
        view.shift(-10_000.0, HOUR);
        assert!(!view.is_following());
        assert_eq!(view.extent(HOUR).to, HOUR.1 - 10_000.0);
        // A scrolled view stays where it is when the session grows.
        let later = (HOUR.0, HOUR.1 + 5_000.0);
        assert_eq!(view.extent(later), view.extent(HOUR));
        view.shift(60_000.0, later);
        assert!(view.is_following());
        assert_eq!(view.extent(later).to, later.1);
    }

    #[test]
    fn zoom_keeps_its_center_in_place() {
        let mut view = View::default();
        view.show_start(HOUR);
        let center = 21_000.0;
        let share = |view: View| {
            let Extent { from, to } = view.extent(HOUR);
            (center - from) / (to - from)
        };
        let before = share(view);
        view.zoom(0.5, center, HOUR);
        assert!((share(view) - before).abs() < 1e-9);
        assert_eq!(view.extent(HOUR).to - view.extent(HOUR).from, 30_000.0);
    }

    #[test]
    fn zoom_is_limited_to_min_span_and_session() {
        let mut view = View::default();
        view.zoom(1e-9, 5_000.0, HOUR);
        assert_eq!(view.extent(HOUR).to - view.extent(HOUR).from, MIN_SPAN_MS);
        view.zoom(1e12, 5_000.0, HOUR);
        assert_eq!(
            view.extent(HOUR),
            Extent {
                from: HOUR.0,
                to: HOUR.1
            }
        );
        view.show_all(HOUR);
        assert_eq!(
            view.extent(HOUR),
            Extent {
                from: HOUR.0,
                to: HOUR.1
            }
        );
    }

    #[test]
    fn short_session_leaves_room_to_grow() {
        let extent = |last| View::default().extent((5_000.0, last));
        let (from, to) = (5_000.0, 20_000.0);
        assert_eq!(extent(9_000.0), Extent { from, to });
        let to = 45_000.0;
        assert_eq!(extent(45_000.0), Extent { from, to });
        let (from, to) = (40_000.0, 100_000.0);
        assert_eq!(extent(100_000.0), Extent { from, to });
    }
}
