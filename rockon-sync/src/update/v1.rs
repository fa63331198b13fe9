//! Follows a tree of names: every file is asked for, and mostly not sent.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::AtomicU64;

use super::finish::{Finished, List};
use super::local::Local;
use super::{Extent, Run, Trust, ends_the_run};
use crate::address::Address;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::fetch::{Fetched, FetchedFile, Sink, Wanted};
use crate::files::is_absent;
use crate::format::{Definition, Format, requirements_of};
use crate::limits::{MAX_MANIFEST_BYTES, MAX_UNSIZED_FILE_BYTES};
use crate::location::Location;
use crate::manifest::{ETAG, Entry, LAST_MODIFIED, Listed, Listing, MIRROR, Manifest};
use crate::path::EntryPath;
use crate::plan::check_deletes;
use crate::progress::Reporter;
use crate::report::{FailedEntry, Outcome, Report};
use crate::store::Seen;
use crate::target::Requirements;
use crate::transport::Validators;

/// The list of a v1 tree.
struct FoundList {
    listing: Listing,
    bytes: Vec<u8>,
    from: List,
    probe: Address,
    address: String,
    validators: Validators,
}

/// What will be held, and what failed, by id.
type Asked = (Vec<Entry>, Vec<(String, Error)>);

/// A file to ask for.
struct Job<'a> {
    row: &'a Listed,
    /// What is held, or was fetched by an interrupted run, with what the server said of it.
    prior: Option<Prior<'a>>,
}

#[derive(Clone)]
enum Prior<'a> {
    Held(&'a Entry),
    Incoming(Seen),
}

impl Prior<'_> {
    fn origin(&self) -> Origin {
        match self {
            Prior::Held(entry) => Origin {
                mirror: entry.extra_string(MIRROR),
                validators: Validators {
                    etag: entry.extra_string(ETAG),
                    last_modified: entry.extra_string(LAST_MODIFIED),
                },
            },
            Prior::Incoming(seen) => {
                Origin { mirror: seen.mirror.clone(), validators: seen.validators() }
            }
        }
    }

    /// True if `mirror` gave the validators. They mean nothing to any other.
    fn is_from(&self, mirror: &Location) -> bool {
        mirror.identity().is_some_and(|identity| self.origin().mirror == Some(identity))
    }
}

/// The validators of a file, and the mirror that gave them.
#[derive(Default)]
struct Origin {
    mirror: Option<String>,
    validators: Validators,
}

impl Origin {
    /// Nothing is remembered of a mirror that cannot be recognized in a later run.
    fn new(mirror: &Location, validators: Validators) -> Origin {
        match mirror.identity() {
            Some(mirror) if !validators.is_empty() => Origin { mirror: Some(mirror), validators },
            _ => Origin::default(),
        }
    }
}

