//! Relations between definitions: validated by the publisher, and answered by the catalog.

use std::collections::BTreeMap;
use std::fs;

use rockon_sync::ErrorKind;
use rockon_sync::publish::Leniency;
use rockon_sync::relations::Installation;

use crate::world::World;

/// Returns a world with one definition per row: name, version, more JSON members.
fn catalog(rows: &[(&str, &str, &str)]) -> World {
    let world = World::bare("tree");
    let mut list = BTreeMap::new();
    for (name, version, more) in rows {
        list.insert(name.to_lowercase(), format!("{name}.json"));
        let text = format!(
            "{{\"{name}\": {{\"description\": \"\", \"website\": \"\", \"version\": \"{version}\",\n\
             \"containers\": {{\"box-{name}\": {{\"image\": \"i\", \"launch_order\": 1}}}}{more}}}}}"
        );
        fs::write(world.path(&format!("catalog/{name}.json")), text).unwrap();
    }
    world.write_list(&list);
    world
}

fn requires(text: &str) -> String {
    format!(", \"requires\": \"{text}\"")
}

fn problems(world: &World) -> Vec<String> {
    let error = world.publisher().run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Catalog);
    error.problems().iter().map(ToString::to_string).collect()
}

#[test]
fn unmet_requirements_are_not_published() {
    for (of_a, expected) in [
        (requires("Nothing"), "\"requires\": no definition named \"Nothing\""),
        (requires("B | Nothing"), "\"requires\": no definition named \"Nothing\""),
        (requires("B (>= 3)"), "no definition has a version that fits: B (>= 3)"),
        (requires("A"), "cyclic requirements: \"A\", \"A\""),
        (requires("C"), "cyclic requirements: \"A\", \"C\", \"A\""),
        (requires("B (> 3)"), "\"B (> 3)\": expected <<, <=, =, >= or >> and a version"),
        (", \"requires\": 3".to_owned(), "\"requires\": expected a string, got a number"),
        (", \"replaces\": \"A\"".to_owned(), "\"replaces\": a definition cannot replace itself"),
    ] {
        let world = catalog(&[("A", "1", &of_a), ("B", "2", ""), ("C", "1", &requires("A"))]);
        let found = problems(&world);
        let of_a = found.iter().find(|line| line.starts_with("A.json:") && line.contains(expected));
        assert!(of_a.is_some(), "{expected}: {found:#?}");
    }
}

#[test]
fn a_cycle_with_an_alternative_is_accepted() {
    let world = catalog(&[
        ("A", "1", &requires("B | C")),
        ("B", "1", &requires("A")),
        ("C", "1", ", \"conflicts\": \"Gone\""),
    ]);
    let report = world.publisher().run().unwrap();
    let warnings: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(warning.contains("\"conflicts\": no definition named \"Gone\""), "{warning}");
}

#[test]
fn lenient_skips_unmet_requirements_with_their_dependents() {
    let world =
        catalog(&[("A", "1", &requires("B")), ("B", "1", &requires("Nothing")), ("C", "1", "")]);
    let report = world.publisher().leniency(Leniency::LeaveOut).run().unwrap();
    assert_eq!(report.added, ["c"]);
    assert_eq!(report.problems.len(), 2, "{:?}", report.problems);
}

fn summary(found: &Installation<'_>) -> String {
    let names: Vec<&str> = found.install.iter().map(|found| found.name()).collect();
    let mut text = names.join(" ");
    for unmet in &found.unmet {
        text += &format!("; {} lacks {}", unmet.by, unmet.requirement);
    }
    for conflict in &found.conflicts {
        text += &format!("; {} against {}", conflict.by, conflict.with);
    }
    for name in &found.replaced {
        text += &format!("; without {name}");
    }
    text
}

