//! Full and read-only disks: small file systems in memory, in a mount namespace of their own.
//! `tests/run.sh` skips these and says so where mounting is not allowed.

use std::fs;
use std::process::{Command, Output};

use crate::catalog::{Packs, TestCatalog, stderr};

/// Runs a shell script in which `disk` is a file system of 1 MiB in memory.
fn on_small_disk(catalog: &TestCatalog, script: &str) -> Output {
    fs::create_dir(catalog.path("disk")).unwrap();
    let mut command = Command::new("unshare");
    catalog.prepare(&mut command);
    command.args(["--map-root-user", "--mount", "sh", "-ec"]).arg(format!(
        "mount -t tmpfs -o size=1m,mode=755 tmpfs disk\n\
         expect() {{ # expect CODE TEXT COMMAND...: asserts on exit code and output\n\
             code=$1 text=$2; shift 2; got=0; \"$@\" >out 2>&1 || got=$?\n\
             if [ $got != $code ] || ! grep -q \"$text\" out; then\n\
                 echo \"$*: expected $code and '$text', got $got:\" >&2; cat out >&2; exit 1; fi; }}\n\
         fill() {{ # fill KB: leaves this much space\n\
             rm -f disk/fill; free=$(df -k --output=avail disk | tail -1)\n\
             head -c $(( (free - $1) * 1024 )) /dev/zero >disk/fill; }}\n\
         same() {{ diff -r \"$1\" \"$2\" >&2; }}\n{script}"
    ));
    command.env("RS", env!("CARGO_BIN_EXE_rockon-sync"));
    let output = command.output().expect("cannot run unshare");
    assert!(output.status.success(), "{}", stderr(&output));
    output
}

#[test]
fn an_update_on_a_full_disk_fails_cleanly_and_succeeds_with_space() {
    for packs in [Packs::Offered, Packs::Absent] {
        let catalog = TestCatalog::new(packs);
        let output = on_small_disk(
            &catalog,
            r#"
            expect 0 '3 added' $RS update --store disk/store --source old
            cp -rL disk/store/rockstor/current before
            failures=0
            for kb in 0 4 8 12 16 20 24 28 32 36 40 44 48; do
                fill $kb
                if $RS update --store disk/store --source new >out 2>&1; then break; fi
                failures=$((failures + 1))
                grep -q 'No space left on device' out || { cat out >&2; exit 1; }
                grep -q 'still has generation 1' out || { cat out >&2; exit 1; }
                same before disk/store/rockstor/current
                expect 0 'App a' $RS list --store disk/store
            done
            rm disk/fill
            expect 0 '' $RS update --store disk/store --source new
            expect 0 '' $RS verify --store disk/store
            expect 0 'App d' $RS list --store disk/store
            echo $failures
            "#,
        );
        let failures: u32 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        assert!(failures > 1, "{failures}");
    }
}

#[test]
fn a_publication_on_a_full_disk_fails_cleanly_and_succeeds_with_space() {
    let catalog = TestCatalog::new(Packs::Offered);
    let output = on_small_disk(
        &catalog,
        r#"
        cp -r old disk/tree
        failures=0
        for kb in 0 4 8 12 16 20 24 28 32 36 40 44 48; do
            fill $kb
            if $RS publish catalog --out disk/tree >out 2>&1; then break; fi
            failures=$((failures + 1))
            grep -q 'No space left on device' out || { cat out >&2; exit 1; }
            cmp old/root.sha disk/tree/root.sha
            # All files of the old head are still there.
            expect 0 '' $RS update --store store-$kb --source disk/tree
        done
        rm disk/fill
        expect 0 '' $RS publish catalog --out disk/tree
        same new disk/tree
        echo $failures
        "#,
    );
    let failures: u32 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    assert!(failures > 1, "{failures}");
}

#[test]
fn a_read_only_store_can_be_read_and_an_update_reports_the_cause() {
    let catalog = TestCatalog::new(Packs::Offered);
    on_small_disk(
        &catalog,
        r#"
        expect 0 '' $RS update --store disk/store --source old
        cp -r old disk/tree
        mount -o remount,bind,ro disk
        expect 0 'App a' $RS list --store disk/store
        expect 0 '"version": "1"' $RS show 'App a' --store disk/store
        expect 0 'generation 1' $RS status --store disk/store
        expect 0 '' $RS verify --store disk/store
        expect 1 'Read-only file system' $RS update --store disk/store --source new
        grep -q 'still has generation 1' out
        expect 1 'Read-only file system' $RS update --store disk/other --source new
        expect 1 'Read-only file system' $RS publish catalog --out disk/tree
        mount -o remount,bind,rw disk
        expect 0 '' $RS update --store disk/store --source new
        expect 0 '' $RS publish catalog --out disk/tree
        "#,
    );
}
