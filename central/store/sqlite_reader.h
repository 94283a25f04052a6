/* The read side of the SQLite sink: one connection, its statements and what it remembers, a query
 * thread. */
#ifndef CANDOR_CENTRAL_SQLITE_READER_H
#define CANDOR_CENTRAL_SQLITE_READER_H

#include "central/store/sqlite_internal.h"

/* CROSS JOIN keeps r_hour innermost: its key is (type,app,hour). */
#define CANDOR_READER_SQL(X)                                                                       \
    X(events, "SELECT event_id,type,app,session,dt,corr,payload FROM ev "                          \
              "WHERE event_id>=?1 AND event_id<?2 ORDER BY event_id DESC")                         \
    X(errors, "SELECT event_id,type,app,session,dt,corr,payload FROM ev INDEXED BY ev_error "      \
              "WHERE type=1 AND event_id>=?1 AND event_id<?2 ORDER BY event_id DESC")              \
    X(session, "SELECT s.session_id,s.user_id,s.machine_id,a.text,v.text,p.text FROM session s "   \
               "JOIN dict a ON a.id=s.app JOIN dict v ON v.id=s.version "                          \
               "JOIN dict p ON p.id=s.platform WHERE s.id=?1")                                     \
    X(type, "SELECT name,category FROM type WHERE id=?1")                                          \
    X(types, "SELECT id FROM type WHERE (?1 IS NULL OR name=?1) AND (?2 IS NULL OR category=?2)")  \
    X(types_by_name, "SELECT id,name FROM type ORDER BY name")                                     \
    X(apps, "SELECT id FROM dict WHERE kind=1 AND (?1 IS NULL OR text=?1)")                        \
    X(latest_hour, "SELECT hour FROM r_hour WHERE type=?1 AND app=?2 AND hour<=?3 "                \
                   "ORDER BY hour DESC LIMIT 1")                                                   \
    X(gens, "SELECT day,gen FROM r_gen WHERE day>=?1 AND day<?2 ORDER BY day")                     \
    X(delta, "SELECT body FROM r_delta")                                                           \
    X(hours, "SELECT h.type,h.app,h.n FROM type t CROSS JOIN dict a CROSS JOIN r_hour h "          \
             "ON h.type=t.id AND h.app=a.id AND h.hour>=?1 AND h.hour<?2 WHERE a.kind=1")          \
    X(hour_rows, "SELECT h.type,h.app,h.n,h.hour FROM type t CROSS JOIN dict a CROSS JOIN "        \
                 "r_hour h ON h.type=t.id AND h.app=a.id AND h.hour>=?1 AND h.hour<?2 "            \
                 "WHERE a.kind=1")                                                                 \
    X(failed, "SELECT count(DISTINCT session) FROM ev INDEXED BY ev_error WHERE type=1 AND "       \
              "event_id>=?1 AND event_id<?2 AND (?3=0 OR app=?3)")                                 \
    X(matching, "SELECT id FROM session WHERE (?1 IS NULL OR session_id=?1) AND (?2 IS NULL OR "   \
                "user_id=?2) AND (?3 IS NULL OR machine_id=?3) AND (?4 IS NULL OR version IN "     \
                "(SELECT id FROM dict WHERE kind=2 AND text=?4)) ORDER BY id")                     \
    X(sessions, "SELECT s.id,s.session_id,s.user_id,s.machine_id,a.text,v.text,p.text,s.last_day " \
                "FROM session s CROSS JOIN dict a ON a.id=s.app CROSS JOIN dict v ON "             \
                "v.id=s.version CROSS JOIN dict p ON p.id=s.platform WHERE s.id<?1 "               \
                "ORDER BY s.id DESC")                                                              \
    X(lifecycle, "SELECT e.type,e.event_id,e.dt,e.payload FROM life l CROSS JOIN ev e ON "         \
                 "e.event_id=l.event_id WHERE l.session=?1")                                       \
    X(days, "SELECT type,app,n FROM r_day WHERE day>=?1 AND day<?2")                               \
    X(users, "SELECT day,app,n FROM r_users WHERE day>=?1 AND day<?2")                             \
    X(approvals, "SELECT app,model,decision,n FROM r_approval WHERE day>=?1 AND day<?2")           \
    X(versions, "SELECT app,version,what,n FROM r_version WHERE day>=?1 AND day<?2")               \
    X(error_days, "SELECT app,grp,day,n FROM r_error WHERE day>=?1 AND day<?2")                    \
    X(charts, "SELECT groups FROM r_chart WHERE type=?1 AND day>=?2 AND day<?3 "                   \
              "AND (?4=0 OR app=?4)")                                                              \
    X(dict, "SELECT text FROM dict WHERE id=?1")                                                   \
    X(word, "SELECT text FROM dict WHERE id=?1")                                                   \
    X(models, "SELECT id,text FROM dict WHERE kind=4 ORDER BY text")                               \
    X(decisions, "SELECT id,text FROM dict WHERE kind=5 ORDER BY text")
#define CANDOR_READER_STMT(name, sql) sqlite3_stmt *name;

/* A run of days whose sums are remembered as one: sig changes with any of them. */
typedef struct candor_unit {
    int64_t day, days;
    uint64_t sig;
} candor_unit;

/* A stat under way: its range, in numbers, and the units that the range is made of. */
typedef struct candor_stat_scan {
    candor_reader *r;
    int64_t hour0, hour1, day0, day1;
    int64_t app;      /* 0: all; -1: one that no event has */
    const char *type; /* of charts; NULL: all */
    candor_unit *units;
    size_t n_units;
    bool (*visit)(void *ctx, const candor_stat_row *row);
    void *ctx;
} candor_stat_scan;

/* --- sqlite_memo.c: sums of units ------------------------------------------------------------ */
typedef struct candor_memo candor_memo;
CANDOR_CHECK candor_status candor_memo_new(candor_memo **out);
void candor_memo_free(candor_memo *m); /* accepts NULL */
/* kind: a type's charts, or 0 for counts. False: not known, or no longer true. out lives until the
 * next put. */
bool candor_memo_get(candor_memo *m, int64_t kind, int64_t app, const candor_unit *u,
                     candor_bytes *out);
/* A failure only costs a later look-up. */
void candor_memo_put(candor_memo *m, int64_t kind, int64_t app, const candor_unit *u,
                     candor_bytes sums);
/* Cuts day0..day1 into units; s->units is the caller's to free. */
CANDOR_CHECK candor_status candor_units_load(candor_stat_scan *s, candor_err *err);

/* --- sqlite_chart_query.c -------------------------------------------------------------------- */
typedef struct candor_chart_sums candor_chart_sums;
CANDOR_CHECK candor_status candor_chart_sums_new(candor_chart_sums **out);
void candor_chart_sums_free(candor_chart_sums *c); /* accepts NULL */
CANDOR_CHECK candor_status candor_charts_query(candor_stat_scan *s, candor_err *err);

/* --- sqlite_query.c: the lowest id of that moment -------------------------------------------- */
void candor_id_floor(int64_t ms, unsigned char id[16]);

/* --- sqlite_session.c ------------------------------------------------------------------------ */
CANDOR_CHECK candor_status candor_life_open(candor_reader *r, candor_err *err);

struct candor_reader {
    sqlite3 *db;
    struct {
        CANDOR_READER_SQL(CANDOR_READER_STMT)
    } q;
    int64_t start_type, end_type;
    candor_memo *memo;
    candor_chart_sums *charts;
    uint64_t deadline_ns;    /* 0: none */
    const atomic_bool *stop; /* may be NULL */
    bool cut;                /* a statement was interrupted, whoever noticed */
};

#endif
