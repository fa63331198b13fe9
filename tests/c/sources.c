/* Several sources, suitable definitions, and credentials that cannot be sent. */
#include "check.h"

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    rockon_sync_update_results *results = NULL;
    rockon_sync_store *store = open_store(argv[2]);
    FAILS(ROCKON_SYNC_STATUS_NOT_FOUND,
          rockon_sync_store_update_all(store, NULL, &results, &error));
    char list[2048];
    snprintf(list, sizeof list, "%s", join(argv[2], "sources.toml"));
    FILE *file = fopen(list, "w");
    CHECK(file != NULL);
    fprintf(file,
            "[[source]]\nname = \"good\"\nurls = [\"%s/catalog\"]\n"
            "[[source]]\nname = \"gone\"\nurls = [\"%s/no-such-dir\"]\n",
            argv[3], argv[3]);
    CHECK(fclose(file) == 0);
    OK(rockon_sync_store_update_all(store, NULL, &results, &error));
    CHECK(results->result_count == 2);
    CHECK(strcmp(results->results[0]->source, "good") == 0);
    CHECK(results->results[0]->report->outcome ==
          ROCKON_SYNC_OUTCOME_UPDATED);
    CHECK(results->results[0]->error == NULL);
    CHECK(results->results[1]->report == NULL);
    CHECK(results->results[1]->error->status ==
          ROCKON_SYNC_STATUS_NOT_FOUND);
    CHECK(results->results[2]->source == NULL);
    rockon_sync_update_results_free(results);

    rockon_sync_catalog *catalog = NULL;
    OK(rockon_sync_store_catalog(store, NULL, &catalog, &error));
    const rockon_sync_definition *definition = catalog->definitions[0];
    rockon_sync_target *machine = NULL;
    rockon_sync_mismatches *mismatches = NULL;
    FAILS(ROCKON_SYNC_STATUS_ARGUMENT,
          rockon_sync_target_new("a b", NULL, 0, &machine, &error));
    for (int n = 0; n < 2; n++) {
        const char *arch = n == 0 ? "x86_64" : "s390x";
        OK(rockon_sync_target_new(arch, "5.1.0", &machine, &error));
        OK(rockon_sync_definition_mismatches(definition, machine, &mismatches, &error));
        CHECK(mismatches->mismatch_count == (size_t)n);
        if (n == 1) {
            CHECK(mismatches->mismatches[0]->reason == ROCKON_SYNC_MISMATCH_ARCH);
            CHECK(strstr(mismatches->mismatches[0]->message, "s390x") != NULL);
        }
        CHECK(mismatches->mismatches[9]->message == NULL);
        rockon_sync_mismatches_free(mismatches);
        rockon_sync_target_free(machine);
    }
    rockon_sync_catalog_free(catalog);

    rockon_sync_source source = source_at("rockstor", argv[1]);
    rockon_sync_source_set_timeout(source, 1000);
    OK(rockon_sync_source_add_token(source, "token", "geheim", &error));
    OK(rockon_sync_source_add_header(source, "X-Key", "geheim", &error));
    OK(rockon_sync_source_set_password(source, "me", "geheim", &error));
    FAILS(ROCKON_SYNC_STATUS_ARGUMENT,
          rockon_sync_source_add_header(source, "Host", "geheim", &error));
    rockon_sync_store_free(store);
    return 0;
}
