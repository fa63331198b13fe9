/* Publishing a catalog, and updating from the published tree. */
#include "check.h"

/* Fills a store from the bundle of a tree, without any request. */
static void import_bundle(const char *tree, const char *manifest, const char *dir)
{
    char name[64];
    rockon_sync_store *store = open_store(dir);
    rockon_sync_source source = source_at("rockstor", "https://example.org/never-asked/");
    rockon_sync_report *report = NULL;
    snprintf(name, sizeof name, "packs/empty-%.12s.tar.zst", manifest);
    OK(rockon_sync_store_import(store, &source, join(tree, name), NULL, &report, &error));
    CHECK(report->outcome == ROCKON_SYNC_OUTCOME_UPDATED);
    CHECK(report->requests == 0);
    CHECK(report->added.count == 16);
    rockon_sync_report_free(report);
    report = NULL;
    FAILS(ROCKON_SYNC_STATUS_NOT_FOUND,
          rockon_sync_store_import(store, &source, "nowhere", NULL, &report, &error));
    FAILS(ROCKON_SYNC_STATUS_INTEGRITY,
          rockon_sync_store_import(store, &source, join(tree, "root.json"), NULL, &report,
                                   &error));
    CHECK(report == NULL);
    rockon_sync_store_free(store);
}

/* Returns true if a line of the file contains the text. */
static bool contains(const char *path, const char *text)
{
    char line[4096];
    bool found = false;
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    while (!found && fgets(line, sizeof line, file) != NULL) {
        found = strstr(line, text) != NULL;
    }
    CHECK(!ferror(file) && fclose(file) == 0);
    return found;
}

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    const char *catalog = join(argv[3], "catalog"), *out = join(argv[2], "tree");
    rockon_sync_publish_options options = ROCKON_SYNC_PUBLISH_OPTIONS_INIT;
    rockon_sync_publish_report *report = NULL;
    options.out = out;
    options.url = "https://example.org/tree/";
    options.keep = 2;
    options.expires_in_days = 30;
    options.published_unix_s = 1700000000;
    options.page_title = "Our <apps>";
    FAILS(ROCKON_SYNC_STATUS_ARGUMENT, rockon_sync_publish(catalog, &options, &report, &error));
    options.page = true;
    OK(rockon_sync_publish(catalog, &options, &report, &error));
    CHECK(report->outcome == ROCKON_SYNC_PUBLISH_OUTCOME_PUBLISHED);
    CHECK(report->serial == 1);
    CHECK(strlen(report->manifest) == 64);
    CHECK_TEXT(join(out, "root.sha"), report->head);
    CHECK(report->entry_count == 16);
    CHECK(report->added.count == 16);
    CHECK_TEXT("adguard home", report->added.items[0]);
    CHECK(report->kept.count == 0);
    CHECK(report->written.count > 16 && report->deleted.count == 0);
    CHECK(contains(join(out, "index.html"), "<h1>Our &lt;apps&gt;</h1>"));
    import_bundle(out, report->manifest, join(argv[2], "imported"));
    rockon_sync_publish_report_free(report);

    OK(rockon_sync_publish(catalog, &options, &report, &error));
    CHECK(report->outcome == ROCKON_SYNC_PUBLISH_OUTCOME_UNCHANGED);
    CHECK(report->serial == 1);
    rockon_sync_publish_report_free(report);
    report = NULL;

    /* The published tree is continued from another directory, or not at all. */
    options.initial = true;
    FAILS(ROCKON_SYNC_STATUS_ARGUMENT, rockon_sync_publish(catalog, &options, &report, &error));
    options.initial = false;
    options.out = join(argv[2], "elsewhere");
    options.previous = join(argv[2], "nowhere");
    FAILS(ROCKON_SYNC_STATUS_NOT_FOUND, rockon_sync_publish(catalog, &options, &report, &error));
    options.previous = out;
    options.dry_run = true;
    OK(rockon_sync_publish(catalog, &options, &report, &error));
    CHECK(report->outcome == ROCKON_SYNC_PUBLISH_OUTCOME_UNCHANGED);
    CHECK(report->serial == 1);
    CHECK(fopen(join(options.out, "root.sha"), "r") == NULL);
    rockon_sync_publish_report_free(report);
    report = NULL;
    options.dry_run = false;
    options.previous = NULL;
    options.out = out;

    /* A published directory works as a source, and has not expired. */
    rockon_sync_store *store = open_store(join(argv[2], "store"));
    rockon_sync_source source = source_at("rockstor", out);
    rockon_sync_report *done = NULL;
    OK(rockon_sync_store_update(store, &source, NULL, &done, &error));
    CHECK(done->outcome == ROCKON_SYNC_OUTCOME_UPDATED);
    CHECK(done->warnings.count == 1);
    rockon_sync_report_free(done);
    rockon_sync_store_free(store);

    /* A single invalid definition prevents publishing, and every problem has its location. */
    const char *bad = join(argv[3], "bad-catalog"), *other = join(argv[2], "other");
    rockon_sync_error *error = NULL;
    options.out = other;
    CHECK(rockon_sync_publish(bad, &options, &report, &error) == ROCKON_SYNC_STATUS_CATALOG);
    CHECK(report == NULL);
    CHECK(error->problem_count >= 1);
    const rockon_sync_problem *problem = error->problems[0];
    CHECK(problem->severity == ROCKON_SYNC_SEVERITY_ERROR);
    CHECK_TEXT("broken.json", problem->file);
    CHECK(problem->line >= 1 && problem->column >= 1);
    CHECK(problem->message != NULL);
    rockon_sync_error_free(error);

    options.lenient = true;
    OK(rockon_sync_publish(bad, &options, &report, &error));
    CHECK(report->entry_count == 1);
    CHECK(report->problem_count >= 1);
    CHECK(report->problems[0] != NULL);
    rockon_sync_publish_report_free(report);

    const char *nowhere = join(argv[3], "nowhere");
    report = NULL;
    FAILS(ROCKON_SYNC_STATUS_NOT_FOUND,
          rockon_sync_publish(nowhere, NULL, &report, &error));
    options.in_place = true;
    FAILS(ROCKON_SYNC_STATUS_ARGUMENT, rockon_sync_publish(bad, &options, &report, &error));
    return 0;
}
