/* Invalid arguments: NULL everywhere, invalid UTF-8, invalid options. */
#include "check.h"

/* A marker for outputs that a failing function must leave unchanged. */
static rockon_sync_store *const UNTOUCHED = (rockon_sync_store *)(intptr_t)8;

#define REFUSED(call) FAILS(ROCKON_SYNC_ERROR_ARGUMENT, call)

static rockon_sync_store *store;
static rockon_sync_source *source;
static rockon_sync_catalog *catalog;

/* Calls every function without an error argument with NULL. */
static void functions_that_cannot_fail_take_null(void)
{
    size_t len = 4711;
    uint64_t u = 4711;
    int64_t s = 4711;

    rockon_sync_error_free(NULL);
    rockon_sync_store_free(NULL);
    rockon_sync_source_free(NULL);
    rockon_sync_cancel_token_cancel(NULL);
    rockon_sync_cancel_token_free(NULL);
    rockon_sync_report_free(NULL);
    rockon_sync_catalog_free(NULL);
    rockon_sync_definition_text_free(NULL);
    rockon_sync_changes_free(NULL);
    rockon_sync_status_list_free(NULL);
    rockon_sync_verification_list_free(NULL);
    rockon_sync_verifier_key_free(NULL);
    CHECK(rockon_sync_verifier_key_text(NULL, &len) == NULL);
    rockon_sync_publish_report_free(NULL);
    rockon_sync_source_set_timeout(NULL, 1);
    rockon_sync_target_free(NULL);
    rockon_sync_mismatches_free(NULL);
    CHECK(rockon_sync_mismatches_count(NULL) == 0);
    CHECK(rockon_sync_mismatches_reason(NULL, 0) == 0);
    CHECK(rockon_sync_mismatches_message(NULL, 0, &len) == NULL);
    rockon_sync_definition_bytes_free(NULL);
    rockon_sync_installation_free(NULL);
    CHECK(!rockon_sync_installation_is_possible(NULL));
    CHECK(rockon_sync_installation_install_count(NULL) == 0);
    CHECK(rockon_sync_installation_install(NULL, 0) == NULL);
    CHECK(rockon_sync_installation_unmet_count(NULL) == 0);
    CHECK(rockon_sync_installation_unmet_by(NULL, 0, &len) == NULL);
    CHECK(rockon_sync_installation_unmet_requirement(NULL, 0, &len) == NULL);
    CHECK(rockon_sync_installation_conflict_count(NULL) == 0);
    CHECK(rockon_sync_installation_conflict_by(NULL, 0, &len) == NULL);
    CHECK(rockon_sync_installation_conflict_with(NULL, 0, &len) == NULL);
    CHECK(rockon_sync_installation_replaced_count(NULL) == 0);
    CHECK(rockon_sync_installation_replaced_name(NULL, 0, &len) == NULL);
    rockon_sync_extension_updates_free(NULL);
    CHECK(rockon_sync_extension_updates_count(NULL) == 0);
    CHECK(rockon_sync_extension_updates_definition(NULL, 0) == NULL);
    CHECK(rockon_sync_extension_updates_installed(NULL, 0, &len) == NULL);
    CHECK(rockon_sync_extension_updates_version(NULL, 0, &len) == NULL);
    CHECK(rockon_sync_extension_updates_stability(NULL, 0) == 0);
    CHECK(rockon_sync_extension_updates_download_count(NULL, 0) == 0);
    CHECK(rockon_sync_extension_updates_download(NULL, 0, 0, &len) == NULL);
    CHECK(rockon_sync_extension_updates_unknown_count(NULL) == 0);
    CHECK(rockon_sync_extension_updates_unknown_name(NULL, 0, &len) == NULL);
    CHECK(rockon_sync_extension_updates_problem_count(NULL) == 0);
    CHECK(rockon_sync_extension_updates_problem(NULL, 0) == NULL);
    rockon_sync_update_results_free(NULL);
    CHECK(rockon_sync_update_results_count(NULL) == 0);
    CHECK(rockon_sync_update_results_source(NULL, 0, &len) == NULL);
    CHECK(rockon_sync_update_results_report(NULL, 0) == NULL);
    CHECK(rockon_sync_update_results_error(NULL, 0) == NULL);

    CHECK(rockon_sync_error_message(NULL, &len) == NULL);
    CHECK(rockon_sync_error_url(NULL, &len) == NULL);
    CHECK(rockon_sync_error_path(NULL, &len) == NULL);
    CHECK(rockon_sync_error_problem(NULL, 0) == NULL);
    CHECK(rockon_sync_problem_file(NULL, &len) == NULL);
    CHECK(rockon_sync_problem_message(NULL, &len) == NULL);
    CHECK(rockon_sync_report_source(NULL, &len) == NULL);
    CHECK(rockon_sync_report_manifest(NULL, &len) == NULL);
    CHECK(rockon_sync_report_id(NULL, ROCKON_SYNC_IDS_ADDED, 0, &len) == NULL);
    CHECK(rockon_sync_report_failed_id(NULL, 0, &len) == NULL);
    CHECK(rockon_sync_report_failed_message(NULL, 0, &len) == NULL);
    CHECK(rockon_sync_report_warning(NULL, 0, &len) == NULL);
    CHECK(rockon_sync_catalog_get(NULL, 0) == NULL);
    CHECK(rockon_sync_catalog_hidden(NULL, 0) == NULL);
    CHECK(rockon_sync_catalog_problem(NULL, 0) == NULL);
    CHECK(rockon_sync_definition_name(NULL, &len) == NULL);
    CHECK(rockon_sync_definition_format(NULL, &len) == NULL);
    CHECK(rockon_sync_definition_bytes_data(NULL, &len) == NULL);
    CHECK(rockon_sync_definition_revision(NULL, &len) == NULL);
    CHECK(rockon_sync_definition_source(NULL, &len) == NULL);
    CHECK(rockon_sync_definition_entry_id(NULL, &len) == NULL);
    CHECK(rockon_sync_definition_file(NULL, &len) == NULL);
    CHECK(rockon_sync_definition_text_json(NULL, &len) == NULL);
    CHECK(rockon_sync_changes_delete_name(NULL, 0, &len) == NULL);
    CHECK(rockon_sync_changes_upsert(NULL, 0) == NULL);
    CHECK(rockon_sync_changes_withheld_name(NULL, 0, &len) == NULL);
    CHECK(rockon_sync_changes_reason(NULL, 0, &len) == NULL);
    CHECK(rockon_sync_status_list_get(NULL, 0) == NULL);
    CHECK(rockon_sync_source_status_name(NULL, &len) == NULL);
    CHECK(rockon_sync_source_status_location(NULL, 0, &len) == NULL);
    CHECK(rockon_sync_source_status_trusted_key(NULL, 0, &len) == NULL);
    CHECK(rockon_sync_source_status_manifest(NULL, &len) == NULL);
    CHECK(rockon_sync_source_status_failed_id(NULL, 0, &len) == NULL);
    CHECK(rockon_sync_source_status_failed_message(NULL, 0, &len) == NULL);
    CHECK(rockon_sync_source_status_error_message(NULL, &len) == NULL);
    CHECK(rockon_sync_verification_list_get(NULL, 0) == NULL);
    CHECK(rockon_sync_verification_source(NULL, &len) == NULL);
    CHECK(rockon_sync_verification_damaged(NULL, 0, &len) == NULL);
    CHECK(rockon_sync_publish_report_manifest(NULL, &len) == NULL);
    CHECK(rockon_sync_publish_report_head(NULL, &len) == NULL);
    CHECK(rockon_sync_publish_report_id(NULL, ROCKON_SYNC_IDS_ADDED, 0, &len) == NULL);
    CHECK(rockon_sync_publish_report_problem(NULL, 0) == NULL);

    CHECK(rockon_sync_error_status(NULL) == 0);
    CHECK(!rockon_sync_error_is_retryable(NULL));
    CHECK(rockon_sync_error_problem_count(NULL) == 0);
    CHECK(rockon_sync_problem_severity(NULL) == 0);
    CHECK(rockon_sync_problem_line(NULL) == 0);
    CHECK(rockon_sync_problem_column(NULL) == 0);
    CHECK(!rockon_sync_cancel_token_is_canceled(NULL));
    CHECK(rockon_sync_report_outcome(NULL) == 0);
    CHECK(!rockon_sync_report_serial(NULL, &u));
    CHECK(rockon_sync_report_requests(NULL) == 0);
    CHECK(rockon_sync_report_bytes_received(NULL) == 0);
    CHECK(rockon_sync_report_duration_ms(NULL) == 0);
    CHECK(rockon_sync_report_id_count(NULL, ROCKON_SYNC_IDS_ADDED) == 0);
    CHECK(rockon_sync_report_failed_count(NULL) == 0);
    CHECK(rockon_sync_report_failed_status(NULL, 0) == 0);
    CHECK(rockon_sync_report_warning_count(NULL) == 0);
    CHECK(rockon_sync_catalog_len(NULL) == 0);
    CHECK(rockon_sync_catalog_hidden_count(NULL) == 0);
    CHECK(rockon_sync_catalog_problem_count(NULL) == 0);
    CHECK(rockon_sync_definition_origin(NULL) == 0);
    CHECK(!rockon_sync_definition_updated(NULL, &s));
    CHECK(rockon_sync_changes_delete_count(NULL) == 0);
    CHECK(rockon_sync_changes_upsert_count(NULL) == 0);
    CHECK(!rockon_sync_changes_upsert_is_new(NULL, 0));
    CHECK(rockon_sync_changes_withheld_count(NULL) == 0);
    CHECK(rockon_sync_changes_reason_count(NULL) == 0);
    CHECK(rockon_sync_status_list_len(NULL) == 0);
    CHECK(rockon_sync_source_status_location_count(NULL) == 0);
    CHECK(rockon_sync_source_status_trusted_key_count(NULL) == 0);
    CHECK(!rockon_sync_source_status_checked(NULL, &s));
    CHECK(!rockon_sync_source_status_generation(NULL, &u));
    CHECK(!rockon_sync_source_status_serial(NULL, &u));
    CHECK(!rockon_sync_source_status_published(NULL, &s));
    CHECK(!rockon_sync_source_status_expires(NULL, &s));
    CHECK(rockon_sync_source_status_entries(NULL) == 0);
    CHECK(rockon_sync_source_status_failed_count(NULL) == 0);
    CHECK(rockon_sync_source_status_failed_status(NULL, 0) == 0);
    CHECK(rockon_sync_source_status_error(NULL) == 0);
    CHECK(rockon_sync_verification_list_len(NULL) == 0);
    CHECK(!rockon_sync_verification_is_intact(NULL));
    CHECK(rockon_sync_verification_entries(NULL) == 0);
    CHECK(rockon_sync_verification_damaged_count(NULL) == 0);
    CHECK(rockon_sync_verification_strays(NULL) == 0);
    CHECK(rockon_sync_publish_report_outcome(NULL) == 0);
    CHECK(rockon_sync_publish_report_serial(NULL) == 0);
    CHECK(rockon_sync_publish_report_entries(NULL) == 0);
    CHECK(rockon_sync_publish_report_id_count(NULL, ROCKON_SYNC_IDS_ADDED) == 0);
    CHECK(rockon_sync_publish_report_problem_count(NULL) == 0);

    CHECK(len == 4711 && u == 4711 && s == 4711);
}

