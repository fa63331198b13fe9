/* The formats other than Rock-on: files of any kind, and extensions of update sites. */
#include "check.h"

#include <sys/stat.h>

static void publish(const char *dir, const char *out, const char *format)
{
    rockon_sync_publish_options options = ROCKON_SYNC_PUBLISH_OPTIONS_INIT;
    rockon_sync_publish_report *report = NULL;
    options.out = out;
    options.format = "rock";
    FAILS(ROCKON_SYNC_STATUS_ARGUMENT, rockon_sync_publish(dir, &options, &report, &error));
    CHECK(report == NULL);
    options.format = format;
    OK(rockon_sync_publish(dir, &options, &report, &error));
    rockon_sync_publish_report_free(report);
}

static void update(rockon_sync_store *store, const char *name, const char *tree)
{
    rockon_sync_source source = source_at(name, tree);
    rockon_sync_report *report = NULL;
    OK(rockon_sync_store_update(store, &source, NULL, &report, &error));
    CHECK(report->outcome == ROCKON_SYNC_OUTCOME_UPDATED);
    rockon_sync_report_free(report);
}

static const rockon_sync_definition *find(const rockon_sync_catalog *catalog, const char *name)
{
    const rockon_sync_definition *definition = rockon_sync_catalog_find(catalog, name);
    CHECK(definition != NULL);
    return definition;
}

static void files_are_returned_byte_for_byte(const rockon_sync_catalog *catalog)
{
    const rockon_sync_definition *binary = find(catalog, "binary"), *empty = find(catalog, "empty");
    rockon_sync_content *content = NULL;
    CHECK_TEXT("files", binary->format);
    OK(rockon_sync_definition_read(binary, &content, &error));
    CHECK(content->len == 4 && memcmp(content->data, "\x89\0\xff", 4) == 0);
    rockon_sync_content_free(content);
    OK(rockon_sync_definition_read(empty, &content, &error));
    CHECK(content->data != NULL && content->data[0] == 0 && content->len == 0);
    rockon_sync_content_free(content);
}

static void the_content_of_a_rockon_is_its_part_of_the_file(const rockon_sync_catalog *catalog)
{
    const rockon_sync_definition *adguard = find(catalog, "AdGuard Home");
    rockon_sync_content *content = NULL;
    CHECK_TEXT("rockon", adguard->format);
    OK(rockon_sync_definition_read(adguard, &content, &error));
    const char *json = (const char *)content->data;
    CHECK(strlen(json) == content->len);
    CHECK(json[0] == '{' && json[content->len - 1] == '}');
    CHECK(strstr(json, "\"AdGuard Home\"") == NULL && strstr(json, "\"website\"") != NULL);
    rockon_sync_content_free(content);
}

/* A machine with the platform "joomla 5.1", for releases of this stability or more. */
static rockon_sync_target machine(const char *stability)
{
    rockon_sync_target target = ROCKON_SYNC_TARGET_INIT;
    target.platform = "joomla 5.1";
    target.stability = stability;
    return target;
}

static void installed_extensions_have_updates(rockon_sync_catalog *catalog)
{
    const rockon_sync_installed installed[] = {
        {"plugin/system/cache", "5.9"},
        {"component/com_other", "1"},
    };
    struct {
        const char *stability;
        const char *version;
        size_t downloads;
    } expected[] = {
        {"stable", "5.10", 2},
        {"rc", "6.0-rc1", 0},
    };
    rockon_sync_extension_updates *updates = NULL;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        rockon_sync_target target = machine(expected[i].stability);
        OK(rockon_sync_catalog_updates_for(catalog, installed, 2, &target, &updates, &error));
        if (i == 1) {
            /* The results do not need the catalog. */
            rockon_sync_catalog_free(catalog);
        }
        CHECK(updates->update_count == 1);
        const rockon_sync_definition *cache = updates->updates[0]->definition;
        CHECK_TEXT("plugin/system/cache", cache->name);
        CHECK_TEXT("jupdate", cache->format);
        CHECK_TEXT("5.9", updates->updates[0]->installed);
        CHECK_TEXT(expected[i].version, updates->updates[0]->version);
        CHECK_TEXT(expected[i].stability, updates->updates[0]->stability);
        CHECK(updates->updates[0]->downloads.count == expected[i].downloads);
        if (expected[i].downloads == 2) {
            CHECK_TEXT("https://example.org/cache.tar", updates->updates[0]->downloads.items[1]);
        }
        CHECK(updates->unknown.count == 1);
        CHECK_TEXT("component/com_other", updates->unknown.items[0]);
        CHECK(updates->problem_count == 0);
        rockon_sync_extension_updates_free(updates);
    }
}

