//! See `rockon_sync::fuzzing::list`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    rockon_sync::fuzzing::list(data, std::path::Path::new(""));
});
