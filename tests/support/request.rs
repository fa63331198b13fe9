//! A parsed HTTP request.

use std::io::{self, ErrorKind, Read};
use std::net::TcpStream;

use crate::exchange::find_header;

/// The longest accepted head. Clients under test send far shorter ones.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The head of one request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    /// The decoded path without its leading slash. Invalid escapes are kept as they are.
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    is_http_1_0: bool,
}

impl Request {
    /// Reads the next request; `None` if the client has hung up.
    ///
    /// The last byte of the head stays in the socket until [`Request::finish`]: closing a socket
    /// with unread bytes resets its connection, which the standard library cannot do otherwise.
    ///
    /// # Errors
    ///
    /// `InvalidData` if the request cannot be parsed, or the socket's error.
    pub(crate) fn read(stream: &TcpStream) -> io::Result<Option<Request>> {
        match read_head(stream)? {
            None => Ok(None),
            Some(head) => match parse(&head) {
                Some(request) => Ok(Some(request)),
                None => Err(ErrorKind::InvalidData.into()),
            },
        }
    }

    /// Reads the rest of the request, so that the connection can be reused or closed without a
    /// reset.
    ///
    /// # Errors
    ///
    /// The socket's error.
    pub(crate) fn finish(&self, stream: &TcpStream) -> io::Result<()> {
        let body_len = self
            .header("Content-Length")
            .and_then(|length| length.parse::<u64>().ok())
            .unwrap_or(0);
        io::copy(&mut stream.take(body_len.saturating_add(1)), &mut io::sink())?;
        Ok(())
    }

    /// Returns the first header with this name, in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find_header(&self.headers, name)
    }

    /// True if the client asks for headers only.
    pub(crate) fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    /// True if the client will close this connection.
    pub(crate) fn is_last(&self) -> bool {
        match self.header("Connection") {
            Some(value) => value.eq_ignore_ascii_case("close"),
            None => self.is_http_1_0,
        }
    }
}

/// Returns everything before the empty line. Leaves the last byte of that line in the socket.
fn read_head(mut stream: &TcpStream) -> io::Result<Option<Vec<u8>>> {
    const END: &[u8] = b"\r\n\r\n";
    let mut head = Vec::new();
    let mut window = [0; 4096];
    while head.len() < MAX_HEAD_BYTES {
        let seen = stream.peek(&mut window)?;
        if seen == 0 {
            return if head.is_empty() { Ok(None) } else { Err(ErrorKind::UnexpectedEof.into()) };
        }
        let before = head.len();
        head.extend_from_slice(&window[..seen]);
        let end = head.windows(END.len()).position(|bytes| bytes == END);
        // The end is new in this read, so at least its last byte is.
        let used = end.map_or(seen, |end| end + END.len() - 1 - before);
        stream.read_exact(&mut window[..used])?;
        if let Some(end) = end {
            head.truncate(end);
            return Ok(Some(head));
        }
    }
    Err(ErrorKind::InvalidData.into())
}

fn parse(head: &[u8]) -> Option<Request> {
    let mut lines = std::str::from_utf8(head).ok()?.split("\r\n");
    let mut words = lines.next()?.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() || !version.starts_with("HTTP/1.") {
        return None;
    }
    let headers = lines
        .map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_owned(), value.trim().to_owned()))
        })
        .collect::<Option<Vec<_>>>()?;
    Some(Request {
        method: method.to_owned(),
        target: target.to_owned(),
        path: path_of(target),
        headers,
        is_http_1_0: version == "HTTP/1.0",
    })
}

fn path_of(target: &str) -> String {
    // Clients behind a proxy send the whole URL.
    let target = match target.strip_prefix("http://") {
        Some(rest) => rest.find('/').map_or("", |slash| &rest[slash..]),
        None => target,
    };
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let path = path.strip_prefix('/').unwrap_or(path);
    percent_decoded(path).unwrap_or_else(|| path.to_owned())
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            let value = digit()? * 16 + digit()?;
            decoded.push(u8::try_from(value).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decoded_and_lose_their_query() {
        for (target, path) in [
            ("/", ""),
            ("/a/b.json", "a/b.json"),
            ("/a%20b/%C3%A4.json?x=%20", "a b/ä.json"),
            ("/a?b=/c#d", "a"),
            ("/%2e%2E/a", "../a"),
            ("http://example.org/a.json?b", "a.json"),
            ("http://example.org", ""),
            ("/100%", "100%"),
            ("/%zz", "%zz"),
            ("/%ff", "%ff"),
        ] {
            assert_eq!(path_of(target), path, "{target}");
        }
    }

    #[test]
    fn invalid_requests_are_refused() {
        for head in ["", "GET /", "GET / FTP/1.0", "GET / b HTTP/1.1", "GET / HTTP/1.1\r\nno colon"]
        {
            assert!(parse(head.as_bytes()).is_none(), "{head}");
        }
    }

    #[test]
    fn connections_are_kept_alive_by_default() {
        for (head, is_last) in [
            ("GET / HTTP/1.1", false),
            ("GET / HTTP/1.1\r\nconnection: Close", true),
            ("GET / HTTP/1.0", true),
            ("GET / HTTP/1.0\r\nConnection: keep-alive", false),
        ] {
            let request = parse(head.as_bytes()).expect("the head is valid");
            assert_eq!(request.is_last(), is_last, "{head}");
        }
    }
}
