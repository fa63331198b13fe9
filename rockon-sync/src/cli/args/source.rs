//! The arguments of `source`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;

use super::{StoreArgs, seconds};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SourceCommand {
    /// Add a source
    Add(Box<SourceAddArgs>),
    /// Remove a source
    Remove(SourceRemoveArgs),
    /// List the sources, the highest priority first
    List(SourceListArgs),
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SourceAddArgs {
    /// The name of the source, also used for its directory in the store
    pub(in crate::cli) name: String,

    /// The URL or directory of its tree; further ones are mirrors
    #[arg(required = true, value_name = "URL|DIR")]
    pub(in crate::cli) urls: Vec<String>,

    #[command(flatten)]
    pub(in crate::cli) store: StoreArgs,

    /// A further mirror
    #[arg(long, value_name = "URL|DIR")]
    pub(in crate::cli) mirror: Vec<String>,

    /// Trust heads signed by this public key, and refuse unsigned ones; can be given several times
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) trust_key: Vec<String>,

    /// Give the source the highest priority [default: the lowest]
    #[arg(long, conflicts_with = "before")]
    pub(in crate::cli) first: bool,

    /// Give the source the next higher priority than this one
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) before: Option<String>,

    /// The time limit of an update of this source, in seconds [default: --timeout of
    /// the update]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(in crate::cli) timeout: Option<Duration>,

    #[command(flatten)]
    pub(in crate::cli) secrets: SecretArgs,
}

/// The credentials of a source, as names of environment variables and files.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Credentials")]
pub(in crate::cli) struct SecretArgs {
    /// Send the token in this environment variable in the query of each request
    #[arg(long, value_name = "VAR", conflicts_with = "token_file")]
    pub(in crate::cli) token_env: Option<String>,

    /// Send the token in this file in the query of each request
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) token_file: Option<PathBuf>,

    /// The name of the token in the query [default: token]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) token_name: Option<String>,

    /// Send this header with the value in this environment variable
    #[arg(long, value_name = "HEADER:VAR")]
    pub(in crate::cli) header_env: Option<String>,

    /// The user name of HTTP authentication; requires --password-env or --password-file
    #[arg(long, requires = "password")]
    pub(in crate::cli) user: Option<String>,

    /// The environment variable with the password of --user
    #[arg(long, value_name = "VAR", group = "password", requires = "user")]
    pub(in crate::cli) password_env: Option<String>,

    /// The file with the password of --user
    #[arg(long, value_name = "FILE", group = "password", requires = "user")]
    pub(in crate::cli) password_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SourceRemoveArgs {
    /// The name of the source
    pub(in crate::cli) name: String,

    #[command(flatten)]
    pub(in crate::cli) store: StoreArgs,

    /// Keep its local copy, and its definitions in the catalog
    #[arg(long)]
    pub(in crate::cli) keep_data: bool,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct SourceListArgs {
    #[command(flatten)]
    pub(in crate::cli) store: StoreArgs,

    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
