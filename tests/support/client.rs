//! A plain HTTP client for tests of the server. It exposes faults instead of hiding them.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::Server;
use crate::exchange::find_header;

/// The end of a response body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Whole,
    Closed,
    Reset,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find_header(&self.headers, name)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One connection.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(server: &Server) -> Client {
        let url = server.url();
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("not zero");
        Client { stream: BufReader::new(stream) }
    }

    pub(crate) fn get(&mut self, target: &str, headers: &[(&str, &str)]) -> io::Result<Answer> {
        self.request("GET", target, headers)
    }

    pub(crate) fn request(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> io::Result<Answer> {
        self.send(method, target, headers)?;
        let mut answer = self.read_head()?;
        if method != "HEAD"
            && let Some(length) = answer.header("Content-Length").and_then(|l| l.parse().ok())
        {
            let read = (&mut self.stream).take(length).read_to_end(&mut answer.body);
            answer.end = match read {
                Err(error) if error.kind() == ErrorKind::ConnectionReset => End::Reset,
                Err(error) => return Err(error),
                Ok(_) if (answer.body.len() as u64) < length => End::Closed,
                Ok(_) => End::Whole,
            };
        }
        Ok(answer)
    }

    pub(crate) fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> io::Result<()> {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: test\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.stream.get_mut().write_all(head.as_bytes())
    }

    pub(crate) fn read_head(&mut self) -> io::Result<Answer> {
        let first = self.read_line()?;
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or(ErrorKind::UnexpectedEof)?;
        let mut headers = Vec::new();
        loop {
            let line = self.read_line()?;
            match line.split_once(": ") {
                Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
                None => {
                    return Ok(Answer { status, headers, body: Vec::new(), end: End::Whole });
                }
            }
        }
    }

    /// Returns a line without its end; empty at the end of the stream.
    pub(crate) fn read_line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// Returns at most `len_bytes` bytes; fewer only at the end of the stream.
    pub(crate) fn read_some(&mut self, len_bytes: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        (&mut self.stream).take(len_bytes as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}
