//! A disk that loses power: unsynced data is lost, kept, or kept in part.
//!
//! The model is stricter than real file systems. The bytes of a file are safe after a sync of the
//! file, a name after a sync of its directory; any part of the rest may survive, in any order. A
//! rename is atomic.

mod model;

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::base::files::{Files, MAX_SINGLE_SYNCS, NewFile, RealFiles};
use model::{NameChange, Node, NodeId, ROOT, State, damaged, edit, write_out};

/// The data that survives a power failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Survives {
    /// Only synced data.
    Synced,
    /// Every name, but of unsynced files at most their lengths.
    Names,
    /// Synced data and a part of the rest, selected by the number.
    Some(u64),
}

impl Survives {
    /// The cases to try at each operation.
    pub(crate) const ALL: [Survives; 6] = [
        Survives::Synced,
        Survives::Names,
        Survives::Some(1),
        Survives::Some(2),
        Survives::Some(3),
        Survives::Some(4),
    ];
}

/// The files below a directory, on a disk that loses power at the Nth changing operation: it and
/// all later ones fail. Syncs do nothing, to be fast.
#[derive(Clone)]
pub(crate) struct Disk {
    root: PathBuf,
    state: Arc<Mutex<State>>,
}

impl Disk {
    /// Creates a disk with the files below `root`, as synced. Power fails at operation number
    /// `fail_at`, counted from 1.
    pub(crate) fn new(root: &Path, fail_at: usize) -> Disk {
        let mut state = State { fail_at, operations: 0, nodes: Vec::new(), pending: Vec::new() };
        state.take_in(root, &mut HashMap::new());
        Disk { root: root.to_owned(), state: Arc::new(Mutex::new(state)) }
    }

    /// True if the power has failed.
    pub(crate) fn has_failed(&self) -> bool {
        let state = self.state();
        state.operations >= state.fail_at
    }

    /// Writes the surviving files to `dir`.
    pub(crate) fn restore(&self, survives: Survives, dir: &Path) {
        let state = self.state();
        let mut random = fastrand::Rng::with_seed(match survives {
            Survives::Some(seed) => seed,
            Survives::Synced | Survives::Names => 0,
        });
        let mut nodes = state.nodes.clone();
        for change in &state.pending {
            let is_kept = match survives {
                Survives::Synced => false,
                Survives::Names => true,
                Survives::Some(_) => random.bool(),
            };
            if is_kept {
                change.apply(&mut nodes);
            }
        }
        for node in &mut nodes {
            if let Node::File { now, synced, .. } = node {
                *now = match survives {
                    _ if now == synced => continue,
                    Survives::Synced => synced.clone(),
                    Survives::Names => damaged(now, synced, random.usize(1..3)),
                    Survives::Some(_) => damaged(now, synced, random.usize(..4)),
                };
            }
        }
        write_out(&nodes, ROOT, dir, &mut HashMap::new());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Performs an operation on the real files, and on the model of them.
    fn step<T>(
        &self,
        act: impl FnOnce() -> io::Result<T>,
        note: impl FnOnce(&mut State),
    ) -> io::Result<T> {
        let mut state = self.state();
        state.count()?;
        let done = act()?;
        note(&mut state);
        Ok(done)
    }

    fn relative<'a>(&self, path: &'a Path) -> Option<&'a Path> {
        path.strip_prefix(&self.root).ok()
    }

    fn add(
        &self,
        path: &Path,
        node: impl FnOnce(&mut State) -> Option<NodeId>,
    ) -> impl FnOnce(&mut State) {
        let relative = self.relative(path).map(Path::to_owned);
        move |state| {
            if let Some(relative) = relative
                && let Some(node) = node(state)
            {
                let added = state.name(&relative, node);
                state.change(NameChange { removed: None, added });
            }
        }
    }

    fn remove(&self, path: &Path) -> impl FnOnce(&mut State) {
        let relative = self.relative(path).map(Path::to_owned);
        move |state| {
            if let Some(relative) = relative
                && let Some(node) = state.find(&relative)
            {
                let removed = state.name(&relative, node);
                state.change(NameChange { removed, added: None });
            }
        }
    }
}

