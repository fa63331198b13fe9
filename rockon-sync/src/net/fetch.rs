//! Fetching and verifying one file: redirects, retries, decoding, limits, digest.
//!
//! ```text
//! body -> count wire bytes -> gunzip -> limit -> digest -> sink
//! ```

mod rate;
mod resume;
mod retry;
#[cfg(feature = "s3")]
mod send;
mod sink;
#[cfg(test)]
mod tests;
mod unusable;

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use flate2::read::MultiGzDecoder;
use rate::RateWatch;
pub(crate) use resume::ResumableSink;
pub(crate) use retry::Retries;
#[cfg(feature = "s3")]
pub(crate) use send::{Changed, Condition};
pub(crate) use sink::Sink;
use sink::sink_failed;
use unusable::Unusable;

use crate::base::cancel::CancelToken;
use crate::base::digest::{Digest, Hasher};
use crate::base::error::{Error, ErrorKind, Result, Retry};
use crate::base::limits;
use crate::base::time::{Clock, parse_retry_after};
use crate::net::address::Address;
use crate::net::transport::{Request, Response, Transport, Validators};

/// Size of a read. The cancel token is checked between two reads.
const CHUNK_BYTES: usize = 16 * 1024;

/// A file to fetch, with its limit and digest.
pub(crate) struct Wanted<'a> {
    pub(crate) address: Address,
    /// The validators of the local copy. If it is up to date, it is not sent again.
    pub(crate) validators: Option<&'a Validators>,
    /// The largest size accepted, in bytes after decoding.
    pub(crate) max_bytes: u64,
    /// The digest that the file must have, if it is known.
    pub(crate) digest: Option<Digest>,
}

impl Wanted<'_> {
    /// Returns a file without validators and digest.
    pub(crate) fn plain(address: Address, max_bytes: u64) -> Self {
        Wanted { address, validators: None, max_bytes, digest: None }
    }
}

/// The result of a fetch.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// The verified file is in the sink.
    File(FetchedFile),
    /// The local copy is up to date.
    Unchanged {
        /// The final address, after redirects.
        moved_to: Option<Box<Address>>,
    },
    /// The file does not exist. The status is 404 or 410.
    Missing(u16),
}

/// The properties of a fetched file.
#[derive(Debug)]
pub(crate) struct FetchedFile {
    pub(crate) digest: Digest,
    pub(crate) validators: Validators,
    /// The final address, after redirects.
    pub(crate) moved_to: Option<Box<Address>>,
    /// True if nothing tells a file that was cut off from a whole one.
    is_unframed: bool,
}

impl FetchedFile {
    /// Fails if the file may have been cut off, which only a digest could tell.
    pub(crate) fn check_framed(&self, address: &Address) -> Result<()> {
        if !self.is_unframed {
            return Ok(());
        }
        let message = "expected a file with a Content-Length or in chunks, got one that ends with \
                       the connection and may be cut off";
        Err(Error::new(ErrorKind::Transport, message).with_url(address.to_string()))
    }
}

/// The time allowed for an update.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeLimit {
    pub(crate) started: Instant,
    /// At most [`limits::MAX_TIMEOUT`] counts.
    pub(crate) timeout: Duration,
}

/// Fetches the files of one update.
pub(crate) struct Fetcher<'a> {
    transport: &'a dyn Transport,
    clock: &'a dyn Clock,
    cancel: &'a CancelToken,
    time_limit: TimeLimit,
    /// True if the update has failed, so that its other requests are pointless.
    stop: &'a AtomicBool,
    requests: AtomicU64,
    wire_bytes: AtomicU64,
}

impl<'a> Fetcher<'a> {
    pub(crate) fn new(
        transport: &'a dyn Transport,
        clock: &'a dyn Clock,
        cancel: &'a CancelToken,
        time_limit: TimeLimit,
        stop: &'a AtomicBool,
    ) -> Self {
        Fetcher {
            transport,
            clock,
            cancel,
            time_limit,
            stop,
            requests: AtomicU64::new(0),
            wire_bytes: AtomicU64::new(0),
        }
    }

    /// Returns the number of requests so far.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Returns the number of bytes received so far, before decoding.
    pub(crate) fn wire_bytes(&self) -> u64 {
        self.wire_bytes.load(Ordering::Relaxed)
    }

