//! See `rockon_sync::fuzzing::manifest`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    rockon_sync::fuzzing::manifest(data, std::path::Path::new(""));
});
