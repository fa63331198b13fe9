//! The reasons why a response is unusable.

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Retry};
use crate::base::limits::MAX_REDIRECTS;
use crate::net::address::Address;

/// The reason why a response is unusable.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error("expected status 200, got {0}")]
    Status(u16),
    #[error("expected at most {MAX_REDIRECTS} redirects, got more")]
    Redirects,
    #[error("status {0} without a Location")]
    NoLocation(u16),
    #[error("expected the encoding gzip or none, got {0:?}")]
    Encoding(String),
    #[error("expected at most {max_bytes} bytes, got {len_bytes}")]
    Length { max_bytes: u64, len_bytes: u64 },
    #[error("expected at most {max_bytes} bytes, got more")]
    Endless { max_bytes: u64 },
    #[error("expected {len_bytes} bytes, got {got_bytes}")]
    Short { len_bytes: u64, got_bytes: u64 },
    #[error("expected the digest {expected}, got {got} ({len_bytes} bytes)")]
    Digest { expected: Digest, got: Digest, len_bytes: u64 },
    #[error("expected the range {expected:?}, got {got:?}")]
    Range { expected: String, got: String },
    #[error("status 206 without a Content-Range")]
    NoRange,
    #[error("no range of the file starts at byte {0}")]
    RangeStart(u64),
    #[error("the connection broke before the end of the file")]
    Cut(#[source] std::io::Error),
}

impl Unusable {
    /// Returns the error for the response from `address`.
    pub(super) fn at(self, address: &Address) -> Error {
        let error = Error::new(self.kind(), self.to_string()).with_url(address.to_string());
        match self {
            Unusable::Cut(cause) => error.with_retry(Retry::Soon).with_source(cause),
            Unusable::RangeStart(_) => error.with_retry(Retry::Soon),
            _ => error,
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Unusable::Status(_)
            | Unusable::Redirects
            | Unusable::NoLocation(_)
            | Unusable::RangeStart(_) => ErrorKind::Status,
            Unusable::Encoding(_) | Unusable::Cut(_) => ErrorKind::Transport,
            Unusable::Length { .. } | Unusable::Endless { .. } => ErrorKind::Limit,
            Unusable::Short { .. }
            | Unusable::Digest { .. }
            | Unusable::Range { .. }
            | Unusable::NoRange => ErrorKind::Integrity,
        }
    }
}
