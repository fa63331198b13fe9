//! Links from page to page lead somewhere.

use std::fs;
use std::path::Path;

use crate::pages;

/// What a link to a heading calls it: as code hosts do.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn leads_somewhere(page: &Path, link: &str) -> bool {
    let (file, place) = link.split_once('#').unwrap_or((link, ""));
    let target = match file {
        "" => page.to_path_buf(),
        file => page.parent().unwrap().join(file),
    };
    let is_there = target.try_exists().unwrap();
    let has_place = || {
        let text = fs::read_to_string(&target).unwrap();
        text.lines().any(|line| line.starts_with('#') && anchor(line) == place)
    };
    is_there && (place.is_empty() || has_place())
}

#[test]
fn every_link_between_pages_leads_to_a_file_and_a_heading() {
    let mut found = 0;
    let mut dead = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let links = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
        for link in links.filter(|link| !link.contains("://")) {
            found += 1;
            if !leads_somewhere(&page, link) {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
    assert!(found > 40, "only {found} links were found");
}