static void functions_that_can_fail_refuse_null(void)
{
    rockon_sync_store *no_store = UNTOUCHED;
    rockon_sync_source *no_source = NULL;
    rockon_sync_catalog *no_catalog = NULL;
    rockon_sync_changes *changes = NULL;
    rockon_sync_report *report = NULL;
    rockon_sync_status_list *status = NULL;
    rockon_sync_verification_list *found = NULL;
    rockon_sync_publish_report *published = NULL;
    rockon_sync_publish_options how = {0};
    rockon_sync_str no_file = {NULL, 0};
    rockon_sync_verifier_key *key = NULL;
    rockon_sync_definition_text *text = NULL;
    const rockon_sync_definition *definition = rockon_sync_catalog_get(catalog, 0);
    const rockon_sync_definition *no_definition = NULL;
    rockon_sync_applied applied = {"a", 1, "b", 1};
    rockon_sync_installed installed = {"a", 1, NULL, 0};
    rockon_sync_installation *installation = NULL;
    rockon_sync_extension_updates *updates = NULL;
    rockon_sync_definition_bytes *bytes = NULL;
    rockon_sync_target *target = NULL;
    CHECK(definition != NULL);

    REFUSED(rockon_sync_store_open(NULL, 0, &no_store, &error));
    REFUSED(rockon_sync_store_open(NULL, 5, &no_store, &error));
    REFUSED(rockon_sync_store_open("x", 1, NULL, &error));
    CHECK(rockon_sync_store_open(NULL, 0, NULL, NULL) == ROCKON_SYNC_ERROR_ARGUMENT);
    CHECK(no_store == UNTOUCHED);

    REFUSED(rockon_sync_source_new(NULL, 0, "x", 1, &no_source, &error));
    REFUSED(rockon_sync_source_new("x", 1, NULL, 0, &no_source, &error));
    REFUSED(rockon_sync_source_new("x", 1, "x", 1, NULL, &error));
    REFUSED(rockon_sync_source_add_mirror(NULL, "x", 1, &error));
    REFUSED(rockon_sync_source_add_mirror(source, NULL, 0, &error));
    REFUSED(rockon_sync_source_trust_key(NULL, "x", 1, &error));
    REFUSED(rockon_sync_source_trust_key(source, NULL, 0, &error));
    REFUSED(rockon_sync_cancel_token_new(NULL, &error));

    REFUSED(rockon_sync_source_add_token(NULL, "x", 1, "x", 1, &error));
    REFUSED(rockon_sync_source_add_token(source, NULL, 1, "x", 1, &error));
    REFUSED(rockon_sync_source_add_header(NULL, "x", 1, "x", 1, &error));
    REFUSED(rockon_sync_source_add_header(source, "x", 1, NULL, 1, &error));
    REFUSED(rockon_sync_source_set_password(NULL, "x", 1, "x", 1, &error));
    REFUSED(rockon_sync_source_set_password(source, "x", 1, NULL, 1, &error));
    REFUSED(rockon_sync_target_new(NULL, 0, NULL, 0, NULL, &error));
    REFUSED(rockon_sync_definition_mismatches(NULL, NULL, NULL, &error));
    REFUSED(rockon_sync_store_update_all(NULL, NULL, NULL, &error));
    REFUSED(rockon_sync_store_update_all(store, NULL, NULL, &error));
    REFUSED(rockon_sync_store_update(NULL, source, NULL, &report, &error));
    REFUSED(rockon_sync_store_update(store, NULL, NULL, &report, &error));
    REFUSED(rockon_sync_store_update(store, source, NULL, NULL, &error));
    REFUSED(rockon_sync_store_check(NULL, source, NULL, &report, &error));
    REFUSED(rockon_sync_store_check(store, NULL, NULL, &report, &error));
    REFUSED(rockon_sync_store_check(store, source, NULL, NULL, &error));
    REFUSED(rockon_sync_store_import(NULL, source, "x", 1, NULL, &report, &error));
    REFUSED(rockon_sync_store_import(store, NULL, "x", 1, NULL, &report, &error));
    REFUSED(rockon_sync_store_import(store, source, NULL, 0, NULL, &report, &error));
    REFUSED(rockon_sync_store_import(store, source, "x", 1, NULL, NULL, &error));

    REFUSED(rockon_sync_catalog_open(NULL, NULL, &no_catalog, &error));
    REFUSED(rockon_sync_catalog_open(store, NULL, NULL, &error));
    REFUSED(rockon_sync_catalog_find(NULL, "x", 1, &no_definition, &error));
    REFUSED(rockon_sync_catalog_find(catalog, NULL, 0, &no_definition, &error));
    REFUSED(rockon_sync_catalog_find(catalog, "x", 1, NULL, &error));
    REFUSED(rockon_sync_definition_read_text(NULL, &text, &error));
    REFUSED(rockon_sync_definition_read_text(definition, NULL, &error));

    REFUSED(rockon_sync_catalog_changes_since(NULL, NULL, 0, &changes, &error));
    REFUSED(rockon_sync_catalog_changes_since(catalog, NULL, 1, &changes, &error));
    REFUSED(rockon_sync_catalog_changes_since(catalog, &applied, SIZE_MAX, &changes, &error));
    REFUSED(rockon_sync_catalog_changes_since(catalog, NULL, 0, NULL, &error));
    applied.name = NULL;
    REFUSED(rockon_sync_catalog_changes_since(catalog, &applied, 1, &changes, &error));
    applied.name = "a";
    applied.revision = NULL;
    REFUSED(rockon_sync_catalog_changes_since(catalog, &applied, 1, &changes, &error));

    REFUSED(rockon_sync_definition_read_bytes(NULL, &bytes, &error));
    REFUSED(rockon_sync_definition_read_bytes(definition, NULL, &error));
    REFUSED(rockon_sync_catalog_installation(NULL, "a", 1, NULL, 0, &installation, &error));
    REFUSED(rockon_sync_catalog_installation(catalog, NULL, 0, NULL, 0, &installation, &error));
    REFUSED(rockon_sync_catalog_installation(catalog, "a", 1, NULL, 1, &installation, &error));
    REFUSED(rockon_sync_catalog_installation(catalog, "a", 1, NULL, 0, NULL, &error));
    OK(rockon_sync_target_new(NULL, 0, NULL, 0, &target, &error));
    REFUSED(rockon_sync_target_set_platform(NULL, LENGTH("joomla 5.1"), &error));
    REFUSED(rockon_sync_target_set_platform(target, NULL, 0, &error));
    REFUSED(rockon_sync_target_set_stability(NULL, ROCKON_SYNC_STABILITY_RC, &error));
    REFUSED(rockon_sync_catalog_updates_for(NULL, NULL, 0, target, &updates, &error));
    REFUSED(rockon_sync_catalog_updates_for(catalog, NULL, 1, target, &updates, &error));
    REFUSED(rockon_sync_catalog_updates_for(catalog, &installed, 1, target, &updates, &error));
    REFUSED(rockon_sync_catalog_updates_for(catalog, NULL, 0, NULL, &updates, &error));
    REFUSED(rockon_sync_catalog_updates_for(catalog, NULL, 0, target, NULL, &error));
    installed.name = NULL;
    REFUSED(rockon_sync_catalog_installation(catalog, "a", 1, &installed, 1, &installation, &error));
    rockon_sync_target_free(target);

    REFUSED(rockon_sync_store_status(NULL, &status, &error));
    REFUSED(rockon_sync_store_status(store, NULL, &error));
    REFUSED(rockon_sync_store_verify(NULL, &found, &error));
    REFUSED(rockon_sync_store_verify(store, NULL, &error));
    REFUSED(rockon_sync_publish(NULL, 0, NULL, &published, &error));
    REFUSED(rockon_sync_publish("x", 1, NULL, NULL, &error));
    how.struct_size = sizeof how;
    how.sign_key_files = &no_file;
    how.sign_key_file_count = 1;
    REFUSED(rockon_sync_publish("x", 1, &how, &published, &error));
    REFUSED(rockon_sync_keygen(NULL, 0, "x", 1, &key, &error));
    REFUSED(rockon_sync_keygen("x", 1, NULL, 0, &key, &error));
    REFUSED(rockon_sync_keygen("x", 1, "x", 1, NULL, &error));

    CHECK(!no_source && !no_catalog && !changes && !report && !status && !found && !published);
    CHECK(!text && !no_definition && !key && !bytes && !installation && !updates);
}

