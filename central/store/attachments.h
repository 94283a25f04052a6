/* Stage 8/10: store of full content. In: checked texts that belong to an event. Out: each kept
 * once, durable, until retention takes it. A database file of its own beside events.db: texts are
 * long and few where events are short and many, they go sooner, and neither their commits nor their
 * deletion may hold up the writer of events. Erasing a person's content means: the ids of their
 * events, looked up in events.db, deleted here. Layer: central. Threads: submit from any; done runs
 * on the store's own thread, which has the only connection. */
#ifndef CANDOR_CENTRAL_ATTACHMENTS_H
#define CANDOR_CENTRAL_ATTACHMENTS_H

#include <stdatomic.h>

#include "base/digest.h"
#include "central/mailbox.h"
#include "central/metrics.h"
#include "central/token.h"
#include "contract/limits.h"

typedef enum candor_attachment_op {
    CANDOR_ATTACHMENT_PUT,
    CANDOR_ATTACHMENT_APPEND, /* a part of a text, behind what is there of it */
    CANDOR_ATTACHMENT_OFFSET, /* how much of that text is there */
    CANDOR_ATTACHMENT_LIST,
    CANDOR_ATTACHMENT_GET,
    CANDOR_ATTACHMENT_ERASE /* those of n_ids events; is never refused for want of room */
} candor_attachment_op;

typedef enum candor_attachment_result {
    CANDOR_ATTACHMENT_DONE,       /* put, append: stored; list: visited all; get: text is filled */
    CANDOR_ATTACHMENT_KNOWN,      /* put, append, offset: the same text was there */
    CANDOR_ATTACHMENT_CONFLICT,   /* put, append, offset: another text was there, and stays */
    CANDOR_ATTACHMENT_OTHER_APP,  /* put: the event is another app's than the token's */
    CANDOR_ATTACHMENT_NONE,       /* get: there is none, for this app */
    CANDOR_ATTACHMENT_PARTIAL,    /* append, offset: not whole yet, offset says how far */
    CANDOR_ATTACHMENT_MISPLACED,  /* append: not where the text ends, which offset says */
    CANDOR_ATTACHMENT_BAD_DIGEST, /* append: whole, and another text than sha256 says: dropped */
    CANDOR_ATTACHMENT_BAD_TEXT    /* append: whole, and not UTF-8: dropped */
} candor_attachment_result;

typedef struct candor_attachment {
    candor_bytes field;  /* borrowed for the call */
    candor_bytes sha256; /* CANDOR_SHA256_SIZE bytes, borrowed for the call */
    int64_t size;        /* bytes of the text */
    int64_t received_ms;
} candor_attachment;

/* A text may come in parts: each is durable when its append is answered, and nobody can read it
 * before the text is whole and its digest is right. The identity of such a text is its event, field
 * and digest. */
#define CANDOR_PARTIALS_MAX 1024 /* texts that are not whole */

/* One request. Lent to the store from submit until done is called. */
typedef struct candor_attachment_job {
    candor_task task; /* first: the mailbox's task is one of the job */
    candor_attachment_op op;
    unsigned char event_id[16];
    char field[CANDOR_NAME_MAX + 1];
    char app[CANDOR_TOKEN_APP + 1];           /* what the token is bound to; empty: any */
    unsigned char sha256[CANDOR_SHA256_SIZE]; /* put, append, offset: in */
    candor_buf text; /* put, append: in, plain; get, and append of the last part: out, the whole
                        text; the owner frees it */
    uint64_t offset; /* append: in and out; offset: out; bytes of plain text */
    bool last;       /* append: in, the text is whole with it */
    int64_t received_ms;
    size_t queued_bytes;            /* private to the store */
    const unsigned char (*ids)[16]; /* erase: borrowed */
    size_t n_ids;
    uint64_t erased; /* erase: out */
    /* list: called for each, by field name; false: memory is out */
    bool (*visit)(void *ctx, const candor_attachment *a);
    void *ctx;
    /* Out. status not OK: a put is not stored. */
    candor_status status;
    candor_attachment_result result;
    void (*done)(struct candor_attachment_job *j); /* on the store's thread; takes the job back */
    void *owner;
} candor_attachment_job;

struct candor_log;
typedef struct candor_attachments_settings {
    const char *path;                /* borrowed until open returns */
    const struct candor_db_key *key; /* borrowed for its life; may be NULL */
    const char *events_path;         /* events.db, which exists; borrowed until open returns */
    const struct candor_log *log;    /* may be NULL */
    struct candor_metrics *metrics;  /* may be NULL */
    const atomic_bool *space_low;    /* as in store.h */
    uint64_t queue_bytes, retention_days;
    uint64_t partial_bytes;  /* of all texts that are not whole; one always fits */
    int64_t partial_age_ms;  /* without growth */
    int64_t (*now_ms)(void); /* NULL: the clock */
} candor_attachments_settings;

typedef struct candor_attachments candor_attachments;
CANDOR_CHECK candor_status candor_attachments_open(const candor_attachments_settings *s,
                                                   candor_attachments **out, candor_err *err);
/* CANDOR_FULL: too much waits, j stays with the caller. CANDOR_CANCELLED: closing. */
CANDOR_CHECK candor_status candor_attachments_submit(candor_attachments *a,
                                                     candor_attachment_job *j);
/* False: what was tried last failed, and the log says why. Events are not affected. */
bool candor_attachments_healthy(const candor_attachments *a);
/* Size of the database file. */
uint64_t candor_attachments_bytes(const candor_attachments *a);
void candor_attachments_close(candor_attachments *a); /* does what was submitted; accepts NULL */

#endif
