//! Follows a tree with digests.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::finish::{Finished, List};
use super::head::FoundHead;
use super::local::Local;
use super::packs::{Brought, First, max_manifest_bytes};
use super::{Extent, Pass, Run, Trust, ends_the_run, may_be_an_outage};
use crate::address::Address;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::fetch::{Fetched, Wanted};
use crate::format::Format;
use crate::limits::{MAX_FILE_BYTES, MAX_HEAD_REFETCHES};
use crate::manifest::{Entry, Manifest};
use crate::path::EntryPath;
use crate::plan::{Action, Plan};
use crate::progress::Reporter;
use crate::report::{FailedEntry, Outcome, Report};

/// A file to fetch: every entry with these bytes is served by it.
struct Job<'a> {
    entry: &'a Entry,
    /// Positions of the entries in the wanted manifest.
    wanted: Vec<usize>,
}

/// Where a file with a known digest may be found.
struct Search<'a> {
    found: &'a FoundHead,
    path: &'a EntryPath,
    digest: Digest,
    max_bytes: u64,
}

impl Run<'_> {
    pub(super) fn follow_v2(
        &mut self,
        found: &FoundHead,
        reporter: &mut Reporter<'_>,
    ) -> Result<Pass> {
        if found.is_current
            && self.is_intact
            && let Some(generation) = self.writer.reader().current()?
            && generation.is_complete(self.writer.files)?
        {
            let mut report = self.nothing_new()?;
            report.serial = found.head.serial();
            report.manifest = Some(found.head.digest());
            return Ok(Pass::Done(Box::new(report)));
        }
        if self.options.trust == Trust::Nothing {
            self.writer.incoming.clear_except(&[])?;
        }
        let mut local = self.local()?;
        let (first, list) = match self.held_manifest(found, &local)? {
            Some(list) => (First::NotChosen, Ok(list)),
            None => match self.manifest_from_pack(found, &local, reporter)? {
                used @ First::Used(_) => (used, Ok(List::Incoming(found.head.digest()))),
                first => (first, self.fetch_manifest(found)),
            },
        };
        let list = match list {
            Ok(list) => list,
            // Of a tree that is just being replaced the head is the old one, and the
            // manifest is not.
            Err(error) if error.kind() == ErrorKind::Integrity || is_absent_at_source(&error) => {
                return Ok(Pass::Moved(error));
            }
            Err(error) => return Err(error),
        };
        let wanted = self.read_manifest(found, &local, &list)?;
        self.salvage(&mut local, &wanted)?;
        let mut plan = Plan::new(&local.held, &local.damage.entries, &wanted);
        plan.check_deletes(self.options.mass_delete)?;
        if self.options.trust == Trust::Nothing {
            plan.distrust();
        }
        if self.extent == Extent::PlanOnly {
            let nothing_to_do = found.is_current && plan.is_empty() && local.damage.is_none();
            let mut report = self.report_of(
                &plan,
                match nothing_to_do {
                    true => Outcome::Unchanged,
                    false => Outcome::Updated,
                },
            );
            report.serial = found.head.serial();
            report.manifest = Some(found.head.digest());
            return Ok(Pass::Done(Box::new(report)));
        }

        let brought = self.files_from_packs(found, &local, (&plan, &wanted), first, reporter)?;
        let failed = self.fetch_all(found, &plan, brought, reporter)?;
        if let Some((_, error)) = failed
            .iter()
            .find(|(_, error)| error.kind() == ErrorKind::Integrity || is_absent_at_source(error))
            && self.refetches < MAX_HEAD_REFETCHES
            && self.has_moved(found)
        {
            let message = format!("the tree was replaced meanwhile: {}", error.to_chain());
            return Ok(Pass::Moved(Error::new(error.kind(), message)));
        }
        let report = self.finish_v2(found, &local, (plan, &wanted), list, failed, reporter)?;
        Ok(Pass::Done(Box::new(report)))
    }

    /// Commits what has come, with the previous version of what failed: entries by their
    /// position in the wanted manifest.
    pub(super) fn finish_v2(
        &mut self,
        found: &FoundHead,
        local: &Local,
        (plan, wanted): (Plan<'_>, &Manifest),
        list: List,
        failed: Vec<(usize, Error)>,
        reporter: &mut Reporter<'_>,
    ) -> Result<Report> {
        let failures: Vec<FailedEntry> = failed
            .iter()
            .map(|(n, error)| FailedEntry::new(wanted.entries()[*n].id(), error))
            .collect();
        // A file that is what was promised, but no definition, is not fetched again.
        let keep: Vec<Digest> = failed
            .iter()
            .filter(|(_, error)| error.kind() == ErrorKind::Definition)
            .map(|(n, _)| wanted.entries()[*n].digest())
            .collect();
        let failed: HashMap<usize, Error> = failed.into_iter().collect();
        let held = match failed.is_empty() {
            true => None,
            false => Some(held_instead(&plan, &failed)?),
        };
        drop(plan);
        let finished = Finished {
            held: held.as_ref().unwrap_or(wanted),
            head: Some(found),
            list,
            failed: failures,
            keep,
        };
        self.finish(local, reporter, finished)
    }

    /// Where the manifest is on disk, verified, if it is there.
    fn held_manifest(&self, found: &FoundHead, local: &Local) -> Result<Option<List>> {
        let digest = found.head.digest();
        if let Some(generation) = &local.generation
            && !local.damage.of_the_tree
            && self.options.trust != Trust::Nothing
            && generation.head(self.writer.files)?.is_some_and(|held| held.digest() == digest)
        {
            return Ok(Some(List::Held));
        }
        Ok(self.writer.incoming.has(digest)?.then_some(List::Incoming(digest)))
    }

    /// Fetches the manifest by itself into `incoming`.
    fn fetch_manifest(&self, found: &FoundHead) -> Result<List> {
        let head = &found.head;
        let digest = head.digest();
        let max_bytes = max_manifest_bytes(head);
        let search = Search { found, path: head.manifest(), digest, max_bytes };
        self.fetch_verified(&search, &AtomicU64::new(0))?;
        Ok(List::Incoming(digest))
    }

    pub(super) fn read_manifest(
        &self,
        found: &FoundHead,
        local: &Local,
        list: &List,
    ) -> Result<Manifest> {
        let path = match (list, &local.generation) {
            (List::Held, Some(generation)) => generation.list_path(),
            _ => self.writer.incoming.path(found.head.digest()),
        };
        let reader = self.writer.files.open(&path);
        let reader = reader.map_err(|error| Error::io("read this file", &path, error))?;
        let at = shown_manifest(found);
        let manifest = Manifest::read_for_use(reader, Some(&local.held));
        let manifest = manifest.map_err(|error| error.with_url(at.clone()))?;
        let name = found.head.manifest().folded();
        if let Some(entry) = manifest.entries().iter().find(|e| e.path().folded() == name) {
            let message = format!("entry {:?} has the name of the manifest itself", entry.id());
            return Err(Error::new(ErrorKind::Manifest, message).with_url(at));
        }
        Ok(manifest)
    }

    /// Fetches what the plan asks for, and packs have not brought, into `incoming`. Returns
    /// the entries that failed, by their position in the wanted manifest.
    fn fetch_all(
        &self,
        found: &FoundHead,
        plan: &Plan<'_>,
        brought: Brought,
        reporter: &mut Reporter<'_>,
    ) -> Result<Vec<(usize, Error)>> {
        let mut jobs: Vec<Job<'_>> = Vec::new();
        let mut by_digest: HashMap<Digest, usize> = HashMap::new();
        for (n, step) in plan.steps.iter().enumerate() {
            if step.action == Action::Fetch && !brought.steps[n] {
                let at = *by_digest.entry(step.entry.digest()).or_insert_with(|| {
                    jobs.push(Job { entry: step.entry, wanted: Vec::new() });
                    jobs.len() - 1
                });
                jobs[at].wanted.push(n);
            }
        }
        let mut failed = brought.failed;
        if brought.any && jobs.is_empty() {
            return Ok(failed);
        }
        let bytes_total = jobs.iter().map(|job| job.entry.size_bytes()).sum();
        self.bring_all(
            &jobs,
            bytes_total,
            &found.probe,
            reporter,
            |job, bytes_done| self.bring_entry(found, job.entry, bytes_done),
            |job, result| {
                if let Err(error) = result {
                    log::warn!("{:?}: {}", job.entry.id(), error.to_chain());
                    failed.extend(job.wanted.iter().map(|n| (*n, error.duplicate())));
                }
            },
        )?;
        failed.sort_by_key(|(n, _)| *n);
        Ok(failed)
    }

    /// Makes sure that the file of an entry is in `incoming`, and is what it should be.
    fn bring_entry(&self, found: &FoundHead, entry: &Entry, bytes_done: &AtomicU64) -> Result<()> {
        let (path, digest, max_bytes) = (entry.path(), entry.digest(), entry.max_bytes());
        if self.writer.incoming.has(digest)? {
            bytes_done.fetch_add(entry.size_bytes().unwrap_or(0), Ordering::Relaxed);
        } else if max_bytes > MAX_FILE_BYTES {
            let message =
                format!("expected at most {MAX_FILE_BYTES} bytes, got a file of {max_bytes}");
            return Err(Error::new(ErrorKind::Limit, message));
        } else {
            self.fetch_verified(&Search { found, path, digest, max_bytes }, bytes_done)?;
        }
        let file = self.writer.incoming.path(digest);
        self.examine((Format::of(entry), entry.id()), path, &file, |_| ()).map(|_| ())
    }

    /// Fetches a file into `incoming`: by digest where the tree offers it, else by name,
    /// from one mirror after the other.
    fn fetch_verified(&self, search: &Search<'_>, bytes_done: &AtomicU64) -> Result<()> {
        let mut worst: Option<Error> = None;
        let by_sha = search.found.head.by_sha();
        let by_sha =
            by_sha.and_then(|folder| EntryPath::new(format!("{folder}/{}", search.digest)).ok());
        for (base, only_by_name) in search.found.bases.iter().zip(&search.found.only_by_name) {
            let by_sha = by_sha.as_ref().filter(|_| !only_by_name.load(Ordering::Relaxed));
            let mut is_missed = false;
            for path in by_sha.into_iter().chain([search.path]) {
                match self.fetch_into_incoming(search, base.address(path), bytes_done) {
                    Ok(()) => {
                        // Then the others are not there by digest either.
                        only_by_name.fetch_or(is_missed, Ordering::Relaxed);
                        return Ok(());
                    }
                    Err(error) if ends_the_run(&error) => return Err(error),
                    Err(error) => {
                        log::info!("{}", error.to_chain());
                        is_missed |= is_absent_at_source(&error);
                        let is_outage = may_be_an_outage(&error);
                        let is_worse = worst
                            .as_ref()
                            .is_none_or(|worst| worst.kind() != ErrorKind::Integrity || is_outage);
                        if is_worse {
                            worst = Some(error);
                        }
                        if is_outage {
                            break;
                        }
                    }
                }
            }
        }
        Err(worst.unwrap_or_else(|| Error::new(ErrorKind::Argument, "the source has no location")))
    }

    fn fetch_into_incoming(
        &self,
        search: &Search<'_>,
        address: Address,
        bytes_done: &AtomicU64,
    ) -> Result<()> {
        let shown = address.to_string();
        let mut part = self.writer.incoming.begin()?.counted(bytes_done);
        let wanted = Wanted {
            address,
            validators: None,
            max_bytes: search.max_bytes,
            digest: Some(search.digest),
        };
        match self.fetcher.fetch(&wanted, &mut part)? {
            Fetched::File(_) => part.keep(search.digest),
            Fetched::Absent | Fetched::Unchanged => {
                let message = "expected a file, got status 404";
                Err(Error::new(ErrorKind::Status, message).with_url(shown))
            }
        }
    }

    /// Whether the source has another head by now.
    fn has_moved(&self, found: &FoundHead) -> bool {
        let wanted = Wanted {
            address: found.probe.clone(),
            validators: None,
            max_bytes: crate::limits::MAX_HEAD_BYTES,
            digest: None,
        };
        let mut bytes = Vec::new();
        let answer = self.fetcher.fetch_once(&wanted, &mut bytes);
        matches!(answer, Ok(Fetched::File(_))) && bytes != found.bytes
    }
}

/// What messages call the manifest: its address at the first base.
fn shown_manifest(found: &FoundHead) -> String {
    let base = found.bases.first();
    base.map_or_else(String::new, |base| base.address(found.head.manifest()).to_string())
}

/// A 404 or 410 of a file that should be there.
fn is_absent_at_source(error: &Error) -> bool {
    error.kind() == ErrorKind::Status && !error.is_retryable()
}

/// What is held when some entries failed: each of those in the version held before,
/// if any.
fn held_instead(plan: &Plan<'_>, failed: &HashMap<usize, Error>) -> Result<Manifest> {
    let mut entries = Vec::with_capacity(plan.steps.len());
    for (n, step) in plan.steps.iter().enumerate() {
        match (failed.contains_key(&n), step.fallback) {
            (false, _) => entries.push(step.entry.clone()),
            (true, Some(old)) => entries.push(old.clone().moved_to(step.entry)),
            (true, None) => {}
        }
    }
    Manifest::from_entries(entries)
}
