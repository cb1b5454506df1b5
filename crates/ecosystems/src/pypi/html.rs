//! A project's page in HTML (PEP 503, 592, 629, 658, 714, 792), turned into the JSON form, so that there is
//! one reader, one filter and one renderer for both.
//!
//! The tokenizer is `html5gum`, which passes the tests of the WHATWG specification and needs nothing else:
//! pages are read as browsers and pip read them, entities, odd quoting and comments included.

use super::page::{is_version_one, resolve};
use super::route::is_file_name;
use html5gum::emitters::default::{StartTag, Token};
use html5gum::{DefaultEmitter, Tokenizer};
use lazaret_vocabulary::{Malformed, PackageName};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

/// The page as PEP 691 would have it.
pub(super) fn to_json(package: &PackageName, html: &[u8]) -> Result<Vec<u8>, Malformed> {
    let text = std::str::from_utf8(html)
        .map_err(|_| Malformed::new(format!("the simple page of `{package}` is not UTF-8")))?;
    let mut page = HtmlPage { key: package.key(), base: None, status: None, reason: None, files: Vec::new() };
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    for token in Tokenizer::new_with_emitter(text, emitter) {
        let Ok(token) = token;
        if let Token::StartTag(tag) = token {
            match tag.name.as_slice() {
                b"a" => page.anchor(&tag),
                b"base" => page.base(&tag),
                b"meta" => page
                    .meta(&tag)
                    .map_err(|why| Malformed::new(format!("the simple page of `{package}`: {why}")))?,
                _ => {}
            }
        }
    }
    // 1.1 would promise sizes and versions (PEP 700), which HTML does not tell.
    let mut whole = json!({ "meta": { "api-version": "1.0" }, "name": package.key(), "files": page.files });
    if let (Some(status), Some(members)) = (page.status, whole.as_object_mut()) {
        let mut value = json!({ "status": status });
        if let (Some(reason), Some(value)) = (page.reason, value.as_object_mut()) {
            value.insert("reason".to_owned(), reason.into());
        }
        members.insert("project-status".to_owned(), value);
    }
    Ok(whole.to_string().into_bytes())
}

struct HtmlPage<'a> {
    key: &'a str,
    base: Option<String>,
    status: Option<String>,
    reason: Option<String>,
    files: Vec<Value>,
}

impl HtmlPage<'_> {
    /// A link is a file; its name is the last segment of its address, which is what pip takes, and not the
    /// text beside it.
    fn anchor(&mut self, tag: &StartTag<()>) {
        let Some(href) = attribute(tag, "href") else { return };
        let Some(url) = resolve(self.key, self.base.as_deref(), &href) else { return };
        let path = url.split('?').next().unwrap_or("");
        let last = path.rsplit('/').next().unwrap_or("");
        let Ok(file) = percent_decode_str(last).decode_utf8() else { return };
        if !is_file_name(&file) {
            return;
        }
        // A page's own relative links are resolved by the reader of pages, those below a `<base>` here.
        let own = href.trim().split('#').next().unwrap_or("").to_owned();
        let address = if self.base.is_some() { url.clone() } else { own };
        let mut entry = Map::new();
        entry.insert("filename".to_owned(), file.into_owned().into());
        entry.insert("url".to_owned(), address.into());
        entry.insert("hashes".to_owned(), hashes(&href));
        if let Some(specifier) = attribute(tag, "data-requires-python") {
            entry.insert("requires-python".to_owned(), specifier.into());
        }
        // No specification knows this one, but registries write it, and a date is a fact.
        if let Some(time) = attribute(tag, "data-upload-time") {
            entry.insert("upload-time".to_owned(), time.into());
        }
        let yanked = match attribute(tag, "data-yanked") {
            None => Value::from(false),
            Some(reason) if reason.is_empty() => Value::from(true),
            Some(reason) => Value::from(reason),
        };
        entry.insert("yanked".to_owned(), yanked);
        self.files.push(Value::Object(entry));
    }

    fn base(&mut self, tag: &StartTag<()>) {
        if self.base.is_none()
            && let Some(href) = attribute(tag, "href")
            && (href.starts_with("https://") || href.starts_with("http://"))
        {
            self.base = href.split(['#', '?']).next().map(str::to_owned);
        }
    }

    fn meta(&mut self, tag: &StartTag<()>) -> Result<(), &'static str> {
        let content = attribute(tag, "content").unwrap_or_default();
        match attribute(tag, "name").unwrap_or_default().to_ascii_lowercase().as_str() {
            "pypi:repository-version" if !is_version_one(&content) => {
                return Err("its `pypi:repository-version` is not 1.x, the only one understood here");
            }
            "pypi:project-status" => self.status = Some(content),
            "pypi:project-status-reason" => self.reason = Some(content),
            _ => {}
        }
        Ok(())
    }
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    tag.attributes.get(name.as_bytes()).map(|value| String::from_utf8_lossy(value).into_owned())
}

/// `#sha256=<hex>`, among other things that may stand in the fragment.
fn hashes(href: &str) -> Value {
    let fragment = href.split_once('#').map_or("", |(_, fragment)| fragment);
    let pairs = fragment.split('&').filter_map(|pair| pair.split_once('='));
    let known = pairs.filter(|(name, hash)| super::page::digest(name, hash).is_some());
    Value::Object(known.map(|(name, hash)| (name.to_owned(), hash.to_ascii_lowercase().into())).collect())
}
