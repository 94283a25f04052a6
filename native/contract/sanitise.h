/* Stage 2/10: sanitise. In: a payload as typed slots (from JS) or JSON (from everywhere else).
 * Out: the payload as JSON text that holds allowlisted fields only, in schema order, each bounded
 * by its field rule. Both front ends fill the same slots, and one set of rules writes them. Layer:
 * contract. Threads: one candor_sanitiser per thread; the schema is shared. */
#ifndef CANDOR_CONTRACT_SANITISE_H
#define CANDOR_CONTRACT_SANITISE_H

#include "base/digest.h"
#include "base/json.h"
#include "contract/ids.h"
#include "contract/schema.h"

/* What the rules changed; counted, never silent. Names appear in status and in per-event results.
 */
#define CANDOR_ADJUST_MAP(X)                                                                       \
    X(CLAMPED, "clamped")             /* number outside its range, set to the nearest bound */     \
    X(ENUM_OTHER, "enum_other")       /* unknown enum value, replaced by the catch-all */          \
    X(TRUNCATED, "truncated")         /* text or hash input cut to its length */                   \
    X(REDACTED, "redacted")           /* text in which something was replaced */                   \
    X(LIST_CUT, "list_cut")           /* list elements past max */                                 \
    X(BAD_TYPE, "bad_type")           /* field dropped: wrong JSON type, NaN, malformed time */    \
    X(BAD_VALUE, "bad_value")         /* field dropped: unknown enum, id with forbidden content */ \
    X(UNKNOWN_FIELD, "unknown_field") /* JSON only: field not in the schema, not read */           \
    X(CONTENT_WITHHELD, "content_withheld") /* content never enters an ordinary event */
#define CANDOR_ADJUST_AS_ENUM(id, text) CANDOR_ADJUST_##id,
typedef enum candor_adjust {
    CANDOR_ADJUST_MAP(CANDOR_ADJUST_AS_ENUM) CANDOR_ADJUST_COUNT
} candor_adjust;
const char *candor_adjust_name(candor_adjust a);

typedef struct candor_tally {
    unsigned n[CANDOR_ADJUST_COUNT];
} candor_tally;

/* One value on its way through the rules. Strings are borrowed. */
typedef enum candor_value_type {
    CANDOR_VALUE_ABSENT,
    CANDOR_VALUE_NUMBER, /* num; a boolean is 0 or 1 with BOOL */
    CANDOR_VALUE_BOOL,
    CANDOR_VALUE_STRING, /* str: UTF-8, decoded; for ATTRS the JSON text of the object */
    CANDOR_VALUE_INDEX,  /* num: index into ENUM values; out of range is an unknown value */
    CANDOR_VALUE_LIST,   /* items, n_items */
    CANDOR_VALUE_U64,    /* u64 */
    CANDOR_VALUE_BAD     /* present, of a type the field does not take */
} candor_value_type;

typedef struct candor_value {
    candor_value_type type;
    bool
        cut; /* STRING: the front end already cut it; trimmed back to a boundary before redaction */
    union {
        double num;
        uint64_t u64;
    };
    candor_bytes str;
    const struct candor_value *items;
    unsigned n_items;
} candor_value;

typedef enum candor_sanitise_mode {
    CANDOR_AT_SOURCE,   /* client: hash fields are always hashed */
    CANDOR_AT_COLLECTOR /* a well-formed hash passes; anything else is hashed again */
} candor_sanitise_mode;

/* Caller's storage; init borrows everything. Scratch memory is reused between calls. */
typedef struct candor_sanitiser {
    const candor_schema *schema;
    candor_hmac *hash_key; /* borrowed; this thread's own */
    candor_sanitise_mode mode;
    bool content_apart; /* content fields travel as attachments: left out, and nothing is counted */
    bool redact_off;    /* test hook only: set by tests, reachable from no option of a release */
    candor_buf scratch, spare; /* private */
    candor_id_memo ids;        /* private */
} candor_sanitiser;

void candor_sanitiser_init(candor_sanitiser *s, const candor_schema *schema, candor_hmac *hash_key,
                           candor_sanitise_mode mode);
void candor_sanitiser_deinit(candor_sanitiser *s);

/* Append {"field":value,...} for values[def->n_fields] to out. CANDOR_LIMIT: the payload would pass
 * CANDOR_PAYLOAD_MAX (out is unchanged). Tally is added to. */
CANDOR_CHECK candor_status candor_sanitise_values(candor_sanitiser *s, const candor_event_def *def,
                                                  const candor_value *values, candor_buf *out,
                                                  candor_tally *tally);

/* JSON front end. j stands just before the payload value. null counts as {}. CANDOR_INVALID: syntax
 * error (err has line, column) or not an object. Duplicate keys: the last one counts. */
CANDOR_CHECK candor_status candor_sanitise_json(candor_sanitiser *s, const candor_event_def *def,
                                                candor_json *j, candor_buf *out,
                                                candor_tally *tally, candor_err *err);

/* Typed front end. The staging area is one block of memory that JS fills and native reads; every
 * offset is checked. Native byte order: both sides are one process.
 *   0    u32 status        out: candor_emit_result
 *   4    u32 event         index in the schema
 *   8    u32 present_lo    bit i: fields[i] is present (i < 32)
 *   12   u32 present_hi    bit i-32
 *   16   u32 bad_type      fields the encoder refused (wrong JS type), to be counted
 *   20   u32 correlation_at, 24 u32 correlation_len   UTF-8 in the heap; len 0: none
 *   28   u32 heap_end      end of what was written, from the start of the area
 *   32   f64 slots[64]     number, bool, duration, bucket, int: the value; time: unix ms;
 *                          enum: index, or -1 for unknown;
 *                          nanos: two u32, the low and the high word;
 *                          string kinds and lists: two u32, at and len (bytes; elements);
 *                          attrs: as a string, the JSON text of the object
 *   544  heap              UTF-8 of strings; list elements 8-byte aligned, each as a slot
 * Bit 31 of a string's len: the encoder cut it (CANDOR_TYPED_CUT). */
#define CANDOR_TYPED_SLOTS_AT 32
#define CANDOR_TYPED_HEAP_AT  544
#define CANDOR_TYPED_SIZE     (CANDOR_TYPED_HEAP_AT + 196608)
#define CANDOR_TYPED_CUT      0x80000000u
/* In place of an index: the encoder refused the event. candor_emit_typed counts the reason. */
#define CANDOR_TYPED_UNKNOWN_EVENT 0xffffffffu
#define CANDOR_TYPED_BAD_PAYLOAD   0xfffffffeu
#define CANDOR_TYPED_TOO_LARGE     0xfffffffdu
CANDOR_CHECK candor_status candor_sanitise_typed(candor_sanitiser *s, const candor_event_def *def,
                                                 const unsigned char *area, size_t area_size,
                                                 candor_buf *out, candor_tally *tally);

#endif
