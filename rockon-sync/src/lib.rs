//! Keeps a folder of catalog files in step with a published tree.
#![forbid(unsafe_code)]
