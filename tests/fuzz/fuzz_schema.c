/* Any bytes as a schema file: refused with a message, or compiled into a table that holds together.
 */
#include <stdlib.h>

#include "base/json.h"
#include "contract/schema.h"

static void require(bool ok)
{
    if (!ok) abort();
}

static void check_event(const candor_schema *s, unsigned index)
{
    const candor_event_def *e = candor_schema_at(s, index);
    require(e != NULL && candor_schema_event(s, e->name) == e && e->index == index);
    for (unsigned i = 0; i < e->n_fields; i++) {
        const candor_field *f = &e->fields[i];
        require(candor_event_field(e, f->name) == f);
        require(f->alias.n == 0 || candor_event_field(e, f->alias) == f);
        require(f->other < (int)f->n_values);
        require(!(f->min > f->max));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    candor_schema *s = NULL;
    candor_err err = {0};
    candor_buf out = {0};
    candor_status st =
        candor_schema_compile(candor_bytes_of((const char *)data, size), "fuzz", &s, &err);
    require((st == CANDOR_OK) == (s != NULL) && (st == CANDOR_OK) == (err.text[0] == '\0'));
    if (s == NULL) return 0;
    for (unsigned i = 0; i < candor_schema_count(s); i++)
        check_event(s, i);
    require(candor_schema_describe(s, &out) == CANDOR_OK);
    candor_json j;
    candor_json_token t;
    candor_json_init(&j, candor_buf_bytes(&out), 16);
    while (candor_json_next(&j, &t) > CANDOR_JSON_END)
        continue;
    require(t.type == CANDOR_JSON_END);
    candor_buf_free(&out);
    candor_schema_free(s);
    return 0;
}
