/* Handles in several threads at a time, as the header allows, and two handles on one store. */
#include "check.h"

#include <pthread.h>

enum { THREADS = 4, ROUNDS = 20 };

static const char *url;

/* A source for each, one store for all, updated concurrently. */
struct job {
    const rockon_sync_store *store;
    rockon_sync_source source;
    rockon_sync_report *report;
};

static void *update(void *argument)
{
    struct job *job = argument;
    OK(rockon_sync_store_update(job->store, &job->source, NULL, &job->report, &error));
    return NULL;
}

static void sources_of_one_store_are_updated_concurrently(const rockon_sync_store *store)
{
    const char *names[THREADS] = {"a", "b", "c", "d"};
    struct job jobs[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){store, source_at(names[i], join(url, "v2/")), NULL};
        CHECK(pthread_create(&threads[i], NULL, update, &jobs[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK(jobs[i].report->outcome == ROCKON_SYNC_OUTCOME_UPDATED);
        rockon_sync_report_free(jobs[i].report);
    }
}

static void *read_catalog(void *argument)
{
    const rockon_sync_catalog *catalog = argument;
    for (int round = 0; round < ROUNDS; round++) {
        rockon_sync_changes *changes = NULL;
        rockon_sync_content *content = NULL;
        OK(rockon_sync_catalog_changes_since(catalog, NULL, 0, &changes, &error));
        const rockon_sync_definition *definition = changes->upserts[0]->definition;
        OK(rockon_sync_definition_read(definition, &content, &error));
        CHECK(content->data[0] == '{');
        rockon_sync_content_free(content);
        rockon_sync_changes_free(changes);
    }
    return NULL;
}

static void one_catalog_is_read_by_many_threads(const rockon_sync_store *store)
{
    rockon_sync_catalog *catalog = open_catalog(store);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, read_catalog, catalog) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    rockon_sync_catalog_free(catalog);
}

/* Tries a second handle on the same directory while the first update is running. */
struct second {
    const rockon_sync_store *store;
    const rockon_sync_source *source;
    int is_tried;
};

static int32_t try_second(const rockon_sync_progress *progress, void *user_data)
{
    struct second *second = user_data;
    (void)progress;
    if (!second->is_tried) {
        rockon_sync_report *report = NULL;
        rockon_sync_error *error = NULL;
        second->is_tried = 1;
        CHECK(rockon_sync_store_update(second->store, second->source, NULL, &report, &error) ==
              ROCKON_SYNC_STATUS_LOCKED);
        CHECK(error->is_retryable);
        CHECK(report == NULL);
        rockon_sync_error_free(error);

        rockon_sync_update_options options = ROCKON_SYNC_UPDATE_OPTIONS_INIT;
        options.lock_timeout_ms = 60;
        FAILS(ROCKON_SYNC_STATUS_LOCKED,
              rockon_sync_store_update(second->store, second->source, &options, &report, &error));

        /* Readers need no lock. */
        rockon_sync_catalog_free(open_catalog(second->store));
    }
    return 0;
}

static void a_concurrent_update_of_one_source_is_refused(const rockon_sync_store *store,
                                                         const char *dir)
{
    rockon_sync_store *again = open_store(dir);
    rockon_sync_source source = source_at("a", join(url, "v2/"));
    rockon_sync_update_options options = ROCKON_SYNC_UPDATE_OPTIONS_INIT;
    rockon_sync_report *report = NULL;
    struct second second = {again, &source, 0};
    options.mode = ROCKON_SYNC_MODE_FULL;
    options.progress = try_second;
    options.user_data = &second;
    OK(rockon_sync_store_update(store, &source, &options, &report, &error));
    CHECK(second.is_tried);
    rockon_sync_report_free(report);
    OK(rockon_sync_store_update(again, &source, NULL, &report, &error));
    CHECK(report->outcome == ROCKON_SYNC_OUTCOME_UNCHANGED);
    rockon_sync_report_free(report);
    rockon_sync_store_free(again);
}

struct records {
    pthread_mutex_t mutex;
    int count;
};

static void count_record(rockon_sync_log_level level, const char *message, void *user_data)
{
    struct records *records = user_data;
    CHECK(level >= ROCKON_SYNC_LOG_LEVEL_ERROR && level <= ROCKON_SYNC_LOG_LEVEL_TRACE);
    CHECK(strlen(message) > 0);
    pthread_mutex_lock(&records->mutex);
    records->count++;
    pthread_mutex_unlock(&records->mutex);
}

static void log_records_go_to_the_callback_until_it_is_removed(const rockon_sync_store *store)
{
    struct records records = {PTHREAD_MUTEX_INITIALIZER, 0};
    rockon_sync_source source = source_at("logged", join(url, "forbidden/"));
    const char *const mirrors[] = {join(url, "v2/")};
    rockon_sync_report *report = NULL;
    source.mirrors = mirrors;
    source.mirror_count = 1;
    FAILS(ROCKON_SYNC_STATUS_ARGUMENT, rockon_sync_log_set(count_record, &records, 0, &error));
    OK(rockon_sync_log_set(count_record, &records, ROCKON_SYNC_LOG_LEVEL_TRACE, &error));
    OK(rockon_sync_store_update(store, &source, NULL, &report, &error));
    rockon_sync_report_free(report);
    CHECK(records.count > 0);
    OK(rockon_sync_log_set(NULL, NULL, 0, &error));
    int before = records.count;
    OK(rockon_sync_store_update(store, &source, NULL, &report, &error));
    rockon_sync_report_free(report);
    CHECK(records.count == before);
}

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    url = argv[1];
    rockon_sync_store *store = open_store(argv[2]);
    sources_of_one_store_are_updated_concurrently(store);
    one_catalog_is_read_by_many_threads(store);
    a_concurrent_update_of_one_source_is_refused(store, argv[2]);
    log_records_go_to_the_callback_until_it_is_removed(store);
    rockon_sync_store_free(store);
    return 0;
}
