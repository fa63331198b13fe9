/* Canceling an update from another thread. */
#include "check.h"

#include <pthread.h>
#include <time.h>

/* The update's thread waits here until the other thread has canceled. */
struct meeting {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int is_under_way, is_canceled;
    const rockon_sync_cancel_token *token;
};

static void *cancel(void *argument)
{
    struct meeting *meeting = argument;
    pthread_mutex_lock(&meeting->mutex);
    while (!meeting->is_under_way) {
        pthread_cond_wait(&meeting->changed, &meeting->mutex);
    }
    rockon_sync_cancel_token_cancel(meeting->token);
    rockon_sync_cancel_token_cancel(meeting->token);
    meeting->is_canceled = 1;
    pthread_cond_broadcast(&meeting->changed);
    pthread_mutex_unlock(&meeting->mutex);
    return NULL;
}

static int32_t meet(const rockon_sync_progress *progress, void *user_data)
{
    struct meeting *meeting = user_data;
    if (progress->phase == ROCKON_SYNC_PHASE_FETCHING) {
        pthread_mutex_lock(&meeting->mutex);
        meeting->is_under_way = 1;
        pthread_cond_broadcast(&meeting->changed);
        while (!meeting->is_canceled) {
            pthread_cond_wait(&meeting->changed, &meeting->mutex);
        }
        pthread_mutex_unlock(&meeting->mutex);
    }
    return 0;
}

/* Cancels a token while the update waits for the server. */
static void *cancel_soon(void *token)
{
    struct timespec pause = {0, 200 * 1000 * 1000};
    nanosleep(&pause, NULL);
    rockon_sync_cancel_token_cancel(token);
    return NULL;
}

/* The server would answer after a minute. */
static void a_silent_server_does_not_delay_cancellation(const rockon_sync_store *store,
                                                        const char *url)
{
    rockon_sync_source source = source_at("silent", join(url, "silent/"));
    rockon_sync_update_options options = ROCKON_SYNC_UPDATE_OPTIONS_INIT;
    rockon_sync_report *report = NULL;
    rockon_sync_cancel_token *token = rockon_sync_cancel_token_new();
    struct timespec before, after;
    pthread_t thread;
    options.cancel = token;
    clock_gettime(CLOCK_MONOTONIC, &before);
    CHECK(pthread_create(&thread, NULL, cancel_soon, token) == 0);
    FAILS(ROCKON_SYNC_STATUS_CANCELED,
          rockon_sync_store_update(store, &source, &options, &report, &error));
    clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK(after.tv_sec - before.tv_sec < 6);
    CHECK(pthread_join(thread, NULL) == 0);
    rockon_sync_cancel_token_free(token);
}

int main(int argc, char **argv)
{
    CHECK(argc == 4);
    rockon_sync_store *store = open_store(argv[2]);
    rockon_sync_source source = source_at("rockstor", join(argv[1], "v2/"));
    rockon_sync_update_options options = ROCKON_SYNC_UPDATE_OPTIONS_INIT;
    rockon_sync_report *report = NULL;
    rockon_sync_cancel_token *token = rockon_sync_cancel_token_new();
    pthread_t thread;

    CHECK(!rockon_sync_cancel_token_is_canceled(token));
    struct meeting meeting = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, token};
    options.cancel = token;
    options.progress = meet;
    options.user_data = &meeting;
    CHECK(pthread_create(&thread, NULL, cancel, &meeting) == 0);
    FAILS(ROCKON_SYNC_STATUS_CANCELED,
          rockon_sync_store_update(store, &source, &options, &report, &error));
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(report == NULL);
    CHECK(rockon_sync_cancel_token_is_canceled(token));

    /* A canceled token stays canceled. */
    options.progress = NULL;
    FAILS(ROCKON_SYNC_STATUS_CANCELED,
          rockon_sync_store_update(store, &source, &options, &report, &error));
    rockon_sync_cancel_token_free(token);

    options.cancel = NULL;
    OK(rockon_sync_store_update(store, &source, &options, &report, &error));
    CHECK(report->outcome == ROCKON_SYNC_OUTCOME_UPDATED);
    rockon_sync_report_free(report);
    a_silent_server_does_not_delay_cancellation(store, argv[1]);
    rockon_sync_store_free(store);
    return 0;
}
