//! Test support for several modules: a clock, and file systems that fail.

mod clock;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod failing;
#[cfg(test)]
mod hooked;

pub(crate) use clock::TestClock;
#[cfg(test)]
pub(crate) use disk::{Disk, Survives};
#[cfg(test)]
pub(crate) use failing::{FailingFiles, Fault};
#[cfg(test)]
pub(crate) use hooked::{Call, HookedFiles, bad_disk};

/// Returns a configuration of property tests with `cases` cases, the same in every run.
#[cfg(test)]
pub(crate) fn cases(cases: u32) -> proptest::test_runner::Config {
    let rng_seed = proptest::test_runner::RngSeed::Fixed(4);
    proptest::test_runner::Config {
        cases,
        rng_seed,
        failure_persistence: None,
        ..Default::default()
    }
}

/// Copies a directory with everything below it to `to`, which may exist.
#[cfg(test)]
pub(crate) fn copy_dir(from: &std::path::Path, to: &std::path::Path) {
    use std::fs;
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&path, &to);
        } else {
            fs::copy(path, to).unwrap();
        }
    }
}

/// Returns a directory for thousands of small file operations. It is in memory if the system has
/// such a file system.
#[cfg(test)]
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}
