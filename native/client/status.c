/* What people may ask: status, preview, statistics. Shapes: docs/status.md. */
#include <stdio.h>

#include "base/json.h"
#include "client/client.h"
#include "client/status_stored.h"

/* The report is refreshed by the worker; a caller waits this long for a fresh one, then shows the
 * last. */
#define REPORT_WAIT_MS 250
#define READ_WAIT_MS   10000

static void put_key_text(candor_buf *out, const char *key, const char *text)
{
    candor_buf_putf(out, "\"%s\":", key);
    if (text != NULL && text[0] != '\0')
        candor_json_put_string(out, candor_bytes_str(text));
    else
        candor_buf_put_bytes(out, CANDOR_LIT("null"));
}

static void put_key_count(candor_buf *out, const char *key, uint64_t n)
{
    candor_buf_putf(out, "\"%s\":%llu", key, (unsigned long long)n);
}

static void put_key_time(candor_buf *out, const char *key, int64_t unix_ms)
{
    char text[CANDOR_TIME_TEXT + 1] = "";
    if (unix_ms >= 0 && unix_ms < 253402300800000) candor_time_format(unix_ms, text);
    put_key_text(out, key, text);
}

/* A local date, in days since 1970-01-01. */
static void put_key_day(candor_buf *out, const char *key, int64_t day)
{
    char text[CANDOR_TIME_TEXT + 1] = "";
    if (day >= 0 && day < 2932896) candor_time_format(day * 86400000, text); /* year 9999 */
    text[text[0] != '\0' ? 10 : 0] = '\0';
    put_key_text(out, key, text);
}

/* Everything that one consistent look gives. */
typedef struct status_view {
    candor_report report;
    candor_decision decision;
    char session_id[CANDOR_UUID_TEXT + 1];
    char user_id[CANDOR_BASE_ID_MAX + 1];
    char machine_id[CANDOR_HASH_TEXT + 1];
    uint64_t kept, pending, disabled;
    candor_mode mode;
    char endpoint[2048];
    candor_counts counts; /* lifetime and live session */
} status_view;

static void add_live(candor_counts *total, const candor_counts *session,
                     const candor_counts *merged)
{
    for (size_t i = 0; i < CANDOR_EMIT_COUNT; i++)
        total->emit[i] += session->emit[i] - merged->emit[i];
    total->disk_low += session->disk_low - merged->disk_low;
    for (size_t i = 0; i < CANDOR_ADJUST_COUNT; i++)
        total->adjust[i] += session->adjust[i] - merged->adjust[i];
}

static void look(candor_client *c, status_view *v)
{
    candor_mutex_lock(c->report_mutex);
    v->report = c->report;
    v->mode = candor_mode_now(c);
    (void)snprintf(v->endpoint, sizeof v->endpoint, "%s",
                   c->settings.endpoint != NULL ? c->settings.endpoint : "");
    candor_journal_lock(&c->journal);
    uint64_t live = c->journal.appended - v->report.batched;
    candor_counts session = c->journal.session;
    v->decision = c->decision;
    memcpy(v->session_id, c->identity.session_id, sizeof v->session_id);
    memcpy(v->user_id, c->identity.user_id, sizeof v->user_id);
    memcpy(v->machine_id, c->identity.machine_id, sizeof v->machine_id);
    v->pending = c->journal.appended - c->journal.batched;
    candor_journal_unlock(&c->journal);
    candor_mutex_unlock(c->report_mutex);
    v->kept = v->report.totals.kept + live - v->report.rolled_ahead;
    v->pending -= v->report.rolled_ahead < v->pending ? v->report.rolled_ahead : v->pending;
    v->counts = v->report.totals.counts;
    add_live(&v->counts, &session, &v->report.merged);
    v->disabled = atomic_load(&c->disabled_drops);
}

