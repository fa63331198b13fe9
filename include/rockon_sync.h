/* rockon_sync.h - keeps a local copy of a published catalog up to date.
 *
 * A source is a named catalog, served by one or more mirrors. A store is a directory with local
 * copies of sources. An update requests one small file to find out if anything has changed, and
 * fetches only the changes. The catalog has the definitions of all sources; changes are the deletes
 * and upserts that bring an application up to date with it.
 *
 *     rockon_sync_store *store = NULL;
 *     rockon_sync_source *source = NULL;
 *     rockon_sync_report *report = NULL;
 *     rockon_sync_error *error = NULL;
 *     if (rockon_sync_store_open(dir, strlen(dir), &store, &error) ||
 *         rockon_sync_source_new("rockstor", 8, url, strlen(url), &source, &error) ||
 *         rockon_sync_store_update(store, source, NULL, &report, &error)) {
 *         fprintf(stderr, "%s\n", rockon_sync_error_message(error, NULL));
 *     }
 *     rockon_sync_error_free(error);
 *     rockon_sync_report_free(report);
 *     rockon_sync_source_free(source);
 *     rockon_sync_store_free(store);
 *
 * Status    Functions that can fail return an int32_t: ROCKON_SYNC_OK, which is 0, or one of
 *           ROCKON_SYNC_ERROR_... Their outputs come last and are written only on success. The
 *           last argument is the error, which is written only on failure. It may be NULL if
 *           the status is enough. There is no errno, and no state is kept between calls.
 *
 * Accessors All other functions cannot fail. For a NULL handle, and for an index beyond the
 *           last, they return 0, false or NULL.
 *
 * Ownership Objects that a function writes to a T ** belong to the caller, who frees each once
 *           with the T's own function; NULL is a no-op there. Objects that an accessor returns
 *           as const belong to the handle, live as long as it, and must not be freed.
 *           Arguments are borrowed: no pointer to them is kept after the call.
 *
 * Strings   Into the library: UTF-8, by pointer and length in bytes, not necessarily
 *           NUL-terminated. NULL is refused, even with length 0. Out of it: UTF-8,
 *           NUL-terminated; the length is written to len_bytes unless that is NULL. Names
 *           from outside may contain a NUL, so rely on the length. Paths are UTF-8.
 *
 * Structs   Options and progress start with their own size, so that they can grow at the
 *           end. A program works with newer libraries, and also with older ones as long as it
 *           does not set newer fields. In options, zero means the default.
 *
 * Threads   A handle may be used from any thread, and by any number of threads at a time in
 *           functions that take it as const. Functions that take it without const need
 *           exclusive access. No handle is tied to the thread that created it.
 *
 * Processes After a fork(), handles must not be used in the child.
 *
 * The library has no global state except the log callback. It catches its own bugs and returns them
 * as ROCKON_SYNC_ERROR_INTERNAL. */

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
#define ROCKON_SYNC_ABI_VERSION 5

// Returns the interface version of the loaded library. A program compiled with a newer header than
// the library must not call newer functions:
//
//     if (rockon_sync_abi_version() < ROCKON_SYNC_ABI_VERSION) { ...refuse to run... }
//
// Threads: any, at any time.
uint32_t rockon_sync_abi_version(void);

// Returns the version of the library as text, such as "0.1.0". Static: do not free.
//
// Threads: any, at any time.
const char *rockon_sync_version(void);

/* Errors ------------------------------------------------------------------------------ */

// Success. Every other status is one of ROCKON_SYNC_ERROR_...
#define ROCKON_SYNC_OK 0

// An argument is invalid: NULL, not UTF-8, a malformed URL, source name or option.
#define ROCKON_SYNC_ERROR_ARGUMENT 1

// No complete response was received: connection refused, reset or cut off, TLS, name lookup.
#define ROCKON_SYNC_ERROR_TRANSPORT 2

// The server responded with an unexpected status.
#define ROCKON_SYNC_ERROR_STATUS 3

// The time limit of the update was exceeded.
#define ROCKON_SYNC_ERROR_TIMEOUT 4

// The caller canceled, with a token or by the return value of a callback.
#define ROCKON_SYNC_ERROR_CANCELED 5

// The head (root.sha) cannot be read.
#define ROCKON_SYNC_ERROR_HEAD 6

// The manifest (root.json) cannot be read, or breaks a rule. It is refused as a whole.
#define ROCKON_SYNC_ERROR_MANIFEST 7

// A definition file is invalid in its format.
#define ROCKON_SYNC_ERROR_DEFINITION 8

// Something is larger or longer than this library accepts.
#define ROCKON_SYNC_ERROR_LIMIT 9

// The bytes of a file do not match its digest.
#define ROCKON_SYNC_ERROR_INTEGRITY 10

// The head is not signed with a trusted key, or a v2 source offers only v1.
#define ROCKON_SYNC_ERROR_TRUST 11

// The head has expired, and ROCKON_SYNC_FRESHNESS_REQUIRE is set.
#define ROCKON_SYNC_ERROR_EXPIRED 13

// More than half of the catalog would be deleted.
#define ROCKON_SYNC_ERROR_MASS_DELETE 14

// Another process or thread is writing to the same source of the store, or the same tree.
#define ROCKON_SYNC_ERROR_LOCKED 15

// Reading or writing the store or the published tree failed.
#define ROCKON_SYNC_ERROR_STORE 16

// The catalog directory has problems; nothing was published.
#define ROCKON_SYNC_ERROR_CATALOG 17

// No object has this name.
#define ROCKON_SYNC_ERROR_NOT_FOUND 18

// A bug in this library, caught at its boundary. The handles involved may be freed, and should not
// be used otherwise.
#define ROCKON_SYNC_ERROR_INTERNAL 1000

// The cause of a failure: a status, a message, and the URL or path concerned.
//
// A function that fails writes one to its last argument; free it with rockon_sync_error_free(). An
// error that an accessor returns as const belongs to the handle it came from. It has no secrets:
// URLs have neither credentials nor the values of their query.
//
// Threads: any number at a time.
typedef struct rockon_sync_error rockon_sync_error;

// Frees an error. NULL is a no-op.
void rockon_sync_error_free(rockon_sync_error *error);

// Returns the status that the failed function returned; ROCKON_SYNC_OK for NULL.
int32_t rockon_sync_error_status(const rockon_sync_error *error);

// Returns a description with its causes, on one line. NULL only for NULL.
const char *rockon_sync_error_message(const rockon_sync_error *error, size_t *len_bytes);

// Returns the URL concerned; NULL if there is none.
const char *rockon_sync_error_url(const rockon_sync_error *error, size_t *len_bytes);

// Returns the local path concerned; NULL if there is none.
const char *rockon_sync_error_path(const rockon_sync_error *error, size_t *len_bytes);

// Returns true if the same call may succeed later without any change.
bool rockon_sync_error_is_retryable(const rockon_sync_error *error);

// Returns the stable name of a status, as in the JSON reports of the command: "mass-delete", "ok",
// "internal"; "unknown" for an invalid status. Static: do not free.
//
// Threads: any, at any time.
const char *rockon_sync_status_name(int32_t status);

/* Findings ---------------------------------------------------------------------------- */

// The problem prevents publishing.
#define ROCKON_SYNC_SEVERITY_ERROR 1

// The problem does not prevent publishing, but should be looked at.
#define ROCKON_SYNC_SEVERITY_WARNING 2

// One problem of a catalog directory, with its location. It belongs to the error or publish report
// that it came from; do not free it.
//
// Threads: any number at a time.
typedef struct rockon_sync_problem rockon_sync_problem;

// Returns the number of problems of ROCKON_SYNC_ERROR_CATALOG; 0 for other errors.
size_t rockon_sync_error_problem_count(const rockon_sync_error *error);

