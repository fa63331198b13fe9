//! `keygen`.

use super::args::KeygenArgs;
use super::output::Output;
use crate::base::error::Result;
use crate::tree::note::SigningKey;

/// Prints the public key on the last line, below the private key if that is not written to a
/// file. Both lines together are a key file as well.
pub(super) fn run(args: &KeygenArgs, out: &mut Output) -> Result<u8> {
    let key = SigningKey::generate(&args.name)?;
    match &args.out {
        Some(path) => key.write(path)?,
        None => out.line(key.to_secret())?,
    }
    out.line(key.verifier_key().to_string())?;
    Ok(0)
}
