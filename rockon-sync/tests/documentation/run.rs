//! Runs every command of every page, in a directory that has the files the pages name.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::catalog::{TestCatalog, code};
use crate::page::{Block, blocks};
use crate::{pages, top};

/// Paths in pages, and their replacements in the test directory. For URLs see [`Place::new`].
const REPLACEMENTS: &[(&str, &str)] =
    &[("/var/lib/rockon-sync", "store"), ("/media/stick/", "stick/"), ("/srv/", "srv/")];

/// The bundle that pages name.
const BUNDLE: &str = "empty-0123456789ab.tar.zst";

/// Blocks that are not run: page, first words, reason.
const NOT_RUN: &[(&str, &str, &str)] = &[
    ("README.md", "make demo", "tested by the other parts of `make test`"),
    ("README.md", "cargo install", "needs a release; tests/dist installs each artifact"),
    ("CONTRIBUTING.md", "make test", "contains this test"),
    ("CONTRIBUTING.md", "cargo test -p rockon-sync", "contains this test"),
    ("CONTRIBUTING.md", "WRITE_HEADER=1", "writes the files that tests compare"),
    (
        "docs/guides/administrators.md",
        "apt install",
        "needs a release; tests/dist/test_command.py installs each artifact",
    ),
    (
        "docs/guides/administrators.md",
        "rockon-sync update --store checked",
        "needs a release; tests/dist/test_release.py verifies its checksums",
    ),
    (
        "docs/guides/administrators.md",
        "systemd-sysusers",
        "needs root; tests/dist/test_command.py runs it",
    ),
    (
        "docs/guides/c.md",
        "make install-library",
        "rockon-sync-ffi/tests/c.rs installs it and links with it",
    ),
    ("docs/reference/c-api.md", "cargo run --release", "a benchmark that needs a release build"),
    (
        "docs/guides/hosting.md",
        "rockon-sync publish catalog --out s3:",
        "needs an object storage; tests/process/s3.rs has one",
    ),
    ("docs/guides/hosting.md", "store() { aws", "needs an object storage"),
    (
        "docs/explanation/scale.md",
        "python3 tests/bench/directory.py",
        "a benchmark that takes minutes",
    ),
    (
        "docs/tutorials/first-catalog.md",
        "python3 -m http.server",
        "the server of this test has the same files",
    ),
    (
        "docs/explanation/security.md",
        "cargo +nightly fuzz",
        "needs a nightly toolchain and minutes",
    ),
];

/// Pages that another test runs.
const RUN_ELSEWHERE: &[(&str, &str)] =
    &[("docs/tutorials/application.md", "tests/python/test_tutorial.py")];

/// A directory in which the commands of a page work.
pub(crate) struct Place {
    pub(crate) catalog: TestCatalog,
    bundle: String,
}

impl Place {
    /// Creates a catalog that is published and served as `https://example.org/rockons/v2/`, another
    /// one as `https://apps.example.com/`, an update site as `https://example.org/updates/`, and
    /// the files that pages name.
    pub(crate) fn new() -> Place {
        let catalog = TestCatalog::new();
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo");
        let write = |name: &str, text: &str| fs::write(catalog.path(name), text).unwrap();
        for dir in ["www", "apps", "updates", "icons", "stick", "srv"] {
            fs::create_dir(catalog.path(dir)).unwrap();
        }
        fs::copy(samples.join("added/navidrome.json"), catalog.path("my-app.json")).unwrap();
        fs::copy(catalog.path("my-app.json"), catalog.path("apps/navidrome.json")).unwrap();
        write("apps/root.json", "{\"navidrome\": \"navidrome.json\"}");
        write("updates/list.xml", COLLECTION);
        write("updates/cache.xml", EXTENSION);
        write("icons/jellyfin.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n");
        write("applied.json", "{}");
        write("installed.json", "{\"plugin/system/cache\": \"5.9\", \"Database\": \"16\"}");
        assert_eq!(code(&catalog.run(&["publish", "apps"])), 0);
        for (name, dir) in
            [("rockons", "../catalog"), ("apps", "../apps/v2"), ("updates", "../updates")]
        {
            symlink(dir, catalog.path("www").join(name)).unwrap();
        }
        catalog.server.set_root(catalog.path("www"));
        let packs = fs::read_dir(catalog.path("catalog/v2/packs")).unwrap();
        let names = packs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let bundle = names.into_iter().find(|name| name.starts_with("empty-")).unwrap();
        let bundle_path = catalog.path("catalog/v2/packs").join(&bundle);
        for dir in ["stick", "."] {
            fs::copy(&bundle_path, catalog.path(dir).join(&bundle)).unwrap();
        }
        fs::copy(catalog.path("catalog/v2/root.sha"), catalog.path("stick/root.sha")).unwrap();
        Place { catalog, bundle }
    }

