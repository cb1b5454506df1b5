//! `lazaret setup`: points this machine's clients at a gateway for good, and takes it back.

mod difference;
mod edit;
mod places;
mod state;
mod tables;
#[cfg(test)]
mod tests;
mod xml;

use crate::{Place, config};
use anyhow::{Context as _, bail};
use difference::difference;
use edit::Change;
use lazaret_ecosystems::Client;
use lazaret_vocabulary::BaseUrl;
pub(crate) use places::Places;
use state::{Changed, State, write};
use std::collections::BTreeMap;
use std::io::{BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What was typed.
pub(crate) struct Asked {
    pub(crate) clients: Vec<String>,
    pub(crate) undo: bool,
    pub(crate) yes: bool,
    pub(crate) url: Option<String>,
    pub(crate) token: Option<String>,
}

/// What is meant by it.
struct Wish {
    clients: Vec<String>,
    undo: bool,
    url: String,
    token: Option<String>,
    /// The upstream addresses of an ecosystem, by role.
    addresses: Box<Addresses>,
}

/// Ecosystem id → upstream addresses by role.
type Addresses = dyn Fn(&str) -> Vec<(String, String)>;

/// Everything meant by a client.
const ALL: &str = "all";

/// One file's way from what it holds to what it shall hold.
#[derive(Debug)]
struct Step {
    path: PathBuf,
    before: Option<String>,
    /// `None` takes the file away.
    after: Option<String>,
    /// What is remembered of it from then on; `None` forgets it.
    remember: Option<Changed>,
    /// Said beside the difference.
    note: Option<String>,
}

pub(crate) fn setup(place: &Place, asked: Asked) -> anyhow::Result<ExitCode> {
    let url = match asked.url.filter(|url| !url.is_empty()) {
        Some(url) => url,
        None => {
            let loaded = config::load(place)?;
            loaded.settings.base_url.clone().unwrap_or_else(|| loaded.own_address())
        }
    };
    let token = asked.token.filter(|token| !token.is_empty());
    let settings = config::load(place)?.settings;
    let addresses = Box::new(crate::adopt::known_addresses(&settings));
    let wish = &Wish { clients: asked.clients, undo: asked.undo, url, token, addresses };
    let places = Places::of_this_user()?;
    let mut state = State::load(&places.state)?;
    let (steps, advice, failed) =
        if wish.undo { plan_undo(wish, &state)? } else { plan(wish, &places, &state)? };
    for line in &advice {
        say!("{line}");
    }
    let code = if failed { ExitCode::from(crate::FOUND) } else { ExitCode::SUCCESS };
    let secret = wish.token.is_some() && !wish.undo;
    let visible: Vec<&Step> = steps.iter().filter(|step| step.before != step.after).collect();
    for step in &visible {
        say!(
            "{}{}",
            step.path.display(),
            step.note.as_ref().map_or(String::new(), |note| format!(" ({note})"))
        );
        let text = |content: &Option<String>| content.clone().unwrap_or_default();
        for line in difference(&text(&step.before), &text(&step.after)) {
            say!("  {line}");
        }
    }
    if visible.is_empty() {
        carry_out(&steps, &mut state, &places.state, secret)?;
        say!("{}", if wish.undo { "nothing is left to take back" } else { "everything is as it shall be" });
        return Ok(code);
    }
    if !asked.yes && !agreed()? {
        tell_error!("lazaret: nothing was changed; `--yes` changes it without asking");
        return Ok(ExitCode::from(crate::FOUND));
    }
    carry_out(&steps, &mut state, &places.state, secret)?;
    if !wish.undo {
        say!("done; `lazaret setup --undo` takes it back, `lazaret doctor` looks whether it holds");
    }
    Ok(code)
}

/// Asks the human, if there is one.
fn agreed() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    tell_error!("Change these files? [y/N]");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// The clients that are meant: those named, all, or those that this machine has.
fn chosen(
    names: &[String],
) -> anyhow::Result<Vec<(&'static dyn lazaret_ecosystems::Ecosystem, &'static Client)>> {
    let known = || {
        lazaret_ecosystems::all()
            .iter()
            .flat_map(|ecosystem| ecosystem.clients().iter().map(move |client| (*ecosystem, client)))
    };
    for name in names.iter().filter(|name| *name != ALL) {
        if known().all(|(_, client)| client.name != name) {
            let names: Vec<&str> = known().map(|(_, client)| client.name).collect();
            bail!("there is no client `{name}`; expected {} or {ALL}", names.join(", "));
        }
    }
    let all = names.iter().any(|name| name == ALL);
    let meant = |client: &Client| match names {
        [] => crate::doctor::on_path(client.program).is_some(),
        _ => all || names.iter().any(|name| name == client.name),
    };
    Ok(known().filter(|(_, client)| meant(client)).collect())
}

type Plan = (Vec<Step>, Vec<String>, bool);

fn plan(wish: &Wish, places: &Places, state: &State) -> anyhow::Result<Plan> {
    let root = wish.url.trim_end_matches('/');
    if !root.starts_with("http://") && !root.starts_with("https://") || root.contains(char::is_whitespace) {
        bail!("--url `{root}`: expected the gateway's address, such as https://packages.acme.example");
    }
    let (mut advice, mut failed) = (Vec::new(), false);
    let mut by_file: BTreeMap<PathBuf, (String, Vec<Change>)> = BTreeMap::new();
    let clients = chosen(&wish.clients)?;
    if clients.is_empty() {
        bail!("no client that Lazaret knows is on this machine; name one, or `{ALL}`");
    }
    for (ecosystem, client) in &clients {
        let base = BaseUrl::new(&format!("{root}/{}", ecosystem.profile().mount));
        if !client.by_hand.is_empty() {
            advice.push(format!("{}: {}", client.name, client.by_hand.replace("{base}", base.as_str())));
        }
        // Who publishes needs an account file; nobody else is given one.
        if wish.token.is_none()
            && client.edits.contains(&"twine")
            && wish.clients.iter().all(|name| name != "twine")
        {
            continue;
        }
        let upstreams = (wish.addresses)(ecosystem.profile().id.as_str());
        for edit in ecosystem.setup(&base, wish.token.as_deref(), &upstreams) {
            if client.edits.contains(&edit.client) {
                let entry = by_file.entry(places.file(edit.file)).or_default();
                // A file that several share goes by the first, whom the others build on.
                if entry.0.is_empty() {
                    entry.0 = edit.client.to_owned();
                }
                let change = Change::from(edit.kind);
                if !entry.1.contains(&change) {
                    entry.1.push(change);
                }
            }
        }
    }
    let mut steps = Vec::new();
    for (path, (client, changes)) in by_file {
        match step(&path, client, changes, state) {
            Ok(step) => steps.push(step),
            Err(why) => {
                failed = true;
                advice.push(format!("{}: left as it is: {why:#}", path.display()));
            }
        }
    }
    Ok((steps, advice, failed))
}

/// A file's text; `None` when it is not there.
fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read(path) {
        Ok(bytes) => {
            Ok(Some(String::from_utf8(bytes).ok().context("it is not UTF-8; set the keys by hand")?))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context("it cannot be read"),
    }
}

fn step(path: &Path, client: String, changes: Vec<Change>, state: &State) -> anyhow::Result<Step> {
    let before = read(path)?;
    // What an earlier setup did is taken back first, so that what is remembered stays the user's own.
    let earlier = state.files.get(path);
    let original = match (&before, earlier) {
        (Some(text), Some(earlier)) => taken_back(text, earlier)?.0,
        _ => before.clone(),
    };
    let mut after = original.clone().unwrap_or_default();
    for change in &changes {
        after = change.apply(&after)?;
    }
    let folders = match earlier {
        Some(earlier) => earlier.folders.clone(),
        None => path.ancestors().skip(1).take_while(|folder| !folder.exists()).map(Path::to_owned).collect(),
    };
    let remember = Some(Changed { client, original, after: after.clone(), changes, folders });
    // Nothing of ours and nothing to do: nothing to remember either.
    let remember = remember.filter(|changed| changed.original.as_deref() != Some(&changed.after));
    Ok(Step { path: path.to_owned(), before, after: Some(after), remember, note: None })
}

/// The file as it would be without what `changed` says was done, `None` when it would not be there; and the
/// keys that somebody has changed since, which stay.
fn taken_back(text: &str, changed: &Changed) -> anyhow::Result<(Option<String>, Vec<String>)> {
    if text == changed.after {
        return Ok((changed.original.clone(), Vec::new()));
    }
    if Some(text) == changed.original.as_deref() {
        return Ok((Some(text.to_owned()), Vec::new()));
    }
    let (mut text, mut kept) = (text.to_owned(), Vec::new());
    for change in changed.changes.iter().rev() {
        let (next, keys) = change.retract(&text, changed.original.as_deref().unwrap_or_default())?;
        text = next;
        kept.extend(keys);
    }
    Ok((Some(text).filter(|text| !text.trim().is_empty() || changed.original.is_some()), kept))
}

fn plan_undo(wish: &Wish, state: &State) -> anyhow::Result<Plan> {
    let clients = if wish.clients.is_empty() { Vec::new() } else { chosen(&wish.clients)? };
    let meant = |name: &str| {
        wish.clients.is_empty() || clients.iter().any(|(_, client)| client.edits.contains(&name))
    };
    let (mut steps, mut advice, mut failed) = (Vec::new(), Vec::new(), false);
    for (path, changed) in state.files.iter().filter(|(_, changed)| meant(&changed.client)) {
        let planned = read(path).and_then(|before| {
            let (after, kept) = match &before {
                None => (None, Vec::new()),
                Some(text) => taken_back(text, changed)?,
            };
            let edited = before.as_ref().is_some_and(|before| *before != changed.after) && before != after;
            let note = edited.then(|| "edited since: only what setup wrote is taken out".to_owned());
            advice.extend(
                kept.iter()
                    .map(|key| format!("{}: `{key}` was changed since and stays as it is", path.display())),
            );
            Ok(Step { path: path.clone(), before, after, remember: None, note })
        });
        match planned {
            Ok(step) => steps.push(step),
            Err(why) => {
                failed = true;
                advice.push(format!(
                    "{}: left as it is: {why:#}; take out by hand what names the gateway",
                    path.display()
                ));
            }
        }
    }
    Ok((steps, advice, failed))
}

/// Remembers first, so that whatever happens can be taken back; then changes file by file. What gets a
/// `secret` is from then on nobody else's to read.
fn carry_out(steps: &[Step], state: &mut State, place: &Path, secret: bool) -> anyhow::Result<()> {
    for step in steps {
        if let Some(changed) = &step.remember {
            state.files.insert(step.path.clone(), changed.clone());
        }
    }
    state.save(place)?;
    for step in steps {
        if step.before != step.after {
            change(step, state, secret)?;
        }
        if step.remember.is_none() {
            state.files.remove(&step.path);
        }
    }
    state.save(place)
}

fn change(step: &Step, state: &State, secret: bool) -> anyhow::Result<()> {
    let path = &step.path;
    if read(path)? != step.before {
        bail!("{} was changed meanwhile; nothing was written to it", path.display());
    }
    match &step.after {
        Some(after) => {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)
                    .with_context(|| format!("{} cannot be made", folder.display()))?;
            }
            // A new file may hold a credential.
            write(path, after, (secret || step.before.is_none()).then_some(0o600))
        }
        None => {
            std::fs::remove_file(path).with_context(|| format!("{} cannot be removed", path.display()))?;
            // Folders that were made for it go when nothing else lies in them.
            for folder in state.files.get(path).map(|changed| changed.folders.as_slice()).unwrap_or_default()
            {
                if std::fs::remove_dir(folder).is_err() {
                    break;
                }
            }
            Ok(())
        }
    }
}
