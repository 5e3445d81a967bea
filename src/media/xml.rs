//! XML 1.0 documents as a tree that borrows from their text: as much of
//! [the recommendation](https://www.w3.org/TR/xml/) as an MPD may use. There are no document type
//! declarations, so that no entity can unfold into gigabytes.

use std::borrow::Cow;

use super::{
    ManifestError,
    number::{digits, digits_of},
};

/// How deep elements may lie in each other. An MPD needs 8, and it bounds what dropping the tree
/// recurses.
const DEPTH: usize = 64;

/// How many elements a document may have: a week of segments that are all listed, and then some.
const ELEMENTS: usize = 300_000;

/// How many attributes an element may have, and among how many children a single one is looked for,
/// so that either is cheap whatever the document.
const SEARCHED: usize = 100;

/// An element and what is in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Element<'a> {
    /// Without its namespace prefix.
    pub name: &'a str,
    /// Names as they are written, for a prefixed one is of another vocabulary: `xsi:type` is no
    /// `type`. Values are without blanks around them.
    pub attributes: Vec<(&'a str, Cow<'a, str>)>,
    /// The elements directly in it.
    pub children: Vec<Element<'a>>,
    /// What is written directly in it, without the blanks around it and its children.
    pub text: String,
    /// How long it is in the document.
    pub bytes: usize,
}

impl<'a> Element<'a> {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let (_, value) = self.attributes.iter().find(|(other, _)| *other == name)?;
        Some(value)
    }

    /// The children of a name, in order.
    pub fn children(&self, name: &str) -> Vec<&Self> {
        let mut named = Vec::new();
        for child in &self.children {
            if child.name == name {
                named.push(child);
            }
        }
        named
    }

    /// The first child of a name. It has to come before the many that an element may have.
    pub fn child(&self, name: &str) -> Option<&Self> {
        let mut first = self.children.iter().take(SEARCHED);
        first.find(|child| child.name == name)
    }
}

/// Reads the root element of a document. What is around it is not looked at.
///
/// # Errors
/// [`ManifestError::Malformed`], with the line, where the text is not well-formed or beyond a limit.
pub fn parse(text: &str) -> Result<Element<'_>, ManifestError> {
    let mut reader = XmlReader {
        rest: text,
        open: Vec::new(),
        elements: 0,
    };
    reader.root().map_err(|reason| {
        let read = text.len() - reader.rest.len();
        let read = text.bytes().take(read);
        let line = 1 + read.filter(|byte| *byte == b'\n').count() as u64;
        ManifestError::Malformed(["line ", &line.to_string(), ": ", reason].concat())
    })
}

/// Why a document cannot be read.
type Reason = &'static str;

struct XmlReader<'a> {
    rest: &'a str,
    /// The elements that are not closed yet.
    open: Vec<Element<'a>>,
    /// How many there were.
    elements: usize,
}

impl<'a> XmlReader<'a> {
    fn root(&mut self) -> Result<Element<'a>, Reason> {
        loop {
            let text = self.until("<")?;
            self.write(&decoded(text)?);
            if self.eat("!--") {
                self.until("-->")?;
            } else if self.eat("?") {
                self.until("?>")?;
            } else if self.eat("![CDATA[") {
                let text = self.until("]]>")?;
                self.write(text);
            } else if self.eat("!") {
                return Err("a DOCTYPE is not accepted");
            } else if let Some(element) = self.tag()? {
                match self.open.last_mut() {
                    Some(parent) => parent.children.push(element),
                    None => return Ok(element),
                }
            }
        }
    }

    /// What is left of a tag after its `<`. Gives back the element that it closes.
    fn tag(&mut self) -> Result<Option<Element<'a>>, Reason> {
        let start = self.rest.len() + "<".len();
        let is_end = self.eat("/");
        let name = self.name()?;
        let name = name.split_once(':').map_or(name, |(_, local)| local);
        if is_end {
            self.skip_blanks();
            return match self.open.pop() {
                Some(mut element) if element.name == name && self.eat(">") => {
                    element.bytes -= self.rest.len();
                    Ok(Some(element))
                }
                _ => Err("an end tag that ends nothing"),
            };
        }
        self.elements += 1;
        if self.elements > ELEMENTS {
            return Err("there are too many elements");
        }
        if self.open.len() >= DEPTH {
            return Err("elements lie too deep in each other");
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
                self.open.push(element);
                return Ok(None);
            }
            if element.attributes.len() >= SEARCHED {
                return Err("an element has too many attributes");
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
            return Err("an attribute has no value");
        };
        Ok((name, decoded(value)?))
    }

    /// The name that comes next.
    fn name(&mut self) -> Result<&'a str, Reason> {
        let is_end = |byte: u8| byte.is_ascii_whitespace() || b"/>=<\"'&![]".contains(&byte);
        let end = self.rest.bytes().position(is_end);
        match self.rest.split_at_checked(end.unwrap_or(0)) {
            Some((name, rest)) if !name.is_empty() => {
                self.rest = rest;
                Ok(name)
            }
            _ => Err("a name is missing"),
        }
    }

    /// Adds to the text of the innermost element.
    fn write(&mut self, text: &str) {
        if let Some(element) = self.open.last_mut() {
            element.text.push_str(text);
        }
    }

    /// What comes before an end, and passes over both.
    fn until(&mut self, end: &str) -> Result<&'a str, Reason> {
        let bytes = self.rest.as_bytes();
        let before = bytes
            .windows(end.len())
            .position(|bytes| bytes == end.as_bytes());
        let found = before.and_then(|before| self.rest.split_at_checked(before));
        let Some((text, rest)) = found else {
            return Err("it ends too early");
        };
        self.rest = rest;
        self.eat(end);
        Ok(text)
    }

    /// Passes over what comes next, if it is this.
    fn eat(&mut self, start: &str) -> bool {
        let rest = self.rest.strip_prefix(start);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }
}

