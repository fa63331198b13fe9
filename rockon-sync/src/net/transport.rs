//! Transports: one trait, with an implementation per file.

#[cfg(feature = "http")]
mod background;
mod dir;
#[cfg(feature = "http")]
mod http;

use std::fmt;
use std::io::Read;
use std::time::Duration;

pub(crate) use dir::DirTransport;
#[cfg(feature = "s3")]
pub(crate) use http::Change;
#[cfg(feature = "http")]
pub(crate) use http::HttpTransport;

use crate::base::error::{Error, ErrorKind, Result, Retry};
use crate::net::address::Address;

/// Makes single requests, from several threads at once.
///
/// An implementation does not follow redirects, retry, decode, or limit the size of a body: the
/// caller does all of that. While it waits, it should call [`Request::check`] several times a
/// second, so that an update can be canceled whatever a server does.
pub trait Transport: Send + Sync {
    /// Makes one request.
    ///
    /// # Errors
    /// [`ErrorKind::Transport`](crate::ErrorKind::Transport) without a response. Every HTTP
    /// status, 404 included, is a response.
    fn get(&self, request: &Request<'_>) -> Result<Response>;
}

/// One request.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The address of the file.
    pub address: &'a Address,
    /// The validators of the local copy, if there is one.
    pub validators: Option<&'a Validators>,
    /// The number of bytes already present: a response 206 may leave them out (RFC 9110,
    /// section 14). A transport may always respond with the whole file instead.
    pub range_from: Option<u64>,
    /// The time left for the whole exchange, including the body.
    pub time_left: Duration,
    /// Longest wait for the headers of the response, after the request was sent.
    pub response_timeout: Duration,
    pub(crate) check: &'a (dyn Fn() -> Result<()> + Sync),
}

impl Request<'_> {
    /// Fails if the response is not needed any more.
    ///
    /// # Errors
    /// [`ErrorKind::Canceled`](crate::ErrorKind::Canceled) and
    /// [`ErrorKind::Timeout`](crate::ErrorKind::Timeout). Return them unchanged.
    pub fn check(&self) -> Result<()> {
        (self.check)()
    }

    /// Returns the error for a request without a complete response. It may be sent again. Add the
    /// cause with [`Error::with_source`].
    pub fn failed(&self, message: impl Into<String>) -> Error {
        let error = Error::new(ErrorKind::Transport, message).with_retry(Retry::Soon);
        match self.address {
            Address::Http(_) => error.with_url(self.address.to_string()),
            Address::File(path) => error.with_path(path),
        }
    }

    /// Returns a request without validators and range, that nothing cancels.
    #[cfg(test)]
    pub(crate) fn plain(address: &Address) -> Request<'_> {
        Request {
            address,
            validators: None,
            range_from: None,
            time_left: Duration::from_secs(60),
            response_timeout: Duration::from_secs(60),
            check: &|| Ok(()),
        }
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("address", self.address)
            .field("validators", &self.validators)
            .field("range_from", &self.range_from)
            .field("time_left", &self.time_left)
            .field("response_timeout", &self.response_timeout)
            .finish()
    }
}

/// One response.
#[non_exhaustive]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The validators of this version of the file.
    pub validators: Validators,
    /// The value of `Retry-After`.
    pub retry_after: Option<String>,
    /// The value of `Location`.
    pub location: Option<String>,
    /// The value of `Content-Encoding`, lower-case; `None` for `identity`.
    pub encoding: Option<String>,
    /// The value of `Content-Length`, in bytes.
    pub length: Option<u64>,
    /// The value of `Content-Range` of a response 206.
    pub content_range: Option<String>,
    /// True if the body ends where the connection does: one that was cut off looks whole.
    pub is_unframed: bool,
    /// The body, still encoded. An error of the kind
    /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) means that nothing has come for a moment: the
    /// caller checks for cancellation and reads again.
    pub body: Box<dyn Read + Send>,
}

impl Response {
    /// Returns a response with this status and body only.
    pub fn new(status: u16, body: Box<dyn Read + Send>) -> Response {
        Response {
            status,
            validators: Validators::default(),
            retry_after: None,
            location: None,
            encoding: None,
            length: None,
            content_range: None,
            is_unframed: false,
            body,
        }
    }
}

/// The validators of a response (RFC 9110, section 8.8), kept verbatim.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Validators {
    /// The value of `ETag`.
    pub etag: Option<String>,
    /// The value of `Last-Modified`.
    pub last_modified: Option<String>,
}

impl Validators {
    pub(crate) fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

/// The built-in transport: HTTP for URLs (feature `http`), and the file system for directories.
pub struct DefaultTransport {
    #[cfg(feature = "http")]
    http: HttpTransport,
    dir: DirTransport,
}

impl DefaultTransport {
    /// Returns a transport with no open connections. Proxies are taken from the environment.
    pub fn new() -> Self {
        DefaultTransport {
            #[cfg(feature = "http")]
            http: HttpTransport::new(),
            dir: DirTransport,
        }
    }
}

impl Default for DefaultTransport {
    fn default() -> Self {
        DefaultTransport::new()
    }
}

impl fmt::Debug for DefaultTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultTransport").finish_non_exhaustive()
    }
}

impl Transport for DefaultTransport {
    fn get(&self, request: &Request<'_>) -> Result<Response> {
        match request.address {
            #[cfg(feature = "http")]
            Address::Http(_) => self.http.get(request),
            #[cfg(not(feature = "http"))]
            Address::Http(_) => Err(Error::new(
                ErrorKind::Argument,
                "this build has no support for URLs: the feature \"http\" is off",
            )
            .with_url(request.address.to_string())),
            Address::File(_) => self.dir.get(request),
        }
    }
}
