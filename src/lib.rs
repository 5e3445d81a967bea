//! A video player whose `MediaSource` lives in a worker. **This page is the map of the house.**
//!
//! A [gloo-worker](https://docs.rs/gloo-worker) agent, on a thread of its own, makes the
//! `MediaSource`, fetches the film and feeds it. Its `MediaSourceHandle` crosses to the page, which
//! sets `video.srcObject` and only watches. On the page, [Yew](https://yew.rs) draws.
//!
//! # The handle's way
//!
//! ```text
//!             WORKER                                              PAGE
//!
//!                                                   app/playback.rs  load()
//!                          ◄──── Command::Load ────  app/link.rs      Link::load()
//!  engine.rs          Agent::received()
//!  engine/session.rs  Session::start()
//!                       Source::new()            here the MediaSource is made
//!                       port.transfer(Opened)    here its handle leaves
//!  wire/post.rs       postMessage(parcel, [handle])
//!                          ───── Event::Opened ───►  app/link.rs      Line::hear()
//!                                                    app/screen.rs    show()
//!                                                      video.srcObject = handle
//!                                                                     here it has arrived
//!                          ◄┄┄┄┄┄ sourceopen ┄┄┄┄┄┄   (the browser attaches the two)
//!  engine/session.rs  play(), feed()
//!  engine/fetch.rs      fetch()    ─► ArrayBuffer ─┐
//!  engine/buffer.rs     appendBuffer() ◄───────────┘  ┄┄┄┄ frames ┄┄►  the element plays them
//! ```
//!
//! # Rooms
//!
//! | room | thread | what is done there |
//! |---|---|---|
//! | `bin/app.rs` | page | the page's program: [`app::start`] |
//! | `bin/worker.rs` | worker | the worker's program: [`engine::start`] |
//! | [`app`] | page | composition root: the form, and one or two players |
//! | `app/player.rs` | page | [`app::Player`], the component that a fork takes along |
//! | `app/playback.rs` | page | what the page knows of a playback: a pure reducer, and the hook that feeds it |
//! | `app/link.rs` | page | spawns the agent, shakes hands, drops what is stale, takes leave in order |
//! | `app/screen.rs` | page | the video element: where the handle arrives |
//! | `app/journey.rs`, `app/notice.rs`, `app/source_form.rs` | page | what is drawn beside, over and below it |
//! | `app/address.rs` | page | deep links: `?src=URL&t=seconds` |
//! | [`wire`] | both | the whole conversation: [`wire::Command`], [`wire::Event`], [`wire::Fault`] |
//! | `wire/journey.rs` | both | the steps of the journey, and the clock that both threads share |
//! | `wire/post.rs` | both | codec and transfer: all that is known of gloo-worker's private ways |
//! | [`engine`] | worker | the agent: dispatch only |
//! | `engine/session.rs` | worker | one playback, from `new MediaSource()` to the end of the stream |
//! | `engine/source.rs`, `engine/buffer.rs` | worker | the MediaSource; a SourceBuffer, one operation at a time |
//! | `engine/manifest.rs`, `engine/fetch.rs` | worker | from a URL to segments; the network, with an end to every wait |
//! | [`media`] | any | what a film is made of: no JavaScript, tested natively |
//! | `media/hls.rs` | any | the reader of HLS playlists |
//! | [`web`] | both | what web-sys lacks, and events as futures |
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
//!    for `app/link.rs`, which names the agent that it spawns.
//! 2. ✓ Yew, the window and the document are only in `app`.
//! 3. ✓ A MediaSource and its SourceBuffers are only in `engine` and `web`: the page has no other way
//!    to a film than the handle.
//! 4. ✓ No JavaScript type in `media`.
//! 5. ✓ What gloo-worker keeps private is known to `wire/post.rs` alone.
//! 6. Every message about a playback carries its session; a stale one is dropped in one place,
//!    `app/link.rs`.
//! 7. The element owns the truth about itself (`paused`, `muted`, `currentTime`, `ended`): what is
//!    drawn of it follows its events, and buttons only ask.
//! 8. One operation at a time on a SourceBuffer: each takes `&mut self` and is awaited, so two at once do
//!    not compile.
//! 9. Dropping a session aborts its fetches and ends its calls to the MediaSource; ✓ nothing is
//!    leaked on purpose.
//! 10. Media bytes go `fetch → ArrayBuffer → appendBuffer`: no pass through wasm memory.
//! 11. No `unwrap` and no `expect` outside tests (clippy holds it): a fault has a type, an ending, and
//!     words for the person who is watching.

pub mod app;
pub mod engine;
pub mod media;
pub mod web;
pub mod wire;
