/*
 * rockon_sync.h - keeps a folder of catalog files in step with a published tree.
 *
 * A store is a folder; a source is where a catalog comes from. An update brings the
 * store in step with a source, asks one small file whether anything has changed, and
 * fetches only what has. The catalog is what the store then holds, and changes say what
 * an application must do to be in step with it.
 *
 *     rockon_sync_store *store = NULL;
 *     rockon_sync_source *source = NULL;
 *     rockon_sync_report *report = NULL;
 *     rockon_sync_error *error = NULL;
 *     if (rockon_sync_store_open(folder, strlen(folder), &store, &error) ||
 *         rockon_sync_source_new("rockstor", 8, url, strlen(url), &source, &error) ||
 *         rockon_sync_store_update(store, source, NULL, &report, &error)) {
 *         fprintf(stderr, "%s\n", rockon_sync_error_message(error, NULL));
 *     }
 *     rockon_sync_error_free(error);
 *     rockon_sync_report_free(report);
 *     rockon_sync_source_free(source);
 *     rockon_sync_store_free(store);
 *
 * Status    Functions that can fail return an int32_t: ROCKON_SYNC_OK, which is 0, or
 *           one of ROCKON_SYNC_ERROR_... Their outputs come last and are written only on
 *           success; after them comes the error, which is written only on failure. The
 *           last argument may be NULL if the status is enough. There is no errno, and
 *           nothing is kept between calls.
 *
 * Accessors All other functions cannot fail. For a handle that is NULL, and for an index
 *           beyond the last, they return 0, false or NULL.
 *
 * Ownership What a function writes to a T ** belongs to the caller, who frees it with
 *           the T's own function, once; free functions take NULL. What an accessor
 *           returns as const belongs to the handle it was asked of, lives as long as
 *           that, and is not freed. Arguments are only lent: nothing keeps a pointer to
 *           them when a call has returned.
 *
 * Strings   Into the library: UTF-8, by pointer and length in bytes, not necessarily
 *           NUL-terminated. NULL is refused, also with length 0. Out of it: UTF-8,
 *           NUL-terminated; the length goes to len_bytes unless that is NULL. A name
 *           from outside may contain a NUL, so the length is the truth. Paths are UTF-8.
 *
 * Structs   Options and progress start with their own size, so that they can grow at the
 *           end: a program works with newer libraries, and with older ones as long as it
 *           leaves alone what those do not have. In options, zero means the default.
 *
 * Threads   A handle may be used from any thread, and by any number of threads at a time
 *           in functions that take it as const. A function that takes it without const
 *           needs it for itself. No handle is tied to the thread that made it.
 *
 * Processes Handles do not survive a fork() in the child.
 *
 * The library keeps no global state but the log callback, and catches its own bugs:
 * they become ROCKON_SYNC_ERROR_INTERNAL.
 */

#ifndef ROCKON_SYNC_H
#define ROCKON_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Version ----------------------------------------------------------------------------- */

// The version of the interface that this header describes. It grows with every
// addition; SONAME changes when something is taken away.
#define ROCKON_SYNC_ABI_VERSION 5

// The interface version of the library that is loaded. A program that was compiled
// with a newer header than the library must not call what is new in it:
//
//     if (rockon_sync_abi_version() < ROCKON_SYNC_ABI_VERSION) { ...refuse to run... }
//
// Threads: any, at any time.
uint32_t rockon_sync_abi_version(void);

// The version of the library as text, such as "0.1.0". Static: do not free.
//
// Threads: any, at any time.
const char *rockon_sync_version(void);

/* Errors ------------------------------------------------------------------------------ */

// What was asked for was done. Every other status is one of ROCKON_SYNC_ERROR_...
#define ROCKON_SYNC_OK 0

// An argument cannot be used: NULL, not UTF-8, a malformed URL, source name or option.
#define ROCKON_SYNC_ERROR_ARGUMENT 1

// No usable answer came: connection refused, reset or cut off, TLS, name lookup.
#define ROCKON_SYNC_ERROR_TRANSPORT 2

// The server answered with a status that is not an answer to the request.
#define ROCKON_SYNC_ERROR_STATUS 3

// The time allowed for the whole update is over.
#define ROCKON_SYNC_ERROR_TIMEOUT 4

// The caller canceled: through a token, or by the return value of a callback.
#define ROCKON_SYNC_ERROR_CANCELED 5

// The head (root.sha) cannot be read.
#define ROCKON_SYNC_ERROR_HEAD 6

// The manifest (root.json) cannot be read, or breaks a rule; it is refused whole.
#define ROCKON_SYNC_ERROR_MANIFEST 7

// A definition file is not what its format says.
#define ROCKON_SYNC_ERROR_DEFINITION 8

// Something is larger or longer than this library accepts.
#define ROCKON_SYNC_ERROR_LIMIT 9

// Bytes do not have the digest that was promised for them.
#define ROCKON_SYNC_ERROR_INTEGRITY 10

// The head is not signed by a trusted key, or a source that was v2 presents itself as less.
#define ROCKON_SYNC_ERROR_TRUST 11

// The source offers an older state than the one held.
#define ROCKON_SYNC_ERROR_ROLLBACK 12

// The head is past its expiry, and ROCKON_SYNC_FRESHNESS_REQUIRE was asked for.
#define ROCKON_SYNC_ERROR_EXPIRED 13

// More than half of the catalog would be deleted.
#define ROCKON_SYNC_ERROR_MASS_DELETE 14

// Somebody else is writing to the same source of the store, or to the same tree.
#define ROCKON_SYNC_ERROR_LOCKED 15

// Reading or writing the store (or the published tree) failed.
#define ROCKON_SYNC_ERROR_STORE 16

// What is to be published has problems; nothing was published.
#define ROCKON_SYNC_ERROR_CATALOG 17

// The thing asked for by name does not exist.
#define ROCKON_SYNC_ERROR_NOT_FOUND 18

// A bug of this library, stopped at its border. The handles that took part may be freed
// and should not be used otherwise.
#define ROCKON_SYNC_ERROR_INTERNAL 1000

// Why something failed: a status, a message, and what it was about.
//
// A function that fails writes one to its last argument; the caller frees it with
// rockon_sync_error_free(). An error that an accessor returns as const belongs to the
// handle it came from. Nothing in it is secret: URLs come without credentials and
// without the values of their query.
//
// Threads: any number at a time.
typedef struct rockon_sync_error rockon_sync_error;

// Frees an error. NULL is fine.
void rockon_sync_error_free(rockon_sync_error *error);

// The status that the failed function returned; ROCKON_SYNC_OK for NULL.
int32_t rockon_sync_error_status(const rockon_sync_error *error);

// What went wrong, with its causes, on one line. NULL only for NULL.
const char *rockon_sync_error_message(const rockon_sync_error *error, size_t *len_bytes);

// The URL concerned; NULL if there is none.
const char *rockon_sync_error_url(const rockon_sync_error *error, size_t *len_bytes);

// The local path concerned; NULL if there is none.
const char *rockon_sync_error_path(const rockon_sync_error *error, size_t *len_bytes);

// Whether the same call may succeed later without anyone changing anything.
bool rockon_sync_error_is_retryable(const rockon_sync_error *error);

// The stable name of a status, as in the JSON reports of the command: "mass-delete",
// "ok", "internal"; "unknown" for what is no status. Static: do not free.
//
// Threads: any, at any time.
const char *rockon_sync_status_name(int32_t status);

/* Findings ---------------------------------------------------------------------------- */

// The finding stands in the way of publishing.
#define ROCKON_SYNC_SEVERITY_ERROR 1

// The finding does not, but should be looked at.
#define ROCKON_SYNC_SEVERITY_WARNING 2

