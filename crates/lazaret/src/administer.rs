//! What an operator changes: kill switches, waivers, tokens, advisories. Written straight to the database; a
//! running gateway hears of it within a second.

use crate::check::package;
use crate::{FOUND, Place, config};
use anyhow::{Context as _, bail};
use lazaret_gateway::{Clock, Gateway, WaiverBody, known_ecosystems};
use lazaret_identity::{Token, TokenRecord, parse_scopes, print_scopes};
use lazaret_metadata::{AuditRow, KillRow, Metadata, TokenRow, WaiverRow, new_id};
use lazaret_policy::{KillTarget, ValidPolicy};
use lazaret_vocabulary::{PrincipalClass, Span, Timestamp};
use std::path::Path;
use std::process::ExitCode;

/// Waivers listed at most.
const MOST_WAIVERS: u32 = 10_000;

/// The database of the gateway that `place` describes.
pub(crate) async fn database(place: &Place) -> anyhow::Result<Metadata> {
    let settings = config::load(place)?.settings;
    std::fs::create_dir_all(&settings.data)
        .with_context(|| format!("{} cannot be made", settings.data.display()))?;
    let opened = match &settings.database {
        Some(url) => Metadata::open(url).await,
        None => Metadata::open_file(&settings.data.join("lazaret.db")).await,
    };
    Ok(opened?)
}

pub(crate) fn now() -> Timestamp {
    Clock::system().now()
}

/// Who sits at the keyboard, as far as the machine knows.
fn operator() -> String {
    let user = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).unwrap_or_default();
    if user.is_empty() { "operator".to_owned() } else { user }
}

