/* Requirements of a definition, with some definitions installed. */
#include "check.h"

#include <sys/stat.h>

/* Writes a definition with more JSON members to the directory. */
static void put(const char *dir, const char *name, const char *version, const char *more)
{
    char file[64], text[1024];
    snprintf(file, sizeof file, "%s.json", name);
    snprintf(text, sizeof text,
             "{\"%s\": {\"description\": \"\", \"website\": \"\", \"version\": \"%s\", %s"
             "\"containers\": {\"box-%s\": {\"image\": \"i\", \"launch_order\": 1}}}}",
             name, version, more, name);
    write_file(join(dir, file), text);
}

static rockon_sync_installation *installation(const rockon_sync_catalog *catalog, const char *name,
                                              const rockon_sync_installed *installed, size_t count)
{
    rockon_sync_installation *found = NULL;
    OK(rockon_sync_catalog_installation(catalog, name, installed, count, &found, &error));
    CHECK(found != NULL);
    return found;
}

static void check_install(const rockon_sync_installation *found, const char *expected)
{
    char names[256] = "";
    for (size_t i = 0; i < found->install_count; i++) {
        const rockon_sync_definition *next = found->install[i];
        strcat(strcat(names, i > 0 ? " " : ""), next->name);
    }
    CHECK_TEXT(expected, names);
}

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    char dir[1024];
    snprintf(dir, sizeof dir, "%s", join(argv[2], "local"));
    CHECK(mkdir(dir, 0777) == 0);
    put(dir, "App", "2", "\"requires\": \"Database (>= 5) | Other, Proxy\", ");
    put(dir, "Database", "5.1", "");
    put(dir, "Proxy", "1", "\"conflicts\": \"Firewall (<< 3)\", \"replaces\": \"Old Proxy\", ");
    put(dir, "Broken", "1", "\"requires\": \"Nowhere (>= 1.2) | Nobody\", ");
    rockon_sync_store *store = open_store(argv[2]);
    rockon_sync_catalog *catalog = open_catalog(store);

    rockon_sync_installation *found = installation(catalog, "App", NULL, 0);
    check_install(found, "Database Proxy App");
    CHECK(found->is_possible);
    CHECK(found->unmet_count == 0);
    CHECK(found->conflict_count == 0);
    CHECK(found->replaced.count == 0);
    rockon_sync_installation_free(found);

    /* An unknown version meets no bound, and conflicts with none. */
    const rockon_sync_installed installed[] = {
        {"Old Proxy", NULL},
        {"Database", NULL},
        {"Firewall", NULL},
    };
    found = installation(catalog, "App", installed, 3);
    check_install(found, "Database Proxy App");
    CHECK(found->is_possible);
    CHECK(found->replaced.count == 1);
    CHECK_TEXT("Old Proxy", found->replaced.items[0]);
    rockon_sync_installation_free(found);

    const rockon_sync_installed other[] = {
        {"Database", "5.0"},
        {"Firewall", "2.9"},
    };
    found = installation(catalog, "App", other, 2);
    check_install(found, "Proxy App");
    CHECK(!found->is_possible);
    CHECK(found->conflict_count == 1);
    CHECK_TEXT("Proxy", found->conflicts[0]->by);
    CHECK_TEXT("Firewall (<< 3)", found->conflicts[0]->text);
    rockon_sync_installation_free(found);

    /* The results do not need the catalog. */
    found = installation(catalog, "Broken", NULL, 0);
    rockon_sync_installation *none = NULL;
    FAILS(ROCKON_SYNC_STATUS_NOT_FOUND,
          rockon_sync_catalog_installation(catalog, "none", NULL, 0, &none, &error));
    CHECK(none == NULL);
    rockon_sync_catalog_free(catalog);
    rockon_sync_store_free(store);
    check_install(found, "Broken");
    CHECK(!found->is_possible);
    CHECK(found->unmet_count == 1);
    CHECK_TEXT("Broken", found->unmet[0]->by);
    CHECK_TEXT("Nowhere (>= 1.2) | Nobody", found->unmet[0]->text);
    rockon_sync_installation_free(found);
    return 0;
}
