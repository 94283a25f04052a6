/* Any bytes as a package, and any bytes as an event line of one. What the reader takes it walks to
 * the same number of events; whatever lines the writer sums up, the reader takes the summary. */
#include <stdlib.h>

#include "contract/package.h"

static const char schema_text[] =
    "{\"schema\":\"fuzz\",\"version\":1,\"notice\":1,\"governance_id\":\"G\",\"events\":{\"E\":{"
    "\"category\":\"c\",\"level\":\"error\",\"owner\":\"o\",\"purpose\":\"p\",\"expires\":\"2028-"
    "12-31\",\"fields\":{\"d\":{\"kind\":\"duration\"},\"name\":{\"kind\":\"id\"},"
    "\"code\":{\"kind\":\"enum\",\"values\":[\"a b\",\"/c\"],\"other\":\"z\"},"
    "\"message\":{\"kind\":\"text\",\"maxLength\":64},\"h\":{\"kind\":\"hash\"},"
    "\"c\":{\"kind\":\"content\"},"
    "\"lh\":{\"kind\":\"list\",\"max\":2,\"of\":{\"kind\":\"hash\"}}}}}}";

typedef struct world {
    candor_schema *schema;
    candor_hmac *key;
    candor_sanitiser s;
    candor_package_sums *sums;
    candor_package_info info;
    candor_buf out;
} world;

static const candor_parse_rules any_time = {0, 0, 0};

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
    candor_sanitiser_init(&w->s, w->schema, w->key, CANDOR_AT_COLLECTOR);
    require(candor_package_sums_new(w->schema, w->key, &w->sums) == CANDOR_OK);
}

static void close_world(world *w)
{
    candor_package_sums_free(w->sums);
    candor_sanitiser_deinit(&w->s);
    candor_hmac_free(w->key);
    candor_schema_free(w->schema);
    candor_buf_free(&w->out);
}

static bool count(void *ctx, uint64_t index, candor_bytes event)
{
    require(index == *(uint64_t *)ctx && event.n >= 2);
    ++*(uint64_t *)ctx;
    return true;
}

static void run_reader(world *w, candor_bytes in)
{
    candor_err err = {0};
    uint64_t n = 0;
    candor_status st = candor_package_check(in, &w->s, &any_time, &w->info, &err);
    require(st == CANDOR_OK || err.text[0] != '\0');
    candor_status each = candor_package_each(in, count, &n, &err);
    if (st == CANDOR_OK) require(each == CANDOR_OK && n == w->info.events);
}

static void run_writer(world *w, candor_bytes in)
{
    candor_package_head head = {.app = CANDOR_LIT("a"),
                                .app_version = CANDOR_LIT("1"),
                                .platform = CANDOR_LIT("p"),
                                .machine_id = CANDOR_LIT("m")};
    static const unsigned char rand[10];
    candor_err err = {0};
    for (const char *p = in.p, *end = in.p + in.n, *next; p < end; p = next + 1) {
        next = memchr(p, '\n', (size_t)(end - p));
        if (next == NULL) next = end;
        (void)!candor_package_sums_add(w->sums, candor_bytes_of(p, (size_t)(next - p)));
    }
    candor_uuid7_make(1, rand, head.id);
    require(candor_package_put_head(w->sums, &head, &w->out) == CANDOR_OK);
    require(candor_package_put_tail(w->sums, &w->out) == CANDOR_OK);
    require(candor_package_check(candor_buf_bytes(&w->out), &w->s, &any_time, &w->info, &err) ==
            CANDOR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    world w;
    if (size == 0) return 0;
    candor_bytes rest = {(const char *)data + 1, size - 1};
    open_world(&w);
    if (data[0] % 2 == 0)
        run_reader(&w, rest);
    else
        run_writer(&w, rest);
    close_world(&w);
    return 0;
}
