#include "client/policy.h"

#include <stdio.h>

#include "base/json.h"
#include "contract/envelope.h"

/* Whether a result says that its event was not processed and has to come again. */
static bool asks_again(candor_bytes results)
{
    candor_json j;
    candor_json_token t;
    bool reason = false, again = false;
    candor_json_init(&j, results, 32);
    while (candor_json_next(&j, &t) != CANDOR_JSON_END && t.type != CANDOR_JSON_ERROR) {
        again =
            again ||
            (reason && t.type == CANDOR_JSON_STRING &&
             candor_bytes_eq(t.raw, candor_bytes_str(candor_reject_name(CANDOR_REJECT_FAILED))));
        reason = t.type == CANDOR_JSON_KEY && candor_bytes_eq(t.raw, CANDOR_LIT("reason"));
    }
    return again;
}

/* {"accepted":n,"duplicates":n,"rejected":n,...}: anything else is not a collector, for instance
 * the log-in page of a hotel's network that answers 200 to everything. */
static bool read_receipt(candor_bytes body, candor_verdict *out, bool *again)
{
    candor_json j;
    candor_json_token t;
    bool accepted = false;
    candor_json_init(&j, body, 32);
    *again = false;
    if (candor_json_next(&j, &t) != CANDOR_JSON_OBJECT) return false;
    while (candor_json_next(&j, &t) == CANDOR_JSON_KEY) {
        int64_t n = 0;
        bool is_accepted = candor_bytes_eq(t.raw, CANDOR_LIT("accepted"));
        bool is_rejected = candor_bytes_eq(t.raw, CANDOR_LIT("rejected"));
        bool is_duplicates = candor_bytes_eq(t.raw, CANDOR_LIT("duplicates"));
        bool is_results = candor_bytes_eq(t.raw, CANDOR_LIT("results"));
        candor_bytes whole = {0};
        (void)candor_json_next(&j, &t);
        bool number = t.type == CANDOR_JSON_NUMBER && candor_json_int64(t.raw, &n) && n >= 0;
        if (is_accepted) accepted = number;
        if (is_accepted && number) out->accepted = (uint64_t)n;
        if (is_rejected && number) out->rejected = (uint64_t)n;
        if (is_duplicates && number) out->duplicates = (uint64_t)n;
        if (!candor_json_skip(&j, &t, &whole)) return false;
        if (is_results) *again = asks_again(whole);
    }
    return j.error == NULL && accepted;
}

/* {"type":...,"status":code,...}: the problem object of RFC 9457 that the collector gives with
 * every refusal. A 400 or 413 of anything else (a proxy, a login page) says nothing about the
 * batch. */
static bool is_problem(candor_bytes body, int code)
{
    candor_json j;
    candor_json_token t;
    bool type = false, status = false;
    candor_json_init(&j, body, 32);
    if (candor_json_next(&j, &t) != CANDOR_JSON_OBJECT) return false;
    while (candor_json_next(&j, &t) == CANDOR_JSON_KEY) {
        int64_t n = 0;
        bool is_type = candor_bytes_eq(t.raw, CANDOR_LIT("type"));
        bool is_status = candor_bytes_eq(t.raw, CANDOR_LIT("status"));
        (void)candor_json_next(&j, &t);
        if (is_type) type = t.type == CANDOR_JSON_STRING;
        if (is_status)
            status =
                t.type == CANDOR_JSON_NUMBER && candor_json_int64(t.raw, &n) && n == (int64_t)code;
        if (!candor_json_skip(&j, &t, NULL)) return false;
    }
    return j.error == NULL && type && status;
}

static const char *refusal(int code)
{
    switch (code) {
    case 400:
        return "the collector says that the batch is malformed";
    case 413:
        return "the collector says that the batch is too large";
    case 415:
        return "the collector does not take this type of content";
    case 422:
        return "the collector refused the batch";
    default:
        return NULL;
    }
}

