//! How npm's clients are told of the gateway, and what npm tells of the registry it uses now.

use super::documents::REGISTRY;
use crate::{Adopted, ConfigEdit, EditKind, Pointing, Probe, ProbeOutput};
use lazaret_vocabulary::{BaseUrl, Malformed};

/// The questions; [`adopt`] reads the answers in this order.
pub(super) const PROBES: &[Probe] = &[
    Probe { program: "npm", arguments: &["config", "get", "registry"], tells: "npm's registry" },
    Probe {
        program: "npm",
        arguments: &["config", "list", "--json"],
        tells: "registries of single scopes in npm's configuration",
    },
    Probe { program: "pnpm", arguments: &["config", "get", "registry"], tells: "pnpm's registry" },
    Probe { program: "yarn", arguments: &["config", "get", "npmRegistryServer"], tells: "yarn's registry" },
];

/// npm's registry, else pnpm's, else yarn's.
pub(super) fn adopt(outputs: &[ProbeOutput]) -> Result<Adopted, Malformed> {
    let printed = |at: usize| outputs.get(at).map(|output| output.stdout.as_str()).unwrap_or_default();
    let found = [(0, "npm"), (2, "pnpm"), (3, "yarn")]
        .into_iter()
        .find_map(|(at, client)| Some((address(printed(at))?, client)));
    let Some((registry, client)) = found else {
        return Err(Malformed::new("no npm, pnpm or yarn was found that names its registry"));
    };
    let mut source = format!("{client}'s own configuration");
    let scopes = scopes(printed(1));
    if !scopes.is_empty() {
        source.push_str(&format!(
            "; {} stay with registries of their own, since one name must have one source",
            scopes.join(", ")
        ));
    }
    Ok(Adopted { addresses: vec![(REGISTRY.into(), registry)], source })
}

fn address(printed: &str) -> Option<String> {
    let mut lines = printed.lines().rev().map(str::trim);
    let line = lines.find(|line| line.starts_with("https://") || line.starts_with("http://"))?;
    Some(line.trim_end_matches('/').to_owned())
}

/// `@acme` of `"@acme:registry": "https://…"`.
fn scopes(listing: &str) -> Vec<String> {
    let Ok(listing) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(listing) else {
        return Vec::new();
    };
    let scopes = listing.keys().filter_map(|key| key.strip_suffix(":registry")).take(20);
    scopes.filter(|scope| scope.starts_with('@')).map(str::to_owned).collect()
}

/// `//host:port/path/`, by which the clients look up a credential.
fn place(base: &BaseUrl) -> String {
    let place = base.as_str().split_once(':').map_or(base.as_str(), |(_, place)| place);
    format!("{place}/")
}

/// The host without its port, where yarn 4 has to be told that plain http is meant.
fn plain_host(base: &BaseUrl) -> Option<&str> {
    let authority = base.as_str().strip_prefix("http://")?.split('/').next()?;
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => authority.split(':').next(),
    }
}

