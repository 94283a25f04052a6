/* A sanitiser of the default schema with its buffers, and the check that the collector's rules
 * leave alone what the client wrote. */
#ifndef CANDOR_TESTS_CONTRACT_FIXTURE_H
#define CANDOR_TESTS_CONTRACT_FIXTURE_H

#include "contract/support.h"

typedef struct fixture {
    candor_schema *schema;
    candor_hmac *key;
    candor_sanitiser s;
    candor_buf out, again;
} fixture;

static inline int fixture_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->schema = support_default_schema();
    f->key = support_key("vectors");
    candor_sanitiser_init(&f->s, f->schema, f->key, CANDOR_AT_SOURCE);
    *state = f;
    return 0;
}

static inline int fixture_down(void **state)
{
    fixture *f = *state;
    candor_sanitiser_deinit(&f->s);
    candor_hmac_free(f->key);
    candor_schema_free(f->schema);
    candor_buf_free(&f->out);
    candor_buf_free(&f->again);
    free(f);
    return 0;
}

/* What the client wrote passes the collector unchanged and uncounted. */
static inline void assert_idempotent(fixture *f, const candor_event_def *def, const char *name)
{
    static const candor_tally none;
    candor_tally tally;
    f->s.mode = CANDOR_AT_COLLECTOR;
    assert_int_equal(support_json(&f->s, def, candor_buf_bytes(&f->out), &f->again, &tally),
                     CANDOR_OK);
    f->s.mode = CANDOR_AT_SOURCE;
    if (!candor_bytes_eq(candor_buf_bytes(&f->out), candor_buf_bytes(&f->again)))
        fail_msg("%s: %.*s became %.*s", name, (int)f->out.n, f->out.p, (int)f->again.n,
                 f->again.p);
    if (memcmp(&tally, &none, sizeof(tally)) != 0) fail_msg("%s: counted again", name);
}

#endif