#[test]
fn missing_definitions_are_listed_in_installation_order() {
    let world = catalog(&[
        ("App", "1", ", \"requires\": [\"Database (>= 12) | Other Database\", \"Proxy\"]"),
        ("Cache", "7", ""),
        ("Database", "16", &requires("Cache")),
        ("Forked", "1", ", \"replaces\": \"App\", \"conflicts\": \"App\""),
        ("Other Database", "3", ""),
        ("Proxy", "2", &requires("Cache (>= 6)")),
        ("Rival", "1", ", \"conflicts\": \"Proxy\""),
    ]);
    world.publish();
    world.update().unwrap();
    let catalog = world.store().catalog().unwrap();
    for (name, installed, expected) in [
        ("Cache", &[][..], "Cache"),
        ("App", &[], "Cache Database Proxy App"),
        ("App", &[("Other Database", None)], "Cache Proxy App"),
        ("App", &[("Database", Some("12"))], "Cache Proxy App"),
        // A version that is unsuitable or unknown is installed again.
        ("App", &[("Database", Some("11"))], "Cache Database Proxy App"),
        ("App", &[("Database", None)], "Cache Database Proxy App"),
        ("App", &[("Cache", Some("5")), ("Database", Some("16"))], "Cache Proxy App"),
        ("Forked", &[("App", Some("1"))], "Forked; without App"),
        ("Rival", &[("Proxy", Some("2"))], "Rival; Rival against Proxy"),
        ("Proxy", &[("Rival", Some("1"))], "Cache Proxy; Rival against Proxy"),
    ] {
        let found = catalog.installation(name, installed.iter().copied()).unwrap();
        assert_eq!(summary(&found), expected, "{name} {installed:?}");
        let is_possible = !expected.contains("against");
        assert_eq!(found.is_possible(), is_possible, "{name} {installed:?}");
    }
    let none: [(&str, Option<&str>); 0] = [];
    let error = catalog.installation("Gone", none).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn requirements_in_no_catalog_are_reported_as_missing() {
    // Local definitions are not validated.
    let world = catalog(&[("Cache", "7", "")]);
    world.publish();
    world.update().unwrap();
    fs::create_dir(world.path("store/local")).unwrap();
    let text = "{\"Mine\": {\"requires\": \"Cache (>> 7) | Gone, Cache\"}}";
    fs::write(world.path("store/local/mine.json"), text).unwrap();
    let catalog = world.store().catalog().unwrap();
    let none: [(&str, Option<&str>); 0] = [];
    let found = catalog.installation("Mine", none).unwrap();
    assert_eq!(summary(&found), "Cache Mine; Mine lacks Cache (>> 7) | Gone");
}

/// Returns a store with local definitions, which are not validated: name, JSON members.
fn local(rows: &[(&str, &str)]) -> World {
    let world = World::v2("a");
    world.updated();
    fs::create_dir(world.path("store/local")).unwrap();
    for (name, members) in rows {
        let file = world.path(&format!("store/local/{name}.json"));
        fs::write(file, format!("{{\"{name}\": {{{members}}}}}")).unwrap();
    }
    world
}

#[test]
fn conflicts_and_replacements_are_listed_once_in_order() {
    let world = local(&[
        ("Cache", ""),
        ("Proxy", "\"conflicts\": \"Rival, Enemy\""),
        ("Rival", "\"conflicts\": \"Proxy\""),
        ("Other Rival", "\"conflicts\": \"Proxy\""),
        ("Both", "\"requires\": \"Proxy, Rival\""),
        ("New", "\"requires\": \"Newer\", \"replaces\": \"Old, App\", \"conflicts\": \"Old\""),
        ("Newer", "\"replaces\": \"Old, Aged\""),
        ("Old", "\"conflicts\": \"New\""),
        ("Pair", "\"requires\": \"Cache, Loner\""),
        ("Loner", "\"conflicts\": \"Cache\""),
    ]);
    let catalog = world.store().catalog().unwrap();
    for (name, installed, expected) in [
        // Each declares the conflict with the other: it is listed once.
        ("Rival", &["Proxy"][..], "Rival; Rival against Proxy"),
        ("Both", &[], "Proxy Rival Both; Proxy against Rival"),
        // Declared by installed definitions only: in byte order.
        (
            "Proxy",
            &["Rival", "Other Rival"],
            "Proxy; Proxy against Rival; Other Rival against Proxy",
        ),
        // An installed definition in conflict with something else.
        ("Cache", &["Rival", "Proxy"], "Cache"),
        ("Pair", &[], "Cache Loner Pair; Loner against Cache"),
        // A replaced definition is removed, and conflicts with nothing.
        ("New", &["Old", "App", "Aged"], "Newer New; without Aged; without App; without Old"),
    ] {
        let rows = installed.iter().map(|name| (*name, Some("1")));
        let found = catalog.installation(name, rows).unwrap();
        assert_eq!(summary(&found), expected, "{name} {installed:?}");
    }
}

#[test]
fn cyclic_requirements_are_installed_together() {
    let world = local(&[("A", "\"requires\": \"B\""), ("B", "\"requires\": \"A\"")]);
    let catalog = world.store().catalog().unwrap();
    let none: [(&str, Option<&str>); 0] = [];
    assert_eq!(summary(&catalog.installation("A", none).unwrap()), "B A");
}

#[test]
fn requirements_with_too_many_combinations_are_refused() {
    // Each level doubles the combinations, and none of them meets the last requirement.
    let levels = 16;
    let mut rows = vec![("Start".to_owned(), "\"requires\": \"A0 | B0\"".to_owned())];
    for level in 0..levels {
        let next = level + 1;
        let requires = match next == levels {
            true => "\"requires\": \"Gone\"".to_owned(),
            false => format!("\"requires\": \"A{next} | B{next}\""),
        };
        rows.extend(["A", "B"].map(|name| (format!("{name}{level}"), requires.clone())));
    }
    let rows: Vec<(&str, &str)> = rows.iter().map(|(name, text)| (&**name, &**text)).collect();
    let world = local(&rows);
    let catalog = world.store().catalog().unwrap();
    let none: [(&str, Option<&str>); 0] = [];
    let error = catalog.installation("Start", none).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    assert!(error.to_string().contains("expected at most 10000 requirements"), "{error}");
}

#[test]
fn versions_and_relations_are_read_from_the_file() {
    let world = local(&[
        ("Stated", "\"version\": \"2.1\", \"requires\": \"Silent (>= 1)\""),
        ("Silent", ""),
    ]);
    let catalog = world.store().catalog().unwrap();
    let [stated, silent] = ["Stated", "Silent"].map(|name| catalog.definition(name).unwrap());
    assert_eq!(stated.version().unwrap().as_deref(), Some("2.1"));
    assert_eq!(stated.relations().unwrap().requires[0].to_string(), "Silent (>= 1)");
    assert_eq!(silent.version().unwrap(), None);
    assert!(silent.relations().unwrap().requires.is_empty());
    // The digest is the one of the catalog: a file that was changed meanwhile is not read.
    fs::write(silent.file(), "{\"Silent\": {\"version\": \"3\"}}").unwrap();
    assert_eq!(silent.version().unwrap_err().kind(), ErrorKind::Integrity);
}

#[test]
fn a_requirement_of_several_definitions_is_installed_once() {
    let world = local(&[
        ("App", "\"requires\": \"First, Cache, Last\""),
        ("First", ""),
        ("Cache", ""),
        ("Last", "\"requires\": \"Cache, First\""),
    ]);
    let catalog = world.store().catalog().unwrap();
    let none: [(&str, Option<&str>); 0] = [];
    let found = catalog.installation("App", none).unwrap();
    assert_eq!(summary(&found), "First Cache Last App");
}
