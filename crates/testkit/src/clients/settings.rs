//! How each client is pointed at a registry. Nothing here reads the user's own settings.

use super::{Dialect, FORGE, Session};
use base64::Engine as _;
use std::path::Path;

/// Variables without which the host's certificates or toolchains are not found; all others are dropped.
const INHERITED: [&str; 12] = [
    "PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NIX_SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
    "GIT_SSL_CAINFO",
    "RUSTUP_TOOLCHAIN",
    "LD_LIBRARY_PATH",
];

/// A home of its own, the host's certificates, and nothing else.
pub(super) fn clean_environment(folder: &Path) -> Vec<(String, String)> {
    let text = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
    let mut variables: Vec<(String, String)> = INHERITED
        .iter()
        .filter_map(|name| std::env::var(name).ok().map(|value| ((*name).to_owned(), value)))
        .collect();
    let mut set = |name: &str, value: String| variables.push((name.to_owned(), value));
    set("HOME", text(folder.join("home")));
    set("TMPDIR", text(folder.join("tmp")));
    set("XDG_CACHE_HOME", text(folder.join("home/cache")));
    set("XDG_CONFIG_HOME", text(folder.join("home/.config")));
    set("XDG_DATA_HOME", text(folder.join("home/.local/share")));
    set("LANG", "C.UTF-8".to_owned());
    set("TERM", "dumb".to_owned());
    set("NO_COLOR", "1".to_owned());
    // Shims look for their toolchains in the home that we took away.
    if let Some(home) = std::env::home_dir() {
        for (name, below) in [("RUSTUP_HOME", ".rustup"), ("PYENV_ROOT", ".pyenv")] {
            let path = std::env::var_os(name).map_or_else(|| home.join(below), std::path::PathBuf::from);
            if path.is_dir() {
                set(name, text(path));
            }
        }
    }
    variables
}

/// Writes the client's configuration into its home, or into its variables where it has no file.
pub(super) fn point_at(session: &mut Session) {
    match session.client.dialect {
        Dialect::Npm => npm(session),
        Dialect::Pnpm => pnpm(session),
        Dialect::YarnClassic => yarn_classic(session),
        Dialect::YarnModern => yarn_modern(session),
        Dialect::Bun => bun(session),
        Dialect::Pip => pip(session),
        Dialect::Uv => uv(session),
        Dialect::Cargo => cargo(session),
        Dialect::Twine => twine(session),
        Dialect::Poetry => poetry(session),
        Dialect::Maven => maven(session),
        Dialect::Go => go(session),
        Dialect::Nuget => nuget(session),
        Dialect::Oci => oci(session),
        Dialect::Apt => apt(session),
        Dialect::Git => git(session),
        Dialect::Curl => curl(session),
    }
}

/// `registry` and, with a token, the credential line that npm and its kin share.
fn npmrc(session: &Session) -> String {
    let registry = &session.endpoints.npm;
    let mut text = format!("registry={registry}\n");
    if let Some(token) = &session.endpoints.token {
        let place = registry.split_once(':').map_or(registry.as_str(), |(_, place)| place);
        text.push_str(&format!("{place}:_authToken={token}\n"));
    }
    text
}

fn npm(session: &mut Session) {
    let text = npmrc(session);
    session.configure(".npmrc", &text);
    session.configure(
        ".npmrc",
        "fund=false\nupdate-notifier=false\nfetch-retries=1\nfetch-retry-mintimeout=100\nfetch-retry-maxtimeout=500\n",
    );
    let global = session.home().join("npmrc-of-nobody").to_string_lossy().into_owned();
    session.variable("NPM_CONFIG_GLOBALCONFIG", &global);
}

fn pnpm(session: &mut Session) {
    npm(session);
    let store = session.home().join("cache/pnpm-store").to_string_lossy().into_owned();
    session.configure(".npmrc", &format!("store-dir={store}\nmanage-package-manager-versions=false\n"));
}

