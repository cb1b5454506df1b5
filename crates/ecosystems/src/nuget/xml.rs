//! XML as a small tree, read with bounds: package manifests, project files and client settings are all
//! shallow. Namespaces have changed with every edition of the nuspec, so only local names count, as they do to
//! NuGet's own reader. A document type is refused, as it is there: nothing is ever expanded or fetched.

use lazaret_vocabulary::Malformed;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// Largest document read, in bytes.
pub(super) const LARGEST: usize = 4 << 20;
/// Most elements, and most attributes of one.
const MOST_ELEMENTS: usize = 100_000;
const MOST_ATTRIBUTES: usize = 64;
/// Deepest nesting.
const DEEPEST: usize = 64;

/// An element.
#[derive(Debug, Default, Clone)]
pub(super) struct Element {
    /// Its local name, as written.
    pub name: String,
    /// Local names and values, as written.
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Element>,
    /// Its own text, trimmed.
    pub text: String,
    /// Line on which its tag ends, counted from 1.
    pub line: usize,
}

impl Element {
    /// The children of this name, whatever its case.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name.eq_ignore_ascii_case(name))
    }

    /// The first child of this name.
    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name.eq_ignore_ascii_case(name))
    }

    /// The text of the first child of this name; `None` when there is none or it is empty.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str()).filter(|text| !text.is_empty())
    }

    /// An attribute's value, whatever the case of its name.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(have, _)| have.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    }

    /// This element and all below it, in the order of the document.
    pub(super) fn walk(&self) -> Vec<&Element> {
        let (mut found, mut open) = (Vec::new(), vec![self]);
        while let Some(element) = open.pop() {
            found.push(element);
            open.extend(element.children.iter().rev());
        }
        found
    }
}

/// The text of a document, by its byte-order mark; without one it is UTF-8, and what is not becomes `�`, since
/// the names and versions looked for are ASCII.
pub(super) fn text(bytes: &[u8]) -> String {
    let wide = |rest: &[u8], read: fn([u8; 2]) -> u16| {
        let units = rest.chunks_exact(2).filter_map(|pair| Some(read(pair.try_into().ok()?)));
        char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Reads a document into its root element.
pub(super) fn parse(bytes: &[u8], what: &str) -> Result<Element, Malformed> {
    let wrong = |why: String| Malformed::new(format!("{what} is not XML that can be read: {why}"));
    if bytes.len() > LARGEST {
        return Err(wrong(format!("it is larger than {LARGEST} bytes")));
    }
    let text = text(bytes);
    let mut reader = Reader::from_str(&text);
    let mut lines = Lines { text: &text, at: 0, line: 1 };
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut count = 0usize;
    loop {
        let event = reader.read_event().map_err(|error| wrong(error.to_string()))?;
        let line = lines.of(usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX));
        let closed = match event {
            Event::Start(tag) => {
                open.push(element(&tag, line).map_err(wrong)?);
                None
            }
            Event::Empty(tag) => Some(element(&tag, line).map_err(wrong)?),
            Event::End(_) => open.pop(),
            Event::Text(piece) => {
                add(&mut open, &piece.xml10_content());
                None
            }
            Event::CData(piece) => {
                add(&mut open, &piece.xml10_content());
                None
            }
            Event::GeneralRef(reference) => {
                add(&mut open, &resolved(&reference).map_err(wrong)?);
                None
            }
            Event::DocType(_) => return Err(wrong("it has a document type".to_owned())),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => None,
            Event::Eof => break,
        };
        count += 1;
        if open.len() > DEEPEST || count > MOST_ELEMENTS * 4 {
            return Err(wrong("it is too deep or too long".to_owned()));
        }
        let Some(mut closed) = closed else { continue };
        closed.text = closed.text.trim().to_owned();
        match (open.last_mut(), &root) {
            (Some(parent), _) => parent.children.push(closed),
            (None, None) => root = Some(closed),
            (None, Some(_)) => return Err(wrong("it has two roots".to_owned())),
        }
    }
    if !open.is_empty() {
        return Err(wrong("it ends inside an element".to_owned()));
    }
    root.ok_or_else(|| wrong("it is empty".to_owned()))
}

/// Counts lines as far as it is asked, each stretch once.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn of(&mut self, offset: usize) -> usize {
        if let Some(stretch) = self.text.as_bytes().get(self.at..offset) {
            self.line += stretch.iter().filter(|byte| **byte == b'\n').count();
            self.at = offset;
        }
        self.line
    }
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn element(tag: &BytesStart<'_>, line: usize) -> Result<Element, String> {
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attributes.len() >= MOST_ATTRIBUTES {
            return Err("an element has too many attributes".to_owned());
        }
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
        attributes.push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
    }
    let name = tag.local_name().as_ref().to_owned();
    Ok(Element { name, attributes, line, ..Element::default() })
}

/// The five entities that XML itself has, and characters by their number.
fn resolved(reference: &BytesRef<'_>) -> Result<String, String> {
    if let Some(letter) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(letter.to_string());
    }
    match quick_xml::escape::resolve_xml_entity(&reference.xml10_content()) {
        Some(text) => Ok(text.to_owned()),
        None => Err("it refers to an entity that it cannot define".to_owned()),
    }
}

/// A text as it may stand in XML, in an attribute too.
pub(super) fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}
