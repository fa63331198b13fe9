//! See `rockon_sync::fuzzing::path`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    rockon_sync::fuzzing::path(data, std::path::Path::new(""));
});
