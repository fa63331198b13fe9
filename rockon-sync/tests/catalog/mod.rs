//! Shared setup for tests of the command.

#![allow(dead_code, reason = "not every test binary uses everything")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rockon_sync_tests::Server;
use serde_json::Value;
use tempfile::TempDir;

/// The sample catalog, published and served, in a temporary directory with space for a store.
pub(crate) struct TestCatalog {
    pub(crate) dir: TempDir,
    pub(crate) server: Server,
}

impl TestCatalog {
    pub(crate) fn new() -> TestCatalog {
        let dir = tempfile::tempdir().unwrap();
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/catalog");
        fs::create_dir(dir.path().join("catalog")).unwrap();
        for file in fs::read_dir(samples).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), dir.path().join("catalog").join(file.file_name())).unwrap();
        }
        let server = Server::serve(dir.path().join("catalog/v2"));
        let catalog = TestCatalog { dir, server };
        assert_eq!(code(&catalog.run(&["publish", "catalog"])), 0);
        catalog
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.dir.path().join(relative)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Returns the command, to run in the temporary directory.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rockon-sync"));
        command.args(args).current_dir(self.dir.path()).env("SOURCE_DATE_EPOCH", "1795316645");
        let proxies = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
        for name in proxies.iter().chain(&["RUST_LOG", "COLUMNS", "ROCKON_SYNC_STORE"]) {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn update(&self, more: &[&str]) -> Output {
        let url = self.server.url();
        let args = ["update", "--store", "store", "--source", &url];
        self.run(&[&args, more].concat())
    }

    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let output = self.run(args);
        assert_eq!(code(&output), 0, "{args:?}: {}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
