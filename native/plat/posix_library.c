/* Shared libraries that are loaded when they are needed, on POSIX. Layer: plat. */
#include <dlfcn.h>

#include "plat/posix.h"

candor_status candor_library_open(const char *name, unsigned version, void **out, candor_err *err)
{
    char file[64];
    const char *why;

    *out = NULL;
    if (!candor_posix_library_file(name, version, file, sizeof file))
        return candor_fail(err, CANDOR_LIMIT, 0, "dlopen", "the name of a library is too long");
    /* RTLD_NODELETE: its threads and exit handlers may outlive us (dlopen(3)). */
    *out = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (*out != NULL) return CANDOR_OK;
    why = dlerror();
    return candor_fail(err, CANDOR_NET, 0, "dlopen", "%s cannot be loaded: %s", file,
                       why != NULL ? why : "no reason given");
}

void *candor_library_symbol(void *library, const char *name)
{
    return dlsym(library, name);
}
