//! Publishing to a bucket, against a real implementation of S3, which tests/s3/provide.sh installs.

#![allow(clippy::disallowed_methods, reason = "tests may look at paths")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

const BUCKET: &str = "rockons";
const SECRET: &str = "wJalrXUtnFEMI-secret";

/// A store with an empty bucket. It ends when it is dropped.
struct S3 {
    server: Child,
    port: String,
}

/// The contents of a bucket by key: bytes, media type and cache control.
type Contents = BTreeMap<String, (Vec<u8>, String, String)>;

impl S3 {
    fn start() -> S3 {
        let python = std::env::var("ROCKON_SYNC_S3_PYTHON")
            .expect("set it to what tests/s3/provide.sh prints");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/s3/server.py");
        let mut server = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut port).unwrap();
        S3 { server, port: port.trim().to_owned() }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn ask(&self, method: &str, target: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{}", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        write!(stream, "{method} {target} HTTP/1.0\r\nContent-Length: 0\r\n\r\n").unwrap();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).unwrap();
        let body = response.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        response.split_off(body)
    }

    /// Refuses the nth request from now on; 0 refuses none. Returns the number of requests since
    /// the last call.
    fn refuse(&self, nth: usize) -> usize {
        let answer = self.ask("PUT", &format!("/_refuse?nth={nth}"));
        String::from_utf8(answer).unwrap().parse().unwrap()
    }

    /// Returns the files below a prefix.
    fn contents(&self, prefix: &str) -> Contents {
        let all: BTreeMap<String, (String, Option<String>, Option<String>)> =
            serde_json::from_slice(&self.ask("GET", "/_dump")).unwrap();
        let below = all.into_iter().filter_map(|(key, (hex, kind, cache))| {
            let path = key.strip_prefix(&format!("{prefix}/"))?.to_owned();
            let bytes = hex::decode(hex).unwrap();
            Some((path, (bytes, kind.unwrap_or_default(), cache.unwrap_or_default())))
        });
        below.collect()
    }

    fn bytes(&self, prefix: &str) -> BTreeMap<String, Vec<u8>> {
        self.contents(prefix).into_iter().map(|(path, (bytes, ..))| (path, bytes)).collect()
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A directory with a catalog, a tree and a store.
struct Place {
    dir: TempDir,
    /// The URL of the S3 implementation.
    endpoint: String,
}

impl Place {
    fn new(endpoint: &str) -> Place {
        let place = Place { dir: tempfile::tempdir().unwrap(), endpoint: endpoint.to_owned() };
        fs::create_dir(place.path("catalog")).unwrap();
        place.write(&[("a", 1), ("b", 1), ("c", 1)]);
        place
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.dir.path().join(relative)
    }

    /// Writes a catalog of definitions with these versions.
    fn write(&self, definitions: &[(&str, usize)]) {
        let mut rows = BTreeMap::new();
        for (name, version) in definitions {
            let file = format!("{name}.json");
            let text = format!(
                "{{\"{name}\": {{\"description\": \"\", \"website\": \"\", \"version\": \
                 \"{version}\", \"containers\": {{\"{name}\": {{\"image\": \"i\", \
                 \"launch_order\": 1}}}}}}}}\n"
            );
            fs::write(self.path("catalog").join(&file), text).unwrap();
            rows.insert(*name, file);
        }
        let list = serde_json::to_string(&rows).unwrap();
        fs::write(self.path("catalog/root.json"), list).unwrap();
    }

    fn edit(&self) {
        fs::remove_file(self.path("catalog/b.json")).unwrap();
        self.write(&[("a", 2), ("c", 1), ("d", 1)]);
    }

    fn command(args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rockon-sync"));
        command.args(args).env("SOURCE_DATE_EPOCH", "1795316645");
        command
    }

    /// Returns the command that publishes to `out`.
    fn publish(&self, out: &str, more: &[&str]) -> Command {
        let catalog = self.path("catalog");
        let mut command = Place::command(&["publish", catalog.to_str().unwrap(), "--out", out]);
        command
            .arg("--json")
            .args(more)
            .env("AWS_ACCESS_KEY_ID", "id")
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("AWS_SESSION_TOKEN", "session-secret")
            .env("AWS_ENDPOINT_URL", &self.endpoint);
        command
    }

    /// Returns the tree that the same publications make in a directory.
    fn expected(&self, more: &[&str]) -> BTreeMap<String, Vec<u8>> {
        let out = self.path("tree");
        succeed(&mut self.publish(out.to_str().unwrap(), more));
        let mut files = BTreeMap::new();
        let mut dirs = vec![out.clone()];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => dirs.push(path),
                    false => {
                        let name = path.strip_prefix(&out).unwrap().to_str().unwrap().to_owned();
                        files.insert(name, fs::read(&path).unwrap());
                    }
                }
            }
        }
        files
    }

    /// Updates a store from the bucket over HTTP, and returns the serial.
    fn follow(&self, prefix: &str, store: &str) -> u64 {
        let (store, source) = (self.path(store), format!("{}/{BUCKET}/{prefix}", self.endpoint));
        let args = ["update", "--json", "--store", store.to_str().unwrap(), "--source", &source];
        let report = succeed(&mut Place::command(&args));
        assert_eq!(report["failed"], serde_json::json!([]), "{report}");
        report["serial"].as_u64().unwrap()
    }
}

fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn succeed(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    json(&output)
}

fn names(report: &Value, field: &str) -> BTreeSet<String> {
    report[field].as_array().unwrap().iter().map(|name| name.as_str().unwrap().into()).collect()
}

#[test]
fn a_bucket_gets_the_same_tree_as_a_directory_and_can_be_followed() {
    let s3 = S3::start();
    let place = Place::new(&s3.url());
    let out = format!("s3://{BUCKET}/some/v2");
    let mut before = BTreeMap::new();
    for (step, more) in [&["--initial"][..], &[], &["--page"], &["--page"], &[]].iter().enumerate()
    {
        if step == 1 {
            place.edit();
        }
        let more = &[*more, &["--keep", "2"]].concat()[..];
        let planned = succeed(&mut place.publish(&out, &[more, &["--dry-run"]].concat()));
        assert!(s3.bytes("some/v2") == before, "step {step}: a dry run has written");
        let report = succeed(&mut place.publish(&out, more));
        for field in ["serial", "written", "deleted", "outcome"] {
            assert_eq!(planned[field], report[field], "step {step}: {field}");
        }
        assert_eq!(report["head"], format!("{out}/root.sha"));
        let after = s3.bytes("some/v2");
        let written = after.iter().filter(|(path, bytes)| before.get(*path) != Some(bytes));
        assert_eq!(names(&report, "written"), written.map(|(path, _)| path.clone()).collect());
        let deleted = before.keys().filter(|path| !after.contains_key(*path));
        assert_eq!(names(&report, "deleted"), deleted.cloned().collect());
        let elsewhere: Vec<&str> = more.iter().copied().filter(|arg| *arg != "--initial").collect();
        assert!(after == place.expected(&elsewhere), "step {step}");
        assert_eq!(after.contains_key("index.html"), more.contains(&"--page"));
        place.follow("some/v2", "store");
        before = after;
    }
    let contents = s3.contents("some/v2");
    for (path, (_, kind, cache)) in &contents {
        let is_permanent = path.starts_with("by-sha/") || path.starts_with("packs/");
        let expected =
            if is_permanent { "public, max-age=31536000, immutable" } else { "no-cache" };
        assert_eq!(cache, expected, "{path}");
        let expected = match path.rsplit_once('.').map(|(_, suffix)| suffix) {
            Some("zst") => "application/zstd",
            Some("sha") => "text/plain; charset=utf-8",
            Some("json") => "application/json",
            // An object of an earlier manifest may have been uploaded with it.
            _ => "application/json",
        };
        assert_eq!(kind, expected, "{path}");
    }
}

