/* Several sources, their credentials, and suitable definitions. */
#include "check.h"

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    rockon_sync_update_results *results = NULL;
    rockon_sync_store *store = open_store(argv[2]);
    FAILS(ROCKON_SYNC_STATUS_NOT_FOUND,
          rockon_sync_store_update_all(store, NULL, 0, NULL, &results, &error));
    char list[2048];
    snprintf(list, sizeof list, "%s", join(argv[2], "sources.toml"));
    FILE *file = fopen(list, "w");
    CHECK(file != NULL);
    fprintf(file,
            "[[source]]\nname = \"good\"\nurls = [\"%s/catalog\"]\n"
            "[[source]]\nname = \"gone\"\nurls = [\"%s/no-such-dir\"]\n",
            argv[3], argv[3]);
    CHECK(fclose(file) == 0);
    OK(rockon_sync_store_update_all(store, NULL, 0, NULL, &results, &error));
    CHECK(results->result_count == 2);
    CHECK_TEXT("good", results->results[0]->source);
    CHECK(results->results[0]->report->outcome == ROCKON_SYNC_OUTCOME_UPDATED);
    CHECK(results->results[0]->error == NULL);
    CHECK(results->results[1]->report == NULL);
    CHECK(results->results[1]->error->status == ROCKON_SYNC_STATUS_NOT_FOUND);
    rockon_sync_update_results_free(results);

    rockon_sync_catalog *catalog = open_catalog(store);
    const rockon_sync_definition *definition = catalog->definitions[0];
    rockon_sync_target machine = ROCKON_SYNC_TARGET_INIT;
    rockon_sync_mismatches *mismatches = NULL;
    machine.version = "5.1.0";
    for (size_t n = 0; n < 2; n++) {
        machine.arch = n == 0 ? "x86_64" : "s390x";
        OK(rockon_sync_definition_mismatches(definition, &machine, &mismatches, &error));
        CHECK(mismatches->mismatch_count == n);
        if (n == 1) {
            CHECK_TEXT("arch", mismatches->mismatches[0]->reason);
            CHECK(strstr(mismatches->mismatches[0]->message, "s390x") != NULL);
        }
        rockon_sync_mismatches_free(mismatches);
    }
    rockon_sync_catalog_free(catalog);

    /* Sources of the caller, in place of those in the list. */
    rockon_sync_source one = source_at("one", join(argv[3], "v2"));
    rockon_sync_source gone = source_at("gone", join(argv[3], "no-such-dir"));
    const char *const mirrors[] = {join(argv[3], "v2")};
    const char *const headers[] = {"X-Key: secret", "X-Other:secret"};
    gone.mirrors = mirrors;
    gone.mirror_count = 1;
    gone.timeout_ms = 60000;
    gone.token = "secret";
    gone.user = "me";
    gone.password = "secret";
    gone.headers = headers;
    gone.header_count = 2;
    const rockon_sync_source *const sources[] = {&one, &gone};
    OK(rockon_sync_store_update_all(store, sources, 2, NULL, &results, &error));
    CHECK(results->result_count == 2);
    CHECK_TEXT("gone", results->results[1]->source);
    CHECK(results->results[1]->report->outcome == ROCKON_SYNC_OUTCOME_UPDATED);
    CHECK(results->results[1]->report->warnings.count == 1);
    rockon_sync_update_results_free(results);
    rockon_sync_store_free(store);
    return 0;
}
