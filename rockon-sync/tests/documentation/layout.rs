//! Lines and paragraphs of pages are short.

use crate::pages;

/// The widest line, in characters. A word that is longer, such as a URL, has a line of its own.
const MAX_COLUMNS: usize = 100;

/// The longest paragraph or item of a list, in lines.
const MAX_LINES: usize = 6;

/// Returns the numbers of lines that are too wide.
fn wide_lines(text: &str) -> Vec<usize> {
    let is_wide = |line: &str| {
        line.chars().count() > MAX_COLUMNS && line.trim().contains(char::is_whitespace)
    };
    (1..).zip(text.lines()).filter(|(_, line)| is_wide(line)).map(|(number, _)| number).collect()
}

/// Returns the numbers of the first lines of paragraphs that are too long.
fn long_paragraphs(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let (mut start, mut length, mut is_code) = (0, 0, false);
    for (number, line) in (1..).zip(text.lines().chain([""])) {
        let line = line.trim_start();
        let is_fence = line.starts_with("```");
        let is_link_definition = line.starts_with('[') && line.contains("]: ");
        let is_other = is_fence || is_link_definition || line.starts_with(['|', '>', '#']);
        let is_text = !is_code && !is_other && !line.is_empty();
        if !is_text || is_item(line) {
            if length > MAX_LINES {
                found.push(start);
            }
            length = 0;
        }
        if is_text {
            if length == 0 {
                start = number;
            }
            length += 1;
        }
        is_code ^= is_fence;
    }
    found
}

/// True if the line begins an item of a list.
fn is_item(line: &str) -> bool {
    let after_number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_numbered = after_number.len() < line.len() && after_number.starts_with(". ");
    is_numbered || line.starts_with("- ") || line.starts_with("* ")
}

#[test]
fn no_line_of_a_page_is_wider_than_100_columns() {
    let mut found = Vec::new();
    for page in pages() {
        found.extend(wide_lines(&page.text()).iter().map(|line| format!("{}:{line}", page.name)));
    }
    assert!(found.is_empty(), "{} wide lines:\n{}", found.len(), found.join("\n"));
}

#[test]
fn no_paragraph_of_a_page_is_longer_than_six_lines() {
    let mut found = Vec::new();
    for page in pages() {
        let long = long_paragraphs(&page.text());
        found.extend(long.iter().map(|line| format!("{}:{line}", page.name)));
    }
    assert!(found.is_empty(), "{} long paragraphs:\n{}", found.len(), found.join("\n"));
}

#[test]
fn wide_lines_are_counted_in_characters() {
    let widest = format!("{} é", "x".repeat(MAX_COLUMNS - 2));
    let long_url = "x".repeat(MAX_COLUMNS + 1);
    assert_eq!(wide_lines(&format!("{widest}\n{widest}x\n  {long_url}\n")), [2]);
}

#[test]
fn items_are_paragraphs_and_code_tables_and_quotes_are_none() {
    let seven = |line: &str| format!("{line}\n").repeat(7);
    assert_eq!(long_paragraphs(&format!("# a\nb\n\n{}", seven("text"))), [4]);
    assert_eq!(long_paragraphs(&format!("- item\n{}- item\n", seven("  text"))), [1]);
    assert_eq!(long_paragraphs(&format!("1. item\n{}", seven("   text"))), [1]);
    for line in ["- item", "12. item", "| cell |", "> quote", "# heading", "[a]: b", ""] {
        assert_eq!(long_paragraphs(&seven(line)), [0; 0], "{line}");
    }
    assert_eq!(long_paragraphs(&format!("- item\n\n  ```sh\n{}  ```\n", seven("  code"))), [0; 0]);
}
