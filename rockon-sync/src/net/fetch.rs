//! One file, fetched and verified: redirects, retries, decoding, limits, digest.
//!
//! ```text
//! body -> count wire bytes -> gunzip -> limit -> digest -> sink
//! ```

mod rate;
mod resume;

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use flate2::read::MultiGzDecoder;
use rate::RateWatch;
pub(crate) use resume::ResumableSink;

use crate::base::cancel::CancelToken;
use crate::base::digest::{Digest, Hasher};
use crate::base::error::{Error, ErrorKind, Result, Retry};
use crate::base::limits;
use crate::base::time::{Clock, parse_retry_after};
use crate::net::address::Address;
use crate::net::transport::{Request, Response, Transport, Validators};

/// Bytes read at a time, and so the distance between two looks at the cancel token.
const CHUNK_BYTES: usize = 16 * 1024;

/// Longest nap during a wait, so that a cancel is noticed promptly.
const NAP: Duration = Duration::from_millis(50);

/// Where fetched bytes go. A retry starts over.
pub(crate) trait Sink: Write {
    /// Drops what was written so far.
    fn restart(&mut self) -> io::Result<()>;
}

impl Sink for Vec<u8> {
    fn restart(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }
}

/// What to fetch, and what it has to be.
pub(crate) struct Wanted<'a> {
    pub(crate) address: Address,
    /// Validators of the copy held, to be told when it is still good.
    pub(crate) validators: Option<&'a Validators>,
    /// The most bytes accepted after decoding.
    pub(crate) max_bytes: u64,
    /// The digest that the bytes must have, if one is promised.
    pub(crate) digest: Option<Digest>,
}

impl Wanted<'_> {
    /// A file of which nothing is known.
    pub(crate) fn plain(address: Address, max_bytes: u64) -> Self {
        Wanted { address, validators: None, max_bytes, digest: None }
    }
}

/// How often a request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retries {
    /// Once.
    None,
    /// Up to [`limits::MAX_RETRIES`] times more, if the error may pass.
    Usual,
}

impl Retries {
    /// The rounds in which this many mirrors are asked: while another one may answer, a failing
    /// one costs no waiting.
    pub(crate) fn rounds(mirrors: usize) -> &'static [Retries] {
        if mirrors > 1 { &[Retries::None, Retries::Usual] } else { &[Retries::Usual] }
    }

    fn max(self) -> u32 {
        match self {
            Retries::None => 0,
            Retries::Usual => limits::MAX_RETRIES,
        }
    }
}

/// Drops everything.
pub(crate) struct Discard;

impl Write for Discard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Discard {
    fn restart(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is asked of a server, whatever the redirects.
struct Question<'a> {
    address: &'a Address,
    validators: Option<&'a Validators>,
    /// How much of the file is held already, in bytes.
    range_from: Option<u64>,
}

impl<'a> From<&'a Wanted<'_>> for Question<'a> {
    fn from(wanted: &'a Wanted<'_>) -> Self {
        let Wanted { address, validators, .. } = wanted;
        Question { address, validators: *validators, range_from: None }
    }
}

/// How a fetch ended well.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// The file is in the sink, and is what was wanted.
    File(FetchedFile),
    /// The local copy is still good.
    Unchanged {
        /// The address that said so, if redirects led elsewhere.
        moved_to: Option<Box<Address>>,
    },
    /// There is no such file. The status is 404 or 410.
    Missing(u16),
}

/// What is known of a fetched file.
#[derive(Debug)]
pub(crate) struct FetchedFile {
    pub(crate) digest: Digest,
    pub(crate) validators: Validators,
    /// Where it was found in the end, when redirects led elsewhere.
    pub(crate) moved_to: Option<Box<Address>>,
}

/// What the requests of one run have in common.
pub(crate) struct Fetcher<'a> {
    transport: &'a dyn Transport,
    clock: &'a dyn Clock,
    cancel: &'a CancelToken,
    deadline: Instant,
    /// Raised when the run has failed and its other requests are pointless.
    stop: &'a AtomicBool,
    requests: AtomicU64,
    wire_bytes: AtomicU64,
}

impl<'a> Fetcher<'a> {
    pub(crate) fn new(
        transport: &'a dyn Transport,
        clock: &'a dyn Clock,
        cancel: &'a CancelToken,
        deadline: Instant,
        stop: &'a AtomicBool,
    ) -> Self {
        Fetcher {
            transport,
            clock,
            cancel,
            deadline,
            stop,
            requests: AtomicU64::new(0),
            wire_bytes: AtomicU64::new(0),
        }
    }

