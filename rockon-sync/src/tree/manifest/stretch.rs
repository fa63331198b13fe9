//! The part of two manifests in which they differ.

/// The part of two manifests in canonical form outside of which their rows are the same. Inside,
/// some may be the same, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stretch {
    pub(crate) old: Span,
    pub(crate) new: Span,
}

/// Whole lines of a manifest: those that begin at `start` or later, and before `end`. Both are bytes
/// from the start of the text. It is the whole manifest by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// The start of a line.
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Stretch {
    /// Nothing differs.
    pub(crate) const NONE: Stretch = Stretch { old: Span::NONE, new: Span::NONE };

    /// Everything from these lines on.
    pub(crate) fn from(old: u64, new: u64) -> Stretch {
        let from = |start| Span { start, ..Span::default() };
        Stretch { old: from(old), new: from(new) }
    }
}

#[cfg(any(test, feature = "fuzzing"))]
impl Stretch {
    /// True if two manifests have the same lines outside of this.
    pub(crate) fn is_all_of(self, old: &[u8], new: &[u8]) -> bool {
        let parts = |text: &[u8], span: Span| {
            let [start, end] = [span.start, span.end]
                .map(|at| usize::try_from(at).map_or(text.len(), |at| at.min(text.len())));
            (text[..start].to_vec(), text[end..].to_vec())
        };
        parts(old, self.old) == parts(new, self.new)
    }
}

impl Default for Span {
    fn default() -> Span {
        Span { start: 0, end: u64::MAX }
    }
}

impl Span {
    /// No line.
    pub(crate) const NONE: Span = Span { start: 0, end: 0 };
}
