//! The publisher: turns the directory of a catalog into a tree of static files.
//!
//! | file | does |
//! |---|---|
//! | `before.rs` | finds out what was published before |
//! | `list.rs` | reads the list: which files there are, under which ids |
//! | `dir.rs` | takes every file of a directory instead |
//! | `site.rs` | takes what the collections of an update site lead to |
//! | `scan.rs` | reads every file of the list, one at a time |
//! | `keep.rs` | keeps the last published version of what is broken now |
//! | `relations.rs` | checks what definitions say of each other |
//! | `review.rs` | checks files that are not published yet |
//! | `sign.rs` | signs the head |
//! | `tree.rs` | writes the tree, the head last |
//! | `packs.rs` | writes what leads from earlier publications to this one in one file |
//! | `prune.rs` | removes what is no longer needed |
//! | `report.rs` | what a publication has done |
//! | `history.rs` | remembers what was published |
//! | `page.rs` | writes the page for people, and the feed |

mod before;
mod dir;
mod history;
mod keep;
mod list;
mod packs;
mod page;
mod prune;
mod relations;
mod report;
mod review;
mod scan;
mod sign;
mod site;
#[cfg(test)]
mod tests;
mod tree;

use std::path::{Path, PathBuf};

use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{Files, RealFiles, ensure_dirs, is_absent, is_dir, try_lock};
use crate::base::path::EntryPath;
use crate::base::problem::{Problem, Severity};
use crate::base::time::{Clock, SystemClock, Timestamp};
use crate::format::target::Requirements;
use crate::format::{Collection, Format};
use crate::net::address::has_http_scheme;
use crate::net::location::Location;
use crate::net::transport::AnyTransport;
use crate::tree::head::{DEFAULT_MANIFEST, Head};
use crate::tree::manifest::{Entry, Manifest};
use crate::tree::note::SigningKey;
use crate::update::plan::{MassDelete, Plan};
use before::Before;
use keep::Published;
use list::List;
pub use page::Page;
pub use report::{PublishOutcome, PublishReport};
pub use review::{ReviewedDefinition, ReviewedFile, review_files};
use scan::{Scan, Scanned};
use sign::{KeySource, Signer};
use site::Reach;
use tree::Tree;

/// The directory in which every file is found under its digest.
const BY_SHA: &str = "by-sha";

/// Largest head that is published, in bytes: one TCP segment together with the
/// headers of its response.
const MAX_PUBLISHED_HEAD_BYTES: usize = 1200;

/// How many publications stay available, unless told otherwise.
const DEFAULT_KEEP: usize = 16;

/// What becomes of a definition that has problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Leniency {
    /// One bad definition means that nothing is published.
    #[default]
    Strict,
    /// A bad definition is reported, and stays published as it was last; one that was never
    /// published is left out.
    LeaveOut,
}

/// Where the parts of a tree are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// A directory of its own.
    Separate,
    /// In the catalog's own directory, beside what older systems read.
    InPlace,
}

impl Layout {
    fn head_name(self) -> &'static str {
        match self {
            Layout::Separate => "root.sha",
            Layout::InPlace => "root.v2.sha",
        }
    }

    fn manifest_name(self) -> &'static str {
        match self {
            Layout::Separate => DEFAULT_MANIFEST,
            Layout::InPlace => "root.v2.json",
        }
    }
}

/// Whether a name at the top of the catalog's directory is part of a published tree.
fn is_of_the_tree(name: &str) -> bool {
    EntryPath::new(name).is_ok_and(|path| path.is_reserved()) || page::is_page_in_place(name)
}

/// Publishes the catalog in a directory: `root.json`, which maps ids to files, and the files.
///
/// Everything is checked before anything is written; files are written under their
/// digest first and the head last, each by rename, so that no client ever sees half a
/// publication. The same catalog published at the same time gives the same bytes.
#[must_use = "it is changed by value: what is returned has the change"]
pub struct Publisher<'a> {
    catalog: PathBuf,
    format: Format,
    out: Option<PathBuf>,
    layout: Layout,
    url: Option<String>,
    keep: usize,
    expires_in_days: Option<u32>,
    sign_keys: Vec<KeySource>,
    leniency: Leniency,
    mass_delete: MassDelete,
    page: Page,
    published: Option<Timestamp>,
    clock: &'a dyn Clock,
    files: &'a dyn Files,
}

