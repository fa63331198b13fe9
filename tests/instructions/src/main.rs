//! Creates the catalogs for counting instructions.

use rockon_sync_instructions::{SIZES, dir, prepare};

fn main() -> rockon_sync::Result<()> {
    for entries in SIZES {
        let dir = dir().join(entries.to_string());
        if !dir.exists() {
            prepare(&dir, entries)?;
        }
    }
    Ok(())
}
