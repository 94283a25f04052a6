/* Integer noise for differential privacy: the discrete Laplace (two-sided geometric) distribution,
 * P(z) = (1-a)/(1+a) a^|z| with a = exp(-epsilon). Added to a count that one unit of privacy
 * changes by at most one, it gives epsilon-differential privacy (Ghosh, Roughgarden, Sundararajan
 * 2009). Drawn with integers alone (Canonne, Kamath, Steinke 2020, algorithms 1 and 2): noise made
 * from floating-point numbers gives the count away in its last bits (Mironov 2012). Layer: central.
 * Threads: one owner a candor_noise. */
#ifndef CANDOR_CENTRAL_NOISE_H
#define CANDOR_CENTRAL_NOISE_H

#include "base/bytes.h"

#define CANDOR_NOISE_ONE 1000 /* epsilon is given in these parts */

/* Zero-initialise; the bytes are those of the operating system's generator. */
typedef struct candor_noise {
    unsigned char pool[512];
    size_t left;
    bool failed; /* the generator gave nothing: what was drawn since must not be used */
} candor_noise;

/* epsilon_milli: at least 1. */
int64_t candor_noise_draw(candor_noise *n, uint32_t epsilon_milli);

#endif
