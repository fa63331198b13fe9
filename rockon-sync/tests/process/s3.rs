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

    /// Makes the nth request from now on fail. Returns the number of requests since the last call.
    fn fail(&self, method: &str, how: &str, nth: usize) -> usize {
        let answer = self.ask("PUT", &format!("/_fault?{method}={how}&nth={nth}"));
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
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        fs::create_dir(place.path("catalog")).unwrap();
        place.write(&[("a", 1), ("b", 1), ("c", 1)]);
        place
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
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
    fn publish(&self, s3: &S3, out: &str, more: &[&str]) -> Command {
        let catalog = self.path("catalog");
        let mut command = Place::command(&["publish", catalog.to_str().unwrap(), "--out", out]);
        command
            .args(["--json", "--keep", "2"])
            .args(more)
            .env("AWS_ACCESS_KEY_ID", "id")
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("AWS_SESSION_TOKEN", "session-secret")
            .env("AWS_ENDPOINT_URL", s3.url());
        command
    }

    /// Returns the tree that the same publications make in a directory.
    fn expected(&self, s3: &S3) -> BTreeMap<String, Vec<u8>> {
        let out = self.path("tree");
        succeed(&mut self.publish(s3, out.to_str().unwrap(), &[]));
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
    fn follow(&self, s3: &S3, prefix: &str, store: &str) -> u64 {
        let (store, source) = (self.path(store), format!("{}/{BUCKET}/{prefix}", s3.url()));
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
    let (s3, place) = (S3::start(), Place::new());
    let out = format!("s3://{BUCKET}/some/v2");
    let mut before = BTreeMap::new();
    for (step, more) in [&["--initial"][..], &[], &["--page"], &["--page"], &[]].iter().enumerate()
    {
        if step == 1 {
            place.edit();
        }
        let planned = succeed(&mut place.publish(&s3, &out, &[*more, &["--dry-run"]].concat()));
        assert!(s3.bytes("some/v2") == before, "step {step}: a dry run has written");
        let report = succeed(&mut place.publish(&s3, &out, more));
        for field in ["serial", "written", "deleted", "outcome"] {
            assert_eq!(planned[field], report[field], "step {step}: {field}");
        }
        assert_eq!(report["head"], format!("{out}/root.sha"));
        let after = s3.bytes("some/v2");
        let written = after.iter().filter(|(path, bytes)| before.get(*path) != Some(bytes));
        assert_eq!(names(&report, "written"), written.map(|(path, _)| path.clone()).collect());
        let deleted = before.keys().filter(|path| !after.contains_key(*path));
        assert_eq!(names(&report, "deleted"), deleted.cloned().collect());
        let pages: Vec<&str> = more.iter().copied().filter(|arg| *arg == "--page").collect();
        let tree = place.path("tree");
        succeed(&mut place.publish(&s3, tree.to_str().unwrap(), &pages));
        if pages.is_empty() {
            assert!(after == place.expected(&s3), "step {step}");
        }
        assert_eq!(after.contains_key("index.html"), !pages.is_empty());
        place.follow(&s3, "some/v2", "store");
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
    fail_each_request("ANY", "refuse");
}

#[test]
fn a_change_whose_response_is_lost_succeeds_all_the_same() {
    fail_each_request("PUT", "lose");
    fail_each_request("DELETE", "lose");
}

/// Fails the nth request of a publication, for every n.
fn fail_each_request(method: &str, how: &str) {
    let (s3, place) = (S3::start(), Place::new());
    let out = |prefix: &str| format!("s3://{BUCKET}/{prefix}");
    let old = place.expected(&s3);
    succeed(&mut place.publish(&s3, &out("old"), &["--initial"]));
    place.edit();
    let new = place.expected(&s3);
    for nth in 1.. {
        let (prefix, store) = (format!("failed-{nth}"), format!("store-{nth}"));
        s3.ask("PUT", &format!("/_copy?from=old&to={prefix}"));
        s3.fail(method, how, nth);
        let output = place.publish(&s3, &out(&prefix), &[]).output().unwrap();
        let requests = s3.fail(method, how, 0);
        let label = format!("{how} of {method} {nth}");
        // A response that is lost leads to a retry, which succeeds.
        let succeeds = requests < nth || how == "lose";
        assert_eq!(output.status.success(), succeeds, "{label}: {output:?}");
        // Clients are on the old state, until the head is replaced.
        let head = &s3.bytes(&prefix)["root.sha"];
        let serial = place.follow(&s3, &prefix, &store);
        assert_eq!(serial, if *head == old["root.sha"] { 1 } else { 2 }, "{label}");
        let report = succeed(&mut place.publish(&s3, &out(&prefix), &[]));
        assert_eq!(report["serial"], 2, "{label}");
        let found = s3.bytes(&prefix);
        assert!(found == new, "{label}: {:?} {:?}", found.keys(), new.keys());
        assert_eq!(place.follow(&s3, &prefix, &store), 2, "{label}");
        if requests < nth {
            assert!(nth > 1, "only {nth} requests");
            break;
        }
    }
}

#[test]
fn of_two_publishers_at_once_one_wins_and_serials_never_repeat() {
    let s3 = S3::start();
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    for (out, rounds) in [(format!("s3://{BUCKET}/v2"), 12), (tree.to_str().unwrap().into(), 25)] {
        let is_bucket = out.starts_with("s3://");
        let places = [Place::new(), Place::new()];
        succeed(&mut places[0].publish(&s3, &out, &["--initial"]));
        let (mut serials, mut lost) = (BTreeMap::from([(1, 0)]), 0);
        for round in 2..2 + rounds {
            for (n, place) in places.iter().enumerate() {
                place.write(&[("a", round * 2 + n), ("c", 1), (["x", "y"][n], round)]);
            }
            let running = places.each_ref().map(|place| {
                let mut command = place.publish(&s3, &out, &["--allow-mass-delete"]);
                command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
            });
            let mut again = Vec::new();
            for (n, child) in running.into_iter().enumerate() {
                let output = child.wait_with_output().unwrap();
                match output.status.code() {
                    Some(0) => {
                        let serial = json(&output)["serial"].as_u64().unwrap();
                        assert_eq!(serials.insert(serial, n), None, "serial {serial} twice");
                    }
                    Some(5) => {
                        let message = json(&output)["error"]["message"].clone();
                        let says = ["run it again", "is publishing to this directory"];
                        let message = message.as_str().unwrap();
                        assert!(says.iter().any(|text| message.contains(text)), "{message}");
                        again.push(n);
                        lost += 1;
                    }
                    _ => panic!("{output:?}"),
                }
            }
            assert!(again.len() < 2 || is_bucket, "nobody won");
            for n in again {
                let mut command = places[n].publish(&s3, &out, &["--allow-mass-delete"]);
                let serial = succeed(&mut command)["serial"].as_u64().unwrap();
                serials.insert(serial, n);
            }
            if is_bucket {
                let newest = *serials.keys().last().unwrap();
                assert_eq!(places[0].follow(&s3, "v2", "store"), newest);
                assert_is_complete(&s3.bytes("v2"));
            }
        }
        assert!(lost > 0, "the publishers never met");
    }
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
    let (s3, place) = (S3::start(), Place::new());
    let out = format!("s3://{BUCKET}/v2");
    let error = |command: &mut Command| {
        let output = command.output().unwrap();
        let report = json(&output)["error"].clone();
        (output.status.code().unwrap(), report["message"].as_str().unwrap().to_owned())
    };
    let (code, message) = error(&mut place.publish(&s3, &out, &[]));
    assert_eq!((code, message.contains("there is no previous tree")), (1, true), "{message}");
    let output = place.publish(&s3, &out, &["--initial", "-vv"]).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && log.contains("PUT "), "{log}");
    for secret in [SECRET, "session-secret", "Signature="] {
        assert!(!log.contains(secret), "{log}");
    }
    let (code, message) = error(&mut place.publish(&s3, &out, &["--initial"]));
    assert_eq!((code, message.contains("not the first publication")), (2, true), "{message}");
    let other = "s3://no-such-bucket/v2";
    let (code, message) = error(&mut place.publish(&s3, other, &["--initial"]));
    assert_eq!((code, message.contains("s3://no-such-bucket/v2/")), (1, true), "{message}");
    let (code, message) = error(place.publish(&s3, &out, &[]).env_remove("AWS_ACCESS_KEY_ID"));
    assert_eq!((code, message.contains("AWS_ACCESS_KEY_ID is not set")), (2, true), "{message}");
    // A file of another program.
    s3.ask("PUT", &format!("/{BUCKET}/foreign/a.json"));
    let foreign = format!("s3://{BUCKET}/foreign");
    let (code, message) = error(&mut place.publish(&s3, &foreign, &["--initial"]));
    assert_eq!((code, message.contains("not written by the publisher")), (1, true), "{message}");
    assert_eq!(s3.bytes("foreign").len(), 1);
    // A refused request.
    place.edit();
    s3.fail("PUT", "refuse", 1);
    let output = place.publish(&s3, &out, &[]).output().unwrap();
    let message = json(&output)["error"].to_string();
    assert!(message.contains("403") && message.contains("/rockons/v2/by-sha/"), "{message}");
    let shown = format!("{output:?}");
    for secret in [SECRET, "session-secret", "Signature"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
