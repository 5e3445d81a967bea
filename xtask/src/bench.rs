//! `cargo xtask bench`: comparisons with other players, in the same Chromium. Nothing here is part of the tests.

mod devtools;
mod link;
mod remux;
mod start;

use std::path::Path;

use crate::{Outcome, run_in, tools::Tools};

pub use remux::remux;
pub use start::start;

/// The version of hls.js that is compared.
const HLS: &str = "hls.js@1.7.4";

/// Installs packages of npm in a folder.
fn install(tools: &Tools, folder: &Path, packages: &[&str]) -> Outcome {
    run_in(
        folder,
        tools
            .command("npm")
            .args(["install", "--no-save", "--silent", "--prefix", "."])
            .args(packages),
    )
}
