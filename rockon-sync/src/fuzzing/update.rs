//! A whole update against answers made up from the input.
//!
//! An input is a text of parts, with a line `====` between two of them:
//!
//! | part | what it is |
//! |---|---|
//! | 1 | one byte for each answer, see [`Twist`]; beyond its end answers are ordinary |
//! | 2 | the head; an empty one is made up from the manifest |
//! | 3 | the manifest, in which `@0` to `@9` stand for the digests of the files |
//! | 4 | the pack |
//! | others | the files |

use std::io::{self, Read};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result, Retry};
use crate::base::time::Clock;
use crate::net::address::Address;
use crate::net::transport::{Request, Response, Transport};
use crate::source::Source;
use crate::store::Store;
use crate::update::plan::MassDelete;
use crate::update::report::Report;
use crate::update::{Rollback, Updater};

/// The parts in front of the files.
const FIXED_PARTS: usize = 4;

/// What the store holds before.
const BEFORE: &[u8] =
    b"\n====\n\n====\n{\"a\":{\"url\":\"a.json\",\"sha\":\"@0\"}}\n====\n\n====\n{\"A\":{}}\n";

/// After an update of any kind, every file of the store is what the manifest held says,
/// nothing else was written, and a further update without faults works.
pub fn update(data: &[u8], dir: &Path) {
    let store = Store::new(dir.join("store"));
    run_well(&store);
    let before = manifest_of(&store);
    let outcome = run(data, &store);
    let names: Vec<_> = std::fs::read_dir(dir).expect("a directory").flatten().collect();
    assert_eq!(names.len(), 1, "something was written outside: {names:?}");
    for verified in store.verify().expect("the store can be read") {
        assert!(verified.is_intact(), "{verified:?}");
    }
    let after = manifest_of(&store);
    if outcome.is_err() {
        assert_eq!(after, before, "a failed update left something else");
    }
    let catalog = store.catalog().expect("the catalog can be read");
    assert!(outcome.is_ok() || catalog.definition("A").is_some());
    // Whatever happened, the store is not wedged.
    run_well(&store);
}

fn run_well(store: &Store) {
    let report = run(BEFORE, store).expect("the answers are good");
    assert!(report.failed.is_empty(), "{report:?}");
}

fn manifest_of(store: &Store) -> Option<Digest> {
    let status = store.source_status(&Default::default()).expect("the store can be read");
    status.current.and_then(|held| held.manifest)
}

fn run(data: &[u8], store: &Store) -> Result<Report> {
    let source: Source = "http://h.example/".parse()?;
    let script = Script::new(data);
    let clock = FastClock::new();
    let updater = Updater::new(store).transport(&script).clock(&clock);
    updater.mass_delete(MassDelete::Allow).rollback(Rollback::Allow).run(&source)
}

/// Answers from the parts of an input.
struct Script {
    twists: Mutex<std::vec::IntoIter<u8>>,
    head: Vec<u8>,
    manifest: Vec<u8>,
    pack: Vec<u8>,
    files: Vec<Vec<u8>>,
}

impl Script {
    fn new(data: &[u8]) -> Script {
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
            <[Vec<u8>; FIXED_PARTS]>::try_from(parts).expect("it was made as long");
        let mut text = manifest;
        for (n, file) in files.iter().enumerate().take(10) {
            text = replace(&text, format!("@{n}").as_bytes(), Digest::of(file).to_string());
        }
        if head.is_empty() {
            let pack_line = format!("# pack empty {}\n", pack.len());
            let pack_line = if pack.is_empty() { "" } else { &*pack_line };
            head = format!("{}  root.json\n{pack_line}", Digest::of(&text)).into_bytes();
        }
        Script { twists: Mutex::new(twists.into_iter()), head, manifest: text, pack, files }
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

/// What is unusual about an answer.
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
                    Box::new(Broken { inner: response.body, left: u64::from(low) * 16 });
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

impl Transport for Script {
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

/// A body that breaks after so many bytes.
struct Broken {
    inner: Box<dyn Read + Send>,
    left: u64,
}

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let n = self.inner.read(&mut buffer[..most])?;
        self.left -= n as u64;
        Ok(n)
    }
}

/// A clock that waits in no time.
struct FastClock {
    start: Instant,
    slept: Mutex<Duration>,
}

#[expect(clippy::disallowed_methods, reason = "an Instant cannot be made up")]
impl FastClock {
    fn new() -> FastClock {
        FastClock { start: Instant::now(), slept: Mutex::default() }
    }

    fn slept(&self) -> Duration {
        self.slept.lock().map(|slept| *slept).unwrap_or_default()
    }
}

impl Clock for FastClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_795_316_645) + self.slept()
    }

    fn monotonic(&self) -> Instant {
        self.start + self.slept()
    }

    fn sleep(&self, duration: Duration) {
        if let Ok(mut slept) = self.slept.lock() {
            *slept += duration;
        }
    }
}
