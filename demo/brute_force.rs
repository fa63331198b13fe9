//! The alternative without rockon-sync: fetches the list and every file, each time.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rockon_sync_tests::Server;
use serde_json::{Map, Value};

use crate::Result;
use crate::cost::Cost;

/// The longest read, so that a broken demo fails instead of hanging.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Fetches everything from a server of a v1 tree, one file after the other over one connection.
/// Without a store it gives up at the first failure and keeps nothing.
///
/// `cost` is the cost so far, even after a failure.
pub(crate) fn fetch_all(server: &Server, cost: &mut Cost) -> Result<()> {
    let mut connection = Connection::open(server)?;
    let list = connection.get("root.json", cost)?;
    let list: Map<String, Value> = serde_json::from_slice(&list)?;
    for file in list.values() {
        let file = file.as_str().ok_or("root.json: expected file names")?;
        connection.get(file, cost)?;
    }
    Ok(())
}

/// One kept-alive connection.
struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Connection {
    fn open(server: &Server) -> Result<Connection> {
        let url = server.url();
        let host = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let stream = TcpStream::connect(&host)?;
        stream.set_read_timeout(Some(READ_TIMEOUT))?;
        Ok(Connection { stream: BufReader::new(stream), host })
    }

    fn get(&mut self, file: &str, cost: &mut Cost) -> Result<Vec<u8>> {
        let request = format!("GET /{file} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host);
        self.stream.get_mut().write_all(request.as_bytes())?;
        cost.requests += 1;
        let status = self.read_line()?;
        let mut length: Option<u64> = None;
        loop {
            let line = self.read_line()?;
            match line.split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = Some(value.trim().parse()?);
                }
                Some(_) => {}
                None => break,
            }
        }
        let length = length.ok_or("response without Content-Length")?;
        let mut body = Vec::new();
        let read = (&mut self.stream).take(length).read_to_end(&mut body);
        cost.bytes += body.len() as u64;
        read?;
        if !status.contains(" 200 ") {
            return Err(format!("{file}: {status}").into());
        }
        if (body.len() as u64) < length {
            return Err(cut_off());
        }
        Ok(body)
    }

    /// Returns a line without its end; an empty one ends the headers.
    fn read_line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(cut_off());
        }
        Ok(line.trim_end().to_owned())
    }
}

fn cut_off() -> Box<dyn std::error::Error> {
    std::io::Error::from(ErrorKind::UnexpectedEof).into()
}
