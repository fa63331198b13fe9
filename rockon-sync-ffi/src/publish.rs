//! The publisher.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use rockon_sync_core::{Leniency, Page, PublishOutcome, Publisher, Timestamp};

use crate::border::{self, Text, Versioned, free, part, read, required, run, text, view};
use crate::catalog::Str;
use crate::error::Error;
use crate::problem::Problem;
use crate::report::Ids;
use crate::update::{mass_delete, unknown};

/// The tree gets a folder of its own. The default.
pub const ROCKON_SYNC_LAYOUT_SEPARATE: i32 = 0;
/// The tree is put into the catalog's own folder, beside what older systems read.
pub const ROCKON_SYNC_LAYOUT_IN_PLACE: i32 = 1;

/// One bad definition means that nothing is published. The default.
pub const ROCKON_SYNC_LENIENCY_STRICT: i32 = 0;
/// A bad definition is reported, and stays published as it was last; one that was never published
/// is left out.
pub const ROCKON_SYNC_LENIENCY_LEAVE_OUT: i32 = 1;

/// The tree has no page; an earlier one is removed. The default.
pub const ROCKON_SYNC_PAGE_OMIT: i32 = 0;
/// The tree has a page for people, and a feed of its updates.
pub const ROCKON_SYNC_PAGE_WRITE: i32 = 1;

/// There is a new head.
pub const ROCKON_SYNC_PUBLISHED: i32 = 1;
/// Everything was published already; nothing was written, but for a page that was missing or
/// not wanted any more.
pub const ROCKON_SYNC_PUBLISHED_BEFORE: i32 = 2;

/// How a catalog is published. Set everything to zero, then struct_size, then what
/// differs from the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PublishOptions {
    /// sizeof(rockon_sync_publish_options), so that the struct can grow at its end.
    pub struct_size: usize,
    /// The folder of the tree; NULL for "v2" in the catalog. Only for
    /// ROCKON_SYNC_LAYOUT_SEPARATE.
    pub out: Str,
    /// The URL that clients fetch everything but the head from; NULL for the head's own
    /// folder.
    pub url: Str,
    /// ROCKON_SYNC_LAYOUT_...
    pub layout: i32,
    /// ROCKON_SYNC_LENIENCY_...
    pub leniency: i32,
    /// ROCKON_SYNC_MASS_DELETE_...
    pub mass_delete: i32,
    /// How many publications stay available to clients that are behind; 0 for 16.
    pub keep: u32,
    /// After how many days the head expires; 0 for never.
    pub expires_in_days: u32,
    /// ROCKON_SYNC_PAGE_...
    pub page: i32,
    /// The time of publication, seconds since 1970-01-01T00:00:00Z, which makes
    /// publications reproducible; NULL for now.
    pub published_unix_s: *const i64,
    /// The paths of files with private keys, each of which signs the head; NULL to leave it
    /// unsigned.
    pub sign_key_files: *const Str,
    /// How many files there are.
    pub sign_key_file_count: usize,
    /// The format of the files, by name: "rockon", "jupdate" or "files"; NULL for "rockon".
    pub format: Str,
}

// SAFETY: starts with its size; numbers and pointers.
unsafe impl Versioned for PublishOptions {
    const FIRST_SIZE: usize = std::mem::offset_of!(PublishOptions, sign_key_files);
}

/// What a publication has done.
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

