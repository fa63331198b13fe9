//! Runs the real command as a user would.

use std::path::{Path, PathBuf};
use std::process::Command as Process;

use serde_json::Value;

use crate::Result;

/// The command, and its working directory.
pub(crate) struct Command {
    program: PathBuf,
    dir: PathBuf,
}

/// The result of one run.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    /// The JSON output; `Null` if there was none.
    pub(crate) json: Value,
    /// The messages on standard error.
    notes: String,
}

impl Command {
    pub(crate) fn new(program: &Path, dir: &Path) -> Result<Command> {
        // Made absolute, because the command runs in a different directory.
        let program =
            program.canonicalize().map_err(|error| format!("{}: {error}", program.display()))?;
        Ok(Command { program, dir: dir.to_owned() })
    }

    /// Prints the command line, then runs it.
    pub(crate) fn run(&self, line: &str) -> Result<Run> {
        println!("    $ rockon-sync {line}");
        // No argument of the demo has a space.
        let output = Process::new(&self.program)
            .args(line.split(' '))
            .current_dir(&self.dir)
            // The server is local, so no proxy is used. No debug log, no fixed time.
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

    /// Runs a command that must succeed. Returns its JSON output.
    pub(crate) fn json(&self, line: &str) -> Result<Value> {
        let run = self.run(line)?;
        match run.code {
            Some(0) => Ok(run.json),
            code => Err(format!("rockon-sync {line}: exit code {code:?}\n{}", run.notes).into()),
        }
    }
}

/// Returns the number with this key. Fails if it is missing.
pub(crate) fn number(json: &Value, key: &str) -> Result<u64> {
    json[key].as_u64().ok_or_else(|| format!("no number {key:?} in {json}").into())
}

/// Returns the string with this key. Fails if it is missing.
pub(crate) fn text<'a>(json: &'a Value, key: &str) -> Result<&'a str> {
    json[key].as_str().ok_or_else(|| format!("no text {key:?} in {json}").into())
}

/// Returns the strings with this key. Fails if it is missing.
pub(crate) fn texts<'a>(json: &'a Value, key: &str) -> Result<Vec<&'a str>> {
    let list = json[key].as_array().ok_or_else(|| format!("no list {key:?} in {json}"))?;
    Ok(list.iter().filter_map(Value::as_str).collect())
}
