//! `docs/reference/cli.md` quotes the command's help texts.

use std::fs;
use std::path::Path;

use crate::catalog::{TestCatalog, stdout};
use crate::page::blocks;

/// If set, the page is rewritten instead of compared.
const WRITE: &str = "WRITE_CLI_PAGE";

/// The commands in the order of the page.
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
    "keys",
    "keys new",
    "keys add",
    "keys remove",
    "keys sign",
    "keys show",
];

#[test]
fn the_command_line_page_quotes_every_help_text() {
    let catalog = TestCatalog::new();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/cli.md");
    let mut page = fs::read_to_string(&path).unwrap();
    let quoted = blocks(&path, "text");
    let mut commands = COMMANDS.iter();
    for block in &quoted {
        let command = commands.next().expect("fewer commands than blocks");
        let args: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        // Help is wrapped at a fixed width when it is not written to a terminal.
        let help = stdout(&catalog.run(&args));
        let help: String = help.lines().flat_map(|line| [line.trim_end(), "\n"]).collect();
        if std::env::var_os(WRITE).is_some() {
            page = page.replacen(
                &format!("```text\n{}```", block.text),
                &format!("```text\n{help}```"),
                1,
            );
        } else {
            let line = block.line;
            assert_eq!(block.text, help, "docs/reference/cli.md:{line}: write it with {WRITE}=1");
        }
    }
    assert_eq!(commands.next(), None, "has no block in docs/reference/cli.md");
    let all = stdout(&catalog.run(&["--help"]));
    let listed = all.lines().skip_while(|line| *line != "Commands:").skip(1);
    for line in listed.take_while(|line| !line.is_empty()) {
        let command = line.split_whitespace().next().unwrap();
        assert!(command == "help" || COMMANDS.contains(&command), "{command} is in no block");
    }
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, page).unwrap();
    }
}
