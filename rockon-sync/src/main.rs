//! The command `rockon-sync`.
fn main() {}
