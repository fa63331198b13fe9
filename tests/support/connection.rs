//! One connection: reads requests and answers each as the script says.

use std::io::{self, ErrorKind, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::exchange::Ticket;
use crate::reply::{Reply, Site};
use crate::request::Request;
use crate::rule::Action;
use crate::server::Shared;

/// The size of one write. The log is updated before each.
const PIECE_BYTES: usize = 16 * 1024;

/// Answers requests until one side closes the connection.
pub(crate) fn serve(shared: &Shared, stream: &TcpStream, number: usize) {
    loop {
        let request = match Request::read(stream) {
            Ok(Some(request)) => request,
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                // Not logged: an invalid request has no fields to record.
                let _ = (&mut &*stream).write_all(&Reply::of_status(400).head(Some(0)));
                return;
            }
            Ok(None) | Err(_) => return,
        };
        let (ticket, action) = shared.arrive(&request, number);
        let answering = Answering { shared, stream, request: &request, ticket };
        match answering.carry_out(action) {
            Ok(Then::Next) => {}
            // Clients may hang up at any time.
            Ok(Then::Close) | Err(_) => return,
        }
    }
}

/// The state of the connection after a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Next,
    Close,
}

/// The end of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Complete. The client decides if the connection stays open.
    Whole,
    /// The connection is closed.
    Close,
    /// Silence for this long, then the connection is closed.
    Silence(Duration),
}

/// One request that is being answered.
struct Answering<'a> {
    shared: &'a Shared,
    stream: &'a TcpStream,
    request: &'a Request,
    ticket: Ticket,
}

impl Answering<'_> {
    fn carry_out(&self, action: Option<Action>) -> io::Result<Then> {
        if let Some(Action::ResetAfter(limit)) = action {
            // Closing a socket with unread bytes resets the connection, so the rest of the request
            // is left unread.
            return self.send(&self.file(), None, limit, End::Close);
        }
        self.request.finish(self.stream)?;
        match action {
            None => self.send_whole(&self.ordinary()),
            Some(Action::From(root)) => {
                let site = Site { root, ..self.shared.site() };
                self.send_whole(&site.answer(self.request))
            }
            Some(Action::Delay(duration)) => {
                self.shared.pause(duration);
                self.send_whole(&self.ordinary())
            }
            Some(Action::Respond { status, headers, body }) => {
                self.send_whole(&Reply { status, headers, body })
            }
            Some(Action::Redirect { status, location }) => {
                self.send_whole(&Reply::of_status(status).with_header("Location", location))
            }
            Some(Action::Truncate(limit)) => {
                self.send_whole(&self.edited_file(|body| body.truncate(limit)))
            }
            Some(Action::ReplaceBody(other)) => self.send_whole(&self.replaced_file(other)),
            Some(Action::CloseAfter(limit) | Action::ResetAfter(limit)) => {
                self.send(&self.file(), None, limit, End::Close)
            }
            Some(Action::Stall { after, hold }) => {
                self.send(&self.file(), None, after, End::Silence(hold))
            }
            Some(Action::WrongLength { declared }) => {
                self.send(&self.file(), Some(declared), usize::MAX, End::Close)
            }
            Some(Action::ChunkedGarbage) => self.send_garbage(),
            Some(Action::Endless { byte }) => self.send_endlessly(byte),
            Some(Action::EndlessInformational) => self.send_hints_endlessly(),
            Some(Action::CloseBeforeAnswer | Action::Die) => Ok(Then::Close),
        }
    }

    fn ordinary(&self) -> Reply {
        self.shared.site().answer(self.request)
    }

    fn file(&self) -> Reply {
        self.edited_file(|_| {})
    }

    fn edited_file(&self, edit: impl FnOnce(&mut Vec<u8>)) -> Reply {
        self.shared.site().answer_in_full(self.request, edit)
    }

    fn replaced_file(&self, other: Vec<u8>) -> Reply {
        let reply = self.edited_file(|body| body.clone_from(&other));
        // A missing file can be replaced too; it has no validators.
        if reply.status == 200 { reply } else { Reply { body: other, ..Reply::of_status(200) } }
    }

    fn send_whole(&self, reply: &Reply) -> io::Result<Then> {
        self.send(reply, None, usize::MAX, End::Whole)
    }

    /// Sends the head and at most `limit` bytes of the body.
    fn send(
        &self,
        reply: &Reply,
        declared: Option<u64>,
        limit: usize,
        end: End,
    ) -> io::Result<Then> {
        let has_length =
            ["Content-Length", "Transfer-Encoding"].iter().any(|name| reply.header(name).is_some());
        let length = match declared {
            Some(declared) => Some(declared),
            None if has_length || reply.is_bodiless() => None,
            None => Some(reply.body.len() as u64),
        };
        self.send_head(reply, length)?;
        if !self.request.is_head() && !reply.is_bodiless() {
            for piece in reply.body[..limit.min(reply.body.len())].chunks(PIECE_BYTES) {
                self.count(piece.len());
                self.write(piece)?;
            }
        }
        Ok(match end {
            End::Whole if self.request.is_last() => Then::Close,
            End::Whole => match reply.header("Connection") {
                Some(value) if value.eq_ignore_ascii_case("close") => Then::Close,
                _ => Then::Next,
            },
            End::Close => Then::Close,
            End::Silence(hold) => {
                self.shared.pause(hold);
                Then::Close
            }
        })
    }

    fn send_garbage(&self) -> io::Result<Then> {
        const GARBAGE: &[u8] = b"not a length\r\n{}\r\n0\r\n\r\n";
        self.send_head(&chunked(), None)?;
        self.count(GARBAGE.len());
        self.write(GARBAGE)?;
        Ok(Then::Close)
    }

    /// Sends until the client hangs up, which makes the write fail.
    fn send_endlessly(&self, byte: u8) -> io::Result<Then> {
        self.send_head(&chunked(), None)?;
        let mut chunk = format!("{PIECE_BYTES:x}\r\n").into_bytes();
        chunk.resize(chunk.len() + PIECE_BYTES, byte);
        chunk.extend_from_slice(b"\r\n");
        loop {
            self.count(PIECE_BYTES);
            self.write(&chunk)?;
        }
    }

    fn send_hints_endlessly(&self) -> io::Result<Then> {
        loop {
            self.send_head(&Reply::of_status(103), None)?;
            self.shared.pause(Duration::from_millis(20));
        }
    }

    /// Logs the status before sending it, so that the log is never behind the client.
    fn send_head(&self, reply: &Reply, length: Option<u64>) -> io::Result<()> {
        self.shared.note(self.ticket, |exchange| exchange.status = reply.status);
        self.write(&reply.head(length))
    }

    /// Counts body bytes before they are sent, so that the log is never behind the client.
    fn count(&self, len_bytes: usize) {
        self.shared.note(self.ticket, |exchange| exchange.body_len += len_bytes as u64);
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        (&mut &*self.stream).write_all(bytes)
    }
}

