/* What the files of the ClickHouse sink share. Layer: central. Threads: a client belongs to one
 * thread at a time; a shard's servers and rows to the thread of the shard. */
#ifndef CANDOR_CENTRAL_SINK_CLICKHOUSE_INTERNAL_H
#define CANDOR_CENTRAL_SINK_CLICKHOUSE_INTERNAL_H

#include <stdatomic.h>

#include "central/log.h"
#include "central/metrics.h"
#include "central/sink/page.h"
#include "central/sink/scan.h"
#include "central/sink/url.h"
#include "net/http.h"

typedef struct candor_ch {
    const candor_sink_url *url;
    candor_http *http;
    candor_waker *waker;
    unsigned max_s;    /* bound of a query; 0: none */
    bool bounds_parts; /* inserts into more than 100 partitions are refused unless told not to */
    candor_buf target;
} candor_ch;

/* --- clickhouse_http.c ------------------------------------------------------------------------ */
typedef struct candor_ch_bounds {
    unsigned max_s; /* of a query, at the server; 0: none */
    unsigned connect_ms, stall_ms, total_ms;
} candor_ch_bounds;
CANDOR_CHECK candor_status candor_ch_init(candor_ch *c, const candor_sink_url *url,
                                          const candor_ch_bounds *bounds, candor_err *err);
void candor_ch_deinit(candor_ch *c); /* accepts a zeroed one */
/* Run sql; out, which may be NULL, gets the answer, borrowed until the next call. CANDOR_NET: there
 * was no answer. */
CANDOR_CHECK candor_status candor_ch_run(candor_ch *c, const char *sql, candor_bytes *out,
                                         candor_err *err);
/* ALTER TABLE of columns. An error does not say whether it was done here. */
CANDOR_CHECK candor_status candor_ch_alter(candor_ch *c, const char *sql, candor_err *err);
/* Ends and clears sql, and runs it. */
CANDOR_CHECK candor_status candor_ch_ask(candor_ch *c, candor_buf *sql, candor_bytes *out,
                                         candor_err *err);
/* The same, and the number that it answers; out stays as it is when there is no answer. */
CANDOR_CHECK candor_status candor_ch_ask_number(candor_ch *c, candor_buf *sql, uint64_t *out,
                                                candor_err *err);
/* INSERT ... FORMAT RowBinary with these rows. */
CANDOR_CHECK candor_status candor_ch_insert(candor_ch *c, const char *sql, candor_bytes rows,
                                            candor_err *err);
/* Run sql over a temporary table `ids` with one column event_id. */
CANDOR_CHECK candor_status candor_ch_with_ids(candor_ch *c, const char *sql, candor_bytes ids,
                                              candor_bytes *out, candor_err *err);
/* What stands before the first `end`, or all; in goes on behind it. */
candor_bytes candor_ch_take_until(candor_bytes *in, char end);
/* The number at the start of an answer in a text format. */
uint64_t candor_ch_number(candor_bytes answer);

/* --- clickhouse_schema.c ---------------------------------------------------------------------- */
#define CANDOR_CH_PATH_MAX 128
/* The table of versions 1 and 2. It gets nothing more, and is there until all of it has expired. */
#define CANDOR_CH_OLD "candor_events_2"
/* zookeeper: the path of a replicated table, in which the server fills {shard} in; NULL: the table
 * is this server's alone. format: as in candor_sink_settings. old: CANDOR_CH_OLD is there. */
CANDOR_CHECK candor_status candor_ch_migrate(candor_ch *c, unsigned format, const char *zookeeper,
                                             bool *old, candor_err *err);
CANDOR_CHECK candor_status candor_ch_has_table(candor_ch *c, const char *name, bool *out,
                                               candor_err *err);
#define CANDOR_CH_COLUMNS                                                                          \
    "event_id,event_type,category,ts_ms,session_id,user_id,machine_id,app,app_version,platform,"   \
    "correlation_id,payload"

/* What charts read: dim, the chart's value, empty where the type has no chart; bucket of its
 * number.
 */
#define CANDOR_CH_DERIVED   ",dim,bucket"
#define CANDOR_CH_UNDERIVED "-2" /* bucket: an older version stored it, without these two */
#define CANDOR_CH_NO_BUCKET (-1)

