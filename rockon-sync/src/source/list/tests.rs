use std::time::Duration;

use super::*;
use crate::base::files::{RealFiles, try_lock};
use crate::base::time::SystemClock;
use crate::sources::RemovedData;
use crate::store::{SourceWriter, Status, Store};

fn name(text: &str) -> SourceName {
    text.parse().unwrap()
}

fn listed(text: &str, url: &str) -> ListedSource {
    ListedSource::new(name(text), url.parse().unwrap())
}

#[test]
fn comments_survive_and_the_order_is_kept() {
    let text = "# mine\n\n[[source]]\nname = \"b\" # second letter\nurls = [\"http://b/\"]\n";
    let mut list = SourceList::parse(text).unwrap();
    let full = listed("a", "http://a/")
        .with_mirror("http://a2/".parse().unwrap())
        .with_timeout(Duration::from_secs(9))
        .with_token(Some("dlid"), Secret::Env("T".into()))
        .with_password("me", Secret::File("/p".into()))
        .with_header("X-Key", Secret::Env("K".into()));
    list.add(full.clone(), &Priority::First).unwrap();
    list.add(listed("c", "/srv/c"), &Priority::Last).unwrap();
    list.add(listed("d", "http://d/"), &Priority::Before(name("b"))).unwrap();
    let text = list.to_text();
    assert!(text.contains("# mine") && text.contains("# second letter"), "{text}");
    let again = SourceList::parse(&text).unwrap();
    assert_eq!(again.sources, list.sources, "{text}");
    assert_eq!(again.sources[0], full);
    let names: Vec<&str> = again.sources.iter().map(|source| source.name().as_str()).collect();
    assert_eq!(names, ["a", "d", "b", "c"], "{text}");
    for removed in ["a", "d", "c"] {
        list.remove(&name(removed)).unwrap();
    }
    let text = list.to_text();
    assert!(text.contains("# mine") && text.contains("# second letter"), "{text}");
    assert_eq!(SourceList::parse(&text).unwrap().sources, [listed("b", "http://b/")]);
    list.remove(&name("b")).unwrap();
    assert_eq!(list.remove(&name("b")).unwrap_err().kind(), ErrorKind::NotFound);
    assert!(SourceList::parse(&list.to_text()).unwrap().sources.is_empty());
}

#[test]
fn each_invalid_list_is_an_error_that_says_why() {
    let source = |more: &str| format!("[[source]]\nname = \"a\"\nurls = [\"http://a/\"]\n{more}\n");
    for (text, expected) in [
        ("x".to_owned(), "line 1"),
        ("[source]\nname = \"a\"".into(), "expected each source as [[source]]"),
        ("[[sources]]".into(), "got \"sources\""),
        ("[[source]]".into(), "missing \"name\""),
        ("[[source]]\nname = \"A\"\nurls = [\"http://a/\"]".into(), "expected a source name"),
        ("[[source]]\nname = \"a\"".into(), "\"urls\": expected at least one URL"),
        ("[[source]]\nname = \"a\"\nurls = \"http://a/\"".into(), "array of strings"),
        ("[[source]]\nname = \"a\"\nurls = [\"ftp://a/\"]".into(), "expected http"),
        (source("timeout = 0"), "whole seconds"),
        (source("timeout = 31536001"), "whole seconds"),
        (source("timeout = 1.5"), "whole seconds"),
        (source("token_name = \"\"\ntoken_env = \"A\""), "\"token_name\": expected a non-empty"),
        (source("enabled = 1"), "true or false"),
        (source("token = \"x\""), "unknown key \"token\""),
        (source("token_env = \"A\"\ntoken_file = \"B\""), "both token_env and token_file"),
        (source("password_env = \"A\""), "missing \"user\""),
        (source("header = \"X\""), "value_env"),
        (source("trusted_keys = [\"x\"]"), "not a usable key"),
        (source("") + &source(""), "duplicate source \"a\""),
        (
            "[[source]]\nname=\"a\"\nurls=[\"http://me:geheim@a/\"]".into(),
            "cannot contain a password",
        ),
        (
            "[[source]]\nname=\"a\"\nurls=[\"http://a/?t=geheim\"]".into(),
            "cannot contain a password",
        ),
    ] {
        let error = SourceList::parse(&text).expect_err(&text);
        assert_eq!(error.kind(), ErrorKind::Argument);
        assert!(error.to_string().contains(expected), "{expected}: {error}");
        assert!(!error.to_string().contains("geheim"), "{error}");
    }
}

#[test]
fn timeouts_have_whole_seconds_from_one_to_a_year() {
    let timeout_of = |given| listed("a", "http://a/").with_timeout(given).timeout().unwrap();
    assert_eq!(timeout_of(Duration::from_millis(300)), Duration::from_secs(1));
    assert_eq!(timeout_of(Duration::from_millis(2_900)), Duration::from_secs(2));
    let year = Duration::from_secs(365 * 86_400);
    let mut list = SourceList::parse("").unwrap();
    list.add(listed("a", "http://a/").with_timeout(Duration::MAX), &Priority::Last).unwrap();
    let again = SourceList::parse(&list.to_text()).unwrap();
    assert_eq!(again.sources[0].timeout(), Some(year));
}

#[test]
fn edits_exclude_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path());
    let add = |name| store.edit_source_list(|list| list.add(listed(name, "/srv"), &Priority::Last));
    let lock = try_lock(dir.path()).unwrap().unwrap();
    assert_eq!(add("a").unwrap_err().kind(), ErrorKind::Locked);
    drop(lock);
    add("a").unwrap();
}

#[test]
fn a_source_that_is_not_listed_is_removed_with_its_data_only() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path());
    let remove = |data| store.remove_source(&name("a"), data);
    assert_eq!(remove(RemovedData::Remove).unwrap_err().kind(), ErrorKind::NotFound);
    std::fs::create_dir(dir.path().join("a")).unwrap();
    assert_eq!(remove(RemovedData::Keep).unwrap_err().kind(), ErrorKind::NotFound);
    remove(RemovedData::Remove).unwrap();
    assert!(std::fs::metadata(dir.path().join("a")).is_err());
}

#[test]
fn sources_are_ranked_by_the_list_then_by_their_last_update_then_in_reverse() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::new(dir.path());
    for (name, rank) in [("a", None), ("b", None), ("c", Some(1)), ("d", Some(0)), ("e", None)] {
        let name = name.parse().unwrap();
        let writer = SourceWriter::open(&RealFiles, &store, &name, &SystemClock, Duration::ZERO);
        writer.unwrap().save(&Status { rank, ..Status::default() }).unwrap();
    }
    let mut missing = listed("z", "http://z/");
    missing.is_enabled = false;
    for source in [missing, listed("b", "http://b/")] {
        store.edit_source_list(|list| list.add(source, &Priority::Last)).unwrap();
    }
    let names = store.sources_by_priority().unwrap();
    let names: Vec<&str> = names.iter().map(SourceName::as_str).collect();
    assert_eq!(names, ["z", "b", "d", "c", "e", "a"]);
}

#[test]
fn a_secret_is_read_from_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    std::fs::write(&file, "geheim\n").unwrap();
    assert_eq!(**Secret::File(file.clone()).read().unwrap(), *"geheim");
    std::fs::write(&file, "\n").unwrap();
    assert!(Secret::File(file).read().is_err());
    let error = Secret::Env("ROCKON_SYNC_NO_SUCH_VARIABLE".into()).read().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the environment variable ROCKON_SYNC_NO_SUCH_VARIABLE is not set"
    );
}
