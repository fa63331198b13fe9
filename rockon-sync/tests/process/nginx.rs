//! Heads behind nginx, whose `ETag` is made of a file's time in seconds and its length.

#![allow(clippy::disallowed_methods, reason = "tests may look at paths")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::catalog::succeeds;

/// nginx, serving the directory `www`. It ends when it is dropped, or after a minute.
struct Nginx {
    dir: TempDir,
    port: u16,
    process: Child,
}

impl Nginx {
    fn start() -> Nginx {
        let dir = tempfile::tempdir().unwrap();
        // nginx cannot choose a port by itself. Another process may take this one first.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let shown = dir.path().display();
            let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
            let temporary = temporary.map(|name| format!("{name}_temp_path {shown}/{name};\n"));
            let text = format!(
                "daemon off;\nmaster_process off;\npid {shown}/pid;\nerror_log {shown}/log;\n\
                 events {{}}\nhttp {{\naccess_log off;\n{}\
                 server {{ listen 127.0.0.1:{port}; root {shown}/www; }}\n}}\n",
                temporary.concat()
            );
            let configuration = dir.path().join("nginx.conf");
            fs::write(&configuration, text).unwrap();
            let mut process = Command::new("timeout")
                .args(["60", "nginx", "-e", &format!("{shown}/log"), "-c"])
                .arg(configuration)
                .env("PATH", format!("{}:/usr/sbin", std::env::var("PATH").unwrap()))
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            while process.try_wait().unwrap().is_none() {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return Nginx { dir, port, process };
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        let log = fs::read_to_string(dir.path().join("log")).unwrap_or_default();
        panic!("cannot start nginx: {log}");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Serves another directory from now on.
    fn serve(&self, tree: &Path) {
        let new = self.path("www.new");
        symlink(tree, &new).unwrap();
        fs::rename(new, self.path("www")).unwrap();
    }

    /// Returns the `ETag` of the head.
    fn etag(&self) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(b"HEAD /root.sha HTTP/1.0\r\n\r\n").unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let etag = response.lines().find_map(|line| line.strip_prefix("ETag: "));
        etag.unwrap_or_else(|| panic!("{response}")).to_owned()
    }

    fn publish(&self, version: usize, tree: &str, more: &[&str]) {
        let catalog = self.path("catalog");
        fs::create_dir_all(&catalog).unwrap();
        let text = format!(
            "{{\"A\": {{\"description\": \"\", \"website\": \"\", \"version\": \"{version}\", \
             \"containers\": {{\"a\": {{\"image\": \"i\", \"launch_order\": 1}}}}}}}}\n"
        );
        fs::write(catalog.join("a.json"), text).unwrap();
        fs::write(catalog.join("root.json"), "{\"a\": \"a.json\"}").unwrap();
        let tree = self.path(tree);
        let args = ["publish", catalog.to_str().unwrap(), "--out", tree.to_str().unwrap()];
        Nginx::run(&[&args, more].concat());
    }

    /// Updates a store, and returns the serial of the report.
    fn update(&self) -> u64 {
        let (store, url) = (self.path("store"), self.url());
        let args = ["update", "--store", store.to_str().unwrap(), "--source", &url, "--json"];
        let report: serde_json::Value = serde_json::from_slice(&Nginx::run(&args)).unwrap();
        report["serial"].as_u64().unwrap()
    }

    fn run(args: &[&str]) -> Vec<u8> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rockon-sync"));
        let output = command.args(args).env("SOURCE_DATE_EPOCH", "1795316645").output().unwrap();
        succeeds(&output);
        output.stdout
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // `timeout` passes the signal on.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

/// Also if times are pinned, and if each publication begins with an empty disk.
#[test]
fn every_head_has_another_etag_and_reaches_clients() {
    let nginx = Nginx::start();
    let mut etags = BTreeSet::new();
    let mut lengths = BTreeSet::new();
    for serial in 1..=9 {
        let (tree, url) = (format!("tree-{}", serial.max(5)), nginx.url());
        // A head that names one publication always has the same length.
        let more = ["--keep", "1", "--previous", &url];
        let more = if serial > 5 { &more[..] } else { &more[..2] };
        nginx.publish(serial, &tree, more);
        nginx.serve(&nginx.path(&tree));
        let etag = nginx.etag();
        lengths.insert(etag.rsplit('-').next().unwrap().to_owned());
        assert!(etags.insert(etag), "publication {serial} has the ETag of an earlier one");
        assert_eq!(nginx.update(), serial as u64);
    }
    assert!(lengths.len() < 6, "the lengths alone make them differ: {lengths:?}");
}
