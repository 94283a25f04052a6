/* Reading a schema file: JSON objects with known members, and messages that say file, line, column
 * and the nearest known word. Private to the schema compiler. Layer: contract. Threads: one owner.
 */
#ifndef CANDOR_CONTRACT_SCHEMA_READER_H
#define CANDOR_CONTRACT_SCHEMA_READER_H

#include "base/json.h"
#include "contract/arena.h"
#include "contract/schema.h"

#define CANDOR_MEMBERS_MAX 16

typedef struct candor_reader {
    candor_json j;
    candor_json_token
        t; /* the token just read; a member's `read` finds its value's first token here */
    const char *origin;
    candor_err *err;      /* may be NULL */
    candor_status status; /* of the first failure */
    candor_arena *arena;
    const candor_attributes *attributes; /* the table that attrs fields refer to */
    const char *attrs_at;                /* the first attrs field, NULL: none yet */
} candor_reader;

/* One key that an object may hold. */
typedef struct candor_member {
    const char *name;
    bool required;
    bool (*read)(candor_reader *r, void *into);
} candor_member;

/* Every function below returns false after it has recorded the failure; the caller just unwinds. */

/* at: the byte of the text that the message points to. */
bool candor_reader_fail(candor_reader *r, const char *at, const char *fmt, ...) CANDOR_PRINTF(3, 4);
bool candor_reader_no_memory(candor_reader *r);
/* Where the current token begins, a string's opening quote included. */
const char *candor_reader_at(const candor_reader *r);
bool candor_reader_next(candor_reader *r);

/* The object whose opening token was just read. what names it in messages ("an event"). at, when
 * not NULL, receives each member's key position, NULL where absent: n entries. */
bool candor_reader_object(candor_reader *r, const char *what, const candor_member *members,
                          size_t n, void *into, const char **at);
/* An object whose keys are names of the author's choice; read is called with r->t at each value. */
typedef bool (*candor_reader_entry)(candor_reader *r, candor_bytes name, const char *name_at,
                                    void *into);
bool candor_reader_map(candor_reader *r, const char *what, candor_reader_entry read, void *into);
/* An array; read is called with r->t at each element. */
bool candor_reader_array(candor_reader *r, const char *what,
                         bool (*read)(candor_reader *r, void *into), void *into);

/* Scalars. what names the member in messages ("\"owner\""). Texts are copied to the arena. */
bool candor_reader_text(candor_reader *r, const char *what, size_t max, candor_bytes *out);
bool candor_reader_number(candor_reader *r, const char *what, double min, double max, double *out);
bool candor_reader_integer(candor_reader *r, const char *what, double min, double max, double *out);
/* The index of a string among words; else an error with the nearest one. */
bool candor_reader_word(candor_reader *r, const char *what, const char *const *words, unsigned n,
                        unsigned *out);

/* A letter, then letters, digits, '_' and what extra names; at most max bytes. */
bool candor_reader_is_name(candor_bytes s, const char *extra, size_t max);

/* True when v survives being written with that many decimals: a bound must be a value that a
 * payload can hold, or the rules would not be idempotent. */
bool candor_reader_is_decimal(double v, unsigned decimals);

/* One event: the value whose first token was just read. */
bool candor_schema_read_event(candor_reader *r, candor_bytes name, const char *name_at,
                              candor_event_def *def);
/* Fills f from the field object just opened; name, alias and key are the caller's. */
bool candor_schema_read_field(candor_reader *r, candor_field *f);

/* The top-level table "attributes": the value whose first token was just read. */
bool candor_schema_read_attributes(candor_reader *r, candor_attributes *out);
/* A field's name, and its key as it is written, in the arena. */
bool candor_schema_name_field(candor_reader *r, candor_bytes name, candor_field *f);

/* FNV-1a, for tables of a few hundred short names. */
static inline unsigned candor_name_hash(candor_bytes s)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 16777619u;
    return (unsigned)(h ^ (h >> 15));
}

#endif
