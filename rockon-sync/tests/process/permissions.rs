//! A store that the user may read but not write.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::catalog::{Packs, TestCatalog, code, stderr, succeeds};

/// File modes do not restrict the superuser, so the tests switch to this user: `nobody` on most
/// systems.
const NOBODY: u32 = 65534;

/// Returns a directory with a copy of the command that every user can run. The build directory may
/// be private.
fn program_for_all() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    let program = dir.path().join("rockon-sync");
    fs::copy(env!("CARGO_BIN_EXE_rockon-sync"), &program).unwrap();
    fs::set_permissions(program, Permissions::from_mode(0o755)).unwrap();
    dir
}

/// Runs the command as a user who can only read the store.
fn as_reader(catalog: &TestCatalog, program: &TempDir, args: &[&str]) -> Output {
    let mut command = Command::new(program.path().join("rockon-sync"));
    catalog.prepare(&mut command);
    let is_root = fs::metadata(catalog.path("store")).unwrap().uid() == 0;
    if is_root {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.args(args).output().unwrap()
}

/// Changes the modes of all files, whatever the umask is.
fn chmod(catalog: &TestCatalog, mode: &str) {
    let status = Command::new("chmod").args(["-R", mode]).arg(catalog.dir.path()).status();
    assert!(status.unwrap().success());
}

#[test]
fn a_store_of_another_user_can_be_read_but_not_written() {
    let (catalog, program) = (TestCatalog::new(Packs::Offered), program_for_all());
    succeeds(&catalog.update("old"));
    chmod(&catalog, "a=rX");
    let old = catalog.current();
    for read in [&["list"][..], &["show", "App a"], &["status"], &["verify"]] {
        succeeds(&as_reader(&catalog, &program, &[read, &["--store", "store"]].concat()));
    }
    let output = as_reader(&catalog, &program, &["update", "--store", "store", "--source", "new"]);
    assert_eq!(code(&output), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("Permission denied"), "{}", stderr(&output));
    assert!(stderr(&output).contains("still has generation 1"), "{}", stderr(&output));
    assert!(catalog.current() == old);
    // So that the directory can be removed.
    chmod(&catalog, "u+w");
}
