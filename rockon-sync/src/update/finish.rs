//! The last part of every update: generation, swap, report.

use super::head::FoundHead;
use super::local::Local;
use super::{Extent, Rollback, Run, Supplier, Trust};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::files::read_if_any;
use crate::format::{Definition, Format};
use crate::head::DEFAULT_MANIFEST;
use crate::limits::MAX_FILE_BYTES;
use crate::manifest::Manifest;
use crate::path::EntryPath;
use crate::plan::{Action, Plan, Step};
use crate::progress::{Phase, Reporter};
use crate::report::{FailedEntry, Outcome, Report};
use crate::store::{Commit, Committed, FailedRecord, From, Placement};
use crate::time::Timestamp;

/// Where the manifest (v2) or list (v1) is.
pub(super) enum List {
    /// In the current generation.
    Held,
    /// Among the downloads.
    Incoming(Digest),
}

/// What the new generation is to be.
pub(super) struct Finished<'a> {
    /// What will be held. What the current generation does not have of it is in `incoming`.
    pub(super) held: &'a Manifest,
    /// The head, of a v2 tree.
    pub(super) head: Option<&'a FoundHead>,
    pub(super) list: List,
    pub(super) failed: Vec<FailedEntry>,
    /// Downloads that stay in `incoming` although they are not in the generation.
    pub(super) keep: Vec<Digest>,
}

