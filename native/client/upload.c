#include "client/upload.h"

#include <stdio.h>

#include "base/digest.h"
#include "base/gzip.h"
#include "base/json.h"
#include "client/recover.h"

#define RESPONSE_MAX   (1024 * 1024) /* per-event results of a batch of 1000 fit well */
#define LEASE_EXTRA_MS 5000
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
    return candor_random(&u->random, sizeof u->random);
}

void candor_uploader_deinit(candor_uploader *u)
{
    candor_uploader_cancel(u);
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

/* --- notice ---------------------------------------------------------------------------------- */

static candor_bytes host_of(const char *url)
{
    const char *p = strstr(url, "://");
    p = p != NULL ? p + 3 : url;
    size_t n = strcspn(p, "/");
    const char *at = memchr(p, '@', n);
    if (at != NULL) {
        n -= (size_t)(at + 1 - p);
        p = at + 1;
    }
    return candor_bytes_of(p, n);
}

/* One line before the first batch of this directory leaves the machine, and again when the schema
 * asks for a new notice. */
static void show_notice(candor_uploader *u)
{
    int64_t shown = candor_state_get_number(u->store->state, "notice_shown", 0);
    if (u->settings->notice != CANDOR_NOTICE_STDERR || shown >= (int64_t)u->identity.notice_version)
        return;
    candor_bytes host = host_of(u->settings->endpoint);
    (void)fprintf(
        stderr,
        "%s sends anonymous usage data to %.*s. Turn it off: DO_NOT_TRACK=1, or candor off "
        "--app %s.\n",
        u->settings->app, (int)host.n, host.p, u->settings->app);
    (void)!candor_state_set_number(u->store->state, "notice_shown",
                                   (int64_t)u->identity.notice_version, NULL);
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

static void end_round(candor_uploader *u)
{
    u->active = false;
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

static candor_status make_http(candor_uploader *u, candor_err *err)
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

static candor_status start_request(candor_uploader *u, candor_err *err)
{
    char url[2048], authorization[4352], sent_at[CANDOR_TIME_TEXT + 1] = "";
    const candor_settings *s = u->settings;
    candor_time_format(candor_clock_unix_ms(), sent_at);
    (void)snprintf(url, sizeof url, "%s/api/v1/events", s->endpoint);
    (void)snprintf(authorization, sizeof authorization, "Bearer %s",
                   s->token != NULL ? s->token : "");
    candor_http_header headers[8] = {
        {"Content-Type", "application/x-ndjson"},
        {"Content-Encoding", "gzip"},
        {"Candor-Batch-Id", u->row.id},
        {"Candor-Machine-Id", u->identity.machine_id},
        {"Candor-Sent-At", sent_at},
        {"Candor-Consent", u->consent},
    };
    size_t n = 6;
    if (u->row.schema_hash[0] != '\0')
        headers[n++] = (candor_http_header){"Candor-Schema-Hash", u->row.schema_hash};
    if (s->token != NULL) headers[n++] = (candor_http_header){"Authorization", authorization};
    const candor_http_request request = {"POST", url, headers, n,
                                         candor_buf_bytes(&u->store->file)};
    candor_status st = make_http(u, err);
    if (st == CANDOR_OK) st = candor_http_start(u->http, &request, err);
    return st;
}

/* Read the file and check that it is whole: the collector must not be the one to find out. */
static candor_status load_batch(candor_uploader *u, candor_err *err)
{
    candor_store *s = u->store;
    candor_status st = candor_store_read(s, u->row.id, err);
    if (st != CANDOR_OK) return st;
    candor_buf_clear(&s->batch.lines);
    st = candor_gunzip(candor_buf_bytes(&s->file), CANDOR_BATCH_BYTES_MAX + CANDOR_EVENT_MAX,
                       &s->batch.lines, NULL, 0, err);
    return st == CANDOR_LIMIT ? CANDOR_CORRUPT : st;
}

/* The batch cannot be sent at all: settle it. False: the round cannot go on. */
static bool give_up_batch(candor_uploader *u, candor_status why, candor_err *err)
{
    candor_status st = CANDOR_OK;
    if (why == CANDOR_CORRUPT)
        st = candor_store_quarantine(u->store, &u->row, CANDOR_LOSS_CORRUPT, err);
    else if (why == CANDOR_NOTFOUND)
        st = candor_store_lost(u->store, &u->row, CANDOR_LOSS_CORRUPT, err);
    else
        st = why;
    if (st == CANDOR_OK) return true;
    candor_err_describe(err, u->error, sizeof u->error);
    return false;
}

/* Send the next due batch behind the current one, or end the round. */
static void send_next(candor_uploader *u)
{
    int64_t now = u->manual ? INT64_MAX : candor_clock_unix_ms();
    for (;;) {
        candor_err err = {0};
        char after[CANDOR_UUID_TEXT + 1];
        memcpy(after, u->row.id, sizeof after);
        candor_status st = candor_state_next(u->store->state, after, now, true, &u->row, &err);
        if (st == CANDOR_NOTFOUND) break;
        if (st == CANDOR_OK) st = load_batch(u, &err);
        if (st == CANDOR_OK) {
            (void)!candor_state_lease(
                u->store->state, u->row.id,
                candor_clock_unix_ms() + u->settings->request_timeout_ms + LEASE_EXTRA_MS, NULL);
            st = start_request(u, &err);
            if (st == CANDOR_OK) {
                show_notice(u); /* not for a request that cannot be made; nothing has left yet */
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
    if (u->settings->endpoint == NULL) {
        (void)snprintf(u->error, sizeof u->error, "%s",
                       u->settings->environment_error[0] != '\0' ? u->settings->environment_error
                                                                 : "no endpoint is set");
        return true;
    }
    if (until <= now) return false;
    (void)snprintf(u->error, sizeof u->error,
                   "the collector asked to wait for another %lld seconds",
                   (long long)((until - now + 999) / 1000));
    return true;
}

candor_status candor_uploader_begin(candor_uploader *u, bool manual, const char *consent)
{
    candor_err err = {0};
    candor_recovered found = {0};
    u->manual = manual;
    u->uploaded = u->events = 0;
    u->failed = u->refused = 0;
    u->error[0] = '\0';
    memset(&u->row, 0, sizeof u->row);
    (void)snprintf(u->consent, sizeof u->consent, "%s", consent);
    if (held_back(u)) {
        u->last_round_ms = candor_clock_unix_ms();
        return CANDOR_OK;
    }
    candor_status st = take_lead(u, &err);
    if (st == CANDOR_BUSY) return st;
    if (st != CANDOR_OK) {
        candor_err_describe(&err, u->error, sizeof u->error);
        u->last_round_ms = candor_clock_unix_ms();
        return CANDOR_OK;
    }
    u->active = true;
    candor_recover_dead(u->store, &found);
    send_next(u);
    return CANDOR_OK;
}

/* --- answers --------------------------------------------------------------------------------- */

static void set_wait(candor_uploader *u, const char *key, int64_t value)
{
    (void)!candor_state_set_number(u->store->state, key, value, NULL);
}

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
    if (candor_state_retry(u->store->state, u->row.id, u->row.retries + 1,
                           now + set_aside_ms(u, r, delay), &err) != CANDOR_OK)
        candor_store_note(u->store, &err);
    if (u->failed++ == 0) set_wait(u, failures_key, failures + 1);
    set_wait(u, backoff_key, now + delay);
    if (asked > 0) set_wait(u, asked_wait_key, now + delay);
}

static void note_sent(candor_uploader *u, uint64_t rejected)
{
    if (candor_state_get_number(u->store->state, failures_key, 0) != 0) {
        set_wait(u, failures_key, 0);
        set_wait(u, backoff_key, 0);
    }
    u->refused = 0;
    u->uploaded++;
    u->events += u->row.events - (rejected < u->row.events ? rejected : u->row.events);
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

void candor_uploader_answer(candor_uploader *u, const candor_http_response *r)
{
    candor_verdict verdict;
    candor_err err = {0};
    candor_status st = CANDOR_OK;
    if (!u->active) return;
    candor_policy_judge(r, &verdict);
    /* a batch that is sent does not undo what another met in this round */
    if (verdict.error[0] != '\0') memcpy(u->error, verdict.error, sizeof u->error);
    switch (verdict.outcome) {
    case CANDOR_UPLOAD_DONE:
        st = candor_store_sent(u->store, &u->row, verdict.rejected, &err);
        note_sent(u, verdict.rejected);
        break;
    case CANDOR_UPLOAD_DISCARD:
        u->refused++;
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
    (void)!candor_state_lease(u->store->state, u->row.id, 0, NULL);
    (void)snprintf(u->error, sizeof u->error, "the upload was cancelled");
    end_round(u);
}

int64_t candor_uploader_due_ms(const candor_uploader *u, const candor_state_totals *totals)
{
    if (u->settings->mode != CANDOR_MODE_AUTO || u->settings->endpoint == NULL ||
        totals->batches == 0)
        return INT64_MAX;
    int64_t due = 0, asked = wait_until(u, asked_wait_key), backoff = wait_until(u, backoff_key);
    if (u->last_round_ms != 0 && u->last_round_ms <= candor_clock_unix_ms())
        due = u->last_round_ms + u->settings->upload_interval_ms;
    if (totals->next_attempt_ms > due) due = totals->next_attempt_ms;
    if (asked > due) due = asked;
    return backoff > due ? backoff : due;
}
