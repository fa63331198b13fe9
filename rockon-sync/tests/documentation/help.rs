//! `docs/reference/cli.md` quotes the command's help texts.

use std::fs;

use crate::catalog::{TestCatalog, stdout};
use crate::page::blocks;
use crate::top;

/// The page, from the top of the project.
const PAGE: &str = "docs/reference/cli.md";

/// If set, the page is rewritten instead of compared.
const WRITE: &str = "WRITE_CLI_PAGE";

#[test]
fn the_command_line_page_quotes_every_help_text() {
    let catalog = TestCatalog::new();
    let path = top().join(PAGE);
    let mut page = fs::read_to_string(&path).unwrap();
    let mut helps = Vec::new();
    add_help(&catalog, "", &mut helps);
    assert!(helps.len() > 20, "{helps:?}");
    let mut helps = helps.into_iter();
    for block in blocks(&path, "text") {
        let Help { command, text } = helps.next().expect("fewer commands than blocks");
        if std::env::var_os(WRITE).is_some() {
            let old = format!("```text\n{}```", block.text);
            page = page.replacen(&old, &format!("```text\n{text}```"), 1);
        } else {
            let line = block.line;
            assert_eq!(block.text, text, "{PAGE}:{line}: {command}: write it with {WRITE}=1");
        }
    }
    assert_eq!(helps.next(), None, "has no block in {PAGE}");
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, page).unwrap();
    }
}

/// The help text of a command.
#[derive(Debug, PartialEq, Eq)]
struct Help {
    command: String,
    text: String,
}

/// Adds the help texts of a command and its subcommands, in the order in which it lists them.
fn add_help(catalog: &TestCatalog, command: &str, helps: &mut Vec<Help>) {
    let args: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
    // Help is wrapped at a fixed width when it is not written to a terminal.
    let text = stdout(&catalog.run(&args));
    let text: String = text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect();
    helps.push(Help { command: command.to_owned(), text: text.clone() });
    let mut is_list = false;
    for line in text.lines() {
        match line.strip_prefix("  ").filter(|name| !name.starts_with(' ')) {
            None if !line.starts_with(' ') => is_list = line.starts_with("Commands"),
            Some(name) if is_list && !name.starts_with("help ") => {
                let name = name.split_whitespace().next().unwrap();
                add_help(catalog, format!("{command} {name}").trim(), helps);
            }
            _ => {}
        }
    }
}
