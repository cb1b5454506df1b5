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

async fn database(place: &Place) -> anyhow::Result<Metadata> {
    let settings = config::load(place)?.settings;
    std::fs::create_dir_all(&settings.data)
        .with_context(|| format!("{} cannot be made", settings.data.display()))?;
    let opened = match &settings.database {
        Some(url) => Metadata::open(url).await,
        None => Metadata::open_file(&settings.data.join("lazaret.db")).await,
    };
    Ok(opened?)
}

fn now() -> Timestamp {
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
    println!("{target} is refused from now on; lift it with `lazaret kills --lift {}`", row.id);
    data.close().await;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn kills(place: &Place, lift: Option<String>) -> anyhow::Result<ExitCode> {
    let data = database(place).await?;
    if let Some(id) = lift {
        data.lift_kill(&id, now(), &audit("lift-kill", &id, "")).await?;
        println!("{id} is lifted");
    } else {
        for row in data.kills().await? {
            println!("{} {} by {} at {}: {}", row.id, row.body, row.author, row.created, row.why);
        }
    }
    data.close().await;
    Ok(ExitCode::SUCCESS)
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
    println!("waiver {} holds until {}", row.id, row.expires);
    Ok(ExitCode::SUCCESS)
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
    eprintln!("token {} for {} until {}; it is shown once:", row.id, row.owner, row.expires);
    println!("{}", token.reveal());
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn token_list(place: &Place) -> anyhow::Result<ExitCode> {
    let data = database(place).await?;
    for row in data.tokens().await? {
        let state = match row.revoked {
            Some(at) => format!("revoked {at}"),
            None => format!("until {}", row.expires),
        };
        println!("{} {}… {} {} [{}] {state}", row.id, row.prefix, row.owner, row.class, row.scopes);
    }
    data.close().await;
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn token_revoke(place: &Place, id: &str) -> anyhow::Result<ExitCode> {
    let data = database(place).await?;
    data.revoke_token(id, now(), &audit("token-revoke", id, "")).await?;
    data.close().await;
    println!("{id} is revoked");
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
    println!("{report}");
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn advisory_status(place: &Place) -> anyhow::Result<ExitCode> {
    let data = database(place).await?;
    let sources = data.sources().await?;
    data.close().await;
    if sources.is_empty() {
        println!("no source was read yet: known malware and vulnerabilities are not recognised");
        return Ok(ExitCode::from(FOUND));
    }
    for row in sources {
        println!(
            "{}: {} records, read {} ago from {}",
            row.name,
            row.records,
            now().since(row.fetched),
            row.location
        );
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn policy_show(place: &Place) -> anyhow::Result<ExitCode> {
    let settings = config::load(place)?.settings;
    let policy = match &settings.policy {
        None => ValidPolicy::baseline(),
        Some(path) => read_policy(path)?,
    };
    println!("# revision {}, mode {}", policy.revision(), policy.mode().as_str());
    for shown in policy.show() {
        println!("{} = {}  # {}", shown.path, shown.value, shown.source);
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn policy_check(file: &Path) -> anyhow::Result<ExitCode> {
    let policy = read_policy(file)?;
    println!("{}: good; revision {}", file.display(), policy.short_revision());
    Ok(ExitCode::SUCCESS)
}

fn read_policy(path: &Path) -> anyhow::Result<ValidPolicy> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    ValidPolicy::parse(&text, &path.display().to_string(), &known_ecosystems())
        .map_err(|problems| anyhow::anyhow!("{problems}"))
}
