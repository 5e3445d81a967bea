//! The patches in `undone/`, each of which undoes a fix of the past. `cargo xtask undone` plays the simulation without
//! those fixes.

use std::{fs, path::Path, process::Command};

use crate::say;

/// As many as `docs/simulation.md` lists.
const LEAST: usize = 10;

#[test]
fn patches_of_undone_fixes_apply() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if !root.join(".git").exists() {
        return say("skipped: the patches are checked in a git checkout only");
    }
    let mut count = 0;
    for entry in fs::read_dir(root.join("tests/simulation/undone")).unwrap() {
        let patch = entry.unwrap().path();
        let git = Command::new("git")
            .args(["apply", "--check"])
            .arg(&patch)
            .current_dir(root)
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&git.stderr);
        assert!(git.status.success(), "make it again: {error}");
        let text = fs::read_to_string(&patch).unwrap();
        let title = text.lines().next().unwrap_or_default();
        assert!(
            !title.is_empty() && !title.starts_with("diff"),
            "{} needs a title",
            patch.display()
        );
        count += 1;
    }
    assert!(count >= LEAST, "only {count} patches");
}
