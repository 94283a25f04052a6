#include "node/handle.h"

#include <stdlib.h>

#include "client/client.h"
#include "contract/sanitise.h"
#include "node/convert.h"
#include "node/promise.h"
#include "plat/plat.h"

/* All clients of an ending environment together get this long to batch what is pending. What is
 * left is on disk already, and the next process picks it up. */
#define TEARDOWN_MS 1000

/* What marks a function as one of our handles, so that no other wrapped object is taken for one. */
static const napi_type_tag handle_tag = {0x6b1f2c52a3f84d0eULL, 0x9c77b08e51d2a643ULL};

static void store_result(unsigned char *area, candor_emit_result r)
{
    uint32_t v = (uint32_t)r;
    memcpy(area, &v, sizeof v);
}

/* The hot path: no argument, no result. JavaScript wrote the area and reads area[0] afterwards. */
static napi_value emit(napi_env env, napi_callback_info info)
{
    void *data = NULL;
    if (napi_get_cb_info(env, info, NULL, NULL, NULL, &data) != napi_ok) return NULL;
    candor_node_client *c = data;
    candor_emit_result r = CANDOR_EMIT_CLOSED;
    if (c->core != NULL) r = candor_emit_typed(c->core, c->area, CANDOR_TYPED_SIZE);
    store_result(c->area, r);
    return NULL;
}

static int teardown_left_ms(candor_node_env *e)
{
    uint64_t now = candor_clock_mono_ns();
    if (e->teardown_ends_ns == 0) e->teardown_ends_ns = now + TEARDOWN_MS * 1000000ULL;
    return now < e->teardown_ends_ns ? (int)((e->teardown_ends_ns - now) / 1000000ULL) : 0;
}

/* Hooks run in reverse order. This one is added after the threadsafe function's own, so that
 * function still takes the completions that closing brings; it hands them to nobody and frees them.
 */
static void env_ends(void *arg)
{
    candor_node_client *c = arg;
    c->hooked = false;
    candor_node_client_close(c, teardown_left_ms(c->env_data));
}

void candor_node_client_close(candor_node_client *c, int timeout_ms)
{
    if (c->core == NULL) return;
    candor_client *core = c->core;
    c->core = NULL;
    candor_close(core, timeout_ms);
    if (c->hooked) {
        c->hooked = false;
        (void)napi_remove_env_cleanup_hook(c->env, env_ends, c);
    }
    candor_node_promises_end(c);
}

void candor_node_client_release(napi_env env, candor_node_client *c)
{
    if (--c->owners > 0) return;
    if (c->area_ref != NULL) (void)napi_delete_reference(env, c->area_ref);
    free(c);
}

/* The emit function was collected, or the environment ends. */
static void handle_finalise(napi_env env, void *data, void *hint)
{
    (void)hint;
    candor_node_client *c = data;
    candor_node_client_close(c, 0);
    candor_node_client_release(env, c);
}

candor_node_client *candor_node_client_of(napi_env env, napi_value v)
{
    napi_valuetype type = napi_undefined;
    bool ours = false;
    void *data = NULL;
    if (!candor_node_ok(env, napi_typeof(env, v, &type), "read handle")) return NULL;
    if (type == napi_function) {
        napi_status st = napi_check_object_type_tag(env, v, &handle_tag, &ours);
        if (!candor_node_ok(env, st, "check handle")) return NULL;
    }
    if (!ours) {
        (void)napi_throw_type_error(env, "ERR_CANDOR_NATIVE", "not a client handle");
        return NULL;
    }
    return candor_node_ok(env, napi_unwrap(env, v, &data), "unwrap handle") ? data : NULL;
}

static bool make_area(napi_env env, candor_node_client *c, napi_value *area)
{
    void *p = NULL;
    napi_status st = napi_create_arraybuffer(env, CANDOR_TYPED_SIZE, &p, area);
    if (!candor_node_ok(env, st, "create staging area")) return false;
    c->area = p;
    return candor_node_ok(env, napi_create_reference(env, *area, 1, &c->area_ref),
                          "pin staging area");
}

/* From the wrap on, the handle's finaliser owns c. */
static bool make_handle(napi_env env, candor_node_client *c, napi_value *handle)
{
    napi_status st = napi_create_function(env, "emit", NAPI_AUTO_LENGTH, emit, c, handle);
    if (!candor_node_ok(env, st, "create emit")) return false;
    st = napi_type_tag_object(env, *handle, &handle_tag);
    if (!candor_node_ok(env, st, "tag handle")) return false;
    st = napi_wrap(env, *handle, c, handle_finalise, NULL, NULL);
    return candor_node_ok(env, st, "wrap handle");
}

static bool make_result(napi_env env, napi_value handle, napi_value area, napi_value schema,
                        napi_value *out)
{
    return candor_node_ok(env, napi_create_object(env, out), "create result") &&
           candor_node_ok(env, napi_set_named_property(env, *out, "emit", handle), "set emit") &&
           candor_node_ok(env, napi_set_named_property(env, *out, "area", area), "set area") &&
           candor_node_ok(env, napi_set_named_property(env, *out, "schema", schema), "set schema");
}

napi_value candor_node_client_new(napi_env env, candor_client *core, napi_value schema)
{
    napi_value area = NULL, handle = NULL, out = NULL;
    void *env_data = NULL;
    candor_node_client *c = calloc(1, sizeof *c);
    if (c == NULL) {
        candor_close(core, 0);
        candor_node_throw(env, "ERR_CANDOR_NOMEM", candor_status_text(CANDOR_NOMEM));
        return NULL;
    }
    c->core = core;
    c->env = env;
    c->owners = 1;
    bool ok = candor_node_ok(env, napi_get_instance_data(env, &env_data), "read instance data");
    c->env_data = env_data;
    ok = ok && make_area(env, c, &area) && candor_node_promises_begin(env, c);
    ok = ok && candor_node_ok(env, napi_add_env_cleanup_hook(env, env_ends, c), "add cleanup hook");
    c->hooked = ok;
    if (!ok || !make_handle(env, c, &handle)) {
        candor_node_client_close(c, 0);
        candor_node_client_release(env, c);
        return NULL;
    }
    if (!make_result(env, handle, area, schema, &out)) {
        candor_node_client_close(c, 0); /* the handle is garbage now: its finaliser frees c */
        return NULL;
    }
    return out;
}