impl Run<'_> {
    pub(super) fn follow_v1(
        &mut self,
        mirror: &Location,
        reporter: &mut Reporter<'_>,
    ) -> Result<Report> {
        if self.options.trust == Trust::Nothing {
            self.writer.incoming.clear_except(&[])?;
        }
        let mut local = self.local()?;
        let found = self.find_list(mirror, &local)?;
        let listed = found.listing.rows().iter().map(|row| (row.path.clone(), row));
        let listed: HashMap<EntryPath, &Listed> = listed.collect();
        let held = local.held.entries();
        let lost = held.iter().filter(|entry| !listed.contains_key(entry.path())).count();
        check_deletes(lost, local.held.len(), self.options.mass_delete)?;
        if self.extent == Extent::PlanOnly {
            return self.report_on_list(&local, &found);
        }
        self.salvage_listed(&mut local, &found.listing)?;

        let (entries, failed) = self.ask_for_all(mirror, &local, &found, reporter)?;
        let held = Manifest::from_entries(entries)?;
        self.status.remember(&found.address, &found.validators, &found.bytes);
        let failed =
            failed.iter().map(|(id, error)| FailedEntry::new(id, error)).collect::<Vec<_>>();
        let (list, keep) = (found.from, Vec::new());
        self.finish(&local, reporter, Finished { held: &held, head: None, list, failed, keep })
    }

    /// Gets the list of names: `root.json`, or, of a folder without one, its `*.json` files.
    fn find_list(&mut self, mirror: &Location, local: &Local) -> Result<FoundList> {
        let address = mirror.list_address();
        let shown = address.to_string();
        let files = self.writer.files;
        let held_bytes = match &local.generation {
            Some(generation) if !local.damage.of_the_tree => generation.list_bytes(files)?,
            _ => None,
        };
        let validators = match (self.options.trust, mirror.identity()) {
            (Trust::Nothing, _) | (_, None) => None,
            _ => self.status.validators_of(&shown, held_bytes.as_deref()),
        };
        let wanted = Wanted {
            address: address.clone(),
            validators: validators.as_ref(),
            max_bytes: MAX_MANIFEST_BYTES,
            digest: None,
        };
        let mut bytes = Vec::new();
        let mut probe = address;
        let validators = match (self.fetch_listed(&wanted, &mut bytes)?, mirror.as_folder()) {
            (Fetched::File(file), _) => file.validators,
            (Fetched::Unchanged { .. }, _) => {
                bytes = held_bytes.clone().unwrap_or_default();
                validators.unwrap_or_default()
            }
            (Fetched::Absent, Some(folder)) => {
                let found = BareDir::read(folder)?;
                bytes = found.listing.to_json();
                probe = mirror.address(&found.probe);
                found.warnings.into_iter().for_each(|warning| self.warn(warning));
                Validators::default()
            }
            (Fetched::Absent, None) => {
                let message = "expected a catalog, got status 404 for root.sha and for root.json";
                return Err(Error::new(ErrorKind::Status, message).with_url(shown));
            }
        };
        let listing = Listing::parse(&bytes).map_err(|error| error.with_url(shown.as_str()))?;
        let from = if held_bytes.as_deref() == Some(&*bytes) {
            List::Held
        } else {
            let digest = Digest::of(&bytes);
            self.writer.incoming.keep(&bytes, digest)?;
            List::Incoming(digest)
        };
        Ok(FoundList { listing, bytes, from, probe, address: shown, validators })
    }

    /// What a check can say: files are not asked for.
    fn report_on_list(&mut self, local: &Local, found: &FoundList) -> Result<Report> {
        let rows = found.listing.rows();
        let ids: HashSet<&str> = rows.iter().map(|row| &*row.id).collect();
        let held = local.held.entries().iter();
        let removed: Vec<String> =
            held.map(|entry| entry.id().to_owned()).filter(|id| !ids.contains(&**id)).collect();
        let added: Vec<String> = rows
            .iter()
            .map(|row| row.id.clone())
            .filter(|id| local.held.entry(id).is_none())
            .collect();
        let outcome = match added.is_empty() && removed.is_empty() {
            true => Outcome::Unchanged,
            false => Outcome::Updated,
        };
        let mut report = self.report(outcome);
        report.added = added;
        report.removed = removed;
        Ok(report)
    }

    /// Where it is not known what is held, looks for the files that are listed.
    fn salvage_listed(&self, local: &mut Local, listing: &Listing) -> Result<()> {
        // Only paths matter to a salvage; the digests are found out by it.
        let rows = listing.rows().iter();
        let entries = rows.map(|row| Entry::new(&*row.id, row.path.clone(), Digest::of(b"")));
        let wanted = Manifest::from_entries(entries.collect::<Result<_>>()?)?;
        self.salvage(local, &wanted)
    }

    /// Asks for every file.
    fn ask_for_all(
        &self,
        mirror: &Location,
        local: &Local,
        found: &FoundList,
        reporter: &mut Reporter<'_>,
    ) -> Result<Asked> {
        let jobs = self.jobs(local, &found.listing)?;
        let bases = self.bases(std::slice::from_ref(mirror));
        let mut entries: HashMap<&str, Entry> = HashMap::new();
        let mut failed: HashMap<&str, Error> = HashMap::new();
        self.bring_all(
            &jobs,
            None,
            &found.probe,
            reporter,
            |job, bytes_done| self.ask_for(job, &bases, bytes_done),
            |job, result| match result {
                Ok(entry) => {
                    entries.insert(&job.row.id, entry);
                }
                Err(error) => {
                    log::warn!("{:?}: {}", job.row.id, error.to_chain());
                    failed.insert(&job.row.id, error);
                }
            },
        )?;
        // In the order of the list again; what failed keeps its previous version.
        let held = local.held_by_path();
        let mut kept = Vec::with_capacity(jobs.len());
        let mut failures = Vec::new();
        for job in &jobs {
            let id = &*job.row.id;
            if let Some(entry) = entries.remove(id) {
                kept.push(entry);
            } else if let Some(error) = failed.remove(id) {
                failures.push((id.to_owned(), error));
                if let Some(old) = held.get(&job.row.path) {
                    kept.push((*old).clone().with_id(id)?);
                }
            }
        }
        Ok((kept, failures))
    }

    fn jobs<'b>(&self, local: &'b Local, listing: &'b Listing) -> Result<Vec<Job<'b>>> {
        let mut seen: HashMap<String, Seen> = HashMap::new();
        for line in self.writer.incoming.take_seen()? {
            seen.insert(line.path.clone(), line);
        }
        let held = local.held_by_path();
        let mut jobs = Vec::with_capacity(listing.rows().len());
        for row in listing.rows() {
            let mut prior = None;
            if let Some(seen) = seen.remove(row.path.as_str())
                && let Some(digest) = seen.digest()
                && self.writer.incoming.has(digest)?
            {
                prior = Some(Prior::Incoming(seen));
            } else if let Some(entry) = held.get(&row.path)
                && self.options.trust != Trust::Nothing
            {
                prior = Some(Prior::Held(entry));
            }
            jobs.push(Job { row, prior });
        }
        Ok(jobs)
    }

    /// Asks one mirror after the other for one file.
    fn ask_for(&self, job: &Job<'_>, bases: &[Location], bytes_done: &AtomicU64) -> Result<Entry> {
        let mut first_error = None;
        for base in bases {
            let prior = job.prior.as_ref().filter(|prior| prior.is_from(base));
            match self.ask_one(job.row, prior, base, bytes_done) {
                Ok(entry) => return Ok(entry),
                Err(error) if ends_the_run(&error) => return Err(error),
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        Err(first_error
            .unwrap_or_else(|| Error::new(ErrorKind::Argument, "the source has no location")))
    }

    fn ask_one(
        &self,
        row: &Listed,
        prior: Option<&Prior<'_>>,
        base: &Location,
        bytes_done: &AtomicU64,
    ) -> Result<Entry> {
        let address = base.address(&row.path);
        let shown = address.to_string();
        let origin = prior.map(Prior::origin);
        let wanted = Wanted {
            address,
            validators: origin.as_ref().map(|origin| &origin.validators),
            max_bytes: MAX_UNSIZED_FILE_BYTES,
            digest: None,
        };
        let incoming = &self.writer.incoming;
        let mut part = incoming.begin()?.counted(bytes_done);
        match (self.fetch_listed(&wanted, &mut part)?, prior) {
            (Fetched::Unchanged { .. }, Some(Prior::Held(entry))) => {
                (*entry).clone().with_id(&row.id)
            }
            (Fetched::Unchanged { .. }, Some(Prior::Incoming(seen))) => {
                let digest = seen.digest().expect("only readable lines become jobs");
                let path = incoming.path(digest);
                let about = self.examine((Format::Rockon, &row.id), &row.path, &path, About::of)?;
                let stat = self.writer.files.stat(&path);
                let stat = stat.map_err(|error| Error::io("look at this file", &path, error))?;
                incoming.note_seen(seen)?;
                let origin = Origin { mirror: seen.mirror.clone(), validators: seen.validators() };
                entry_of(row, digest, stat.len_bytes, &origin, about)
            }
            (Fetched::File(file), _) => {
                let about = self
                    .examine((Format::Rockon, &row.id), &row.path, part.path(), About::of)
                    .map_err(|error| error.with_url(shown.as_str()))?;
                part.keep(file.digest)?;
                let origin = Origin::new(base, file.validators);
                let mirror = origin.mirror.clone();
                incoming.note_seen(&Seen::new(
                    &row.path,
                    file.digest,
                    mirror,
                    &origin.validators,
                ))?;
                entry_of(row, file.digest, file.len_bytes, &origin, about)
            }
            (Fetched::Absent | Fetched::Unchanged { .. }, _) => {
                let message = "expected a file, got status 404";
                Err(Error::new(ErrorKind::Status, message).with_url(shown))
            }
        }
    }

    /// Fetches a file of a v1 tree, whose validators are all that vouches for the local copy.
    ///
    /// A redirect may lead to another server the next time. So the validators of a file behind
    /// one are not remembered, and a 304 from behind one is not believed.
    fn fetch_listed(&self, wanted: &Wanted<'_>, sink: &mut dyn Sink) -> Result<Fetched> {
        let fetched = match self.fetcher.fetch(wanted, sink)? {
            Fetched::Unchanged { moved_to: Some(_) } => {
                let address = wanted.address.clone();
                self.fetcher.fetch(&Wanted { address, validators: None, ..*wanted }, sink)?
            }
            fetched => fetched,
        };
        Ok(match fetched {
            Fetched::File(file) if file.moved_to.is_some() => {
                Fetched::File(FetchedFile { validators: Validators::default(), ..file })
            }
            fetched => fetched,
        })
    }
}

impl Local {
    /// The intact files, by path.
    fn held_by_path(&self) -> HashMap<EntryPath, &Entry> {
        let entries = self.held.entries().iter();
        let intact = entries.filter(|entry| !self.damage.entries.contains(entry.path()));
        intact.map(|entry| (entry.path().clone(), entry)).collect()
    }
}

/// What a definition file says, and a list of names does not.
struct About {
    names: Vec<Box<str>>,
    requirements: Requirements,
}

impl About {
    fn of(definitions: &[Definition<'_>]) -> About {
        let rules = Format::Rockon.rules();
        let about: Vec<_> = definitions.iter().map(|found| rules.about(found)).collect();
        About {
            names: definitions.iter().map(|found| (*found.name).into()).collect(),
            requirements: requirements_of(&about),
        }
    }
}

/// What is held of a file, with what the server said of it.
fn entry_of(
    row: &Listed,
    digest: Digest,
    len_bytes: u64,
    origin: &Origin,
    about: Option<About>,
) -> Result<Entry> {
    let mut entry = Entry::new(&*row.id, row.path.clone(), digest)?.with_size(len_bytes);
    if let Some(about) = about {
        entry = entry.with_names(about.names).with_requirements(&about.requirements);
    }
    let Origin { mirror, validators } = origin;
    for (field, value) in
        [(MIRROR, mirror), (ETAG, &validators.etag), (LAST_MODIFIED, &validators.last_modified)]
    {
        if let Some(value) = value {
            entry = entry.with_extra_string(field, value);
        }
    }
    Ok(entry)
}

/// A directory without a list, read as one: every `*.json` file at its top, named by its stem.
struct BareDir {
    listing: Listing,
    /// A file that is there, to ask for when others fail.
    probe: EntryPath,
    /// Names that cannot be entries.
    warnings: Vec<String>,
}

impl BareDir {
    /// Lists `dir`. A file that cannot be looked at is listed all the same: asking for it says
    /// what is wrong, and the entry keeps its local version.
    ///
    /// # Errors
    /// [`ErrorKind::Transport`] if the directory cannot be listed or none of its files can be
    /// looked at; [`ErrorKind::NotFound`] if there is no such file, which more likely means
    /// that a share is not mounted.
    fn read(dir: &Path) -> Result<BareDir> {
        let mut rows = Vec::new();
        let mut probe = None;
        let mut warnings = Vec::new();
        let mut unreadable = None;
        for entry in std::fs::read_dir(dir).map_err(|error| cannot_list(dir, error))? {
            let entry = entry.map_err(|error| cannot_list(dir, error))?;
            let (path, name) = (entry.path(), entry.file_name());
            let Some(stem) = name.as_encoded_bytes().strip_suffix(b".json") else { continue };
            let mut leave_out = |why: &str| {
                warnings.push(format!("{}: left out: {why}", path.display()));
            };
            let listed = match name.to_str().map(EntryPath::new) {
                // A name that is nothing but the suffix is a hidden file.
                _ if stem.is_empty() => continue,
                Some(Ok(path)) => path,
                Some(Err(error)) => {
                    leave_out(&error.to_string());
                    continue;
                }
                None => {
                    leave_out("the name is not UTF-8");
                    continue;
                }
            };
            match std::fs::metadata(&path) {
                Ok(metadata) if metadata.is_file() => {
                    probe.get_or_insert_with(|| listed.clone());
                }
                Ok(_) => {
                    leave_out("not a regular file");
                    continue;
                }
                Err(error) => {
                    let message = "cannot look at this file";
                    let error = Error::new(ErrorKind::Transport, message).with_source(error);
                    unreadable.get_or_insert(error.with_path(&path));
                }
            }
            let id = String::from_utf8_lossy(stem).into_owned();
            rows.push(Listed { id, path: listed });
        }
        let Some(probe) = probe else {
            return Err(unreadable.unwrap_or_else(|| {
                let message =
                    "expected a catalog, found neither root.sha, root.json nor any *.json file";
                Error::new(ErrorKind::NotFound, message).with_path(dir)
            }));
        };
        rows.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(BareDir { listing: Listing::from_rows(rows)?, probe, warnings })
    }
}

fn cannot_list(dir: &Path, error: std::io::Error) -> Error {
    let kind = if is_absent(&error) { ErrorKind::NotFound } else { ErrorKind::Transport };
    Error::new(kind, "cannot list this folder").with_path(dir).with_source(error)
}
