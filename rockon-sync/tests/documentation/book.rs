//! `docs/` is a book: its table of contents has every page.

use crate::{Page, pages};

const CONTENTS: &str = "docs/SUMMARY.md";
const OPENING: &str = "docs/README.md";

/// Returns the title and the page of each entry, in order.
fn entries() -> Vec<(String, Page)> {
    let text = Page::new(CONTENTS.to_owned()).text();
    let links = text.lines().filter_map(|line| line.split_once('[')?.1.strip_suffix(')'));
    let links = links.map(|link| link.split_once("](").unwrap());
    links.map(|(title, path)| (title.to_owned(), Page::new(format!("docs/{path}")))).collect()
}

#[test]
fn the_table_of_contents_has_every_page_once() {
    let listed: Vec<String> = entries().into_iter().map(|(_, page)| page.name).collect();
    assert_eq!(listed[0], OPENING);
    let is_listed = |name: &String| name.starts_with("docs/") && name != CONTENTS;
    let expected: Vec<String> =
        pages().into_iter().map(|page| page.name).filter(is_listed).collect();
    let mut sorted = listed;
    sorted.sort();
    assert_eq!(sorted, expected);
}

#[test]
fn the_table_of_contents_has_the_title_of_each_page() {
    for (title, page) in entries().into_iter().filter(|(_, page)| page.name != OPENING) {
        assert_eq!(page.text().lines().next(), Some(&*format!("# {title}")), "{}", page.name);
    }
}
