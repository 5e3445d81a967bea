//! Checks the invariants of `src/lib.rs` that show in the sources: dependencies between modules, and identifiers that
//! only some modules may use.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Item, UseTree, Visibility};

/// The folders of the library's and the lab's sources.
const SOURCES: [&str; 2] = ["src", "lab/src"];

/// A source file, without its comments and its tests.
struct Source {
    /// Relative to the checkout, such as `src/player/agent.rs`.
    file: String,
    /// Such as `player::agent`; empty for a crate's root.
    module: String,
    items: Vec<Item>,
}

impl Source {
    /// The first part of the module's path, such as `player`; `bin` and `lab` for programs.
    fn top(&self) -> &str {
        if self.file.starts_with("lab/") {
            return "lab";
        }
        self.module.split("::").next().unwrap()
    }

    fn tokens(&self) -> TokenStream {
        self.items.iter().map(ToTokens::to_token_stream).collect()
    }

    /// Every identifier of its code, those in macros included.
    fn identifiers(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        flatten(self.tokens(), &mut |token| {
            if let Flat::Name(name) = token {
                found.insert(name);
            }
        });
        found
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    for folder in SOURCES {
        collect(&root().join(folder), &mut files);
    }
    let sources: Vec<Source> = files.iter().map(|file| read(file)).collect();
    assert!(sources.len() > 40, "only {} sources found", sources.len());
    sources
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn read(path: &Path) -> Source {
    let text = fs::read_to_string(path).unwrap();
    let file = path.strip_prefix(root()).unwrap().to_str().unwrap();
    let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    let module = file
        .trim_start_matches("lab/")
        .trim_start_matches("src/")
        .trim_end_matches(".rs")
        .replace('/', "::");
    Source {
        module: match module.as_str() {
            "lib" | "main" => String::new(),
            module => module.to_owned(),
        },
        file: file.to_owned(),
        items: without_tests(parsed.items),
    }
}

/// Drops unit tests, and test modules in separate files.
fn without_tests(items: Vec<Item>) -> Vec<Item> {
    let kept = items.into_iter().filter(|item| !is_test(item));
    kept.collect()
}

fn is_test(item: &Item) -> bool {
    let attributes: &[Attribute] = match item {
        Item::Mod(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => return false,
    };
    attributes.iter().any(|attribute| {
        let text = attribute.meta.to_token_stream().to_string();
        text.replace(' ', "").starts_with("cfg(test")
    })
}

/// A token of flattened code.
enum Flat {
    Name(String),
    Colons,
    Other,
}

/// Calls `visit` with each token, groups opened, `::` as one.
fn flatten(tokens: TokenStream, visit: &mut dyn FnMut(Flat)) {
    let mut colons = 0;
    for token in tokens {
        if let TokenTree::Punct(punct) = &token
            && punct.as_char() == ':'
        {
            colons += 1;
            if colons == 2 {
                visit(Flat::Colons);
                colons = 0;
            }
            continue;
        }
        if std::mem::take(&mut colons) == 1 {
            visit(Flat::Other);
        }
        match token {
            TokenTree::Ident(name) => visit(Flat::Name(name.to_string())),
            TokenTree::Group(group) => {
                visit(Flat::Other);
                flatten(group.stream(), visit);
                visit(Flat::Other);
            }
            _ => visit(Flat::Other),
        }
    }
}

/// The graph of the library's modules: for each module, the modules that it names by a path in a `use`, a
/// re-export or an expression.
fn module_graph(sources: &[Source]) -> BTreeMap<String, BTreeSet<String>> {
    let library = || {
        let all = sources.iter();
        all.filter(|source| source.file.starts_with("src/") && source.top() != "bin")
    };
    let modules: BTreeSet<String> = library().map(|source| source.module.clone()).collect();
    let mut graph = BTreeMap::new();
    for source in library() {
        let mut named = BTreeSet::new();
        for path in paths(source) {
            if let Some(module) = resolve(&path, &source.module, &modules)
                && module != source.module
            {
                named.insert(module);
            }
        }
        graph.insert(source.module.clone(), named);
    }
    graph
}

/// All paths of two and more names in a source, `use` trees spelt out.
fn paths(source: &Source) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for item in &source.items {
        if let Item::Use(item) = item {
            spell_out(&item.tree, &mut Vec::new(), &mut paths);
            continue;
        }
        let mut path: Vec<String> = Vec::new();
        let mut after_colons = false;
        flatten(item.to_token_stream(), &mut |token| match token {
            Flat::Colons => after_colons = true,
            Flat::Name(name) if after_colons => {
                path.push(name);
                after_colons = false;
            }
            Flat::Name(name) => paths.push(std::mem::replace(&mut path, vec![name])),
            Flat::Other => {
                after_colons = false;
                paths.push(std::mem::take(&mut path));
            }
        });
        paths.push(path);
    }
    paths.retain(|path| path.len() > 1);
    paths
}

fn spell_out(tree: &UseTree, prefix: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    let mut finish = |name: Option<String>| {
        let mut path = prefix.clone();
        path.extend(name);
        paths.push(path);
    };
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            spell_out(&path.tree, prefix, paths);
            prefix.pop();
        }
        UseTree::Name(name) if name.ident == "self" => finish(None),
        UseTree::Name(name) => finish(Some(name.ident.to_string())),
        UseTree::Rename(name) => finish(Some(name.ident.to_string())),
        UseTree::Glob(_) => finish(None),
        UseTree::Group(group) => {
            for tree in &group.items {
                spell_out(tree, prefix, paths);
            }
        }
    }
}

