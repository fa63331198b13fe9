//! What fits a machine.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use rockon_sync_core::Mismatch;

use crate::border::{Text, free, read, required, run, text, view};
use crate::catalog::Definition;
use crate::error::Error;

/// It is for other processors.
pub const ROCKON_SYNC_MISMATCH_ARCH: i32 = 1;
/// It needs a newer system.
pub const ROCKON_SYNC_MISMATCH_VERSION: i32 = 2;

/// A machine, as far as it decides what can be installed on it.
///
/// Threads: any number at a time.
pub struct Target {
    target: rockon_sync_core::Target,
}

/// Why a definition does not fit a machine.
///
/// Threads: any number at a time.
pub struct Mismatches {
    found: Vec<(i32, Text)>,
}

/// Describes a machine. What is not said of it hides nothing.
///
/// arch: the architecture as container images name it, UTF-8, of arch_len bytes: amd64,
///   arm64, arm/v7, ...; other customary names are understood. NULL if it is not known.
/// version: the version of the system, UTF-8, of version_len bytes. NULL if it is not known.
/// target: where the handle goes; free it with rockon_sync_target_free().
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_target_new(
    arch: *const c_char,
    arch_len: usize,
    version: *const c_char,
    version_len: usize,
    target: Option<&mut MaybeUninit<Box<Target>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        let out = required(target, "target")?;
        let mut target = rockon_sync_core::Target::new();
        if !arch.is_null() {
            // SAFETY: the header asks the caller for so many bytes.
            target = target.with_arch(unsafe { text(arch, arch_len, "arch") }?)?;
        }
        if !version.is_null() {
            // SAFETY: as above.
            target = target.with_version(unsafe { text(version, version_len, "version") }?)?;
        }
        out.write(Box::new(Target { target }));
        Ok(())
    })
}

/// Frees a target. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_target_free(target: Option<Box<Target>>) {
    free(target);
}

/// Finds out why a definition does not fit a machine: an empty list if it does, or if that is
/// not known.
///
/// mismatches: where the list goes; free it with rockon_sync_mismatches_free(). It needs
///   neither the definition nor the target any more.
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_definition_mismatches(
    definition: Option<&Definition>,
    target: Option<&Target>,
    mismatches: Option<&mut MaybeUninit<Box<Mismatches>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        let definition = required(definition, "definition")?;
        let target = required(target, "target")?;
        let out = required(mismatches, "mismatches")?;
        let found = definition.definition.mismatches(&target.target);
        let found = found.iter().map(|found| {
            let reason = match found {
                Mismatch::Arch { .. } => ROCKON_SYNC_MISMATCH_ARCH,
                Mismatch::Version { .. } => ROCKON_SYNC_MISMATCH_VERSION,
                _ => 0,
            };
            (reason, Text::of(found))
        });
        out.write(Box::new(Mismatches { found: found.collect() }));
        Ok(())
    })
}

/// How many there are: 0 if the definition fits.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_mismatches_count(mismatches: Option<&Mismatches>) -> usize {
    read(mismatches, |mismatches| mismatches.found.len())
}

/// ROCKON_SYNC_MISMATCH_...; 0 past the end, and for a reason that has no constant.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_mismatches_reason(
    mismatches: Option<&Mismatches>,
    index: usize,
) -> i32 {
    read(mismatches, |mismatches| mismatches.found.get(index).map_or(0, |found| found.0))
}

/// The reason in a sentence; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_mismatches_message(
    mismatches: Option<&Mismatches>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(mismatches, len_bytes, |mismatches| Some(&mismatches.found.get(index)?.1))
}

/// Frees a list of mismatches. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_mismatches_free(mismatches: Option<Box<Mismatches>>) {
    free(mismatches);
}