impl<'a> Publisher<'a> {
    /// Publishes the catalog in this directory, into its subdirectory `v2` unless told otherwise.
    pub fn new(catalog: impl Into<PathBuf>) -> Publisher<'a> {
        Publisher {
            catalog: catalog.into(),
            format: Format::default(),
            out: None,
            layout: Layout::Separate,
            url: None,
            keep: DEFAULT_KEEP,
            expires_in_days: None,
            sign_keys: Vec::new(),
            leniency: Leniency::default(),
            mass_delete: MassDelete::default(),
            page: Page::default(),
            published: None,
            clock: &SystemClock,
            files: &RealFiles,
        }
    }

    /// What kind of files the catalog has; [`Format::Rockon`] by default.
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Puts the tree into this directory; `<catalog>/v2` by default.
    pub fn out(mut self, dir: impl Into<PathBuf>) -> Self {
        self.out = Some(dir.into());
        self.layout = Layout::Separate;
        self
    }

    /// Puts the tree into the catalog's own directory, as `root.v2.json`, `root.v2.sha` and
    /// `by-sha/`: systems that read `root.json` notice nothing.
    pub fn in_place(mut self) -> Self {
        self.out = None;
        self.layout = Layout::InPlace;
        self
    }

    /// The URL that clients fetch everything but the head from; by default they use the
    /// head's own directory.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// How many publications stay available to clients that are behind; 16 by default,
    /// and at least the last one.
    pub fn keep(mut self, publications: usize) -> Self {
        self.keep = publications.max(1);
        self
    }

    /// Lets the head expire after so many days; by default it does not. A new head is
    /// written when less than half of that time is left.
    pub fn expires_in_days(mut self, days: u32) -> Self {
        self.expires_in_days = Some(days);
        self
    }

    /// Signs the head with this key as well. With several, clients that know any of them
    /// take it: that is how a key is changed. A head whose signatures are not those of
    /// exactly the keys given is replaced. By default heads are not signed.
    pub fn sign_key(mut self, key: SigningKey) -> Self {
        self.sign_keys.push(KeySource::Given(Box::new(key)));
        self
    }

    /// The same with the key in a file (see [`SigningKey::read`]), which is read by
    /// [`run`](Self::run). It warns of a file that others may read.
    pub fn sign_key_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.sign_keys.push(KeySource::File(path.into()));
        self
    }

    /// What becomes of bad definitions; [`Leniency::Strict`] by default.
    pub fn leniency(mut self, leniency: Leniency) -> Self {
        self.leniency = leniency;
        self
    }

    /// Whether more than half of the catalog may go; [`MassDelete::Refuse`] by default.
    pub fn mass_delete(mut self, guard: MassDelete) -> Self {
        self.mass_delete = guard;
        self
    }

    /// Whether the tree gets a page for people, `index.html` (in place `root.v2.html`), and a
    /// feed of its updates, `updates.atom` (`root.v2.atom`); [`Page::Omit`] by default.
    pub fn page(mut self, page: Page) -> Self {
        self.page = page;
        self
    }

    /// The time of publication; the clock's by default. Fixed, it makes publications
    /// reproducible.
    pub fn published(mut self, at: Timestamp) -> Self {
        self.published = Some(at);
        self
    }

    /// Where the time comes from; the machine's clock by default.
    pub fn clock(mut self, clock: &'a dyn Clock) -> Self {
        self.clock = clock;
        self
    }

    #[cfg(test)]
    pub(crate) fn files(mut self, files: &'a dyn Files) -> Self {
        self.files = files;
        self
    }

    /// Publishes.
    ///
    /// # Errors
    /// [`ErrorKind::Catalog`] if something is wrong with the catalog, with every
    /// finding in [`Error::problems`]; [`ErrorKind::MassDelete`];
    /// [`ErrorKind::Argument`] for a URL, directory or key that cannot be used;
    /// [`ErrorKind::Locked`] while another process publishes there;
    /// [`ErrorKind::Head`] if the directory has a head that is not a publisher's;
    /// [`ErrorKind::Limit`] for a list that is too large; [`ErrorKind::NotFound`] if there
    /// is no such directory; [`ErrorKind::Store`], also for somebody else's file where one of
    /// the tree has to go. Until the new head is written, the tree is published as it
    /// was; what a failed run left is used or removed by the next one.
    pub fn run(&self) -> Result<PublishReport> {
        self.check_arguments()?;
        let dir = self.tree_dir()?;
        if self.layout == Layout::Separate {
            ensure_dirs(self.files, &dir)?;
            if is_same_dir(&dir, &self.catalog)? {
                let message = "the tree would replace the catalog: publish in place instead";
                return Err(Error::new(ErrorKind::Argument, message).with_path(dir));
            }
        }
        let Some(_lock) = try_lock(&dir)? else {
            let message = "another process is publishing here";
            return Err(Error::new(ErrorKind::Locked, message).with_path(dir));
        };
        let tree = Tree { files: self.files, dir: &dir, layout: self.layout };
        self.publish(&tree)
    }

    /// The directory of the tree.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] and [`ErrorKind::Argument`]: no directory follows from the catalog.
    fn tree_dir(&self) -> Result<PathBuf> {
        let is_url = self.catalog.to_str().is_some_and(has_http_scheme);
        let is_catalog = !is_url && is_dir(&self.catalog)?;
        if self.format.collection() == Collection::Site && !is_catalog {
            return match (self.layout, &self.out) {
                (Layout::Separate, Some(out)) => Ok(out.clone()),
                _ => {
                    let message = "an update site that is not a directory needs another one for the tree: say which (`out`)";
                    Err(Error::new(ErrorKind::Argument, message))
                }
            };
        }
        if !is_catalog {
            let message = "expected the directory of a catalog, found none";
            return Err(Error::new(ErrorKind::NotFound, message).with_path(&self.catalog));
        }
        Ok(match self.layout {
            Layout::InPlace => self.catalog.clone(),
            Layout::Separate => self.out.clone().unwrap_or_else(|| self.catalog.join("v2")),
        })
    }

    fn check_arguments(&self) -> Result<()> {
        if let Some(url) = &self.url {
            let location = Location::of_head_url(url);
            let text = format!("{}\n# url {url}\n", Digest::of(b""));
            location.and_then(|_| Head::parse(text.as_bytes())).map_err(|error| {
                // It may hold a password, so it is not repeated.
                let message = "not a usable URL for a head";
                Error::new(ErrorKind::Argument, message).with_source(error)
            })?;
        }
        Ok(())
    }

    fn publish(&self, tree: &Tree<'_>) -> Result<PublishReport> {
        let mut problems = Vec::new();
        let signer = Signer::new(&self.sign_keys, &mut problems)?;
        let before = Before::find(tree, &mut problems)?;
        signer.warn_of_unsigning(tree.layout.head_name(), &before.head_bytes, &mut problems);
        let scanned = self.scan(tree, &before, &mut problems)?;
        let published = self.published.unwrap_or_else(|| self.clock.now().into());
        let manifest = manifest_of(&scanned, self.format, &before.manifest, published)?;
        let plan = Plan::to(&before.manifest, &manifest);
        plan.check_deletes(self.mass_delete)?;
        tree.check_page(self.page, &manifest, &before.manifest, &problems)?;

        let (digest, size_bytes) = manifest.canonical_digest();
        let mut report = PublishReport {
            outcome: PublishOutcome::Unchanged,
            serial: 0,
            manifest: digest,
            head: tree.head_path(),
            entries: manifest.len(),
            requirements: requirements_by_id(&manifest),
            added: plan.added(),
            changed: plan.changed(),
            removed: plan.removed(),
            kept: kept_ids(&scanned),
            problems,
        };
        if let Some(head) = &before.head
            && self.is_still_good(head, digest, published)
            && signer.has_signed(&before.head_bytes)
            && tree.is_whole(&manifest, digest)?
            && tree.has_packs(head)?
        {
            tree.remove_unwanted_page(self.page, &manifest, &before.manifest)?;
            self.finish(tree, &before, head, &manifest)?;
            report.serial = head.serial().unwrap_or(0);
            return Ok(report);
        }
        let serial = before.next_serial(tree)?;
        let head = self.new_head(digest, size_bytes, serial, published, tree.layout)?;
        // Whatever does not fit is found out before anything is written.
        let room = MAX_PUBLISHED_HEAD_BYTES - signer.sign(&head)?.len();
        tree.remove_unwanted_page(self.page, &manifest, &before.manifest)?;
        tree.write(&scanned, &manifest, digest, &before.manifest)?;
        let bases = before.history.records.iter().map(|record| record.manifest);
        let bases: Vec<Digest> = bases.take(self.keep.min(packs::deltas_in(room))).collect();
        let head = head.with_packs(tree.write_packs(&manifest, digest, &bases)?);
        tree.write_head(&signer.sign(&head)?)?;
        self.finish(tree, &before, &head, &manifest)?;
        report.outcome = PublishOutcome::Published;
        report.serial = serial;
        Ok(report)
    }

    /// Reads and checks everything that is to be published.
    ///
    /// # Errors
    /// [`ErrorKind::Catalog`] if something stands in the way, or there is nothing.
    fn scan(
        &self,
        tree: &Tree<'_>,
        before: &Before,
        problems: &mut Vec<Problem>,
    ) -> Result<Vec<Scanned>> {
        let list = self.list(tree, &before.manifest)?;
        let (scanned, is_refused) = match self.effective_leniency() {
            Leniency::Strict => {
                let scan = Scan::run(self.files, self.format, Leniency::Strict, list)?;
                let has_errors = scan.has_errors();
                problems.extend(scan.problems);
                (scan.scanned, has_errors)
            }
            Leniency::LeaveOut => {
                let published = Published { tree, manifest: &before.manifest };
                let scan = published.scan(self.files, self.format, list)?;
                let has_errors = scan.has_errors();
                problems.extend(scan.problems);
                // Without the last publication nobody knows what must not be left out. The
                // author can mend a catalog, but not a site that is made by many.
                let is_unknown = scan.is_short || (has_errors && before.is_manifest_lost);
                (scan.scanned, is_unknown && self.format.collection() != Collection::Site)
            }
        };
        if is_refused {
            return Err(refused(std::mem::take(problems)));
        }
        if scanned.is_empty() {
            let shown = match self.format.collection() {
                Collection::Listed => DEFAULT_MANIFEST.to_owned(),
                _ => self.catalog.display().to_string(),
            };
            problems.push(Problem::error(&shown, None, "there is nothing to publish"));
            return Err(refused(std::mem::take(problems)));
        }
        Ok(scanned)
    }

    /// What comes after the head: the page, the history, and what is no longer needed.
    fn finish(
        &self,
        tree: &Tree<'_>,
        before: &Before,
        head: &Head,
        manifest: &Manifest,
    ) -> Result<()> {
        let records = before.history.with(head.into()).records;
        tree.refresh_page(self.page, head, manifest, &records, self.keep)?;
        let is_new = before.head.as_ref() != Some(head);
        if is_new || !before.is_recorded || !tree.leftovers()?.is_empty() {
            tree.tidy(&before.history, head.into(), self.keep)?;
        }
        Ok(())
    }

    /// A site is made by many: what is wrong with one of them must not stop the others.
    fn effective_leniency(&self) -> Leniency {
        match self.format.collection() {
            Collection::Site => Leniency::LeaveOut,
            _ => self.leniency,
        }
    }

    /// The files that there are to publish.
    fn list(&self, tree: &Tree<'_>, previous: &Manifest) -> Result<List> {
        match self.format.collection() {
            Collection::Listed => List::of(self.files, &self.catalog, self.leniency, previous),
            Collection::Dir => List::of_every_file(self.files, &self.catalog, tree),
            Collection::Site => {
                let transport = AnyTransport::new();
                let (files, clock) = (self.files, self.clock);
                let reach = Reach { files, transport: &transport, clock };
                List::of_site(&reach, &self.catalog, tree.dir)
            }
        }
    }

    /// Whether the head says already what a new one would say.
    fn is_still_good(&self, head: &Head, digest: Digest, now: Timestamp) -> bool {
        let is_fresh = match (self.expires_in_days, head.expires()) {
            (None, None) => true,
            (Some(days), Some(expires)) => {
                let left = expires.as_unix().saturating_sub(now.as_unix());
                left * 2 >= i64::from(days) * 86_400
            }
            _ => false,
        };
        head.digest() == digest && head.url() == self.url.as_deref() && is_fresh
    }

    fn new_head(
        &self,
        digest: Digest,
        size_bytes: u64,
        serial: u64,
        published: Timestamp,
        layout: Layout,
    ) -> Result<Head> {
        Ok(Head::new(digest, EntryPath::new(layout.manifest_name())?)
            .with_serial(serial)
            .with_published(published)
            .with_expires(self.expires_in_days.map(|days| published.plus_days(days)))
            .with_size(size_bytes)
            .with_url(self.url.clone())
            .with_by_sha(EntryPath::new(BY_SHA)?))
    }
}

