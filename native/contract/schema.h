/* The schema: the allowlist, compiled once into an immutable table that both ends link.
 * Format: docs/schema.md, schema/candor.schema.json. Layer: contract. Threads: any, read only. */
#ifndef CANDOR_CONTRACT_SCHEMA_H
#define CANDOR_CONTRACT_SCHEMA_H

#include "base/bytes.h"
#include "contract/limits.h"

#define CANDOR_KIND_MAP(X)                                                                         \
    X(INT, "int")                                                                                  \
    X(NUMBER, "number")                                                                            \
    X(BOOL, "bool")                                                                                \
    X(DURATION, "duration")                                                                        \
    X(TIME, "time")                                                                                \
    X(ENUM, "enum")                                                                                \
    X(ID, "id")                                                                                    \
    X(BUCKET, "bucket")                                                                            \
    X(HASH, "hash")                                                                                \
    X(TEXT, "text")                                                                                \
    X(STACK, "stack")                                                                              \
    X(CONTENT, "content")                                                                          \
    X(LIST, "list")                                                                                \
    X(NANOS, "nanos")                                                                              \
    X(ATTRS, "attrs")
#define CANDOR_KIND_AS_ENUM(id, text) CANDOR_KIND_##id,
typedef enum candor_kind { CANDOR_KIND_MAP(CANDOR_KIND_AS_ENUM) CANDOR_KIND_COUNT } candor_kind;

#define CANDOR_LEVEL_MAP(X)                                                                        \
    X(CRASH, "crash") X(ERROR, "error") X(USAGE, "usage") X(CONTENT, "content")
#define CANDOR_LEVEL_AS_ENUM(id, text) CANDOR_LEVEL_##id,
typedef enum candor_level {
    CANDOR_LEVEL_MAP(CANDOR_LEVEL_AS_ENUM) CANDOR_LEVEL_COUNT
} candor_level;

typedef struct candor_field {
    candor_bytes name;
    candor_bytes alias;    /* snake_case form of name, accepted in JSON; empty when the same */
    candor_bytes key_json; /* "name": with quotes and colon, ready to write */
    candor_kind kind;      /* LIST: see `of` */
    candor_kind of;        /* kind of the value itself; of a list, that of its elements */
    double min, max;       /* INT, NUMBER, DURATION; inclusive */
    unsigned decimals;     /* NUMBER 0..6 (default 3), DURATION (default 3) */
    unsigned max_length;   /* ID, TEXT, STACK: bytes of UTF-8; CONTENT: maxBytes */
    unsigned max_items;    /* LIST, ATTRS */
    const struct candor_attributes *attributes; /* ATTRS: the schema's table; borrowed */
    const candor_bytes *values;                 /* ENUM */
    unsigned n_values;
    int other;            /* ENUM: index of the catch-all in values, or -1: unknown is dropped */
    const double *bounds; /* BUCKET: ascending lower bounds */
    unsigned n_bounds;
    candor_bytes unit, note; /* documentation; may be empty */
} candor_field;

/* The event is counted by local day on the machine, by up to four of its fields; each day's counts
 * are sent as events of another type. docs/rollups.md */
typedef struct candor_rollup_key {
    const candor_field *to, *from; /* field of the target, field of the event; of the same kind */
} candor_rollup_key;
typedef struct candor_rollup {
    unsigned into;                                       /* index of the target */
    const candor_field *day, *count, *errors, *error_if; /* errors, error_if: NULL: not counted */
    bool error_equals;                                   /* value of error_if that is an error */
    unsigned n_keys;
    candor_rollup_key keys[CANDOR_ROLLUP_KEYS_MAX]; /* in the target's order */
} candor_rollup;

typedef struct candor_event_def {
    candor_bytes name;
    unsigned index; /* position in the schema */
    candor_bytes category, purpose, owner, expires /* YYYY-MM-DD */, governance_id;
    candor_level level;
    double sample; /* 0..1, the share that is kept */
    const candor_field *fields;
    unsigned n_fields;
    const candor_field *chart_by;        /* what a chart groups by: ENUM, ID or BOOL; NULL: none */
    const candor_field *chart_histogram; /* what it measures: INT, NUMBER or DURATION; NULL: none */
    const candor_rollup *rollup;         /* NULL: sent one by one */
    const unsigned char *slots;          /* private: hash table over names and aliases */
    unsigned slot_mask;                  /* private */
} candor_event_def;

/* What an attrs field may hold: the schema's one table of attributes, in the order they are
 * written. */
typedef struct candor_attributes {
    const candor_field *fields;
    unsigned n_fields;
    const uint16_t *slots; /* private: hash table over names */
    unsigned slot_mask;    /* private */
} candor_attributes;
/* NULL when unknown. */
const candor_field *candor_attribute(const candor_attributes *a, candor_bytes name);

typedef struct candor_schema candor_schema;

/* Compile a schema file's text. On failure err->text is one sentence with file, line and column,
 * what is wrong, and, for an unknown key or word, the nearest known one. origin names the source in
 * messages (a path). text may be freed after the call. */
CANDOR_CHECK candor_status candor_schema_compile(candor_bytes text, const char *origin,
                                                 candor_schema **out, candor_err *err);
void candor_schema_free(candor_schema *s); /* accepts NULL */

/* All borrowed from s. */
const candor_event_def *candor_schema_event(const candor_schema *s,
                                            candor_bytes name);                   /* or NULL */
const candor_event_def *candor_schema_at(const candor_schema *s, unsigned index); /* or NULL */
unsigned candor_schema_count(const candor_schema *s);
candor_bytes candor_schema_name(const candor_schema *s);
unsigned candor_schema_version(const candor_schema *s);
unsigned candor_schema_notice(const candor_schema *s);
/* 64 hex digits: SHA-256 of the canonical form (keys sorted, no white space, defaults written out,
 * documentation-only members left out). Terminated. */
const char *candor_schema_hash(const candor_schema *s);
/* Field by name or snake_case alias; NULL when unknown. */
const candor_field *candor_event_field(const candor_event_def *e, candor_bytes name);

/* The canonical form as JSON text, what the hash is over. */
CANDOR_CHECK candor_status candor_schema_canonical(const candor_schema *s, candor_buf *out);

/* The attributes, in the order of the file; none: n_fields is 0. */
const candor_attributes *candor_schema_attributes(const candor_schema *s);

/* What a typed front end needs: {"name","version","notice","hash","attributes"?:[field],"events":[{
 * "name","category","level","rollup"?,"fields":[field]}]} in index order, a field being {"name",
 * "kind","of"?,"values"?,"maxLength"?,"maxItems"?}. "attributes" is there when the schema has some.
 */
CANDOR_CHECK candor_status candor_schema_describe(const candor_schema *s, candor_buf *out);

const char *candor_kind_name(candor_kind k);
const char *candor_level_name(candor_level l);

#endif
