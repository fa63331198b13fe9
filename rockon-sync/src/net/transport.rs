//! How bytes are asked for: one trait, and an implementation a file.

mod dir;
#[cfg(feature = "http")]
mod http;

use std::io::Read;
use std::time::Duration;

pub(crate) use dir::DirTransport;
#[cfg(feature = "http")]
pub(crate) use http::HttpTransport;

use crate::base::error::Result;
#[cfg(not(feature = "http"))]
use crate::base::error::{Error, ErrorKind};
use crate::net::address::Address;

/// Asks for one file at a time, from several threads at once.
///
/// An implementation neither follows redirects, nor retries, nor decodes, nor
/// limits what it yields: all that is done in one place above it.
pub trait Transport: Send + Sync {
    /// Makes one request.
    ///
    /// # Errors
    /// [`ErrorKind::Transport`](crate::ErrorKind::Transport) when there was no answer. Every HTTP
    /// status, 404 included, is an answer.
    fn get(&self, request: &Request<'_>) -> Result<Response>;
}

/// One request.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Request<'a> {
    /// What to ask for.
    pub address: &'a Address,
    /// What is known of the copy already held, if any.
    pub validators: Option<&'a Validators>,
    /// How many bytes of the file are held already: an answer 206 may leave them out
    /// (RFC 9110, section 14). A transport that always answers with the whole file is right too.
    pub range_from: Option<u64>,
    /// The time left for the whole exchange, body included.
    pub time_left: Duration,
}

/// One answer.
#[non_exhaustive]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// What names this version of the file in later requests.
    pub validators: Validators,
    /// The value of `Retry-After`.
    pub retry_after: Option<String>,
    /// The value of `Location`.
    pub location: Option<String>,
    /// The value of `Content-Encoding`, lower-case; `None` for `identity`.
    pub encoding: Option<String>,
    /// The value of `Content-Length`, in bytes.
    pub length: Option<u64>,
    /// The value of `Content-Range`, of an answer 206.
    pub content_range: Option<String>,
    /// The body, as it comes over the wire.
    pub body: Box<dyn Read + Send>,
}

impl Response {
    /// An answer with this status and body, and nothing else.
    pub fn new(status: u16, body: Box<dyn Read + Send>) -> Response {
        Response {
            status,
            validators: Validators::default(),
            retry_after: None,
            location: None,
            encoding: None,
            length: None,
            content_range: None,
            body,
        }
    }
}

/// The validators of a response (RFC 9110, section 8.8), kept to the letter.
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

/// Sends each request where its address says.
pub(crate) struct AnyTransport {
    #[cfg(feature = "http")]
    http: HttpTransport,
    dir: DirTransport,
}

impl AnyTransport {
    pub(crate) fn new() -> Self {
        AnyTransport {
            #[cfg(feature = "http")]
            http: HttpTransport::new(),
            dir: DirTransport,
        }
    }
}

impl Transport for AnyTransport {
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
