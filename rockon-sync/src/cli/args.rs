//! The arguments of the command line.

mod keys;
mod publish;
mod source;
mod update;

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Parser, Subcommand};

use crate::base::error::Result;
use crate::base::time::Timestamp;
use crate::format::Format;
use crate::format::target::{Stability, Target};
pub(super) use keys::{
    KeysBeforeArgs, KeysCommand, KeysEditArgs, KeysNewArgs, KeysShowArgs, KeysSignArgs,
};
pub(super) use publish::PublishArgs;
pub(super) use source::{SourceAddArgs, SourceCommand, SourceListArgs, SourceRemoveArgs};
pub(super) use update::{CredentialArgs, FollowedArgs, GuardArgs, ImportArgs, UpdateArgs};

/// Publishes a catalog as static files, and keeps local copies of it up to date.
#[derive(Debug, Parser)]
#[command(name = "rockon-sync", version, max_term_width = 100, arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,

    /// Log each step; given twice, log each request
    // Listed after the options of each command.
    #[arg(short, long, global = true, action = ArgAction::Count, display_order = 900)]
    pub(super) verbose: u8,
}

/// The commands in the order of the help text, which groups them: see [`super::audience`].
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Publish a catalog as a tree of static files
    Publish(PublishArgs),
    /// Check definition files as publish does, before they are published
    Check(CheckArgs),
    /// Generate a key pair to sign heads or key lists with
    Keygen(KeygenArgs),
    /// Create, change, sign and show key lists, which replace keys
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Update a store from its sources
    Update(UpdateArgs),
    /// Update one source of a store from a bundle, without network access
    Import(ImportArgs),
    /// Add, remove and list the sources of a store
    Source {
        #[command(subcommand)]
        command: SourceCommand,
    },
    /// Show the state of each source of a store
    Status(BrowseArgs),
    /// Verify the digests of a store's files and the signatures of its heads
    Verify(VerifyArgs),
    /// List the definitions of a store
    List(ListArgs),
    /// Print a definition as it was published
    Show(ShowArgs),
    /// List what an application must delete, rename and apply
    Changes(ChangesArgs),
}

/// The store of a command.
#[derive(Debug, clap::Args)]
pub(super) struct StoreArgs {
    /// The directory of the store
    #[arg(long = "store", value_name = "DIR", env = "ROCKON_SYNC_STORE", hide_env_values = true)]
    pub(super) dir: PathBuf,
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

    /// Also list definitions that do not fit the machine, and those hidden by others of the same
    /// name, with the reason
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

    /// Print the steps to install it instead; FILE lists what is installed, as a JSON object of
    /// names and versions (or null); - reads standard input
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
    /// The definitions that are applied, as a file with a JSON object of names and revisions; -
    /// reads standard input
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

    /// Print JSON
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
