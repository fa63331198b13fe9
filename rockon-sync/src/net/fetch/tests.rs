use std::collections::VecDeque;
use std::io::Write;
use std::sync::Mutex;

use super::*;
use crate::net::location::Location;
use crate::testing::TestClock;

/// Gives the scripted responses in order, and records the requests.
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

/// Calls `act` with a fetcher that has 300 s, and the first address of `https://h/p/`.
pub(super) fn with_fetcher<T>(
    transport: &dyn Transport,
    clock: &TestClock,
    act: impl FnOnce(&Fetcher<'_>, Address) -> T,
) -> T {
    let (cancel, stop) = (CancelToken::new(), AtomicBool::new(false));
    let timeout = Duration::from_secs(300);
    let time_limit = TimeLimit { started: clock.monotonic(), timeout };
    let fetcher = Fetcher::new(transport, clock, &cancel, time_limit, &stop);
    act(&fetcher, "https://h/p/".parse::<Location>().unwrap().head_address())
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
    let mut sink = Vec::new();
    let result = with_fetcher(&script, &clock, |fetcher, address| {
        let wanted = Wanted { digest, ..Wanted::plain(address, 10) };
        let result = fetcher.fetch(&wanted, &mut sink, Retries::Usual);
        assert_eq!(fetcher.requests(), script.asked().len() as u64);
        result
    });
    Outcome { result, sink, waited: clock.slept(), asked: script.asked() }
}

#[test]
fn passing_errors_are_retried_with_growing_waits() {
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
fn permanent_errors_are_not_retried() {
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
fn redirects_are_followed_up_to_a_limit() {
    let outcome = run([redirect("/q/root.sha"), redirect("https://cdn/x"), Ok(body("x"))], None);
    assert_eq!(outcome.asked, ["https://h/p/root.sha", "https://h/q/root.sha", "https://cdn/x"]);
    let Ok(Fetched::File(file)) = outcome.result else { panic!() };
    assert_eq!(file.moved_to.unwrap().to_string(), "https://cdn/x");
    let outcome = run((0..6).map(|_| redirect("/p/root.sha")), None);
    assert!(outcome.result.unwrap_err().to_string().contains("expected at most 5 redirects"));
    let outcome = run([redirect("http://h/p/root.sha")], None);
    assert!(outcome.result.unwrap_err().to_string().contains("from https to http"));
}

#[test]
fn cancel_and_deadline_end_a_wait() {
    let script = Script::new([broken(), broken(), broken(), broken()]);
    let clock = TestClock::new();
    let (cancel, stop) = (CancelToken::new(), AtomicBool::new(false));
    let address = "https://h/".parse::<Location>().unwrap().head_address();
    let wanted = Wanted::plain(address, 10);
    let timeout = Duration::from_millis(300);
    let time_limit = TimeLimit { started: clock.monotonic(), timeout };
    let fetcher = Fetcher::new(&script, &clock, &cancel, time_limit, &stop);
    // The second wait would exceed the deadline, so the failure itself is reported.
    let error = fetcher.fetch(&wanted, &mut Vec::new(), Retries::Usual).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    clock.sleep(timeout);
    let error = fetcher.fetch(&wanted, &mut Vec::new(), Retries::Usual).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(
        error.to_string(),
        "https://h/root.sha: exceeded the time limit of 0.3 s while waiting for a response"
    );
    cancel.cancel();
    let error = fetcher.fetch(&wanted, &mut Vec::new(), Retries::Usual).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Canceled);
}

#[test]
fn an_error_behind_a_redirect_names_both_addresses() {
    let outcome = run([redirect("https://cdn/x?key=secret"), status(403)], None);
    assert_eq!(
        outcome.result.unwrap_err().to_string(),
        "https://h/p/root.sha: redirected to https://cdn/x?key=***: expected status 200, got 403"
    );
    for (target, problem) in [
        ("http://cdn/x?key=secret", "from https to http://cdn/x?key=***"),
        ("ftp://cdn/x", "expected http or https, got ftp://cdn/x"),
    ] {
        let error = run([redirect(target)], None).result.unwrap_err().to_string();
        assert_eq!(error, format!("https://h/p/root.sha: redirect refused: {problem}"));
    }
}

#[test]
fn a_length_above_the_limit_is_refused_before_the_body_is_read() {
    let mut response = Response::new(200, Box::new(io::repeat(b'x').take(5)));
    response.length = Some(11);
    let outcome = run([Ok(response)], None);
    let error = outcome.result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    assert!(error.to_string().ends_with("expected at most 10 bytes, got 11"), "{error}");
    assert_eq!(outcome.sink, b"");
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
        let result = with_fetcher(&script, clock, |fetcher, address| {
            let wanted = Wanted::plain(address, 10_000);
            fetcher.fetch(&wanted, &mut Vec::new(), Retries::None)
        });
        assert_eq!(result.is_ok(), is_read, "{pause_ms}");
        if let Err(error) = result {
            assert_eq!(error.kind(), ErrorKind::Transport);
            assert!(error.to_chain().contains("expected 100 bytes per second"), "{error:?}");
            assert!(clock.slept() < Duration::from_secs(10), "{:?}", clock.slept());
        }
    }
}