    /// Fetches one file, and retries errors that may pass.
    ///
    /// # Errors
    /// [`ErrorKind::Transport`] or [`ErrorKind::Status`] after the last attempt,
    /// [`ErrorKind::Limit`], [`ErrorKind::Integrity`], [`ErrorKind::Canceled`],
    /// [`ErrorKind::Timeout`], and [`ErrorKind::Store`] if the sink fails.
    pub(crate) fn fetch(
        &self,
        wanted: &Wanted<'_>,
        sink: &mut dyn Sink,
        retries: Retries,
    ) -> Result<Fetched> {
        self.with_retries(&wanted.address, retries, || self.attempt(wanted, sink, retries))
    }

    /// Fetches a file that no digest vouches for. One that is missing is its status, 404 or 410.
    ///
    /// # Errors
    /// Those of [`fetch`](Self::fetch); [`ErrorKind::Transport`] if the file may have been cut off.
    pub(crate) fn fetch_framed(
        &self,
        address: &Address,
        max_bytes: u64,
        sink: &mut dyn Sink,
        retries: Retries,
    ) -> Result<Result<FetchedFile, u16>> {
        match self.fetch(&Wanted::plain(address.clone(), max_bytes), sink, retries)? {
            Fetched::File(file) => file.check_framed(address).map(|()| Ok(file)),
            Fetched::Missing(status) => Ok(Err(status)),
            Fetched::Unchanged { .. } => unreachable!("no validators were sent"),
        }
    }

