#include "client/batch.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/digest.h"
#include "base/gzip.h"
#include "base/json.h"
#include "contract/envelope.h"

#define HOUR_MS 3600000

void candor_batch_deinit(candor_batch *b)
{
    candor_buf_free(&b->lines);
    candor_buf_free(&b->gz);
    free(b->counts);
    memset(b, 0, sizeof *b);
}

static void reset(candor_batch *b)
{
    candor_buf_clear(&b->lines);
    candor_buf_clear(&b->gz);
    memset(&b->row, 0, sizeof b->row);
    b->n_counts = 0;
    b->damaged = 0;
    b->lost = b->has_segment = false;
    b->to = 0;
}

static candor_status count(candor_batch *b, int64_t ts_ms, candor_bytes type)
{
    int64_t hour = ts_ms / HOUR_MS;
    for (size_t i = b->n_counts; i-- > 0;) {
        if (b->counts[i].hour == hour && candor_bytes_eq(b->counts[i].type, type)) {
            b->counts[i].n++;
            return CANDOR_OK;
        }
    }
    if (b->n_counts == b->cap_counts) {
        size_t cap = b->cap_counts != 0 ? b->cap_counts * 2 : 32;
        candor_hour_count *more = realloc(b->counts, cap * sizeof *more);
        if (more == NULL) return CANDOR_NOMEM;
        b->counts = more;
        b->cap_counts = cap;
    }
    b->counts[b->n_counts++] = (candor_hour_count){hour, type, 1};
    return CANDOR_OK;
}

static candor_status name_batch(candor_batch *b, candor_err *err)
{
    unsigned char random[10], id[16];
    if (candor_random(random, sizeof random) != CANDOR_OK)
        return candor_fail(err, CANDOR_CRYPTO, 0, "batch", "no random bytes");
    b->row.created_ms = candor_clock_unix_ms();
    candor_uuid7_make((uint64_t)b->row.created_ms, random, id);
    candor_uuid_format(id, b->row.id);
    b->row.id[CANDOR_UUID_TEXT] = '\0';
    return CANDOR_OK;
}

static candor_status compress(candor_batch *b, int gzip_level, candor_err *err)
{
    char segment[CANDOR_UUID_TEXT + 1] = "";
    candor_uuid_format(b->segment_id, segment);
    (void)snprintf(b->comment, sizeof b->comment,
                   "candor/1 schema=%s events=%llu segment=%s to=%llu", b->row.schema_hash,
                   (unsigned long long)b->row.events, segment, (unsigned long long)b->to);
    candor_status st =
        candor_gzip(candor_buf_bytes(&b->lines), gzip_level, b->comment, &b->gz, err);
    b->row.bytes = b->gz.n;
    return st;
}

/* Append the record as a line. CANDOR_FULL: it belongs into the next batch. */
static candor_status add_record(candor_batch *b, const candor_segment *s, const candor_record *r)
{
    size_t before = b->lines.n;
    candor_status st = candor_event_write(r->id, r->type, r->ts_ms, s->info.context_json,
                                          r->correlation_id, r->payload, &b->lines);
    if (st == CANDOR_OK && b->lines.n > CANDOR_BATCH_BYTES_MAX && b->row.events != 0) {
        b->lines.n = before;
        return CANDOR_FULL;
    }
    if (st == CANDOR_OK) st = count(b, r->ts_ms, r->type);
    if (st == CANDOR_OK) b->row.events++;
    return st;
}

/* Count the record when it is rolled up, else append it as a line. CANDOR_FULL: it belongs into the
 * next batch. */
static candor_status take_record(candor_batch *b, const candor_segment *s, const candor_record *r)
{
    const candor_event_def *e = b->rollup != NULL ? candor_rollup_source(b->rollup, r->type) : NULL;
    return e != NULL ? candor_rollup_count(b->rollup, e, b->to, r) : add_record(b, s, r);
}

static candor_status collect(candor_batch *b, const candor_segment *s, size_t limit)
{
    candor_record r;
    candor_status st = CANDOR_OK;
    while (b->row.events < CANDOR_BATCH_EVENTS_MAX) {
        candor_read got = candor_segment_read(s, (size_t)b->to, limit, &r);
        if (got == CANDOR_READ_END) break;
        if (got == CANDOR_READ_LOST) {
            b->lost = true;
            b->damaged++;
            break;
        }
        if (got == CANDOR_READ_BAD)
            b->damaged++;
        else
            st = take_record(b, s, &r);
        if (st != CANDOR_OK) break;
        b->to = r.next;
    }
    return st == CANDOR_FULL ? CANDOR_OK : st;
}

candor_status candor_batch_build(candor_batch *b, const candor_segment *s, uint64_t at,
                                 size_t limit, int gzip_level, candor_err *err)
{
    reset(b);
    memcpy(b->segment_id, s->info.id, 16);
    b->has_segment = true;
    b->to = at;
    candor_status st = collect(b, s, limit);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "batch", "cannot write an event line");
    if (b->row.events == 0) return CANDOR_OK;
    memcpy(b->row.schema_hash, s->info.schema_hash, 64);
    b->row.schema_hash[64] = '\0';
    st = name_batch(b, err);
    if (st == CANDOR_OK && gzip_level != 0) st = compress(b, gzip_level, err);
    return st;
}

