/* Any bytes as a payload, an event line and a typed staging area. What comes out must be
 * well-formed and must pass the collector's rules unchanged and uncounted. */
#include <stdlib.h>

#include "contract/envelope.h"

static const char schema_text[] =
    "{\"schema\":\"fuzz\",\"version\":1,\"notice\":1,\"governance_id\":\"G\",\"attributes\":{"
    "\"a.i\":{\"kind\":\"int\",\"max\":99},\"a.e\":{\"kind\":\"enum\",\"values\":[\"a\"],\"other\":"
    "\"z\"},"
    "\"h\":{\"kind\":\"hash\"},\"t\":{\"kind\":\"text\",\"maxLength\":11},\"b\":{\"kind\":\"bool\"}"
    "},"
    "\"events\":{\"E\":{"
    "\"category\":\"c\",\"level\":\"usage\",\"owner\":\"o\",\"purpose\":\"p\",\"expires\":\"2028-"
    "12-31\","
    "\"fields\":{\"i\":{\"kind\":\"int\",\"min\":-5,\"max\":5000},"
    "\"n\":{\"kind\":\"number\",\"decimals\":2,\"min\":-1.25,\"max\":9.5},\"b\":{\"kind\":\"bool\"}"
    ","
    "\"d\":{\"kind\":\"duration\"},\"t\":{\"kind\":\"time\"},"
    "\"e\":{\"kind\":\"enum\",\"values\":[\"a\",\"b\"],\"other\":\"z\"},\"id\":{\"kind\":\"id\"},"
    "\"bk\":{\"kind\":\"bucket\",\"bounds\":[-1,0.5,7]},\"h\":{\"kind\":\"hash\"},"
    "\"tx\":{\"kind\":\"text\",\"maxLength\":23},\"st\":{\"kind\":\"stack\",\"maxLength\":40},"
    "\"c\":{\"kind\":\"content\"},"
    "\"li\":{\"kind\":\"list\",\"max\":3,\"of\":{\"kind\":\"int\",\"min\":0}},"
    "\"lt\":{\"kind\":\"list\",\"max\":2,\"of\":{\"kind\":\"text\",\"maxLength\":9}},"
    "\"ns\":{\"kind\":\"nanos\"},\"at\":{\"kind\":\"attrs\",\"maxItems\":3}}}}}";

typedef struct world {
    candor_schema *schema;
    candor_hmac *key;
    candor_sanitiser source, collector;
    candor_buf out, again;
} world;

static void require(bool ok)
{
    if (!ok) abort();
}

static void open_world(world *w)
{
    candor_bytes text = {schema_text, sizeof(schema_text) - 1};
    *w = (world){.schema = NULL};
    require(candor_schema_compile(text, "fuzz", &w->schema, NULL) == CANDOR_OK);
    require(candor_hmac_new(CANDOR_LIT("fuzz"), &w->key) == CANDOR_OK);
    candor_sanitiser_init(&w->source, w->schema, w->key, CANDOR_AT_SOURCE);
    candor_sanitiser_init(&w->collector, w->schema, w->key, CANDOR_AT_COLLECTOR);
}

static void close_world(world *w)
{
    candor_sanitiser_deinit(&w->source);
    candor_sanitiser_deinit(&w->collector);
    candor_hmac_free(w->key);
    candor_schema_free(w->schema);
    candor_buf_free(&w->out);
    candor_buf_free(&w->again);
}

static void require_settled(world *w, candor_bytes first)
{
    candor_json j;
    candor_tally tally = {{0}};
    candor_buf_clear(&w->again);
    candor_json_init(&j, first, 4);
    require(candor_sanitise_json(&w->collector, candor_schema_at(w->schema, 0), &j, &w->again,
                                 &tally, NULL) == CANDOR_OK);
    require(candor_bytes_eq(first, candor_buf_bytes(&w->again)));
    for (unsigned a = 0; a < CANDOR_ADJUST_COUNT; a++)
        require(tally.n[a] == 0);
}

static void run_json(world *w, candor_bytes in)
{
    candor_json j;
    candor_tally tally = {{0}};
    candor_err err = {0};
    candor_buf_clear(&w->out);
    candor_json_init(&j, in, CANDOR_JSON_EVENT_DEPTH);
    candor_status st =
        candor_sanitise_json(&w->source, candor_schema_at(w->schema, 0), &j, &w->out, &tally, &err);
    if (st == CANDOR_OK)
        require_settled(w, candor_buf_bytes(&w->out));
    else
        require(w->out.n == 0 && err.text[0] != '\0');
}

static void run_typed(world *w, const uint8_t *data, size_t size)
{
    candor_tally tally = {{0}};
    unsigned char *area =
        malloc(size != 0 ? size : 1); /* exact, and aligned as an ArrayBuffer is */
    require(area != NULL);
    if (size != 0) memcpy(area, data, size);
    candor_buf_clear(&w->out);
    candor_status st = candor_sanitise_typed(&w->source, candor_schema_at(w->schema, 0), area, size,
                                             &w->out, &tally);
    free(area);
    if (st == CANDOR_OK)
        require_settled(w, candor_buf_bytes(&w->out));
    else
        require(w->out.n == 0);
}

static void run_events(world *w, candor_bytes in)
{
    candor_json j;
    candor_json_token t;
    candor_parsed parsed;
    const candor_parse_rules rules = {0, 0, 0};
    candor_json_init(&j, in, CANDOR_JSON_EVENT_DEPTH);
    candor_json_type type = candor_json_next(&j, &t);
    if (type == CANDOR_JSON_ARRAY) type = candor_json_next(&j, &t);
    while (type > CANDOR_JSON_END && type != CANDOR_JSON_ARRAY_END) {
        candor_buf_clear(&w->out);
        candor_reject r = candor_event_parse(&w->collector, &j, &t, &rules, &w->out, &parsed);
        require((r == CANDOR_REJECT_BAD_JSON) == (j.error != NULL));
        if (r == CANDOR_REJECT_NONE)
            require_settled(w, candor_bytes_of(w->out.p + parsed.payload_at, parsed.payload_len));
        else
            require(w->out.n == 0);
        type = candor_json_next(&j, &t);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    world w;
    if (size == 0) return 0;
    candor_bytes rest = {(const char *)data + 1, size - 1};
    open_world(&w);
    switch (data[0] % 3) {
    case 0:
        run_json(&w, rest);
        break;
    case 1:
        run_events(&w, rest);
        break;
    default:
        run_typed(&w, data + 1, size - 1);
        break;
    }
    close_world(&w);
    return 0;
}