// Returns a problem; NULL beyond the last. It lives as long as the error.
const rockon_sync_problem *rockon_sync_error_problem(const rockon_sync_error *error,
                                                     size_t index);

// Returns ROCKON_SYNC_SEVERITY_ERROR or ROCKON_SYNC_SEVERITY_WARNING; 0 for NULL.
int32_t rockon_sync_problem_severity(const rockon_sync_problem *problem);

// Returns the file, relative to the catalog directory.
const char *rockon_sync_problem_file(const rockon_sync_problem *problem,
                                     size_t *len_bytes);

// Returns the line, from 1; 0 if the problem concerns the whole file.
uint32_t rockon_sync_problem_line(const rockon_sync_problem *problem);

// Returns the column in characters, from 1; 0 if the problem concerns the whole file.
uint32_t rockon_sync_problem_column(const rockon_sync_problem *problem);

// Returns a description with the expected and the actual value.
const char *rockon_sync_problem_message(const rockon_sync_problem *problem,
                                        size_t *len_bytes);

/* Store ------------------------------------------------------------------------------- */

// A directory with the local copies of one or more sources.
//
// Threads: any number at a time. Several handles may use the same directory, also from several
// processes. Readers need no lock. Of two updates of the same source, the second waits for the
// lock timeout, then fails with ROCKON_SYNC_ERROR_LOCKED.
typedef struct rockon_sync_store rockon_sync_store;

// Opens the store in a directory. Reads and creates nothing: an update creates missing files.
//
// folder: the path, UTF-8, of folder_len bytes, not empty.
// store: receives the handle; free it with rockon_sync_store_free().
// Fails with ROCKON_SYNC_ERROR_ARGUMENT.
int32_t rockon_sync_store_open(const char *folder,
                               size_t folder_len,
                               rockon_sync_store **store,
                               rockon_sync_error **error);

// Frees a store. NULL is a no-op. Nothing on disk changes. Catalogs, reports and other results
// that came from it stay usable.
void rockon_sync_store_free(rockon_sync_store *store);

/* Source ------------------------------------------------------------------------------ */

// A named catalog, and the mirrors that serve it.
//
// Threads: any number at a time for const functions; functions that modify it need exclusive
// access.
typedef struct rockon_sync_source rockon_sync_source;

// Creates a source with one mirror.
//
// name: the name, UTF-8, of name_len bytes: lower-case letters, digits, '-', '_' and '.', at most
//   64 bytes. It is also the name of the source's directory in the store. If there is only one
//   source, use "rockstor".
// location: the mirror: an http, https or file URL, or the path of a directory, UTF-8, of
//   location_len bytes. If it ends in ".sha", it is the head itself.
// source: receives the handle; free it with rockon_sync_source_free().
// Fails with ROCKON_SYNC_ERROR_ARGUMENT.
int32_t rockon_sync_source_new(const char *name,
                               size_t name_len,
                               const char *location,
                               size_t location_len,
                               rockon_sync_source **source,
                               rockon_sync_error **error);

// Adds a mirror, which is tried after the earlier ones fail.
//
// location: as for rockon_sync_source_new().
// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the source then stays unchanged.
int32_t rockon_sync_source_add_mirror(rockon_sync_source *source,
                                      const char *location,
                                      size_t location_len,
                                      rockon_sync_error **error);

// Trusts a key. With trusted keys, only heads with a good signature by one of them are accepted,
// from every mirror. An update that accepts such a head stores the keys of the source, in place of
// earlier ones. If the source has no keys, the stored ones apply.
//
// key: the text of the key, UTF-8, of key_len bytes, as returned by
//   rockon_sync_verifier_key_text(). Adding a trusted key again has no effect.
// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the source then stays unchanged.
int32_t rockon_sync_source_trust_key(rockon_sync_source *source,
                                     const char *key,
                                     size_t key_len,
                                     rockon_sync_error **error);

// Sets the time limit for updates of this source, in milliseconds. It overrides the limit in the
// options of the update. NULL is a no-op.
void rockon_sync_source_set_timeout(rockon_sync_source *source,
                                    uint64_t timeout_ms);

// Adds a token to the query of every request to the hosts of the source's mirrors. It is sent to
// no other host, and never appears in messages or files.
//
// name: the name of the query parameter, UTF-8, of name_len bytes.
// value: the token, UTF-8, of value_len bytes.
// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the source then stays unchanged.
int32_t rockon_sync_source_add_token(rockon_sync_source *source,
                                     const char *name,
                                     size_t name_len,
                                     const char *value,
                                     size_t value_len,
                                     rockon_sync_error **error);

// Adds a header to every request to the same hosts as a token.
//
// name: its name, of name_len bytes. Headers that the library sets itself are refused.
// value: its value, of value_len bytes.
// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the source then stays unchanged.
int32_t rockon_sync_source_add_header(rockon_sync_source *source,
                                      const char *name,
                                      size_t name_len,
                                      const char *value,
                                      size_t value_len,
                                      rockon_sync_error **error);

// Sends user and password with every request to the same hosts as a token.
//
// user, password: UTF-8, of user_len and password_len bytes.
// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the source then stays unchanged.
int32_t rockon_sync_source_set_password(rockon_sync_source *source,
                                        const char *user,
                                        size_t user_len,
                                        const char *password,
                                        size_t password_len,
                                        rockon_sync_error **error);

// Frees a source. NULL is a no-op.
void rockon_sync_source_free(rockon_sync_source *source);

/* Cancel token ------------------------------------------------------------------------ */

// Stops updates from another thread. Pass it in the options of an update, then cancel it at any
// time. A token stays canceled, so use a new one for each run, or one for several runs that stop
// together.
//
// Threads: any number at a time. Not for signal handlers.
typedef struct rockon_sync_cancel_token rockon_sync_cancel_token;

// Creates a token.
//
// token: receives the handle; free it with rockon_sync_cancel_token_free().
// Fails with ROCKON_SYNC_ERROR_ARGUMENT for NULL.
int32_t rockon_sync_cancel_token_new(rockon_sync_cancel_token **token,
                                     rockon_sync_error **error);

// Stops the runs that use this token. They fail with ROCKON_SYNC_ERROR_CANCELED and leave the
// store unchanged. A run that waits for a silent server stops after at most 10 seconds. May be
// called any number of times. NULL is a no-op.
void rockon_sync_cancel_token_cancel(const rockon_sync_cancel_token *token);

// Returns true if the token was canceled.
bool rockon_sync_cancel_token_is_canceled(const rockon_sync_cancel_token *token);

// Frees a token. NULL is a no-op. No other thread may use it any more.
void rockon_sync_cancel_token_free(rockon_sync_cancel_token *token);

/* Report of an update ----------------------------------------------------------------- */

// The store was already up to date.
#define ROCKON_SYNC_OUTCOME_UNCHANGED 1

// The store is now up to date.
#define ROCKON_SYNC_OUTCOME_UPDATED 2

// The store is now up to date, except for the failed entries.
#define ROCKON_SYNC_OUTCOME_PARTIAL 3

// Every mirror offers a state that is older than the current one, or that differs under the same
// serial. Nothing was changed.
#define ROCKON_SYNC_OUTCOME_STALE 4

// The ids of new entries.
#define ROCKON_SYNC_IDS_ADDED 1

// The ids of entries whose file changed.
#define ROCKON_SYNC_IDS_CHANGED 2

// The ids of removed entries.
#define ROCKON_SYNC_IDS_REMOVED 3

// The ids of entries whose damaged local file was repaired.
#define ROCKON_SYNC_IDS_HEALED 4

// Ids whose file is broken now; their last published version is kept.
#define ROCKON_SYNC_IDS_KEPT 5

// The result of an update of one source; after a check, the changes that an update would make.
//
// Threads: any number at a time.
typedef struct rockon_sync_report rockon_sync_report;

// Frees a report. NULL is a no-op.
void rockon_sync_report_free(rockon_sync_report *report);

