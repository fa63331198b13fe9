//! C programs, built from the installed files, run against the test server.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests may look at paths")]

#[path = "support/toolchain.rs"]
mod toolchain;
#[path = "support/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use toolchain::{Installed, install, succeed, tool};
use world::World;

/// The programs in `tests/c`.
const PROGRAMS: &[&str] = &[
    "sync",
    "progress",
    "cancel",
    "errors",
    "arguments",
    "threads",
    "publish",
    "trust",
    "sources",
    "formats",
    "installation",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs every program, each with its own server, in one process: tools that translate or instrument
/// the library do so once.
fn run_all(options: &[&str], prepare: impl Fn(&Installed, &Path) -> Command) {
    let installed = Installed::new("dev");
    let dir = tempfile::tempdir().unwrap();
    let (mut declarations, mut calls, mut files) = (String::new(), String::new(), Vec::new());
    for (n, name) in PROGRAMS.iter().enumerate() {
        let object = dir.path().join(format!("{name}.o"));
        let renamed = format!("-Dmain={name}_main");
        let source = root().join(format!("tests/c/{name}.c"));
        installed.compile(&[source], &object, &[options, &["-c", &renamed]].concat());
        declarations += &format!("int {name}_main(int, char **);\n");
        // Each program has three arguments.
        calls += &format!("    if ({name}_main(4, argv + {}) != 0) return 1;\n", 3 * n);
        files.push(object);
    }
    let main = dir.path().join("main.c");
    let body = format!("    (void)argc;\n{calls}    return 0;\n");
    fs::write(&main, format!("{declarations}int main(int argc, char **argv)\n{{\n{body}}}\n"))
        .unwrap();
    files.push(main);
    let program = dir.path().join("every program");
    installed.compile(&files, &program, options);
    let worlds: Vec<World> = PROGRAMS.iter().map(|_| World::new()).collect();
    succeed(prepare(&installed, &program).args(worlds.iter().flat_map(World::arguments)));
}

#[test]
fn every_program_is_listed() {
    let files = fs::read_dir(root().join("tests/c")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let found: BTreeSet<String> =
        names.filter_map(|name| Some(name.strip_suffix(".c")?.to_owned())).collect();
    assert_eq!(found, PROGRAMS.iter().map(|name| (*name).to_owned()).collect());
}

#[test]
fn every_program_passes_valgrind() {
    tool("valgrind");
    run_all(&[], |installed, program| {
        let mut valgrind = installed.command("valgrind");
        valgrind.args(["--quiet", "--error-exitcode=99", "--leak-check=full"]);
        valgrind.args(["--show-leak-kinds=definite,indirect,possible"]);
        valgrind.args(["--errors-for-leak-kinds=definite,indirect,possible"]);
        // A frame that a suppression names may be below many others.
        valgrind.arg("--num-callers=50");
        let known = root().join("tests/c/valgrind.supp");
        valgrind.arg(format!("--suppressions={}", known.display())).arg(program);
        valgrind
    });
}

#[test]
fn every_program_passes_the_address_sanitizer() {
    run_all(&["-fsanitize=address,undefined", "-fno-omit-frame-pointer"], |installed, program| {
        installed.command(program)
    });
}

#[test]
fn the_header_compiles_in_every_supported_language_version() {
    let header = root().join("include/rockon_sync.h");
    for (compiler, language, standard) in
        [("cc", "c", "c99"), ("cc", "c", "c11"), ("c++", "c++", "c++17")]
    {
        let mut command = tool(compiler);
        command.args(["-x", language, &format!("-std={standard}"), "-fsyntax-only"]);
        succeed(command.args(["-Wall", "-Wextra", "-Wpedantic", "-Werror"]).arg(&header));
    }
}

/// Declares what the examples of the guide use.
const DECLARATIONS: &str = r#"
#include <stdlib.h>
#include "rockon_sync.h"

extern rockon_sync_store *store;
extern rockon_sync_report *report;
extern rockon_sync_catalog *catalog;
extern rockon_sync_changes *changes;
extern rockon_sync_installation *installation;
extern rockon_sync_error *error;
extern rockon_sync_applied applied[];
extern size_t applied_count;
void delete_row(const char *name);
void rename_row(const char *from, const char *to);
void put_row(const char *name, const char *revision, const char *text);
void install(const rockon_sync_definition *definition);
"#;

#[test]
fn every_example_of_the_guide_compiles() {
    let page = fs::read_to_string(root().join("docs/guides/c.md")).unwrap();
    let examples = page.split("```c\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut program = DECLARATIONS.to_owned();
    for (n, example) in examples.enumerate() {
        program += &format!("void example_{n}(void) {{\n{example}}}\n");
    }
    assert!(program.contains("void example_2"), "expected three examples");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("guide.c");
    fs::write(&file, program).unwrap();
    let mut command = tool("cc");
    command.args(["-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"]);
    succeed(command.arg(root().join("include")).arg(&file));
}

#[test]
fn the_exported_symbols_match_the_list_and_the_header() {
    let mut nm = tool("nm");
    let installed = Installed::new("dev");
    nm.args(["-D", "--defined-only", "--format=posix"]);
    let output = succeed(nm.arg(installed.shared_library()));
    let text = String::from_utf8(output.stdout).unwrap();
    let exported: BTreeSet<&str> =
        text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let list = fs::read_to_string(root().join("rockon-sync-ffi/symbols.txt")).unwrap();
    let listed: BTreeSet<&str> = list.lines().collect();

    let lost: Vec<_> = listed.difference(&exported).collect();
    assert!(lost.is_empty(), "missing symbols that programs use: {lost:?}");
    let added: Vec<_> = exported.difference(&listed).collect();
    assert!(added.is_empty(), "add to symbols.txt, and increase the ABI version: {added:?}");
    let header = fs::read_to_string(root().join("include/rockon_sync.h")).unwrap();
    let tested = fs::read_to_string(root().join("tests/c/arguments.c")).unwrap();
    for symbol in listed {
        assert!(header.contains(&format!("{symbol}(")), "not in the header: {symbol}");
        let takes_pointers = !header.contains(&format!("{symbol}(void)"))
            && !["rockon_sync_log_set"].contains(&symbol);
        let is_tested = tested.contains(&format!("{symbol}("));
        assert!(is_tested || !takes_pointers, "not tested with NULL: {symbol}");
    }
}

#[test]
fn the_example_builds_from_the_installed_files_and_lists_the_catalog() {
    let installed = Installed::new("dev");
    let source = root().join("rockon-sync-ffi/examples/sync.c");
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("sync");
    let mut cc = tool("cc");
    cc.arg(&source).arg("-o").arg(&program);
    succeed(cc.args(installed.flags(&["--cflags", "--libs"])));

    let fixed = dir.path().join("sync-static");
    let mut cc = tool("cc");
    cc.arg(&source).arg("-o").arg(&fixed).args(installed.flags(&["--cflags"]));
    cc.arg(installed.prefix().join("lib/librockon_sync.a"));
    let private = installed.flags(&["--static", "--libs"]);
    succeed(cc.args(private.iter().filter(|flag| *flag != "-lrockon_sync")));

    for mut command in [installed.command(&program), Command::new(&fixed)] {
        let world = World::new();
        let [url, store, _] = world.arguments();
        let output = succeed(command.args([store, format!("{url}v2/")]));
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.lines().count(), 16, "{text}");
        assert!(text.lines().next().unwrap().ends_with(" AdGuard Home"), "{text}");
    }
}

#[test]
fn install_puts_destdir_in_front_of_the_prefix() {
    let dir = tempfile::tempdir().unwrap();
    install(Path::new("/usr"), dir.path().to_str().unwrap(), "dev");
    let lib = dir.path().join("usr/lib");
    let pc = fs::read_to_string(lib.join("pkgconfig/rockon-sync.pc")).unwrap();
    assert!(pc.starts_with("prefix=/usr\n"), "{pc}");
    assert_eq!(
        fs::read_link(lib.join("librockon_sync.so")).unwrap(),
        Path::new("librockon_sync.so.0")
    );
    let real = fs::read_link(lib.join("librockon_sync.so.0")).unwrap();
    assert!(lib.join(real).is_file());
    assert!(lib.join("librockon_sync.a").is_file());
    assert!(dir.path().join("usr/include/rockon_sync.h").is_file());
}
