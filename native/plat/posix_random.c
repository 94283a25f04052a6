/* Random bytes on POSIX. Not from libcrypto: its generator seeds itself from the same source, after
 * setting up a megabyte of its own. Layer: plat. */
#include <sys/random.h>
#include <unistd.h>

#include "plat/plat.h"

/* getentropy(3): more in one call is refused. */
#define ENTROPY_MAX 256

candor_status candor_random(void *out, size_t n)
{
    unsigned char *p = out;

    while (n != 0) {
        const size_t part = n < ENTROPY_MAX ? n : ENTROPY_MAX;
        if (getentropy(p, part) != 0) return CANDOR_CRYPTO;
        p += part;
        n -= part;
    }
    return CANDOR_OK;
}
