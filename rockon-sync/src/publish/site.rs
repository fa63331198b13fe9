//! Lists the extensions of an update site, by following its collections.
//!
//! Fetched documents are cached in the tree with their validators, so that the next run asks for
//! them conditionally:
//!
//! ```text
//! .site/<digest of the URL>.xml     the document: a collection or an extension's file
//! .site/<digest of the URL>.json    its validators, digest and URL
//! ```
//!
//! Missing or damaged documents are fetched again. If a document cannot be fetched, its cached
//! version is used.

mod documents;

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::list::{List, ListedFile, RefusedFile};
use crate::base::cancel::CancelToken;
use crate::base::error::{Error, ErrorKind, IoContext, Result};
use crate::base::files::{Files, RealFiles, Stat, ensure_dirs, stat_target_if_any};
use crate::base::limits::{MAX_CONNECTIONS, MAX_LIST_ENTRIES};
use crate::base::path::EntryPath;
use crate::base::problem::Problem;
use crate::base::time::Clock;
use crate::base::workers::{self, Done, Event};
use crate::format::{Reference, read_collection, releases_of};
use crate::net::address::{Address, has_http_scheme};
use crate::net::fetch::{Fetcher, TimeLimit};
use crate::net::transport::Transport;
use documents::{Documents, SiteFile};

/// Directory of the cache, in the tree. No entry can have this name.
const CACHE: &str = ".site";

/// Deepest nesting of collections that is followed: Joomla's own has two levels.
const MAX_DEPTH: usize = 16;

/// Most collections of one site.
const MAX_COLLECTIONS: usize = 1_000;

/// Time limit for a whole site: twice the time for 9,000 files at half a second, six at a time.
const SITE_TIMEOUT: Duration = Duration::from_secs(1_800);

/// The means to read a site.
pub(super) struct SiteReader<'a> {
    pub(super) files: &'a dyn Files,
    pub(super) transport: &'a dyn Transport,
    pub(super) clock: &'a dyn Clock,
    pub(super) cancel: &'a CancelToken,
}

impl List {
    /// Lists the extensions of the site at `start`, a URL, a file or a directory. The cache is in
    /// `tree`, the directory of the tree. A problem with one extension or category is a warning,
    /// and affects no other: the cached version is used, or it is left out.
    ///
    /// # Errors
    /// The error of the first document if it is not cached; [`ErrorKind::NotFound`] for a directory
    /// without XML files; [`ErrorKind::Store`] if the cache cannot be written;
    /// [`ErrorKind::Limit`]; [`ErrorKind::Canceled`].
    pub(super) fn of_site(reader: &SiteReader<'_>, start: &Path, tree: &Path) -> Result<List> {
        let cache = tree.join(CACHE);
        ensure_dirs(reader.files, &cache)?;
        let start = Start::find(start)?;
        let stop = AtomicBool::new(false);
        let time_limit = TimeLimit { started: reader.clock.monotonic(), timeout: SITE_TIMEOUT };
        let fetcher =
            Fetcher::new(reader.transport, reader.clock, reader.cancel, time_limit, &stop);
        let documents = Documents::new(reader.files, &fetcher, cache);
        let SiteWalk { mut list, mut extensions, .. } = SiteWalk::run(&documents, &start)?;
        // Several extensions may share a file, which is fetched once.
        let mut addresses: Vec<&Address> = extensions.iter().map(|found| &found.address).collect();
        addresses.sort_by_cached_key(|address| address.identity());
        addresses.dedup();
        let mut fetched: HashMap<String, Result<SiteFile>> = HashMap::new();
        workers::run(
            &addresses,
            MAX_CONNECTIONS,
            &stop,
            |address| Done::Result(documents.extension(address)),
            |event| {
                if let Event::Done(address, result) = event {
                    fetched.insert(address.identity(), result);
                }
                Ok(())
            },
        )?;
        // Documents that a canceled run did not fetch are not missing from the site.
        reader.cancel.check()?;
        // Sorted, so that the order of the site does not matter.
        extensions.sort_by(|a, b| a.id.cmp(&b.id));
        for extension in extensions {
            if let Some(fetched) = fetched.get(&extension.address.identity()) {
                list.add_extension(extension, fetched)?;
            }
        }
        documents.remove_unused()?;
        Ok(list)
    }

