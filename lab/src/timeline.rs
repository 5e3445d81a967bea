//! The timeline panel: draws the session along time, and handles zooming, scrolling, the tooltip and the list.
//! Draws only when something has changed while the panel is visible.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use gloo_events::{EventListener, EventListenerOptions};
use gloo_timers::callback::Interval;
use wasm_bindgen::prelude::*;
use web_sys::{
    CanvasRenderingContext2d, Element, Event, HtmlCanvasElement, HtmlElement, KeyboardEvent,
    PointerEvent, WheelEvent, window,
};
use yew_mse_worker::platform::web;

use crate::{
    chart::{Chart, Extent, Palette},
    element::{add, button, panel, write},
    history::History,
    view::View,
    visibility::Visibility,
};

/// The factor of one zoom step.
const ZOOM_STEP: f64 = 1.5;
/// The share of the visible part that an arrow key scrolls by.
const SCROLL_STEP: f64 = 0.2;
/// The `deltaY` of a wheel event that zooms by 2, in CSS pixels.
const WHEEL_ZOOM_DISTANCE: f64 = 240.0;
/// Two fingers closer than this do not zoom further, in pixels of the drawing.
const MIN_PINCH_DISTANCE: f64 = 8.0;
/// The distances of the tooltip from the pointer, in pixels of the drawing.
const TOOLTIP_OFFSET_X: f64 = 14.0;
const TOOLTIP_OFFSET_Y: f64 = 10.0;
/// The font size around the canvas, in CSS pixels, at which a pixel of the drawing is a CSS pixel.
const BASE_FONT_SIZE: f64 = 14.0;
/// How often the timeline goes on while the video plays and nothing is recorded.
const CLOCK_INTERVAL_MS: u32 = 250;
/// The length of the list of events.
const MAX_LISTED_EVENTS: usize = 100;

/// The panel. Stops drawing and handling events when dropped.
pub struct Timeline {
    canvas: Rc<TimelineCanvas>,
    _clock: Interval,
    _visibility: Visibility,
    _listeners: Vec<EventListener>,
}

/// The canvas, its tooltip and its list, and which part of the session they show.
struct TimelineCanvas {
    history: Rc<RefCell<History>>,
    canvas: HtmlCanvasElement,
    tooltip: HtmlElement,
    list: Element,
    /// The `details` element around the list.
    details: Element,
    view: Cell<View>,
    /// CSS pixels per pixel of the drawing, which grows with the page's font.
    scale: Cell<f64>,
    /// The position of the pointer, in pixels of the drawing; `None` outside.
    pointer: Cell<Option<(f64, f64)>>,
    /// The pressed pointers: id, and horizontal position in pixels of the drawing.
    pressed: RefCell<Vec<(i32, f64)>>,
    is_visible: Cell<bool>,
    /// Whether a frame is requested.
    is_frame_pending: Cell<bool>,
    paint: Closure<dyn Fn()>,
}

impl Timeline {
    /// Adds the panel.
    ///
    /// # Errors
    /// The exception of the DOM call that failed.
    pub fn mount(container: &Element, history: Rc<RefCell<History>>) -> Result<Self, JsValue> {
        let panel = panel(container, "timeline", "Timeline")?;
        write(
            &panel,
            "p",
            "Every segment request, append, message, seek and stall of this session, with the buffer level and \
             the network speed above them. Drag to scroll. Zoom with Ctrl and the mouse wheel, with two \
             fingers, or with the + and − keys.",
        )?;
        let row = add(&panel, "div", "row")?;
        let stage = add(&panel, "div", "stage")?;
        let element: HtmlCanvasElement = add(&stage, "canvas", "")?.unchecked_into();
        element.set_attribute("tabindex", "0")?;
        element.set_attribute("role", "img")?;
        // Replaced by a summary when the canvas is first drawn.
        element.set_attribute("aria-label", "Timeline")?;
        let tooltip: HtmlElement = add(&stage, "div", "tip")?.unchecked_into();
        tooltip.set_hidden(true);
        add_legend(&panel)?;
        let details = add(&panel, "details", "")?;
        write(&details, "summary", "Show as text")?;
        let list = add(&details, "ol", "")?;

        let canvas = Rc::new_cyclic(|this: &Weak<TimelineCanvas>| {
            let this = this.clone();
            TimelineCanvas {
                history,
                canvas: element,
                tooltip,
                list,
                details: details.clone(),
                view: Cell::default(),
                scale: Cell::new(1.0),
                pointer: Cell::default(),
                pressed: RefCell::default(),
                is_visible: Cell::default(),
                is_frame_pending: Cell::default(),
                paint: Closure::new(move || {
                    if let Some(canvas) = this.upgrade() {
                        canvas.paint();
                    }
                }),
            }
        });
        let mut listeners = canvas.add_buttons(&row)?;
        listeners.extend(canvas.listen());
        listeners.push(EventListener::new(&details, "toggle", {
            let canvas = canvas.clone();
            move |_| canvas.request_paint()
        }));
        // A canvas does not follow the page's colours by itself.
        let dark = window().map(|window| window.match_media("(prefers-color-scheme: dark)"));
        if let Some(dark) = dark.transpose()?.flatten() {
            let canvas = canvas.clone();
            listeners.push(EventListener::new(&dark, "change", move |_| {
                canvas.request_paint();
            }));
        }
        let visibility = Visibility::observe(&stage, {
            let canvas = canvas.clone();
            move |is_visible| {
                canvas.is_visible.set(is_visible);
                canvas.request_paint();
            }
        })?;
        let clock = Interval::new(CLOCK_INTERVAL_MS, {
            let canvas = canvas.clone();
            move || canvas.advance()
        });
        Ok(Self {
            canvas,
            _clock: clock,
            _visibility: visibility,
            _listeners: listeners,
        })
    }

