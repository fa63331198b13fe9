//! The arguments of `keys`.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum KeysCommand {
    /// Write the first key list of a catalog, without signatures
    New(KeysNewArgs),
    /// Add keys to a draft, or write the next list after a signed one
    Add(KeysEditArgs),
    /// Remove keys from a draft, or write the next list after a signed one
    Remove(KeysEditArgs),
    /// Sign a key list with private keys
    Sign(KeysSignArgs),
    /// Show the keys of a list, and who has signed it
    Show(KeysShowArgs),
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct KeysNewArgs {
    /// The name of all key lists of the catalog, preferably a URL without its scheme:
    /// example.org/rockons
    pub(in crate::cli) name: String,

    /// A public key that signs key lists, and is kept offline; can be given several times
    #[arg(long, value_name = "KEY", required = true)]
    pub(in crate::cli) root: Vec<String>,

    /// A public key that signs heads; can be given several times
    #[arg(long, value_name = "KEY", required = true)]
    pub(in crate::cli) head: Vec<String>,

    /// The number of root keys that must sign a key list
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(in crate::cli) root_threshold: usize,

    /// The number of head keys that must sign a head
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(in crate::cli) head_threshold: usize,

    /// Write the list to this file, which must not exist
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) out: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct KeysEditArgs {
    /// The draft to change, or the signed key list to continue
    pub(in crate::cli) list: PathBuf,

    /// A root key; `remove` also accepts its name or id; can be given several times
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) root: Vec<String>,

    /// A head key; `remove` also accepts its name or id; can be given several times
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) head: Vec<String>,

    /// The number of root keys that must sign a key list [default: as before]
    #[arg(long, value_name = "N")]
    pub(in crate::cli) root_threshold: Option<usize>,

    /// The number of head keys that must sign a head [default: as before]
    #[arg(long, value_name = "N")]
    pub(in crate::cli) head_threshold: Option<usize>,

    /// Write the list to this file, which must not exist; required if the list is signed [default:
    /// change the draft]
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct KeysSignArgs {
    /// The key list to sign
    pub(in crate::cli) list: PathBuf,

    /// Sign with the private key in this file; can be given several times
    #[arg(long, value_name = "FILE", required = true)]
    pub(in crate::cli) sign_key: Vec<PathBuf>,

    #[command(flatten)]
    pub(in crate::cli) before: KeysBeforeArgs,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct KeysShowArgs {
    /// The key list to show
    pub(in crate::cli) list: PathBuf,

    #[command(flatten)]
    pub(in crate::cli) before: KeysBeforeArgs,

    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// The keys that clients trust before they see the list.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct KeysBeforeArgs {
    /// The previous key list
    #[arg(long, value_name = "FILE", conflicts_with = "trust_key")]
    pub(in crate::cli) previous: Option<PathBuf>,

    /// A public key that clients trust before they see their first list; can be given several times
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) trust_key: Vec<String>,
}
