//! Generates the header: an overview, then one section per source file, which cbindgen converts to
//! C.

use std::path::Path;

use cbindgen::{Builder, Config, DocumentationStyle, Language, Style};

/// The sections of the header, in order: title and source file.
const SECTIONS: &[(&str, &str)] = &[
    ("Version", "version.rs"),
    ("Errors", "error.rs"),
    ("Findings", "problem.rs"),
    ("Store", "store.rs"),
    ("Source", "source.rs"),
    ("Cancel token", "cancel.rs"),
    ("Report of an update", "report.rs"),
    ("Update", "update.rs"),
    ("Update of several sources", "several.rs"),
    ("Catalog", "catalog.rs"),
    ("Suitability for a machine", "target.rs"),
    ("Installation", "installation.rs"),
    ("Updates of extensions", "extensions.rs"),
    ("Changes", "changes.rs"),
    ("Status and verification", "inspect.rs"),
    ("Keys", "key.rs"),
    ("Publisher", "publish.rs"),
    ("Log", "logging.rs"),
];

/// The names of the types in C.
const TYPES: &[(&str, &str)] = &[
    ("Applied", "rockon_sync_applied"),
    ("CancelToken", "rockon_sync_cancel_token"),
    ("Catalog", "rockon_sync_catalog"),
    ("CatalogOptions", "rockon_sync_catalog_options"),
    ("Changes", "rockon_sync_changes"),
    ("Definition", "rockon_sync_definition"),
    ("DefinitionBytes", "rockon_sync_definition_bytes"),
    ("DefinitionText", "rockon_sync_definition_text"),
    ("Error", "rockon_sync_error"),
    ("ExtensionUpdates", "rockon_sync_extension_updates"),
    ("Installation", "rockon_sync_installation"),
    ("Installed", "rockon_sync_installed"),
    ("LogCallback", "rockon_sync_log_callback"),
    ("Mismatches", "rockon_sync_mismatches"),
    ("Problem", "rockon_sync_problem"),
    ("Progress", "rockon_sync_progress"),
    ("ProgressCallback", "rockon_sync_progress_callback"),
    ("PublishOptions", "rockon_sync_publish_options"),
    ("PublishReport", "rockon_sync_publish_report"),
    ("Report", "rockon_sync_report"),
    ("Source", "rockon_sync_source"),
    ("SourceStatus", "rockon_sync_source_status"),
    ("StatusList", "rockon_sync_status_list"),
    ("Store", "rockon_sync_store"),
    ("Str", "rockon_sync_str"),
    ("Target", "rockon_sync_target"),
    ("UpdateOptions", "rockon_sync_update_options"),
    ("UpdateResults", "rockon_sync_update_results"),
    ("Verification", "rockon_sync_verification"),
    ("VerificationList", "rockon_sync_verification_list"),
    ("VerifierKey", "rockon_sync_verifier_key"),
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
    let mut header = include_str!("overview.h").to_owned();
    header.push_str(START);
    for (title, file) in SECTIONS {
        let dashes = "-".repeat(84 - title.len());
        header.push_str(&format!("\n/* {title} {dashes} */\n\n"));
        header.push_str(section(&root.join("src").join(file)).trim());
        header.push('\n');
    }
    header.push_str(END);
    header
}

fn section(file: &Path) -> String {
    let mut config = Config {
        language: Language::C,
        style: Style::Type,
        documentation_style: DocumentationStyle::C99,
        usize_is_size_t: true,
        no_includes: true,
        line_length: 90,
        tab_width: 4,
        ..Config::default()
    };
    let types = TYPES.iter().map(|(rust, c)| ((*rust).to_owned(), (*c).to_owned()));
    config.export.rename = types.collect();
    let bindings = Builder::new().with_config(config).with_src(file).generate();
    let mut text = Vec::new();
    bindings.expect("cbindgen cannot read the sources").write(&mut text);
    with_tags(&String::from_utf8(text).expect("cbindgen writes UTF-8"))
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
