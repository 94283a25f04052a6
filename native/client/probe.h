/* Whether the collector would take an upload, asked without sending an event: its health, the
 * token and the schema. For tools, not for the worker. Layer: client. Threads: any; blocks. */
#ifndef CANDOR_CLIENT_PROBE_H
#define CANDOR_CLIENT_PROBE_H

#include "base/bytes.h"

/* Appends {"endpoint":url|null,"health":ANSWER,"token":ANSWER}. ANSWER is
 * {"http":code,"error":s|null,"date":s|null,"body":s,"ms":n}, or null when it was not asked:
 * without an endpoint, and token when health had no answer at all. http is 0 without an answer, and
 * error says why; date is the Date header, body the answer's text, cut. options_json  as for
 * candor_open; endpoint, token, proxy, caFile, caPem and the timeouts count schema_hash   of the
 * schema in use, for the collector to compare; "" asks nothing Two requests with the timeouts of
 * the options, one after the other. The second is an upload of no events. CANDOR_INVALID: an option
 * is wrong. */
CANDOR_CHECK candor_status candor_probe(candor_bytes options_json, candor_bytes schema_hash,
                                        candor_buf *out, candor_err *err);

#endif
