//! Demonstrates rockon-sync on a sample catalog. Every number is measured while it runs, and a
//! failed expectation ends the demo with an error.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a demo prints to the terminal")]

mod brute_force;
mod catalog;
mod command;
mod cost;
mod story;
mod world;

use std::error::Error;
use std::fmt::Debug;
use std::path::Path;
use std::process::ExitCode;

use story::Story;

/// Errors are only printed, so their type does not matter.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let (Some(command), None) = (args.next(), args.next()) else {
        eprintln!("usage: demo PATH-OF-THE-COMMAND-rockon-sync");
        return ExitCode::from(2);
    };
    match Story::new(Path::new(&command)).and_then(Story::tell) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: FAILED: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Fails if `got` is not `wanted`.
fn expect<T: PartialEq + Debug>(what: &str, got: T, wanted: T) -> Result<()> {
    if got == wanted {
        return Ok(());
    }
    Err(format!("{what}: expected {wanted:?}, got {got:?}").into())
}
