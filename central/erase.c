#include "central/erase.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/uuid.h"
#include "central/ingest.h"

#define WAIT_MS 60000 /* between two looks at a store that will answer */

/* --- texts of full content ------------------------------------------------------------------ */

static void text_done(candor_attachment_job *t)
{
    candor_latch_open(t->owner);
}

/* Before the events: their ids are all that leads to the texts. The store's thread waits here,
 * which a store with one writer may: nothing else would be written meanwhile, and the other store
 * never waits for this one. */
static candor_status erase_texts(void *ctx, const unsigned char (*ids)[16], size_t n,
                                 candor_err *err)
{
    candor_erase_job *j = ctx;
    candor_attachment_job t = {.op = CANDOR_ATTACHMENT_ERASE, .ids = ids, .n_ids = n};
    candor_latch *latch = NULL;
    candor_status st = candor_latch_new(&latch);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "erase", NULL);
    t.done = text_done;
    t.owner = latch;
    st = candor_attachments_submit(j->server->attachments, &t);
    if (st == CANDOR_OK) {
        while (!candor_latch_wait(latch, WAIT_MS)) {
        }
        st = t.status;
        j->receipt.attachments += t.erased;
    }
    candor_latch_free(latch);
    return st == CANDOR_OK ? st : candor_fail(err, st, 0, "erase full content", NULL);
}

/* As central/ingest_context.c makes candor_row_context.user. */
static candor_status fingerprint(void *ctx, candor_bytes app, candor_bytes user,
                                 unsigned char out[8])
{
    candor_erase_job *j = ctx;
    unsigned char digest[CANDOR_SHA256_SIZE];
    candor_buf text = {0};
    candor_status st;
    candor_buf_put_bytes(&text, app);
    candor_buf_put_c(&text, '\n');
    candor_buf_put_bytes(&text, user);
    st = text.failed ? CANDOR_NOMEM
                     : candor_hmac_run(j->machine_key, candor_buf_bytes(&text), digest);
    candor_buf_free(&text);
    if (st == CANDOR_OK) memcpy(out, digest, 8);
    return st;
}

/* --- a job ---------------------------------------------------------------------------------- */

static candor_status copy(candor_bytes from, char *to, size_t cap, const char *what,
                          candor_err *err)
{
    if (from.n >= cap || memchr(from.n != 0 ? from.p : "", '\0', from.n) != NULL)
        return candor_fail(err, CANDOR_INVALID, 0, "erase", "%s is longer than %zu bytes", what,
                           cap - 1);
    if (from.n != 0) memcpy(to, from.p, from.n);
    to[from.n] = '\0';
    return CANDOR_OK;
}

/* Who asks knows the id that the machine sends; what is stored is its hash. */
static candor_status name_subject(candor_erase_job *j, bool by_user, candor_err *err)
{
    candor_erasure *e = &j->erasure;
    candor_status st = candor_ingest_key(j->server->pepper, CANDOR_INGEST_MACHINE, &j->machine_key);
    memcpy(j->receipt.subject, by_user ? "user_id" : "machine_id", by_user ? 8 : 11);
    if (st == CANDOR_OK) st = candor_hmac_text(j->machine_key, candor_bytes_str(j->id), j->machine);
    if (st == CANDOR_OK)
        st = candor_receipt_subject(j->receipt.subject, candor_bytes_str(j->id), j->receipt.digest);
    if (st == CANDOR_OK) st = candor_random(j->receipt.id, sizeof j->receipt.id);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "erase", NULL);
    if (by_user)
        e->user = j->id;
    else
        e->machine = j->machine;
    return CANDOR_OK;
}

static candor_status fill(candor_erase_job *j, candor_bytes user, candor_bytes machine,
                          candor_bytes app, candor_err *err)
{
    bool by_user = user.n != 0;
    unsigned char random[10];
    candor_status st;
    if (by_user == (machine.n != 0))
        return candor_fail(err, CANDOR_INVALID, 0, "erase",
                           "give either a user id or a machine id; neither may be empty");
    st = copy(by_user ? user : machine, j->id, sizeof j->id, "the id", err);
    if (st == CANDOR_OK) st = copy(app, j->app, sizeof j->app, "app", err);
    if (st == CANDOR_OK && app.n != 0 && !candor_id_ok(app, CANDOR_TOKEN_APP))
        st = candor_fail(err, CANDOR_INVALID, 0, "erase",
                         "app takes letters, digits and _.:+-, as events name it");
    if (st == CANDOR_OK) st = name_subject(j, by_user, err);
    if (st != CANDOR_OK) return st;
    j->receipt.requested_ms = candor_clock_unix_ms();
    memcpy(random, j->receipt.id, sizeof random);
    candor_uuid7_make((uint64_t)j->receipt.requested_ms, random, j->receipt.id);
    memcpy(j->receipt.app, j->app, sizeof j->receipt.app);
    j->erasure.app = *j->app != '\0' ? j->app : NULL;
    j->erasure.content = erase_texts;
    j->erasure.fingerprint = fingerprint;
    j->erasure.ctx = j;
    return CANDOR_OK;
}

