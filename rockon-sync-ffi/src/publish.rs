//! The publisher.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use rockon_sync_core::{Leniency, Page, PublishOutcome, Publisher, Timestamp};

use crate::boundary::{self, Text, Versioned, free, part, read, required, run, text, view};
use crate::catalog::Str;
use crate::error::Error;
use crate::problem::Problem;
use crate::report::Ids;
use crate::update::{mass_delete, unknown};

/// The tree has its own directory. The default.
pub const ROCKON_SYNC_LAYOUT_SEPARATE: i32 = 0;
/// The tree is written into the catalog directory, beside the files that older systems read.
pub const ROCKON_SYNC_LAYOUT_IN_PLACE: i32 = 1;

/// A single invalid definition prevents publishing. The default.
pub const ROCKON_SYNC_LENIENCY_STRICT: i32 = 0;
/// Invalid definitions are reported. Their last published version is kept; without one, they are left
/// out.
pub const ROCKON_SYNC_LENIENCY_LEAVE_OUT: i32 = 1;

/// The tree has no page; an existing one is removed. The default.
pub const ROCKON_SYNC_PAGE_OMIT: i32 = 0;
/// The tree has a page for people, and a feed of its updates.
pub const ROCKON_SYNC_PAGE_WRITE: i32 = 1;

/// A new head was published.
pub const ROCKON_SYNC_PUBLISHED: i32 = 1;
/// The tree was up to date. At most the page was written or removed.
pub const ROCKON_SYNC_PUBLISHED_BEFORE: i32 = 2;

/// Options for publishing a catalog. Set everything to zero, then struct_size, then the settings
/// that differ from the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PublishOptions {
    /// sizeof(rockon_sync_publish_options), so that the struct can grow at its end.
    pub struct_size: usize,
    /// The directory of the tree; NULL for "v2" in the catalog directory. Only for
    /// ROCKON_SYNC_LAYOUT_SEPARATE.
    pub out: Str,
    /// The URL from which clients fetch everything but the head; NULL for the directory of the
    /// head.
    pub url: Str,
    /// ROCKON_SYNC_LAYOUT_...
    pub layout: i32,
    /// ROCKON_SYNC_LENIENCY_...
    pub leniency: i32,
    /// ROCKON_SYNC_MASS_DELETE_...
    pub mass_delete: i32,
    /// The number of publications that stay available to clients with older manifests; 0 for 16.
    pub keep: u32,
    /// The number of days after which the head expires; 0 for never.
    pub expires_in_days: u32,
    /// ROCKON_SYNC_PAGE_...
    pub page: i32,
    /// The time of publication in seconds since 1970-01-01T00:00:00Z, for reproducible trees; NULL
    /// for now.
    pub published_unix_s: *const i64,
    /// The paths of files with private keys, each of which signs the head; NULL for an unsigned
    /// head.
    pub sign_key_files: *const Str,
    /// The number of files.
    pub sign_key_file_count: usize,
    /// The format of the files: "rockon", "jupdate" or "files"; NULL for "rockon".
    pub format: Str,
}

// SAFETY: starts with its size; numbers and pointers.
unsafe impl Versioned for PublishOptions {
    const FIRST_SIZE: usize = std::mem::offset_of!(PublishOptions, sign_key_files);
}

/// The result of a publication.
///
/// Threads: any number at a time.
pub struct PublishReport {
    outcome: i32,
    serial: u64,
    manifest: Text,
    head: Text,
    entries: usize,
    ids: Ids,
    problems: Vec<Problem>,
}

impl From<rockon_sync_core::PublishReport> for PublishReport {
    fn from(report: rockon_sync_core::PublishReport) -> PublishReport {
        PublishReport {
            outcome: match report.outcome {
                PublishOutcome::Unchanged => ROCKON_SYNC_PUBLISHED_BEFORE,
                _ => ROCKON_SYNC_PUBLISHED,
            },
            serial: report.serial,
            manifest: Text::of(report.manifest),
            head: Text::of_path(&report.head),
            entries: report.entries,
            ids: Ids {
                added: Text::all(report.added),
                changed: Text::all(report.changed),
                removed: Text::all(report.removed),
                healed: Vec::new(),
                kept: Text::all(report.kept),
            },
            problems: report.problems.iter().map(Problem::from).collect(),
        }
    }
}

/// Publishes a catalog directory: root.json, which maps ids to files, and these files; with format
/// "files", all files in the directory. Everything is validated before anything is written, and the
/// head is written last.
///
/// folder: the path of the catalog directory, UTF-8, of folder_len bytes. For format "jupdate": the
///   directory, file or URL of an update site.
/// options: NULL for the defaults.
/// report: receives the report; free it with rockon_sync_publish_report_free().
/// Fails with ROCKON_SYNC_ERROR_CATALOG if the catalog directory has problems: see
/// rockon_sync_error_problem(); with MASS_DELETE, ARGUMENT (also for an invalid key file), LOCKED,
/// NOT_FOUND if there is no such directory, HEAD if the head of the tree was not written by a
/// publisher, STORE. The published tree then stays unchanged.
///
/// Threads: any, at any time; publications of the same tree do not run at the same time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_publish(
    folder: *const c_char,
    folder_len: usize,
    options: *const PublishOptions,
    report: Option<&mut MaybeUninit<Box<PublishReport>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        // SAFETY: the header requires this many bytes.
        let folder = unsafe { text(folder, folder_len, "folder") }?;
        // SAFETY: the header requires options of the size they start with.
        let options = unsafe { boundary::versioned(options, "options") }?;
        let out = required(report, "report")?;
        // SAFETY: the header requires strings of the given lengths.
        let publisher = unsafe { configured(folder, &options) }?;
        out.write(Box::new(publisher.run()?.into()));
        Ok(())
    })
}

