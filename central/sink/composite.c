#include "central/sink/composite.h"

#include <inttypes.h>
#include <stdlib.h>

#include "central/sink/codec.h"

typedef struct composite {
    candor_sink base;
    candor_sink_ops ops; /* its readers are the primary's */
    candor_sink *primary;
    candor_mirror *others[CANDOR_SINKS_MAX];
    size_t n;
    candor_buf body;
} composite;

/* --- writing -------------------------------------------------------------------------------- */

/* Rows that the primary had go as well: it may have stored them just before a crash that kept them
 * from the queues. The others know what they have. */
static void follow(composite *c, const candor_batch *b)
{
    size_t i;
    if (b->n_rows == 0) return;
    candor_buf_clear(&c->body);
    if (candor_batch_encode(b, &c->body) != CANDOR_OK)
        candor_buf_free(&c->body); /* put counts it */
    for (i = 0; i < c->n; i++)
        candor_mirror_put(c->others[i], candor_buf_bytes(&c->body), (uint32_t)b->n_rows);
}

static candor_status composite_write(candor_sink *base, candor_batch *const *batches, size_t n,
                                     candor_err *err)
{
    composite *c = (composite *)(void *)base;
    candor_status st = c->primary->ops->write(c->primary, batches, n, err);
    size_t i;
    for (i = 0; i < n && st == CANDOR_OK; i++)
        follow(c, batches[i]);
    for (i = 0; i < c->n && st == CANDOR_OK; i++)
        candor_mirror_sync(c->others[i]);
    return st;
}

/* The queues first: an erasure that the primary did and the others never hear of would be worse
 * than one that is asked for twice. */
static candor_status composite_erase(candor_sink *base, candor_erasure *e, candor_err *err)
{
    composite *c = (composite *)(void *)base;
    candor_status st = CANDOR_OK;
    size_t i;
    for (i = 0; i < c->n && st == CANDOR_OK; i++)
        st = candor_mirror_erase(c->others[i], e, err);
    return st == CANDOR_OK ? c->primary->ops->erase(c->primary, e, err) : st;
}

static candor_status composite_retain(candor_sink *base, int64_t first_day, candor_deleted *deleted,
                                      bool *more, candor_err *err)
{
    composite *c = (composite *)(void *)base;
    size_t i;
    for (i = 0; i < c->n; i++)
        candor_mirror_retain(c->others[i], first_day);
    return c->primary->ops->retain(c->primary, first_day, deleted, more, err);
}

/* The others sweep by themselves, behind what is in their queues. */
static candor_status composite_sweep(candor_sink *base, const candor_sweep *w, candor_err *err)
{
    candor_sink *p = ((composite *)(void *)base)->primary;
    return p->ops->sweep(p, w, err);
}

static candor_status composite_probe(candor_sink *base, candor_err *err)
{
    candor_sink *p = ((composite *)(void *)base)->primary;
    return p->ops->probe(p, err);
}

/* --- looking -------------------------------------------------------------------------------- */

static uint64_t composite_bytes(candor_sink *base)
{
    candor_sink *p = ((composite *)(void *)base)->primary;
    return p->ops->bytes != NULL ? p->ops->bytes(p) : 0;
}

size_t candor_composite_others(const candor_sink *s)
{
    return ((const composite *)(const void *)s)->n;
}

void candor_composite_measure(const candor_sink *s, size_t i, candor_mirror_counters *out)
{
    candor_mirror_measure(((const composite *)(const void *)s)->others[i], out);
}

/* Health is open to all: counts, and no sentence that names a host. */
static void composite_report(candor_sink *base, candor_buf *json)
{
    composite *c = (composite *)(void *)base;
    size_t i;
    if (c->primary->ops->report != NULL)
        c->primary->ops->report(c->primary, json);
    else
        candor_buf_putf(json, "\"sink\":\"%s\"", c->primary->ops->name);
    candor_buf_put_bytes(json, CANDOR_LIT(",\"followers\":["));
    for (i = 0; i < c->n; i++) {
        candor_mirror_counters k;
        candor_mirror_measure(c->others[i], &k);
        candor_buf_putf(
            json,
            "%s{\"sink\":\"%s\",\"status\":\"%s\",\"queued_events\":%" PRIu64
            ",\"queued_bytes\":%" PRIu64 ",\"stored\":%" PRIu64 ",\"duplicates\":%" PRIu64
            ",\"dropped\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"damaged\":%" PRIu64 "}",
            i != 0 ? "," : "", candor_mirror_name(c->others[i]), k.healthy ? "ok" : "unavailable",
            k.queued_rows, k.queued_bytes, k.stored, k.known, k.dropped, k.refused, k.damaged);
    }
    candor_buf_put_c(json, ']');
}

static candor_status composite_reader_open(candor_sink *base, candor_reader **out, candor_err *err)
{
    candor_sink *p = ((composite *)(void *)base)->primary;
    return p->ops->reader_open(p, out, err);
}

/* --- life ----------------------------------------------------------------------------------- */

static void composite_close(candor_sink *base)
{
    composite *c = (composite *)(void *)base;
    size_t i;
    for (i = 0; i < c->n; i++)
        candor_mirror_free(c->others[i]);
    c->primary->ops->close(c->primary);
    candor_buf_free(&c->body);
    free(c);
}

candor_status candor_composite_open(candor_sink *primary, const candor_mirror_settings *others,
                                    size_t n, candor_sink **out, candor_err *err)
{
    composite *c = n < CANDOR_SINKS_MAX ? calloc(1, sizeof *c) : NULL;
    candor_status st = CANDOR_OK;
    size_t i;
    *out = NULL;
    if (c == NULL) {
        primary->ops->close(primary);
        return candor_fail(err, CANDOR_NOMEM, 0, "open the sinks", NULL);
    }
    c->primary = primary;
    c->ops = *primary->ops;
    c->ops.name = "composite";
    c->ops.write = composite_write;
    c->ops.erase = composite_erase;
    c->ops.retain = composite_retain;
    c->ops.sweep = composite_sweep;
    c->ops.probe = composite_probe;
    c->ops.close = composite_close;
    c->ops.bytes = composite_bytes;
    c->ops.report = composite_report;
    c->ops.reader_open = composite_reader_open;
    c->base.ops = &c->ops;
    for (i = 0; i < n && st == CANDOR_OK; i++) {
        st = candor_mirror_new(&others[i], &c->others[i], err);
        if (st == CANDOR_OK) c->n = i + 1;
    }
    if (st != CANDOR_OK)
        composite_close(&c->base);
    else
        *out = &c->base;
    return st;
}
