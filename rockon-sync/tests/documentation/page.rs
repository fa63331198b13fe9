//! The code blocks and links of a page.

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

/// Returns the targets of the links within the documentation, in order.
pub(crate) fn links(text: &str) -> Vec<&str> {
    let inline = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    let definitions = text.lines().filter(|line| line.starts_with('['));
    let referenced = definitions.filter_map(|line| Some(line.split_once("]: ")?.1));
    inline.chain(referenced).filter(|target| !target.contains("://")).collect()
}

#[test]
fn links_are_found_inline_and_as_definitions() {
    let page = "[a\nb](c.md#d), [e](https://f) and [g][1]\n\n[1]: h.md\n[2]: https://i\n";
    assert_eq!(links(page), ["c.md#d", "h.md"]);
}

#[test]
fn blocks_are_found_by_language_with_their_line_number() {
    let page = "one\n```sh\na\n\nb\n```\n```\nc\n```\n```text\n```sh\n```\n```sh\nd\n```\n";
    let found = blocks_in(page, "sh");
    let expected = [(3, "a\n\nb\n"), (14, "d\n")];
    assert_eq!(found, expected.map(|(line, text)| Block { line, text: text.into() }));
}
