//! `import`.

use super::args::ImportArgs;
use super::output::{Output, print_error};
use super::update::{ResultJson, guarded, print_report, print_what_is_held};
use crate::error::Result;
use crate::note::VerifierKey;
use crate::store::Store;
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
        print_report(report, false, args.quiet, false, out)?;
    }
    if args.json {
        out.json(&ResultJson::new(&args.source, &result, false))?;
    }
    Ok(match &result {
        Ok(report) => report.outcome.exit_code(),
        Err(error) => error.kind().exit_code(),
    })
}
