//! XML 1.0 documents as a tree that borrows from their text: as much of
//! [the recommendation](https://www.w3.org/TR/xml/) as an MPD may use. There are no document type
//! declarations, so that no entity can unfold into gigabytes.

use std::borrow::Cow;

use super::{Refusal, number::digits};

/// How deep elements may lie in each other. An MPD needs 8, and it bounds what dropping the tree
/// recurses.
const DEPTH: usize = 64;

/// How many elements a document may have: a week of segments that are all listed, and then some.
const ELEMENTS: usize = 300_000;

/// How many attributes an element may have, so that looking one up is cheap whatever the document.
const ATTRIBUTES: usize = 100;

/// An element and what is in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Element<'a> {
    /// Without its namespace prefix.
    pub name: &'a str,
    /// Names as they are written, for a prefixed one is of another vocabulary: `xsi:type` is no
    /// `type`.
    pub attributes: Vec<(&'a str, Cow<'a, str>)>,
    /// The elements directly in it.
    pub children: Vec<Element<'a>>,
    /// What is written directly in it, without the blanks between its children.
    pub text: Cow<'a, str>,
}

impl<'a> Element<'a> {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let (_, value) = self.attributes.iter().find(|(other, _)| *other == name)?;
        Some(value)
    }

    /// The children of a name, in order.
    pub fn children<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Element<'a>> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first child of a name.
    pub fn child(&self, name: &str) -> Option<&Element<'a>> {
        self.children.iter().find(|child| child.name == name)
    }
}

/// Reads the root element of a document. What follows it is not looked at.
///
/// # Errors
/// [`Refusal::Malformed`], with the line, where the text is not well-formed or beyond a limit.
pub fn read(text: &str) -> Result<Element<'_>, Refusal> {
    let mut reader = Reader {
        rest: text.strip_prefix('\u{feff}').unwrap_or(text),
        open: Vec::new(),
        elements: 0,
    };
    reader.root().map_err(|reason| {
        let read = text.len() - reader.rest.len();
        let line = 1 + text
            .bytes()
            .take(read)
            .filter(|byte| *byte == b'\n')
            .count();
        Refusal::Malformed(["line ", &line.to_string(), ": ", &reason].concat())
    })
}

/// Why a document cannot be read.
type Reason = Cow<'static, str>;

struct Reader<'a> {
    rest: &'a str,
    /// The elements that are not closed yet, each with its name as it was written.
    open: Vec<(&'a str, Element<'a>)>,
    /// How many there were.
    elements: usize,
}

impl<'a> Reader<'a> {
    fn root(&mut self) -> Result<Element<'a>, Reason> {
        loop {
            let text = self.rest.split('<').next().unwrap_or_default();
            self.text(text, decoded)?;
            self.skip(text.len());
            let closed = if self.eat("<!--") {
                self.until("-->")?;
                None
            } else if self.eat("<?") {
                self.until("?>")?;
                None
            } else if self.eat("<![CDATA[") {
                let text = self.until("]]>")?;
                self.text(text, |text| Ok(Cow::Borrowed(text)))?;
                None
            } else if self.eat("<!DOCTYPE") {
                self.blanks();
                return Err(["a DOCTYPE is not accepted: ", self.name()?]
                    .concat()
                    .into());
            } else if self.eat("</") {
                Some(self.end_tag()?)
            } else if self.eat("<") {
                self.start_tag()?
            } else {
                return Err(match self.open.last() {
                    Some((name, _)) => ["the text ends within <", name, ">"].concat().into(),
                    None => "there is no element".into(),
                });
            };
            if let Some(element) = closed {
                match self.open.last_mut() {
                    Some((_, parent)) => parent.children.push(element),
                    None => return Ok(element),
                }
            }
        }
    }

    /// What is left after a `<`. An element that is closed by the same tag is given back.
    fn start_tag(&mut self) -> Result<Option<Element<'a>>, Reason> {
        self.elements += 1;
        if self.elements > ELEMENTS {
            return Err("there are too many elements".into());
        }
        if self.open.len() >= DEPTH {
            return Err("elements lie too deep in each other".into());
        }
        let name = self.name()?;
        let mut element = Element {
            name: name.rsplit(':').next().unwrap_or(name),
            ..Element::default()
        };
        loop {
            self.blanks();
            if self.eat("/>") {
                return Ok(Some(element));
            }
            if self.eat(">") {
                self.open.push((name, element));
                return Ok(None);
            }
            if element.attributes.len() >= ATTRIBUTES {
                return Err("an element has too many attributes".into());
            }
            element.attributes.push(self.attribute()?);
        }
    }

    /// What is left after a `</`. Gives back the element that it closes.
    fn end_tag(&mut self) -> Result<Element<'a>, Reason> {
        let name = self.name()?;
        self.blanks();
        match self.open.pop() {
            Some((opened, element)) if opened == name && self.eat(">") => Ok(element),
            Some((opened, _)) => Err(["</", name, "> where </", opened, "> should be"]
                .concat()
                .into()),
            None => Err(["</", name, "> closes nothing"].concat().into()),
        }
    }

    fn attribute(&mut self) -> Result<(&'a str, Cow<'a, str>), Reason> {
        let name = self.name()?;
        self.blanks();
        let has_value = self.eat("=");
        self.blanks();
        let value = if has_value && self.eat("\"") {
            self.until("\"")?
        } else if has_value && self.eat("'") {
            self.until("'")?
        } else {
            return Err(["the attribute ", name, " has no value"].concat().into());
        };
        Ok((name, decoded(value)?))
    }

    /// The name that comes next.
    fn name(&mut self) -> Result<&'a str, Reason> {
        let is_end = |char: char| char.is_ascii_whitespace() || "/>=<\"'&![]".contains(char);
        let name = self.rest.split(is_end).next().unwrap_or_default();
        if name.is_empty() {
            return Err("a name is missing".into());
        }
        self.skip(name.len());
        Ok(name)
    }

    /// Adds to the text of the innermost element.
    fn text(
        &mut self,
        text: &'a str,
        read: fn(&'a str) -> Result<Cow<'a, str>, Reason>,
    ) -> Result<(), Reason> {
        if text.trim_ascii().is_empty() {
            return Ok(());
        }
        let Some((_, element)) = self.open.last_mut() else {
            return Err("it does not begin with an element".into());
        };
        let text = read(text)?;
        if element.text.is_empty() {
            element.text = text;
        } else {
            element.text.to_mut().push_str(&text);
        }
        Ok(())
    }

    /// What comes before an end, and passes over both.
    fn until(&mut self, end: &str) -> Result<&'a str, Reason> {
        let Some((text, rest)) = self.rest.split_once(end) else {
            return Err([end, " is missing"].concat().into());
        };
        self.rest = rest;
        Ok(text)
    }

    /// Passes over what comes next, if it is this.
    fn eat(&mut self, start: &str) -> bool {
        let rest = self.rest.strip_prefix(start);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }
}

