/* The JSON front end behind its first token, for the envelope's parser, which has read it already.
 * Private to contract. Layer: contract. Threads: as the sanitiser. */
#ifndef CANDOR_CONTRACT_SANITISE_JSON_H
#define CANDOR_CONTRACT_SANITISE_JSON_H

#include "contract/sanitise.h"

/* As candor_sanitise_json; first is the payload's first token, just read from j. Unless j->error is
 * set, j stands behind the payload afterwards, also after a failure. */
CANDOR_CHECK candor_status candor_sanitise_json_from(candor_sanitiser *s,
                                                     const candor_event_def *def, candor_json *j,
                                                     const candor_json_token *first,
                                                     candor_buf *out, candor_tally *tally,
                                                     candor_err *err);

/* A token as a value: a scalar, or what no rule takes. The text of a string may lie in s->spare.
 * CANDOR_NOMEM. */
CANDOR_CHECK candor_status candor_json_load_value(candor_sanitiser *s, const candor_json_token *t,
                                                  candor_kind k, candor_value *v);

/* Room for any key that a schema or an envelope knows, aliases included. */
#define CANDOR_KEY_MAX (2 * CANDOR_NAME_MAX)
/* The text of a KEY token: where it stands, or decoded into local; empty when it is longer than any
 * known key. */
candor_bytes candor_key_text(const candor_json_token *t, char local[CANDOR_KEY_MAX]);

#endif
