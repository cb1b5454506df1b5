//! How mvn and Gradle are told of the gateway, and what Maven tells of the repository it uses now.

use super::documents::REPOSITORY;
use super::xml::{self, Element};
use crate::{Adopted, ConfigEdit, EditKind, Pointing, Probe, ProbeOutput, XmlEntry};
use lazaret_vocabulary::{BaseUrl, Malformed};

/// The user's own settings. No command of mvn's prints them without a plugin that would have to be fetched.
const USER_SETTINGS: Probe = Probe {
    program: "sh",
    arguments: &["-c", r#"cat "$HOME/.m2/settings.xml" 2>/dev/null; exit 0"#],
    tells: "the mirrors in ~/.m2/settings.xml",
};

/// Those of the installation.
const INSTALLED_SETTINGS: Probe = Probe {
    program: "sh",
    arguments: &[
        "-c",
        r#"
mvn=$(command -v mvn) || exit 0
home=${MAVEN_HOME:-$(dirname "$(dirname "$(readlink -f "$mvn")")")}
cat "$home/conf/settings.xml" 2>/dev/null
exit 0
"#,
    ],
    tells: "the mirrors in the settings of Maven's installation",
};

/// The POM that every POM inherits from, which stands in a JAR of the installation and names the public
/// repository.
const SUPER_POM: Probe = Probe {
    program: "sh",
    arguments: &[
        "-c",
        r#"
mvn=$(command -v mvn) || exit 0
home=${MAVEN_HOME:-$(dirname "$(dirname "$(readlink -f "$mvn")")")}
place=org/apache/maven/model/pom-4.0.0.xml
for jar in "$home"/lib/maven-model-builder-*.jar; do
  if unzip -p "$jar" "$place" 2>/dev/null; then exit 0; fi
  scratch=$(mktemp -d) || exit 0
  trap 'rm -rf "$scratch"' EXIT
  (cd "$scratch" && jar xf "$jar" "$place") 2>/dev/null && cat "$scratch/$place"
  exit 0
done
exit 0
"#,
    ],
    tells: "the repository that Maven uses by itself",
};

/// The questions; [`adopt`] reads the answers in this order.
pub(super) const PROBES: &[Probe] = &[USER_SETTINGS, INSTALLED_SETTINGS, SUPER_POM];

/// The mirror of the public repository in the user's settings, else in the installation's, else that repository.
pub(super) fn adopt(outputs: &[ProbeOutput]) -> Result<Adopted, Malformed> {
    let sources = ["~/.m2/settings.xml", "the settings of Maven's installation", "Maven's own default"];
    let found =
        outputs.iter().zip(sources).find_map(|(output, source)| Some((registry(&output.stdout)?, source)));
    let Some((address, source)) = found else {
        return Err(Malformed::new("no Maven was found, and no ~/.m2/settings.xml that names a mirror"));
    };
    Ok(Adopted { addresses: vec![(REPOSITORY.into(), address)], source: source.to_owned() })
}

/// Where the artifacts of the public repository come from by a file of settings or by a POM.
pub(super) fn registry(printed: &str) -> Option<String> {
    let root = xml::parse(printed.trim()).ok()?;
    let address = match &*root.name {
        "settings" => mirror(&root)
            .or_else(|| central(root.find(&["profiles", "profile", "repositories", "repository"]))),
        "project" => central(root.find(&["repositories", "repository"])),
        _ => None,
    }?;
    let web = address.starts_with("https://") || address.starts_with("http://");
    web.then(|| address.trim_end_matches('/').to_owned())
}

fn mirror(settings: &Element) -> Option<String> {
    let mirrors = settings.find(&["mirrors", "mirror"]);
    let open = |mirror: &&&Element| mirror.text_of("blocked") != Some("true");
    let of = |mirror: &Element| mirror.text_of("mirrorOf").unwrap_or_default().to_owned();
    let exact = mirrors.iter().filter(open).find(|mirror| of(mirror) == "central");
    let found = exact.or_else(|| mirrors.iter().filter(open).find(|mirror| takes_central(&of(mirror))));
    found.and_then(|mirror| mirror.text_of("url")).map(str::to_owned)
}

fn central(repositories: Vec<&Element>) -> Option<String> {
    let found = repositories.into_iter().find(|repository| repository.text_of("id") == Some("central"));
    found.and_then(|repository| repository.text_of("url")).map(str::to_owned)
}

/// Whether a mirror of this kind takes what is meant for the public repository (the Maven documentation, "Using
/// Mirrors for Repositories").
pub(super) fn takes_central(mirror_of: &str) -> bool {
    let patterns = || mirror_of.split(',').map(str::trim);
    patterns().any(|pattern| matches!(pattern, "*" | "central" | "external:*"))
        && patterns().all(|pattern| pattern != "!central")
}

/// The mirror that takes everything.
fn mirror_entry(base: &BaseUrl) -> String {
    let base = xml::escape(base.as_str());
    format!(
        "<mirror>\n      <id>lazaret</id>\n      <name>Lazaret</name>\n      <url>{base}/</url>\n      \
         <mirrorOf>*</mirrorOf>\n    </mirror>"
    )
}

/// The credential, shown before it is asked for: a user and a password would be shown after a first request for
/// each file only.
fn server_entry(token: &str) -> String {
    let token = xml::escape(token);
    format!(
        "<server>\n      <id>lazaret</id>\n      <configuration>\n        <httpHeaders>\n          <property>\n            \
         <name>Authorization</name>\n            <value>Bearer {token}</value>\n          </property>\n        \
         </httpHeaders>\n      </configuration>\n    </server>"
    )
}

fn settings(base: &BaseUrl, token: Option<&str>) -> String {
    let servers = token.map_or_else(String::new, |token| {
        format!("  <servers>\n    {}\n  </servers>\n", server_entry(token))
    });
    format!("<settings>\n{servers}  <mirrors>\n    {}\n  </mirrors>\n</settings>\n", mirror_entry(base))
}

/// Stands in front of mvn in `PATH`, since Maven 3.8 reads its arguments from no variable. Of two `-s` the first
/// counts. The installation's settings are left out: a mirror of exactly one repository there would win.
const WRAPPER: &str = r#"#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
home=${here%/bin}
rest=
IFS=:
for directory in $PATH; do
  [ "$directory" = "$here" ] || rest=$rest${rest:+:}$directory
done
unset IFS MAVEN_ARGS
real=$(PATH=$rest command -v mvn) || { echo "lazaret: no mvn in PATH" >&2; exit 127; }
exec "$real" -s "$home/settings.xml" -gs "$home/installed.xml" "$@"
"#;

/// Makes the gateway the one source of every build, of its plugins and of its settings. What lies on this machine
/// (`mavenLocal()`) stays.
const INIT_SCRIPT: &str = r#"// Written by Lazaret: every Maven repository of every build is the gateway.
def gateway = '{base}/'
def token = '{token}'
def point = { repositories ->
    repositories.all { repository ->
        def remote = repository instanceof org.gradle.api.artifacts.repositories.MavenArtifactRepository &&
            repository.url?.scheme in ['http', 'https']
        if (remote && repository.url.toString() != gateway) {
            repository.url = gateway
            if (repository.hasProperty('allowInsecureProtocol')) { repository.allowInsecureProtocol = true }
            if (token) {
                repository.credentials {
                    username = '__token__'
                    password = token
                }
                // With the first request, not after a refusal.
                repository.authentication { basic(BasicAuthentication) }
            }
        }
    }
}
def pointSettings = { settings ->
    if (settings.hasProperty('pluginManagement')) {
        point(settings.pluginManagement.repositories)
        // Without any, plugins would come from where Gradle looks by itself.
        settings.pluginManagement.repositories.gradlePluginPortal()
    }
    if (settings.hasProperty('dependencyResolutionManagement')) {
        point(settings.dependencyResolutionManagement.repositories)
    }
    point(settings.buildscript.repositories)
}
if (gradle.respondsTo('beforeSettings', Closure)) {
    gradle.beforeSettings(pointSettings)
} else {
    gradle.settingsEvaluated(pointSettings)
}
gradle.allprojects { project ->
    point(project.buildscript.repositories)
    point(project.repositories)
}
"#;

fn init_script(base: &BaseUrl, token: Option<&str>) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
    INIT_SCRIPT
        .replace("{base}", &quoted(base.as_str()))
        .replace("{token}", &quoted(token.unwrap_or_default()))
}