    /// Fails if the update is canceled, has failed elsewhere, or its time is over. `doing` is in
    /// the message.
    pub(crate) fn check_go_on(&self, doing: &str) -> Result<()> {
        self.cancel.check()?;
        if self.stop.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Canceled, "the update has failed elsewhere"));
        }
        if self.time_left().is_zero() {
            let limit_s = self.time_limit.timeout.as_secs_f64();
            return Err(Error::new(
                ErrorKind::Timeout,
                format!("exceeded the time limit of {limit_s} s while {doing}"),
            ));
        }
        Ok(())
    }

    /// Like [`check_go_on`](Self::check_go_on). A timeout names the address.
    fn check_at(&self, doing: &str, address: &Address) -> Result<()> {
        self.check_go_on(doing).map_err(|error| match error.kind() {
            ErrorKind::Timeout => error.with_url(address.to_string()),
            _ => error,
        })
    }

    fn time_left(&self) -> Duration {
        let TimeLimit { started, timeout } = self.time_limit;
        let passed = self.clock.monotonic().saturating_duration_since(started);
        timeout.min(limits::MAX_TIMEOUT).saturating_sub(passed)
    }

    fn attempt(
        &self,
        wanted: &Wanted<'_>,
        sink: &mut dyn Sink,
        retries: Retries,
    ) -> Result<Fetched> {
        sink.restart().map_err(sink_failed)?;
        let (address, response) = self.follow(&wanted.address, wanted.validators, None, retries)?;
        let moved_to = (address != wanted.address).then(|| Box::new(address.clone()));
        match response.status {
            200 => {}
            // Without validators in the request, a 304 says nothing about the local copy.
            304 if wanted.validators.is_some_and(|given| !given.is_empty()) => {
                self.drain(response, &address)?;
                return Ok(Fetched::Unchanged { moved_to });
            }
            status @ (404 | 410) => {
                self.drain(response, &address)?;
                return Ok(Fetched::Missing(status));
            }
            _ => return Err(self.refusal(response, &address)?),
        }
        let (validators, is_unframed) = (response.validators.clone(), response.is_unframed);
        let (digest, len_bytes) = self.take_body(response, &address, wanted.max_bytes, sink)?;
        if let Some(expected) = wanted.digest.filter(|expected| *expected != digest) {
            return Err(Unusable::Digest { expected, got: digest, len_bytes }.at(&address));
        }
        Ok(Fetched::File(FetchedFile { digest, validators, moved_to, is_unframed }))
    }

    /// Returns the error for an unexpected status.
    fn refusal(&self, response: Response, address: &Address) -> Result<Error> {
        let status = response.status;
        let after = response
            .retry_after
            .as_deref()
            .and_then(|value| parse_retry_after(value, self.clock.now()));
        let retry = match (status, after) {
            (408 | 425 | 429 | 500 | 502 | 503 | 504, Some(after)) => Retry::After(after),
            (408 | 425 | 429 | 500 | 502 | 503 | 504, None) => Retry::Soon,
            _ => Retry::Never,
        };
        self.drain(response, address)?;
        Ok(Unusable::Status(status).at(address).with_retry(retry))
    }

    /// Decodes a body of up to `max_bytes` into `sink`. Returns its digest and its length in bytes.
    fn take_body(
        &self,
        response: Response,
        address: &Address,
        max_bytes: u64,
        sink: &mut dyn Sink,
    ) -> Result<(Digest, u64)> {
        let is_gzip = match response.encoding.as_deref() {
            None => false,
            Some("gzip" | "x-gzip") => true,
            Some(other) => return Err(Unusable::Encoding(other.to_owned()).at(address)),
        };
        if let Some(len_bytes) = response.length.filter(|n| !is_gzip && *n > max_bytes) {
            return Err(Unusable::Length { max_bytes, len_bytes }.at(address));
        }

        let mut wire = self.wire(response, address);
        let mut hasher = Hasher::new();
        let mut left = max_bytes;
        let mut copy = |reader: &mut dyn Read| -> Result<()> {
            let mut chunk = [0; CHUNK_BYTES];
            loop {
                self.check_at("reading a response", address)?;
                let n = match reader.read(&mut chunk) {
                    Ok(0) => return Ok(()),
                    Ok(n) => n,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(Unusable::Cut(error).at(address)),
                };
                left = left
                    .checked_sub(n as u64)
                    .ok_or_else(|| Unusable::Endless { max_bytes }.at(address))?;
                hasher.update(&chunk[..n]);
                sink.write_all(&chunk[..n]).map_err(sink_failed)?;
            }
        };
        if is_gzip {
            copy(&mut MultiGzDecoder::new(&mut wire))?;
            // The decoder stops before the end of the body, after which the connection is reusable.
            wire.skip_rest();
        } else {
            copy(&mut wire)?;
        }
        Ok(hasher.finish())
    }

    /// Makes a request and follows its redirects. Returns the final address and its response.
    fn follow(
        &self,
        address: &Address,
        validators: Option<&Validators>,
        range_from: Option<u64>,
        retries: Retries,
    ) -> Result<(Address, Response)> {
        let (first, mut address) = (address, address.clone());
        for _ in 0..=limits::MAX_REDIRECTS {
            let check = || self.check_at("waiting for a response", &address);
            let validators = validators.filter(|validators| !validators.is_empty());
            let request = self.request(&address, retries, &check)?;
            let response = self.transport.get(&Request { validators, range_from, ..request })?;
            if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
                return Ok((address, response));
            }
            let Some(target) = response.location.as_deref() else {
                return Err(Unusable::NoLocation(response.status).at(&address));
            };
            let next = address.redirected(target)?;
            self.drain(response, &address)?;
            log::debug!("{address} redirects to {next}");
            address = next;
        }
        Err(Unusable::Redirects.at(first))
    }

    /// Counts a request, and returns it without validators and range.
    fn request<'r>(
        &self,
        address: &'r Address,
        retries: Retries,
        check: &'r (dyn Fn() -> Result<()> + Sync),
    ) -> Result<Request<'r>> {
        check()?;
        self.requests.fetch_add(1, Ordering::Relaxed);
        Ok(Request {
            address,
            validators: None,
            range_from: None,
            time_left: self.time_left(),
            response_timeout: retries.response_timeout(),
            check,
        })
    }

    /// Reads the rest of an unused body, so that its connection can be reused.
    fn drain(&self, response: Response, address: &Address) -> Result<()> {
        self.wire(response, address).skip_rest();
        self.check_at("reading a response", address)
    }

    fn wire<'b>(&'b self, response: Response, address: &'b Address) -> WireReader<'b> {
        let rate = RateWatch::new(self.clock);
        WireReader { fetcher: self, address, inner: response.body, rate }
    }
}

/// Counts the bytes of a body before decoding.
struct WireReader<'a> {
    fetcher: &'a Fetcher<'a>,
    address: &'a Address,
    inner: Box<dyn Read + Send>,
    rate: RateWatch<'a>,
}

impl WireReader<'_> {
    /// Reads to the end if that is near. The connection of a longer body is dropped.
    fn skip_rest(&mut self) {
        let mut chunk = [0; CHUNK_BYTES];
        for _ in 0..4 {
            if !matches!(self.read(&mut chunk), Ok(1..)) {
                break;
            }
        }
    }
}

impl Read for WireReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = loop {
            match self.inner.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self
                    .fetcher
                    .check_at("reading a response", self.address)
                    .map_err(io::Error::other)?,
                read => break read?,
            }
        };
        self.fetcher.wire_bytes.fetch_add(n as u64, Ordering::Relaxed);
        if n > 0 {
            self.rate.count(n as u64)?;
        }
        Ok(n)
    }
}