/* --- adopt ----------------------------------------------------------------------------------- */

static const char *comment_value(const char *comment, const char *key, size_t *n)
{
    const char *at = strstr(comment, key);
    if (at == NULL) return NULL;
    at += strlen(key);
    *n = strcspn(at, " ");
    return at;
}

static void read_comment(candor_batch *b, const char *comment)
{
    size_t n = 0;
    unsigned char raw[32];
    const char *hash = comment_value(comment, " schema=", &n);
    if (hash != NULL && n == 64 && candor_hex_decode(candor_bytes_of(hash, 64), raw, 32))
        memcpy(b->row.schema_hash, hash, 64);
    const char *segment = comment_value(comment, " segment=", &n);
    b->has_segment =
        segment != NULL && candor_uuid_parse(candor_bytes_of(segment, n), b->segment_id);
    const char *to = comment_value(comment, " to=", &n);
    if (to != NULL) b->to = strtoull(to, NULL, 10);
}

static candor_status count_line(candor_batch *b, candor_bytes line)
{
    candor_json j;
    candor_json_token t;
    candor_bytes type = {0};
    int64_t ts_ms = 0;
    bool timed = false;
    candor_json_init(&j, line, CANDOR_JSON_EVENT_DEPTH);
    if (candor_json_next(&j, &t) != CANDOR_JSON_OBJECT) return CANDOR_CORRUPT;
    while (candor_json_next(&j, &t) == CANDOR_JSON_KEY) {
        bool is_type = candor_bytes_eq(t.raw, CANDOR_LIT("event_type"));
        bool is_time = candor_bytes_eq(t.raw, CANDOR_LIT("timestamp"));
        (void)candor_json_next(&j, &t);
        if (is_type && t.type == CANDOR_JSON_STRING) type = t.raw;
        if (is_time && t.type == CANDOR_JSON_STRING) timed = candor_time_parse(t.raw, &ts_ms);
        if (!candor_json_skip(&j, &t, NULL)) return CANDOR_CORRUPT;
    }
    if (j.error != NULL || type.n == 0 || !timed) return CANDOR_CORRUPT;
    b->row.events++;
    return count(b, ts_ms, type);
}

static candor_status adopt_name(candor_batch *b, const char *id, uint64_t bytes, candor_err *err)
{
    unsigned char raw[16];
    reset(b);
    if (!candor_uuid_parse(candor_bytes_str(id), raw))
        return candor_fail(err, CANDOR_CORRUPT, 0, "spool", "a file whose name is no batch id");
    memcpy(b->row.id, id, CANDOR_UUID_TEXT + 1);
    b->row.created_ms = (int64_t)candor_uuid7_ms(raw);
    b->row.bytes = bytes;
    return CANDOR_OK;
}

candor_status candor_batch_adopt_comment(candor_batch *b, const char *id, candor_bytes comment,
                                         uint64_t bytes, candor_err *err)
{
    char text[CANDOR_BATCH_COMMENT_MAX];
    size_t n = 0;
    if (comment.n >= sizeof text)
        return candor_fail(err, CANDOR_CORRUPT, 0, "spool", "a comment that is too long");
    memcpy(text, comment.p, comment.n);
    text[comment.n] = '\0';
    candor_status st = adopt_name(b, id, bytes, err);
    if (st != CANDOR_OK) return st;
    read_comment(b, text);
    const char *events = comment_value(text, " events=", &n);
    b->row.events = events != NULL ? strtoull(events, NULL, 10) : 0;
    if (b->row.events == 0 || b->row.events > CANDOR_BATCH_EVENTS_MAX)
        return candor_fail(err, CANDOR_CORRUPT, 0, "spool", "a comment of no batch");
    return CANDOR_OK;
}

candor_status candor_batch_adopt(candor_batch *b, const char *id, candor_bytes gz, candor_err *err)
{
    candor_status st = adopt_name(b, id, gz.n, err);
    b->comment[0] = '\0';
    if (st == CANDOR_OK)
        st = candor_gunzip(gz, CANDOR_BATCH_BYTES_MAX + CANDOR_EVENT_MAX, &b->lines, b->comment,
                           sizeof b->comment, err);
    if (st != CANDOR_OK) return st;
    read_comment(b, b->comment);
    const char *p = b->lines.p, *end = p + b->lines.n;
    while (st == CANDOR_OK && p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        if (nl == NULL) return candor_fail(err, CANDOR_CORRUPT, 0, "spool", "a torn event line");
        st = count_line(b, candor_bytes_of(p, (size_t)(nl - p)));
        p = nl + 1;
    }
    if (st == CANDOR_CORRUPT)
        return candor_fail(err, CANDOR_CORRUPT, 0, "spool", "a line that is no event");
    return st;
}
