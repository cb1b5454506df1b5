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
/// It was asked for by a name that can be pointed at something else.
pub const MUTABLE_REFERENCE: &str = "mutable-reference";
/// The name it was asked for by stands for another release than when this house first saw it.
pub const REFERENCE_MOVED: &str = "reference-moved";
/// It was not there yet at the moment as of which the client wants to see the registry. Not a check: what is
/// asked for as of a day is judged by that.
pub const NOT_YET_THERE: &str = "not-yet-there";
/// The kill switch was thrown. Not a check: nothing switches it off.
pub const KILLED: &str = "killed";
/// The facts on the release are incomplete, so that nothing can be said of it. Not a check: it never passes.
pub const NOT_JUDGED: &str = "not-judged";
