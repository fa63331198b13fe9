/* Invalid arguments: NULL everywhere, invalid UTF-8, invalid options. */
#include "check.h"

/* A marker for outputs that a failing function must leave unchanged. */
static rockon_sync_store *const UNTOUCHED = (rockon_sync_store *)(intptr_t)8;

#define REFUSED(call) FAILS(ROCKON_SYNC_STATUS_ARGUMENT, call)

static rockon_sync_store *store;
static rockon_sync_source source;
static rockon_sync_catalog *catalog;

static void functions_that_cannot_fail_take_null(void)
{
    rockon_sync_cancel_token_cancel(NULL);
    rockon_sync_cancel_token_free(NULL);
    rockon_sync_catalog_free(NULL);
    rockon_sync_changes_free(NULL);
    rockon_sync_content_free(NULL);
    rockon_sync_error_free(NULL);
    rockon_sync_extension_updates_free(NULL);
    rockon_sync_installation_free(NULL);
    rockon_sync_mismatches_free(NULL);
    rockon_sync_publish_report_free(NULL);
    rockon_sync_report_free(NULL);
    rockon_sync_status_list_free(NULL);
    rockon_sync_store_free(NULL);
    rockon_sync_update_results_free(NULL);
    rockon_sync_verification_free(NULL);
    CHECK(!rockon_sync_cancel_token_is_canceled(NULL));
    CHECK(rockon_sync_catalog_find(NULL, "x") == NULL);
    CHECK(rockon_sync_catalog_find(catalog, NULL) == NULL);
    CHECK(rockon_sync_catalog_find(catalog, "\xc0\xaf") == NULL);
    OK(rockon_sync_log_set(NULL, NULL, (rockon_sync_log_level)77, &error));
    CHECK_TEXT("unknown", rockon_sync_status_name((rockon_sync_status)4711));
    CHECK_TEXT("mass-delete", rockon_sync_status_name(ROCKON_SYNC_STATUS_MASS_DELETE));
    CHECK(strlen(rockon_sync_version()) >= 5);
    CHECK(rockon_sync_abi_version() == ROCKON_SYNC_ABI_VERSION);
}

