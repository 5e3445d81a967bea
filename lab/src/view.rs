//! Which part of a session is in view: zoomed, moved, or following what happens. Pure.

use crate::chart::Extent;

/// The least and the usual length of what is in view, in milliseconds.
const LEAST: f64 = 100.0;
const USUAL: f64 = 60_000.0;
/// A session is shown as if it were at least so long, in milliseconds.
const YOUNG: f64 = 15_000.0;

/// What is in view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// How long a time, in milliseconds.
    span: f64,
    /// Where it begins, in milliseconds since the Unix epoch; `None` while it follows what happens.
    from: Option<f64>,
}

impl Default for View {
    fn default() -> Self {
        Self {
            span: USUAL,
            from: None,
        }
    }
}

impl View {
    /// Its extent, of a session from then to then. While it follows, the end is the session's.
    pub fn extent(self, (first, last): (f64, f64)) -> Extent {
        let span = self.span.min((last - first).max(YOUNG));
        let from = self.from.unwrap_or((last - span).max(first));
        Extent {
            from,
            to: from + span,
        }
    }

    /// Whether it follows what happens.
    pub const fn is_live(self) -> bool {
        self.from.is_none()
    }

    /// So many times as much, with this time where it is.
    pub fn zoom(&mut self, factor: f64, about: f64, session: (f64, f64)) {
        let Extent { from, to } = self.extent(session);
        let most = (session.1 - session.0).max(YOUNG);
        let span = ((to - from) * factor).clamp(LEAST, most);
        let from = about - (about - from) * span / (to - from);
        // What follows goes on following.
        let was_live = self.is_live() && about >= session.1;
        self.span = span;
        self.place(from, session);
        if was_live {
            self.from = None;
        }
    }

    /// So many milliseconds later, or earlier.
    pub fn shift(&mut self, milliseconds: f64, session: (f64, f64)) {
        self.place(self.extent(session).from + milliseconds, session);
    }

    /// From the session's beginning on.
    pub fn begin(&mut self, session: (f64, f64)) {
        self.place(session.0, session);
    }

    /// All of the session.
    pub fn show_all(&mut self, (first, last): (f64, f64)) {
        *self = Self {
            span: (last - first).max(LEAST),
            from: None,
        };
    }

    /// Follows what happens.
    pub const fn follow(&mut self) {
        self.from = None;
    }

    fn place(&mut self, from: f64, (first, last): (f64, f64)) {
        let from = from.max(first);
        self.from = (from + self.span < last).then_some(from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: (f64, f64) = (1_000.0, 3_601_000.0);

    #[test]
    fn it_follows_until_somebody_looks_back_and_again_at_the_end() {
        let mut view = View::default();
        assert_eq!(view.extent(HOUR).to, HOUR.1);
        view.shift(-10_000.0, HOUR);
        assert!(!view.is_live());
        assert_eq!(view.extent(HOUR).to, HOUR.1 - 10_000.0);
        // More happens: what is looked at stays.
        let later = (HOUR.0, HOUR.1 + 5_000.0);
        assert_eq!(view.extent(later), view.extent(HOUR));
        view.shift(60_000.0, later);
        assert!(view.is_live());
        assert_eq!(view.extent(later).to, later.1);
    }

    #[test]
    fn what_one_points_at_stays_where_it_is() {
        let mut view = View::default();
        view.begin(HOUR);
        let about = 21_000.0;
        let share = |view: View| {
            let Extent { from, to } = view.extent(HOUR);
            (about - from) / (to - from)
        };
        let before = share(view);
        view.zoom(0.5, about, HOUR);
        assert!((share(view) - before).abs() < 1e-9);
        assert_eq!(view.extent(HOUR).to - view.extent(HOUR).from, 30_000.0);
    }

    #[test]
    fn it_is_neither_nothing_nor_more_than_all() {
        let mut view = View::default();
        view.zoom(1e-9, 5_000.0, HOUR);
        assert_eq!(view.extent(HOUR).to - view.extent(HOUR).from, LEAST);
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
    fn a_young_session_is_in_view_with_some_room_to_grow() {
        let extent = |last| View::default().extent((5_000.0, last));
        let (from, to) = (5_000.0, 20_000.0);
        assert_eq!(extent(9_000.0), Extent { from, to });
        let to = 45_000.0;
        assert_eq!(extent(45_000.0), Extent { from, to });
        let (from, to) = (40_000.0, 100_000.0);
        assert_eq!(extent(100_000.0), Extent { from, to });
    }
}
