//! Checks a definition file for everything that the importer of the appliance requires.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::value::RawValue;

use super::{BadRelation, InvalidFile};
use crate::base::error::excerpt;
use crate::base::json::{Member, Object, Places, kind_of};
use crate::base::problem::Problem;
use crate::format::target::Requirements;
use crate::format::{About, Checked, CheckedDefinition, Named};
use crate::tree::manifest::{ARCH, FORMERLY, MIN_VERSION, violated_rule};

/// Required fields of a definition.
const DEFINITION_FIELDS: &[&str] = &["description", "website", "version", "containers"];
/// Fields of a definition that are strings.
const DEFINITION_STRINGS: &[&str] = &["description", "website", "version"];
/// Required fields of a container.
const CONTAINER_FIELDS: &[&str] = &["image", "launch_order"];
/// A part of a container: a map of objects.
struct ContainerPart {
    key: &'static str,
    /// The name of one object, for messages.
    one: &'static str,
    required: &'static [&'static str],
}

const CONTAINER_PARTS: &[ContainerPart] = &[
    ContainerPart {
        key: "ports",
        one: "port",
        required: &["description", "label", "host_default"],
    },
    ContainerPart { key: "volumes", one: "volume", required: &["description", "label"] },
    ContainerPart {
        key: "environment",
        one: "environment variable",
        required: &["description", "label"],
    },
    ContainerPart { key: "devices", one: "device", required: &["description", "label"] },
];

/// Deepest nesting of a definition: real ones have seven levels.
const MAX_DEPTH: usize = 64;

/// Most problems of a file that are reported one by one.
const MAX_PROBLEMS: usize = 100;

/// Checks the bytes of a file, with `file` as its name in problems.
pub(in crate::format) fn check(file: &str, bytes: &[u8]) -> Checked {
    let problem = match Object::of_file(bytes) {
        Ok((text, object)) if !object.members.is_empty() => {
            let (places, checked) = (Places::new(text), Checked::default());
            let mut checker = Checker { text, places, checked, found: Vec::new(), unreported: 0 };
            checker.check_file(&object);
            return checker.finish(file);
        }
        Ok(_) => Problem::error(file, None, InvalidFile::NoDefinition.to_string()),
        Err(error) => Problem::error(file, Some(error.position), error.reason),
    };
    Checked { problems: vec![problem], ..Checked::default() }
}

struct Checker<'a> {
    text: &'a str,
    /// Positions of definitions and containers, in the order of the text.
    places: Places<'a>,
    checked: Checked,
    found: Vec<FoundProblem>,
    /// Number of problems after the first [`MAX_PROBLEMS`].
    unreported: usize,
}

struct FoundProblem {
    /// The number of bytes before it in the text.
    offset: usize,
    message: String,
}

impl<'a> Checker<'a> {
    fn check_file(&mut self, object: &Object<'a>) {
        self.report_duplicates(object);
        let mut seen = HashSet::new();
        for member in &object.members {
            let position = self.places.of(member.value.get());
            self.check_duplicates(member.value, MAX_DEPTH);
            self.check_definition(&member.key, member.value, object.members.len());
            if seen.insert(&member.key) {
                let about = self.check_relations(&member.key, member.value);
                let named = Named { name: member.key.to_string(), position };
                self.checked.definitions.push(CheckedDefinition { named, about });
            }
        }
    }

    fn report_duplicates(&mut self, object: &Object<'_>) {
        for duplicate in object.duplicates() {
            self.problem(duplicate.value, format!("duplicate key {:?}", excerpt(&duplicate.key)));
        }
    }

