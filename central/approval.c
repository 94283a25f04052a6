#include "central/approval.h"

#include "base/bytes.h"
#include "central/payload.h"

candor_approval_defs candor_approval_of(const candor_schema *schema)
{
    candor_approval_defs d = {
        .turn = candor_schema_event(schema, CANDOR_LIT("ChatTurn")),
        .decision = candor_schema_event(schema, CANDOR_LIT("ProposalDecision")),
    };
    if (d.turn != NULL) d.model = candor_event_field(d.turn, CANDOR_LIT("model"));
    if (d.model == NULL) d.turn = NULL;
    if (d.decision != NULL) d.verdict = candor_event_field(d.decision, CANDOR_LIT("decision"));
    if (d.verdict == NULL) d.decision = NULL;
    return d;
}

candor_bytes candor_approval_word(candor_bytes payload, const candor_field *f)
{
    candor_bytes text;
    return f != NULL && candor_payload_find(payload, f, &text) ? text : CANDOR_LIT("(unknown)");
}
