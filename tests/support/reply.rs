//! The ordinary response: a file below the root, with its validators.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::date;
use crate::exchange::find_header;
use crate::request::Request;

/// A complete response, before any scripted fault is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// Returns a response without headers and body.
    pub(crate) fn of_status(status: u16) -> Reply {
        Reply { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn with_header(mut self, name: &str, value: impl Into<String>) -> Reply {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// True if responses with this status have no body.
    pub(crate) fn is_bodiless(&self) -> bool {
        matches!(self.status, 100..=199 | 204 | 304)
    }

    /// Returns the first header with this name, in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find_header(&self.headers, name)
    }

    /// Returns the bytes before the body. `None` adds no `Content-Length`.
    pub(crate) fn head(&self, length: Option<u64>) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(length) = length {
            head.push_str(&format!("Content-Length: {length}\r\n"));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}

/// The validators that answers have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validators {
    TagAndTime,
    Time,
    Absent,
}

/// A served directory and its options.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) root: PathBuf,
    pub(crate) validators: Validators,
    pub(crate) has_gzip: bool,
}

impl Site {
    /// Returns the ordinary response: the file, the requested part of it, or 304.
    pub(crate) fn answer(&self, request: &Request) -> Reply {
        let mut reply = self.answer_in_full(request, |_| {});
        if reply.status == 200 && is_known(request, &reply) {
            reply.status = 304;
            reply.body.clear();
            reply.headers.retain(|(name, _)| name != "Content-Encoding");
        }
        if reply.status == 200
            && let Some(from) = rest_wanted(request)
        {
            return only_rest(reply, from);
        }
        reply
    }

    /// Returns the complete file, even to a conditional request. `edit` is applied before
    /// compression.
    pub(crate) fn answer_in_full(
        &self,
        request: &Request,
        edit: impl FnOnce(&mut Vec<u8>),
    ) -> Reply {
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Reply::of_status(405).with_header("Allow", "GET, HEAD");
        }
        // Refused instead of resolved: a correct client never sends this.
        if request.path.split(['/', '\\']).any(|segment| segment == "..") {
            return Reply::of_status(403);
        }
        // `join` with an absolute path would replace the root.
        if request.path.starts_with('/') {
            return Reply::of_status(404);
        }
        let file = self.root.join(&request.path);
        let (Ok(mut body), Ok(metadata)) = (fs::read(&file), fs::metadata(&file)) else {
            return Reply::of_status(404);
        };
        let tag = content_tag(&body);
        edit(&mut body);

        let mut reply = Reply::of_status(200);
        let is_gzip = self.has_gzip && accepts_gzip(request);
        if self.validators != Validators::Absent {
            let modified_s = metadata
                .modified()
                .ok()
                .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
                .map_or(0, |age| age.as_secs());
            // The compressed form is a different representation, so its strong tag must differ.
            let suffix = if is_gzip { "-gzip" } else { "" };
            if self.validators == Validators::TagAndTime {
                reply = reply.with_header("ETag", format!("\"{tag}{suffix}\""));
            }
            reply = reply.with_header("Last-Modified", date::format(modified_s));
        }
        if self.has_gzip {
            reply = reply.with_header("Vary", "Accept-Encoding");
        }
        if is_gzip {
            reply = reply.with_header("Content-Encoding", "gzip");
            body = gzipped(&body);
        }
        reply.body = body;
        reply
    }
}

/// True if the client's conditions match the reply (RFC 9110, section 13.2.2: if there is a tag, it
/// alone decides).
fn is_known(request: &Request, reply: &Reply) -> bool {
    if let Some(known) = request.header("If-None-Match") {
        return reply.header("ETag").is_some_and(|tag| {
            known
                .split(',')
                .map(str::trim)
                .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
        });
    }
    let since = request.header("If-Modified-Since").and_then(date::parse);
    let modified = reply.header("Last-Modified").and_then(date::parse);
    matches!((since, modified), (Some(since), Some(modified)) if modified <= since)
}

/// Returns the start of an open-ended range, the only form supported (RFC 9110, section 14.1).
fn rest_wanted(request: &Request) -> Option<usize> {
    request.header("Range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
}

fn only_rest(mut reply: Reply, from: usize) -> Reply {
    let len = reply.body.len();
    if from >= len {
        return Reply::of_status(416).with_header("Content-Range", format!("bytes */{len}"));
    }
    reply.status = 206;
    reply.body.drain(..from);
    reply.with_header("Content-Range", format!("bytes {from}-{}/{len}", len - 1))
}

fn accepts_gzip(request: &Request) -> bool {
    let accepted = request.header("Accept-Encoding").unwrap_or_default();
    accepted.split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip") && weight.trim() != "q=0"
    })
}

