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