impl Files for Disk {
    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let mut names = RealFiles.list(path)?;
        // The same order of operations in every run.
        names.sort();
        Ok(names)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let new = |state: &mut State| Some(state.new_node(Node::empty_dir()));
        self.step(|| RealFiles.create_dir(path), self.add(path, new))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        let inner = self.step(|| RealFiles.create(path), self.add(path, new_file))?;
        self.opened(path, inner)
    }

    fn create_read_only(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        let inner = self.step(|| RealFiles.create_read_only(path), self.add(path, new_file))?;
        self.opened(path, inner)
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        let inner = self.step(|| RealFiles.append(path), |_| ())?;
        self.opened(path, inner)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let paths = self.relative(from).zip(self.relative(to));
        let note = |state: &mut State| {
            if let Some((from, to)) = paths
                && let Some(node) = state.find(from)
            {
                let change =
                    NameChange { removed: state.name(from, node), added: state.name(to, node) };
                state.change(change);
            }
        };
        self.step(|| RealFiles.rename(from, to), note)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let from_relative = self.relative(from);
        let same = |state: &mut State| state.find(from_relative?);
        self.step(|| RealFiles.hard_link(from, to), self.add(to, same))
    }

    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()> {
        let new = |state: &mut State| Some(state.new_node(Node::Link(target.to_owned())));
        self.step(|| RealFiles.symlink(target, link), self.add(link, new))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.step(|| RealFiles.remove_file(path), self.remove(path))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.step(|| RealFiles.remove_dir(path), self.remove(path))
    }

    fn sync_files(&self, paths: &[PathBuf]) -> io::Result<()> {
        assert!(paths.len() <= MAX_SINGLE_SYNCS, "the model knows single files only");
        self.step(
            || paths.iter().try_for_each(|path| RealFiles.stat(path).map(|_| ())),
            |state| {
                for path in paths {
                    if let Some(node) = self.relative(path).and_then(|path| state.find(path)) {
                        state.sync_file(node, path);
                    }
                }
            },
        )
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.step(
            || RealFiles.list(path).map(|_| ()),
            |state| {
                if let Some(node) = self.relative(path).and_then(|path| state.find(path)) {
                    state.sync_dir(node, path);
                }
            },
        )
    }

    fn set_modified(&self, path: &Path, time: SystemTime) -> io::Result<()> {
        self.step(|| RealFiles.set_modified(path, time), |_| ())
    }
}

impl Disk {
    fn opened(&self, path: &Path, inner: Box<dyn NewFile>) -> io::Result<Box<dyn NewFile>> {
        let node = self.relative(path).and_then(|path| self.state().find(path));
        Ok(Box::new(DiskFile { inner, node, disk: self.clone() }))
    }
}

fn new_file(state: &mut State) -> Option<NodeId> {
    let file = Node::File { now: Vec::new(), synced: Vec::new(), modified: None };
    Some(state.new_node(file))
}

struct DiskFile {
    inner: Box<dyn NewFile>,
    node: Option<NodeId>,
    disk: Disk,
}

impl Write for DiskFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let note = edit(self.node, |now| now.extend_from_slice(bytes));
        self.disk.step(|| self.inner.write_all(bytes), note)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl NewFile for DiskFile {
    fn truncate(&mut self) -> io::Result<()> {
        let note = edit(self.node, Vec::clear);
        self.disk.step(|| self.inner.truncate(), note)
    }

    fn set_nanoseconds(&mut self, nanoseconds: u32) -> io::Result<()> {
        self.disk.step(|| self.inner.set_nanoseconds(nanoseconds), |_| ())
    }
}

mod tests {
    use std::ffi::OsStr;
    use std::fs;

    use super::*;

    fn restored(disk: &Disk, survives: Survives) -> Vec<(String, String)> {
        let dir = tempfile::tempdir().unwrap();
        disk.restore(survives, dir.path());
        let mut found: Vec<(String, String)> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let name: &OsStr = &entry.file_name();
                let text = fs::read_to_string(entry.path()).unwrap();
                (name.to_str().unwrap().to_owned(), text)
            })
            .collect();
        found.sort();
        found
    }

    #[test]
    fn only_synced_data_survives_for_certain() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("old"), "old").unwrap();
        let disk = Disk::new(dir.path(), usize::MAX);
        disk.create(&path("new")).unwrap().write_all(b"new").unwrap();
        let found = |files: &[(&str, &str)]| -> Vec<(String, String)> {
            files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
        };
        assert_eq!(restored(&disk, Survives::Synced), found(&[("old", "old")]));
        disk.sync_dir(dir.path()).unwrap();
        assert_eq!(restored(&disk, Survives::Synced), found(&[("new", ""), ("old", "old")]));
        disk.sync_files(&[path("new")]).unwrap();
        disk.rename(&path("new"), &path("old")).unwrap();
        assert_eq!(restored(&disk, Survives::Synced), found(&[("new", "new"), ("old", "old")]));
        assert_eq!(restored(&disk, Survives::Names), found(&[("old", "new")]));
        disk.sync_dir(dir.path()).unwrap();
        assert_eq!(restored(&disk, Survives::Synced), found(&[("old", "new")]));
    }
}
