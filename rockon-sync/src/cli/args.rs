//! The arguments of the command line.

mod keys;
mod source;

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Parser, Subcommand};

use crate::base::error::Result;
use crate::base::time::Timestamp;
use crate::format::Format;
use crate::format::target::{Stability, Target};
use crate::net::location::Location;
use crate::source::SourceName;
use crate::update::Mode;
pub(super) use keys::{
    KeysBeforeArgs, KeysCommand, KeysEditArgs, KeysNewArgs, KeysShowArgs, KeysSignArgs,
};
pub(super) use source::{SourceAddArgs, SourceCommand, SourceListArgs, SourceRemoveArgs};

/// Publishes a catalog as static files, and keeps local copies of it up to date.
#[derive(Debug, Parser)]
#[command(name = "rockon-sync", version, max_term_width = 100, arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,

    /// Log what is being done; given twice, log every request
    // Listed after the options of each command.
    #[arg(short, long, global = true, action = ArgAction::Count, display_order = 900)]
    pub(super) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Publish a catalog as a tree of static files
    Publish(PublishArgs),
    /// Update a store from its sources
    Update(UpdateArgs),
    /// Update a source of a store from a bundle, without network access
    Import(ImportArgs),
    /// List the definitions of a store
    List(ListArgs),
    /// Print a definition as it was published
    Show(ShowArgs),
    /// Show the state of each source of a store
    Status(BrowseArgs),
    /// Verify the digest of every file of a store, and the signatures of its heads
    Verify(VerifyArgs),
    /// List what an application must delete and apply
    Changes(ChangesArgs),
    /// Add, remove and list the sources of a store
    Source {
        #[command(subcommand)]
        command: SourceCommand,
    },
    /// Check definition files as publish does, and list the definitions that they would override
    Check(CheckArgs),
    /// Generate a pair of keys: a private key to sign heads with, and a public key to trust
    Keygen(KeygenArgs),
    /// Create, change, sign and show key lists, which say whose keys must sign heads
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
}