candor_status candor_erase_new(candor_server *s, candor_bytes user, candor_bytes machine,
                               candor_bytes app, candor_erase_job **out, candor_err *err)
{
    candor_erase_job *j = calloc(1, sizeof *j);
    candor_status st;
    *out = NULL;
    if (j == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "erase", NULL);
    j->server = s;
    st = fill(j, user, machine, app, err);
    if (st != CANDOR_OK)
        candor_erase_free(j);
    else
        *out = j;
    return st;
}

void candor_erase_free(candor_erase_job *j)
{
    if (j == NULL) return;
    candor_hmac_free(j->machine_key);
    free(j);
}

static void log_done(const candor_erase_job *j)
{
    candor_log_line line;
    bool ok = j->erasure.status == CANDOR_OK;
    candor_log_begin(&line, ok ? CANDOR_LOG_INFO : CANDOR_LOG_ERROR,
                     ok ? "erased" : "erase_failed");
    if (ok) candor_log_number(&line, "events", (int64_t)j->receipt.events);
    if (!ok) candor_log_text(&line, "detail", j->erasure.err.text);
    candor_log_end(&j->server->log, &line, ok ? CANDOR_LOG_INFO : CANDOR_LOG_ERROR);
}

static void on_erased(candor_erasure *e)
{
    candor_erase_job *j = (candor_erase_job *)(void *)e;
    j->receipt.completed_ms = candor_clock_unix_ms();
    j->receipt.events = e->events;
    j->receipt.sessions = e->sessions;
    log_done(j);
    j->done(j);
}

candor_status candor_erase_start(candor_erase_job *j)
{
    j->erasure.done = on_erased;
    return j->server->store->ops->erase(j->server->store, &j->erasure);
}

/* --- the request's body --------------------------------------------------------------------- */

typedef struct wish {
    char user[CANDOR_BASE_ID_MAX + 1], machine[CANDOR_BASE_ID_MAX + 1];
    char app[CANDOR_TOKEN_APP + 1];
} wish;

static bool take_text(candor_bytes raw, char *out, size_t cap)
{
    size_t n;
    if (*out != '\0') return false; /* given twice */
    n = candor_json_unescape(raw, out, cap - 1);
    if (n == SIZE_MAX || n == 0 || memchr(out, '\0', n) != NULL) return false;
    out[n] = '\0';
    return true;
}

static bool parse_wish(candor_bytes text, wish *w)
{
    candor_json j;
    candor_json_token t;
    memset(w, 0, sizeof *w);
    candor_json_init(&j, text, 2);
    if (candor_json_next(&j, &t) != CANDOR_JSON_OBJECT) return false;
    while (candor_json_next(&j, &t) == CANDOR_JSON_KEY) {
        candor_bytes key = t.raw;
        bool ok = false;
        if (candor_json_next(&j, &t) != CANDOR_JSON_STRING) return false;
        if (candor_bytes_eq(key, CANDOR_LIT("user_id")))
            ok = take_text(t.raw, w->user, sizeof w->user);
        if (candor_bytes_eq(key, CANDOR_LIT("machine_id")))
            ok = take_text(t.raw, w->machine, sizeof w->machine);
        if (candor_bytes_eq(key, CANDOR_LIT("app"))) ok = take_text(t.raw, w->app, sizeof w->app);
        if (!ok) return false;
    }
    return t.type == CANDOR_JSON_OBJECT_END && candor_json_next(&j, &t) == CANDOR_JSON_END;
}

candor_status candor_erase_parse(candor_server *s, candor_bytes text, candor_erase_job **out,
                                 candor_err *err)
{
    wish w;
    *out = NULL;
    if (!parse_wish(text, &w))
        return candor_fail(err, CANDOR_INVALID, 0, "erase",
                           "the body is not {\"user_id\": \"...\"} or {\"machine_id\": \"...\"}, "
                           "with \"app\" or without; texts are 1 to %d bytes",
                           CANDOR_BASE_ID_MAX);
    return candor_erase_new(s, candor_bytes_str(w.user), candor_bytes_str(w.machine),
                            candor_bytes_str(w.app), out, err);
}