// Returns the name of the source.
const char *rockon_sync_report_source(const rockon_sync_report *report,
                                      size_t *len_bytes);

// Returns ROCKON_SYNC_OUTCOME_...; 0 for NULL.
int32_t rockon_sync_report_outcome(const rockon_sync_report *report);

// Returns true if the current head has a serial (v1 has none); it is written to serial, which may
// be NULL.
bool rockon_sync_report_serial(const rockon_sync_report *report,
                               uint64_t *serial);

// Returns the digest of the current manifest (v1: of root.json), in 64 hexadecimal digits; NULL if
// there is none.
const char *rockon_sync_report_manifest(const rockon_sync_report *report,
                                        size_t *len_bytes);

// Returns the number of requests, including redirects and retries.
uint64_t rockon_sync_report_requests(const rockon_sync_report *report);

// Returns the number of body bytes received, before decompression.
uint64_t rockon_sync_report_bytes_received(const rockon_sync_report *report);

// Returns the duration in milliseconds.
uint64_t rockon_sync_report_duration_ms(const rockon_sync_report *report);

// Returns the number of ids in a list, which is ROCKON_SYNC_IDS_...
size_t rockon_sync_report_id_count(const rockon_sync_report *report, int32_t list);

// Returns an id in a list, which is ROCKON_SYNC_IDS_...; NULL beyond the last.
const char *rockon_sync_report_id(const rockon_sync_report *report,
                                  int32_t list,
                                  size_t index,
                                  size_t *len_bytes);

// Returns the number of entries that could not be updated. Each keeps its current state, and the
// next update retries it.
size_t rockon_sync_report_failed_count(const rockon_sync_report *report);

// Returns the id of a failed entry; NULL beyond the last.
const char *rockon_sync_report_failed_id(const rockon_sync_report *report,
                                         size_t index,
                                         size_t *len_bytes);

// Returns the error of a failed entry: ROCKON_SYNC_ERROR_...; ROCKON_SYNC_OK beyond the last.
int32_t rockon_sync_report_failed_status(const rockon_sync_report *report,
                                         size_t index);

// Returns the error of a failed entry as a message; NULL beyond the last.
const char *rockon_sync_report_failed_message(const rockon_sync_report *report,
                                              size_t index,
                                              size_t *len_bytes);

// Returns the number of warnings.
size_t rockon_sync_report_warning_count(const rockon_sync_report *report);

// Returns a warning as a sentence; NULL beyond the last.
const char *rockon_sync_report_warning(const rockon_sync_report *report,
                                       size_t index,
                                       size_t *len_bytes);

/* Update ------------------------------------------------------------------------------ */

// Quick: files with their committed size and time are assumed intact. The default.
#define ROCKON_SYNC_TRUST_SIZE_AND_TIME 0

// Verify: every file is compared with its digest; damaged files are fetched again.
#define ROCKON_SYNC_TRUST_DIGEST 1

// Full: everything is fetched again.
#define ROCKON_SYNC_TRUST_NOTHING 2

// Deleting more than half of the catalog is refused. The default.
#define ROCKON_SYNC_MASS_DELETE_REFUSE 0

// Deleting more than half of the catalog is intended.
#define ROCKON_SYNC_MASS_DELETE_ALLOW 1

// A head that is older than the current one is refused. The default.
#define ROCKON_SYNC_ROLLBACK_REFUSE 0

// An older head is accepted: the publisher went back on purpose.
#define ROCKON_SYNC_ROLLBACK_ALLOW 1

// An expired head is accepted, with a warning. The default.
#define ROCKON_SYNC_FRESHNESS_WARN 0

// An expired head is refused with ROCKON_SYNC_ERROR_EXPIRED.
#define ROCKON_SYNC_FRESHNESS_REQUIRE 1

// Requesting the head and the manifest.
#define ROCKON_SYNC_PHASE_CHECKING 1

// Fetching missing files.
#define ROCKON_SYNC_PHASE_FETCHING 2

// Building and committing the new generation.
#define ROCKON_SYNC_PHASE_COMMITTING 3

// bytes_total of a source that has no sizes (v1).
#define ROCKON_SYNC_BYTES_UNKNOWN 18446744073709551615ull

// The progress of an update. Totals are known in phase FETCHING and later.
//
// The library sets struct_size; later versions may add fields at the end.
typedef struct rockon_sync_progress {
    // The size of this struct, in bytes.
    size_t struct_size;
    // The name of the source, NUL-terminated; valid during the callback.
    const char *source;
    // ROCKON_SYNC_PHASE_...
    int32_t phase;
    // Files fetched so far.
    uint64_t files_done;
    // Files to fetch; 0 while that is not known, as during the download of a pack.
    uint64_t files_total;
    // Bytes of the files fetched so far.
    uint64_t bytes_done;
    // Bytes of the files to fetch, or ROCKON_SYNC_BYTES_UNKNOWN.
    uint64_t bytes_total;
} rockon_sync_progress;

// Receives the progress of an update: at every change of phase, at most ten times a second in
// between, and once at the end. If it returns anything but 0, the update is canceled as by
// rockon_sync_cancel_token_cancel(), including the token in the options, and the callback is not
// called again. After the commit that has no effect, and the update succeeds.
//
// It is called on the thread that runs the update. progress is valid during the call. It must
// return: no longjmp(), no C++ exceptions.
typedef int32_t (*rockon_sync_progress_callback)(const rockon_sync_progress *progress,
                                                 void *user_data);

// Options for an update. Set everything to zero, then struct_size, then the settings that differ
// from the defaults:
//
//     rockon_sync_update_options options = {0};
//     options.struct_size = sizeof options;
//     options.timeout_ms = 60000;
typedef struct rockon_sync_update_options {
    // sizeof(rockon_sync_update_options), so that the struct can grow at its end.
    size_t struct_size;
    // The time limit of the whole update in milliseconds; 0 for 5 minutes.
    uint64_t timeout_ms;
    // The lock timeout: the longest wait for another writer of the same source, in milliseconds; 0
    // to fail at once.
    uint64_t lock_patience_ms;
    // ROCKON_SYNC_TRUST_...
    int32_t trust;
    // ROCKON_SYNC_MASS_DELETE_...
    int32_t mass_delete;
    // ROCKON_SYNC_ROLLBACK_...
    int32_t rollback;
    // ROCKON_SYNC_FRESHNESS_...
    int32_t freshness;
    // Stops the update from another thread; NULL if not needed. It must stay alive until the
    // update has returned.
    const rockon_sync_cancel_token *cancel;
    // Receives the progress; NULL if not needed.
    rockon_sync_progress_callback progress;
    // Passed to progress unchanged.
    void *user_data;
} rockon_sync_update_options;

// Updates the store from a source.
//
// options: NULL for the defaults.
// report: receives the report; free it with rockon_sync_report_free(). Entries that could not be
//   fetched are not an error: the outcome is then ROCKON_SYNC_OUTCOME_PARTIAL.
// Fails with any status but CATALOG and NOT_FOUND. The current generation then stays unchanged,
// and the next update reuses the files that were fetched and verified.
//
// Threads: blocks until the update is over. Updates of different sources, also of one store, may
// run at the same time. The callback may use any function of this library.
int32_t rockon_sync_store_update(const rockon_sync_store *store,
                                 const rockon_sync_source *source,
                                 const rockon_sync_update_options *options,
                                 rockon_sync_report **report,
                                 rockon_sync_error **error);

// Reports what rockon_sync_store_update() would add, change and remove, without doing it. For a v1
// source it reports no changed entries.
//
// Arguments, failures, threads: as for rockon_sync_store_update().
int32_t rockon_sync_store_check(const rockon_sync_store *store,
                                const rockon_sync_source *source,
                                const rockon_sync_update_options *options,
                                rockon_sync_report **report,
                                rockon_sync_error **error);