    fn add_extension(&mut self, extension: Extension, fetched: &Result<SiteFile>) -> Result<()> {
        let Extension { id, path, address } = extension;
        let refused = RefusedFile { id: id.clone(), path: Some(path.clone()) };
        let shown = path.to_string();
        let added = match fetched {
            Err(error) if error.kind() == ErrorKind::Store => {
                return Err(Error::new(ErrorKind::Store, error.to_chain()));
            }
            Err(error) => Err(format!("{address}: {}", error.to_chain())),
            Ok(SiteFile { file, outdated_because_of }) => {
                if let Some(error) = outdated_because_of {
                    let message = error.to_chain();
                    let message = format!("using the cached version: {address}: {message}");
                    self.problems.push(Problem::warning(&shown, message));
                }
                self.add(ListedFile::unlisted(id, path, file.clone()))
            }
        };
        if let Err(message) = added {
            self.problems.push(Problem::warning(&shown, format!("left out: {message}")));
            self.refused.push(refused);
        }
        Ok(())
    }
}

/// An extension that a collection names.
struct Extension {
    id: String,
    path: EntryPath,
    address: Address,
}

/// The first documents of a site.
struct Start {
    /// The directory that links between local documents must not leave.
    root: PathBuf,
    documents: Vec<Address>,
}

impl Start {
    fn find(start: &Path) -> Result<Start> {
        if let Some(url) = start.to_str().filter(|text| has_http_scheme(text)) {
            let documents = vec![Address::of_http_url(url)?];
            return Ok(Start { root: PathBuf::new(), documents });
        }
        let real = start.canonicalize().on("read", start)?;
        if !stat_target_if_any(&RealFiles, &real)?.is_some_and(Stat::is_dir) {
            let root = real.parent().unwrap_or(&real).to_path_buf();
            return Ok(Start { root, documents: vec![Address::File(real)] });
        }
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&real).on("list", start)? {
            let path = entry.on("list", start)?.path();
            // An error is not an absence: the site must not be published without this file.
            if path.extension().is_some_and(|extension| extension == "xml")
                && std::fs::metadata(&path).on("stat", &path)?.is_file()
            {
                files.push(path);
            }
        }
        files.sort();
        if files.is_empty() {
            return Err(Error::new(
                ErrorKind::NotFound,
                "expected an update site, found a directory without XML files",
            )
            .with_path(start));
        }
        Ok(Start { root: real, documents: files.into_iter().map(Address::File).collect() })
    }
}

/// Finds the extensions of a site.
struct SiteWalk<'a> {
    documents: &'a Documents<'a>,
    root: &'a Path,
    list: List,
    extensions: Vec<Extension>,
    /// The address of each extension, by id.
    known: HashMap<String, Address>,
    /// The categories of each collection.
    categories: HashMap<String, Vec<String>>,
}

/// The content of a document.
enum SiteDocument {
    /// A collection with these categories.
    Collection(Vec<Address>),
    /// The file of an extension.
    Extension(PathBuf),
}

/// A collection to read.
struct QueuedCollection {
    address: Address,
    depth: usize,
}

