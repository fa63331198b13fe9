//! Lists every file of a directory and its subdirectories, each under its path.

use std::path::Path;

use super::before::History;
use super::list::{List, ListedFile, RefusedFile, reserved};
use super::page;
use super::tree::{BY_SHA, Layout, RECORD, Tree, is_draft, is_reserved};
use crate::base::digest::Digest;
use crate::base::error::{ErrorKind, IoContext, Result};
use crate::base::files::{FileKind, Files, digest_if_any};
use crate::base::limits::MAX_ENTRIES;
use crate::base::path::EntryPath;
use crate::base::problem::Problem;
use crate::tree::note::list;
use crate::tree::pack::{self, PackName};

/// Deepest nesting of directories that is followed.
const MAX_DEPTH: usize = 64;

impl List {
    /// Lists every file below `dir`, with its path as its id. Leaves out files that publishers
    /// wrote: those of `tree`, and those of a tree in place. Leaves out hidden files with a
    /// warning. Any other file with a name that is reserved for a tree is a problem.
    ///
    /// # Errors
    /// [`Store`](crate::ErrorKind::Store) if a directory or file cannot be read.
    pub(super) fn of_every_file(files: &dyn Files, dir: &Path, tree: &Tree<'_>) -> Result<List> {
        let in_place = InPlaceTree::find(files, dir, tree.layout)?;
        let mut walk = DirWalk { files, tree, in_place, list: List::default() };
        walk.dir(dir, "", MAX_DEPTH)?;
        Ok(walk.list)
    }
}

struct DirWalk<'a> {
    files: &'a dyn Files,
    tree: &'a Tree<'a>,
    in_place: InPlaceTree<'a>,
    list: List,
}

impl DirWalk<'_> {
    /// Adds the files in `dir`, whose path in the catalog is `prefix`, and in `depth` levels of
    /// subdirectories.
    fn dir(&mut self, dir: &Path, prefix: &str, depth: usize) -> Result<()> {
        let mut names = Vec::new();
        for name in self.files.list(dir).on("list", dir)? {
            match name.into_string() {
                Ok(name) => names.push(name),
                Err(name) => {
                    let shown = format!("{prefix}{}", name.to_string_lossy());
                    self.report(&shown, "the name is not UTF-8");
                }
            }
        }
        names.sort();
        for name in names {
            let (path, shown) = (dir.join(&name), format!("{prefix}{name}"));
            if name == RECORD {
                continue;
            }
            if name.starts_with('.') {
                self.list.problems.push(Problem::warning(&shown, "left out: hidden file"));
                continue;
            }
            let kind = self.files.stat(&path).on("stat", &path)?.kind;
            let is_top = prefix.is_empty();
            if is_top && self.in_place.contains(&name, kind, &mut self.list.problems)? {
                continue;
            }
            match kind {
                FileKind::Dir if is_top && is_reserved(&name) => {
                    self.report(&shown, reserved(&name));
                }
                FileKind::Dir if self.tree.is_at(&path)? => {}
                // A dangling link is a problem of the catalog.
                FileKind::Link if self.tree.is_at(&path).is_ok_and(|is_tree| is_tree) => {}
                FileKind::Dir => match depth.checked_sub(1) {
                    Some(depth) => self.dir(&path, &format!("{shown}/"), depth)?,
                    None => self.report(
                        &shown,
                        format!("expected at most {MAX_DEPTH} levels of directories"),
                    ),
                },
                _ => self.file(&path, &shown),
            }
        }
        Ok(())
    }

    fn file(&mut self, file: &Path, shown: &str) {
        if self.list.files.len() >= MAX_ENTRIES {
            self.report(shown, format!("expected at most {MAX_ENTRIES} files"));
            return;
        }
        let path = match EntryPath::new(shown) {
            Ok(path) => path,
            Err(error) => return self.report(shown, error.to_string()),
        };
        let id = path.as_str().to_owned();
        let refused = RefusedFile { id: id.clone(), path: Some(path.clone()) };
        if let Err(message) = self.list.add(ListedFile::unlisted(id, path, file.to_owned())) {
            self.report(shown, message);
            self.list.refused.push(refused);
        }
    }

    fn report(&mut self, file: &str, message: impl Into<String>) {
        self.list.problems.push(Problem::error(file, None, message));
    }
}

/// A tree in place, at the top of the catalog, as far as publishers wrote it.
struct InPlaceTree<'a> {
    tree: Tree<'a>,
    author: Author,
}

/// The author of files that have the names of a tree in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Author {
    /// A publisher, as a head or a history shows.
    Publisher,
    /// Possibly a first publication in place that was interrupted.
    Unknown,
    /// Another program.
    Other,
}

