//! The progress bar.

use std::cell::RefCell;
use std::collections::BTreeMap;

use indicatif::{ProgressBar, ProgressStyle};

use crate::source::SourceName;
use crate::update::progress::{Phase, Progress};

/// One bar for all sources, which may be hidden.
pub(super) struct Bar {
    bar: Option<ProgressBar>,
    /// The progress of each source.
    sources: RefCell<BTreeMap<SourceName, Progress>>,
}

impl Bar {
    pub(super) fn shown() -> Bar {
        let style = ProgressStyle::with_template("{msg} [{bar:30}] {percent:>3}% {prefix}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(0).with_style(style.progress_chars("=> "));
        Bar { bar: Some(bar), sources: RefCell::default() }
    }

    pub(super) fn hidden() -> Bar {
        Bar { bar: None, sources: RefCell::default() }
    }

    pub(super) fn show(&self, progress: &Progress) {
        let Some(bar) = &self.bar else { return };
        let mut sources = self.sources.borrow_mut();
        sources.insert(progress.source.clone(), progress.clone());
        let sum = |of: fn(&Progress) -> u64| sources.values().map(of).sum::<u64>();
        let (files_done, files_total) = (sum(|p| p.files_done), sum(|p| p.files_total));
        let files = format!("{files_done}/{files_total} files");
        let bytes_total: Option<u64> = sources.values().map(|p| p.bytes_total).sum();
        match bytes_total {
            Some(total) if total > 0 => {
                let done = sum(|p| p.bytes_done).min(total);
                bar.set_length(total);
                bar.set_position(done);
                let kib = |bytes: u64| bytes.div_ceil(1024);
                bar.set_prefix(format!("{files}, {}/{} KiB", kib(done), kib(total)));
            }
            _ => {
                bar.set_length(files_total);
                bar.set_position(files_done);
                bar.set_prefix(files);
            }
        }
        bar.set_message(match progress.phase {
            Phase::Checking => "checking",
            Phase::Fetching => "fetching",
            Phase::Committing => "committing",
        });
    }

    pub(super) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
