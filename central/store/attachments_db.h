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
    X(find, "SELECT sha256,app FROM attachment WHERE event_id=?1 AND field=?2")                    \
    X(add, "INSERT INTO attachment(event_id,field,sha256,size,received,app,body) "                 \
           "VALUES(?1,?2,?3,?4,?5,?6,?7)")                                                         \
    X(list, "SELECT field,sha256,size,received,app FROM attachment WHERE event_id=?1 "             \
            "ORDER BY field")                                                                      \
    X(get, "SELECT sha256,size,app,body FROM attachment WHERE event_id=?1 AND field=?2")           \
    X(erase, "DELETE FROM attachment WHERE event_id=?1")                                           \
    X(purge, "DELETE FROM attachment WHERE id IN (SELECT id FROM attachment "                      \
             "WHERE event_id<?1 ORDER BY event_id LIMIT ?2)")

typedef struct candor_attachment_db {
    sqlite3 *db, *events;
    struct {
        CANDOR_ATTACHMENT_SQL(CANDOR_WRITER_STMT)
    } q;
    sqlite3_stmt *event_app; /* of events */
    candor_buf packed;
    int64_t retention_days, purged_day; /* purged_day: cutoff day already cleared */
    bool purging;                       /* something was deleted and is still in the log */
    const atomic_bool *space_low;
    candor_metrics *metrics;
} candor_attachment_db;

CANDOR_CHECK candor_status candor_attachment_db_open(candor_attachment_db *d,
                                                     const candor_attachments_settings *s,
                                                     candor_err *err);
void candor_attachment_db_close(candor_attachment_db *d); /* also after a failed open */
/* One transaction for the puts of the list, linked by task.next; sets result. On failure none is
 * stored. */
CANDOR_CHECK candor_status candor_attachment_db_put(candor_attachment_db *d, candor_task *jobs,
                                                    candor_err *err);
/* A list, a get or an erasure. */
CANDOR_CHECK candor_status candor_attachment_db_read(candor_attachment_db *d,
                                                     candor_attachment_job *j, candor_err *err);
/* One small step of retention, or of giving pages back; *more: another is due. */
CANDOR_CHECK candor_status candor_attachment_db_rest(candor_attachment_db *d, int64_t now_ms,
                                                     bool *more, candor_err *err);

#endif
