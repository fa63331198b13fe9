//! The rule that concerns all paths of a manifest: no two of them may be one file, and none may be
//! the directory of another.
//!
//! ```text
//! hash every path -> sort the hashes -> look for the hash of each path and of its directories
//! ```
//!
//! Eight bytes per path are in memory instead of its text. Equal paths have equal hashes, so that
//! no collision is missed. Different paths may have equal hashes, too: a collision counts only if
//! it is found again with other hashes, whose key is random.

use std::hash::{BuildHasher, RandomState};

use super::invalid::InvalidManifest;
use crate::base::error::{Result, excerpt};

/// A source of paths, in the form [`EntryPath::folded`](crate::base::path::EntryPath::folded),
/// that can be asked several times. It passes each one to the callback.
pub(super) type EachPath<'a> = dyn Fn(&mut dyn FnMut(&str)) -> Result<()> + 'a;

/// Fails if two paths would collide as files: they are equal, or one of them is a directory of the
/// other.
pub(super) fn check_paths(each: &EachPath<'_>) -> Result<()> {
    let random = RandomState::new();
    let found = find_collision(each, &|path| random.hash_one(path))?;
    if found.is_none() {
        return Ok(());
    }
    let random = RandomState::new();
    match find_collision(each, &|path| random.hash_one(path))? {
        Some(collision) => Err(collision.into()),
        None => Ok(()),
    }
}

/// Returns a collision, or paths with equal hashes.
fn find_collision(
    each: &EachPath<'_>,
    hash: &dyn Fn(&str) -> u64,
) -> Result<Option<InvalidManifest>> {
    let mut files: Vec<u64> = Vec::new();
    let mut has_dirs = false;
    each(&mut |path| {
        has_dirs |= path.contains('/');
        files.push(hash(path));
    })?;
    files.sort_unstable();
    let mut duplicates: Vec<u64> =
        files.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    if duplicates.is_empty() && !has_dirs {
        return Ok(None);
    }
    duplicates.dedup();
    files.dedup();
    let mut found = None;
    let mut last_dir = String::new();
    each(&mut |path| {
        if found.is_some() {
            return;
        }
        if !duplicates.is_empty() && duplicates.binary_search(&hash(path)).is_ok() {
            found = Some(InvalidManifest::DuplicatePath { path: excerpt(path) });
        }
        let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
        // Entries of one directory are often neighbors.
        if dir == last_dir {
            return;
        }
        dir.clone_into(&mut last_dir);
        let dirs = path.match_indices('/').map(|(at, _)| &path[..at]);
        let mut files_of_dirs = dirs.filter(|dir| files.binary_search(&hash(dir)).is_ok());
        if let Some(file) = files_of_dirs.next() {
            let (file, path) = (excerpt(file), excerpt(path));
            found = Some(InvalidManifest::FileIsDir { file, path });
        }
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each<'a>(paths: &'a [&'a str]) -> impl Fn(&mut dyn FnMut(&str)) -> Result<()> + 'a {
        |visit| {
            paths.iter().for_each(|path| visit(path));
            Ok(())
        }
    }

    #[test]
    fn equal_hashes_of_different_paths_are_not_a_collision() {
        let paths = ["a", "b", "c/d"];
        let length = |path: &str| path.len() as u64;
        assert!(find_collision(&each(&paths), &length).unwrap().is_some());
        check_paths(&each(&paths)).unwrap();
    }

    #[test]
    fn collisions_are_found_wherever_they_are() {
        for (paths, expected) in [
            (&["a", "b", "a"][..], "duplicate path \"a\""),
            (&["d/x", "z", "d"], "path \"d\" is a file and the directory of \"d/x\""),
            (&["d", "d/x/y/z"], "path \"d\" is a file"),
            (&["d/x/y/z", "d/x"], "path \"d/x\" is a file"),
            (&["e/x", "d/x", "d/y", "d"], "path \"d\" is a file"),
        ] {
            let error = check_paths(&each(paths)).unwrap_err();
            assert!(error.to_string().contains(expected), "{paths:?}: {error}");
        }
        check_paths(&each(&["d/x", "dx", "d/y", "c/d"])).unwrap();
    }
}
