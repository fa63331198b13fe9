//! See `rockon_sync::fuzzing::note`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    rockon_sync::fuzzing::note(data, std::path::Path::new(""));
});
