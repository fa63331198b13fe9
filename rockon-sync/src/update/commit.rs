//! The last stage: the new generation, the swap, and the report.

use super::ask::Remote;
use super::current::Current;
use super::fetch::Staged;
use super::manifest::ManifestFile;
use super::mode::Mode;
use super::plan::Plan;
use super::progress::{Phase, Reporter};
use super::report::{Outcome, Report};
use super::session::{Context, Extent, Session};
use super::steps::{Action, RemoteManifest, Sides, Step};
use super::updater::Rollback;
use crate::base::digest::Digest;
use crate::base::error::{Error, Result};
use crate::base::path::EntryPath;
use crate::base::time::Timestamp;
use crate::store::{
    Commit, Committed, Difference, FailedRecord, FileOrigin, Generation, ListDifferences, Status,
};
use crate::tree::head::{DEFAULT_MANIFEST, Head};
use crate::tree::manifest::Form;

/// Ends an update whose mirror has nothing new.
///
/// # Errors
/// [`ErrorKind::Store`](crate::ErrorKind::Store) if that cannot be noted.
pub(super) fn unchanged(
    session: &Session<'_>,
    current: Current,
    remote: &Remote,
) -> Result<Report> {
    let mut status = current.status;
    status.remember(&remote.address.to_string(), &remote.validators, &remote.bytes);
    remember_keys(session, remote)?;
    note_check(session, &mut status);
    session.store.save(&status)?;
    clear_staging(session);
    Ok(session.report(Outcome::Unchanged).of(remote))
}

/// The report of an update that ends with the plan.
pub(super) fn plan_only(context: Context<'_>, plan: Plan) -> Report {
    let Context { session, local, remote } = context;
    let is_same = match remote.head() {
        Some(_) => remote.is_current && plan.is_empty() && local.damage.is_none(),
        // Files of a list are not asked for.
        None => plan.added.is_empty() && plan.removed.is_empty(),
    };
    let outcome = if is_same { Outcome::Unchanged } else { Outcome::Updated };
    session.report(outcome).with_plan(plan).of(remote)
}

/// Commits what is staged, unless the current generation is all of it, and reports.
///
/// # Errors
/// Errors that end the update. The current generation stays, and so does everything in staging.
pub(super) fn commit(
    context: Context<'_>,
    progress: &mut Reporter<'_>,
    mut status: Status,
    staged: Staged,
) -> Result<Report> {
    let Context { session, local, remote } = context;
    let lists = key_lists(context)?;
    let is_new = !remote.is_current
        || !lists.is_empty()
        || !staged.plan.is_empty()
        || !local.damage.is_none()
        || session.options.mode == Mode::Full
        || local.generation.is_none();
    let outcome = match (is_new, staged.failed.is_empty()) {
        (_, false) => Outcome::Partial,
        (true, true) => Outcome::Updated,
        (false, true) => Outcome::Unchanged,
    };
    if is_new {
        progress.enter(Phase::Committing);
        build(context, &staged, &lists, &mut status)?;
    } else {
        keep(context, &staged, &mut status)?;
    }
    let mut report = session.report(outcome).with_plan(staged.plan).of(remote);
    report.failed = staged.failed;
    Ok(report)
}

/// Builds the new generation and swaps to it.
fn build(
    context: Context<'_>,
    staged: &Staged,
    lists: &ListDifferences,
    status: &mut Status,
) -> Result<()> {
    let Context { session, local, remote } = context;
    let manifests = ManifestPaths::of(context, staged.file);
    let with_sides = |act: &mut dyn FnMut(Sides<'_>) -> Result<()>| {
        let remote = staged.manifest.source(session);
        local.compare(session, RemoteManifest::Rows(&remote, staged.manifest.differs), act)
    };
    let commit = Commit {
        base: local.generation.as_ref(),
        is_base_intact: local.damage.is_none(),
        tree: staged.tree.as_ref(),
        head: remote.head().map(|_| &*remote.bytes),
        differences: &|pass| {
            manifests.differences(pass)?;
            differences_of_lists(lists, pass)?;
            with_sides(&mut |sides| {
                let changes = staged.plan.changes(sides)?;
                changes.for_each(&mut |step| differences_of(staged, step, pass))
            })
        },
        kept: &|pass| {
            manifests.kept().chain(&lists.kept).try_for_each(&mut *pass)?;
            with_sides(&mut |sides| {
                staged.plan.steps(sides)?.for_each(&mut |step| match &step.action {
                    Action::Keep(row) => pass(&row.path()?),
                    _ => Ok(()),
                })
            })
        },
        record: staged.record,
    };
    // Before the swap: a kill in between must not leave a signed state without its keys.
    remember_keys(session, remote)?;
    let committed = session.store.commit(&commit, &|| session.fetcher.check_go_on("committing"))?;
    settle(context, staged, status, &committed);
    Ok(())
}