/// The manifest of what was scanned. The time of an entry moves only with its bytes.
fn manifest_of(
    scanned: &[Scanned],
    format: Format,
    previous: &Manifest,
    now: Timestamp,
) -> Result<Manifest> {
    let by_digest: std::collections::HashMap<Digest, Option<Timestamp>> =
        previous.entries().iter().map(|entry| (entry.digest(), entry.updated())).collect();
    let entries = scanned.iter().map(|file| {
        if let Some(entry) = &file.kept {
            return Ok(entry.clone());
        }
        let same = previous.entry(&file.id).filter(|old| old.digest() == file.digest);
        let updated = match same {
            Some(old) => old.updated(),
            None => by_digest.get(&file.digest).copied().flatten(),
        };
        let mut entry = Entry::new(&*file.id, file.path.clone(), file.digest)?
            .with_size(file.len_bytes)
            .with_updated(updated.unwrap_or(now))
            .with_requirements(&file.requirements);
        if let Some(names) = &file.names {
            entry = entry.with_names(names.iter().map(String::as_str));
        }
        let fields = file.fields.iter();
        Ok(format
            .mark(fields.fold(entry, |entry, (key, value)| entry.with_extra(key, value.clone()))))
    });
    Manifest::from_entries(entries.collect::<Result<_>>()?)
}

fn kept_ids(scanned: &[Scanned]) -> Vec<String> {
    let kept = scanned.iter().filter(|file| file.kept.is_some());
    kept.map(|file| file.id.clone()).collect()
}

/// What is known of the machines that entries are for, by id, in byte order.
fn requirements_by_id(manifest: &Manifest) -> Vec<(String, Requirements)> {
    let each = manifest.sorted().map(|entry| (entry.id().to_owned(), entry.requirements()));
    each.filter(|(_, requirements)| !requirements.is_empty()).collect()
}

fn refused(problems: Vec<Problem>) -> Error {
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let message = match errors {
        1 => "nothing was published: 1 problem".to_owned(),
        n => format!("nothing was published: {n} problems"),
    };
    Error::new(ErrorKind::Catalog, message).with_problems(problems)
}

/// Returns true if both paths lead to the same place.
///
/// # Errors
/// [`ErrorKind::Store`] if that cannot be found out.
fn is_same_dir(a: &Path, b: &Path) -> Result<bool> {
    let real = |path: &Path| match path.canonicalize() {
        Ok(real) => Ok(Some(real)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(Error::io("look at this directory", path, error)),
    };
    Ok(matches!((real(a)?, real(b)?), (Some(a), Some(b)) if a == b))
}