/// Text with its references replaced by what they stand for (§ 4.1).
fn decoded(text: &str) -> Result<Cow<'_, str>, Reason> {
    let Some((plain, mut rest)) = text.split_once('&') else {
        return Ok(Cow::Borrowed(text));
    };
    let mut whole = String::from(plain);
    loop {
        let (name, after) = rest.split_once(';').unwrap_or((rest, ""));
        let Some(char) = referenced(name) else {
            let name: String = name.chars().take(20).collect();
            return Err(["an unknown entity: &", &name].concat().into());
        };
        whole.push(char);
        let Some((plain, next)) = after.split_once('&') else {
            whole.push_str(after);
            return Ok(Cow::Owned(whole));
        };
        whole.push_str(plain);
        rest = next;
    }
}

/// What a reference stands for.
fn referenced(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let code = name.strip_prefix('#')?;
            let code = match code.strip_prefix('x') {
                Some(code) => u32::from_str_radix(code, 16).ok()?,
                None => u32::try_from(digits(code)?).ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        match read(text) {
            Err(Refusal::Malformed(reason)) => reason,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_document_is_a_tree_of_elements() {
        let text = "\u{feff}<?xml version=\"1.0\"?><!-- <no> -->\n\
            <m:MPD xmlns:m='urn:x' type = \"static\" xsi:type='t'>\n\
              <Period id='1'/> <BaseURL\n> a <!-- & -->b</BaseURL ><Period id=\"2\"></Period>\n\
            </m:MPD> <rest";
        let root = read(text).unwrap();
        assert_eq!(root.name, "MPD");
        assert_eq!(root.attribute("type"), Some("static"));
        assert_eq!(root.attribute("none"), None);
        assert_eq!(root.text, "");
        let ids: Vec<_> = root
            .children("Period")
            .map(|period| period.attribute("id"))
            .collect();
        assert_eq!(ids, [Some("1"), Some("2")]);
        assert_eq!(root.child("BaseURL").unwrap().text, " a b");
    }

    #[test]
    fn references_are_decoded() {
        let root = read("<a b='&lt;&#65;&#x1F600;&quot;'>x&amp;y&apos;<![CDATA[&z<]]>&gt;</a>");
        let root = root.unwrap();
        assert_eq!(root.attribute("b"), Some("<A\u{1f600}\""));
        assert_eq!(root.text, "x&y'&z<>");
        let plain = read("<a b='1'>2</a>").unwrap();
        assert!(matches!(plain.text, Cow::Borrowed(_)));
    }

    #[test]
    fn what_is_not_well_formed_is_refused_with_its_line() {
        for (text, reason) in [
            ("", "line 1: there is no element"),
            ("{}", "line 1: it does not begin with an element"),
            ("<a>\n<b>\n</a>", "line 3: </a> where </b> should be"),
            ("<a>\n<b/>", "line 2: the text ends within <a>"),
            ("</a>", "line 1: </a> closes nothing"),
            ("<a b>", "line 1: the attribute b has no value"),
            ("<a b=c>", "line 1: the attribute b has no value"),
            ("<a b='c>", "line 1: ' is missing"),
            ("<a><!-- ", "line 1: --> is missing"),
            ("<>", "line 1: a name is missing"),
            ("<a/ >", "line 1: a name is missing"),
            ("<a>&nbsp;</a>", "line 1: an unknown entity: &nbsp"),
            ("<a>&#xD800;</a>", "line 1: an unknown entity: &#xD800"),
            ("<a>x & y</a>", "line 1: an unknown entity: & y"),
            (
                "\n<!DOCTYPE html>",
                "line 2: a DOCTYPE is not accepted: html",
            ),
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
        assert!(read(&deepest).is_ok());
        let many = ["<a>", &"<b/>".repeat(ELEMENTS), "</a>"].concat();
        assert!(refused(&many).contains("too many elements"));
        let wide = ["<a ", &"b='' ".repeat(ATTRIBUTES + 1), "/>"].concat();
        assert!(refused(&wide).contains("too many attributes"));
        assert!(refused(&["<a>", &"&".repeat(10_000_000)].concat()).contains("entity"));
        let long = "x".repeat(10_000_000);
        let long = ["<a b='", &long, "'/>"].concat();
        assert_eq!(read(&long).unwrap().attributes[0].1.len(), 10_000_000);
    }
}
