/* The ledger: what was sent, when, to whom, with which consent (requirements R48). One line for
 * each acknowledged upload in <dir>/ledger.jsonl, each with the hash of the one before it; the
 * bodies themselves in <dir>/sent, byte for byte, as many as fit. Format: docs/ledger.md. Layer:
 * client. Threads: one owner. Only the process that leads an upload round appends. */
#ifndef CANDOR_CLIENT_LEDGER_H
#define CANDOR_CLIENT_LEDGER_H

#include "base/digest.h"
#include "base/uuid.h"
#include "plat/plat.h"

#define CANDOR_LEDGER_FILE "ledger.jsonl"
#define CANDOR_LEDGER_OLD  "ledger.1.jsonl"
#define CANDOR_LEDGER_SENT "sent"
#define CANDOR_LEDGER_MAX                                                                          \
    (1024 * 1024)                /* bytes of ledger.jsonl; then it becomes ledger.1.jsonl          \
                                  */
#define CANDOR_LEDGER_LINE  4096 /* bytes of one line */
#define CANDOR_LEDGER_HASH  (2 * CANDOR_SHA256_SIZE)
#define CANDOR_LEDGER_SHOWN 1000 /* entries that one call gives at most */

/* What is known of a directory's ledger. Zero-initialise. */
typedef struct candor_ledger {
    bool looked; /* at file_bytes and what it says */
    bool torn;   /* the last line has no end */
    uint64_t file_bytes, old_bytes;
    uint64_t entries;                  /* the last line's seq */
    int64_t last_ms;                   /* when it was; 0: never */
    char hash[CANDOR_LEDGER_HASH + 1]; /* of the last line */
    char last_id[CANDOR_UUID_TEXT + 1];
    bool sent_known;
    uint64_t sent_bytes;    /* of the kept bodies */
    int64_t sent_oldest_ms; /* when the oldest of them was made; INT64_MAX: none */
} candor_ledger;

typedef struct candor_ledger_entry {
    const char *id;    /* of the batch or the package */
    bool repeats;      /* a package, a text or an OTLP document: several lines may bear the id */
    candor_bytes body; /* the bytes that were sent */
    bool guessable;    /* the body is a short text: its digest would tell it to who tries texts */
    uint64_t events;
    const char *endpoint;
    int http;
    uint64_t accepted, duplicates, rejected;
    const char *consent; /* value of the Candor-Consent header */
} candor_ledger_entry;

/* Read the end of the file when it has changed since the last look. */
void candor_ledger_look(candor_ledger *l, const char *dir);
/* Append one line, synced. Does nothing when the last line is of the same batch: a crash has kept
 * the file that it speaks of. */
CANDOR_CHECK candor_status candor_ledger_append(candor_ledger *l, const char *dir,
                                                const candor_ledger_entry *e, candor_err *err);
/* Move a sent file into <dir>/sent. It stays where it is when it is larger than max_bytes, for the
 * caller to delete. */
void candor_ledger_keep(candor_ledger *l, const char *dir, const char *path, uint64_t max_bytes);
/* Let the oldest bodies go until at most max_bytes are left and none was made before before_ms
 * (unix; INT64_MIN: age does not count). Costs nothing while that holds. */
void candor_ledger_bound(candor_ledger *l, const char *dir, uint64_t max_bytes, int64_t before_ms);
/* Delete the kept bodies. The lines stay: there is no event data in them. */
void candor_ledger_forget(candor_ledger *l, const char *dir);

/* Append {"entries":[..]}: the last `limit` lines, oldest first. Any thread; reads both files,
 * which are bounded. */
CANDOR_CHECK candor_status candor_ledger_read(const char *dir, unsigned limit, candor_buf *out,
                                              candor_err *err);
/* Append {"entries":n,"bodies":n,"ok":bool,"broken_at":seq|null,"error":s|null}: whether each line
 * is whole and follows the one before it, and each kept body is the one that its line names. A
 * directory that is not there and a file that cannot be read are "ok":false without broken_at.
 * Fails for want of memory only. Any thread; reads files. */
CANDOR_CHECK candor_status candor_ledger_verify(const char *dir, candor_buf *out, candor_err *err);

/* --- private to ledger*.c -------------------------------------------------------------------- */

typedef struct candor_ledger_line {
    uint64_t seq;
    int64_t at_ms;
    candor_bytes id, sha256, prev, hash; /* borrowed */
} candor_ledger_line;
/* One line without its line break. False: it is not one, or its hash is not its own. */
bool candor_ledger_parse(candor_bytes text, candor_ledger_line *out);
/* Both files, older first, as they are at one moment, into out: of one that is larger than
 * CANDOR_LEDGER_MAX its last lines; *oversized is its name then, else NULL. */
CANDOR_CHECK candor_status candor_ledger_load(const char *dir, candor_buf *out,
                                              const char **oversized, candor_err *err);

#endif
