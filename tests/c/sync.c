/* A complete cycle of an application: update, catalog, changes, damage and repair. */
#include "check.h"

#include <sys/stat.h>

enum { DEFINITIONS = 16 };

static void a_first_update_fetches_everything(const rockon_sync_store *store,
                                              const rockon_sync_source *source)
{
    rockon_sync_report *report = NULL;
    uint64_t serial = 0;
    size_t len = 0;

    OK(rockon_sync_store_check(store, source, NULL, &report, &error));
    CHECK(rockon_sync_report_id_count(report, ROCKON_SYNC_IDS_ADDED) == DEFINITIONS);
    rockon_sync_report_free(report);

    OK(rockon_sync_store_update(store, source, NULL, &report, &error));
    CHECK(rockon_sync_report_outcome(report) == ROCKON_SYNC_OUTCOME_UPDATED);
    CHECK_TEXT("rockstor", rockon_sync_report_source(report, &len));
    CHECK(len == strlen("rockstor"));
    CHECK(rockon_sync_report_serial(report, &serial) && serial == 2);
    CHECK(rockon_sync_report_manifest(report, &len) != NULL && len == 64);
    /* The head and one pack. */
    CHECK(rockon_sync_report_requests(report) == 2);
    CHECK(rockon_sync_report_bytes_received(report) > 1000);
    CHECK(rockon_sync_report_duration_ms(report) < 300000);
    CHECK(rockon_sync_report_id_count(report, ROCKON_SYNC_IDS_ADDED) == DEFINITIONS);
    CHECK_TEXT("adguard home", rockon_sync_report_id(report, ROCKON_SYNC_IDS_ADDED, 0, &len));
    CHECK(rockon_sync_report_id(report, ROCKON_SYNC_IDS_ADDED, DEFINITIONS, &len) == NULL);
    CHECK(rockon_sync_report_id(report, ROCKON_SYNC_IDS_ADDED, SIZE_MAX, &len) == NULL);
    CHECK(rockon_sync_report_id_count(report, ROCKON_SYNC_IDS_CHANGED) == 0);
    CHECK(rockon_sync_report_id_count(report, ROCKON_SYNC_IDS_REMOVED) == 0);
    CHECK(rockon_sync_report_id_count(report, 77) == 0);
    CHECK(rockon_sync_report_failed_count(report) == 0);
    CHECK(rockon_sync_report_failed_id(report, 0, NULL) == NULL);
    CHECK(rockon_sync_report_warning_count(report) == 0);
    rockon_sync_report_free(report);

    OK(rockon_sync_store_update(store, source, NULL, &report, &error));
    CHECK(rockon_sync_report_outcome(report) == ROCKON_SYNC_OUTCOME_UNCHANGED);
    CHECK(rockon_sync_report_requests(report) == 1);
    rockon_sync_report_free(report);
}

static void the_catalog_returns_published_definitions(const rockon_sync_store *store)
{
    rockon_sync_catalog *catalog = open_catalog(store);
    const rockon_sync_definition *definition = NULL;
    rockon_sync_definition_text *text = NULL;
    int64_t updated = 0;
    size_t len = 0;

    CHECK(rockon_sync_catalog_len(catalog) == DEFINITIONS);
    CHECK(rockon_sync_catalog_get(catalog, DEFINITIONS) == NULL);
    CHECK(rockon_sync_catalog_problem_count(catalog) == 0);
    CHECK(rockon_sync_catalog_problem(catalog, 0) == NULL);
    CHECK(rockon_sync_catalog_hidden_count(catalog) == 0);
    for (size_t i = 0; i < rockon_sync_catalog_len(catalog); i++) {
        const rockon_sync_definition *other = rockon_sync_catalog_get(catalog, i);
        const char *name = rockon_sync_definition_name(other, &len);
        OK(rockon_sync_catalog_find(catalog, name, len, &definition, &error));
        CHECK(definition == other);
    }
    OK(rockon_sync_catalog_find(catalog, LENGTH("AdGuard Home"), &definition, &error));
    CHECK_TEXT("AdGuard Home", rockon_sync_definition_name(definition, &len));
    CHECK(len == strlen("AdGuard Home"));
    CHECK(strlen(rockon_sync_definition_revision(definition, &len)) == 64 && len == 64);
    CHECK(rockon_sync_definition_origin(definition) == ROCKON_SYNC_ORIGIN_SOURCE);
    CHECK_TEXT("rockstor", rockon_sync_definition_source(definition, NULL));
    CHECK_TEXT("adguard home", rockon_sync_definition_entry_id(definition, NULL));
    CHECK(rockon_sync_definition_updated(definition, &updated) && updated > 1000000000);
    CHECK(strstr(rockon_sync_definition_file(definition, NULL), "adguard-home.json") != NULL);

    OK(rockon_sync_definition_read_text(definition, &text, &error));
    const char *json = rockon_sync_definition_text_json(text, &len);
    CHECK(json[0] == '{' && json[len - 1] == '}' && json[len] == '\0');
    rockon_sync_definition_text_free(text);
    rockon_sync_catalog_free(catalog);
}

