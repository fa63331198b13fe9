//! Runs the real command, as a user would type it.

use std::path::{Path, PathBuf};
use std::process::Command as Process;

use serde_json::Value;

use crate::Result;

/// The command, and the folder it is run in.
pub(crate) struct Command {
    program: PathBuf,
    folder: PathBuf,
}

/// What came of one run.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    /// What it printed; `Null` if that was nothing.
    pub(crate) json: Value,
    /// What it said to the person watching.
    notes: String,
}

impl Command {
    pub(crate) fn new(program: &Path, folder: &Path) -> Result<Command> {
        // Relative to where the demo was started, not to the folder the command runs in.
        let program =
            program.canonicalize().map_err(|error| format!("{}: {error}", program.display()))?;
        Ok(Command { program, folder: folder.to_owned() })
    }

    /// Prints the command line, and runs it to its end.
    pub(crate) fn run(&self, line: &str) -> Result<Run> {
        println!("    $ rockon-sync {line}");
        // No argument of the demo has a space in it.
        let output = Process::new(&self.program)
            .args(line.split(' '))
            .current_dir(&self.folder)
            // The server is on this machine: no proxy leads to it. No debug log, no fixed time.
            .envs([("NO_PROXY", "127.0.0.1"), ("no_proxy", "127.0.0.1")])
            .env_remove("RUST_LOG")
            .env_remove("SOURCE_DATE_EPOCH")
            .output()?;
        let json = match output.stdout.trim_ascii() {
            b"" => Value::Null,
            text => serde_json::from_slice(text)?,
        };
        let notes = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(Run { code: output.status.code(), json, notes })
    }

    /// Runs a line that has to succeed, and returns what it printed.
    pub(crate) fn json(&self, line: &str) -> Result<Value> {
        let run = self.run(line)?;
        match run.code {
            Some(0) => Ok(run.json),
            code => Err(format!("rockon-sync {line}: exit code {code:?}\n{}", run.notes).into()),
        }
    }
}

/// The number under a key, which has to be there.
pub(crate) fn number(json: &Value, key: &str) -> Result<u64> {
    json[key].as_u64().ok_or_else(|| format!("no number {key:?} in {json}").into())
}

/// The text under a key, which has to be there.
pub(crate) fn text<'a>(json: &'a Value, key: &str) -> Result<&'a str> {
    json[key].as_str().ok_or_else(|| format!("no text {key:?} in {json}").into())
}

/// The texts under a key, which has to be there.
pub(crate) fn texts<'a>(json: &'a Value, key: &str) -> Result<Vec<&'a str>> {
    let list = json[key].as_array().ok_or_else(|| format!("no list {key:?} in {json}"))?;
    Ok(list.iter().filter_map(Value::as_str).collect())
}
