//! The scripted web server.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::connection;
use crate::exchange::{Exchange, Log, Ticket};
use crate::reply::{Site, Validators};
use crate::request::Request;
use crate::rule::{Action, Match, Rule, Times};

/// The longest read or write, so that a broken test fails instead of hanging.
const SOCKET_TIMEOUT: Duration = Duration::from_secs(30);

/// A web server on a free local port. It stops when dropped.
///
/// It speaks HTTP/1.1 with kept-alive connections, one thread each. Dropping it closes every
/// connection, even in the middle of a response, and joins its threads.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves the files below `root`, which may be a symbolic link and may be missing.
    ///
    /// A file is sent with a strong `ETag` made from its content, and its time as `Last-Modified`;
    /// a request with a matching condition gets 304. A path with a `..` segment gets 403, a path
    /// that is missing or a directory 404. Ranges are not served.
    ///
    /// # Panics
    ///
    /// If no port is free.
    pub fn serve(root: impl Into<PathBuf>) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let site = Site { root: root.into(), validators: Validators::TagAndTime, has_gzip: false };
        let shared = Arc::new(Shared::new(site));
        let accepting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Server { address, shared, accepting: Some(accepting) }
    }

    /// Sends no `ETag` and no `Last-Modified`, so that every response is complete.
    #[must_use]
    pub fn without_validators(self) -> Server {
        self.shared.state().site.validators = Validators::Absent;
        self
    }

    /// The same server with `Last-Modified` alone, as simple servers have it.
    #[must_use]
    pub fn without_tags(self) -> Server {
        self.shared.state().site.validators = Validators::Time;
        self
    }

    /// Compresses with gzip if the request's `Accept-Encoding` allows it.
    #[must_use]
    pub fn with_gzip(self) -> Server {
        self.shared.state().site.has_gzip = true;
        self
    }

    /// Returns the URL of the root, with its final slash: `http://127.0.0.1:PORT/`.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Serves another directory from the next response on.
    pub fn set_root(&self, root: impl Into<PathBuf>) {
        self.shared.state().site.root = root.into();
    }

    /// Adds a rule to the script. The first rule that matches and is not used up decides. A request
    /// without a rule gets the ordinary response.
    pub fn on(&self, matches: Match, times: Times, action: Action) {
        self.shared.state().rules.push(Rule::new(matches, times, action));
    }

    /// Removes all rules. Keeps the request count; a dead server stays dead.
    pub fn clear_rules(&self) {
        self.shared.state().rules.clear();
    }

    /// Answers requests again after [`Action::Die`].
    pub fn revive(&self) {
        self.shared.state().is_dead = false;
    }

    /// Removes rules and log, revives, and counts requests from 0 again. Connections stay open.
    pub fn reset(&self) {
        let mut state = self.shared.state();
        state.rules.clear();
        state.log.take();
        state.request_count = 0;
        state.is_dead = false;
    }

    /// Takes the log: the exchanges in the order in which their requests arrived.
    ///
    /// A response is logged before its last byte is sent, so a client that has read a response
    /// finds it here. A request that is still being answered is logged with the bytes sent so far.
    pub fn take_log(&self) -> Vec<Exchange> {
        self.shared.state().log.take()
    }

    /// Waits until [`request_count`](Server::request_count) reaches `count`.
    ///
    /// # Panics
    ///
    /// If that takes longer than 30 seconds.
    pub fn wait_for_requests(&self, count: usize) {
        let guard = self.shared.state();
        let (state, _) = self
            .shared
            .changed
            .wait_timeout_while(guard, SOCKET_TIMEOUT, |state| state.request_count < count)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(state.request_count >= count, "only {} requests came", state.request_count);
    }

    /// Returns the number of requests since the start or the last [`reset`](Server::reset),
    /// including those taken from the log.
    pub fn request_count(&self) -> usize {
        self.shared.state().request_count
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.state().is_stopping = true;
        self.shared.changed.notify_all();
        // The accept loop checks the flag at the next connection. If connecting fails, the loop has
        // ended.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            // A panic in a thread has been printed. Panicking again would hide the panic of the
            // test.
            let _ = accepting.join();
        }
        // No thread is added from here on. Each connection removes itself, so the lock must be
        // released before joining.
        let threads = {
            let mut state = self.shared.state();
            for stream in state.open.values() {
                let _ = stream.shutdown(Shutdown::Both);
            }
            std::mem::take(&mut state.threads)
        };
        for thread in threads {
            let _ = thread.join();
        }
    }
}

/// State shared by the server and its connections.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Notified when a request arrives and when the server stops.
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    site: Site,
    rules: Vec<Rule>,
    log: Log,
    request_count: usize,
    is_dead: bool,
    is_stopping: bool,
    /// A second handle of every open connection, used to shut it down.
    open: HashMap<usize, TcpStream>,
    threads: Vec<JoinHandle<()>>,
}

impl Shared {
    fn new(site: Site) -> Shared {
        Shared {
            state: Mutex::new(State {
                site,
                rules: Vec::new(),
                log: Log::default(),
                request_count: 0,
                is_dead: false,
                is_stopping: false,
                open: HashMap::new(),
                threads: Vec::new(),
            }),
            changed: Condvar::new(),
        }
    }

