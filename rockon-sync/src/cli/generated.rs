//! What is generated from the definition of the command: man pages, and completions for shells.
//!
//! They are committed below `share/`, for whoever packages the command.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::args::Args;

/// Set to anything, it makes the test write the files instead of comparing them.
const WRITE: &str = "WRITE_SHARE";

/// What ends every page: the codes are those of the module `cli`.
const EXIT_STATUS: &str = r#".SH "EXIT STATUS"
.TP
\fB0\fR
done
.TP
\fB1\fR
failed
.TP
\fB2\fR
the command line is not understood
.TP
\fB3\fR
partial: some entries failed, or some of several sources
.TP
\fB4\fR
refused: integrity, trust, mass deletion or rollback
.TP
\fB5\fR
another process updates the same source
"#;

/// What the pages of subcommands refer to.
const SEE_ALSO: &str = ".SH \"SEE ALSO\"\n\\fBrockon\\-sync\\fR(1)\n";

#[test]
fn man_pages_and_completions_are_up_to_date() {
    let share = Path::new(env!("CARGO_MANIFEST_DIR")).join("../share");
    let generated = generate();
    if std::env::var_os(WRITE).is_some() {
        // Pages of subcommands that are gone go too.
        let _ = fs::remove_dir_all(&share);
        for (path, text) in &generated {
            let path = share.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        return;
    }
    assert!(
        generated == committed(&share),
        "share/ is not what the definition of the command says; to write it anew:\n\
         {WRITE}=1 cargo test -p rockon-sync --all-features --lib cli::generated"
    );
}

/// Every file, by its path below `share/`.
fn generate() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for (shell, path) in [
        // Each under the name and in the directory by which its shell finds it below `/usr/share`.
        (Shell::Bash, "bash-completion/completions/rockon-sync"),
        (Shell::Fish, "fish/vendor_completions.d/rockon-sync.fish"),
        (Shell::Zsh, "zsh/site-functions/_rockon-sync"),
    ] {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut Args::command(), "rockon-sync", &mut text);
        // Of a name with a hyphen, clap_complete 4.6 makes two labels for bash, which never meet.
        let text = String::from_utf8(text).unwrap().replace("rockon__subcmd__", "rockon__");
        files.insert(path.to_owned(), text);
    }
    let mut command = Args::command().disable_help_subcommand(true);
    command.build();
    add_pages(&command, "rockon-sync", &mut files);
    files
}

/// Adds the page of this command, and those of its subcommands.
fn add_pages(command: &Command, name: &str, files: &mut BTreeMap<String, String>) {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    let (before, titled) = page.split_once(".TH ").unwrap();
    let (_, after) = titled.split_once('\n').unwrap();
    // An empty date has to be quoted: unquoted, it makes what follows the date.
    let version = env!("CARGO_PKG_VERSION");
    let title = format!(".TH \"{name}\" 1 \"\" \"rockon-sync {version}\" \"User Commands\"");
    let mut page = format!("{before}{title}\n{after}{EXIT_STATUS}");
    if name != "rockon-sync" {
        page.push_str(SEE_ALSO);
    }
    files.insert(format!("man/man1/{name}.1"), page);
    for subcommand in command.get_subcommands() {
        add_pages(subcommand, &format!("{name}-{}", subcommand.get_name()), files);
    }
}

/// Every file that is committed, by its path below this directory.
fn committed(share: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut dirs = vec![share.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if fs::metadata(&path).unwrap().is_dir() {
                dirs.push(path);
            } else {
                let name = path.strip_prefix(share).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }
    files
}