/// Compares the key lists of the two generations, and puts the new ones into staging.
fn key_lists(Context { session, local, remote }: Context<'_>) -> Result<ListDifferences> {
    let lists = remote.keys.lists();
    let had_lists = local.head.as_ref().is_some_and(|head| head.keys().is_some());
    match lists.is_empty() && !had_lists {
        true => Ok(ListDifferences::default()),
        false => session.store.stage_lists(local.generation.as_ref(), lists),
    }
}

fn differences_of_lists(
    lists: &ListDifferences,
    pass: &mut dyn FnMut(Difference<'_>) -> Result<()>,
) -> Result<()> {
    lists.removed.iter().try_for_each(|path| pass(Difference::Removed(path)))?;
    let placed = lists.placed.iter();
    placed
        .map(|(path, digest)| (path, FileOrigin::Staging(*digest)))
        .try_for_each(|(path, from)| pass(Difference::Placed(path, from)))
}

/// Passes on the differences between two generations that come from one step of a plan.
fn differences_of(
    staged: &Staged,
    step: &Step<'_>,
    pass: &mut dyn FnMut(Difference<'_>) -> Result<()>,
) -> Result<()> {
    if let (Some(current), false) = (step.current, matches!(step.action, Action::Keep(_))) {
        pass(Difference::Removed(&current.path()?))?;
    }
    match &step.action {
        Action::Fetch(row) => pass(Difference::Placed(&row.path()?, staged.origin(*row)?)),
        Action::Reuse(row, path) => {
            pass(Difference::Placed(&row.path()?, FileOrigin::Base(path.clone())))
        }
        Action::Keep(_) | Action::Remove => Ok(()),
        Action::Revalidate(_) => unreachable!("every file of a list has been asked for"),
    }
}

/// The paths of the manifest in two generations: always as `root.json`, so that readers know it,
/// and also under the name in the head, so that its first line is right.
struct ManifestPaths {
    old: Vec<EntryPath>,
    new: Vec<EntryPath>,
    file: ManifestFile,
}

impl ManifestPaths {
    fn of(Context { local, remote, .. }: Context<'_>, file: ManifestFile) -> ManifestPaths {
        let root = EntryPath::new(DEFAULT_MANIFEST).expect("the constant is a safe path");
        let paths = |head: Option<&Head>| {
            let named = head.map(Head::manifest).filter(|path| **path != root).cloned();
            [Some(root.clone()), named].into_iter().flatten().collect()
        };
        let old = match local.generation {
            Some(_) => paths(local.head.as_ref()),
            None => Vec::new(),
        };
        ManifestPaths { old, new: paths(remote.head()), file }
    }

    fn is_kept(&self, path: &EntryPath) -> bool {
        self.file == ManifestFile::Current && self.old.contains(path) && self.new.contains(path)
    }

    fn kept(&self) -> impl Iterator<Item = &EntryPath> {
        self.new.iter().filter(|path| self.is_kept(path))
    }

    fn differences(&self, pass: &mut dyn FnMut(Difference<'_>) -> Result<()>) -> Result<()> {
        for path in self.old.iter().filter(|path| !self.is_kept(path)) {
            pass(Difference::Removed(path))?;
        }
        for path in self.new.iter().filter(|path| !self.is_kept(path)) {
            let from = match self.file {
                ManifestFile::Current => FileOrigin::Base(self.new[0].clone()),
                ManifestFile::Staged(digest) => FileOrigin::Staging(digest),
            };
            pass(Difference::Placed(path, from))?;
        }
        Ok(())
    }
}

/// Makes the next update cheap. This one has taken place, so each failure is a warning.
fn settle(context: Context<'_>, staged: &Staged, status: &mut Status, committed: &Committed) {
    let Context { session, local, .. } = context;
    let generation = &committed.generation;
    let warn = |what: &str, error: &Error| {
        session.warnings.add(format!("{what}: {}", error.to_chain()));
    };
    if let Some(error) = &committed.unsynced {
        let number = generation.number;
        warn(&format!("generation {number} is current, but may be lost if the power fails"), error);
    }
    let remembered = remember(context, generation, staged, status);
    if let Err(error) = &remembered {
        warn("the status of this update was not saved", error);
    }
    // A saved status was synced, and the swap with it. Unless one of them is, the previous
    // generation may come back, and its update needs the downloads again.
    if committed.unsynced.is_some() && remembered.is_err() {
        return;
    }
    let leftovers = session.store.tidy(generation, local.generation.as_ref());
    leftovers.into_iter().for_each(|warning| session.warnings.add(warning));
}

/// Ends an update that has nothing to commit.
fn keep(context: Context<'_>, staged: &Staged, status: &mut Status) -> Result<()> {
    let Context { session, local, remote } = context;
    let generation = local.generation.as_ref().expect("without one, there is something to commit");
    // Only the validators of the files may differ.
    if let Some(record) = staged.record.filter(|_| remote.head().is_none()) {
        session.store.replace_record(generation, record)?;
    }
    if let Err(error) = session.store.describe_anew(generation) {
        session.warnings.add(format!("the next update reads every file: {}", error.to_chain()));
    }
    remember_keys(session, remote)?;
    remember(context, generation, staged, status)?;
    clear_staging(session);
    Ok(())
}

/// Removes downloads that a killed update has left: the current generation is all of the remote.
fn clear_staging(session: &Session<'_>) {
    if let Err(error) = session.store.staging.clear() {
        session.warnings.add(format!("cannot remove old downloads: {}", error.to_chain()));
    }
}

/// From now on the keys of this update are trusted, instead of those of before: they have signed
/// the head, and everything that it names was verified.
fn remember_keys(session: &Session<'_>, remote: &Remote) -> Result<()> {
    if session.extent == Extent::PlanOnly || remote.keys == session.known_keys {
        return Ok(());
    }
    session.store.trust(&remote.keys)
}

fn remember(
    Context { session, remote, .. }: Context<'_>,
    generation: &Generation,
    staged: &Staged,
    status: &mut Status,
) -> Result<()> {
    status.generation = generation.number;
    status.remember(&remote.address.to_string(), &remote.validators, &remote.bytes);
    if let Some(head) = remote.head() {
        let floor = match session.options.rollback {
            Rollback::Refuse if remote.keys.bound_serials_of(status.serial_floor_keys) => {
                status.serial_floor
            }
            Rollback::Refuse | Rollback::Allow => None,
        };
        status.serial_floor = floor.max(head.serial());
        status.serial_floor_keys = head.keys().unwrap_or(0);
        status.canonical = Some(head.digest()).filter(|_| staged.form == Form::Canonical);
        status.has_been_v2 = true;
    }
    let failed = staged.failed.iter().map(|failed| FailedRecord {
        id: failed.id.clone(),
        kind: failed.kind.name().to_owned(),
        message: failed.message.clone(),
    });
    status.failed = failed.collect();
    note_check(session, status);
    session.store.save(status)
}

/// Notes which mirrors were asked, and when. An import asks none.
fn note_check(session: &Session<'_>, status: &mut Status) {
    if session.asks_mirrors {
        status.checked = Some(Timestamp::from(session.clock.now()));
        let mirrors = session.source.mirrors().iter();
        status.locations = mirrors.map(|mirror| mirror.to_storable()).collect();
    }
}

impl Report {
    fn of(mut self, remote: &Remote) -> Report {
        self.serial = remote.head().and_then(|head| head.serial());
        self.manifest = Some(match remote.head() {
            Some(head) => head.digest(),
            None => Digest::of(&remote.bytes),
        });
        self
    }

    fn with_plan(self, plan: Plan) -> Report {
        let Plan { added, changed, removed, healed, .. } = plan;
        Report { added, changed, removed, healed, ..self }
    }
}
