#include "central/ingest.h"

#include <stdlib.h>

#include "base/uuid.h"
#include "central/ingest_body.h"
#include "central/media.h"
#include "central/respond.h"

#define KEEP_INFLATED ((size_t)1024 * 1024) /* a larger buffer is given back after its request */
#define POOL_MAX      64
#define FULL_MS       10 /* after the store was full, uploads are refused unread for so long */

/* --- life ----------------------------------------------------------------------------------- */

candor_status candor_ingest_key(const unsigned char pepper[32], const char *use, candor_hmac **out)
{
    unsigned char key[CANDOR_SHA256_SIZE];
    candor_hmac *h = NULL;
    candor_status st = candor_hmac_new(candor_bytes_of((const char *)pepper, 32), &h);
    if (st == CANDOR_OK) st = candor_hmac_run(h, candor_bytes_str(use), key);
    if (st == CANDOR_OK) st = candor_hmac_new(candor_bytes_of((const char *)key, sizeof key), out);
    candor_hmac_free(h);
    return st;
}

static bool redact_off(void)
{
#ifdef CANDOR_TEST_HOOKS
    const char *v = getenv("CANDOR_TEST_REDACT_OFF");
    return v != NULL && strcmp(v, "1") == 0;
#else
    return false;
#endif
}

candor_status candor_ingest_new(candor_server *s, candor_ingest **out, candor_err *err)
{
    candor_ingest *g = calloc(1, sizeof *g);
    candor_status st = g != NULL ? CANDOR_OK : CANDOR_NOMEM;
    *out = NULL;
    if (st == CANDOR_OK) st = candor_ingest_key(s->pepper, "hash field", &g->hash_key);
    if (st == CANDOR_OK) st = candor_ingest_key(s->pepper, CANDOR_INGEST_MACHINE, &g->machine_key);
    if (st == CANDOR_OK) st = candor_ingest_key(s->pepper, "rate limit", &g->limit_key);
    if (st == CANDOR_OK) st = candor_ingest_key(s->pepper, "otlp session", &g->session_key);
    if (st == CANDOR_OK) st = candor_inflater_new(&g->inflater);
    if (st == CANDOR_OK) st = candor_context_cache_new(g->machine_key, &g->contexts);
    if (st != CANDOR_OK) {
        candor_ingest_free(g);
        return candor_fail(err, st, 0, "ingest", NULL);
    }
    g->server = s;
    candor_sanitiser_init(&g->sanitiser, s->schema, g->hash_key, CANDOR_AT_COLLECTOR);
    g->sanitiser.redact_off = redact_off();
    *out = g;
    return CANDOR_OK;
}

static void request_free(candor_ingest_request *r)
{
    candor_batch_free(&r->batch);
    free(r->status);
    free(r);
}

void candor_ingest_free(candor_ingest *g)
{
    if (g == NULL) return;
    while (g->pool != NULL) {
        candor_ingest_request *next = g->pool->next;
        request_free(g->pool);
        g->pool = next;
    }
    if (g->server != NULL) candor_sanitiser_deinit(&g->sanitiser);
    candor_context_cache_free(g->contexts);
    candor_inflater_free(g->inflater);
    candor_buf_free(&g->inflated);
    candor_hmac_free(g->hash_key);
    candor_hmac_free(g->machine_key);
    candor_hmac_free(g->limit_key);
    candor_hmac_free(g->session_key);
    free(g);
}

static candor_ingest_request *request_take(candor_ingest *g)
{
    candor_ingest_request *r = g->pool;
    if (r == NULL) return calloc(1, sizeof *r);
    g->pool = r->next;
    g->pooled--;
    candor_batch_clear(&r->batch);
    r->n = 0;
    r->left_out = 0;
    *r->package_id = '\0';
    memset(&r->tally, 0, sizeof r->tally);
    return r;
}

static void request_give(candor_ingest *g, candor_ingest_request *r)
{
    if (g->pooled >= POOL_MAX || candor_batch_bytes(&r->batch) > KEEP_INFLATED) {
        request_free(r);
        return;
    }
    r->next = g->pool;
    g->pool = r;
    g->pooled++;
}

