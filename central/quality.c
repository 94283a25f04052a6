#include "central/quality.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/uuid.h"
#include "central/respond.h"

#define WAYS       8
#define SETS       (CANDOR_QUALITY_INSTALLS / WAYS)
#define REASON_MAX 32
#define HASH_TEXT  64

typedef struct seen_schema {
    char hash[HASH_TEXT];
    uint64_t uploads, events;
    int64_t first_ms, last_ms;
} seen_schema;

typedef struct install {
    uint64_t key, used; /* used: turn of its latest upload; 0: free */
    uint64_t n[CANDOR_QUALITY_REASONS];
} install;

struct candor_quality {
    candor_mutex *lock;
    int64_t since_ms;
    seen_schema schemas[CANDOR_QUALITY_SCHEMAS];
    size_t n_schemas;
    uint64_t other_schemas, unnamed_schemas; /* uploads */
    char reasons[CANDOR_QUALITY_REASONS][REASON_MAX + 1];
    size_t n_reasons;
    uint64_t turn, forgotten, unread; /* unread: reasons beyond the table */
    install installs[CANDOR_QUALITY_INSTALLS];
};

candor_status candor_quality_new(candor_quality **out)
{
    candor_quality *q = calloc(1, sizeof *q);
    candor_status st = CANDOR_NOMEM;
    *out = NULL;
    if (q != NULL) st = candor_mutex_new(&q->lock);
    if (st != CANDOR_OK) {
        free(q);
        return st;
    }
    q->since_ms = candor_clock_unix_ms();
    *out = q;
    return CANDOR_OK;
}

void candor_quality_free(candor_quality *q)
{
    if (q == NULL) return;
    candor_mutex_free(q->lock);
    free(q);
}

/* --- uploads -------------------------------------------------------------------------------- */

static void note_schema(candor_quality *q, candor_bytes hash, size_t events, int64_t now_ms)
{
    seen_schema *s;
    size_t i = 0;
    if (hash.n != HASH_TEXT || !candor_is_hex(hash)) {
        q->unnamed_schemas++;
        return;
    }
    while (i < q->n_schemas && memcmp(q->schemas[i].hash, hash.p, HASH_TEXT) != 0)
        i++;
    if (i == CANDOR_QUALITY_SCHEMAS) {
        q->other_schemas++;
        return;
    }
    s = &q->schemas[i];
    if (i == q->n_schemas) {
        memcpy(s->hash, hash.p, HASH_TEXT);
        s->first_ms = now_ms;
        q->n_schemas++;
    }
    s->uploads++;
    s->events += events;
    s->last_ms = now_ms;
}

bool candor_drops_take(candor_bytes *list, candor_bytes *reason, uint64_t *n)
{
    size_t i = 0, digits;
    while (i < list->n && ((list->p[i] >= 'a' && list->p[i] <= 'z') || list->p[i] == '_'))
        i++;
    *reason = candor_bytes_of(list->p, i);
    if (i == 0 || i > REASON_MAX || i == list->n || list->p[i] != '=') return false;
    *n = 0;
    for (digits = 0, i++; i < list->n && list->p[i] >= '0' && list->p[i] <= '9'; i++, digits++)
        *n = *n * 10 + (uint64_t)(list->p[i] - '0');
    if (digits == 0 || digits > 15 || (i < list->n && list->p[i] != ';')) return false;
    if (i < list->n) i++;
    *list = candor_bytes_of(list->p + i, list->n - i);
    return true;
}

/* SIZE_MAX: the table is full. */
static size_t reason_at(candor_quality *q, candor_bytes reason)
{
    size_t i = 0;
    while (i < q->n_reasons && !candor_bytes_eq(reason, candor_bytes_str(q->reasons[i])))
        i++;
    if (i < q->n_reasons) return i;
    if (i == CANDOR_QUALITY_REASONS) return SIZE_MAX;
    memcpy(q->reasons[i], reason.p, reason.n);
    q->n_reasons++;
    return i;
}

static install *find_install(candor_quality *q, uint64_t key)
{
    install *set = &q->installs[(size_t)(key % SETS) * WAYS], *oldest = set;
    size_t i;
    for (i = 0; i < WAYS; i++) {
        if (set[i].used != 0 && set[i].key == key) return &set[i];
        if (set[i].used < oldest->used) oldest = &set[i];
    }
    if (oldest->used != 0) q->forgotten++;
    memset(oldest, 0, sizeof *oldest);
    oldest->key = key;
    return oldest;
}

static void note_drops(candor_quality *q, candor_bytes drops, uint64_t key)
{
    install *one = find_install(q, key);
    candor_bytes reason;
    uint64_t n;
    one->used = ++q->turn;
    memset(one->n, 0, sizeof one->n);
    while (candor_drops_take(&drops, &reason, &n)) {
        size_t at = reason_at(q, reason);
        if (at == SIZE_MAX)
            q->unread++;
        else
            one->n[at] = n;
    }
}

/* Token and machine, as a number that says neither. */
static bool sender_key(const candor_conn *c, uint64_t *key)
{
    unsigned char digest[CANDOR_SHA256_SIZE];
    char storage[256];
    candor_buf b;
    candor_buf_init_fixed(&b, storage, sizeof storage);
    candor_buf_put(&b, c->principal.key, sizeof c->principal.key);
    candor_buf_put_bytes(&b, c->head.machine_id);
    if (b.failed || candor_sha256(candor_buf_bytes(&b), digest) != CANDOR_OK) return false;
    *key = candor_get_u64(digest);
    return true;
}