// One finding in a catalog that is to be published, with its place. It belongs to the
// error or publish report that it came from, and is not freed.
//
// Threads: any number at a time.
typedef struct rockon_sync_problem rockon_sync_problem;

// How many findings are behind ROCKON_SYNC_ERROR_CATALOG; 0 for other errors.
size_t rockon_sync_error_problem_count(const rockon_sync_error *error);

// One finding; NULL beyond the last. It lives as long as the error.
const rockon_sync_problem *rockon_sync_error_problem(const rockon_sync_error *error,
                                                     size_t index);

// ROCKON_SYNC_SEVERITY_ERROR or ROCKON_SYNC_SEVERITY_WARNING; 0 for NULL.
int32_t rockon_sync_problem_severity(const rockon_sync_problem *problem);

// The file, relative to the catalog.
const char *rockon_sync_problem_file(const rockon_sync_problem *problem,
                                     size_t *len_bytes);

// The line, from 1; 0 if the finding is about the whole file.
uint32_t rockon_sync_problem_line(const rockon_sync_problem *problem);

// The column in characters, from 1; 0 if the finding is about the whole file.
uint32_t rockon_sync_problem_column(const rockon_sync_problem *problem);

// What was expected, and what was found.
const char *rockon_sync_problem_message(const rockon_sync_problem *problem,
                                        size_t *len_bytes);

/* Store ------------------------------------------------------------------------------- */

// A folder that keeps the catalogs of one or more sources.
//
// Threads: any number at a time. Several handles, also in several processes, may be
// open on one folder: readers need no lock, and of two updates of the same source the
// second fails with ROCKON_SYNC_ERROR_LOCKED or waits as long as it is told to.
typedef struct rockon_sync_store rockon_sync_store;

// Opens the store in a folder. Nothing is read or created yet: an update creates what
// is missing.
//
// folder: the path, UTF-8, of folder_len bytes, not empty.
// store: where the handle goes; free it with rockon_sync_store_free().
// Fails with ROCKON_SYNC_ERROR_ARGUMENT.
int32_t rockon_sync_store_open(const char *folder,
                               size_t folder_len,
                               rockon_sync_store **store,
                               rockon_sync_error **error);

// Frees a store. NULL is fine. Nothing on disk changes. Catalogs, reports and other
// results that came from it live on.
void rockon_sync_store_free(rockon_sync_store *store);

/* Source ------------------------------------------------------------------------------ */

// Where a catalog comes from: a name, and one or more trees that have it.
//
// Threads: any number at a time, but the functions that change it need it for themselves.
typedef struct rockon_sync_source rockon_sync_source;

// Makes a source with one tree.
//
// name: the name, UTF-8, of name_len bytes: lower-case letters, digits, '-', '_' and
//   '.', at most 64 bytes. It is also the name of the source's folder in the store.
//   Who follows only one source calls it "rockstor".
// location: an http, https or file URL, or the path of a folder, UTF-8, of location_len
//   bytes. One that ends in ".sha" names the head itself.
// source: where the handle goes; free it with rockon_sync_source_free().
// Fails with ROCKON_SYNC_ERROR_ARGUMENT.
int32_t rockon_sync_source_new(const char *name,
                               size_t name_len,
                               const char *location,
                               size_t location_len,
                               rockon_sync_source **source,
                               rockon_sync_error **error);

// Adds a tree that has the same catalog; it is asked when the ones before it fail.
//
// location: as for rockon_sync_source_new().
// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the source stays as it was.
int32_t rockon_sync_source_add_mirror(rockon_sync_source *source,
                                      const char *location,
                                      size_t location_len,
                                      rockon_sync_error **error);

// Trusts a key: only a head with a good signature of a trusted key is taken, from
// whatever tree. An update that finds one remembers the keys in the store, instead of
// those of before; without keys here, those remembered are asked for.
//
// key: the text of the key, UTF-8, of key_len bytes, as rockon_sync_verifier_key_text()
//   has it. A key that is trusted already changes nothing.
// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the source stays as it was.
int32_t rockon_sync_source_trust_key(rockon_sync_source *source,
                                     const char *key,
                                     size_t key_len,
                                     rockon_sync_error **error);

// Sets the longest that an update of this source may take, in milliseconds, whatever the
// options of the update say. NULL is fine.
void rockon_sync_source_set_timeout(rockon_sync_source *source, uint64_t timeout_ms);

// Sends a token in the query of each request to the hosts of the source's own trees; to no
// other host, and it appears in no message or file.
//
// name: what it is called in the query, UTF-8, of name_len bytes.
// value: the token, UTF-8, of value_len bytes.
// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the source stays as it was.
int32_t rockon_sync_source_add_token(rockon_sync_source *source,
                                     const char *name,
                                     size_t name_len,
                                     const char *value,
                                     size_t value_len,
                                     rockon_sync_error **error);

// Sends a header with each request, to the same hosts.
//
// name: its name, of name_len bytes; not one that belongs to the request itself.
// value: its value, of value_len bytes.
// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the source stays as it was.
int32_t rockon_sync_source_add_header(rockon_sync_source *source,
                                      const char *name,
                                      size_t name_len,
                                      const char *value,
                                      size_t value_len,
                                      rockon_sync_error **error);

// Sends user and password with each request, to the same hosts.
//
// user, password: UTF-8, of user_len and password_len bytes.
// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the source stays as it was.
int32_t rockon_sync_source_set_password(rockon_sync_source *source,
                                        const char *user,
                                        size_t user_len,
                                        const char *password,
                                        size_t password_len,
                                        rockon_sync_error **error);

// Frees a source. NULL is fine.
void rockon_sync_source_free(rockon_sync_source *source);

/* Cancel token ------------------------------------------------------------------------ */

// Stops an update from another thread: hand it to the update in its options, then
// cancel it whenever that is wanted. A token stays canceled, so it is for one run, or
// for several that shall stop together.
//
// Threads: any number at a time. Not for signal handlers.
typedef struct rockon_sync_cancel_token rockon_sync_cancel_token;

// Makes a token.
//
// token: where the handle goes; free it with rockon_sync_cancel_token_free().
// Fails with ROCKON_SYNC_ERROR_ARGUMENT for NULL.
int32_t rockon_sync_cancel_token_new(rockon_sync_cancel_token **token,
                                     rockon_sync_error **error);

// Asks the runs that have this token to stop. They end with
// ROCKON_SYNC_ERROR_CANCELED and leave the store as it was; one that waits for a silent
// server notices when that wait is over, after 10 seconds at most. May be called any
// number of times; for NULL nothing happens.
void rockon_sync_cancel_token_cancel(const rockon_sync_cancel_token *token);

// Whether the token was canceled.
bool rockon_sync_cancel_token_is_canceled(const rockon_sync_cancel_token *token);

// Frees a token. NULL is fine. No other thread may be about to cancel it.
void rockon_sync_cancel_token_free(rockon_sync_cancel_token *token);

/* Report of an update ----------------------------------------------------------------- */

// The store had everything already.
#define ROCKON_SYNC_OUTCOME_UNCHANGED 1

// The store now has what the source has.
#define ROCKON_SYNC_OUTCOME_UPDATED 2

// The store now has what the source has, but for the failed entries.
#define ROCKON_SYNC_OUTCOME_PARTIAL 3

// Every mirror offers an older state than the one held, or another one under its serial;
// nothing was changed.
#define ROCKON_SYNC_OUTCOME_STALE 4

// The ids of entries that are new.
#define ROCKON_SYNC_IDS_ADDED 1

// The ids of entries whose file has other bytes.
#define ROCKON_SYNC_IDS_CHANGED 2