    /// Returns the text of a block with replaced paths and URLs.
    fn with_test_paths(&self, text: &str) -> String {
        let server = self.catalog.server.url();
        let text = text.replace("https://apps.example.com/", &format!("{server}apps/"));
        let text = text.replace("http://127.0.0.1:8000/", &server).replace(BUNDLE, &self.bundle);
        let text = text.replace("https://example.org/", &server);
        REPLACEMENTS.iter().fold(text, |text, (shown, real)| text.replace(shown, real))
    }

    /// Runs a block in a shell that stops at the first error. An error has the line number.
    fn run(&self, block: &Block) -> Result<(), String> {
        let script =
            format!("trap 'echo $LINENO > line' ERR; {}", self.with_test_paths(&block.text));
        let program = Path::new(env!("CARGO_BIN_EXE_rockon-sync"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let dirs = [program.parent().unwrap().to_path_buf()]
            .into_iter()
            .chain(std::env::split_paths(&path));
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "block.sh"]).current_dir(self.catalog.dir.path());
        command.env("PATH", std::env::join_paths(dirs).unwrap());
        command.env("APPS_TOKEN", "a-token").env("HOME", self.catalog.dir.path());
        for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "RUST_LOG"] {
            command.env_remove(name);
        }
        fs::write(self.catalog.path("block.sh"), script).unwrap();
        let output = command.output().expect("cannot run bash");
        if output.status.success() {
            return Ok(());
        }
        let failed = fs::read_to_string(self.catalog.path("line")).unwrap_or_default();
        let line = block.line + failed.trim().parse::<usize>().unwrap_or(1) - 1;
        Err(format!("{line}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// Returns the reason if a block is not run.
fn reason_to_skip(page: &str, block: &Block) -> Option<&'static str> {
    let matches = |(name, beginning, _): &&(&str, &str, &str)| {
        *name == page && block.text.starts_with(beginning)
    };
    NOT_RUN.iter().find(matches).map(|(_, _, reason)| *reason)
}

#[test]
fn every_command_of_every_page_succeeds() {
    let mut failed = Vec::new();
    let (mut run, mut skipped) = (0, 0);
    for page in pages() {
        let name = &page.name;
        if let Some((_, test)) = RUN_ELSEWHERE.iter().find(|(page, _)| page == name) {
            assert!(fs::metadata(top().join(test)).unwrap().is_file(), "{test}");
            continue;
        }
        let mut place = None;
        for block in blocks(&page.path, "sh") {
            if let Some(reason) = reason_to_skip(name, &block) {
                println!("not run: {name}:{}: {reason}", block.line);
                skipped += 1;
            } else {
                let result = place.get_or_insert_with(Place::new).run(&block);
                failed.extend(result.err().map(|error| format!("{name}:{error}")));
                run += 1;
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(run > 15, "only {run} blocks were found");
    assert_eq!(skipped, NOT_RUN.len(), "each reason applies to one block");
}

/// The collection of an update site.
const COLLECTION: &str = r#"<extensionset name="Example">
  <extension type="plugin" folder="system" element="cache" client="site" detailsurl="cache.xml"/>
</extensionset>
"#;

/// The releases of an extension.
const EXTENSION: &str = r#"<updates>
  <update>
    <name>Cache</name><element>cache</element><type>plugin</type><folder>system</folder>
    <version>5.10</version><tags><tag>stable</tag></tags>
    <targetplatform name="joomla" version="5\.[1-4]"/>
  </update>
</updates>
"#;
