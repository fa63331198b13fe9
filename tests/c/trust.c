/* Signed heads: keys are created, a catalog is signed, and only signed heads are accepted. */
#include "check.h"

static rockon_sync_content *make_key(const char *name, const char *file)
{
    rockon_sync_content *key = NULL;
    OK(rockon_sync_keygen(name, file, &key, &error));
    const char *text = (const char *)key->data;
    CHECK(strlen(text) == key->len && strncmp(text, name, strlen(name)) == 0);
    return key;
}

static void publish(const char *catalog, const char *out, const char *const *files,
                    size_t count, uint64_t serial)
{
    rockon_sync_publish_options options = ROCKON_SYNC_PUBLISH_OPTIONS_INIT;
    rockon_sync_publish_report *report = NULL;
    options.out = out;
    options.sign_key_files = files;
    options.sign_key_file_count = count;
    if (count == 0) {
        FAILS(ROCKON_SYNC_STATUS_TRUST, rockon_sync_publish(catalog, &options, &report, &error));
        options.allow_unsigned = true;
    }
    OK(rockon_sync_publish(catalog, &options, &report, &error));
    CHECK(report->serial == serial);
    rockon_sync_publish_report_free(report);
}

/* Updates from a tree in a directory, with or without a key. */
static void update(rockon_sync_store *store, const char *tree, const char *key,
                   rockon_sync_status expected)
{
    rockon_sync_source source = source_at("rockstor", tree);
    rockon_sync_report *report = NULL;
    const char *const keys[] = {key, key};
    source.trusted_keys = keys;
    source.trusted_key_count = key ? 2 : 0;
    FAILS(expected, rockon_sync_store_update(store, &source, NULL, &report, &error));
    CHECK((report == NULL) == (expected != ROCKON_SYNC_STATUS_OK));
    rockon_sync_report_free(report);
}

/* A key list says whose keys must sign the head. */
static void follow_list(const char *dir, const char *made)
{
    char catalog[1024], tree[1024], list[1024], key_file[1024];
    snprintf(catalog, sizeof catalog, "%s", join(made, "catalog"));
    snprintf(tree, sizeof tree, "%s", join(dir, "listed"));
    snprintf(list, sizeof list, "%s", join(made, "key-list"));
    snprintf(key_file, sizeof key_file, "%s", join(made, "head.key"));
    rockon_sync_content *other = make_key("example.org/other", join(dir, "other.key"));
    char text[1024] = "";
    FILE *file = fopen(join(made, "root.pub"), "r");
    CHECK(file && fgets(text, sizeof text, file));
    fclose(file);
    text[strcspn(text, "\n")] = 0;

    rockon_sync_publish_options options = ROCKON_SYNC_PUBLISH_OPTIONS_INIT;
    rockon_sync_publish_report *published = NULL;
    char other_file[1024];
    snprintf(other_file, sizeof other_file, "%s", join(dir, "other.key"));
    const char *const wrong[] = {other_file}, *const right[] = {key_file};
    options.out = tree;
    options.key_list_file = list;
    options.sign_key_files = wrong;
    options.sign_key_file_count = 1;
    FAILS(ROCKON_SYNC_STATUS_TRUST, rockon_sync_publish(catalog, &options, &published, &error));
    options.sign_key_files = right;
    OK(rockon_sync_publish(catalog, &options, &published, &error));
    rockon_sync_publish_report_free(published);

    rockon_sync_store *store = open_store(join(dir, "listed-store"));
    update(store, tree, text, ROCKON_SYNC_STATUS_OK);
    rockon_sync_status_list *status = NULL;
    OK(rockon_sync_store_status(store, &status, &error));
    const rockon_sync_source_status *source = status->sources[0];
    CHECK_TEXT(text, source->trusted_keys.items[0]);
    CHECK(source->key_list_version == 1 && source->head_threshold == 1);
    CHECK(source->head_keys.count == 1);
    CHECK(strncmp(source->head_keys.items[0], "example.org/head+", 17) == 0);
    rockon_sync_status_list_free(status);
    rockon_sync_verification *verified = NULL;
    OK(rockon_sync_store_verify(store, &verified, &error));
    CHECK(verified->sources[0]->is_intact && !verified->sources[0]->untrusted);
    rockon_sync_verification_free(verified);
    rockon_sync_content_free(other);
    rockon_sync_store_free(store);
}

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    follow_list(argv[2], argv[3]);
    char catalog[1024], tree[1024], old_file[1024], new_file[1024];
    snprintf(catalog, sizeof catalog, "%s", join(argv[3], "catalog"));
    snprintf(tree, sizeof tree, "%s", join(argv[2], "tree"));
    snprintf(old_file, sizeof old_file, "%s", join(argv[2], "old.key"));
    snprintf(new_file, sizeof new_file, "%s", join(argv[2], "new.key"));
    rockon_sync_content *old_key = make_key("example.org/rockons", old_file);
    rockon_sync_content *new_key = make_key("example.org/rockons", new_file);
    const char *old_text = (const char *)old_key->data;
    const char *new_text = (const char *)new_key->data;
    CHECK(strcmp(old_text, new_text) != 0);
    const char *const files[] = {old_file, new_file};
    rockon_sync_store *store = open_store(join(argv[2], "store"));

    publish(catalog, tree, files, 1, 1);
    update(store, tree, new_text, ROCKON_SYNC_STATUS_TRUST);
    update(store, tree, old_text, ROCKON_SYNC_STATUS_OK);
    update(store, tree, NULL, ROCKON_SYNC_STATUS_OK);
    rockon_sync_status_list *status = NULL;
    OK(rockon_sync_store_status(store, &status, &error));
    const rockon_sync_source_status *source = status->sources[0];
    CHECK(source->trusted_keys.count == 1);
    CHECK_TEXT(old_text, source->trusted_keys.items[0]);
    rockon_sync_status_list_free(status);

    /* Both keys during the rotation, then only the new one. */
    publish(catalog, tree, files, 2, 2);
    update(store, tree, new_text, ROCKON_SYNC_STATUS_OK);
    publish(catalog, tree, files + 1, 1, 3);
    update(store, tree, NULL, ROCKON_SYNC_STATUS_OK);
    update(store, tree, old_text, ROCKON_SYNC_STATUS_TRUST);
    publish(catalog, tree, NULL, 0, 4);
    update(store, tree, NULL, ROCKON_SYNC_STATUS_TRUST);

    /* Existing keys are never overwritten, and invalid keys are refused. */
    rockon_sync_content *none = NULL;
    FAILS(ROCKON_SYNC_STATUS_STORE,
          rockon_sync_keygen("x", old_file, &none, &error));
    FAILS(ROCKON_SYNC_STATUS_ARGUMENT,
          rockon_sync_keygen("a b", join(argv[2], "x"), &none, &error));
    CHECK(none == NULL);
    rockon_sync_source any = source_at("rockstor", tree);
    const char *const bad[] = {"x"};
    rockon_sync_report *report = NULL;
    any.trusted_keys = bad;
    any.trusted_key_count = 1;
    FAILS(ROCKON_SYNC_STATUS_ARGUMENT, rockon_sync_store_update(store, &any, NULL, &report, &error));

    rockon_sync_content_free(old_key);
    rockon_sync_content_free(new_key);
    rockon_sync_store_free(store);
    return 0;
}