static void functions_that_can_fail_refuse_null(void)
{
    rockon_sync_store *no_store = UNTOUCHED;
    rockon_sync_report *report = NULL;
    rockon_sync_update_results *results = NULL;
    rockon_sync_catalog *no_catalog = NULL;
    rockon_sync_changes *changes = NULL;
    rockon_sync_content *content = NULL;
    rockon_sync_installation *installation = NULL;
    rockon_sync_extension_updates *updates = NULL;
    rockon_sync_mismatches *mismatches = NULL;
    rockon_sync_status_list *status = NULL;
    rockon_sync_verification *found = NULL;
    rockon_sync_publish_report *published = NULL;
    rockon_sync_target target = ROCKON_SYNC_TARGET_INIT;
    rockon_sync_publish_options options = ROCKON_SYNC_PUBLISH_OPTIONS_INIT;
    rockon_sync_catalog_options which = ROCKON_SYNC_CATALOG_OPTIONS_INIT;
    rockon_sync_applied applied = {"a", "b"};
    rockon_sync_installed installed = {"a", NULL};
    const char *const nothing[] = {NULL};
    const rockon_sync_source *const no_sources[] = {NULL};
    const rockon_sync_definition *definition = catalog->definitions[0];

    REFUSED(rockon_sync_store_open(NULL, &no_store, &error));
    REFUSED(rockon_sync_store_open("x", NULL, &error));
    CHECK(rockon_sync_store_open(NULL, NULL, NULL) == ROCKON_SYNC_STATUS_ARGUMENT);
    CHECK(no_store == UNTOUCHED);

    REFUSED(rockon_sync_store_update(NULL, &source, NULL, &report, &error));
    REFUSED(rockon_sync_store_update(store, NULL, NULL, &report, &error));
    REFUSED(rockon_sync_store_update(store, &source, NULL, NULL, &error));
    REFUSED(rockon_sync_store_check(NULL, &source, NULL, &report, &error));
    REFUSED(rockon_sync_store_check(store, NULL, NULL, &report, &error));
    REFUSED(rockon_sync_store_check(store, &source, NULL, NULL, &error));
    REFUSED(rockon_sync_store_import(NULL, &source, "x", NULL, &report, &error));
    REFUSED(rockon_sync_store_import(store, NULL, "x", NULL, &report, &error));
    REFUSED(rockon_sync_store_import(store, &source, NULL, NULL, &report, &error));
    REFUSED(rockon_sync_store_import(store, &source, "x", NULL, NULL, &error));
    REFUSED(rockon_sync_store_update_all(NULL, NULL, 0, NULL, &results, &error));
    REFUSED(rockon_sync_store_update_all(store, NULL, 0, NULL, NULL, &error));
    /* A count without an array does not mean all sources. */
    REFUSED(rockon_sync_store_update_all(store, NULL, 5, NULL, &results, &error));
    REFUSED(rockon_sync_store_update_all(store, no_sources, 1, NULL, &results, &error));

    REFUSED(rockon_sync_store_catalog(NULL, NULL, &no_catalog, &error));
    REFUSED(rockon_sync_store_catalog(store, NULL, NULL, &error));
    which.source_count = 5;
    REFUSED(rockon_sync_store_catalog(store, &which, &no_catalog, &error));
    which.source_count = 1;
    which.sources = nothing;
    REFUSED(rockon_sync_store_catalog(store, &which, &no_catalog, &error));
    REFUSED(rockon_sync_definition_read(NULL, &content, &error));
    REFUSED(rockon_sync_definition_read(definition, NULL, &error));
    REFUSED(rockon_sync_definition_mismatches(NULL, &target, &mismatches, &error));
    REFUSED(rockon_sync_definition_mismatches(definition, NULL, &mismatches, &error));
    REFUSED(rockon_sync_definition_mismatches(definition, &target, NULL, &error));

    REFUSED(rockon_sync_catalog_changes_since(NULL, NULL, 0, &changes, &error));
    REFUSED(rockon_sync_catalog_changes_since(catalog, NULL, 1, &changes, &error));
    REFUSED(rockon_sync_catalog_changes_since(catalog, &applied, SIZE_MAX, &changes, &error));
    REFUSED(rockon_sync_catalog_changes_since(catalog, NULL, 0, NULL, &error));
    applied.name = NULL;
    REFUSED(rockon_sync_catalog_changes_since(catalog, &applied, 1, &changes, &error));

    REFUSED(rockon_sync_catalog_installation(NULL, "a", NULL, 0, &installation, &error));
    REFUSED(rockon_sync_catalog_installation(catalog, NULL, NULL, 0, &installation, &error));
    REFUSED(rockon_sync_catalog_installation(catalog, "a", NULL, 1, &installation, &error));
    REFUSED(rockon_sync_catalog_installation(catalog, "a", NULL, 0, NULL, &error));
    REFUSED(rockon_sync_catalog_updates_for(NULL, NULL, 0, &target, &updates, &error));
    REFUSED(rockon_sync_catalog_updates_for(catalog, NULL, 1, &target, &updates, &error));
    /* An extension needs a version. */
    REFUSED(rockon_sync_catalog_updates_for(catalog, &installed, 1, &target, &updates, &error));
    REFUSED(rockon_sync_catalog_updates_for(catalog, NULL, 0, NULL, &updates, &error));
    REFUSED(rockon_sync_catalog_updates_for(catalog, NULL, 0, &target, NULL, &error));
    installed.name = NULL;
    REFUSED(rockon_sync_catalog_installation(catalog, "a", &installed, 1, &installation, &error));

    REFUSED(rockon_sync_store_status(NULL, &status, &error));
    REFUSED(rockon_sync_store_status(store, NULL, &error));
    REFUSED(rockon_sync_store_verify(NULL, &found, &error));
    REFUSED(rockon_sync_store_verify(store, NULL, &error));
    REFUSED(rockon_sync_publish(NULL, NULL, &published, &error));
    REFUSED(rockon_sync_publish("x", NULL, NULL, &error));
    /* A tree must not be published unsigned because the array of keys is missing. */
    options.sign_key_file_count = 2;
    REFUSED(rockon_sync_publish("x", &options, &published, &error));
    options.sign_key_files = nothing;
    options.sign_key_file_count = 1;
    REFUSED(rockon_sync_publish("x", &options, &published, &error));
    REFUSED(rockon_sync_keygen(NULL, "x", &content, &error));
    REFUSED(rockon_sync_keygen("x", NULL, &content, &error));
    REFUSED(rockon_sync_keygen("x", "x", NULL, &error));

    CHECK(!no_catalog && !changes && !report && !results && !status && !found && !published);
    CHECK(!content && !installation && !updates && !mismatches);
}

