//! Groups of commands by who uses them, for the help text and the man page.

use clap::Command;
use clap::builder::StyledStr;

/// The groups, each with the first of its commands in [`super::args::Command`]. It has all
/// commands from there to the next group, so every command is in exactly one.
const GROUPS: [(&str, &str); 3] = [
    ("Commands for publishers", "publish"),
    ("Commands for administrators", "update"),
    ("Commands for applications and their users", "list"),
];

/// A group of commands.
pub(super) struct Group<'a> {
    pub(super) heading: &'static str,
    pub(super) commands: Vec<&'a Command>,
}

/// Returns the groups of a command's subcommands. `help`, which clap adds, is in none.
pub(super) fn groups(command: &Command) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for subcommand in command.get_subcommands().filter(|found| found.get_name() != "help") {
        let begun = GROUPS.iter().find(|(_, first)| *first == subcommand.get_name());
        if let Some((heading, _)) = begun {
            groups.push(Group { heading, commands: Vec::new() });
        }
        if let Some(group) = groups.last_mut() {
            group.commands.push(subcommand);
        }
    }
    groups
}

/// Adds the help text with groups, for which clap has no means of its own.
pub(super) fn with_grouped_help(command: Command) -> Command {
    let template = template(&command);
    command.help_template(template)
}

fn template(command: &Command) -> StyledStr {
    let styles = command.get_styles();
    let (header, literal) = (styles.get_header(), styles.get_literal());
    let names = command.get_subcommands().map(|subcommand| subcommand.get_name().len());
    let width = names.max().unwrap_or(0);
    let mut text = "{about-with-newline}\n{usage-heading} {usage}\n\n".to_owned();
    for Group { heading, commands } in groups(command) {
        text.push_str(&format!("{header}{heading}:{header:#}\n"));
        for subcommand in commands {
            let name = subcommand.get_name();
            let about = subcommand.get_about().cloned().unwrap_or_default();
            text.push_str(&format!("  {literal}{name:<width$}{literal:#}  {about}\n"));
        }
        text.push('\n');
    }
    text.push_str(&format!("{header}Options:{header:#}\n{{options}}\n\n"));
    text.push_str("'rockon-sync help COMMAND' describes a command.\n");
    text.into()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::args::Args;
    use super::*;

    #[test]
    fn every_command_is_in_one_group_in_the_help_text() {
        let mut command = with_grouped_help(Args::command());
        let help = command.render_help().to_string();
        for (heading, _) in GROUPS {
            assert_eq!(help.matches(&format!("\n{heading}:\n")).count(), 1, "{heading}");
        }
        let found: Vec<&Command> =
            groups(&command).into_iter().flat_map(|group| group.commands).collect();
        let expected: Vec<&Command> =
            command.get_subcommands().filter(|command| command.get_name() != "help").collect();
        assert_eq!(found.len(), expected.len());
        for subcommand in expected {
            let line = help
                .lines()
                .find(|line| line.split_whitespace().next() == Some(subcommand.get_name()));
            let line = line.unwrap_or_else(|| panic!("{} is missing", subcommand.get_name()));
            assert!(line.ends_with(&subcommand.get_about().unwrap().to_string()), "{line}");
            // Lines are not wrapped.
            assert!(line.len() <= 80, "{line}");
        }
    }
}
