//! Searching, which the protocol does not know.

use crate::Listed;
use lazaret_vocabulary::Reply;

/// The repositories, in the form that `docker search` once introduced.
pub(super) fn reply(found: &[Listed]) -> Reply {
    let results: Vec<_> = found
        .iter()
        .map(|listed| {
            serde_json::json!({
                "name": listed.package.as_str(),
                "description": listed.description,
                "is_official": false,
                "is_automated": false,
                "star_count": 0,
            })
        })
        .collect();
    Reply::json(serde_json::json!({ "num_results": found.len(), "results": results }).to_string())
}