fn yarn_classic(session: &mut Session) {
    let text = npmrc(session);
    session.configure(".npmrc", &text);
    let always = if session.endpoints.token.is_some() { "always-auth true\n" } else { "" };
    let registry = session.endpoints.npm.clone();
    session
        .configure(".yarnrc", &format!("registry \"{registry}\"\ndisable-self-update-check true\n{always}"));
    if session.endpoints.token.is_some() {
        session.configure(".npmrc", "always-auth=true\n");
    }
}

fn yarn_modern(session: &mut Session) {
    let mut text = format!(
        "npmRegistryServer: \"{}\"\nunsafeHttpWhitelist: [\"127.0.0.1\", \"localhost\"]\nenableTelemetry: false\n\
         enableImmutableInstalls: false\nnodeLinker: node-modules\nhttpRetry: 1\n",
        session.endpoints.npm.trim_end_matches('/')
    );
    if let Some(token) = &session.endpoints.token {
        text.push_str(&format!("npmAuthToken: \"{token}\"\nnpmAlwaysAuth: true\n"));
    }
    session.configure(".yarnrc.yml", &text);
}

fn bun(session: &mut Session) {
    let registry = &session.endpoints.npm;
    let value = match &session.endpoints.token {
        Some(token) => format!("{{ url = \"{registry}\", token = \"{token}\" }}"),
        None => format!("\"{registry}\""),
    };
    // With XDG_CONFIG_HOME set, bun looks nowhere else for its global file.
    session
        .configure(".config/.bunfig.toml", &format!("telemetry = false\n\n[install]\nregistry = {value}\n"));
    let cache = session.home().join("cache/bun").to_string_lossy().into_owned();
    session.variable("BUN_INSTALL_CACHE_DIR", &cache);
}

/// The address with `__token__:TOKEN@` in it.
fn with_userinfo(url: &str, token: Option<&str>) -> String {
    match (token, url.split_once("://")) {
        (Some(token), Some((scheme, rest))) => format!("{scheme}://__token__:{token}@{rest}"),
        _ => url.to_owned(),
    }
}

