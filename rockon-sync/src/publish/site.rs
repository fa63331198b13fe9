//! The extensions of an update site: its collections lead to their files.
//!
//! Whatever comes over the network is kept beside the tree, with its validators, and asked for
//! conditionally the next time:
//!
//! ```text
//! .site/<digest of the URL>.xml     a document as it came, a collection or an extension's file
//! .site/<digest of the URL>.json    its validators, digest and URL
//! ```
//!
//! It is a cache: lost or damaged, it is fetched again. While it is there, what a site fails
//! to give keeps its previous version.

mod documents;

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::list::{List, Refused, Row};
use crate::base::cancel::CancelToken;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{Files, ensure_dirs, is_dir};
use crate::base::limits::{MAX_CONNECTIONS, MAX_ENTRIES};
use crate::base::path::EntryPath;
use crate::base::problem::Problem;
use crate::base::time::Clock;
use crate::base::workers::{self, Done, Event};
use crate::format::{Reference, read_collection};
use crate::net::address::{Address, has_http_scheme};
use crate::net::fetch::Fetcher;
use crate::net::transport::Transport;
use documents::{Documents, Got};

/// Directory, in the tree, of what was fetched. No entry can have such a name.
const CACHE: &str = ".site";

/// Deepest nesting of collections that is followed: Joomla's own has two levels.
const MAX_DEPTH: usize = 16;

/// Most collections that one site may have.
const MAX_COLLECTIONS: usize = 1_000;

/// Longest time that all of a site may take: 9,000 files at half a second, six at a time, and
/// as much again.
const SITE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(1_800);

/// How a site is reached.
pub(super) struct Reach<'a> {
    pub(super) files: &'a dyn Files,
    pub(super) transport: &'a dyn Transport,
    pub(super) clock: &'a dyn Clock,
}

impl List {
    /// The extensions of the site at `start`, a URL, a file or a directory; `tree` is where they
    /// will be published. What is wrong with one extension or one category harms no other: it
    /// keeps its previous version, or is left out, and is a warning.
    ///
    /// # Errors
    /// What the first document fails with if it was never fetched before;
    /// [`ErrorKind::NotFound`] for a directory without one; [`ErrorKind::Store`] if the cache
    /// cannot be written; [`ErrorKind::Limit`].
    pub(super) fn of_site(reach: &Reach<'_>, start: &Path, tree: &Path) -> Result<List> {
        let cache = tree.join(CACHE);
        ensure_dirs(reach.files, &cache)?;
        let (root, starts) = starts(start)?;
        let (cancel, stop) = (CancelToken::new(), AtomicBool::new(false));
        let deadline = reach.clock.monotonic() + SITE_TIMEOUT;
        let fetcher = Fetcher::new(reach.transport, reach.clock, &cancel, deadline, &stop);
        let documents = Documents::new(reach.files, &fetcher, cache);
        let mut walk = Walk {
            documents: &documents,
            root: &root,
            list: List::default(),
            extensions: Vec::new(),
            known: HashMap::new(),
            ways: HashMap::new(),
        };
        walk.collections(&starts)?;
        let Walk { mut list, mut extensions, .. } = walk;
        // Several extensions may share a file, which is asked for once.
        let mut addresses: Vec<&Address> = extensions.iter().map(|found| &found.address).collect();
        addresses.sort_by_cached_key(|address| address.identity());
        addresses.dedup();
        let mut got: HashMap<String, Result<Got>> = HashMap::new();
        workers::run(
            &addresses,
            MAX_CONNECTIONS,
            &stop,
            |address| Done::Result(documents.extension(address)),
            |event| {
                if let Event::Done(address, result) = event {
                    got.insert(address.identity(), result);
                }
                Ok(())
            },
        )?;
        // In one order, however the site arranges them.
        extensions.sort_by(|a, b| a.id.cmp(&b.id));
        for extension in &extensions {
            if let Some(got) = got.get(&extension.address.identity()) {
                list.add_extension(extension, got)?;
            }
        }
        documents.forget_others()?;
        Ok(list)
    }

