//! The publisher, and keys.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use rockon_sync_core::keys::SigningKey;
use rockon_sync_core::publish::{Leniency, Page, PublishOutcome as CoreOutcome, Publisher};
use rockon_sync_core::{MassDelete, Timestamp};

use crate::arena::{Arena, Owned, free};
use crate::boundary::{Versioned, is_set, optional, path, required, run, text, texts, versioned};
use crate::catalog::Content;
use crate::error::{Error, Failure, Problem};
use crate::status::Status;
use crate::strings::Strings;

/// The outcome of a publication.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishOutcome {
    /// A new head was published.
    Published = 1,
    /// At most the page was written or removed.
    Unchanged = 2,
}

/// Options for publishing a catalog. Start with ROCKON_SYNC_PUBLISH_OPTIONS_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PublishOptions {
    /// sizeof(rockon_sync_publish_options).
    pub struct_size: usize,
    /// The directory of the tree, or "s3://BUCKET/PREFIX"; NULL for "v2" in dir.
    pub out: *const c_char,
    /// The base URL of everything but the head; NULL for the directory of the head.
    pub url: *const c_char,
    /// "rockon", "jupdate" or "files"; NULL for "rockon".
    pub format: *const c_char,
    /// Files with private keys, each of which signs the head.
    pub sign_key_files: *const *const c_char,
    pub sign_key_file_count: usize,
    /// The time of publication, for reproducible trees; 0 for now.
    pub published_unix_s: i64,
    /// The number of publications that stay available to older clients; 0 for 16.
    pub keep: u32,
    /// The number of days after which the head expires; 0 for never.
    pub expires_in_days: u32,
    /// Write the tree into the catalog directory; not together with out.
    pub in_place: MaybeUninit<bool>,
    /// Keep the last published version of invalid files, or leave them out.
    pub lenient: MaybeUninit<bool>,
    /// Allow deleting more than half of the entries.
    pub allow_mass_delete: MaybeUninit<bool>,
    /// Write a page and a feed; otherwise those of earlier runs are removed.
    pub page: MaybeUninit<bool>,
    /// Fail if there is a tree already, instead of if there is no previous one.
    pub initial: MaybeUninit<bool>,
    /// Publish a signed tree without a key, or continue an unsigned one.
    pub allow_unsigned: MaybeUninit<bool>,
    /// Write nothing: only report.
    pub dry_run: MaybeUninit<bool>,
    /// The URL or directory of the tree to continue; NULL for the one at out.
    pub previous: *const c_char,
    /// A signed key list to publish; NULL for the published one.
    pub key_list_file: *const c_char,
    /// The title of the page and of its feed; NULL for "Catalog".
    pub page_title: *const c_char,
}

// SAFETY: starts with its size; numbers, pointers, and flags that C may set to anything.
unsafe impl Versioned for PublishOptions {
    const FIRST_SIZE: usize = size_of::<PublishOptions>();
}

/// The result of a publication.
#[repr(C)]
pub struct PublishReport {
    pub outcome: PublishOutcome,
    pub serial: u64,
    /// The digest of the manifest.
    pub manifest: *const c_char,
    /// The path of the head, or its URL.
    pub head: *const c_char,
    pub entry_count: usize,
    /// Ids of new entries.
    pub added: Strings,
    /// Ids of changed entries.
    pub changed: Strings,
    /// Ids of removed entries.
    pub removed: Strings,
    /// Ids of invalid files whose last published version was kept.
    pub kept: Strings,
    /// Paths of written files in the tree.
    pub written: Strings,
    /// Paths of deleted files in the tree.
    pub deleted: Strings,
    /// Warnings, and with lenient also errors.
    pub problems: *const *const Problem,
    pub problem_count: usize,
}

impl PublishReport {
    fn for_c(report: &rockon_sync_core::publish::PublishReport) -> *mut PublishReport {
        let mut arena = Arena::default();
        let added = arena.texts(&report.added);
        let changed = arena.texts(&report.changed);
        let removed = arena.texts(&report.removed);
        let kept = arena.texts(&report.kept);
        let written = arena.texts(&report.written);
        let deleted = arena.texts(&report.deleted);
        let problems = arena.structs(&report.problems, Problem::new);
        let view = PublishReport {
            outcome: match report.outcome {
                CoreOutcome::Unchanged => PublishOutcome::Unchanged,
                _ => PublishOutcome::Published,
            },
            serial: report.serial,
            manifest: arena.text(report.manifest),
            head: arena.path(&report.head),
            entry_count: report.entries,
            added,
            changed,
            removed,
            kept,
            written,
            deleted,
            problems: problems.data,
            problem_count: problems.count,
        };
        Owned::for_c(view, (), arena)
    }
}

