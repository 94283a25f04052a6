#include "contract/envelope.h"

#include "base/uuid.h"
#include "contract/rules.h"

#define CANDOR_REJECT_AS_TEXT(id, text) text,
const char *candor_reject_text(candor_reject r)
{
    static const char *const texts[] = {CANDOR_REJECT_MAP(CANDOR_REJECT_AS_TEXT)};
    return (unsigned)r < CANDOR_REJECT_COUNT ? texts[r] : "unknown";
}

/* The enum's own words in lower case: a table of literals keeps them greppable. */
const char *candor_reject_name(candor_reject r)
{
    static const char *const names[CANDOR_REJECT_COUNT] = {
        [CANDOR_REJECT_NONE] = "none",
        [CANDOR_REJECT_NOT_AN_OBJECT] = "not_an_object",
        [CANDOR_REJECT_TOO_LARGE] = "too_large",
        [CANDOR_REJECT_BAD_EVENT_ID] = "bad_event_id",
        [CANDOR_REJECT_BAD_EVENT_TYPE] = "bad_event_type",
        [CANDOR_REJECT_UNKNOWN_EVENT] = "unknown_event",
        [CANDOR_REJECT_BAD_TIMESTAMP] = "bad_timestamp",
        [CANDOR_REJECT_CLOCK_SKEW] = "clock_skew",
        [CANDOR_REJECT_BAD_BASE_FIELD] = "bad_base_field",
        [CANDOR_REJECT_BAD_PAYLOAD] = "bad_payload",
        [CANDOR_REJECT_BAD_JSON] = "bad_json",
        [CANDOR_REJECT_FAILED] = "failed",
    };
    return (unsigned)r < CANDOR_REJECT_COUNT ? names[r] : "unknown";
}

static void put(candor_buf *b, candor_bytes key, candor_bytes value)
{
    candor_buf_put_bytes(b, key);
    candor_buf_put_bytes(b, value);
}

candor_status candor_context_write(const candor_context *c, candor_buf *out)
{
    bool ok = candor_id_ok(c->session_id, CANDOR_BASE_ID_MAX) &&
              candor_id_ok(c->user_id, CANDOR_BASE_ID_MAX) &&
              candor_id_ok(c->machine_id, CANDOR_BASE_ID_MAX) &&
              candor_id_ok(c->app, CANDOR_BASE_ID_MAX) && candor_version_ok(c->app_version) &&
              candor_id_ok(c->platform, CANDOR_BASE_ID_MAX);
    return ok ? candor_context_put(c, out) : CANDOR_INVALID;
}

candor_status candor_context_put(const candor_context *c, candor_buf *out)
{
    put(out, CANDOR_LIT("\"session_id\":\""), c->session_id);
    put(out, CANDOR_LIT("\",\"user_id\":\""), c->user_id);
    put(out, CANDOR_LIT("\",\"machine_id\":\""), c->machine_id);
    put(out, CANDOR_LIT("\",\"app\":\""), c->app);
    put(out, CANDOR_LIT("\",\"app_version\":\""), c->app_version);
    put(out, CANDOR_LIT("\",\"platform\":\""), c->platform);
    candor_buf_put_c(out, '"');
    return out->failed ? CANDOR_NOMEM : CANDOR_OK;
}

candor_status candor_event_write(const unsigned char id[16], candor_bytes type, int64_t ts_ms,
                                 candor_bytes context_json, candor_bytes correlation_id,
                                 candor_bytes payload, candor_buf *out)
{
    if (correlation_id.n != 0 && !candor_id_ok(correlation_id, CANDOR_BASE_ID_MAX))
        return CANDOR_INVALID;
    return candor_event_put(id, type, ts_ms, context_json, correlation_id, payload, out);
}

candor_status candor_event_put(const unsigned char id[16], candor_bytes type, int64_t ts_ms,
                               candor_bytes context_json, candor_bytes correlation_id,
                               candor_bytes payload, candor_buf *out)
{
    /* RFC 3339 has four digits for the year: 0000-01-01 to 9999-12-31. */
    if (ts_ms < INT64_C(-62167219200000) || ts_ms > INT64_C(253402300799999)) return CANDOR_INVALID;
    char id_text[CANDOR_UUID_TEXT], time_text[CANDOR_TIME_TEXT];
    size_t start = out->n;
    candor_uuid_format(id, id_text);
    candor_time_format(ts_ms, time_text);
    /* 256: every fixed part of the line. */
    (void)candor_buf_reserve(out, 256 + type.n + context_json.n + correlation_id.n + payload.n);
    put(out, CANDOR_LIT("{\"event_id\":\""), candor_bytes_of(id_text, sizeof(id_text)));
    put(out, CANDOR_LIT("\",\"event_type\":\""), type);
    put(out, CANDOR_LIT("\",\"timestamp\":\""), candor_bytes_of(time_text, sizeof(time_text)));
    put(out, CANDOR_LIT("\","), context_json);
    if (correlation_id.n != 0) {
        put(out, CANDOR_LIT(",\"correlation_id\":\""), correlation_id);
        candor_buf_put_c(out, '"');
    }
    put(out, CANDOR_LIT(",\"payload\":"), payload);
    candor_buf_put(out, "}\n", 2);
    candor_status st = out->failed                             ? CANDOR_NOMEM
                       : out->n - start > CANDOR_EVENT_MAX + 1 ? CANDOR_LIMIT
                                                               : CANDOR_OK;
    if (st != CANDOR_OK) out->n = start;
    return st;
}