// The ids of entries that are gone.
#define ROCKON_SYNC_IDS_REMOVED 3

// The ids of entries whose local file had been damaged and is whole again.
#define ROCKON_SYNC_IDS_HEALED 4

// What an update of one source has done or, after a check, would do.
//
// Threads: any number at a time.
typedef struct rockon_sync_report rockon_sync_report;

// Frees a report. NULL is fine.
void rockon_sync_report_free(rockon_sync_report *report);

// The name of the source.
const char *rockon_sync_report_source(const rockon_sync_report *report,
                                      size_t *len_bytes);

// ROCKON_SYNC_OUTCOME_...; 0 for NULL.
int32_t rockon_sync_report_outcome(const rockon_sync_report *report);

// Whether the head that is now current has a serial (v1 has none); serial is written
// only if it has, and may be NULL.
bool rockon_sync_report_serial(const rockon_sync_report *report, uint64_t *serial);

// The digest of the manifest (v1: of the root.json) that is now current, in 64
// hexadecimal digits; NULL if there is none.
const char *rockon_sync_report_manifest(const rockon_sync_report *report,
                                        size_t *len_bytes);

// Requests made, redirects and retries included.
uint64_t rockon_sync_report_requests(const rockon_sync_report *report);

// Bytes of bodies received, as they came over the wire.
uint64_t rockon_sync_report_bytes_received(const rockon_sync_report *report);

// How long it took, in milliseconds.
uint64_t rockon_sync_report_duration_ms(const rockon_sync_report *report);

// How many ids a list has; list is ROCKON_SYNC_IDS_...
size_t rockon_sync_report_id_count(const rockon_sync_report *report, int32_t list);

// One id of a list, which is ROCKON_SYNC_IDS_...; NULL beyond the last.
const char *rockon_sync_report_id(const rockon_sync_report *report,
                                  int32_t list,
                                  size_t index,
                                  size_t *len_bytes);

// How many entries could not be brought up to date. Each keeps what was held of it, and
// the next update tries it again.
size_t rockon_sync_report_failed_count(const rockon_sync_report *report);

// The id of a failed entry; NULL beyond the last.
const char *rockon_sync_report_failed_id(const rockon_sync_report *report,
                                         size_t index,
                                         size_t *len_bytes);

// What went wrong with a failed entry: ROCKON_SYNC_ERROR_...; ROCKON_SYNC_OK beyond the
// last.
int32_t rockon_sync_report_failed_status(const rockon_sync_report *report, size_t index);

// What went wrong with a failed entry, in words; NULL beyond the last.
const char *rockon_sync_report_failed_message(const rockon_sync_report *report,
                                              size_t index,
                                              size_t *len_bytes);

// How many things are not wrong but should be known.
size_t rockon_sync_report_warning_count(const rockon_sync_report *report);

// One of them, a sentence; NULL beyond the last.
const char *rockon_sync_report_warning(const rockon_sync_report *report,
                                       size_t index,
                                       size_t *len_bytes);

/* Update ------------------------------------------------------------------------------ */

// Files whose size and time are as committed are taken to be intact. The default.
#define ROCKON_SYNC_TRUST_SIZE_AND_TIME 0

// Every file is compared with its digest; what is damaged is fetched again.
#define ROCKON_SYNC_TRUST_DIGEST 1

// Nothing is taken on trust: everything is fetched again.
#define ROCKON_SYNC_TRUST_NOTHING 2

// Deleting more than half of the catalog is refused. The default.
#define ROCKON_SYNC_MASS_DELETE_REFUSE 0

// The caller knows that it is meant.
#define ROCKON_SYNC_MASS_DELETE_ALLOW 1

// A head that is older than the one held is not applied. The default.
#define ROCKON_SYNC_ROLLBACK_REFUSE 0

// It is applied: the publisher went back on purpose.
#define ROCKON_SYNC_ROLLBACK_ALLOW 1

// A head that is past its expiry is applied, with a warning. The default.
#define ROCKON_SYNC_FRESHNESS_WARN 0

// It is refused with ROCKON_SYNC_ERROR_EXPIRED.
#define ROCKON_SYNC_FRESHNESS_REQUIRE 1

// Asking what there is.
#define ROCKON_SYNC_PHASE_CHECKING 1

// Fetching what is missing.
#define ROCKON_SYNC_PHASE_FETCHING 2

// Building and committing the new state.
#define ROCKON_SYNC_PHASE_COMMITTING 3

// bytes_total of a source that does not tell sizes (v1).
#define ROCKON_SYNC_BYTES_UNKNOWN 18446744073709551615ull

// How far an update is. Totals are known once the phase is FETCHING.
//
// The library sets struct_size; later versions of it may add fields at the end.
typedef struct rockon_sync_progress {
    // The size of this struct, in bytes.
    size_t struct_size;
    // The name of the source, NUL-terminated; valid during the callback.
    const char *source;
    // ROCKON_SYNC_PHASE_...
    int32_t phase;
    // Files done, of those that are to be fetched.
    uint64_t files_done;
    // Files that are to be fetched.
    uint64_t files_total;
    // Bytes of those files done.
    uint64_t bytes_done;
    // Bytes of those files, or ROCKON_SYNC_BYTES_UNKNOWN.
    uint64_t bytes_total;
} rockon_sync_progress;

// Is told how far an update is: at every change of phase, at most ten times a second in
// between, and a last time at the end. Returning anything but 0 cancels the update, as
// rockon_sync_cancel_token_cancel() does, also for the token in the options; it is then
// not called again. After the commit it is too late, and the update succeeds.
//
// It is called on the thread that runs the update. progress is valid during the call.
// It must return, so no longjmp() and no C++ exception out of it.
typedef int32_t (*rockon_sync_progress_callback)(const rockon_sync_progress *progress,
                                                 void *user_data);

// How an update is done. Set everything to zero, then struct_size, then what differs
// from the defaults:
//
//     rockon_sync_update_options options = {0};
//     options.struct_size = sizeof options;
//     options.timeout_ms = 60000;
typedef struct rockon_sync_update_options {
    // sizeof(rockon_sync_update_options), so that the struct can grow at its end.
    size_t struct_size;
    // The longest the whole update may take, in milliseconds; 0 for 5 minutes.
    uint64_t timeout_ms;
    // How long to wait for another writer of the same source, in milliseconds; 0 for
    // not at all.
    uint64_t lock_patience_ms;
    // ROCKON_SYNC_TRUST_...
    int32_t trust;
    // ROCKON_SYNC_MASS_DELETE_...
    int32_t mass_delete;
    // ROCKON_SYNC_ROLLBACK_...
    int32_t rollback;
    // ROCKON_SYNC_FRESHNESS_...
    int32_t freshness;
    // Stops the update from another thread; NULL if nothing does. It must stay alive
    // until the update has returned.
    const rockon_sync_cancel_token *cancel;
    // Is told how far the update is; NULL if nobody is.
    rockon_sync_progress_callback progress;
    // Handed to progress as it is.
    void *user_data;
} rockon_sync_update_options;

// Brings the store in step with a source.
//
// options: how; NULL for the defaults.
// report: where the report goes; free it with rockon_sync_report_free(). Entries that
//   could not be fetched are no failure: the outcome is then
//   ROCKON_SYNC_OUTCOME_PARTIAL.
// Fails with any status but CATALOG and NOT_FOUND. The store then holds what it held
// before, and what was fetched and verified is not fetched again by the next update.
//
// Threads: blocks until the update is over. Updates of several sources, also of one
// store, may run at the same time. The callback may use any function of this library.
int32_t rockon_sync_store_update(const rockon_sync_store *store,
                                 const rockon_sync_source *source,
                                 const rockon_sync_update_options *options,
                                 rockon_sync_report **report,
                                 rockon_sync_error **error);