// Updates the store from a bundle, packs/empty-*.tar.zst of a published tree, without a network.
// The head is read from root.sha beside the bundle, or in its tree.
//
// source: only its name and its trusted keys are used; no mirror is asked.
// bundle: the path of the bundle, bundle_len bytes of UTF-8.
// options: NULL for the defaults.
// report: receives the report; free it with rockon_sync_report_free(). A bundle that is older than
//   the current state is not an error: the outcome is then ROCKON_SYNC_OUTCOME_STALE.
// Fails with NOT_FOUND if there is no such file, INTEGRITY if it is not a complete bundle, TRUST
// if there are trusted keys but no signed head, and like rockon_sync_store_update(). The current
// generation then stays unchanged.
//
// Threads: as for rockon_sync_store_update().
int32_t rockon_sync_store_import(const rockon_sync_store *store,
                                 const rockon_sync_source *source,
                                 const char *bundle,
                                 size_t bundle_len,
                                 const rockon_sync_update_options *options,
                                 rockon_sync_report **report,
                                 rockon_sync_error **error);

/* Update of several sources ----------------------------------------------------------- */

// The results of updating several sources, one per source.
//
// Threads: any number at a time.
typedef struct rockon_sync_update_results rockon_sync_update_results;

// Updates a store from all its sources: those in sources.toml or, without one, those of the last
// update. They are updated concurrently: a slow or failing source does not affect others.
//
// options: as for rockon_sync_store_update(). Progress has the name of its source, and is reported
//   on the calling thread.
// results: receives the results; free them with rockon_sync_update_results_free().
// Fails with ROCKON_SYNC_ERROR_ARGUMENT, also if sources.toml cannot be read,
// ROCKON_SYNC_ERROR_NOT_FOUND if there are no sources, ROCKON_SYNC_ERROR_STORE. The failure of a
// source is not an error here: see rockon_sync_update_results_error().
int32_t rockon_sync_store_update_all(const rockon_sync_store *store,
                                     const rockon_sync_update_options *options,
                                     rockon_sync_update_results **results,
                                     rockon_sync_error **error);

// Returns the number of sources, highest priority first.
size_t rockon_sync_update_results_count(const rockon_sync_update_results *results);

// Returns the name of a source; NULL beyond the last.
const char *rockon_sync_update_results_source(const rockon_sync_update_results *results,
                                              size_t index,
                                              size_t *len_bytes);

// Returns the report of a source; NULL if its update failed, and beyond the last. It belongs to
// the results; do not free it.
const rockon_sync_report *rockon_sync_update_results_report(const rockon_sync_update_results *results,
                                                            size_t index);

// Returns the error of a source; NULL if its update succeeded, and beyond the last. It belongs to
// the results; do not free it.
const rockon_sync_error *rockon_sync_update_results_error(const rockon_sync_update_results *results,
                                                          size_t index);

// Frees the results. NULL is a no-op.
void rockon_sync_update_results_free(rockon_sync_update_results *results);

/* Catalog ----------------------------------------------------------------------------- */

// The definition comes from an entry of a source.
#define ROCKON_SYNC_ORIGIN_SOURCE 1

// The definition is a local one.
#define ROCKON_SYNC_ORIGIN_LOCAL 2

// The merged definitions of all sources and the local definitions, in the state at the time of
// opening. A definition with the same name as an earlier one replaces it and keeps its position.
//
// Threads: any number at a time.
typedef struct rockon_sync_catalog rockon_sync_catalog;

// One definition. It belongs to the catalog or changes that returned it; do not free it.
//
// Threads: any number at a time.
typedef struct rockon_sync_definition rockon_sync_definition;

// The bytes of a definition.
//
// Threads: any number at a time.
typedef struct rockon_sync_definition_bytes rockon_sync_definition_bytes;

// The text of a definition: of a Rock-on, the unchanged text of the JSON object after its name; of
// other formats, the whole file.
//
// Threads: any number at a time.
typedef struct rockon_sync_definition_text rockon_sync_definition_text;

// A string that the caller lends: UTF-8, len bytes, not necessarily NUL-terminated.
typedef struct rockon_sync_str {
    // The bytes.
    const char *data;
    // The number of bytes.
    size_t len;
} rockon_sync_str;

// Options for opening a catalog. Set everything to zero, then struct_size, then the settings that
// differ from the defaults.
typedef struct rockon_sync_catalog_options {
    // sizeof(rockon_sync_catalog_options), so that the struct can grow at its end.
    size_t struct_size;
    // The names of the sources, lowest priority first. NULL for all sources of the store, in the
    // order of sources.toml or, without one, of the last update.
    const rockon_sync_str *sources;
    // The number of names.
    size_t source_count;
    // The directory of local definitions; NULL for "local" in the store.
    rockon_sync_str local_folder;
} rockon_sync_catalog_options;

// Opens the catalog of a store. Uses no network and no lock. A running update does not disturb it,
// and later commits do not change it.
//
// options: NULL for the defaults.
// catalog: receives the handle; free it with rockon_sync_catalog_free().
// Fails with ROCKON_SYNC_ERROR_NOT_FOUND if there is no store, ROCKON_SYNC_ERROR_STORE if it
// cannot be read. An unreadable definition is not an error: see rockon_sync_catalog_problem().
int32_t rockon_sync_catalog_open(const rockon_sync_store *store,
                                 const rockon_sync_catalog_options *options,
                                 rockon_sync_catalog **catalog,
                                 rockon_sync_error **error);

// Frees a catalog and its definitions. NULL is a no-op. Changes made from the catalog stay usable.
void rockon_sync_catalog_free(rockon_sync_catalog *catalog);

// Returns the number of definitions.
size_t rockon_sync_catalog_len(const rockon_sync_catalog *catalog);

// Returns a definition, in catalog order; NULL beyond the last.
const rockon_sync_definition *rockon_sync_catalog_get(const rockon_sync_catalog *catalog,
                                                      size_t index);

// Finds the definition with this name, UTF-8, of name_len bytes.
//
// definition: receives the definition, which belongs to the catalog.
// Fails with ROCKON_SYNC_ERROR_NOT_FOUND, ROCKON_SYNC_ERROR_ARGUMENT.
int32_t rockon_sync_catalog_find(const rockon_sync_catalog *catalog,
                                 const char *name,
                                 size_t name_len,
                                 const rockon_sync_definition **definition,
                                 rockon_sync_error **error);

// Returns the number of definitions that are replaced by another one with the same name.
size_t rockon_sync_catalog_hidden_count(const rockon_sync_catalog *catalog);

// Returns a replaced definition, lowest priority first; NULL beyond the last.
const rockon_sync_definition *rockon_sync_catalog_hidden(const rockon_sync_catalog *catalog,
                                                         size_t index);

// Returns the number of files that could not be read as definitions.
size_t rockon_sync_catalog_problem_count(const rockon_sync_catalog *catalog);

// Returns the error of an unreadable file; NULL beyond the last. It belongs to the catalog.
const rockon_sync_error *rockon_sync_catalog_problem(const rockon_sync_catalog *catalog,
                                                     size_t index);

// Returns the name inside the file, which identifies the definition.
const char *rockon_sync_definition_name(const rockon_sync_definition *definition,
                                        size_t *len_bytes);

// Returns the format of the file: "rockon", "jupdate" or "files".
const char *rockon_sync_definition_format(const rockon_sync_definition *definition,
                                          size_t *len_bytes);

// Returns the digest of the file, in 64 hexadecimal digits. It changes whenever the definition
// does.
const char *rockon_sync_definition_revision(const rockon_sync_definition *definition,
                                            size_t *len_bytes);

// Returns ROCKON_SYNC_ORIGIN_...; 0 for NULL.
int32_t rockon_sync_definition_origin(const rockon_sync_definition *definition);

