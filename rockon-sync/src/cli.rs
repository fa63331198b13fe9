//! The command line, as a function that other launchers can call too.
//!
//! Exit codes: 0 done, 1 failed, 2 usage, 3 partial, 4 refused (integrity, trust, mass
//! deletion, rollback), 5 locked.

mod args;
mod audience;
mod bar;
mod browse;
mod changes;
mod check;
mod follow;
#[cfg(test)]
mod generated;
mod import;
mod keygen;
mod keys;
mod list;
mod output;
mod publish;
mod report;
mod show;
mod source;
mod status;
mod update;
mod verify;

use std::ffi::OsString;
use std::io::Write;

use clap::{CommandFactory, FromArgMatches};

use crate::base::error::{Error, ErrorKind, Result};
use args::{Args, Command};
use output::{Output, failure, printable};

/// Runs the command with these arguments, the first of which is its own name. Returns its exit
/// code. Prints results to standard output, and messages to standard error.
pub fn main(args: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    let is_json = args.iter().any(|arg| arg == "--json");
    let mut out = Output::new();
    let args = match parse(args) {
        Ok(args) => args,
        Err(error) => {
            // Includes `--help` and `--version`, with code 0.
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            if error.print().is_err() {
                return 1;
            }
            let message = error.to_string();
            let message = message.lines().next().unwrap_or_default();
            let message = message.strip_prefix("error: ").unwrap_or(message);
            let usage = Error::new(ErrorKind::Argument, message);
            return if code == 0 { 0 } else { failed(&usage, is_json, &mut out) };
        }
    };
    start_log(args.verbose);
    match run(args.command, &mut out) {
        Ok(code) => code,
        Err(error) if out.is_closed => {
            log::debug!("the reader closed the output: {error}");
            0
        }
        Err(error) => {
            output::note_error(&error);
            failed(&error, is_json, &mut out)
        }
    }
}

fn parse(args: Vec<OsString>) -> clap::error::Result<Args> {
    let mut command = audience::with_grouped_help(Args::command());
    let mut matches = command.try_get_matches_from_mut(args)?;
    Args::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// Returns the exit code of an error. With `--json`, prints it as JSON unless the command has
/// printed its own JSON value.
fn failed(error: &Error, is_json: bool, out: &mut Output) -> u8 {
    if is_json && !out.has_json && out.json(&failure(error)).is_err() {
        log::debug!("the error could not be printed as JSON");
    }
    error.kind().exit_code()
}

fn run(command: Command, out: &mut Output) -> Result<u8> {
    match command {
        Command::Publish(args) => publish::run(args, out),
        Command::Check(args) => check::run(&args, out),
        Command::Keygen(args) => keygen::run(&args, out),
        Command::Keys { command } => keys::run(command, out),
        Command::Update(args) => update::run(args, out),
        Command::Import(args) => import::run(args, out),
        Command::Source { command } => source::run(command, out),
        Command::Status(args) => status::run(&args, out),
        Command::Verify(args) => verify::run(args, out),
        Command::List(args) => list::run(&args, out),
        Command::Show(args) => show::run(&args, out),
        Command::Changes(args) => changes::run(&args, out),
    }
}

/// Logs nothing by default, since failures are printed anyway, and more with each `-v`.
/// `RUST_LOG` overrides this.
fn start_log(verbosity: u8) {
    let level = match verbosity {
        0 => "off",
        1 => "rockon_sync=info",
        _ => "rockon_sync=debug",
    };
    let environment = env_logger::Env::default().default_filter_or(level);
    let mut logger = env_logger::Builder::from_env(environment);
    logger.format(|out, record| {
        let (time, level, module) = (out.timestamp(), record.level(), record.target());
        writeln!(out, "[{time} {level:<5} {module}] {}", printable(&record.args().to_string()))
    });
    // These modules log requests, including tokens in the queries of URLs.
    for module in ["ureq", "ureq_proto", "rustls"] {
        logger.filter_module(module, log::LevelFilter::Off);
    }
    // Fails if a launcher has installed a logger, which is used then.
    let _ = logger.try_init();
}