/// The store of a command.
#[derive(Debug, clap::Args)]
pub(super) struct StoreArgs {
    /// The directory of the store
    #[arg(long = "store", value_name = "DIR", env = "ROCKON_SYNC_STORE", hide_env_values = true)]
    pub(super) dir: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct PublishArgs {
    /// The catalog: a directory with root.json and definition files; with --format files, any
    /// directory; with --format jupdate, the URL, first XML file or directory of an update site
    pub(super) dir: PathBuf,

    /// The format of the catalog's files: rockon, jupdate, or files (every file of the directory)
    #[arg(long, value_name = "FORMAT", default_value_t = Format::Rockon)]
    pub(super) format: Format,

    /// Write the tree to this directory, or to a bucket of an S3-compatible store [default: DIR/v2]
    #[arg(long, value_name = "DIR|s3://BUCKET/PREFIX", conflicts_with = "in_place")]
    pub(super) out: Option<PathBuf>,

    /// Continue the published tree at this location, which may be the only copy of it: its serial,
    /// history and old versions are fetched into the directory of the tree [default: the tree at
    /// --out]
    #[arg(long, value_name = "URL|DIR")]
    pub(super) previous: Option<Location>,

    /// Publish for the first time: fail if there is a tree already. Required if nothing is found at
    /// --previous or in the bucket
    #[arg(long)]
    pub(super) initial: bool,

    /// Write the tree to the catalog directory itself, beside the files that older systems read
    #[arg(long)]
    pub(super) in_place: bool,

    /// The URL from which clients fetch everything but the head [default: the URL of the head]
    #[arg(long)]
    pub(super) url: Option<String>,

    /// The number of publications that stay available to clients that are not up to date
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub(super) keep: usize,

    /// Make the head expire after so many days, so that clients notice if publishing stops
    /// [default: never]
    #[arg(long, value_name = "DAYS")]
    pub(super) expires_in: Option<u32>,

    /// Sign the head with the private key in this file; can be given several times
    #[arg(long, value_name = "FILE")]
    pub(super) sign_key: Vec<PathBuf>,

    /// Publish the signed key list in this file, which says whose keys must sign heads from now on:
    /// see `rockon-sync keys` [default: the published list]
    #[arg(long, value_name = "FILE")]
    pub(super) keys: Option<PathBuf>,

    /// Allow unsigned heads: publish a signed tree without a key, or continue an unsigned --previous
    /// tree with one
    #[arg(long)]
    pub(super) unsigned: bool,

    /// Write a web page and a feed of updates: index.html and updates.atom, or with --in-place
    /// root.v2.html and root.v2.atom; without this option, those of earlier runs are removed
    #[arg(long)]
    pub(super) page: bool,

    /// The title of the page and of its feed
    #[arg(long, value_name = "TEXT", requires = "page")]
    pub(super) title: Option<String>,

    /// Publish even if definitions are invalid: keep the last published version of each, and leave
    /// out those that were never published
    #[arg(long)]
    pub(super) lenient: bool,

    /// Publish even if more than half of the entries would be deleted
    #[arg(long)]
    pub(super) allow_mass_delete: bool,

    /// Write nothing: print what would be published, and the files that would be written and deleted
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct UpdateArgs {
    #[command(flatten)]
    pub(super) store: StoreArgs,

    /// A source: the URL or directory of a tree; can be given several times with different names,
    /// the highest priority first; the same name again adds a mirror [default: the sources in
    /// STORE/sources.toml, or else those of the last update]
    #[arg(long, value_name = "[NAME=]URL|DIR")]
    pub(super) source: Vec<String>,

    /// Trust heads signed by this public key, and refuse unsigned ones; can be given several times;
    /// with NAME= only for this source [default: the keys of the last update]
    #[arg(long, value_name = "[NAME=]KEY")]
    pub(super) trust_key: Vec<String>,

    #[command(flatten)]
    pub(super) credentials: CredentialArgs,

    /// Only print what an update would do
    #[arg(long, conflicts_with = "full")]
    pub(super) check: bool,

    /// The check of the local copy: quick (sizes and times of files), verify (digests), or full
    /// (fetch every file again)
    #[arg(long, value_name = "MODE", default_value_t = Mode::Quick)]
    pub(super) mode: Mode,

    /// The same as --mode full
    #[arg(long, conflicts_with = "mode")]
    pub(super) full: bool,

    #[command(flatten)]
    pub(super) guards: GuardArgs,

    /// The time limit of the update, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = seconds)]
    pub(super) timeout: Duration,

    /// The time to wait while another process updates the same source, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    pub(super) lock_timeout: Duration,

    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,

    /// Print only errors and warnings
    #[arg(short, long, conflicts_with = "json")]
    pub(super) quiet: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct ImportArgs {
    #[command(flatten)]
    pub(super) store: StoreArgs,

    /// The name of the source that the bundle belongs to
    #[arg(long, value_name = "NAME", default_value_t = SourceName::default())]
    pub(super) source: SourceName,

    /// Trust bundles whose head, the root.sha beside them, is signed by this public key, and refuse
    /// others; can be given several times [default: the keys of the last update]
    #[arg(long, value_name = "KEY")]
    pub(super) trust_key: Vec<String>,

    #[command(flatten)]
    pub(super) guards: GuardArgs,

    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,

    /// Print only errors and warnings
    #[arg(short, long, conflicts_with = "json")]
    pub(super) quiet: bool,

    /// The bundle: the file packs/empty-*.tar.zst of a published tree
    pub(super) bundle: PathBuf,
}

/// Credentials for private sources. Secrets are read from environment variables, since the
/// arguments of a process are visible to every user.
#[derive(Debug, clap::Args)]
pub(super) struct CredentialArgs {
    /// Send the token in this environment variable in the query of each request; with NAME= only
    /// to this source
    #[arg(long, value_name = "[NAME=]VAR")]
    pub(super) token_env: Vec<String>,

    /// The name of the token in the query
    #[arg(long, value_name = "NAME", default_value = "token")]
    pub(super) token_name: String,

    /// Send this header with the value in this environment variable; with NAME= only to this source
    #[arg(long, value_name = "[NAME=]HEADER:VAR")]
    pub(super) header_env: Vec<String>,

    /// The user name of HTTP authentication; requires --password-env
    #[arg(long, value_name = "[NAME=]USER")]
    pub(super) user: Vec<String>,

    /// The environment variable with the password of --user
    #[arg(long, value_name = "[NAME=]VAR", requires = "user")]
    pub(super) password_env: Vec<String>,
}

impl CredentialArgs {
    pub(super) fn is_empty(&self) -> bool {
        self.token_env.is_empty() && self.header_env.is_empty() && self.user.is_empty()
    }
}

/// Options that relax or tighten the checks of an update.
#[derive(Debug, clap::Args)]
pub(super) struct GuardArgs {
    /// Update even if more than half of the entries would be deleted
    #[arg(long)]
    pub(super) allow_mass_delete: bool,

    /// Accept a head that is older than the current one
    #[arg(long)]
    pub(super) allow_rollback: bool,

    /// Refuse an expired head
    #[arg(long)]
    pub(super) require_fresh: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct BrowseArgs {
    #[command(flatten)]
    pub(super) store: StoreArgs,

    /// The directory of local definitions [default: STORE/local]
    #[arg(long, value_name = "DIR")]
    pub(super) local: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    pub(super) browse: BrowseArgs,

    /// List only definitions for this architecture: amd64, arm64, arm/v7, ...
    #[arg(long, value_name = "NAME")]
    pub(super) arch: Option<String>,

    /// List only definitions that run on this version of the system
    #[arg(long = "version", value_name = "VERSION")]
    pub(super) system_version: Option<String>,

    /// List only definitions of this format: rockon, jupdate, files
    #[arg(long, value_name = "FORMAT")]
    pub(super) format: Option<Format>,

    #[command(flatten)]
    pub(super) releases: ReleaseArgs,

    /// List only definitions updated since this day (2026-01-31, in UTC) or time (RFC 3339)
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub(super) updated_since: Option<Timestamp>,

    /// Also list definitions that do not fit or are hidden by others of the same name, with the
    /// reason
    #[arg(long)]
    pub(super) all: bool,
}

/// The releases of extensions to consider.
#[derive(Debug, clap::Args)]
pub(super) struct ReleaseArgs {
    /// Consider only releases for this platform, given by name and version: "joomla 5.1"
    #[arg(long, value_name = "PLATFORM")]
    pub(super) platform: Option<String>,

    /// Consider only releases of this stability or higher: dev, alpha, beta, rc, stable
    #[arg(long, value_name = "STABILITY")]
    pub(super) stability: Option<Stability>,
}

impl ReleaseArgs {
    /// Adds platform and stability to `target`.
    pub(super) fn on(&self, mut target: Target) -> Result<Target> {
        if let Some(platform) = &self.platform {
            target = target.with_platform(platform)?;
        }
        if let Some(stability) = self.stability {
            target = target.with_stability(stability);
        }
        Ok(target)
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// The name of the definition
    pub(super) name: String,

    /// Print what must be installed with it instead; the file lists what is installed already, as
    /// a JSON object of names and versions (or null); - reads standard input
    #[arg(long, value_name = "FILE")]
    pub(super) installed: Option<PathBuf>,

    #[command(flatten)]
    pub(super) browse: BrowseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    pub(super) browse: BrowseArgs,

    /// First fetch damaged files again, from the sources of the last update
    #[arg(long)]
    pub(super) repair: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct ChangesArgs {
    /// The file that lists what is applied, as a JSON object of names and revisions; - reads
    /// standard input
    #[arg(long, value_name = "FILE")]
    pub(super) applied: PathBuf,

    /// List only changes of this format; with jupdate, FILE lists extensions with their installed
    /// versions, and those with an update are printed
    #[arg(long, value_name = "FORMAT")]
    pub(super) format: Option<Format>,

    #[command(flatten)]
    pub(super) releases: ReleaseArgs,

    #[command(flatten)]
    pub(super) browse: BrowseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// Definition files, and catalog directories, which are checked with all their files
    #[arg(required = true, value_name = "FILE|DIR")]
    pub(super) files: Vec<PathBuf>,

    /// Print which definitions of this store the files would override
    #[arg(long, value_name = "DIR")]
    pub(super) store: Option<PathBuf>,

    /// The directory of local definitions [default: STORE/local]
    #[arg(long, value_name = "DIR", requires = "store")]
    pub(super) local: Option<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct KeygenArgs {
    /// The name of the key, preferably a URL without its scheme: example.org/rockons
    pub(super) name: String,

    /// Write the private key to this file, which must not exist [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

/// Parses a duration in seconds, with an upper bound that every clock can represent.
fn seconds(text: &str) -> std::result::Result<Duration, &'static str> {
    let seconds: f64 = text.parse().map_err(|_| "expected a number of seconds")?;
    match (0.0..=1e9).contains(&seconds) {
        true => Ok(Duration::from_secs_f64(seconds)),
        false => Err("expected 0 to 1,000,000,000 seconds"),
    }
}

/// Parses a time, or a day, which begins at midnight in UTC.
fn moment(text: &str) -> std::result::Result<Timestamp, &'static str> {
    let moment = text.parse().or_else(|_| format!("{text}T00:00:00Z").parse());
    moment.map_err(|_| "expected a date such as 2026-01-31, or a time with a time zone")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_definition_is_valid() {
        Args::command().debug_assert();
    }

    #[test]
    fn seconds_are_bounded() {
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1500)));
        for bad in ["", "x", "-1", "nan", "inf", "1e10"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
