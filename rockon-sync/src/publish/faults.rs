//! Fails each changing file operation of a publication in turn: afterwards the head
//! names a whole tree, the old one or the new one, and the next publication gives what
//! an undisturbed one would have given.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{BY_SHA, Publisher};
use crate::digest::Digest;
use crate::head::Head;
use crate::manifest::Manifest;
use crate::testing::FailingFiles;
use crate::time::Timestamp;

fn write_catalog(folder: &Path, definitions: &[(&str, &str)]) {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).unwrap();
    let mut rows = Vec::new();
    for (name, version) in definitions {
        let text = format!(
            "{{\"{name}\":{{\"description\":\"\",\"website\":\"\",\"version\":\"{version}\",\
             \"containers\":{{\"{name}\":{{\"image\":\"\",\"launch_order\":1}}}}}}}}"
        );
        fs::write(folder.join(format!("{name}.json")), text).unwrap();
        rows.push(format!("\"{name}\":\"{name}.json\""));
    }
    fs::write(folder.join("root.json"), format!("{{{}}}", rows.join(","))).unwrap();
}

fn files_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    crate::files::walk(&crate::files::RealFiles, folder, &mut |path, _| {
        files.insert(path.to_owned(), fs::read(folder.join(path)).unwrap());
        Ok(())
    })
    .unwrap();
    files
}

/// Everything that the head promises must be there, under its digest.
fn assert_whole(tree: &Path, context: &str) {
    let Ok(head) = fs::read(tree.join("root.sha")) else { return };
    let head = Head::parse(&head).unwrap();
    let object = |digest: Digest| {
        let bytes = fs::read(tree.join(BY_SHA).join(digest.to_string()));
        let bytes = bytes.unwrap_or_else(|error| panic!("{context}: {digest}: {error}"));
        assert_eq!(Digest::of(&bytes), digest, "{context}");
        bytes
    };
    let manifest = Manifest::parse(&object(head.digest())).unwrap();
    manifest.entries().iter().for_each(|entry| drop(object(entry.digest())));
}

fn fail_each_operation(first: Option<&[(&str, &str)]>, then: &[(&str, &str)]) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let catalog = folder.path().join("catalog");
    let publisher = |tree: &Path, at| {
        Publisher::new(&catalog).out(tree).published(Timestamp::from_unix(at).unwrap())
    };
    for n in 1.. {
        let tree = folder.path().join(format!("tree-{n}"));
        let undisturbed = folder.path().join(format!("undisturbed-{n}"));
        for target in [&tree, &undisturbed] {
            if let Some(definitions) = first {
                write_catalog(&catalog, definitions);
                publisher(target, 1).run().unwrap();
            }
            write_catalog(&catalog, then);
        }
        publisher(&undisturbed, 2).run().unwrap();
        let files = FailingFiles::from(n);
        let result = publisher(&tree, 2).files(&files).run();
        assert_whole(&tree, &format!("after operation {n}"));
        let is_last = !files.has_failed();
        assert_eq!(result.is_ok(), is_last, "operation {n}");
        publisher(&tree, 2).run().unwrap();
        assert_whole(&tree, &format!("after the repair of operation {n}"));
        assert_eq!(files_below(&tree), files_below(&undisturbed), "operation {n}");
        if is_last {
            return n - 1;
        }
    }
    unreachable!("the operations come to an end")
}

#[test]
fn a_first_publication_survives_the_failure_of_any_operation() {
    let operations = fail_each_operation(None, &[("a", "1"), ("b", "1")]);
    assert!(operations > 15, "{operations}");
}

#[test]
fn a_publication_survives_the_failure_of_any_operation() {
    let operations = fail_each_operation(
        Some(&[("a", "1"), ("b", "1"), ("c", "1")]),
        &[("a", "2"), ("b", "1"), ("d", "1")],
    );
    assert!(operations > 15, "{operations}");
}
