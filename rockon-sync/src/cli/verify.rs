//! `verify`.

use serde_json::json;

use super::args::VerifyArgs;
use super::output::{Output, count, note};
use super::report::{Notes, Purpose, note_result, sentence};
use super::update::exit_code;
use crate::base::error::{ErrorKind, Result};
use crate::store::Store;
use crate::update::{Mode, Updater, update_each};

pub(super) fn run(args: VerifyArgs, out: &mut Output) -> Result<u8> {
    let store = Store::new(&args.browse.store.dir);
    let mut code = 0;
    if args.repair {
        let mut updater = Updater::new(&store).mode(Mode::Verify);
        let results = update_each(store.followed_sources()?, |sources| updater.run_all(sources));
        let notes = if args.browse.json { Notes::Errors } else { Notes::All };
        for (name, result) in &results {
            note_result(&store, name, result, notes);
            if let (Ok(report), false) = (result, args.browse.json) {
                out.line(format!("{}: {}", report.source, sentence(report, Purpose::Update)))?;
            }
        }
        code = exit_code(results.iter().map(|(_, result)| result));
    }
    let found = store.verify()?;
    let is_intact = found.iter().all(|source| source.is_intact());
    if args.browse.json {
        let sources = found.iter().map(|source| {
            let damaged = source.damaged.iter().map(|path| path.display().to_string());
            json!({
                "source": source.name.as_str(),
                "entries": source.entries,
                "damaged": damaged.collect::<Vec<_>>(),
                "untrusted": source.untrusted,
                "strays": source.strays,
            })
        });
        out.json(&json!({"intact": is_intact, "sources": sources.collect::<Vec<_>>()}))?;
    } else {
        for source in &found {
            for path in &source.damaged {
                out.line(format!("{}: missing or damaged", path.display()))?;
            }
            if let Some(reason) = &source.untrusted {
                out.line(format!("{}: the head is not trusted: {reason}", source.name))?;
            }
            let verdict = match source.is_intact() {
                true => "intact".to_owned(),
                false => format!(
                    "{} damaged, {}",
                    count(source.damaged.len(), "file"),
                    count(source.strays, "unexpected file")
                ),
            };
            out.line(format!("{}: {}, {verdict}", source.name, count(source.entries, "entry")))?;
        }
        if !is_intact {
            note("the next update, or verify --repair, fetches damaged files again");
        }
    }
    Ok(if is_intact { code } else { ErrorKind::Integrity.exit_code() })
}