fn pip(session: &mut Session) {
    let url = with_userinfo(&session.endpoints.pypi, session.endpoints.token.as_deref());
    session.variable("PIP_INDEX_URL", &url);
    // The one value that also switches the machine's own files off.
    session.variable("PIP_CONFIG_FILE", "/dev/null");
    session.variable("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    session.variable("PIP_NO_INPUT", "1");
    session.variable("PIP_RETRIES", "1");
    session.variable("PIP_ROOT_USER_ACTION", "ignore");
}

fn uv(session: &mut Session) {
    let url = with_userinfo(&session.endpoints.pypi, session.endpoints.token.as_deref());
    session.variable("UV_DEFAULT_INDEX", &url);
    session.variable("UV_NO_CONFIG", "1");
    session.variable("UV_PYTHON_DOWNLOADS", "never");
    session.variable("UV_HTTP_RETRIES", "1");
    let upload = session.endpoints.pypi_upload.clone();
    session.variable("UV_PUBLISH_URL", &upload);
    if let Some(token) = session.endpoints.token.clone() {
        session.variable("UV_PUBLISH_TOKEN", &token);
    }
}

fn cargo(session: &mut Session) {
    let home = session.home().join("cargo").to_string_lossy().into_owned();
    session.variable("CARGO_HOME", &home);
    let index = session.endpoints.cargo.clone();
    session.configure(
        "cargo/config.toml",
        &format!(
            "[source.crates-io]\nreplace-with = \"gateway\"\n\n[registries.gateway]\nindex = \"sparse+{index}\"\n\
             credential-provider = \"cargo:token\"\n\n[net]\nretry = 1\n\n[term]\ncolor = \"never\"\n"
        ),
    );
    if let Some(token) = session.endpoints.token.clone() {
        session.variable("CARGO_REGISTRIES_GATEWAY_TOKEN", &token);
    }
}

fn twine(session: &mut Session) {
    let upload = session.endpoints.pypi_upload.clone();
    session.variable("TWINE_REPOSITORY_URL", &upload);
    session.variable("TWINE_NON_INTERACTIVE", "1");
    if let Some(token) = session.endpoints.token.clone() {
        session.variable("TWINE_USERNAME", "__token__");
        session.variable("TWINE_PASSWORD", &token);
    }
}

fn poetry(session: &mut Session) {
    session.variable("POETRY_VIRTUALENVS_IN_PROJECT", "true");
    session.variable("POETRY_NO_INTERACTION", "1");
    // A keyring would wait for a desktop that is not there.
    session.variable("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring");
    if let Some(token) = session.endpoints.token.clone() {
        session.variable("POETRY_HTTP_BASIC_GATEWAY_USERNAME", "__token__");
        session.variable("POETRY_HTTP_BASIC_GATEWAY_PASSWORD", &token);
    }
}

/// The mirror's name in `settings.xml`, by which Maven finds the credential.
const MIRROR: &str = "gateway";

fn maven(session: &mut Session) {
    let home = session.home();
    let repository = home.join(".m2/repository");
    let header = session.endpoints.token.as_ref().map_or_else(String::new, |token| {
        format!(
            "  <servers><server><id>{MIRROR}</id><configuration><httpHeaders><property>\
             <name>Authorization</name><value>Bearer {token}</value>\
             </property></httpHeaders></configuration></server></servers>\n"
        )
    });
    let url = session.endpoints.maven.trim_end_matches('/').to_owned();
    session.configure(
        ".m2/settings.xml",
        &format!(
            "<settings>\n  <localRepository>{}</localRepository>\n  <interactiveMode>false</interactiveMode>\n\
             {header}  <mirrors><mirror><id>{MIRROR}</id><mirrorOf>*</mirrorOf><url>{url}</url></mirror></mirrors>\n\
             </settings>\n",
            repository.display()
        ),
    );
    // Java takes the home from the table of users, whatever HOME says.
    let options = format!(
        "-Duser.home={} -Djava.io.tmpdir={} -Dstyle.color=never",
        home.display(),
        session.folder().join("tmp").display()
    );
    session.variable("MAVEN_OPTS", &options);
    session.variable("MAVEN_SKIP_RC", "1");
    give_plugins(session);
}

/// Puts Maven's own plugins into its local repository, so that only what a test is about is fetched.
pub(super) fn give_plugins(session: &Session) {
    if let Some(plugins) = super::table::tool("mvn-plugins").filter(|folder| folder.is_dir()) {
        let repository = session.home().join(".m2/repository");
        link_folder(&plugins, &repository).unwrap_or_else(|error| panic!("{}: {error}", plugins.display()));
    }
}

fn link_folder(from: &Path, into: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(into)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), into.join(entry.file_name()));
        if source.is_dir() {
            link_folder(&source, &target)?;
        } else if std::fs::hard_link(&source, &target).is_err() {
            // The scratch folder may be on another disk.
            std::fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

fn go(session: &mut Session) {
    let home = session.home();
    let below = |path: &str| home.join(path).to_string_lossy().into_owned();
    let proxy = session.endpoints.go.clone();
    for (name, value) in [
        // Nothing after it: what the proxy refuses is not to be fetched another way.
        ("GOPROXY", proxy.as_str()),
        // A checksum database vouches for no invented module; tests of it set this anew.
        ("GOSUMDB", "off"),
        ("GOVCS", "*:off"),
        ("GOENV", "off"),
        ("GOTOOLCHAIN", "local"),
        // Without the second a scratch folder cannot be removed by anyone but root.
        ("GOFLAGS", "-mod=mod -modcacherw"),
        ("GOPATH", &below("go")),
        ("GOMODCACHE", &below("cache/go-modules")),
        ("GOCACHE", &below("cache/go-build")),
        ("CGO_ENABLED", "0"),
    ] {
        session.variable(name, value);
    }
    // Go sends no credential over plain http, however it is told one.
}

fn nuget(session: &mut Session) {
    let credential = session.endpoints.token.as_ref().map_or_else(String::new, |token| {
        format!(
            "  <packageSourceCredentials><gateway><add key=\"Username\" value=\"__token__\"/>\
             <add key=\"ClearTextPassword\" value=\"{token}\"/></gateway></packageSourceCredentials>\n"
        )
    });
    let index = session.endpoints.nuget.clone();
    // Where it is absent, NuGet writes one that names its public source.
    session.configure(
        ".config/NuGet/NuGet.Config",
        &format!(
            "<configuration>\n  <packageSources><clear/>\
             <add key=\"gateway\" value=\"{index}\" protocolVersion=\"3\"/></packageSources>\n\
             {credential}</configuration>\n"
        ),
    );
}

fn oci(session: &mut Session) {
    let registry = session.endpoints.oci.clone();
    let plain = format!("[[registry]]\nlocation = \"{registry}\"\ninsecure = true\n");
    session.configure(".config/containers/registries.conf", &plain);
    session.configure(
        ".config/containers/policy.json",
        "{\"default\": [{\"type\": \"insecureAcceptAnything\"}]}\n",
    );
    if let Some(token) = session.endpoints.token.clone() {
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("__token__:{token}"));
        session.configure(
            ".docker/config.json",
            &format!("{{\"auths\": {{\"{registry}\": {{\"auth\": \"{pair}\"}}}}}}\n"),
        );
    }
    // Else skopeo looks for a credential in the machine's own.
    let runtime = session.home().join("run").to_string_lossy().into_owned();
    session.variable("XDG_RUNTIME_DIR", &runtime);
}

