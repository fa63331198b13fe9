//! `import`.

use super::args::ImportArgs;
use super::output::Output;
use super::report::{Notes, Purpose, note_result, result_json, sentence};
use super::update::{exit_code, guarded};
use crate::base::error::Result;
use crate::store::Store;
use crate::tree::note::VerifierKey;
use crate::update::Updater;

pub(super) fn run(args: ImportArgs, out: &mut Output) -> Result<u8> {
    let store = Store::new(&args.store.dir);
    let keys: Vec<VerifierKey> =
        args.trust_key.iter().map(|key| key.parse()).collect::<Result<_>>()?;
    let mut updater = guarded(Updater::new(&store), &args.guards);
    let result = updater.import(&args.source, &args.bundle, &keys);
    let notes = if args.json { Notes::Errors } else { Notes::All };
    note_result(&store, &args.source, &result, notes);
    if args.json {
        out.json(&result_json(&args.source, &result, Purpose::Update))?;
    } else if let (Ok(report), false) = (&result, args.quiet) {
        out.line(sentence(report, Purpose::Update))?;
    }
    Ok(exit_code([&result].into_iter()))
}