/// The module that a path in `module` leads into.
fn resolve(path: &[String], module: &str, modules: &BTreeSet<String>) -> Option<String> {
    let mut names = path.iter().map(String::as_str).peekable();
    let mut found: Vec<&str> = module.split("::").filter(|name| !name.is_empty()).collect();
    match *names.peek()? {
        "crate" => {
            found.clear();
            names.next();
        }
        "self" => {
            names.next();
        }
        "super" => {
            while names.next_if_eq(&"super").is_some() {
                found.pop();
            }
        }
        // A child module; anything else was imported by a `use`, which counts by itself.
        child => {
            let path = [&found[..], &[child]].concat().join("::");
            if !modules.contains(&path) {
                return None;
            }
        }
    }
    for name in names {
        let longer = [&found[..], &[name]].concat();
        if !modules.contains(&longer.join("::")) {
            break;
        }
        found = longer;
    }
    Some(found.join("::"))
}

/// The groups of modules that reach each other (strongly connected components of two and more).
fn cycles(graph: &BTreeMap<String, BTreeSet<String>>) -> Vec<BTreeSet<String>> {
    let reachable = |from: &String| {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![from.clone()];
        while let Some(module) = waiting.pop() {
            for next in graph.get(&module).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    waiting.push(next.clone());
                }
            }
        }
        seen
    };
    let reach: BTreeMap<_, _> = graph
        .keys()
        .map(|module| (module, reachable(module)))
        .collect();
    let mut found: Vec<BTreeSet<String>> = Vec::new();
    for module in graph
        .keys()
        .filter(|module| reach[module].contains(*module))
    {
        let component: BTreeSet<String> = reach[module]
            .iter()
            .filter(|other| reach.get(other).is_some_and(|reach| reach.contains(module)))
            .cloned()
            .collect();
        if !found.contains(&component) {
            found.push(component);
        }
    }
    found
}

#[test]
fn module_graph_has_no_cycle() {
    let graph = module_graph(&sources());
    let mut message = String::new();
    for component in cycles(&graph) {
        message += "these modules import each other in a circle:\n";
        for module in &component {
            let to: Vec<_> = graph[module].intersection(&component).collect();
            message += &format!("  {module} -> {to:?}\n");
        }
    }
    assert!(message.is_empty(), "{message}");
}

#[test]
fn cycle_through_reexport_and_inline_path_is_found() {
    let source = |module: &str, code: &str| Source {
        file: format!("src/{module}.rs"),
        module: module.to_owned(),
        items: without_tests(syn::parse_file(code).unwrap().items),
    };
    let sources = [
        source("a", "pub use self::b::B;"),
        source(
            "a::b",
            "pub struct B; fn f() { if true { crate::c::call() } }",
        ),
        source(
            "c",
            "use super::a::{self, B as Renamed}; #[cfg(test)] mod tests { use crate::d::D; }",
        ),
        source("d", "use crate::c::call;"),
    ];
    let graph = module_graph(&sources);
    assert_eq!(graph["c"], BTreeSet::from(["a".to_owned()]));
    let names = |component: &BTreeSet<String>| component.iter().cloned().collect::<Vec<_>>();
    let found: Vec<_> = cycles(&graph).iter().map(names).collect();
    assert_eq!(found, [["a", "a::b", "c"]]);
}

#[test]
fn dependencies_go_one_way() {
    let allowed = BTreeMap::from([
        ("app", ["player", "protocol", "platform"].as_slice()),
        ("player", &["protocol", "platform"]),
        ("engine", &["protocol", "media", "platform"]),
        ("protocol", &["platform"]),
        ("media", &[]),
        ("platform", &[]),
    ]);
    let top = |module: &str| module.split("::").next().unwrap().to_owned();
    for (module, named) in module_graph(&sources()) {
        let Some(allowed) = allowed.get(top(&module).as_str()) else {
            continue;
        };
        for other in named {
            let is_inside = top(&other) == top(&module) || other.is_empty();
            // The agent that the player spawns.
            let is_spawn = module == "player::agent" && other == "engine::worker";
            assert!(
                is_inside || is_spawn || allowed.contains(&top(&other).as_str()),
                "{module} names {other}"
            );
        }
    }
}

