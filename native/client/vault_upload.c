/* Attachments on their way out: POST <endpoint>/api/v1/attachments/<event id>?field=<name>, one at
 * a time, in the round of the batches and behind them. In parts: vault_parts.c. */
#include <stdio.h>

#include "base/digest.h"
#include "base/gzip.h"
#include "client/client.h"
#include "client/vault_private.h"

void candor_vault_round(candor_vault *v, int64_t left_ms)
{
    if (v == NULL || v->store == NULL) return;
    candor_vault_scan(v);
    candor_store_look_locked(v->store, false);
    v->round_ms = v->behind_ms = 0;
    v->left_ms = left_ms;
    v->round++;
}

static bool is_left(const candor_vault *v, int64_t when)
{
    return v->left_ms != 0 && when >= v->left_ms;
}

int64_t candor_vault_due_ms(const candor_vault *v, int64_t newest_ms, int64_t left_due_ms)
{
    int64_t due = INT64_MAX;
    if (v == NULL || v->store == NULL || !candor_vault_on(v)) return due;
    for (size_t i = 0; i < v->n; i++) {
        const candor_vault_entry *e = &v->entries[i];
        int64_t when = (int64_t)candor_uuid7_ms(e->event), next = e->next_attempt_ms;
        if (e->locked || when <= newest_ms) continue;
        if (is_left(v, when) && next < left_due_ms) next = left_due_ms;
        if (next < due) due = next;
    }
    return due;
}

/* The event goes first. It may be in any batch that is younger than it and still waits; and one
 * that came after the round's last batch has its batch yet to be sent. */
static bool event_is_sent(const candor_vault *v, const candor_vault_entry *e)
{
    int64_t when = (int64_t)candor_uuid7_ms(e->event);
    return when > v->behind_ms && when <= v->round_ms && !is_left(v, when);
}

static const candor_vault_entry *next_due(candor_vault *v, bool manual)
{
    int64_t now = candor_clock_unix_ms();
    for (size_t i = 0; i < v->n; i++) {
        const candor_vault_entry *e = &v->entries[i];
        bool due = manual ? e->round != v->round : e->next_attempt_ms <= now;
        if (due && !e->locked && event_is_sent(v, e)) return e;
    }
    return NULL;
}

candor_status candor_vault_load(candor_vault *v, const candor_vault_entry *e, size_t from, size_t n,
                                candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    unsigned char hash[CANDOR_SHA256_SIZE];
    candor_seal seal;
    candor_buf_clear(&v->file);
    candor_buf_clear(&v->plain);
    candor_buf_clear(&v->gz);
    candor_status st = candor_vault_path(v, e, path);
    if (st == CANDOR_OK)
        st = candor_file_read_all(path, CANDOR_ATTACHMENT_MAX + CANDOR_SEAL_OVER, &v->file, err);
    if (st == CANDOR_LIMIT) st = CANDOR_CORRUPT;
    if (st == CANDOR_OK)
        st = candor_seal_open(candor_buf_bytes(&v->file), v->keys, &seal, &v->plain);
    if (st == CANDOR_OK && (memcmp(seal.id, e->event, sizeof seal.id) != 0 ||
                            !candor_bytes_eq(seal.field, candor_bytes_str(e->field))))
        st = CANDOR_CORRUPT; /* renamed */
    if (st == CANDOR_OK) st = candor_sha256(candor_buf_bytes(&v->plain), hash);
    if (st != CANDOR_OK) return st;
    candor_hex_encode(hash, sizeof hash, v->sha256);
    v->sha256[64] = '\0';
    v->size = v->plain.n;
    v->from = from < v->size ? from : v->size;
    v->upto = n < v->size - v->from ? v->from + n : v->size;
    const char *part = v->size != 0 ? v->plain.p + v->from : NULL;
    st = candor_gzip(candor_bytes_of(part, v->upto - v->from), (int)v->store->settings->gzip_level,
                     NULL, &v->gz, err);
    candor_wipe(v->plain.p, v->plain.n);
    return st;
}

/* The header's value: what was decided, and that full content is on. */
static void content_consent(const candor_uploader *u, char *out, size_t cap)
{
    (void)snprintf(out, cap, "%s;content=1", u->consent);
}

candor_status candor_vault_request(candor_uploader *u, candor_err *err)
{
    static const char *const methods[] = {"POST", "HEAD", "PATCH"};
    char url[2304], authorization[4352], consent[128], offset[24], id[CANDOR_UUID_TEXT];
    const candor_settings *s = u->settings;
    candor_vault *v = u->vault;
    bool whole = v->step == CANDOR_VAULT_WHOLE, asks = v->step == CANDOR_VAULT_ASK;
    candor_uuid_format(v->sending.event, id);
    (void)snprintf(url, sizeof url, "%s/api/v1/%s/%.36s?field=%s", s->endpoint,
                   whole ? "attachments" : "uploads", id, v->sending.field);
    (void)snprintf(authorization, sizeof authorization, "Bearer %s",
                   s->token != NULL ? s->token : "");
    (void)snprintf(offset, sizeof offset, "%zu", v->from);
    content_consent(u, consent, sizeof consent);
    candor_http_header headers[8] = {{"Candor-Content-SHA256", v->sha256},
                                     {"Candor-Machine-Id", u->identity.machine_id}};
    size_t n = 2;
    if (s->token != NULL) headers[n++] = (candor_http_header){"Authorization", authorization};
    if (!asks) {
        headers[n++] = (candor_http_header){"Content-Type", whole ? "text/plain; charset=utf-8"
                                                                  : "application/partial-upload"};
        headers[n++] = (candor_http_header){"Content-Encoding", "gzip"};
        headers[n++] = (candor_http_header){"Candor-Consent", consent};
    }
    if (v->step == CANDOR_VAULT_PART) {
        headers[n++] = (candor_http_header){"Upload-Offset", offset};
        headers[n++] = (candor_http_header){"Upload-Complete", v->upto == v->size ? "?1" : "?0"};
    }
    const candor_http_request request = {methods[v->step], url, headers, n,
                                         asks ? (candor_bytes){0} : candor_buf_bytes(&v->gz)};
    candor_status st = candor_uploader_http(u, err);
    return st == CANDOR_OK ? candor_http_start(u->http, &request, err) : st;
}

