/* A sink that keeps nothing and hands events on, behind the queue of a follower: in chunks, each at
 * least once. What a chunk's receiver took is not sent again while this process lives; its receiver
 * tells other repetitions by the event id. Layer: central. Threads: one owner. */
#ifndef CANDOR_CENTRAL_SINK_FORWARD_H
#define CANDOR_CENTRAL_SINK_FORWARD_H

#include "central/sink/idset.h"
#include "central/sink/rows.h"
#include "central/sink/url.h"
#include "net/http.h"

#define CANDOR_FORWARD_ROWS  512
#define CANDOR_FORWARD_BYTES ((size_t)1 << 20) /* of payloads; gRPC servers take 4 MiB */

typedef struct candor_forward candor_forward;

typedef struct candor_forward_kind {
    candor_sink_ops ops; /* of the sink; candor_forward_ops fills it */
    bool grpc;           /* the receiver speaks HTTP/2 and gRPC */
    /* Rows of different groups are never sent together; may be NULL. */
    unsigned groups;
    unsigned (*group)(const candor_row *row);
    /* CANDOR_OK: the receiver took them, but for *rejected. CANDOR_LIMIT: too large together.
     * CANDOR_INVALID: it will never take them as they are. Else: later. */
    candor_status (*send)(candor_forward *f, const candor_sink_row *const *rows, size_t n,
                          uint64_t *rejected, candor_err *err);
    void (*free)(candor_forward *f); /* own; may be NULL */
} candor_forward_kind;

struct candor_forward {
    candor_sink sink; /* first */
    const candor_forward_kind *kind;
    candor_sink_url url;
    char base[640]; /* "https://host:port/prefix", without a slash at its end */
    const candor_schema *schema;
    candor_http *http;
    candor_waker *waker;
    candor_sink_rows rows;
    candor_idset sent, refused; /* of the group of batches that is being written */
    candor_buf target, body, zipped;
    void *own; /* the kind's */
};

#define CANDOR_FORWARD_OPS(label)                                                                  \
    {                                                                                              \
        .name = label, .write = candor_forward_write, .erase = candor_forward_erase,               \
        .retain = candor_forward_retain, .sweep = candor_forward_sweep, .sweep_ms = 86400000,      \
        .probe = candor_forward_probe, .close = candor_forward_close                               \
    }
candor_status candor_forward_write(candor_sink *base, candor_batch *const *batches, size_t n,
                                   candor_err *err);
candor_status candor_forward_erase(candor_sink *base, candor_erasure *e, candor_err *err);
candor_status candor_forward_retain(candor_sink *base, int64_t first_day, candor_deleted *deleted,
                                    bool *more, candor_err *err);
candor_status candor_forward_sweep(candor_sink *base, const candor_sweep *w, candor_err *err);
candor_status candor_forward_probe(candor_sink *base, candor_err *err);
void candor_forward_close(candor_sink *base);
/* port: where the URL names none. */
CANDOR_CHECK candor_status candor_forward_open(const candor_sink_settings *s,
                                               const candor_forward_kind *kind, unsigned port,
                                               candor_forward **out, candor_err *err);

/* POST body to base + path. CANDOR_NET: no answer. token: the URL's password goes along, as Bearer
 * or under the header that its user names. */
CANDOR_CHECK candor_status candor_forward_post(candor_forward *f, const char *path,
                                               const char *type, bool zip, bool token,
                                               candor_http_response *answer, candor_err *err);
/* What an HTTP status means for a chunk, as send returns it. */
candor_status candor_forward_judge(int code, const char *whom, candor_err *err);

#endif
