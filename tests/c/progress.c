/* The progress callback: its arguments and its return value. */
#include "check.h"

struct heard {
    int calls;
    rockon_sync_phase phase;
    unsigned last_phase_allowed;
    uint64_t files_done, files_total, bytes_done, bytes_total;
};

/* Cancels as soon as the phase is beyond last_phase_allowed. */
static int32_t on_progress(const rockon_sync_progress *progress, void *user_data)
{
    struct heard *heard = user_data;
    CHECK_TEXT("rockstor", progress->source);
    CHECK(progress->phase >= heard->phase && progress->phase <= ROCKON_SYNC_PHASE_COMMITTING);
    CHECK(progress->files_done >= heard->files_done);
    heard->calls++;
    heard->phase = progress->phase;
    heard->files_done = progress->files_done;
    heard->files_total = progress->files_total;
    heard->bytes_done = progress->bytes_done;
    heard->bytes_total = progress->bytes_total;
    return progress->phase > heard->last_phase_allowed ? -1 : 0;
}

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    rockon_sync_store *store = open_store(argv[2]);
    rockon_sync_source source = source_at("rockstor", join(argv[1], "v2/"));
    rockon_sync_update_options options = ROCKON_SYNC_UPDATE_OPTIONS_INIT;
    rockon_sync_report *report = NULL;

    /* The update can be canceled in every phase before the commit is done. */
    for (unsigned last = 0; last < ROCKON_SYNC_PHASE_COMMITTING; last++) {
        struct heard heard = {0};
        heard.last_phase_allowed = last;
        options.progress = on_progress;
        options.user_data = &heard;
        FAILS(ROCKON_SYNC_STATUS_CANCELED,
              rockon_sync_store_update(store, &source, &options, &report, &error));
        CHECK(report == NULL);
        CHECK(heard.phase == last + 1);
        rockon_sync_catalog *catalog = open_catalog(store);
        CHECK(catalog->definition_count == 0);
        rockon_sync_catalog_free(catalog);
    }

    struct heard heard = {0};
    heard.last_phase_allowed = ROCKON_SYNC_PHASE_COMMITTING;
    options.user_data = &heard;
    OK(rockon_sync_store_update(store, &source, &options, &report, &error));
    CHECK(heard.calls >= 3);
    CHECK(heard.phase == ROCKON_SYNC_PHASE_COMMITTING);
    CHECK(heard.files_done == heard.files_total);
    CHECK(heard.bytes_done == heard.bytes_total);
    rockon_sync_report_free(report);
    rockon_sync_store_free(store);
    return 0;
}
