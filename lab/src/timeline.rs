//! What happens where: the session along an axis of time, to be zoomed and pointed at. It is drawn when
//! something has changed and somebody sees it, and at no other time.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::prelude::*;
use web_sys::{
    CanvasRenderingContext2d, Element, Event, HtmlCanvasElement, HtmlElement, KeyboardEvent,
    PointerEvent, WheelEvent, window,
};

use crate::{
    chart::{Chart, Extent, Palette},
    element::{add, button, panel, write},
    history::History,
    view::View,
    visibility::Visibility,
};

/// How much nearer or further one step of the zoom is.
const STEP: f64 = 1.5;
/// How large the letters around it usually are, in pixels of CSS.
const LETTERS: f64 = 14.0;
/// How many things the list tells.
const LISTED: usize = 100;

/// The panel, for as long as it is held.
pub struct Timeline {
    drawing: Rc<Drawing>,
    _sight: Visibility,
    _listeners: Vec<EventListener>,
}

/// What is drawn, and how it is looked at.
struct Drawing {
    history: Rc<RefCell<History>>,
    canvas: HtmlCanvasElement,
    tip: HtmlElement,
    list: Element,
    /// The element that the list is folded into.
    fold: Element,
    view: Cell<View>,
    /// How large the page's letters are, and with them all that is drawn: pixels of CSS to one of the drawing.
    letters: Cell<f64>,
    /// Where somebody points, in pixels of the drawing.
    pointer: Cell<Option<(f64, f64)>>,
    /// The fingers or the button that are down: which, and how far from the left.
    held: RefCell<Vec<(i32, f64)>>,
    is_seen: Cell<bool>,
    is_asked: Cell<bool>,
    paint: Closure<dyn Fn()>,
}

impl Timeline {
    /// Adds the panel.
    ///
    /// # Errors
    /// Those of a document that is going.
    pub fn put_into(room: &Element, history: Rc<RefCell<History>>) -> Result<Self, JsValue> {
        let panel = panel(room, "timeline", "What happens where")?;
        write(
            &panel,
            "p",
            "Every request by what it fetches, every append, message, seek and stall, and above them \
             what is buffered and what the network gives. Drag to move; Ctrl and the wheel, two fingers \
             or the keys + and − zoom.",
        )?;
        let row = add(&panel, "div", "row")?;
        let stage = add(&panel, "div", "stage")?;
        let canvas: HtmlCanvasElement = add(&stage, "canvas", "")?.unchecked_into();
        canvas.set_attribute("tabindex", "0")?;
        canvas.set_attribute("role", "img")?;
        // Until it is drawn, which says more.
        canvas.set_attribute("aria-label", "The timeline")?;
        let tip: HtmlElement = add(&stage, "div", "tip")?.unchecked_into();
        tip.set_hidden(true);
        legend(&panel)?;
        let fold = add(&panel, "details", "")?;
        write(&fold, "summary", "The same in words")?;
        let list = add(&fold, "ol", "")?;

        let drawing = Rc::new_cyclic(|this: &Weak<Drawing>| {
            let this = this.clone();
            Drawing {
                history,
                canvas: canvas.clone(),
                tip,
                list,
                fold: fold.clone(),
                view: Cell::default(),
                letters: Cell::new(1.0),
                pointer: Cell::default(),
                held: RefCell::default(),
                is_seen: Cell::default(),
                is_asked: Cell::default(),
                paint: Closure::new(move || {
                    if let Some(drawing) = this.upgrade() {
                        drawing.paint();
                    }
                }),
            }
        });
        let mut listeners = drawing.buttons(&row)?;
        listeners.extend(drawing.listen());
        listeners.push(EventListener::new(&fold, "toggle", {
            let drawing = drawing.clone();
            move |_| drawing.changed()
        }));
        // Its colours are those of the page, and a canvas keeps what was drawn.
        let dark = window().map(|window| window.match_media("(prefers-color-scheme: dark)"));
        if let Some(dark) = dark.transpose()?.flatten() {
            let drawing = drawing.clone();
            listeners.push(EventListener::new(&dark, "change", move |_| {
                drawing.changed()
            }));
        }
        let sight = Visibility::of(&stage, {
            let drawing = drawing.clone();
            move |is_seen| {
                drawing.is_seen.set(is_seen);
                drawing.changed();
            }
        })?;
        Ok(Self {
            drawing,
            _sight: sight,
            _listeners: listeners,
        })
    }

    /// The history has grown.
    pub fn changed(&self) {
        self.drawing.changed();
    }
}

/// What the colours mean.
fn legend(panel: &Element) -> Result<(), JsValue> {
    let legend = add(panel, "p", "legend")?;
    for (colour, words) in [
        ("worker", "pictures, the worker"),
        ("handle", "sound, seeks"),
        ("page", "the element, the page, seconds ahead"),
        ("stall", "stalls and faults"),
        ("soft", "what was wanted, what the network gives"),
    ] {
        write(&legend, "span", words)?.set_attribute("data-colour", colour)?;
    }
    Ok(())
}

