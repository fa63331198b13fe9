//! The model of a disk.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The files on a disk: current, and as last synced.
pub(super) struct State {
    pub(super) fail_at: usize,
    pub(super) operations: usize,
    pub(super) nodes: Vec<Node>,
    /// DirNames that changed since their directory was last synced, oldest first.
    pub(super) pending: Vec<NameChange>,
}

/// An inode: its index in [`State::nodes`].
pub(super) type NodeId = usize;

pub(super) const ROOT: NodeId = 0;

#[derive(Clone)]
pub(super) enum Node {
    File {
        now: Vec<u8>,
        synced: Vec<u8>,
        modified: Option<SystemTime>,
    },
    /// The time is that of the last sync, so that unsynced changes of names do not show in it.
    Dir {
        now: DirNames,
        synced: DirNames,
        modified: Option<SystemTime>,
    },
    Link(PathBuf),
}

type DirNames = BTreeMap<OsString, NodeId>;

/// A name in a directory, and its inode.
#[derive(Clone)]
pub(super) struct Name {
    dir: NodeId,
    name: OsString,
    node: NodeId,
}

/// The names that one operation changes.
#[derive(Clone)]
pub(super) struct NameChange {
    pub(super) removed: Option<Name>,
    pub(super) added: Option<Name>,
}

impl State {
    /// Adds the real files below `path`, as synced.
    pub(super) fn take_in(&mut self, path: &Path, known: &mut HashMap<u64, NodeId>) -> NodeId {
        let metadata = fs::symlink_metadata(path).unwrap();
        if let Some(node) = known.get(&metadata.ino()).filter(|_| metadata.is_file()) {
            return *node;
        }
        let id = self.nodes.len();
        known.insert(metadata.ino(), id);
        if metadata.is_dir() {
            self.nodes.push(Node::empty_dir());
            let mut names = DirNames::new();
            let entries = fs::read_dir(path).unwrap();
            let mut found: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            // The same nodes, and so the same losses, in every run.
            found.sort();
            for name in found {
                let node = self.take_in(&path.join(&name), known);
                names.insert(name, node);
            }
            let modified = metadata.modified().ok();
            self.nodes[id] = Node::Dir { now: names.clone(), synced: names, modified };
        } else if metadata.is_symlink() {
            self.nodes.push(Node::Link(fs::read_link(path).unwrap()));
        } else {
            let now = fs::read(path).unwrap();
            let modified = metadata.modified().ok();
            self.nodes.push(Node::File { synced: now.clone(), now, modified });
        }
        id
    }

    pub(super) fn count(&mut self) -> io::Result<()> {
        self.operations += 1;
        match self.operations >= self.fail_at {
            true => Err(io::Error::other(format!("no power at operation {}", self.operations))),
            false => Ok(()),
        }
    }

    pub(super) fn new_node(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Returns the current inode of a path below the root.
    pub(super) fn find(&self, relative: &Path) -> Option<NodeId> {
        relative.iter().try_fold(ROOT, |dir, name| match &self.nodes[dir] {
            Node::Dir { now, .. } => now.get(name).copied(),
            _ => None,
        })
    }

    pub(super) fn name(&self, relative: &Path, node: NodeId) -> Option<Name> {
        let dir = self.find(relative.parent()?)?;
        Some(Name { dir, name: relative.file_name()?.to_owned(), node })
    }

    pub(super) fn change(&mut self, change: NameChange) {
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

    pub(super) fn sync_file(&mut self, id: NodeId, real: &Path) {
        if let Node::File { now, synced, modified } = &mut self.nodes[id] {
            synced.clone_from(now);
            *modified = fs::metadata(real).and_then(|metadata| metadata.modified()).ok();
        }
    }

    pub(super) fn sync_dir(&mut self, dir: NodeId, real: &Path) {
        if let Node::Dir { modified, .. } = &mut self.nodes[dir] {
            *modified = fs::metadata(real).and_then(|metadata| metadata.modified()).ok();
        }
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
    pub(super) fn empty_dir() -> Node {
        Node::Dir { now: DirNames::new(), synced: DirNames::new(), modified: None }
    }
}

impl NameChange {
    /// Returns the changed names, each with true if it is added.
    fn names(&self) -> impl Iterator<Item = (&Name, bool)> {
        let removed = self.removed.iter().map(|name| (name, false));
        removed.chain(self.added.iter().map(|name| (name, true)))
    }

    /// Applies the change to the synced names.
    pub(super) fn apply(&self, nodes: &mut [Node]) {
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

/// Returns possible contents of an unsynced file after a power failure.
pub(super) fn damaged(now: &[u8], synced: &[u8], how: usize) -> Vec<u8> {
    match how {
        0 => now.to_vec(),
        1 => synced.to_vec(),
        2 => vec![0; now.len()],
        _ => now[..now.len() / 2].to_vec(),
    }
}

pub(super) fn write_out(
    nodes: &[Node],
    id: NodeId,
    path: &Path,
    written: &mut HashMap<NodeId, PathBuf>,
) {
    match &nodes[id] {
        Node::Link(target) => std::os::unix::fs::symlink(target, path).unwrap(),
        Node::Dir { synced, modified, .. } => {
            if id != ROOT {
                fs::create_dir(path).unwrap();
            }
            for (name, node) in synced {
                write_out(nodes, *node, &path.join(name), written);
            }
            if let Some(modified) = modified {
                File::open(path).unwrap().set_modified(*modified).unwrap();
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

/// Returns a change of the bytes of a file.
pub(super) fn edit(
    node: Option<NodeId>,
    edit: impl FnOnce(&mut Vec<u8>),
) -> impl FnOnce(&mut State) {
    move |state| {
        if let Some(Node::File { now, .. }) = node.map(|node| &mut state.nodes[node]) {
            edit(now);
        }
    }
}
