//! The header: generated from the sources, and committed.

#[path = "support/header.rs"]
mod header;

use std::path::Path;

/// If set, the header is written instead of compared.
const WRITE: &str = "WRITE_HEADER";

#[test]
fn the_committed_header_matches_the_sources() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("../include/rockon_sync.h");
    let generated = header::generate(root);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, generated).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(
        committed == generated,
        "include/rockon_sync.h is not what the sources say; to write it anew:\n\
         {WRITE}=1 cargo test -p rockon-sync-ffi --test header"
    );
}
