/* The database of attachments: what its thread does with it. Layer: central. Threads: the store's
 * own. */
#ifndef CANDOR_CENTRAL_ATTACHMENTS_DB_H
#define CANDOR_CENTRAL_ATTACHMENTS_DB_H

#include "central/store/attachments.h"
#include "central/store/sqlite_internal.h"

#define CANDOR_ATTACHMENT_SQL(X)                                                                   \
    X(begin, "BEGIN IMMEDIATE")                                                                    \
    X(commit, "COMMIT")                                                                            \
    X(rollback, "ROLLBACK")                                                                        \
    X(find, "SELECT sha256,app,size FROM attachment WHERE event_id=?1 AND field=?2")               \
    X(add, "INSERT INTO attachment(event_id,field,sha256,size,received,app,body) "                 \
           "VALUES(?1,?2,?3,?4,?5,?6,?7)")                                                         \
    X(list, "SELECT field,sha256,size,received,app FROM attachment WHERE event_id=?1 "             \
            "ORDER BY field")                                                                      \
    X(get, "SELECT sha256,size,app,body FROM attachment WHERE event_id=?1 AND field=?2")           \
    X(erase, "DELETE FROM attachment WHERE event_id=?1")                                           \
    X(purge, "DELETE FROM attachment WHERE id IN (SELECT id FROM attachment "                      \
             "WHERE event_id<?1 ORDER BY event_id LIMIT ?2)")                                      \
    X(part_find, "SELECT id,size,app FROM partial WHERE event_id=?1 AND field=?2 AND sha256=?3")   \
    X(part_add, "INSERT INTO partial(event_id,field,sha256,size,touched,app) "                     \
                "VALUES(?1,?2,?3,0,?4,?5)")                                                        \
    X(part_grow, "UPDATE partial SET size=size+?2,touched=?3 WHERE id=?1")                         \
    X(part_oldest, "SELECT id FROM partial WHERE id<>?1 ORDER BY touched,id LIMIT 1")              \
    X(part_sum, "SELECT count(*),coalesce(sum(size),0) FROM partial")                              \
    X(part_drop, "DELETE FROM partial WHERE id=?1")                                                \
    X(part_drop_text, "DELETE FROM partial WHERE event_id=?1 AND field=?2")                        \
    X(part_drop_event, "DELETE FROM partial WHERE event_id=?1")                                    \
    X(part_expire, "DELETE FROM partial WHERE touched<?1 OR event_id<?2")                          \
    X(piece_add, "INSERT INTO piece(partial,at,size,body) VALUES(?1,?2,?3,?4)")                    \
    X(piece_all, "SELECT size,body FROM piece WHERE partial=?1 ORDER BY at")

typedef struct candor_attachment_db {
    sqlite3 *db, *events;
    struct {
        CANDOR_ATTACHMENT_SQL(CANDOR_WRITER_STMT)
    } q;
    sqlite3_stmt *event_app; /* of events */
    candor_buf packed;
    int64_t retention_days, purged_day; /* purged_day: cutoff day already cleared */
    bool purging;                       /* something was deleted and is still in the log */
    uint64_t partial_bytes;
    int64_t partial_age_ms;
    uint64_t appended, dropped[CANDOR_PARTIAL_DROP_COUNT]; /* in this transaction */
    const atomic_bool *space_low;
    candor_metrics *metrics;
} candor_attachment_db;

CANDOR_CHECK candor_status candor_attachment_db_open(candor_attachment_db *d,
                                                     const candor_attachments_settings *s,
                                                     candor_err *err);
void candor_attachment_db_close(candor_attachment_db *d); /* also after a failed open */
/* One transaction for the puts and appends of the list, linked by task.next; sets result. On
 * failure none is stored. */
CANDOR_CHECK candor_status candor_attachment_db_put(candor_attachment_db *d, candor_task *jobs,
                                                    candor_err *err);
/* A list, a get, an offset or an erasure. */
CANDOR_CHECK candor_status candor_attachment_db_read(candor_attachment_db *d,
                                                     candor_attachment_job *j, candor_err *err);
/* One small step of retention, or of giving pages back; *more: another is due. */
CANDOR_CHECK candor_status candor_attachment_db_rest(candor_attachment_db *d, int64_t now_ms,
                                                     bool *more, candor_err *err);

/* --- shared by attachments_db.c and attachments_partial.c, within a transaction --- */
/* Whether the whole text of this event and field is there; sets result if it is. */
CANDOR_CHECK candor_status candor_attachment_db_whole(candor_attachment_db *d,
                                                      candor_attachment_job *j, bool *found,
                                                      candor_err *err);
/* A whole text that is not there; the result may be another app's. */
CANDOR_CHECK candor_status candor_attachment_db_add(candor_attachment_db *d,
                                                    candor_attachment_job *j, candor_err *err);
/* The app of a stored event; empty when the event is not known, or its app's name was not kept. app
 * borrows from d->event_app, which the caller resets. */
CANDOR_CHECK candor_status candor_attachment_db_app(candor_attachment_db *d,
                                                    const unsigned char id[16], candor_bytes *app,
                                                    candor_err *err);
/* Whether a text of app is not for a token that is bound to that one. */
bool candor_attachment_foreign(candor_bytes app, const char *bound);

/* attachments_partial.c */
CANDOR_CHECK candor_status candor_partial_append(candor_attachment_db *d, candor_attachment_job *j,
                                                 candor_err *err);
CANDOR_CHECK candor_status candor_partial_offset(candor_attachment_db *d, candor_attachment_job *j,
                                                 candor_err *err);
/* A text of this event and field is whole: what there is of others goes. */
CANDOR_CHECK candor_status candor_partial_overtake(candor_attachment_db *d,
                                                   const candor_attachment_job *j, candor_err *err);
CANDOR_CHECK candor_status candor_partial_erase(candor_attachment_db *d, const unsigned char id[16],
                                                uint64_t *n, candor_err *err);
/* Those that have not grown for long, and those that retention would delete. */
CANDOR_CHECK candor_status candor_partial_expire(candor_attachment_db *d, int64_t now_ms,
                                                 candor_err *err);
/* After a transaction: what it dropped is counted, if it held, and the gauges are set. */
void candor_partial_settle(candor_attachment_db *d, bool held);

#endif
