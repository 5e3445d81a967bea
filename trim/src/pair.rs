//! A program and its glue: what each calls the other's things.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Outcome, order, script,
    wasm::{self, Interface},
};

/// What the glue is called as a module, of which wasm-bindgen makes `./X_bg.js`. No import is ever
/// called so.
const GLUE: &str = "_";

/// Whether an import is from the glue, before or after it has been trimmed.
pub fn is_glue(module: &str) -> bool {
    module == GLUE || module.ends_with("_bg.js")
}

/// How a name begins that wasm-bindgen made up. Others are a person's, and stay.
const MADE_UP: [&str; 3] = ["__wb", "__externref_", "wasm_bindgen__"];

/// New names for old.
#[derive(Default)]
pub struct Names {
    imports: BTreeMap<String, String>,
    exports: BTreeMap<String, String>,
}

impl Names {
    /// Short names for all that wasm-bindgen gave a long one. What is imported has its place in a list for a
    /// name: so the glue need not say it.
    ///
    /// They depend on the glue, which is made before wasm-opt leaves anything out, so that a build
    /// of the same sources has the same names, whatever is done to the wasm.
    fn choose(objects: &[Vec<String>], exports: &BTreeSet<String>) -> Self {
        let imports = objects
            .iter()
            .find(|keys| keys.iter().any(|key| is_made_up(key)));
        let imports = imports.into_iter().flatten().cloned();
        Self {
            imports: imports
                .zip((0..).map(|place: u32| place.to_string()))
                .collect(),
            exports: shorten(exports),
        }
    }

    pub fn module<'a>(&self, module: &'a str) -> &'a str {
        if is_glue(module) { GLUE } else { module }
    }

    pub fn has_import(&self, name: &str) -> bool {
        self.imports.contains_key(name)
    }

    pub fn import<'a>(&'a self, name: &'a str) -> &'a str {
        self.imports.get(name).map_or(name, String::as_str)
    }

    pub fn export<'a>(&'a self, name: &'a str) -> &'a str {
        self.exports.get(name).map_or(name, String::as_str)
    }
}

/// A short name for each that is made up, and that none of the others has.
fn shorten(names: &BTreeSet<String>) -> BTreeMap<String, String> {
    let free = (0..).map(short).filter(|short| !names.contains(short));
    let made_up = names.iter().filter(|name| is_made_up(name));
    made_up.cloned().zip(free).collect()
}

fn is_made_up(name: &str) -> bool {
    MADE_UP.iter().any(|start| name.starts_with(start))
}

/// a, b, … Z, aa, ba, …
fn short(mut index: usize) -> String {
    let letters: Vec<char> = ('a'..='z').chain('A'..='Z').collect();
    let mut name = String::new();
    loop {
        name.push(letters[index % letters.len()]);
        index /= letters.len();
        if index == 0 {
            return name;
        }
        index -= 1;
    }
}

/// Trims glue and wasm together.
pub fn trim(glue: &str, program: &[u8]) -> Outcome<(String, Vec<u8>)> {
    let interface = Interface::read(program)?;
    let names = Names::choose(&script::objects(glue)?, &interface.exports);
    let trimmed = (
        script::minify(glue, &names)?,
        order::sort(&wasm::rename(program, &names)?)?,
    );
    check(&trimmed.0, &trimmed.1)?;
    Ok(trimmed)
}

