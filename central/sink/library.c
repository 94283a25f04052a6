#include "central/sink/library.h"

candor_status candor_sink_library(const char *name, unsigned version, const char *package,
                                  const char *const *symbols, size_t n, void *table,
                                  candor_err *err)
{
    candor_err why = {0};
    void *library = NULL;
    size_t i;
    if (candor_library_open(name, version, &library, &why) != CANDOR_OK)
        return candor_fail(err, CANDOR_NOTFOUND, 0, "open the sink", "%s; install %s", why.text,
                           package);
    for (i = 0; i < n; i++) {
        void *symbol = candor_library_symbol(library, symbols[i]);
        if (symbol == NULL)
            return candor_fail(err, CANDOR_NOTFOUND, 0, "open the sink",
                               "lib%s lacks %s: it is too old; install a newer %s", name,
                               symbols[i], package);
        /* a function's address as POSIX dlsym gives it */
        memcpy((char *)table + i * sizeof symbol, &symbol, sizeof symbol);
    }
    return CANDOR_OK;
}
