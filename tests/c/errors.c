/* Provokes every kind of error that a program may encounter. */
#include "check.h"

static const char *url, *dir;

/* Updates a new store from a tree of the test server, and expects a status. */
static void update_from(const char *tree, int32_t expected, const rockon_sync_update_options *options)
{
    rockon_sync_store *store = open_store(join(dir, tree));
    rockon_sync_source *source = source_at("rockstor", join(url, tree));
    rockon_sync_report *report = NULL;
    rockon_sync_error *error = NULL;
    int32_t status = rockon_sync_store_update(store, source, options, &report, &error);
    check_status(expected, status, error, tree, 0);
    CHECK(report == NULL);
    CHECK(strstr(rockon_sync_error_message(error, NULL), url) != NULL || status == ROCKON_SYNC_ERROR_TIMEOUT);
    rockon_sync_error_free(error);
    rockon_sync_source_free(source);
    rockon_sync_store_free(store);
}

static void server_faults_have_their_own_status(void)
{
    rockon_sync_update_options options = default_options();
    update_from("forbidden/", ROCKON_SYNC_ERROR_STATUS, NULL);
    update_from("cut/", ROCKON_SYNC_ERROR_TRANSPORT, NULL);
    update_from("not-a-head/", ROCKON_SYNC_ERROR_HEAD, NULL);
    update_from("not-a-manifest/", ROCKON_SYNC_ERROR_MANIFEST, NULL);
    update_from("large-head/", ROCKON_SYNC_ERROR_LIMIT, NULL);
    update_from("other-bytes/", ROCKON_SYNC_ERROR_INTEGRITY, NULL);
    options.freshness = ROCKON_SYNC_FRESHNESS_REQUIRE;
    update_from("expired/", ROCKON_SYNC_ERROR_EXPIRED, &options);
    options = default_options();
    options.timeout_ms = 100;
    update_from("silent/", ROCKON_SYNC_ERROR_TIMEOUT, &options);
}

static void errors_have_a_url_and_are_retryable_or_not(void)
{
    rockon_sync_store *store = open_store(join(dir, "where"));
    rockon_sync_source *source = source_at("rockstor", join(url, "not-a-head/?token=secret"));
    rockon_sync_report *report = NULL;
    rockon_sync_error *error = NULL;
    size_t len = 0;
    CHECK(rockon_sync_store_update(store, source, NULL, &report, &error) == ROCKON_SYNC_ERROR_HEAD);
    CHECK_TEXT(join(url, "not-a-head/root.sha?token=***"), rockon_sync_error_url(error, &len));
    CHECK(len == strlen(rockon_sync_error_url(error, NULL)));
    CHECK(strstr(rockon_sync_error_message(error, NULL), "secret") == NULL);
    CHECK(rockon_sync_error_path(error, NULL) == NULL);
    CHECK(!rockon_sync_error_is_retryable(error));
    CHECK(rockon_sync_error_problem_count(error) == 0);
    CHECK(rockon_sync_error_problem(error, 0) == NULL);
    rockon_sync_error_free(error);
    rockon_sync_source_free(source);
    rockon_sync_store_free(store);
}

static void a_failed_entry_is_reported_and_others_are_updated(void)
{
    rockon_sync_store *store = open_store(join(dir, "partial"));
    rockon_sync_source *source = source_at("rockstor", join(url, "bad-definition/"));
    rockon_sync_report *report = NULL;
    rockon_sync_status_list *status = NULL;
    OK(rockon_sync_store_update(store, source, NULL, &report, &error));
    CHECK(rockon_sync_report_outcome(report) == ROCKON_SYNC_OUTCOME_PARTIAL);
    CHECK(rockon_sync_report_failed_count(report) == 1);
    CHECK_TEXT("broken", rockon_sync_report_failed_id(report, 0, NULL));
    CHECK(rockon_sync_report_failed_status(report, 0) == ROCKON_SYNC_ERROR_DEFINITION);
    CHECK(rockon_sync_report_failed_message(report, 0, NULL) != NULL);
    CHECK(rockon_sync_report_failed_status(report, 1) == ROCKON_SYNC_OK);
    rockon_sync_report_free(report);

    OK(rockon_sync_store_status(store, &status, &error));
    const rockon_sync_source_status *held = rockon_sync_status_list_get(status, 0);
    CHECK(rockon_sync_source_status_failed_count(held) == 1);
    CHECK_TEXT("broken", rockon_sync_source_status_failed_id(held, 0, NULL));
    CHECK(rockon_sync_source_status_failed_status(held, 0) == ROCKON_SYNC_ERROR_DEFINITION);
    CHECK(rockon_sync_source_status_failed_message(held, 0, NULL) != NULL);
    CHECK(rockon_sync_source_status_entries(held) == 1);
    rockon_sync_status_list_free(status);
    rockon_sync_source_free(source);
    rockon_sync_store_free(store);
}

