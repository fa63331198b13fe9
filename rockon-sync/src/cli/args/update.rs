//! The arguments of `update` and `import`.

use std::path::PathBuf;
use std::time::Duration;

use super::{StoreArgs, seconds};
use crate::source::SourceName;
use crate::update::Mode;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct UpdateArgs {
    #[command(flatten)]
    pub(in crate::cli) store: StoreArgs,

    /// Only print what an update would do
    #[arg(long, conflicts_with = "full")]
    pub(in crate::cli) check: bool,

    /// Check local files by size and time (quick), check them by digest (verify), or fetch all of
    /// them again (full)
    #[arg(long, value_name = "MODE", default_value_t = Mode::Quick)]
    pub(in crate::cli) mode: Mode,

    /// Same as --mode full
    #[arg(long, conflicts_with = "mode")]
    pub(in crate::cli) full: bool,

    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,

    /// Print only errors and warnings
    #[arg(short, long, conflicts_with = "json")]
    pub(in crate::cli) quiet: bool,

    // A heading applies to everything after it, so groups come last.
    #[command(flatten)]
    pub(in crate::cli) followed: FollowedArgs,

    #[command(flatten)]
    pub(in crate::cli) credentials: CredentialArgs,

    #[command(flatten)]
    pub(in crate::cli) guards: GuardArgs,

    #[command(flatten)]
    pub(in crate::cli) limits: TimeLimitArgs,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ImportArgs {
    /// The bundle: the file packs/empty-*.tar.zst of a published tree
    pub(in crate::cli) bundle: PathBuf,

    #[command(flatten)]
    pub(in crate::cli) store: StoreArgs,

    /// The name of the source that the bundle belongs to
    #[arg(long, value_name = "NAME", default_value_t = SourceName::default())]
    pub(in crate::cli) source: SourceName,

    /// Trust heads signed by this public key, and refuse a bundle without such a head (root.sha)
    /// beside it; can be given several times [default: the keys of the last update]
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) trust_key: Vec<String>,

    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,

    /// Print only errors and warnings
    #[arg(short, long, conflicts_with = "json")]
    pub(in crate::cli) quiet: bool,

    #[command(flatten)]
    pub(in crate::cli) guards: GuardArgs,
}

/// The sources of an update.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Sources")]
pub(in crate::cli) struct FollowedArgs {
    /// A source: the URL or directory of a tree; can be given several times with different names,
    /// the highest priority first; the same name again adds a mirror [default: the sources in
    /// STORE/sources.toml, or else those of the last update]
    #[arg(long, value_name = "[NAME=]URL|DIR")]
    pub(in crate::cli) source: Vec<String>,

    /// Trust heads signed by this public key, and refuse unsigned ones; can be given several times;
    /// with NAME= only for this source [default: the keys of the last update]
    #[arg(long, value_name = "[NAME=]KEY")]
    pub(in crate::cli) trust_key: Vec<String>,
}

/// Credentials for private sources. Secrets are read from environment variables, since the
/// arguments of a process are visible to every user.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Credentials")]
pub(in crate::cli) struct CredentialArgs {
    /// Send the token in this environment variable in the query of each request; with NAME= only
    /// to this source
    #[arg(long, value_name = "[NAME=]VAR")]
    pub(in crate::cli) token_env: Vec<String>,

    /// The name of the token in the query
    #[arg(long, value_name = "NAME", default_value = "token")]
    pub(in crate::cli) token_name: String,

    /// Send this header with the value in this environment variable; with NAME= only to this source
    #[arg(long, value_name = "[NAME=]HEADER:VAR")]
    pub(in crate::cli) header_env: Vec<String>,

    /// The user name of HTTP authentication; requires --password-env
    #[arg(long, value_name = "[NAME=]USER")]
    pub(in crate::cli) user: Vec<String>,

    /// The environment variable with the password of --user
    #[arg(long, value_name = "[NAME=]VAR", requires = "user")]
    pub(in crate::cli) password_env: Vec<String>,
}

impl CredentialArgs {
    pub(in crate::cli) fn is_empty(&self) -> bool {
        self.token_env.is_empty() && self.header_env.is_empty() && self.user.is_empty()
    }
}

/// Options that relax or tighten the checks of an update.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Safety checks")]
pub(in crate::cli) struct GuardArgs {
    /// Update even if more than half of the entries would be deleted
    #[arg(long)]
    pub(in crate::cli) allow_mass_delete: bool,

    /// Accept a head that is older than the current one
    #[arg(long)]
    pub(in crate::cli) allow_rollback: bool,

    /// Refuse an expired head
    #[arg(long)]
    pub(in crate::cli) require_fresh: bool,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Time limits")]
pub(in crate::cli) struct TimeLimitArgs {
    /// The time limit of the update, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = seconds)]
    pub(in crate::cli) timeout: Duration,

    /// The time to wait for another process that updates the same source, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    pub(in crate::cli) lock_timeout: Duration,
}
