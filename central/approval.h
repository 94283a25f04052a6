/* The two events that approvals are made of: a turn names the model, a decision is about a proposal
 * of a turn. Layer: central. Threads: any. */
#ifndef CANDOR_CENTRAL_APPROVAL_H
#define CANDOR_CENTRAL_APPROVAL_H

#include "contract/schema.h"

typedef struct candor_approval_defs {
    const candor_event_def *turn, *decision; /* NULL: the schema has none with that field */
    const candor_field *model, *verdict;
} candor_approval_defs;

candor_approval_defs candor_approval_of(const candor_schema *schema);
/* The field's value, or "(unknown)". */
candor_bytes candor_approval_word(candor_bytes payload, const candor_field *f);

#endif
