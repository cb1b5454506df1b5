//! Changes to XML settings, on the elements right below the root. Everything else stays byte for byte.

use super::edit::Unfit;
use lazaret_ecosystems::XmlEntry;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Deepest nesting that is read.
const DEEPEST: usize = 64;

/// The document's root and what stands right below it.
struct Outline {
    root: String,
    /// Names and spans of the elements below the root, in order.
    children: Vec<(String, Range<usize>)>,
    /// Where the root's end tag begins; `None` for `<root/>`.
    end: Option<usize>,
    /// The span of `<root/>`.
    empty: Option<Range<usize>>,
}

fn unfit(what: &str) -> Unfit {
    Unfit(format!("{what}; set it by hand"))
}

fn outline(text: &str) -> Result<Outline, Unfit> {
    let mut reader = Reader::from_str(text);
    let mut found = Outline { root: String::new(), children: Vec::new(), end: None, empty: None };
    let (mut depth, mut begun) = (0usize, 0usize);
    let position = |reader: &Reader<&[u8]>| usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
    loop {
        let before = position(&reader);
        let event = reader.read_event().map_err(|error| unfit(&format!("it is not XML: {error}")))?;
        let after = position(&reader);
        let name = |text: &str| text.to_owned();
        match event {
            Event::Eof => break,
            Event::Start(tag) => {
                match depth {
                    0 => found.root = name(tag.name().as_ref()),
                    1 => {
                        begun = before;
                        found.children.push((name(tag.name().as_ref()), before..before));
                    }
                    _ => {}
                }
                depth += 1;
                if depth > DEEPEST {
                    return Err(unfit("it is nested too deeply"));
                }
            }
            Event::Empty(tag) => match depth {
                0 => {
                    found.root = name(tag.name().as_ref());
                    found.empty = Some(before..after);
                }
                1 => found.children.push((name(tag.name().as_ref()), before..after)),
                _ => {}
            },
            Event::End(_) => {
                depth =
                    depth.checked_sub(1).ok_or_else(|| unfit("it is not XML: an end without a beginning"))?;
                match depth {
                    0 => found.end = Some(before),
                    1 => {
                        if let Some((_, span)) = found.children.last_mut() {
                            *span = begun..after;
                        }
                    }
                    _ => {}
                }
            }
            Event::DocType(_) => return Err(unfit("it has a document type")),
            _ => {}
        }
    }
    if depth > 0 || found.root.is_empty() {
        return Err(unfit("it is not XML: its root does not end"));
    }
    Ok(found)
}

/// A document with nothing below its root.
fn empty(root: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<{root}>\n</{root}>\n")
}

/// The text with these elements below its root, in place of those of their names.
pub(super) fn merge(text: &str, root: &str, sections: &[(String, String)]) -> Result<String, Unfit> {
    let mut text = if text.trim().is_empty() { empty(root) } else { text.to_owned() };
    for (name, element) in sections {
        let found = outline(&text)?;
        if found.root != root {
            return Err(unfit(&format!("its root is <{}> and not <{root}>", found.root)));
        }
        if let Some(span) = found.empty {
            text.replace_range(span, &format!("<{root}>\n</{root}>"));
            return merge(&text, root, sections);
        }
        match (found.children.iter().find(|(have, _)| have == name), found.end) {
            (Some((_, span)), _) => text.replace_range(span.clone(), element),
            (None, Some(end)) => text.insert_str(end, &format!("{element}\n")),
            (None, None) => return Err(unfit("its root does not end")),
        }
    }
    Ok(text)
}

