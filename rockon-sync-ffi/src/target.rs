//! What fits a machine.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use rockon_sync_core::{Mismatch, Stability};

use crate::border::{Text, free, read, required, run, text, view};
use crate::catalog::Definition;
use crate::error::Error;

/// It is for other processors.
pub const ROCKON_SYNC_MISMATCH_ARCH: i32 = 1;
/// It needs a newer system.
pub const ROCKON_SYNC_MISMATCH_VERSION: i32 = 2;

/// For development, and also what is of no known stability.
pub const ROCKON_SYNC_STABILITY_DEV: i32 = 1;
/// An alpha version.
pub const ROCKON_SYNC_STABILITY_ALPHA: i32 = 2;
/// A beta version.
pub const ROCKON_SYNC_STABILITY_BETA: i32 = 3;
/// A candidate for a release.
pub const ROCKON_SYNC_STABILITY_RC: i32 = 4;
/// A stable release.
pub const ROCKON_SYNC_STABILITY_STABLE: i32 = 5;

/// Every stability, with its constant.
const STABILITIES: &[(Stability, i32)] = &[
    (Stability::Dev, ROCKON_SYNC_STABILITY_DEV),
    (Stability::Alpha, ROCKON_SYNC_STABILITY_ALPHA),
    (Stability::Beta, ROCKON_SYNC_STABILITY_BETA),
    (Stability::Rc, ROCKON_SYNC_STABILITY_RC),
    (Stability::Stable, ROCKON_SYNC_STABILITY_STABLE),
];

/// The constant of a stability; 0 for one that has none.
pub(crate) fn number_of(stability: Stability) -> i32 {
    let row = STABILITIES.iter().find(|(known, _)| *known == stability);
    row.map_or(0, |(_, number)| *number)
}

/// A machine, as far as it decides what can be installed on it.
///
/// Threads: any number at a time.
pub struct Target {
    pub(crate) target: rockon_sync_core::Target,
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

/// Says what platform extensions are for.
///
/// platform: name and version, "joomla 5.1", UTF-8, of platform_len bytes.
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the target is then as it was.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_target_set_platform(
    target: Option<&mut Target>,
    platform: *const c_char,
    platform_len: usize,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        let target = required(target, "target")?;
        // SAFETY: the header asks the caller for so many bytes.
        let platform = unsafe { text(platform, platform_len, "platform") }?;
        target.target = target.target.clone().with_platform(platform)?;
        Ok(())
    })
}

/// Says what stability releases must have at least: ROCKON_SYNC_STABILITY_...
///
/// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the target is then as it was.
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
