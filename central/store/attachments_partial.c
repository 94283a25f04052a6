/* Texts of full content that are not whole yet: parts that are appended, and what becomes of them.
 */
#include "base/gzip.h"
#include "base/json.h"
#include "central/store/attachments_db.h"

#define LEVEL 6

typedef struct partial {
    int64_t id; /* 0: there is none */
    uint64_t size;
} partial;

/* --- going ---------------------------------------------------------------------------------- */

/* Runs a DELETE of partials, whose pieces a trigger deletes. Overwritten in the file at once, in
 * the log with the next rest. */
static candor_status drop(candor_attachment_db *d, sqlite3_stmt *s, candor_partial_drop why,
                          uint64_t *n, candor_err *err)
{
    candor_status st = candor_db_run(s, "drop a part of an attachment", err);
    *n = st == CANDOR_OK ? (uint64_t)sqlite3_changes(d->db) : 0;
    d->dropped[why] += *n;
    if (*n != 0) d->purging = true;
    return st;
}

static candor_status drop_one(candor_attachment_db *d, int64_t id, candor_partial_drop why,
                              candor_err *err)
{
    uint64_t n;
    sqlite3_bind_int64(d->q.part_drop, 1, id);
    return drop(d, d->q.part_drop, why, &n, err);
}

candor_status candor_partial_overtake(candor_attachment_db *d, const candor_attachment_job *j,
                                      candor_err *err)
{
    sqlite3_stmt *s = d->q.part_drop_text;
    uint64_t n;
    sqlite3_bind_blob(s, 1, j->event_id, sizeof j->event_id, SQLITE_STATIC);
    candor_db_bind_text(s, 2, candor_bytes_str(j->field));
    return drop(d, s, CANDOR_PARTIAL_DROP_OVERTAKEN, &n, err);
}

candor_status candor_partial_erase(candor_attachment_db *d, const unsigned char id[16], uint64_t *n,
                                   candor_err *err)
{
    uint64_t gone;
    candor_status st;
    sqlite3_bind_blob(d->q.part_drop_event, 1, id, 16, SQLITE_STATIC);
    st = drop(d, d->q.part_drop_event, CANDOR_PARTIAL_DROP_ERASED, &gone, err);
    *n += gone;
    return st;
}

candor_status candor_partial_expire(candor_attachment_db *d, int64_t now_ms, candor_err *err)
{
    unsigned char oldest[16] = {0};
    uint64_t n;
    if (d->retention_days != 0)
        candor_day_floor(now_ms / CANDOR_DAY_MS - d->retention_days, oldest);
    sqlite3_bind_int64(d->q.part_expire, 1, now_ms - d->partial_age_ms);
    sqlite3_bind_blob(d->q.part_expire, 2, oldest, sizeof oldest, SQLITE_STATIC);
    return drop(d, d->q.part_expire, CANDOR_PARTIAL_DROP_EXPIRED, &n, err);
}

static candor_status sums(candor_attachment_db *d, uint64_t *n, uint64_t *bytes, candor_err *err)
{
    sqlite3_stmt *s = d->q.part_sum;
    bool ok = sqlite3_step(s) == SQLITE_ROW;
    candor_status st = ok ? CANDOR_OK : candor_db_fail(d->db, "count the parts", err);
    *n = ok ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
    *bytes = ok ? (uint64_t)sqlite3_column_int64(s, 1) : 0;
    sqlite3_reset(s);
    return st;
}

/* Dropped is who was quiet longest: refusing new ones would let abandoned texts close the door for
 * a day, and who comes back to a dropped one is told to begin again. */
static candor_status make_room(candor_attachment_db *d, int64_t except, candor_err *err)
{
    uint64_t n, bytes;
    candor_status st = sums(d, &n, &bytes, err);
    while (st == CANDOR_OK && n > 1 && (n > CANDOR_PARTIALS_MAX || bytes > d->partial_bytes)) {
        sqlite3_stmt *s = d->q.part_oldest;
        int64_t oldest = 0;
        sqlite3_bind_int64(s, 1, except);
        if (sqlite3_step(s) == SQLITE_ROW) oldest = sqlite3_column_int64(s, 0);
        sqlite3_reset(s);
        st = drop_one(d, oldest, CANDOR_PARTIAL_DROP_ROOM, err);
        if (st == CANDOR_OK) st = sums(d, &n, &bytes, err);
    }
    return st;
}

