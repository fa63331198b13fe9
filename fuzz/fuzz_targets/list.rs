//! See `rockon_sync::fuzzing::listing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    rockon_sync::fuzzing::listing(data, std::path::Path::new(""));
});
