#include "central/noise.h"

#include "plat/plat.h"

static uint64_t bits(candor_noise *n)
{
    uint64_t v;
    if (n->left < sizeof v) {
        if (candor_random(n->pool, sizeof n->pool) != CANDOR_OK) {
            n->failed = true;
            memset(n->pool, 0, sizeof n->pool);
        }
        n->left = sizeof n->pool;
    }
    n->left -= sizeof v;
    memcpy(&v, n->pool + n->left, sizeof v);
    return v;
}

/* 0 to below - 1, each as likely: numbers of the last, incomplete round are drawn again. */
static uint64_t uniform(candor_noise *n, uint64_t below)
{
    uint64_t spare = (UINT64_MAX - below + 1) % below, v; /* 2^64 mod below */
    do
        v = bits(n);
    while (v < spare && !n->failed);
    return v % below;
}

/* True with probability exp(-part/whole), part <= whole. */
static bool exp_of(candor_noise *n, uint64_t part, uint64_t whole)
{
    uint64_t k = 1;
    while (uniform(n, whole * k) < part && !n->failed)
        k++;
    return k % 2 == 1;
}

int64_t candor_noise_draw(candor_noise *n, uint32_t epsilon_milli)
{
    while (!n->failed) {
        uint64_t u = uniform(n, CANDOR_NOISE_ONE), v = 0;
        int64_t y;
        if (!exp_of(n, u, CANDOR_NOISE_ONE)) continue;
        while (exp_of(n, 1, 1) && !n->failed)
            v++;
        y = (int64_t)((u + CANDOR_NOISE_ONE * v) / epsilon_milli);
        if (bits(n) >> 63 == 0) return y;
        if (y != 0) return -y; /* zero has one sign, or it would come twice as often */
    }
    return 0;
}
