//! The stable codes of findings. They stand in policy files, waivers, replies, records and dashboards, and
//! are never renamed.

/// The release is younger than the policy wants.
pub const RELEASE_TOO_NEW: &str = "release-too-new";
/// The package's first release is younger than the policy wants.
pub const PACKAGE_TOO_NEW: &str = "package-too-new";
/// An advisory says that the release is malicious.
pub const KNOWN_MALWARE: &str = "known-malware";
/// An advisory says that the release is flawed.
pub const VULNERABLE: &str = "vulnerable";
/// The licence is not one the policy accepts.
pub const LICENCE: &str = "licence";
/// Nobody may publish the package any more.
pub const NO_MAINTAINER: &str = "no-maintainer";
/// Nobody looks after the package any more.
pub const ABANDONED: &str = "abandoned";
/// The name can be confused with a far more popular one.
pub const LOOKS_ALIKE: &str = "looks-alike";
/// The name belongs to this house and is not hosted by it.
pub const RESERVED_NAME: &str = "reserved-name";
/// Installing the release runs code of its own.
pub const INSTALL_SCRIPT: &str = "install-script";
/// Somebody else than before published the release.
pub const PUBLISHER_CHANGED: &str = "publisher-changed";
/// The publisher took the release back.
pub const WITHDRAWN: &str = "withdrawn";
/// What was delivered is not what was declared or first seen.
pub const BYTES_CHANGED: &str = "bytes-changed";
/// The kill switch was thrown. Not a check: nothing switches it off.
pub const KILLED: &str = "killed";
/// The facts on the release are incomplete, so that nothing can be said of it. Not a check: it never passes.
pub const NOT_JUDGED: &str = "not-judged";
