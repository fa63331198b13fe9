/* Provokes every kind of error that a program may encounter. */
#include "check.h"

static const char *url, *dir;

/* Updates a new store from a tree of the test server, and expects a status. */
static void update_from(const char *tree, rockon_sync_status expected,
                        const rockon_sync_update_options *options)
{
    rockon_sync_store *store = open_store(join(dir, tree));
    rockon_sync_source source = source_at("rockstor", join(url, tree));
    rockon_sync_report *report = NULL;
    rockon_sync_error *error = NULL;
    rockon_sync_status status = rockon_sync_store_update(store, &source, options, &report, &error);
    check_status(expected, status, error, tree, 0);
    CHECK(report == NULL);
    CHECK(strstr(error->message, url) != NULL || status == ROCKON_SYNC_STATUS_TIMEOUT);
    rockon_sync_error_free(error);
    rockon_sync_store_free(store);
}

static void server_faults_have_their_own_status(void)
{
    rockon_sync_update_options options = ROCKON_SYNC_UPDATE_OPTIONS_INIT;
    update_from("forbidden/", ROCKON_SYNC_STATUS_STATUS, NULL);
    update_from("cut/", ROCKON_SYNC_STATUS_TRANSPORT, NULL);
    update_from("not-a-head/", ROCKON_SYNC_STATUS_HEAD, NULL);
    update_from("not-a-manifest/", ROCKON_SYNC_STATUS_MANIFEST, NULL);
    update_from("large-head/", ROCKON_SYNC_STATUS_LIMIT, NULL);
    update_from("other-bytes/", ROCKON_SYNC_STATUS_INTEGRITY, NULL);
    options.require_fresh = true;
    update_from("expired/", ROCKON_SYNC_STATUS_EXPIRED, &options);
    options.require_fresh = false;
    options.timeout_ms = 100;
    update_from("silent/", ROCKON_SYNC_STATUS_TIMEOUT, &options);
}

static void errors_have_a_url_and_are_retryable_or_not(void)
{
    rockon_sync_store *store = open_store(join(dir, "where"));
    rockon_sync_source source = source_at("rockstor", join(url, "not-a-head/?token=secret"));
    rockon_sync_report *report = NULL;
    rockon_sync_error *error = NULL;
    CHECK(rockon_sync_store_update(store, &source, NULL, &report, &error) ==
          ROCKON_SYNC_STATUS_HEAD);
    CHECK_TEXT(join(url, "not-a-head/root.sha?token=***"), error->url);
    CHECK(strstr(error->message, "secret") == NULL);
    CHECK(error->path == NULL);
    CHECK(!error->is_retryable);
    CHECK(error->problem_count == 0);
    rockon_sync_error_free(error);
    rockon_sync_store_free(store);
}

static void a_failed_entry_is_reported_and_others_are_updated(void)
{
    rockon_sync_store *store = open_store(join(dir, "partial"));
    rockon_sync_source source = source_at("rockstor", join(url, "bad-definition/"));
    rockon_sync_report *report = NULL;
    rockon_sync_status_list *status = NULL;
    OK(rockon_sync_store_update(store, &source, NULL, &report, &error));
    CHECK(report->outcome == ROCKON_SYNC_OUTCOME_PARTIAL);
    CHECK(report->failed_count == 1);
    CHECK_TEXT("broken", report->failed[0]->id);
    CHECK(report->failed[0]->status == ROCKON_SYNC_STATUS_DEFINITION);
    CHECK(report->failed[0]->message != NULL);
    rockon_sync_report_free(report);

    OK(rockon_sync_store_status(store, &status, &error));
    const rockon_sync_source_status *current = status->sources[0];
    CHECK(current->failed_count == 1);
    CHECK_TEXT("broken", current->failed[0]->id);
    CHECK(current->failed[0]->status == ROCKON_SYNC_STATUS_DEFINITION);
    CHECK(current->failed[0]->message != NULL);
    CHECK(current->entry_count == 1);
    rockon_sync_status_list_free(status);
    rockon_sync_store_free(store);
}

/* A store that is up to date refuses older states of the same source. */
static void rollback_and_mass_deletion_are_refused(void)
{
    rockon_sync_store *store = open_store(join(dir, "refused"));
    rockon_sync_source source = source_at("rockstor", join(url, "v2/"));
    rockon_sync_source v1 = source_at("rockstor", join(url, "catalog/"));
    rockon_sync_source older = source_at("rockstor", join(url, "older/"));
    rockon_sync_source one = source_at("rockstor", join(url, "one/"));
    rockon_sync_update_options options = ROCKON_SYNC_UPDATE_OPTIONS_INIT;
    rockon_sync_report *report = NULL;
    OK(rockon_sync_store_update(store, &source, NULL, &report, &error));
    rockon_sync_report_free(report);
    report = NULL;

    FAILS(ROCKON_SYNC_STATUS_TRUST, rockon_sync_store_update(store, &v1, NULL, &report, &error));
    options.allow_rollback = true;
    FAILS(ROCKON_SYNC_STATUS_MASS_DELETE,
          rockon_sync_store_update(store, &one, &options, &report, &error));
    CHECK(report == NULL);

    OK(rockon_sync_store_update(store, &older, NULL, &report, &error));
    CHECK(report->outcome == ROCKON_SYNC_OUTCOME_STALE);
    CHECK(report->warnings.count == 1);
    CHECK(strstr(report->warnings.items[0], "expected serial 2") != NULL);
    rockon_sync_report_free(report);

    OK(rockon_sync_store_update(store, &older, &options, &report, &error));
    CHECK(report->outcome == ROCKON_SYNC_OUTCOME_UPDATED);
    CHECK(report->changed.count == 1);
    rockon_sync_report_free(report);

    options.allow_mass_delete = true;
    OK(rockon_sync_store_update(store, &one, &options, &report, &error));
    CHECK(report->removed.count == 15);
    rockon_sync_report_free(report);
    rockon_sync_store_free(store);
}

static void bad_store_directories_have_their_own_status(void)
{
    rockon_sync_store *store = open_store(join(dir, "missing"));
    rockon_sync_catalog *catalog = NULL;
    rockon_sync_status_list *status = NULL;
    rockon_sync_verification *found = NULL;
    rockon_sync_report *report = NULL;
    FAILS(ROCKON_SYNC_STATUS_NOT_FOUND, rockon_sync_store_catalog(store, NULL, &catalog, &error));
    FAILS(ROCKON_SYNC_STATUS_NOT_FOUND, rockon_sync_store_status(store, &status, &error));
    FAILS(ROCKON_SYNC_STATUS_NOT_FOUND, rockon_sync_store_verify(store, &found, &error));
    rockon_sync_store_free(store);

    write_file(join(dir, "file"), "not a directory");
    store = open_store(join(dir, "file/store"));
    rockon_sync_source source = source_at("rockstor", join(url, "v2/"));
    rockon_sync_error *error = NULL;
    CHECK(rockon_sync_store_update(store, &source, NULL, &report, &error) ==
          ROCKON_SYNC_STATUS_STORE);
    CHECK(strstr(error->path, "file/store") != NULL);
    rockon_sync_error_free(error);
    rockon_sync_store_free(store);
}

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    url = argv[1];
    dir = argv[2];
    server_faults_have_their_own_status();
    errors_have_a_url_and_are_retryable_or_not();
    a_failed_entry_is_reported_and_others_are_updated();
    rollback_and_mass_deletion_are_refused();
    bad_store_directories_have_their_own_status();
    return 0;
}
