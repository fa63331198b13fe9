//! Links between pages have existing targets.

use std::fs;
use std::path::Path;

use crate::page::links;
use crate::pages;

/// Returns the anchor of a heading, as code hosts generate it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn has_target(page: &Path, link: &str) -> bool {
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = match file {
        "" => page.to_path_buf(),
        file => page.parent().unwrap().join(file),
    };
    let has_heading = || {
        let text = fs::read_to_string(&target).unwrap();
        text.lines().any(|line| line.starts_with('#') && anchor(line) == heading)
    };
    target.try_exists().unwrap() && (heading.is_empty() || has_heading())
}

/// True if a link leads out of `docs/`, whose pages are also a book.
fn leaves_book(page: &str, link: &str) -> bool {
    let ups = link.split('/').take_while(|part| *part == "..").count();
    page.starts_with("docs/") && ups >= page.split('/').count() - 1
}

#[test]
fn every_link_between_pages_has_an_existing_target() {
    let mut found = 0;
    let mut dead = Vec::new();
    for page in pages() {
        for link in links(&page.text()) {
            found += 1;
            if !has_target(&page.path, link) {
                dead.push(format!("{}: {link}", page.name));
            }
            if leaves_book(&page.name, link) {
                dead.push(format!("{}: {link} is not a part of the book", page.name));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
    assert!(found > 40, "only {found} links were found");
}

#[test]
fn a_link_leaves_the_book_by_its_leading_parts() {
    assert!(leaves_book("docs/README.md", "../README.md"));
    assert!(leaves_book("docs/guides/c.md", "../../README.md"));
    assert!(!leaves_book("docs/guides/c.md", "../README.md#a"));
    assert!(!leaves_book("README.md", "docs/README.md"));
}
