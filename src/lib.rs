//! A video player whose `MediaSource` lives in a worker.
//!
//! A [gloo-worker](https://docs.rs/gloo-worker) agent on its own thread creates the `MediaSource`, fetches the
//! segments and fills the buffers. Its `MediaSourceHandle` is transferred to the page, which sets
//! `video.srcObject`. [Yew](https://yew.rs) components show the controls. Where a browser has no MediaSource in
//! workers, the page loads the worker's program and runs the same engine itself.
//!
//! Read `examples/handle/src/lib.rs` first: the same idea in under 200 lines. `docs/architecture.md` explains
//! how the parts work together and where to add what.
//!
//! # The handle's path
//!
//! ```text
//! page                                                 worker
//! player/model.rs          PlayerModel::update(): Effect::Load
//! player/controller.rs     PlayerController::load()
//! player/engine_client.rs  EngineClient::load()
//!         ── Command::Load ─────────────────────────►  engine.rs               Engine::handle()
//!                                                      engine/session.rs       Session::start()
//!                                                                              open_media_source(): new MediaSource()
//!                                                      protocol/transfer.rs    Port::post_with_transfer()
//!         ◄── Event::MediaSourceReady ───────────────  postMessage(message, [handle])
//! player/engine_client.rs  ClientState::receive()
//! player/model.rs          PlayerModel::update(): Effect::Attach
//! player/attachment.rs     AttachedSource::attach(): video.srcObject = handle
//!         ── sourceopen ────────────────────────────►  engine/track_feeder.rs  TrackFeeder::run()
//!                                                      engine/download.rs      Download::run(): fetch, append
//! ```
//!
//! # Modules
//!
//! | module | thread | what it is |
//! |---|---|---|
//! | `bin/app.rs` | page | the page's program: [`app::start`] |
//! | `bin/worker.rs` | worker | the engine's program; a page without MediaSource in workers loads it, too |
//! | [`app`] | page | the demo page: URL parameters, source form, one or two players, recording for the lab |
//! | [`player`] | page | [`player::Player`], the reusable component: model, controller, engine client, element's state, controls |
//! | [`protocol`] | both | the messages between page and engine, their codec, and the transfer of handles |
//! | [`engine`] | worker, or page without MediaSource in workers | sessions, content, track feeders, downloads, network, retries, live streams |
//! | [`media`] | worker | readers of manifests (`dash`, `hls`), MP4 and captions; planner, ABR, retry rules, clock: pure functions and types |
//! | [`platform`] | both | the browser APIs that the engine uses, for wasm and simulated for native tests |
//! | [`platform::web`] | page | the browser APIs that the page uses and web-sys lacks |
//!
//! Beside this library, the workspace has `examples/handle` (the smallest program), `lab` (the laboratory section
//! of the demo page), `remux` (MPEG-TS and media files: wasm modules that the engine loads when they are needed),
//! `testkit` (generated streams and a deterministic live server, for tests), `tests/conformance` (scripts that compare the simulated browser with
//! real ones) and `xtask` (`cargo xtask`).
//!
//! # Invariants
//!
//! `tests/architecture.rs` checks those marked with ✓.
//!
//! 1. ✓ Imports go `bin → app → player → protocol → platform` and `bin → engine → protocol, media, platform`. Only
//!    `player/agent.rs` names the engine, whose agent it spawns. The graph of modules has no cycle.
//! 2. ✓ Yew, the window and the document are only in `app`, `player` and `lab`.
//! 3. ✓ MediaSource and SourceBuffer are only in `engine`, `platform` and `lab`.
//! 4. ✓ `media` names no JavaScript type.
//! 5. ✓ gloo-worker's private messages are known only to `protocol/transfer.rs`.
//! 6. ✓ No public type name is used twice, except in the two implementations of `platform`.
//! 7. Every message about a playback carries its session. Stale events are dropped only in `player/engine_client.rs`.
//! 8. The element owns its state (`paused`, `muted`, `currentTime`, `ended`): controls request changes of it, and render
//!    only what `player/media.rs` has read from it after its events. The page's playback changes only in
//!    `PlayerModel::update`, a pure function whose effects `player/controller.rs` carries out.
//! 9. One operation at a time per SourceBuffer: each takes `&mut self` and is awaited. An operation whose future was
//!    dropped is ended by `SegmentBuffer::reset` before the next one.
//! 10. Dropping a session aborts its requests, timers and tasks. Only the teardown (`Stopped`, then `Closed`) outlives
//!     it; the page waits for that for a bounded time. ✓ Nothing is leaked on purpose.
//! 11. Media bytes go `fetch → ArrayBuffer → appendBuffer`. They enter wasm memory only where a box has to be read
//!     (init segments, indexes, the beginning of a segment, box headers), or in the remuxer's memory: MPEG-TS is copied
//!     into it, once more within it, and appended from there.
//! 12. The next action is computed from a snapshot of the state by a pure function (`media/plan.rs`), again after
//!     every change. Queries do not mutate.
//! 13. The engine does not know which thread it runs on, except where it is started (`engine/worker.rs`) and where it
//!     creates the MediaSource: on the page, the MediaSource itself is attached to the element.
//! 14. Every error has a type (`protocol/error.rs`), a message, and advice for the viewer. No `unwrap` or `expect`
//!     outside tests (clippy denies them).

pub mod app;
pub mod engine;
pub mod media;
pub mod platform;
pub mod player;
pub mod protocol;

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
