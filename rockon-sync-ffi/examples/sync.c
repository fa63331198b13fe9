/* Brings a local copy of a published catalog up to date, and lists its definitions.
 *
 *     cc sync.c -o sync $(pkg-config --cflags --libs rockon-sync)
 *     ./sync STORE URL */
#include <inttypes.h>
#include <rockon_sync.h>
#include <stdio.h>

static int32_t show(const rockon_sync_progress *progress, void *user_data)
{
    (void)user_data;
    fprintf(stderr, "%" PRIu64 " bytes of %s\n", progress->bytes_done, progress->source);
    return 0; /* anything else would cancel the update */
}

int main(int argc, char **argv)
{
    rockon_sync_store *store = NULL;
    rockon_sync_report *report = NULL;
    rockon_sync_catalog *catalog = NULL;
    rockon_sync_error *error = NULL;

    if (argc != 3) {
        fprintf(stderr, "usage: %s STORE URL\n", argv[0]);
        return 2;
    }
    if (rockon_sync_abi_version() < ROCKON_SYNC_ABI_VERSION) {
        fprintf(stderr, "%s: the library is older than its header\n", argv[0]);
        return 1;
    }

    rockon_sync_source source = ROCKON_SYNC_SOURCE_INIT;
    source.url = argv[2];
    rockon_sync_update_options options = ROCKON_SYNC_UPDATE_OPTIONS_INIT;
    options.timeout_ms = 60000;
    options.progress = show;

    int failed = rockon_sync_store_open(argv[1], &store, &error) ||
                 rockon_sync_store_update(store, &source, &options, &report, &error) ||
                 rockon_sync_store_catalog(store, NULL, &catalog, &error);
    if (failed) {
        fprintf(stderr, "%s: %s\n", argv[0], error->message);
    }
    for (size_t i = 0; !failed && i < catalog->definition_count; i++) {
        const rockon_sync_definition *definition = catalog->definitions[i];
        printf("%.12s %s\n", definition->revision, definition->name);
    }

    rockon_sync_error_free(error); /* freeing NULL is fine */
    rockon_sync_catalog_free(catalog);
    rockon_sync_report_free(report);
    rockon_sync_store_free(store);
    return failed;
}
