#include "node/vault.h"

#include "base/aead.h"
#include "client/vault_keys.h"
#include "node/consent.h"
#include "node/convert.h"
#include "node/handle.h"
#include "node/promise.h"

/* setFullContent(handle, on, fromHost) -> promise of JSON */
static napi_value set_full_content(napi_env env, napi_callback_info info)
{
    return candor_node_set(env, info, candor_set_full_content, "on must be a boolean");
}

/* fullContent(handle) -> boolean; false once closed */
static napi_value full_content(napi_env env, napi_callback_info info)
{
    napi_value argv[1], out = NULL;
    if (!candor_node_args(env, info, 1, argv)) return NULL;
    candor_node_client *c = candor_node_client_of(env, argv[0]);
    if (c == NULL) return NULL;
    bool on = c->core != NULL && candor_full_content(c->core);
    return candor_node_ok(env, napi_get_boolean(env, on, &out), "make boolean") ? out : NULL;
}

typedef struct key_list {
    candor_key keys[CANDOR_KEYS_MAX];
    candor_buf ids[CANDOR_KEYS_MAX];
    uint32_t n;
} key_list;

static bool read_keys(napi_env env, napi_value ids, napi_value bytes, key_list *out)
{
    napi_typedarray_type type = napi_uint8_array;
    void *data = NULL;
    size_t size = 0;
    if (!candor_node_ok(env, napi_get_array_length(env, ids, &out->n), "ids must be a list") ||
        !candor_node_ok(env, napi_get_typedarray_info(env, bytes, &type, &size, &data, NULL, NULL),
                        "keys must be a Uint8Array"))
        return false;
    if (type != napi_uint8_array || out->n > CANDOR_KEYS_MAX ||
        size != (size_t)out->n * CANDOR_AEAD_KEY) {
        candor_node_throw(env, "ERR_CANDOR_INVALID", "keys must be 32 bytes each");
        return false;
    }
    for (uint32_t i = 0; i < out->n; i++) {
        napi_value id = NULL;
        if (!candor_node_ok(env, napi_get_element(env, ids, i, &id), "read id") ||
            !candor_node_get_string(env, id, "id", &out->ids[i]))
            return false;
        out->keys[i].id = candor_buf_bytes(&out->ids[i]);
        memcpy(out->keys[i].key, (unsigned char *)data + (size_t)i * CANDOR_AEAD_KEY,
               CANDOR_AEAD_KEY);
    }
    return true;
}

/* setKeys(handle, ids, keys) */
static napi_value set_keys(napi_env env, napi_callback_info info)
{
    napi_value argv[3];
    candor_err err = {0};
    key_list list = {0};
    if (!candor_node_args(env, info, 3, argv)) return NULL;
    candor_node_client *c = candor_node_client_of(env, argv[0]);
    if (c == NULL) return NULL;
    if (c->core == NULL) {
        candor_node_throw(env, "ERR_CANDOR_CLOSED", "the client is closed");
        return NULL;
    }
    if (read_keys(env, argv[1], argv[2], &list)) {
        candor_status st = candor_set_keys(c->core, list.keys, list.n, &err);
        if (st != CANDOR_OK) candor_node_throw_status(env, st, &err);
    }
    for (size_t i = 0; i < CANDOR_KEYS_MAX; i++)
        candor_buf_free(&list.ids[i]);
    candor_wipe(&list, sizeof list);
    return NULL;
}

bool candor_node_vault_define(napi_env env, napi_value exports)
{
    const napi_property_descriptor methods[] = {
        {"setFullContent", NULL, set_full_content, NULL, NULL, NULL, napi_enumerable, NULL},
        {"fullContent", NULL, full_content, NULL, NULL, NULL, napi_enumerable, NULL},
        {"setKeys", NULL, set_keys, NULL, NULL, NULL, napi_enumerable, NULL},
    };
    napi_status st =
        napi_define_properties(env, exports, sizeof methods / sizeof *methods, methods);
    return candor_node_ok(env, st, "define vault methods");
}