impl<'a> SiteWalk<'a> {
    /// Reads all collections of a site.
    fn run(documents: &'a Documents<'a>, start: &'a Start) -> Result<SiteWalk<'a>> {
        let mut walk = SiteWalk {
            documents,
            root: &start.root,
            list: List::default(),
            extensions: Vec::new(),
            known: HashMap::new(),
            categories: HashMap::new(),
        };
        let first = start.documents.iter().cloned();
        let mut steps: VecDeque<QueuedCollection> =
            first.map(|address| QueuedCollection { address, depth: 0 }).collect();
        let mut seen: HashSet<String> = HashSet::new();
        let mut files = Vec::new();
        while let Some(QueuedCollection { address, depth }) = steps.pop_front() {
            if !seen.insert(address.identity()) {
                continue;
            }
            if seen.len() > MAX_COLLECTIONS {
                return Err(Error::new(
                    ErrorKind::Limit,
                    format!("expected at most {MAX_COLLECTIONS} collections"),
                )
                .with_url(address.to_string()));
            }
            match walk.document(&address) {
                Ok(SiteDocument::Collection(categories)) => {
                    let next = categories.into_iter();
                    let next = next.map(|address| QueuedCollection { address, depth: depth + 1 });
                    steps.extend(next.filter(|step| walk.accepts(&address, step)));
                }
                Ok(SiteDocument::Extension(file)) => files.push((address, file)),
                Err(error)
                    if (start.documents.len() == 1 && depth == 0)
                        || matches!(error.kind(), ErrorKind::Store | ErrorKind::Limit) =>
                {
                    return Err(error);
                }
                Err(error) => {
                    walk.leave_out(&address, &error);
                }
            }
        }
        // If there are collections, they say which other files belong to the site.
        if walk.extensions.is_empty() {
            for (address, file) in files {
                if let Err(error) = walk.add_releases(&address, &file) {
                    walk.leave_out(&address, &error);
                }
            }
        }
        Ok(walk)
    }

    /// Returns true if a category of the collection `from` must be read. Warns if it leads back
    /// to `from`, or is nested too deep.
    fn accepts(&mut self, from: &Address, step: &QueuedCollection) -> bool {
        let (category, to) = (&step.address, step.address.identity());
        if self.leads_to(&to, &from.identity()) {
            self.warn(
                &from.to_string(),
                format!("left out: category {category} leads back to this collection"),
            );
            false
        } else if step.depth >= MAX_DEPTH {
            self.warn(
                &category.to_string(),
                format!("expected at most {MAX_DEPTH} levels of collections"),
            );
            false
        } else {
            self.categories.entry(from.identity()).or_default().push(to);
            true
        }
    }

    /// Returns true if the collection `from` is the collection `to`, or leads to it.
    fn leads_to(&self, from: &str, to: &str) -> bool {
        let (mut open, mut seen) = (vec![from], HashSet::from([from]));
        while let Some(at) = open.pop() {
            if at == to {
                return true;
            }
            let further = self.categories.get(at).into_iter().flatten();
            open.extend(further.map(String::as_str).filter(|next| seen.insert(*next)));
        }
        false
    }

    /// Reads one document, and adds the extensions that it names.
    fn document(&mut self, address: &Address) -> Result<SiteDocument> {
        let shown = address.to_string();
        let SiteFile { file, outdated_because_of } = self.documents.collection(address)?;
        if let Some(error) = outdated_because_of {
            self.warn(&shown, format!("using the cached version: {}", error.to_chain()));
        }
        let input = BufReader::new(File::open(&file).on("read", &file)?);
        let (mut categories, mut is_extension) = (Vec::new(), false);
        read_collection(input, |reference| {
            match reference {
                Reference::Category { url } => match address.referred(&url, self.root) {
                    Ok(address) => categories.push(address),
                    Err(error) => self.warn(&shown, format!("category left out: {error}")),
                },
                Reference::Extension { id, url } => match address.referred(&url, self.root) {
                    Ok(address) => self.add_extension(&shown, id, address)?,
                    Err(error) => {
                        self.warn(&shown, format!("{id}: left out: {error}"));
                        self.list.refused.push(RefusedFile { id, path: None });
                    }
                },
                Reference::Itself => is_extension = true,
                Reference::Unusable(message) => {
                    self.warn(&shown, format!("left out: {message}"));
                }
            }
            Ok(())
        })
        .map_err(|error| error.with_url(&*shown))?;
        Ok(match is_extension {
            true => SiteDocument::Extension(file),
            false => SiteDocument::Collection(categories),
        })
    }

    /// Adds the extensions with releases in this file, which no collection names.
    fn add_releases(&mut self, address: &Address, file: &Path) -> Result<()> {
        let bytes = std::fs::read(file).on("read", file)?;
        let shown = address.to_string();
        for release in releases_of("", &bytes)? {
            if self.known.get(&release.id()) != Some(address) {
                self.add_extension(&shown, release.id(), address.clone())?;
            }
        }
        Ok(())
    }

    fn add_extension(&mut self, collection: &str, id: String, address: Address) -> Result<()> {
        if let Some(other) = self.known.get(&id) {
            if *other != address {
                self.warn(
                    collection,
                    format!("{id}: left out: duplicate id, already used by {other}"),
                );
            }
            return Ok(());
        }
        if self.extensions.len() >= MAX_LIST_ENTRIES {
            return Err(Error::new(
                ErrorKind::Limit,
                format!("expected at most {MAX_LIST_ENTRIES} extensions"),
            ));
        }
        match EntryPath::new(format!("{id}.xml")) {
            Ok(path) => {
                self.known.insert(id.clone(), address.clone());
                self.extensions.push(Extension { id, path, address });
            }
            Err(error) => self.warn(collection, format!("{id:?}: left out: {error}")),
        }
        Ok(())
    }

    fn leave_out(&mut self, document: &Address, error: &Error) {
        self.warn(&document.to_string(), format!("left out: {}", error.to_chain()));
    }

    fn warn(&mut self, file: &str, message: String) {
        self.list.problems.push(Problem::warning(file, message));
    }
}
