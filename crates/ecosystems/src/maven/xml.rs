//! XML as a small tree, with the place of every element in its text, so that a document can be spliced.
//!
//! `quick-xml` only cuts the text into events; everything that could be read in two ways is an error here: a
//! document type (whose entities some readers resolve), an encoding that is not UTF-8, a second root.

use lazaret_vocabulary::Malformed;
use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};
use std::ops::Range;

/// Deepest nesting read.
const DEEPEST: usize = 64;
/// Most elements read. The largest metadata known has about 10,000 versions.
const MOST_ELEMENTS: usize = 200_000;
/// Longest text of one element kept, in bytes.
const LONGEST_TEXT: usize = 64 << 10;

/// An element with what is in it.
#[derive(Debug, Default)]
pub(super) struct Element {
    /// Its name as written, prefix included.
    pub name: Box<str>,
    /// The text directly inside, trimmed; that of children is not part of it.
    pub text: String,
    /// In the document's order.
    pub children: Vec<Element>,
    /// From its first `<` to behind its last `>`.
    pub span: Range<usize>,
    /// Between its tags; empty for `<a/>`.
    pub inner: Range<usize>,
}

impl Element {
    /// The first child of this name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| &*child.name == name)
    }

    /// The text of the first child of this name that has any.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        let named = self.children.iter().filter(|child| &*child.name == name);
        named.map(|child| child.text.as_str()).find(|text| !text.is_empty())
    }

    /// Every element of this path below it, whichever of its parents' repetitions it stands in.
    pub(super) fn find<'a>(&'a self, path: &[&str]) -> Vec<&'a Self> {
        let mut found = vec![self];
        for name in path {
            found = found
                .into_iter()
                .flat_map(|element| &element.children)
                .filter(|child| &*child.name == *name)
                .collect();
        }
        found
    }
}

fn wrong(why: impl std::fmt::Display) -> Malformed {
    Malformed::new(format!("the XML cannot be read: {why}"))
}

/// The text of a document that every reader takes for the same characters. A mark of the byte order stays.
pub(super) fn text(body: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(body).map_err(|_| wrong("it is not UTF-8"))
}

/// The root element.
pub(super) fn parse(text: &str) -> Result<Element, Malformed> {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut reader = Reader::from_str(text.get(start..).unwrap_or_default());
    let mut builder = Builder::default();
    loop {
        let from = position(&reader, start);
        let event = reader.read_event().map_err(wrong)?;
        let to = position(&reader, start);
        match event {
            Event::Start(tag) => builder.open(tag.name().as_ref(), from, to)?,
            Event::Empty(tag) => {
                builder.open(tag.name().as_ref(), from, to)?;
                builder.close(to, to)?;
            }
            Event::End(_) => builder.close(from, to)?,
            Event::Text(piece) => builder.add(&piece.xml10_content())?,
            Event::CData(piece) => builder.add(&piece.xml10_content())?,
            Event::GeneralRef(reference) => builder.add(&resolve(&reference)?)?,
            Event::Decl(declaration) => {
                let encoding = declaration.encoding().transpose().map_err(wrong)?.unwrap_or_default();
                if !["", "utf-8", "utf8", "us-ascii", "ascii"].contains(&&*encoding.to_ascii_lowercase()) {
                    return Err(wrong("it declares an encoding that is not UTF-8"));
                }
            }
            Event::DocType(_) => return Err(wrong("it has a document type")),
            Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    builder.finish()
}

fn position(reader: &Reader<&[u8]>, start: usize) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX).saturating_add(start)
}

/// A character of the predefined or numbered kind. Others, such as those of HTML, become one that stands in no
/// name and no version.
fn resolve(reference: &BytesRef<'_>) -> Result<String, Malformed> {
    if let Some(letter) = reference.resolve_char_ref().map_err(wrong)? {
        return Ok(letter.to_string());
    }
    let name = reference.xml10_content();
    Ok(quick_xml::escape::resolve_predefined_entity(&name).unwrap_or("\u{fffd}").to_owned())
}

#[derive(Default)]
struct Builder {
    open: Vec<Element>,
    root: Option<Element>,
    count: usize,
}

impl Builder {
    fn open(&mut self, name: &str, from: usize, to: usize) -> Result<(), Malformed> {
        self.count += 1;
        if self.count > MOST_ELEMENTS || self.open.len() >= DEEPEST {
            return Err(wrong(format!(
                "more than {MOST_ELEMENTS} elements, or nested deeper than {DEEPEST}"
            )));
        }
        if self.open.is_empty() && self.root.is_some() {
            return Err(wrong("it has two roots"));
        }
        self.open.push(Element { name: name.into(), span: from..to, inner: to..to, ..Element::default() });
        Ok(())
    }

    fn add(&mut self, text: &str) -> Result<(), Malformed> {
        match self.open.last_mut() {
            Some(element) if element.text.len() + text.len() <= LONGEST_TEXT => element.text.push_str(text),
            Some(_) => return Err(wrong(format!("a text is longer than {LONGEST_TEXT} bytes"))),
            None if text.trim().is_empty() => {}
            None => return Err(wrong("there is text outside its root")),
        }
        Ok(())
    }

    fn close(&mut self, from: usize, to: usize) -> Result<(), Malformed> {
        let mut element = self.open.pop().ok_or_else(|| wrong("an element ends that did not begin"))?;
        element.inner.end = from;
        element.span.end = to;
        let trimmed = element.text.trim();
        if trimmed.len() != element.text.len() {
            element.text = trimmed.to_owned();
        }
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn finish(self) -> Result<Element, Malformed> {
        match (self.open.is_empty(), self.root) {
            (true, Some(root)) => Ok(root),
            _ => Err(wrong("it is cut short")),
        }
    }
}

/// Text as it stands between tags.
pub(super) fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_text() {
        let text = "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- <a> -->\n<a x=\"1\"><b> 1&amp;&#50;&oslash; </b><c/><b><![CDATA[<2>]]></b></a>\n";
        let root = parse(text).unwrap();
        assert_eq!(&text[root.span.clone()][..8], "<a x=\"1\"");
        let texts: Vec<&str> = root.find(&["b"]).into_iter().map(|element| element.text.as_str()).collect();
        assert_eq!(texts, ["1&2\u{fffd}", "<2>"]);
        assert_eq!(&text[root.children[0].inner.clone()], " 1&amp;&#50;&oslash; ");
        assert_eq!(&text[root.child("c").unwrap().span.clone()], "<c/>");
        assert_eq!(&text[root.children[2].span.clone()], "<b><![CDATA[<2>]]></b>");
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_not_read() {
        let deep = "<a>".repeat(100);
        for wrong in [
            "",
            "a",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a/>b",
            "</a>",
            "<!DOCTYPE a [<!ENTITY x \"1\">]><a>&x;</a>",
            "<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>",
            "<?xml version=\"1.0\" encoding=\"UTF-7\"?><a/>",
            &deep,
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(text(b"<a>\xff</a>").is_err());
    }
}