// Finds out what rockon_sync_store_update() would do, without doing it: the report says
// what would be added, changed and removed. Of a v1 source it tells only what would be
// added and removed.
//
// Arguments, failures, threads: as for rockon_sync_store_update().
int32_t rockon_sync_store_check(const rockon_sync_store *store,
                                const rockon_sync_source *source,
                                const rockon_sync_update_options *options,
                                rockon_sync_report **report,
                                rockon_sync_error **error);

// Brings the store in step with a bundle, packs/empty-*.tar.zst of a published tree, without
// a network. The head is taken from root.sha beside the bundle, or in the tree that it is in.
//
// source: of it, only the name and the trusted keys count; it is not asked.
// bundle: the path of the bundle, bundle_len bytes of UTF-8.
// options: how; NULL for the defaults.
// report: where the report goes; free it with rockon_sync_report_free(). A bundle that is
//   older than what is held is no failure: the outcome is then ROCKON_SYNC_OUTCOME_STALE.
// Fails with NOT_FOUND if there is no such file, INTEGRITY if it is no bundle or not a
// whole one, TRUST if keys ask for a signed head and there is none, and as
// rockon_sync_store_update() does. The store then holds what it held before.
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

// How the updates of several sources ended, each by itself.
//
// Threads: any number at a time.
typedef struct rockon_sync_update_results rockon_sync_update_results;

// Updates a store from every source that it follows: those of sources.toml, else those of the
// last update. They run side by side: one that fails or is slow harms no other.
//
// options: as for rockon_sync_store_update(). Progress names its source, and comes on the
//   calling thread.
// results: where the results go; free them with rockon_sync_update_results_free().
// Fails with ROCKON_SYNC_ERROR_ARGUMENT, also for a list that cannot be read,
// ROCKON_SYNC_ERROR_NOT_FOUND if nothing is followed, ROCKON_SYNC_ERROR_STORE. That an update
// fails is no failure here: see rockon_sync_update_results_error().
int32_t rockon_sync_store_update_all(const rockon_sync_store *store,
                                     const rockon_sync_update_options *options,
                                     rockon_sync_update_results **results,
                                     rockon_sync_error **error);

// How many sources there are, the one with the highest priority first.
size_t rockon_sync_update_results_count(const rockon_sync_update_results *results);

// The name of a source; NULL past the end.
const char *rockon_sync_update_results_source(const rockon_sync_update_results *results,
                                              size_t index,
                                              size_t *len_bytes);

// What its update has done; NULL if it failed, and past the end. Part of the results: not to
// be freed.
const rockon_sync_report *rockon_sync_update_results_report(const rockon_sync_update_results *results,
                                                            size_t index);

// Why its update failed; NULL if it did not, and past the end. Part of the results: not to be
// freed.
const rockon_sync_error *rockon_sync_update_results_error(const rockon_sync_update_results *results,
                                                          size_t index);

// Frees the results. NULL is fine.
void rockon_sync_update_results_free(rockon_sync_update_results *results);

/* Catalog ----------------------------------------------------------------------------- */

// The definition comes from an entry of a source.
#define ROCKON_SYNC_ORIGIN_SOURCE 1

// The definition comes from the folder of definitions put there by hand.
#define ROCKON_SYNC_ORIGIN_LOCAL 2

// The merged view of all sources and the folder of definitions put there by hand, as it
// was when it was opened. A name defined again replaces the earlier definition and
// keeps its place.
//
// Threads: any number at a time.
typedef struct rockon_sync_catalog rockon_sync_catalog;

// One definition. It belongs to the catalog or changes that it came from, and is not
// freed.
//
// Threads: any number at a time.
typedef struct rockon_sync_definition rockon_sync_definition;

// The bytes of a definition.
//
// Threads: any number at a time.
typedef struct rockon_sync_definition_bytes rockon_sync_definition_bytes;

// The text of a definition: of a Rock-on the JSON object after its name, to the letter; of
// other formats the whole file.
//
// Threads: any number at a time.
typedef struct rockon_sync_definition_text rockon_sync_definition_text;

// A string that the caller lends: UTF-8, of len bytes, not necessarily NUL-terminated.
typedef struct rockon_sync_str {
    // The bytes.
    const char *data;
    // How many there are.
    size_t len;
} rockon_sync_str;

// What a catalog is made of. Set everything to zero, then struct_size, then what
// differs from the defaults.
typedef struct rockon_sync_catalog_options {
    // sizeof(rockon_sync_catalog_options), so that the struct can grow at its end.
    size_t struct_size;
    // The names of the sources, the first having the lowest priority; NULL for all of
    // the store, as sources.toml or else the last update ranks them.
    const rockon_sync_str *sources;
    // How many names there are.
    size_t source_count;
    // The folder of definitions put there by hand; NULL for "local" in the store.
    rockon_sync_str local_folder;
} rockon_sync_catalog_options;

// Reads the catalog of a store. No network, no lock; a running update does not disturb
// it, and it does not see what is committed later.
//
// options: what it is made of; NULL for the defaults.
// catalog: where the handle goes; free it with rockon_sync_catalog_free().
// Fails with ROCKON_SYNC_ERROR_NOT_FOUND if there is no store, ROCKON_SYNC_ERROR_STORE
// if it cannot be read. A definition that cannot be read is no failure: see
// rockon_sync_catalog_problem().
int32_t rockon_sync_catalog_open(const rockon_sync_store *store,
                                 const rockon_sync_catalog_options *options,
                                 rockon_sync_catalog **catalog,
                                 rockon_sync_error **error);

// Frees a catalog. NULL is fine. Its definitions go with it, but for those that changes
// made from it still need.
void rockon_sync_catalog_free(rockon_sync_catalog *catalog);

// How many definitions there are.
size_t rockon_sync_catalog_len(const rockon_sync_catalog *catalog);

// One definition, in catalog order; NULL beyond the last.
const rockon_sync_definition *rockon_sync_catalog_get(const rockon_sync_catalog *catalog,
                                                      size_t index);

// The definition with this name, UTF-8, of name_len bytes.
//
// definition: where it goes; it belongs to the catalog.
// Fails with ROCKON_SYNC_ERROR_NOT_FOUND, ROCKON_SYNC_ERROR_ARGUMENT.
int32_t rockon_sync_catalog_find(const rockon_sync_catalog *catalog,
                                 const char *name,
                                 size_t name_len,
                                 const rockon_sync_definition **definition,
                                 rockon_sync_error **error);

// How many definitions another one of the same name hides.
size_t rockon_sync_catalog_hidden_count(const rockon_sync_catalog *catalog);

// One of them, lowest priority first; NULL beyond the last.
const rockon_sync_definition *rockon_sync_catalog_hidden(const rockon_sync_catalog *catalog,
                                                         size_t index);

// How many files could not be read as definitions.
size_t rockon_sync_catalog_problem_count(const rockon_sync_catalog *catalog);

// Why one of them could not; NULL beyond the last. It belongs to the catalog.
const rockon_sync_error *rockon_sync_catalog_problem(const rockon_sync_catalog *catalog,
                                                     size_t index);

// The name inside the file: the identity of the definition.
const char *rockon_sync_definition_name(const rockon_sync_definition *definition,
                                        size_t *len_bytes);

// The name of the format of its file: "rockon", "jupdate" or "files".
const char *rockon_sync_definition_format(const rockon_sync_definition *definition,
                                          size_t *len_bytes);

// The digest of the file, in 64 hexadecimal digits: another one means that the
// definition may have changed.
const char *rockon_sync_definition_revision(const rockon_sync_definition *definition,
                                            size_t *len_bytes);