void candor_partial_settle(candor_attachment_db *d, bool held)
{
    candor_err err = {0};
    uint64_t n, bytes;
    size_t i;
    if (d->metrics != NULL && sums(d, &n, &bytes, &err) == CANDOR_OK) {
        atomic_store(&d->metrics->partials, n);
        atomic_store(&d->metrics->partial_bytes, bytes);
    }
    held = held && d->metrics != NULL;
    for (i = 0; held && i < CANDOR_PARTIAL_DROP_COUNT; i++)
        candor_count(&d->metrics->partials_dropped[i], d->dropped[i]);
    if (held) candor_count(&d->metrics->attachment_parts, d->appended);
    memset(d->dropped, 0, sizeof d->dropped);
    d->appended = 0;
}

/* --- growing -------------------------------------------------------------------------------- */

/* What is there of the text of j; sets result when that is another app's. */
static candor_status find(candor_attachment_db *d, candor_attachment_job *j, partial *p,
                          candor_err *err)
{
    sqlite3_stmt *s = d->q.part_find;
    candor_status st = CANDOR_OK;
    int rc;
    *p = (partial){0};
    sqlite3_bind_blob(s, 1, j->event_id, sizeof j->event_id, SQLITE_STATIC);
    candor_db_bind_text(s, 2, candor_bytes_str(j->field));
    sqlite3_bind_blob(s, 3, j->sha256, sizeof j->sha256, SQLITE_STATIC);
    rc = sqlite3_step(s);
    j->result = CANDOR_ATTACHMENT_PARTIAL;
    if (rc == SQLITE_ROW) {
        *p = (partial){sqlite3_column_int64(s, 0), (uint64_t)sqlite3_column_int64(s, 1)};
        if (candor_attachment_foreign(candor_db_column(s, 2), j->app))
            j->result = CANDOR_ATTACHMENT_OTHER_APP;
    } else if (rc != SQLITE_DONE) {
        st = candor_db_fail(d->db, "find a part of an attachment", err);
    }
    sqlite3_reset(s);
    return st;
}

static candor_status begin(candor_attachment_db *d, candor_attachment_job *j, partial *p,
                           candor_err *err)
{
    sqlite3_stmt *s = d->q.part_add;
    candor_bytes app;
    candor_status st = candor_attachment_db_app(d, j->event_id, &app, err);
    if (st == CANDOR_OK && candor_attachment_foreign(app, j->app)) {
        j->result = CANDOR_ATTACHMENT_OTHER_APP;
    } else if (st == CANDOR_OK) {
        sqlite3_bind_blob(s, 1, j->event_id, sizeof j->event_id, SQLITE_STATIC);
        candor_db_bind_text(s, 2, candor_bytes_str(j->field));
        sqlite3_bind_blob(s, 3, j->sha256, sizeof j->sha256, SQLITE_STATIC);
        sqlite3_bind_int64(s, 4, j->received_ms);
        candor_db_bind_text(s, 5, *j->app != '\0' ? candor_bytes_str(j->app) : app);
        st = candor_db_run(s, "begin an attachment", err);
        p->id = sqlite3_last_insert_rowid(d->db);
    }
    sqlite3_reset(d->event_app);
    return st;
}

static candor_status grow(candor_attachment_db *d, const candor_attachment_job *j, partial *p,
                          candor_err *err)
{
    candor_status st;
    if (j->text.n == 0) return CANDOR_OK;
    candor_buf_clear(&d->packed);
    st = candor_gzip(candor_buf_bytes(&j->text), LEVEL, NULL, &d->packed, err);
    if (st != CANDOR_OK) return st;
    sqlite3_bind_int64(d->q.piece_add, 1, p->id);
    sqlite3_bind_int64(d->q.piece_add, 2, (int64_t)p->size);
    sqlite3_bind_int64(d->q.piece_add, 3, (int64_t)j->text.n);
    sqlite3_bind_blob64(d->q.piece_add, 4, d->packed.p, d->packed.n, SQLITE_STATIC);
    st = candor_db_run(d->q.piece_add, "store a part of an attachment", err);
    if (st != CANDOR_OK) return st;
    sqlite3_bind_int64(d->q.part_grow, 1, p->id);
    sqlite3_bind_int64(d->q.part_grow, 2, (int64_t)j->text.n);
    sqlite3_bind_int64(d->q.part_grow, 3, j->received_ms);
    p->size += j->text.n;
    return candor_db_run(d->q.part_grow, "store a part of an attachment", err);
}

