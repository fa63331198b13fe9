//! `import`.

use super::args::ImportArgs;
use super::output::{Output, print_error};
use super::report::{Purpose, ResultJson, note_problems, print_what_is_held, sentence};
use super::update::guarded;
use crate::base::error::Result;
use crate::store::Store;
use crate::tree::note::VerifierKey;
use crate::update::Updater;

pub(super) fn run(args: ImportArgs, out: &mut Output) -> Result<u8> {
    let store = Store::new(&args.store);
    let keys: Vec<VerifierKey> =
        args.trust_key.iter().map(|key| key.parse()).collect::<Result<_>>()?;
    let mut updater = guarded(Updater::new(&store), &args.guards);
    let result = updater.import(&args.source, &args.bundle, &keys);
    if let Err(error) = &result {
        print_error(error);
        print_what_is_held(&store, &args.source);
    } else if let (Ok(report), false) = (&result, args.json) {
        note_problems(report);
        if !args.quiet {
            out.line(sentence(report, Purpose::Update))?;
        }
    }
    if args.json {
        out.json(&ResultJson::new(&args.source, &result, Purpose::Update))?;
    }
    Ok(match &result {
        Ok(report) => report.outcome.exit_code(),
        Err(error) => error.kind().exit_code(),
    })
}
