//! The code blocks of a page.

use std::fs;
use std::path::Path;

/// A fenced code block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The line number of its first line, counted from 1.
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// Returns the blocks in this language, in order.
pub(crate) fn blocks(page: &Path, language: &str) -> Vec<Block> {
    blocks_in(&fs::read_to_string(page).unwrap(), language)
}

fn blocks_in(text: &str, language: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = (1..).zip(text.lines());
    while let Some((line, text)) = lines.next() {
        let Some(found) = text.strip_prefix("```") else { continue };
        let body = lines.by_ref().take_while(|(_, text)| *text != "```");
        let body: String = body.flat_map(|(_, text)| [text, "\n"]).collect();
        if found == language {
            blocks.push(Block { line: line + 1, text: body });
        }
    }
    blocks
}

#[test]
fn blocks_are_found_by_language_with_their_line_number() {
    let page = "one\n```sh\na\n\nb\n```\n```\nc\n```\n```text\n```sh\n```\n```sh\nd\n```\n";
    let found = blocks_in(page, "sh");
    let expected = [(3, "a\n\nb\n"), (14, "d\n")];
    assert_eq!(found, expected.map(|(line, text)| Block { line, text: text.into() }));
}