    /// Redraws after the history has changed.
    pub fn history_changed(&self) {
        self.canvas.request_paint();
    }
}

/// Adds the meanings of the colours.
fn add_legend(panel: &Element) -> Result<(), JsValue> {
    let legend = add(panel, "p", "legend")?;
    for (colour, text) in [
        ("worker", "video segments, selected quality, worker"),
        ("handle", "audio, seeks"),
        ("page", "video buffered ahead, element, page"),
        ("stall", "stalls, errors, other messages of the engine"),
        ("soft", "buffer goal, network speed"),
    ] {
        write(&legend, "span", text)?.set_attribute("data-colour", colour)?;
    }
    Ok(())
}

impl TimelineCanvas {
    /// Draws in the next animation frame if the canvas is visible. Hidden pages have no frames.
    fn request_paint(&self) {
        if !self.is_visible.get() || self.is_frame_pending.replace(true) {
            return;
        }
        let request = window()
            .map(|window| window.request_animation_frame(self.paint.as_ref().unchecked_ref()));
        self.is_frame_pending.set(matches!(request, Some(Ok(_))));
    }

    /// Goes on along the time axis while the video plays.
    fn advance(&self) {
        if self.is_visible.get() && self.history.borrow_mut().advance(web::now()) {
            self.request_paint();
        }
    }

    fn paint(&self) {
        self.is_frame_pending.set(false);
        // An exception of the canvas is ignored: the next frame may succeed.
        let _ = self.draw();
    }

    fn draw(&self) -> Result<(), JsValue> {
        let palette = self.read_style()?;
        let history = self.history.borrow();
        let chart = self.chart(&history);
        let height = chart.height();
        let scale = self.scale.get();
        self.canvas
            .style()
            .set_property("height", &format!("{}px", height * scale))?;
        let density = window().map_or(1.0, |window| window.device_pixel_ratio()) * scale;
        let device_pixels = |length: f64| (length * density).round() as u32;
        let size = (device_pixels(chart.width), device_pixels(height));
        // Setting the size clears the canvas and allocates it again.
        if (self.canvas.width(), self.canvas.height()) != size {
            self.canvas.set_width(size.0);
            self.canvas.set_height(size.1);
        }
        let context = self.canvas.get_context("2d")?.ok_or("no canvas")?;
        let context: CanvasRenderingContext2d = context.unchecked_into();
        context.set_transform(density, 0.0, 0.0, density, 0.0, 0.0)?;
        chart.draw(&context, &palette, self.pointer.get().map(|(x, _)| x))?;
        self.update_tooltip(&chart)?;
        self.update_text(&chart)
    }