/// Fails if a source outside `places` (first parts of module paths, or files) names one of `words`.
fn only_in(places: &[&str], words: &[&str]) {
    for source in sources() {
        if places.contains(&source.top()) || places.contains(&source.file.as_str()) {
            continue;
        }
        let identifiers = source.identifiers();
        for word in words {
            assert!(
                !identifiers.contains(*word),
                "{} names {word}, which belongs to {places:?}",
                source.file
            );
        }
    }
}

#[test]
fn yew_and_document_are_only_on_the_page() {
    let page = ["app", "player", "lab"];
    only_in(
        &page,
        &["yew", "window", "Window", "document", "Document", "html"],
    );
    only_in(
        &["app", "player", "lab", "platform"],
        &["HtmlVideoElement", "HtmlMediaElement", "HtmlElement"],
    );
}

#[test]
fn media_source_is_only_in_engine_and_platform() {
    only_in(
        &["engine", "lab", "platform"],
        &[
            "MediaSource",
            "SourceBuffer",
            "new_media_source",
            "endOfStream",
            "appendBuffer",
        ],
    );
}

#[test]
fn media_names_no_javascript_type() {
    for source in sources().iter().filter(|source| source.top() == "media") {
        for word in ["js_sys", "web_sys", "wasm_bindgen", "JsValue", "serde"] {
            assert!(
                !source.identifiers().contains(word),
                "{} names {word}",
                source.file
            );
        }
    }
}

#[test]
fn gloo_workers_private_messages_are_in_one_file() {
    only_in(
        &["src/protocol/transfer.rs"],
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

/// The two implementations of `platform` are excluded: they have the same names on purpose.
#[test]
fn public_type_names_are_unique() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources() {
        if source.file.starts_with("src/platform/") {
            continue;
        }
        for item in &source.items {
            let (name, visibility) = match item {
                Item::Struct(item) => (&item.ident, &item.vis),
                Item::Enum(item) => (&item.ident, &item.vis),
                Item::Type(item) => (&item.ident, &item.vis),
                Item::Trait(item) => (&item.ident, &item.vis),
                _ => continue,
            };
            if !matches!(visibility, Visibility::Inherited) {
                places
                    .entry(name.to_string())
                    .or_default()
                    .push(source.file.clone());
            }
        }
    }
    places.retain(|_, files| files.len() > 1);
    assert!(places.is_empty(), "one name for several types: {places:#?}");
}

/// Long names hide what a test is about. `tests/browser/suite.rs` checks those of browser tests.
#[test]
fn test_names_are_at_most_60_characters() {
    let mut files = Vec::new();
    for folder in ["src", "lab", "remux", "testkit", "xtask", "tests"] {
        collect(&root().join(folder), &mut files);
    }
    for path in files {
        if path.starts_with(root().join("tests/browser")) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for part in text.split("#[test]").skip(1) {
            let (_, rest) = part.split_once("fn ").unwrap_or(("", part));
            let name = rest.split('(').next().unwrap();
            assert!(name.len() <= 60, "{}: {name}", path.display());
        }
    }
}

/// The table of modules in `src/lib.rs` names files that exist.
#[test]
fn module_map_names_only_files_that_exist() {
    let map = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let mut named = 0;
    let code = map.lines().filter_map(|line| line.strip_prefix("//!"));
    for line in code {
        for part in line.split('`').skip(1).step_by(2) {
            if part.ends_with(".rs") {
                named += 1;
                let is_there =
                    root().join("src").join(part).is_file() || root().join(part).is_file();
                assert!(is_there, "src/lib.rs names {part}, which does not exist");
            }
        }
    }
    assert!(named > 5, "src/lib.rs names {named} files");
}

#[test]
fn lab_is_a_folder_and_two_lines() {
    for (file, part) in [("index.html", "lab/Cargo.toml"), ("Cargo.toml", "\"lab\"")] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let lines = text.lines().filter(|line| line.contains(part));
        assert_eq!(lines.count(), 1, "lines of {file} with {part}");
    }
    let named = sources()
        .into_iter()
        .filter(|source| source.file.starts_with("src/"));
    for source in named {
        assert!(
            !source.identifiers().contains("yew_mse_worker_lab"),
            "{} names the lab",
            source.file
        );
    }
}