/// Variables for one command. npm and yarn 1 hear `npm_config_…`, pnpm since 11 only `pnpm_config_…`, yarn 4
/// `YARN_NPM_…`, bun either its own or npm's.
pub(super) fn pointing(base: &BaseUrl, token: Option<&str>, scratch: &str) -> Pointing {
    let registry = format!("{base}/");
    let mut environment: Vec<(String, String)> = [
        ("npm_config_registry", registry.as_str()),
        // What a lock file names is fetched from the gateway, whatever host it names. Without this npm swaps
        // the public registry's host only.
        ("npm_config_replace_registry_host", "always"),
        ("pnpm_config_registry", &registry),
        ("YARN_REGISTRY", &registry),
        ("YARN_NPM_REGISTRY_SERVER", base.as_str()),
        ("YARN_ENABLE_TELEMETRY", "0"),
        ("BUN_CONFIG_REGISTRY", &registry),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    if let Some(host) = plain_host(base) {
        environment.push(("YARN_UNSAFE_HTTP_WHITELIST".to_owned(), host.to_owned()));
    }
    let mut caveats = vec![
        "registries of single scopes (`@acme:registry=…`) in .npmrc or .yarnrc.yml are still asked; so are \
         `publishConfig` and a project's own registry setting in pnpm-workspace.yaml"
            .to_owned(),
        "pnpm and yarn 1 fetch from the host that a lock file names; `lazaret doctor` finds such entries"
            .to_owned(),
        "packages from repositories, addresses and folders are fetched from there".to_owned(),
        "of a withheld release that is the newest of its kind, pnpm before 12, yarn 1 and bun say only that no \
         version matches; the gateway's page on the package says why"
            .to_owned(),
    ];
    let mut files = Vec::new();
    if let Some(token) = token {
        let place = place(base);
        let npmrc = format!("registry={registry}\n{place}:_authToken={token}\nalways-auth=true\n");
        files.push(("npmrc".to_owned(), npmrc));
        // Only a file reaches all of npm, pnpm 10 and yarn 1 with a credential.
        environment.push(("NPM_CONFIG_USERCONFIG".to_owned(), format!("{scratch}/npmrc")));
        environment.push((format!("pnpm_config_{place}:_authToken"), token.to_owned()));
        environment.push(("YARN_NPM_AUTH_TOKEN".to_owned(), token.to_owned()));
        environment.push(("YARN_NPM_ALWAYS_AUTH".to_owned(), "true".to_owned()));
        environment.push(("BUN_CONFIG_TOKEN".to_owned(), token.to_owned()));
        caveats.push(
            "with a token, ~/.npmrc is not read; give settings such as `cafile` as variables \
             (npm_config_cafile)"
                .to_owned(),
        );
    }
    let removed =
        ["NPM_CONFIG_REGISTRY", "npm_config_userconfig", "PNPM_CONFIG_REGISTRY", "NPM_CONFIG_TOKEN"];
    Pointing { environment, removed: removed.map(str::to_owned).to_vec(), files, caveats }
}

/// Changes to the user's own files. `.npmrc` is read by npm, pnpm and yarn 1; bun reads it too, after its
/// own.
pub(super) fn edits(base: &BaseUrl, token: Option<&str>) -> Vec<ConfigEdit> {
    let mut npmrc = vec![
        ("registry".to_owned(), format!("{base}/")),
        ("replace-registry-host".to_owned(), "always".to_owned()),
    ];
    let mut yarnrc = vec![("npmRegistryServer".to_owned(), format!("\"{base}\""))];
    if let Some(host) = plain_host(base) {
        yarnrc.push(("unsafeHttpWhitelist".to_owned(), format!("[\"{host}\"]")));
    }
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut bunfig = format!("[install]\nregistry = {}\n", quoted(&format!("{base}/")));
    if let Some(token) = token {
        bunfig = format!(
            "[install]\nregistry = {{ url = {}, token = {} }}\n",
            quoted(&format!("{base}/")),
            quoted(token)
        );
        npmrc.push((format!("{}:_authToken", place(base)), token.to_owned()));
        yarnrc.push(("npmAuthToken".to_owned(), format!("\"{token}\"")));
        yarnrc.push(("npmAlwaysAuth".to_owned(), "true".to_owned()));
    }
    // yarn 1 shows a credential only then; npm warns of a key that it does not know, so npm alone is spared.
    let yarn_1 = token.map(|_| {
        let always = vec![(format!("{}:always-auth", place(base)), "true".to_owned())];
        ConfigEdit { client: "yarn", file: ".npmrc", kind: EditKind::Lines(always) }
    });
    let mut edits = vec![
        ConfigEdit { client: "npm", file: ".npmrc", kind: EditKind::Lines(npmrc) },
        ConfigEdit { client: "yarn", file: ".yarnrc.yml", kind: EditKind::Yaml(yarnrc) },
        ConfigEdit { client: "bun", file: ".bunfig.toml", kind: EditKind::Toml(bunfig) },
    ];
    edits.extend(yarn_1);
    edits
}
