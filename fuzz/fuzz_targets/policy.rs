//! Any policy file: it is valid, or its mistakes are told with a line.
#![no_main]

use lazaret_policy::ValidPolicy;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match ValidPolicy::parse(text, "policy.toml", &lazaret_fuzz::known()) {
        Ok(policy) => drop(policy.show()),
        Err(problems) => assert!(problems.to_string().contains("policy.toml")),
    }
});
