//! Output and logs of the command have no secrets, even at the highest verbosity.

use crate::catalog::{Packs, TestCatalog, code, stderr};

#[test]
fn neither_output_nor_the_most_verbose_log_has_secrets() {
    let catalog = TestCatalog::new(Packs::Absent);
    let server = catalog.server("new");
    let url = server.url().replace("http://", "http://me:hunter2@") + "?token=open-sesame";
    let args = ["update", "-vv", "--store", "store", "--source", &url];
    for args in [&args[..], &[&args[..], &["--json", "--full"]].concat()] {
        let output = catalog.command(args).env("RUST_LOG", "trace").output().unwrap();
        let message = stderr(&output) + &String::from_utf8_lossy(&output.stdout);
        assert_eq!(code(&output), Some(0), "{message}");
        assert!(message.contains("rockon_sync::net::transport"), "nothing was logged: {message}");
        for secret in ["hunter2", "sesame", "bWU6aHVudGVyMg"] {
            assert!(!message.contains(secret), "{message}");
        }
    }
}
