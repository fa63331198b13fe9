//! Chooses the pack that is worth its bytes. Pure: decides by sizes that are known in advance.

use crate::tree::pack::PackName;
use crate::update::session::Extent;

/// The cost of a request, in bytes: its headers, and its share of a round trip of 100 ms on a line
/// of 2 Mbit/s with six requests under way.
const REQUEST_COST_BYTES: u64 = 4096;

/// A pack that the head offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) name: PackName,
    pub(super) len_bytes: u64,
    /// The bytes that are not in staging yet.
    pub(super) left_bytes: u64,
    /// True if an earlier update has left some of it in staging.
    pub(super) is_resumed: bool,
}

impl Offer {
    /// The cost of getting it, in bytes.
    fn cost(&self) -> u64 {
        if self.left_bytes == 0 { 0 } else { self.left_bytes + REQUEST_COST_BYTES }
    }

    fn is_delta(&self) -> bool {
        self.name.base.is_some()
    }
}

/// States if some local files can be reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holding {
    Something,
    Nothing,
}

/// Chooses the pack to begin with while the manifest, of `manifest_bytes` bytes, is not known;
/// `None` to fetch that first.
pub(super) fn choose_first(
    offers: &[Offer],
    manifest_bytes: u64,
    holding: Holding,
    extent: Extent,
) -> Option<&Offer> {
    let delta = offers.iter().find(|offer| offer.is_delta());
    let bundle = offers.iter().find(|offer| !offer.is_delta());
    match (delta, bundle, extent) {
        // A plan needs nothing but the manifest.
        (delta, bundle, Extent::PlanOnly) => {
            let is_here = |bundle: &&Offer| bundle.left_bytes == 0;
            delta.filter(|delta| delta.left_bytes <= manifest_bytes).or(bundle.filter(is_here))
        }
        (Some(delta), bundle, Extent::Whole) => {
            Some(bundle.filter(|bundle| bundle.cost() < delta.cost()).unwrap_or(delta))
        }
        // With local files, the manifest tells what is missing, unless even that is larger than
        // everything.
        (None, bundle, Extent::Whole) => bundle
            .filter(|bundle| holding == Holding::Nothing || bundle.left_bytes < manifest_bytes),
    }
}

/// The size of the files that are missing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Size {
    files: u64,
    bytes: u64,
}

impl Size {
    /// Adds a file.
    pub(super) fn add(&mut self, len_bytes: u64) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(len_bytes);
    }
}

/// Chooses the pack that costs less than fetching the missing files one by one, which one in
/// staging always does.
pub(super) fn choose_instead_of_files(offers: &[Offer], missing: Size) -> Option<&Offer> {
    let plain = missing.bytes.saturating_add(missing.files.saturating_mul(REQUEST_COST_BYTES));
    let is_cheap = |offer: &&Offer| offer.left_bytes == 0 || offer.cost() < plain;
    offers.iter().filter(is_cheap).min_by_key(|offer| offer.cost())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;

    const MANIFEST_BYTES: u64 = 14_000;

    fn offer(base: Option<&str>, left_bytes: u64) -> Offer {
        let name = PackName::new(base.map(str::to_owned), Digest::of(b""));
        Offer { name, len_bytes: left_bytes, left_bytes, is_resumed: false }
    }

    fn delta(left_bytes: u64) -> Offer {
        offer(Some("0123456789ab"), left_bytes)
    }

    fn bundle(left_bytes: u64) -> Offer {
        offer(None, left_bytes)
    }

    #[test]
    fn the_first_request_after_the_head_is_the_one_that_leads_furthest() {
        use Extent::{PlanOnly, Whole};
        use Holding::{Nothing, Something};
        for (offers, holding, extent, expected) in [
            (vec![delta(400), bundle(39_000)], Something, Whole, Some(delta(400))),
            (vec![delta(40_000), bundle(39_000)], Something, Whole, Some(bundle(39_000))),
            (vec![bundle(39_000)], Nothing, Whole, Some(bundle(39_000))),
            (vec![bundle(39_000)], Something, Whole, None),
            (vec![bundle(9_000)], Something, Whole, Some(bundle(9_000))),
            (vec![], Nothing, Whole, None),
            (vec![delta(400), bundle(39_000)], Something, PlanOnly, Some(delta(400))),
            (vec![delta(20_000), bundle(39_000)], Something, PlanOnly, None),
            (vec![bundle(9_000)], Nothing, PlanOnly, None),
        ] {
            let label = format!("{offers:?} {holding:?} {extent:?}");
            let chosen = choose_first(&offers, MANIFEST_BYTES, holding, extent);
            assert_eq!(chosen, expected.as_ref(), "{label}");
        }
    }

    #[test]
    fn a_pack_is_taken_where_it_costs_less_than_the_files() {
        let offers = [delta(3_000), bundle(39_000)];
        for (missing, missing_bytes, expected) in [
            (0, 0, None),
            (1, 2_000, None),
            (2, 4_000, Some(delta(3_000))),
            (20, 40_000, Some(delta(3_000))),
        ] {
            let chosen =
                choose_instead_of_files(&offers, Size { files: missing, bytes: missing_bytes });
            assert_eq!(chosen, expected.as_ref(), "{missing}");
        }
        let only_bundle = &[bundle(39_000)][..];
        let choose = |offers, files, bytes| choose_instead_of_files(offers, Size { files, bytes });
        assert_eq!(choose(only_bundle, 5, 10_000), None);
        assert_eq!(choose(only_bundle, 20, 40_000), Some(&bundle(39_000)));
        // Bytes that are in staging cost nothing.
        let there = &[bundle(0)][..];
        assert_eq!(choose(there, 1, 10), Some(&bundle(0)));
    }
}
