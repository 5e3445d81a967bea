//! JavaScript: what is in it, under which names, and as little of it as does the same.

use oxc_allocator::{Allocator, ArenaVec, TakeIn};
use oxc_ast::{
    ast::{
        ArrayExpression, ArrayExpressionElement, ExportNamedDeclaration, Expression, Function,
        ObjectExpression, ObjectPropertyKind, Program, PropertyKey, Statement,
        StaticMemberExpression,
    },
    builder::AstBuilder,
};
use oxc_ast_visit::{Visit, VisitMut, walk, walk_mut};
use oxc_codegen::{Codegen, CodegenOptions};
use oxc_minifier::{Minifier, MinifierOptions};
use oxc_parser::Parser;
use oxc_span::SourceType;
use oxc_str::{Ident, Str};

use crate::{Outcome, pair::Names};

/// What is said shorter here than wasm-bindgen says it.
const LEAN: &str = include_str!("lean.js");

/// wasm-bindgen's other way to start a program: at once, out of bytes that are there already. Nobody here goes
/// it.
const SYNCHRONOUS: &str = "initSync";

/// A script that does the same as this one, with glue and wasm under their new names.
pub fn minify(source: &str, names: &Names) -> Outcome<String> {
    let allocator = Allocator::default();
    let mut program = parse(&allocator, source)?;
    lean(&mut program, parse(&allocator, LEAN)?)?;
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

/// Puts functions in the place of those that have their names.
fn lean<'a>(program: &mut Program<'a>, instead: Program<'a>) -> Outcome {
    for statement in instead.body {
        let Some(name) = function(&statement).and_then(|it| it.name()) else {
            continue;
        };
        let old = program.body.iter_mut().find(|old| {
            let function = function(old);
            function.is_some_and(|it| it.name() == Some(name))
        });
        let Some(old) = old else { continue };
        if parameters(old) != parameters(&statement) {
            return Err(format!("{name} is not called as it was: see lean.js").into());
        }
        *old = statement;
    }
    Ok(())
}

fn function<'s, 'a>(statement: &'s Statement<'a>) -> Option<&'s Function<'a>> {
    match statement {
        Statement::FunctionDeclaration(function) => Some(function),
        _ => None,
    }
}

/// The names of what a function is given.
fn parameters<'a>(statement: &Statement<'a>) -> Vec<Option<Ident<'a>>> {
    let function = function(statement).into_iter();
    let parameters = function.flat_map(|it| &it.params.items);
    parameters
        .map(|it| it.pattern.get_identifier_name())
        .collect()
}

/// What an object literal has by itself, and a list has not.
const PROTOTYPE: &str = "__proto__";

/// The keys of each literal of an object or a list, without those of its prototype.
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
        let keys = object.properties.iter().filter_map(key);
        self.0.push(keys.filter(|key| key != PROTOTYPE).collect());
        walk::walk_object_expression(self, object);
    }

    fn visit_array_expression(&mut self, list: &ArrayExpression<'a>) {
        let places = 0..list.elements.len();
        self.0.push(places.map(|place| place.to_string()).collect());
        walk::walk_array_expression(self, list);
    }
}

struct Renaming<'a, 'n> {
    allocator: &'a Allocator,
    names: &'n Names,
}

impl<'a> Renaming<'a, '_> {
    /// What this object has, as a list, if it is the one that is imported from.
    fn list(&self, object: &mut ObjectExpression<'a>) -> Option<Expression<'a>> {
        let mut list = ArenaVec::new_in(&self.allocator);
        for property in &mut object.properties {
            if let ObjectPropertyKind::ObjectProperty(property) = property
                && let Some(key) = property.key.static_name()
                && self.names.has_import(&key)
            {
                let value = property.value.take_in(&self.allocator);
                list.push(ArrayExpressionElement::from(value));
            }
        }
        let builder = AstBuilder::new(self.allocator);
        (!list.is_empty()).then(|| Expression::new_array_expression(object.span, list, &builder))
    }
}

impl<'a> VisitMut<'a> for Renaming<'a, '_> {
    fn visit_expression(&mut self, expression: &mut Expression<'a>) {
        if let Expression::ObjectExpression(object) = expression
            && let Some(list) = self.list(object)
        {
            *expression = list;
        }
        walk_mut::walk_expression(self, expression);
    }

    fn visit_export_named_declaration(&mut self, exported: &mut ExportNamedDeclaration<'a>) {
        exported
            .specifiers
            .retain(|it| it.exported.name() != SYNCHRONOUS);
        walk_mut::walk_export_named_declaration(self, exported);
    }

    fn visit_property_key(&mut self, key: &mut PropertyKey<'a>) {
        if let PropertyKey::StringLiteral(key) = key {
            key.value = Str::from_str_in(self.names.module(&key.value), &self.allocator);
            key.raw = None;
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
    fn what_wasm_bindgen_says_at_length_is_said_as_it_is_called() {
        let source = "async function __wbg_load(module, imports) { return console.warn(module, imports); } export { __wbg_load };";
        let lean = minify(source, &Names::default()).unwrap();
        assert!(lean.contains("instantiateStreaming"), "{lean}");
        assert!(!lean.contains("console"), "{lean}");
        let called_otherwise = source.replace("module, imports", "imports, module");
        assert!(minify(&called_otherwise, &Names::default()).is_err());
    }

    #[test]
    fn what_is_no_script_is_refused() {
        assert!(minify("const = 1;", &Names::default()).is_err());
    }
}
