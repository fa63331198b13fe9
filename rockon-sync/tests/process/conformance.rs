//! The conformance vectors, and all clients of the project judged by them.

use std::path::Path;
use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Command::new("python3")
        .args(arguments)
        .current_dir(top)
        .env("ROCKON_SYNC", env!("CARGO_BIN_EXE_rockon-sync"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("python3 runs")
}

/// Runs a program of `docs/conformance`. Fails with its output unless it succeeds.
fn succeeds(arguments: &[&str]) {
    let output = run(arguments);
    let shown = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shown}{errors}");
}

fn judge(classes: &str, client: &[&str]) {
    succeeds(&[&["docs/conformance/run.py", "--claim", classes], client].concat());
}

#[test]
fn the_vectors_are_those_that_the_generator_makes() {
    succeeds(&["docs/conformance/generate.py", "--check"]);
}

#[test]
fn a_client_that_does_nothing_fails() {
    let output = run(&["docs/conformance/run.py", "--claim", "plain,strict", "true"]);
    let shown = String::from_utf8_lossy(&output.stdout);
    // An empty catalog is an empty directory.
    assert!(!output.status.success() && shown.contains("\n1 of "), "{shown}");
}

#[test]
fn the_command_reaches_every_verdict() {
    judge(
        "plain,strict,pack,resume,mirrors,verifying,key-lists,list",
        &["tests/client/library.sh"],
    );
}

#[test]
fn the_plain_client_reaches_the_verdicts_of_its_class() {
    judge("plain", &["python3", "tests/client/plain.py"]);
}

#[test]
fn the_shell_client_reaches_the_verdicts_of_its_classes() {
    judge("plain,pack,resume,mirrors", &["tests/client/rockon-sync.sh"]);
}
