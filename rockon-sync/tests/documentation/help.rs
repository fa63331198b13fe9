//! `docs/cli.md` quotes what the command says of itself.

use std::fs;
use std::path::Path;

use crate::desk::{Desk, stdout};
use crate::page::blocks;

/// Set to anything, it has the page written anew instead of compared.
const WRITE: &str = "WRITE_CLI_PAGE";

/// Every command, in the order of the page.
const COMMANDS: &[&str] = &[
    "publish",
    "update",
    "import",
    "list",
    "show",
    "status",
    "verify",
    "changes",
    "source",
    "source add",
    "source remove",
    "source list",
    "check",
    "keygen",
];

#[test]
fn the_page_of_the_command_line_quotes_every_help_to_the_letter() {
    let desk = Desk::new();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md");
    let mut page = fs::read_to_string(&path).unwrap();
    let quoted = blocks(&path, "text");
    let mut wanted = COMMANDS.iter();
    for block in &quoted {
        let command = wanted.next().expect("as many blocks as commands");
        let args: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        // Lines have the length that they have without a terminal.
        let help = stdout(&desk.run(&args));
        let help: String = help.lines().flat_map(|line| [line.trim_end(), "\n"]).collect();
        if std::env::var_os(WRITE).is_some() {
            page = page.replacen(
                &format!("```text\n{}```", block.text),
                &format!("```text\n{help}```"),
                1,
            );
        } else {
            assert_eq!(block.text, help, "docs/cli.md:{}: write it with {WRITE}=1", block.line);
        }
    }
    assert_eq!(wanted.next(), None, "has no block in docs/cli.md");
    let all = stdout(&desk.run(&["--help"]));
    let listed = all.lines().skip_while(|line| *line != "Commands:").skip(1);
    for line in listed.take_while(|line| !line.is_empty()) {
        let command = line.split_whitespace().next().unwrap();
        assert!(command == "help" || COMMANDS.contains(&command), "{command} is in no block");
    }
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, page).unwrap();
    }
}
