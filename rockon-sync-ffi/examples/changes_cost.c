/* The C half of border_cost.rs, which runs it.
 *
 *     changes_cost STORE ROUNDS
 *
 * Prints the fastest time of each step over all rounds, in nanoseconds: reading the catalog,
 * changes with nothing applied, changes with everything applied. */
#include <inttypes.h>
#include <rockon_sync.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void note(uint64_t *least, uint64_t started)
{
    uint64_t took = now_ns() - started;
    *least = took < *least ? took : *least;
}

/* Visits every change. Returns the number of bytes visited. */
static size_t visit(const rockon_sync_changes *changes)
{
    size_t bytes = 0;
    for (size_t i = 0; i < changes->upsert_count; i++) {
        const rockon_sync_upsert *upsert = changes->upserts[i];
        bytes += strlen(upsert->definition->name) + strlen(upsert->definition->revision);
        bytes += upsert->is_new;
    }
    return bytes + changes->deletes.count;
}

int main(int argc, char **argv)
{
    rockon_sync_store *store = NULL;
    uint64_t open_ns = UINT64_MAX, fresh_ns = UINT64_MAX, applied_ns = UINT64_MAX;
    size_t bytes = 0;
    if (argc != 3 || rockon_sync_store_open(argv[1], &store, NULL)) {
        return 2;
    }
    for (int round = 0; round < atoi(argv[2]); round++) {
        rockon_sync_catalog *catalog = NULL;
        rockon_sync_changes *changes = NULL;

        uint64_t started = now_ns();
        if (rockon_sync_store_catalog(store, NULL, &catalog, NULL)) {
            return 1;
        }
        note(&open_ns, started);

        started = now_ns();
        if (rockon_sync_catalog_changes_since(catalog, NULL, 0, &changes, NULL)) {
            return 1;
        }
        bytes += visit(changes);
        rockon_sync_changes_free(changes);
        note(&fresh_ns, started);

        size_t count = catalog->definition_count;
        rockon_sync_applied *applied = calloc(count, sizeof *applied);
        started = now_ns();
        for (size_t i = 0; i < count; i++) {
            applied[i].name = catalog->definitions[i]->name;
            applied[i].revision = catalog->definitions[i]->revision;
        }
        if (rockon_sync_catalog_changes_since(catalog, applied, count, &changes, NULL)) {
            return 1;
        }
        bytes += visit(changes);
        rockon_sync_changes_free(changes);
        note(&applied_ns, started);
        free(applied);
        rockon_sync_catalog_free(catalog);
    }
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %zu\n", open_ns, fresh_ns, applied_ns, bytes);
    rockon_sync_store_free(store);
    return 0;
}