fn audit(action: &str, subject: &str, why: &str) -> AuditRow {
    AuditRow {
        at: now(),
        principal: operator(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        detail: serde_json::json!({ "why": why }).to_string(),
    }
}

pub(crate) async fn kill(place: &Place, target: &str, why: String) -> anyhow::Result<ExitCode> {
    KillTarget::parse(target, &known_ecosystems())?;
    // It is what everybody who is refused will read.
    if why.trim().is_empty() {
        bail!("--why is empty; expected a sentence that tells those who are refused what has happened");
    }
    let data = database(place).await?;
    let row = KillRow {
        id: new_id(now())?,
        body: target.to_owned(),
        why: why.clone(),
        author: operator(),
        created: now(),
        lifted: None,
    };
    data.add_kill(&row, &audit("kill", target, &why)).await?;
    say!("{target} is refused from now on; lift it with `lazaret kills --lift {}`", row.id);
    data.close().await;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn kills(place: &Place, lift: Option<String>, json: bool) -> anyhow::Result<ExitCode> {
    let data = database(place).await?;
    if let Some(id) = lift {
        data.lift_kill(&id, now(), &audit("lift-kill", &id, "")).await?;
        say!("{id} is lifted");
    } else if json {
        tell(data.kills().await?.iter().map(kill_json))?;
    } else {
        for row in data.kills().await? {
            say!("{} {} by {} at {}: {}", row.id, row.body, row.author, row.created, row.why);
        }
    }
    data.close().await;
    Ok(ExitCode::SUCCESS)
}

/// One JSON array.
fn tell(list: impl Iterator<Item = serde_json::Value>) -> anyhow::Result<()> {
    say!("{}", serde_json::to_string_pretty(&list.collect::<Vec<_>>())?);
    Ok(())
}

fn kill_json(row: &KillRow) -> serde_json::Value {
    serde_json::json!({
        "id": row.id, "target": row.body, "why": row.why, "author": row.author,
        "created": row.created.to_string(),
    })
}

/// What `waive` was asked for.
pub(crate) struct Wish {
    pub(crate) purl: String,
    pub(crate) codes: Vec<String>,
    pub(crate) advisories: Vec<String>,
    pub(crate) why: String,
    pub(crate) days: i64,
    pub(crate) approver: Option<String>,
}

pub(crate) async fn waive(place: &Place, wish: Wish) -> anyhow::Result<ExitCode> {
    let (name, version) = package(&wish.purl)?;
    let version = version.unwrap_or_else(|| "*".to_owned());
    let body = WaiverBody {
        ecosystem: name.ecosystem().to_string(),
        package: name.key().to_owned(),
        versions: vec![version],
        codes: wish.codes,
        advisories: wish.advisories,
    };
    let row = WaiverRow {
        id: new_id(now())?,
        body: serde_json::to_string(&body)?,
        why: wish.why.clone(),
        author: operator(),
        approver: wish.approver,
        created: now(),
        expires: now() + Span::days(wish.days),
        revoked: None,
    };
    lazaret_gateway::check_waiver(&row, &crate::config::load(place)?.settings).map_err(anyhow::Error::msg)?;
    let data = database(place).await?;
    data.add_waiver(&row, &audit("waive", &wish.purl, &wish.why)).await?;
    data.close().await;
    say!("waiver {} holds until {}", row.id, row.expires);
    Ok(ExitCode::SUCCESS)
}

/// `lazaret waivers`: lists those in force and those that were, or revokes one.
pub(crate) async fn waivers(place: &Place, revoke: Option<String>, json: bool) -> anyhow::Result<ExitCode> {
    let data = database(place).await?;
    if let Some(id) = revoke {
        data.revoke_waiver(&id, now(), &audit("revoke-waiver", &id, "")).await?;
        say!("{id} is revoked");
    } else {
        let rows = data.all_waivers(MOST_WAIVERS).await?;
        if json {
            let list: Vec<serde_json::Value> = rows.iter().map(waiver_json).collect();
            say!("{}", serde_json::to_string_pretty(&list)?);
        } else {
            rows.iter().for_each(|row| say!("{}", waiver_line(row, now())));
            if rows.is_empty() {
                say!("no waiver was ever given; `lazaret waive --help` says how");
            }
        }
    }
    data.close().await;
    Ok(ExitCode::SUCCESS)
}

fn waiver_json(row: &WaiverRow) -> serde_json::Value {
    serde_json::json!({
        "id": row.id, "of": serde_json::from_str::<serde_json::Value>(&row.body).unwrap_or_default(),
        "why": row.why, "author": row.author, "approver": row.approver,
        "created": row.created.to_string(), "expires": row.expires.to_string(),
        "revoked": row.revoked.map(|at| at.to_string()),
    })
}

fn waiver_line(row: &WaiverRow, now: Timestamp) -> String {
    let state = match row.revoked {
        Some(at) => format!("revoked {at}"),
        None if row.expires <= now => format!("ended {}", row.expires),
        None => format!("until {}", row.expires),
    };
    let of = match serde_json::from_str::<WaiverBody>(&row.body) {
        Err(_) => "its body cannot be read".to_owned(),
        Ok(body) => format!(
            "{} {}@{} [{}]",
            body.ecosystem,
            body.package,
            body.versions.join(","),
            body.codes.iter().chain(&body.advisories).cloned().collect::<Vec<_>>().join(", ")
        ),
    };
    let approver = row.approver.as_ref().map_or_else(String::new, |name| format!(" and {name}"));
    format!("{} {state}: {of} by {}{approver}: {}", row.id, row.author, row.why)
}

pub(crate) async fn token_create(
    place: &Place,
    owner: String,
    scopes: &[String],
    days: i64,
    class: &str,
) -> anyhow::Result<ExitCode> {
    TokenRecord::check_owner(&owner)?;
    let scopes = parse_scopes(&scopes.join(" "))?;
    let class = PrincipalClass::ALL
        .into_iter()
        .find(|known| known.as_str() == class && *known != PrincipalClass::Anonymous)
        .with_context(|| format!("`{class}` is no kind of asker; expected person, ci, build or agent"))?;
    if !(1..=3650).contains(&days) {
        bail!("--days {days}: expected 1 to 3650");
    }
    let token = Token::generate().map_err(|error| anyhow::anyhow!("{error}"))?;
    let row = TokenRow {
        id: new_id(now())?,
        hash: token.hash().to_hex(),
        prefix: token.shown_prefix().to_owned(),
        owner,
        class: class.as_str().to_owned(),
        scopes: print_scopes(&scopes),
        created: now(),
        expires: now() + Span::days(days),
        revoked: None,
        last_used: None,
    };
    let data = database(place).await?;
    data.add_token(&row, &audit("token-create", &row.id, &row.owner)).await?;
    data.close().await;
    tell_error!("token {} for {} until {}; it is shown once:", row.id, row.owner, row.expires);
    say!("{}", token.reveal());
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn token_list(place: &Place, json: bool) -> anyhow::Result<ExitCode> {
    let data = database(place).await?;
    let rows = data.tokens().await?;
    if json {
        tell(rows.iter().map(token_json))?;
    }
    for row in rows.into_iter().filter(|_| !json) {
        let state = match row.revoked {
            Some(at) => format!("revoked {at}"),
            None => format!("until {}", row.expires),
        };
        say!("{} {}… {} {} [{}] {state}", row.id, row.prefix, row.owner, row.class, row.scopes);
    }
    data.close().await;
    Ok(ExitCode::SUCCESS)
}

/// A token without what could be used of it.
fn token_json(row: &TokenRow) -> serde_json::Value {
    serde_json::json!({
        "id": row.id, "prefix": row.prefix, "owner": row.owner, "class": row.class, "scopes": row.scopes,
        "created": row.created.to_string(), "expires": row.expires.to_string(),
        "revoked": row.revoked.map(|at| at.to_string()),
        "last_used": row.last_used.map(|at| at.to_string()),
    })
}

pub(crate) async fn token_revoke(place: &Place, id: &str) -> anyhow::Result<ExitCode> {
    let data = database(place).await?;
    data.revoke_token(id, now(), &audit("token-revoke", id, "")).await?;
    data.close().await;
    say!("{id} is revoked");
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn import(place: &Place, location: &str, name: Option<String>) -> anyhow::Result<ExitCode> {
    let settings = config::load(place)?.settings;
    let name = name.unwrap_or_else(|| {
        Path::new(location)
            .file_name()
            .map_or_else(|| location.to_owned(), |name| name.to_string_lossy().into_owned())
    });
    let gateway = Gateway::open(settings, Clock::system()).await?;
    let report = gateway.import_advisories(&name, location).await.map_err(anyhow::Error::msg)?;
    gateway.close().await;
    say!("{report}");
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn forget_source(place: &Place, name: &str) -> anyhow::Result<ExitCode> {
    let data = database(place).await?;
    data.remove_source(name, &audit("advisories-remove", name, "")).await?;
    data.close().await;
    say!("{name} is forgotten; one that lazaret.toml names is read again");
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn advisory_status(place: &Place, json: bool) -> anyhow::Result<ExitCode> {
    let data = database(place).await?;
    let sources = data.sources().await?;
    data.close().await;
    if json {
        tell(sources.iter().map(|row| {
            serde_json::json!({
                "name": row.name, "location": row.location, "records": row.records,
                "fetched": row.fetched.to_string(),
            })
        }))?;
        return Ok(if sources.is_empty() { ExitCode::from(FOUND) } else { ExitCode::SUCCESS });
    }
    if sources.is_empty() {
        say!("no source was read yet: known malware and vulnerabilities are not recognised");
        return Ok(ExitCode::from(FOUND));
    }
    for row in sources {
        say!(
            "{}: {} records, read {} ago from {}",
            row.name,
            row.records,
            now().since(row.fetched),
            row.location
        );
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn policy_show(place: &Place, json: bool) -> anyhow::Result<ExitCode> {
    let settings = config::load(place)?.settings;
    let policy = policy_in_force(&settings)?;
    if json {
        let shown = policy.show();
        let values: Vec<serde_json::Value> = shown
            .iter()
            .map(|one| {
                serde_json::json!({
                    "path": one.path.to_string(), "value": one.value.to_string(),
                    "source": one.source.to_string(),
                })
            })
            .collect();
        let shown = serde_json::json!({
            "revision": policy.revision(), "mode": policy.mode().as_str(), "values": values,
        });
        say!("{}", serde_json::to_string_pretty(&shown)?);
        return Ok(ExitCode::SUCCESS);
    }
    say!("# revision {}, mode {}", policy.revision(), policy.mode().as_str());
    for shown in policy.show() {
        say!("{} = {}  # {}", shown.path, shown.value, shown.source);
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn policy_check(file: &Path) -> anyhow::Result<ExitCode> {
    let policy = read_policy(file)?;
    say!("{}: good; revision {}", file.display(), policy.short_revision());
    Ok(ExitCode::SUCCESS)
}

/// The policy that the configuration names, else the baseline.
pub(crate) fn policy_in_force(settings: &lazaret_gateway::Settings) -> anyhow::Result<ValidPolicy> {
    match &settings.policy {
        None => Ok(ValidPolicy::baseline()),
        Some(path) => read_policy(path),
    }
}

pub(crate) fn read_policy(path: &Path) -> anyhow::Result<ValidPolicy> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    ValidPolicy::parse(&text, &path.display().to_string(), &known_ecosystems())
        .map_err(|problems| anyhow::anyhow!("{problems}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_waiver_is_listed_until_and_after_it_is_revoked() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place { config: None, data: Some(dir.path().to_owned()) };
        let id = lazaret_ecosystems::all()[0].profile().purl_type;
        let wish = Wish {
            purl: format!("pkg:{id}/left-pad@1.3.0"),
            codes: vec!["release-too-new".into()],
            advisories: Vec::new(),
            why: "the fix is needed today".into(),
            days: 7,
            approver: None,
        };
        waive(&place, wish).await.unwrap();
        let rows = async || {
            let data = database(&place).await.unwrap();
            let rows = data.all_waivers(10).await.unwrap();
            data.close().await;
            rows
        };
        let given = rows().await;
        let line = waiver_line(&given[0], now());
        assert!(line.contains("left-pad@1.3.0 [release-too-new]") && line.contains(" until "), "{line}");
        assert!(waiver_line(&given[0], now() + Span::days(8)).contains(" ended "));
        waivers(&place, Some(given[0].id.clone()), false).await.unwrap();
        assert!(waiver_line(&rows().await[0], now()).contains(" revoked "));
        assert!(waivers(&place, Some("01ABC".into()), false).await.is_err());
    }
}
