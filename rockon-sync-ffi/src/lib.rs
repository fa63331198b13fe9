//! The C ABI of `rockon_sync`. For C programmers, the header is the documentation.
//!
//! Every body converts its arguments, calls the core, and converts the result. Safety rests on
//! these rules:
//!
//! - Results are read-only `repr(C)` structs. Their strings and arrays live in the [`arena`] of the
//!   result, which its `_free` function drops.
//! - Handles, which C cannot look into, cross the boundary as `Option<Box<T>>` (owned) and
//!   `Option<&T>` (borrowed). Outputs are `Option<&mut MaybeUninit<T>>`. So nearly all code is
//!   safe; the header requires that pointers are valid.
//! - Strings, arrays and structs of the caller are raw pointers, which only `boundary.rs`
//!   dereferences. Enums and flags of the caller are numbers until they are checked.
//! - Every body runs inside [`boundary::run`] or [`boundary::guarded`], which stop panics.
//!
//! | file | contents |
//! |---|---|
//! | `boundary.rs`, `arena.rs`, `strings.rs` | panics and arguments; memory of results |
//! | `status.rs`, `error.rs` | status codes, errors, problems of a catalog directory |
//! | `store.rs`, `source.rs`, `cancel.rs` | the types with these names |
//! | `update.rs`, `report.rs` | an update: options, progress, report |
//! | `catalog.rs`, `changes.rs` | the catalog, and the changes for an application |
//! | `target.rs`, `installation.rs`, `extensions.rs` | suitable definitions, requirements, updates of extensions |
//! | `inspect.rs` | status and verification of a store |
//! | `publish.rs` | the publisher, and keys |
//! | `logging.rs` | the global log callback |
#![deny(unsafe_op_in_unsafe_fn)]
#![deny(clippy::undocumented_unsafe_blocks)]
#![allow(missing_docs, reason = "the name of a field that is a count, a name or a version says it")]
#![expect(clippy::missing_safety_doc, reason = "the overview in the header has the requirements")]

mod arena;
mod boundary;
pub mod cancel;
pub mod catalog;
pub mod changes;
pub mod error;
#[cfg(feature = "jupdate")]
pub mod extensions;
pub mod inspect;
pub mod installation;
pub mod logging;
#[cfg(feature = "publish")]
pub mod publish;
pub mod report;
pub mod source;
pub mod status;
pub mod store;
pub mod strings;
pub mod target;
pub mod update;
pub mod version;
