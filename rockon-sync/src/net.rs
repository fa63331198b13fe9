//! One file over the network or from a directory: address, credentials, transport, verification.

pub(crate) mod address;
pub(crate) mod bare_directory;
#[cfg(feature = "s3")]
pub(crate) mod bucket;
pub(crate) mod credentials;
pub(crate) mod fetch;
pub(crate) mod location;
pub(crate) mod transport;