    fn problem(&mut self, at: &RawValue, message: impl Into<String>) {
        if self.found.len() == MAX_PROBLEMS {
            self.unreported += 1;
            return;
        }
        // The position is determined at the end: that takes one pass for all problems.
        let offset = (at.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        self.found.push(FoundProblem { offset, message: message.into() });
    }

    /// Returns the result, with the problems in the order of the text.
    fn finish(mut self, file: &str) -> Checked {
        self.found.sort_by_key(|problem| problem.offset);
        let mut places = Places::new(self.text);
        let problems = self.found.into_iter().map(|FoundProblem { offset, message }| {
            let position = self.text.get(offset..).and_then(|rest| places.of(rest));
            Problem::error(file, position, message)
        });
        self.checked.problems.extend(problems);
        if self.unreported > 0 {
            let message = format!("expected no problems, got {} more", self.unreported);
            self.checked.problems.push(Problem::error(file, None, message));
        }
        self.checked
    }

    /// Reports duplicate keys of all objects in `value`.
    fn check_duplicates(&mut self, value: &'a RawValue, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else {
            self.problem(value, format!("expected at most {MAX_DEPTH} levels, got more"));
            return;
        };
        match value.get().as_bytes().first() {
            Some(b'{') => {
                let Ok(object) = Object::parse(value.get()) else { return };
                self.report_duplicates(&object);
                object.members.iter().for_each(|member| self.check_duplicates(member.value, depth));
            }
            Some(b'[') => {
                let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(value.get()) else { return };
                items.into_iter().for_each(|item| self.check_duplicates(item, depth));
            }
            _ => {}
        }
    }

    fn check_definition(&mut self, name: &str, value: &'a RawValue, definitions: usize) {
        let what = format!("definition {:?}", excerpt(name));
        if let Some(rule) = violated_rule(name) {
            self.problem(value, format!("invalid name {:?}: {rule}", excerpt(name)));
        }
        if name.is_empty() {
            self.problem(value, "expected the name of a definition, got an empty one");
        }
        let Some(definition) = self.object(&what, value) else { return };
        self.check_fields(&what, value, &definition, DEFINITION_FIELDS);
        self.check_strings(&what, &definition, DEFINITION_STRINGS);
        self.check_target(&what, &definition);
        self.check_formerly(name, &definition, definitions);
        let Some(containers) = definition.value("containers") else { return };
        let Some(members) = self.object(&format!("{what}: \"containers\""), containers) else {
            return;
        };
        if members.members.is_empty() {
            self.problem(containers, format!("{what}: expected a container, got none"));
        }
        let mut seen = HashSet::new();
        for member in &members.members {
            let position = self.places.of(member.value.get());
            if seen.insert(&member.key) {
                self.checked.containers.push(Named { name: member.key.to_string(), position });
            }
            self.check_container(
                &format!("{what}, container {:?}", excerpt(&member.key)),
                member.value,
            );
        }
        self.check_links(&what, &definition, &seen);
    }

    /// Reports links from or to something that is not a container of the same definition.
    fn check_links(
        &mut self,
        what: &str,
        definition: &Object<'a>,
        containers: &HashSet<&Cow<'a, str>>,
    ) {
        const LINKS: &str = "container_links";
        let Some(links) = definition.value(LINKS) else { return };
        let what = format!("{what}: {LINKS:?}");
        let Some(links) = self.object(&what, links) else { return };
        for Member { key, value } in &links.members {
            if !containers.contains(key) {
                self.problem(value, format!("{what}: no container named {:?}", excerpt(key)));
            }
            let Ok(links) = serde_json::from_str::<Vec<&RawValue>>(value.get()) else {
                let got = kind_of(value);
                self.problem(value, format!("{what}: expected an array, got {got}"));
                continue;
            };
            for link in links {
                let Some(link) = self.object(&what, link) else { continue };
                let Some(source) = link.value("source_container") else { continue };
                self.check_strings(&what, &link, &["source_container"]);
                if let Ok(source) = serde_json::from_str::<String>(source.get())
                    && !containers.contains(&Cow::Borrowed(&*source))
                {
                    let message = format!("{what}: no container named {:?}", excerpt(&source));
                    self.problem(value, message);
                }
            }
        }
    }