/// Publishes the catalog in a folder: root.json, which maps ids to files, and the files; of
/// the format "files" all that are in the folder. Everything is checked before anything is
/// written, and the head is written last.
///
/// folder: the path of the catalog, UTF-8, of folder_len bytes. Of the format "jupdate" it is
///   the folder, file or URL of an update site.
/// options: how; NULL for the defaults.
/// report: where the report goes; free it with rockon_sync_publish_report_free().
/// Fails with ROCKON_SYNC_ERROR_CATALOG if something is wrong with the catalog: see
/// rockon_sync_error_problem(); with MASS_DELETE, ARGUMENT (also for a file that is no key), LOCKED, NOT_FOUND if there is
/// no such folder, HEAD if the tree has a head that is not a publisher's, STORE. The tree
/// is then published as it was.
///
/// Threads: any, at any time; two publications of one tree do not run at the same time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_publish(
    folder: *const c_char,
    folder_len: usize,
    options: *const PublishOptions,
    report: Option<&mut MaybeUninit<Box<PublishReport>>>,
    error: Option<&mut MaybeUninit<Box<Error>>>,
) -> i32 {
    run(error, || {
        // SAFETY: the header asks the caller for so many bytes.
        let folder = unsafe { text(folder, folder_len, "folder") }?;
        // SAFETY: the header asks the caller for options of the size they start with.
        let options = unsafe { border::versioned(options, "options") }?;
        let out = required(report, "report")?;
        // SAFETY: the header asks for strings of the lengths that go with them.
        let publisher = unsafe { configured(folder, &options) }?;
        out.write(Box::new(publisher.run()?.into()));
        Ok(())
    })
}

/// # Safety
/// The pointers in `options` are NULL or point to what the header asks for.
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
    // SAFETY: promised by the caller.
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
    // SAFETY: promised by the caller.
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
    // SAFETY: promised by the caller.
    if let Some(seconds) = unsafe { options.published_unix_s.as_ref() } {
        publisher = publisher.published(Timestamp::from_unix(*seconds)?);
    }
    if !options.sign_key_files.is_null() {
        let (files, count) = (options.sign_key_files, options.sign_key_file_count);
        // SAFETY: promised by the caller.
        for file in unsafe { border::slice(files, count, "options.sign_key_files") }? {
            // SAFETY: promised by the caller.
            let file = unsafe { file.text("options.sign_key_files") }?;
            publisher = publisher.sign_key_file(required(file, "options.sign_key_files")?);
        }
    }
    // SAFETY: promised by the caller.
    if let Some(name) = unsafe { options.format.text("options.format") }? {
        publisher = publisher.format(name.parse()?);
    }
    Ok(publisher)
}

/// Frees a report. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_publish_report_free(report: Option<Box<PublishReport>>) {
    free(report);
}

/// ROCKON_SYNC_PUBLISHED or ROCKON_SYNC_PUBLISHED_BEFORE; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_publish_report_outcome(report: Option<&PublishReport>) -> i32 {
    read(report, |report| report.outcome)
}

/// The serial of the head.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_publish_report_serial(report: Option<&PublishReport>) -> u64 {
    read(report, |report| report.serial)
}

/// The digest of the manifest, in 64 hexadecimal digits.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_publish_report_manifest(
    report: Option<&PublishReport>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(report, len_bytes, |report| Some(&report.manifest))
}

/// The path of the head that was written or found up to date.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_publish_report_head(
    report: Option<&PublishReport>,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(report, len_bytes, |report| Some(&report.head))
}

/// How many entries are published.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_publish_report_entries(report: Option<&PublishReport>) -> usize {
    read(report, |report| report.entries)
}

/// How many ids a list has: ROCKON_SYNC_IDS_ADDED, _CHANGED or _REMOVED since the last
/// publication, or _KEPT.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_publish_report_id_count(
    report: Option<&PublishReport>,
    list: i32,
) -> usize {
    read(report, |report| report.ids.list(list).len())
}

/// One id of a list; NULL beyond the last.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_publish_report_id(
    report: Option<&PublishReport>,
    list: i32,
    index: usize,
    len_bytes: Option<&mut MaybeUninit<usize>>,
) -> *const c_char {
    view(report, len_bytes, |report| report.ids.list(list).get(index))
}

/// How many findings there are: warnings, and what was left out or kept.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_publish_report_problem_count(
    report: Option<&PublishReport>,
) -> usize {
    read(report, |report| report.problems.len())
}

/// One finding; NULL beyond the last. It lives as long as the report.
#[unsafe(no_mangle)]
pub extern "C" fn rockon_sync_publish_report_problem(
    report: Option<&PublishReport>,
    index: usize,
) -> Option<&Problem> {
    part(report, |report| report.problems.get(index))
}
