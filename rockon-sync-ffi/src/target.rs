//! Suitability for a machine.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use rockon_sync_core::{Mismatch, Stability};

use crate::boundary::{Text, free, read, required, run, text, view};
use crate::catalog::Definition;
use crate::error::Error;

/// The definition is for other processors.
pub const ROCKON_SYNC_MISMATCH_ARCH: i32 = 1;
/// The definition needs a newer system.
pub const ROCKON_SYNC_MISMATCH_VERSION: i32 = 2;

/// A development version, or one of unknown stability.
pub const ROCKON_SYNC_STABILITY_DEV: i32 = 1;
/// An alpha version.
pub const ROCKON_SYNC_STABILITY_ALPHA: i32 = 2;
/// A beta version.
pub const ROCKON_SYNC_STABILITY_BETA: i32 = 3;
/// A release candidate.
pub const ROCKON_SYNC_STABILITY_RC: i32 = 4;
/// A stable release.
pub const ROCKON_SYNC_STABILITY_STABLE: i32 = 5;

/// Every stability with its constant.
const STABILITIES: &[(Stability, i32)] = &[
    (Stability::Dev, ROCKON_SYNC_STABILITY_DEV),
    (Stability::Alpha, ROCKON_SYNC_STABILITY_ALPHA),
    (Stability::Beta, ROCKON_SYNC_STABILITY_BETA),
    (Stability::Rc, ROCKON_SYNC_STABILITY_RC),
    (Stability::Stable, ROCKON_SYNC_STABILITY_STABLE),
];

/// Returns the constant of a stability; 0 if it has none.
pub(crate) fn number_of(stability: Stability) -> i32 {
    let row = STABILITIES.iter().find(|(known, _)| *known == stability);
    row.map_or(0, |(_, number)| *number)
}

/// A machine, for selecting suitable definitions.
///
/// Threads: any number at a time for const functions; functions that modify it need exclusive
/// access.
pub struct Target {
    pub(crate) target: rockon_sync_core::Target,
}

/// The reasons why a definition does not suit a machine.
///
/// Threads: any number at a time.
pub struct Mismatches {
    found: Vec<(i32, Text)>,
}

/// Creates a target. Properties that are not set exclude nothing.
///
/// arch: the architecture, UTF-8, of arch_len bytes: amd64, arm64, arm/v7, ... as for container
///   images; other customary names are accepted. NULL if unknown.
/// version: the version of the system, UTF-8, of version_len bytes. NULL if unknown.
/// target: receives the handle; free it with rockon_sync_target_free().
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
            // SAFETY: the header requires this many bytes.
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

/// Sets the platform that extensions must support.
///
/// platform: name and version, such as "joomla 5.1", UTF-8, of platform_len bytes.
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the target then stays unchanged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_target_set_platform(
    target: Option<&mut Target>,
    platform: *const c_char,
    platform_len: usize,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        let target = required(target, "target")?;
        // SAFETY: the header requires this many bytes.
        let platform = unsafe { text(platform, platform_len, "platform") }?;
        target.target = target.target.clone().with_platform(platform)?;
        Ok(())
    })
}

/// Sets the lowest stability of releases: ROCKON_SYNC_STABILITY_...
///
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the target then stays unchanged.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_target_set_stability(
    target: Option<&mut Target>,
    stability: i32,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        let target = required(target, "target")?;
        let row = STABILITIES.iter().find(|(_, number)| *number == stability);
        let (stability, _) = row.ok_or_else(|| {
            Error::argument(format!("`stability` is none of its constants: {stability}"))
        })?;
        target.target = target.target.clone().with_stability(*stability);
        Ok(())
    })
}

/// Frees a target. NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_target_free(target: Option<Box<Target>>) {
    free(target);
}

/// Compares a definition with a machine. The list is empty if the definition suits the machine, or
/// if that is unknown.
///
/// mismatches: receives the list; free it with rockon_sync_mismatches_free(). It needs neither the
///   definition nor the target any more.
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

/// Returns the number of reasons: 0 if the definition suits the machine.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_mismatches_count(mismatches: Option<&Mismatches>) -> usize {
    read(mismatches, |mismatches| mismatches.found.len())
}

/// Returns ROCKON_SYNC_MISMATCH_...; 0 beyond the last, and for a reason without a constant.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_mismatches_reason(
    mismatches: Option<&Mismatches>,
    index: usize,
) -> i32 {
    read(mismatches, |mismatches| mismatches.found.get(index).map_or(0, |found| found.0))
}

/// Returns a reason as a sentence; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_mismatches_message(
    mismatches: Option<&Mismatches>,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(mismatches, len_bytes, |mismatches| Some(&mismatches.found.get(index)?.1))
}

/// Frees a list of mismatches. NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_mismatches_free(mismatches: Option<Box<Mismatches>>) {
    free(mismatches);
}
