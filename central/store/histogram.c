#include "central/store/histogram.h"

#include <math.h>

#include "contract/limits.h"

uint32_t candor_hist_bucket(double v)
{
    int exp;
    double m;
    uint32_t octave;
    if (!(v >= ldexp(1, CANDOR_HIST_LOW))) return 0;
    if (v >= ldexp(1, CANDOR_HIST_LOW + (int)CANDOR_HIST_OCTAVES)) return CANDOR_HIST_BUCKETS - 1;
    m = frexp(v, &exp); /* v = m * 2^exp, m in [0.5, 1) */
    octave = (uint32_t)(exp - 1 - CANDOR_HIST_LOW);
    return 1 + octave * CANDOR_HIST_PARTS + (uint32_t)((m - 0.5) * 2 * CANDOR_HIST_PARTS);
}

double candor_hist_value(uint32_t bucket)
{
    uint32_t octave, part;
    if (bucket == 0) return 0;
    octave = (bucket - 1) / CANDOR_HIST_PARTS;
    part = (bucket - 1) % CANDOR_HIST_PARTS;
    return fmin(ldexp(1 + ((double)part + 0.5) / CANDOR_HIST_PARTS, (int)octave + CANDOR_HIST_LOW),
                CANDOR_NUMBER_MAX);
}

bool candor_leb128_take(candor_bytes *in, uint64_t *out)
{
    unsigned shift;
    *out = 0;
    for (shift = 0; shift < 63 && in->n > 0; shift += 7) {
        unsigned char c = (unsigned char)*in->p;
        *in = candor_bytes_of(in->p + 1, in->n - 1);
        *out |= (uint64_t)(c & 0x7f) << shift;
        if ((c & 0x80) == 0) return true;
    }
    return false;
}

void candor_leb128_put(candor_buf *out, uint64_t v)
{
    char text[10];
    size_t n = 0;
    do {
        unsigned char low = v & 0x7f;
        v >>= 7;
        text[n++] = (char)(v != 0 ? low | 0x80 : low);
    } while (v != 0);
    candor_buf_put(out, text, n);
}

bool candor_hist_add(candor_bytes blob, uint64_t *counts, uint32_t *first, uint32_t *last)
{
    uint64_t at = 0, step = 0, n = 0;
    *first = CANDOR_HIST_BUCKETS;
    *last = 0;
    while (blob.n > 0) {
        if (!candor_leb128_take(&blob, &step) || !candor_leb128_take(&blob, &n)) return false;
        if (step >= CANDOR_HIST_BUCKETS - at) return false;
        at += step;
        counts[at] += n;
        if (*first == CANDOR_HIST_BUCKETS) *first = (uint32_t)at;
        *last = (uint32_t)at;
    }
    return true;
}

void candor_hist_encode(const uint64_t *counts, uint32_t first, uint32_t last, candor_buf *out)
{
    uint32_t i, at = 0;
    for (i = first; i <= last; i++) {
        if (counts[i] == 0) continue;
        candor_leb128_put(out, i - at);
        candor_leb128_put(out, counts[i]);
        at = i;
    }
}

bool candor_hist_merge(candor_bytes blob, const uint32_t *sorted, size_t n, candor_buf *out)
{
    uint64_t at = 0, last = 0, step, count;
    size_t i = 0;
    bool ok = true;
    while (blob.n > 0 || i < n) {
        uint64_t bucket = CANDOR_HIST_BUCKETS, have = 0;
        candor_bytes rest = blob;
        if (blob.n > 0) {
            ok = candor_leb128_take(&rest, &step) && candor_leb128_take(&rest, &count) &&
                 step < CANDOR_HIST_BUCKETS - at;
            if (!ok) { /* what follows the damage is lost, what is new is kept */
                blob.n = 0;
                continue;
            }
            bucket = at + step;
        }
        if (i < n && sorted[i] <= bucket) {
            if (sorted[i] < bucket) rest = blob;
            have = sorted[i] == bucket ? count : 0;
            bucket = sorted[i];
            for (; i < n && sorted[i] == bucket; i++)
                have++;
        } else {
            have = count;
        }
        if (rest.n != blob.n || rest.p != blob.p) at = bucket;
        blob = rest;
        candor_leb128_put(out, bucket - last);
        candor_leb128_put(out, have);
        last = bucket;
    }
    return ok;
}

void candor_hist_quantiles(const uint64_t *counts, uint32_t first, uint32_t last, const double *q,
                           size_t n, double *out)
{
    uint64_t total = 0, seen = 0;
    uint32_t i, at = first;
    size_t k;
    for (i = first; i <= last; i++)
        total += counts[i];
    for (k = 0; k < n; k++) {
        double exact = ceil(q[k] * (double)total);
        uint64_t rank = exact >= 1 ? (uint64_t)exact : 1;
        while (at <= last && seen + counts[at] < rank)
            seen += counts[at++];
        out[k] = total != 0 ? candor_hist_value(at <= last ? at : last) : 0;
    }
}
