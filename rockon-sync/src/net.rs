//! Fetching one file: its address, the credentials for it, the transport, and verification.

pub(crate) mod address;
pub(crate) mod bare_directory;
pub(crate) mod credentials;
pub(crate) mod fetch;
pub(crate) mod location;
pub(crate) mod transport;
