#include <stdio.h>

#include "client/recover.h"
#include "client/upload_private.h"
#include "client/vault.h"

#define LOCKED_WAIT_MS 3600000          /* nothing but batches whose key is not set */
#define WAIT_MAX_MS    (8 * 86400000LL) /* longer than any we set: the clock was set back */

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

/* --- round ----------------------------------------------------------------------------------- */

/* No connection outlives a round: "off" must not have to find idle sockets, and rounds lie further
 * apart than servers keep a connection. */
void candor_upload_end(candor_uploader *u)
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

/* The batch cannot be sent at all: settle it. False: the round cannot go on. */
static bool give_up_batch(candor_uploader *u, candor_status why, candor_err *err)
{
    candor_status st = CANDOR_OK;
    if (candor_upload_is_otlp(u) && u->exporter->finished) {
        candor_verdict verdict = {0};
        candor_exporter_settle(u->exporter, &verdict);
        st = candor_store_sent(u->store, &u->row, verdict.rejected, err);
        if (st == CANDOR_OK) candor_upload_note_sent(u, verdict.rejected);
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

/* A batch that is larger than the cap alone goes alone: it is bounded, and would wait for ever. */
bool candor_uploader_fits(const candor_uploader *u, uint64_t sent, uint64_t bytes)
{
    return sent == 0 || sent + bytes <= (uint64_t)u->settings->max_upload_bytes;
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
void candor_upload_next(candor_uploader *u)
{
    int64_t now = u->manual ? INT64_MAX : candor_clock_unix_ms();
    for (;;) {
        candor_err err = {0};
        char after[CANDOR_UUID_TEXT + 1];
        memcpy(after, u->row.id, sizeof after);
        candor_status st = next_batch(u, now, u->since_ms, &u->row, &err);
        if (st == CANDOR_NOTFOUND) { /* the attachments come behind their events */
            memcpy(u->row.id, after, sizeof after);
            u->attaching = !candor_upload_is_otlp(u) && candor_vault_send_next(u);
            if (u->attaching) return;
            break;
        }
        if (st == CANDOR_OK && !candor_uploader_fits(u, u->sent_bytes, u->row.bytes)) break;
        if (st == CANDOR_OK) st = candor_upload_load(u, &err);
        /* due as before: another process of the directory may have the key */
        if (st == CANDOR_DENIED && candor_store_locked(u->store, u->row.id)) continue;
        if (st == CANDOR_OK) {
            candor_upload_lease(u);
            st = candor_upload_start(u, &err);
            if (st == CANDOR_OK) {
                /* not for a request that cannot be made; nothing has left yet */
                candor_notice_show(u->settings, u->identity.consent, u->identity.notice_version);
                return;
            }
            candor_err_describe(&err, u->error, sizeof u->error);
            (void)!candor_state_lease(u->store->state, u->row.id, 0, NULL);
            candor_upload_put_result(u, false, 0);
            break;
        }
        if (!give_up_batch(u, st, &err)) break;
    }
    candor_upload_end(u);
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
    int64_t until = wait_until(u, CANDOR_UPLOAD_ASKED_KEY), now = candor_clock_unix_ms();
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

bool candor_uploader_is_led(candor_uploader *u)
{
    candor_status st = take_lead(u, NULL);
    candor_file_discard(u->leader);
    u->leader = NULL;
    return st == CANDOR_BUSY;
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
    candor_vault_round(u->vault, found.left_ms);
    candor_upload_next(u);
    return CANDOR_OK;
}

candor_status candor_uploader_begin_package(candor_uploader *u, const char *consent)
{
    candor_err err = {0};
    candor_status st = CANDOR_OK;
    if (candor_upload_is_otlp(u)) {
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
    st = candor_upload_start(u, &err);
    if (st == CANDOR_OK) {
        candor_notice_show(u->settings, u->identity.consent, u->identity.notice_version);
        return CANDOR_OK;
    }
    candor_err_describe(&err, u->error, sizeof u->error);
    candor_upload_end(u);
    return CANDOR_OK;
}

candor_status candor_uploader_plan(candor_uploader *u, int64_t since_ms, candor_upload_plan *out,
                                   candor_err *err)
{
    candor_batch_row row = {.id = ""};
    int64_t behind_ms = 0; /* the newest batch that stays */
    char error[sizeof u->error];
    candor_status st;
    memset(out, 0, sizeof *out);
    memcpy(error, u->error, sizeof error); /* of the last round: not ours to change */
    u->error[0] = '\0';
    if (held_back(u)) memcpy(out->error, u->error, sizeof out->error);
    memcpy(u->error, error, sizeof error);
    for (;;) {
        char after[CANDOR_UUID_TEXT + 1];
        memcpy(after, row.id, sizeof after);
        st = candor_state_next(u->store->state, after, INT64_MAX, true, &row, err);
        if (st != CANDOR_OK) break;
        if (row.created_ms < since_ms || candor_store_locked(u->store, row.id)) {
            if (row.created_ms > behind_ms) behind_ms = row.created_ms;
            continue;
        }
        if (!candor_uploader_fits(u, out->bytes, row.bytes)) return CANDOR_OK;
        out->batches++;
        out->events += row.events;
        out->bytes += row.bytes;
    }
    if (st == CANDOR_NOTFOUND && !candor_upload_is_otlp(u))
        out->attachments = candor_vault_plan(u, behind_ms, &out->bytes);
    return st == CANDOR_NOTFOUND ? CANDOR_OK : st;
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
    candor_upload_end(u);
}

void candor_uploader_cancel_attachment(candor_uploader *u)
{
    if (u->attaching) candor_uploader_cancel(u);
}

int64_t candor_uploader_due_ms(const candor_uploader *u, const candor_state_totals *totals)
{
    int64_t first = totals->batches != 0 ? totals->next_attempt_ms : INT64_MAX;
    int64_t seldom = u->last_round_ms + LOCKED_WAIT_MS;
    if (totals->batches != 0 && u->store->locked != 0) {
        bool ahead = u->store->open_next_ms < INT64_MAX &&
                     u->store->open_next_ms - candor_clock_unix_ms() > WAIT_MAX_MS;
        first = ahead ? 0 : u->store->open_next_ms;
        if (seldom < first) first = seldom;
    }
    int64_t vault = candor_vault_due_ms(u->vault, totals->newest_ms, seldom);
    if (vault < first) first = vault;
    if (candor_exporter_is_local(u->settings) || u->mode != CANDOR_MODE_AUTO ||
        u->settings->endpoint == NULL || first == INT64_MAX ||
        candor_notice_waiting(u->settings, u->identity.consent, u->identity.notice_version))
        return INT64_MAX;
    int64_t due = 0, asked = wait_until(u, CANDOR_UPLOAD_ASKED_KEY),
            backoff = wait_until(u, CANDOR_UPLOAD_BACKOFF_KEY);
    if (u->last_round_ms != 0 && u->last_round_ms <= candor_clock_unix_ms())
        due = u->last_round_ms + u->settings->upload_interval_ms;
    if (first > due) due = first;
    if (asked > due) due = asked;
    return backoff > due ? backoff : due;
}
