//! Machines, and their mismatches with definitions.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use crate::arena::{Arena, Owned, free};
use crate::boundary::{Versioned, optional, required, run, versioned};
use crate::catalog::Definition;
use crate::error::{Error, Failure};
use crate::status::Status;

/// The properties of a machine. Start with ROCKON_SYNC_TARGET_INIT. Unset ones match everything.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Target {
    /// sizeof(rockon_sync_target).
    pub struct_size: usize,
    /// The architecture, such as amd64, arm64 or arm/v7, or NULL.
    pub arch: *const c_char,
    /// The version of the system, such as "5.1.0-0", or NULL.
    pub version: *const c_char,
    /// The platform of extensions, such as "joomla 5.1", or NULL.
    pub platform: *const c_char,
    /// The lowest stability: "dev", "alpha", "beta", "rc", "stable", or NULL.
    pub stability: *const c_char,
}

// SAFETY: starts with its size; pointers.
unsafe impl Versioned for Target {
    const FIRST_SIZE: usize = size_of::<Target>();
}

impl Target {
    /// Converts a target that the caller lends; NULL matches everything.
    ///
    /// # Safety
    /// `target` is NULL or points to as many bytes as the size it starts with. Its strings are
    /// valid.
    ///
    /// # Errors
    /// `ROCKON_SYNC_STATUS_ARGUMENT`.
    pub(crate) unsafe fn read(
        target: *const Target,
    ) -> Result<rockon_sync_core::relations::Target, Failure> {
        // SAFETY: guaranteed by the caller, as for all pointers in this function.
        let raw = unsafe { versioned(target, "target") }?;
        let mut target = rockon_sync_core::relations::Target::new();
        // SAFETY: as above.
        if let Some(arch) = unsafe { optional(raw.arch, "target.arch") }? {
            target = target.with_arch(arch)?;
        }
        // SAFETY: as above.
        if let Some(version) = unsafe { optional(raw.version, "target.version") }? {
            target = target.with_version(version)?;
        }
        // SAFETY: as above.
        if let Some(platform) = unsafe { optional(raw.platform, "target.platform") }? {
            target = target.with_platform(platform)?;
        }
        // SAFETY: as above.
        if let Some(stability) = unsafe { optional(raw.stability, "target.stability") }? {
            target = target.with_stability(stability.parse()?);
        }
        Ok(target)
    }
}

/// A reason why a definition does not suit a machine.
#[repr(C)]
pub struct Mismatch {
    /// "arch", "version", "platform" or "stability".
    pub reason: *const c_char,
    /// A sentence.
    pub message: *const c_char,
}

/// The reasons why a definition does not suit a machine; none if it does, or if that is unknown.
#[repr(C)]
pub struct Mismatches {
    pub mismatches: *const *const Mismatch,
    pub mismatch_count: usize,
}

/// Compares a definition with a machine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_definition_mismatches(
    definition: *const Definition,
    target: *const Target,
    mismatches: Option<&mut MaybeUninit<*mut Mismatches>>,
    error: Option<&mut MaybeUninit<*mut Error>>,
) -> Status {
    run(error, || {
        // SAFETY: the header requires a definition of this library.
        let definition = required(unsafe { Definition::core(definition) }, "definition")?;
        required((!target.is_null()).then_some(()), "target")?;
        // SAFETY: the header requires a valid struct.
        let target = unsafe { Target::read(target) }?;
        let out = required(mismatches, "mismatches")?;
        let mut arena = Arena::default();
        let found = arena.structs(&definition.mismatches(&target), |found, arena| Mismatch {
            reason: arena.text(found.name()),
            message: arena.text(found),
        });
        let view = Mismatches { mismatches: found.data, mismatch_count: found.count };
        out.write(Owned::for_c(view, (), arena));
        Ok(())
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_mismatches_free(mismatches: *mut Mismatches) {
    // SAFETY: the header requires mismatches of this library.
    unsafe { free::<Mismatches, ()>(mismatches) }
}
