//! The names that wasm has in common with its glue: those of its imports and exports.

use std::{collections::BTreeSet, env, path::PathBuf};

use wasm_encoder::{
    ExportSection, ImportSection, Module, RawSection, SectionId,
    reencode::{Reencode, RoundtripReencoder},
};
use wasmparser::{Parser, Payload};

use crate::{
    Outcome,
    pair::{self, Names},
};

/// What wasm asks of its glue, and offers to it.
#[derive(Debug, PartialEq, Eq)]
pub struct Interface {
    /// The modules that it imports from: the glue, and others that the glue passes on as they are.
    pub modules: BTreeSet<String>,
    /// What it imports from the glue.
    pub imports: BTreeSet<String>,
    pub exports: BTreeSet<String>,
}

impl Interface {
    pub fn read(program: &[u8]) -> Outcome<Self> {
        let mut interface = Self {
            modules: BTreeSet::new(),
            imports: BTreeSet::new(),
            exports: BTreeSet::new(),
        };
        for payload in Parser::new(0).parse_all(program) {
            match payload? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import?;
                        interface.modules.insert(import.module.to_owned());
                        if pair::is_glue(import.module) {
                            interface.imports.insert(import.name.to_owned());
                        }
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        interface.exports.insert(export?.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        Ok(interface)
    }
}

/// The same program under other names, and without the names of this machine's folders. All else stays as
/// it is, to the byte.
pub fn rename(program: &[u8], names: &Names) -> Outcome<Vec<u8>> {
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(program) {
        match payload? {
            Payload::ImportSection(section) => {
                let mut imports = ImportSection::new();
                for import in section.into_imports() {
                    let import = import?;
                    let kind = RoundtripReencoder.entity_type(import.ty)?;
                    imports.import(names.module(import.module), names.import(import.name), kind);
                }
                module.section(&imports);
            }
            Payload::ExportSection(section) => {
                let mut exports = ExportSection::new();
                for export in section {
                    let export = export?;
                    let kind = RoundtripReencoder.export_kind(export.kind)?;
                    exports.export(names.export(export.name), kind, export.index);
                }
                module.section(&exports);
            }
            other => {
                if let Some((id, range)) = other.as_section() {
                    let range = usize::try_from(range.start)?..usize::try_from(range.end)?;
                    let mut data = program.get(range).ok_or("the wasm is cut short")?.to_vec();
                    if id == u8::from(SectionId::Data) {
                        forget_folders(&mut data, &cargo_home());
                    }
                    module.section(&RawSection { id, data: &data });
                }
            }
        }
    }
    Ok(module.finish())
}

/// Where Cargo keeps the sources of libraries.
fn cargo_home() -> String {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")));
    home.unwrap_or_default().to_string_lossy().into_owned()
}

/// What a panic says of its place begins with a folder of the machine that built the program. Nobody else
/// needs to know that one, and every machine would build another program. The library, the file and the
/// line are still told.
fn forget_folders(data: &mut [u8], cargo_home: &str) {
    let registry = [cargo_home, "/registry/src/"].concat();
    // Then comes the name of the registry, or the version of the compiler.
    for (start, end) in [(registry.as_str(), "/"), ("/rustc/", "/library/")] {
        let mut from = 0;
        while let Some(at) = find(data, start, from) {
            from = at + start.len();
            let Some(end) = find(data, end, from).map(|at| at + end.len()) else {
                break;
            };
            // Something else that only begins alike.
            if end - from > 64 {
                continue;
            }
            if let Some(folder) = data.get_mut(at..end) {
                folder.fill(b'/');
            }
        }
    }
}

/// Where these words are in the data, from a place on.
fn find(data: &[u8], words: &str, from: usize) -> Option<usize> {
    let rest = data.get(from..)?;
    let found = rest
        .windows(words.len())
        .position(|it| it == words.as_bytes());
    found.map(|at| at + from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_does_not_tell_whose_machine_it_was_built_on() {
        let mut data = b"src/here.rs/home/me/.cargo/registry/src/index-12ab/one-1.0/src/lib.rs\
            /rustc/0123456789abcdef/library/core/src/cell.rs/rustc/ is no folder"
            .to_vec();
        let length = data.len();
        forget_folders(&mut data, "/home/me/.cargo");
        let told = String::from_utf8(data).unwrap();
        assert_eq!(told.len(), length);
        let told: Vec<&str> = told.split('/').filter(|part| !part.is_empty()).collect();
        let expected = "src/here.rs/one-1.0/src/lib.rs/core/src/cell.rs/rustc/ is no folder";
        assert_eq!(told, expected.split('/').collect::<Vec<_>>());
    }
}
