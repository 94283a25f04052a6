#include "client/upload.h"

#include <stdio.h>

#include "plat/plat.h"
#include "base/gzip.h"
#include "base/json.h"
#include "client/recover.h"
#include "client/vault.h"

#define LOCKED_WAIT_MS 3600000       /* nothing but batches whose key is not set */
#define RESPONSE_MAX   (1024 * 1024) /* per-event results of a batch of 1000 fit well */
#define LEASE_EXTRA_MS 5000
#define URL_SIZE       2048
#define REFUSED_MAX    2                /* in a row: the rest waits for another round */
#define WAIT_MAX_MS    (8 * 86400000LL) /* longer than any we set: the clock was set back */
static const char asked_wait_key[] = "endpoint_not_before_ms"; /* Retry-After */
static const char backoff_key[] = "endpoint_backoff_ms"; /* ours; a manual upload ignores it */
static const char failures_key[] = "endpoint_failures";  /* in a row */

candor_status candor_uploader_init(candor_uploader *u, candor_store *store,
                                   const candor_settings *settings,
                                   const candor_uploader_identity *identity)
{
    memset(u, 0, sizeof *u);
    u->store = store;
    u->settings = settings;
    u->identity = *identity;
    u->mode = (candor_mode)settings->mode;
    return candor_random(&u->random, sizeof u->random);
}

void candor_uploader_deinit(candor_uploader *u)
{
    candor_uploader_cancel(u);
    candor_buf_free(&u->package.body);
    candor_http_free(u->http);
    u->http = NULL;
}