/* Returns the record of an application that has applied everything. The strings belong to the
 * catalog. */
static rockon_sync_applied *everything(const rockon_sync_catalog *catalog)
{
    size_t len = rockon_sync_catalog_len(catalog);
    rockon_sync_applied *applied = calloc(len + 1, sizeof *applied);
    CHECK(applied != NULL);
    for (size_t i = 0; i < len; i++) {
        const rockon_sync_definition *definition = rockon_sync_catalog_get(catalog, i);
        applied[i].name = rockon_sync_definition_name(definition, &applied[i].name_len);
        applied[i].revision = rockon_sync_definition_revision(definition, &applied[i].revision_len);
    }
    return applied;
}

static void changes_list_deletes_and_upserts(const rockon_sync_store *store)
{
    rockon_sync_catalog *catalog = open_catalog(store);
    rockon_sync_changes *changes = NULL;
    size_t len = 0;

    OK(rockon_sync_catalog_changes_since(catalog, NULL, 0, &changes, &error));
    CHECK(rockon_sync_changes_upsert_count(changes) == DEFINITIONS);
    CHECK(rockon_sync_changes_upsert_is_new(changes, 0));
    CHECK(!rockon_sync_changes_upsert_is_new(changes, DEFINITIONS));
    CHECK(rockon_sync_changes_delete_count(changes) == 0);
    rockon_sync_changes_free(changes);

    rockon_sync_applied *applied = everything(catalog);
    OK(rockon_sync_catalog_changes_since(catalog, applied, DEFINITIONS, &changes, &error));
    CHECK(rockon_sync_changes_upsert_count(changes) == 0);
    CHECK(rockon_sync_changes_delete_count(changes) == 0);
    rockon_sync_changes_free(changes);

    applied[3].revision_len = 0;
    applied[DEFINITIONS].name = "Gone";
    applied[DEFINITIONS].name_len = strlen("Gone");
    applied[DEFINITIONS].revision = "";
    OK(rockon_sync_catalog_changes_since(catalog, applied, DEFINITIONS + 1, &changes, &error));
    free(applied);
    const char *name = rockon_sync_definition_name(rockon_sync_catalog_get(catalog, 3), NULL);
    CHECK(rockon_sync_changes_upsert(changes, 0) == rockon_sync_catalog_get(catalog, 3));
    rockon_sync_catalog_free(catalog);

    /* Definitions of changes outlive the catalog. */
    CHECK(rockon_sync_changes_upsert_count(changes) == 1);
    CHECK(!rockon_sync_changes_upsert_is_new(changes, 0));
    CHECK(name == rockon_sync_definition_name(rockon_sync_changes_upsert(changes, 0), NULL));
    CHECK(rockon_sync_changes_upsert(changes, 1) == NULL);
    CHECK(rockon_sync_changes_delete_count(changes) == 1);
    CHECK_TEXT("Gone", rockon_sync_changes_delete_name(changes, 0, &len));
    CHECK(len == strlen("Gone"));
    CHECK(rockon_sync_changes_withheld_count(changes) == 0);
    CHECK(rockon_sync_changes_reason_count(changes) == 0);
    rockon_sync_changes_free(changes);
}

