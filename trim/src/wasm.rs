//! The names that wasm has in common with its glue: those of its imports and exports.

use std::collections::BTreeSet;

use wasm_encoder::{
    ExportSection, ImportSection, Module, RawSection,
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

/// The same program under other names. All else stays as it is, to the byte.
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
                    let data = program.get(range).ok_or("the wasm is cut short")?;
                    module.section(&RawSection { id, data });
                }
            }
        }
    }
    Ok(module.finish())
}