/// The text with what is still as [`merge`] left it put back as it was in `original`; what is not goes to `kept`.
pub(super) fn unmerge(
    text: &str,
    root: &str,
    sections: &[(String, String)],
    original: &str,
    kept: &mut Vec<String>,
) -> Result<String, Unfit> {
    let mut text = text.to_owned();
    let before = if original.trim().is_empty() { None } else { Some(outline(original)?) };
    for (name, element) in sections {
        if text.trim().is_empty() {
            break;
        }
        let found = outline(&text)?;
        let was = before.as_ref().and_then(|before| {
            let (_, span) = before.children.iter().find(|(have, _)| have == name)?;
            original.get(span.clone())
        });
        let Some((_, span)) = found.children.iter().find(|(have, _)| have == name) else { continue };
        let now = text.get(span.clone()).unwrap_or_default();
        if now != element {
            if was != Some(now) {
                kept.push(name.clone());
            }
            continue;
        }
        match was {
            Some(was) => text.replace_range(span.clone(), was),
            None => {
                let line = text.get(span.end..).is_some_and(|rest| rest.starts_with('\n'));
                text.replace_range(span.start..span.end + usize::from(line), "");
            }
        }
    }
    if original.trim().is_empty() && text == empty(root) { Ok(String::new()) } else { Ok(text) }
}

/// An entry of a list, as it is kept until it is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    list: String,
    key: String,
    value: String,
    text: String,
}

impl From<XmlEntry> for Entry {
    fn from(entry: XmlEntry) -> Self {
        Self {
            list: entry.list.to_owned(),
            key: entry.key.to_owned(),
            value: entry.value.to_owned(),
            text: entry.text,
        }
    }
}

/// The span of a list right below the root.
fn list_span(text: &str, root: &str, list: &str) -> Result<Option<Range<usize>>, Unfit> {
    let found = outline(text)?;
    if found.root != root {
        return Err(unfit(&format!("its root is <{}> and not <{root}>", found.root)));
    }
    Ok(found.children.into_iter().find(|(name, _)| name == list).map(|(_, span)| span))
}

/// The span of the entry of a list whose key has this value.
fn entry_span(text: &str, list: &Range<usize>, entry: &Entry) -> Result<Option<Range<usize>>, Unfit> {
    let inside = text.get(list.clone()).unwrap_or_default();
    for (_, span) in outline(inside)?.children {
        let one = inside.get(span.clone()).unwrap_or_default();
        let keys = outline(one)?.children;
        let value = keys.into_iter().find(|(name, _)| *name == entry.key).and_then(|(_, span)| {
            let element = one.get(span)?;
            Some(element.split_once('>')?.1.rsplit_once('<')?.0.trim().to_owned())
        });
        if value.as_deref() == Some(&entry.value) {
            return Ok(Some(list.start + span.start..list.start + span.end));
        }
    }
    Ok(None)
}

/// The text with these entries in their lists.
pub(super) fn merge_entries(text: &str, root: &str, entries: &[Entry]) -> Result<String, Unfit> {
    let mut text = text.to_owned();
    for entry in entries {
        let list = if text.trim().is_empty() { None } else { list_span(&text, root, &entry.list)? };
        let Some(list) = list else {
            let whole = format!("<{0}>\n{1}\n</{0}>", entry.list, entry.text);
            text = merge(&text, root, &[(entry.list.clone(), whole)])?;
            continue;
        };
        if let Some(span) = entry_span(&text, &list, entry)? {
            text.replace_range(span, &entry.text);
            continue;
        }
        let inside = outline(text.get(list.clone()).unwrap_or_default())?;
        match inside.empty {
            Some(_) => text.replace_range(list, &format!("<{0}>\n{1}\n</{0}>", entry.list, entry.text)),
            None => {
                let open = text.get(list.start..).and_then(|rest| rest.find('>')).unwrap_or(0);
                text.insert_str(list.start + open + 1, &format!("\n{}", entry.text));
            }
        }
    }
    Ok(text)
}