fn chunked() -> Reply {
    Reply::of_status(200).with_header("Transfer-Encoding", "chunked")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::client::{Client, End as Seen};
    use crate::{Match, Server, Times};

    const FILE: &str = "0123456789";
    /// Longer than any test runs: only dropping the server ends a wait of this length.
    const FOR_EVER: Duration = Duration::from_secs(24 * 3600);

    fn scripted(action: Action) -> (TempDir, Server) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), FILE).unwrap();
        let server = Server::serve(dir.path());
        server.on(Match::Path("a".into()), Times::Once, action);
        (dir, server)
    }

    /// The expected response to a conditional request for a file of 10 bytes.
    struct Case {
        action: Action,
        status: u16,
        declared: Option<&'static str>,
        body: &'static str,
        end: Seen,
        connection: Then,
    }

    #[test]
    fn an_action_affects_one_response_only() {
        let respond = |status, headers: &[(&str, &str)], body: &str| Action::Respond {
            status,
            headers: headers.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            body: body.into(),
        };
        let redirect = Action::Redirect { status: 302, location: "/b?c".into() };
        let stall = Action::Stall { after: 4, hold: Duration::ZERO };
        let close = Then::Close;
        #[rustfmt::skip]
        let cases = [
            Case { action: respond(503, &[("Retry-After", "7")], "busy"), status: 503,
                   declared: Some("4"), body: "busy", end: Seen::Whole, connection: Then::Next },
            Case { action: respond(200, &[("content-length", "9"), ("connection", "close")], "busy"),
                   status: 200,
                   declared: Some("9"), body: "busy", end: Seen::Closed, connection: close },
            Case { action: respond(200, &[("Connection", "close")], "busy"), status: 200,
                   declared: Some("4"), body: "busy", end: Seen::Whole, connection: close },
            Case { action: respond(204, &[], ""), status: 204,
                   declared: None, body: "", end: Seen::Whole, connection: Then::Next },
            Case { action: redirect, status: 302,
                   declared: Some("0"), body: "", end: Seen::Whole, connection: Then::Next },
            Case { action: Action::CloseAfter(4), status: 200,
                   declared: Some("10"), body: "0123", end: Seen::Closed, connection: close },
            Case { action: Action::CloseAfter(0), status: 200,
                   declared: Some("10"), body: "", end: Seen::Closed, connection: close },
            Case { action: Action::CloseAfter(99), status: 200,
                   declared: Some("10"), body: FILE, end: Seen::Whole, connection: close },
            Case { action: Action::ResetAfter(4), status: 200,
                   declared: Some("10"), body: "0123", end: Seen::Reset, connection: close },
            Case { action: stall, status: 200,
                   declared: Some("10"), body: "0123", end: Seen::Closed, connection: close },
            Case { action: Action::WrongLength { declared: 12 }, status: 200,
                   declared: Some("12"), body: FILE, end: Seen::Closed, connection: close },
            Case { action: Action::WrongLength { declared: 8 }, status: 200,
                   declared: Some("8"), body: "01234567", end: Seen::Whole, connection: close },
            Case { action: Action::Truncate(4), status: 200,
                   declared: Some("4"), body: "0123", end: Seen::Whole, connection: Then::Next },
            Case { action: Action::ReplaceBody(b"other".to_vec()), status: 200,
                   declared: Some("5"), body: "other", end: Seen::Whole, connection: Then::Next },
            Case { action: Action::Delay(Duration::ZERO), status: 304,
                   declared: None, body: "", end: Seen::Whole, connection: Then::Next },
        ];
        for case in cases {
            let name = format!("{:?}", case.action);
            let (_dir, server) = scripted(case.action);
            let mut client = Client::connect(&server);
            // The condition matches, but a fault is served even to a client that has the file.
            let answer = client.get("/a", &[("If-None-Match", "*")]).unwrap();
            assert_eq!(answer.status, case.status, "{name}");
            assert_eq!(answer.header("Content-Length"), case.declared, "{name}");
            assert_eq!(answer.text(), case.body, "{name}");

            let exchange = server.take_log().remove(0);
            assert_eq!(exchange.status, case.status, "{name}");
            // A `Content-Length` that is too short hides the bytes after it.
            let sent = if case.declared == Some("8") { FILE } else { case.body };
            assert_eq!(exchange.body_len, sent.len() as u64, "{name}");

            assert_eq!(answer.end, case.end, "{name}");
            let next = if case.connection == Then::Next {
                client.get("/a", &[]).unwrap()
            } else {
                let refused = client.get("/a", &[]);
                assert!(refused.is_err(), "{name}: the connection is closed");
                Client::connect(&server).get("/a", &[]).unwrap()
            };
            assert_eq!(next.text(), FILE, "{name}: the next response is complete");
        }
    }

    #[test]
    fn a_redirect_names_its_target_as_scripted() {
        let action = Action::Redirect { status: 307, location: "https://example.org/x".into() };
        let (_dir, server) = scripted(action);
        let answer = Client::connect(&server).get("/a", &[]).unwrap();
        assert_eq!(answer.header("Location"), Some("https://example.org/x"));
    }

    #[test]
    fn a_damaged_file_keeps_its_validators() {
        for action in [Action::Truncate(1), Action::ReplaceBody(Vec::new())] {
            let (_dir, server) = scripted(action);
            let mut client = Client::connect(&server);
            let damaged = client.get("/a", &[]).unwrap();
            let whole = client.get("/a", &[]).unwrap();
            assert_ne!(damaged.body, whole.body);
            assert_eq!(damaged.header("ETag"), whole.header("ETag"));
        }
    }

    #[test]
    fn a_missing_file_can_be_replaced() {
        let server = Server::serve("no/such/dir");
        server.on(Match::Any, Times::Once, Action::ReplaceBody(b"other".to_vec()));
        let answer = Client::connect(&server).get("/a", &[]).unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, "other"));
        assert_eq!(answer.header("ETag"), None);
    }

    #[test]
    fn a_connection_closed_without_a_response_is_logged_without_a_status() {
        let (_dir, server) = scripted(Action::CloseBeforeAnswer);
        let refused = Client::connect(&server).get("/a", &[]).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::UnexpectedEof);
        let exchange = server.take_log().remove(0);
        assert_eq!((exchange.status, exchange.body_len), (0, 0));
        assert_eq!(Client::connect(&server).get("/a", &[]).unwrap().text(), FILE);
    }

    #[test]
    fn a_dead_server_sends_no_response_until_it_is_revived() {
        let (_dir, server) = scripted(Action::Die);
        let mut kept = Client::connect(&server);
        assert_eq!(kept.get("/b", &[]).unwrap().status, 404);
        assert!(Client::connect(&server).get("/a", &[]).is_err());
        assert!(kept.get("/b", &[]).is_err());
        server.clear_rules();
        assert!(Client::connect(&server).get("/b", &[]).is_err());
        let statuses: Vec<_> = server.take_log().iter().map(|exchange| exchange.status).collect();
        assert_eq!(statuses, [404, 0, 0, 0]);

        server.revive();
        assert_eq!(Client::connect(&server).get("/a", &[]).unwrap().text(), FILE);
    }

    #[test]
    fn a_stalled_response_is_logged_and_ends_with_the_server() {
        let (_dir, server) = scripted(Action::Stall { after: 4, hold: FOR_EVER });
        let mut client = Client::connect(&server);
        client.send("GET", "/a", &[]).unwrap();
        assert_eq!(client.read_head().unwrap().status, 200);
        assert_eq!(client.read_some(4).unwrap(), b"0123");
        assert_eq!(server.take_log()[0].body_len, 4);
        drop(server);
        assert_eq!(client.read_some(1).unwrap(), b"");
    }

    #[test]
    fn a_delay_affects_one_request_and_ends_with_the_server() {
        let (_dir, server) = scripted(Action::Delay(FOR_EVER));
        let mut delayed = Client::connect(&server);
        delayed.send("GET", "/a", &[]).unwrap();
        let answer = Client::connect(&server).get("/b", &[]).unwrap();
        assert_eq!(answer.status, 404);
        drop(server);
    }

    #[test]
    fn a_chunked_response_can_be_invalid() {
        let (_dir, server) = scripted(Action::ChunkedGarbage);
        let mut client = Client::connect(&server);
        client.send("GET", "/a", &[]).unwrap();
        let head = client.read_head().unwrap();
        assert_eq!(head.header("Transfer-Encoding"), Some("chunked"));
        assert_eq!(head.header("Content-Length"), None);
        let line = client.read_line().unwrap();
        assert!(usize::from_str_radix(&line, 16).is_err(), "{line}");
    }

    #[test]
    fn an_endless_response_ends_with_the_client_or_the_server() {
        let (_dir, server) = scripted(Action::Endless { byte: b'x' });
        server.on(Match::Path("a".into()), Times::Once, Action::Endless { byte: b'x' });
        for _ in 0..2 {
            let mut client = Client::connect(&server);
            client.send("GET", "/a", &[]).unwrap();
            client.read_head().unwrap();
            let mut received = 0;
            while received < 3 * PIECE_BYTES as u64 {
                let len_bytes = usize::from_str_radix(&client.read_line().unwrap(), 16).unwrap();
                assert!(client.read_some(len_bytes).unwrap().iter().all(|byte| *byte == b'x'));
                assert_eq!(client.read_line().unwrap(), "");
                received += len_bytes as u64;
            }
            assert!(server.take_log()[0].body_len >= received);
        }
        drop(server);
    }

    #[test]
    fn a_connection_is_kept_alive_until_the_client_closes_it() {
        let (_dir, server) = scripted(Action::Delay(Duration::ZERO));
        let mut client = Client::connect(&server);
        for _ in 0..3 {
            assert_eq!(client.get("/a", &[]).unwrap().text(), FILE);
        }
        assert_eq!(client.get("/a", &[("Connection", "close")]).unwrap().text(), FILE);
        assert!(client.get("/a", &[]).is_err());
        assert!(server.take_log().iter().all(|exchange| exchange.connection == 0));
    }

    #[test]
    fn an_invalid_request_is_answered_with_400() {
        let server = Server::serve("no/such/dir");
        let mut client = Client::connect(&server);
        assert_eq!(client.request("GET /", "/", &[]).unwrap().status, 400);
        assert!(server.take_log().is_empty());
    }
}
