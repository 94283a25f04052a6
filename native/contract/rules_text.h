/* Free text through the redactor, and the length cap behind it. Private to the field rules.
 * Layer: contract. Threads: as the sanitiser. */
#ifndef CANDOR_CONTRACT_RULES_TEXT_H
#define CANDOR_CONTRACT_RULES_TEXT_H

#include "contract/rules.h"

/* The text that may leave, by f's kind (TEXT or STACK) and max_length; it lies in s->scratch or
 * s->spare until the next value. v->str may lie in s->spare. CANDOR_NOMEM. */
CANDOR_CHECK candor_status candor_rules_clean_text(candor_sanitiser *s, const candor_field *f,
                                                   const candor_value *v, candor_tally *tally,
                                                   candor_bytes *out);

#endif
