//! See `rockon_sync::fuzzing::pack`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    rockon_sync::fuzzing::pack(data, std::path::Path::new(""));
});