#[test]
fn a_publication_cut_off_at_any_request_is_completed_by_the_next_run() {
    let s3 = S3::start();
    let place = EditedPlace::new(&s3);
    for nth in 1.. {
        let (prefix, store) = (format!("failed-{nth}"), format!("store-{nth}"));
        s3.ask("PUT", &format!("/_copy?from=old&to={prefix}"));
        s3.refuse(nth);
        let output = place.publish(&prefix);
        let requests = s3.refuse(0);
        assert_eq!(output.status.success(), requests < nth, "{nth}: {output:?}");
        // Clients are on the old state, until the head is replaced.
        let head = &s3.bytes(&prefix)["root.sha"];
        let serial = place.place.follow(&prefix, &store);
        assert_eq!(serial, if *head == place.old["root.sha"] { 1 } else { 2 }, "{nth}");
        place.publish_again(&s3, &prefix);
        assert_eq!(place.place.follow(&prefix, &store), 2, "{nth}");
        if requests < nth {
            assert!(nth > 25, "only {nth} requests");
            break;
        }
    }
}

#[test]
fn changes_whose_responses_are_lost_are_no_conflicts() {
    let s3 = S3::start();
    let place = EditedPlace::new(&s3);
    s3.ask("PUT", "/_lose");
    let output = place.publish("old");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(json(&output)["serial"], 2);
    place.publish_again(&s3, "old");
}

/// A catalog that was published to a bucket, below `old`, and then edited. The first publication is
/// not kept by the next one.
struct EditedPlace {
    place: Place,
    /// The published tree.
    old: BTreeMap<String, Vec<u8>>,
    /// The tree of the next publication.
    new: BTreeMap<String, Vec<u8>>,
}

impl EditedPlace {
    const ARGS: &[&str] = &["--keep", "1"];

    fn new(s3: &S3) -> EditedPlace {
        let place = Place::new(&s3.url());
        let old = place.expected(Self::ARGS);
        let out = format!("s3://{BUCKET}/old");
        succeed(&mut place.publish(&out, &[Self::ARGS, &["--initial"]].concat()));
        place.edit();
        let new = place.expected(Self::ARGS);
        EditedPlace { place, old, new }
    }

    fn publish(&self, prefix: &str) -> Output {
        self.place.publish(&format!("s3://{BUCKET}/{prefix}"), Self::ARGS).output().unwrap()
    }

    /// Publishes, and compares the bucket with the tree of the next publication.
    fn publish_again(&self, s3: &S3, prefix: &str) {
        let output = self.publish(prefix);
        assert!(output.status.success(), "{prefix}: {output:?}");
        assert_eq!(json(&output)["serial"], 2, "{prefix}");
        let found = s3.bytes(prefix);
        assert!(found == self.new, "{prefix}: {:?} {:?}", found.keys(), self.new.keys());
    }
}

#[test]
fn of_two_publishers_to_a_bucket_at_once_one_wins_and_serials_never_repeat() {
    let s3 = S3::start();
    race(&s3.url(), &format!("s3://{BUCKET}/v2"), 8, |newest, place| {
        assert_eq!(place.follow("v2", "store"), newest);
        assert_is_complete(&s3.bytes("v2"));
    });
}

#[test]
fn of_two_publishers_to_a_directory_at_once_one_wins_and_serials_never_repeat() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    let tree = tree.to_str().unwrap();
    race("", tree, 25, |newest, place| {
        let store = place.path("store");
        let args = ["update", "--json", "--store", store.to_str().unwrap(), "--source", tree];
        assert_eq!(succeed(&mut Place::command(&args))["serial"], newest);
    });
}

/// Starts two publishers at once, several times. The one that loses is run again. Calls `check`
/// with the newest serial after each round.
fn race(endpoint: &str, out: &str, rounds: usize, check: impl Fn(u64, &Place)) {
    let places = [Place::new(endpoint), Place::new(endpoint)];
    let arguments = ["--allow-mass-delete", "--keep", "2"];
    succeed(&mut places[0].publish(out, &["--initial"]));
    let (mut serials, mut lost) = (BTreeSet::from([1]), 0);
    for round in 2..2 + rounds {
        for (n, place) in places.iter().enumerate() {
            place.write(&[("a", round * 2 + n), ("c", 1), (["x", "y"][n], round)]);
        }
        let running = places.each_ref().map(|place| {
            let mut command = place.publish(out, &arguments);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        });
        let mut again = Vec::new();
        for (place, child) in places.iter().zip(running) {
            let output = child.wait_with_output().unwrap();
            match output.status.code() {
                Some(0) => {
                    let serial = json(&output)["serial"].as_u64().unwrap();
                    assert!(serials.insert(serial), "serial {serial} twice");
                }
                Some(5) => {
                    let message = json(&output)["error"]["message"].to_string();
                    assert!(message.contains("publish again"), "{message}");
                    again.push(place);
                    lost += 1;
                }
                _ => panic!("{output:?}"),
            }
        }
        for place in again {
            let report = succeed(&mut place.publish(out, &arguments));
            // A publisher that replaced the head, but not every file, has used its serial.
            serials.insert(report["serial"].as_u64().unwrap());
        }
        check(*serials.last().unwrap(), &places[0]);
    }
    assert!(lost > 0, "the publishers never met");
}

