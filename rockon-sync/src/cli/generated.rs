//! Generates man pages and shell completions from the definition of the command.
//!
//! They are committed below `share/`, for packages of the command.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::args::Args;
use super::audience;

/// If this variable is set, the test writes the files instead of comparing them.
const WRITE: &str = "WRITE_SHARE";

/// The end of every page. The exit codes are those of the module `cli`.
const EXIT_STATUS: &str = r#".SH "EXIT STATUS"
.TP
\fB0\fR
done
.TP
\fB1\fR
failed
.TP
\fB2\fR
the command line is invalid
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

/// The reference at the end of the pages of subcommands.
const SEE_ALSO: &str = ".SH \"SEE ALSO\"\n\\fBrockon\\-sync\\fR(1)\n";

#[test]
fn man_pages_and_completions_are_up_to_date() {
    let share = Path::new(env!("CARGO_MANIFEST_DIR")).join("../share");
    let generated = generate();
    if std::env::var_os(WRITE).is_some() {
        // Also removes the pages of former subcommands.
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
        "share/ is out of date; to update it:\n\
         {WRITE}=1 cargo test -p rockon-sync --all-features --lib cli::generated"
    );
}

/// Returns every file, by its path below `share/`.
fn generate() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for (shell, path) in [
        // The paths below `/usr/share` where each shell looks for completions.
        (Shell::Bash, "bash-completion/completions/rockon-sync"),
        (Shell::Fish, "fish/vendor_completions.d/rockon-sync.fish"),
        (Shell::Zsh, "zsh/site-functions/_rockon-sync"),
    ] {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut Args::command(), "rockon-sync", &mut text);
        // For names with a hyphen, clap_complete 4.6 writes two different labels for bash.
        let text = String::from_utf8(text).unwrap().replace("rockon__subcmd__", "rockon__");
        files.insert(path.to_owned(), text);
    }
    let mut command = Args::command().disable_help_subcommand(true);
    command.build();
    add_pages(&command, "rockon-sync", &mut files);
    files
}

/// Adds the page of a command, and those of its subcommands.
fn add_pages(command: &Command, name: &str, files: &mut BTreeMap<String, String>) {
    let page = render(|out| Man::new(command.clone()).render(out));
    let (before, titled) = page.split_once(".TH ").unwrap();
    let (_, after) = titled.split_once('\n').unwrap();
    // The empty date must be quoted: otherwise the next field becomes the date.
    let version = env!("CARGO_PKG_VERSION");
    let title = format!(".TH \"{name}\" 1 \"\" \"rockon-sync {version}\" \"User Commands\"");
    let mut page = format!("{before}{title}\n{after}{EXIT_STATUS}");
    if name == "rockon-sync" {
        let list = subcommands(command);
        assert_eq!(page.matches(&list).count(), 1);
        page = page.replace(&list, &grouped_subcommands(command));
    } else {
        page.push_str(SEE_ALSO);
    }
    files.insert(format!("man/man1/{name}.1"), page);
    for subcommand in command.get_subcommands() {
        add_pages(subcommand, &format!("{name}-{}", subcommand.get_name()), files);
    }
}

/// Returns the list of subcommands, as a page has it.
fn subcommands(command: &Command) -> String {
    let text = render(|out| Man::new(command.clone()).render_subcommands_section(out));
    // Omits the preamble, which precedes every rendered section.
    text[text.find(".SH").unwrap()..].to_owned()
}

/// Returns the section with a list of subcommands for each group.
fn grouped_subcommands(command: &Command) -> String {
    let mut text = ".SH SUBCOMMANDS\n".to_owned();
    for group in audience::groups(command) {
        let hide_others = |other: Command| {
            let is_hidden = !group.commands.iter().any(|one| one.get_name() == other.get_name());
            other.hide(is_hidden)
        };
        let of_group = command.clone().mut_subcommands(hide_others);
        let list = subcommands(&of_group.subcommand_help_heading(group.heading));
        text.push_str(&list.replacen(".SH", ".SS", 1));
    }
    text
}

fn render(page: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut text = Vec::new();
    page(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// Returns every committed file, by its path below `share`.
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
