//! Asks the mirrors, one after the other, what they offer.

use super::current::Current;
use super::head::{Asking, HeadAnswer};
use super::mirrors::{Mirrors, ask_each};
use super::session::{Session, ends_the_update, is_missing_at_mirror};
use super::{Prepared, head, list};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits::{MAX_HEAD_BYTES, MAX_HEAD_REFETCHES};
use crate::net::address::Address;
use crate::net::fetch::{Fetched, Retries, Wanted};
use crate::net::location::Location;
use crate::net::transport::Validators;
use crate::tree::head::Head;
use crate::tree::manifest::List;
use crate::tree::note::TrustedKeys;

/// The answer of the mirrors as a whole.
pub(super) enum Answer {
    /// The current generation has what this mirror offers.
    Unchanged(Box<Remote>),
    /// There is something to compare.
    Remote(Box<Remote>),
    /// Every mirror has an older head than this one, which the store knows.
    Stale(Head),
    /// No mirror leads to everything. This is the first that led to something.
    Incomplete(Box<Remote>, Box<Prepared>),
}

/// The offer of one mirror.
pub(super) struct Remote {
    pub(super) index: Index,
    /// The bytes of the head or list.
    pub(super) bytes: Vec<u8>,
    /// True if the current generation has the very same head or list.
    pub(super) is_current: bool,
    /// The address of the head or list.
    pub(super) address: Address,
    pub(super) validators: Validators,
    /// The trusted keys, with the key lists up to the one that the head names.
    pub(super) keys: TrustedKeys,
    /// The mirrors for everything else, best first.
    pub(super) mirrors: Mirrors,
}

/// The file that a tree begins with.
pub(super) enum Index {
    /// `root.sha` of a v2 tree.
    Head(Head),
    /// `root.json` of a v1 tree.
    List(List),
}

impl Remote {
    pub(super) fn head(&self) -> Option<&Head> {
        match &self.index {
            Index::Head(head) => Some(head),
            Index::List(_) => None,
        }
    }
}

/// The mirrors that may still be asked for their head.
pub(super) struct Candidates {
    mirrors: Vec<Location>,
    /// The trusted keys, with the key lists that heads of other mirrors have led to.
    keys: TrustedKeys,
    /// The mirror that answered last.
    last: Option<Location>,
    /// Heads that led to an error, or not to everything.
    rejected: Vec<Vec<u8>>,
    first_error: Option<Error>,
    incomplete: Option<(Box<Remote>, Prepared)>,
    /// Number of times that a head was asked for again because its tree had been replaced.
    refetches: usize,
}

impl Candidates {
    pub(super) fn new(session: &Session<'_>) -> Candidates {
        Candidates {
            mirrors: session.source.opened_mirrors(),
            keys: session.keys.clone(),
            last: None,
            rejected: Vec::new(),
            first_error: None,
            incomplete: None,
            refetches: 0,
        }
    }

    /// Asks each mirror until one has something that can be used. As in [`Mirrors::first`], a
    /// mirror that fails is asked again, with retries, only if no other one helps.
    ///
    /// # Errors
    /// The first one, if no mirror can be used.
    pub(super) fn ask(&mut self, session: &Session<'_>, current: &Current) -> Result<Answer> {
        let mut stale = None;
        let mut without_head: Vec<Location> = Vec::new();
        let (found, failures) = ask_each(
            &self.mirrors,
            |_| false,
            |mirror, retries| {
                let asking = Asking { session, current, rejected: &self.rejected, retries };
                match head::ask(asking, &mut self.keys, mirror)? {
                    HeadAnswer::Head(remote) => return Ok(Some((mirror.clone(), remote))),
                    HeadAnswer::Stale(head) => stale = Some(head),
                    HeadAnswer::Missing => without_head.push(mirror.clone()),
                    HeadAnswer::Rejected => {}
                }
                Ok(None)
            },
        )?;
        let mut errors: Vec<Error> = failures.into_iter().map(|(_, error)| error).collect();
        if let Some((mirror, remote)) = found {
            warn_of_unused(session, &errors);
            self.last = Some(mirror);
            return answer_of(session, current, remote);
        }
        if let Some((remote, prepared)) = self.incomplete.take() {
            return Ok(Answer::Incomplete(remote, Box::new(prepared)));
        }
        if let Some(head) = stale {
            warn_of_unused(session, &errors);
            return Ok(Answer::Stale(head));
        }
        // One mirror with a head makes the source v2.
        if !without_head.is_empty() && self.rejected.is_empty() {
            match list::ask(session, current, without_head) {
                Ok(remote) => {
                    warn_of_unused(session, &errors);
                    return Ok(Answer::Remote(Box::new(remote)));
                }
                Err(error) if ends_the_update(&error) => return Err(error),
                Err(error) => errors.push(error),
            }
        }
        let first = self.first_error.take().or_else(|| errors.into_iter().next());
        Err(first.unwrap_or_else(|| Error::new(ErrorKind::Argument, "the source has no mirror")))
    }

