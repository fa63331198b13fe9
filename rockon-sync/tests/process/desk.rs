//! A small catalog in two states, the trees published of it, and the command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rockon_sync_tests::Server;
use tempfile::TempDir;

/// A folder in which everything happens.
pub(crate) struct Desk {
    pub(crate) folder: TempDir,
}

/// Whether the trees offer packs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packs {
    Offered,
    Absent,
}

impl Desk {
    /// `old` and `new` are trees of the same catalog before and after an edit: one file
    /// changed, one is gone, one is new.
    pub(crate) fn new(packs: Packs) -> Desk {
        // In memory where there is such a file system: thousands of files come and go.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let desk = Desk { folder };
        fs::create_dir(desk.path("catalog")).unwrap();
        desk.write_catalog(&[('a', 1), ('b', 1), ('c', 1)]);
        desk.publish("old", packs);
        desk.copy("old", "new");
        desk.edit();
        desk.publish("new", packs);
        desk
    }

    pub(crate) fn edit(&self) {
        self.write_catalog(&[('a', 2), ('b', 1), ('d', 1)]);
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
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
            let kept = head.lines().filter(|line| !line.starts_with("# pack "));
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

    /// The command, to be run in the desk's folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rockon-sync"));
        self.prepare(&mut command);
        command.args(args);
        command
    }

    /// The same environment for any program.
    pub(crate) fn prepare(&self, command: &mut Command) {
        command.current_dir(self.folder.path()).env("SOURCE_DATE_EPOCH", "1795316645");
        for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "RUST_LOG"] {
            command.env_remove(name);
        }
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub(crate) fn update(&self, source: &str) -> Output {
        self.run(&["update", "--store", "store", "--source", source])
    }

    /// What a reader sees: every file of the current generation.
    pub(crate) fn seen(&self) -> Option<Vec<(String, Vec<u8>)>> {
        files_in(&self.path("store/rockstor/current"))
    }

    /// What a reader is to see of a tree.
    pub(crate) fn published(&self, tree: &str) -> Option<Vec<(String, Vec<u8>)>> {
        let mut files = files_in(&self.path(tree))?;
        files.retain(|(name, _)| name != "history.json");
        Some(files)
    }
}

/// The files at the top of a folder, by name.
pub(crate) fn files_in(folder: &Path) -> Option<Vec<(String, Vec<u8>)>> {
    let entries = fs::read_dir(folder).ok()?.map(|entry| entry.unwrap().path());
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
