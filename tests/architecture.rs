//! The invariants of the house (see `src/lib.rs`), read from its sources.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test cannot go on without, it fails for"
)]

use std::{fs, path::Path};

struct Source {
    /// Relative to `src`, such as `app/link.rs`.
    name: String,
    /// Without comments, strings and tests.
    code: String,
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        "",
        &mut found,
    );
    assert!(found.len() > 15, "where are the sources?");
    found
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{name}/"), found);
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(entry.path()).unwrap();
            let code = without_words(text.split("#[cfg(test)]").next().unwrap());
            found.push(Source { name, code });
        }
    }
}

/// A source without its comments, and without what its strings say.
fn without_words(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("'\"'") {
            3
        } else if first == '"' {
            let mut escaped = false;
            let closing = rest[1..].find(|char| {
                let closes = char == '"' && !escaped;
                escaped = char == '\\' && !escaped;
                closes
            });
            closing.unwrap() + 2
        } else {
            code.push(first);
            first.len_utf8()
        };
        rest = &rest[end..];
    }
    code
}

#[test]
fn words_are_told_from_code() {
    let text = "let a = \"http://x \\\" y\"; // it's \"so\"\nif b == '\"' { c }";
    assert_eq!(without_words(text), "let a = ; \nif b ==  { c }");
}

/// Which of the rooms a file belongs to, or the file's own name.
fn room(name: &str) -> &str {
    if name.starts_with("bin/lab/") {
        return "lab";
    }
    name.split(['/', '.']).next().unwrap()
}

/// Whether a word stands in the code, not as a part of another.
fn says(code: &str, word: &str) -> bool {
    let is_name =
        |char: Option<char>| char.is_some_and(|char| char.is_alphanumeric() || char == '_');
    code.match_indices(word).any(|(at, _)| {
        !is_name(code[..at].chars().next_back()) && !is_name(code[at + word.len()..].chars().next())
    })
}

/// Words that are nowhere but in some rooms or files.
fn only_in(homes: &[&str], words: &[&str]) {
    for Source { name, code } in sources() {
        if homes.contains(&room(&name)) || homes.contains(&name.as_str()) {
            continue;
        }
        for word in words {
            assert!(
                !says(&code, word),
                "{name} says {word}, which is for {homes:?}"
            );
        }
    }
}

#[test]
fn imports_go_one_way() {
    let allowed = [
        ("bin", ["app", "engine"].as_slice()),
        ("lab", &["app", "wire", "web"]),
        ("app", &["wire", "media", "web", "platform"]),
        ("engine", &["wire", "media", "web", "platform"]),
        ("wire", &["web", "platform"]),
        ("media", &[]),
        ("platform", &[]),
        ("web", &[]),
    ];
    for Source { name, code } in sources() {
        let Some((home, allowed)) = allowed.iter().find(|(home, _)| *home == room(&name)) else {
            continue;
        };
        // `use crate::{…}` lists rooms at its first level; `crate::room` names one.
        for other in ["app", "engine", "wire", "media", "web", "platform"] {
            let imported = imports(&code).contains(&other.to_owned());
            let excepted = name == "app/agent.rs" && other == "engine";
            assert!(
                !imported || other == *home || allowed.contains(&other) || excepted,
                "{name} imports {other}"
            );
        }
    }
}

/// The rooms that a file names by `crate::…` or `yew_mse_worker::…`.
fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for start in ["crate::", "yew_mse_worker::"] {
        for (at, _) in code.match_indices(start) {
            let rest = &code[at + start.len()..];
            let Some(list) = rest.strip_prefix('{') else {
                found.push(first_name(rest));
                continue;
            };
            let mut depth = 0;
            let mut item = true;
            for (at, char) in list.char_indices() {
                match char {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => item = true,
                    char if item && char.is_alphabetic() => {
                        found.push(first_name(&list[at..]));
                        item = false;
                    }
                    _ => {}
                }
            }
        }
    }
    found
}

fn first_name(text: &str) -> String {
    text.chars()
        .take_while(|char| char.is_alphanumeric() || *char == '_')
        .collect()
}

#[test]
fn imports_are_read_as_rust_reads_them() {
    let code = "use crate::{\n    media::{Track, hls::Playlist},\n    web,\n}; crate::wire::BUILD";
    assert_eq!(imports(code), ["media", "web", "wire"]);
}

#[test]
fn yew_and_the_document_are_only_in_the_app_and_the_lab() {
    only_in(
        &["app", "lab"],
        &["yew", "window", "Window", "document", "Document", "html"],
    );
    only_in(
        &["app", "lab", "web"],
        &["HtmlVideoElement", "HtmlMediaElement", "HtmlElement"],
    );
}

#[test]
fn media_sources_are_only_in_the_engine() {
    only_in(
        &["engine", "lab", "web", "platform"],
        &[
            "MediaSource",
            "WorkerMediaSource",
            "SourceBuffer",
            "appendBuffer",
            "append_buffer",
        ],
    );
}

#[test]
fn media_knows_no_javascript() {
    for Source { name, code } in sources() {
        if room(&name) == "media" {
            for word in ["js_sys", "web_sys", "wasm_bindgen", "JsValue", "serde"] {
                assert!(!says(&code, word), "{name} says {word}");
            }
        }
    }
}

/// Nothing has to be taken out of the library for the lab to be gone: it is a program, which no library
/// can import, and the page knows of it by a line of index.html.
#[test]
fn the_lab_is_a_folder_and_a_line() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let html = fs::read_to_string(root.join("index.html")).unwrap();
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let lines = html
        .lines()
        .filter(|line| line.contains("data-bin=\"lab\""));
    assert_eq!(lines.count(), 1);
    assert!(
        !manifest.contains("[[bin]]"),
        "a folder is a program by its place"
    );
    let map = fs::read_to_string(root.join("src/bin/lab/main.rs")).unwrap();
    for entry in fs::read_dir(root.join("src/bin/lab")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        assert!(
            map.contains(&format!("//! | `{name}`")),
            "{name} is not on the lab's map"
        );
    }
}

#[test]
fn what_gloo_keeps_private_is_known_to_one_file() {
    only_in(
        &["wire/post.rs"],
        &[
            "FromWorker",
            "ToWorker",
            "ProcessOutput",
            "WorkerLoaded",
            "Codec",
            "spawner",
            "onmessage",
        ],
    );
}

#[test]
fn nothing_is_leaked_on_purpose() {
    only_in(
        &[],
        &[
            "forget",
            "leak",
            "into_js_value",
            "once_into_js",
            "ManuallyDrop",
        ],
    );
}

#[test]
fn every_file_is_on_the_map() {
    let map = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let (_, rooms) = map.split_once("# Rooms").unwrap();
    let (rooms, _) = rooms.split_once("# Invariants").unwrap();
    for Source { name, .. } in sources() {
        let top = name.strip_suffix(".rs").unwrap();
        if matches!(room(&name), "lab" | "platform") {
            // It has a map of its own.
            continue;
        }
        let shown = rooms.contains(&format!("`{name}`")) || rooms.contains(&format!("[`{top}`]"));
        assert!(
            shown || name == "lib.rs",
            "{name} is not on the map in src/lib.rs"
        );
    }
    // And nothing is on the map that is gone.
    for part in rooms
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|part| part.ends_with(".rs"))
    {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(part);
        assert!(file.is_file(), "the map shows {part}, which is not there");
    }
}
