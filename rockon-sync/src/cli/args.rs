//! What can be said on the command line.

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand};

use crate::base::error::Result;
use crate::base::time::Timestamp;
use crate::format::Format;
use crate::format::target::{Stability, Target};
use crate::source::SourceName;

/// Publishes a catalog as static files with digests, and keeps stores in step with it.
#[derive(Debug, Parser)]
#[command(name = "rockon-sync", version, max_term_width = 100, arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,

    /// Say more about what is being done (twice: every request)
    // Every command has it: after those that are its own.
    #[arg(short, long, global = true, action = ArgAction::Count, display_order = 900)]
    pub(super) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Turn a catalog into a tree of static files, to be served
    Publish(PublishArgs),
    /// Bring a store in step with its sources
    Update(UpdateArgs),
    /// Bring a source of a store in step with a bundle, without a network
    Import(ImportArgs),
    /// List the definitions of a store
    List(ListArgs),
    /// Print a definition as it was published
    Show(ShowArgs),
    /// Show what a store holds of each source
    Status(StatusArgs),
    /// Compare every file of a store with its digest, and its heads with the trusted keys
    Verify(VerifyArgs),
    /// Tell an application what to apply and what to delete
    Changes(ChangesArgs),
    /// Add, remove and list the sources that a store follows
    Source {
        #[command(subcommand)]
        command: SourceCommand,
    },
    /// Check definition files as publish does, and say what they would override
    Check(CheckArgs),
    /// Make a pair of keys: one to sign heads with, one to be trusted
    Keygen(KeygenArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct PublishArgs {
    /// The catalog: a directory with root.json and definition files; of the format files any directory;
    /// of the format jupdate an update site: its URL, its first XML file, or the directory of all
    pub(super) dir: PathBuf,

    /// What its files are: rockon, jupdate, or files (of any kind, all that are in the directory)
    #[arg(long, value_name = "FORMAT", default_value_t = Format::Rockon)]
    pub(super) format: Format,

    /// Where the tree goes [default: DIR/v2]
    #[arg(long, value_name = "DIR", conflicts_with = "in_place")]
    pub(super) out: Option<PathBuf>,

    /// Put the tree into the directory itself, beside what older systems read
    #[arg(long)]
    pub(super) in_place: bool,

    /// The URL that clients fetch everything but the head from
    #[arg(long)]
    pub(super) url: Option<String>,

    /// How many publications stay available to clients that are behind
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub(super) keep: usize,

    /// Let the head expire, so that clients notice when nobody publishes any more
    #[arg(long, value_name = "DAYS")]
    pub(super) expires_in: Option<u32>,

    /// Sign the head with the private key in this file; given several times, each signs it
    #[arg(long, value_name = "FILE")]
    pub(super) sign_key: Vec<PathBuf>,

    /// Write a page for people as well, and a feed of its updates: index.html and updates.atom, or
    /// with --in-place root.v2.html and root.v2.atom; without this, earlier ones are removed
    #[arg(long)]
    pub(super) page: bool,

    /// Publish in spite of bad definitions: keep the last published version of each, and leave out
    /// what was never published
    #[arg(long)]
    pub(super) lenient: bool,

    /// Publish even if more than half of the catalog is gone
    #[arg(long)]
    pub(super) allow_mass_delete: bool,

    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct UpdateArgs {
    /// The directory of the store
    #[arg(long, value_name = "DIR")]
    pub(super) store: PathBuf,

    /// A tree to follow: URL or directory; NAME= tells several apart, the first having the highest
    /// priority, and the same name again is a mirror [default: STORE/sources.toml, or without it
    /// the sources of the last update]
    #[arg(long, value_name = "[NAME=]URL|DIR")]
    pub(super) source: Vec<String>,

    /// Take only a head signed by this key, or by another one given like this; with NAME= it is
    /// for that source alone [default: the keys of the last update]
    #[arg(long, value_name = "[NAME=]KEY")]
    pub(super) trust_key: Vec<String>,

    #[command(flatten)]
    pub(super) credentials: CredentialArgs,

    /// Only say what an update would do
    #[arg(long, conflicts_with = "full")]
    pub(super) check: bool,

    /// Distrust everything local and fetch it all again
    #[arg(long)]
    pub(super) full: bool,

    #[command(flatten)]
    pub(super) guards: GuardArgs,

    /// The longest an update may take
    #[arg(long, value_name = "SECONDS", default_value_t = 300.0, value_parser = seconds)]
    pub(super) timeout: f64,

    /// How long to wait while another process updates the same source
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, value_parser = seconds)]
    pub(super) wait: f64,

    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,

    /// Print nothing but errors
    #[arg(short, long, conflicts_with = "json")]
    pub(super) quiet: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct ImportArgs {
    /// The directory of the store
    #[arg(long, value_name = "DIR")]
    pub(super) store: PathBuf,

    /// The source that the bundle is of
    #[arg(long, value_name = "NAME", default_value_t = SourceName::default())]
    pub(super) source: SourceName,

    /// Take only a bundle whose head, root.sha beside it, was signed by this key, or another one
    /// given like this [default: the keys of the last update]
    #[arg(long, value_name = "KEY")]
    pub(super) trust_key: Vec<String>,

    #[command(flatten)]
    pub(super) guards: GuardArgs,

    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,

    /// Print nothing but errors
    #[arg(short, long, conflicts_with = "json")]
    pub(super) quiet: bool,

    /// A pack that starts from nothing: packs/empty-*.tar.zst of a published tree
    pub(super) bundle: PathBuf,
}

/// What opens private sources. Secrets come from variables: the list of processes shows
/// arguments to everybody.
#[derive(Debug, clap::Args)]
pub(super) struct CredentialArgs {
    /// Send the token in this environment variable with each request, in the query
    #[arg(long, value_name = "[NAME=]VAR")]
    pub(super) token_env: Vec<String>,

    /// What the token is called in the query
    #[arg(long, value_name = "NAME", default_value = "token")]
    pub(super) token_name: String,

    /// Send a header whose value is in this environment variable
    #[arg(long, value_name = "[NAME=]HEADER:VAR")]
    pub(super) header_env: Vec<String>,

    /// The user to log in as, with --password-env
    #[arg(long, value_name = "[NAME=]USER")]
    pub(super) user: Vec<String>,

    /// The environment variable with the password
    #[arg(long, value_name = "[NAME=]VAR", requires = "user")]
    pub(super) password_env: Vec<String>,
}

impl CredentialArgs {
    pub(super) fn is_empty(&self) -> bool {
        self.token_env.is_empty() && self.header_env.is_empty() && self.user.is_empty()
    }
}

/// What is refused unless allowed.
#[derive(Debug, clap::Args)]
pub(super) struct GuardArgs {
    /// Go on even if more than half of the catalog is gone
    #[arg(long)]
    pub(super) allow_mass_delete: bool,

    /// Apply a head that is older than the one held
    #[arg(long)]
    pub(super) allow_rollback: bool,

    /// Refuse a head that is past its expiry
    #[arg(long)]
    pub(super) require_fresh: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct BrowseArgs {
    /// The directory of the store
    #[arg(long, value_name = "DIR")]
    pub(super) store: PathBuf,

    /// The directory of definitions put there by hand [default: STORE/local]
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

    /// Leave out what is not for this processor: amd64, arm64, arm/v7, ...
    #[arg(long, value_name = "NAME")]
    pub(super) arch: Option<String>,

    /// Leave out what needs a later version of the system than this one
    #[arg(long = "version", value_name = "VERSION")]
    pub(super) system_version: Option<String>,

    /// Only what is of this format: rockon, jupdate, files
    #[arg(long, value_name = "FORMAT")]
    pub(super) format: Option<Format>,

    #[command(flatten)]
    pub(super) releases: ReleaseArgs,

    /// Only what has been updated since this day, or moment (RFC 3339)
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub(super) updated_since: Option<Timestamp>,

    /// Also what does not fit and what others of the same name hide, with the reason
    #[arg(long)]
    pub(super) all: bool,
}

/// Which releases of extensions are wanted.
#[derive(Debug, clap::Args)]
pub(super) struct ReleaseArgs {
    /// Of extensions, only releases for this platform, name and version: "joomla 5.1"
    #[arg(long, value_name = "PLATFORM")]
    pub(super) platform: Option<String>,

    /// Of extensions, only releases that are this stable or more: dev, alpha, beta, rc, stable
    #[arg(long, value_name = "STABILITY")]
    pub(super) stability: Option<Stability>,
}

impl ReleaseArgs {
    /// Adds what is wanted to `target`.
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

    /// Say what has to be installed with it, given what is installed already: a file with a JSON
    /// object, name to version or null; - reads standard input
    #[arg(long, value_name = "FILE")]
    pub(super) installed: Option<PathBuf>,

    #[command(flatten)]
    pub(super) browse: BrowseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    pub(super) browse: BrowseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    pub(super) browse: BrowseArgs,

    /// Fetch what is damaged again, from the sources of the last update
    #[arg(long)]
    pub(super) repair: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct ChangesArgs {
    /// What is applied: a file with a JSON object, name to revision; - reads standard input
    #[arg(long, value_name = "FILE")]
    pub(super) applied: PathBuf,

    /// Only what is of this format; with jupdate, FILE has extensions with their installed
    /// versions, and those that have an update are told
    #[arg(long, value_name = "FORMAT")]
    pub(super) format: Option<Format>,

    #[command(flatten)]
    pub(super) releases: ReleaseArgs,

    #[command(flatten)]
    pub(super) browse: BrowseArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum SourceCommand {
    /// Follow a further source
    Add(Box<SourceAddArgs>),
    /// No longer follow a source
    Remove(SourceRemoveArgs),
    /// Show what is followed, the highest priority first
    List(SourceListArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct SourceAddArgs {
    /// The name of the source, which is also that of its directory
    pub(super) name: String,

    /// Where its tree is: URL or directory; further ones are mirrors
    #[arg(required = true, value_name = "URL|DIR")]
    pub(super) urls: Vec<String>,

    /// The directory of the store
    #[arg(long, value_name = "DIR")]
    pub(super) store: PathBuf,

    /// A further mirror
    #[arg(long, value_name = "URL|DIR")]
    pub(super) mirror: Vec<String>,

    /// Take only a head that this key, or another one given like this, has signed
    #[arg(long, value_name = "KEY")]
    pub(super) trust_key: Vec<String>,

    /// Give it the highest priority [default: the lowest]
    #[arg(long, conflicts_with = "before")]
    pub(super) first: bool,

    /// Give it the next higher priority than this source
    #[arg(long, value_name = "NAME")]
    pub(super) before: Option<String>,

    /// The longest an update of it may take
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(super) timeout: Option<f64>,

    /// Send the token in this environment variable with each request, in the query
    #[arg(long, value_name = "VAR", conflicts_with = "token_file")]
    pub(super) token_env: Option<String>,

    /// The same with the token in a file
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,

    /// What the token is called in the query [default: token]
    #[arg(long, value_name = "NAME")]
    pub(super) token_name: Option<String>,

    /// Send a header whose value is in this environment variable
    #[arg(long, value_name = "HEADER:VAR")]
    pub(super) header_env: Option<String>,

    /// The user to log in as, with --password-env or --password-file
    #[arg(long, requires = "password")]
    pub(super) user: Option<String>,

    /// The environment variable with the password
    #[arg(long, value_name = "VAR", group = "password", requires = "user")]
    pub(super) password_env: Option<String>,

    /// The same with the password in a file
    #[arg(long, value_name = "FILE", group = "password", requires = "user")]
    pub(super) password_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct SourceRemoveArgs {
    /// The name of the source
    pub(super) name: String,

    /// The directory of the store
    #[arg(long, value_name = "DIR")]
    pub(super) store: PathBuf,

    /// Keep what is held of it, in the catalog too
    #[arg(long)]
    pub(super) keep_data: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct SourceListArgs {
    /// The directory of the store
    #[arg(long, value_name = "DIR")]
    pub(super) store: PathBuf,

    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// The definition files
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,

    /// A store: say what the files would override in its catalog
    #[arg(long, value_name = "DIR")]
    pub(super) store: Option<PathBuf>,

    /// The directory of definitions put there by hand [default: STORE/local]
    #[arg(long, value_name = "DIR", requires = "store")]
    pub(super) local: Option<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct KeygenArgs {
    /// The name of the key: best a URL without its scheme, for example example.org/rockons
    pub(super) name: String,

    /// Where the private key goes; no file is ever overwritten [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

/// A duration in seconds: not negative, and not so long that no clock can hold it.
fn seconds(text: &str) -> std::result::Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    if (0.0..=1e9).contains(&value) {
        Ok(value)
    } else {
        Err("expected 0 to 1,000,000,000 seconds".to_owned())
    }
}

/// A day, which begins at midnight in UTC, or a moment.
fn moment(text: &str) -> std::result::Result<Timestamp, String> {
    let day = format!("{text}T00:00:00Z");
    let moment = text.parse().or_else(|_| day.parse());
    moment.map_err(|_| "expected a date such as 2026-01-01, or a time with its zone".to_owned())
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
        assert_eq!(seconds("1.5"), Ok(1.5));
        for bad in ["", "x", "-1", "nan", "inf", "1e10"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