    /// Requests made so far.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Bytes of bodies received so far, as they came over the wire.
    pub(crate) fn wire_bytes(&self) -> u64 {
        self.wire_bytes.load(Ordering::Relaxed)
    }

    /// Fetches one file, trying again what is worth it.
    ///
    /// # Errors
    /// [`ErrorKind::Transport`] or [`ErrorKind::Status`] after the last try,
    /// [`ErrorKind::Limit`], [`ErrorKind::Integrity`], [`ErrorKind::Canceled`],
    /// [`ErrorKind::Timeout`], and [`ErrorKind::Store`] if the sink fails.
    pub(crate) fn fetch(
        &self,
        wanted: &Wanted<'_>,
        sink: &mut dyn Sink,
        retries: Retries,
    ) -> Result<Fetched> {
        self.with_retries(retries, || self.attempt(wanted, sink))
    }

    fn with_retries<T>(
        &self,
        retries: Retries,
        mut attempt: impl FnMut() -> Result<T>,
    ) -> Result<T> {
        let mut failures = 0;
        loop {
            let error = match attempt() {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            // A broken connection may be a symptom of either of these.
            self.check_go_on()?;
            let Some(delay) = retry_delay(error.retry(), failures, retries.max(), fastrand::f64())
            else {
                return Err(error);
            };
            if delay >= self.time_left() {
                return Err(error);
            }
            failures += 1;
            log::info!("{}; trying again in {} ms", error.to_chain(), delay.as_millis());
            self.wait(delay)?;
        }
    }

    /// Fails when the run is canceled or its time is over.
    pub(crate) fn check_go_on(&self) -> Result<()> {
        self.cancel.check()?;
        if self.stop.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Canceled, "the update has failed elsewhere"));
        }
        if self.time_left().is_zero() {
            let message = "the time allowed for the whole update is over";
            return Err(Error::new(ErrorKind::Timeout, message));
        }
        Ok(())
    }

    fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(self.clock.monotonic())
    }

    fn wait(&self, delay: Duration) -> Result<()> {
        let end = self.clock.monotonic() + delay;
        loop {
            self.check_go_on()?;
            let left = end.saturating_duration_since(self.clock.monotonic());
            if left.is_zero() {
                return Ok(());
            }
            self.clock.sleep(left.min(NAP));
        }
    }

    fn attempt(&self, wanted: &Wanted<'_>, sink: &mut dyn Sink) -> Result<Fetched> {
        sink.restart().map_err(sink_failed)?;
        let (address, response) = self.follow(&Question::from(wanted))?;
        let moved_to = (address != wanted.address).then(|| Box::new(address.clone()));
        match response.status {
            200 => {}
            // Without validators nobody asked, so a 304 says nothing about the local copy.
            304 if wanted.validators.is_some_and(|held| !held.is_empty()) => {
                self.drain(response)?;
                return Ok(Fetched::Unchanged { moved_to });
            }
            status @ (404 | 410) => {
                self.drain(response)?;
                return Ok(Fetched::Missing(status));
            }
            _ => return Err(self.refusal(response, &address)?),
        }
        let validators = response.validators.clone();
        let (digest, len_bytes) = self.take_body(response, &address, wanted.max_bytes, sink)?;
        if let Some(expected) = wanted.digest.filter(|expected| *expected != digest) {
            let message =
                format!("expected the digest {expected}, got {digest} ({len_bytes} bytes)");
            return Err(Error::new(ErrorKind::Integrity, message).with_url(address.to_string()));
        }
        Ok(Fetched::File(FetchedFile { digest, validators, moved_to }))
    }

    /// The error that a status stands for which is no answer to the question.
    fn refusal(&self, response: Response, address: &Address) -> Result<Error> {
        let status = response.status;
        let after = response.retry_after.as_deref();
        let after = after.and_then(|value| parse_retry_after(value, self.clock.now()));
        let retry = match (status, after) {
            (408 | 425 | 429 | 500 | 502 | 503 | 504, Some(after)) => Retry::After(after),
            (408 | 425 | 429 | 500 | 502 | 503 | 504, None) => Retry::Soon,
            _ => Retry::Never,
        };
        self.drain(response)?;
        let message = format!("expected status 200, got {status}");
        Ok(Error::new(ErrorKind::Status, message).with_url(address.to_string()).with_retry(retry))
    }

    /// Passes a body on to `sink`, up to `max_bytes` of it once it is decoded. Returns
    /// the digest and length of what was passed on.
    fn take_body(
        &self,
        response: Response,
        address: &Address,
        max_bytes: u64,
        sink: &mut dyn Sink,
    ) -> Result<(Digest, u64)> {
        let fail = |kind, message: String| Error::new(kind, message).with_url(address.to_string());
        let too_large = |got: String| {
            fail(ErrorKind::Limit, format!("expected at most {max_bytes} bytes, got {got}"))
        };
        let is_gzip = match response.encoding.as_deref() {
            None => false,
            Some("gzip" | "x-gzip") => true,
            Some(other) => {
                let message = format!("the answer is encoded as {other:?}, which was not offered");
                return Err(fail(ErrorKind::Transport, message));
            }
        };
        if let Some(length) = response.length.filter(|n| !is_gzip && *n > max_bytes) {
            return Err(too_large(length.to_string()));
        }

        let mut wire = self.wire(response);
        let mut hasher = Hasher::new();
        let mut left = max_bytes;
        let mut copy = |reader: &mut dyn Read| -> Result<()> {
            let mut chunk = [0; CHUNK_BYTES];
            loop {
                self.check_go_on()?;
                let n = match reader.read(&mut chunk) {
                    Ok(0) => return Ok(()),
                    Ok(n) => n,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => {
                        let message = "the connection broke before the end of the file";
                        return Err(fail(ErrorKind::Transport, message.into())
                            .with_retry(Retry::Soon)
                            .with_source(error));
                    }
                };
                left = left.checked_sub(n as u64).ok_or_else(|| too_large("more".into()))?;
                hasher.update(&chunk[..n]);
                sink.write_all(&chunk[..n]).map_err(sink_failed)?;
            }
        };
        if is_gzip {
            copy(&mut MultiGzDecoder::new(&mut wire))?;
            // The decoder stops at its own end; the connection is reusable only
            // after the end of the body.
            wire.skip_rest();
        } else {
            copy(&mut wire)?;
        }
        Ok(hasher.finish())
    }

    /// Makes the request, and the ones that redirects ask for.
    fn follow(&self, question: &Question<'_>) -> Result<(Address, Response)> {
        let mut address = question.address.clone();
        for _ in 0..=limits::MAX_REDIRECTS {
            self.check_go_on()?;
            self.requests.fetch_add(1, Ordering::Relaxed);
            let request = Request {
                address: &address,
                validators: question.validators.filter(|validators| !validators.is_empty()),
                range_from: question.range_from,
                time_left: self.time_left(),
            };
            let response = self.transport.get(&request)?;
            if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
                return Ok((address, response));
            }
            let Some(target) = response.location.as_deref() else {
                let message = format!("status {} without a Location", response.status);
                return Err(Error::new(ErrorKind::Status, message).with_url(address.to_string()));
            };
            let next = address.redirected(target)?;
            self.drain(response)?;
            log::debug!("{address} redirects to {next}");
            address = next;
        }
        let message = format!("more than {} redirects", limits::MAX_REDIRECTS);
        Err(Error::new(ErrorKind::Status, message).with_url(question.address.to_string()))
    }

    /// Reads the rest of a body that nobody wants, so that its connection can be reused.
    fn drain(&self, response: Response) -> Result<()> {
        self.wire(response).skip_rest();
        self.check_go_on()
    }

    fn wire(&self, response: Response) -> WireReader<'_> {
        WireReader {
            inner: response.body,
            count: &self.wire_bytes,
            rate: RateWatch::new(self.clock),
        }
    }
}

