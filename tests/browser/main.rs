//! The page in real browsers, as a person would use it, and as bad luck would have it.
//! `cargo xtask test` builds the site that is shown, and installs the browsers.

mod failures;
mod playing;
mod server;
mod stage;
