//! The header: generated from the sources, committed, and fit for every C it is promised for.

#[path = "support/header.rs"]
mod header;

use std::path::Path;

/// Set to anything, it makes the test write the header instead of comparing it.
const WRITE: &str = "WRITE_HEADER";

#[test]
fn the_committed_header_is_what_the_sources_say() {
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
