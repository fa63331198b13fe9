//! The C ABI of `rockon_sync`. What C programmers need to know is in the header.
//!
//! Every body converts its arguments, calls the core, and converts the answer. How
//! that is kept safe:
//!
//! - A handle crosses the border as `Option<Box<T>>` (given away), `Option<&T>` or
//!   `Option<&mut T>` (lent): in C, these are pointers that may be NULL. Outputs are
//!   `Option<&mut MaybeUninit<T>>`. So nearly all code is safe, and that pointers are
//!   valid is what the header asks of the caller.
//! - Strings, arrays and option structs, whose length or size the caller tells, are raw
//!   pointers, and only `border.rs` follows them.
//! - Every body runs inside [`border::run`] or [`border::read`], which stop panics.
//!
//! | file | does |
//! |---|---|
//! | `border.rs` | panics, arguments, outputs, strings |
//! | `error.rs`, `problem.rs` | status codes and error objects |
//! | `store.rs`, `source.rs`, `cancel.rs` | the handles of these names |
//! | `update.rs`, `report.rs` | an update: options, progress, what it has done |
//! | `catalog.rs`, `changes.rs` | what is held, and what an application has to do |
//! | `target.rs`, `installation.rs`, `extensions.rs` | what fits a machine, what goes with it, and updates of extensions |
//! | `inspect.rs` | what is held of each source, and whether it is intact |
//! | `publish.rs`, `key.rs` | the publisher, and keys |
//! | `logging.rs` | the one global: where log records go |
#![deny(unsafe_op_in_unsafe_fn)]
#![deny(clippy::undocumented_unsafe_blocks)]
#![expect(clippy::missing_safety_doc, reason = "the header says in its overview what it asks for")]

mod border;
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
