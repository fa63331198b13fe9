//! Every command of every page is run, in a folder where what the page speaks of is there.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::desk::{Desk, code};
use crate::page::{Block, blocks};
use crate::pages;

/// What stands for the places that pages speak of: below the folder of the test. Web servers are
/// one on this machine, see [`Place::new`].
const STANDS_FOR: &[(&str, &str)] =
    &[("/var/lib/rockon-sync", "store"), ("/media/stick/", "stick/"), ("/srv/", "srv/")];

/// The bundle that pages speak of.
const BUNDLE: &str = "empty-0123456789ab.tar.zst";

/// Blocks that are not run: page, beginning, and why.
const NOT_RUN: &[(&str, &str, &str)] = &[
    ("README.md", "make demo", "the other parts of `make test` are these"),
    ("CONTRIBUTING.md", "make test", "this test is a part of it"),
    ("CONTRIBUTING.md", "cargo test -p rockon-sync", "this test is a part of it"),
    ("CONTRIBUTING.md", "WRITE_HEADER=1", "it writes the files that tests compare"),
    (
        "administrators.md",
        "make install-command",
        "it takes a release build; tests/gates/share.sh tries what it installs",
    ),
    ("administrators.md", "install -m 644 systemd/", "it takes root; systemd/check.sh checks it"),
    (
        "c-api.md",
        "make install-library",
        "rockon-sync-ffi/tests/c.rs installs it and links with it",
    ),
    (
        "c-api.md",
        "WRITE_HEADER=1",
        "it writes the header that rockon-sync-ffi/tests/header.rs checks",
    ),
    ("c-api.md", "cargo run --release", "it measures, and takes a release build"),
    ("scale.md", "store() { aws", "it takes an object storage"),
    ("scale.md", "python3 tests/bench/directory.py", "it measures, and takes minutes"),
    ("security.md", "cargo +nightly fuzz", "it takes a nightly toolchain, and minutes"),
];

/// Where a page is followed.
pub(crate) struct Place {
    pub(crate) desk: Desk,
    bundle: String,
}

impl Place {
    /// A catalog that is published and served as `https://example.org/rockons/v2/`, another one
    /// as `https://apps.example.com/`, an update site as `https://example.org/updates/`, and the
    /// files that pages name.
    pub(crate) fn new() -> Place {
        let desk = Desk::new();
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo");
        let write = |name: &str, text: &str| fs::write(desk.path(name), text).unwrap();
        for folder in ["www", "apps", "updates", "icons", "stick", "srv"] {
            fs::create_dir(desk.path(folder)).unwrap();
        }
        fs::copy(samples.join("added/navidrome.json"), desk.path("my-app.json")).unwrap();
        fs::copy(desk.path("my-app.json"), desk.path("apps/navidrome.json")).unwrap();
        write("apps/root.json", "{\"navidrome\": \"navidrome.json\"}");
        write("updates/list.xml", COLLECTION);
        write("updates/cache.xml", EXTENSION);
        write("icons/jellyfin.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n");
        write("applied.json", "{}");
        write("installed.json", "{\"plugin/system/cache\": \"5.9\", \"Database\": \"16\"}");
        assert_eq!(code(&desk.run(&["publish", "apps"])), 0);
        for (name, folder) in
            [("rockons", "../catalog"), ("apps", "../apps/v2"), ("updates", "../updates")]
        {
            symlink(folder, desk.path("www").join(name)).unwrap();
        }
        desk.server.set_root(desk.path("www"));
        let packs = fs::read_dir(desk.path("catalog/v2/packs")).unwrap();
        let names = packs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let bundle = names.into_iter().find(|name| name.starts_with("empty-")).unwrap();
        let bundle_path = desk.path("catalog/v2/packs").join(&bundle);
        for folder in ["stick", "."] {
            fs::copy(&bundle_path, desk.path(folder).join(&bundle)).unwrap();
        }
        fs::copy(desk.path("catalog/v2/root.sha"), desk.path("stick/root.sha")).unwrap();
        Place { desk, bundle }
    }

    /// The text of a block as it is run here.
    fn localized(&self, text: &str) -> String {
        let server = self.desk.server.url();
        let text = text.replace("https://apps.example.com/", &format!("{server}apps/"));
        let text = text.replace("https://example.org/", &server).replace(BUNDLE, &self.bundle);
        STANDS_FOR.iter().fold(text, |text, (shown, real)| text.replace(shown, real))
    }

    /// Runs a block with a shell that ends at the first failure, and says which line that was.
    fn run(&self, block: &Block) -> Result<(), String> {
        let script = format!("trap 'echo $LINENO > line' ERR; {}", self.localized(&block.text));
        let program = Path::new(env!("CARGO_BIN_EXE_rockon-sync"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [program.parent().unwrap().to_path_buf()]
            .into_iter()
            .chain(std::env::split_paths(&path));
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "block.sh"]).current_dir(self.desk.folder.path());
        command.env("PATH", std::env::join_paths(folders).unwrap());
        command.env("APPS_TOKEN", "a-token").env("HOME", self.desk.folder.path());
        for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "RUST_LOG"] {
            command.env_remove(name);
        }
        fs::write(self.desk.path("block.sh"), script).unwrap();
        let output = command.output().expect("bash runs");
        if output.status.success() {
            return Ok(());
        }
        let failed = fs::read_to_string(self.desk.path("line")).unwrap_or_default();
        let line = block.line + failed.trim().parse::<usize>().unwrap_or(1) - 1;
        Err(format!("{line}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// Why a block is not run.
fn reason_not_to(page: &str, block: &Block) -> Option<&'static str> {
    let is_meant = |(name, beginning, _): &&(&str, &str, &str)| {
        *name == page && block.text.starts_with(beginning)
    };
    NOT_RUN.iter().find(is_meant).map(|(_, _, reason)| *reason)
}

#[test]
fn every_command_of_every_page_works() {
    let mut failed = Vec::new();
    let (mut run, mut left_out) = (0, 0);
    for page in pages() {
        let name = page.file_name().unwrap().to_str().unwrap();
        let place = Place::new();
        for block in blocks(&page, "sh") {
            if let Some(reason) = reason_not_to(name, &block) {
                println!("not run: {name}:{}: {reason}", block.line);
                left_out += 1;
            } else {
                failed.extend(place.run(&block).err().map(|error| format!("{name}:{error}")));
                run += 1;
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(run > 15, "only {run} blocks were found");
    assert_eq!(left_out, NOT_RUN.len(), "each reason is for one block");
}

/// The list of an update site.
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