/* --- head ----------------------------------------------------------------------------------- */

static bool is_ndjson(const candor_head *h)
{
    return candor_media_is(h->content_type, "application/x-ndjson");
}

bool candor_ingest_encoding_ok(candor_conn *c)
{
    candor_bytes coding = c->head.content_encoding;
    if (coding.n == 0 || candor_word_is(coding, "gzip") || candor_word_is(coding, "identity"))
        return true;
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_CONTENT_ENCODING,
                        "Content-Encoding is neither gzip nor absent");
    return false;
}

static bool types_ok(candor_conn *c)
{
    const candor_head *h = &c->head;
    if (h->content_type.n == 0 ||
        (!is_ndjson(h) && !candor_media_is(h->content_type, "application/json"))) {
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_CONTENT_TYPE,
                            "Content-Type is neither application/json (an array or one "
                            "event) nor application/x-ndjson (an event a line)");
        return false;
    }
    if (!candor_ingest_encoding_ok(c)) return false;
    if (h->batch_id.p != NULL) {
        unsigned char id[16];
        if (!candor_uuid_parse(h->batch_id, id)) {
            candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_HEADER,
                                "Candor-Batch-Id is not a UUID");
            return false;
        }
    }
    return true;
}

/* Seconds to wait for a place in the bucket of this token and that part; 0: taken. */
static unsigned take_rate(candor_conn *c, candor_ratelimit *limit, candor_bytes part)
{
    unsigned char digest[CANDOR_SHA256_SIZE];
    char text[8 + CANDOR_BASE_ID_MAX];
    candor_buf b;
    candor_buf_init_fixed(&b, text, sizeof text);
    candor_buf_put(&b, c->principal.key, sizeof c->principal.key);
    candor_buf_put_bytes(&b, part);
    if (candor_hmac_run(c->loop->ingest->limit_key, candor_buf_bytes(&b), digest) != CANDOR_OK)
        return 0;
    return candor_ratelimit_take(limit, candor_get_u64(digest), candor_clock_mono_ns() / 1000000);
}

/* By token and machine, and more generously by token and address, as the client may name another
 * machine each time. Without a machine, by token and address alone. Of the address there is a keyed
 * fingerprint that lives in memory only. */
static bool within_rate(candor_conn *c, candor_ratelimit *limit, candor_ratelimit *peer_limit)
{
    const candor_bytes peer = candor_bytes_of((const char *)&c->peer, sizeof c->peer);
    bool named = c->head.machine_id.n != 0;
    const char *whom = "machine";
    unsigned wait_s;
    if (c->head.machine_id.n > CANDOR_BASE_ID_MAX) {
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BAD_HEADER,
                            "Candor-Machine-Id is longer than %d bytes", CANDOR_BASE_ID_MAX);
        return false;
    }
    wait_s = take_rate(c, limit, named ? c->head.machine_id : peer);
    if (wait_s == 0 && named) {
        wait_s = take_rate(c, peer_limit, peer);
        whom = "address";
    }
    if (wait_s == 0) return true;
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_RATE_LIMITED,
                        "too many uploads a minute from this %s; come back in %u s", whom, wait_s);
    c->reply.retry_after_s = wait_s;
    return false;
}

bool candor_ingest_admit(candor_conn *c, candor_ratelimit *limit, candor_ratelimit *peer_limit)
{
    if (atomic_load(&c->loop->server->disk_low)) {
        candor_reply_refuse(&c->reply, CANDOR_PROBLEM_DISK_FULL,
                            "the collector's disk is nearly full; keep the batch and "
                            "try again later");
        c->reply.retry_after_s = 60;
        return false;
    }
    return within_rate(c, limit, peer_limit);
}

static void refuse_busy(candor_conn *c, candor_shed why)
{
    candor_count(&c->loop->server->metrics.shed[why], 1);
    candor_reply_refuse(&c->reply, CANDOR_PROBLEM_BUSY,
                        "the store cannot keep up; keep the batch and try again");
    c->reply.retry_after_s = 1;
}

