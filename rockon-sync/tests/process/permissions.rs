//! A store that may be read and not written, because it is somebody else's.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::desk::{Desk, Packs, code, stderr, succeeds};

/// Whom the superuser becomes, to whom modes say nothing: `nobody`, on most systems.
const NOBODY: u32 = 65534;

/// A copy of the command that everybody can run: the program itself may be where only its
/// owner can get at it.
fn program_for_all() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_rockon-sync"), folder.path().join("rockon-sync")).unwrap();
    folder
}

/// Runs the command as somebody who may read the store only.
fn as_reader(desk: &Desk, program: &TempDir, args: &[&str]) -> Output {
    let mut command = Command::new(program.path().join("rockon-sync"));
    desk.prepare(&mut command);
    let is_root = fs::metadata(desk.path("store")).unwrap().uid() == 0;
    if is_root {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.args(args).output().unwrap()
}

#[test]
fn somebody_elses_store_can_be_read_and_is_refused_to_be_written() {
    let (desk, program) = (Desk::new(Packs::Offered), program_for_all());
    succeeds(&desk.update("old"));
    fs::set_permissions(desk.folder.path(), Permissions::from_mode(0o755)).unwrap();
    for folder in ["", "rockstor", "rockstor/gen", "rockstor/incoming"] {
        let folder = desk.path("store").join(folder);
        fs::set_permissions(folder, Permissions::from_mode(0o555)).unwrap();
    }
    fs::set_permissions(desk.path("store/rockstor/lock"), Permissions::from_mode(0o444)).unwrap();
    let old = desk.seen();
    for read in [&["list"][..], &["show", "App a"], &["status"], &["verify"]] {
        succeeds(&as_reader(&desk, &program, &[read, &["--store", "store"]].concat()));
    }
    let output = as_reader(&desk, &program, &["update", "--store", "store", "--source", "new"]);
    assert_eq!(code(&output), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("Permission denied"), "{}", stderr(&output));
    assert!(stderr(&output).contains("still holds generation 1"), "{}", stderr(&output));
    assert!(desk.seen() == old);
}
