//! Whether upstreams and the gateway answer, how fast, and whether their clocks agree with ours.

use super::Diagnosis;
use crate::{administer, adopt};
use lazaret_ecosystems::{Ecosystem, Need, Wanted};
use lazaret_gateway::{Said, Settings, UpstreamSettings, ask};
use lazaret_vocabulary::Timestamp;
use std::io::{BufRead as _, BufReader};

/// Clocks that differ by more than this make ages wrong.
const SKEW_MILLIS: i64 = 60_000;

/// What one address is asked.
struct Question {
    subject: String,
    url: String,
    accept: &'static str,
    authorization: Option<String>,
    /// Whether anything but success is a mistake.
    known: bool,
}

/// Every upstream's addresses, asked at once. `told` is what adoption said.
pub(super) async fn all(settings: &Settings, told: &[String], elsewhere: bool) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    let mut questions = tokio::task::JoinSet::new();
    for ecosystem in lazaret_ecosystems::all() {
        let id = ecosystem.profile().id.as_str();
        let Some(upstream) = settings.upstreams.get(id) else {
            let line = told.iter().find_map(|line| line.strip_prefix(&format!("{id}: "))).unwrap_or("none");
            let remedy = format!("name it under [upstreams.{id}] in lazaret.toml");
            // A machine without that client, or with a gateway elsewhere, needs none.
            found.push(Diagnosis::note(format!("upstream {id}"), line, if elsewhere { "" } else { &remedy }));
            continue;
        };
        for question in questions_for(*ecosystem, upstream) {
            questions.spawn(async move {
                let said = ask(&question.url, question.accept, question.authorization.as_deref(), 0).await;
                (question, said.map_err(|error| error.to_string()))
            });
        }
    }
    let mut answers = Vec::new();
    while let Some(answer) = questions.join_next().await {
        answers.extend(answer);
    }
    answers.sort_by(|left, right| left.0.subject.cmp(&right.0.subject));
    let now = administer::now();
    let skews: Vec<i64> = answers
        .iter()
        .filter_map(|(_, said)| Some(now.millis() - said.as_ref().ok()?.date?.millis()))
        .collect();
    found.extend(answers.iter().map(|(question, said)| judged(question, said)));
    found.extend(clock(&skews));
    found
}

/// A document of the ecosystem's best known package, and every further address as it is. Never an index's
/// root: some list every project there is.
fn questions_for(ecosystem: &'static dyn Ecosystem, upstream: &UpstreamSettings) -> Vec<Question> {
    let profile = ecosystem.profile();
    let mut first = String::new();
    let mut names = BufReader::new(flate2::read::GzDecoder::new(profile.popular));
    let _ = names.read_line(&mut first);
    let roles: Vec<std::sync::Arc<str>> =
        upstream.addresses.keys().map(|role| role.as_str().into()).collect();
    let need = Need { dates_after: None, details: false, roles: &roles };
    let fetches = match ecosystem.name(first.trim()).map(|name| ecosystem.wanted(&name, &[], &need)) {
        Ok(Wanted::Fetch(fetches)) => fetches,
        _ => Vec::new(),
    };
    let mut roles: Vec<(&String, &String)> = upstream.addresses.iter().collect();
    roles.sort();
    roles
        .into_iter()
        .map(|(role, address)| {
            let fetch = fetches.iter().find(|fetch| fetch.upstream == **role);
            Question {
                subject: format!("upstream {} {role}", profile.id),
                url: fetch.map_or_else(
                    || address.clone(),
                    |fetch| format!("{}{}", address.trim_end_matches('/'), fetch.path),
                ),
                accept: fetch.map_or("*/*", |fetch| fetch.accept),
                authorization: upstream.authorization.clone(),
                known: fetch.is_some(),
            }
        })
        .collect()
}

fn judged(question: &Question, said: &Result<Said, String>) -> Diagnosis {
    let address = adopt::without_secret(&question.url);
    match said {
        Err(why) => Diagnosis::problem(
            &question.subject,
            format!("{address}: {why}"),
            "look at the network, the proxy (HTTPS_PROXY, NO_PROXY) and the address in lazaret.toml; \
             `lazaret upstreams` shows what this machine's clients use",
        ),
        Ok(said) => {
            let text = format!("{address} answered {} in {} ms", said.status, said.took.as_millis());
            match said.status {
                401 | 403 => {
                    Diagnosis::problem(&question.subject, text, "set `authorization` of that upstream")
                }
                200..=399 => Diagnosis::good(&question.subject, text),
                500..=599 => Diagnosis::problem(
                    &question.subject,
                    text,
                    "the registry itself has trouble; try again later",
                ),
                _ if question.known => Diagnosis::problem(
                    &question.subject,
                    text,
                    "look at the address: a well-known package is not found below it",
                ),
                _ => Diagnosis::good(&question.subject, text),
            }
        }
    }
}

/// Our clock beside theirs, in milliseconds that ours is ahead. One server with a wrong clock is not taken for
/// ours being wrong.
pub(super) fn clock(skews: &[i64]) -> Option<Diagnosis> {
    let least = skews.iter().copied().min_by_key(|skew| skew.abs())?;
    let seconds = least.abs() / 1000;
    Some(if least.abs() > SKEW_MILLIS {
        let way = if least > 0 { "ahead of" } else { "behind" };
        Diagnosis::problem(
            "clock",
            format!("this machine's clock is {seconds} s {way} every upstream's, so ages are judged wrongly"),
            "set the clock, and let it follow a time server",
        )
    } else {
        Diagnosis::good("clock", format!("agrees with the upstreams' to {seconds} s"))
    })
}

/// The gateway that clients are to use.
pub(super) async fn gateway(root: &str, named: bool) -> Diagnosis {
    let began: Timestamp = administer::now();
    let said = ask(&format!("{}/readyz", root.trim_end_matches('/')), "*/*", None, 0).await;
    let shown = adopt::without_secret(root);
    match said {
        Ok(said) if said.status == 200 && named && !may_read(root).await => Diagnosis::problem(
            "gateway",
            format!("{shown} answers, and lets nobody read with what is shown to it"),
            "set LAZARET_TOKEN to a token with the scope `read`; ask the gateway's operator for one",
        ),
        Ok(said) if said.status == 200 => Diagnosis::good(
            "gateway",
            format!("{shown} answered in {} ms", administer::now().since(began).millis()),
        ),
        Ok(said) => Diagnosis::problem(
            "gateway",
            format!("{shown}/readyz answered {}", said.status),
            if said.status == 503 {
                "its database does not answer; look into its log"
            } else {
                "is this the gateway's address?"
            },
        ),
        Err(error) if named => Diagnosis::problem(
            "gateway",
            format!("{shown}: {error}"),
            "look at LAZARET_URL and the network, or ask the gateway's operator",
        ),
        Err(_) => Diagnosis::note(
            "gateway",
            format!("none answers at {shown}"),
            "`lazaret serve` starts one; `lazaret run -- COMMAND` needs none; LAZARET_URL names the company's",
        ),
    }
}

/// Whether the gateway lets this user read, with the token in the environment if there is one.
async fn may_read(root: &str) -> bool {
    let token = std::env::var("LAZARET_TOKEN").ok().filter(|token| !token.is_empty());
    let authorization = token.map(|token| format!("Bearer {token}"));
    let said = ask(&format!("{}/", root.trim_end_matches('/')), "*/*", authorization.as_deref(), 0).await;
    said.is_ok_and(|said| said.status != 401)
}
