/* Forward to what takes PostHog's capture API: POST /batch/ with the project's key in the body
 * (https://posthog.com/docs/api/capture#batch-events). An event's uuid tells a repetition. */
#include "base/json.h"
#include "base/uuid.h"
#include "central/sink/forward.h"
#include "central/version.h"

/* No profile of a person is made, and the collector's address is no place of anybody. */
static void put_properties(const candor_stored_event *e, candor_buf *b)
{
    const struct {
        const char *key;
        candor_bytes value;
    } base[] = {{"$session_id", e->context.session_id},  {"app", e->context.app},
                {"app_version", e->context.app_version}, {"platform", e->context.platform},
                {"machine_id", e->context.machine_id},   {"category", e->category},
                {"correlation_id", e->correlation_id}};
    size_t i;
    candor_buf_putf(b,
                    "\"properties\":{\"$lib\":\"candor-central\",\"$lib_version\":\"%s\","
                    "\"$process_person_profile\":false,\"$geoip_disable\":true",
                    CANDOR_CENTRAL_VERSION);
    for (i = 0; i < sizeof base / sizeof base[0]; i++) {
        if (base[i].value.n == 0) continue;
        candor_buf_putf(b, ",\"%s\":", base[i].key);
        candor_json_put_string(b, base[i].value);
    }
    candor_buf_put_bytes(b, CANDOR_LIT(",\"payload\":"));
    candor_buf_put_bytes(b, e->payload);
    candor_buf_put_bytes(b, CANDOR_LIT("}}"));
}

static void put_event(const candor_stored_event *e, candor_buf *b)
{
    char id[CANDOR_UUID_TEXT], time[CANDOR_TIME_TEXT];
    candor_uuid_format(e->id, id);
    candor_time_format(e->ts_ms, time);
    candor_buf_putf(b, "{\"uuid\":\"%.*s\",\"timestamp\":\"%.*s\",\"event\":", CANDOR_UUID_TEXT, id,
                    CANDOR_TIME_TEXT, time);
    candor_json_put_string(b, e->type);
    candor_buf_put_bytes(b, CANDOR_LIT(",\"distinct_id\":"));
    candor_json_put_string(b, e->context.user_id);
    candor_buf_put_c(b, ',');
    put_properties(e, b);
}

static candor_status send(candor_forward *f, const candor_sink_row *const *rows, size_t n,
                          uint64_t *rejected, candor_err *err)
{
    candor_http_response answer;
    candor_status st;
    size_t i;
    candor_buf_clear(&f->body);
    candor_buf_put_bytes(&f->body, CANDOR_LIT("{\"api_key\":"));
    candor_json_put_string(&f->body, candor_bytes_str(f->url.password));
    candor_buf_put_bytes(&f->body, CANDOR_LIT(",\"batch\":["));
    for (i = 0; i < n; i++) {
        candor_stored_event e;
        candor_sink_row_event(rows[i], &e);
        if (i != 0) candor_buf_put_c(&f->body, ',');
        put_event(&e, &f->body);
    }
    candor_buf_put_bytes(&f->body, CANDOR_LIT("]}"));
    (void)rejected;
    st = candor_forward_post(f, "/batch/", "application/json", true, false, &answer, err);
    return st == CANDOR_OK ? candor_forward_judge(answer.code, "the capture endpoint", err) : st;
}

candor_status candor_sink_posthog_open(const candor_sink_settings *s, candor_sink **out,
                                       candor_err *err)
{
    static const candor_forward_kind kind = {
        .ops = CANDOR_FORWARD_OPS("posthog"), .groups = 1, .send = send};
    candor_forward *f = NULL;
    candor_status st = candor_forward_open(s, &kind, 0, &f, err);
    *out = f != NULL ? &f->sink : NULL;
    return st;
}
