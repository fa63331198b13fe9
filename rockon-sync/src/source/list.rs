//! `sources.toml`: what a store follows, in the order of priority.
//!
//! ```toml
//! # The first source wins where two define the same name.
//! [[source]]
//! name = "rockstor"
//! urls = ["https://example.org/rockons/v2/", "https://mirror.example.net/v2/"]
//! trusted_keys = ["example.org/rockons+c74f20a3+ARpc2QcU..."]
//! timeout = 60
//!
//! [[source]]
//! name = "private"
//! enabled = false
//! urls = ["https://apps.example.com/"]
//! token_env = "APPS_TOKEN"        # sent as ?token=..., or as token_name says
//! user = "me"
//! password_file = "/etc/rockons/password"
//! header = { name = "X-Key", value_env = "APPS_KEY" }
//! ```
//!
//! The file holds no secret, only where each is found: anybody may read it who may read the
//! catalog. Whoever edits it by hand keeps their comments when the program edits it.
//!
//! | file | does |
//! |---|---|
//! | `secret.rs` | reads secrets from where they are |
//! | `document.rs` | from and to TOML |

mod document;
mod secret;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use secret::Secret;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::files::{
    Files, RealFiles, ensure_dirs, read_if_any, remove_all, try_lock, write_atomically,
};
use crate::base::time::SystemClock;
use crate::net::credentials::Credentials;
use crate::net::location::Location;
use crate::source::{Source, SourceName};
use crate::store::{SourceWriter, Store};
use crate::tree::note::VerifierKey;
use document::Document;

const FILE: &str = "sources.toml";

/// Largest file read: a source has about 300 bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// What a token is called in the query unless told otherwise.
const DEFAULT_TOKEN_NAME: &str = "token";

/// The sources that a store follows, the first with the highest priority.
#[derive(Debug, Clone)]
pub struct SourceList {
    document: Document,
    sources: Vec<ListedSource>,
}

/// One source of the list. Its credentials are named, not held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSource {
    name: SourceName,
    trees: Vec<Location>,
    trusted_keys: Vec<VerifierKey>,
    timeout: Option<Duration>,
    is_enabled: bool,
    token: Option<(String, Secret)>,
    header: Option<(String, Secret)>,
    password: Option<(String, Secret)>,
}

/// Where a new source goes in the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Priority {
    /// Before all others: it wins over each of them.
    First,
    /// Right before this one.
    Before(SourceName),
    /// After all others.
    #[default]
    Last,
}

/// What becomes of the data of a source that is no longer followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldData {
    /// It stays, and its definitions in the catalog.
    Keep,
    /// It is removed, and its definitions are gone from the catalog.
    Remove,
}

impl SourceList {
    /// The sources, the first with the highest priority.
    pub fn sources(&self) -> &[ListedSource] {
        &self.sources
    }

    /// Adds a source.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if there is one of this name already, if there is none to put it
    /// before, or for a URL that holds a password or a query: the list holds no secrets.
    pub fn add(&mut self, source: ListedSource, priority: &Priority) -> Result<()> {
        if self.sources.iter().any(|known| known.name == source.name) {
            let message = format!("the source {} is there already", source.name);
            return Err(Error::new(ErrorKind::Argument, message));
        }
        source.check_for_secrets()?;
        let at = match priority {
            Priority::First => 0,
            Priority::Last => self.sources.len(),
            Priority::Before(name) => self.position(name)?,
        };
        self.document.insert(at, &source);
        self.sources.insert(at, source);
        Ok(())
    }

    /// Removes a source from the list.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none of this name.
    pub fn remove(&mut self, name: &SourceName) -> Result<()> {
        let at = self.position(name).map_err(|error| {
            Error::new(ErrorKind::NotFound, "nothing to remove").with_source(error)
        })?;
        self.document.remove(at);
        self.sources.remove(at);
        Ok(())
    }

    fn position(&self, name: &SourceName) -> Result<usize> {
        self.sources.iter().position(|known| known.name == *name).ok_or_else(|| {
            let message = format!("there is no source {name} in the list");
            Error::new(ErrorKind::Argument, message)
        })
    }

    fn parse(text: &str) -> Result<SourceList> {
        let (document, sources) = Document::parse(text)?;
        for (n, source) in sources.iter().enumerate() {
            source.check_for_secrets()?;
            if sources[..n].iter().any(|other| other.name == source.name) {
                let message = format!("the source {} is there twice", source.name);
                return Err(Error::new(ErrorKind::Argument, message));
            }
        }
        Ok(SourceList { document, sources })
    }
}

impl ListedSource {
    /// A source with one tree, enabled, and nothing else said of it.
    pub fn new(name: SourceName, tree: Location) -> ListedSource {
        ListedSource {
            name,
            trees: vec![tree],
            trusted_keys: Vec::new(),
            timeout: None,
            is_enabled: true,
            token: None,
            header: None,
            password: None,
        }
    }

