//! A disk that loses power: whatever was not synced is lost, kept, or kept in part.
//!
//! The model is stricter than file systems are. The bytes of a file are safe once the file
//! was synced, a name once its directory was; of everything else any part may survive, in any
//! order. A rename happens as a whole or not at all.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::base::files::{Files, NewFile, RealFiles};

/// What is still there after the power failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Survives {
    /// Only what was synced.
    Synced,
    /// Every name, but of files that were not synced only their lengths, or not even those.
    Names,
    /// Some of the rest: another part for each number.
    Some(u64),
}

/// Everything below a directory, on a disk that loses power at the Nth operation that changes
/// something: it fails, as do all that follow. Nothing is really synced, to be quick.
#[derive(Clone)]
pub(crate) struct Disk {
    root: PathBuf,
    state: Arc<Mutex<State>>,
}

struct State {
    fail_at: usize,
    operations: usize,
    nodes: Vec<Node>,
    /// Names that changed since their directory was last synced, oldest first.
    pending: Vec<Change>,
}

/// Stands for an inode: its position in [`State::nodes`].
type NodeId = usize;

const ROOT: NodeId = 0;

#[derive(Clone)]
enum Node {
    File { now: Vec<u8>, synced: Vec<u8>, modified: Option<SystemTime> },
    Dir { now: Names, synced: Names },
    Link(PathBuf),
}

type Names = BTreeMap<OsString, NodeId>;

/// A name in a directory, and what it leads to.
#[derive(Clone)]
struct Name {
    dir: NodeId,
    name: OsString,
    node: NodeId,
}

/// What happens to names in one operation.
#[derive(Clone)]
struct Change {
    removed: Option<Name>,
    added: Option<Name>,
}

impl Disk {
    /// Everything below `root` is synced to begin with. Power fails at the `fail_at`th
    /// operation, counted from 1.
    pub(crate) fn new(root: &Path, fail_at: usize) -> Disk {
        let mut state = State { fail_at, operations: 0, nodes: Vec::new(), pending: Vec::new() };
        state.take_in(root, &mut HashMap::new());
        Disk { root: root.to_owned(), state: Arc::new(Mutex::new(state)) }
    }

    /// Whether the power has failed by now.
    pub(crate) fn has_failed(&self) -> bool {
        let state = self.state();
        state.operations >= state.fail_at
    }

    /// Writes to `dir` what is found when the power is back.
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

    /// Does something to the real files, and the same to the model of them.
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
                state.change(Change { removed: None, added });
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
                state.change(Change { removed, added: None });
            }
        }
    }
}

impl State {
    /// Takes in what is really there, as synced.
    fn take_in(&mut self, path: &Path, known: &mut HashMap<u64, NodeId>) -> NodeId {
        let metadata = fs::symlink_metadata(path).unwrap();
        if let Some(node) = known.get(&metadata.ino()).filter(|_| metadata.is_file()) {
            return *node;
        }
        let id = self.nodes.len();
        known.insert(metadata.ino(), id);
        if metadata.is_dir() {
            self.nodes.push(Node::empty_dir());
            let mut names = Names::new();
            for entry in fs::read_dir(path).unwrap() {
                let entry = entry.unwrap();
                names.insert(entry.file_name(), self.take_in(&entry.path(), known));
            }
            self.nodes[id] = Node::Dir { now: names.clone(), synced: names };
        } else if metadata.is_symlink() {
            self.nodes.push(Node::Link(fs::read_link(path).unwrap()));
        } else {
            let now = fs::read(path).unwrap();
            let modified = metadata.modified().ok();
            self.nodes.push(Node::File { synced: now.clone(), now, modified });
        }
        id
    }

    fn count(&mut self) -> io::Result<()> {
        self.operations += 1;
        match self.operations >= self.fail_at {
            true => Err(io::Error::other(format!("no power at operation {}", self.operations))),
            false => Ok(()),
        }
    }

