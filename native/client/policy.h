/* Stage 6/10: upload policy. In: an HTTP answer. Out: what becomes of the batch, and when to try
 * again. Pure: no clock, no randomness of its own. Layer: client. Threads: any. */
#ifndef CANDOR_CLIENT_POLICY_H
#define CANDOR_CLIENT_POLICY_H

#include "net/backoff.h"
#include "net/http.h"

typedef enum candor_outcome {
    CANDOR_UPLOAD_DONE,   /* stored: delete */
    CANDOR_UPLOAD_RETRY,  /* later, with backoff */
    CANDOR_UPLOAD_DISCARD /* refused for good, and by a collector: quarantine */
} candor_outcome;

typedef struct candor_verdict {
    candor_outcome outcome;
    uint64_t accepted, duplicates, rejected; /* DONE: what the collector says of the events */
    char error[256];                         /* sentence; empty when DONE */
} candor_verdict;

void candor_policy_judge(const candor_http_response *r, candor_verdict *out);
/* The same for an attachment whose text has this SHA-256 (64 hex digits): stored, now or before, is
 * done; another text under its name, or a field that the
 * collector does not know, is a refusal. */
void candor_policy_judge_attachment(const candor_http_response *r, const char *sha256,
                                    candor_verdict *out);

#endif
