//! `keygen`.

use super::args::KeygenArgs;
use super::output::Output;
use crate::base::error::Result;
use crate::tree::note::SigningKey;

/// Prints the key to be trusted on the last line, below the private key if that has no
/// file of its own: both together are a key file as well.
pub(super) fn run(args: &KeygenArgs, out: &mut Output) -> Result<u8> {
    let key = SigningKey::generate(&args.name)?;
    match &args.out {
        Some(path) => key.write(path)?,
        None => out.line(key.to_secret())?,
    }
    out.line(key.verifier_key().to_string())?;
    Ok(0)
}
