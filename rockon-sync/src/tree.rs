//! The wire formats of a published tree: parsing and writing, no I/O of their own.

pub(crate) mod head;
pub(crate) mod manifest;
pub(crate) mod note;
pub(crate) mod pack;
