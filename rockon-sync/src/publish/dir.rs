//! Every file of a directory and its subdirectorys, each under its path.

use std::path::Path;

use super::history::History;
use super::list::{List, Refused, Row};
use super::tree::Tree;
use super::{BY_SHA, Layout, is_same_dir};
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{FileKind, Files};
use crate::base::limits::MAX_ENTRIES;
use crate::base::path::EntryPath;
use crate::base::problem::Problem;
use crate::store::digest_if_any;
use crate::tree::pack::{self, PackName};

/// Deepest nesting of directories that is followed.
const MAX_DEPTH: usize = 64;

impl List {
    /// Lists every file below `dir`; the path is the id. What publishers themselves wrote is left
    /// out: the tree in `tree`, and a tree in place. Hidden files are left out with a warning.
    /// Anything else with a name that belongs to a tree is a problem.
    ///
    /// # Errors
    /// [`Store`](crate::ErrorKind::Store) if a directory cannot be listed or a file cannot be
    /// looked at.
    pub(super) fn of_every_file(files: &dyn Files, dir: &Path, tree: &Tree<'_>) -> Result<List> {
        let in_place = InPlace::find(files, dir, tree.layout)?;
        let mut walk = Walk { files, tree: tree.dir, in_place, list: List::default() };
        walk.dir(dir, "", MAX_DEPTH)?;
        Ok(walk.list)
    }
}

struct Walk<'a> {
    files: &'a dyn Files,
    tree: &'a Path,
    in_place: InPlace<'a>,
    list: List,
}

impl Walk<'_> {
    /// Adds what is in `dir`, whose path in the tree is `prefix`.
    fn dir(&mut self, dir: &Path, prefix: &str, depth: usize) -> Result<()> {
        let listed = self.files.list(dir);
        let listed = listed.map_err(|error| Error::io("list this directory", dir, error))?;
        let mut names = Vec::with_capacity(listed.len());
        for name in listed {
            match name.into_string() {
                Ok(name) => names.push(name),
                Err(name) => {
                    let shown = format!("{prefix}{}", name.to_string_lossy());
                    self.list.problems.push(Problem::error(&shown, None, "the name is not UTF-8"));
                }
            }
        }
        names.sort();
        for name in names {
            let (path, shown) = (dir.join(&name), format!("{prefix}{name}"));
            if name.starts_with('.') {
                self.list.problems.push(Problem::warning(&shown, "hidden, so it is left out"));
                continue;
            }
            let stat = self.files.stat(&path);
            let kind = stat.map_err(|error| Error::io("look at this file", &path, error))?.kind;
            let is_top = prefix.is_empty();
            if is_top && self.in_place.takes(&name, kind, &mut self.list.problems)? {
                continue;
            }
            match kind {
                FileKind::Dir if is_top && is_reserved(&name) => {
                    self.list.problems.push(Problem::error(&shown, None, belongs_to_tree(&name)));
                }
                FileKind::Dir if is_same_dir(&path, self.tree)? => {}
                // A link that leads nowhere is not the tree, but a problem of the catalog.
                FileKind::Link if is_same_dir(&path, self.tree).is_ok_and(|same| same) => {}
                FileKind::Dir => match depth.checked_sub(1) {
                    Some(depth) => self.dir(&path, &format!("{shown}/"), depth)?,
                    None => {
                        let message =
                            format!("directories are nested deeper than {MAX_DEPTH} levels");
                        self.list.problems.push(Problem::error(&shown, None, message));
                    }
                },
                _ => self.file(&path, shown),
            }
        }
        Ok(())
    }

    fn file(&mut self, file: &Path, shown: String) {
        let mut refused = None;
        let added = if self.list.rows.len() >= MAX_ENTRIES {
            Err(format!("expected at most {MAX_ENTRIES} files"))
        } else {
            EntryPath::new(&*shown).map_err(|error| error.to_string()).and_then(|path| {
                let id = path.as_str().to_owned();
                refused = Some(Refused { id: id.clone(), path: Some(path.clone()) });
                self.list.add(Row {
                    id,
                    path,
                    file: file.to_owned(),
                    listed_in: None,
                    position: None,
                })
            })
        };
        if let Err(message) = added {
            self.list.problems.push(Problem::error(&shown, None, message));
            self.list.refused.extend(refused);
        }
    }
}

/// A tree in place at the top of the catalog, as far as publishers wrote it.
struct InPlace<'a> {
    tree: Tree<'a>,
    claim: Claim,
}

