//! See `rockon_sync::fuzzing::site`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    rockon_sync::fuzzing::site(data, std::path::Path::new(""));
});