impl Run<'_> {
    /// Commits, unless there is nothing to commit, and reports.
    pub(super) fn finish(
        &mut self,
        local: &Local,
        reporter: &mut Reporter<'_>,
        finished: Finished<'_>,
    ) -> Result<Report> {
        let mut plan = Plan::new(&local.held, &local.damage.entries, finished.held);
        if self.options.trust == Trust::Nothing {
            plan.distrust();
        }
        let is_same_tree = match finished.head {
            Some(found) => found.is_current,
            None => matches!(finished.list, List::Held),
        };
        let is_new = !is_same_tree
            || !plan.is_empty()
            || !local.damage.is_none()
            || self.options.trust == Trust::Nothing
            || local.generation.is_none();
        // Before anything is done: once the swap is, nothing may fail any more.
        let manifest = match (finished.head, &finished.list) {
            (Some(found), _) => Some(found.head.digest()),
            (None, List::Incoming(digest)) => Some(*digest),
            (None, List::Held) => self.held_list_digest()?,
        };
        let outcome = match (is_new, finished.failed.is_empty()) {
            (_, false) => Outcome::Partial,
            (true, true) => Outcome::Updated,
            (false, true) => Outcome::Unchanged,
        };
        if is_new {
            reporter.enter(Phase::Committing);
            self.commit(local, &finished, std::mem::take(&mut plan.steps))?;
        } else {
            self.stay(local, &finished)?;
        }
        let mut report = self.report_of(&plan, outcome);
        report.failed = finished.failed;
        report.serial = finished.head.and_then(|found| found.head.serial());
        report.manifest = manifest;
        Ok(report)
    }

    /// Commits. What only the commit needs is gone before the folder is looked at again: of
    /// a large catalog there is a lot of it.
    fn commit(
        &mut self,
        local: &Local,
        finished: &Finished<'_>,
        steps: Vec<Step<'_>>,
    ) -> Result<()> {
        let root = EntryPath::new(DEFAULT_MANIFEST).expect("the constant is a safe path");
        let list_from = || match finished.list {
            List::Held => From::Base(&root),
            List::Incoming(digest) => From::Incoming(digest),
        };
        let mut placements = vec![Placement { path: &root, from: list_from() }];
        if let Some(found) = finished.head.filter(|found| *found.head.manifest() != root) {
            placements.push(Placement { path: found.head.manifest(), from: list_from() });
        }
        placements.reserve_exact(steps.len());
        placements.extend(steps.into_iter().map(|step| Placement {
            path: step.entry.path(),
            from: match step.action {
                Action::Keep(path) => From::Base(path),
                Action::Fetch => From::Incoming(step.entry.digest()),
            },
        }));
        let commit = Commit {
            base: local.generation.as_ref(),
            head: finished.head.map(|found| &*found.bytes),
            placements,
            held: (!finished.failed.is_empty() || finished.head.is_none()).then_some(finished.held),
        };
        // Before the swap: a kill in between must not leave a signed state without its keys.
        self.remember_keys()?;
        let fetcher = &self.fetcher;
        let committed = self.writer.commit(&commit, &|| fetcher.check_go_on())?;
        drop(commit);
        self.settle(local, finished, &committed);
        Ok(())
    }

    /// Does what makes the next update cheap. The update has taken place, whatever fails here:
    /// each failure is a warning.
    fn settle(&mut self, local: &Local, finished: &Finished<'_>, committed: &Committed) {
        let generation = &committed.generation;
        if let Some(error) = &committed.unsynced {
            self.warn(format!(
                "generation {} is current, but may be lost if the power fails: {}",
                generation.number,
                error.to_chain()
            ));
        }
        let fingerprint = generation.fingerprint(self.writer.files);
        self.status.generation = generation.number;
        self.status.fingerprint = fingerprint.unwrap_or_else(|error| {
            self.warn(format!("the next update reads every file: {}", error.to_chain()));
            None
        });
        let remembered = self.remember(finished);
        if let Err(error) = &remembered {
            self.warn(format!("the status of this update is not kept: {}", error.to_chain()));
        }
        // A status that is kept was synced, and the swap with it. Unless one of both is, the
        // previous generation may come back, and its update needs the downloads again.
        if committed.unsynced.is_some() && remembered.is_err() {
            return;
        }
        for warning in self.writer.tidy(generation, local.generation.as_ref(), &finished.keep) {
            self.warn(warning);
        }
    }

    /// Ends an update that has nothing to commit.
    fn stay(&mut self, local: &Local, finished: &Finished<'_>) -> Result<()> {
        if finished.head.is_none()
            && let Some(generation) = &local.generation
            && local.held != *finished.held
        {
            self.writer.replace_held(generation, finished.held)?;
        }
        if let Some(generation) = &local.generation {
            // Whatever was looked at was found intact.
            self.status.generation = generation.number;
            self.status.fingerprint = generation.fingerprint(self.writer.files)?;
        }
        self.remember_keys()?;
        self.remember(finished)?;
        if let Err(error) = self.writer.incoming.clear_except(&finished.keep) {
            self.warn(format!("cannot remove old downloads: {}", error.to_chain()));
        }
        Ok(())
    }

    /// From now on the keys that were given count, instead of those of before: the head
    /// is signed by one of them, and everything that it names was verified.
    fn remember_keys(&self) -> Result<()> {
        if self.extent == Extent::PlanOnly || self.keys == self.remembered {
            return Ok(());
        }
        self.writer.trust(&self.keys)
    }

    fn remember(&mut self, finished: &Finished<'_>) -> Result<()> {
        if let Some(found) = finished.head {
            let serial = found.head.serial();
            self.status.serial_floor = match self.options.rollback {
                Rollback::Allow => serial,
                Rollback::Refuse => self.status.serial_floor.max(serial),
            };
            self.status.has_been_v2 = true;
            self.status.remember(&found.address, &found.validators, &found.bytes);
        }
        self.status.failed = finished
            .failed
            .iter()
            .map(|failed| FailedRecord {
                id: failed.id.clone(),
                kind: failed.kind.name().to_owned(),
                message: failed.message.clone(),
            })
            .collect();
        self.save_status()
    }

    /// Notes that the source was asked and had nothing new.
    pub(super) fn nothing_new(&mut self) -> Result<Report> {
        self.remember_keys()?;
        self.save_status()?;
        Ok(self.report(Outcome::Unchanged))
    }

    fn save_status(&mut self) -> Result<()> {
        if self.supplier == Supplier::Mirrors {
            self.status.checked = Some(Timestamp::from(self.clock.now()));
            let mirrors = self.source.mirrors().iter();
            self.status.locations = mirrors.map(|mirror| mirror.to_storable()).collect();
        }
        self.writer.save(&self.status)
    }

    /// A report of what a plan does.
    pub(super) fn report_of(&mut self, plan: &Plan<'_>, outcome: Outcome) -> Report {
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        let mut report = self.report(outcome);
        report.added = owned(&plan.added);
        report.changed = owned(&plan.changed);
        report.removed = owned(&plan.removed);
        report.healed = owned(&plan.healed);
        report
    }

    fn held_list_digest(&self) -> Result<Option<Digest>> {
        let generation = self.writer.reader().current()?;
        let bytes = generation.map(|generation| generation.list_bytes(self.writer.files));
        Ok(bytes.transpose()?.flatten().map(|bytes| Digest::of(&bytes)))
    }

    /// Looks into the file of an entry with `look`, if it can be of this format; others are
    /// taken as they are.
    ///
    /// # Errors
    /// [`Definition`](ErrorKind::Definition); [`Store`](ErrorKind::Store) if it cannot be read.
    pub(super) fn examine<T>(
        &self,
        (format, id): (Format, &str),
        path: &EntryPath,
        file: &std::path::Path,
        look: impl FnOnce(&[Definition<'_>]) -> T,
    ) -> Result<Option<T>> {
        let rules = format.rules();
        if format == Format::Files || !rules.takes(path.as_str()) {
            return Ok(None);
        }
        let Some(bytes) = read_if_any(self.writer.files, file, MAX_FILE_BYTES)? else {
            return Err(Error::new(ErrorKind::Store, "the file is gone").with_path(file));
        };
        Ok(Some(look(&rules.read(id, &bytes)?)))
    }
}