impl Drawing {
    /// Draws at the next frame, if somebody sees it. Hidden pages have no frames.
    fn changed(&self) {
        if !self.is_seen.get() || self.is_asked.replace(true) {
            return;
        }
        let asked = window()
            .map(|window| window.request_animation_frame(self.paint.as_ref().unchecked_ref()));
        self.is_asked.set(matches!(asked, Some(Ok(_))));
    }

    fn paint(&self) {
        self.is_asked.set(false);
        // Nothing that a canvas throws can be helped, and the next frame may go well.
        let _ = self.draw();
    }

    fn draw(&self) -> Result<(), JsValue> {
        let palette = self.look_up()?;
        let history = self.history.borrow();
        let chart = self.chart(&history);
        let height = chart.height();
        let letters = self.letters.get();
        self.canvas
            .style()
            .set_property("height", &format!("{}px", height * letters))?;
        let density = window().map_or(1.0, |window| window.device_pixel_ratio()) * letters;
        let pixels = |length: f64| (length * density).round() as u32;
        // To set a size is to clear, and to make anew.
        if (self.canvas.width(), self.canvas.height()) != (pixels(chart.width), pixels(height)) {
            self.canvas.set_width(pixels(chart.width));
            self.canvas.set_height(pixels(height));
        }
        let on = self.canvas.get_context("2d")?.ok_or("no canvas")?;
        let on: CanvasRenderingContext2d = on.unchecked_into();
        on.set_transform(density, 0.0, 0.0, density, 0.0, 0.0)?;
        chart.draw(&on, &palette, self.pointer.get().map(|(x, _)| x))?;
        self.show_tip(&chart)?;
        self.tell(&chart)
    }

