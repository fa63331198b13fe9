//! Generates the header: an overview, then one section per source file, which cbindgen converts to
//! C.

use std::path::Path;

use cbindgen::{Builder, Config, DocumentationStyle, Language, Layout, RenameRule, Style};

/// The sections of the header, in order: title and source file.
const SECTIONS: &[(&str, &str)] = &[
    ("Version", "version.rs"),
    ("Status", "status.rs"),
    ("Array of strings", "strings.rs"),
    ("Errors and problems", "error.rs"),
    ("Store", "store.rs"),
    ("Source", "source.rs"),
    ("Cancel token", "cancel.rs"),
    ("Report of an update", "report.rs"),
    ("Update", "update.rs"),
    ("Catalog", "catalog.rs"),
    ("Changes for an application", "changes.rs"),
    ("Status and verification of a store", "inspect.rs"),
    ("Suitability for a machine", "target.rs"),
    ("Installation", "installation.rs"),
    ("Updates of extensions", "extensions.rs"),
    ("Publisher and keys", "publish.rs"),
    ("Log", "logging.rs"),
];

/// The width of the header.
const MAX_COLUMNS: usize = 100;

/// Structs that the caller initializes.
const INPUTS: &[&str] = &["CatalogOptions", "PublishOptions", "Source", "Target", "UpdateOptions"];

/// The types of the interface.
const TYPES: &[&str] = &[
    "Applied",
    "CancelToken",
    "Catalog",
    "CatalogOptions",
    "Changes",
    "Content",
    "Definition",
    "Error",
    "ExtensionUpdate",
    "ExtensionUpdates",
    "FailedEntry",
    "Installation",
    "Installed",
    "LogCallback",
    "LogLevel",
    "Mismatch",
    "Mismatches",
    "Mode",
    "Outcome",
    "Phase",
    "Problem",
    "Progress",
    "ProgressCallback",
    "PublishOptions",
    "PublishOutcome",
    "PublishReport",
    "Relation",
    "Report",
    "Severity",
    "Source",
    "SourceStatus",
    "SourceVerification",
    "Status",
    "StatusList",
    "Strings",
    "Store",
    "Target",
    "UpdateOptions",
    "UpdateResult",
    "UpdateResults",
    "Upsert",
    "Verification",
];

const START: &str = "
#ifndef ROCKON_SYNC_H
#define ROCKON_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern \"C\" {
#endif
";

const END: &str = "
#ifdef __cplusplus
}
#endif

#endif /* ROCKON_SYNC_H */
";

/// Generates the whole header from the crate in `root`.
pub(crate) fn generate(root: &Path) -> String {
    let mut body = String::new();
    let mut index = String::new();
    for (title, file) in SECTIONS {
        let text = section(&root.join("src").join(file));
        let dashes = "-".repeat(84 - title.len());
        body.push_str(&format!("\n/* {title} {dashes} */\n{}\n", text.trim()));
        let names = functions(&text).map(|name| name.trim_start_matches("rockon_sync_"));
        let names = names.collect::<Vec<_>>().join(", ");
        let entry = format!("{title}: {}", if names.is_empty() { "struct" } else { &names });
        index.push_str(&wrapped(&entry, " *     ", " *         "));
    }
    let overview = include_str!("overview.h").replace("@INDEX@", index.trim_end());
    format!("{overview}{START}{body}{END}")
}