/* Parsing what the store will not take costs the processor time that it lacks to catch up. */
static bool store_takes(candor_conn *c)
{
    if (candor_clock_mono_ns() >= atomic_load(&c->loop->server->full_until_ns)) return true;
    refuse_busy(c, CANDOR_SHED_UNREAD);
    return false;
}

bool candor_ingest_begin(candor_conn *c)
{
    candor_server *s = c->loop->server;
    return types_ok(c) && store_takes(c) && candor_ingest_admit(c, s->limit, s->peer_limit);
}

/* --- request -------------------------------------------------------------------------------- */

static void finish(candor_ingest_request *r)
{
    candor_conn *c = r->conn;
    candor_ingest *g = c->loop->ingest;
    r->answer(r, c);
    request_give(g, r);
    candor_conn_send(c);
}

static void back_on_loop(candor_task *t)
{
    finish((candor_ingest_request *)(void *)t); /* batch.task is the request's first member */
}

static void on_stored(candor_batch *b)
{
    candor_ingest_request *r = b->owner;
    b->task.run = back_on_loop;
    candor_mailbox_post(r->conn->loop->mail, &b->task);
}

static bool describe_batch(candor_ingest_request *r)
{
    const candor_conn *c = r->conn;
    candor_batch *b = &r->batch;
    /* A batch with a rejected event is not remembered: once the clock, the schema or the token is
     * mended, the same bytes sent again must bring that event. The others are known by their id. */
    b->has_id = r->n == b->n_rows && c->head.batch_id.p != NULL &&
                candor_uuid_parse(c->head.batch_id, b->id);
    if (!candor_time_parse(c->head.sent_at, &b->sent_ms)) b->sent_ms = 0;
    return !b->has_id || candor_sha256(candor_buf_bytes(&c->body), b->digest) == CANDOR_OK;
}

static bool read_events(candor_ingest_request *r)
{
    candor_conn *c = r->conn;
    bool gzip = candor_word_is(c->head.content_encoding, "gzip");
    if (!candor_ingest_parse(r, gzip, is_ndjson(&c->head))) return false;
    return describe_batch(r) || candor_ingest_no_memory(c);
}

candor_ingest_request *candor_ingest_request_new(candor_conn *c, candor_ingest_reader *read)
{
    candor_ingest_request *r = request_take(c->loop->ingest);
    if (r == NULL) {
        candor_ingest_no_memory(c);
        candor_conn_send(c);
        return NULL;
    }
    r->conn = c;
    r->read = read;
    r->answer = candor_ingest_reply;
    r->batch.received_ms = candor_clock_unix_ms();
    r->batch.owner = r;
    r->batch.done = on_stored;
    return r;
}

void candor_ingest_read(candor_ingest_request *r, candor_ingest *tools)
{
    r->tools = tools;
    tools->serial++;
    r->refused = !r->read(r);
    if (tools->inflated.cap > KEEP_INFLATED) candor_buf_free(&tools->inflated);
}

void candor_ingest_pass(candor_ingest_request *r)
{
    candor_conn *c = r->conn;
    candor_ingest *g = c->loop->ingest;
    candor_status st;
    if (r->refused) {
        request_give(g, r);
        candor_conn_send(c);
        return;
    }
    if (r->batch.n_rows == 0) {
        r->batch.status = CANDOR_OK;
        finish(r);
        return;
    }
    st = g->server->store->ops->submit(g->server->store, &r->batch);
    if (st == CANDOR_OK) return; /* on_stored goes on */
    atomic_store(&g->server->full_until_ns, candor_clock_mono_ns() + (uint64_t)FULL_MS * 1000000);
    refuse_busy(c, CANDOR_SHED_QUEUE);
    request_give(g, r);
    candor_conn_send(c);
}

void candor_ingest_submit(candor_conn *c, candor_ingest_reader *read)
{
    candor_ingest_request *r = candor_ingest_request_new(c, read);
    if (r == NULL) return;
    candor_ingest_read(r, c->loop->ingest);
    candor_ingest_pass(r);
}

void candor_ingest_run(candor_conn *c)
{
    candor_ingest_submit(c, read_events);
}
