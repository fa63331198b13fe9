//! `docs/` is a book: its table of contents has every page.

use std::collections::BTreeSet;

use crate::page::links;
use crate::{Page, pages};

const CONTENTS: &str = "docs/SUMMARY.md";

#[test]
fn the_table_of_contents_has_every_page_once() {
    let listed: Vec<String> = links(&Page::new(CONTENTS.to_owned()).text())
        .into_iter()
        .map(|link| format!("docs/{link}"))
        .collect();
    let all: BTreeSet<String> = pages().into_iter().map(|page| page.name).collect();
    let expected = all.into_iter().filter(|name| name.starts_with("docs/") && name != CONTENTS);
    let mut sorted = listed.clone();
    sorted.sort();
    assert_eq!(sorted, expected.collect::<Vec<_>>());
    assert_eq!(listed[0], "docs/README.md", "the opening page comes first");
}
