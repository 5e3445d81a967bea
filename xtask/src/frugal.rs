//! What the compiler is told so that a release is small. It is said here, and not in `.cargo/config.toml`,
//! because the words are LLVM's own, which come and go with its versions: what this compiler does not know
//! is left out, and whoever calls trunk without these commands gets the same site, a little larger.

use std::process::{Command, Stdio};

use crate::root;

/// The variable in which cargo looks for what to tell the compiler of what is for the browser.
pub const VARIABLE: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS";

/// What `opt-level = "z"` leaves to be had: gzipped, 7 kB of the page and 4 of the worker.
const OPTIONS: [&str; 12] = [
    // A call costs less in wasm than LLVM takes it to, so it is not replaced by what is called: but for what std
    // and Yew, which are not compiled for size alone (see Cargo.toml), mark as `inline`.
    "llvm-args=-inline-threshold=0",
    "llvm-args=-inlinehint-threshold=30",
    // The same is true of `memory.copy`, which is not replaced by a load and a store for each word.
    "llvm-args=-max-store-memcpy=1",
    "llvm-args=-max-store-memmove=1",
    "llvm-args=-max-store-memset=1",
    // An expression is not put on every way that lacks it, by the one name or the other.
    "llvm-args=-enable-pre=false",
    "llvm-args=-enable-scalar-pre=false",
    "llvm-args=-enable-load-pre=false",
    // A loop has no more counters than it needs.
    "llvm-args=-disable-lsr",
    // A jump is followed to where it is known to lead, and what two ways have in common at their ends is said once.
    "llvm-args=-jump-threading-threshold=25",
    "llvm-args=-tail-merge-size=2",
    // The stack comes first: half of one makes the address of each constant a byte shorter.
    "link-arg=-zstack-size=524288",
];

/// Those of the options that this compiler knows, as the variable has them.
pub fn flags() -> String {
    let known = OPTIONS.iter().filter(|option| is_known(option));
    let flags: Vec<String> = known.map(|option| format!("-C{option}")).collect();
    flags.join(" ")
}

/// The compiler refuses what it does not know before it does anything else.
fn is_known(option: &str) -> bool {
    let mut asked = Command::new("rustc");
    asked
        .args(["-C", option, "--print=cfg"])
        .current_dir(root());
    let answer = asked.stdout(Stdio::null()).stderr(Stdio::null()).status();
    answer.is_ok_and(|status| status.success())
}
