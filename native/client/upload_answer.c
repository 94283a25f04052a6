/* The answers to an upload round's requests: what becomes of the batch, when to try again, what the
 * ledger and status say. Layer: client. */
#include <stdio.h>

#include "base/json.h"
#include "client/upload_private.h"
#include "client/vault.h"

#define REFUSED_MAX 2 /* in a row: the rest waits for another round */

/* splitmix64: jitter has to be spread, not secret. */
static double next_jitter(candor_uploader *u)
{
    uint64_t z = u->random += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

void candor_upload_put_result(candor_uploader *u, bool ok, int http)
{
    candor_buf b = {0};
    char at[CANDOR_TIME_TEXT];
    candor_time_format(candor_clock_unix_ms(), at);
    candor_buf_putf(&b, "{\"at\":\"%.24s\",\"ok\":%s,\"http\":%d,\"error\":", at,
                    ok ? "true" : "false", http);
    if (!ok && u->error[0] != '\0')
        candor_json_put_string(&b, candor_bytes_str(u->error));
    else
        candor_buf_put_bytes(&b, CANDOR_LIT("null"));
    candor_buf_put_c(&b, '}');
    if (!b.failed)
        (void)!candor_state_set(u->store->state, "last_upload", candor_buf_bytes(&b), NULL);
    candor_buf_free(&b);
}

static void set_wait(candor_uploader *u, const char *key, int64_t value)
{
    (void)!candor_state_set_number(u->store->state, key, value, NULL);
}

static void endpoint_works(candor_uploader *u)
{
    if (candor_state_get_number(u->store->state, CANDOR_UPLOAD_FAILURES_KEY, 0) != 0) {
        set_wait(u, CANDOR_UPLOAD_FAILURES_KEY, 0);
        set_wait(u, CANDOR_UPLOAD_BACKOFF_KEY, 0);
    }
    u->refused = 0;
}

void candor_upload_note_sent(candor_uploader *u, uint64_t rejected)
{
    endpoint_works(u);
    u->uploaded++;
    if (rejected > u->row.events) rejected = u->row.events;
    u->events += u->row.events - rejected;
    if (u->exporter == NULL) return;
    u->exporter->written += u->row.events - rejected;
    u->exporter->dropped += rejected;
}

/* --- answers --------------------------------------------------------------------------------- */

static int64_t asked_wait(const candor_http_response *r)
{
    return r->status == CANDOR_OK && r->retry_after_ms > 0 ? r->retry_after_ms : -1;
}

/* How long this batch alone stays behind: beyond the next round, so that a batch that the collector
 * cannot take does not stand before the others for ever. It doubles while there are answers;
 * without one the network is to blame, and a batch must not pay for a long time offline. */
static int64_t set_aside_ms(const candor_uploader *u, const candor_http_response *r, int64_t delay)
{
    const candor_settings *s = u->settings;
    int64_t round = delay > s->upload_interval_ms ? delay : s->upload_interval_ms;
    int64_t max = 2 * round > s->retry_max_ms ? 2 * round : s->retry_max_ms;
    int64_t retries = r->status == CANDOR_OK ? u->row.retries : 0;
    if (asked_wait(r) > 0) return delay; /* the endpoint's wish, not the batch's fault */
    return candor_backoff_delay(retries + 1, round, max, -1, 1.0) + 1;
}

/* The endpoint backs off as a whole: with a bound for each batch alone, every new batch would knock
 * at a dead collector again. A round counts as one failure. */
static void retry_later(candor_uploader *u, const candor_http_response *r)
{
    const candor_settings *s = u->settings;
    int64_t now = candor_clock_unix_ms(), asked = asked_wait(r);
    int64_t failures = candor_state_get_number(u->store->state, CANDOR_UPLOAD_FAILURES_KEY, 0);
    int64_t delay =
        candor_backoff_delay(failures, s->retry_base_ms, s->retry_max_ms, asked, next_jitter(u));
    candor_err err = {0};
    if (!u->attaching && candor_state_retry(u->store->state, u->row.id, u->row.retries + 1,
                                            now + set_aside_ms(u, r, delay), &err) != CANDOR_OK)
        candor_store_note(u->store, &err);
    if (u->failed++ == 0) set_wait(u, CANDOR_UPLOAD_FAILURES_KEY, failures + 1);
    set_wait(u, CANDOR_UPLOAD_BACKOFF_KEY, now + delay);
    if (asked > 0) set_wait(u, CANDOR_UPLOAD_ASKED_KEY, now + delay);
}

/* On record before the file goes. A ledger that cannot be written is said in status; it must not
 * make the collector take the batch again and again. */
static void append_ledger(candor_uploader *u, candor_ledger_entry *entry)
{
    candor_err err = {0};
    entry->consent = u->consent;
    if (candor_ledger_append(&u->store->ledger, u->store->dir, entry, &err) != CANDOR_OK)
        candor_store_note(u->store, &err);
}

static void note_ledger(candor_uploader *u, int http, const candor_verdict *v)
{
    bool package = u->package.active;
    candor_ledger_entry entry = {
        .id = package ? u->package.id : u->row.id,
        .repeats = package,
        .body = candor_buf_bytes(package ? &u->package.body : &u->store->file),
        .events = package ? u->package.events : u->row.events,
        .endpoint = u->settings->endpoint,
        .http = http,
        .accepted = v->accepted,
        .duplicates = v->duplicates,
        .rejected = v->rejected,
    };
    append_ledger(u, &entry);
}

/* A document that the receiver has just taken, at least in part. */
static void note_document(candor_uploader *u, int http, uint64_t rejected)
{
    char url[CANDOR_UPLOAD_URL_SIZE];
    const candor_exporter *x = u->exporter;
    uint64_t events = x->otlp.docs[x->signal].events;
    candor_upload_document_url(u, url);
    candor_ledger_entry entry = {
        .id = u->row.id,
        .repeats = true,
        .body = candor_buf_bytes(&x->body),
        .events = events,
        .endpoint = url,
        .http = http,
        .accepted = events - rejected,
        .rejected = rejected,
    };
    append_ledger(u, &entry);
}

/* The one request of a package: its file stays whatever the answer is. */
static void answer_package(candor_uploader *u, const candor_http_response *r,
                           const candor_verdict *v)
{
    if (v->outcome == CANDOR_UPLOAD_DONE) {
        note_ledger(u, r->code, v);
        u->uploaded = 1;
        u->events = v->accepted + v->duplicates;
    } else if (asked_wait(r) > 0) {
        set_wait(u, CANDOR_UPLOAD_ASKED_KEY, candor_clock_unix_ms() + asked_wait(r));
    }
    candor_upload_put_result(u, v->outcome == CANDOR_UPLOAD_DONE, r->code);
    candor_upload_end(u);
}

/* Whether the round goes on behind a settled batch. A manual one tries every batch once, unless the
 * endpoint as a whole is in trouble: no answer, a wish to wait, an address or token that is wrong.
 */
static bool goes_on(const candor_uploader *u, candor_outcome outcome, const candor_http_response *r)
{
    if (outcome == CANDOR_UPLOAD_DISCARD) return u->refused < REFUSED_MAX;
    if (outcome == CANDOR_UPLOAD_DONE) return true;
    return u->manual && r->status == CANDOR_OK && r->code >= 500 && asked_wait(r) < 0;
}

static void answer_attachment(candor_uploader *u, const candor_http_response *answer)
{
    candor_verdict verdict;
    candor_http_response last = *answer, *r = &last;
    if (candor_vault_goes_on(u, r)) return;
    candor_vault_answer(u, r, u->settings->upload_interval_ms + 1, &verdict);
    if (verdict.error[0] != '\0') memcpy(u->error, verdict.error, sizeof u->error);
    if (verdict.outcome == CANDOR_UPLOAD_DONE) endpoint_works(u);
    if (verdict.outcome == CANDOR_UPLOAD_DISCARD) u->refused++;
    if (verdict.outcome == CANDOR_UPLOAD_RETRY) retry_later(u, r);
    candor_upload_put_result(u, verdict.outcome == CANDOR_UPLOAD_DONE, r->code);
    u->attaching = goes_on(u, verdict.outcome, r) && candor_vault_send_next(u);
    if (!u->attaching) candor_upload_end(u);
}

/* True: the next document is on its way. False: *verdict is about the batch. */
static bool judge_document(candor_uploader *u, const candor_http_response *r,
                           candor_verdict *verdict)
{
    candor_err err = {0};
    uint64_t rejected = 0;
    if (!candor_exporter_answer(u->exporter, r, &rejected, verdict)) return false;
    if (r->code >= 200 && r->code <= 299) note_document(u, r->code, rejected);
    if (verdict->error[0] != '\0') memcpy(u->error, verdict->error, sizeof u->error);
    candor_status st = candor_exporter_next(u->exporter, u->row.id, (candor_bytes){0}, &err);
    if (st == CANDOR_NOTFOUND) {
        candor_exporter_settle(u->exporter, verdict);
        return false;
    }
    candor_upload_lease(u);
    if (st == CANDOR_OK) st = candor_upload_start_document(u, &err);
    if (st == CANDOR_OK) return true;
    verdict->outcome = CANDOR_UPLOAD_RETRY;
    candor_err_describe(&err, verdict->error, sizeof verdict->error);
    return false;
}

void candor_uploader_answer(candor_uploader *u, const candor_http_response *r)
{
    candor_verdict verdict;
    candor_err err = {0};
    candor_status st = CANDOR_OK;
    if (!u->active) return;
    if (u->attaching) {
        answer_attachment(u, r);
        return;
    }
    if (!candor_upload_is_otlp(u))
        candor_policy_judge(r, &verdict);
    else if (judge_document(u, r, &verdict))
        return; /* the batch has another */
    /* a batch that is sent does not undo what another met in this round */
    if (verdict.error[0] != '\0') memcpy(u->error, verdict.error, sizeof u->error);
    if (u->package.active) {
        answer_package(u, r, &verdict);
        return;
    }
    u->sent_bytes += u->row.bytes;
    switch (verdict.outcome) {
    case CANDOR_UPLOAD_DONE:
        if (!candor_upload_is_otlp(u)) note_ledger(u, r->code, &verdict);
        st = candor_store_sent(u->store, &u->row, verdict.rejected, &err);
        candor_upload_note_sent(u, verdict.rejected);
        break;
    case CANDOR_UPLOAD_DISCARD:
        u->refused++;
        if (u->exporter != NULL) u->exporter->dropped += u->row.events;
        st = candor_store_quarantine(u->store, &u->row, CANDOR_LOSS_REFUSED, &err);
        break;
    case CANDOR_UPLOAD_RETRY:
        retry_later(u, r);
        break;
    }
    candor_upload_put_result(u, verdict.outcome == CANDOR_UPLOAD_DONE, r->code);
    if (st != CANDOR_OK) candor_err_describe(&err, u->error, sizeof u->error);
    if (st == CANDOR_OK && goes_on(u, verdict.outcome, r))
        candor_upload_next(u);
    else
        candor_upload_end(u);
}
