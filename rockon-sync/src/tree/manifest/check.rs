//! All rules of a manifest, checked row by row.

use super::entry::Count;
use super::invalid::InvalidManifest;
use super::paths;
use super::rows::{Row, RowSource, Rows};
use crate::base::error::Result;

#[cfg(doc)]
use crate::base::error::ErrorKind;

/// The form of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Canonical,
    /// Another form, or not a manifest at all. The parser of whole documents tells which.
    Other,
}

/// Checks all rules of a manifest. Eight bytes per entry are in memory.
///
/// # Errors
/// [`ErrorKind::Manifest`] and [`ErrorKind::Limit`] if the manifest is canonical, but violates a
/// rule; [`ErrorKind::Store`] if reading fails.
pub(crate) fn check(source: &dyn RowSource) -> Result<Form> {
    let mut count = Count::default();
    let checked = check_each(source.rows()?, &mut |row| {
        let entry = row.entry()?;
        entry.check_names()?;
        match row.begins_like(&entry)? {
            true => count.add(entry.names().map_or(0, <[_]>::len)),
            false => Err(InvalidManifest::NotCanonical),
        }
    });
    match checked {
        // The parser of whole documents says where.
        Err(InvalidManifest::NotCanonical | InvalidManifest::Json(_)) => Ok(Form::Other),
        Err(InvalidManifest::Entry { .. }) => Ok(Form::Other),
        Err(error) => Err(error.into()),
        Ok(()) => {
            check_paths(source)?;
            Ok(Form::Canonical)
        }
    }
}

/// Returns the form of a manifest that satisfies all rules. Parses no row as a whole.
///
/// # Errors
/// [`ErrorKind::Store`] if reading fails.
pub(crate) fn form_of(rows: Rows<'_>) -> Result<Form> {
    match check_each(rows, &mut |row| row.digest().map(|_| ())) {
        Err(error @ InvalidManifest::Read(_)) => Err(error.into()),
        Err(_) => Ok(Form::Other),
        Ok(()) => Ok(Form::Canonical),
    }
}

/// Checks the rule that concerns all paths of a manifest together.
///
/// # Errors
/// [`ErrorKind::Manifest`] if two paths collide; [`ErrorKind::Store`] if reading fails.
pub(crate) fn check_paths(source: &dyn RowSource) -> Result<()> {
    paths::check_paths(&|visit| {
        let mut rows = source.rows()?;
        while let Some(row) = rows.next()? {
            visit(&row.folded_path()?);
        }
        Ok(())
    })
}

fn check_each(
    mut rows: Rows<'_>,
    check: &mut dyn FnMut(Row<'_>) -> Result<(), InvalidManifest>,
) -> Result<(), InvalidManifest> {
    while let Some(row) = rows.next()? {
        check(row)?;
    }
    Ok(())
}