/// For one command: settings of its own for mvn, through the wrapper and through what Maven 3.9 reads, and a
/// Gradle home with the script.
pub(super) fn pointing(base: &BaseUrl, token: Option<&str>, scratch: &str) -> Pointing {
    let scratch = scratch.trim_end_matches('/');
    let home = format!("{scratch}/maven");
    let arguments = format!("-s {home}/settings.xml -gs {home}/installed.xml");
    Pointing {
        environment: vec![
            ("PATH".to_owned(), format!("{home}/bin:{{PATH}}")),
            ("MAVEN_ARGS".to_owned(), arguments),
            ("GRADLE_USER_HOME".to_owned(), format!("{scratch}/gradle")),
        ],
        removed: Vec::new(),
        files: vec![
            ("maven/settings.xml".to_owned(), settings(base, token)),
            ("maven/installed.xml".to_owned(), "<settings/>\n".to_owned()),
            ("maven/bin/mvn".to_owned(), WRAPPER.to_owned()),
            ("gradle/init.d/lazaret.gradle".to_owned(), init_script(base, token)),
        ],
        caveats: vec![
            "mvn: your own settings.xml, with its servers and profiles, is not read while the command runs; \
             `./mvnw` of a wrapper that takes a Maven older than 3.9 is not pointed"
                .to_owned(),
            "gradle: the command has a Gradle home of its own, without your caches and properties; a wrapper \
             fetches its Gradle past the gateway"
                .to_owned(),
        ],
    }
}

/// The same for good, in the user's own files.
pub(super) fn edits(base: &BaseUrl, token: Option<&str>) -> Vec<ConfigEdit> {
    let entry = |list, text| XmlEntry { list, key: "id", value: "lazaret", text };
    let mut entries = vec![entry("mirrors", mirror_entry(base))];
    entries.extend(token.map(|token| entry("servers", server_entry(token))));
    vec![
        ConfigEdit {
            client: "mvn",
            file: ".m2/settings.xml",
            kind: EditKind::XmlEntries { root: "settings", entries },
        },
        ConfigEdit {
            client: "gradle",
            file: ".gradle/init.d/lazaret.gradle",
            kind: EditKind::Whole(init_script(base, token)),
        },
    ]
}
