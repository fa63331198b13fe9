//! Asks the mirrors, one after the other, what there is.

use std::sync::atomic::AtomicBool;

use super::{Freshness, Rollback, Run, ends_the_run};
use crate::address::Address;
use crate::digest::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::fetch::{Fetched, Wanted};
use crate::head::Head;
use crate::limits::MAX_HEAD_BYTES;
use crate::location::Location;
use crate::note;
use crate::time::Timestamp;
use crate::transport::Validators;

/// What the mirrors have.
pub(super) enum Found {
    /// A head, and so a tree with digests.
    V2(Box<FoundHead>),
    /// No head: a tree of names, at this mirror.
    V1(Location),
    /// Only heads older than the one held; this is the one held.
    Stale(Box<Head>),
}

pub(super) struct FoundHead {
    pub(super) head: Head,
    /// Whether the current generation has this very head.
    pub(super) is_current: bool,
    pub(super) bytes: Vec<u8>,
    /// Where the rest is to be asked for, best first.
    pub(super) bases: Vec<Location>,
    /// Of each base, whether it turned out to have files by name and not by digest: the
    /// `current` of a store is such a tree.
    pub(super) only_by_name: Vec<AtomicBool>,
    /// Where the head was found.
    pub(super) probe: Address,
    /// The same, without secrets.
    pub(super) address: String,
    pub(super) validators: Validators,
}

/// What one mirror has.
enum Answer {
    Found(Found),
    Stale(Box<Head>),
}

