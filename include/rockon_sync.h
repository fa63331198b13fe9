/* rockon_sync.h - keeps a local copy of a published catalog up to date.
 *
 * A source is a named catalog, served by one or more mirrors. A store is a directory with local
 * copies of sources. An update requests one small file to find out if anything has changed, and
 * fetches only the changes. The catalog has the definitions of all sources; changes are the deletes,
 * renames and upserts that bring an application up to date with it.
 *
 *     rockon_sync_source source = ROCKON_SYNC_SOURCE_INIT;
 *     rockon_sync_store *store = NULL;
 *     rockon_sync_report *report = NULL;
 *     rockon_sync_catalog *catalog = NULL;
 *     rockon_sync_error *error = NULL;
 *     source.url = "https://example.org/rockons/v2/";
 *     if (rockon_sync_store_open("/var/lib/rockons", &store, &error) ||
 *         rockon_sync_store_update(store, &source, NULL, &report, &error) ||
 *         rockon_sync_store_catalog(store, NULL, &catalog, &error)) {
 *         fprintf(stderr, "%s\n", error->message);
 *     } else {
 *         for (size_t i = 0; i < catalog->definition_count; i++)
 *             puts(catalog->definitions[i]->name);
 *     }
 *     rockon_sync_error_free(error);
 *     rockon_sync_catalog_free(catalog);
 *     rockon_sync_report_free(report);
 *     rockon_sync_store_free(store);
 *
 * Index
 *
 *     Version: abi_version, version
 *     Status: status_name
 *     Array of strings: struct
 *     Errors and problems: error_free
 *     Store: store_open, store_free
 *     Source: struct
 *     Cancel token: cancel_token_new, cancel_token_cancel, cancel_token_is_canceled,
 *         cancel_token_free
 *     Report of an update: report_free, update_results_free
 *     Update: store_update, store_check, store_import, store_update_all
 *     Catalog: store_catalog, catalog_free, catalog_find, definition_read, content_free
 *     Changes for an application: catalog_changes_since, changes_free
 *     Status and verification of a store: store_status, status_list_free, store_verify,
 *         verification_free
 *     Suitability for a machine: definition_mismatches, mismatches_free
 *     Installation: catalog_installation, installation_free
 *     Updates of extensions: catalog_updates_for, extension_updates_free
 *     Publisher and keys: publish, publish_report_free, keygen
 *     Log: log_set
 *
 * Status    Functions that can fail return ROCKON_SYNC_STATUS_OK, which is 0, or another status.
 *           Their outputs come last, written only on success. The last argument is the error,
 *           written only on failure; it may be NULL. Comments name a status without its prefix. Any
 *           function can fail with ARGUMENT.
 *
 * Results   Read-only structs. Arrays are arrays of pointers, with a count; an empty one may be
 *           NULL. Each result is freed once, with its own _free function, with all that it points
 *           to; NULL is a no-op. Later versions may append fields: do not copy or allocate them.
 *
 * Inputs    Options, sources and targets are structs of the caller that start with their own size.
 *           Start with their _INIT, then set what differs from the defaults, which are zero and
 *           NULL. NULL options are the defaults. A program works with newer libraries, and with
 *           older ones if it does not set newer fields. Nothing is kept of an input after the
 *           call, except where stated.
 *
 * Values    Strings are NUL-terminated UTF-8, also paths. In a name from outside, U+0000 is shown
 *           as U+FFFD. Digests have 64 hexadecimal digits. Fields that end in _unix_s are seconds
 *           since 1970-01-01T00:00:00Z, those that end in _ms are milliseconds.
 *
 * Threads   Functions, handles and results may be used by any number of threads at a time.
 *
 * Processes After fork() without exec, a child must neither use nor free handles and results.
 *
 * The library has no global state except the log callback. It catches its own bugs and returns them
 * as ROCKON_SYNC_STATUS_INTERNAL. */

#ifndef ROCKON_SYNC_H
#define ROCKON_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Version ----------------------------------------------------------------------------- */
// The version of the interface that this header describes. It grows with every addition. If
// something is removed, the SONAME changes.
#define ROCKON_SYNC_ABI_VERSION 7

// Returns the interface version of the loaded library. A program compiled with a newer header than
// the library must not call newer functions.
uint32_t rockon_sync_abi_version(void);

// Returns the version of the library as text, such as "0.2.0". Static: do not free.
const char *rockon_sync_version(void);

