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