static void an_empty_store_causes_no_deletes(const char *dir)
{
    mkdir(dir, 0777);
    rockon_sync_store *store = open_store(dir);
    rockon_sync_catalog *catalog = open_catalog(store);
    rockon_sync_changes *changes = NULL;
    rockon_sync_applied applied = {"Kept", 4, "x", 1};
    OK(rockon_sync_catalog_changes_since(catalog, &applied, 1, &changes, &error));
    CHECK(rockon_sync_changes_delete_count(changes) == 0);
    CHECK(rockon_sync_changes_withheld_count(changes) == 1);
    CHECK_TEXT("Kept", rockon_sync_changes_withheld_name(changes, 0, NULL));
    CHECK(rockon_sync_changes_reason_count(changes) == 1);
    CHECK(rockon_sync_changes_reason(changes, 0, NULL) != NULL);
    rockon_sync_changes_free(changes);
    rockon_sync_catalog_free(catalog);
    rockon_sync_store_free(store);
}

static void damage_is_found_and_repaired(const rockon_sync_store *store,
                                         const rockon_sync_source *source)
{
    rockon_sync_catalog *catalog = open_catalog(store);
    const rockon_sync_definition *definition = rockon_sync_catalog_get(catalog, 0);
    rockon_sync_definition_text *text = NULL;
    rockon_sync_verification_list *found = NULL;
    rockon_sync_report *report = NULL;

    OK(rockon_sync_store_verify(store, &found, &error));
    CHECK(rockon_sync_verification_list_len(found) == 1);
    const rockon_sync_verification *part = rockon_sync_verification_list_get(found, 0);
    CHECK_TEXT("rockstor", rockon_sync_verification_source(part, NULL));
    CHECK(rockon_sync_verification_is_intact(part));
    CHECK(rockon_sync_verification_entries(part) == DEFINITIONS);
    rockon_sync_verification_list_free(found);

    const char *file = rockon_sync_definition_file(definition, NULL);
    write_file(file, "{}");
    FAILS(ROCKON_SYNC_ERROR_INTEGRITY, rockon_sync_definition_read_text(definition, &text, &error));
    remove(file);
    FAILS(ROCKON_SYNC_ERROR_STORE, rockon_sync_definition_read_text(definition, &text, &error));
    CHECK(text == NULL);

    OK(rockon_sync_store_verify(store, &found, &error));
    part = rockon_sync_verification_list_get(found, 0);
    CHECK(!rockon_sync_verification_is_intact(part));
    CHECK(rockon_sync_verification_damaged_count(part) == 1);
    CHECK(strstr(rockon_sync_verification_damaged(part, 0, NULL), "adguard-home.json") != NULL);
    CHECK(rockon_sync_verification_strays(part) == 0);
    rockon_sync_verification_list_free(found);

    rockon_sync_update_options options = default_options();
    options.trust = ROCKON_SYNC_TRUST_DIGEST;
    OK(rockon_sync_store_update(store, source, &options, &report, &error));
    CHECK(rockon_sync_report_id_count(report, ROCKON_SYNC_IDS_HEALED) == 1);
    CHECK_TEXT("adguard home", rockon_sync_report_id(report, ROCKON_SYNC_IDS_HEALED, 0, NULL));
    rockon_sync_report_free(report);
    rockon_sync_catalog_free(catalog);
}

static void local_definitions_override_published_ones(const rockon_sync_store *store, const char *dir)
{
    rockon_sync_catalog_options options = {0};
    rockon_sync_catalog *catalog = NULL;
    const rockon_sync_definition *definition = NULL;
    rockon_sync_str sources[] = {{LENGTH("rockstor")}};

    mkdir(dir, 0777);
    write_file(join(dir, "mine.json"), "{\"AdGuard Home\": {\"a\": 1}}");
    write_file(join(dir, "broken.json"), "nonsense");
    options.struct_size = sizeof options;
    options.sources = sources;
    options.source_count = 1;
    options.local_folder.data = dir;
    options.local_folder.len = strlen(dir);
    OK(rockon_sync_catalog_open(store, &options, &catalog, &error));
    CHECK(rockon_sync_catalog_len(catalog) == DEFINITIONS);
    OK(rockon_sync_catalog_find(catalog, LENGTH("AdGuard Home"), &definition, &error));
    CHECK(rockon_sync_definition_origin(definition) == ROCKON_SYNC_ORIGIN_LOCAL);
    CHECK(rockon_sync_definition_source(definition, NULL) == NULL);
    CHECK(rockon_sync_definition_entry_id(definition, NULL) == NULL);
    CHECK(!rockon_sync_definition_updated(definition, NULL));
    CHECK(rockon_sync_catalog_hidden_count(catalog) == 1);
    definition = rockon_sync_catalog_hidden(catalog, 0);
    CHECK(rockon_sync_definition_origin(definition) == ROCKON_SYNC_ORIGIN_SOURCE);
    CHECK(rockon_sync_catalog_problem_count(catalog) == 1);
    const rockon_sync_error *problem = rockon_sync_catalog_problem(catalog, 0);
    CHECK(rockon_sync_error_status(problem) == ROCKON_SYNC_ERROR_DEFINITION);
    CHECK(strstr(rockon_sync_error_path(problem, NULL), "broken.json") != NULL);
    rockon_sync_catalog_free(catalog);
}

