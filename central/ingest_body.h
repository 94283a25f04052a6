/* From the bytes of an upload to the rows of its batch: inflate, parse, sanitise, and a verdict for
 * each event. Layer: central. Threads: its loop's; a package is read on package_reader's. */
#ifndef CANDOR_CENTRAL_INGEST_BODY_H
#define CANDOR_CENTRAL_INGEST_BODY_H

#include "central/inflate.h"
#include "central/ingest.h"
#include "central/ingest_context.h"
#include "central/ingest_reply.h"

struct candor_ingest {
    candor_server *server;
    candor_hmac *hash_key, *machine_key, *limit_key, *session_key;
    candor_sanitiser sanitiser;
    candor_inflater *inflater;
    candor_buf inflated;
    candor_context_cache *contexts;
    uint64_t serial;
    candor_ingest_request *pool;
    unsigned pooled;
};

/* Read the body, lend the batch to the store, answer after the commit. */
void candor_ingest_submit(candor_conn *c, candor_ingest_reader *read);
/* The same in its parts. A request on c's loop; NULL: memory is out, and that was answered. */
candor_ingest_request *candor_ingest_request_new(candor_conn *c, candor_ingest_reader *read);
/* Read the body with the tools of the calling thread. */
void candor_ingest_read(candor_ingest_request *r, candor_ingest *tools);
/* On c's loop: what was read to the store, or the refusal to the client. */
void candor_ingest_pass(candor_ingest_request *r);

/* Read the body of r->conn into r. False: its reply holds the refusal, and nothing of r may be
 * stored. */
bool candor_ingest_parse(candor_ingest_request *r, bool gzip, bool ndjson);
/* The parts of it that packages share. max: bytes after gunzip. False: as above. */
bool candor_ingest_inflate(candor_ingest_request *r, bool gzip, size_t max, candor_bytes *text);
/* One event with its verdict; a malformed one is rejected alone. False: memory is out. */
bool candor_ingest_take_line(candor_ingest_request *r, candor_bytes line);
/* One that never became an event. False: memory is out. */
bool candor_ingest_reject(candor_ingest_request *r, unsigned reason);
/* The refusal of more than --max-events; false. */
bool candor_ingest_too_many(candor_conn *c);
candor_parse_rules candor_ingest_rules(const candor_config *cfg, int64_t now_ms);
/* The refusal when memory is out; false, for the caller to return. */
bool candor_ingest_no_memory(candor_conn *c);

#endif
