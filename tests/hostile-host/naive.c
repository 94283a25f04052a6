/* An addon that uses the libraries which a host may have too, and takes no care of where their
 * names are looked up. How it is linked decides: see controls.js. */
#include <node_api.h>
#include <openssl/ssl.h>
#include <string.h>

#ifdef WITH_CURL
#include <curl/curl.h>
#endif

/* Of naive_vendored.c, or of the machine's libraries. */
const char *sqlite3_libversion(void);
const char *zlibVersion(void);

/* call(name) -> 1, or 0 for a name that is not in it */
static napi_value call(napi_env env, napi_callback_info info)
{
    char name[64] = "";
    size_t n = 1;
    int known = 1;
    napi_value arg = NULL, out = NULL;
    (void)napi_get_cb_info(env, info, &n, &arg, NULL, NULL);
    (void)napi_get_value_string_utf8(env, arg, name, sizeof name, NULL);
    if (strcmp(name, "OPENSSL_init_ssl") == 0)
        (void)OPENSSL_init_ssl(0, NULL);
    else if (strcmp(name, "sqlite3_libversion") == 0)
        (void)sqlite3_libversion();
    else if (strcmp(name, "zlibVersion") == 0)
        (void)zlibVersion();
#ifdef WITH_CURL
    else if (strcmp(name, "curl_global_init") == 0)
        (void)curl_global_init(CURL_GLOBAL_DEFAULT);
#endif
    else
        known = 0;
    (void)napi_create_int32(env, known, &out);
    return out;
}

NAPI_MODULE_INIT()
{
    napi_value f = NULL;
    (void)napi_create_function(env, "call", NAPI_AUTO_LENGTH, call, NULL, &f);
    (void)napi_set_named_property(env, exports, "call", f);
    return exports;
}