    /// Decides what to commit, given what a mirror has led to. `None` means to ask again: the
    /// same mirror if its tree was replaced meanwhile, else the next one.
    ///
    /// # Errors
    /// The error of `outcome` if it ends the update.
    pub(super) fn consider(
        &mut self,
        session: &Session<'_>,
        remote: Box<Remote>,
        outcome: Result<Prepared>,
    ) -> Result<Option<(Box<Remote>, Prepared)>> {
        if remote.head().is_none() {
            // Every mirror was asked for each file of the list.
            return outcome.map(|prepared| Some((remote, prepared)));
        }
        let (prepared, error) = match outcome {
            Ok(mut prepared) => match prepared.take_missing() {
                None => return Ok(Some((remote, prepared))),
                Some(error) => (Some(prepared), error),
            },
            Err(error) if ends_the_update(&error) => return Err(error),
            Err(error) => (None, error),
        };
        let may_have_moved = error.kind() == ErrorKind::Integrity || is_missing_at_mirror(&error);
        if may_have_moved
            && self.refetches < MAX_HEAD_REFETCHES
            && (prepared.is_none() || has_moved(session, &remote))
        {
            log::info!("{}; asking for the head again", error.to_chain());
            self.refetches += 1;
            return Ok(None);
        }
        let last = self.last.take();
        self.mirrors.retain(|mirror| Some(mirror) != last.as_ref());
        match prepared {
            Some(prepared) if self.mirrors.is_empty() && self.incomplete.is_none() => {
                return Ok(Some((remote, prepared)));
            }
            _ if self.mirrors.is_empty() => {}
            _ => session.warnings.add(format!(
                "{}: some files of this head are missing, another mirror was asked: {}",
                remote.address,
                error.to_chain()
            )),
        }
        self.rejected.push(remote.bytes.clone());
        match prepared {
            Some(prepared) => drop(self.incomplete.get_or_insert((remote, prepared))),
            None => drop(self.first_error.get_or_insert(error)),
        }
        Ok(None)
    }
}

/// True if the mirror has another head by now.
fn has_moved(session: &Session<'_>, remote: &Remote) -> bool {
    let wanted = Wanted::plain(remote.address.clone(), MAX_HEAD_BYTES);
    let mut bytes = Vec::new();
    let answer = session.fetcher.fetch(&wanted, &mut bytes, Retries::None);
    matches!(answer, Ok(Fetched::File(_))) && bytes != remote.bytes
}

/// Warns of the mirrors that failed before another one could be used.
fn warn_of_unused(session: &Session<'_>, errors: &[Error]) {
    for error in errors {
        session.warnings.add(format!("{}; another mirror was used", error.to_chain()));
    }
}

/// Decides if there is anything to do, given the head of a mirror.
fn answer_of(session: &Session<'_>, current: &Current, remote: Box<Remote>) -> Result<Answer> {
    let is_done = match &current.generation {
        // New key lists become part of the generation.
        Some(generation)
            if remote.is_current
                && current.is_intact
                && remote.keys.lists() == session.known_keys.lists() =>
        {
            generation.is_complete(session.store.files)?
        }
        _ => false,
    };
    Ok(if is_done { Answer::Unchanged(remote) } else { Answer::Remote(remote) })
}