/* Append text as an expression that needs no escaping. */
void candor_ch_put_text(candor_buf *sql, candor_bytes text);
void candor_ch_put_id(candor_buf *sql, const unsigned char id[16]);
/* ` AND column=value` for each. */
void candor_ch_put_columns(candor_buf *sql, const candor_filter_column *columns, size_t n);
/* ` WHERE` with the range of ids, and of days, which is what partitions go by. */
void candor_ch_put_range(candor_buf *sql, const candor_page_range *range);

/* --- clickhouse_servers.c --------------------------------------------------------------------- */
#define CANDOR_CH_SERVERS_MAX 64 /* of all shards together */

typedef enum candor_ch_state {
    CANDOR_CH_UP,     /* has what was acknowledged; a commit waits for it */
    CANDOR_CH_BEHIND, /* answers, and still fetches what it missed */
    CANDOR_CH_AWAY
} candor_ch_state;
const char *candor_ch_state_name(candor_ch_state s);

typedef struct candor_ch_server {
    candor_sink_url url;
    char name[272];      /* host:port, for people */
    candor_ch ch, quick; /* of the shard's thread; quick gives up early */
    atomic_int state;    /* candor_ch_state, written by that thread alone */
    bool ready; /* its tables are there, and belong to its shard; set under the cluster's lock */
    char path[192], replica[96]; /* of its table in ZooKeeper */
    unsigned pause_ms;
    uint64_t check_at_ns;
} candor_ch_server;

typedef struct candor_ch_cluster {
    candor_ch_server *servers; /* shard by shard */
    size_t n_servers, n_shards;
    size_t first[CANDOR_CH_SERVERS_MAX + 1]; /* of a shard; one more ends the last */
    bool replicated;                         /* more than one server was named */
    unsigned copies;                         /* fewer refuse a commit */
    unsigned format;
    atomic_bool old; /* some server has CANDOR_CH_OLD */
    uint64_t opened_ns;
    const candor_retention *retention; /* may be NULL */
    uint64_t retention_days;
    char zookeeper[CANDOR_CH_PATH_MAX];
    const candor_log *log;   /* may be NULL */
    candor_metrics *metrics; /* may be NULL */
    candor_mutex *lock;      /* guards path and replica of the servers until they are ready */
} candor_ch_cluster;

/* scheme://user:password@a:1|b:2,c:3|d:4/database: bars between the replicas of a shard, commas
 * between shards, as in ClickHouse's remote(). Nothing is connected yet. */
CANDOR_CHECK candor_status candor_ch_cluster_init(candor_ch_cluster *c, const char *url,
                                                  candor_err *err);
void candor_ch_cluster_deinit(candor_ch_cluster *c); /* accepts a zeroed one */
/* Is it there, with our tables, and how far? Sets its state. CANDOR_INVALID: the settings and the
 * servers contradict each other, and trying again cannot help. */
CANDOR_CHECK candor_status candor_ch_server_check(candor_ch_cluster *c, candor_ch_server *v,
                                                  candor_err *err);
void candor_ch_server_set(candor_ch_cluster *c, candor_ch_server *v, candor_ch_state state,
                          const candor_err *why);
/* The next server of the shard to try, those that are up first; NULL: all were. tried: 0 at first.
 */
candor_ch_server *candor_ch_choose(const candor_ch_cluster *c, size_t shard, uint64_t *tried);

/* False: tables of versions 1 and 2, which tests make, without keep, dim and bucket. */
static inline bool candor_ch_has_keep(const candor_ch_cluster *c)
{
    return c->format == 0 || c->format > 2;
}
/* All events, behind FROM. */
const char *candor_ch_events(const candor_ch_cluster *c);

/* --- clickhouse_shard.c ----------------------------------------------------------------------- */
typedef struct candor_ch_shard {
    candor_ch_cluster *cluster;
    size_t no, n;
    candor_ch_server *servers; /* of the cluster */
    candor_sink_row **rows;    /* of the group; sorted */
    size_t n_rows, cap;
    candor_buf ids, body, sql;
} candor_ch_shard;

/* Which shard has that id: the same for all collectors, and for almost all ids when a shard is
 * added at the end. */
size_t candor_ch_shard_of(const unsigned char id[16], size_t n_shards);
CANDOR_CHECK candor_status candor_ch_shard_add(candor_ch_shard *h, candor_sink_row *row,
                                               candor_err *err);
