//! Parses [XML 1.0](https://www.w3.org/TR/xml/) into a tree that borrows from the text, as far as MPDs need
//! it. Definitions of entities are rejected, so none can expand into gigabytes.

use std::borrow::Cow;

use super::{
    error::ManifestError,
    number::{digits, digits_of},
};

/// The maximum nesting of elements. An MPD needs 8; the limit bounds the recursion when the tree is dropped.
const MAX_DEPTH: usize = 64;

/// The maximum number of elements in a document: enough to list two-second segments for a week.
const MAX_ELEMENTS: usize = 300_000;

/// The maximum number of attributes of an element, so that looking one up is cheap.
const MAX_ATTRIBUTES: usize = 100;

/// How many children [`Element::child`] searches, so that it is cheap.
const MAX_SEARCHED_CHILDREN: usize = 100;

/// An element and its content.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Element<'a> {
    /// Name without namespace prefix.
    pub name: &'a str,
    /// Names and trimmed values. Names keep their prefix: `xsi:type` is not `type`.
    pub attributes: Vec<(&'a str, Cow<'a, str>)>,
    /// Child elements, in order.
    pub children: Vec<Element<'a>>,
    /// Text directly in the element, trimmed around it and around its children.
    pub text: String,
    /// Length of the element in the document, in bytes.
    pub bytes: usize,
}

impl<'a> Element<'a> {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let (_, value) = self.attributes.iter().find(|(other, _)| *other == name)?;
        Some(value)
    }

    /// The children with a name, in order.
    pub fn children(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first child with a name, if it is among the first 100 children.
    pub fn child(&self, name: &str) -> Option<&Self> {
        let mut searched = self.children.iter().take(MAX_SEARCHED_CHILDREN);
        searched.find(|child| child.name == name)
    }
}

/// Parses the root element of a document and ignores everything outside it.
///
/// # Errors
/// [`ManifestError::Malformed`], with the line number, if the text is not well-formed or exceeds a limit.
pub fn parse(text: &str) -> Result<Element<'_>, ManifestError> {
    let mut reader = XmlReader {
        rest: text,
        open_elements: Vec::new(),
        element_count: 0,
    };
    reader.root().map_err(|reason| {
        let position = text.len() - reader.rest.len();
        let before = text.bytes().take(position);
        let line = 1 + before.filter(|byte| *byte == b'\n').count();
        ManifestError::Malformed(format!("line {line}: {reason}"))
    })
}

/// Why a document cannot be parsed.
type Reason = &'static str;

struct XmlReader<'a> {
    rest: &'a str,
    /// The elements that are not closed yet, innermost last.
    open_elements: Vec<Element<'a>>,
    /// The number of elements read so far.
    element_count: usize,
}

