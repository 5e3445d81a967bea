//! JavaScript: what is in it, under which names, and as little of it as does the same.

use oxc_allocator::Allocator;
use oxc_ast::ast::{
    ExportNamedDeclaration, ObjectExpression, ObjectPropertyKind, Program, PropertyKey,
    StaticMemberExpression,
};
use oxc_ast_visit::{Visit, VisitMut, walk, walk_mut};
use oxc_codegen::{Codegen, CodegenOptions};
use oxc_minifier::{Minifier, MinifierOptions};
use oxc_parser::Parser;
use oxc_span::SourceType;
use oxc_str::{Ident, Str};

use crate::{Outcome, pair::Names};

/// wasm-bindgen's other way to start a program: at once, out of bytes that are there already. Nobody here goes
/// it.
const SYNCHRONOUS: &str = "initSync";

/// A script that does the same as this one, with glue and wasm under their new names.
pub fn minify(source: &str, names: &Names) -> Outcome<String> {
    let allocator = Allocator::default();
    let mut program = parse(&allocator, source)?;
    let mut renaming = Renaming {
        allocator: &allocator,
        names,
    };
    renaming.visit_program(&mut program);
    let minified = Minifier::new(MinifierOptions::default()).minify(&allocator, &mut program);
    let written = Codegen::new()
        .with_options(CodegenOptions::minify())
        .with_scoping(minified.scoping)
        .build(&program);
    Ok(written.code.to_string())
}

/// The keys of each object literal.
pub fn objects(source: &str) -> Outcome<Vec<Vec<String>>> {
    let allocator = Allocator::default();
    let mut objects = Objects(Vec::new());
    objects.visit_program(&parse(&allocator, source)?);
    Ok(objects.0)
}

fn parse<'a>(allocator: &'a Allocator, source: &'a str) -> Outcome<Program<'a>> {
    let parsed = Parser::new(allocator, source, SourceType::mjs()).parse();
    match parsed.diagnostics.first() {
        None => Ok(parsed.program),
        Some(fault) => Err(fault.to_string().into()),
    }
}

struct Objects(Vec<Vec<String>>);

impl<'a> Visit<'a> for Objects {
    fn visit_object_expression(&mut self, object: &ObjectExpression<'a>) {
        let key = |property: &ObjectPropertyKind| match property {
            ObjectPropertyKind::ObjectProperty(property) => {
                property.key.static_name().map(|key| key.to_string())
            }
            ObjectPropertyKind::SpreadProperty(_) => None,
        };
        self.0
            .push(object.properties.iter().filter_map(key).collect());
        walk::walk_object_expression(self, object);
    }
}

struct Renaming<'a, 'n> {
    allocator: &'a Allocator,
    names: &'n Names,
}

impl<'a> VisitMut<'a> for Renaming<'a, '_> {
    fn visit_export_named_declaration(&mut self, exported: &mut ExportNamedDeclaration<'a>) {
        exported
            .specifiers
            .retain(|it| it.exported.name() != SYNCHRONOUS);
        walk_mut::walk_export_named_declaration(self, exported);
    }

    fn visit_property_key(&mut self, key: &mut PropertyKey<'a>) {
        match key {
            PropertyKey::StaticIdentifier(key) => {
                let name = self.names.import(&key.name);
                key.name = Ident::from_str_in(name, &self.allocator);
            }
            PropertyKey::StringLiteral(key) => {
                key.value = Str::from_str_in(self.names.module(&key.value), &self.allocator);
                key.raw = None;
            }
            _ => {}
        }
        walk_mut::walk_property_key(self, key);
    }

    fn visit_static_member_expression(&mut self, member: &mut StaticMemberExpression<'a>) {
        let name = self.names.export(&member.property.name);
        member.property.name = Ident::from_str_in(name, &self.allocator);
        walk_mut::walk_static_member_expression(self, member);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_says_the_same_in_fewer_letters() {
        let source = "// Why.\nconst { href } = location;\nconst shown = href;\nalert(shown);\n";
        let minified = minify(source, &Names::default()).unwrap();
        assert!(minified.len() < source.len() / 2, "{minified}");
        assert!(minified.contains("href") && minified.contains("alert("));
        assert_eq!(minify(&minified, &Names::default()).unwrap(), minified);
    }

    #[test]
    fn what_is_no_script_is_refused() {
        assert!(minify("const = 1;", &Names::default()).is_err());
    }
}
