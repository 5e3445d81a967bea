//! Scripts of MediaSource operations, which the same code runs in the simulated browser and in real ones.
//!
//! `tests/browser/conformance.rs` compares the outcomes: this is how the simulated browser is kept true.
//!
//! | module | what it is |
//! |---|---|
//! | [`script`] | the operations, and their text |
//! | [`by_hand`] | the scripts written by hand |
//! | [`random`] | random scripts, by seed |
//! | [`run`](mod@run) | runs a script, and describes the state after each operation |
//! | [`model`] | runs a script in the simulated browser (native) |
//! | [`compare`] | compares two outcomes |

pub mod by_hand;
pub mod compare;
#[cfg(not(target_family = "wasm"))]
pub mod model;
pub mod random;
pub mod run;
pub mod script;