static void lose(candor_vault *v, candor_vault_drop why)
{
    candor_vault_count(v, why, 1);
    candor_vault_remove(v, &v->sending);
}

bool candor_vault_send_next(candor_uploader *u)
{
    candor_vault *v = u->vault;
    const candor_vault_entry *e = NULL;
    if (v == NULL || v->store == NULL || !candor_vault_on(v)) return false;
    if (v->round_ms == 0) {
        v->round_ms = candor_clock_unix_ms();
        v->behind_ms = candor_state_newest_ms(v->store->state);
    }
    while ((e = next_due(v, u->manual)) != NULL) {
        candor_err err = {0};
        v->sending = *e;
        v->moves = 0;
        candor_status st = candor_vault_load(v, e, 0, SIZE_MAX, &err);
        if (st == CANDOR_OK && !candor_uploader_fits(u, u->sent_bytes, v->gz.n)) return false;
        v->step = e->retries != 0 && v->size > CANDOR_VAULT_PART_SIZE ? CANDOR_VAULT_ASK
                                                                      : CANDOR_VAULT_WHOLE;
        if (v->step == CANDOR_VAULT_ASK) candor_buf_clear(&v->gz); /* nothing of it is sent yet */
        if (st == CANDOR_OK) st = candor_vault_request(u, &err);
        if (st == CANDOR_OK) return true;
        if (st == CANDOR_CORRUPT) {
            lose(v, CANDOR_VAULT_DROP_CORRUPT);
        } else if (st == CANDOR_NOTFOUND || st == CANDOR_DENIED) {
            candor_vault_scan(v); /* another process was faster, or the keys have changed */
        } else {
            if (err.code == CANDOR_OK)
                (void)candor_fail(&err, st, 0, "vault", "%s", candor_status_text(st));
            candor_err_describe(&err, u->error, sizeof u->error);
            return false;
        }
    }
    return false;
}

uint64_t candor_vault_plan(const candor_uploader *u, int64_t behind_ms, uint64_t *bytes)
{
    candor_vault *v = u->vault;
    uint64_t n = 0;
    if (v == NULL || v->store == NULL || !candor_vault_on(v)) return 0;
    candor_vault_scan(v);
    for (size_t i = 0; i < v->n; i++) {
        const candor_vault_entry *e = &v->entries[i];
        bool sent = (int64_t)candor_uuid7_ms(e->event) > behind_ms;
        if (!sent || e->locked || candor_vault_load(v, e, 0, SIZE_MAX, NULL) != CANDOR_OK) continue;
        if (!candor_uploader_fits(u, *bytes, v->gz.n)) break;
        *bytes += v->gz.n;
        n++;
    }
    return n;
}

static void set_aside(candor_vault *v, int64_t ms)
{
    for (size_t i = 0; i < v->n; i++) {
        candor_vault_entry *e = &v->entries[i];
        if (memcmp(e->event, v->sending.event, sizeof e->event) != 0 ||
            strcmp(e->field, v->sending.field) != 0)
            continue;
        e->retries++;
        e->round = v->round;
        int64_t longer = ms;
        for (int64_t n = 1; n < e->retries && longer < v->store->settings->retry_max_ms; n++)
            longer *= 2;
        e->next_attempt_ms = candor_clock_unix_ms() + longer;
    }
}

/* On record before the file goes, under the event's id. */
void candor_vault_note(candor_uploader *u, int http, uint64_t accepted)
{
    candor_err err = {0};
    candor_vault *v = u->vault;
    char id[CANDOR_UUID_TEXT + 1] = "", consent[128];
    candor_uuid_format(v->sending.event, id);
    content_consent(u, consent, sizeof consent);
    const candor_ledger_entry entry = {.id = id,
                                       .repeats = true,
                                       .body = candor_buf_bytes(&v->gz),
                                       .guessable = true,
                                       .endpoint = u->settings->endpoint,
                                       .http = http,
                                       .accepted = accepted,
                                       .consent = consent};
    if (candor_ledger_append(&u->store->ledger, u->store->dir, &entry, &err) != CANDOR_OK)
        candor_store_note(u->store, &err);
}

void candor_vault_answer(candor_uploader *u, const candor_http_response *r, int64_t set_aside_ms,
                         candor_verdict *out)
{
    candor_vault *v = u->vault;
    u->sent_bytes += v->gz.n;
    candor_policy_judge_attachment(r, v->sha256, out);
    switch (out->outcome) {
    case CANDOR_UPLOAD_DONE:
        candor_vault_note(u, r->code, 1);
        candor_mutex_lock(v->mutex);
        v->unmerged.sent++;
        candor_mutex_unlock(v->mutex);
        candor_vault_remove(v, &v->sending);
        break;
    case CANDOR_UPLOAD_DISCARD:
        lose(v, CANDOR_VAULT_DROP_REFUSED);
        break;
    case CANDOR_UPLOAD_RETRY:
        set_aside(v, set_aside_ms);
        break;
    }
}
