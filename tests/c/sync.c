/* A complete cycle of an application: update, catalog, changes, damage and repair. */
#include "check.h"

#include <sys/stat.h>

enum { DEFINITIONS = 16 };

static void a_first_update_fetches_everything(const rockon_sync_store *store,
                                              const rockon_sync_source *source)
{
    rockon_sync_report *report = NULL;

    OK(rockon_sync_store_check(store, source, NULL, &report, &error));
    CHECK(report->added.count == DEFINITIONS);
    rockon_sync_report_free(report);

    OK(rockon_sync_store_update(store, source, NULL, &report, &error));
    CHECK(report->outcome == ROCKON_SYNC_OUTCOME_UPDATED);
    CHECK_TEXT("rockstor", report->source);
    CHECK(report->serial == 2);
    CHECK(strlen(report->manifest) == 64);
    /* The head and one pack. */
    CHECK(report->requests == 2);
    CHECK(report->bytes_received > 1000);
    CHECK(report->duration_ms < 300000);
    CHECK(report->added.count == DEFINITIONS);
    CHECK_TEXT("adguard home", report->added.items[0]);
    CHECK(report->changed.count == 0);
    CHECK(report->removed.count == 0);
    CHECK(report->healed.count == 0);
    CHECK(report->failed_count == 0);
    CHECK(report->warnings.count == 0);
    rockon_sync_report_free(report);

    OK(rockon_sync_store_update(store, source, NULL, &report, &error));
    CHECK(report->outcome == ROCKON_SYNC_OUTCOME_UNCHANGED);
    CHECK(report->requests == 1);
    rockon_sync_report_free(report);
}

static void the_catalog_returns_published_definitions(const rockon_sync_store *store)
{
    rockon_sync_catalog *catalog = open_catalog(store);
    rockon_sync_content *content = NULL;

    CHECK(catalog->definition_count == DEFINITIONS);
    CHECK(catalog->problem_count == 0);
    CHECK(catalog->hidden_count == 0);
    for (size_t i = 0; i < catalog->definition_count; i++) {
        const rockon_sync_definition *other = catalog->definitions[i];
        CHECK(rockon_sync_catalog_find(catalog, other->name) == other);
    }
    CHECK(rockon_sync_catalog_find(catalog, "no such name") == NULL);
    const rockon_sync_definition *definition = rockon_sync_catalog_find(catalog, "AdGuard Home");
    CHECK_TEXT("AdGuard Home", definition->name);
    CHECK(strlen(definition->revision) == 64);
    CHECK_TEXT("rockstor", definition->source);
    CHECK_TEXT("adguard home", definition->id);
    CHECK(definition->updated_unix_s > 1000000000);
    CHECK(strstr(definition->file, "adguard-home.json") != NULL);

    OK(rockon_sync_definition_read(definition, &content, &error));
    const uint8_t *json = content->data;
    CHECK(json[0] == '{' && json[content->len - 1] == '}' && json[content->len] == 0);
    rockon_sync_content_free(content);
    rockon_sync_catalog_free(catalog);
}

/* Returns the record of an application that has applied everything. The strings belong to the
 * catalog. */
static rockon_sync_applied *everything(const rockon_sync_catalog *catalog)
{
    size_t len = catalog->definition_count;
    rockon_sync_applied *applied = calloc(len + 1, sizeof *applied);
    CHECK(applied != NULL);
    for (size_t i = 0; i < len; i++) {
        const rockon_sync_definition *definition = catalog->definitions[i];
        applied[i].name = definition->name;
        applied[i].revision = definition->revision;
    }
    return applied;
}

static void a_former_name_is_renamed(const rockon_sync_store *store)
{
    rockon_sync_catalog *catalog = open_catalog(store);
    rockon_sync_changes *changes = NULL;
    const rockon_sync_definition *kopia = rockon_sync_catalog_find(catalog, "Kopia");

    CHECK(kopia->formerly.count == 2);
    CHECK_TEXT("Backup", kopia->formerly.items[0]);
    CHECK_TEXT("Old", kopia->formerly.items[1]);
    CHECK(catalog->definitions[0]->formerly.count == 0);

    const rockon_sync_applied applied[] = {{"Old", kopia->revision}, {"Backup", NULL}};
    OK(rockon_sync_catalog_changes_since(catalog, applied, 2, &changes, &error));
    rockon_sync_catalog_free(catalog);
    CHECK(changes->rename_count == 1);
    CHECK_TEXT("Backup", changes->renames[0]->from);
    CHECK_TEXT("Kopia", changes->renames[0]->to);
    CHECK(changes->deletes.count == 1);
    CHECK_TEXT("Old", changes->deletes.items[0]);
    CHECK(changes->upsert_count == DEFINITIONS);
    for (size_t i = 0; i < changes->upsert_count; i++) {
        const rockon_sync_upsert *upsert = changes->upserts[i];
        CHECK(upsert->is_new == (strcmp(upsert->definition->name, "Kopia") != 0));
    }
    rockon_sync_changes_free(changes);
}

