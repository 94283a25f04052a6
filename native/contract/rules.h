/* The field rules: one value in, its JSON text out, or nothing and a tally. Both front ends of
 * stage 2 end here. Applying the rules to their own output at CANDOR_AT_COLLECTOR changes nothing.
 * Private to the sanitiser. Layer: contract. Threads: as the sanitiser. */
#ifndef CANDOR_CONTRACT_RULES_H
#define CANDOR_CONTRACT_RULES_H

#include "contract/sanitise.h"

/* One payload being written. */
typedef struct candor_rules {
    candor_sanitiser *s;
    candor_buf *out;
    candor_tally *tally;
    size_t start;         /* of the payload in out */
    size_t list_at;       /* of the open list's key in out */
    unsigned list_seen;   /* elements offered to the open list */
    bool first;           /* nothing follows '{' or '[' yet */
    candor_status status; /* sticky: LIMIT, NOMEM, CRYPTO; the rest of the calls do nothing */
} candor_rules;

void candor_rules_begin(candor_rules *r, candor_sanitiser *s, candor_buf *out, candor_tally *tally);
void candor_rules_field(candor_rules *r, const candor_field *f, const candor_value *v);
/* The same for a list, element by element, so that no front end has to gather them. */
void candor_rules_list_begin(candor_rules *r, const candor_field *f);
bool candor_rules_list_full(const candor_rules *r, const candor_field *f);
void candor_rules_list_item(candor_rules *r, const candor_field *f, const candor_value *v);
void candor_rules_list_end(candor_rules *r);
/* The same for a nested object: its members are candor_rules_field of f->attributes. */
void candor_rules_attrs_begin(candor_rules *r, const candor_field *f);
void candor_rules_attrs_end(candor_rules *r);
/* Closes the object. After a failure out is as it was at begin. */
CANDOR_CHECK candor_status candor_rules_end(candor_rules *r);

static inline void candor_tally_add(candor_tally *t, candor_adjust a)
{
    t->n[a]++;
}

/* The longest prefix of s of at most max bytes that ends at a character boundary. */
size_t candor_utf8_prefix(candor_bytes s, size_t max);

#endif
