#include "net/curl.h"

#ifdef CANDOR_CURL_LINKED

/* A self-contained binary brings libcurl along, and must not look for another one. */
candor_status candor_curl_load(candor_curl *c, candor_err *err)
{
    (void)err;
#define CANDOR_TAKE(name) c->name = name;
    CANDOR_CURL_MAP(CANDOR_TAKE)
#undef CANDOR_TAKE
    c->loaded = true;
    return CANDOR_OK;
}

#else

static candor_status find(void *library, const char *name, void *to, size_t n, candor_err *err)
{
    void *symbol = candor_library_symbol(library, name);

    if (symbol == NULL)
        return candor_fail(err, CANDOR_NET, 0, "libcurl",
                           "libcurl lacks %s; 7.85 or later is needed", name);
    memcpy(to, &symbol, n); /* a function's address as POSIX dlsym gives it */
    return CANDOR_OK;
}

candor_status candor_curl_load(candor_curl *c, candor_err *err)
{
    void *library = NULL;
    candor_status st;

    if (c->loaded) return CANDOR_OK;
    st = candor_library_open("curl", 4, &library, err);
    if (st != CANDOR_OK) return st;
#define CANDOR_FIND(name)                                                                          \
    if (st == CANDOR_OK) st = find(library, #name, &c->name, sizeof c->name, err);
    CANDOR_CURL_MAP(CANDOR_FIND)
#undef CANDOR_FIND
    c->loaded = st == CANDOR_OK;
    return st;
}

#endif
