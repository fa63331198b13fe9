//! The wire formats of a published tree. Parses and writes them, without I/O of its own.

pub(crate) mod head;
pub(crate) mod manifest;
pub(crate) mod note;
pub(crate) mod pack;
#[cfg(test)]
mod tests;