    /// Returns the metadata of a definition, and reports its invalid relations.
    fn check_relations(&mut self, name: &str, value: &'a RawValue) -> About {
        let Ok(object) = Object::parse(value.get()) else {
            return About::default();
        };
        let mut bad = Vec::new();
        super::relations(&object, &mut bad);
        for BadRelation { field, value, problem } in bad {
            self.problem(
                value,
                format!("definition {:?}: {:?}: {problem}", excerpt(name), field.name()),
            );
        }
        super::about(&object)
    }

    /// Checks the optional fields with the requirements of a definition.
    fn check_target(&mut self, what: &str, definition: &Object<'_>) {
        for (key, expected) in [
            (ARCH, "an architecture such as \"arm64\", or an array of them"),
            (MIN_VERSION, "a version such as \"5.1.0\""),
        ] {
            let Some(value) = definition.value(key) else { continue };
            let is_understood = match key {
                ARCH => Requirements::of_json(Some(value.get()), None).arch().is_some(),
                _ => Requirements::of_json(None, Some(value.get())).min_version().is_some(),
            };
            if !is_understood {
                self.problem(value, format!("{what}: {key:?}: expected {expected}"));
            }
        }
    }

    /// Checks the former names of a definition. An entry has them for all of its file, so that the
    /// file must have no other definition.
    fn check_formerly(&mut self, name: &str, definition: &Object<'a>, definitions: usize) {
        let Some(value) = definition.value(FORMERLY) else { return };
        let message = match super::former_names(value) {
            Err(_) if !value.get().starts_with(['"', '[']) => {
                format!("expected a name or an array of names, got {}", kind_of(value))
            }
            Err(invalid) => invalid.to_string(),
            Ok(names) if names.iter().any(|former| **former == *name) => {
                "expected former names, got the current one".to_owned()
            }
            Ok(_) if definitions > 1 => {
                format!("expected one definition in the file, got {definitions}")
            }
            Ok(_) => return,
        };
        self.problem(value, format!("definition {:?}: {FORMERLY:?}: {message}", excerpt(name)));
    }

    fn check_container(&mut self, what: &str, value: &'a RawValue) {
        let Some(container) = self.object(what, value) else { return };
        self.check_fields(what, value, &container, CONTAINER_FIELDS);
        self.check_strings(what, &container, &["image"]);
        if let Some(order) = container.value("launch_order") {
            // Real definitions also have the number in a string.
            let text = serde_json::from_str(order.get()).unwrap_or_else(|_| order.get().to_owned());
            if text.trim().parse::<i64>().is_err() {
                let got = excerpt(order.get());
                let message = format!("{what}: \"launch_order\": expected a number, got {got}");
                self.problem(order, message);
            }
        }
        for ContainerPart { key, one, required } in CONTAINER_PARTS {
            let Some(members) = container.value(key) else { continue };
            let Some(members) = self.object(&format!("{what}: {key:?}"), members) else {
                continue;
            };
            for member in &members.members {
                let what = format!("{what}, {one} {:?}", excerpt(&member.key));
                if let Some(object) = self.object(&what, member.value) {
                    self.check_fields(&what, member.value, &object, required);
                }
            }
        }
    }

