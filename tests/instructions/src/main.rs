//! Makes the catalogs that the instructions are counted on.

use rockon_sync_instructions::{SIZES, folder, prepare};

fn main() -> rockon_sync::Result<()> {
    for entries in SIZES {
        let folder = folder().join(entries.to_string());
        if std::fs::metadata(&folder).is_err() {
            prepare(&folder, entries)?;
        }
    }
    Ok(())
}
