/* Stage 1/10: consent gate. In: environment, host switch, stored choice. Out: may events be
 * recorded, who decided, and why. The stored choice lives in a small mapped file whose epoch every
 * process of the directory reads at each emit. Layer: client. Threads: any. */
#ifndef CANDOR_CLIENT_CONSENT_H
#define CANDOR_CLIENT_CONSENT_H

#include "candor.h"
#include "client/settings.h"
#include "plat/plat.h"

typedef enum candor_choice {
    CANDOR_CHOICE_UNSET,
    CANDOR_CHOICE_ON,
    CANDOR_CHOICE_OFF,
    CANDOR_CHOICE_UNREADABLE /* the file is damaged or cannot be opened: taken as off, a privacy
                              * choice is not guessed */
} candor_choice;

/* What else is stored beside the choice, one byte each; 0: nobody has chosen. */
typedef enum candor_stored {
    CANDOR_STORED_LEVEL,   /* 1 + candor_privacy */
    CANDOR_STORED_MODE,    /* 1 + candor_mode */
    CANDOR_STORED_CONTENT, /* 1: no full content, 2: full content */
    CANDOR_STORED_COUNT
} candor_stored;

/* Counted up by whoever brings it about: a process that slept through it must do its part. */
typedef enum candor_happened {
    CANDOR_HAPPENED_OFF, /* the directory's choice, level or mode became off, or the level lower */
    CANDOR_HAPPENED_ERASE, /* GDPR mode began: every file but this one goes */
    CANDOR_HAPPENED_COUNT
} candor_happened;

typedef struct candor_consent_inputs {
    const char *do_not_track, *telemetry_enabled; /* environment; NULL: not set */
    bool gdpr;
    bool host_off;
    candor_config_says config; /* the settings file */
    candor_choice stored;
    bool default_on;
    /* host_level: zero (off) unless has_level, like stored_level; highest for "not narrowed" */
    bool has_level;
    candor_privacy host_level, stored_level;
} candor_consent_inputs;

typedef struct candor_decision {
    bool enabled;
    candor_privacy level; /* what may be recorded at most; OFF unless enabled */
    /* "DO_NOT_TRACK", "gdpr", "TELEMETRY_ENABLED", "host", "telemetry.toml", "stored", "default" */
    const char *source;
    const char *reason; /* static sentence */
    bool final;         /* decided by the environment: cannot change in this process */
} candor_decision;

/* Precedence: DO_NOT_TRACK, GDPR mode, TELEMETRY_ENABLED, host and settings file (only to
 * narrow), stored choice, settings file, default. A level of off is a "no" of the host or of the
 * stored choice; the lower level counts. */
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
unsigned candor_consent_get(const candor_consent *c, candor_stored which);
void candor_consent_put(candor_consent *c, candor_stored which, unsigned value); /* and bump */
/* The schema's notice version that the user has seen; 0: none. */
uint32_t candor_consent_notice(const candor_consent *c);
void candor_consent_put_notice(candor_consent *c, uint32_t version); /* and bump */
/* A purge that was asked for in one process empties the journals of the others too: each compares
 * the count with the one it has obeyed. ask_purge returns the new count. */
uint32_t candor_consent_purges(const candor_consent *c);
uint32_t candor_consent_ask_purge(candor_consent *c);
/* GDPR mode as stored; putting it on counts ERASE. */
bool candor_consent_gdpr(const candor_consent *c);
void candor_consent_put_gdpr(candor_consent *c, bool on); /* and bump */
/* The stored level; ALL when nobody has chosen one. OFF counts as off. */
candor_privacy candor_consent_level(const candor_consent *c);
void candor_consent_put_level(candor_consent *c, candor_privacy level); /* and bump */
/* And bump. offs: how often it was put off; a process that slept through it has to know. */
void candor_consent_put_content(candor_consent *c, bool on);
uint32_t candor_consent_content_offs(const candor_consent *c);
void candor_consent_put_mode(candor_consent *c, candor_mode mode); /* and bump */
uint32_t candor_consent_happened(const candor_consent *c, candor_happened what);
/* Wake the workers of the other processes when this one has bumped the epoch since the last call.
 * watch: whether this worker could be registered for theirs; false: it has to look by itself. */
void candor_consent_announce(candor_consent *c);
bool candor_consent_watch(const candor_consent *c, candor_waker *waker);
CANDOR_CHECK candor_status candor_consent_sync(candor_consent *c, candor_err *err);

#endif
