/* Stage 1/10: consent gate. In: environment, host switch, stored choice. Out: may events be
 * recorded, who decided, and why. The stored choice lives in a small mapped file whose epoch every
 * process of the directory reads at each emit. Layer: client. Threads: any. */
#ifndef CANDOR_CLIENT_CONSENT_H
#define CANDOR_CLIENT_CONSENT_H

#include "plat/plat.h"

typedef enum candor_choice {
    CANDOR_CHOICE_UNSET,
    CANDOR_CHOICE_ON,
    CANDOR_CHOICE_OFF,
    CANDOR_CHOICE_UNREADABLE /* the file is damaged or cannot be opened: taken as off, a privacy
                              * choice is not guessed */
} candor_choice;

typedef struct candor_consent_inputs {
    const char *do_not_track, *telemetry_enabled; /* environment; NULL: not set */
    bool host_off;
    candor_choice stored;
    bool default_on;
} candor_consent_inputs;

typedef struct candor_decision {
    bool enabled;
    const char *source; /* "DO_NOT_TRACK", "TELEMETRY_ENABLED", "host", "stored", "default" */
    const char *reason; /* static sentence */
    bool final;         /* decided by the environment: cannot change in this process */
} candor_decision;

/* Precedence: DO_NOT_TRACK, TELEMETRY_ENABLED, host (only to narrow), stored choice, default. */
candor_decision candor_consent_decide(const candor_consent_inputs *in);

/* The mapped file, or memory of this process alone when path is NULL or cannot be used (then *err
 * says why and the status is still OK). A file that is there and cannot be read is UNREADABLE until
 * a choice can be stored in it. CANDOR_NOMEM: *out is NULL. */
typedef struct candor_consent candor_consent;
CANDOR_CHECK candor_status candor_consent_open(const char *path, candor_consent **out,
                                               candor_err *err);
void candor_consent_close(candor_consent *c); /* accepts NULL */

uint32_t candor_consent_epoch(const candor_consent *c); /* one atomic load */
candor_choice candor_consent_choice(const candor_consent *c);
/* Why the file is not in use, "" when it is or none was wanted. note: the reason when there is no
 * path, before other threads use c. */
const char *candor_consent_error(const candor_consent *c);
void candor_consent_note(candor_consent *c, const candor_err *why);
/* Store a choice and bump the epoch. Visible to every process at once; on disk after sync, which
 * says it when the file cannot be used. One thread at a time. */
void candor_consent_store(candor_consent *c, candor_choice choice);
void candor_consent_bump(candor_consent *c);
/* A purge that was asked for in one process empties the journals of the others too: each compares
 * the count with the one it has obeyed. ask_purge returns the new count. */
uint32_t candor_consent_purges(const candor_consent *c);
uint32_t candor_consent_ask_purge(candor_consent *c);
CANDOR_CHECK candor_status candor_consent_sync(candor_consent *c, candor_err *err);

#endif