static void text_that_is_not_utf8_is_refused(void)
{
    /* A stray continuation byte, an overlong slash, a surrogate, a truncated sequence. */
    const char *all[] = {"a\x80", "\xc0\xaf", "\xed\xa0\x80", "a\xe2\x82"};
    rockon_sync_store *no_store = NULL;
    rockon_sync_report *report = NULL;
    rockon_sync_catalog *no_catalog = NULL;
    rockon_sync_changes *changes = NULL;
    rockon_sync_publish_report *published = NULL;
    rockon_sync_content *key = NULL;
    rockon_sync_installation *found = NULL;
    rockon_sync_mismatches *mismatches = NULL;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const char *bad = all[i];
        rockon_sync_applied name = {bad, "x"}, revision = {"x", bad};
        rockon_sync_installed installed = {"x", bad};
        rockon_sync_source from = source;
        rockon_sync_catalog_options which = ROCKON_SYNC_CATALOG_OPTIONS_INIT;
        rockon_sync_publish_options options = ROCKON_SYNC_PUBLISH_OPTIONS_INIT;
        rockon_sync_target target = ROCKON_SYNC_TARGET_INIT;
        const char **texts[] = {&from.name, &from.url,  &from.token, &from.user, &which.local_dir,
                                &options.out, &options.url, &options.format, &target.arch,
                                &target.version, &target.platform, &target.stability};
        const char *const *const bad_list = &bad;
        for (size_t n = 0; n < sizeof texts / sizeof *texts; n++) {
            const char *before = *texts[n];
            *texts[n] = bad;
            if (n < 4) {
                REFUSED(rockon_sync_store_update(store, &from, NULL, &report, &error));
            } else if (n < 5) {
                REFUSED(rockon_sync_store_catalog(store, &which, &no_catalog, &error));
            } else if (n < 8) {
                REFUSED(rockon_sync_publish("x", &options, &published, &error));
            } else {
                REFUSED(rockon_sync_definition_mismatches(catalog->definitions[0], &target,
                                                          &mismatches, &error));
            }
            *texts[n] = before;
        }
        REFUSED(rockon_sync_store_open(bad, &no_store, &error));
        from.mirrors = bad_list;
        from.mirror_count = 1;
        REFUSED(rockon_sync_store_update(store, &from, NULL, &report, &error));
        from.mirror_count = 0;
        from.trusted_keys = bad_list;
        from.trusted_key_count = 1;
        REFUSED(rockon_sync_store_update(store, &from, NULL, &report, &error));
        from.trusted_key_count = 0;
        from.headers = bad_list;
        from.header_count = 1;
        REFUSED(rockon_sync_store_update(store, &from, NULL, &report, &error));
        which.sources = bad_list;
        which.source_count = 1;
        REFUSED(rockon_sync_store_catalog(store, &which, &no_catalog, &error));
        options.sign_key_files = bad_list;
        options.sign_key_file_count = 1;
        REFUSED(rockon_sync_publish("x", &options, &published, &error));
        REFUSED(rockon_sync_store_import(store, &source, bad, NULL, &report, &error));
        REFUSED(rockon_sync_catalog_changes_since(catalog, &name, 1, &changes, &error));
        REFUSED(rockon_sync_catalog_changes_since(catalog, &revision, 1, &changes, &error));
        REFUSED(rockon_sync_publish(bad, NULL, &published, &error));
        REFUSED(rockon_sync_catalog_installation(catalog, bad, NULL, 0, &found, &error));
        REFUSED(rockon_sync_catalog_installation(catalog, "x", &installed, 1, &found, &error));
        REFUSED(rockon_sync_keygen(bad, "x", &key, &error));
        REFUSED(rockon_sync_keygen("x", bad, &key, &error));
    }
    CHECK(!no_store && !report && !no_catalog && !changes && !published && !key && !found);
    CHECK(!mismatches);
}