// Returns the name of the definition's source; NULL for a local one.
const char *rockon_sync_definition_source(const rockon_sync_definition *definition,
                                          size_t *len_bytes);

// Returns the id of the definition's entry; NULL for a local one.
const char *rockon_sync_definition_entry_id(const rockon_sync_definition *definition,
                                            size_t *len_bytes);

// Returns true if the manifest has the time of the last change; it is written to unix_s, in
// seconds since 1970-01-01T00:00:00Z. unix_s may be NULL.
bool rockon_sync_definition_updated(const rockon_sync_definition *definition,
                                    int64_t *unix_s);

// Returns the path of the definition's file.
const char *rockon_sync_definition_file(const rockon_sync_definition *definition,
                                        size_t *len_bytes);

// Reads the definition as it was published: of a Rock-on, the unchanged text of the JSON object
// after its name; of other formats, the whole file.
//
// text: receives the handle; free it with rockon_sync_definition_text_free(). It does not need the
//   definition any more.
// Fails with ROCKON_SYNC_ERROR_STORE if the file cannot be read, ROCKON_SYNC_ERROR_INTEGRITY if it
// has changed since the catalog was opened, ROCKON_SYNC_ERROR_DEFINITION if it does not have the
// name, or is not UTF-8: see rockon_sync_definition_read_bytes().
int32_t rockon_sync_definition_read_text(const rockon_sync_definition *definition,
                                         rockon_sync_definition_text **text,
                                         rockon_sync_error **error);

// Returns the text; of a Rock-on it is JSON.
const char *rockon_sync_definition_text_json(const rockon_sync_definition_text *text,
                                             size_t *len_bytes);

// Frees a text. NULL is a no-op.
void rockon_sync_definition_text_free(rockon_sync_definition_text *text);

// Reads the bytes of the definition as it was published: of a Rock-on, its part of the file; of
// other formats, the whole file.
//
// bytes: receives the handle; free it with rockon_sync_definition_bytes_free(). It does not need
//   the definition any more.
// Fails like rockon_sync_definition_read_text(), but accepts bytes that are not UTF-8.
int32_t rockon_sync_definition_read_bytes(const rockon_sync_definition *definition,
                                          rockon_sync_definition_bytes **bytes,
                                          rockon_sync_error **error);

// Returns the bytes, followed by a NUL that is not counted. Their number is written to len_bytes.
// Returns NULL only for NULL.
const uint8_t *rockon_sync_definition_bytes_data(const rockon_sync_definition_bytes *bytes,
                                                 size_t *len_bytes);

// Frees bytes. NULL is a no-op.
void rockon_sync_definition_bytes_free(rockon_sync_definition_bytes *bytes);

/* Suitability for a machine ----------------------------------------------------------- */

// The definition is for other processors.
#define ROCKON_SYNC_MISMATCH_ARCH 1

// The definition needs a newer system.
#define ROCKON_SYNC_MISMATCH_VERSION 2

// A development version, or one of unknown stability.
#define ROCKON_SYNC_STABILITY_DEV 1

// An alpha version.
#define ROCKON_SYNC_STABILITY_ALPHA 2

// A beta version.
#define ROCKON_SYNC_STABILITY_BETA 3

// A release candidate.
#define ROCKON_SYNC_STABILITY_RC 4

// A stable release.
#define ROCKON_SYNC_STABILITY_STABLE 5

// The reasons why a definition does not suit a machine.
//
// Threads: any number at a time.
typedef struct rockon_sync_mismatches rockon_sync_mismatches;

// A machine, for selecting suitable definitions.
//
// Threads: any number at a time for const functions; functions that modify it need exclusive
// access.
typedef struct rockon_sync_target rockon_sync_target;

// Creates a target. Properties that are not set exclude nothing.
//
// arch: the architecture, UTF-8, of arch_len bytes: amd64, arm64, arm/v7, ... as for container
//   images; other customary names are accepted. NULL if unknown.
// version: the version of the system, UTF-8, of version_len bytes. NULL if unknown.
// target: receives the handle; free it with rockon_sync_target_free().
// Fails with ROCKON_SYNC_ERROR_ARGUMENT.
int32_t rockon_sync_target_new(const char *arch,
                               size_t arch_len,
                               const char *version,
                               size_t version_len,
                               rockon_sync_target **target,
                               rockon_sync_error **error);

// Sets the platform that extensions must support.
//
// platform: name and version, such as "joomla 5.1", UTF-8, of platform_len bytes.
// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the target then stays unchanged.
int32_t rockon_sync_target_set_platform(rockon_sync_target *target,
                                        const char *platform,
                                        size_t platform_len,
                                        rockon_sync_error **error);

// Sets the lowest stability of releases: ROCKON_SYNC_STABILITY_...
//
// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the target then stays unchanged.
int32_t rockon_sync_target_set_stability(rockon_sync_target *target,
                                         int32_t stability,
                                         rockon_sync_error **error);

// Frees a target. NULL is a no-op.
void rockon_sync_target_free(rockon_sync_target *target);

// Compares a definition with a machine. The list is empty if the definition suits the machine, or
// if that is unknown.
//
// mismatches: receives the list; free it with rockon_sync_mismatches_free(). It needs neither the
//   definition nor the target any more.
// Fails with ROCKON_SYNC_ERROR_ARGUMENT for NULL.
int32_t rockon_sync_definition_mismatches(const rockon_sync_definition *definition,
                                          const rockon_sync_target *target,
                                          rockon_sync_mismatches **mismatches,
                                          rockon_sync_error **error);

// Returns the number of reasons: 0 if the definition suits the machine.
size_t rockon_sync_mismatches_count(const rockon_sync_mismatches *mismatches);

// Returns ROCKON_SYNC_MISMATCH_...; 0 beyond the last, and for a reason without a constant.
int32_t rockon_sync_mismatches_reason(const rockon_sync_mismatches *mismatches,
                                      size_t index);

// Returns a reason as a sentence; NULL beyond the last.
const char *rockon_sync_mismatches_message(const rockon_sync_mismatches *mismatches,
                                           size_t index,
                                           size_t *len_bytes);

// Frees a list of mismatches. NULL is a no-op.
void rockon_sync_mismatches_free(rockon_sync_mismatches *mismatches);

/* Installation ------------------------------------------------------------------------ */

// The steps to install a definition: missing definitions, unmet requirements, conflicts, and
// definitions to remove.
//
// Threads: any number at a time.
typedef struct rockon_sync_installation rockon_sync_installation;

// An installed definition: name and version, UTF-8, by pointer and length. An unknown version is
// NULL.
typedef struct rockon_sync_installed {
    // The name.
    const char *name;
    // Its length in bytes.
    size_t name_len;
    // The version.
    const char *version;
    // Its length in bytes.
    size_t version_len;
} rockon_sync_installed;

// Finds the missing requirements of a definition. Of alternatives, the first available one is
// chosen. Reads files.
//
// name: the name of the definition, UTF-8, of name_len bytes.
// installed: installed_count elements in any order; NULL with a count of 0 if nothing is
//   installed.
// installation: receives the handle; free it with rockon_sync_installation_free(). It does not
//   need the catalog any more.
// Fails with ROCKON_SYNC_ERROR_NOT_FOUND if no definition has this name, ROCKON_SYNC_ERROR_LIMIT
// if the requirements do not end, ROCKON_SYNC_ERROR_ARGUMENT, and like
// rockon_sync_definition_read_text(). Unmet requirements are not an error: see
// rockon_sync_installation_is_possible().
int32_t rockon_sync_catalog_installation(const rockon_sync_catalog *catalog,
                                         const char *name,
                                         size_t name_len,
                                         const rockon_sync_installed *installed,
                                         size_t installed_count,
                                         rockon_sync_installation **installation,
                                         rockon_sync_error **error);

// Frees an installation. NULL is a no-op.
void rockon_sync_installation_free(rockon_sync_installation *installation);

