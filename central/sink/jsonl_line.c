/* Event lines read back, and the gzip members that hold them. */
#include <errno.h>
#include <unistd.h>

#include "base/gzip.h"
#include "base/json.h"
#include "base/uuid.h"
#include "central/sink/jsonl_internal.h"

#define DEPTH 64

static bool put(candor_stored_event *e, candor_bytes key, candor_bytes value)
{
    const struct {
        candor_bytes key;
        candor_bytes *to;
    } texts[] = {
        {CANDOR_LIT("event_type"), &e->type},
        {CANDOR_LIT("session_id"), &e->context.session_id},
        {CANDOR_LIT("user_id"), &e->context.user_id},
        {CANDOR_LIT("machine_id"), &e->context.machine_id},
        {CANDOR_LIT("app"), &e->context.app},
        {CANDOR_LIT("app_version"), &e->context.app_version},
        {CANDOR_LIT("platform"), &e->context.platform},
        {CANDOR_LIT("correlation_id"), &e->correlation_id},
    };
    size_t i;
    if (candor_bytes_eq(key, CANDOR_LIT("event_id"))) return candor_uuid_parse(value, e->id);
    if (candor_bytes_eq(key, CANDOR_LIT("timestamp"))) return candor_time_parse(value, &e->ts_ms);
    for (i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (candor_bytes_eq(key, texts[i].key)) *texts[i].to = value;
    return true;
}

/* Our own lines: base fields have no escapes, and the payload is kept as it stands. */
bool candor_jsonl_read_line(const candor_schema *schema, candor_bytes line,
                            candor_stored_event *out)
{
    const candor_event_def *def;
    candor_json j;
    candor_json_token t;
    memset(out, 0, sizeof *out);
    candor_json_init(&j, line, DEPTH);
    if (candor_json_next(&j, &t) != CANDOR_JSON_OBJECT) return false;
    while (candor_json_next(&j, &t) == CANDOR_JSON_KEY) {
        candor_bytes key = t.raw;
        candor_json_next(&j, &t);
        if (candor_bytes_eq(key, CANDOR_LIT("payload"))) {
            if (!candor_json_skip(&j, &t, &out->payload)) return false;
        } else if (t.type != CANDOR_JSON_STRING || !put(out, key, t.raw)) {
            return false;
        }
    }
    def = candor_schema_event(schema, out->type);
    if (def != NULL) out->category = def->category;
    return t.type == CANDOR_JSON_OBJECT_END;
}

candor_status candor_jsonl_member_read(int fd, const candor_jsonl_member *m, candor_buf *out,
                                       candor_err *err)
{
    size_t n = (size_t)(m->to - m->from), at = 0;
    candor_buf member = {0};
    candor_status st = CANDOR_OK;
    candor_buf_clear(out);
    if (!candor_buf_reserve(&member, n)) return candor_fail(err, CANDOR_NOMEM, 0, "query", NULL);
    while (at < n && st == CANDOR_OK) {
        ssize_t got = pread(fd, member.p + at, n - at, (off_t)(m->from + at));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            st = candor_fail(err, got == 0 ? CANDOR_CORRUPT : CANDOR_IO, got == 0 ? 0 : errno,
                             "read a day's file", NULL);
        else
            at += (size_t)got;
    }
    if (st == CANDOR_OK)
        st =
            candor_gunzip(candor_bytes_of(member.p, n), CANDOR_JSONL_MEMBER_MAX, out, NULL, 0, err);
    candor_buf_free(&member);
    return st;
}