static void invalid_options_are_refused(void)
{
    rockon_sync_report *report = NULL;
    rockon_sync_publish_report *published = NULL;
    rockon_sync_update_options options = ROCKON_SYNC_UPDATE_OPTIONS_INIT;
    options.mode = (rockon_sync_mode)99;
    REFUSED(rockon_sync_store_update(store, &source, &options, &report, &error));
    options.mode = ROCKON_SYNC_MODE_QUICK;
    options.struct_size = 0;
    REFUSED(rockon_sync_store_update(store, &source, &options, &report, &error));
    rockon_sync_source old = source;
    old.struct_size = sizeof old - 1;
    REFUSED(rockon_sync_store_update(store, &old, NULL, &report, &error));
    CHECK(report == NULL);
    FAILS(ROCKON_SYNC_STATUS_ARGUMENT,
          rockon_sync_log_set((rockon_sync_log_callback)abort, NULL, (rockon_sync_log_level)0,
                              &error));

    /* A struct that ends before the keys must not publish an unsigned tree. */
    rockon_sync_publish_options how = ROCKON_SYNC_PUBLISH_OPTIONS_INIT;
    how.struct_size = offsetof(rockon_sync_publish_options, sign_key_files);
    REFUSED(rockon_sync_publish("x", &how, &published, &error));
    how.struct_size = sizeof how;
    how.published_unix_s = INT64_MAX;
    REFUSED(rockon_sync_publish("x", &how, &published, &error));
    CHECK(published == NULL);
}

static void invalid_names_and_urls_are_refused(void)
{
    const char *const names[] = {"", "local", "../up", "A b"};
    const char *const urls[] = {"", "ftp://example.org/", "http://"};
    rockon_sync_store *no_store = NULL;
    rockon_sync_report *report = NULL;
    REFUSED(rockon_sync_store_open("", &no_store, &error));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        rockon_sync_source bad = source_at(names[i], "x");
        REFUSED(rockon_sync_store_update(store, &bad, NULL, &report, &error));
    }
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        rockon_sync_source bad = source_at("x", urls[i]);
        REFUSED(rockon_sync_store_update(store, &bad, NULL, &report, &error));
        bad = source_at("x", source.url);
        bad.mirrors = &urls[i];
        bad.mirror_count = 1;
        REFUSED(rockon_sync_store_update(store, &bad, NULL, &report, &error));
    }
    const char *const headers[] = {"Host: example.org", "no colon", "X-Key: a\nX-Other: b"};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        rockon_sync_source bad = source;
        bad.headers = &headers[i];
        bad.header_count = 1;
        REFUSED(rockon_sync_store_update(store, &bad, NULL, &report, &error));
    }
    rockon_sync_source no_password = source;
    no_password.user = "me";
    REFUSED(rockon_sync_store_update(store, &no_password, NULL, &report, &error));
    CHECK(!no_store && !report);
}

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    rockon_sync_report *report = NULL;
    store = open_store(argv[2]);
    source = source_at("rockstor", join(argv[1], "v2/"));
    OK(rockon_sync_store_update(store, &source, NULL, &report, &error));
    rockon_sync_report_free(report);
    catalog = open_catalog(store);
    functions_that_cannot_fail_take_null();
    functions_that_can_fail_refuse_null();
    text_that_is_not_utf8_is_refused();
    invalid_options_are_refused();
    invalid_names_and_urls_are_refused();
    rockon_sync_catalog_free(catalog);
    rockon_sync_store_free(store);
    return 0;
}