// Returns true if there are neither unmet requirements nor conflicts. False for NULL.
bool rockon_sync_installation_is_possible(const rockon_sync_installation *installation);

// Returns the number of definitions to install.
size_t rockon_sync_installation_install_count(const rockon_sync_installation *installation);

// Returns a definition to install; NULL beyond the last. Each comes after its requirements, the
// requested one last. Definitions installed in an unsuitable version are included. It lives as
// long as the installation.
const rockon_sync_definition *rockon_sync_installation_install(const rockon_sync_installation *installation,
                                                               size_t index);

// Returns the number of requirements that no definition in the catalog meets.
size_t rockon_sync_installation_unmet_count(const rockon_sync_installation *installation);

// Returns the name of the definition that has an unmet requirement; NULL beyond the last.
const char *rockon_sync_installation_unmet_by(const rockon_sync_installation *installation,
                                              size_t index,
                                              size_t *len_bytes);

// Returns the requirement, in the notation of Debian's control files: "name (>= 1.2) | other";
// NULL beyond the last.
const char *rockon_sync_installation_unmet_requirement(const rockon_sync_installation *installation,
                                                       size_t index,
                                                       size_t *len_bytes);

// Returns the number of conflicts.
size_t rockon_sync_installation_conflict_count(const rockon_sync_installation *installation);

// Returns the name of the definition that declares the conflict; NULL beyond the last.
const char *rockon_sync_installation_conflict_by(const rockon_sync_installation *installation,
                                                 size_t index,
                                                 size_t *len_bytes);

// Returns the other side of the conflict, in the notation of Debian's control files; NULL beyond
// the last.
const char *rockon_sync_installation_conflict_with(const rockon_sync_installation *installation,
                                                   size_t index,
                                                   size_t *len_bytes);

// Returns the number of names to remove because they are replaced.
size_t rockon_sync_installation_replaced_count(const rockon_sync_installation *installation);

// Returns a name to remove, in byte order; NULL beyond the last.
const char *rockon_sync_installation_replaced_name(const rockon_sync_installation *installation,
                                                   size_t index,
                                                   size_t *len_bytes);

/* Updates of extensions --------------------------------------------------------------- */

// The installed extensions that have an update.
//
// Threads: any number at a time.
typedef struct rockon_sync_extension_updates rockon_sync_extension_updates;

// Finds installed extensions that have a newer release suitable for a machine. Reads files.
// Extensions that are not installed are ignored.
//
// installed: installed_count elements in any order, each with its version; NULL with a count of 0
//   if nothing is installed.
// target: the machine: rockon_sync_target_set_platform(), rockon_sync_target_set_stability().
// updates: receives the handle; free it with rockon_sync_extension_updates_free(). It needs
//   neither the catalog nor the target any more.
// Fails with ROCKON_SYNC_ERROR_ARGUMENT. An unreadable extension is not an error: see
// rockon_sync_extension_updates_problem().
int32_t rockon_sync_catalog_updates_for(const rockon_sync_catalog *catalog,
                                        const rockon_sync_installed *installed,
                                        size_t installed_count,
                                        const rockon_sync_target *target,
                                        rockon_sync_extension_updates **updates,
                                        rockon_sync_error **error);

// Frees updates. NULL is a no-op.
void rockon_sync_extension_updates_free(rockon_sync_extension_updates *updates);

// Returns the number of extensions that have an update.
size_t rockon_sync_extension_updates_count(const rockon_sync_extension_updates *updates);

// Returns an extension that has an update, in catalog order; NULL beyond the last. It lives as
// long as the updates.
const rockon_sync_definition *rockon_sync_extension_updates_definition(const rockon_sync_extension_updates *updates,
                                                                       size_t index);

// Returns the installed version; NULL beyond the last.
const char *rockon_sync_extension_updates_installed(const rockon_sync_extension_updates *updates,
                                                    size_t index,
                                                    size_t *len_bytes);

// Returns the version of the newest suitable release; NULL beyond the last.
const char *rockon_sync_extension_updates_version(const rockon_sync_extension_updates *updates,
                                                  size_t index,
                                                  size_t *len_bytes);

// Returns ROCKON_SYNC_STABILITY_... of that release; 0 beyond the last, and for a stability
// without a constant.
int32_t rockon_sync_extension_updates_stability(const rockon_sync_extension_updates *updates,
                                                size_t index);

// Returns the number of download URLs of that release.
size_t rockon_sync_extension_updates_download_count(const rockon_sync_extension_updates *updates,
                                                    size_t index);

// Returns a download URL, in the order of the site; NULL beyond the last. It is the site's own
// text: the library neither checks nor fetches it.
const char *rockon_sync_extension_updates_download(const rockon_sync_extension_updates *updates,
                                                   size_t index,
                                                   size_t download,
                                                   size_t *len_bytes);

// Returns the number of installed names that are not extensions of the catalog. Do not remove them
// for that.
size_t rockon_sync_extension_updates_unknown_count(const rockon_sync_extension_updates *updates);

// Returns one of these names, in byte order; NULL beyond the last.
const char *rockon_sync_extension_updates_unknown_name(const rockon_sync_extension_updates *updates,
                                                       size_t index,
                                                       size_t *len_bytes);

// Returns the number of extensions that could not be read.
size_t rockon_sync_extension_updates_problem_count(const rockon_sync_extension_updates *updates);

// Returns the error of an unreadable extension; NULL beyond the last. It belongs to the updates.
const rockon_sync_error *rockon_sync_extension_updates_problem(const rockon_sync_extension_updates *updates,
                                                               size_t index);

/* Changes ----------------------------------------------------------------------------- */

// The changes that bring an application up to date with a catalog. Apply the deletes first, then
// the upserts in order, because a renamed definition releases names that must be unique. Record
// each revision in the same transaction as the change itself; changes that are not recorded are
// returned again next time.
//
// Threads: any number at a time.
typedef struct rockon_sync_changes rockon_sync_changes;

// The record of one applied definition: name and revision, UTF-8, by pointer and length. If the
// revision is empty or not a digest, the definition is applied again.
typedef struct rockon_sync_applied {
    // The name.
    const char *name;
    // Its length in bytes.
    size_t name_len;
    // The revision.
    const char *revision;
    // Its length in bytes.
    size_t revision_len;
} rockon_sync_applied;

// Compares a catalog with the definitions that an application has applied. The library keeps no
// record of its own. An empty or failed source never causes deletes.
//
// applied: the applied definitions, applied_count elements in any order. NULL with a count of 0
//   makes every definition an upsert.
// changes: receives the handle; free it with rockon_sync_changes_free(). It does not need the
//   catalog any more.
// Fails with ROCKON_SYNC_ERROR_ARGUMENT.
int32_t rockon_sync_catalog_changes_since(const rockon_sync_catalog *catalog,
                                          const rockon_sync_applied *applied,
                                          size_t applied_count,
                                          rockon_sync_changes **changes,
                                          rockon_sync_error **error);

// Frees changes. NULL is a no-op.
void rockon_sync_changes_free(rockon_sync_changes *changes);

// Returns the number of names to delete.
size_t rockon_sync_changes_delete_count(const rockon_sync_changes *changes);

// Returns a name that was applied and is no longer in the catalog; NULL beyond the last.
const char *rockon_sync_changes_delete_name(const rockon_sync_changes *changes,
                                            size_t index,
                                            size_t *len_bytes);

// Returns the number of definitions to apply.
size_t rockon_sync_changes_upsert_count(const rockon_sync_changes *changes);

// Returns a definition to apply, in catalog order; NULL beyond the last. It lives as long as the
// changes.
const rockon_sync_definition *rockon_sync_changes_upsert(const rockon_sync_changes *changes,
                                                         size_t index);

// Returns true if the application has no record of the definition; false beyond the last.
bool rockon_sync_changes_upsert_is_new(const rockon_sync_changes *changes, size_t index);