fn apt(session: &mut Session) {
    let apt = session.home().join("apt");
    let text = format!(
        "Dir::State \"{apt}/state\";\nDir::State::status \"{apt}/state/status\";\nDir::Cache \"{apt}/cache\";\n\
         Dir::Etc \"{apt}/etc\";\nDir::Etc::trusted \"{apt}/etc/trusted.gpg\";\n\
         Dir::Etc::trustedparts \"{apt}/etc/trusted.gpg.d\";\nDir::Log \"{apt}/log\";\n\
         Acquire::Languages \"none\";\nAcquire::Retries \"0\";\n\
         // Root would let another user fetch, who cannot reach a scratch folder.\n\
         APT::Sandbox::User \"root\";\nDebug::NoLocking \"true\";\n\
         // Whatever a test asks for, this machine stays as it is.\n\
         APT::Get::Download-Only \"true\";\n",
        apt = apt.display()
    );
    for folder in ["state", "cache", "etc/sources.list.d", "etc/apt.conf.d", "etc/preferences.d", "log"] {
        std::fs::create_dir_all(apt.join(folder)).expect("a folder in a temporary one");
    }
    session.configure("apt/state/status", "");
    session.configure("apt/apt.conf", &text);
    let file = apt.join("apt.conf").to_string_lossy().into_owned();
    session.variable("APT_CONFIG", &file);
    if let Some(token) = session.endpoints.token.clone() {
        // The scheme has to stand there for plain http.
        let deb = session.endpoints.deb.clone();
        session.configure("apt/etc/auth.conf", &format!("machine {deb} login __token__ password {token}\n"));
    }
}

fn git(session: &mut Session) {
    let github = session.endpoints.github.clone();
    let header = session.endpoints.token.as_ref().map_or_else(String::new, |token| {
        format!("[http \"{github}\"]\n\textraHeader = Authorization: Bearer {token}\n")
    });
    session.configure(
        ".gitconfig",
        &format!(
            "[user]\n\tname = nobody\n\temail = nobody@example.test\n[init]\n\tdefaultBranch = main\n\
             [url \"{github}/\"]\n\tinsteadOf = {FORGE}\n{header}"
        ),
    );
    let file = session.home().join(".gitconfig").to_string_lossy().into_owned();
    session.variable("GIT_CONFIG_GLOBAL", &file);
    session.variable("GIT_CONFIG_NOSYSTEM", "1");
    session.variable("GIT_TERMINAL_PROMPT", "0");
}

fn curl(session: &mut Session) {
    session.configure(".curlrc", "silent\nshow-error\nnetrc-optional\n");
    if let Some(token) = session.endpoints.token.clone() {
        let host = session.endpoints.oci.split(':').next().unwrap_or_default().to_owned();
        session.configure(".netrc", &format!("machine {host} login __token__ password {token}\n"));
    }
}
