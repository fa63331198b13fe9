//! Every file of a folder and its subfolders, each under its path.

use std::path::Path;

use super::list::{List, Row};
use super::{is_of_the_tree, is_same_folder};
use crate::error::{Error, Result};
use crate::files::{FileKind, Files};
use crate::limits::MAX_ENTRIES;
use crate::path::EntryPath;
use crate::problem::Problem;

/// Deepest nesting of folders that is followed.
const MAX_DEPTH: usize = 64;

impl List {
    /// Every file below `folder` but those of the tree in `tree`; the path is the id. Hidden
    /// files are left out, with a warning.
    ///
    /// # Errors
    /// [`Store`](crate::ErrorKind::Store) if a folder cannot be listed.
    pub(super) fn of_every_file(files: &dyn Files, folder: &Path, tree: &Path) -> Result<List> {
        let mut walk = Walk { files, tree, list: List::default() };
        walk.folder(folder, "", MAX_DEPTH)?;
        Ok(walk.list)
    }
}

struct Walk<'a> {
    files: &'a dyn Files,
    tree: &'a Path,
    list: List,
}

impl Walk<'_> {
    /// Adds what is in `folder`, whose path in the tree is `prefix`.
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<()> {
        let listed = self.files.list(folder);
        let listed = listed.map_err(|error| Error::io("list this folder", folder, error))?;
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
            let (path, shown) = (folder.join(&name), format!("{prefix}{name}"));
            if prefix.is_empty() && is_of_the_tree(&name) {
                continue;
            }
            if name.starts_with('.') {
                self.list.problems.push(Problem::warning(&shown, "hidden, so it is left out"));
                continue;
            }
            let stat = self.files.stat(&path);
            match stat.map_err(|error| Error::io("look at this file", &path, error))?.kind {
                FileKind::Folder if is_same_folder(&path, self.tree)? => {}
                FileKind::Folder => match depth.checked_sub(1) {
                    Some(depth) => self.folder(&path, &format!("{shown}/"), depth)?,
                    None => {
                        let message = format!("folders are nested deeper than {MAX_DEPTH} levels");
                        self.list.problems.push(Problem::error(&shown, None, message));
                    }
                },
                _ => self.file(&path, shown),
            }
        }
        Ok(())
    }

    fn file(&mut self, file: &Path, shown: String) {
        let added = if self.list.rows.len() >= MAX_ENTRIES {
            Err(format!("expected at most {MAX_ENTRIES} files"))
        } else {
            EntryPath::new(&*shown).map_err(|error| error.to_string()).and_then(|path| {
                let id = path.as_str().to_owned();
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
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;

    use super::*;
    use crate::files::RealFiles;

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
        let list = List::of_every_file(&RealFiles, dir.path(), &tree).unwrap();
        let ids: Vec<&str> = list.rows.iter().map(|row| &*row.id).collect();
        assert_eq!(ids, ["a", "b", "sub/c"]);
        let found: Vec<String> = list.problems.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 4, "{found:#?}");
        assert_eq!(found[0], "\u{fffd}.txt: the name is not UTF-8");
        assert!(found[1].ends_with("folders are nested deeper than 64 levels"), "{found:#?}");
        assert_eq!(found[2], "sub/.git: warning: hidden, so it is left out");
        assert_eq!(found[3], "x:y: unsafe path \"x:y\": colon");
    }
}