// Returns the number of names that are not in the catalog but must not be deleted, because the
// published file was not fetched, cannot be read, or the source is empty.
size_t rockon_sync_changes_withheld_count(const rockon_sync_changes *changes);

// Returns a withheld name; NULL beyond the last.
const char *rockon_sync_changes_withheld_name(const rockon_sync_changes *changes,
                                              size_t index,
                                              size_t *len_bytes);

// Returns the number of reasons for withholding names.
size_t rockon_sync_changes_reason_count(const rockon_sync_changes *changes);

// Returns a reason as a sentence; NULL beyond the last.
const char *rockon_sync_changes_reason(const rockon_sync_changes *changes,
                                       size_t index,
                                       size_t *len_bytes);

/* Status and verification ------------------------------------------------------------- */

// The status of one source. It belongs to the list that it came from; do not free it.
typedef struct rockon_sync_source_status rockon_sync_source_status;

// The status of all sources in a store, by name.
//
// Threads: any number at a time.
typedef struct rockon_sync_status_list rockon_sync_status_list;

// The result for one source. It belongs to the list that it came from; do not free it.
typedef struct rockon_sync_verification rockon_sync_verification;

// The result of comparing every file of a store with its digest, by source.
//
// Threads: any number at a time.
typedef struct rockon_sync_verification_list rockon_sync_verification_list;

// Reads the status of all sources in a store. Uses no network and no lock.
//
// status: receives the list; free it with rockon_sync_status_list_free().
// Fails with ROCKON_SYNC_ERROR_NOT_FOUND if there is no store, ROCKON_SYNC_ERROR_STORE.
int32_t rockon_sync_store_status(const rockon_sync_store *store,
                                 rockon_sync_status_list **status,
                                 rockon_sync_error **error);

// Frees a list. NULL is a no-op.
void rockon_sync_status_list_free(rockon_sync_status_list *status);

// Returns the number of sources.
size_t rockon_sync_status_list_len(const rockon_sync_status_list *status);

// Returns a source; NULL beyond the last.
const rockon_sync_source_status *rockon_sync_status_list_get(const rockon_sync_status_list *status,
                                                             size_t index);

// Returns the name of the source.
const char *rockon_sync_source_status_name(const rockon_sync_source_status *source,
                                           size_t *len_bytes);

// Returns the number of mirrors at the last update.
size_t rockon_sync_source_status_location_count(const rockon_sync_source_status *source);

// Returns a mirror, without credentials and query; NULL beyond the last.
const char *rockon_sync_source_status_location(const rockon_sync_source_status *source,
                                               size_t index,
                                               size_t *len_bytes);

// Returns the number of trusted keys. At least one must have signed the head; with 0 keys,
// unsigned heads are accepted.
size_t rockon_sync_source_status_trusted_key_count(const rockon_sync_source_status *source);

// Returns the text of a trusted key; NULL beyond the last.
const char *rockon_sync_source_status_trusted_key(const rockon_sync_source_status *source,
                                                  size_t index,
                                                  size_t *len_bytes);

// Returns true if a mirror ever answered; the time of the last answer is written to unix_s, in
// seconds since 1970-01-01T00:00:00Z. unix_s may be NULL.
bool rockon_sync_source_status_checked(const rockon_sync_source_status *source,
                                       int64_t *unix_s);

// Returns true if an update was ever completed; the number of the current generation is written to
// generation, which may be NULL. Otherwise the functions below return 0, false or NULL.
bool rockon_sync_source_status_generation(const rockon_sync_source_status *source,
                                          uint64_t *generation);

// Returns true if the current head has a serial; it is written to serial, which may be NULL.
bool rockon_sync_source_status_serial(const rockon_sync_source_status *source,
                                      uint64_t *serial);

// Returns true if the head has a publication time; it is written to unix_s, which may be NULL.
bool rockon_sync_source_status_published(const rockon_sync_source_status *source,
                                         int64_t *unix_s);

// Returns true if the head has an expiry time; it is written to unix_s, which may be NULL.
bool rockon_sync_source_status_expires(const rockon_sync_source_status *source,
                                       int64_t *unix_s);

// Returns the digest of the current manifest (v1: of root.json); NULL if there is none.
const char *rockon_sync_source_status_manifest(const rockon_sync_source_status *source,
                                               size_t *len_bytes);

// Returns the number of entries.
size_t rockon_sync_source_status_entries(const rockon_sync_source_status *source);

// Returns the number of entries that the last update could not update.
size_t rockon_sync_source_status_failed_count(const rockon_sync_source_status *source);

// Returns the id of a failed entry; NULL beyond the last.
const char *rockon_sync_source_status_failed_id(const rockon_sync_source_status *source,
                                                size_t index,
                                                size_t *len_bytes);

// Returns the error of a failed entry: ROCKON_SYNC_ERROR_...; ROCKON_SYNC_OK beyond the last.
int32_t rockon_sync_source_status_failed_status(const rockon_sync_source_status *source,
                                                size_t index);

// Returns the error of a failed entry as a message; NULL beyond the last.
const char *rockon_sync_source_status_failed_message(const rockon_sync_source_status *source,
                                                     size_t index,
                                                     size_t *len_bytes);

// The kind of the error that keeps a source from being read: ROCKON_SYNC_ERROR_...;
// ROCKON_SYNC_OK if there is none. With an error, nothing but the name is known.
int32_t rockon_sync_source_status_error(const rockon_sync_source_status *source);

// The error in words; NULL if there is none.
const char *rockon_sync_source_status_error_message(const rockon_sync_source_status *source,
                                                    size_t *len_bytes);

// Compares every file of every source with its digest. Changes nothing: an update with
// ROCKON_SYNC_TRUST_DIGEST repairs the damage.
//
// found: receives the list; free it with rockon_sync_verification_list_free().
// Fails with ROCKON_SYNC_ERROR_NOT_FOUND if there is no store, ROCKON_SYNC_ERROR_STORE if
// something cannot be read. Damage is not an error.
int32_t rockon_sync_store_verify(const rockon_sync_store *store,
                                 rockon_sync_verification_list **found,
                                 rockon_sync_error **error);

// Frees a list. NULL is a no-op.
void rockon_sync_verification_list_free(rockon_sync_verification_list *found);

// Returns the number of verified sources: those that have a generation.
size_t rockon_sync_verification_list_len(const rockon_sync_verification_list *found);

// Returns the result for one source; NULL beyond the last.
const rockon_sync_verification *rockon_sync_verification_list_get(const rockon_sync_verification_list *found,
                                                                  size_t index);

// Returns the name of the source.
const char *rockon_sync_verification_source(const rockon_sync_verification *found,
                                            size_t *len_bytes);

// Returns true if all files are as they were committed; false for NULL.
bool rockon_sync_verification_is_intact(const rockon_sync_verification *found);

// Returns the number of verified entries.
size_t rockon_sync_verification_entries(const rockon_sync_verification *found);

// Returns the number of files that are missing or changed.
size_t rockon_sync_verification_damaged_count(const rockon_sync_verification *found);

// Returns the path of a missing or changed file; NULL beyond the last.
const char *rockon_sync_verification_damaged(const rockon_sync_verification *found,
                                             size_t index,
                                             size_t *len_bytes);

// Returns the number of files that were not written by an update.
size_t rockon_sync_verification_strays(const rockon_sync_verification *found);

/* Keys -------------------------------------------------------------------------------- */

// The public half of a key, for clients to trust.
//
// Threads: any number at a time.
typedef struct rockon_sync_verifier_key rockon_sync_verifier_key;