void candor_quality_note(candor_conn *c, size_t events)
{
    candor_quality *q = c->loop->server->quality;
    int64_t now_ms = candor_clock_unix_ms();
    uint64_t key = 0;
    bool drops;
    if (q == NULL) return; /* an import: nobody sends it */
    drops = c->head.drops.p != NULL && c->head.machine_id.n != 0 && sender_key(c, &key);
    candor_mutex_lock(q->lock);
    note_schema(q, c->head.schema_hash, events, now_ms);
    if (drops) note_drops(q, c->head.drops, key);
    candor_mutex_unlock(q->lock);
}

/* --- the answer ----------------------------------------------------------------------------- */

static void put_moment(candor_buf *b, const char *key, int64_t ms)
{
    char text[CANDOR_TIME_TEXT];
    candor_time_format(ms, text);
    candor_buf_putf(b, "\"%s\":\"%.*s\"", key, CANDOR_TIME_TEXT, text);
}

static void put_row(candor_buf *b, bool *first, const char *key, const char *name, uint64_t n)
{
    candor_buf_putf(b, "%s{\"%s\":\"%s\",\"count\":%llu}", *first ? "" : ",", key, name,
                    (unsigned long long)n);
    *first = false;
}

static void put_metrics(const candor_metrics *m, candor_buf *b)
{
    bool first = true;
    unsigned i;
    candor_buf_putf(b,
                    ",\"accepted\":%llu,\"duplicates\":%llu,\"batches\":%llu,"
                    "\"duplicate_batches\":%llu,\"rejected\":[",
                    (unsigned long long)candor_counted(&m->accepted),
                    (unsigned long long)candor_counted(&m->duplicates),
                    (unsigned long long)candor_counted(&m->batches),
                    (unsigned long long)candor_counted(&m->duplicate_batches));
    for (i = 1; i < CANDOR_REFUSE_COUNT; i++)
        if (candor_counted(&m->rejected[i]) != 0)
            put_row(b, &first, "reason", candor_refuse_name(i), candor_counted(&m->rejected[i]));
    candor_buf_put_bytes(b, CANDOR_LIT("],\"adjusted\":["));
    first = true;
    for (i = 0; i < CANDOR_ADJUST_COUNT; i++)
        if (candor_counted(&m->adjusted[i]) != 0)
            put_row(b, &first, "kind", candor_adjust_name((candor_adjust)i),
                    candor_counted(&m->adjusted[i]));
    candor_buf_put_c(b, ']');
}

static void put_schemas(const candor_quality *q, const char *ours, candor_buf *b)
{
    size_t i;
    candor_buf_put_bytes(b, CANDOR_LIT(",\"schemas\":["));
    for (i = 0; i < q->n_schemas; i++) {
        const seen_schema *s = &q->schemas[i];
        candor_buf_putf(b, "%s{\"hash\":\"%.*s\",\"match\":%s,\"uploads\":%llu,\"events\":%llu,",
                        i != 0 ? "," : "", HASH_TEXT, s->hash,
                        memcmp(s->hash, ours, HASH_TEXT) == 0 ? "true" : "false",
                        (unsigned long long)s->uploads, (unsigned long long)s->events);
        put_moment(b, "first", s->first_ms);
        candor_buf_put_c(b, ',');
        put_moment(b, "last", s->last_ms);
        candor_buf_put_c(b, '}');
    }
    candor_buf_putf(b, "],\"other_schemas\":%llu,\"unnamed_schemas\":%llu",
                    (unsigned long long)q->other_schemas, (unsigned long long)q->unnamed_schemas);
}

static void put_reported(const candor_quality *q, candor_buf *b)
{
    uint64_t sums[CANDOR_QUALITY_REASONS] = {0}, installs = 0;
    bool first = true;
    size_t i, k;
    for (i = 0; i < CANDOR_QUALITY_INSTALLS; i++) {
        if (q->installs[i].used == 0) continue;
        installs++;
        for (k = 0; k < q->n_reasons; k++)
            sums[k] += q->installs[i].n[k];
    }
    candor_buf_putf(b, ",\"reported\":{\"installs\":%llu,\"forgotten\":%llu,\"unread\":%llu,",
                    (unsigned long long)installs, (unsigned long long)q->forgotten,
                    (unsigned long long)q->unread);
    candor_buf_put_bytes(b, CANDOR_LIT("\"dropped\":["));
    for (k = 0; k < q->n_reasons; k++)
        if (sums[k] != 0) put_row(b, &first, "reason", q->reasons[k], sums[k]);
    candor_buf_put_bytes(b, CANDOR_LIT("]}}\n"));
}

void candor_quality_run(candor_conn *c)
{
    const candor_server *s = c->loop->server;
    candor_quality *q = s->quality;
    candor_buf *b = candor_reply_begin(&c->reply, 200, candor_type_json);
    c->reply.validate = true;
    candor_buf_put_c(b, '{');
    put_moment(b, "since", q->since_ms);
    put_metrics(&s->metrics, b);
    candor_buf_putf(b, ",\"schema\":{\"name\":");
    candor_json_put_string(b, candor_schema_name(s->schema));
    candor_buf_putf(b, ",\"version\":%u,\"hash\":\"%s\"}", candor_schema_version(s->schema),
                    candor_schema_hash(s->schema));
    candor_mutex_lock(q->lock);
    put_schemas(q, candor_schema_hash(s->schema), b);
    put_reported(q, b);
    candor_mutex_unlock(q->lock);
    candor_conn_send(c);
}