/* The rows, on as many replicas as docs/sinks.md promises; which were new. */
CANDOR_CHECK candor_status candor_ch_shard_store(candor_ch_shard *h, candor_err *err);
/* A server that answers; its state was looked at where it was away. */
CANDOR_CHECK candor_status candor_ch_shard_usable(candor_ch_shard *h, candor_ch_server **out,
                                                  candor_err *err);
/* Look at the servers that it is time for; when the next one is due, in ms. */
int candor_ch_shard_care(candor_ch_shard *h);
void candor_ch_shard_deinit(candor_ch_shard *h); /* accepts a zeroed one */

/* --- clickhouse_crew.c ------------------------------------------------------------------------ */
/* A thread for each shard, so that they store at the same time; none for a single server. */
typedef struct candor_ch_crew candor_ch_crew;
typedef candor_status candor_ch_work(candor_ch_shard *h, void *arg, candor_err *err);
CANDOR_CHECK candor_status candor_ch_crew_new(candor_ch_cluster *c, candor_ch_crew **out,
                                              candor_err *err);
void candor_ch_crew_free(candor_ch_crew *w); /* accepts NULL */
candor_ch_shard *candor_ch_crew_shard(candor_ch_crew *w, size_t no);
/* Do work in the thread of each shard, all at once, or in_turn; the first failure is told. */
CANDOR_CHECK candor_status candor_ch_crew_run(candor_ch_crew *w, candor_ch_work *work, void *arg,
                                              bool in_turn, candor_err *err);

/* --- clickhouse_care.c ------------------------------------------------------------------------ */
CANDOR_CHECK candor_status candor_ch_erase(candor_ch_crew *w, candor_erasure *e, candor_err *err);
/* Delete from that table what where says, which is a condition. Waits for v, or for every replica.
 */
CANDOR_CHECK candor_status candor_ch_delete(candor_ch_shard *h, candor_ch_server *v,
                                            const char *table, candor_bytes where, bool everywhere,
                                            candor_err *err);

/* --- clickhouse_retain.c ---------------------------------------------------------------------- */
CANDOR_CHECK candor_status candor_ch_retain(candor_ch_crew *w, int64_t first_day,
                                            candor_deleted *deleted, bool *more, candor_err *err);
CANDOR_CHECK candor_status candor_ch_sweep(candor_ch_crew *w, const candor_sweep *sweep,
                                           candor_err *err);

/* --- clickhouse_read.c ------------------------------------------------------------------------ */
typedef struct candor_ch_reader {
    const candor_ch_cluster *cluster;
    const candor_schema *schema;
    candor_query_time time;
    candor_ch *clients; /* of each server */
    unsigned look;      /* how far the last page looked */
    candor_buf sql;
    candor_bytes answers[CANDOR_CH_SERVERS_MAX]; /* of each shard, borrowed from its client */
} candor_ch_reader;
CANDOR_CHECK candor_status candor_ch_reader_open(const candor_ch_cluster *cluster,
                                                 const candor_schema *schema, candor_reader **out,
                                                 candor_err *err);
void candor_ch_reader_allow(candor_reader *r, uint64_t ms, const atomic_bool *stop);
/* Ends sql and asks a server of each shard. The answers stay until the next question. */
CANDOR_CHECK candor_status candor_ch_reader_ask(candor_ch_reader *r, candor_err *err);
/* From the front of RowBinary; false: it ends there. */
CANDOR_CHECK bool candor_ch_take(candor_bytes *in, void *out, size_t n);
CANDOR_CHECK bool candor_ch_take_text(candor_bytes *in, candor_bytes *out);
void candor_ch_reader_close(candor_reader *r);
candor_status candor_ch_reader_count(candor_reader *r, uint64_t *out, candor_err *err);
candor_status candor_ch_reader_events(candor_reader *r, const candor_event_filter *f,
                                      candor_event_visit *visit, void *ctx, candor_event_page *out,
                                      candor_err *err);

/* --- clickhouse_stats.c ----------------------------------------------------------------------- */
candor_status candor_ch_reader_stats(candor_reader *r, candor_stat what,
                                     const candor_stat_range *range,
                                     bool (*visit)(void *ctx, const candor_stat_row *row),
                                     void *ctx, candor_err *err);
candor_status candor_ch_reader_sessions(candor_reader *r, const candor_session_filter *f,
                                        bool (*visit)(void *ctx, const candor_stored_session *s),
                                        void *ctx, candor_session_page *out, candor_err *err);

#endif