// Creates a key pair. The private key is written to a new file that only its owner may read, for
// rockon_sync_publish_options.sign_key_files. The public key is for
// rockon_sync_source_trust_key().
//
// name: the name of the key, UTF-8, of name_len bytes, without spaces and '+'. Preferably a URL
//   without its scheme, for example "example.org/rockons".
// file: the path of the file, UTF-8, of file_len bytes. It must not exist yet.
// key: receives the public key; free it with rockon_sync_verifier_key_free().
// Fails with ROCKON_SYNC_ERROR_ARGUMENT, ROCKON_SYNC_ERROR_STORE.
int32_t rockon_sync_keygen(const char *name,
                           size_t name_len,
                           const char *file,
                           size_t file_len,
                           rockon_sync_verifier_key **key,
                           rockon_sync_error **error);

// Returns the text of the key: its name, its hash and its base64, separated by '+'.
const char *rockon_sync_verifier_key_text(const rockon_sync_verifier_key *key,
                                          size_t *len_bytes);

// Frees a key. NULL is a no-op.
void rockon_sync_verifier_key_free(rockon_sync_verifier_key *key);

/* Publisher --------------------------------------------------------------------------- */

// The tree has its own directory. The default.
#define ROCKON_SYNC_LAYOUT_SEPARATE 0

// The tree is written into the catalog directory, beside the files that older systems read.
#define ROCKON_SYNC_LAYOUT_IN_PLACE 1

// A single invalid definition prevents publishing. The default.
#define ROCKON_SYNC_LENIENCY_STRICT 0

// Invalid definitions are reported. Their last published version is kept; without one, they are left
// out.
#define ROCKON_SYNC_LENIENCY_LEAVE_OUT 1

// The tree has no page; an existing one is removed. The default.
#define ROCKON_SYNC_PAGE_OMIT 0

// The tree has a page for people, and a feed of its updates.
#define ROCKON_SYNC_PAGE_WRITE 1

// A new head was published.
#define ROCKON_SYNC_PUBLISHED 1

// The tree was up to date. At most the page was written or removed.
#define ROCKON_SYNC_PUBLISHED_BEFORE 2

// The result of a publication.
//
// Threads: any number at a time.
typedef struct rockon_sync_publish_report rockon_sync_publish_report;

// Options for publishing a catalog. Set everything to zero, then struct_size, then the settings
// that differ from the defaults.
typedef struct rockon_sync_publish_options {
    // sizeof(rockon_sync_publish_options), so that the struct can grow at its end.
    size_t struct_size;
    // The directory of the tree; NULL for "v2" in the catalog directory. Only for
    // ROCKON_SYNC_LAYOUT_SEPARATE.
    rockon_sync_str out;
    // The URL from which clients fetch everything but the head; NULL for the directory of the
    // head.
    rockon_sync_str url;
    // ROCKON_SYNC_LAYOUT_...
    int32_t layout;
    // ROCKON_SYNC_LENIENCY_...
    int32_t leniency;
    // ROCKON_SYNC_MASS_DELETE_...
    int32_t mass_delete;
    // The number of publications that stay available to clients with older manifests; 0 for 16.
    uint32_t keep;
    // The number of days after which the head expires; 0 for never.
    uint32_t expires_in_days;
    // ROCKON_SYNC_PAGE_...
    int32_t page;
    // The time of publication in seconds since 1970-01-01T00:00:00Z, for reproducible trees; NULL
    // for now.
    const int64_t *published_unix_s;
    // The paths of files with private keys, each of which signs the head; NULL for an unsigned
    // head.
    const rockon_sync_str *sign_key_files;
    // The number of files.
    size_t sign_key_file_count;
    // The format of the files: "rockon", "jupdate" or "files"; NULL for "rockon".
    rockon_sync_str format;
} rockon_sync_publish_options;

// Publishes a catalog directory: root.json, which maps ids to files, and these files; with format
// "files", all files in the directory. Everything is validated before anything is written, and the
// head is written last.
//
// folder: the path of the catalog directory, UTF-8, of folder_len bytes. For format "jupdate": the
//   directory, file or URL of an update site.
// options: NULL for the defaults.
// report: receives the report; free it with rockon_sync_publish_report_free().
// Fails with ROCKON_SYNC_ERROR_CATALOG if the catalog directory has problems: see
// rockon_sync_error_problem(); with MASS_DELETE, ARGUMENT (also for an invalid key file), LOCKED,
// NOT_FOUND if there is no such directory, HEAD if the head of the tree was not written by a
// publisher, STORE. The published tree then stays unchanged.
//
// Threads: any, at any time; publications of the same tree do not run at the same time.
int32_t rockon_sync_publish(const char *folder,
                            size_t folder_len,
                            const rockon_sync_publish_options *options,
                            rockon_sync_publish_report **report,
                            rockon_sync_error **error);

// Frees a report. NULL is a no-op.
void rockon_sync_publish_report_free(rockon_sync_publish_report *report);

// Returns ROCKON_SYNC_PUBLISHED or ROCKON_SYNC_PUBLISHED_BEFORE; 0 for NULL.
int32_t rockon_sync_publish_report_outcome(const rockon_sync_publish_report *report);

// Returns the serial of the head.
uint64_t rockon_sync_publish_report_serial(const rockon_sync_publish_report *report);

// Returns the digest of the manifest, in 64 hexadecimal digits.
const char *rockon_sync_publish_report_manifest(const rockon_sync_publish_report *report,
                                                size_t *len_bytes);

// Returns the path of the head.
const char *rockon_sync_publish_report_head(const rockon_sync_publish_report *report,
                                            size_t *len_bytes);

// Returns the number of published entries.
size_t rockon_sync_publish_report_entries(const rockon_sync_publish_report *report);

// Returns the number of ids in a list: ROCKON_SYNC_IDS_ADDED, _CHANGED or _REMOVED since the last
// publication, or _KEPT.
size_t rockon_sync_publish_report_id_count(const rockon_sync_publish_report *report,
                                           int32_t list);

// Returns an id in a list; NULL beyond the last.
const char *rockon_sync_publish_report_id(const rockon_sync_publish_report *report,
                                          int32_t list,
                                          size_t index,
                                          size_t *len_bytes);

// Returns the number of problems: warnings, and definitions that were left out or kept.
size_t rockon_sync_publish_report_problem_count(const rockon_sync_publish_report *report);

// Returns a problem; NULL beyond the last. It lives as long as the report.
const rockon_sync_problem *rockon_sync_publish_report_problem(const rockon_sync_publish_report *report,
                                                              size_t index);

/* Log --------------------------------------------------------------------------------- */

// A final failure.
#define ROCKON_SYNC_LOG_ERROR 1

// A problem that the library recovered from.
#define ROCKON_SYNC_LOG_WARN 2

// Progress of the work.
#define ROCKON_SYNC_LOG_INFO 3

// Each request.
#define ROCKON_SYNC_LOG_DEBUG 4

// Everything.
#define ROCKON_SYNC_LOG_TRACE 5

// Receives one log record: its level (ROCKON_SYNC_LOG_...) and its text, which is UTF-8,
// NUL-terminated, of message_len bytes, and valid during the call. It has no secrets.
//
// It is called from any thread that works for this library, possibly from several at a time. It
// must return, and must not call functions of this library.
typedef void (*rockon_sync_log_callback)(int32_t level,
                                         const char *message,
                                         size_t message_len,
                                         void *user_data);

// Sets the log callback of the whole process. Without one, nothing is logged.
//
// callback: receives the records; NULL to log nothing. user_data is passed to it unchanged.
// max_level: the most verbose level to log, ROCKON_SYNC_LOG_...
// Fails with ROCKON_SYNC_ERROR_ARGUMENT for an invalid level.
//
// Threads: any, at any time. After it returns, the previous callback is no longer running and is
// not called again.
int32_t rockon_sync_log_set(rockon_sync_log_callback callback,
                            void *user_data,
                            int32_t max_level,
                            rockon_sync_error **error);

#ifdef __cplusplus
}
#endif

#endif /* ROCKON_SYNC_H */