static void text_that_is_not_utf8_is_refused(void)
{
    /* A stray continuation byte, an overlong slash, a surrogate, a truncated sequence. */
    const char *bad[] = {"a\x80", "\xc0\xaf", "\xed\xa0\x80", "a\xe2\x82"};
    rockon_sync_store *no_store = NULL;
    rockon_sync_source *no_source = NULL;
    rockon_sync_catalog *no_catalog = NULL;
    rockon_sync_changes *changes = NULL;
    rockon_sync_publish_report *published = NULL;
    const rockon_sync_definition *definition = NULL;
    rockon_sync_verifier_key *key = NULL;
    rockon_sync_installation *found = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rockon_sync_applied name = {LENGTH(bad[i]), "x", 1}, revision = {"x", 1, LENGTH(bad[i])};
        rockon_sync_installed installed = {"x", 1, LENGTH(bad[i])};
        rockon_sync_str string = {LENGTH(bad[i])};
        rockon_sync_catalog_options options = {0};
        rockon_sync_publish_options how = {0};
        options.struct_size = sizeof options;
        how.struct_size = sizeof how;
        REFUSED(rockon_sync_store_open(LENGTH(bad[i]), &no_store, &error));
        REFUSED(rockon_sync_source_new(LENGTH(bad[i]), "x", 1, &no_source, &error));
        REFUSED(rockon_sync_source_new("x", 1, LENGTH(bad[i]), &no_source, &error));
        REFUSED(rockon_sync_source_add_mirror(source, LENGTH(bad[i]), &error));
        REFUSED(rockon_sync_source_trust_key(source, LENGTH(bad[i]), &error));
        REFUSED(rockon_sync_catalog_find(catalog, LENGTH(bad[i]), &definition, &error));
        REFUSED(rockon_sync_catalog_changes_since(catalog, &name, 1, &changes, &error));
        REFUSED(rockon_sync_catalog_changes_since(catalog, &revision, 1, &changes, &error));
        options.local_folder = string;
        REFUSED(rockon_sync_catalog_open(store, &options, &no_catalog, &error));
        memset(&options.local_folder, 0, sizeof options.local_folder);
        options.sources = &string;
        options.source_count = 1;
        REFUSED(rockon_sync_catalog_open(store, &options, &no_catalog, &error));
        REFUSED(rockon_sync_publish(LENGTH(bad[i]), NULL, &published, &error));
        how.out = string;
        REFUSED(rockon_sync_publish("x", 1, &how, &published, &error));
        memset(&how.out, 0, sizeof how.out);
        how.url = string;
        REFUSED(rockon_sync_publish("x", 1, &how, &published, &error));
        memset(&how.url, 0, sizeof how.url);
        how.sign_key_files = &string;
        how.sign_key_file_count = 1;
        REFUSED(rockon_sync_publish("x", 1, &how, &published, &error));
        memset(&how.sign_key_files, 0, sizeof how.sign_key_files);
        how.format = string;
        REFUSED(rockon_sync_publish("x", 1, &how, &published, &error));
        REFUSED(rockon_sync_catalog_installation(catalog, "x", 1, &installed, 1, &found, &error));
        REFUSED(rockon_sync_keygen(LENGTH(bad[i]), "x", 1, &key, &error));
        REFUSED(rockon_sync_keygen("x", 1, LENGTH(bad[i]), &key, &error));
    }
    CHECK(!no_store && !no_source && !no_catalog && !changes && !published && !definition && !key);
    CHECK(!found);
}