/// Refuses a glue that does not have what the wasm imports, or that still has a long name for
/// anything.
fn check(glue: &str, program: &[u8]) -> Outcome {
    let interface = Interface::read(program)?;
    let objects = script::objects(glue)?;
    for wanted in [&interface.modules, &interface.imports] {
        let has_all = |object: &Vec<String>| wanted.iter().all(|name| object.contains(name));
        if !objects.iter().any(has_all) {
            let (count, first) = (wanted.len(), wanted.first());
            return Err(
                format!("the glue lacks some of {count} imports, such as {first:?}").into(),
            );
        }
    }
    // An object of an exported class has its address by this name, which the wasm does not know.
    let glue = glue.replace("__wbg_ptr", "");
    match MADE_UP.iter().find(|start| glue.contains(**start)) {
        None => Ok(()),
        Some(start) => Err(format!("the glue still has a name that begins with {start}").into()),
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        CodeSection, CustomSection, EntityType, ExportKind, ExportSection, Function,
        FunctionSection, ImportSection, Module, TypeSection,
    };

    use super::*;

    /// As wasm-bindgen writes it, but for its length.
    const SCRIPT: &str = r#"
        function __wbg_get_imports() {
            const import0 = {
                __proto__: null,
                __wbg_log_1234567890abcdef: function(arg0) { console.log(arg0); },
                __wbg_left_out_1234567890abcdef: function(arg0) { console.warn(arg0); },
                __wbindgen_init_externref_table: function() {
                    const table = wasm.__wbindgen_externrefs;
                    table.grow(4);
                },
            };
            return { __proto__: null, "./player_bg.js": import0 };
        }
        let wasm;
        async function __wbg_init(module_or_path) {
            const { instance } = await WebAssembly.instantiate(module_or_path, __wbg_get_imports());
            wasm = instance.exports;
            wasm.__wbindgen_start();
            return wasm.memory;
        }
        export { __wbg_init as default };
    "#;

    const IMPORTS: [&str; 2] = [
        "__wbg_log_1234567890abcdef",
        "__wbindgen_init_externref_table",
    ];
    const EXPORTS: [&str; 4] = ["memory", "a", "__wbindgen_externrefs", "__wbindgen_start"];

    fn program(imports: &[&str], exports: &[&str]) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut asked = ImportSection::new();
        for name in imports {
            asked.import("./player_bg.js", name, EntityType::Function(0));
        }
        let mut functions = FunctionSection::new();
        functions.function(0);
        let mut offered = ExportSection::new();
        for name in exports {
            offered.export(name, ExportKind::Func, 0);
        }
        let mut body = Function::new([]);
        body.instructions().end();
        let mut code = CodeSection::new();
        code.function(&body);
        let mut module = Module::new();
        module
            .section(&types)
            .section(&asked)
            .section(&functions)
            .section(&offered)
            .section(&code)
            .section(&CustomSection {
                name: "kept".into(),
                data: b"as it is".into(),
            });
        module.finish()
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn both_get_the_same_short_names() {
        let (glue, wasm) = trim(SCRIPT, &program(&IMPORTS, &EXPORTS)).unwrap();
        let interface = Interface::read(&wasm).unwrap();
        // What the wasm does not import has a name all the same, and none is given twice.
        assert_eq!(interface.imports, set(&["0", "2"]));
        assert_eq!(interface.modules, set(&["_"]));
        assert_eq!(interface.exports, set(&["memory", "a", "b", "c"]));
        let objects = script::objects(&glue).unwrap();
        assert!(objects.contains(&["0", "1", "2"].map(str::to_owned).into()));
        assert!(objects.contains(&vec!["_".into()]));
        assert!(glue.contains(".c()") && glue.contains(".b") && glue.contains(".memory"));
        assert!(glue.contains(" as default"), "its users' name: {glue}");
        assert!(!glue.contains("__wb") && glue.len() < SCRIPT.len() / 2);
        assert!(wasm.windows(8).any(|bytes| bytes == b"as it is"));
    }

    #[test]
    fn what_is_trimmed_stays_as_it_is() {
        let once = trim(SCRIPT, &program(&IMPORTS, &EXPORTS)).unwrap();
        assert_eq!(trim(&once.0, &once.1).unwrap(), once);
    }

    #[test]
    fn halves_that_do_not_match_are_refused() {
        let wasm = program(&IMPORTS, &EXPORTS);
        let (glue, trimmed) = trim(SCRIPT, &wasm).unwrap();
        assert!(trim(&glue, &wasm).is_err(), "the wasm is not trimmed");
        assert!(trim(SCRIPT, &trimmed).is_err(), "the glue is not");
        let lost = glue.replace("_:[", "b:[");
        assert!(lost != glue && trim(&lost, &trimmed).is_err(), "no module");
        let more = program(&["__wbg_log_1234567890abcdef", "__wbg_new_1"], &EXPORTS);
        assert!(trim(SCRIPT, &more).is_err(), "an import that is not there");
        let elsewhere = SCRIPT.replace("./player_bg.js", "./other.js");
        assert!(trim(&elsewhere, &wasm).is_err(), "another module");
        let by_text = SCRIPT.replace("wasm.__wbindgen_start()", "wasm['__wbindgen_' + 'start']()");
        assert!(
            trim(&by_text, &wasm).is_err(),
            "a name that is put together"
        );
        assert!(trim("const { a = ;", &wasm).is_err(), "no script at all");
        assert!(trim(SCRIPT, b"no wasm").is_err(), "no wasm at all");
    }

    #[test]
    fn short_names_differ() {
        let names: BTreeSet<_> = (0..5_000).map(short).collect();
        assert_eq!(names.len(), 5_000);
        assert!(names.iter().all(|name| name.len() <= 3));
        assert_eq!([short(0), short(51), short(52)], ["a", "Z", "aa"]);
    }
}
