//! Requests on threads of their own, so that a caller can leave a silent server.
//!
//! Resolving a name, connecting and reading block until their limits. The caller waits for a
//! channel instead. When it leaves, the thread ends at the next limit, and closes its connection.

use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use super::Request;
use crate::base::error::{Error, ErrorKind, Result, Retry};
use crate::base::limits::STALL_TIMEOUT;

/// Interval of the checks for cancellation.
const TICK: Duration = Duration::from_millis(50);

/// Size of a chunk of a body.
const CHUNK_BYTES: usize = 16 * 1024;

/// Chunks that a thread reads ahead of its caller.
const CHUNKS_AHEAD: usize = 2;

/// A chunk of a body; an empty one after its end.
type Chunk = io::Result<Vec<u8>>;

/// The body of a response that another thread reads.
pub(super) struct BackgroundBody {
    chunks: Receiver<Chunk>,
    chunk: io::Cursor<Vec<u8>>,
    is_over: bool,
}

/// Calls `send` on a thread, and returns its result with the body.
///
/// # Errors
/// The error of [`Request::check`]; [`ErrorKind::Transport`] if no thread can be started.
pub(super) fn run<T: Send + 'static, B: Read>(
    request: &Request<'_>,
    send: impl FnOnce() -> (T, Option<B>) + Send + 'static,
) -> Result<(T, BackgroundBody)> {
    let (head_sender, head) = mpsc::sync_channel(1);
    let (sender, chunks) = mpsc::sync_channel(CHUNKS_AHEAD);
    let work = move || {
        let (head, body) = send();
        // Sending fails if the caller has left.
        if head_sender.send(head).is_ok() {
            pump(body, &sender);
        }
    };
    thread::Builder::new().name("rockon-sync-get".into()).spawn(work).map_err(|error| {
        Error::new(ErrorKind::Transport, "cannot start a thread for the request")
            .with_url(request.address.to_string())
            .with_retry(Retry::Soon)
            .with_source(error)
    })?;
    loop {
        match head.recv_timeout(TICK) {
            Ok(head) => {
                let chunk = io::Cursor::default();
                return Ok((head, BackgroundBody { chunks, chunk, is_over: false }));
            }
            Err(RecvTimeoutError::Timeout) => request.check()?,
            Err(RecvTimeoutError::Disconnected) => panic!("the thread of a request has panicked"),
        }
    }
}

/// Sends a body in chunks. It is dropped before its end is sent, so that its connection can be
/// used for the next request.
fn pump(body: Option<impl Read>, sender: &SyncSender<Chunk>) {
    let mut buffer = [0; CHUNK_BYTES];
    if let Some(mut body) = body {
        loop {
            let chunk = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => Ok(buffer[..n].to_vec()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    let silence = format!("no data for {} s", STALL_TIMEOUT.as_secs());
                    Err(io::Error::new(io::ErrorKind::TimedOut, silence))
                }
                Err(error) => Err(error),
            };
            let is_last = chunk.is_err();
            if sender.send(chunk).is_err() || is_last {
                return;
            }
        }
    }
    let _ = sender.send(Ok(Vec::new()));
}

impl Read for BackgroundBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let n = self.chunk.read(buffer)?;
            if n > 0 || self.is_over || buffer.is_empty() {
                return Ok(n);
            }
            let chunk = match self.chunks.recv_timeout(TICK) {
                Ok(chunk) => chunk?,
                Err(RecvTimeoutError::Timeout) => return Err(io::ErrorKind::WouldBlock.into()),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            };
            self.is_over = chunk.is_empty();
            self.chunk = io::Cursor::new(chunk);
        }
    }
}