/* Status ------------------------------------------------------------------------------ */
// The result of a function that can fail. Later versions may add values.
typedef enum {
    ROCKON_SYNC_STATUS_OK = 0, // Success.
    ROCKON_SYNC_STATUS_ARGUMENT = 1, // An argument is NULL, not UTF-8, or malformed.
    ROCKON_SYNC_STATUS_TRANSPORT = 2, // No complete response was received.
    ROCKON_SYNC_STATUS_STATUS = 3, // The server responded with an unexpected status.
    ROCKON_SYNC_STATUS_TIMEOUT = 4, // The time limit of the update was exceeded.
    ROCKON_SYNC_STATUS_CANCELED = 5, // A token or a callback canceled.
    ROCKON_SYNC_STATUS_HEAD = 6, // The head (root.sha) is invalid.
    ROCKON_SYNC_STATUS_MANIFEST = 7, // The manifest (root.json) is invalid.
    ROCKON_SYNC_STATUS_DEFINITION = 8, // A definition file is invalid in its format.
    ROCKON_SYNC_STATUS_LIMIT = 9, // Something is larger or longer than this library accepts.
    ROCKON_SYNC_STATUS_INTEGRITY = 10, // The bytes of a file do not match its digest.
    ROCKON_SYNC_STATUS_TRUST = 11, // The head lacks a trusted signature; or v1 after v2.
    ROCKON_SYNC_STATUS_EXPIRED = 13, // The head has expired, and require_fresh is set.
    ROCKON_SYNC_STATUS_MASS_DELETE = 14, // More than half of the catalog would be deleted.
    ROCKON_SYNC_STATUS_LOCKED = 15, // Another writer uses the same source or tree.
    ROCKON_SYNC_STATUS_STORE = 16, // Reading or writing the store or the published tree failed.
    ROCKON_SYNC_STATUS_CATALOG = 17, // The catalog directory has problems; nothing was published.
    ROCKON_SYNC_STATUS_NOT_FOUND = 18, // No object has this name.
    ROCKON_SYNC_STATUS_INTERNAL = 1000, // A bug in this library. Free the handles involved.
} rockon_sync_status;

// Returns the stable name of a status, as in the JSON reports of the command: "mass-delete", "ok",
// "internal"; "unknown" for an invalid status. Static: do not free.
const char *rockon_sync_status_name(rockon_sync_status status);

/* Array of strings -------------------------------------------------------------------- */
// An array of strings.
typedef struct rockon_sync_strings {
    const char *const *items;
    size_t count;
} rockon_sync_strings;

/* Errors and problems ----------------------------------------------------------------- */
// The severity of a problem.
typedef enum {
    ROCKON_SYNC_SEVERITY_ERROR = 1, // Prevents publishing.
    ROCKON_SYNC_SEVERITY_WARNING = 2, // Does not prevent publishing, but should be looked at.
} rockon_sync_severity;

// A problem of a catalog directory, with its location.
typedef struct rockon_sync_problem {
    rockon_sync_severity severity;
    const char *file; // The file, relative to the catalog directory.
    uint32_t line; // From 1; 0 if the problem concerns the whole file.
    uint32_t column; // In characters, from 1; 0 as above.
    const char *message; // The message: expected and got.
} rockon_sync_problem;

// The cause of a failure. Its URLs have neither credentials nor the values of their query.
typedef struct rockon_sync_error {
    rockon_sync_status status;
    const char *message; // The message with its causes, on one line.
    const char *url; // The URL concerned, or NULL.
    const char *path; // The local path concerned, or NULL.
    bool is_retryable; // True if the same call may succeed later without any change.
    const rockon_sync_problem *const *problems; // Those of the catalog directory.
    size_t problem_count;
} rockon_sync_error;

void rockon_sync_error_free(rockon_sync_error *error);

/* Store ------------------------------------------------------------------------------- */
// A directory with the local copies of one or more sources. Several handles and processes may use
// the same directory. Readers need no lock. Of two updates of the same source, the second waits for
// the lock timeout, then fails with LOCKED.
typedef struct rockon_sync_store rockon_sync_store;

// Opens the store in a directory. Reads and creates nothing: an update creates missing files.
rockon_sync_status rockon_sync_store_open(const char *dir, rockon_sync_store **store,
    rockon_sync_error **error);

// Results that came from the store stay usable.
void rockon_sync_store_free(rockon_sync_store *store);

