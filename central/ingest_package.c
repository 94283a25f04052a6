#include "central/ingest_package.h"

#include "central/ingest_body.h"
#include "central/media.h"
#include "central/package_reader.h"
#include "central/respond.h"
#include "contract/package.h"

bool candor_package_begin(candor_conn *c)
{
    candor_server *s = c->loop->server;
    c->body_max = s->config.max_package_bytes;
    c->body_advice = "export a shorter time";
    if (!candor_media_is(c->head.content_type, "application/json")) {
        candor_reply_problem(&c->reply, 415,
                             "Content-Type is not application/json (one TelemetryPackage)");
        return false;
    }
    return candor_ingest_encoding_ok(c) && candor_ingest_admit(c, s->limit, s->peer_limit);
}

static bool refuse(candor_conn *c, candor_status st, const candor_err *err)
{
    if (st == CANDOR_INVALID || st == CANDOR_LIMIT)
        candor_reply_problem(&c->reply, st == CANDOR_INVALID ? 400 : 413,
                             "%s; nothing of this package was stored", err->text);
    else
        candor_ingest_no_memory(c);
    return false;
}

/* Judged as a whole before anything of it is kept: raw data in one place says that its sender did
 * not sanitise, so the rest of it is not to be trusted either. */
static bool check(candor_ingest_request *r, candor_bytes text, candor_package_info *info)
{
    candor_conn *c = r->conn;
    const candor_config *cfg = &c->loop->server->config;
    const candor_parse_rules rules = candor_ingest_rules(cfg, r->batch.received_ms);
    candor_err err = {0};
    candor_status st = candor_package_check(text, &r->tools->sanitiser, &rules, info, &err);
    if (st != CANDOR_OK) return refuse(c, st, &err);
    if (info->events <= cfg->max_package_events) return true;
    candor_reply_problem(&c->reply, 413, "the package holds more than %llu events; %s",
                         (unsigned long long)cfg->max_package_events, c->body_advice);
    return false;
}

static bool take(void *ctx, uint64_t index, candor_bytes event)
{
    (void)index;
    return candor_ingest_take_line(ctx, event);
}

/* A package is a batch under its own id. The digest is over the text, which an export writes once;
 * its gzip may differ from one upload to the next. */
static bool describe(candor_ingest_request *r, candor_bytes text, const candor_package_info *info)
{
    candor_batch *b = &r->batch;
    b->has_id = r->n == b->n_rows;
    memcpy(b->id, info->id, sizeof b->id);
    candor_uuid_format(info->id, r->package_id);
    r->package_id[CANDOR_UUID_TEXT] = '\0';
    return candor_sha256(text, b->digest) == CANDOR_OK;
}

static bool read_package(candor_ingest_request *r)
{
    candor_conn *c = r->conn;
    bool gzip = candor_word_is(c->head.content_encoding, "gzip");
    size_t max = (size_t)c->loop->server->config.max_package_inflated_bytes;
    candor_package_info info;
    candor_err err = {0};
    candor_bytes text;
    memset(&info, 0, sizeof info);
    if (!candor_ingest_inflate(r, gzip, max, &text) || !check(r, text, &info)) return false;
    if (candor_package_each(text, take, r, &err) != CANDOR_OK || !describe(r, text, &info))
        return candor_ingest_no_memory(c);
    return true;
}

void candor_package_run(candor_conn *c)
{
    candor_package_reader_submit(c, read_package);
}
