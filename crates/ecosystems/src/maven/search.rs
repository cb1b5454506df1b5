//! A Maven repository has no search of its own.

use crate::Listed;
use lazaret_vocabulary::Reply;

/// What was found, for whoever asks the gateway itself.
pub(super) fn reply(found: &[Listed]) -> Reply {
    let list: Vec<_> = found
        .iter()
        .map(|listed| {
            serde_json::json!({
                "name": listed.package.as_str(),
                "version": listed.version,
                "description": listed.description,
            })
        })
        .collect();
    Reply::json(serde_json::json!({ "found": list }).to_string())
}