/// Text without the blanks around it, and with its references replaced by what they stand for
/// (§ 4.1).
fn decoded(text: &str) -> Result<Cow<'_, str>, Reason> {
    let text = text.trim_ascii();
    let Some((plain, references)) = text.split_once('&') else {
        return Ok(Cow::Borrowed(text));
    };
    let mut whole = plain.to_owned();
    for reference in references.split('&') {
        let (name, plain) = reference.split_once(';').unwrap_or((reference, ""));
        whole.push(referenced(name).ok_or("an unknown entity")?);
        whole.push_str(plain);
    }
    Ok(Cow::Owned(whole))
}

/// What a reference stands for.
fn referenced(name: &str) -> Option<char> {
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

    fn refused(text: &str) -> String {
        match parse(text) {
            Err(ManifestError::Malformed(reason)) => reason,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_document_is_a_tree_of_elements() {
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
            .into_iter()
            .map(|period| period.attribute("id"))
            .collect();
        assert_eq!(ids, [Some("1"), Some("2")]);
        assert_eq!(root.child("BaseURL").unwrap().text, "ab");
        let bytes: Vec<_> = root.children.iter().map(|child| child.bytes).collect();
        let written = ["<Period id='1'/>", "<BaseURL\n> a <!-- & -->b</BaseURL >"];
        assert_eq!(bytes[..2], written.map(str::len));
    }

    #[test]
    fn references_are_decoded() {
        let root = parse("<a b='&lt;&#65;&#x1F600;&quot;'>x&amp;y&apos;<![CDATA[&z<]]>&gt;</a>");
        let root = root.unwrap();
        assert_eq!(root.attribute("b"), Some("<A\u{1f600}\""));
        assert_eq!(root.text, "x&y'&z<>");
        let plain = parse("<a b=' 1 '/>").unwrap();
        assert!(matches!(plain.attributes[0].1, Cow::Borrowed("1")));
    }

    #[test]
    fn what_is_not_well_formed_is_refused_with_its_line() {
        for (text, reason) in [
            ("", "line 1: it ends too early"),
            ("{}", "line 1: it ends too early"),
            ("<a>\n<b>\n</a>", "line 3: an end tag that ends nothing"),
            ("<a>\n<b/>", "line 2: it ends too early"),
            ("<a>\n<", "line 2: a name is missing"),
            ("</a>", "line 1: an end tag that ends nothing"),
            ("<a></a b>", "line 1: an end tag that ends nothing"),
            ("<a b>", "line 1: an attribute has no value"),
            ("<a b=c>", "line 1: an attribute has no value"),
            ("<a b='c>", "line 1: it ends too early"),
            ("<a><!-- ", "line 1: it ends too early"),
            ("<>", "line 1: a name is missing"),
            ("<a/ >", "line 1: a name is missing"),
            ("<a>&nbsp;</a>", "line 1: an unknown entity"),
            ("<a>&#xD800;</a>", "line 1: an unknown entity"),
            ("<a>x & y</a>", "line 1: an unknown entity"),
            ("\n<!DOCTYPE html>", "line 2: a DOCTYPE is not accepted"),
        ] {
            assert_eq!(refused(text), reason, "{text}");
        }
    }

    #[test]
    fn what_would_cost_much_is_refused() {
        let bomb = "<!DOCTYPE a [<!ENTITY b 'cc'>]><a>&b;</a>";
        assert!(refused(bomb).contains("DOCTYPE"));
        assert!(refused(&"<a>".repeat(1_000_000)).contains("too deep"));
        let deepest = "<a>".repeat(DEPTH) + &"</a>".repeat(DEPTH);
        assert!(parse(&deepest).is_ok());
        let many = ["<a>", &"<b/>".repeat(ELEMENTS), "</a>"].concat();
        assert!(refused(&many).contains("too many elements"));
        let wide = ["<a ", &"b='' ".repeat(SEARCHED + 1), "/>"].concat();
        assert!(refused(&wide).contains("too many attributes"));
        let entities = ["<a>", &"&".repeat(10_000_000), "</a>"].concat();
        assert!(refused(&entities).contains("entity"));
        let long = "x".repeat(10_000_000);
        let long = ["<a b='", &long, "'/>"].concat();
        assert_eq!(parse(&long).unwrap().attributes[0].1.len(), 10_000_000);
    }
}