/* Source ------------------------------------------------------------------------------ */
// A named catalog, the mirrors that serve it, and what is needed to use them. Start with
// ROCKON_SYNC_SOURCE_INIT. Functions copy what they need before they return or call back.
// Credentials are sent only to the hosts of the mirrors, and never appear in messages or files.
typedef struct rockon_sync_source {
    size_t struct_size; // sizeof(rockon_sync_source).
    // The name, also that of the source's directory in the store: lower-case letters, digits, '-',
    // '_' and '.', at most 64 bytes. NULL for "rockstor".
    const char *name;
    // The first mirror: an http, https or file URL, or the path of a directory. If it ends in
    // ".sha", it is the head itself.
    const char *url;
    const char *const *mirrors; // Further mirrors, which are asked if earlier ones fail.
    size_t mirror_count;
    // Public keys. At least one must have signed the head, whichever mirror it comes from. An
    // update that accepts such a head stores the keys, in place of earlier ones. Without keys, the
    // stored ones apply.
    const char *const *trusted_keys;
    size_t trusted_key_count;
    uint64_t timeout_ms; // The time limit for updates of this source; 0 for that of the update.
    const char *token; // A token for the query of every request, or NULL.
    const char *token_name; // The name of the token in the query; NULL for "token".
    const char *user; // The user name and password of HTTP authentication, or NULL.
    const char *password;
    const char *const *headers; // Further request headers, each as "Name: value".
    size_t header_count;
} rockon_sync_source;
#define ROCKON_SYNC_SOURCE_INIT \
    { sizeof(rockon_sync_source), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/* Cancel token ------------------------------------------------------------------------ */
// Stops updates from another thread, but not from a signal handler. A token stays canceled.
typedef struct rockon_sync_cancel_token rockon_sync_cancel_token;

// Returns a new token; free it with rockon_sync_cancel_token_free().
rockon_sync_cancel_token *rockon_sync_cancel_token_new(void);

// Stops the calls that use this token: within a second, also while a server is silent, they fail
// with CANCELED and leave the store unchanged. May be called any number of times. NULL is a no-op.
void rockon_sync_cancel_token_cancel(const rockon_sync_cancel_token *token);

// Returns true if the token was canceled; false for NULL.
bool rockon_sync_cancel_token_is_canceled(const rockon_sync_cancel_token *token);

// Frees a token. NULL is a no-op. No running call may use it any more.
void rockon_sync_cancel_token_free(rockon_sync_cancel_token *token);

/* Report of an update ----------------------------------------------------------------- */
// The outcome of an update.
typedef enum {
    ROCKON_SYNC_OUTCOME_UNCHANGED = 1, // The local copy was up to date.
    ROCKON_SYNC_OUTCOME_UPDATED = 2, // There is a new generation.
    ROCKON_SYNC_OUTCOME_PARTIAL = 3, // Some entries failed and keep their previous state.
    ROCKON_SYNC_OUTCOME_STALE = 4, // The head is older or conflicting; nothing has changed.
} rockon_sync_outcome;

// An entry that could not be updated.
typedef struct rockon_sync_failed_entry {
    const char *id;
    rockon_sync_status status;
    const char *message;
} rockon_sync_failed_entry;

// The result of an update, or of a check.
typedef struct rockon_sync_report {
    rockon_sync_outcome outcome;
    const char *source; // The name of the source.
    uint64_t serial; // The serial of the current head; 0 without one (v1).
    const char *manifest; // The digest of the current manifest (v1: of root.json), or NULL.
    uint64_t requests; // Requests, including redirects and retries.
    uint64_t bytes_received; // Body bytes received, before decompression.
    uint64_t duration_ms;
    rockon_sync_strings added; // Ids of new entries.
    rockon_sync_strings changed; // Ids of changed entries.
    rockon_sync_strings removed; // Ids of removed entries.
    rockon_sync_strings healed; // Ids of entries whose damaged local files are intact again.
    const rockon_sync_failed_entry *const *failed; // The next update tries these again.
    size_t failed_count;
    rockon_sync_strings warnings; // Sentences: skipped mirrors and packs, expired heads, ...
} rockon_sync_report;

// The result of one source: either report or error is not NULL.
typedef struct rockon_sync_update_result {
    const char *source; // The name of the source.
    const rockon_sync_report *report;
    const rockon_sync_error *error;
} rockon_sync_update_result;

// The results of updating several sources, highest priority first.
typedef struct rockon_sync_update_results {
    const rockon_sync_update_result *const *results;
    size_t result_count;
} rockon_sync_update_results;

void rockon_sync_report_free(rockon_sync_report *report);
void rockon_sync_update_results_free(rockon_sync_update_results *results);

/* Update ------------------------------------------------------------------------------ */
// bytes_total of a source that has no sizes (v1).
#define ROCKON_SYNC_BYTES_UNKNOWN UINT64_MAX

// The share of the local data that an update checks.
typedef enum {
    ROCKON_SYNC_MODE_QUICK = 0, // Sizes and times of files. The default.
    ROCKON_SYNC_MODE_VERIFY = 1, // Digests: damaged files are fetched again.
    ROCKON_SYNC_MODE_FULL = 2, // Nothing: every file is fetched again.
} rockon_sync_mode;

// The phase of an update.
typedef enum {
    ROCKON_SYNC_PHASE_CHECKING = 1, // Requesting the head and the manifest.
    ROCKON_SYNC_PHASE_FETCHING = 2, // Fetching missing files.
    ROCKON_SYNC_PHASE_COMMITTING = 3, // Building and committing the new generation.
} rockon_sync_phase;

// The progress of an update. Totals are known in phase FETCHING and later.
typedef struct rockon_sync_progress {
    const char *source; // The name of the source.
    rockon_sync_phase phase;
    uint64_t files_done;
    uint64_t files_total; // 0 while unknown, as during the download of a pack.
    uint64_t bytes_done;
    uint64_t bytes_total; // Or ROCKON_SYNC_BYTES_UNKNOWN.
} rockon_sync_progress;

// Receives the progress of an update: at every change of phase, at most ten times a second in
// between, and once at the end. If it returns anything but 0, the update is canceled, as by
// rockon_sync_cancel_token_cancel(), and the callback is not called again. After the commit that
// has no effect. It is called on the thread that called the update, with a progress that is valid
// during the call, and must return: no longjmp(), no C++ exceptions.
typedef int32_t (*rockon_sync_progress_callback)(const rockon_sync_progress *progress,
    void *user_data);

// Options for an update. Start with ROCKON_SYNC_UPDATE_OPTIONS_INIT.
typedef struct rockon_sync_update_options {
    size_t struct_size; // sizeof(rockon_sync_update_options).
    uint64_t timeout_ms; // The time limit of the update; 0 for 5 minutes.
    uint64_t lock_timeout_ms; // The longest wait for another writer; 0 to fail at once.
    rockon_sync_mode mode;
    bool allow_mass_delete; // Accept a head with less than half of the current entries.
    bool allow_rollback; // Accept a head that is older than the current one.
    bool require_fresh; // Refuse an expired head, instead of a warning.
    const rockon_sync_cancel_token *cancel; // Lives until the update has returned, or NULL.
    rockon_sync_progress_callback progress; // Receives the progress, or NULL.
    void *user_data; // Passed to progress unchanged.
} rockon_sync_update_options;
#define ROCKON_SYNC_UPDATE_OPTIONS_INIT \
    { sizeof(rockon_sync_update_options), 0, 0, ROCKON_SYNC_MODE_QUICK, 0, 0, 0, 0, 0, 0 }

// Updates the store from a source.
// If entries could not be fetched, the outcome is PARTIAL. Fails with any status but CATALOG and
// NOT_FOUND. The store then stays unchanged, and the next update reuses the verified files.
rockon_sync_status rockon_sync_store_update(const rockon_sync_store *store,
    const rockon_sync_source *source, const rockon_sync_update_options *options,
    rockon_sync_report **report, rockon_sync_error **error);

// Reports what an update would do, without doing it; of a v1 source, no changed entries.
rockon_sync_status rockon_sync_store_check(const rockon_sync_store *store,
    const rockon_sync_source *source, const rockon_sync_update_options *options,
    rockon_sync_report **report, rockon_sync_error **error);

// Updates the store from a bundle, packs/empty-*.tar.zst of a published tree, without a network.
// The head is read from root.sha beside the bundle, or in its tree.
// source: only its name and its trusted keys are used; its url is required, but not asked.
// bundle: the path of the bundle.
// Other arguments: as for rockon_sync_store_update(). A bundle that is older than the current
//   state is not an error: the outcome is then ROCKON_SYNC_OUTCOME_STALE.
// Fails with NOT_FOUND if there is no such file, INTEGRITY if it is not a complete bundle, TRUST
// if there are trusted keys but no signed head, and like rockon_sync_store_update().
rockon_sync_status rockon_sync_store_import(const rockon_sync_store *store,
    const rockon_sync_source *source, const char *bundle, const rockon_sync_update_options *options,
    rockon_sync_report **report, rockon_sync_error **error);

// Updates the store from several sources at a time, each with a result of its own.
// sources: the sources, highest priority first. NULL with a count of 0 for those in sources.toml
//   or, without one, those of the last update.
// Fails with ARGUMENT, also if sources.toml is invalid, NOT_FOUND if there are no sources, STORE.
rockon_sync_status rockon_sync_store_update_all(const rockon_sync_store *store,
    const rockon_sync_source *const *sources, size_t source_count,
    const rockon_sync_update_options *options, rockon_sync_update_results **results,
    rockon_sync_error **error);

/* Catalog ----------------------------------------------------------------------------- */
// Options for reading a catalog. Start with ROCKON_SYNC_CATALOG_OPTIONS_INIT.
typedef struct rockon_sync_catalog_options {
    size_t struct_size; // sizeof(rockon_sync_catalog_options).
    const char *local_dir; // The directory of local definitions; NULL for "local" in the store.
    // The names of the sources, lowest priority first. NULL with a count of 0 for all sources of
    // the store, in the order of sources.toml or, without one, of the last update.
    const char *const *sources;
    size_t source_count;
} rockon_sync_catalog_options;
#define ROCKON_SYNC_CATALOG_OPTIONS_INIT \
    { sizeof(rockon_sync_catalog_options), 0, 0, 0 }

// One definition. It lives as long as the result that it came from.
typedef struct rockon_sync_definition {
    const char *name; // The name inside the file, which identifies the definition.
    const char *revision; // The digest of the file: another one if the definition has changed.
    const char *format; // The format of the file: "rockon", "jupdate" or "files".
    const char *source; // The name of its source; NULL for a local definition.
    const char *id; // The id of its entry; NULL for a local definition.
    const char *file; // The path of its file.
    int64_t updated_unix_s; // The time of the last change; 0 if unknown.
    rockon_sync_strings formerly; // The names under which it was published before, newest first.
} rockon_sync_definition;

// The merged definitions of all sources and the local definitions, in the state at the time of
// reading. A definition with the same name as an earlier one replaces it and keeps its position.
typedef struct rockon_sync_catalog {
    const rockon_sync_definition *const *definitions; // Lowest priority first, by id.
    size_t definition_count;
    const rockon_sync_definition *const *hidden; // Replaced by one of the same name.
    size_t hidden_count;
    const rockon_sync_error *const *problems; // Files that could not be read as definitions.
    size_t problem_count;
} rockon_sync_catalog;

// Bytes, followed by a NUL that is not counted.
typedef struct rockon_sync_content {
    const uint8_t *data;
    size_t len;
} rockon_sync_content;

// Reads the catalog of a store. Uses no network and no lock. A running update does not disturb it,
// and later updates do not change it.
// Fails with NOT_FOUND if there is no store, STORE if it cannot be read. An unreadable
// definition is not an error, but in the problems.
rockon_sync_status rockon_sync_store_catalog(const rockon_sync_store *store,
    const rockon_sync_catalog_options *options, rockon_sync_catalog **catalog,
    rockon_sync_error **error);

// Results made from the catalog stay usable.
void rockon_sync_catalog_free(rockon_sync_catalog *catalog);

// Returns the definition with this name, or NULL, also for NULL.
const rockon_sync_definition *rockon_sync_catalog_find(const rockon_sync_catalog *catalog,
    const char *name);

// Reads a definition as it was published: of a Rock-on, the unchanged text of the JSON object
// after its name; of other formats, the whole file.
// Fails with STORE if the file cannot be read, or an update has removed it: read the catalog again;
// INTEGRITY if it has changed since the catalog was read; DEFINITION if the name is missing.
rockon_sync_status rockon_sync_definition_read(const rockon_sync_definition *definition,
    rockon_sync_content **content, rockon_sync_error **error);
void rockon_sync_content_free(rockon_sync_content *content);

/* Changes for an application ---------------------------------------------------------- */
// The record of one applied definition. It is applied again if its revision is NULL or no digest.
typedef struct rockon_sync_applied {
    const char *name;
    const char *revision;
} rockon_sync_applied;

// A definition to apply.
typedef struct rockon_sync_upsert {
    const rockon_sync_definition *definition;
    bool is_new; // True if it was not applied, under this name or a former one.
} rockon_sync_upsert;

// A new name of an applied definition.
typedef struct Rename {
    const char *from; // Not in the catalog any more.
    const char *to; // In the catalog, and not applied.
} Rename;

// The changes that bring an application up to date with a catalog. Apply deletes, then renames,
// then upserts in order: a deleted definition releases names that must be unique. Record each
// revision in the same transaction as the change; unrecorded changes are returned again next time.
typedef struct rockon_sync_changes {
    rockon_sync_strings deletes; // Names to delete, in byte order.
    const rockon_sync_upsert *const *upserts; // Definitions to apply, in catalog order.
    size_t upsert_count;
    rockon_sync_strings withheld; // Names that are not in the catalog, but must not be deleted now.
    rockon_sync_strings reasons; // The reasons, as sentences.
    const Rename *const *renames; // Applied names that changed; an upsert of the new name follows.
    size_t rename_count;
} rockon_sync_changes;

// Compares a catalog with the definitions that an application has applied. The library keeps no
// record of its own. An empty or failed source never causes deletes.
// applied: in any order. NULL with a count of 0 makes every definition an upsert.
rockon_sync_status rockon_sync_catalog_changes_since(const rockon_sync_catalog *catalog,
    const rockon_sync_applied *applied, size_t applied_count, rockon_sync_changes **changes,
    rockon_sync_error **error);
void rockon_sync_changes_free(rockon_sync_changes *changes);

/* Status and verification of a store -------------------------------------------------- */
// The status of one source.
typedef struct rockon_sync_source_status {
    const char *name;
    rockon_sync_status status; // Not OK if the source cannot be read: only the name is known.
    const char *message; // The reason as a message, or NULL.
    rockon_sync_strings mirrors; // The mirrors of the last update.
    int64_t checked_unix_s; // The time of the last answer of a mirror; 0 for never.
    rockon_sync_strings trusted_keys;
    uint64_t generation; // The current generation; 0 if there is no local copy yet.
    uint64_t serial; // The serial of the current head; 0 without one (v1).
    int64_t published_unix_s; // The times in the head; 0 without.
    int64_t expires_unix_s;
    const char *manifest; // The digest of the current manifest, or NULL.
    size_t entry_count;
    const rockon_sync_failed_entry *const *failed; // Entries that the last update could not update.
    size_t failed_count;
    uint64_t key_list_version; // The key list that applies instead of the trusted keys; 0 for none.
    size_t head_threshold; // The number of its head keys that must sign a head.
    rockon_sync_strings head_keys;
} rockon_sync_source_status;

// The status of all sources of a store, by name.
typedef struct rockon_sync_status_list {
    const rockon_sync_source_status *const *sources;
    size_t source_count;
} rockon_sync_status_list;

// The result of verifying one source.
typedef struct rockon_sync_source_verification {
    const char *name;
    bool is_intact;
    size_t entry_count;
    rockon_sync_strings damaged; // The paths of missing and damaged files.
    size_t stray_count; // The number of files that no entry has.
    const char *untrusted; // The reason if the head is not signed as it must be, or NULL.
} rockon_sync_source_verification;

// The result of verifying all sources of a store, by name.
typedef struct rockon_sync_verification {
    const rockon_sync_source_verification *const *sources;
    size_t source_count;
} rockon_sync_verification;

// Reads the status of all sources of a store, without a network. Fails with NOT_FOUND, STORE.
rockon_sync_status rockon_sync_store_status(const rockon_sync_store *store,
    rockon_sync_status_list **list, rockon_sync_error **error);
void rockon_sync_status_list_free(rockon_sync_status_list *list);

// Compares every file of every source with its digest. Changes nothing: an update with
// ROCKON_SYNC_MODE_VERIFY repairs the damage, which is no error. Fails with NOT_FOUND, STORE.
rockon_sync_status rockon_sync_store_verify(const rockon_sync_store *store,
    rockon_sync_verification **verification, rockon_sync_error **error);
void rockon_sync_verification_free(rockon_sync_verification *verification);

/* Suitability for a machine ----------------------------------------------------------- */
// The properties of a machine. Start with ROCKON_SYNC_TARGET_INIT. Unset ones match everything.
typedef struct rockon_sync_target {
    size_t struct_size; // sizeof(rockon_sync_target).
    const char *arch; // The architecture, such as amd64, arm64 or arm/v7, or NULL.
    const char *version; // The version of the system, such as "5.1.0-0", or NULL.
    const char *platform; // The platform of extensions, such as "joomla 5.1", or NULL.
    const char *stability; // The lowest stability: "dev", "alpha", "beta", "rc", "stable", or NULL.
} rockon_sync_target;
#define ROCKON_SYNC_TARGET_INIT \
    { sizeof(rockon_sync_target), 0, 0, 0, 0 }

// A reason why a definition does not suit a machine.
typedef struct rockon_sync_mismatch {
    const char *reason; // "arch", "version", "platform" or "stability".
    const char *message; // A sentence.
} rockon_sync_mismatch;

// The reasons why a definition does not suit a machine; none if it does, or if that is unknown.
typedef struct rockon_sync_mismatches {
    const rockon_sync_mismatch *const *mismatches;
    size_t mismatch_count;
} rockon_sync_mismatches;

// Compares a definition with a machine.
rockon_sync_status rockon_sync_definition_mismatches(const rockon_sync_definition *definition,
    const rockon_sync_target *target, rockon_sync_mismatches **mismatches,
    rockon_sync_error **error);
void rockon_sync_mismatches_free(rockon_sync_mismatches *mismatches);

/* Installation ------------------------------------------------------------------------ */
// An installed definition. An unknown version is NULL.
typedef struct rockon_sync_installed {
    const char *name;
    const char *version;
} rockon_sync_installed;

// A relation of a definition to others, in the notation of Debian's control files.
typedef struct rockon_sync_relation {
    const char *by; // The name of the definition.
    const char *text; // Such as "name (>= 1.2) | other".
} rockon_sync_relation;

// The steps to install a definition.
typedef struct rockon_sync_installation {
    bool is_possible; // True if there are neither unmet requirements nor conflicts.
    // Each after its requirements; also to replace unsuitable versions.
    const rockon_sync_definition *const *install;
    size_t install_count;
    const rockon_sync_relation *const *unmet; // Requirements that no definition meets.
    size_t unmet_count;
    const rockon_sync_relation *const *conflicts;
    size_t conflict_count;
    rockon_sync_strings replaced; // Names to remove because they are replaced, in byte order.
} rockon_sync_installation;

// Finds the missing requirements of a definition. Of alternatives, the first available one is
// chosen. Reads files.
// name: the name of the definition.
// installed: the installed definitions, in any order; NULL with a count of 0 if there are none.
// Fails with NOT_FOUND if no definition has this name, LIMIT if there are too many requirements,
// ARGUMENT, and like rockon_sync_definition_read(). Unmet requirements are not an error.
rockon_sync_status rockon_sync_catalog_installation(const rockon_sync_catalog *catalog,
    const char *name, const rockon_sync_installed *installed, size_t installed_count,
    rockon_sync_installation **installation, rockon_sync_error **error);
void rockon_sync_installation_free(rockon_sync_installation *installation);

/* Updates of extensions --------------------------------------------------------------- */
// An installed extension that has an update.
typedef struct rockon_sync_extension_update {
    const rockon_sync_definition *definition;
    const char *installed; // The installed version.
    const char *version; // The new version.
    const char *stability; // "dev", "alpha", "beta", "rc" or "stable".
    rockon_sync_strings downloads; // The URLs of the package, best first.
} rockon_sync_extension_update;

// The installed extensions that have an update.
typedef struct rockon_sync_extension_updates {
    const rockon_sync_extension_update *const *updates; // In catalog order.
    size_t update_count;
    rockon_sync_strings unknown; // Installed names that are not extensions of the catalog.
    const rockon_sync_error *const *problems; // Extensions that could not be read.
    size_t problem_count;
} rockon_sync_extension_updates;

// Finds installed extensions that have a newer release suitable for a machine. Reads files.
// installed: in any order, each with its version; NULL with a count of 0 if there are none.
// target: the machine, with platform and stability.
rockon_sync_status rockon_sync_catalog_updates_for(const rockon_sync_catalog *catalog,
    const rockon_sync_installed *installed, size_t installed_count,
    const rockon_sync_target *target, rockon_sync_extension_updates **updates,
    rockon_sync_error **error);
void rockon_sync_extension_updates_free(rockon_sync_extension_updates *updates);

/* Publisher and keys ------------------------------------------------------------------ */
// The outcome of a publication.
typedef enum {
    ROCKON_SYNC_PUBLISH_OUTCOME_PUBLISHED = 1, // A new head was published.
    ROCKON_SYNC_PUBLISH_OUTCOME_UNCHANGED = 2, // At most the page was written or removed.
} rockon_sync_publish_outcome;

// Options for publishing a catalog. Start with ROCKON_SYNC_PUBLISH_OPTIONS_INIT.
typedef struct rockon_sync_publish_options {
    size_t struct_size; // sizeof(rockon_sync_publish_options).
    const char *out; // The directory of the tree, or "s3://BUCKET/PREFIX"; NULL for "v2" in dir.
    const char *url; // The base URL of everything but the head; NULL for the directory of the head.
    const char *format; // "rockon", "jupdate" or "files"; NULL for "rockon".
    const char *const *sign_key_files; // Files with private keys, each of which signs the head.
    size_t sign_key_file_count;
    int64_t published_unix_s; // The time of publication, for reproducible trees; 0 for now.
    uint32_t keep; // The number of publications that stay available to older clients; 0 for 16.
    uint32_t expires_in_days; // The number of days after which the head expires; 0 for never.
    bool in_place; // Write the tree into the catalog directory; not together with out.
    bool lenient; // Keep the last published version of invalid files, or leave them out.
    bool allow_mass_delete; // Allow deleting more than half of the entries.
    bool page; // Write a page and a feed; otherwise those of earlier runs are removed.
    bool initial; // Fail if there is a tree already, instead of if there is no previous one.
    bool allow_unsigned; // Publish a signed tree without a key, or continue an unsigned one.
    bool dry_run; // Write nothing: only report.
    const char *previous; // The URL or directory of the tree to continue; NULL for the one at out.
    const char *key_list_file; // A signed key list to publish; NULL for the published one.
    const char *page_title; // The title of the page and of its feed; NULL for "Catalog".
} rockon_sync_publish_options;
#define ROCKON_SYNC_PUBLISH_OPTIONS_INIT \
    { sizeof(rockon_sync_publish_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

// The result of a publication.
typedef struct rockon_sync_publish_report {
    rockon_sync_publish_outcome outcome;
    uint64_t serial;
    const char *manifest; // The digest of the manifest.
    const char *head; // The path of the head, or its URL.
    size_t entry_count;
    rockon_sync_strings added; // Ids of new entries.
    rockon_sync_strings changed; // Ids of changed entries.
    rockon_sync_strings removed; // Ids of removed entries.
    rockon_sync_strings kept; // Ids of invalid files whose last published version was kept.
    rockon_sync_strings written; // Paths of written files in the tree.
    rockon_sync_strings deleted; // Paths of deleted files in the tree.
    const rockon_sync_problem *const *problems; // Warnings, and with lenient also errors.
    size_t problem_count;
} rockon_sync_publish_report;

// Publishes a catalog directory; with "jupdate", the directory, file or URL of an update site.
// Fails with CATALOG, MASS_DELETE, LOCKED, TRUST, HEAD, STORE, NOT_FOUND, and changes nothing.
rockon_sync_status rockon_sync_publish(const char *dir, const rockon_sync_publish_options *options,
    rockon_sync_publish_report **report, rockon_sync_error **error);
void rockon_sync_publish_report_free(rockon_sync_publish_report *report);

// Creates a key pair: the private key in a new file that only its owner may read, and the public
// key for rockon_sync_source.trusted_keys. Its name has no spaces and no '+'. Fails with STORE.
rockon_sync_status rockon_sync_keygen(const char *name, const char *file, rockon_sync_content **key,
    rockon_sync_error **error);

/* Log --------------------------------------------------------------------------------- */
// The level of a log record, from the most important.
typedef enum {
    ROCKON_SYNC_LOG_LEVEL_ERROR = 1, // A final failure.
    ROCKON_SYNC_LOG_LEVEL_WARN = 2, // A problem that the library recovered from.
    ROCKON_SYNC_LOG_LEVEL_INFO = 3, // The steps of the work.
    ROCKON_SYNC_LOG_LEVEL_DEBUG = 4, // Each request.
    ROCKON_SYNC_LOG_LEVEL_TRACE = 5, // Everything.
} rockon_sync_log_level;

// Receives one log record: its level and its text, which is valid during the call. It contains no
// secrets. It is called from any thread that works for this library, possibly from several at a
// time. It must return, and must not call functions of this library.
typedef void (*rockon_sync_log_callback)(rockon_sync_log_level level, const char *message,
    void *user_data);

// Sets the log callback of the whole process. Without one, nothing is logged.
// callback: NULL to log nothing. It and user_data, which is passed to it, must stay valid until
//   the process ends: a record may be on its way when this function returns.
// max_level: the most verbose level to log; ignored without a callback.
// Fails with ARGUMENT for an invalid level.
rockon_sync_status rockon_sync_log_set(rockon_sync_log_callback callback, void *user_data,
    rockon_sync_log_level max_level, rockon_sync_error **error);

#ifdef __cplusplus
}
#endif

#endif /* ROCKON_SYNC_H */