static void changes_list_deletes_and_upserts(const rockon_sync_store *store)
{
    rockon_sync_catalog *catalog = open_catalog(store);
    rockon_sync_changes *changes = NULL;

    OK(rockon_sync_catalog_changes_since(catalog, NULL, 0, &changes, &error));
    CHECK(changes->upsert_count == DEFINITIONS);
    CHECK(changes->upserts[0]->is_new);
    CHECK(changes->deletes.count == 0);
    rockon_sync_changes_free(changes);

    rockon_sync_applied *applied = everything(catalog);
    OK(rockon_sync_catalog_changes_since(catalog, applied, DEFINITIONS, &changes, &error));
    CHECK(changes->upsert_count == 0);
    CHECK(changes->deletes.count == 0);
    rockon_sync_changes_free(changes);

    applied[3].revision = NULL;
    applied[DEFINITIONS].name = "Gone";
    applied[DEFINITIONS].revision = "";
    OK(rockon_sync_catalog_changes_since(catalog, applied, DEFINITIONS + 1, &changes, &error));
    free(applied);
    const char *name = catalog->definitions[3]->name;
    CHECK(changes->upserts[0]->definition == catalog->definitions[3]);
    rockon_sync_catalog_free(catalog);

    /* Definitions of changes outlive the catalog. */
    CHECK(changes->upsert_count == 1);
    CHECK(!changes->upserts[0]->is_new);
    CHECK(name == changes->upserts[0]->definition->name);
    CHECK(changes->deletes.count == 1);
    CHECK_TEXT("Gone", changes->deletes.items[0]);
    CHECK(changes->withheld.count == 0);
    CHECK(changes->reasons.count == 0);
    CHECK(changes->rename_count == 0);
    rockon_sync_changes_free(changes);
}

static void an_empty_store_causes_no_deletes(const char *dir)
{
    mkdir(dir, 0777);
    rockon_sync_store *store = open_store(dir);
    rockon_sync_catalog *catalog = open_catalog(store);
    rockon_sync_changes *changes = NULL;
    rockon_sync_applied applied = {"Kept", "x"};
    OK(rockon_sync_catalog_changes_since(catalog, &applied, 1, &changes, &error));
    CHECK(changes->deletes.count == 0);
    CHECK(changes->withheld.count == 1);
    CHECK_TEXT("Kept", changes->withheld.items[0]);
    CHECK(changes->reasons.count == 1);
    CHECK(changes->reasons.items[0] != NULL);
    rockon_sync_changes_free(changes);
    rockon_sync_catalog_free(catalog);
    rockon_sync_store_free(store);
}

static void damage_is_found_and_repaired(const rockon_sync_store *store,
                                         const rockon_sync_source *source)
{
    rockon_sync_catalog *catalog = open_catalog(store);
    const rockon_sync_definition *definition = catalog->definitions[0];
    rockon_sync_content *content = NULL;
    rockon_sync_verification *found = NULL;
    rockon_sync_report *report = NULL;

    OK(rockon_sync_store_verify(store, &found, &error));
    CHECK(found->source_count == 1);
    const rockon_sync_source_verification *part = found->sources[0];
    CHECK_TEXT("rockstor", part->name);
    CHECK(part->is_intact);
    CHECK(part->entry_count == DEFINITIONS);
    rockon_sync_verification_free(found);

    const char *file = definition->file;
    write_file(file, "{}");
    FAILS(ROCKON_SYNC_STATUS_INTEGRITY, rockon_sync_definition_read(definition, &content, &error));
    remove(file);
    FAILS(ROCKON_SYNC_STATUS_STORE, rockon_sync_definition_read(definition, &content, &error));
    CHECK(content == NULL);

    OK(rockon_sync_store_verify(store, &found, &error));
    part = found->sources[0];
    CHECK(!part->is_intact);
    CHECK(part->damaged.count == 1);
    CHECK(strstr(part->damaged.items[0], "adguard-home.json") != NULL);
    CHECK(part->stray_count == 0);
    rockon_sync_verification_free(found);

    rockon_sync_update_options options = ROCKON_SYNC_UPDATE_OPTIONS_INIT;
    options.mode = ROCKON_SYNC_MODE_VERIFY;
    OK(rockon_sync_store_update(store, source, &options, &report, &error));
    CHECK(report->healed.count == 1);
    CHECK_TEXT("adguard home", report->healed.items[0]);
    rockon_sync_report_free(report);
    rockon_sync_catalog_free(catalog);
}

