/* Every limit both ends must agree on, each with its reason. docs/limits.md lists them with what
 * the caller gets; scripts/check-limits.js holds that table against the code. Layer: contract. */
#ifndef CANDOR_CONTRACT_LIMITS_H
#define CANDOR_CONTRACT_LIMITS_H

/* Schema */
#define CANDOR_SCHEMA_FILE_MAX   (1024 * 1024) /* bytes of a schema file */
#define CANDOR_SCHEMA_EVENTS_MAX 512
#define CANDOR_FIELDS_MAX        64 /* per event: presence fits one 64-bit word */
#define CANDOR_NAME_MAX          64 /* bytes of an event or field name */
#define CANDOR_ENUM_VALUES_MAX   256
#define CANDOR_ATTRIBUTES_MAX    256 /* in a schema: a table of them fits the stack */
#define CANDOR_ATTRS_MAX         128 /* largest maxItems of an attrs field */
#define CANDOR_BUCKETS_MAX       32
#define CANDOR_LIST_MAX          256   /* elements of a list field */
#define CANDOR_TEXT_MAX          16384 /* largest maxLength of a text or stack field, bytes */
#define CANDOR_ID_MAX            128   /* largest maxLength of an id field, bytes */
#define CANDOR_HASH_INPUT_MAX                                                                      \
    8192                       /* bytes of a value to be hashed; longer is cut before hashing      \
                                */
#define CANDOR_NUMBER_MAX 1e12 /* |min|, |max| of a number or duration: 6 decimals fit int64 */
#define CANDOR_INT_MAX    9007199254740991.0 /* 2^53 - 1, what a double holds exactly */

/* Roll-ups: what waits on the machine for its day to end */
#define CANDOR_ROLLUP_KEYS_MAX  4            /* fields that an event is counted by */
#define CANDOR_ROLLUP_ROWS_MAX  2048         /* counts of a day and key */
#define CANDOR_ROLLUP_BYTES_MAX (256 * 1024) /* of these, keys and numbers */

/* Events */
#define CANDOR_EVENT_MAX    65536 /* bytes of one event line */
#define CANDOR_PAYLOAD_MAX  61440 /* bytes of one sanitised payload */
#define CANDOR_RAW_TEXT_MAX 65536 /* bytes of one text value that the redactor reads */
#define CANDOR_JSON_EVENT_DEPTH                                                                    \
    16                         /* nesting accepted in an events body; unknown parts included       \
                                */
#define CANDOR_BASE_ID_MAX 128 /* session, user, machine, correlation id, app, versions: bytes */

/* Batches */
#define CANDOR_BATCH_EVENTS_MAX 1000          /* events in one spool file and one upload */
#define CANDOR_BATCH_BYTES_MAX  (1024 * 1024) /* inflated bytes of one spool file */

#endif
