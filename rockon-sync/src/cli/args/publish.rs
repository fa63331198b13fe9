//! The arguments of `publish`.

use std::path::PathBuf;

use crate::format::Format;
use crate::net::location::Location;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct PublishArgs {
    /// The catalog: a directory with root.json and definition files; with --format files, any
    /// directory; with --format jupdate, the URL, first XML file or directory of an update site
    pub(in crate::cli) dir: PathBuf,

    /// The format of the catalog's files: rockon, jupdate, or files (every file of the directory)
    #[arg(long, value_name = "FORMAT", default_value_t = Format::Rockon)]
    pub(in crate::cli) format: Format,

    /// Write nothing; print what would be published, written and deleted
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,

    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,

    // A heading applies to everything after it, so groups come last.
    #[command(flatten)]
    pub(in crate::cli) destination: DestinationArgs,

    #[command(flatten)]
    pub(in crate::cli) history: HistoryArgs,

    #[command(flatten)]
    pub(in crate::cli) signing: SigningArgs,

    #[command(flatten)]
    pub(in crate::cli) page: PageArgs,

    #[command(flatten)]
    pub(in crate::cli) guards: PublishGuardArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Destination")]
pub(in crate::cli) struct DestinationArgs {
    /// Write the tree to this directory, or to a bucket of an S3-compatible store [default: DIR/v2]
    #[arg(long, value_name = "DIR|s3://BUCKET/PREFIX", conflicts_with = "in_place")]
    pub(in crate::cli) out: Option<PathBuf>,

    /// Write the tree to the catalog directory itself, beside the files that older systems read
    #[arg(long)]
    pub(in crate::cli) in_place: bool,

    /// The URL from which clients fetch everything but the head [default: the URL of the head]
    #[arg(long)]
    pub(in crate::cli) url: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Previous publications")]
pub(in crate::cli) struct HistoryArgs {
    /// Continue the tree that is published at this location: fetch its serial, history and old
    /// versions first [default: the tree at --out]
    #[arg(long, value_name = "URL|DIR")]
    pub(in crate::cli) previous: Option<Location>,

    /// Publish for the first time; required if there is no tree at --previous or in the bucket,
    /// refused if there is one
    #[arg(long)]
    pub(in crate::cli) initial: bool,

    /// The number of publications that stay available to clients that are not up to date
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub(in crate::cli) keep: usize,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Signatures and expiry")]
pub(in crate::cli) struct SigningArgs {
    /// Sign the head with the private key in this file; can be given several times
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) sign_key: Vec<PathBuf>,

    /// Publish this signed key list, which determines the keys that must sign heads from now on
    /// (see `rockon-sync keys`) [default: the published list]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) keys: Option<PathBuf>,

    /// Allow unsigned heads: publish a signed tree without a key, or continue an unsigned --previous
    /// tree with one
    #[arg(long)]
    pub(in crate::cli) unsigned: bool,

    /// Let the head expire after this many days, so that clients notice if publishing stops
    /// [default: never]
    #[arg(long, value_name = "DAYS")]
    pub(in crate::cli) expires_in: Option<u32>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Web page")]
pub(in crate::cli) struct PageArgs {
    /// Write a web page and a feed of updates: index.html and updates.atom, or with --in-place
    /// root.v2.html and root.v2.atom; without this option, those of earlier runs are removed
    #[arg(long)]
    pub(in crate::cli) page: bool,

    /// The title of the page and of its feed [default: Catalog]
    #[arg(long, value_name = "TEXT", requires = "page")]
    pub(in crate::cli) title: Option<String>,
}

/// Options that relax the checks of a publication.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Safety checks")]
pub(in crate::cli) struct PublishGuardArgs {
    /// Publish even if definitions are invalid: keep the last published version of each, and leave
    /// out those that were never published
    #[arg(long)]
    pub(in crate::cli) lenient: bool,

    /// Publish even if more than half of the entries would be deleted
    #[arg(long)]
    pub(in crate::cli) allow_mass_delete: bool,
}
