//! See `rockon_sync::fuzzing::keys`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    rockon_sync::fuzzing::keys(data, std::path::Path::new(""));
});
