//! The next generation is made of the one before the current one, or built anew.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{MetadataExt, symlink};

use super::*;
use crate::base::error::IoContext;

/// The files of a generation: path and content.
type Contents = BTreeMap<String, String>;

fn contents(files: &[(&str, &str)]) -> Contents {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

/// Twelve files, each with its path as content, except for some.
fn twelve(changed: &[(&str, &str)]) -> Contents {
    let mut all = Contents::new();
    for name in ["a", "b", "c", "d", "e", "f"] {
        for path in [name.to_owned(), format!("dir/{name}")] {
            all.insert(path.clone(), path);
        }
    }
    all.extend(contents(changed));
    all
}

/// Returns every file below a directory but the head, and every directory.
fn tree_at(dir: &Path) -> (Contents, BTreeSet<String>) {
    let (mut files, mut dirs) = (Contents::new(), BTreeSet::new());
    let mut left = vec![dir.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
            let kind = fs::symlink_metadata(&path).unwrap();
            if kind.is_dir() {
                dirs.insert(name);
                left.push(path);
            } else if name != "root.sha" {
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    (files, dirs)
}

/// Returns the directories that these files need.
fn dirs_of(files: &Contents) -> BTreeSet<String> {
    let paths: Vec<EntryPath> = files.keys().map(|path| EntryPath::new(path).unwrap()).collect();
    paths.iter().flat_map(EntryPath::parents).map(str::to_owned).collect()
}

impl World {
    /// Commits a generation with these files. The current one must have those of the last commit.
    fn commit_all(&self, files: &dyn Files, old: &Contents, new: &Contents) -> Result<Committed> {
        let writer = self.open(files);
        let base = writer.reader().current()?;
        let old = if base.is_some() { old } else { &Contents::new() };
        let path = |path: &String| EntryPath::new(path).unwrap();
        let digest = |text: &String| Digest::of(text.as_bytes());
        for text in new.values() {
            writer.staging.keep(text.as_bytes(), digest(text))?;
        }
        let committed = writer.commit(
            &Commit {
                base: base.as_ref(),
                is_base_intact: true,
                tree: None,
                head: Some(format!("{new:?}").as_bytes()),
                differences: &|pass| {
                    let gone = old.iter().filter(|(name, text)| new.get(*name) != Some(text));
                    gone.map(|(name, _)| path(name))
                        .try_for_each(|path| pass(Difference::Removed(&path)))?;
                    for (name, text) in new.iter().filter(|(n, text)| old.get(*n) != Some(text)) {
                        // The same bytes under another path are not downloaded.
                        let same = old.iter().find(|(_, old)| *old == text).map(|(n, _)| path(n));
                        let from = match same {
                            Some(same) => FileOrigin::Base(same),
                            None => FileOrigin::Staging(digest(text)),
                        };
                        pass(Difference::Placed(&path(name), from))?;
                    }
                    Ok(())
                },
                kept: &|pass| {
                    let kept = new.iter().filter(|(name, text)| old.get(*name) == Some(text));
                    kept.map(|(name, _)| path(name)).try_for_each(|path| pass(&path))
                },
                record: None,
            },
            &|| Ok(()),
        )?;
        writer.tidy(&committed.generation, base.as_ref());
        Ok(committed)
    }

    /// Commits these states, one after the other, and returns the inode of each generation.
    fn commit_each(&self, states: &[Contents]) -> Vec<u64> {
        let mut old = Contents::new();
        let mut inodes = Vec::new();
        for new in states {
            self.commit_all(&RealFiles, &old, new).unwrap();
            self.assert_current(new, "committed");
            inodes.push(fs::metadata(self.path("current")).unwrap().ino());
            old.clone_from(new);
        }
        inodes
    }

    fn assert_current(&self, expected: &Contents, label: &str) {
        let current = fs::canonicalize(self.path("current")).unwrap();
        let (files, dirs) = tree_at(&current);
        assert_eq!(&files, expected, "{label}");
        assert_eq!(dirs, dirs_of(expected), "{label}");
        let head = fs::read_to_string(current.join("root.sha")).unwrap();
        assert_eq!(head, format!("{expected:?}"), "{label}");
    }
}

#[test]
fn every_generation_after_the_second_is_the_one_before_the_current_one_recycled() {
    let world = World::new();
    let states: Vec<Contents> = (0..6).map(|n| twelve(&[("dir/b", &n.to_string())])).collect();
    let inodes = world.commit_each(&states);
    assert_eq!(inodes[2..], inodes[..4]);
    assert_ne!(inodes[0], inodes[1]);
    assert_eq!(world.generations(), with_changes(&["000005", "000006"]));
    let ino = |path: &str| fs::metadata(world.path(path)).unwrap().ino();
    assert_eq!(ino("gen/000005/a"), ino("gen/000006/a"));
    assert_ne!(ino("gen/000005/dir/b"), ino("gen/000006/dir/b"));
}

#[test]
fn no_more_files_are_touched_than_differ() {
    let world = World::new();
    let states = [twelve(&[("a", "1")]), twelve(&[("b", "2")]), twelve(&[("c", "3")])];
    world.commit_each(&states[..2]);
    let log = log();
    let files = logged(log);
    world.commit_all(&files, &states[1], &states[2]).unwrap();
    let changed: BTreeSet<String> = log
        .lock()
        .unwrap()
        .iter()
        .filter(|(call, _)| matches!(call, Call::Change | Call::Remove))
        .filter_map(|(_, path)| path.strip_prefix(world.path("gen")).ok()?.to_str())
        .filter(|path| !path.is_empty())
        .map(str::to_owned)
        .collect();
    let recycled = ["a", "b", "c", "root.sha"].map(|name| format!("000001.recycled/{name}"));
    let others =
        ["000001.changes", "000001.recycled", "000003", "000003.changes"].map(str::to_owned);
    assert_eq!(changed, recycled.into_iter().chain(others).collect());
}

#[test]
fn a_generation_is_unnamed_before_it_changes_and_complete_before_it_is_named() {
    let world = World::new();
    let states = [twelve(&[]), twelve(&[("a", "1")]), twelve(&[("dir/b", "2")])];
    world.commit_each(&states[..2]);
    let log = log();
    let files = logged(log);
    world.commit_all(&files, &states[1], &states[2]).unwrap();
    let log = log.lock().unwrap();
    let mut start = 0;
    for (call, path) in [
        (Call::Change, "gen/000001.recycled"),
        (Call::Sync, "gen"),
        (Call::Remove, "gen/000001.recycled/a"),
        (Call::Sync, "gen/000001.recycled/dir/b"),
        (Call::Sync, "gen/000001.recycled/dir"),
        (Call::Sync, "gen/000001.recycled"),
        (Call::Change, "gen/000003"),
        (Call::Sync, "gen/000003.changes"),
        (Call::Sync, "gen"),
        (Call::Change, "current"),
    ] {
        let wanted = (call, world.path(path));
        let at = log[start..].iter().position(|entry| *entry == wanted);
        start += at.unwrap_or_else(|| panic!("{wanted:?} is not in order: {log:#?}"));
    }
}

#[test]
fn files_and_directories_may_take_the_place_of_each_other() {
    let states = [
        twelve(&[("x/y/z", "1"), ("x/y/w", "2")]),
        twelve(&[("x/y", "3"), ("dir/b/deep", "4")]),
        twelve(&[("x/y/z", "1"), ("X", "5")]),
        twelve(&[("x", "6"), ("e/f", "7")]),
        twelve(&[]),
        twelve(&[("x/y/z", "1")]),
    ];
    let without = |mut files: Contents, gone: &str| {
        files.remove(gone);
        files
    };
    let states: Vec<Contents> = states
        .into_iter()
        .map(|files| match files.contains_key("dir/b/deep") {
            true => without(files, "dir/b"),
            false => files,
        })
        .map(|files| if files.contains_key("e/f") { without(files, "e") } else { files })
        .collect();
    let world = World::new();
    let inodes = world.commit_each(&states);
    assert_eq!(inodes[2..], inodes[..4]);
}

#[test]
fn a_fresh_generation_is_built_if_more_than_half_changes() {
    for (changes, expected) in [(5, true), (9, false)] {
        let world = World::new();
        let state = |n: usize| -> Contents {
            let names = twelve(&[]).into_keys().enumerate();
            names
                .map(|(k, name)| (name, format!("{k} {}", if k < changes { n } else { 0 })))
                .collect()
        };
        let inodes = world.commit_each(&[state(1), state(2), state(3)]);
        assert_eq!(inodes[2] == inodes[0], expected, "{changes} of 12 changed");
    }
}

/// A change by somebody else to the generation before the current one, or to its record.
type Tamper = fn(&World);

fn edit(path: &str, text: &str) -> impl Fn(&World) {
    move |world: &World| {
        let path = world.path(path);
        // As an editor does it: the other generation keeps its file.
        fs::write(path.with_extension("tmp"), text).unwrap();
        fs::rename(path.with_extension("tmp"), path).unwrap();
    }
}

#[test]
fn a_generation_that_is_not_as_it_was_committed_is_not_recycled() {
    let cases: [(&str, Tamper); 13] = [
        ("edited", |w| edit("gen/000001/e", "forged")(w)),
        ("edited in a directory", |w| edit("gen/000001/dir/e", "forged")(w)),
        ("removed", |w| fs::remove_file(w.path("gen/000001/f")).unwrap()),
        ("added", |w| fs::write(w.path("gen/000001/stray"), "").unwrap()),
        ("added directory", |w| fs::create_dir(w.path("gen/000001/dir/more")).unwrap()),
        ("moved directory", |w| {
            fs::rename(w.path("gen/000001/dir"), w.path("elsewhere")).unwrap();
            symlink(w.path("elsewhere"), w.path("gen/000001/dir")).unwrap();
        }),
        ("another head", |w| edit("gen/000001/root.sha", "other")(w)),
        ("gone", |w| fs::remove_dir_all(w.path("gen/000001")).unwrap()),
        ("no record", |w| fs::remove_file(w.path("gen/000001.changes")).unwrap()),
        ("no record of the current one", |w| {
            fs::remove_file(w.path("gen/000002.changes")).unwrap();
        }),
        ("half a record", |w| {
            let bytes = fs::read(w.path("gen/000002.changes")).unwrap();
            fs::remove_file(w.path("gen/000002.changes")).unwrap();
            fs::write(w.path("gen/000002.changes"), &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("a record with an unsafe path", |w| {
            let text = fs::read_to_string(w.path("gen/000002.changes")).unwrap();
            fs::remove_file(w.path("gen/000002.changes")).unwrap();
            let text = text.replacen("\"b\"", "\"../../../b\"", 1);
            fs::write(w.path("gen/000002.changes"), text).unwrap();
        }),
        ("the record of another generation", |w| {
            fs::rename(w.path("gen/000002.changes"), w.path("gen/000001.changes")).unwrap();
        }),
    ];
    for (label, tamper) in cases {
        let world = World::new();
        let states = [twelve(&[("a", "1")]), twelve(&[("b", "2")]), twelve(&[("c", "3")])];
        let inodes = world.commit_each(&states[..2]);
        tamper(&world);
        world.commit_all(&RealFiles, &states[1], &states[2]).unwrap();
        world.assert_current(&states[2], label);
        let recycled = fs::metadata(world.path("current")).unwrap().ino() == inodes[0];
        assert!(!recycled, "{label}");
        world.open(&RealFiles);
        assert!(world.generations().iter().all(|name| !name.contains("recycled")), "{label}");
    }
}

#[test]
fn a_file_that_the_current_generation_has_replaced_is_replaced_whatever_became_of_it() {
    let world = World::new();
    let states = [twelve(&[("a", "1")]), twelve(&[("b", "2")]), twelve(&[("c", "3")])];
    let inodes = world.commit_each(&states[..2]);
    // In place, so that no directory has changed.
    let path = world.path("gen/000001/a");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&path, "forged").unwrap();
    world.commit_all(&RealFiles, &states[1], &states[2]).unwrap();
    world.assert_current(&states[2], "edited in place");
    assert_eq!(fs::metadata(world.path("current")).unwrap().ino(), inodes[0]);
}

#[test]
fn a_copied_file_does_not_come_back_damaged() {
    let world = World::new();
    let states: Vec<Contents> = (0..4).map(|n| twelve(&[("a", &n.to_string())])).collect();
    world.commit_each(&states[..1]);
    // The file system has no hard links between generations, so that each has files of its own.
    let refused: Mutex<BTreeSet<PathBuf>> = Mutex::default();
    let files = HookedFiles::new(move |call, path: &Path| {
        let is_link = call == Call::Change
            && path.ends_with("gen/000002/f")
            && refused.lock().unwrap().insert(path.to_owned());
        if is_link { Err(io::ErrorKind::Unsupported.into()) } else { Ok(()) }
    });
    world.commit_all(&files, &states[0], &states[1]).unwrap();
    let path = world.path("gen/000001/f");
    assert_eq!(fs::metadata(&path).unwrap().nlink(), 1);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&path, "forged").unwrap();
    world.commit_all(&RealFiles, &states[1], &states[2]).unwrap();
    world.assert_current(&states[2], "copied");
    // Generations that share all files again are recycled again.
    let before = fs::metadata(world.path("gen/000002")).unwrap().ino();
    world.commit_all(&RealFiles, &states[2], &states[3]).unwrap();
    assert_eq!(fs::metadata(world.path("current")).unwrap().ino(), before);
}

#[test]
fn a_commit_to_a_damaged_generation_builds_a_fresh_one_that_is_not_recorded() {
    let world = World::new();
    world.commit_each(&[twelve(&[("a", "1")]), twelve(&[("b", "2")])]);
    let writer = world.open(&RealFiles);
    let base = writer.reader().current().unwrap();
    let commit = Commit {
        base: base.as_ref(),
        is_base_intact: false,
        tree: None,
        head: Some(b"head"),
        differences: &|_| Ok(()),
        kept: &|pass| pass(&EntryPath::new("a").unwrap()),
        record: None,
    };
    let committed = writer.commit(&commit, &|| Ok(())).unwrap();
    let (files, _) = tree_at(&committed.generation.dir);
    assert_eq!(files, contents(&[("a", "a")]));
    let record = fs::read_to_string(world.path("gen/000003.changes")).unwrap();
    assert!(record.contains("\"files\": 2") && !record.contains("base"), "{record}");
}

#[test]
fn generations_stay_whole_over_many_random_updates() {
    let names = ["a", "b", "c/a", "c/b", "c/d/e", "c/d/f", "g", "h", "i/a", "j", "k", "l"];
    let mut random = fastrand::Rng::with_seed(4);
    let world = World::new();
    let (mut old, mut recycled) = (Contents::new(), 0);
    let mut inodes = Vec::new();
    for n in 0..200 {
        let mut new = old.clone();
        for _ in 0..random.usize(1..4) {
            let name = names[random.usize(..names.len())].to_owned();
            match random.bool() {
                true => new.insert(name, random.u8(..4).to_string()),
                false => new.remove(&name),
            };
        }
        world.commit_all(&RealFiles, &old, &new).unwrap();
        world.assert_current(&new, &format!("update {n}"));
        let inode = fs::metadata(world.path("current")).unwrap().ino();
        recycled += usize::from(inodes.iter().rev().nth(1) == Some(&inode));
        inodes.push(inode);
        old = new;
    }
    assert!(recycled > 100, "{recycled} of 200 generations were recycled");
}

#[test]
fn a_reader_of_a_generation_that_is_being_recycled_starts_over() {
    let states = [twelve(&[("a", "1")]), twelve(&[("a", "2")]), twelve(&[("a", "3"), ("b", "3")])];
    for n in 1.. {
        let world = World::new();
        world.commit_each(&states[..1]);
        let source = world.store.source(&world.name);
        // Killed at its nth operation on the generations.
        let calls = Mutex::new(0);
        let generations = world.path("gen");
        let files = HookedFiles::new(|call, path: &Path| {
            let mut calls = calls.lock().unwrap();
            let is_one = path != generations || call == Call::Sync;
            *calls += i32::from(call != Call::Read && path.starts_with(&generations) && is_one);
            if *calls < n { Ok(()) } else { Err(bad_disk()) }
        });
        let mut reads = 0;
        let read = source.read_current(|generation| {
            reads += 1;
            if reads == 1 {
                world.commit_all(&RealFiles, &states[0], &states[1])?;
                let committed = world.commit_all(&files, &states[1], &states[2]);
                assert!(committed.is_ok() || *calls.lock().unwrap() >= n);
            }
            fs::metadata(&generation.dir).on("look at this directory", &generation.dir)?;
            Ok((generation.number, tree_at(&generation.dir).0))
        });
        let (number, seen) = read.unwrap().unwrap();
        assert_eq!(seen, states[usize::try_from(number).unwrap() - 1], "operation {n}");
        if *calls.lock().unwrap() < n {
            assert!(n > 15, "only {n} operations");
            break;
        }
    }
}