fn content_tag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("writing to memory cannot fail")
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Scripted",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use tempfile::TempDir;

    use super::*;
    use crate::Server;
    use crate::client::{Answer, Client};

    fn files_dir() -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        fs::write(dir.path().join("a.json"), "{\"a\": 1}\n").unwrap();
        fs::write(dir.path().join("sub/b c.json"), "{}\n").unwrap();
        dir
    }

    fn get(server: &Server, target: &str, headers: &[(&str, &str)]) -> Answer {
        Client::connect(server).get(target, headers).unwrap()
    }

    #[test]
    fn a_range_request_gets_the_rest_of_a_file() {
        let dir = files_dir();
        let server = Server::serve(dir.path());
        for (range, status, body, header) in [
            ("bytes=5-", 206, " 1}\n", Some("bytes 5-8/9")),
            ("bytes=0-", 206, "{\"a\": 1}\n", Some("bytes 0-8/9")),
            ("bytes=9-", 416, "", Some("bytes */9")),
            ("bytes=-3", 200, "{\"a\": 1}\n", None),
        ] {
            let answer = get(&server, "/a.json", &[("Range", range)]);
            assert_eq!((answer.status, &*answer.text()), (status, body), "{range}");
            assert_eq!(answer.header("Content-Range"), header, "{range}");
        }
    }

    #[test]
    fn files_are_found_by_their_decoded_path_without_the_query() {
        let dir = files_dir();
        let server = Server::serve(dir.path());
        for (target, status, body) in [
            ("/a.json", 200, "{\"a\": 1}\n"),
            ("/a.json?x=1", 200, "{\"a\": 1}\n"),
            ("/sub/b%20c.json", 200, "{}\n"),
            ("/missing.json", 404, ""),
            ("/sub", 404, ""),
            ("/", 404, ""),
            ("//etc/passwd", 404, ""),
            ("/%2fetc/passwd", 404, ""),
            ("/sub/../a.json", 403, ""),
            ("/sub/%2e%2e/a.json", 403, ""),
            ("/sub%5c..%5ca.json", 403, ""),
        ] {
            let answer = get(&server, target, &[]);
            assert_eq!((answer.status, answer.text().as_str()), (status, body), "{target}");
        }
        let log = server.take_log();
        assert_eq!(log[1].target, "/a.json?x=1");
        assert_eq!(log[1].path, "a.json");
        assert_eq!(log[2].path, "sub/b c.json");
    }

    #[cfg(unix)]
    #[test]
    fn files_are_served_through_symbolic_links() {
        let dir = files_dir();
        std::os::unix::fs::symlink("sub", dir.path().join("current")).unwrap();
        let server = Server::serve(dir.path().join("current"));
        assert_eq!(get(&server, "/b%20c.json", &[]).status, 200);
        server.set_root(dir.path());
        assert_eq!(get(&server, "/current/b%20c.json", &[]).status, 200);
        assert_eq!(get(&server, "/a.json", &[]).status, 200);
    }

    #[test]
    fn a_conditional_request_for_an_unchanged_file_gets_304() {
        let dir = files_dir();
        let server = Server::serve(dir.path());
        let first = get(&server, "/a.json", &[]);
        let tag = first.header("ETag").unwrap();
        let modified = first.header("Last-Modified").unwrap();
        let weak = format!("W/{tag}");
        let list = format!("\"other\", {tag}");
        let past = "Thu, 01 Jan 1970 00:00:00 GMT";
        let cases: [(&[(&str, &str)], u16); 9] = [
            (&[("If-None-Match", tag)], 304),
            (&[("if-none-match", &weak)], 304),
            (&[("If-None-Match", &list)], 304),
            (&[("If-None-Match", "*")], 304),
            (&[("If-None-Match", "\"other\"")], 200),
            (&[("If-Modified-Since", modified)], 304),
            (&[("If-Modified-Since", past)], 200),
            (&[("If-None-Match", "\"other\""), ("If-Modified-Since", modified)], 200),
            (&[("If-None-Match", tag), ("If-Modified-Since", past)], 304),
        ];
        server.take_log();
        for (headers, status) in cases {
            let answer = get(&server, "/a.json", headers);
            assert_eq!(answer.status, status, "{headers:?}");
            assert_eq!(answer.header("ETag"), Some(tag), "{headers:?}");
            let exchange = server.take_log().remove(0);
            assert_eq!(exchange.status, status, "{headers:?}");
            assert_eq!(exchange.body_len, if status == 200 { 9 } else { 0 }, "{headers:?}");
        }
    }

    #[test]
    fn a_tag_depends_on_the_content() {
        let dir = files_dir();
        let server = Server::serve(dir.path());
        let first = get(&server, "/a.json", &[]);
        let tag = first.header("ETag").unwrap();
        fs::write(dir.path().join("a.json"), "{\"a\": 2}\n").unwrap();
        let second = get(&server, "/a.json", &[("If-None-Match", tag)]);
        assert_eq!(second.status, 200);
        assert_ne!(second.header("ETag"), Some(tag));
    }

    #[test]
    fn without_validators_every_response_is_complete() {
        let dir = files_dir();
        let server = Server::serve(dir.path()).without_validators();
        let headers =
            [("If-None-Match", "*"), ("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT")];
        let answer = get(&server, "/a.json", &headers);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ETag"), None);
        assert_eq!(answer.header("Last-Modified"), None);
    }

    #[test]
    fn gzip_is_used_only_on_request() {
        let dir = files_dir();
        let server = Server::serve(dir.path()).with_gzip();
        let plain = get(&server, "/a.json", &[]);
        assert_eq!(plain.header("Content-Encoding"), None);
        let refused = get(&server, "/a.json", &[("Accept-Encoding", "br, gzip;q=0")]);
        assert_eq!(refused, plain);

        let asked = ("Accept-Encoding", "deflate, gzip;q=0.5");
        let packed = get(&server, "/a.json", &[asked]);
        assert_eq!(packed.header("Content-Encoding"), Some("gzip"));
        let mut text = String::new();
        GzDecoder::new(&packed.body[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text, plain.text());
        assert_ne!(packed.header("ETag"), plain.header("ETag"));

        let tag = packed.header("ETag").unwrap();
        assert_eq!(get(&server, "/a.json", &[asked, ("If-None-Match", tag)]).status, 304);
        assert_eq!(get(&server, "/a.json", &[("If-None-Match", tag)]).status, 200);
        assert_eq!(server.take_log()[2].body_len, packed.body.len() as u64);
    }
}
