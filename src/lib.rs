//! A video player whose `MediaSource` lives in a worker. **This page is the map of the house.**
//!
//! A [gloo-worker](https://docs.rs/gloo-worker) agent, on a thread of its own, makes the
//! `MediaSource`, fetches the film and feeds it. Its `MediaSourceHandle` crosses to the page, which
//! sets `video.srcObject` and only watches. On the page, [Yew](https://yew.rs) draws. Where a browser has
//! no MediaSource in workers, the page loads the same program and the same agent lives on the page.
//!
//! # The handle's way
//!
//! ```text
//!             WORKER                                              PAGE
//!
//!                                                   app/playback.rs  load()
//!                          ◄──── Command::Load ────  app/link.rs      Link::load()
//!  engine.rs          Agent::received()
//!  engine/session.rs  Session::start(), open()
//!                       Source::new()            here the MediaSource is made
//!                       port.transfer(Opened)    here its handle leaves
//!  wire/post.rs       postMessage(parcel, [handle])
//!                          ───── Event::Opened ───►  app/link.rs      Line::hear()
//!                                                    app/screen.rs    show()
//!                                                      video.srcObject = handle
//!                                                                     here it has arrived
//!                          ◄┄┄┄┄┄ sourceopen ┄┄┄┄┄┄   (the browser attaches the two)
//!                          ◄─── Command::Observe ──  app/observer.rs  where the film is
//!  engine/act.rs      perform()
//!  engine/feed.rs       Feed::run()       what next? media/plan.rs plan()
//!  engine/fetch.rs        Request::send()  ─► bytes ─┐
//!  engine/buffer.rs       Buffer::append() ◄─────────┘  ┄┄┄┄ frames ┄┄►  the element plays them
//! ```
//!
//! # Playing on while the page is frozen
//!
//! The page looks where the film is on every media event, and says so when that is news, or once a second.
//! Between two words of it the worker does not wait to be told: its clock (`media/clock.rs`) runs on at the
//! rate of playback, as far as something is buffered. So the worker keeps feeding, by its own reckoning, a film
//! whose page says nothing at all. What would be lost for good (what is evicted behind, a film that is given
//! up) goes by where the film was seen.
//!
//! # Rooms
//!
//! | room | thread | what is done there |
//! |---|---|---|
//! | `bin/app.rs` | page | the page's program: [`app::start`] |
//! | `bin/worker.rs` | worker | the engine's program: [`engine::home::start`]; a page can load it, too |
//! | `bin/lab/main.rs` | both | the lab, a program of its own with a map of its own: what a visitor sees behind the player |
//! | [`app`] | page | composition root: the form, and one or two players |
//! | `app/player.rs` | page | [`app::Player`], the component that a fork takes along |
//! | `app/playback.rs` | page | what the page knows of a playback, and how it comes to know it |
//! | `app/way.rs` | page | where the engine is to run, by what the browser has |
//! | `app/agent.rs` | page | the way to an agent, in a worker or on the page |
//! | `app/link.rs` | page | shakes hands, drops what is stale, feels the pulse, takes leave in order |
//! | `app/screen.rs` | page | the video element: where the handle arrives |
//! | `app/observer.rs` | page | sees where the film is, and says so |
//! | `app/controls.rs` | page | the controls over the picture: where a person is heard |
//! | `app/controls/seen.rs`, `app/controls/request.rs` | page | what they read off the element; what they ask of it |
//! | `app/controls/timeline.rs`, `app/controls/settings.rs` | page | the seek bar; quality, sound and speed |
//! | `app/controls/keyboard.rs`, `app/controls/media_keys.rs`, `app/controls/presence.rs` | page | the keys; the system's own keys; whether anybody is there |
//! | `app/controls/remembered.rs` | page | what was chosen on an earlier visit |
//! | `app/journey.rs`, `app/notice.rs` | page | what is drawn beside and over it |
//! | `app/choice.rs` | page | the form below it: another film, another player |
//! | `app/record.rs` | page | keeps what happens in a playback, for the lab |
//! | `app/lab.rs` | page | the way into the lab: fetches its program when its door is opened |
//! | `app/address.rs` | page | deep links: `?src=URL&t=seconds&goal=seconds&engine=worker&credentials` |
//! | [`wire`] | both | the whole conversation: [`wire::Command`], [`wire::Event`], [`wire::Fault`] |
//! | `wire/journey.rs` | both | the steps of the journey, and the clock that both threads share |
//! | `wire/note.rs` | both | what the page notes of a playback, as it tells the lab |
//! | `wire/post.rs`, `wire/post.js` | both | codec and transfer: all that is known of gloo-worker's private ways |
//! | [`engine`] | worker | the agent: dispatch only |
//! | `engine/home.rs` | worker | where the agent lives: in a gloo-worker, or on the page |
//! | `engine/session.rs` | worker | one playback, from `new MediaSource()` to its end |
//! | `engine/act.rs`, `engine/watch.rs` | worker | as much of a film as one MediaSource can play; gaps, freezes and its end |
//! | `engine/feed.rs`, `engine/download.rs` | worker | feeds one SourceBuffer; one segment on its way into it |
//! | `engine/shared.rs`, `engine/conditions.rs` | worker | what all parts of a playback share; where the viewer is and what was chosen |
//! | `engine/source.rs`, `engine/buffer.rs` | worker | the MediaSource; a SourceBuffer, one operation at a time |
//! | `engine/film.rs`, `engine/manifest.rs` | worker | what is known of a film and how more comes to be known; what its files say |
//! | `engine/network.rs`, `engine/fetch.rs`, `engine/meter.rs` | worker | trying again; one request, with an end to every wait; what the network gives |
//! | `engine/boxes.rs`, `engine/cipher.rs` | worker | segments that are cut short, and files that are encrypted |
//! | `engine/captions.rs` | worker | which captions there are, and what is in those that are shown |
//! | [`media`] | any | what a film is made of: no JavaScript, tested natively |
//! | `media/dash.rs`, `media/xml.rs`, `media/hls.rs` | any | the readers of manifests |
//! | `media/mp4.rs`, `media/sniff.rs`, `media/number.rs` | any | the readers of boxes, of first bytes, of numbers |
//! | `media/captions.rs` | any | captions, and their times |
//! | `media/plan.rs`, `media/selection.rs` | any | what to fetch next; which adaptation sets are played |
//! | `media/clock.rs`, `media/ranges.rs` | any | where the film is; what is buffered |
//! | `media/abr.rs`, `media/retry.rs` | any | which representation the network allows; when to try again |
//! | [`platform`] | any | what the engine asks of a browser: one face, with the browser and a simulation behind it |
//! | [`web`], `web.js` | both | what web-sys lacks, and events as futures |
//!
//! Where does a line belong? What draws or touches the element: `app`. What touches the MediaSource or
//! the network: `engine`. A sentence between the threads: `wire`. What decides without JavaScript:
//! `media`. What names something that web-sys lacks: `web`.
//!
//! # Invariants
//!
//! `tests/architecture.rs` reads the sources and holds those marked ✓.
//!
//! 1. ✓ Imports go `bin → app | engine → wire, media, web`. `app` and `engine` do not see each other, but
//!    for `app/agent.rs`, which names the agent that it spawns.
//! 2. ✓ Yew, the window and the document are only in `app` and in the lab, which draw.
//! 3. ✓ A MediaSource and its SourceBuffers are only in `engine` and `web`: the page has no other way
//!    to a film than the handle. The lab makes some of its own, to see what a browser makes of them.
//! 4. ✓ No JavaScript type in `media`.
//! 5. ✓ What gloo-worker keeps private is known to `wire/post.rs` alone.
//! 6. Every message about a playback carries its session; a stale one is dropped in one place,
//!    `app/link.rs`.
//! 7. The element owns the truth about itself (`paused`, `muted`, `currentTime`, `ended`): what is
//!    drawn of it follows its events, and buttons only ask.
//! 8. One operation at a time on a SourceBuffer: each takes `&mut self` and is awaited, so two at once do
//!    not compile; one that is given up is ended by `Buffer::reset()` before the next.
//! 9. Dropping a session aborts its fetches and ends its calls to the MediaSource; ✓ nothing is
//!    leaked on purpose.
//! 10. Media bytes go `fetch → ArrayBuffer → appendBuffer`. They pass through wasm memory only where a box
//!     has to be read: an init segment, an index, the first bytes of a segment, the headers of its boxes.
//! 11. What to do next is decided from what is there (`media/plan.rs`), anew after every step, and never
//!     from what was meant.
//! 12. The engine does not know which thread it runs on, but for two lines of `engine/source.rs`: on the
//!     page, a MediaSource goes to the element itself.
//! 13. ✓ The lab is a folder, `bin/lab`, and a line of index.html. Without the two the page is the same,
//!     but for the lab's door: no library can import from a program.
//! 14. No `unwrap` and no `expect` outside tests (clippy holds it): a fault has a type, an ending, and
//!     words for the person who is watching.

pub mod app;
pub mod engine;
pub mod media;
pub mod platform;
pub mod player;
pub mod protocol;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