static void unreadable_extensions_are_reported(const rockon_sync_catalog *catalog)
{
    const rockon_sync_installed installed = {"plugin/system/cache", "5.9"};
    const rockon_sync_definition *cache = find(catalog, "plugin/system/cache");
    rockon_sync_extension_updates *updates = NULL;
    rockon_sync_target target = machine("stable");
    write_file(cache->file, "<updates/>");
    OK(rockon_sync_catalog_updates_for(catalog, &installed, 1, &target, &updates, &error));
    CHECK(updates->update_count == 0);
    CHECK(updates->problem_count == 1);
    CHECK(updates->problems[0]->status == ROCKON_SYNC_STATUS_INTEGRITY);
    rockon_sync_extension_updates_free(updates);
}

static const char *const CACHE =
    "<updates>\n"
    "<update><element>cache</element><type>plugin</type><folder>system</folder>\n"
    "  <client>site</client><version>5.10</version><tags><tag>stable</tag></tags>\n"
    "  <downloads><downloadurl type=\"full\">https://example.org/cache.zip</downloadurl>\n"
    "  <downloadsource>https://example.org/cache.tar</downloadsource></downloads>\n"
    "  <targetplatform name=\"joomla\" version=\"5.*\"/></update>\n"
    "<update><element>cache</element><type>plugin</type><folder>system</folder>\n"
    "  <client>site</client><version>6.0-rc1</version><tags><tag>rc</tag></tags>\n"
    "  <targetplatform name=\"joomla\" version=\"(5|6).*\"/></update>\n"
    "</updates>\n";

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    char files[1024], site[1024], files_tree[1024], site_tree[1024];
    snprintf(files, sizeof files, "%s", join(argv[2], "files"));
    snprintf(site, sizeof site, "%s", join(argv[2], "site"));
    snprintf(files_tree, sizeof files_tree, "%s", join(argv[2], "files-tree"));
    snprintf(site_tree, sizeof site_tree, "%s", join(argv[2], "site-tree"));
    CHECK(mkdir(files, 0777) == 0 && mkdir(site, 0777) == 0);
    write_file(join(files, "empty"), "");
    FILE *binary = fopen(join(files, "binary"), "w");
    CHECK(binary != NULL && fwrite("\x89\0\xff", 1, 4, binary) == 4 && fclose(binary) == 0);
    write_file(join(site, "list.xml"),
               "<extensionset><extension type=\"plugin\" folder=\"system\" element=\"cache\" "
               "client=\"0\" detailsurl=\"cache.xml\"/></extensionset>\n");
    write_file(join(site, "cache.xml"), CACHE);
    publish(files, files_tree, "files");
    publish(site, site_tree, "jupdate");

    rockon_sync_store *store = open_store(join(argv[2], "store"));
    update(store, "any", files_tree);
    update(store, "extensions", site_tree);
    update(store, "rockstor", join(argv[3], "v2"));
    rockon_sync_catalog *catalog = open_catalog(store);
    files_are_returned_byte_for_byte(catalog);
    the_content_of_a_rockon_is_its_part_of_the_file(catalog);
    installed_extensions_have_updates(catalog);
    catalog = open_catalog(store);
    unreadable_extensions_are_reported(catalog);
    rockon_sync_catalog_free(catalog);
    rockon_sync_store_free(store);
    return 0;
}