/// The text with what is still as [`merge_entries`] left it put back as it was in `original`.
pub(super) fn unmerge_entries(
    text: &str,
    root: &str,
    entries: &[Entry],
    original: &str,
    kept: &mut Vec<String>,
) -> Result<String, Unfit> {
    let mut text = text.to_owned();
    let bare = original.trim().is_empty();
    for entry in entries {
        if text.trim().is_empty() {
            break;
        }
        let before = if bare { None } else { list_span(original, root, &entry.list)? };
        let was = match &before {
            Some(list) => entry_span(original, list, entry)?.and_then(|span| original.get(span)),
            None => None,
        };
        let Some(list) = list_span(&text, root, &entry.list)? else { continue };
        let Some(span) = entry_span(&text, &list, entry)? else { continue };
        let now = text.get(span.clone()).unwrap_or_default();
        if now != entry.text {
            if was != Some(now) {
                kept.push(format!("{} {}", entry.list, entry.value));
            }
            continue;
        }
        match was {
            Some(was) => text.replace_range(span, was),
            None => {
                let broken = text.get(..span.start).is_some_and(|before| before.ends_with('\n'));
                text.replace_range(span.start - usize::from(broken)..span.end, "");
            }
        }
        // A list that was made for it goes when nothing else stands in it; one that was empty is so again.
        let Some(list) = list_span(&text, root, &entry.list)? else { continue };
        let content = text.get(list.clone()).unwrap_or_default();
        if outline(content)?.children.is_empty() {
            match before.and_then(|span| original.get(span)) {
                Some(was) if outline(was)?.children.is_empty() => text.replace_range(list, was),
                Some(_) => {}
                None => {
                    let line = text.get(list.end..).is_some_and(|rest| rest.starts_with('\n'));
                    text.replace_range(list.start..list.end + usize::from(line), "");
                }
            }
        }
    }
    if bare && text == empty(root) { Ok(String::new()) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sections() -> Vec<(String, String)> {
        vec![("mirrors".to_owned(), "<mirrors><mirror><id>x</id></mirror></mirrors>".to_owned())]
    }

    #[test]
    fn elements_are_replaced_or_added_and_taken_back() {
        let own = "<?xml version='1.0'?>\n<settings a=\"b\">\n  <!-- mine -->\n  <mirrors>\n    <mirror/>\n  </mirrors>\n  <other/>\n</settings>\n";
        for original in ["", own, "<settings>\n  <x>1</x>\n</settings>"] {
            let once = merge(original, "settings", &sections()).unwrap();
            assert!(once.contains("<id>x</id>") && !once.contains("<mirror/>"), "{once}");
            assert_eq!(merge(&once, "settings", &sections()).unwrap(), once);
            let mut kept = Vec::new();
            assert_eq!(unmerge(&once, "settings", &sections(), original, &mut kept).unwrap(), original);
            assert!(kept.is_empty());
        }
        let short = merge("<settings/>", "settings", &sections()).unwrap();
        assert!(short.contains("<id>x</id>"));
    }

    #[test]
    fn entries_join_what_stands_in_their_lists() {
        let entry = |value: &str| Entry {
            list: "mirrors".into(),
            key: "id".into(),
            value: value.into(),
            text: format!("<mirror><id>{value}</id><url>http://gate.example</url></mirror>"),
        };
        let others =
            "<settings>\n  <mirrors>\n    <mirror><id>own</id></mirror>\n  </mirrors>\n</settings>\n";
        let replaced =
            "<settings><mirrors><mirror> <id> gate </id> <url>x</url></mirror></mirrors></settings>";
        let emptied = "<settings>\n<mirrors/>\n</settings>\n";
        for original in ["", others, replaced, emptied, "<settings>\n</settings>\n"] {
            let once = merge_entries(original, "settings", &[entry("gate")]).unwrap();
            assert!(once.contains("http://gate.example"), "{once}");
            assert_eq!(once.contains("<id>own</id>"), original == others);
            assert_eq!(merge_entries(&once, "settings", &[entry("gate")]).unwrap(), once);
            let mut kept = Vec::new();
            let back = unmerge_entries(&once, "settings", &[entry("gate")], original, &mut kept).unwrap();
            assert_eq!((back.as_str(), kept.len()), (original, 0), "{once}");
        }
    }

    #[test]
    fn what_somebody_changed_since_stays() {
        let once = merge("", "settings", &sections()).unwrap();
        let edited = once.replace("<id>x</id>", "<id>y</id>");
        let mut kept = Vec::new();
        assert_eq!(unmerge(&edited, "settings", &sections(), "", &mut kept).unwrap(), edited);
        assert_eq!(kept, ["mirrors"]);
    }

    #[test]
    fn what_is_no_such_document_is_left_alone() {
        for wrong in
            ["<settings>", "text", "<other></other>", "</settings>", "<!DOCTYPE x><settings/>", "<a><b></a>"]
        {
            assert!(merge(wrong, "settings", &sections()).is_err(), "{wrong}");
        }
    }
}
