//! Limits on untrusted input and on time, each with its reason.

use std::time::Duration;

/// Largest head: 4,600 bytes as published leave room for many signatures and packs.
pub const MAX_HEAD_BYTES: u64 = 16 * 1024;

/// Largest key list: 32 keys in each role and their signatures.
pub const MAX_KEY_LIST_BYTES: u64 = 16 * 1024;

/// Most keys of a role in a key list: nobody can look after more.
pub const MAX_ROLE_KEYS: usize = 32;

/// Most key lists that one update follows: five years of a new one each month.
pub const MAX_KEY_LISTS_AT_ONCE: u64 = 64;

/// Most key lists that a client remembers: ten years of one every three days.
pub(crate) const MAX_KEY_LISTS: usize = 1024;

/// Largest manifest: 2,000,000 entries of about 300 bytes.
pub const MAX_MANIFEST_BYTES: u64 = 640 * 1024 * 1024;

/// Most entries of a manifest: twice the largest catalog that was measured.
pub const MAX_ENTRIES: usize = 2_000_000;

/// Largest list of a v1 tree, and largest manifest that is not in canonical form: a client has
/// all of it in memory.
pub const MAX_LIST_BYTES: u64 = 64 * 1024 * 1024;

/// Most rows of a list of a v1 tree, and most entries of a manifest that is not in canonical form:
/// a client has all of them in memory.
pub const MAX_LIST_ENTRIES: usize = 200_000;

/// Largest patch between two manifests, in bytes: a client has all of it in memory.
pub(crate) const MAX_PATCH_BYTES: u64 = MAX_LIST_BYTES;

/// Most rows of a patch: one for each entry of two lists.
pub(crate) const MAX_PATCH_ROWS: usize = 2 * MAX_LIST_ENTRIES;

/// Longest text of an entry in a manifest, in bytes: room for the most names. A client has a few
/// copies of it in memory for a moment.
pub const MAX_ROW_BYTES: u64 = 1024 * 1024;

/// Longest id of an entry and name of a definition, in bytes: a short text for people.
pub const MAX_NAME_BYTES: usize = 1024;

/// Most names of definitions in an entry: a file of the largest size with the smallest real
/// definitions has as many. Many short names would cost more memory than their text.
pub const MAX_NAMES: usize = 16_384;

/// Most former names of a definition: a name that was replaced more often is not found again.
pub const MAX_FORMER_NAMES: usize = 16;

/// Most names of definitions in a manifest: two per entry of the largest one.
pub const MAX_ALL_NAMES: usize = 2 * MAX_ENTRIES;

/// Most former names in a manifest that a client remembers: renames are rare.
pub(crate) const MAX_ALL_FORMER_NAMES: usize = 400_000;

/// Largest file whose entry has no size: real definitions have 1 to 30 KB.
pub const MAX_UNSIZED_FILE_BYTES: u64 = 1024 * 1024;

/// Largest file, regardless of its entry: one file must fit in memory on a small machine.
pub const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Largest pack: the compressed size of 2,000,000 real definitions.
pub const MAX_PACK_BYTES: u64 = 1024 * 1024 * 1024;

/// Most redirects of one request: scheme, host and path may each change once, with some reserve.
pub const MAX_REDIRECTS: usize = 5;

/// Longest wait for a connection: after this a user prefers an error.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest silence on an open connection: even slow lines transfer something in this time.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest wait for the headers of a response while another mirror can be asked instead, so that a
/// silent mirror costs little. Six responses of 300 bytes take 2 s on a line of 1 KB/s. If no mirror
/// responds in time, each is asked again, with [`STALL_TIMEOUT`].
pub const MIRROR_TIMEOUT: Duration = Duration::from_secs(3);

/// Minimum rate of a response, in bytes per second over [`RATE_WINDOW`]: six responses at this rate
/// still fit a line of 1 KB/s.
pub const MIN_RATE_BYTES_PER_S: u64 = 100;

/// Time over which the rate of a response is measured: longer than a hiccup of a mobile line.
pub const RATE_WINDOW: Duration = Duration::from_secs(8);

/// Default time limit of an update.
pub const UPDATE_TIMEOUT: Duration = Duration::from_secs(300);

/// Largest time limit of any kind: a year, which every clock can add.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(366 * 24 * 3600);

/// Retries of a request before the next mirror is asked or the entry fails.
pub const MAX_RETRIES: u32 = 3;

/// Most failures of a mirror that may be an outage. After that, the rest of the update asks it only
/// if no other mirror answers.
pub(crate) const MAX_MIRROR_FAILURES: u32 = 3;

/// Most concurrent requests: as many as browsers send to one host.
pub const MAX_CONNECTIONS: usize = 6;

/// Most sources updated concurrently: each may have a manifest in memory and
/// [`MAX_CONNECTIONS`] open.
pub const MAX_SOURCES_AT_ONCE: usize = 4;

/// Delay before the first retry; doubles with each further one.
pub(crate) const FIRST_RETRY_DELAY: Duration = Duration::from_millis(250);

/// Longest accepted `Retry-After`; a longer one counts as a failure.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Most times the head is fetched again because the tree changed during an update.
pub(crate) const MAX_HEAD_REFETCHES: usize = 2;

/// Deepest nesting of the value of an extra field in a manifest entry.
pub(crate) const MAX_JSON_DEPTH: usize = 32;