impl<'a> XmlReader<'a> {
    fn root(&mut self) -> Result<Element<'a>, Reason> {
        loop {
            let text = self.until("<")?;
            self.append_text(&decode(text));
            if self.eat("!--") {
                self.until("-->")?;
            } else if self.eat("?") {
                self.until("?>")?;
            } else if self.eat("![CDATA[") {
                let text = self.until("]]>")?;
                self.append_text(text);
            } else if self.eat("!") {
                // A DOCTYPE. It must not define entities.
                if self.until(">")?.contains('[') {
                    return Err("entities are not allowed");
                }
            } else if let Some(element) = self.tag()? {
                match self.open_elements.last_mut() {
                    Some(parent) => parent.children.push(element),
                    None => return Ok(element),
                }
            }
        }
    }

    /// Reads a tag after its `<`. Returns the element that the tag completes, if any.
    fn tag(&mut self) -> Result<Option<Element<'a>>, Reason> {
        let start = self.rest.len() + "<".len();
        let is_end = self.eat("/");
        let name = self.name()?;
        let name = name.split_once(':').map_or(name, |(_, local)| local);
        if is_end {
            self.skip_blanks();
            return match self.open_elements.pop() {
                Some(mut element) if element.name == name && self.eat(">") => {
                    element.bytes -= self.rest.len();
                    Ok(Some(element))
                }
                _ => Err("unexpected end tag"),
            };
        }
        self.element_count += 1;
        if self.element_count > MAX_ELEMENTS {
            return Err("too many elements");
        }
        if self.open_elements.len() >= MAX_DEPTH {
            return Err("elements are nested too deeply");
        }
        let mut element = Element {
            name,
            bytes: start,
            ..Element::default()
        };
        loop {
            self.skip_blanks();
            if self.eat("/>") {
                element.bytes -= self.rest.len();
                return Ok(Some(element));
            }
            if self.eat(">") {
                self.open_elements.push(element);
                return Ok(None);
            }
            if element.attributes.len() >= MAX_ATTRIBUTES {
                return Err("too many attributes");
            }
            let attribute = self.attribute()?;
            element.attributes.push(attribute);
        }
    }

    fn attribute(&mut self) -> Result<(&'a str, Cow<'a, str>), Reason> {
        let name = self.name()?;
        self.skip_blanks();
        let has_value = self.eat("=");
        self.skip_blanks();
        let value = if has_value && self.eat("\"") {
            self.until("\"")?
        } else if has_value && self.eat("'") {
            self.until("'")?
        } else {
            return Err("attribute without a value");
        };
        Ok((name, decode(value)))
    }

    /// Reads a name.
    fn name(&mut self) -> Result<&'a str, Reason> {
        let is_end = |byte: u8| byte.is_ascii_whitespace() || b"/>=<\"'&![]".contains(&byte);
        let end = self.rest.bytes().position(is_end);
        match self.rest.split_at_checked(end.unwrap_or(0)) {
            Some((name, rest)) if !name.is_empty() => {
                self.rest = rest;
                Ok(name)
            }
            _ => Err("missing name"),
        }
    }

    /// Appends to the text of the innermost open element.
    fn append_text(&mut self, text: &str) {
        if let Some(element) = self.open_elements.last_mut() {
            element.text.push_str(text);
        }
    }

    /// Returns the text before a delimiter and skips both.
    fn until(&mut self, delimiter: &str) -> Result<&'a str, Reason> {
        let bytes = self.rest.as_bytes();
        let before = bytes
            .windows(delimiter.len())
            .position(|bytes| bytes == delimiter.as_bytes());
        let found = before.and_then(|before| self.rest.split_at_checked(before));
        let Some((text, rest)) = found else {
            return Err("unexpected end of document");
        };
        self.rest = rest;
        self.eat(delimiter);
        Ok(text)
    }

    /// Skips a prefix of the rest. Returns whether it was there.
    fn eat(&mut self, prefix: &str) -> bool {
        let rest = self.rest.strip_prefix(prefix);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }
}

/// Trims text and replaces its character and entity references (§ 4.1). An unknown entity, or an `&` that should be
/// `&amp;`, as in many URLs, remains.
fn decode(text: &str) -> Cow<'_, str> {
    let text = text.trim_ascii();
    let Some((plain, references)) = text.split_once('&') else {
        return Cow::Borrowed(text);
    };
    let mut decoded = plain.to_owned();
    for reference in references.split('&') {
        let name_and_rest = reference.split_once(';');
        let known = name_and_rest.and_then(|(name, rest)| Some((referenced_char(name)?, rest)));
        if let Some((character, rest)) = known {
            decoded.push(character);
            decoded.push_str(rest);
        } else {
            decoded.push('&');
            decoded.push_str(reference);
        }
    }
    Cow::Owned(decoded)
}