    fn new_node(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// What a path below the root leads to by now.
    fn find(&self, relative: &Path) -> Option<NodeId> {
        relative.iter().try_fold(ROOT, |dir, name| match &self.nodes[dir] {
            Node::Dir { now, .. } => now.get(name).copied(),
            _ => None,
        })
    }

    fn name(&self, relative: &Path, node: NodeId) -> Option<Name> {
        let dir = self.find(relative.parent()?)?;
        Some(Name { dir, name: relative.file_name()?.to_owned(), node })
    }

    fn change(&mut self, change: Change) {
        for (name, is_added) in change.names() {
            if let Node::Dir { now, .. } = &mut self.nodes[name.dir] {
                match is_added {
                    true => now.insert(name.name.clone(), name.node),
                    false => now.remove(&name.name),
                };
            }
        }
        self.pending.push(change);
    }

    fn sync_file(&mut self, id: NodeId, real: &Path) {
        if let Node::File { now, synced, modified } = &mut self.nodes[id] {
            synced.clone_from(now);
            *modified = fs::metadata(real).and_then(|metadata| metadata.modified()).ok();
        }
    }

    fn sync_dir(&mut self, dir: NodeId) {
        let pending = std::mem::take(&mut self.pending);
        for change in pending {
            let is_concerned = change.names().any(|(name, _)| name.dir == dir);
            match is_concerned {
                true => change.apply(&mut self.nodes),
                false => self.pending.push(change),
            }
        }
    }
}

impl Node {
    fn empty_dir() -> Node {
        Node::Dir { now: Names::new(), synced: Names::new() }
    }
}

impl Change {
    /// The names concerned, and whether each is added.
    fn names(&self) -> impl Iterator<Item = (&Name, bool)> {
        let removed = self.removed.iter().map(|name| (name, false));
        removed.chain(self.added.iter().map(|name| (name, true)))
    }

    /// Brings it to the disk.
    fn apply(&self, nodes: &mut [Node]) {
        for (name, is_added) in self.names() {
            if let Node::Dir { synced, .. } = &mut nodes[name.dir] {
                match is_added {
                    true => synced.insert(name.name.clone(), name.node),
                    false => synced.remove(&name.name),
                };
            }
        }
    }
}

/// What is found of a file that was not synced.
fn damaged(now: &[u8], synced: &[u8], how: usize) -> Vec<u8> {
    match how {
        0 => now.to_vec(),
        1 => synced.to_vec(),
        2 => vec![0; now.len()],
        _ => now[..now.len() / 2].to_vec(),
    }
}

fn write_out(nodes: &[Node], id: NodeId, path: &Path, written: &mut HashMap<NodeId, PathBuf>) {
    match &nodes[id] {
        Node::Link(target) => std::os::unix::fs::symlink(target, path).unwrap(),
        Node::Dir { synced, .. } => {
            if id != ROOT {
                fs::create_dir(path).unwrap();
            }
            for (name, node) in synced {
                write_out(nodes, *node, &path.join(name), written);
            }
        }
        Node::File { now, modified, .. } => {
            if let Some(first) = written.get(&id) {
                return fs::hard_link(first, path).unwrap();
            }
            fs::write(path, now).unwrap();
            if let Some(modified) = modified {
                File::options().append(true).open(path).unwrap().set_modified(*modified).unwrap();
            }
            written.insert(id, path.to_owned());
        }
    }
}

impl Files for Disk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let new = |state: &mut State| Some(state.new_node(Node::empty_dir()));
        self.step(|| RealFiles.create_dir(path), self.add(path, new))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        let new = |state: &mut State| {
            let file = Node::File { now: Vec::new(), synced: Vec::new(), modified: None };
            Some(state.new_node(file))
        };
        let inner = self.step(|| RealFiles.create(path), self.add(path, new))?;
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
                    Change { removed: state.name(from, node), added: state.name(to, node) };
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
                    state.sync_dir(node);
                }
            },
        )
    }

    fn make_read_only(&self, path: &Path) -> io::Result<()> {
        self.step(|| RealFiles.make_read_only(path), |_| ())
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

struct DiskFile {
    inner: Box<dyn NewFile>,
    node: Option<NodeId>,
    disk: Disk,
}

/// Notes a change of the bytes of a file.
fn edit(node: Option<NodeId>, edit: impl FnOnce(&mut Vec<u8>)) -> impl FnOnce(&mut State) {
    move |state| {
        if let Some(Node::File { now, .. }) = node.map(|node| &mut state.nodes[node]) {
            edit(now);
        }
    }
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
}

mod tests {
    use std::ffi::OsStr;

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
    fn only_what_was_synced_is_sure_to_be_found_again() {
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