    fn chart<'a>(&self, history: &'a History) -> Chart<'a> {
        Chart {
            history,
            extent: self.view.get().extent(history.span.unwrap_or_default()),
            width: self.scaled(self.canvas.client_width()).max(160.0),
        }
    }

    /// Pixels of CSS in those of the drawing.
    fn scaled(&self, pixels: i32) -> f64 {
        f64::from(pixels) / self.letters.get()
    }

    /// Looks up the page's colours and the size of its letters, as they are now.
    fn look_up(&self) -> Result<Palette, JsValue> {
        let style = window()
            .ok_or("no window")?
            .get_computed_style(&self.canvas)?;
        let style = style.ok_or("no style")?;
        let of = |name| style.get_property_value(name);
        let size = js_sys::parse_float(&of("font-size")?);
        if size > 0.0 {
            self.letters.set(size / LETTERS);
        }
        Ok(Palette {
            ink: of("--ink")?,
            soft: of("--soft")?,
            line: of("--line")?,
            worker: of("--worker")?,
            page: of("--page")?,
            handle: of("--handle")?,
            stall: of("--stall")?,
            font: of("font-family")?,
        })
    }

    /// Says what there is where somebody points.
    fn show_tip(&self, chart: &Chart) -> Result<(), JsValue> {
        let pointer = self.pointer.get().filter(|(x, _)| *x > chart.gutter());
        self.tip.set_hidden(pointer.is_none());
        let Some((x, y)) = pointer else {
            return Ok(());
        };
        self.tip.set_text_content(None);
        for line in chart.describe(x, y) {
            write(&self.tip, "div", &line)?;
        }
        // On the side where there is more room.
        let style = self.tip.style();
        let is_left = x > chart.width / 2.0;
        let pixels = |length: f64| format!("{}px", length * self.letters.get());
        let (left, right) = match is_left {
            true => ("auto".into(), pixels(chart.width - x + 14.0)),
            false => (pixels(x + 14.0), "auto".into()),
        };
        style.set_property("left", &left)?;
        style.set_property("right", &right)?;
        style.set_property("top", &pixels((y - 10.0).max(0.0)))
    }

    /// Tells those who do not see it.
    fn tell(&self, chart: &Chart) -> Result<(), JsValue> {
        let Extent { from, to } = chart.extent;
        let History {
            segments,
            milestones,
            ..
        } = chart.history;
        let words = format!(
            "Timeline: {:.0} seconds of the session in view; {} segments and {} steps of the \
             handle’s journey so far. The same in words is below.",
            (to - from) / 1000.0,
            segments.len(),
            milestones.len()
        );
        self.canvas.set_attribute("aria-label", &words)?;
        if self.fold.has_attribute("open") {
            self.list.set_text_content(None);
            for line in chart.latest_events(LISTED) {
                write(&self.list, "li", &line)?;
            }
        }
        Ok(())
    }

    /// Looks at it in another way.
    fn look(&self, change: impl FnOnce(&mut View, (f64, f64))) {
        let Some(session) = self.history.borrow().span else {
            return;
        };
        let mut view = self.view.get();
        change(&mut view, session);
        self.view.set(view);
        self.changed();
    }

    /// What time is at a place of the canvas.
    fn time(&self, x: f64) -> f64 {
        let history = self.history.borrow();
        self.chart(&history).time(x)
    }

    /// How much time a distance on the canvas is, in milliseconds.
    fn duration(&self, pixels: f64) -> f64 {
        self.time(pixels) - self.time(0.0)
    }

    fn zoom_in_the_middle(&self, factor: f64) {
        self.look(|view, session| {
            let Extent { from, to } = view.extent(session);
            let about = if view.is_live() {
                to.min(session.1)
            } else {
                (from + to) / 2.0
            };
            view.zoom(factor, about, session);
        });
    }

    fn buttons(self: &Rc<Self>, row: &Element) -> Result<Vec<EventListener>, JsValue> {
        type Act = fn(&Drawing);
        let acts: [(&str, Act); 4] = [
            ("Zoom in", |drawing| drawing.zoom_in_the_middle(1.0 / STEP)),
            ("Zoom out", |drawing| drawing.zoom_in_the_middle(STEP)),
            ("Whole session", |drawing| drawing.look(View::show_all)),
            ("Now", |drawing| drawing.look(|view, _| view.follow())),
        ];
        acts.into_iter()
            .map(|(label, act)| {
                let drawing = self.clone();
                button(row, label, move || act(&drawing))
            })
            .collect()
    }

    fn listen(self: &Rc<Self>) -> Vec<EventListener> {
        let on = |name: &'static str, act: fn(&Self, &Event)| {
            let drawing = self.clone();
            let options = EventListenerOptions::enable_prevent_default();
            EventListener::new_with_options(&self.canvas, name, options, move |event| {
                act(&drawing, event);
            })
        };
        vec![
            on("pointermove", |drawing, event| {
                drawing.move_pointer(event.unchecked_ref());
            }),
            on("pointerdown", |drawing, event| {
                let event: &PointerEvent = event.unchecked_ref();
                // A pointer that is gone already is not held.
                let _ = drawing.canvas.set_pointer_capture(event.pointer_id());
                let held = (event.pointer_id(), drawing.scaled(event.offset_x()));
                drawing.held.borrow_mut().push(held);
                drawing.move_pointer(event);
            }),
            on("pointerup", |drawing, event| {
                drawing.let_go(event.unchecked_ref())
            }),
            on("pointercancel", |drawing, event| {
                drawing.let_go(event.unchecked_ref())
            }),
            on("pointerleave", |drawing, _| {
                drawing.pointer.set(None);
                drawing.changed();
            }),
            on("wheel", |drawing, event| {
                drawing.wheel(event.unchecked_ref())
            }),
            on("keydown", |drawing, event| {
                drawing.press(event.unchecked_ref())
            }),
        ]
    }

    fn move_pointer(&self, event: &PointerEvent) {
        let (x, y) = (self.scaled(event.offset_x()), self.scaled(event.offset_y()));
        self.pointer.set(Some((x, y)));
        let before = self.held.borrow().clone();
        for (id, at) in self.held.borrow_mut().iter_mut() {
            if *id == event.pointer_id() {
                *at = x;
            }
        }
        let after = self.held.borrow().clone();
        match (before.as_slice(), after.as_slice()) {
            ([(_, before)], [(_, after)]) if before != after => {
                let moved = self.duration(before - after);
                self.look(|view, session| view.shift(moved, session));
            }
            ([(_, one), (_, two)], [(_, left), (_, right)]) => {
                let apart = |one: f64, two: f64| (one - two).abs().max(8.0);
                let factor = apart(*one, *two) / apart(*left, *right);
                let about = self.time((left + right) / 2.0);
                self.look(|view, session| view.zoom(factor, about, session));
            }
            _ => self.changed(),
        }
    }

    fn let_go(&self, event: &PointerEvent) {
        self.held
            .borrow_mut()
            .retain(|(id, _)| *id != event.pointer_id());
        if event.pointer_type() == "touch" {
            self.pointer.set(None);
        }
        self.changed();
    }

    /// Zooms with Ctrl, as a pinch on a touchpad does; moves sideways; and leaves the page its scrolling.
    fn wheel(&self, event: &WheelEvent) {
        let (aside, down) = (event.delta_x(), event.delta_y());
        if event.ctrl_key() || event.meta_key() {
            let factor = (down / 240.0).clamp(-1.0, 1.0).exp2();
            let about = self.time(self.scaled(event.offset_x()));
            self.look(|view, session| view.zoom(factor, about, session));
        } else if event.shift_key() || aside.abs() > down.abs() {
            let moved = self.duration(if aside == 0.0 { down } else { aside });
            self.look(|view, session| view.shift(moved, session));
        } else {
            return;
        }
        event.prevent_default();
    }

    fn press(&self, event: &KeyboardEvent) {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        let step = |share: f64| {
            self.look(|view, session| {
                let Extent { from, to } = view.extent(session);
                view.shift((to - from) * share, session);
            });
        };
        match event.key().as_str() {
            "+" | "=" => self.zoom_in_the_middle(1.0 / STEP),
            "-" => self.zoom_in_the_middle(STEP),
            "ArrowLeft" => step(-0.2),
            "ArrowRight" => step(0.2),
            "Home" => self.look(View::begin),
            "End" => self.look(|view, _| view.follow()),
            _ => return,
        }
        event.prevent_default();
        // Not for the player as well, which has keys of its own.
        event.stop_propagation();
    }
}