    fn object(&mut self, what: &str, value: &'a RawValue) -> Option<Object<'a>> {
        let object = Object::parse(value.get()).ok();
        if object.is_none() {
            self.problem(value, format!("{what}: expected an object, got {}", kind_of(value)));
        }
        object
    }

    fn check_fields(&mut self, what: &str, at: &RawValue, object: &Object<'_>, fields: &[&str]) {
        for field in fields.iter().filter(|field| object.value(field).is_none()) {
            let is_alike = |member: &&Member<'_>| member.key.eq_ignore_ascii_case(field);
            match object.members.iter().find(is_alike) {
                Some(Member { key, value }) => self.problem(
                    value,
                    format!("{what}: unknown field {key:?}; did you mean {field:?}?"),
                ),
                None => self.problem(at, format!("{what}: missing field {field:?}")),
            }
        }
    }

    fn check_strings(&mut self, what: &str, object: &Object<'_>, fields: &[&str]) {
        for field in fields {
            let value = object.value(field).filter(|value| !value.get().starts_with('"'));
            if let Some(value) = value {
                let got = kind_of(value);
                self.problem(value, format!("{what}: {field:?}: expected a string, got {got}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::json::Position;

    const COMPLETE: &str = r#"{"A": {
 "description": "", "website": "", "version": "1",
 "containers": {"a": {
  "image": "i", "launch_order": 1,
  "ports": {"80": {"description": "", "label": "", "host_default": 8080}},
  "volumes": {"/v": {"description": "", "label": ""}},
  "environment": {"E": {"description": "", "label": ""}},
  "devices": {"D": {"description": "", "label": ""}}
 }}
}}"#;

    fn problems(text: &str) -> Vec<String> {
        check("a.json", text.as_bytes()).problems.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn a_complete_definition_has_no_problems_and_its_names_are_returned() {
        let checked = check("a.json", COMPLETE.as_bytes());
        assert!(checked.problems.is_empty(), "{:?}", checked.problems);
        assert_eq!(checked.definitions[0].named.name, "A");
        let container = &checked.containers[0];
        assert_eq!(container.name, "a");
        assert_eq!(container.position, Some(Position { line: 3, column: 22 }));
    }

    #[test]
    fn missing_fields_are_reported_with_the_position() {
        for (from, to, expected) in [
            ("\"website\": \"\", ", "", "a.json:1:7: definition \"A\": missing field \"website\""),
            (
                "\"image\": \"i\", ",
                "",
                "a.json:3:22: definition \"A\", container \"a\": missing field \"image\"",
            ),
            (", \"launch_order\": 1", "", "container \"a\": missing field \"launch_order\""),
            (
                ", \"host_default\": 8080",
                "",
                "a.json:5:19: definition \"A\", container \"a\", port \"80\": missing field \"host_default\"",
            ),
            (
                "\"/v\": {\"description\": \"\", ",
                "\"/v\": {",
                "volume \"/v\": missing field \"description\"",
            ),
            (
                "\"E\": {\"description\": \"\", \"label\": \"\"}",
                "\"E\": 3",
                "environment variable \"E\": expected an object, got a number",
            ),
            (
                "\"D\": {\"description\": \"\", \"label\": \"\"}",
                "\"D\": {\"description\": \"\"}",
                "device \"D\": missing field \"label\"",
            ),
            ("{\"80\"", "[1], \"x\": {\"80\"", "\"ports\": expected an object, got an array"),
            (
                "\"version\": \"1\"",
                "\"version\": \"1\", \"version\": \"2\"",
                "a.json:2:63: duplicate key \"version\"",
            ),
            (
                "{\"a\": {",
                "{}, \"z\": {\"a\": {",
                "definition \"A\": expected a container, got none",
            ),
            (
                "\"image\": \"i\"",
                "\"Image\": \"i\"",
                "a.json:4:12: definition \"A\", container \"a\": unknown field \"Image\"; \
                 did you mean \"image\"?",
            ),
            (
                "\"image\": \"i\"",
                "\"image\": 3",
                "a.json:4:12: definition \"A\", container \"a\": \"image\": expected a string, \
                 got a number",
            ),
            (
                "\"version\": \"1\"",
                "\"version\": [1, 2]",
                "a.json:2:47: definition \"A\": \"version\": expected a string, got an array",
            ),
            (
                "\"launch_order\": 1",
                "\"launch_order\": \"first\"",
                "a.json:4:33: definition \"A\", container \"a\": \"launch_order\": \
                 expected a number, got \"first\"",
            ),
            (
                "\"version\": \"1\"",
                "\"version\": \"1\", \"container_links\": {\"x\": []}",
                "a.json:2:77: definition \"A\": \"container_links\": no container named \"x\"",
            ),
            (
                "\"version\": \"1\"",
                "\"version\": \"1\", \"container_links\": {\"a\": [{\"source_container\": \"y\"}]}",
                "definition \"A\": \"container_links\": no container named \"y\"",
            ),
        ] {
            assert!(COMPLETE.contains(from), "{from}");
            let found = problems(&COMPLETE.replacen(from, to, 1));
            assert!(found.iter().any(|problem| problem.contains(expected)), "{to}: {found:#?}");
        }
    }

    #[test]
    fn an_order_in_a_string_and_links_between_containers_are_accepted() {
        let text = COMPLETE.replacen("\"launch_order\": 1", "\"launch_order\": \"1\"", 1);
        let links = "{\n \"container_links\": {\"a\": [{\"source_container\": \"a\"}]},";
        let text = text.replacen("{\n", links, 1);
        assert!(text.contains("container_links"));
        assert!(problems(&text).is_empty(), "{:?}", problems(&text));
    }

    #[test]
    fn invalid_definition_file_is_one_problem_with_a_position() {
        for (text, expected) in [
            ("{\n \"A\": {},\n}", "a.json:3:1: not JSON: trailing comma"),
            ("null", "a.json:1:1: expected an object, got null"),
            ("{\n\"A\": {},\n<<<<<<< HEAD\n", "a.json:3:1: not JSON: unresolved merge conflict"),
            ("<html>", "a.json:1:1: expected JSON, got an HTML page"),
            ("{\n\"A\": 1}", "a.json:2:6: definition \"A\": expected an object, got a number"),
            ("{}", "a.json: expected a definition, got an empty object"),
        ] {
            let found = problems(text);
            assert!(found.len() == 1 && found[0].starts_with(expected), "{found:?}");
        }
        let deep =
            format!("{{\"A\": {}{}}}", "{\"x\":".repeat(70), "1".to_owned() + &"}".repeat(70));
        assert!(problems(&deep).iter().any(|problem| problem.contains("at most 64 levels")));
    }

    #[test]
    fn many_problems_are_found_in_linear_time_and_counted() {
        // A quadratic algorithm would take minutes.
        let twice = "\"x\":1,".repeat(200_000);
        let found = problems(&format!("{{\"A\": {{{twice}\"y\":1}}}}"));
        assert_eq!(found.len(), MAX_PROBLEMS + 1);
        assert_eq!(found[0], "a.json:1:18: duplicate key \"x\"");
        let last = found.last().unwrap();
        assert_eq!(last, "a.json: expected no problems, got 199903 more");
        let containers: Vec<String> = (0..100_000).map(|n| format!("\"{n}\":{{}}")).collect();
        let containers = containers.join(",");
        let found = problems(&format!("{{\"A\": {{\"containers\": {{{containers}}}}}}}"));
        assert_eq!(found.len(), MAX_PROBLEMS + 1);
    }

    #[test]
    fn empty_names_and_duplicate_keys_at_any_depth_are_reported() {
        let empty = COMPLETE.replacen("{\"A\"", "{\"\"", 1);
        let expected = "a.json:1:6: expected the name of a definition, got an empty one";
        assert_eq!(problems(&empty), [expected]);
        for (nested, column) in [("{\"k\":1,\"k\":2}", 24), ("[[{\"k\":1,\"k\":2}]]", 26)] {
            let text = COMPLETE.replacen("{\n", &format!("{{\"x\": {nested},\n"), 1);
            let expected = format!("a.json:1:{column}: duplicate key \"k\"");
            assert_eq!(problems(&text), [expected], "{nested}");
        }
    }

    #[test]
    fn long_names_are_cut_in_problems() {
        let long = "x".repeat(1_000_000);
        let found = problems(&format!("{{\"{long}\": {{\"containers\": {{\"{long}\": {{}}}}}}}}"));
        assert!(found.iter().all(|problem| problem.len() < 1000), "{found:?}");
        assert!(found.iter().any(|problem| problem.contains("longer than")), "{found:?}");
    }

    #[test]
    fn all_problems_of_a_file_are_found_at_once() {
        let found = problems(r#"{"A": {"containers": {"a": {}}}, "B": {}, "C": 1, "D": []}"#);
        assert_eq!(found.len(), 3 + 2 + 4 + 1 + 1, "{found:#?}");
    }
}