static void invalid_options_are_refused(void)
{
    rockon_sync_report *report = NULL;
    rockon_sync_publish_report *published = NULL;
    rockon_sync_update_options options;
    int32_t *choices[] = {&options.trust, &options.mass_delete, &options.rollback,
                          &options.freshness};
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        options = default_options();
        *choices[i] = 99;
        REFUSED(rockon_sync_store_update(store, source, &options, &report, &error));
    }
    options = default_options();
    options.struct_size = 0;
    REFUSED(rockon_sync_store_update(store, source, &options, &report, &error));
    CHECK(report == NULL);

    rockon_sync_publish_options how = {0};
    int64_t never = INT64_MAX;
    REFUSED(rockon_sync_publish("x", 1, &how, &published, &error));
    how.struct_size = sizeof how;
    how.page = 7;
    REFUSED(rockon_sync_publish("x", 1, &how, &published, &error));
    how.page = 0;
    how.leniency = 7;
    REFUSED(rockon_sync_publish("x", 1, &how, &published, &error));
    how.leniency = 0;
    how.layout = 7;
    REFUSED(rockon_sync_publish("x", 1, &how, &published, &error));
    how.layout = 0;
    how.published_unix_s = &never;
    REFUSED(rockon_sync_publish("x", 1, &how, &published, &error));
    CHECK(published == NULL);
}

