/* Settings that change while the client runs. The worker takes them over between two turns; what
 * other threads read as well changes under the locks they read it with. What limits the recording
 * holds before the call returns (candor_gate_limit). */
#include "client/configure.h"

#include <stdlib.h>

#include "base/json.h"
#include "client/jobs.h"
#include "client/settings_table.h"

/* What takes effect at once. The rest is woven into files, identities and threads. */
static const char *const live_names[] = {
    "endpoint",
    "token",
    "proxy",
    "caFile",
    "caPem",
    "mode",
    "configEnabled",
    "configFullContent",
    "configLevel",
    "defaultEnabled",
    "fullContent",
    "hostLevel",
    "maxUploadBytes",
    "batchEvents",
    "batchIntervalMs",
    "uploadIntervalMs",
    "spoolMaxBytes",
    "retentionDays",
    "minFreeDiskBytes",
    "retryBaseMs",
    "retryMaxMs",
    "connectTimeoutMs",
    "requestTimeoutMs",
    "stallTimeoutMs",
    "gzipLevel",
};

static bool is_live(const candor_setting *s)
{
    for (size_t i = 0; i < sizeof live_names / sizeof live_names[0]; i++)
        if (strcmp(live_names[i], s->name) == 0) return true;
    return false;
}

static char **text_of(candor_settings *s, const candor_setting *row)
{
    return (char **)(void *)((char *)s + row->at);
}

static int64_t *number_of(candor_settings *s, const candor_setting *row)
{
    return (int64_t *)(void *)((char *)s + row->at);
}

/* The raw machine id was wiped once it was hashed, and cannot be compared. */
static bool same(candor_settings *a, candor_settings *b, const candor_setting *row)
{
    if (row->at == offsetof(candor_settings, machine_id)) return true;
    if (row->type != CANDOR_SETTING_STRING) return *number_of(a, row) == *number_of(b, row);
    const char *x = *text_of(a, row), *y = *text_of(b, row);
    return (x == NULL) == (y == NULL) && (x == NULL || strcmp(x, y) == 0);
}

static void swap(candor_settings *a, candor_settings *b, const candor_setting *row)
{
    if (row->type == CANDOR_SETTING_STRING) {
        char *text = *text_of(a, row);
        *text_of(a, row) = *text_of(b, row);
        *text_of(b, row) = text;
    } else {
        *number_of(a, row) = *number_of(b, row);
    }
}

/* Whether an upload under way, or the connection it would reuse, belongs to the settings before. */
static bool connects_elsewhere(candor_settings *a, candor_settings *b)
{
    static const char *const names[] = {"endpoint",         "token",         "proxy",
                                        "caFile",           "caPem",         "connectTimeoutMs",
                                        "requestTimeoutMs", "stallTimeoutMs"};
    const candor_setting *row = NULL;
    for (size_t i = 0; (row = candor_setting_at(i)) != NULL; i++)
        for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
            if (strcmp(row->name, names[n]) == 0 && !same(a, b, row)) return true;
    return false;
}

static void put_names(candor_buf *json, const char *key, candor_settings *a, candor_settings *b,
                      bool live)
{
    const candor_setting *row = NULL;
    bool first = true;
    candor_buf_putf(json, "\"%s\":[", key);
    for (size_t i = 0; (row = candor_setting_at(i)) != NULL; i++) {
        if (is_live(row) != live || same(a, b, row)) continue;
        if (!first) candor_buf_put_c(json, ',');
        first = false;
        candor_json_put_string(json, candor_bytes_str(row->name));
    }
    candor_buf_put_c(json, ']');
}

static void take_over(candor_client *c, candor_settings *next)
{
    const candor_setting *row = NULL;
    candor_mutex_lock(c->report_mutex);
    candor_journal_lock(&c->journal);
    for (size_t i = 0; (row = candor_setting_at(i)) != NULL; i++)
        if (is_live(row)) swap(&c->settings, next, row);
    memcpy(c->settings.environment_error, next->environment_error, sizeof next->environment_error);
    candor_journal_unlock(&c->journal);
    candor_mutex_unlock(c->report_mutex);
}

void candor_configure_run(candor_client *c, candor_command *job)
{
    candor_settings *next = job->settings;
    candor_buf json = {0};
    candor_buf_put_c(&json, '{');
    put_names(&json, "changed", &c->settings, next, true);
    candor_buf_put_c(&json, ',');
    put_names(&json, "needs_restart", &c->settings, next, false);
    candor_buf_put_c(&json, '}');
    if (connects_elsewhere(&c->settings, next) && c->worker.storage_open)
        candor_uploader_deinit(&c->worker.uploader);
    take_over(c, next);
    (void)candor_gate_refresh(c);
    candor_jobs_report(c);
    candor_command_finish(job, json.failed ? CANDOR_NOMEM : CANDOR_OK, candor_buf_bytes(&json),
                          NULL);
    candor_buf_free(&json);
}

candor_status candor_configure(candor_client *c, candor_bytes options_json, candor_done done,
                               void *ctx, candor_err *err)
{
    candor_command command = {.type = CANDOR_COMMAND_CONFIGURE, .done = done, .ctx = ctx};
    candor_settings *next = calloc(1, sizeof *next);
    if (next == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "configure", "out of memory");
    candor_status st = candor_settings_read(options_json, next, err);
    if (st == CANDOR_OK && !candor_fork_guard_same(c->fork_guard))
        st = candor_fail(err, CANDOR_CANCELLED, 0, "configure", "a fork child has no worker");
    command.settings = next;
    if (st == CANDOR_OK) candor_gate_limit(c, next, &command);
    if (st == CANDOR_OK) st = candor_command_push(&c->commands, &command);
    if (st != CANDOR_OK) {
        candor_settings_free(next);
        free(next);
        return st;
    }
    candor_waker_wake(c->waker);
    return CANDOR_OK;
}