static void put_dropped(candor_buf *out, const status_view *v)
{
    candor_buf_put_bytes(out, CANDOR_LIT(",\"dropped\":{"));
    for (int i = CANDOR_EMIT_KEPT + 1; i < CANDOR_EMIT_COUNT; i++) {
        uint64_t n = v->counts.emit[i] + (i == CANDOR_EMIT_DISABLED ? v->disabled : 0);
        put_key_count(out, candor_emit_name((candor_emit_result)i), n);
        candor_buf_put_c(out, ',');
    }
    for (int i = 0; i < CANDOR_LOSS_COUNT; i++) {
        /* Dropped at emit, beside what was kept first and had to go later. */
        uint64_t live = i == CANDOR_LOSS_DISK_LOW ? v->counts.disk_low : 0;
        if (i != 0) candor_buf_put_c(out, ',');
        put_key_count(out, candor_loss_name((candor_loss)i), v->report.totals.loss[i] + live);
    }
    candor_buf_put_bytes(out, CANDOR_LIT("},\"adjusted\":{"));
    for (int i = 0; i < CANDOR_ADJUST_COUNT; i++) {
        if (i != 0) candor_buf_put_c(out, ',');
        put_key_count(out, candor_adjust_name((candor_adjust)i), v->counts.adjust[i]);
    }
    candor_buf_put_c(out, '}');
}

static uint64_t emitted(const status_view *v)
{
    uint64_t n = v->kept - v->report.totals.rollups_made + v->disabled + v->counts.disk_low;
    for (int i = CANDOR_EMIT_KEPT + 1; i < CANDOR_EMIT_COUNT; i++)
        n += v->counts.emit[i];
    return n;
}

static void put_consent(candor_client *c, candor_buf *out, const status_view *v)
{
    uint32_t version = candor_schema_notice(c->schema), seen = candor_consent_notice(c->consent);
    bool waiting = candor_notice_waiting(&c->settings, c->consent, version);
    put_key_text(out, "level", candor_privacy_name(v->decision.level));
    candor_buf_putf(out, ",\"gdpr\":%s,\"notice\":{\"version\":%u,\"acknowledged\":%u",
                    candor_gate_gdpr(c) ? "true" : "false", (unsigned)version, (unsigned)seen);
    candor_buf_putf(out, ",\"waiting\":%s},\"ci\":%s,", waiting ? "true" : "false",
                    c->ci ? "true" : "false");
}

static void put_head(candor_client *c, candor_buf *out, const status_view *v)
{
    candor_buf_putf(out, "{\"enabled\":%s,", v->decision.enabled ? "true" : "false");
    put_key_text(out, "decided_by", v->decision.source);
    candor_buf_put_c(out, ',');
    put_key_text(out, "reason", v->decision.reason);
    candor_buf_put_c(out, ',');
    put_consent(c, out, v);
    put_key_text(out, "mode", candor_mode_name(v->mode));
    candor_buf_put_c(out, ',');
    put_key_text(out, "directory", c->dir);
    candor_buf_put_c(out, ',');
    put_key_text(out, "endpoint", v->endpoint);
    candor_buf_put_bytes(out, CANDOR_LIT(",\"schema\":{\"name\":"));
    candor_json_put_string(out, candor_schema_name(c->schema));
    candor_buf_putf(out, ",\"version\":%u,\"hash\":\"%s\"},", candor_schema_version(c->schema),
                    candor_schema_hash(c->schema));
    put_key_text(out, "session_id", v->session_id);
    candor_buf_put_c(out, ',');
    put_key_text(out, "user_id", v->user_id);
    candor_buf_put_c(out, ',');
    put_key_text(out, "machine_id", v->machine_id);
    candor_buf_put_c(out, ',');
}

static void put_rollups(candor_buf *out, const status_view *v)
{
    const candor_rollup_totals *r = &v->report.rollups;
    candor_buf_putf(out,
                    ",\"rolled_up\":%llu,\"rollups\":{\"rows\":%llu,\"events\":%llu,"
                    "\"made\":%llu,\"other\":%llu,",
                    (unsigned long long)v->report.totals.rolled_up, (unsigned long long)r->rows,
                    (unsigned long long)r->events,
                    (unsigned long long)v->report.totals.rollups_made,
                    (unsigned long long)v->report.totals.rollups_other);
    put_key_day(out, "oldest_day", r->oldest_day);
    candor_buf_put_c(out, ',');
    put_key_time(out, "next_at",
                 v->report.next_rollup_ms == INT64_MAX ? -1 : v->report.next_rollup_ms);
    candor_buf_put_c(out, '}');
}

