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
@INDEX@
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