/// Returns the name of a type in C: `UpdateOptions` is `rockon_sync_update_options`.
fn c_name(rust: &str) -> String {
    let mut name = "rockon_sync".to_owned();
    for c in rust.chars() {
        if c.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

/// Returns the names of the functions that a section declares.
fn functions(text: &str) -> impl Iterator<Item = &str> {
    let declarations = text.lines().filter(|line| !line.starts_with([' ', '/', '#', '}']));
    let names = declarations.filter(|line| !line.starts_with("typedef"));
    names.filter_map(|line| {
        let (before, _) = line.split_once('(')?;
        before.rsplit([' ', '*']).next()
    })
}

fn section(file: &Path) -> String {
    let mut config = Config {
        language: Language::C,
        style: Style::Type,
        documentation_style: DocumentationStyle::C99,
        usize_is_size_t: true,
        no_includes: true,
        line_length: MAX_COLUMNS,
        tab_width: 4,
        ..Config::default()
    };
    config.enumeration.rename_variants = RenameRule::QualifiedScreamingSnakeCase;
    config.function.args = Layout::Horizontal;
    config.export.include = TYPES.iter().map(|rust| (*rust).to_owned()).collect();
    config.export.rename = TYPES.iter().map(|rust| ((*rust).to_owned(), c_name(rust))).collect();
    let bindings = Builder::new().with_config(config).with_src(file).generate();
    let mut text = Vec::new();
    bindings.expect("cbindgen cannot read the sources").write(&mut text);
    let text = String::from_utf8(text).expect("cbindgen writes UTF-8");
    with_initializers(&compact(&with_tags(&text)))
}

/// Gives each struct a tag with the name of its type, so that it can be declared ahead.
fn with_tags(text: &str) -> String {
    const UNTAGGED: &str = "typedef struct {";
    let mut parts = text.split(UNTAGGED);
    let mut tagged = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (_, end) = part.split_once("\n} ").expect("a struct without its name");
        let (name, _) = end.split_once(';').expect("a struct name without a semicolon");
        tagged.push_str(&format!("typedef struct {name} {{{part}"));
    }
    tagged
}

/// Puts a short comment behind its field, a function without comment below the one before it, and
/// fills the lines of function declarations.
fn compact(text: &str) -> String {
    let mut compact = String::new();
    let mut lines = text.lines().peekable();
    let mut was_comment = false;
    let is_undocumented = |line: &&str| line.starts_with(char::is_alphabetic);
    while let Some(line) = lines.next() {
        let comment = line.trim_start();
        let is_blank = line.is_empty() && lines.peek().is_some_and(is_undocumented);
        if comment == "//" || (is_blank && compact.ends_with(");\n")) {
            continue;
        }
        let is_comment = comment.starts_with("//");
        let is_field = |field: &&str| field.starts_with("    ") && field.ends_with([';', ',']);
        let field = lines.peek().filter(|field| is_comment && !was_comment && is_field(field));
        was_comment = is_comment;
        match field.map(|field| format!("{field} {comment}")) {
            Some(joined) if joined.len() <= MAX_COLUMNS => {
                compact.push_str(&joined);
                compact.push('\n');
                lines.next();
                was_comment = false;
            }
            _ if line.len() > MAX_COLUMNS => compact.push_str(&wrapped(line, "", "    ")),
            _ => {
                compact.push_str(line);
                compact.push('\n');
            }
        }
    }
    compact
}

/// Breaks a line after commas.
fn wrapped(text: &str, first: &str, next: &str) -> String {
    let mut lines = String::new();
    let mut line = first.to_owned();
    for part in text.split_inclusive(", ") {
        if line.len() + part.trim_end().len() > MAX_COLUMNS {
            lines.push_str(line.trim_end());
            lines.push('\n');
            line = next.to_owned();
        }
        line.push_str(part);
    }
    lines + line.trim_end() + "\n"
}

/// Adds an initializer after each struct of the caller, with a value for every field: compilers
/// warn about missing ones.
fn with_initializers(text: &str) -> String {
    let mut text = text.to_owned();
    for input in INPUTS {
        let name = c_name(input);
        let Some((_, body)) = text.split_once(&format!("typedef struct {name} {{\n")) else {
            continue;
        };
        let end = format!("}} {name};\n");
        let (body, _) = body.split_once(&end).expect("a struct without an end");
        let fields = body.lines().map(str::trim).filter(|line| !line.starts_with("//"));
        let values: Vec<&str> = fields
            .skip(1)
            .map(|field| if field.starts_with("rockon_sync_mode") { DEFAULT_MODE } else { "0" })
            .collect();
        let define = format!("#define {}_INIT", name.to_uppercase());
        let list = wrapped(&format!("{{ sizeof({name}), {} }}", values.join(", ")), "    ", "    ");
        let list = list.trim_end().replace('\n', " \\\n");
        text = text.replace(&end, &format!("{end}{define} \\\n{list}\n"));
    }
    text
}

/// The default of the only enum in a struct of the caller; C++ does not convert 0 to an enum.
const DEFAULT_MODE: &str = "ROCKON_SYNC_MODE_QUICK";