/// # Safety
/// The pointers in `options` are NULL or meet the requirements of the header.
unsafe fn configured(
    folder: &str,
    options: &PublishOptions,
) -> Result<Publisher<'static>, Box<Error>> {
    let mut publisher = Publisher::new(folder)
        .mass_delete(mass_delete(options.mass_delete)?)
        .leniency(match options.leniency {
            ROCKON_SYNC_LENIENCY_STRICT => Leniency::Strict,
            ROCKON_SYNC_LENIENCY_LEAVE_OUT => Leniency::LeaveOut,
            other => return Err(unknown("leniency", other)),
        });
    // SAFETY: guaranteed by the caller.
    let out = unsafe { options.out.text("options.out") }?;
    publisher = match (options.layout, out) {
        (ROCKON_SYNC_LAYOUT_SEPARATE, None) => publisher,
        (ROCKON_SYNC_LAYOUT_SEPARATE, Some(out)) => publisher.out(out),
        (ROCKON_SYNC_LAYOUT_IN_PLACE, None) => publisher.in_place(),
        (ROCKON_SYNC_LAYOUT_IN_PLACE, Some(_)) => {
            let message = "`options.out` is for trees of their own, not for those in place";
            return Err(Error::argument(message.to_owned()));
        }
        (other, _) => return Err(unknown("layout", other)),
    };
    // SAFETY: guaranteed by the caller.
    if let Some(url) = unsafe { options.url.text("options.url") }? {
        publisher = publisher.url(url);
    }
    if options.keep != 0 {
        publisher = publisher.keep(options.keep as usize);
    }
    if options.expires_in_days != 0 {
        publisher = publisher.expires_in_days(options.expires_in_days);
    }
    publisher = publisher.page(match options.page {
        ROCKON_SYNC_PAGE_OMIT => Page::Omit,
        ROCKON_SYNC_PAGE_WRITE => Page::Write,
        other => return Err(unknown("page", other)),
    });
    // SAFETY: guaranteed by the caller.
    if let Some(seconds) = unsafe { options.published_unix_s.as_ref() } {
        publisher = publisher.published(Timestamp::from_unix(*seconds)?);
    }
    if !options.sign_key_files.is_null() {
        let (files, count) = (options.sign_key_files, options.sign_key_file_count);
        // SAFETY: guaranteed by the caller.
        for file in unsafe { boundary::slice(files, count, "options.sign_key_files") }? {
            // SAFETY: guaranteed by the caller.
            let file = unsafe { file.text("options.sign_key_files") }?;
            publisher = publisher.sign_key_file(required(file, "options.sign_key_files")?);
        }
    }
    // SAFETY: guaranteed by the caller.
    if let Some(name) = unsafe { options.format.text("options.format") }? {
        publisher = publisher.format(name.parse()?);
    }
    Ok(publisher)
}

/// Frees a report. NULL is a no-op.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_publish_report_free(report: Option<Box<PublishReport>>) {
    free(report);
}

/// Returns ROCKON_SYNC_PUBLISHED or ROCKON_SYNC_PUBLISHED_BEFORE; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_publish_report_outcome(report: Option<&PublishReport>) -> i32 {
    read(report, |report| report.outcome)
}

/// Returns the serial of the head.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_publish_report_serial(report: Option<&PublishReport>) -> u64 {
    read(report, |report| report.serial)
}

/// Returns the digest of the manifest, in 64 hexadecimal digits.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_publish_report_manifest(
    report: Option<&PublishReport>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(report, len_bytes, |report| Some(&report.manifest))
}

/// Returns the path of the head.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_publish_report_head(
    report: Option<&PublishReport>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(report, len_bytes, |report| Some(&report.head))
}

/// Returns the number of published entries.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_publish_report_entries(report: Option<&PublishReport>) -> usize {
    read(report, |report| report.entries)
}

/// Returns the number of ids in a list: ROCKON_SYNC_IDS_ADDED, _CHANGED or _REMOVED since the last
/// publication, or _KEPT.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_publish_report_id_count(
    report: Option<&PublishReport>,
    list: i32,
) -> usize {
    read(report, |report| report.ids.list(list).len())
}

/// Returns an id in a list; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_publish_report_id(
    report: Option<&PublishReport>,
    list: i32,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(report, len_bytes, |report| report.ids.list(list).get(index))
}

/// Returns the number of problems: warnings, and definitions that were left out or kept.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_publish_report_problem_count(
    report: Option<&PublishReport>,
) -> usize {
    read(report, |report| report.problems.len())
}

/// Returns a problem; NULL beyond the last. It lives as long as the report.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_publish_report_problem(
    report: Option<&PublishReport>,
    index: usize,
) -> Option<&Problem> {
    part(report, |report| report.problems.get(index))
}
