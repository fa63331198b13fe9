//! Which pack is worth its bytes: a pure function of sizes that are known in advance.

use crate::tree::pack::PackName;
use crate::update::Extent;

/// What a request costs, in bytes: its headers, and its share of a round trip of 100 ms on
/// a line of 2 Mbit/s with six requests under way.
const REQUEST_COST_BYTES: u64 = 4096;

/// A pack that the head offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::update) struct Offer {
    pub(super) name: PackName,
    pub(super) len_bytes: u64,
    /// What is still to be fetched of it, in bytes.
    pub(super) left_bytes: u64,
}

impl Offer {
    /// What it costs to get it, in bytes.
    fn cost(&self) -> u64 {
        if self.left_bytes == 0 { 0 } else { self.left_bytes + REQUEST_COST_BYTES }
    }
}

/// The offers that lead from here to the manifest that the head names.
#[derive(Default)]
pub(super) struct Offers {
    pub(super) delta: Option<Offer>,
    pub(super) bundle: Option<Offer>,
}

/// Whether anything is held that need not be fetched again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holding {
    Something,
    Nothing,
}

impl Offers {
    /// The pack to begin with while the manifest, of `manifest_bytes` bytes, is not known;
    /// `None` to fetch that first.
    pub(super) fn first(
        self,
        manifest_bytes: u64,
        holding: Holding,
        extent: Extent,
    ) -> Option<Offer> {
        match (self.delta, self.bundle, extent) {
            // Of a plan only the manifest is needed.
            (delta, _, Extent::PlanOnly) => {
                delta.filter(|delta| delta.left_bytes <= manifest_bytes)
            }
            (Some(delta), bundle, Extent::Whole) => {
                Some(bundle.filter(|bundle| bundle.cost() < delta.cost()).unwrap_or(delta))
            }
            // Who holds something learns from the manifest what is missing, unless even
            // that is larger than everything.
            (None, bundle, Extent::Whole) => bundle
                .filter(|bundle| holding == Holding::Nothing || bundle.left_bytes < manifest_bytes),
        }
    }

    /// The pack that costs less than fetching `missing` files of `missing_bytes` bytes
    /// together.
    pub(super) fn instead_of(self, missing: u64, missing_bytes: u64) -> Option<Offer> {
        let plain = missing_bytes.saturating_add(missing.saturating_mul(REQUEST_COST_BYTES));
        let offers = self.delta.into_iter().chain(self.bundle);
        offers.filter(|offer| offer.cost() < plain).min_by_key(Offer::cost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;

    const MANIFEST_BYTES: u64 = 14_000;

    fn offer(base: Option<&str>, left_bytes: u64) -> Option<Offer> {
        let name = PackName::new(base.map(str::to_owned), Digest::of(b""));
        Some(Offer { name, len_bytes: left_bytes, left_bytes })
    }

    fn delta(left_bytes: u64) -> Option<Offer> {
        offer(Some("0123456789ab"), left_bytes)
    }

    fn bundle(left_bytes: u64) -> Option<Offer> {
        offer(None, left_bytes)
    }

    #[test]
    fn the_first_request_after_the_head_is_the_one_that_leads_furthest() {
        use Extent::{PlanOnly, Whole};
        use Holding::{Nothing, Something};
        for (offers, holding, extent, expected) in [
            ((delta(400), bundle(39_000)), Something, Whole, delta(400)),
            ((delta(40_000), bundle(39_000)), Something, Whole, bundle(39_000)),
            ((None, bundle(39_000)), Nothing, Whole, bundle(39_000)),
            ((None, bundle(39_000)), Something, Whole, None),
            ((None, bundle(9_000)), Something, Whole, bundle(9_000)),
            ((None, None), Nothing, Whole, None),
            ((delta(400), bundle(39_000)), Something, PlanOnly, delta(400)),
            ((delta(20_000), bundle(39_000)), Something, PlanOnly, None),
            ((None, bundle(9_000)), Nothing, PlanOnly, None),
        ] {
            let label = format!("{offers:?} {holding:?} {extent:?}");
            let offers = Offers { delta: offers.0, bundle: offers.1 };
            assert_eq!(offers.first(MANIFEST_BYTES, holding, extent), expected, "{label}");
        }
    }

    #[test]
    fn a_pack_is_taken_where_it_costs_less_than_the_files() {
        let offers = || Offers { delta: delta(3_000), bundle: bundle(39_000) };
        for (missing, missing_bytes, expected) in
            [(0, 0, None), (1, 2_000, None), (2, 4_000, delta(3_000)), (20, 40_000, delta(3_000))]
        {
            assert_eq!(offers().instead_of(missing, missing_bytes), expected, "{missing}");
        }
        let only_bundle = || Offers { delta: None, bundle: bundle(39_000) };
        assert_eq!(only_bundle().instead_of(5, 10_000), None);
        assert_eq!(only_bundle().instead_of(20, 40_000), bundle(39_000));
        // What is on the disk already costs nothing.
        let spooled = Offers { delta: None, bundle: bundle(0) };
        assert_eq!(spooled.instead_of(1, 10), bundle(0));
    }
}
