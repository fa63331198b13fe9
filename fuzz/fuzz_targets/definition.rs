//! See `rockon_sync::fuzzing::definition`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    rockon_sync::fuzzing::definition(data, std::path::Path::new(""));
});