    fn chart<'a>(&self, history: &'a History) -> Chart<'a> {
        Chart {
            history,
            extent: self.view.get().extent(history.span.unwrap_or_default()),
            width: self.to_drawing(self.canvas.client_width()).max(160.0),
        }
    }

    /// Converts CSS pixels to pixels of the drawing.
    fn to_drawing(&self, css_pixels: i32) -> f64 {
        f64::from(css_pixels) / self.scale.get()
    }

    /// Reads the page's current colours and font, and updates the scale.
    fn read_style(&self) -> Result<Palette, JsValue> {
        let style = window()
            .ok_or("no window")?
            .get_computed_style(&self.canvas)?;
        let style = style.ok_or("no style")?;
        let property = |name| style.get_property_value(name);
        let font_size = js_sys::parse_float(&property("font-size")?);
        if font_size > 0.0 {
            self.scale.set(font_size / BASE_FONT_SIZE);
        }
        Ok(Palette {
            ink: property("--ink")?,
            soft: property("--soft")?,
            line: property("--line")?,
            worker: property("--worker")?,
            page: property("--page")?,
            handle: property("--handle")?,
            stall: property("--stall")?,
            font: property("font-family")?,
        })
    }

    /// Shows the description of the point under the pointer, or hides the tooltip.
    fn update_tooltip(&self, chart: &Chart) -> Result<(), JsValue> {
        let pointer = self.pointer.get().filter(|(x, _)| *x > chart.gutter());
        self.tooltip.set_hidden(pointer.is_none());
        let Some((x, y)) = pointer else {
            return Ok(());
        };
        self.tooltip.set_text_content(None);
        for line in chart.describe(x, y) {
            write(&self.tooltip, "div", &line)?;
        }
        // On the side of the pointer that has more room.
        let style = self.tooltip.style();
        let css_length = |length: f64| format!("{}px", length * self.scale.get());
        let (left, right) = if x > chart.width / 2.0 {
            let right = css_length(chart.width - x + TOOLTIP_OFFSET_X);
            ("auto".into(), right)
        } else {
            (css_length(x + TOOLTIP_OFFSET_X), "auto".into())
        };
        style.set_property("left", &left)?;
        style.set_property("right", &right)?;
        style.set_property("top", &css_length((y - TOOLTIP_OFFSET_Y).max(0.0)))
    }

    /// Updates the accessible summary, and the list if it is open.
    fn update_text(&self, chart: &Chart) -> Result<(), JsValue> {
        let Extent { from, to } = chart.extent;
        let History {
            segments,
            milestones,
            ..
        } = chart.history;
        let summary = format!(
            "Timeline: {:.0} seconds of the session shown; {} segments and {} startup steps so far. \
             Also available as text below.",
            (to - from) / 1000.0,
            segments.len(),
            milestones.len()
        );
        self.canvas.set_attribute("aria-label", &summary)?;
        if self.details.has_attribute("open") {
            self.list.set_text_content(None);
            for line in chart.latest_events(MAX_LISTED_EVENTS) {
                write(&self.list, "li", &line)?;
            }
        }
        Ok(())
    }

    /// Changes the view and redraws. Does nothing while the history is empty.
    fn change_view(&self, change: impl FnOnce(&mut View, (f64, f64))) {
        let Some(session) = self.history.borrow().span else {
            return;
        };
        let mut view = self.view.get();
        change(&mut view, session);
        self.view.set(view);
        self.request_paint();
    }

    /// The time at a horizontal position in the drawing, in milliseconds since the Unix epoch.
    fn time(&self, x: f64) -> f64 {
        let history = self.history.borrow();
        self.chart(&history).time(x)
    }

    /// The time that a distance in the drawing spans, in milliseconds.
    fn duration(&self, pixels: f64) -> f64 {
        self.time(pixels) - self.time(0.0)
    }

    /// Zooms around the middle, or around the end of the session while the view follows it.
    fn zoom(&self, factor: f64) {
        self.change_view(|view, session| {
            let Extent { from, to } = view.extent(session);
            let center = if view.is_following() {
                to.min(session.1)
            } else {
                (from + to) / 2.0
            };
            view.zoom(factor, center, session);
        });
    }

    fn add_buttons(self: &Rc<Self>, row: &Element) -> Result<Vec<EventListener>, JsValue> {
        type Action = fn(&TimelineCanvas);
        let buttons: [(&str, Action); 4] = [
            ("Zoom in", |canvas| canvas.zoom(1.0 / ZOOM_STEP)),
            ("Zoom out", |canvas| canvas.zoom(ZOOM_STEP)),
            ("Whole session", |canvas| {
                canvas.change_view(View::show_all);
            }),
            ("Now", |canvas| {
                canvas.change_view(|view, _| view.follow());
            }),
        ];
        buttons
            .into_iter()
            .map(|(label, action)| {
                let canvas = self.clone();
                button(row, label, move || action(&canvas))
            })
            .collect()
    }

    fn listen(self: &Rc<Self>) -> Vec<EventListener> {
        let on = |event_type: &'static str, handle: fn(&Self, &Event)| {
            let canvas = self.clone();
            let options = EventListenerOptions::enable_prevent_default();
            EventListener::new_with_options(&self.canvas, event_type, options, move |event| {
                handle(&canvas, event);
            })
        };
        vec![
            on("pointermove", |canvas, event| {
                canvas.pointer_moved(event.unchecked_ref());
            }),
            on("pointerdown", |canvas, event| {
                let event: &PointerEvent = event.unchecked_ref();
                // Throws if the pointer is no longer active, which is harmless.
                let _ = canvas.canvas.set_pointer_capture(event.pointer_id());
                let pressed = (event.pointer_id(), canvas.to_drawing(event.offset_x()));
                canvas.pressed.borrow_mut().push(pressed);
                canvas.pointer_moved(event);
            }),
            on("pointerup", |canvas, event| {
                canvas.pointer_released(event.unchecked_ref());
            }),
            on("pointercancel", |canvas, event| {
                canvas.pointer_released(event.unchecked_ref());
            }),
            on("pointerleave", |canvas, _| {
                canvas.pointer.set(None);
                canvas.request_paint();
            }),
            on("wheel", |canvas, event| {
                canvas.wheel_turned(event.unchecked_ref());
            }),
            on("keydown", |canvas, event| {
                canvas.key_pressed(event.unchecked_ref());
            }),
        ]
    }

    /// Moves the tooltip; scrolls with one pressed pointer, zooms with two.
    fn pointer_moved(&self, event: &PointerEvent) {
        let x = self.to_drawing(event.offset_x());
        let y = self.to_drawing(event.offset_y());
        self.pointer.set(Some((x, y)));
        let before = self.pressed.borrow().clone();
        for (id, pressed_x) in self.pressed.borrow_mut().iter_mut() {
            if *id == event.pointer_id() {
                *pressed_x = x;
            }
        }
        let after = self.pressed.borrow().clone();
        match (before.as_slice(), after.as_slice()) {
            ([(_, before)], [(_, after)]) if before != after => {
                let moved = self.duration(before - after);
                self.change_view(|view, session| view.shift(moved, session));
            }
            ([(_, before_a), (_, before_b)], [(_, after_a), (_, after_b)]) => {
                let distance = |a: f64, b: f64| (a - b).abs().max(MIN_PINCH_DISTANCE);
                let factor = distance(*before_a, *before_b) / distance(*after_a, *after_b);
                let center = self.time((after_a + after_b) / 2.0);
                self.change_view(|view, session| view.zoom(factor, center, session));
            }
            _ => self.request_paint(),
        }
    }

    fn pointer_released(&self, event: &PointerEvent) {
        self.pressed
            .borrow_mut()
            .retain(|(id, _)| *id != event.pointer_id());
        if event.pointer_type() == "touch" {
            self.pointer.set(None);
        }
        self.request_paint();
    }

    /// Zooms with Ctrl, which browsers also set for a pinch on a touchpad, and scrolls horizontally. Other wheel
    /// events scroll the page.
    fn wheel_turned(&self, event: &WheelEvent) {
        let (delta_x, delta_y) = (event.delta_x(), event.delta_y());
        if event.ctrl_key() || event.meta_key() {
            let factor = (delta_y / WHEEL_ZOOM_DISTANCE).clamp(-1.0, 1.0).exp2();
            let center = self.time(self.to_drawing(event.offset_x()));
            self.change_view(|view, session| view.zoom(factor, center, session));
        } else if event.shift_key() || delta_x.abs() > delta_y.abs() {
            let moved = self.duration(if delta_x == 0.0 { delta_y } else { delta_x });
            self.change_view(|view, session| view.shift(moved, session));
        } else {
            return;
        }
        event.prevent_default();
    }

    fn key_pressed(&self, event: &KeyboardEvent) {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        let scroll = |share: f64| {
            self.change_view(|view, session| {
                let Extent { from, to } = view.extent(session);
                view.shift((to - from) * share, session);
            });
        };
        match event.key().as_str() {
            "+" | "=" => self.zoom(1.0 / ZOOM_STEP),
            "-" => self.zoom(ZOOM_STEP),
            "ArrowLeft" => scroll(-SCROLL_STEP),
            "ArrowRight" => scroll(SCROLL_STEP),
            "Home" => self.change_view(View::show_start),
            "End" => self.change_view(|view, _| view.follow()),
            _ => return,
        }
        event.prevent_default();
        // The player has shortcuts for the same keys.
        event.stop_propagation();
    }
}