    /// Adds a tree that has the same catalog.
    #[must_use]
    pub fn with_mirror(mut self, tree: Location) -> Self {
        self.trees.push(tree);
        self
    }

    /// Trusts this key as well: see [`Source::trust`].
    #[must_use]
    pub fn trust(mut self, key: VerifierKey) -> Self {
        self.trusted_keys.push(key);
        self
    }

    /// The longest an update of this source may take; whole seconds count.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(Duration::from_secs(timeout.as_secs().max(1)));
        self
    }

    /// Sends a token in the query; it is called `token` unless told otherwise.
    #[must_use]
    pub fn with_token(mut self, name: Option<&str>, token: Secret) -> Self {
        self.token = Some((name.unwrap_or(DEFAULT_TOKEN_NAME).to_owned(), token));
        self
    }

    /// Sends a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: Secret) -> Self {
        self.header = Some((name.to_owned(), value));
        self
    }

    /// Sends user and password.
    #[must_use]
    pub fn with_password(mut self, user: &str, password: Secret) -> Self {
        self.password = Some((user.to_owned(), password));
        self
    }

    /// The name.
    pub fn name(&self) -> &SourceName {
        &self.name
    }

    /// The trees, in the order in which they are asked.
    pub fn trees(&self) -> &[Location] {
        &self.trees
    }

    /// The keys of which one must have signed its head.
    pub fn trusted_keys(&self) -> &[VerifierKey] {
        &self.trusted_keys
    }

    /// The longest an update of it may take, if that is said.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// Whether updates ask it. What is held of one that is not enabled stays.
    pub fn is_enabled(&self) -> bool {
        self.is_enabled
    }

    /// Where its credentials are found: what is sent, and the secret of it.
    pub fn secrets(&self) -> impl Iterator<Item = (String, &Secret)> {
        let token = self.token.iter().map(|(name, secret)| (format!("?{name}="), secret));
        let header = self.header.iter().map(|(name, secret)| (format!("{name}:"), secret));
        let password = self.password.iter().map(|(user, secret)| (format!("{user}:"), secret));
        token.chain(header).chain(password)
    }

    /// The source with its credentials, read from where they are.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] if a variable is not set or a secret cannot be sent;
    /// [`ErrorKind::Store`] if a file cannot be read.
    pub fn open(&self) -> Result<Source> {
        let mut credentials = Credentials::new();
        if let Some((name, token)) = &self.token {
            credentials = credentials.with_query(name, &**token.read()?);
        }
        if let Some((name, value)) = &self.header {
            credentials = credentials.with_header(name, &**value.read()?)?;
        }
        if let Some((user, password)) = &self.password {
            credentials = credentials.with_password(user, &password.read()?)?;
        }
        let mut trees = self.trees.iter().cloned();
        let first = trees.next().expect("a listed source has a tree");
        let mut source = trees.fold(Source::new(self.name.clone(), first), Source::with_mirror);
        source = self.trusted_keys.iter().cloned().fold(source, Source::trust);
        if let Some(timeout) = self.timeout {
            source = source.with_timeout(timeout);
        }
        Ok(source.with_credentials(credentials))
    }

    fn check_for_secrets(&self) -> Result<()> {
        match self.trees.iter().find(|tree| tree.has_secrets()) {
            None => Ok(()),
            Some(tree) => {
                let message = format!(
                    "{tree}: a password or a query is not kept in the list; say where it is \
                     found, with token_env, header or user and password_env"
                );
                Err(Error::new(ErrorKind::Argument, message))
            }
        }
    }
}