    fn add_extension(&mut self, extension: &Extension, got: &Result<Got>) -> Result<()> {
        let Extension { id, path, address } = extension;
        let got = match got {
            Ok(got) => got,
            Err(error) if error.kind() == ErrorKind::Store => {
                return Err(Error::new(ErrorKind::Store, error.to_chain()));
            }
            Err(error) => {
                let message = format!("left out: {address}: {}", error.to_chain());
                self.problems.push(Problem::warning(path.as_str(), message));
                self.refused.push(Refused { id: id.clone(), path: Some(path.clone()) });
                return Ok(());
            }
        };
        if let Some(error) = &got.kept_because_of {
            let message = format!("kept as it was: {address}: {}", error.to_chain());
            self.problems.push(Problem::warning(path.as_str(), message));
        }
        let (id, file) = (id.clone(), got.file.clone());
        let refused = Refused { id: id.clone(), path: Some(path.clone()) };
        let row = Row { id, path: path.clone(), file, listed_in: None, position: None };
        if let Err(message) = self.add(row) {
            let message = format!("left out: {message}");
            self.problems.push(Problem::warning(path.as_str(), message));
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

/// The directory that files may not lead out of, and the documents to begin with.
fn starts(start: &Path) -> Result<(PathBuf, Vec<Address>)> {
    if let Some(url) = start.to_str().filter(|text| has_http_scheme(text)) {
        return Ok((PathBuf::new(), vec![Address::of_http_url(url)?]));
    }
    let fail = |error| Error::io("read this file or directory", start, error);
    let real = start.canonicalize().map_err(fail)?;
    if !is_dir(&real)? {
        let dir = real.parent().unwrap_or(&real).to_path_buf();
        return Ok((dir, vec![Address::File(real)]));
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&real).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.extension().is_none_or(|extension| extension != "xml") {
            continue;
        }
        // A file that cannot be looked at is no reason to publish the site without it.
        let metadata = std::fs::metadata(&path);
        if metadata.map_err(|error| Error::io("look at this file", &path, error))?.is_file() {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        let message = "expected the directory of an update site, found no XML file in it";
        return Err(Error::new(ErrorKind::NotFound, message).with_path(start));
    }
    Ok((real, files.into_iter().map(Address::File).collect()))
}

/// Finds the extensions of a site.
struct Walk<'a> {
    documents: &'a Documents<'a>,
    root: &'a Path,
    list: List,
    extensions: Vec<Extension>,
    /// The address of each extension, by id.
    known: HashMap<String, Address>,
    /// Which collections each collection leads to.
    ways: HashMap<String, Vec<String>>,
}

/// What a document of a site turned out to be.
enum Document {
    /// A collection, with the categories in it.
    Collection(Vec<Address>),
    /// The file of an extension.
    Extension(PathBuf),
}

impl Walk<'_> {
    /// Reads the collections from `starts` on.
    fn collections(&mut self, starts: &[Address]) -> Result<()> {
        let mut seen: HashSet<String> = HashSet::new();
        let mut steps: VecDeque<(Address, usize)> =
            starts.iter().map(|address| (address.clone(), 0)).collect();
        let mut files = Vec::new();
        while let Some((address, depth)) = steps.pop_front() {
            let shown = address.to_string();
            if !seen.insert(address.identity()) {
                continue;
            }
            if seen.len() > MAX_COLLECTIONS {
                let message = format!("expected at most {MAX_COLLECTIONS} collections");
                return Err(Error::new(ErrorKind::Limit, message).with_url(shown));
            }
            match self.collection(&address) {
                Ok(Document::Collection(categories)) => {
                    for category in categories {
                        self.follow(&address, category, depth + 1, &mut steps);
                    }
                }
                Ok(Document::Extension(file)) => files.push((address, file)),
                Err(error) if starts.len() == 1 && depth == 0 => return Err(error),
                Err(error) if matches!(error.kind(), ErrorKind::Store | ErrorKind::Limit) => {
                    return Err(error);
                }
                Err(error) => self.warn(&shown, format!("not followed: {}", error.to_chain())),
            }
        }
        // Of a directory, the collections say which of the other files belong to the site.
        if self.extensions.is_empty() {
            for (address, file) in files {
                if let Err(error) = self.itself(&address, &file) {
                    self.warn(&address.to_string(), format!("left out: {}", error.to_chain()));
                }
            }
        }
        Ok(())
    }

    /// Goes on to a category, unless that leads in a circle or too deep.
    fn follow(
        &mut self,
        from: &Address,
        category: Address,
        depth: usize,
        steps: &mut VecDeque<(Address, usize)>,
    ) {
        let to = category.identity();
        if self.leads_to(&to, &from.identity()) {
            let message = format!("a circle: it leads back to {category}, which is not followed");
            self.warn(&from.to_string(), message);
        } else if depth >= MAX_DEPTH {
            let message = format!("collections are nested deeper than {MAX_DEPTH} levels");
            self.warn(&category.to_string(), message);
        } else {
            self.ways.entry(from.identity()).or_default().push(to);
            steps.push_back((category, depth));
        }
    }

    /// Whether the collection `from` leads to the collection `to`, or is it.
    fn leads_to(&self, from: &str, to: &str) -> bool {
        let (mut open, mut seen) = (vec![from], HashSet::from([from]));
        while let Some(at) = open.pop() {
            if at == to {
                return true;
            }
            let further = self.ways.get(at).into_iter().flatten();
            open.extend(further.map(String::as_str).filter(|next| seen.insert(*next)));
        }
        false
    }

    /// Reads one document: takes the extensions of a collection, and returns its categories.
    fn collection(&mut self, address: &Address) -> Result<Document> {
        let shown = address.to_string();
        let got = self.documents.collection(address)?;
        if let Some(error) = &got.kept_because_of {
            self.warn(&shown, format!("read as it was: {}", error.to_chain()));
        }
        let fail = |error| Error::io("read this file", &got.file, error);
        let input = BufReader::new(File::open(&got.file).map_err(fail)?);
        let (mut categories, mut is_itself) = (Vec::new(), false);
        let read = read_collection(input, |reference| {
            match reference {
                Reference::Category { url } => match address.referred(&url, self.root) {
                    Ok(address) => categories.push(address),
                    Err(error) => self.warn(&shown, format!("category left out: {error}")),
                },
                Reference::Extension { id, url } => match address.referred(&url, self.root) {
                    Ok(address) => self.extension(&shown, id, address)?,
                    Err(error) => {
                        self.warn(&shown, format!("{id}: left out: {error}"));
                        self.list.refused.push(Refused { id, path: None });
                    }
                },
                Reference::Itself => is_itself = true,
                Reference::Unusable(message) => {
                    self.warn(&shown, format!("left out: {message}"));
                }
            }
            Ok(())
        });
        read.map_err(|error| error.with_url(shown))?;
        Ok(match is_itself {
            true => Document::Extension(got.file),
            false => Document::Collection(categories),
        })
    }

    /// A site of one file: the extensions that have releases in it.
    fn itself(&mut self, address: &Address, file: &Path) -> Result<()> {
        let fail = |error| Error::io("read this file", file, error);
        let bytes = std::fs::read(file).map_err(fail)?;
        let shown = address.to_string();
        for release in crate::format::releases_of("", &bytes)? {
            if self.known.get(&release.id()) != Some(address) {
                self.extension(&shown, release.id(), address.clone())?;
            }
        }
        Ok(())
    }

    fn extension(&mut self, collection: &str, id: String, address: Address) -> Result<()> {
        if let Some(other) = self.known.get(&id) {
            if *other != address {
                let message = format!("{id}: left out: it is at {other} already");
                self.warn(collection, message);
            }
            return Ok(());
        }
        if self.extensions.len() >= MAX_ENTRIES {
            let message = format!("expected at most {MAX_ENTRIES} extensions");
            return Err(Error::new(ErrorKind::Limit, message));
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

    fn warn(&mut self, file: &str, message: String) {
        self.list.problems.push(Problem::warning(file, message));
    }
}
