//! The service index (NuGet server API, "Service index"): which of a feed's resources stands where. Upstream's
//! is read, our own is written.

use super::json::Members;
use lazaret_vocabulary::{BaseUrl, Document, Malformed, Reply};
use serde_json::json;

/// Most resources looked at; the public feed has about forty.
const MOST_RESOURCES: usize = 1_000;
/// Longest address accepted, in bytes.
const LONGEST_ADDRESS: usize = 2_000;

/// Resource types by preference: registrations that list every version first.
const REGISTRATIONS: &[&str] = &[
    "RegistrationsBaseUrl/3.6.0",
    "RegistrationsBaseUrl/Versioned",
    "RegistrationsBaseUrl/3.4.0",
    "RegistrationsBaseUrl/3.0.0-rc",
    "RegistrationsBaseUrl/3.0.0-beta",
    "RegistrationsBaseUrl",
];
const FLAT_CONTAINER: &[&str] = &["PackageBaseAddress/3.0.0"];
const SEARCH: &[&str] = &[
    "SearchQueryService/3.5.0",
    "SearchQueryService/3.0.0-rc",
    "SearchQueryService/3.0.0-beta",
    "SearchQueryService",
];

/// Where an upstream's resources are, without slashes at the end.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Resources {
    pub registrations: Option<String>,
    pub flat_container: Option<String>,
    pub search: Option<String>,
}

/// Reads an upstream's service index.
pub(super) fn read(document: &Document) -> Result<Resources, Malformed> {
    let wrong = |why: &str| Malformed::new(format!("the upstream's service index {why}"));
    let text = std::str::from_utf8(&document.body).map_err(|_| wrong("is not UTF-8"))?;
    // Some feeds begin their documents with a byte-order mark.
    let text = text.trim_start_matches('\u{feff}');
    let members = Members::parse(text).ok_or_else(|| wrong("is not a JSON object"))?;
    let list = members.list("resources").ok_or_else(|| wrong("has no `resources`"))?;
    let mut found: Vec<(String, String)> = Vec::new();
    for resource in list.into_iter().take(MOST_RESOURCES) {
        let Some(resource) = Members::parse(resource.get()) else { continue };
        let address = resource.text("@id").filter(|address| is_address(address));
        let (Some(address), Some(kinds)) = (address, resource.texts("@type")) else { continue };
        let address = address.trim_end_matches('/');
        found.extend(kinds.into_iter().map(|kind| (kind, address.to_owned())));
    }
    let first = |wanted: &[&str]| {
        let of = |kind: &&str| found.iter().find(|(have, _)| have.eq_ignore_ascii_case(kind));
        wanted.iter().find_map(of).map(|(_, address)| address.clone())
    };
    let resources = Resources {
        registrations: first(REGISTRATIONS),
        flat_container: first(FLAT_CONTAINER),
        search: first(SEARCH),
    };
    if resources.registrations.is_none() && resources.flat_container.is_none() {
        return Err(wrong("names neither registrations nor a flat container, so no package can be listed"));
    }
    Ok(resources)
}

/// Whether a text is an http address that may be asked.
pub(super) fn is_address(text: &str) -> bool {
    let web = text.starts_with("https://") || text.starts_with("http://");
    let clean =
        text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\'));
    web && clean && text.len() <= LONGEST_ADDRESS
}

/// Whether two addresses are of one host, by one scheme.
pub(super) fn same_origin(one: &str, other: &str) -> bool {
    let origin = |text: &str| {
        let (scheme, rest) = text.split_once("://")?;
        let host = rest.split(['/', '?', '#']).next()?;
        Some(format!("{scheme}://{host}").to_ascii_lowercase())
    };
    origin(one).is_some_and(|one| Some(one) == origin(other))
}

/// The gateway's own service index. Every client finds the resources by their types, and takes the newest that
/// it knows; the oldest in use (nuget.exe 4) look for `/Versioned` and the bare type.
pub(super) fn client_config(base: &BaseUrl) -> Reply {
    let gz_2 = format!("{base}/v3/registration-gz-semver2/");
    let gz_1 = format!("{base}/v3/registration-gz/");
    let plain = format!("{base}/v3/registration/");
    let search = format!("{base}/v3/search");
    let autocomplete = format!("{base}/v3/autocomplete");
    let mut resources = vec![
        json!({"@id": format!("{base}/v3/flat/"), "@type": "PackageBaseAddress/3.0.0"}),
        json!({"@id": gz_2, "@type": "RegistrationsBaseUrl/3.6.0"}),
        json!({"@id": gz_2, "@type": "RegistrationsBaseUrl/Versioned", "clientVersion": "4.3.0-alpha"}),
        json!({"@id": gz_1, "@type": "RegistrationsBaseUrl/3.4.0"}),
    ];
    let mut add = |address: &str, kinds: &[&str]| {
        resources.extend(kinds.iter().map(|kind| json!({"@id": address, "@type": kind})));
    };
    add(
        &plain,
        &["RegistrationsBaseUrl", "RegistrationsBaseUrl/3.0.0-beta", "RegistrationsBaseUrl/3.0.0-rc"],
    );
    add(
        &search,
        &[
            "SearchQueryService",
            "SearchQueryService/3.0.0-beta",
            "SearchQueryService/3.0.0-rc",
            "SearchQueryService/3.5.0",
        ],
    );
    add(
        &autocomplete,
        &[
            "SearchAutocompleteService",
            "SearchAutocompleteService/3.0.0-beta",
            "SearchAutocompleteService/3.0.0-rc",
            "SearchAutocompleteService/3.5.0",
        ],
    );
    add(&format!("{base}/api/v2/package"), &["PackagePublish/2.0.0"]);
    add(&format!("{base}/api/v2/symbolpackage"), &["SymbolPackagePublish/4.9.0"]);
    // Clients take it over https alone and give the whole feed up where they find another address.
    if base.as_str().starts_with("https://") {
        let signatures = format!("{base}/v3/repository-signatures/index.json");
        add(
            &signatures,
            &["RepositorySignatures/4.7.0", "RepositorySignatures/4.9.0", "RepositorySignatures/5.0.0"],
        );
    }
    Reply::json(json!({"version": "3.0.0", "resources": resources}).to_string())
}

/// The repository signatures resource (NuGet server API, "Repository signatures"). This house promises for
/// none of its packages that an upstream signed it: what is published here is not signed by anybody else, and
/// a client that was promised so would refuse it. Signatures that are in a package are verified as always.
pub(super) fn repository_signatures() -> Reply {
    Reply::json(json!({"allRepositorySigned": false, "signingCertificates": []}).to_string())
}
