//! What it costs to read, judge and render one npm packument, and to judge and render it again after a change
//! of policy: CPU time of this thread, the mean of some rounds, as a line of JSON. `make bench` runs it.
//!
//! Usage: `packument FILE PACKAGE ROUNDS`

use lazaret_ecosystems::{Ecosystem, Route, Shown};
use lazaret_policy::{AdvisoryState, Dossier, Exceptions, Firewall, ReleaseFacts, ValidPolicy};
use lazaret_vocabulary::{BaseUrl, Document, PackageName, PrincipalClass, RequestHead, Timestamp};
use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

/// A moment after all releases of the bench's world.
const NOW: &str = "2030-01-01T00:00:00Z";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: packument FILE PACKAGE ROUNDS";
    let (file, package, rounds) = (
        arguments.next().ok_or(usage)?,
        arguments.next().ok_or(usage)?,
        arguments.next().ok_or(usage)?.parse::<usize>()?,
    );
    let ecosystem = lazaret_ecosystems::by_id("npm").ok_or("there is no npm")?;
    let name = ecosystem.name(&package)?;
    let now = Timestamp::parse(NOW)?;
    let body: bytes::Bytes = std::fs::read(file)?.into();
    let document = Document {
        role: "packument",
        body,
        content_type: "application/json".into(),
        fetched: now,
        modified: None,
    };
    let policies = [policy("")?, policy("[release-too-new]\nmin_age = \"40d\"\n")?];
    // The kernel tells CPU time in ticks of some milliseconds: only sums over many rounds mean something.
    let begun = cpu_nanoseconds()?;
    let mut read = 0;
    for _ in 0..rounds {
        let before = cpu_nanoseconds()?;
        let index = ecosystem.read(&name, std::slice::from_ref(&document))?;
        read += cpu_nanoseconds()? - before;
        judged_and_rendered(ecosystem, &*index, &name, &policies[0], now)?;
    }
    let first = cpu_nanoseconds()? - begun;
    let index = ecosystem.read(&name, std::slice::from_ref(&document))?;
    let begun = cpu_nanoseconds()?;
    let mut bytes = 0;
    for policy in policies.iter().cycle().take(rounds) {
        bytes = judged_and_rendered(ecosystem, &*index, &name, policy, now)?;
    }
    let again = cpu_nanoseconds()? - begun;
    let each = |sum: u64| sum as f64 / rounds as f64 / 1e6;
    println!(
        "{{\"read_ms\": {:.2}, \"first_ms\": {:.2}, \"again_ms\": {:.2}, \"releases\": {}, \"reply_bytes\": {bytes}}}",
        each(read),
        each(first),
        each(again),
        index.releases().len(),
    );
    Ok(())
}

fn policy(text: &str) -> Result<Firewall, Box<dyn Error>> {
    let policy = ValidPolicy::parse(text, "policy.toml", &[])?;
    Ok(Firewall::new(Arc::new(policy), Arc::new(Exceptions::default())))
}

/// As npm asks for it; gives the length of the reply.
fn judged_and_rendered(
    ecosystem: &dyn Ecosystem,
    index: &dyn lazaret_ecosystems::Index,
    package: &PackageName,
    firewall: &Firewall,
    now: Timestamp,
) -> Result<usize, Box<dyn Error>> {
    let known = vec![ReleaseFacts::default(); index.releases().len()];
    let allowed = firewall.filter(&Dossier {
        package,
        standing: index.standing(),
        releases: index.releases(),
        known: &known,
        order: &|left: &str, right: &str| ecosystem.compare(left, right),
        hosted: false,
        first_seen: None,
        advisories: AdvisoryState::NotConfigured,
        looks_like: None,
        dates: lazaret_vocabulary::Dates::Registry,
        as_of: None,
        class: PrincipalClass::Person,
        now,
    });
    let mut headers = http::HeaderMap::new();
    headers.insert("accept", "application/json".parse()?);
    headers.insert("user-agent", "npm/11.19.1 node/v20.20.2 linux x64 workspaces/false".parse()?);
    headers.insert("npm-command", "install".parse()?);
    headers.insert("pacote-req-type", "packument".parse()?);
    let path = format!("/{}", package.as_str());
    let method = http::Method::GET;
    let head = RequestHead { method: &method, path: &path, query: "", headers: &headers };
    let Route::Index { view, .. } = ecosystem.route(&head) else {
        return Err("no index is asked for".into());
    };
    let base = BaseUrl::new("http://127.0.0.1:7117/npm");
    let extras = HashMap::new();
    let shown =
        Shown { package, allowed: &allowed, base: &base, page: "http://127.0.0.1/why", extras: &extras };
    Ok(index.render(&view, &shown)?.body.len())
}

/// CPU time of this thread so far (`/proc/thread-self/schedstat`, first number, nanoseconds).
fn cpu_nanoseconds() -> Result<u64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split_whitespace().next().ok_or("the kernel tells no CPU time")?.parse()?)
}
