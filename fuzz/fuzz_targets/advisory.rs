//! Any OSV record.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let _ = lazaret_advisories::read_record(input);
});
