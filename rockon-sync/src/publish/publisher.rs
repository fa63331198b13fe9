//! The public builder: checks the arguments, locks the tree and starts a publication.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::journal::Journal;
use super::overlay::Overlay;
use super::page::Page;
use super::previous;
use super::report::{PublishProgress, PublishReport};
use super::sign::{KeySource, Signer, Unsigned};
use super::tree::{Layout, NOT_FIRST, Tree};
use crate::base::cancel::CancelToken;
use crate::base::digest::Digest;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{Files, Lock, RealFiles, Stat, ensure_dirs, stat_target_if_any, try_lock};
use crate::base::time::{Clock, SystemClock, Timestamp};
use crate::format::{Collection, Format};
use crate::net::address::{has_http_scheme, has_s3_scheme};
use crate::net::location::Location;
use crate::net::transport::DefaultTransport;
use crate::tree::head::Head;
use crate::tree::note::SigningKey;
use crate::update::Extent;
use crate::update::plan::MassDelete;

/// Number of publications that stay available by default.
const DEFAULT_KEEP: usize = 16;

/// Name of the directory of the tree in a catalog directory.
pub(super) const DEFAULT_TREE: &str = "v2";

/// The treatment of definitions with problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Leniency {
    /// One invalid definition stops the publication.
    #[default]
    Strict,
    /// An invalid definition is reported, and stays published in its last version. It is left out
    /// if it was never published.
    LeaveOut,
}

/// Publishes the catalog in a directory: `root.json`, which maps ids to files, and the files.
///
/// The whole catalog is validated before anything is written. Files are written under their
/// digests first and the head last, each by a rename, so clients always see a complete
/// publication. The same catalog published at the same time results in the same bytes.
#[must_use = "each method returns the changed publisher"]
pub struct Publisher<'a> {
    pub(super) catalog: PathBuf,
    pub(super) format: Format,
    out: Option<PathBuf>,
    layout: Layout,
    pub(super) url: Option<String>,
    pub(super) keep: usize,
    pub(super) expires_in_days: Option<u32>,
    pub(super) sign_keys: Vec<KeySource>,
    pub(super) key_list: Option<PathBuf>,
    pub(super) leniency: Leniency,
    pub(super) mass_delete: MassDelete,
    pub(super) page: Page,
    pub(super) page_title: Option<String>,
    pub(super) published: Option<Timestamp>,
    pub(super) previous: Option<Location>,
    start: Start,
    pub(super) unsigned: Unsigned,
    pub(super) extent: Extent,
    pub(super) progress: Box<dyn Fn(&PublishProgress) + 'a>,
    /// Checked while something is fetched: an update site or the previous tree.
    pub(super) cancel: CancelToken,
    pub(super) clock: &'a dyn Clock,
    pub(super) files: &'a dyn Files,
}

/// The place of a publication in the history of its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    First,
    Further,
}

/// The values that every stage of a publication may use, and none changes.
pub(super) struct PublishSession<'a> {
    pub(super) options: &'a Publisher<'a>,
    pub(super) tree: Tree<'a>,
    pub(super) signer: Signer,
    /// The start of the publication: files that are younger may have changed after they were read.
    /// `None` if no later publication finds the directory of the tree as this one leaves it.
    pub(super) started: Option<SystemTime>,
}

