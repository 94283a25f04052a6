/* Responses: JSON, and RFC 9457 problems that say what, where and what to do. Layer: central. */
#ifndef CANDOR_CENTRAL_RESPOND_H
#define CANDOR_CENTRAL_RESPOND_H

#include "central/conn.h"

extern const char candor_type_json[], candor_type_problem[], candor_type_text[],
    candor_type_metrics[];

/* Start a reply; its body buffer is empty. */
candor_buf *candor_reply_begin(candor_reply *r, int code, const char *type);
/* What went wrong, for programs: the member "code" of a problem. Of each status, the first is what
 * candor_reply_problem says. A code is a contract: docs/http-api.md lists them. */
#define CANDOR_PROBLEM_MAP(X)                                                                      \
    X(BAD_REQUEST, 400, "bad_request")                                                             \
    X(BAD_HEADER, 400, "bad_header")                                                               \
    X(BAD_PARAMETER, 400, "bad_parameter")                                                         \
    X(UNKNOWN_PARAMETER, 400, "unknown_parameter")                                                 \
    X(BAD_CURSOR, 400, "bad_cursor")                                                               \
    X(BAD_JSON, 400, "bad_json")                                                                   \
    X(BAD_GZIP, 400, "bad_gzip")                                                                   \
    X(BAD_TEXT, 400, "bad_text")                                                                   \
    X(BAD_EVENT_ID, 400, "bad_event_id")                                                           \
    X(DIGEST_MISMATCH, 400, "digest_mismatch")                                                     \
    X(UNAUTHORIZED, 401, "token_unknown")                                                          \
    X(TOKEN_MISSING, 401, "token_missing")                                                         \
    X(FORBIDDEN, 403, "forbidden")                                                                 \
    X(SCOPE_MISSING, 403, "scope_missing")                                                         \
    X(WRONG_APP, 403, "wrong_app")                                                                 \
    X(CONSENT_MISSING, 403, "consent_missing")                                                     \
    X(AGGREGATES_ONLY, 403, "aggregates_only")                                                     \
    X(BUDGET_GONE, 403, "budget_gone")                                                             \
    X(NOT_FOUND, 404, "not_found")                                                                 \
    X(NO_SUCH_TEXT, 404, "no_such_text")                                                           \
    X(UNKNOWN_FIELD, 404, "unknown_field")                                                         \
    X(METHOD, 405, "method_not_allowed")                                                           \
    X(REQUEST_TIMEOUT, 408, "request_timeout")                                                     \
    X(CONFLICT, 409, "conflict")                                                                   \
    X(OFFSET_MISMATCH, 409, "offset_mismatch")                                                     \
    X(TOO_LARGE, 413, "too_large")                                                                 \
    X(TOO_MANY_EVENTS, 413, "too_many_events")                                                     \
    X(BAD_CONTENT_TYPE, 415, "bad_content_type")                                                   \
    X(BAD_CONTENT_ENCODING, 415, "bad_content_encoding")                                           \
    X(EXPECTATION, 417, "expectation_failed")                                                      \
    X(RATE_LIMITED, 429, "rate_limited")                                                           \
    X(BUDGET_SPENT, 429, "budget_spent")                                                           \
    X(HEAD_TOO_LARGE, 431, "head_too_large")                                                       \
    X(INTERNAL, 500, "internal")                                                                   \
    X(NOT_KEPT, 501, "not_kept")                                                                   \
    X(BUSY, 503, "busy")                                                                           \
    X(NO_MEMORY, 503, "out_of_memory")                                                             \
    X(DISK_FULL, 503, "disk_full")                                                                 \
    X(STORE_FAILED, 503, "store_failed")                                                           \
    X(QUERY_TIMEOUT, 503, "query_timeout")                                                         \
    X(STOPPING, 503, "stopping")                                                                   \
    X(HTTP_VERSION, 505, "http_version")
#define CANDOR_PROBLEM_AS_ENUM(id, status, text) CANDOR_PROBLEM_##id,
typedef enum candor_problem { CANDOR_PROBLEM_MAP(CANDOR_PROBLEM_AS_ENUM) } candor_problem;

/* A complete problem reply. detail: printf. */
void candor_reply_refuse(candor_reply *r, candor_problem p, const char *detail, ...)
    CANDOR_PRINTF(3, 4);
/* The same with the status's own code, for refusals that programs need not tell apart. */
void candor_reply_problem(candor_reply *r, int code, const char *detail, ...) CANDOR_PRINTF(3, 4);
/* A reply that asks for it gets its ETag, the digest of its body; when if_none_match names it, 304
 * takes the place of the body (RFC 9110 13.1.2). */
void candor_reply_validate(candor_reply *r, candor_bytes if_none_match);
void candor_reply_deinit(candor_reply *r);
/* Status line and header fields of r; keep: the connection stays open. */
void candor_reply_head(const candor_reply *r, bool keep, candor_buf *out);
const char *candor_code_title(int code);

#endif