static void status_describes_the_current_generation(const rockon_sync_store *store, const char *url)
{
    rockon_sync_status_list *status = NULL;
    uint64_t number = 0;
    int64_t time = 0;
    OK(rockon_sync_store_status(store, &status, &error));
    CHECK(rockon_sync_status_list_len(status) == 1);
    CHECK(rockon_sync_status_list_get(status, 1) == NULL);
    const rockon_sync_source_status *source = rockon_sync_status_list_get(status, 0);
    CHECK_TEXT("rockstor", rockon_sync_source_status_name(source, NULL));
    CHECK(rockon_sync_source_status_location_count(source) == 1);
    CHECK_TEXT(join(url, "v2/"), rockon_sync_source_status_location(source, 0, NULL));
    CHECK(rockon_sync_source_status_checked(source, &time) && time > 1000000000);
    CHECK(rockon_sync_source_status_generation(source, &number) && number >= 1);
    CHECK(rockon_sync_source_status_serial(source, &number) && number == 2);
    CHECK(rockon_sync_source_status_published(source, &time) && time > 1000000000);
    CHECK(!rockon_sync_source_status_expires(source, &time));
    CHECK(strlen(rockon_sync_source_status_manifest(source, NULL)) == 64);
    CHECK(rockon_sync_source_status_entries(source) == DEFINITIONS);
    CHECK(rockon_sync_source_status_failed_count(source) == 0);
    CHECK(rockon_sync_source_status_error(source) == ROCKON_SYNC_OK);
    CHECK(rockon_sync_source_status_error_message(source, NULL) == NULL);
    rockon_sync_status_list_free(status);
}

static void mirrors_and_v1_trees_are_used(const char *url, const char *dir)
{
    rockon_sync_store *store = open_store(dir);
    rockon_sync_source *source = source_at("old-style", join(url, "forbidden/"));
    const char *mirror = join(url, "catalog/");
    rockon_sync_report *report = NULL;
    OK(rockon_sync_source_add_mirror(source, LENGTH(mirror), &error));
    OK(rockon_sync_store_update(store, source, NULL, &report, &error));
    CHECK(rockon_sync_report_outcome(report) == ROCKON_SYNC_OUTCOME_UPDATED);
    CHECK(!rockon_sync_report_serial(report, NULL));
    rockon_sync_report_free(report);
    rockon_sync_source_free(source);
    rockon_sync_store_free(store);
}

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    const char *url = argv[1], *dir = argv[2];
    CHECK(rockon_sync_abi_version() == ROCKON_SYNC_ABI_VERSION);
    CHECK(strchr(rockon_sync_version(), '.') != NULL);
    CHECK_TEXT("mass-delete", rockon_sync_status_name(ROCKON_SYNC_ERROR_MASS_DELETE));
    CHECK_TEXT("unknown", rockon_sync_status_name(4711));

    rockon_sync_store *store = open_store(join(dir, "store"));
    rockon_sync_source *source = source_at("rockstor", join(url, "v2/"));
    a_first_update_fetches_everything(store, source);
    the_catalog_returns_published_definitions(store);
    changes_list_deletes_and_upserts(store);
    an_empty_store_causes_no_deletes(join(dir, "empty"));
    damage_is_found_and_repaired(store, source);
    local_definitions_override_published_ones(store, join(dir, "mine"));
    status_describes_the_current_generation(store, url);
    mirrors_and_v1_trees_are_used(url, join(dir, "second"));
    rockon_sync_source_free(source);
    rockon_sync_store_free(store);
    return 0;
}