impl<'a> Publisher<'a> {
    /// Creates a publisher of the catalog in this directory, which writes to its subdirectory
    /// `v2` by default.
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
            key_list: None,
            leniency: Leniency::default(),
            mass_delete: MassDelete::default(),
            page: Page::default(),
            page_title: None,
            published: None,
            previous: None,
            start: Start::Further,
            unsigned: Unsigned::Refuse,
            extent: Extent::Whole,
            progress: Box::new(|_| {}),
            cancel: CancelToken::new(),
            clock: &SystemClock,
            files: &RealFiles,
        }
    }

    /// Sets the token that stops the fetching of an update site or of the previous tree. Then
    /// nothing is published.
    pub fn cancel(mut self, token: CancelToken) -> Self {
        self.cancel = token;
        self
    }

    /// Sets the format of the catalog's files; [`Format::Rockon`] by default.
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Writes the tree to this directory; `<catalog>/v2` by default. `s3://BUCKET/PREFIX` is a
    /// directory in an S3-compatible store (feature `s3`): keys, region and endpoint come from the
    /// environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`,
    /// `AWS_REGION`, `AWS_ENDPOINT_URL`), and the previous tree is the one in the bucket.
    pub fn out(mut self, dir: impl Into<PathBuf>) -> Self {
        self.out = Some(dir.into());
        self.layout = Layout::Separate;
        self
    }

    /// Writes the tree to the catalog directory itself, as `root.v2.json`, `root.v2.sha` and
    /// `by-sha/`. Older systems, which read `root.json`, are not affected.
    pub fn in_place(mut self) -> Self {
        self.out = None;
        self.layout = Layout::InPlace;
        self
    }

    /// Sets the URL that clients fetch everything but the head from; by default, the
    /// directory of the head.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Sets the number of publications that stay available to clients that are not up to date;
    /// 16 by default, at least 1.
    pub fn keep(mut self, publications: usize) -> Self {
        self.keep = publications.max(1);
        self
    }

    /// Makes the head expire after so many days; by default it never does. A new head is
    /// published when less than half of that time is left.
    pub fn expires_in_days(mut self, days: u32) -> Self {
        self.expires_in_days = Some(days);
        self
    }

    /// Adds a key that signs the head; by default heads are not signed. With several keys,
    /// clients accept the head if they trust any of them, which is how a key is replaced. A
    /// published head that is not signed by exactly these keys is replaced.
    pub fn sign_key(mut self, key: SigningKey) -> Self {
        self.sign_keys.push(KeySource::Given(Box::new(key)));
        self
    }

    /// Like [`sign_key`](Self::sign_key), with the key in a file (see [`SigningKey::read`]).
    /// [`run`](Self::run) reads the file, and warns if other users can access it.
    pub fn sign_key_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.sign_keys.push(KeySource::File(path.into()));
        self
    }

    /// Publishes the signed key list in this file: it says which keys must sign heads from now on.
    /// By default, the published list stays. It must be the next one after that, signed by enough
    /// root keys of both; the first one must also be signed by a key that clients trust. Clients
    /// that trust a key follow the lists, so that keys can be replaced.
    pub fn key_list(mut self, path: impl Into<PathBuf>) -> Self {
        self.key_list = Some(path.into());
        self
    }

    /// Sets how to treat invalid definitions; [`Leniency::Strict`] by default.
    pub fn leniency(mut self, leniency: Leniency) -> Self {
        self.leniency = leniency;
        self
    }

    /// Sets if more than half of the catalog may be deleted; [`MassDelete::Refuse`] by default.
    pub fn mass_delete(mut self, guard: MassDelete) -> Self {
        self.mass_delete = guard;
        self
    }

    /// Sets if the tree gets a web page, `index.html` (in place `root.v2.html`), and a feed of its
    /// updates, `updates.atom` (in place `root.v2.atom`); [`Page::Omit`] by default.
    pub fn page(mut self, page: Page) -> Self {
        self.page = page;
        self
    }

    /// Sets the title of the page and of its feed; by default, `Catalog`. Requires
    /// [`Page::Write`].
    pub fn page_title(mut self, title: impl Into<String>) -> Self {
        self.page_title = Some(title.into());
        self
    }

    /// Sets the time of publication; by default, the time of the clock. A fixed time makes
    /// publications reproducible.
    pub fn published(mut self, at: Timestamp) -> Self {
        self.published = Some(at);
        self
    }

    /// Continues the published tree at this location, which may be all that is left of it: serial,
    /// times, history and old versions are read there, verified, and put into the directory of the
    /// tree before it is published. A publisher with an empty disk writes the same bytes as one
    /// that has the whole tree.
    ///
    /// The tree at the location counts: a tree on disk is brought up to date with it. One that is
    /// newer, by its serial, is refused. With keys, the head must be signed with one of them.
    pub fn previous(mut self, location: Location) -> Self {
        self.previous = Some(location);
        self
    }

    /// Allows that there is no previous tree, and refuses to continue one. Without it, nothing is
    /// published if there is no tree at [`previous`](Self::previous), so that serials never start
    /// over by accident.
    pub fn initial(mut self) -> Self {
        self.start = Start::First;
        self
    }

    /// Allows unsigned heads: a signed tree may be published unsigned, and an unsigned
    /// [`previous`](Self::previous) tree may be continued with a key.
    pub fn unsigned(mut self) -> Self {
        self.unsigned = Unsigned::Allow;
        self
    }

    /// Writes nothing. The report has what would be published, written and deleted.
    pub fn dry_run(mut self) -> Self {
        self.extent = Extent::PlanOnly;
        self
    }

    /// Sets the function that is called with the progress of an upload, on the thread that publishes.
    pub fn progress(mut self, on_progress: impl Fn(&PublishProgress) + 'a) -> Self {
        self.progress = Box::new(on_progress);
        self
    }

    /// Sets the clock; the system clock by default.
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
    /// [`ErrorKind::Catalog`] if the catalog is invalid, with every problem in
    /// [`Error::problems`]; [`ErrorKind::MassDelete`]; [`ErrorKind::Argument`] for an unusable
    /// URL, directory, key or expiry, for a page title without a page, and for a first publication
    /// of a tree that exists;
    /// [`ErrorKind::Locked`] while another process publishes there, or if it has replaced the head
    /// meanwhile; [`ErrorKind::Trust`] if a signed head would be replaced by an unsigned one, if
    /// the previous head is not signed with one of the keys, or if the key list is not the next one
    /// or requires other keys; [`ErrorKind::NotFound`] if there is no
    /// previous tree; [`ErrorKind::Transport`], [`ErrorKind::Status`] and [`ErrorKind::Integrity`]
    /// if it cannot be read;
    /// [`ErrorKind::Head`] if the directory has a head of another program;
    /// [`ErrorKind::Limit`] for a list that is too large; [`ErrorKind::NotFound`] if the catalog
    /// directory is missing; [`ErrorKind::Store`], also if a file of another program has a name
    /// that the tree needs.
    ///
    /// Until the new head is written, the previous publication stays available. The next run
    /// reuses or removes the leftovers of a failed one.
    pub fn run(&self) -> Result<PublishReport> {
        if self.expires_in_days == Some(0) {
            let message = "expected a head that expires in 1 day or later, got 0 days";
            return Err(Error::new(ErrorKind::Argument, message));
        }
        if self.page == Page::Omit && self.page_title.is_some() {
            return Err(Error::new(ErrorKind::Argument, "a page title requires a page"));
        }
        if let Some(url) = &self.url {
            check_url(url)?;
        }
        let dir = self.tree_dir()?;
        if let Some(url) = dir.to_str().filter(|dir| has_s3_scheme(dir)) {
            #[cfg(feature = "s3")]
            return super::s3::publish(self, url);
            #[cfg(not(feature = "s3"))]
            return Err(Error::new(
                ErrorKind::Argument,
                format!("{url}: this build cannot publish to a bucket: the feature \"s3\" is off"),
            ));
        }
        match self.extent {
            Extent::Whole => self.run_in(&dir, self.files),
            Extent::PlanOnly => self.run_in(&dir, &Overlay::new(self.files)),
        }
    }

    /// Publishes to a directory.
    fn run_in(&self, dir: &Path, files: &dyn Files) -> Result<PublishReport> {
        let tree = Tree { files, dir, layout: self.layout };
        if tree.layout == Layout::Separate {
            ensure_dirs(files, dir)?;
            if tree.is_at(&self.catalog)? {
                return Err(Error::new(
                    ErrorKind::Argument,
                    "the tree would overwrite the catalog; publish in place instead",
                )
                .with_path(dir));
            }
        }
        let _lock = self.lock(dir)?;
        let signer = Signer::new(&self.sign_keys)?;
        match &self.previous {
            Some(location) => {
                let transport = DefaultTransport::new();
                previous::restore(self, location, &tree, &signer, &transport)?;
            }
            None if self.start == Start::First => tree.check_first()?,
            None => {}
        }
        let journal = Journal::new(files, dir);
        let tree = Tree { files: &journal, ..tree };
        let started = (self.extent == Extent::Whole).then(|| self.clock.now());
        let report = super::publish(&PublishSession { options: self, tree, signer, started })?;
        Ok(PublishReport { written: journal.written(), deleted: journal.deleted(), ..report })
    }

    /// Locks the directory of the tree. A dry run does not create it.
    fn lock(&self, dir: &Path) -> Result<Option<Lock>> {
        if self.extent == Extent::PlanOnly && stat_target_if_any(self.files, dir)?.is_none() {
            return Ok(None);
        }
        match try_lock(dir)? {
            Some(lock) => Ok(Some(lock)),
            None => Err(Error::new(
                ErrorKind::Locked,
                "another publisher writes to this directory, so nothing was published; publish again",
            )
            .with_path(dir)),
        }
    }

    /// Fails unless this is the first publication: there is no previous tree.
    pub(super) fn expect_first(&self) -> Result<()> {
        match self.start {
            Start::First => Ok(()),
            Start::Further => Err(Error::new(
                ErrorKind::NotFound,
                "there is no previous tree, so nothing was published; the first publication must \
                 be marked as initial",
            )),
        }
    }

    /// Fails if this is the first publication: there is a previous tree.
    pub(super) fn expect_further(&self) -> Result<()> {
        match self.start {
            Start::First => Err(Error::new(ErrorKind::Argument, NOT_FIRST)),
            Start::Further => Ok(()),
        }
    }

    /// Returns the directory of the tree.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the catalog is not a directory; [`ErrorKind::Argument`] if an update
    /// site that is not a directory has no `out`.
    fn tree_dir(&self) -> Result<PathBuf> {
        let catalog = &self.catalog;
        let is_url = catalog.to_str().is_some_and(has_http_scheme);
        let is_catalog_dir =
            !is_url && stat_target_if_any(&RealFiles, catalog)?.is_some_and(Stat::is_dir);
        match (&self.out, self.layout) {
            (Some(out), Layout::Separate)
                if is_catalog_dir || self.collection() == Collection::Site =>
            {
                Ok(out.clone())
            }
            (_, Layout::Separate) if is_catalog_dir => Ok(catalog.join(DEFAULT_TREE)),
            (_, Layout::InPlace) if is_catalog_dir => Ok(catalog.clone()),
            _ if self.collection() == Collection::Site => Err(Error::new(
                ErrorKind::Argument,
                "an update site that is not a directory needs a directory for the tree \
                 (`out`)",
            )),
            _ => Err(Error::new(ErrorKind::NotFound, "expected a catalog directory, found none")
                .with_path(catalog)),
        }
    }

    pub(super) fn collection(&self) -> Collection {
        self.format.collection()
    }

    /// Returns the leniency that applies. An update site has many authors: a broken extension must
    /// not stop the others.
    pub(super) fn effective_leniency(&self) -> Leniency {
        match self.collection() {
            Collection::Site => Leniency::LeaveOut,
            _ => self.leniency,
        }
    }
}

fn check_url(url: &str) -> Result<()> {
    let text = format!("{}\n# url {url}\n", Digest::of(b""));
    let checked = Location::of_head_url(url).and_then(|_| Head::parse(text.as_bytes()));
    checked.map(drop).map_err(|error| {
        // The URL may contain a password, so it is not repeated.
        Error::new(ErrorKind::Argument, "this URL cannot be used in a head").with_source(error)
    })
}