    /// Logs a new request and returns its scripted action.
    pub(crate) fn arrive(&self, request: &Request, connection: usize) -> (Ticket, Option<Action>) {
        let mut guard = self.state();
        let state = &mut *guard;
        let nth = state.request_count;
        state.request_count += 1;
        self.changed.notify_all();
        let ticket = state.log.push(Exchange {
            method: request.method.clone(),
            target: request.target.clone(),
            path: request.path.clone(),
            headers: request.headers.clone(),
            status: 0,
            body_len: 0,
            connection,
        });
        if state.is_dead {
            return (ticket, Some(Action::Die));
        }
        let action = state.rules.iter_mut().find_map(|rule| rule.apply(&request.path, nth));
        state.is_dead = action == Some(Action::Die);
        (ticket, action)
    }

    /// Updates the log entry of a request, unless the test has taken it.
    pub(crate) fn note(&self, ticket: Ticket, change: impl FnOnce(&mut Exchange)) {
        if let Some(exchange) = self.state().log.entry_mut(ticket) {
            change(exchange);
        }
    }

    pub(crate) fn site(&self) -> Site {
        self.state().site.clone()
    }

    /// Waits for the duration, or until the server stops.
    pub(crate) fn pause(&self, duration: Duration) {
        let guard = self.state();
        // A timeout and a stop are handled the same way.
        drop(self.changed.wait_timeout_while(guard, duration, |state| !state.is_stopping));
    }

    /// Drops the second handle of a connection, so that dropping the first one closes it.
    pub(crate) fn forget(&self, connection: usize) {
        self.state().open.remove(&connection);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No update of the state can panic halfway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for (number, stream) in listener.incoming().flatten().enumerate() {
        let mut state = shared.state();
        if state.is_stopping {
            return;
        }
        let Ok(second) = prepare(&stream) else {
            continue;
        };
        state.open.insert(number, second);
        state.threads.retain(|thread| !thread.is_finished());
        let shared = Arc::clone(shared);
        state.threads.push(thread::spawn(move || {
            connection::serve(&shared, &stream, number);
            shared.forget(number);
        }));
    }
}

fn prepare(stream: &TcpStream) -> std::io::Result<TcpStream> {
    stream.set_read_timeout(Some(SOCKET_TIMEOUT))?;
    stream.set_write_timeout(Some(SOCKET_TIMEOUT))?;
    stream.set_nodelay(true)?;
    stream.try_clone()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::client::Client;

    #[test]
    fn the_log_has_every_request_with_its_connection() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "12345").unwrap();
        let server = Server::serve(dir.path());
        let mut one = Client::connect(&server);
        let mut two = Client::connect(&server);
        one.get("/a?first", &[("X-Test", "yes")]).unwrap();
        two.get("/b", &[]).unwrap();
        one.get("/a", &[]).unwrap();
        one.request("HEAD", "/a", &[]).unwrap();

        let log = server.take_log();
        let seen: Vec<_> = log
            .iter()
            .map(|e| (e.method.as_str(), e.target.as_str(), e.path.as_str(), e.status, e.body_len))
            .collect();
        assert_eq!(
            seen,
            [
                ("GET", "/a?first", "a", 200, 5),
                ("GET", "/b", "b", 404, 0),
                ("GET", "/a", "a", 200, 5),
                ("HEAD", "/a", "a", 200, 0),
            ]
        );
        assert_eq!(log[0].header("x-test"), Some("yes"));
        assert_eq!(log[0].connection, log[2].connection);
        assert_ne!(log[0].connection, log[1].connection);
        assert!(server.take_log().is_empty());
        assert_eq!(server.request_count(), 4);
    }

    #[test]
    fn rules_are_tried_in_order_of_addition() {
        let server = Server::serve("no/such/dir");
        let status = |status| Action::Respond { status, headers: Vec::new(), body: Vec::new() };
        server.on(Match::Path("a".into()), Times::Once, status(500));
        server.on(Match::Prefix(String::new()), Times::First(2), status(503));
        server.on(Match::Nth(4), Times::Always, status(418));
        let mut client = Client::connect(&server);
        let mut ask = |target| client.get(target, &[]).unwrap().status;
        assert_eq!(
            [ask("/b"), ask("/a"), ask("/a"), ask("/a"), ask("/a"), ask("/a")],
            [503, 500, 503, 404, 418, 404]
        );

        server.on(Match::Any, Times::Always, status(500));
        assert_eq!(ask("/a"), 500);
        server.clear_rules();
        assert_eq!(ask("/a"), 404);
        assert_eq!(server.request_count(), 8);

        server.reset();
        assert_eq!(server.request_count(), 0);
        server.on(Match::Nth(1), Times::Always, status(500));
        assert_eq!([ask("/a"), ask("/a")], [404, 500]);
        assert_eq!(server.take_log().len(), 2);
    }

    #[test]
    fn dropping_the_server_ends_idle_connections() {
        let server = Server::serve("no/such/dir");
        let mut client = Client::connect(&server);
        client.get("/a", &[]).unwrap();
        drop(server);
        assert!(client.get("/a", &[]).is_err());
    }
}
