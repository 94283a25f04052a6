/* What callers ask of the worker. Layer: client. Threads: any; taken by the worker. */
#ifndef CANDOR_CLIENT_COMMAND_H
#define CANDOR_CLIENT_COMMAND_H

#include "candor.h"
#include "client/settings.h"
#include "plat/plat.h"

typedef enum candor_command_type {
    CANDOR_COMMAND_FLUSH,
    CANDOR_COMMAND_UPLOAD,
    CANDOR_COMMAND_PURGE,
    CANDOR_COMMAND_CONSENT, /* consent changed: obey it, then answer */
    CANDOR_COMMAND_CONTENT, /* the full-content flag changed: obey it, then answer */
    CANDOR_COMMAND_REPORT,  /* refresh the report */
    CANDOR_COMMAND_PREVIEW,
    CANDOR_COMMAND_STATS,
    CANDOR_COMMAND_CONFIGURE,
    CANDOR_COMMAND_EXPORT
} candor_command_type;

/* A caller that waits, with a bound. Freed by whichever of the two lets go last. */
typedef struct candor_waiter candor_waiter;
CANDOR_CHECK candor_status candor_waiter_new(candor_waiter **out);
/* The caller's end: wait, append what the worker wrote to out (may be NULL), let go. */
candor_status candor_waiter_wait(candor_waiter *w, int timeout_ms, candor_buf *out,
                                 candor_err *err);

/* Both ends at once, for a command that was never pushed. */
void candor_waiter_drop(candor_waiter *w);

typedef struct candor_command {
    struct candor_command *next;
    candor_command_type type;
    candor_done done; /* may be NULL */
    void *ctx;
    candor_waiter *waiter; /* may be NULL */
    uint64_t target;       /* FLUSH, UPLOAD, PREVIEW, EXPORT: journal.appended at the call */
    int64_t since_ms;      /* STATS, UPLOAD, EXPORT */
    bool dry_run;          /* UPLOAD */
    struct candor_export_work *work; /* EXPORT: under way */
    bool purge; /* CONSENT, CONTENT, CONFIGURE: it took away what was allowed, and what was buffered
                 */
    candor_settings *settings;  /* CONFIGURE: owned */
    bool names_mode;            /* CONSENT: the answer says the mode */
    bool started;               /* UPLOAD: its round has begun */
    uint64_t give_up_ns;        /* UPLOAD: until then it waits for another process's round */
    uint64_t batches, events;   /* FLUSH: what it wrote; CONSENT: events that were deleted */
    char path[CANDOR_PATH_MAX]; /* FLUSH: the last file it wrote; UPLOAD: the package to send;
                                 * EXPORT: the file to write; "" for none */
} candor_command;

typedef struct candor_command_list {
    candor_mutex *mutex;
    candor_command *head, *tail;
    bool closed;
} candor_command_list;

/* Append a copy of *command. CANDOR_CANCELLED: the worker has ended. Otherwise it will be answered.
 */
CANDOR_CHECK candor_status candor_command_push(candor_command_list *l,
                                               const candor_command *command);
candor_command *candor_command_take(candor_command_list *l);  /* all of them; NULL: none */
candor_command *candor_command_close(candor_command_list *l); /* take, and refuse what comes */
/* Answer exactly once and free. result is JSON or empty. */
void candor_command_finish(candor_command *c, candor_status st, candor_bytes result,
                           const candor_err *err);

#endif
