//! Pages for people: plain HTML without scripts or anything fetched from elsewhere.

use lazaret_vocabulary::PackageName;
use serde_json::Value;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}\
    table{border-collapse:collapse}td,th{text-align:left;padding:.3rem .8rem;border-bottom:1px solid #ccc;\
    vertical-align:top}pre{background:#f4f4f4;padding:.6rem;overflow:auto}";

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8>\
         <meta name=viewport content='width=device-width'><title>{title} at Lazaret</title>\
         <style>{STYLE}</style><h1>{title}</h1>{body}</html>",
        title = escape(title),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// Text in which `code` stands between backticks.
fn prose(text: &str) -> String {
    let mut html = String::new();
    for (number, part) in escape(text).split('`').enumerate() {
        if number > 0 {
            html.push_str(if number % 2 == 1 { "<code>" } else { "</code>" });
        }
        html.push_str(part);
    }
    if text.matches('`').count() % 2 == 1 {
        html.push_str("</code>");
    }
    html
}

/// The front page: how to point each client here.
pub(crate) fn home(root: &str) -> String {
    let mut body = String::from(
        "<p>Packages pass through here and are judged before they are handed on. Point your clients at it:</p>",
    );
    for ecosystem in lazaret_ecosystems::all() {
        let profile = ecosystem.profile();
        let line = profile.setup_line.replace("{base}", &format!("{root}/{}", profile.mount));
        body.push_str(&format!("<h2>{}</h2><pre>{}</pre>", escape(profile.title), escape(&line)));
    }
    body.push_str(
        "<p>Or run one command through a gateway of its own: <code>lazaret run -- npm install</code>. \
         Why a package is withheld: <code>/why/ECOSYSTEM/NAME</code> here, \
         or <code>lazaret explain pkg:npm/NAME@VERSION</code>.</p>",
    );
    document("Packages", &body)
}

/// The page of a package that cannot be explained.
pub(crate) fn unexplained(name: &PackageName, why: &str) -> String {
    document(name.as_str(), &format!("<p>{}</p>", prose(why)))
}

/// The page a refusal points at.
pub(crate) fn package(name: &PackageName, facts: &Value) -> String {
    let field = |value: &Value, key: &str| match value.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let rows: String = facts
        .get("hidden")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|row| {
            format!(
                "<tr><td>{}<td>{}<td><code>{}</code><td>{}<td>{}",
                escape(&field(row, "version")),
                escape(&field(row, "verdict")),
                escape(&field(row, "code")),
                prose(&field(row, "sentence")),
                escape(&field(row, "until"))
            )
        })
        .collect();
    let newest = match field(facts, "newest_allowed") {
        text if text.is_empty() => "none".to_owned(),
        text => text,
    };
    let revision: String = field(facts, "policy_revision").chars().take(12).collect();
    let mut body = format!(
        "<p>Newest allowed version: <strong>{}</strong>. Hidden now: {} of {} releases. \
         Policy <code>{}</code>.</p>",
        escape(&newest),
        escape(&field(facts, "hidden_count")),
        escape(&field(facts, "releases")),
        escape(&revision),
    );
    if !rows.is_empty() {
        body.push_str(&format!(
            "<table><thead><tr><th>Version<th>Verdict<th>Code<th>Why<th>Held until</thead>\
             <tbody>{rows}</tbody></table><h2>A way out</h2><p>Use an allowed version, or wait until a hold ends. \
             If neither will do, ask the gateway&#39;s operator for a waiver and name the package, the version \
             and the code; they can give one with:</p><pre>lazaret waive {}@VERSION --code CODE --why &quot;…&quot; \
             --days 30</pre>",
            escape(&field(facts, "purl")),
        ));
    }
    document(name.as_str(), &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let facts = serde_json::json!({
            "purl": "pkg:npm/x", "releases": 1, "hidden_count": 1, "policy_revision": "<b>",
            "hidden": [{ "version": "<i>", "verdict": "refuse", "code": "licence", "sentence": "is `<u>` & \"odd` ' `" }],
        });
        let name = lazaret_ecosystems::by_id("npm").unwrap().name("x").unwrap();
        let page = package(&name, &facts);
        for markup in ["<b>", "<i>", "<u>", "\"odd"] {
            assert!(!page.contains(markup), "{markup} in {page}");
        }
        assert_eq!(page.matches("<code>").count(), page.matches("</code>").count());
        assert!(page.contains("is <code>&lt;u&gt;</code> &amp; &quot;odd"));
    }
}
