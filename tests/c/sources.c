/* Several sources, suitable definitions, and credentials that cannot be sent. */
#include "check.h"

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    rockon_sync_update_results *results = NULL;
    rockon_sync_store *store = open_store(argv[2]);
    FAILS(ROCKON_SYNC_ERROR_NOT_FOUND,
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
    CHECK(rockon_sync_update_results_count(results) == 2);
    CHECK(strcmp(rockon_sync_update_results_source(results, 0, NULL), "good") == 0);
    CHECK(rockon_sync_report_outcome(rockon_sync_update_results_report(results, 0)) ==
          ROCKON_SYNC_OUTCOME_UPDATED);
    CHECK(rockon_sync_update_results_error(results, 0) == NULL);
    CHECK(rockon_sync_update_results_report(results, 1) == NULL);
    CHECK(rockon_sync_error_status(rockon_sync_update_results_error(results, 1)) ==
          ROCKON_SYNC_ERROR_NOT_FOUND);
    CHECK(rockon_sync_update_results_source(results, 2, NULL) == NULL);
    rockon_sync_update_results_free(results);

    rockon_sync_catalog *catalog = NULL;
    OK(rockon_sync_catalog_open(store, NULL, &catalog, &error));
    const rockon_sync_definition *definition = rockon_sync_catalog_get(catalog, 0);
    rockon_sync_target *machine = NULL;
    rockon_sync_mismatches *mismatches = NULL;
    FAILS(ROCKON_SYNC_ERROR_ARGUMENT,
          rockon_sync_target_new(LENGTH("a b"), NULL, 0, &machine, &error));
    for (int n = 0; n < 2; n++) {
        const char *arch = n == 0 ? "x86_64" : "s390x";
        OK(rockon_sync_target_new(LENGTH(arch), LENGTH("5.1.0"), &machine, &error));
        OK(rockon_sync_definition_mismatches(definition, machine, &mismatches, &error));
        CHECK(rockon_sync_mismatches_count(mismatches) == (size_t)n);
        if (n == 1) {
            CHECK(rockon_sync_mismatches_reason(mismatches, 0) == ROCKON_SYNC_MISMATCH_ARCH);
            CHECK(strstr(rockon_sync_mismatches_message(mismatches, 0, NULL), "s390x") != NULL);
        }
        CHECK(rockon_sync_mismatches_message(mismatches, 9, NULL) == NULL);
        rockon_sync_mismatches_free(mismatches);
        rockon_sync_target_free(machine);
    }
    rockon_sync_catalog_free(catalog);

    rockon_sync_source *source = source_at("rockstor", argv[1]);
    rockon_sync_source_set_timeout(source, 1000);
    OK(rockon_sync_source_add_token(source, LENGTH("token"), LENGTH("geheim"), &error));
    OK(rockon_sync_source_add_header(source, LENGTH("X-Key"), LENGTH("geheim"), &error));
    OK(rockon_sync_source_set_password(source, LENGTH("me"), LENGTH("geheim"), &error));
    FAILS(ROCKON_SYNC_ERROR_ARGUMENT,
          rockon_sync_source_add_header(source, LENGTH("Host"), LENGTH("geheim"), &error));
    rockon_sync_source_free(source);
    rockon_sync_store_free(store);
    return 0;
}
