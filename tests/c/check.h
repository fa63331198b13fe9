/* Shared by the C tests. Each program gets three arguments: the URL of a test server, an empty
 * working directory, and the directory that the server serves. */
#ifndef CHECK_H
#define CHECK_H

#include <rockon_sync.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the program with an error unless the condition is true. */
#define CHECK(condition)                                                          \
    do {                                                                          \
        if (!(condition)) {                                                       \
            fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                              \
        }                                                                         \
    } while (0)

#define CHECK_TEXT(expected, got) check_text((expected), (got), __FILE__, __LINE__)

/* Assertions on the status of a call whose last argument is &error. */
#define OK(call) FAILS(ROCKON_SYNC_STATUS_OK, call)
#define FAILS(expected, call)                                       \
    do {                                                            \
        rockon_sync_error *error = NULL;                            \
        rockon_sync_status status_ = (call);                                   \
        check_status((expected), status_, error, __FILE__, __LINE__); \
        rockon_sync_error_free(error);                              \
    } while (0)

static inline void check_text(const char *expected, const char *got, const char *file, int line)
{
    if (got == NULL || strcmp(expected, got) != 0) {
        fprintf(stderr, "%s:%d: expected \"%s\", got \"%s\"\n", file, line, expected,
                got ? got : "NULL");
        exit(1);
    }
}

static inline void check_status(rockon_sync_status expected, rockon_sync_status status,
                                const rockon_sync_error *error, const char *file, int line)
{
    const char *message = error ? error->message : NULL;
    int is_told = (error != NULL) == (status != ROCKON_SYNC_STATUS_OK);
    if (status != expected || !is_told || (error && error->status != status)) {
        fprintf(stderr, "%s:%d: expected \"%s\", got \"%s\": %s\n", file, line,
                rockon_sync_status_name(expected), rockon_sync_status_name(status),
                message ? message : "(no message)");
        exit(1);
    }
}

/* Returns "base/name" in one of several buffers, which are reused in turn. */
static inline const char *join(const char *base, const char *name)
{
    static char buffers[16][1024];
    static unsigned next;
    char *buffer = buffers[next++ % 16];
    size_t len = strlen(base);
    const char *slash = len > 0 && base[len - 1] == '/' ? "" : "/";
    snprintf(buffer, sizeof buffers[0], "%s%s%s", base, slash, name);
    return buffer;
}

static inline rockon_sync_store *open_store(const char *dir)
{
    rockon_sync_store *store = NULL;
    OK(rockon_sync_store_open(dir, &store, &error));
    CHECK(store != NULL);
    return store;
}

static inline rockon_sync_source source_at(const char *name, const char *url)
{
    rockon_sync_source source = ROCKON_SYNC_SOURCE_INIT;
    source.name = name;
    source.url = url;
    return source;
}

static inline rockon_sync_catalog *open_catalog(const rockon_sync_store *store)
{
    rockon_sync_catalog *catalog = NULL;
    OK(rockon_sync_store_catalog(store, NULL, &catalog, &error));
    CHECK(catalog != NULL);
    return catalog;
}

static inline void write_file(const char *path, const char *text)
{
    remove(path);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    CHECK(fputs(text, file) >= 0);
    CHECK(fclose(file) == 0);
}

#endif
