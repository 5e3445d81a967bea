//! The order of a program's functions. To the program it is all the same; but gzip finds again what it saw a
//! moment ago, and so what is alike is put side by side.

use std::fmt;

use wasm_encoder::{
    CodeSection, FunctionSection, Module,
    reencode::{Error, Reencode},
};
use wasmparser::{
    CodeSectionReader, FunctionBody, FunctionSectionReader, Parser, Payload, TypeRef,
};

use crate::Outcome;

/// The same program, its functions sorted by what they do.
pub fn sort(program: &[u8]) -> Outcome<Vec<u8>> {
    let mut module = Module::new();
    Sorted::read(program)?.parse_core_module(&mut module, Parser::new(0), program)?;
    Ok(module.finish())
}

/// A program's functions in their new order.
struct Sorted<'a> {
    functions: Vec<Function<'a>>,
    /// Where each of all functions has come to; those that are imported come first, and stay.
    places: Vec<u32>,
}

struct Function<'a> {
    kind: u32,
    body: FunctionBody<'a>,
    /// What it does, but for whom it calls: that is said by the order, and changes with it.
    deeds: Vec<u8>,
}

impl<'a> Sorted<'a> {
    fn read(program: &'a [u8]) -> Outcome<Self> {
        let (mut imported, mut kinds, mut bodies) = (0, Vec::new(), Vec::new());
        for payload in Parser::new(0).parse_all(program) {
            match payload? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                    }
                }
                Payload::FunctionSection(section) => {
                    kinds = section.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::CodeSectionEntry(body) => bodies.push(body),
                _ => {}
            }
        }
        let mut functions = Vec::new();
        for (place, (kind, body)) in (imported..).zip(kinds.into_iter().zip(bodies)) {
            let deeds = deeds(&body)?;
            functions.push((place, Function { kind, body, deeds }));
        }
        functions.sort_by(|(_, a), (_, b)| a.deeds.cmp(&b.deeds));

        let mut places: Vec<u32> = (0..imported).collect();
        let mut moves: Vec<_> = functions
            .iter()
            .map(|(from, _)| *from)
            .zip(imported..)
            .collect();
        moves.sort_unstable();
        places.extend(moves.into_iter().map(|(_, to)| to));
        let functions = functions
            .into_iter()
            .map(|(_, function)| function)
            .collect();
        Ok(Self { functions, places })
    }
}

impl Reencode for Sorted<'_> {
    type Error = Stray;

    fn function_index(&mut self, function: u32) -> Result<u32, Error<Stray>> {
        let place = usize::try_from(function).ok();
        let place = place.and_then(|place| self.places.get(place));
        place.copied().ok_or(Error::UserError(Stray(function)))
    }

    fn parse_function_section(
        &mut self,
        section: &mut FunctionSection,
        _: FunctionSectionReader,
    ) -> Result<(), Error<Stray>> {
        for function in &self.functions {
            section.function(function.kind);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        section: &mut CodeSection,
        _: CodeSectionReader,
    ) -> Result<(), Error<Stray>> {
        for function in std::mem::take(&mut self.functions) {
            self.parse_function_body(section, function.body)?;
        }
        Ok(())
    }
}

/// A function that is spoken of, and is not there.
#[derive(Debug)]
struct Stray(u32);

impl fmt::Display for Stray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no function {}", self.0)
    }
}

impl std::error::Error for Stray {}

fn deeds(body: &FunctionBody) -> Outcome<Vec<u8>> {
    let mut function = Nameless.new_function_with_parsed_locals(body)?;
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        function.instruction(&Nameless.parse_instruction(&mut operators)?);
    }
    Ok(function.into_raw_body())
}

/// Writes functions as if there were only one that they could call.
struct Nameless;

impl Reencode for Nameless {
    type Error = Stray;

    fn function_index(&mut self, _: u32) -> Result<u32, Error<Stray>> {
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        CodeSection, EntityType, ExportKind, ExportSection, Function, ImportSection, TypeSection,
    };

    use super::*;

    /// A program whose exports, by their names, do this many times nothing, and then call that one.
    fn program(exports: &[(&str, usize, u32)]) -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        let mut imports = ImportSection::new();
        imports.import("_", "a", EntityType::Function(0));
        let mut functions = FunctionSection::new();
        let mut offered = ExportSection::new();
        let mut code = CodeSection::new();
        for (place, (name, count, callee)) in (1..).zip(exports) {
            functions.function(0);
            offered.export(name, ExportKind::Func, place);
            let mut body = Function::new([]);
            for _ in 0..*count {
                body.instructions().nop();
            }
            body.instructions().call(*callee).end();
            code.function(&body);
        }
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions);
        module.section(&offered).section(&code);
        module.finish()
    }

    #[test]
    fn functions_that_are_alike_lie_side_by_side_and_are_called_as_before() {
        let before = program(&[
            ("one", 0, 3),
            ("two", 9, 1),
            ("three", 0, 0),
            ("four", 9, 2),
        ]);
        let after = sort(&before).unwrap();
        let places = exports(&after);
        assert_eq!(
            places,
            [("one", 3), ("two", 1), ("three", 4), ("four", 2)].map(|(name, at)| (name.into(), at))
        );
        assert_eq!(callees(&after), [3, 1, 4, 0]);
        assert_eq!(sort(&after).unwrap(), after, "what is sorted stays so");
    }

    fn exports(program: &[u8]) -> Vec<(String, u32)> {
        let mut exports = Vec::new();
        for payload in Parser::new(0).parse_all(program) {
            if let Payload::ExportSection(section) = payload.unwrap() {
                let section = section.into_iter().map(Result::unwrap);
                exports.extend(section.map(|it| (it.name.to_owned(), it.index)));
            }
        }
        exports
    }

    fn callees(program: &[u8]) -> Vec<u32> {
        let mut callees = Vec::new();
        for payload in Parser::new(0).parse_all(program) {
            if let Payload::CodeSectionEntry(body) = payload.unwrap() {
                for operator in body.get_operators_reader().unwrap() {
                    if let wasmparser::Operator::Call { function_index } = operator.unwrap() {
                        callees.push(function_index);
                    }
                }
            }
        }
        callees
    }
}