static void invalid_names_and_locations_are_refused(void)
{
    rockon_sync_source *no_source = NULL;
    rockon_sync_store *no_store = NULL;
    const rockon_sync_definition *definition = NULL;
    REFUSED(rockon_sync_store_open("", 0, &no_store, &error));
    REFUSED(rockon_sync_source_new("", 0, "x", 1, &no_source, &error));
    REFUSED(rockon_sync_source_new(LENGTH("local"), "x", 1, &no_source, &error));
    REFUSED(rockon_sync_source_new(LENGTH("../up"), "x", 1, &no_source, &error));
    REFUSED(rockon_sync_source_new("x", 1, "", 0, &no_source, &error));
    REFUSED(rockon_sync_source_new("x", 1, LENGTH("ftp://example.org/"), &no_source, &error));
    REFUSED(rockon_sync_source_add_mirror(source, LENGTH("http://"), &error));
    FAILS(ROCKON_SYNC_ERROR_NOT_FOUND,
          rockon_sync_catalog_find(catalog, LENGTH("no such name"), &definition, &error));
    CHECK(!no_store && !no_source && !definition);
}

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    rockon_sync_report *report = NULL;
    store = open_store(argv[2]);
    source = source_at("rockstor", join(argv[1], "v2/"));
    OK(rockon_sync_store_update(store, source, NULL, &report, &error));
    rockon_sync_report_free(report);
    catalog = open_catalog(store);
    functions_that_cannot_fail_take_null();
    functions_that_can_fail_refuse_null();
    text_that_is_not_utf8_is_refused();
    invalid_options_are_refused();
    invalid_names_and_locations_are_refused();
    rockon_sync_catalog_free(catalog);
    rockon_sync_source_free(source);
    rockon_sync_store_free(store);
    return 0;
}