static void judge_code(const candor_http_response *r, candor_verdict *out)
{
    int code = r->code;
    const char *text = "the collector could not take the batch";
    if (refusal(code) != NULL && is_problem(r->body, code)) {
        out->outcome = CANDOR_UPLOAD_DISCARD;
        (void)snprintf(out->error, sizeof out->error, "%s (HTTP %d)", refusal(code), code);
        return;
    }
    out->outcome = CANDOR_UPLOAD_RETRY;
    switch (code) {
    case 400:
    case 413:
    case 415:
    case 422:
        text = "the batch was refused, but not by a collector; check the endpoint's address and "
               "what lies in between";
        break;
    case 401:
    case 403:
        text = "the collector refused the token; check the option \"token\" or TELEMETRY_TOKEN";
        break;
    case 404:
        text = "there is no collector at the endpoint; check its address";
        break;
    case 429:
        text = "the collector asks to send less often";
        break;
    default:
        if (code >= 300 && code < 400)
            text = "the endpoint redirects, which is not followed; set its final address";
        else if (code >= 500)
            text = "the collector has a problem";
        break;
    }
    (void)snprintf(out->error, sizeof out->error, "%s (HTTP %d)", text, code);
}

void candor_policy_judge(const candor_http_response *r, candor_verdict *out)
{
    memset(out, 0, sizeof *out);
    if (r->status != CANDOR_OK) {
        out->outcome = CANDOR_UPLOAD_RETRY;
        (void)snprintf(out->error, sizeof out->error, "%s",
                       r->error[0] != '\0' ? r->error : candor_status_text(r->status));
        return;
    }
    if (r->code < 200 || r->code > 299) {
        judge_code(r, out);
        return;
    }
    bool again = false;
    bool receipt = read_receipt(r->body, out, &again);
    out->outcome = receipt && !again ? CANDOR_UPLOAD_DONE : CANDOR_UPLOAD_RETRY;
    if (receipt && again)
        (void)snprintf(out->error, sizeof out->error,
                       "the collector could not process some events and asks for them again");
    else if (!receipt)
        (void)snprintf(out->error, sizeof out->error,
                       "the endpoint answers HTTP %d, but not like a collector; check its address",
                       r->code);
}

/* {"stored":true} or {"stored":false,"duplicate":true}: anything else is not a collector. */
static bool is_stored_receipt(candor_bytes body)
{
    candor_json j;
    candor_json_token t;
    bool stored = false;
    candor_json_init(&j, body, 32);
    if (candor_json_next(&j, &t) != CANDOR_JSON_OBJECT) return false;
    while (candor_json_next(&j, &t) == CANDOR_JSON_KEY) {
        bool is_stored = candor_bytes_eq(t.raw, CANDOR_LIT("stored"));
        (void)candor_json_next(&j, &t);
        if (is_stored) stored = t.type == CANDOR_JSON_TRUE || t.type == CANDOR_JSON_FALSE;
        if (!candor_json_skip(&j, &t, NULL)) return false;
    }
    return j.error == NULL && stored;
}

void candor_policy_judge_attachment(const candor_http_response *r, const char *sha256,
                                    candor_verdict *out)
{
    bool answered = r->status == CANDOR_OK;
    memset(out, 0, sizeof *out);
    if (answered && (r->code == 200 || r->code == 201) && is_stored_receipt(r->body)) return;
    if (answered && r->code == 409 && r->body.n != 0 && strstr(r->body.p, sha256) != NULL) return;
    if (answered && r->code == 409 && is_problem(r->body, r->code)) {
        out->outcome = CANDOR_UPLOAD_DISCARD;
        (void)snprintf(out->error, sizeof out->error,
                       "the collector has another text for an attachment (HTTP 409)");
        return;
    }
    if (answered && r->code == 404 && is_problem(r->body, r->code)) {
        out->outcome = CANDOR_UPLOAD_DISCARD;
        (void)snprintf(out->error, sizeof out->error,
                       "the collector's schema has no such content field (HTTP 404)");
        return;
    }
    if (!answered || r->code < 200 || r->code > 299) {
        candor_policy_judge(r, out);
        return;
    }
    out->outcome = CANDOR_UPLOAD_RETRY;
    (void)snprintf(out->error, sizeof out->error,
                   "the endpoint answers HTTP %d, but not like a collector; check its address",
                   r->code);
}