/* --- whole ---------------------------------------------------------------------------------- */

static candor_status gather(candor_attachment_db *d, const partial *p, candor_buf *out,
                            candor_err *err)
{
    sqlite3_stmt *s = d->q.piece_all;
    candor_status st = CANDOR_OK;
    int rc = SQLITE_ROW;
    sqlite3_bind_int64(s, 1, p->id);
    while (st == CANDOR_OK && (rc = sqlite3_step(s)) == SQLITE_ROW)
        st = candor_gunzip(candor_db_column(s, 1), (size_t)sqlite3_column_int64(s, 0), out, NULL, 0,
                           err);
    if (st == CANDOR_OK && rc != SQLITE_DONE) st = candor_db_fail(d->db, "read the parts", err);
    if (st == CANDOR_OK && out->n != p->size)
        st = candor_fail(err, CANDOR_CORRUPT, 0, "read the parts", "they are not all there");
    sqlite3_reset(s);
    return st;
}

static candor_status judge(candor_attachment_job *j, candor_err *err)
{
    unsigned char digest[CANDOR_SHA256_SIZE];
    candor_status st = candor_sha256(candor_buf_bytes(&j->text), digest);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "complete an attachment", NULL);
    j->result = CANDOR_ATTACHMENT_DONE;
    if (!candor_utf8_ok(candor_buf_bytes(&j->text))) j->result = CANDOR_ATTACHMENT_BAD_TEXT;
    if (memcmp(digest, j->sha256, sizeof digest) != 0) j->result = CANDOR_ATTACHMENT_BAD_DIGEST;
    return CANDOR_OK;
}

/* From here on it is a text like one that came at once; its parts go, whatever becomes of it. */
static candor_status complete(candor_attachment_db *d, candor_attachment_job *j, const partial *p,
                              candor_err *err)
{
    candor_status st;
    candor_buf whole = {0};
    st = gather(d, p, &whole, err);
    candor_buf_free(&j->text);
    j->text = whole;
    if (st == CANDOR_OK) st = judge(j, err);
    if (st == CANDOR_OK) st = drop_one(d, p->id, CANDOR_PARTIAL_DROP_REFUSED, err);
    if (st == CANDOR_OK && j->result == CANDOR_ATTACHMENT_DONE)
        st = candor_attachment_db_add(d, j, err);
    if (st == CANDOR_OK && j->result == CANDOR_ATTACHMENT_DONE) /* not dropped: it is whole */
        d->dropped[CANDOR_PARTIAL_DROP_REFUSED]--;
    return st;
}

candor_status candor_partial_append(candor_attachment_db *d, candor_attachment_job *j,
                                    candor_err *err)
{
    partial p;
    bool found;
    candor_status st = candor_attachment_db_whole(d, j, &found, err);
    if (st != CANDOR_OK || found) return st;
    st = candor_partial_expire(d, j->received_ms, err);
    if (st == CANDOR_OK) st = find(d, j, &p, err);
    if (st != CANDOR_OK || j->result != CANDOR_ATTACHMENT_PARTIAL) return st;
    if (j->offset != p.size) {
        j->result = CANDOR_ATTACHMENT_MISPLACED;
        j->offset = p.size;
        return CANDOR_OK;
    }
    if (p.id == 0) st = begin(d, j, &p, err);
    if (st != CANDOR_OK || j->result != CANDOR_ATTACHMENT_PARTIAL) return st;
    st = grow(d, j, &p, err);
    d->appended++;
    j->offset = p.size;
    if (st != CANDOR_OK) return st;
    return j->last ? complete(d, j, &p, err) : make_room(d, p.id, err);
}

candor_status candor_partial_offset(candor_attachment_db *d, candor_attachment_job *j,
                                    candor_err *err)
{
    partial p;
    bool found;
    candor_status st = candor_attachment_db_whole(d, j, &found, err);
    if (st != CANDOR_OK || found) return st;
    st = candor_partial_expire(d, j->received_ms, err);
    candor_partial_settle(d, st == CANDOR_OK);
    if (st == CANDOR_OK) st = find(d, j, &p, err);
    if (st == CANDOR_OK) j->offset = p.size;
    return st;
}
