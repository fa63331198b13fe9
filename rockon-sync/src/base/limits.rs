//! How much is accepted from outside, and how long it may take: each number with its reason.

use std::time::Duration;

/// Largest head: 1,200 bytes as published leave room for many signatures and packs.
pub const MAX_HEAD_BYTES: u64 = 16 * 1024;

/// Largest manifest: 200,000 entries of about 300 bytes.
pub const MAX_MANIFEST_BYTES: u64 = 64 * 1024 * 1024;

/// Most entries of a manifest: twice the largest directory that is planned for.
pub const MAX_ENTRIES: usize = 200_000;

/// Most names of definitions that an entry may give: what a file of the largest size has, if each
/// is as small as the smallest real ones. Empty strings would cost more memory than text.
pub const MAX_NAMES: usize = 16_384;

/// Largest file whose entry gives no size: real definitions have 1 to 30 KB.
pub const MAX_UNSIZED_FILE_BYTES: u64 = 1024 * 1024;

/// Largest file whatever its entry says: one file must fit in memory on a small machine.
pub const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Largest pack: ten times what 200,000 entries of real size compress to.
pub const MAX_PACK_BYTES: u64 = 256 * 1024 * 1024;

/// Most redirects followed for one request: scheme, host and path may each change once, and then some.
pub const MAX_REDIRECTS: usize = 5;

/// Longest wait for a connection: beyond this a user would rather hear of it.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest silence on an open connection: slow lines are slow, but they do move.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Slowest response, in bytes per second over [`RATE_WINDOW`]: six of them still fit a line of
/// 1 KB/s.
pub const MIN_RATE_BYTES_PER_S: u64 = 100;

/// Time over which the rate of a response is measured: longer than a hiccup of a mobile line.
pub const RATE_WINDOW: Duration = Duration::from_secs(8);

/// Longest update unless told otherwise.
pub const UPDATE_TIMEOUT: Duration = Duration::from_secs(300);

/// Longest time limit of any kind: a year, which every clock can add.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(366 * 24 * 3600);

/// How often a request is tried again before the next mirror is asked, or the entry fails.
pub const MAX_RETRIES: u32 = 3;

/// How many failures that may be an outage a mirror is allowed before it is left alone for the rest
/// of an update, as long as another one answers.
pub(crate) const MAX_MIRROR_FAILURES: u32 = 3;

/// Requests under way at once: what browsers open to one host.
pub const MAX_CONNECTIONS: usize = 6;

/// Sources updated at once: each of them may hold a manifest in memory and open
/// [`MAX_CONNECTIONS`].
pub const MAX_SOURCES_AT_ONCE: usize = 4;

/// Wait before the first retry; it doubles with each further one.
pub(crate) const FIRST_RETRY_DELAY: Duration = Duration::from_millis(250);

/// Longest wait that a server may ask for with `Retry-After` before the attempt counts as failed.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// How often the head is asked for again when the tree moved on during an update.
pub(crate) const MAX_HEAD_REFETCHES: usize = 2;

/// Deepest nesting of a further field's value in a manifest entry.
pub(crate) const MAX_JSON_DEPTH: usize = 32;
