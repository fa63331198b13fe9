//! See `rockon_sync::fuzzing::head`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    rockon_sync::fuzzing::head(data, std::path::Path::new(""));
});