/// The character of a reference, by its name between `&` and `;`.
fn referenced_char(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let code = name.strip_prefix('#')?;
            let code = match code.strip_prefix('x') {
                Some(code) => digits_of(16, code),
                None => digits(code),
            };
            char::from_u32(code?.try_into().ok()?)?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejection(text: &str) -> String {
        match parse(text) {
            Err(ManifestError::Malformed(reason)) => reason,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn parses_document_into_tree() {
        let text = "\u{feff}<?xml version=\"1.0\"?><!-- <no> -->\n\
            <m:MPD xmlns:m='urn:x' type = \"static\" xsi:type='t'>\n\
              <Period id='1'/> <BaseURL\n> a <!-- & -->b</BaseURL ><Period id=\"2\"></Period>\n\
            </m:MPD> <rest";
        let root = parse(text).unwrap();
        assert_eq!(root.name, "MPD");
        assert_eq!(root.attribute("type"), Some("static"));
        assert_eq!(root.attribute("none"), None);
        assert_eq!(root.text, "");
        let ids: Vec<_> = root
            .children("Period")
            .map(|period| period.attribute("id"))
            .collect();
        assert_eq!(ids, [Some("1"), Some("2")]);
        assert_eq!(root.child("BaseURL").unwrap().text, "ab");
        let bytes: Vec<_> = root.children.iter().map(|child| child.bytes).collect();
        let elements = ["<Period id='1'/>", "<BaseURL\n> a <!-- & -->b</BaseURL >"];
        assert_eq!(bytes[..2], elements.map(str::len));
    }

    #[test]
    fn references_are_decoded() {
        let root = parse("<a b='&lt;&#65;&#x1F600;&quot;'>x&amp;y&apos;<![CDATA[&z<]]>&gt;</a>");
        let root = root.unwrap();
        assert_eq!(root.attribute("b"), Some("<A\u{1f600}\""));
        assert_eq!(root.text, "x&y'&z<>");
        let raw = parse("<!DOCTYPE a><a b='?x=1&y=2&z;'>&nbsp;&#xD800; & </a>").unwrap();
        assert_eq!(raw.attribute("b"), Some("?x=1&y=2&z;"));
        assert_eq!(raw.text, "&nbsp;&#xD800; &");
        let plain = parse("<a b=' 1 '/>").unwrap();
        assert!(matches!(plain.attributes[0].1, Cow::Borrowed("1")));
    }

    #[test]
    fn malformed_text_is_rejected_with_line_number() {
        for (text, reason) in [
            ("", "line 1: unexpected end of document"),
            ("{}", "line 1: unexpected end of document"),
            ("<a>\n<b>\n</a>", "line 3: unexpected end tag"),
            ("<a>\n<b/>", "line 2: unexpected end of document"),
            ("<a>\n<", "line 2: missing name"),
            ("</a>", "line 1: unexpected end tag"),
            ("<a></a b>", "line 1: unexpected end tag"),
            ("<a b>", "line 1: attribute without a value"),
            ("<a b=c>", "line 1: attribute without a value"),
            ("<a b='c>", "line 1: unexpected end of document"),
            ("<a><!-- ", "line 1: unexpected end of document"),
            ("<>", "line 1: missing name"),
            ("<a/ >", "line 1: missing name"),
            (
                "\n<!DOCTYPE html [<!ENTITY b 'cc'>]>",
                "line 2: entities are not allowed",
            ),
        ] {
            assert_eq!(rejection(text), reason, "{text}");
        }
    }

    #[test]
    fn documents_beyond_limits_are_rejected() {
        let bomb = "<!DOCTYPE a [<!ENTITY b 'cc'>]><a>&b;</a>";
        assert!(rejection(bomb).contains("entities"));
        assert!(rejection(&"<a>".repeat(1_000_000)).contains("too deeply"));
        let deepest = "<a>".repeat(MAX_DEPTH) + &"</a>".repeat(MAX_DEPTH);
        assert!(parse(&deepest).is_ok());
        let many = format!("<a>{}</a>", "<b/>".repeat(MAX_ELEMENTS));
        assert!(rejection(&many).contains("too many elements"));
        let wide = format!("<a {}/>", "b='' ".repeat(MAX_ATTRIBUTES + 1));
        assert!(rejection(&wide).contains("too many attributes"));
        let entities = format!("<a>{}</a>", "&".repeat(10_000_000));
        assert_eq!(parse(&entities).unwrap().text.len(), 10_000_000);
        let long = format!("<a b='{}'/>", "x".repeat(10_000_000));
        assert_eq!(parse(&long).unwrap().attributes[0].1.len(), 10_000_000);
    }
}