static void local_definitions_override_published_ones(const rockon_sync_store *store, const char *dir)
{
    rockon_sync_catalog_options options = ROCKON_SYNC_CATALOG_OPTIONS_INIT;
    rockon_sync_catalog *catalog = NULL;
    const char *const sources[] = {"rockstor"};

    mkdir(dir, 0777);
    write_file(join(dir, "mine.json"), "{\"AdGuard Home\": {\"a\": 1}}");
    write_file(join(dir, "broken.json"), "nonsense");
    options.sources = sources;
    options.source_count = 1;
    options.local_dir = dir;
    OK(rockon_sync_store_catalog(store, &options, &catalog, &error));
    CHECK(catalog->definition_count == DEFINITIONS);
    const rockon_sync_definition *definition = rockon_sync_catalog_find(catalog, "AdGuard Home");
    CHECK(definition->source == NULL);
    CHECK(definition->id == NULL);
    CHECK(definition->updated_unix_s == 0);
    CHECK(catalog->hidden_count == 1);
    CHECK_TEXT("rockstor", catalog->hidden[0]->source);
    CHECK(catalog->problem_count == 1);
    const rockon_sync_error *problem = catalog->problems[0];
    CHECK(problem->status == ROCKON_SYNC_STATUS_DEFINITION);
    CHECK(strstr(problem->path, "broken.json") != NULL);
    rockon_sync_catalog_free(catalog);
}

static void status_describes_the_current_generation(const rockon_sync_store *store, const char *url)
{
    rockon_sync_status_list *status = NULL;
    OK(rockon_sync_store_status(store, &status, &error));
    CHECK(status->source_count == 1);
    const rockon_sync_source_status *source = status->sources[0];
    CHECK_TEXT("rockstor", source->name);
    CHECK(source->mirrors.count == 1);
    CHECK_TEXT(join(url, "v2/"), source->mirrors.items[0]);
    CHECK(source->checked_unix_s > 1000000000);
    CHECK(source->generation >= 1);
    CHECK(source->serial == 2);
    CHECK(source->published_unix_s > 1000000000);
    CHECK(source->expires_unix_s == 0);
    CHECK(strlen(source->manifest) == 64);
    CHECK(source->entry_count == DEFINITIONS);
    CHECK(source->failed_count == 0);
    CHECK(source->status == ROCKON_SYNC_STATUS_OK);
    CHECK(source->message == NULL);
    rockon_sync_status_list_free(status);
}

static void mirrors_and_v1_trees_are_used(const char *url, const char *dir)
{
    rockon_sync_store *store = open_store(dir);
    rockon_sync_source source = source_at("old-style", join(url, "forbidden/"));
    const char *const mirrors[] = {join(url, "catalog/")};
    rockon_sync_report *report = NULL;
    source.mirrors = mirrors;
    source.mirror_count = 1;
    OK(rockon_sync_store_update(store, &source, NULL, &report, &error));
    CHECK(report->outcome == ROCKON_SYNC_OUTCOME_UPDATED);
    CHECK(report->serial == 0);
    rockon_sync_report_free(report);
    rockon_sync_store_free(store);
}

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    const char *url = argv[1], *dir = argv[2];
    CHECK(rockon_sync_abi_version() == ROCKON_SYNC_ABI_VERSION);
    CHECK(strchr(rockon_sync_version(), '.') != NULL);
    CHECK_TEXT("mass-delete", rockon_sync_status_name(ROCKON_SYNC_STATUS_MASS_DELETE));
    CHECK_TEXT("unknown", rockon_sync_status_name(4711));

    rockon_sync_store *store = open_store(join(dir, "store"));
    rockon_sync_source source = source_at("rockstor", join(url, "v2/"));
    a_first_update_fetches_everything(store, &source);
    the_catalog_returns_published_definitions(store);
    a_former_name_is_renamed(store);
    changes_list_deletes_and_upserts(store);
    an_empty_store_causes_no_deletes(join(dir, "empty"));
    damage_is_found_and_repaired(store, &source);
    local_definitions_override_published_ones(store, join(dir, "mine"));
    status_describes_the_current_generation(store, url);
    mirrors_and_v1_trees_are_used(url, join(dir, "second"));
    rockon_sync_store_free(store);
    return 0;
}
