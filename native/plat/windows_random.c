/* Random bytes on Windows. Layer: plat. */
#include "plat/windows.h"

#include <bcrypt.h>

#include "plat/plat.h"

candor_status candor_random(void *out, size_t n)
{
    unsigned char *p = out;

    while (n != 0) {
        const ULONG part = n < MAXLONG ? (ULONG)n : MAXLONG;
        if (BCryptGenRandom(NULL, p, part, BCRYPT_USE_SYSTEM_PREFERRED_RNG) != 0)
            return CANDOR_CRYPTO;
        p += part;
        n -= part;
    }
    return CANDOR_OK;
}
