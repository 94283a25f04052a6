/* What the files of the ClickHouse sink share. Layer: central. Threads: a client belongs to one
 * thread at a time. */
#ifndef CANDOR_CENTRAL_SINK_CLICKHOUSE_INTERNAL_H
#define CANDOR_CENTRAL_SINK_CLICKHOUSE_INTERNAL_H

#include "central/sink/page.h"
#include "central/sink/url.h"
#include "net/http.h"

typedef struct candor_ch {
    const candor_sink_url *url;
    candor_http *http;
    candor_waker *waker;
    unsigned max_s; /* bound of a query; 0: none */
    candor_buf target;
} candor_ch;

/* --- clickhouse_http.c ------------------------------------------------------------------------ */
CANDOR_CHECK candor_status candor_ch_init(candor_ch *c, const candor_sink_url *url, unsigned max_s,
                                          candor_err *err);
void candor_ch_deinit(candor_ch *c); /* accepts a zeroed one */
/* Run sql; out, which may be NULL, gets the answer, borrowed until the next call. */
CANDOR_CHECK candor_status candor_ch_run(candor_ch *c, const char *sql, candor_bytes *out,
                                         candor_err *err);
/* INSERT ... FORMAT RowBinary with these rows. */
CANDOR_CHECK candor_status candor_ch_insert(candor_ch *c, const char *sql, candor_bytes rows,
                                            candor_err *err);
/* Run sql over a temporary table `ids` with one column event_id. */
CANDOR_CHECK candor_status candor_ch_with_ids(candor_ch *c, const char *sql, candor_bytes ids,
                                              candor_bytes *out, candor_err *err);
/* The number at the start of an answer in a text format. */
uint64_t candor_ch_number(candor_bytes answer);

/* --- clickhouse_schema.c ---------------------------------------------------------------------- */
CANDOR_CHECK candor_status candor_ch_migrate(candor_ch *c, unsigned format, candor_err *err);
#define CANDOR_CH_COLUMNS                                                                          \
    "event_id,event_type,category,ts_ms,session_id,user_id,machine_id,app,app_version,platform,"   \
    "correlation_id,payload"

/* Append text as an expression that needs no escaping. */
void candor_ch_put_text(candor_buf *sql, candor_bytes text);
void candor_ch_put_id(candor_buf *sql, const unsigned char id[16]);
/* ` AND column=value` for each. */
void candor_ch_put_columns(candor_buf *sql, const candor_filter_column *columns, size_t n);
/* ` WHERE` with the range of ids, and of days, which is what partitions go by. */
void candor_ch_put_range(candor_buf *sql, const candor_page_range *range);

/* --- clickhouse_read.c ------------------------------------------------------------------------ */
candor_status candor_ch_reader_open(const candor_sink_url *url, candor_reader **out,
                                    candor_err *err);
void candor_ch_reader_close(candor_reader *r);
candor_status candor_ch_reader_count(candor_reader *r, uint64_t *out, candor_err *err);
candor_status candor_ch_reader_events(candor_reader *r, const candor_event_filter *f,
                                      candor_event_visit *visit, void *ctx, candor_event_page *out,
                                      candor_err *err);

#endif