static void put_numbers(candor_buf *out, const status_view *v)
{
    const candor_state_totals *t = &v->report.totals;
    put_key_count(out, "emitted", emitted(v));
    candor_buf_put_c(out, ',');
    put_key_count(out, "kept", v->kept);
    candor_buf_put_c(out, ',');
    put_key_count(out, "pending_journal", v->pending);
    candor_buf_putf(
        out, ",\"spool\":{\"batches\":%llu,\"events\":%llu,\"bytes\":%llu,\"quarantined\":%u}",
        (unsigned long long)t->batches, (unsigned long long)t->events, (unsigned long long)t->bytes,
        v->report.quarantined);
    candor_buf_putf(out, ",\"sent\":{\"batches\":%llu,\"events\":%llu}",
                    (unsigned long long)t->sent_batches, (unsigned long long)t->sent_events);
    put_rollups(out, v);
    put_dropped(out, v);
}

static void put_ledger(candor_buf *out, const candor_ledger *l)
{
    candor_buf_putf(out, ",\"ledger\":{\"entries\":%llu,", (unsigned long long)l->entries);
    put_key_time(out, "last_at", l->last_ms != 0 ? l->last_ms : -1);
    candor_buf_putf(out, ",\"bytes\":%llu}",
                    (unsigned long long)(l->file_bytes + l->old_bytes + l->sent_bytes));
}

static void put_tail(candor_client *c, candor_buf *out, const status_view *v)
{
    put_ledger(out, &v->report.ledger);
    candor_buf_put_bytes(out, CANDOR_LIT(",\"last_upload\":"));
    candor_buf_put_bytes(out, v->report.last_upload[0] != '\0'
                                  ? candor_bytes_str(v->report.last_upload)
                                  : CANDOR_LIT("null"));
    candor_buf_put_c(out, ',');
    put_key_time(out, "next_attempt_at",
                 v->report.next_upload_ms == INT64_MAX ? -1 : v->report.next_upload_ms);
    candor_status_stored(c->consent, out);
    candor_vault_status(c->vault, out);
    candor_buf_putf(out, ",\"exporter\":{\"name\":\"%s\",",
                    candor_setting_choice("exporter", c->settings.exporter));
    put_key_count(out, "written", v->report.exported);
    candor_buf_put_c(out, ',');
    put_key_count(out, "dropped", v->report.export_dropped);
    candor_buf_put_bytes(out, CANDOR_LIT("},\"worker\":{"));
    put_key_text(out, "error",
                 v->report.error[0] != '\0' ? v->report.error : candor_consent_error(c->consent));
    candor_buf_put_bytes(out, CANDOR_LIT("}}"));
}

/* Push a command that somebody waits for, and wait. */
candor_status candor_client_ask(candor_client *c, candor_command *command, int timeout_ms,
                                candor_buf *out, candor_err *err)
{
    if (!candor_fork_guard_same(c->fork_guard))
        return candor_fail(err, CANDOR_CANCELLED, 0, "worker", "a fork child has no worker");
    candor_status st = candor_waiter_new(&command->waiter);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "worker", "out of memory");
    st = candor_command_push(&c->commands, command);
    if (st != CANDOR_OK) {
        candor_waiter_drop(command->waiter);
        return candor_fail(err, st, 0, "worker", "%s", candor_status_text(st));
    }
    candor_waker_wake(c->waker);
    return candor_waiter_wait(command->waiter, timeout_ms, out, err);
}

candor_status candor_status_json(candor_client *c, candor_buf *out, candor_err *err)
{
    status_view view;
    candor_command refresh = {.type = CANDOR_COMMAND_REPORT};
    /* A busy worker only means that the last report is shown. */
    (void)!candor_client_ask(c, &refresh, REPORT_WAIT_MS, NULL, NULL);
    look(c, &view);
    put_head(c, out, &view);
    put_numbers(out, &view);
    put_tail(c, out, &view);
    if (out->failed) return candor_fail(err, CANDOR_NOMEM, 0, "status", "out of memory");
    return CANDOR_OK;
}

static candor_journal_view journal_view(candor_client *c)
{
    candor_journal_view view;
    candor_journal_look(&c->journal, &view);
    return view;
}

candor_status candor_preview(candor_client *c, candor_buf *out, candor_err *err)
{
    candor_command command = {.type = CANDOR_COMMAND_PREVIEW};
    if (candor_fork_guard_same(c->fork_guard)) command.target = journal_view(c).appended;
    return candor_client_ask(c, &command, READ_WAIT_MS, out, err);
}

candor_status candor_stats_json(candor_client *c, int64_t since_unix_ms, candor_buf *out,
                                candor_err *err)
{
    candor_command command = {.type = CANDOR_COMMAND_STATS, .since_ms = since_unix_ms};
    return candor_client_ask(c, &command, READ_WAIT_MS, out, err);
}