impl Store {
    /// Reads `sources.toml`; `None` if there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Argument`] for a file that is not of the form, with the place;
    /// [`ErrorKind::Store`], [`ErrorKind::Limit`].
    pub fn source_list(&self) -> Result<Option<SourceList>> {
        let path = self.source_list_path();
        let Some(bytes) = read_if_any(self.files(), &path, MAX_BYTES)? else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| Error::new(ErrorKind::Argument, "not UTF-8").with_path(&path))?;
        SourceList::parse(text).map(Some).map_err(|error| error.with_path(path))
    }

    /// Changes `sources.toml`, which is made if there is none; nobody else can meanwhile.
    ///
    /// # Errors
    /// Those of [`source_list`](Self::source_list) and of `edit`, which leave the file as it is;
    /// [`ErrorKind::Locked`] while another process edits it; [`ErrorKind::Store`].
    pub fn edit_source_list(&self, edit: impl FnOnce(&mut SourceList) -> Result<()>) -> Result<()> {
        ensure_dirs(&RealFiles, self.dir())?;
        let Some(_lock) = try_lock(self.dir())? else {
            let message = "another process edits the list of sources";
            return Err(Error::new(ErrorKind::Locked, message).with_path(self.dir()));
        };
        let mut list = match self.source_list()? {
            Some(list) => list,
            None => SourceList::parse("")?,
        };
        edit(&mut list)?;
        let text = list.document.to_text();
        write_atomically(&RealFiles, &self.source_list_path(), text.as_bytes())
    }

    /// No longer follows a source of the list.
    ///
    /// # Errors
    /// Those of [`edit_source_list`](Self::edit_source_list); [`ErrorKind::NotFound`] if there is
    /// neither such a source in the list nor, if it is to be removed, anything held of it;
    /// [`ErrorKind::Locked`] while it is being updated.
    pub fn remove_source(&self, name: &SourceName, data: HeldData) -> Result<()> {
        let dir = self.dir().join(name.as_str());
        let is_held = data == HeldData::Remove && self.source(name).exists()?;
        // Taken first, so that nothing has changed if somebody is updating it.
        let files = &RealFiles;
        let writer = is_held
            .then(|| SourceWriter::open(files, self, name, &SystemClock, Duration::ZERO))
            .transpose()?;
        match self.edit_source_list(|list| list.remove(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound && is_held => {}
            result => result?,
        }
        if writer.is_some() {
            // No name of a source: from here on it is gone, however long the rest takes.
            let leftover = self.dir().join(format!(".removed-{name}"));
            remove_all(files, &leftover)?;
            files
                .rename(&dir, &leftover)
                .map_err(|error| Error::io("remove this directory", &dir, error))?;
            if let Err(error) = remove_all(files, &leftover) {
                log::warn!("source {name} is removed, but not all of it: {}", error.to_chain());
            }
        }
        Ok(())
    }

    /// What an update follows when nobody names anything: the enabled sources of
    /// `sources.toml`, opened, or without that file those of the last update; the first with
    /// the highest priority. That a source cannot be opened is told in its place.
    ///
    /// # Errors
    /// Those of [`source_list`](Self::source_list) and
    /// [`remembered_sources`](Self::remembered_sources).
    pub fn followed_sources(&self) -> Result<Vec<(SourceName, Result<Source>)>> {
        let Some(list) = self.source_list()? else {
            let sources = self.remembered_sources()?.into_iter();
            return Ok(sources.map(|source| (source.name().clone(), Ok(source))).collect());
        };
        let enabled = list.sources.iter().filter(|source| source.is_enabled);
        Ok(enabled.map(|source| (source.name.clone(), source.open())).collect())
    }

    /// The names of the sources whose catalogs are merged, the first with the highest priority:
    /// those of `sources.toml`, then those that were updated together in their order, then the
    /// others by name, the last one first. A source of the list whose directory is missing
    /// counts: the directory may have been moved.
    ///
    /// # Errors
    /// Those of [`source_list`](Self::source_list) and [`source_names`](Self::source_names);
    /// [`ErrorKind::Store`] if the order of several sources cannot be read.
    pub fn sources_by_priority(&self) -> Result<Vec<SourceName>> {
        let ranking = self.ranking()?;
        match ranking.unknown.into_iter().next() {
            Some((_, error)) => Err(error),
            None => Ok(ranking.names),
        }
    }

    /// Orders the sources as [`sources_by_priority`](Self::sources_by_priority) does. Those
    /// whose rank cannot be read come last.
    ///
    /// # Errors
    /// Those of [`source_list`](Self::source_list) and [`source_names`](Self::source_names).
    pub(crate) fn ranking(&self) -> Result<Ranking> {
        let listed = self.source_list()?.map_or_else(Vec::new, |list| list.sources);
        let mut others = match self.source_names() {
            // A list is a store, if only just begun.
            Err(error) if error.kind() == ErrorKind::NotFound && !listed.is_empty() => Vec::new(),
            names => names?,
        };
        let mut names: Vec<SourceName> = listed.into_iter().map(|source| source.name).collect();
        others.retain(|name| !names.contains(name));
        others.reverse();
        let mut unknown = Vec::new();
        let is_ordered = others.len() > 1;
        others.sort_by_cached_key(|name| {
            let rank = match self.source(name).status() {
                Ok(status) => status.rank,
                Err(error) => {
                    // One source alone needs no order.
                    if is_ordered {
                        unknown.push((name.clone(), error));
                    }
                    None
                }
            };
            (rank.is_none(), rank)
        });
        names.append(&mut others);
        Ok(Ranking { names, unknown })
    }

    /// Where the list is; a link leads to it.
    fn source_list_path(&self) -> PathBuf {
        let path: &Path = &self.dir().join(FILE);
        // A link that cannot be followed is an error when it is opened.
        self.files().resolve(path).unwrap_or_else(|_| path.to_path_buf())
    }
}

/// The sources of a store in the order of priority.
pub(crate) struct Ranking {
    pub(crate) names: Vec<SourceName>,
    /// Those whose place in the order cannot be read.
    pub(crate) unknown: Vec<(SourceName, Error)>,
}

#[cfg(test)]
mod tests;