/// Asserts that everything that the head names is there, by digest and by name.
fn assert_is_complete(tree: &BTreeMap<String, Vec<u8>>) {
    let head = String::from_utf8(tree["root.sha"].clone()).unwrap();
    let object = |digest: &str| &tree[&format!("by-sha/{digest}")];
    assert!(tree["root.json"] == *object(&head[..64]), "root.json is not the current manifest");
    let manifest: Value = serde_json::from_slice(&tree["root.json"]).unwrap();
    let history: Value = serde_json::from_slice(&tree["history.json"]).unwrap();
    assert_eq!(history["publishes"][0]["manifest"], head[..64]);
    let mut named = BTreeSet::from(["root.sha", "root.json", "history.json"].map(str::to_owned));
    let text = manifest.to_string();
    for (path, bytes) in tree.iter().filter(|(path, _)| !path.contains('/')) {
        if named.insert(path.clone()) {
            let is_published = tree.iter().any(|(other, object)| {
                let digest = other.strip_prefix("by-sha/");
                object == bytes && digest.is_some_and(|digest| text.contains(digest))
            });
            assert!(is_published, "{path} is not the published file");
        }
    }
}

#[test]
fn mistakes_are_refused_and_secrets_are_not_shown() {
    let s3 = S3::start();
    let place = Place::new(&s3.url());
    let out = format!("s3://{BUCKET}/v2");
    let error = |command: &mut Command| {
        let output = command.output().unwrap();
        let report = json(&output)["error"].clone();
        (output.status.code().unwrap(), report["message"].as_str().unwrap().to_owned())
    };
    let (code, message) = error(&mut place.publish(&out, &[]));
    assert_eq!((code, message.contains("there is no previous tree")), (1, true), "{message}");
    let output = place.publish(&out, &["--initial", "-vv"]).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && log.contains("PUT "), "{log}");
    for secret in [SECRET, "session-secret", "Signature="] {
        assert!(!log.contains(secret), "{log}");
    }
    let (code, message) = error(&mut place.publish(&out, &["--initial"]));
    assert_eq!((code, message.contains("not the first publication")), (2, true), "{message}");
    let other = "s3://no-such-bucket/v2";
    let (code, message) = error(&mut place.publish(other, &["--initial"]));
    assert_eq!((code, message.contains("s3://no-such-bucket/v2/")), (1, true), "{message}");
    let (code, message) = error(place.publish(&out, &[]).env_remove("AWS_ACCESS_KEY_ID"));
    assert_eq!((code, message.contains("AWS_ACCESS_KEY_ID is not set")), (2, true), "{message}");
    // A file of another program.
    s3.ask("PUT", &format!("/{BUCKET}/foreign/a.json"));
    let foreign = format!("s3://{BUCKET}/foreign");
    let (code, message) = error(&mut place.publish(&foreign, &["--initial"]));
    assert_eq!((code, message.contains("not written by the publisher")), (1, true), "{message}");
    assert_eq!(s3.bytes("foreign").len(), 1);
    // A refused request: files are uploaded in any order.
    place.edit();
    s3.refuse(12);
    let output = place.publish(&out, &[]).output().unwrap();
    let message = json(&output)["error"].to_string();
    assert!(message.contains("403") && message.contains("/rockons/v2/"), "{message}");
    let shown = format!("{output:?}");
    for secret in [SECRET, "session-secret", "Signature"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
