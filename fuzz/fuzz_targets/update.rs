//! See `rockon_sync::fuzzing::update`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    rockon_sync::fuzzing::update(data, dir.expect("cannot create a directory").path());
});