// ROCKON_SYNC_ORIGIN_...; 0 for NULL.
int32_t rockon_sync_definition_origin(const rockon_sync_definition *definition);

// The name of the source that it comes from; NULL for a local one.
const char *rockon_sync_definition_source(const rockon_sync_definition *definition,
                                          size_t *len_bytes);

// The id of the entry that it comes from; NULL for a local one.
const char *rockon_sync_definition_entry_id(const rockon_sync_definition *definition,
                                            size_t *len_bytes);

// Whether the manifest says when the publisher last saw other bytes; seconds since
// 1970-01-01T00:00:00Z go to unix_s only if it does. unix_s may be NULL.
bool rockon_sync_definition_updated(const rockon_sync_definition *definition,
                                    int64_t *unix_s);

// The path of the file that has it.
const char *rockon_sync_definition_file(const rockon_sync_definition *definition,
                                        size_t *len_bytes);

// Reads the definition as it was published: of a Rock-on the JSON object after its name, to
// the letter; of other formats the whole file.
//
// text: where it goes; free it with rockon_sync_definition_text_free(). It does not
//   need the definition any more.
// Fails with ROCKON_SYNC_ERROR_STORE if the file cannot be read,
// ROCKON_SYNC_ERROR_INTEGRITY if it is no longer the one that the catalog was made
// from, ROCKON_SYNC_ERROR_DEFINITION if the name is not in it, or if it is not UTF-8: see
// rockon_sync_definition_read_bytes().
int32_t rockon_sync_definition_read_text(const rockon_sync_definition *definition,
                                         rockon_sync_definition_text **text,
                                         rockon_sync_error **error);

// The text; of a Rock-on it is JSON.
const char *rockon_sync_definition_text_json(const rockon_sync_definition_text *text,
                                             size_t *len_bytes);

// Frees a text. NULL is fine.
void rockon_sync_definition_text_free(rockon_sync_definition_text *text);

// Reads the definition as it was published, whatever is in it: of a Rock-on its part of the
// file, of other formats the whole file.
//
// bytes: where they go; free them with rockon_sync_definition_bytes_free(). They do not
//   need the definition any more.
// Fails like rockon_sync_definition_read_text(), but takes what is not UTF-8.
int32_t rockon_sync_definition_read_bytes(const rockon_sync_definition *definition,
                                          rockon_sync_definition_bytes **bytes,
                                          rockon_sync_error **error);

// The bytes; how many there are goes to len_bytes. A NUL comes after them, which does not
// count. NULL only for NULL.
const uint8_t *rockon_sync_definition_bytes_data(const rockon_sync_definition_bytes *bytes,
                                                 size_t *len_bytes);

// Frees bytes. NULL is fine.
void rockon_sync_definition_bytes_free(rockon_sync_definition_bytes *bytes);

/* What fits a machine ----------------------------------------------------------------- */

// It is for other processors.
#define ROCKON_SYNC_MISMATCH_ARCH 1

// It needs a newer system.
#define ROCKON_SYNC_MISMATCH_VERSION 2

// For development, and also what is of no known stability.
#define ROCKON_SYNC_STABILITY_DEV 1

// An alpha version.
#define ROCKON_SYNC_STABILITY_ALPHA 2

// A beta version.
#define ROCKON_SYNC_STABILITY_BETA 3

// A candidate for a release.
#define ROCKON_SYNC_STABILITY_RC 4

// A stable release.
#define ROCKON_SYNC_STABILITY_STABLE 5

// Why a definition does not fit a machine.
//
// Threads: any number at a time.
typedef struct rockon_sync_mismatches rockon_sync_mismatches;

// A machine, as far as it decides what can be installed on it.
//
// Threads: any number at a time.
typedef struct rockon_sync_target rockon_sync_target;

// Describes a machine. What is not said of it hides nothing.
//
// arch: the architecture as container images name it, UTF-8, of arch_len bytes: amd64,
//   arm64, arm/v7, ...; other customary names are understood. NULL if it is not known.
// version: the version of the system, UTF-8, of version_len bytes. NULL if it is not known.
// target: where the handle goes; free it with rockon_sync_target_free().
// Fails with ROCKON_SYNC_ERROR_ARGUMENT.
int32_t rockon_sync_target_new(const char *arch,
                               size_t arch_len,
                               const char *version,
                               size_t version_len,
                               rockon_sync_target **target,
                               rockon_sync_error **error);

// Says what platform extensions are for.
//
// platform: name and version, "joomla 5.1", UTF-8, of platform_len bytes.
// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the target is then as it was.
int32_t rockon_sync_target_set_platform(rockon_sync_target *target,
                                        const char *platform,
                                        size_t platform_len,
                                        rockon_sync_error **error);

// Says what stability releases must have at least: ROCKON_SYNC_STABILITY_...
//
// Fails with ROCKON_SYNC_ERROR_ARGUMENT; the target is then as it was.
int32_t rockon_sync_target_set_stability(rockon_sync_target *target,
                                         int32_t stability,
                                         rockon_sync_error **error);

// Frees a target. NULL is fine.
void rockon_sync_target_free(rockon_sync_target *target);

// Finds out why a definition does not fit a machine: an empty list if it does, or if that is
// not known.
//
// mismatches: where the list goes; free it with rockon_sync_mismatches_free(). It needs
//   neither the definition nor the target any more.
// Fails with ROCKON_SYNC_ERROR_ARGUMENT for NULL.
int32_t rockon_sync_definition_mismatches(const rockon_sync_definition *definition,
                                          const rockon_sync_target *target,
                                          rockon_sync_mismatches **mismatches,
                                          rockon_sync_error **error);

// How many there are: 0 if the definition fits.
size_t rockon_sync_mismatches_count(const rockon_sync_mismatches *mismatches);

// ROCKON_SYNC_MISMATCH_...; 0 past the end, and for a reason that has no constant.
int32_t rockon_sync_mismatches_reason(const rockon_sync_mismatches *mismatches,
                                      size_t index);

// The reason in a sentence; NULL past the end.
const char *rockon_sync_mismatches_message(const rockon_sync_mismatches *mismatches,
                                           size_t index,
                                           size_t *len_bytes);

// Frees a list of mismatches. NULL is fine.
void rockon_sync_mismatches_free(rockon_sync_mismatches *mismatches);

/* What installing takes --------------------------------------------------------------- */

// What installing a definition takes: what is missing, what nothing meets, what is in
// conflict, and what is to be removed.
//
// Threads: any number at a time.
typedef struct rockon_sync_installation rockon_sync_installation;

// Something that is installed: name and version, UTF-8, by pointer and length. A version
// that is not known is NULL.
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

// Finds out what is missing to install a definition where something is installed already.
// Of alternatives the first one that can be had is taken. Files are read.
//
// name: the name of the definition, UTF-8, of name_len bytes.
// installed: what is there, installed_count elements in any order; NULL with a count of 0
//   if nothing is.
// installation: where the handle goes; free it with rockon_sync_installation_free(). It
//   does not need the catalog any more.
// Fails with ROCKON_SYNC_ERROR_NOT_FOUND if there is no such definition,
// ROCKON_SYNC_ERROR_LIMIT for requirements without end, ROCKON_SYNC_ERROR_ARGUMENT, and
// like rockon_sync_definition_read_text(). That it cannot be installed is no failure: see
// rockon_sync_installation_is_possible().
int32_t rockon_sync_catalog_installation(const rockon_sync_catalog *catalog,
                                         const char *name,
                                         size_t name_len,
                                         const rockon_sync_installed *installed,
                                         size_t installed_count,
                                         rockon_sync_installation **installation,
                                         rockon_sync_error **error);

