//! Refusals and errors as the go command prints them: status line, then the first lines of a plain text body.

use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use lazaret_policy::RESERVED_NAME;
use lazaret_vocabulary::{Refusal, Reply, RequestHead};

const TEXT: &str = "text/plain; charset=utf-8";

/// What the go command shows of a body: it drops a line that would take it past this many bytes.
const SHOWN_BYTES: usize = 8 * 81;
/// Room for the lines that lead on: page, date, newest version.
const SENTENCE_BYTES: usize = 280;

/// 403, never 404 or 410: on those the go command tries the next proxy of its list, which may be `direct`.
///
/// Of a reserved name under which nothing is published, the list is empty instead. The go command asks for every
/// prefix of an import path: on a 403 it would give up on `corp.example/tool/cmd`, although `corp.example/tool` is
/// here; on an empty list it says that there is no matching version, and asks nobody else.
pub(super) fn refusal(refusal: &Refusal, request: &RequestHead<'_>) -> Reply {
    if refusal.code != RESERVED_NAME || refusal.version.is_some() {
        return withheld(refusal);
    }
    if request.path.ends_with("/@v/list") {
        return Reply::new(StatusCode::OK, TEXT, "");
    }
    if request.path.ends_with("/@latest") {
        return Reply { status: StatusCode::NOT_FOUND, ..withheld(refusal) };
    }
    withheld(refusal)
}

/// 403 with one line for each thing there is to say, since a long one would be dropped whole.
pub(super) fn withheld(refusal: &Refusal) -> Reply {
    let subject = match &refusal.version {
        Some(version) => format!("{}@{version}", refusal.package),
        None => refusal.package.to_string(),
    };
    let state = if refusal.until.is_some() { "held" } else { "refused" };
    let sentence = refusal.sentence.trim_end_matches('.');
    let mut lines = vec![format!("{subject} is {state} by Lazaret ({}): {sentence}.", refusal.code)];
    lines.extend(refusal.until.map(|until| format!("The hold ends {until}.")));
    lines.extend(refusal.newest_allowed.as_ref().map(|version| format!("Newest allowed: {version}.")));
    if !refusal.page.is_empty() {
        lines.push(format!("Details and waivers: {}", refusal.page));
    }
    said(&mut lines, state, &refusal.code)
}

fn said(lines: &mut [String], state: &str, code: &str) -> Reply {
    let rest: usize = lines.iter().skip(1).map(|line| line.len() + 2).sum();
    let room = SHOWN_BYTES.saturating_sub(rest + 8).max(SENTENCE_BYTES);
    if let Some(first) = lines.first_mut().filter(|first| first.len() > room) {
        let end =
            (0..=room.saturating_sub(3)).rev().find(|at| first.is_char_boundary(*at)).unwrap_or_default();
        first.truncate(end);
        first.push('…');
    }
    let body = printable(&lines.join("\n"));
    // The status line is printed in front of the body, so it says no more than the body does not.
    Reply::new(StatusCode::FORBIDDEN, TEXT, format!("{body}\n"))
        .with_phrase(&format!("{state} by Lazaret ({code})"))
}

/// A body with anything that could move a cursor is not shown at all.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() && letter != '\n' { ' ' } else { letter }).collect()
}

/// 403 with a reason that is no refusal by policy.
pub(super) fn forbidden(message: &str) -> Reply {
    Reply::new(StatusCode::FORBIDDEN, TEXT, format!("{message}\n"))
}

/// 404 with a reason.
pub(super) fn not_found(message: &str) -> Reply {
    Reply::new(StatusCode::NOT_FOUND, TEXT, format!("{message}\n"))
}

/// Any other error.
pub(super) fn error(status: StatusCode, message: &str) -> Reply {
    let message: String = printable(message).replace('\n', " ").chars().take(SHOWN_BYTES - 8).collect();
    let reply = Reply::new(status, TEXT, format!("{message}\n"));
    // RFC 9110 §15.5.2 demands a challenge; the go command answers it from its netrc file.
    if status == StatusCode::UNAUTHORIZED {
        reply.with_header(WWW_AUTHENTICATE, "Basic realm=\"Lazaret\"")
    } else {
        reply
    }
}
