//! What the command prints has no secrets, however much it is told to say.

use crate::desk::{Desk, Packs, code, stderr};

#[test]
fn neither_output_nor_the_most_verbose_log_has_secrets() {
    let desk = Desk::new(Packs::Absent);
    let server = desk.server("new");
    let url = server.url().replace("http://", "http://me:hunter2@") + "?token=open-sesame";
    let args = ["update", "-vv", "--store", "store", "--source", &url];
    for args in [&args[..], &[&args[..], &["--json", "--full"]].concat()] {
        let output = desk.command(args).env("RUST_LOG", "trace").output().unwrap();
        let said = stderr(&output) + &String::from_utf8_lossy(&output.stdout);
        assert_eq!(code(&output), Some(0), "{said}");
        assert!(said.contains("rockon_sync::transport"), "it does log: {said}");
        for secret in ["hunter2", "sesame", "bWU6aHVudGVyMg"] {
            assert!(!said.contains(secret), "{said}");
        }
    }
}