// Frees an installation. NULL is fine.
void rockon_sync_installation_free(rockon_sync_installation *installation);

// Whether it can be done: nothing is unmet and nothing in conflict. False for NULL.
bool rockon_sync_installation_is_possible(const rockon_sync_installation *installation);

// How many definitions are to be installed.
size_t rockon_sync_installation_install_count(const rockon_sync_installation *installation);

// A definition that is to be installed, each after what it requires, the one that was asked
// for last; NULL beyond the last. What is installed in a version that will not do is one of
// them too. It lives as long as the installation.
const rockon_sync_definition *rockon_sync_installation_install(const rockon_sync_installation *installation,
                                                               size_t index);

// How many requirements nothing in the catalog meets.
size_t rockon_sync_installation_unmet_count(const rockon_sync_installation *installation);

// The name of the definition that has an unmet requirement; NULL beyond the last.
const char *rockon_sync_installation_unmet_by(const rockon_sync_installation *installation,
                                              size_t index,
                                              size_t *len_bytes);

// The requirement, in the notation of Debian's control files: "name (>= 1.2) | other"; NULL
// beyond the last.
const char *rockon_sync_installation_unmet_requirement(const rockon_sync_installation *installation,
                                                       size_t index,
                                                       size_t *len_bytes);

// How many pairs cannot be installed together.
size_t rockon_sync_installation_conflict_count(const rockon_sync_installation *installation);

// The name of the definition that says so; NULL beyond the last.
const char *rockon_sync_installation_conflict_by(const rockon_sync_installation *installation,
                                                 size_t index,
                                                 size_t *len_bytes);

// What it conflicts with, in the notation of Debian's control files; NULL beyond the last.
const char *rockon_sync_installation_conflict_with(const rockon_sync_installation *installation,
                                                   size_t index,
                                                   size_t *len_bytes);

// How many names are to be removed, since something takes their place.
size_t rockon_sync_installation_replaced_count(const rockon_sync_installation *installation);

// One of them, in byte order; NULL beyond the last.
const char *rockon_sync_installation_replaced_name(const rockon_sync_installation *installation,
                                                   size_t index,
                                                   size_t *len_bytes);

/* Updates of extensions --------------------------------------------------------------- */

// Which of the extensions that are installed have an update.
//
// Threads: any number at a time.
typedef struct rockon_sync_extension_updates rockon_sync_extension_updates;

// Finds out which extensions have a newer release that fits a machine. Nothing is said of
// extensions that are not installed. Files are read.
//
// installed: what is there, installed_count elements in any order, each with its version;
//   NULL with a count of 0 if nothing is.
// target: the machine: rockon_sync_target_set_platform(), rockon_sync_target_set_stability().
// updates: where the handle goes; free it with rockon_sync_extension_updates_free(). It
//   needs neither the catalog nor the target any more.
// Fails with ROCKON_SYNC_ERROR_ARGUMENT. An extension that cannot be read is no failure:
// see rockon_sync_extension_updates_problem().
int32_t rockon_sync_catalog_updates_for(const rockon_sync_catalog *catalog,
                                        const rockon_sync_installed *installed,
                                        size_t installed_count,
                                        const rockon_sync_target *target,
                                        rockon_sync_extension_updates **updates,
                                        rockon_sync_error **error);

// Frees updates. NULL is fine.
void rockon_sync_extension_updates_free(rockon_sync_extension_updates *updates);

// How many extensions have an update.
size_t rockon_sync_extension_updates_count(const rockon_sync_extension_updates *updates);

// An extension that has an update, in catalog order; NULL beyond the last. It lives as long
// as the updates.
const rockon_sync_definition *rockon_sync_extension_updates_definition(const rockon_sync_extension_updates *updates,
                                                                       size_t index);

// The version that is installed; NULL beyond the last.
const char *rockon_sync_extension_updates_installed(const rockon_sync_extension_updates *updates,
                                                    size_t index,
                                                    size_t *len_bytes);

// The version of the newest release that fits; NULL beyond the last.
const char *rockon_sync_extension_updates_version(const rockon_sync_extension_updates *updates,
                                                  size_t index,
                                                  size_t *len_bytes);

// ROCKON_SYNC_STABILITY_... of that release; 0 beyond the last, and for a stability that has
// no constant.
int32_t rockon_sync_extension_updates_stability(const rockon_sync_extension_updates *updates,
                                                size_t index);

// How many URLs that release can be downloaded from.
size_t rockon_sync_extension_updates_download_count(const rockon_sync_extension_updates *updates,
                                                    size_t index);

// One of them, in the order of the site; NULL beyond the last. It is what the site says: not
// checked, and nothing that this library fetches.
const char *rockon_sync_extension_updates_download(const rockon_sync_extension_updates *updates,
                                                   size_t index,
                                                   size_t download,
                                                   size_t *len_bytes);

// How many of the names that are installed are no extensions of the catalog. That is no
// reason to remove them.
size_t rockon_sync_extension_updates_unknown_count(const rockon_sync_extension_updates *updates);

// One of them, in byte order; NULL beyond the last.
const char *rockon_sync_extension_updates_unknown_name(const rockon_sync_extension_updates *updates,
                                                       size_t index,
                                                       size_t *len_bytes);

// How many extensions could not be read.
size_t rockon_sync_extension_updates_problem_count(const rockon_sync_extension_updates *updates);

// Why one of them could not; NULL beyond the last. It belongs to the updates.
const rockon_sync_error *rockon_sync_extension_updates_problem(const rockon_sync_extension_updates *updates,
                                                               size_t index);

/* Changes ----------------------------------------------------------------------------- */

// What an application has to do to be in step with a catalog: first the deletes, then
// the upserts in their order, because a definition that was renamed frees names that
// must be unique. Record each revision in the same transaction as what was made of the
// definition; what is not recorded is handed out again next time.
//
// Threads: any number at a time.
typedef struct rockon_sync_changes rockon_sync_changes;

// What an application has recorded of one definition that it has applied: name and
// revision, UTF-8, by pointer and length. A revision that is no digest, also an empty
// one, means that the definition is to be applied again.
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

// Finds out what an application has to do that has recorded applied. The library keeps
// no record of its own. An empty or failed source never turns into deletes.
//
// applied: what was applied, applied_count elements in any order; NULL with a count of
//   0 if nothing was, which makes every definition an upsert.
// changes: where the handle goes; free it with rockon_sync_changes_free(). It does not
//   need the catalog any more.
// Fails with ROCKON_SYNC_ERROR_ARGUMENT.
int32_t rockon_sync_catalog_changes_since(const rockon_sync_catalog *catalog,
                                          const rockon_sync_applied *applied,
                                          size_t applied_count,
                                          rockon_sync_changes **changes,
                                          rockon_sync_error **error);

// Frees changes. NULL is fine.
void rockon_sync_changes_free(rockon_sync_changes *changes);

// How many names are to be deleted.
size_t rockon_sync_changes_delete_count(const rockon_sync_changes *changes);

// A name that was applied and is no longer in the catalog; NULL beyond the last.
const char *rockon_sync_changes_delete_name(const rockon_sync_changes *changes,
                                            size_t index,
                                            size_t *len_bytes);

// How many definitions are to be applied.
size_t rockon_sync_changes_upsert_count(const rockon_sync_changes *changes);

// A definition that is to be applied, in catalog order; NULL beyond the last. It lives
// as long as the changes.
const rockon_sync_definition *rockon_sync_changes_upsert(const rockon_sync_changes *changes,
                                                         size_t index);

// Whether the application has no revision of it at all; false beyond the last.
bool rockon_sync_changes_upsert_is_new(const rockon_sync_changes *changes, size_t index);

