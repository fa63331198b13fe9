//! A small catalog in two states, the tree of each, and the command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rockon_sync_tests::Server;
use tempfile::TempDir;

/// A temporary directory with everything that a test needs.
pub(crate) struct TestCatalog {
    pub(crate) dir: TempDir,
}

/// The packs of a published tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packs {
    Offered,
    Absent,
}

impl TestCatalog {
    /// Creates the trees `old` and `new` of the same catalog before and after an edit: one file
    /// changed, one deleted, one added.
    pub(crate) fn new(packs: Packs) -> TestCatalog {
        // In memory if possible: tests create thousands of files.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let catalog = TestCatalog { dir };
        fs::create_dir(catalog.path("catalog")).unwrap();
        catalog.write_catalog(&[('a', 1), ('b', 1), ('c', 1)]);
        catalog.publish("old", packs);
        catalog.copy("old", "new");
        catalog.edit();
        catalog.publish("new", packs);
        catalog
    }

    pub(crate) fn edit(&self) {
        self.write_catalog(&[('a', 2), ('b', 1), ('d', 1)]);
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.dir.path().join(relative)
    }

    fn write_catalog(&self, definitions: &[(char, u32)]) {
        let mut rows = Vec::new();
        for (name, version) in definitions {
            let text = format!(
                "{{\"App {name}\": {{\"description\": \"\", \"website\": \"\", \"version\": \"{version}\", \
                 \"containers\": {{\"box-{name}\": {{\"image\": \"i\", \"launch_order\": 1}}}}}}}}\n"
            );
            fs::write(self.path(&format!("catalog/{name}.json")), text).unwrap();
            rows.push(format!("\"{name}\": \"{name}.json\""));
        }
        fs::write(self.path("catalog/root.json"), format!("{{{}}}", rows.join(", "))).unwrap();
    }

    fn publish(&self, tree: &str, packs: Packs) {
        succeeds(&self.run(&["publish", "catalog", "--out", tree]));
        if packs == Packs::Absent {
            let head = fs::read_to_string(self.path(tree).join("root.sha")).unwrap();
            let kept = head
                .lines()
                .filter(|line| !line.starts_with("# pack ") && !line.starts_with("# delta "));
            let text: String = kept.flat_map(|line| [line, "\n"]).collect();
            fs::write(self.path(tree).join("root.sha"), text).unwrap();
            fs::remove_dir_all(self.path(tree).join("packs")).unwrap();
        }
    }

    pub(crate) fn copy(&self, from: &str, to: &str) {
        let copied = Command::new("cp").arg("-a").args([self.path(from), self.path(to)]).status();
        assert!(copied.unwrap().success());
    }

    pub(crate) fn server(&self, tree: &str) -> Server {
        Server::serve(self.path(tree))
    }

    /// Returns the command, to run in the temporary directory.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rockon-sync"));
        self.prepare(&mut command);
        command.args(args);
        command
    }

    /// Sets directory and environment for any program.
    pub(crate) fn prepare(&self, command: &mut Command) {
        command.current_dir(self.dir.path()).env("SOURCE_DATE_EPOCH", "1795316645");
        for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "RUST_LOG", "COLUMNS"] {
            command.env_remove(name);
        }
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub(crate) fn update(&self, source: &str) -> Output {
        self.run(&["update", "--store", "store", "--source", source])
    }

    /// Returns every file of the current generation.
    pub(crate) fn current(&self) -> Option<Vec<(String, Vec<u8>)>> {
        files_in(&self.path("store/rockstor/current"))
    }

    /// Returns the files of a tree that clients store.
    pub(crate) fn published(&self, tree: &str) -> Option<Vec<(String, Vec<u8>)>> {
        let mut files = files_in(&self.path(tree))?;
        files.retain(|(name, _)| name != "history.json");
        Some(files)
    }
}

/// Returns the files at the top of a directory, by name.
pub(crate) fn files_in(dir: &Path) -> Option<Vec<(String, Vec<u8>)>> {
    let entries = fs::read_dir(dir).ok()?.map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| fs::metadata(path).unwrap().is_file());
    let mut files: Vec<_> = files
        .map(|path| {
            (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    Some(files)
}

pub(crate) fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
pub(crate) fn succeeds(output: &Output) {
    assert_eq!(code(output), Some(0), "{}", stderr(output));
}