/* splitmix64: jitter has to be spread, not secret. */
static double next_jitter(candor_uploader *u)
{
    uint64_t z = u->random += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

/* --- round ----------------------------------------------------------------------------------- */

static void put_result(candor_uploader *u, bool ok, int http)
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

/* No connection outlives a round: "off" must not have to find idle sockets, and rounds lie further
 * apart than servers keep a connection. */
static void end_round(candor_uploader *u)
{
    u->active = u->attaching = u->package.active = false;
    candor_buf_free(&u->package.body);
    if (u->http != NULL) candor_http_disconnect(u->http);
    u->last_round_ms = candor_clock_unix_ms();
    candor_file_discard(u->leader);
    u->leader = NULL;
}

static candor_status take_lead(candor_uploader *u, candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    candor_status st = candor_path_join(u->store->dir, "leader.lock", path, sizeof path, err);
    if (st == CANDOR_OK) st = candor_file_open(path, CANDOR_OPEN_READ_WRITE, &u->leader, err);
    if (st == CANDOR_OK) st = candor_file_try_lock(u->leader, err);
    if (st != CANDOR_OK) {
        candor_file_discard(u->leader);
        u->leader = NULL;
    }
    return st;
}

candor_status candor_uploader_http(candor_uploader *u, candor_err *err)
{
    if (u->http != NULL) return CANDOR_OK;
    const candor_settings *s = u->settings;
    const candor_http_settings h = {
        .user_agent = "candor/0.1.0",
        .proxy = s->proxy,
        .ca_file = s->ca_file,
        .ca_pem = candor_bytes_str(s->ca_pem),
        .connect_timeout_ms = (unsigned)s->connect_timeout_ms,
        .total_timeout_ms = (unsigned)s->request_timeout_ms,
        .stall_timeout_ms = (unsigned)s->stall_timeout_ms,
        .response_max = RESPONSE_MAX,
    };
    return candor_http_new(&h, &u->http, err);
}

static bool is_otlp(const candor_uploader *u)
{
    return u->exporter != NULL && u->settings->exporter == CANDOR_EXPORT_OTLP_HTTP;
}

static void document_url(const candor_uploader *u, char url[URL_SIZE])
{
    (void)snprintf(url, URL_SIZE, "%s%s", u->settings->endpoint,
                   candor_otlp_path(u->exporter->signal));
}

/* Post the document that candor_exporter_next has made. */
static candor_status start_document(candor_uploader *u, candor_err *err)
{
    char url[URL_SIZE], authorization[4352];
    const candor_settings *s = u->settings;
    document_url(u, url);
    (void)snprintf(authorization, sizeof authorization, "Bearer %s",
                   s->token != NULL ? s->token : "");
    const candor_http_header headers[3] = {{"Content-Type", "application/json"},
                                           {"Content-Encoding", "gzip"},
                                           {"Authorization", authorization}};
    const candor_http_request request = {"POST", url, headers, s->token != NULL ? 3 : 2,
                                         candor_buf_bytes(&u->exporter->body)};
    candor_status st = candor_uploader_http(u, err);
    if (st == CANDOR_OK) st = candor_http_start(u->http, &request, err);
    return st;
}

static candor_status start_request(candor_uploader *u, candor_err *err)
{
    if (is_otlp(u)) return start_document(u, err);

    char url[URL_SIZE], authorization[4352], sent_at[CANDOR_TIME_TEXT + 1] = "";
    const candor_settings *s = u->settings;
    candor_time_format(candor_clock_unix_ms(), sent_at);
    bool package = u->package.active;
    (void)snprintf(url, sizeof url, "%s%s", s->endpoint,
                   package ? "/api/telemetry/upload" : "/api/v1/events");
    (void)snprintf(authorization, sizeof authorization, "Bearer %s",
                   s->token != NULL ? s->token : "");
    candor_http_header headers[9] = {
        {"Content-Type", package ? "application/json" : "application/x-ndjson"},
        {"Content-Encoding", "gzip"},
        {"Candor-Batch-Id", package ? u->package.id : u->row.id},
        {"Candor-Machine-Id", u->identity.machine_id},
        {"Candor-Sent-At", sent_at},
        {"Candor-Consent", u->consent},
    };
    size_t n = 6;
    if (!package && u->row.schema_hash[0] != '\0')
        headers[n++] = (candor_http_header){"Candor-Schema-Hash", u->row.schema_hash};
    if (u->identity.ci) headers[n++] = (candor_http_header){"Candor-Environment", "ci"};
    if (s->token != NULL) headers[n++] = (candor_http_header){"Authorization", authorization};
    const candor_http_request request = {
        "POST", url, headers, n, candor_buf_bytes(package ? &u->package.body : &u->store->file)};
    candor_status st = candor_uploader_http(u, err);
    if (st == CANDOR_OK) st = candor_http_start(u->http, &request, err);
    return st;
}

/* Read the file and check that it is whole: the collector must not be the one to find out. */
static candor_status load_batch(candor_uploader *u, candor_err *err)
{
    candor_store *s = u->store;
    if (u->exporter != NULL) u->exporter->finished = false;
    candor_status st = candor_store_read(s, u->row.id, err);
    if (st != CANDOR_OK) return st;
    candor_buf_clear(&s->batch.lines);
    st = candor_gunzip(candor_buf_bytes(&s->file), CANDOR_BATCH_BYTES_MAX + CANDOR_EVENT_MAX,
                       &s->batch.lines, NULL, 0, err);
    if (st == CANDOR_OK && is_otlp(u))
        return candor_exporter_next(u->exporter, u->row.id, candor_buf_bytes(&s->batch.lines), err);
    return st == CANDOR_LIMIT ? CANDOR_CORRUPT : st;
}

static void set_wait(candor_uploader *u, const char *key, int64_t value)
{
    (void)!candor_state_set_number(u->store->state, key, value, NULL);
}

static void endpoint_works(candor_uploader *u)
{
    if (candor_state_get_number(u->store->state, failures_key, 0) != 0) {
        set_wait(u, failures_key, 0);
        set_wait(u, backoff_key, 0);
    }
    u->refused = 0;
}

static void note_sent(candor_uploader *u, uint64_t rejected)
{
    endpoint_works(u);
    u->uploaded++;
    if (rejected > u->row.events) rejected = u->row.events;
    u->events += u->row.events - rejected;
    if (u->exporter == NULL) return;
    u->exporter->written += u->row.events - rejected;
    u->exporter->dropped += rejected;
}

/* The batch cannot be sent at all: settle it. False: the round cannot go on. */
static bool give_up_batch(candor_uploader *u, candor_status why, candor_err *err)
{
    candor_status st = CANDOR_OK;
    if (is_otlp(u) && u->exporter->finished) {
        candor_verdict verdict = {0};
        candor_exporter_settle(u->exporter, &verdict);
        st = candor_store_sent(u->store, &u->row, verdict.rejected, err);
        if (st == CANDOR_OK) note_sent(u, verdict.rejected);
    } else if (why == CANDOR_CORRUPT) {
        st = candor_store_quarantine(u->store, &u->row, CANDOR_LOSS_CORRUPT, err);
    } else if (why == CANDOR_NOTFOUND) {
        st = candor_store_lost(u->store, &u->row, CANDOR_LOSS_CORRUPT, err);
    } else {
        st = why;
    }
    if (st == CANDOR_OK) return true;
    candor_err_describe(err, u->error, sizeof u->error);
    return false;
}

/* Nobody deletes the batch while its request may last. */
static void lease(candor_uploader *u)
{
    int64_t until = candor_clock_unix_ms() + u->settings->request_timeout_ms + LEASE_EXTRA_MS;
    (void)!candor_state_lease(u->store->state, u->row.id, until, NULL);
}

/* The cap of a round. A batch that is larger alone goes alone: it is bounded, and would wait for
 * ever. */
static bool is_over_cap(const candor_uploader *u, uint64_t sent, uint64_t bytes)
{
    return sent != 0 && sent + bytes > (uint64_t)u->settings->max_upload_bytes;
}

bool candor_uploader_fits(const candor_uploader *u, uint64_t bytes)
{
    return !is_over_cap(u, u->sent_bytes, bytes);
}

/* The next batch behind row that a round of this kind sends; row becomes it. */
static candor_status next_batch(candor_uploader *u, int64_t now, int64_t since_ms,
                                candor_batch_row *row, candor_err *err)
{
    candor_status st;
    do {
        char after[CANDOR_UUID_TEXT + 1];
        memcpy(after, row->id, sizeof after);
        st = candor_state_next(u->store->state, after, now, true, row, err);
    } while (st == CANDOR_OK && row->created_ms < since_ms);
    return st;
}

/* Send the next due batch behind the current one, or end the round. */
static void send_next(candor_uploader *u)
{
    int64_t now = u->manual ? INT64_MAX : candor_clock_unix_ms();
    for (;;) {
        candor_err err = {0};
        char after[CANDOR_UUID_TEXT + 1];
        memcpy(after, u->row.id, sizeof after);
        candor_status st = next_batch(u, now, u->since_ms, &u->row, &err);
        if (st == CANDOR_NOTFOUND) { /* the attachments come behind their events */
            memcpy(u->row.id, after, sizeof after);
            u->attaching = !is_otlp(u) && candor_vault_send_next(u);
            if (u->attaching) return;
            break;
        }
        if (st == CANDOR_OK && is_over_cap(u, u->sent_bytes, u->row.bytes)) break;
        if (st == CANDOR_OK) st = load_batch(u, &err);
        /* due as before: another process of the directory may have the key */
        if (st == CANDOR_DENIED && candor_store_locked(u->store, u->row.id)) continue;
        if (st == CANDOR_OK) {
            lease(u);
            st = start_request(u, &err);
            if (st == CANDOR_OK) {
                /* not for a request that cannot be made; nothing has left yet */
                candor_notice_show(u->settings, u->identity.consent, u->identity.notice_version);
                return;
            }
            candor_err_describe(&err, u->error, sizeof u->error);
            (void)!candor_state_lease(u->store->state, u->row.id, 0, NULL);
            put_result(u, false, 0);
            break;
        }
        if (!give_up_batch(u, st, &err)) break;
    }
    end_round(u);
}

/* The unix time stored under key, 0 when it has passed or makes no sense. */
static int64_t wait_until(const candor_uploader *u, const char *key)
{
    int64_t until = candor_state_get_number(u->store->state, key, 0);
    int64_t now = candor_clock_unix_ms();
    return until > now && until - now < WAIT_MAX_MS ? until : 0;
}

/* Why no round can start now; false: it can. */
static bool held_back(candor_uploader *u)
{
    int64_t until = wait_until(u, asked_wait_key), now = candor_clock_unix_ms();
    if (candor_exporter_is_local(u->settings)) {
        (void)snprintf(u->error, sizeof u->error, "%s",
                       "the exporter writes on this machine: nothing is uploaded");
        return true;
    }
    if (u->settings->endpoint == NULL) {
        (void)snprintf(u->error, sizeof u->error, "%s",
                       u->settings->environment_error[0] != '\0' ? u->settings->environment_error
                                                                 : "no endpoint is set");
        return true;
    }
    if (candor_notice_waiting(u->settings, u->identity.consent, u->identity.notice_version)) {
        (void)snprintf(u->error, sizeof u->error,
                       "the host has not acknowledged notice version %u yet: nothing is sent",
                       u->identity.notice_version);
        return true;
    }
    if (until <= now) return false;
    (void)snprintf(u->error, sizeof u->error,
                   "the collector asked to wait for another %lld seconds",
                   (long long)((until - now + 999) / 1000));
    return true;
}

static void begin(candor_uploader *u, bool manual, const char *consent)
{
    u->manual = manual;
    if (!manual) u->since_ms = 0;
    u->uploaded = u->events = u->sent_bytes = 0;
    u->failed = u->refused = 0;
    u->error[0] = '\0';
    memset(&u->row, 0, sizeof u->row);
    (void)snprintf(u->consent, sizeof u->consent, "%s", consent);
}

/* Take the lead for a round. CANDOR_BUSY: another process has it. Otherwise OK; when no round can
 * start, active stays false and error says why. */
static candor_status start_round(candor_uploader *u, bool manual, const char *consent)
{
    candor_err err = {0};
    begin(u, manual, consent);
    candor_status st = CANDOR_OK;
    if (!held_back(u)) {
        st = take_lead(u, &err);
        if (st == CANDOR_BUSY) return st;
        if (st != CANDOR_OK) candor_err_describe(&err, u->error, sizeof u->error);
        u->active = st == CANDOR_OK;
    }
    if (!u->active) u->last_round_ms = candor_clock_unix_ms();
    return CANDOR_OK;
}

candor_status candor_uploader_begin(candor_uploader *u, bool manual, const char *consent)
{
    candor_recovered found = {0};
    candor_status st = start_round(u, manual, consent);
    if (st != CANDOR_OK || !u->active) return st;
    candor_recover_dead(u->store, &found);
    candor_vault_round(u->vault);
    send_next(u);
    return CANDOR_OK;
}

candor_status candor_uploader_begin_package(candor_uploader *u, const char *consent)
{
    candor_err err = {0};
    candor_status st = CANDOR_OK;
    if (is_otlp(u)) {
        begin(u, true, consent);
        (void)snprintf(u->error, sizeof u->error, "%s",
                       "a package goes to a Candor collector, and the exporter is otlp_http: "
                       "nothing was sent");
    } else {
        st = start_round(u, true, consent);
    }
    if (st == CANDOR_BUSY) return st;
    if (!u->active) {
        candor_buf_free(&u->package.body);
        return CANDOR_OK;
    }
    u->package.active = true;
    st = start_request(u, &err);
    if (st == CANDOR_OK) {
        candor_notice_show(u->settings, u->identity.consent, u->identity.notice_version);
        return CANDOR_OK;
    }
    candor_err_describe(&err, u->error, sizeof u->error);
    end_round(u);
    return CANDOR_OK;
}

candor_status candor_uploader_plan(candor_uploader *u, int64_t since_ms, candor_upload_plan *out,
                                   candor_err *err)
{
    candor_batch_row row = {.id = ""};
    char error[sizeof u->error];
    candor_status st;
    memset(out, 0, sizeof *out);
    memcpy(error, u->error, sizeof error); /* of the last round: not ours to change */
    u->error[0] = '\0';
    if (held_back(u)) memcpy(out->error, u->error, sizeof out->error);
    memcpy(u->error, error, sizeof error);
    while ((st = next_batch(u, INT64_MAX, since_ms, &row, err)) == CANDOR_OK &&
           !is_over_cap(u, out->bytes, row.bytes)) {
        out->batches++;
        out->events += row.events;
        out->bytes += row.bytes;
    }
    return st == CANDOR_NOTFOUND ? CANDOR_OK : st;
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
    return candor_policy_delay(retries + 1, round, max, -1, 1.0) + 1;
}

/* The endpoint backs off as a whole: with a bound for each batch alone, every new batch would knock
 * at a dead collector again. A round counts as one failure. */
static void retry_later(candor_uploader *u, const candor_http_response *r)
{
    const candor_settings *s = u->settings;
    int64_t now = candor_clock_unix_ms(), asked = asked_wait(r);
    int64_t failures = candor_state_get_number(u->store->state, failures_key, 0);
    int64_t delay =
        candor_policy_delay(failures, s->retry_base_ms, s->retry_max_ms, asked, next_jitter(u));
    candor_err err = {0};
    if (!u->attaching && candor_state_retry(u->store->state, u->row.id, u->row.retries + 1,
                                            now + set_aside_ms(u, r, delay), &err) != CANDOR_OK)
        candor_store_note(u->store, &err);
    if (u->failed++ == 0) set_wait(u, failures_key, failures + 1);
    set_wait(u, backoff_key, now + delay);
    if (asked > 0) set_wait(u, asked_wait_key, now + delay);
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
    char url[URL_SIZE];
    const candor_exporter *x = u->exporter;
    uint64_t events = x->otlp.docs[x->signal].events;
    document_url(u, url);
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
        set_wait(u, asked_wait_key, candor_clock_unix_ms() + asked_wait(r));
    }
    put_result(u, v->outcome == CANDOR_UPLOAD_DONE, r->code);
    end_round(u);
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

static void answer_attachment(candor_uploader *u, const candor_http_response *r)
{
    candor_verdict verdict;
    candor_vault_answer(u, r, u->settings->upload_interval_ms + 1, &verdict);
    if (verdict.error[0] != '\0') memcpy(u->error, verdict.error, sizeof u->error);
    if (verdict.outcome == CANDOR_UPLOAD_DONE) endpoint_works(u);
    if (verdict.outcome == CANDOR_UPLOAD_DISCARD) u->refused++;
    if (verdict.outcome == CANDOR_UPLOAD_RETRY) retry_later(u, r);
    put_result(u, verdict.outcome == CANDOR_UPLOAD_DONE, r->code);
    u->attaching = goes_on(u, verdict.outcome, r) && candor_vault_send_next(u);
    if (!u->attaching) end_round(u);
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
    lease(u);
    if (st == CANDOR_OK) st = start_document(u, &err);
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
    if (!is_otlp(u))
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
        if (!is_otlp(u)) note_ledger(u, r->code, &verdict);
        st = candor_store_sent(u->store, &u->row, verdict.rejected, &err);
        note_sent(u, verdict.rejected);
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
    put_result(u, verdict.outcome == CANDOR_UPLOAD_DONE, r->code);
    if (st != CANDOR_OK) candor_err_describe(&err, u->error, sizeof u->error);
    if (st == CANDOR_OK && goes_on(u, verdict.outcome, r))
        send_next(u);
    else
        end_round(u);
}

void candor_uploader_cancel(candor_uploader *u)
{
    if (u->http != NULL) {
        candor_http_cancel(u->http);
        candor_http_disconnect(u->http);
    }
    if (!u->active) return;
    if (!u->package.active) (void)!candor_state_lease(u->store->state, u->row.id, 0, NULL);
    (void)snprintf(u->error, sizeof u->error, "the upload was cancelled");
    end_round(u);
}

void candor_uploader_cancel_attachment(candor_uploader *u)
{
    if (u->attaching) candor_uploader_cancel(u);
}

int64_t candor_uploader_due_ms(const candor_uploader *u, const candor_state_totals *totals)
{
    int64_t first = totals->batches != 0 ? totals->next_attempt_ms : INT64_MAX;
    bool locked = totals->batches != 0 && u->store->locked >= totals->batches;
    if (locked && first < u->last_round_ms + LOCKED_WAIT_MS)
        first = u->last_round_ms + LOCKED_WAIT_MS;
    if (candor_vault_due_ms(u->vault) < first) first = candor_vault_due_ms(u->vault);
    if (candor_exporter_is_local(u->settings) || u->mode != CANDOR_MODE_AUTO ||
        u->settings->endpoint == NULL || first == INT64_MAX ||
        candor_notice_waiting(u->settings, u->identity.consent, u->identity.notice_version))
        return INT64_MAX;
    int64_t due = 0, asked = wait_until(u, asked_wait_key), backoff = wait_until(u, backoff_key);
    if (u->last_round_ms != 0 && u->last_round_ms <= candor_clock_unix_ms())
        due = u->last_round_ms + u->settings->upload_interval_ms;
    if (first > due) due = first;
    if (asked > due) due = asked;
    return backoff > due ? backoff : due;
}
