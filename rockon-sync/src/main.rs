//! The command `rockon-sync`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(rockon_sync::cli::main(std::env::args_os()))
}