impl Run<'_> {
    /// Asks each mirror until one has something usable.
    pub(super) fn find_head(&mut self) -> Result<Found> {
        let mut first_error: Option<Error> = None;
        let mut stale = None;
        for mirror in &self.source.opened_mirrors() {
            match self.ask(mirror) {
                Ok(Answer::Found(found)) => return Ok(found),
                Ok(Answer::Stale(held)) => stale = Some(held),
                Err(error) if ends_the_run(&error) => return Err(error),
                Err(error) => {
                    // A mirror that answers with forgeries is nothing to be silent about.
                    match error.kind() {
                        ErrorKind::Trust => self.warn(error.to_chain()),
                        _ => log::info!("{}", error.to_chain()),
                    }
                    first_error.get_or_insert(error);
                }
            }
        }
        match (stale, first_error) {
            (Some(held), error) => {
                if let Some(error) = error {
                    self.warn(error.to_chain());
                }
                Ok(Found::Stale(held))
            }
            (None, Some(error)) => Err(error),
            (None, None) => Err(Error::new(ErrorKind::Argument, "the source has no location")),
        }
    }

    fn ask(&mut self, mirror: &Location) -> Result<Answer> {
        let held_bytes = self.held_head()?;
        let address = mirror.head_address();
        let shown = address.to_string();
        // A time in whole seconds does not tell two heads apart, and a head is no larger than
        // the answer that it has not changed.
        let validators = self
            .status
            .validators_of(&shown, held_bytes.as_deref())
            .filter(|held| held.etag.is_some())
            .map(|held| Validators { last_modified: None, ..held });
        let wanted = Wanted {
            address: address.clone(),
            validators: validators.as_ref(),
            max_bytes: MAX_HEAD_BYTES,
            digest: None,
        };
        let mut bytes = Vec::new();
        let (validators, moved_to) = match self.fetcher.fetch(&wanted, &mut bytes)? {
            Fetched::Unchanged => {
                bytes = held_bytes.clone().unwrap_or_default();
                (validators.unwrap_or_default(), None)
            }
            Fetched::Absent => return self.no_head(mirror, &shown).map(Answer::Found),
            Fetched::File(file) => (file.validators, file.moved_to),
        };
        // First, so that a page that is no head at all is told from one that nobody signed.
        // It reads no further than the signed text goes: up to an empty line.
        let head = Head::parse(&bytes).map_err(|error| error.with_url(shown.as_str()))?;
        note::check_head(&bytes, &self.keys).map_err(|error| error.with_url(shown.as_str()))?;
        self.check_freshness(&head, &shown)?;
        let is_current = held_bytes.as_deref() == Some(&*bytes);
        if is_current {
            self.status.remember(&shown, &validators, &bytes);
        } else if let Some(held) = self.newer_than(&head, held_bytes.as_deref(), &shown) {
            return Ok(Answer::Stale(Box::new(held)));
        }
        let own = moved_to
            .and_then(|target| mirror.moved(mirror.head_name(), &target))
            .unwrap_or_else(|| mirror.clone());
        // A folder answers for itself, with or without a network.
        let elsewhere = match (mirror.as_folder(), head.url()) {
            (None, Some(url)) => Some(self.source.opened(Location::of_head_url(url)?)),
            _ => None,
        };
        let first: Vec<Location> = elsewhere.into_iter().chain([own]).collect();
        let bases = self.bases(&first);
        let probe = address;
        Ok(Answer::Found(Found::V2(Box::new(FoundHead {
            head,
            is_current,
            bytes,
            only_by_name: bases.iter().map(|_| AtomicBool::new(false)).collect(),
            bases,
            probe,
            address: shown,
            validators,
        }))))
    }

    /// The bytes of the head that is held.
    pub(super) fn held_head(&self) -> Result<Option<Vec<u8>>> {
        match self.writer.reader().current()? {
            Some(generation) => generation.head_bytes(self.writer.files),
            None => Ok(None),
        }
    }

    /// The head that is held (or else the offered one) if newer than `offered` was seen, or
    /// something else under its serial: one serial stands for one manifest, so whoever can
    /// replay heads has no choice among several.
    pub(super) fn newer_than(
        &mut self,
        offered: &Head,
        held_bytes: Option<&[u8]>,
        shown: &str,
    ) -> Option<Head> {
        let held = held_bytes.filter(|_| !self.is_head_damaged);
        let held = held.and_then(|bytes| Head::parse(bytes).ok());
        let floor = self.status.serial_floor.max(held.as_ref().and_then(Head::serial))?;
        let serial = offered.serial();
        if self.options.rollback == Rollback::Allow {
            return None;
        }
        if serial.is_some_and(|serial| serial >= floor) {
            // One that was damaged says nothing of what was published under its serial.
            let is_whole = held_bytes.map(Digest::of) == self.status.digest;
            let held = held.filter(|held| {
                is_whole && held.serial() == serial && held.digest() != offered.digest()
            })?;
            self.warn(format!(
                "{shown}: expected serial {floor} to be the manifest {}, got {}",
                held.digest(),
                offered.digest()
            ));
            return Some(held);
        }
        let got = serial.map_or("no serial".to_owned(), |serial| format!("serial {serial}"));
        self.warn(format!("{shown}: expected serial {floor} or newer, got {got}"));
        Some(held.unwrap_or_else(|| offered.clone()))
    }

    /// A tree without a head is v1, unless it was more before, or has to be.
    fn no_head(&self, mirror: &Location, shown: &str) -> Result<Found> {
        if mirror.names_head() {
            let message = "expected a head, got status 404";
            return Err(Error::new(ErrorKind::Status, message).with_url(shown));
        }
        // A share that is not mounted: the next mirror may be there.
        if let Some(folder) = mirror.as_folder().filter(|folder| !folder.is_dir()) {
            let message = "expected the folder of a tree, found none";
            return Err(Error::new(ErrorKind::NotFound, message).with_path(folder));
        }
        if !self.keys.is_empty() {
            let message = "expected a signed head, got status 404: a source with trusted keys is \
                           not followed without";
            return Err(Error::new(ErrorKind::Trust, message).with_url(shown));
        }
        if self.held_head()?.is_some() || self.status.has_been_v2 {
            let message = "expected a head, got status 404: this source was a v2 tree before and \
                           is not followed as less; remove its folder from the store if it really \
                           went back";
            return Err(Error::new(ErrorKind::Trust, message).with_url(shown));
        }
        Ok(Found::V1(mirror.clone()))
    }

    pub(super) fn check_freshness(&mut self, head: &Head, shown: &str) -> Result<()> {
        let now = Timestamp::from(self.clock.now());
        if let Some(expires) = head.expires().filter(|expires| *expires < now) {
            let message = format!("the head expired at {expires}, and it is {now}");
            if self.options.freshness == Freshness::Require {
                return Err(Error::new(ErrorKind::Expired, message).with_url(shown));
            }
            self.warn(format!("{shown}: {message}"));
        }
        Ok(())
    }

    /// Whether the source still answers at all: tells an outage from a bad file.
    pub(super) fn is_alive(&self, probe: &Address) -> bool {
        let wanted = Wanted {
            address: probe.clone(),
            validators: None,
            max_bytes: crate::limits::MAX_MANIFEST_BYTES,
            digest: None,
        };
        let answer = self.fetcher.fetch_once(&wanted, &mut Discard);
        matches!(answer, Ok(Fetched::File(_)))
    }
}

/// Takes bytes that nobody needs.
struct Discard;

impl std::io::Write for Discard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl crate::fetch::Sink for Discard {
    fn restart(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