// How many names are not in the catalog but must not be deleted: what is published was
// not fetched, cannot be read, or the source is empty.
size_t rockon_sync_changes_withheld_count(const rockon_sync_changes *changes);

// One of them; NULL beyond the last.
const char *rockon_sync_changes_withheld_name(const rockon_sync_changes *changes,
                                              size_t index,
                                              size_t *len_bytes);

// How many reasons there are for withholding names.
size_t rockon_sync_changes_reason_count(const rockon_sync_changes *changes);

// One of them, in words; NULL beyond the last.
const char *rockon_sync_changes_reason(const rockon_sync_changes *changes,
                                       size_t index,
                                       size_t *len_bytes);

/* Status and verification ------------------------------------------------------------- */

// What is held of one source. It belongs to the list that it came from, and is not
// freed.
//
// Threads: any number at a time.
typedef struct rockon_sync_source_status rockon_sync_source_status;

// What a store holds of each source, by name.
//
// Threads: any number at a time.
typedef struct rockon_sync_status_list rockon_sync_status_list;

// What was found of one source. It belongs to the list that it came from, and is not
// freed.
//
// Threads: any number at a time.
typedef struct rockon_sync_verification rockon_sync_verification;

// The result of comparing every file of a store with its digest, one part a source.
//
// Threads: any number at a time.
typedef struct rockon_sync_verification_list rockon_sync_verification_list;

// Finds out what a store holds of each source. No network, no lock.
//
// status: where the list goes; free it with rockon_sync_status_list_free().
// Fails with ROCKON_SYNC_ERROR_NOT_FOUND if there is no store, ROCKON_SYNC_ERROR_STORE.
int32_t rockon_sync_store_status(const rockon_sync_store *store,
                                 rockon_sync_status_list **status,
                                 rockon_sync_error **error);

// Frees a list. NULL is fine.
void rockon_sync_status_list_free(rockon_sync_status_list *status);

// How many sources there are.
size_t rockon_sync_status_list_len(const rockon_sync_status_list *status);

// One source; NULL beyond the last.
const rockon_sync_source_status *rockon_sync_status_list_get(const rockon_sync_status_list *status,
                                                             size_t index);

// The name of the source.
const char *rockon_sync_source_status_name(const rockon_sync_source_status *source,
                                           size_t *len_bytes);

// How many trees its last update knew.
size_t rockon_sync_source_status_location_count(const rockon_sync_source_status *source);

// One of them, without credentials and query; NULL beyond the last.
const char *rockon_sync_source_status_location(const rockon_sync_source_status *source,
                                               size_t index,
                                               size_t *len_bytes);

// How many keys are trusted, of which one must have signed the head; 0 if it need not be
// signed.
size_t rockon_sync_source_status_trusted_key_count(const rockon_sync_source_status *source);

// The text of one of them; NULL beyond the last.
const char *rockon_sync_source_status_trusted_key(const rockon_sync_source_status *source,
                                                  size_t index,
                                                  size_t *len_bytes);

// Whether the source was ever asked successfully; when it last was goes to unix_s,
// seconds since 1970-01-01T00:00:00Z, which may be NULL.
bool rockon_sync_source_status_checked(const rockon_sync_source_status *source,
                                       int64_t *unix_s);

// Whether an update was ever completed; the number of the state that is held goes to
// generation, which may be NULL. What follows is 0, false and NULL if not.
bool rockon_sync_source_status_generation(const rockon_sync_source_status *source,
                                          uint64_t *generation);

// Whether the head that is held has a serial; it goes to serial, which may be NULL.
bool rockon_sync_source_status_serial(const rockon_sync_source_status *source,
                                      uint64_t *serial);

// Whether the head says when it was published; the time goes to unix_s, which may be
// NULL.
bool rockon_sync_source_status_published(const rockon_sync_source_status *source,
                                         int64_t *unix_s);

// Whether the head says when it expires; the time goes to unix_s, which may be NULL.
bool rockon_sync_source_status_expires(const rockon_sync_source_status *source,
                                       int64_t *unix_s);

// The digest of the manifest (v1: of the root.json) that is held; NULL if there is none.
const char *rockon_sync_source_status_manifest(const rockon_sync_source_status *source,
                                               size_t *len_bytes);

// How many entries are held.
size_t rockon_sync_source_status_entries(const rockon_sync_source_status *source);

// How many entries the last update could not bring up to date.
size_t rockon_sync_source_status_failed_count(const rockon_sync_source_status *source);

// The id of a failed entry; NULL beyond the last.
const char *rockon_sync_source_status_failed_id(const rockon_sync_source_status *source,
                                                size_t index,
                                                size_t *len_bytes);

// What went wrong with a failed entry: ROCKON_SYNC_ERROR_...; ROCKON_SYNC_OK beyond the
// last.
int32_t rockon_sync_source_status_failed_status(const rockon_sync_source_status *source,
                                                size_t index);

// What went wrong with a failed entry, in words; NULL beyond the last.
const char *rockon_sync_source_status_failed_message(const rockon_sync_source_status *source,
                                                     size_t index,
                                                     size_t *len_bytes);

// The kind of the error that keeps a source from being read: ROCKON_SYNC_ERROR_...;
// ROCKON_SYNC_OK if there is none. With an error, nothing but the name is known.
int32_t rockon_sync_source_status_error(const rockon_sync_source_status *source);

// The error in words; NULL if there is none.
const char *rockon_sync_source_status_error_message(const rockon_sync_source_status *source,
                                                    size_t *len_bytes);

// Compares every file of every source with its digest. Nothing is changed: an update
// with ROCKON_SYNC_TRUST_DIGEST repairs what is found.
//
// found: where the list goes; free it with rockon_sync_verification_list_free().
// Fails with ROCKON_SYNC_ERROR_NOT_FOUND if there is no store, ROCKON_SYNC_ERROR_STORE
// if something cannot be read. Damage is no failure.
int32_t rockon_sync_store_verify(const rockon_sync_store *store,
                                 rockon_sync_verification_list **found,
                                 rockon_sync_error **error);

// Frees a list. NULL is fine.
void rockon_sync_verification_list_free(rockon_sync_verification_list *found);

// How many sources were looked at: those of which something is held.
size_t rockon_sync_verification_list_len(const rockon_sync_verification_list *found);

// What was found of one source; NULL beyond the last.
const rockon_sync_verification *rockon_sync_verification_list_get(const rockon_sync_verification_list *found,
                                                                  size_t index);

// The name of the source.
const char *rockon_sync_verification_source(const rockon_sync_verification *found,
                                            size_t *len_bytes);

// Whether everything is as it was committed; false for NULL.
bool rockon_sync_verification_is_intact(const rockon_sync_verification *found);

// How many entries were looked at.
size_t rockon_sync_verification_entries(const rockon_sync_verification *found);

// How many files are missing or have other bytes than they were committed with.
size_t rockon_sync_verification_damaged_count(const rockon_sync_verification *found);

// The path of one of them; NULL beyond the last.
const char *rockon_sync_verification_damaged(const rockon_sync_verification *found,
                                             size_t index,
                                             size_t *len_bytes);

// How many files are there that no update put there.
size_t rockon_sync_verification_strays(const rockon_sync_verification *found);

/* Keys -------------------------------------------------------------------------------- */

// The public half of a key, which clients trust.
//
// Threads: any number at a time.
typedef struct rockon_sync_verifier_key rockon_sync_verifier_key;

