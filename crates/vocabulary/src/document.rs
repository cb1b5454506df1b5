use crate::Timestamp;
use bytes::Bytes;

/// Which of an ecosystem's upstream documents this is, such as `packument` or `simple`. Also the key under
/// which it is kept.
pub type DocumentRole = &'static str;

/// A document as an upstream sent it, or as the house wrote it for a hosted package.
#[derive(Debug, Clone)]
pub struct Document {
    /// Which one.
    pub role: DocumentRole,
    /// Its bytes, decompressed.
    pub body: Bytes,
    /// Its media type as declared, lower case, without parameters; empty if none was.
    pub content_type: String,
    /// When it was last known to be current.
    pub fetched: Timestamp,
    /// When its server says it last changed (`Last-Modified`), where it says so.
    pub modified: Option<Timestamp>,
}