fn sink_failed(error: io::Error) -> Error {
    Error::new(ErrorKind::Store, "cannot keep what is being fetched").with_source(error)
}

/// How long to wait before the next try, or `None` to give up.
///
/// Exponential backoff with jitter: `random` in `[0, 1)` picks from the upper half,
/// so that clients that failed together do not come back together.
fn retry_delay(retry: Retry, failures: u32, max_retries: u32, random: f64) -> Option<Duration> {
    if failures >= max_retries {
        return None;
    }
    let backoff = limits::FIRST_RETRY_DELAY.saturating_mul(1 << failures.min(16));
    let backoff = backoff.mul_f64(0.5 + random / 2.0);
    match retry {
        Retry::Never => None,
        Retry::Soon => Some(backoff),
        Retry::After(delay) if delay > limits::MAX_RETRY_AFTER => None,
        Retry::After(delay) => Some(delay + backoff),
    }
}

/// Counts what comes over the wire.
struct WireReader<'a> {
    inner: Box<dyn Read + Send>,
    count: &'a AtomicU64,
    rate: RateWatch<'a>,
}

impl WireReader<'_> {
    /// Reads on to the end if that is near; a connection with more to say is dropped.
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
        let n = self.inner.read(buffer)?;
        self.count.fetch_add(n as u64, Ordering::Relaxed);
        if n > 0 {
            self.rate.count(n as u64)?;
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use super::*;
    use crate::net::location::Location;
    use crate::testing::TestClock;

    /// Gives the scripted answers in turn and remembers the questions.
    pub(super) struct Script {
        answers: Mutex<VecDeque<Result<Response>>>,
        asked: Mutex<Vec<(String, Option<u64>)>>,
    }

    impl Script {
        pub(super) fn new(answers: impl IntoIterator<Item = Result<Response>>) -> Self {
            let answers = Mutex::new(answers.into_iter().collect());
            Script { answers, asked: Mutex::default() }
        }

        fn asked(&self) -> Vec<String> {
            self.asked.lock().unwrap().iter().map(|(address, _)| address.clone()).collect()
        }

        pub(super) fn ranges(&self) -> Vec<Option<u64>> {
            self.asked.lock().unwrap().iter().map(|(_, range)| *range).collect()
        }
    }

    impl Transport for Script {
        fn get(&self, request: &Request<'_>) -> Result<Response> {
            let question = (request.address.to_string(), request.range_from);
            self.asked.lock().unwrap().push(question);
            self.answers.lock().unwrap().pop_front().expect("no more requests than answers")
        }
    }

    pub(super) fn body(text: &'static str) -> Response {
        Response::new(200, Box::new(text.as_bytes()))
    }

    pub(super) fn status(status: u16) -> Result<Response> {
        Ok(Response::new(status, Box::new(io::empty())))
    }

    fn redirect(target: &str) -> Result<Response> {
        let mut response = Response::new(302, Box::new(io::empty()));
        response.location = Some(target.to_owned());
        Ok(response)
    }

    pub(super) fn broken() -> Result<Response> {
        Err(Error::new(ErrorKind::Transport, "connection refused").with_retry(Retry::Soon))
    }

    struct Outcome {
        result: Result<Fetched>,
        sink: Vec<u8>,
        waited: Duration,
        asked: Vec<String>,
    }

    fn run(answers: impl IntoIterator<Item = Result<Response>>, digest: Option<Digest>) -> Outcome {
        let script = Script::new(answers);
        let clock = TestClock::new();
        let cancel = CancelToken::new();
        let deadline = clock.monotonic() + Duration::from_secs(300);
        let stop = AtomicBool::new(false);
        let fetcher = Fetcher::new(&script, &clock, &cancel, deadline, &stop);
        let location: Location = "https://h/p/".parse().unwrap();
        let mut sink = Vec::new();
        let wanted =
            Wanted { address: location.head_address(), validators: None, max_bytes: 10, digest };
        let result = fetcher.fetch(&wanted, &mut sink, Retries::Usual);
        assert_eq!(fetcher.requests(), script.asked().len() as u64);
        Outcome { result, sink, waited: clock.slept(), asked: script.asked() }
    }

    #[test]
    fn what_may_pass_is_tried_again_with_growing_waits() {
        let outcome = run([broken(), status(503), broken(), Ok(body("hello"))], None);
        assert!(matches!(outcome.result, Ok(Fetched::File(_))));
        assert_eq!(outcome.sink, b"hello");
        // Three waits: half to all of 250, 500 and 1,000 ms.
        let ms = outcome.waited.as_millis();
        assert!((875..=1750).contains(&ms), "{ms}");
        let outcome = run([broken(), broken(), broken(), broken()], None);
        assert_eq!(outcome.result.unwrap_err().kind(), ErrorKind::Transport);
    }

    #[test]
    fn what_will_not_change_is_not_tried_again() {
        for code in [400, 401, 403, 204, 206, 418, 501] {
            let outcome = run([status(code)], None);
            let error = outcome.result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Status);
            assert!(error.to_string().contains(&code.to_string()), "{error}");
        }
        assert!(matches!(run([status(404)], None).result, Ok(Fetched::Missing(_))));
        assert!(matches!(run([status(410)], None).result, Ok(Fetched::Missing(_))));
    }

    #[test]
    fn retry_after_is_honored_within_reason() {
        let busy = |after: &str| {
            let mut response = Response::new(429, Box::new(io::empty()));
            response.retry_after = Some(after.to_owned());
            Ok(response)
        };
        let outcome = run([busy("7"), Ok(body("x"))], None);
        assert!(outcome.result.is_ok());
        assert!((7..8).contains(&outcome.waited.as_secs()), "{:?}", outcome.waited);
        let outcome = run([busy("3600")], None);
        assert_eq!(outcome.result.unwrap_err().kind(), ErrorKind::Status);
        assert_eq!(outcome.waited, Duration::ZERO);
    }

    #[test]
    fn size_and_digest_are_checked_after_decoding() {
        let digest = Some(Digest::of(b"hello"));
        assert!(run([Ok(body("hello"))], digest).result.is_ok());
        let error = run([Ok(body("HELLO"))], digest).result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity);
        assert!(error.to_string().contains("got 3733cd"), "{error}");
        let error = run([Ok(body("hello world"))], None).result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit);

        // One gzip member for each part (RFC 1952, section 2.2).
        let gzip = |parts: &[&[u8]]| {
            let mut compressed = Vec::new();
            for part in parts {
                let mut encoder = flate2::write::GzEncoder::new(compressed, Default::default());
                encoder.write_all(part).unwrap();
                compressed = encoder.finish().unwrap();
            }
            let mut response = Response::new(200, Box::new(io::Cursor::new(compressed)));
            response.encoding = Some("gzip".into());
            Ok(response)
        };
        assert_eq!(run([gzip(&[b"hello"])], digest).sink, b"hello");
        assert_eq!(run([gzip(&[b"he", b"", b"llo"])], digest).sink, b"hello");
        let bomb = run([gzip(&[&vec![0; 1 << 20]])], None);
        assert_eq!(bomb.result.unwrap_err().kind(), ErrorKind::Limit);
        assert!(bomb.sink.len() <= 10);
    }

    #[test]
    fn redirects_are_followed_but_not_for_ever() {
        let outcome =
            run([redirect("/q/root.sha"), redirect("https://cdn/x"), Ok(body("x"))], None);
        assert_eq!(
            outcome.asked,
            ["https://h/p/root.sha", "https://h/q/root.sha", "https://cdn/x"]
        );
        let Ok(Fetched::File(file)) = outcome.result else { panic!() };
        assert_eq!(file.moved_to.unwrap().to_string(), "https://cdn/x");
        let outcome = run((0..6).map(|_| redirect("/p/root.sha")), None);
        assert!(outcome.result.unwrap_err().to_string().contains("more than 5 redirects"));
        let outcome = run([redirect("http://h/p/root.sha")], None);
        assert!(outcome.result.unwrap_err().to_string().contains("from https to http"));
    }

    #[test]
    fn cancel_and_deadline_end_a_wait() {
        let script = Script::new([broken(), broken(), broken(), broken()]);
        let clock = TestClock::new();
        let cancel = CancelToken::new();
        let wanted = Wanted {
            address: "https://h/".parse::<Location>().unwrap().head_address(),
            validators: None,
            max_bytes: 10,
            digest: None,
        };
        let deadline = clock.monotonic() + Duration::from_millis(300);
        let stop = AtomicBool::new(false);
        let fetcher = Fetcher::new(&script, &clock, &cancel, deadline, &stop);
        // The second wait would not fit: the failure itself is the better answer.
        let error = fetcher.fetch(&wanted, &mut Vec::new(), Retries::Usual).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport);
        cancel.cancel();
        let error = fetcher.fetch(&wanted, &mut Vec::new(), Retries::Usual).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Canceled);
    }

    /// A body that takes this long for each byte.
    struct Dripping<'a> {
        clock: &'a TestClock,
        pause: Duration,
        left: usize,
    }

    impl Read for Dripping<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.left == 0 {
                return Ok(0);
            }
            self.clock.sleep(self.pause);
            self.left -= 1;
            buffer[0] = b'x';
            Ok(1)
        }
    }

    #[test]
    fn a_dripping_body_ends_after_a_window_and_a_slow_one_is_read() {
        for (pause_ms, bytes, is_read) in [(1_500, 200, false), (5, 4_000, true)] {
            let clock: &'static TestClock = Box::leak(Box::new(TestClock::new()));
            let pause = Duration::from_millis(pause_ms);
            let body = Dripping { clock, pause, left: bytes };
            let script = Script::new([Ok(Response::new(200, Box::new(body)))]);
            let (cancel, stop) = (CancelToken::new(), AtomicBool::new(false));
            let deadline = clock.monotonic() + Duration::from_secs(300);
            let fetcher = Fetcher::new(&script, clock, &cancel, deadline, &stop);
            let address = "https://h/".parse::<Location>().unwrap().head_address();
            let wanted = Wanted::plain(address, 10_000);
            let result = fetcher.fetch(&wanted, &mut Vec::new(), Retries::None);
            assert_eq!(result.is_ok(), is_read, "{pause_ms}");
            if let Err(error) = result {
                assert_eq!(error.kind(), ErrorKind::Transport);
                assert!(error.to_chain().contains("expected 100 bytes per second"), "{error:?}");
                assert!(clock.slept() < Duration::from_secs(10), "{:?}", clock.slept());
            }
        }
    }
}
