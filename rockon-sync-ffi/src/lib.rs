//! The C ABI of `rockon_sync`. For C programmers, the header is the documentation.
//!
//! Every body converts its arguments, calls the core, and converts the result. Safety rests on
//! these rules:
//!
//! - A handle crosses the boundary as `Option<Box<T>>` (owned), `Option<&T>` or `Option<&mut T>`
//!   (borrowed). In C, these are pointers that may be NULL. Outputs are `Option<&mut
//!   MaybeUninit<T>>`. So nearly all code is safe; the header requires that pointers are valid.
//! - Strings, arrays and option structs, whose length comes from the caller, are raw pointers,
//!   which only `boundary.rs` dereferences.
//! - Every body runs inside [`boundary::run`] or [`boundary::read`], which stop panics.
//!
//! | file | contents |
//! |---|---|
//! | `boundary.rs` | panics, arguments, outputs, strings |
//! | `error.rs`, `problem.rs` | status codes and error objects |
//! | `store.rs`, `source.rs`, `cancel.rs` | the handles with these names |
//! | `update.rs`, `report.rs` | an update: options, progress, report |
//! | `catalog.rs`, `changes.rs` | the catalog, and the changes for an application |
//! | `target.rs`, `installation.rs`, `extensions.rs` | suitable definitions, requirements, updates of extensions |
//! | `inspect.rs` | status and verification of a store |
//! | `publish.rs`, `key.rs` | the publisher, and keys |
//! | `logging.rs` | the global log callback |
#![deny(unsafe_op_in_unsafe_fn)]
#![deny(clippy::undocumented_unsafe_blocks)]
#![expect(clippy::missing_safety_doc, reason = "the overview in the header has the requirements")]

mod boundary;
pub mod cancel;
pub mod catalog;
pub mod changes;
pub mod error;
pub mod extensions;
pub mod inspect;
pub mod installation;
pub mod key;
pub mod logging;
pub mod problem;
pub mod publish;
pub mod report;
pub mod several;
pub mod source;
pub mod store;
pub mod target;
pub mod update;
pub mod version;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_may_be_used_from_any_thread() {
        fn check<T: Send + Sync>() {}
        check::<cancel::CancelToken>();
        check::<catalog::Catalog>();
        check::<catalog::Definition>();
        check::<catalog::DefinitionBytes>();
        check::<catalog::DefinitionText>();
        check::<changes::Changes>();
        check::<error::Error>();
        check::<extensions::ExtensionUpdates>();
        check::<inspect::SourceStatus>();
        check::<inspect::StatusList>();
        check::<inspect::Verification>();
        check::<inspect::VerificationList>();
        check::<installation::Installation>();
        check::<key::VerifierKey>();
        check::<problem::Problem>();
        check::<publish::PublishReport>();
        check::<report::Report>();
        check::<several::UpdateResults>();
        check::<source::Source>();
        check::<store::Store>();
        check::<target::Mismatches>();
        check::<target::Target>();
    }
}