/// Publishes a catalog directory; with "jupdate", the directory, file or URL of an update site.
/// Fails with CATALOG, MASS_DELETE, LOCKED, TRUST, HEAD, STORE, NOT_FOUND, and changes nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_publish(
    dir: *const c_char,
    options: *const PublishOptions,
    report: Option<&mut MaybeUninit<*mut PublishReport>>,
    error: Option<&mut MaybeUninit<*mut Error>>,
) -> Status {
    run(error, || {
        // SAFETY: the header requires a string.
        let dir = unsafe { text(dir, "dir") }?;
        // SAFETY: the header requires a valid struct.
        let options = unsafe { versioned(options, "options") }?;
        let out = required(report, "report")?;
        // SAFETY: as above.
        let publisher = unsafe { options.publisher(dir) }?;
        out.write(PublishReport::for_c(&publisher.run()?));
        Ok(())
    })
}

impl PublishOptions {
    /// # Safety
    /// The pointers are NULL or meet the requirements of the header.
    unsafe fn publisher(&self, dir: &str) -> Result<Publisher<'static>, Failure> {
        let mut publisher = Publisher::new(dir);
        // SAFETY: guaranteed by the caller, as for all pointers in this function.
        let out = unsafe { optional(self.out, "options.out") }?;
        publisher = match (is_set(self.in_place), out) {
            (false, None) => publisher,
            (false, Some(out)) => publisher.out(out),
            (true, None) => publisher.in_place(),
            (true, Some(_)) => {
                let message = "`options.out` and `options.in_place` exclude each other";
                return Err(Failure::Argument(message.to_owned()));
            }
        };
        // SAFETY: as above.
        if let Some(url) = unsafe { optional(self.url, "options.url") }? {
            publisher = publisher.url(url);
        }
        // SAFETY: as above.
        if let Some(format) = unsafe { optional(self.format, "options.format") }? {
            publisher = publisher.format(format.parse()?);
        }
        let (files, count) = (self.sign_key_files, self.sign_key_file_count);
        // SAFETY: as above.
        for file in unsafe { texts(files, count, "options.sign_key_files") }? {
            publisher = publisher.sign_key_file(file);
        }
        if self.published_unix_s != 0 {
            publisher = publisher.published(Timestamp::from_unix(self.published_unix_s)?);
        }
        if self.keep != 0 {
            publisher = publisher.keep(usize::try_from(self.keep).unwrap_or(usize::MAX));
        }
        if self.expires_in_days != 0 {
            publisher = publisher.expires_in_days(self.expires_in_days);
        }
        if is_set(self.lenient) {
            publisher = publisher.leniency(Leniency::LeaveOut);
        }
        if is_set(self.allow_mass_delete) {
            publisher = publisher.mass_delete(MassDelete::Allow);
        }
        if is_set(self.page) {
            publisher = publisher.page(Page::Write);
        }
        if is_set(self.initial) {
            publisher = publisher.initial();
        }
        if is_set(self.allow_unsigned) {
            publisher = publisher.unsigned();
        }
        if is_set(self.dry_run) {
            publisher = publisher.dry_run();
        }
        // SAFETY: as above.
        if let Some(previous) = unsafe { optional(self.previous, "options.previous") }? {
            publisher = publisher.previous(previous.parse()?);
        }
        // SAFETY: as above.
        if let Some(file) = unsafe { optional(self.key_list_file, "options.key_list_file") }? {
            publisher = publisher.key_list(file);
        }
        // SAFETY: as above.
        if let Some(title) = unsafe { optional(self.page_title, "options.page_title") }? {
            publisher = publisher.page_title(title);
        }
        Ok(publisher)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_publish_report_free(report: *mut PublishReport) {
    // SAFETY: the header requires a report of a publication.
    unsafe { free::<PublishReport, ()>(report) }
}

/// Creates a key pair: the private key in a new file that only its owner may read, and the public
/// key for rockon_sync_source.trusted_keys. Its name has no spaces and no '+'. Fails with STORE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rockon_sync_keygen(
    name: *const c_char,
    file: *const c_char,
    key: Option<&mut MaybeUninit<*mut Content>>,
    error: Option<&mut MaybeUninit<*mut Error>>,
) -> Status {
    run(error, || {
        // SAFETY: the header requires a string.
        let name = unsafe { text(name, "name") }?;
        // SAFETY: as above.
        let file = unsafe { path(file, "file") }?;
        let out = required(key, "key")?;
        let signing = SigningKey::generate(name)?;
        signing.write(file)?;
        out.write(Content::for_c(signing.verifier_key().to_string().into_bytes()));
        Ok(())
    })
}
