//! A whole update against responses that the input describes.
//!
//! An input consists of parts, separated by lines `====`:
//!
//! | part | contains |
//! |---|---|
//! | 1 | one byte per response, see [`Twist`]; further responses are ordinary |
//! | 2 | the head; if empty, it is generated from the manifest |
//! | 3 | the manifest, with `@0` to `@9` for the digests of the files |
//! | 4 | the pack |
//! | others | the files |

use std::io::{self, Read};
use std::path::Path;
use std::sync::Mutex;

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result, Retry};
use crate::net::address::Address;
use crate::net::transport::{Request, Response, Transport};
use crate::source::Source;
use crate::store::Store;
use crate::testing::TestClock;
use crate::update::plan::MassDelete;
use crate::update::report::Report;
use crate::update::{Rollback, Updater};

/// Number of parts before the files.
const FIXED_PARTS: usize = 4;

/// The state of the store before the update.
const BEFORE: &[u8] =
    b"\n====\n\n====\n{\"a\":{\"url\":\"a.json\",\"sha\":\"@0\"}}\n====\n\n====\n{\"A\":{}}\n";

/// After any update, all files of the store match the current manifest, nothing else was written,
/// and a further update without faults succeeds.
pub fn update(data: &[u8], dir: &Path) {
    let store = Store::new(dir.join("store"));
    run_without_faults(&store);
    let before = manifest_of(&store);
    let outcome = run(data, &store);
    let names: Vec<_> = std::fs::read_dir(dir).expect("a directory").flatten().collect();
    assert_eq!(names.len(), 1, "written outside the store: {names:?}");
    for verified in store.verify().expect("the store can be read") {
        assert!(verified.is_intact(), "{verified:?}");
    }
    let after = manifest_of(&store);
    if outcome.is_err() {
        assert_eq!(after, before, "a failed update changed the store");
    }
    let catalog = store.catalog().expect("the catalog can be read");
    assert!(outcome.is_ok() || catalog.definition("A").is_some());
    // The store is usable after any failure.
    run_without_faults(&store);
}

fn run_without_faults(store: &Store) {
    let report = run(BEFORE, store).expect("the responses are valid");
    assert!(report.failed.is_empty(), "{report:?}");
}

fn manifest_of(store: &Store) -> Option<Digest> {
    let status = store.source_status(&Default::default()).expect("the store can be read");
    status.current.and_then(|current| current.manifest)
}

fn run(data: &[u8], store: &Store) -> Result<Report> {
    let source: Source = "http://h.example/".parse()?;
    let transport = ScriptedTransport::new(data);
    let clock = TestClock::new();
    let updater = Updater::new(store).transport(&transport).clock(&clock);
    updater.mass_delete(MassDelete::Allow).rollback(Rollback::Allow).run(&source)
}

/// A transport that responds with the parts of an input.
struct ScriptedTransport {
    twists: Mutex<std::vec::IntoIter<u8>>,
    head: Vec<u8>,
    manifest: Vec<u8>,
    pack: Vec<u8>,
    files: Vec<Vec<u8>>,
}

impl ScriptedTransport {
    fn new(data: &[u8]) -> ScriptedTransport {
        let mut parts = Vec::new();
        let mut rest = data;
        loop {
            let (part, after) = super::halves(rest);
            parts.push(part.to_vec());
            if part.len() == rest.len() {
                break;
            }
            rest = after;
        }
        parts.resize(parts.len().max(FIXED_PARTS), Vec::new());
        let files = parts.split_off(FIXED_PARTS);
        let [twists, mut head, manifest, pack] =
            <[Vec<u8>; FIXED_PARTS]>::try_from(parts).expect("the length was set above");
        let mut text = manifest;
        for (n, file) in files.iter().enumerate().take(10) {
            text = replace(&text, format!("@{n}").as_bytes(), Digest::of(file).to_string());
        }
        if head.is_empty() {
            let pack_line = format!("# pack empty {}\n", pack.len());
            let pack_line = if pack.is_empty() { "" } else { &*pack_line };
            head = format!("{}  root.json\n{pack_line}", Digest::of(&text)).into_bytes();
        }
        ScriptedTransport {
            twists: Mutex::new(twists.into_iter()),
            head,
            manifest: text,
            pack,
            files,
        }
    }

    fn body(&self, path: &str) -> Option<&[u8]> {
        match path {
            "/root.sha" => Some(&self.head),
            "/root.json" => Some(&self.manifest),
            _ if path.starts_with("/packs/") => Some(&self.pack),
            _ => {
                let digest = path.rsplit('/').next()?.parse::<Digest>().ok();
                let sum = path.bytes().map(usize::from).sum::<usize>();
                let named = self.files.get(sum % self.files.len().max(1));
                let with_digest =
                    |digest| self.files.iter().find(|file| Digest::of(file) == digest);
                digest.map_or(named, with_digest).map(Vec::as_slice)
            }
        }
    }
}

fn replace(text: &[u8], from: &[u8], to: String) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with(from) {
            out.extend_from_slice(to.as_bytes());
            at += from.len();
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
    out
}

/// A change of a response, by one byte of the input.
struct Twist(u8);

impl Twist {
    fn apply(&self, mut response: Response) -> Result<Response> {
        let low = self.0 & 0xf;
        match self.0 >> 4 {
            1 => {
                response.status =
                    [301, 302, 304, 206, 403, 404, 410, 416, 429, 500, 503, 100, 999, 0, 204, 401]
                        [usize::from(low)];
            }
            2 => response.location = Some("/elsewhere".into()),
            3 => {
                response.retry_after =
                    Some(["0", "1", "99999999999", "x"][usize::from(low % 4)].into());
            }
            4 => response.encoding = Some(["gzip", "br"][usize::from(low % 2)].into()),
            5 => response.length = Some(u64::from(low) << (low * 4)),
            6 => response.content_range = Some("bytes 1-2/3".into()),
            7 => {
                response.body =
                    Box::new(Broken { inner: response.body, left_bytes: u64::from(low) * 16 });
            }
            8 => response.body = Box::new(io::repeat(low).take(u64::from(low) << 16)),
            9 => {
                return Err(Error::new(ErrorKind::Transport, "reset").with_retry(Retry::Soon));
            }
            10 => {
                response.status = 302;
                response.location = Some(
                    ["/root.sha", "http://h2.example/", "file:///etc/passwd", "//", "\0"]
                        [usize::from(low % 5)]
                    .into(),
                );
            }
            _ => {}
        }
        Ok(response)
    }
}

impl Transport for ScriptedTransport {
    fn get(&self, request: &Request<'_>) -> Result<Response> {
        let Address::Http(address) = request.address else {
            panic!("asked for a file: {}", request.address);
        };
        let url = address.url();
        let path = url.splitn(4, '/').nth(3).map_or("/".into(), |path| format!("/{path}"));
        let response = match self.body(&path) {
            Some(body) => Response::new(200, Box::new(io::Cursor::new(body.to_vec()))),
            None => Response::new(404, Box::new(io::empty())),
        };
        let twist = self.twists.lock().ok().and_then(|mut twists| twists.next());
        Twist(twist.unwrap_or_default()).apply(response)
    }
}

/// A body that fails after `left_bytes` bytes.
struct Broken {
    inner: Box<dyn Read + Send>,
    left_bytes: u64,
}

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left_bytes == 0 {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let most = buffer.len().min(usize::try_from(self.left_bytes).unwrap_or(usize::MAX));
        let n = self.inner.read(&mut buffer[..most])?;
        self.left_bytes -= n as u64;
        Ok(n)
    }
}