impl<'a> InPlaceTree<'a> {
    /// Finds the author of a tree in place in `dir`. `layout` is the layout that this publisher
    /// writes.
    fn find(files: &'a dyn Files, dir: &'a Path, layout: Layout) -> Result<InPlaceTree<'a>> {
        let tree = Tree { files, dir, layout: Layout::InPlace };
        let has_head = match tree.head() {
            Ok(head) => head.is_some(),
            Err(error) if error.kind() == ErrorKind::Head => false,
            Err(error) => return Err(error),
        };
        let author = if has_head || History::load(files, &tree.history_path())?.is_some() {
            Author::Publisher
        } else if layout == Layout::InPlace {
            Author::Unknown
        } else {
            Author::Other
        };
        Ok(InPlaceTree { tree, author })
    }

    /// Returns true if `name`, at the top of the catalog, belongs to the tree in place, so that it
    /// is not a file of the catalog. Reports other files in the tree's directories.
    fn contains(&self, name: &str, kind: FileKind, problems: &mut Vec<Problem>) -> Result<bool> {
        let own = [self.tree.head_path(), self.tree.manifest_path(), self.tree.history_path()];
        let is_own = own.iter().any(|path| path.file_name().is_some_and(|own| own == name));
        match (name, kind) {
            (BY_SHA | pack::DIR | list::DIR, FileKind::Dir) if self.author != Author::Other => {
                self.check_dir(name, problems)?;
                Ok(true)
            }
            (_, FileKind::File) if is_own => match self.author {
                Author::Publisher => Ok(true),
                // After an interrupted first publication, there is an object of the manifest.
                Author::Unknown if name == self.tree.layout.manifest_name() => {
                    match digest_if_any(self.tree.files, &self.tree.manifest_path())? {
                        Some((digest, _)) => self.tree.has_object(digest, None),
                        None => Ok(false),
                    }
                }
                _ => Ok(false),
            },
            (_, FileKind::File) => page::is_own(&self.tree, name),
            _ => Ok(false),
        }
    }

    /// Reports files in a directory of the tree that are not part of it.
    fn check_dir(&self, dir: &str, problems: &mut Vec<Problem>) -> Result<()> {
        let path = self.tree.dir.join(dir);
        let mut names = self.tree.files.list(&path).on("list", &path)?;
        names.sort();
        for name in names {
            let name = name.to_string_lossy();
            let shown = format!("{dir}/{name}");
            let is_own = match name.parse::<Digest>() {
                Ok(digest) if dir == BY_SHA && self.author == Author::Unknown => {
                    self.tree.has_intact_object(digest)?
                }
                digest if dir == BY_SHA => digest.is_ok(),
                _ if dir == list::DIR => list::version_at(&shown).is_some(),
                _ => PackName::parse(&name).is_some(),
            };
            if !is_own && !is_draft(&name) {
                problems.push(Problem::error(&shown, None, reserved(dir)));
            } else if self.author == Author::Unknown {
                problems.push(Problem::warning(
                    &shown,
                    "left out: it seems to come from an interrupted publication",
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;

    use super::*;
    use crate::base::files::RealFiles;

    #[test]
    fn invalid_names_are_reported_and_other_files_are_listed() {
        let dir = tempfile::tempdir().unwrap();
        let deep = (0..70).fold(dir.path().join("deep"), |path, _| path.join("d"));
        fs::create_dir_all(&deep).unwrap();
        fs::create_dir_all(dir.path().join("sub/.git")).unwrap();
        for name in ["b", "a", "x:y", "sub/c", "root.json", "by-sha"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        fs::write(dir.path().join(OsStr::from_bytes(b"\xff.txt")), "").unwrap();
        let tree = dir.path().join("tree");
        fs::create_dir(&tree).unwrap();
        fs::write(tree.join("own"), "").unwrap();
        let tree = Tree { files: &RealFiles, dir: &tree, layout: Layout::Separate };
        let list = List::of_every_file(&RealFiles, dir.path(), &tree).unwrap();
        let ids: Vec<&str> = list.files.iter().map(|file| &*file.id).collect();
        assert_eq!(ids, ["a", "b", "sub/c"]);
        let found: Vec<String> = list.problems.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 6, "{found:#?}");
        assert_eq!(found[0], "\u{fffd}.txt: the name is not UTF-8");
        assert_eq!(found[1], "by-sha: the name \"by-sha\" is reserved");
        assert!(found[2].ends_with("expected at most 64 levels of directories"), "{found:#?}");
        assert_eq!(found[3], "root.json: the name \"root.json\" is reserved");
        assert_eq!(found[4], "sub/.git: warning: left out: hidden file");
        assert_eq!(found[5], "x:y: unsafe path \"x:y\": colon");
    }
}
