//! One number for a version's requirements.

use super::gomod::GoMod;
use std::collections::BTreeSet;

/// Equal for equal modules at equal versions, whatever their order. FNV-1a, 64 bits: stable between builds,
/// which the standard library's hasher does not promise to be. It tells change from no change; it is no proof.
pub(super) fn fingerprint(go_mod: &GoMod) -> u64 {
    let wanted: BTreeSet<(&str, &str)> =
        go_mod.requires.iter().map(|require| (require.path.as_str(), require.version.as_str())).collect();
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for text in wanted.iter().flat_map(|(path, version)| [path, version]) {
        for byte in text.bytes().chain([0]) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    state
}
