//! Changing one file at a server, with the retries of a fetch.

use super::Fetcher;
use super::retry::Retries;
use crate::base::error::Result;
use crate::net::address::Address;
use crate::net::transport::{Change, HttpTransport};

/// The state that a file must have before it is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    Any,
    Missing,
    /// The value of its `ETag`.
    Unchanged(String),
}

impl Condition {
    /// Returns the header of the request.
    pub(crate) fn header(&self) -> Option<(&'static str, String)> {
        match self {
            Condition::Any => None,
            Condition::Missing => Some(("if-none-match", "*".to_owned())),
            Condition::Unchanged(etag) => Some(("if-match", etag.clone())),
        }
    }
}

/// The outcome of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changed {
    Done,
    /// The file does not meet the condition.
    Conflict,
}

impl Fetcher<'_> {
    /// Changes a file, and retries errors that may pass. A retry may find the change of an attempt
    /// whose response was lost: a conflict then means nothing without a look at the file.
    ///
    /// # Errors
    /// [`Transport`](crate::ErrorKind::Transport) or [`Status`](crate::ErrorKind::Status) after the
    /// last attempt, [`Canceled`](crate::ErrorKind::Canceled) and
    /// [`Timeout`](crate::ErrorKind::Timeout).
    pub(crate) fn change(
        &self,
        transport: &HttpTransport,
        address: &Address,
        change: &Change,
        condition: &Condition,
    ) -> Result<Changed> {
        self.with_retries(address, Retries::Usual, || {
            let check = || self.check_at("waiting for a response", address);
            let request = self.request(address, Retries::Usual, &check)?;
            let response = transport.change(&request, change)?;
            match (response.status, condition) {
                (200 | 201 | 204, _) => {
                    self.drain(response, address)?;
                    Ok(Changed::Done)
                }
                // 409: another request for the same file is under way. 404: it is gone.
                (409 | 412, Condition::Missing | Condition::Unchanged(_))
                | (404, Condition::Unchanged(_)) => {
                    self.drain(response, address)?;
                    Ok(Changed::Conflict)
                }
                // Deleting what is not there is no error at some servers.
                (404, _) if matches!(change, Change::Delete) => Ok(Changed::Done),
                _ => Err(self.refusal(response, address)?),
            }
        })
    }
}