/* A store that is up to date refuses older states of the same source. */
static void rollback_and_mass_deletion_are_refused(void)
{
    rockon_sync_store *store = open_store(join(dir, "refused"));
    rockon_sync_source *source = source_at("rockstor", join(url, "v2/"));
    rockon_sync_source *v1 = source_at("rockstor", join(url, "catalog/"));
    rockon_sync_source *older = source_at("rockstor", join(url, "older/"));
    rockon_sync_source *one = source_at("rockstor", join(url, "one/"));
    rockon_sync_update_options options = default_options();
    rockon_sync_report *report = NULL;
    OK(rockon_sync_store_update(store, source, NULL, &report, &error));
    rockon_sync_report_free(report);
    report = NULL;

    FAILS(ROCKON_SYNC_ERROR_TRUST, rockon_sync_store_update(store, v1, NULL, &report, &error));
    options.rollback = ROCKON_SYNC_ROLLBACK_ALLOW;
    FAILS(ROCKON_SYNC_ERROR_MASS_DELETE,
          rockon_sync_store_update(store, one, &options, &report, &error));
    CHECK(report == NULL);

    OK(rockon_sync_store_update(store, older, NULL, &report, &error));
    CHECK(rockon_sync_report_outcome(report) == ROCKON_SYNC_OUTCOME_STALE);
    CHECK(rockon_sync_report_warning_count(report) == 1);
    CHECK(strstr(rockon_sync_report_warning(report, 0, NULL), "expected serial 2") != NULL);
    rockon_sync_report_free(report);

    OK(rockon_sync_store_update(store, older, &options, &report, &error));
    CHECK(rockon_sync_report_outcome(report) == ROCKON_SYNC_OUTCOME_UPDATED);
    CHECK(rockon_sync_report_id_count(report, ROCKON_SYNC_IDS_CHANGED) == 1);
    rockon_sync_report_free(report);

    options.mass_delete = ROCKON_SYNC_MASS_DELETE_ALLOW;
    OK(rockon_sync_store_update(store, one, &options, &report, &error));
    CHECK(rockon_sync_report_id_count(report, ROCKON_SYNC_IDS_REMOVED) == 15);
    rockon_sync_report_free(report);
    rockon_sync_source_free(one);
    rockon_sync_source_free(older);
    rockon_sync_source_free(v1);
    rockon_sync_source_free(source);
    rockon_sync_store_free(store);
}

static void bad_store_directories_have_their_own_status(void)
{
    rockon_sync_store *store = open_store(join(dir, "missing"));
    rockon_sync_catalog *catalog = NULL;
    rockon_sync_status_list *status = NULL;
    rockon_sync_verification_list *found = NULL;
    rockon_sync_report *report = NULL;
    FAILS(ROCKON_SYNC_ERROR_NOT_FOUND, rockon_sync_catalog_open(store, NULL, &catalog, &error));
    FAILS(ROCKON_SYNC_ERROR_NOT_FOUND, rockon_sync_store_status(store, &status, &error));
    FAILS(ROCKON_SYNC_ERROR_NOT_FOUND, rockon_sync_store_verify(store, &found, &error));
    rockon_sync_store_free(store);

    write_file(join(dir, "file"), "not a directory");
    store = open_store(join(dir, "file/store"));
    rockon_sync_source *source = source_at("rockstor", join(url, "v2/"));
    rockon_sync_error *error = NULL;
    CHECK(rockon_sync_store_update(store, source, NULL, &report, &error) == ROCKON_SYNC_ERROR_STORE);
    CHECK(strstr(rockon_sync_error_path(error, NULL), "file/store") != NULL);
    rockon_sync_error_free(error);
    rockon_sync_source_free(source);
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
