//! References to images, as `docker` reads them: `[registry/]name[:tag][@digest]`.

use crate::oci::name;
use lazaret_vocabulary::{Malformed, PackageName};

/// Longest reference read, in bytes.
const LONGEST: usize = 1024;

/// An image, as somebody names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// Without the registry: what a gateway is asked for, whether the name begins with the gateway's own host or
    /// a mirror answers for the usual one.
    pub(super) package: PackageName,
    host: Option<String>,
    tag: Option<String>,
    digest: Option<String>,
}

/// Reads a reference. A name without a registry and without a `/` is one of the official ones, which the usual
/// registry keeps below `library/`.
pub(super) fn parse(text: &str) -> Result<Reference, Malformed> {
    let shown = || text.chars().take(120).collect::<String>();
    if text.len() > LONGEST {
        return Err(Malformed::new(format!("`{}…` is too long for an image", shown())));
    }
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => {
            let digest = name::digest(digest)
                .ok_or_else(|| Malformed::new(format!("the digest of `{}` is none", shown())))?;
            (rest, Some(digest.to_string()))
        }
        None => (text, None),
    };
    let (rest, tag) = match rest.rsplit_once(':') {
        Some((rest, tag)) if !tag.contains('/') => (rest, Some(tag)),
        _ => (rest, None),
    };
    if tag.is_some_and(|tag| !name::is_tag(tag)) {
        return Err(Malformed::new(format!("the tag of `{}` is none", shown())));
    }
    let (host, path) = match rest.split_once('/') {
        Some((host, path)) if is_host(host) => (Some(host.to_owned()), path),
        _ => (None, rest),
    };
    let official = host.is_none() && !path.contains('/');
    let path = if official { format!("library/{path}") } else { path.to_owned() };
    let package = name::parse(&path)
        .map_err(|_| Malformed::new(format!("`{}` is no image such as name:tag", shown())))?;
    Ok(Reference { package, host, tag: tag.map(str::to_owned), digest })
}

/// Whether the first part of a name is a registry.
fn is_host(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    (text == "localhost" || text.contains(['.', ':'])) && text.bytes().all(plain)
}

impl Reference {
    /// The digest, else the tag, else the tag that stands for none.
    pub(super) fn version(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or("latest")
    }

    /// The registry's address. What runs on this machine is spoken to without encryption.
    fn registry(&self) -> Option<String> {
        let host = self.host.as_deref()?;
        let local = ["localhost", "127.", "[::1]"].iter().any(|start| host.starts_with(start));
        Some(format!("{}://{host}/v2", if local { "http" } else { "https" }))
    }

    /// The manifest's address, where the reference names a registry.
    pub(super) fn address(&self) -> Option<String> {
        Some(format!("{}/{}/manifests/{}", self.registry()?, self.package, self.version()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_as_docker_reads_them() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let pinned = format!("acme/app:1@sha256:{hex}");
        let table = [
            ("debian", "library/debian", "latest", None),
            ("debian:12-slim", "library/debian", "12-slim", None),
            ("acme/app:1", "acme/app", "1", None),
            (pinned.as_str(), "acme/app", &pinned[11..], None),
            (
                "gate.example:8443/hub/library/debian:12",
                "hub/library/debian",
                "12",
                Some("https://gate.example:8443/v2/hub/library/debian/manifests/12"),
            ),
            ("localhost/app", "app", "latest", Some("http://localhost/v2/app/manifests/latest")),
            ("127.0.0.1:5000/a/b:x", "a/b", "x", Some("http://127.0.0.1:5000/v2/a/b/manifests/x")),
        ];
        for (text, package, version, address) in table {
            let read = parse(text).unwrap();
            assert_eq!(
                (read.package.as_str(), read.version(), read.address().as_deref()),
                (package, version, address),
                "{text}"
            );
        }
        for wrong in ["", "A", "a b", "a:", "a@", "a@sha256:00", "a:b:c", "/a", "a/", "a//b", "https://a/b"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
