//! Loses power at each changing file operation of an update in turn. Whatever part of the unsynced
//! data survives, a reader sees the old catalog or the new one, and the next update succeeds.

use super::*;
use crate::testing::{Disk, Survives};

fn crash_at_each_operation(tree: Tree) {
    disturb_each_operation(tree, crash_at_operation);
}

/// Returns false if there are fewer than `n` operations.
fn crash_at_operation(n: usize, world: &World, update: &str) -> bool {
    let tree = world.tree;
    let (old, new) = (world.seen(), world.published());
    let disk = Disk::new(world.dir.path(), n);
    let result = world.bring(Updater::new(&world.store()).files(&disk));
    for survives in Survives::ALL {
        let label = format!("{update} of {tree:?}, operation {n}, {survives:?}");
        let dir = scratch();
        disk.restore(survives, dir.path());
        let after = World::of(dir, tree);
        let seen = after.seen();
        if !disk.has_failed() {
            assert!(seen == new, "{label}: what was reported is lost");
        }
        assert!(seen == old || seen == new, "{label}: a mix is seen");
        after.assert_next_update_brings(&new, &label);
    }
    if !disk.has_failed() {
        result.unwrap();
    }
    disk.has_failed()
}

#[test]
fn an_update_by_pack_survives_the_loss_of_power_at_any_operation() {
    crash_at_each_operation(Tree::Packed);
}

#[test]
fn an_update_file_by_file_survives_the_loss_of_power_at_any_operation() {
    crash_at_each_operation(Tree::Plain);
}

#[test]
fn an_import_survives_the_loss_of_power_at_any_operation() {
    crash_at_each_operation(Tree::Bundle);
}

#[test]
fn an_update_of_a_v1_tree_survives_the_loss_of_power_at_any_operation() {
    crash_at_each_operation(Tree::V1);
}