/// The author of files that have the names of a tree in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// A publisher, as its head or history shows.
    Published,
    /// A first publication in place may have been interrupted.
    Possible,
    /// Somebody else.
    Foreign,
}

impl<'a> InPlace<'a> {
    /// Finds out whether there is a tree in place in `dir`, where a publisher writes one
    /// of this `layout`.
    fn find(files: &'a dyn Files, dir: &'a Path, layout: Layout) -> Result<InPlace<'a>> {
        let tree = Tree { files, dir, layout: Layout::InPlace };
        let has_head = match tree.head() {
            Ok(head) => head.is_some(),
            Err(error) if error.kind() == ErrorKind::Head => false,
            Err(error) => return Err(error),
        };
        let claim = if has_head || History::load(files, &tree.history_path())?.is_some() {
            Claim::Published
        } else if layout == Layout::InPlace {
            Claim::Possible
        } else {
            Claim::Foreign
        };
        Ok(InPlace { tree, claim })
    }

    /// Returns true if `name`, at the top of the catalog, is of the tree in place and so no
    /// file of the catalog. Files in the tree's directories that are not of the tree are problems.
    fn takes(&self, name: &str, kind: FileKind, problems: &mut Vec<Problem>) -> Result<bool> {
        let own = [self.tree.head_path(), self.tree.manifest_path(), self.tree.history_path()];
        let is_own = own.iter().any(|path| path.file_name().is_some_and(|own| own == name));
        match (name, kind) {
            (BY_SHA | pack::DIR, FileKind::Dir) if self.claim != Claim::Foreign => {
                self.check_dir(name, problems)?;
                Ok(true)
            }
            (_, FileKind::File) if is_own => match self.claim {
                Claim::Published => Ok(true),
                // The manifest of an interrupted first publication has its object beside it.
                Claim::Possible if name == self.tree.layout.manifest_name() => {
                    match digest_if_any(self.tree.files, &self.tree.manifest_path())? {
                        Some((digest, _)) => self.tree.has_object(digest, None),
                        None => Ok(false),
                    }
                }
                _ => Ok(false),
            },
            (_, FileKind::File) => self.tree.is_own_page(name),
            _ => Ok(false),
        }
    }

    /// Reports files in a directory of the tree that are not of the tree.
    fn check_dir(&self, dir: &str, problems: &mut Vec<Problem>) -> Result<()> {
        let path = self.tree.dir.join(dir);
        let names = self.tree.files.list(&path);
        let mut names = names.map_err(|error| Error::io("list this directory", &path, error))?;
        names.sort();
        for name in names {
            let name = name.to_string_lossy();
            let is_draft = name.starts_with('.') && name.ends_with(".new");
            let is_named_like_ours = match dir {
                BY_SHA => name.parse::<Digest>().is_ok(),
                _ => PackName::parse(&name).is_some(),
            };
            let is_ours = match (self.claim, name.parse::<Digest>()) {
                (Claim::Possible, Ok(digest)) if dir == BY_SHA => self.tree.is_intact(digest)?,
                _ => is_named_like_ours,
            };
            let shown = format!("{dir}/{name}");
            if !is_ours && !is_draft {
                problems.push(Problem::error(&shown, None, belongs_to_tree(dir)));
            } else if self.claim == Claim::Possible {
                let message = "left out: an interrupted publication seems to have written it";
                problems.push(Problem::warning(&shown, message));
            }
        }
        Ok(())
    }
}

fn is_reserved(name: &str) -> bool {
    EntryPath::new(name).is_ok_and(|path| path.is_reserved())
}

fn belongs_to_tree(name: &str) -> String {
    format!("the name \"{name}\" belongs to the tree itself")
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;

    use super::*;
    use crate::base::files::RealFiles;

    #[test]
    fn what_cannot_be_an_entry_is_named_and_the_others_are_taken() {
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
        let ids: Vec<&str> = list.rows.iter().map(|row| &*row.id).collect();
        assert_eq!(ids, ["a", "b", "sub/c"]);
        let found: Vec<String> = list.problems.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 6, "{found:#?}");
        assert_eq!(found[0], "\u{fffd}.txt: the name is not UTF-8");
        assert_eq!(found[1], "by-sha: the name \"by-sha\" belongs to the tree itself");
        assert!(found[2].ends_with("directories are nested deeper than 64 levels"), "{found:#?}");
        assert_eq!(found[3], "root.json: the name \"root.json\" belongs to the tree itself");
        assert_eq!(found[4], "sub/.git: warning: hidden, so it is left out");
        assert_eq!(found[5], "x:y: unsafe path \"x:y\": colon");
    }
}
