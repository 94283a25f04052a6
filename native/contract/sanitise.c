#include "contract/sanitise.h"

#include "contract/rules.h"

void candor_sanitiser_init(candor_sanitiser *s, const candor_schema *schema, candor_hmac *hash_key,
                           candor_sanitise_mode mode)
{
    *s = (candor_sanitiser){.schema = schema, .hash_key = hash_key, .mode = mode};
}

void candor_sanitiser_deinit(candor_sanitiser *s)
{
    candor_buf_free(&s->scratch);
    candor_buf_free(&s->spare);
}

candor_status candor_sanitise_values(candor_sanitiser *s, const candor_event_def *def,
                                     const candor_value *values, candor_buf *out,
                                     candor_tally *tally)
{
    candor_rules r;
    candor_rules_begin(&r, s, out, tally);
    for (unsigned i = 0; i < def->n_fields; i++)
        candor_rules_field(&r, &def->fields[i], &values[i]);
    return candor_rules_end(&r);
}
