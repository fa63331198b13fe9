//! The progress bar.

use std::cell::RefCell;
use std::collections::BTreeMap;

use indicatif::{ProgressBar, ProgressStyle};

use crate::publish::PublishProgress;
use crate::source::SourceName;
use crate::update::progress::{Phase, Progress};

/// One bar for all sources, on standard error.
pub(super) struct Bar {
    bar: ProgressBar,
    /// The progress of each source.
    sources: RefCell<BTreeMap<SourceName, Progress>>,
}

/// One state of the bar.
#[derive(Debug, PartialEq, Eq)]
struct View {
    template: &'static str,
    done: u64,
    total: u64,
    /// The numbers behind the bar.
    numbers: String,
}

impl Bar {
    /// Creates a bar, which is hidden unless standard error is a terminal.
    pub(super) fn shown() -> Bar {
        Bar { bar: ProgressBar::new(0), sources: RefCell::default() }
    }

    pub(super) fn hidden() -> Bar {
        Bar { bar: ProgressBar::hidden(), sources: RefCell::default() }
    }

    pub(super) fn show(&self, progress: &Progress) {
        let bar = &self.bar;
        if bar.is_hidden() {
            return;
        }
        let mut sources = self.sources.borrow_mut();
        sources.insert(progress.source.clone(), progress.clone());
        self.draw(View::of(sources.values()));
        bar.set_message(match progress.phase {
            Phase::Checking => "checking",
            Phase::Fetching => "fetching",
            Phase::Committing => "committing",
        });
    }

    pub(super) fn show_upload(&self, progress: &PublishProgress) {
        if !self.bar.is_hidden() {
            self.draw(View::of_numbers(
                (progress.files_done, progress.files_total),
                (progress.bytes_done, progress.bytes_total),
            ));
            self.bar.set_message("uploading");
        }
    }

    fn draw(&self, view: View) {
        let bar = &self.bar;
        let style = ProgressStyle::with_template(view.template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("=> "));
        bar.set_length(view.total);
        bar.set_position(view.done);
        bar.set_prefix(view.numbers);
    }

    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl View {
    /// Totals of 0 are not known yet: then there is no percentage.
    fn of<'a>(sources: impl Iterator<Item = &'a Progress> + Clone) -> View {
        let sum = |of: fn(&Progress) -> u64| sources.clone().map(of).sum::<u64>();
        let bytes_total: u64 =
            sources.clone().map(|p| p.bytes_total).sum::<Option<u64>>().unwrap_or(0);
        let bytes_done = sum(|p| p.bytes_done).min(bytes_total);
        View::of_numbers((sum(|p| p.files_done), sum(|p| p.files_total)), (bytes_done, bytes_total))
    }

    /// Each pair is what is done, and the total.
    fn of_numbers(
        (files_done, files_total): (u64, u64),
        (bytes_done, bytes_total): (u64, u64),
    ) -> View {
        let kib = |bytes: u64| bytes.div_ceil(1024);
        let bytes = format!("{}/{} KiB", kib(bytes_done), kib(bytes_total));
        let files = format!("{files_done}/{files_total} files");
        let by_bytes = "{msg} [{bar:30}] {percent:>3}% {prefix}, {binary_bytes_per_sec}";
        let by_files = "{msg} [{bar:30}] {percent:>3}% {prefix}";
        let (template, done, total, numbers) = match (files_total, bytes_total) {
            (0, 0) => ("{msg}", 0, 0, String::new()),
            (0, _) => (by_bytes, bytes_done, bytes_total, bytes),
            (_, 0) => (by_files, files_done, files_total, files),
            _ => (by_bytes, bytes_done, bytes_total, format!("{files}, {bytes}")),
        };
        View { template, done, total, numbers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_shows_only_what_is_known_and_the_rate_of_bytes() {
        for (files, bytes, numbers, has_percentage, has_rate) in [
            ((0, 0), (0, Some(0)), "", false, false),
            ((0, 0), (2048, Some(10_000)), "2/10 KiB", true, true),
            ((3, 88), (2048, Some(10_000)), "3/88 files, 2/10 KiB", true, true),
            ((3, 88), (2048, None), "3/88 files", true, false),
        ] {
            let progress = Progress {
                source: SourceName::default(),
                phase: Phase::Fetching,
                files_done: files.0,
                files_total: files.1,
                bytes_done: bytes.0,
                bytes_total: bytes.1,
            };
            let view = View::of([&progress].into_iter());
            assert_eq!(view.numbers, numbers);
            assert_eq!(view.template.contains("{percent"), has_percentage, "{numbers}");
            assert_eq!(view.template.contains("per_sec}"), has_rate, "{numbers}");
            assert!(ProgressStyle::with_template(view.template).is_ok());
        }
    }
}