// Makes a pair of keys. The private one goes to a new file that only its owner may read,
// for rockon_sync_publish_options.sign_key_files; the public one is for
// rockon_sync_source_trust_key().
//
// name: the name of the key, UTF-8, of name_len bytes, without spaces and '+': best a URL
//   without its scheme, for example "example.org/rockons".
// file: the path of the file, UTF-8, of file_len bytes. It must not exist yet.
// key: where the public half goes; free it with rockon_sync_verifier_key_free().
// Fails with ROCKON_SYNC_ERROR_ARGUMENT, ROCKON_SYNC_ERROR_STORE.
int32_t rockon_sync_keygen(const char *name,
                           size_t name_len,
                           const char *file,
                           size_t file_len,
                           rockon_sync_verifier_key **key,
                           rockon_sync_error **error);

// The text of the key: its name, its hash and its base64, with '+' in between.
const char *rockon_sync_verifier_key_text(const rockon_sync_verifier_key *key,
                                          size_t *len_bytes);

// Frees a key. NULL is fine.
void rockon_sync_verifier_key_free(rockon_sync_verifier_key *key);

/* Publisher --------------------------------------------------------------------------- */

// The tree gets a folder of its own. The default.
#define ROCKON_SYNC_LAYOUT_SEPARATE 0

// The tree is put into the catalog's own folder, beside what older systems read.
#define ROCKON_SYNC_LAYOUT_IN_PLACE 1

// One bad definition means that nothing is published. The default.
#define ROCKON_SYNC_LENIENCY_STRICT 0

// A bad definition is left out, and reported.
#define ROCKON_SYNC_LENIENCY_LEAVE_OUT 1

// The tree has no page; an earlier one is removed. The default.
#define ROCKON_SYNC_PAGE_OMIT 0

// The tree has a page for people, and a feed of its updates.
#define ROCKON_SYNC_PAGE_WRITE 1

// There is a new head.
#define ROCKON_SYNC_PUBLISHED 1

// Everything was published already; nothing was written, but for a page that was missing or
// not wanted any more.
#define ROCKON_SYNC_PUBLISHED_BEFORE 2

// What a publication has done.
//
// Threads: any number at a time.
typedef struct rockon_sync_publish_report rockon_sync_publish_report;

// How a catalog is published. Set everything to zero, then struct_size, then what
// differs from the defaults.
typedef struct rockon_sync_publish_options {
    // sizeof(rockon_sync_publish_options), so that the struct can grow at its end.
    size_t struct_size;
    // The folder of the tree; NULL for "v2" in the catalog. Only for
    // ROCKON_SYNC_LAYOUT_SEPARATE.
    rockon_sync_str out;
    // The URL that clients fetch everything but the head from; NULL for the head's own
    // folder.
    rockon_sync_str url;
    // ROCKON_SYNC_LAYOUT_...
    int32_t layout;
    // ROCKON_SYNC_LENIENCY_...
    int32_t leniency;
    // ROCKON_SYNC_MASS_DELETE_...
    int32_t mass_delete;
    // How many publications stay available to clients that are behind; 0 for 16.
    uint32_t keep;
    // After how many days the head expires; 0 for never.
    uint32_t expires_in_days;
    // ROCKON_SYNC_PAGE_...
    int32_t page;
    // The time of publication, seconds since 1970-01-01T00:00:00Z, which makes
    // publications reproducible; NULL for now.
    const int64_t *published_unix_s;
    // The paths of files with private keys, each of which signs the head; NULL to leave it
    // unsigned.
    const rockon_sync_str *sign_key_files;
    // How many files there are.
    size_t sign_key_file_count;
    // The format of the files, by name: "rockon", "jupdate" or "files"; NULL for "rockon".
    rockon_sync_str format;
} rockon_sync_publish_options;

// Publishes the catalog in a folder: root.json, which maps ids to files, and the files; of
// the format "files" all that are in the folder. Everything is checked before anything is
// written, and the head is written last.
//
// folder: the path of the catalog, UTF-8, of folder_len bytes. Of the format "jupdate" it is
//   the folder, file or URL of an update site.
// options: how; NULL for the defaults.
// report: where the report goes; free it with rockon_sync_publish_report_free().
// Fails with ROCKON_SYNC_ERROR_CATALOG if something is wrong with the catalog: see
// rockon_sync_error_problem(); with MASS_DELETE, ARGUMENT (also for a file that is no key), LOCKED, NOT_FOUND if there is
// no such folder, HEAD if the tree has a head that is not a publisher's, STORE. The tree
// is then published as it was.
//
// Threads: any, at any time; two publications of one tree do not run at the same time.
int32_t rockon_sync_publish(const char *folder,
                            size_t folder_len,
                            const rockon_sync_publish_options *options,
                            rockon_sync_publish_report **report,
                            rockon_sync_error **error);

// Frees a report. NULL is fine.
void rockon_sync_publish_report_free(rockon_sync_publish_report *report);

// ROCKON_SYNC_PUBLISHED or ROCKON_SYNC_PUBLISHED_BEFORE; 0 for NULL.
int32_t rockon_sync_publish_report_outcome(const rockon_sync_publish_report *report);

// The serial of the head.
uint64_t rockon_sync_publish_report_serial(const rockon_sync_publish_report *report);

// The digest of the manifest, in 64 hexadecimal digits.
const char *rockon_sync_publish_report_manifest(const rockon_sync_publish_report *report,
                                                size_t *len_bytes);

// The path of the head that was written or found up to date.
const char *rockon_sync_publish_report_head(const rockon_sync_publish_report *report,
                                            size_t *len_bytes);

// How many entries are published.
size_t rockon_sync_publish_report_entries(const rockon_sync_publish_report *report);

// How many ids a list has: ROCKON_SYNC_IDS_ADDED, _CHANGED or _REMOVED since the last
// publication.
size_t rockon_sync_publish_report_id_count(const rockon_sync_publish_report *report,
                                           int32_t list);

// One id of a list; NULL beyond the last.
const char *rockon_sync_publish_report_id(const rockon_sync_publish_report *report,
                                          int32_t list,
                                          size_t index,
                                          size_t *len_bytes);

// How many findings there are: warnings, and what was left out.
size_t rockon_sync_publish_report_problem_count(const rockon_sync_publish_report *report);

// One finding; NULL beyond the last. It lives as long as the report.
const rockon_sync_problem *rockon_sync_publish_report_problem(const rockon_sync_publish_report *report,
                                                              size_t index);

/* Log --------------------------------------------------------------------------------- */

// Something failed for good.
#define ROCKON_SYNC_LOG_ERROR 1

// Something is odd, and was coped with.
#define ROCKON_SYNC_LOG_WARN 2

// What is being done.
#define ROCKON_SYNC_LOG_INFO 3

// Every request.
#define ROCKON_SYNC_LOG_DEBUG 4

// Everything.
#define ROCKON_SYNC_LOG_TRACE 5

// Takes one log record: its level (ROCKON_SYNC_LOG_...) and its text, which is UTF-8,
// NUL-terminated, of message_len bytes, and valid during the call. No secrets are in it.
//
// It is called from any thread that works for this library, also from several at a
// time. It must return and must not call functions of this library.
typedef void (*rockon_sync_log_callback)(int32_t level,
                                         const char *message,
                                         size_t message_len,
                                         void *user_data);

// Sets who takes the log records of the whole process; before, nobody does.
//
// callback: takes the records; NULL for nobody. user_data is handed to it as it is.
// max_level: the last ROCKON_SYNC_LOG_... that is wanted.
// Fails with ROCKON_SYNC_ERROR_ARGUMENT for a level that is none.
//
// Threads: any, at any time. When it returns, the callback before is not running any
// more and will not be called again.
int32_t rockon_sync_log_set(rockon_sync_log_callback callback,
                            void *user_data,
                            int32_t max_level,
                            rockon_sync_error **error);

#ifdef __cplusplus
}
#endif

#endif /* ROCKON_SYNC_H */
