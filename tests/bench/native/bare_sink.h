/* What the stores of bare_sink.c share. Threads: one. */
#ifndef BARE_SINK_H
#define BARE_SINK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXTS 10 /* columns that are texts; the line comes behind them */
typedef struct text {
    const char *p;
    uint32_t n;
} text;

typedef struct row {
    const unsigned char *id;
    int64_t ts_ms;
    text texts[TEXTS + 1]; /* the last one is the event's line */
} row;

typedef struct bytes {
    char *p;
    size_t n, cap;
} bytes;

/* A backend: open, then write and commit in turn, then count. False: said why on stderr. */
typedef struct backend {
    const char *name;
    bool (*open)(const char *where);
    bool (*begin)(void);
    bool (*add)(const row *r);
    bool (*commit)(void);
    bool (*count)(uint64_t *out);
    bool (*empty)(void);
    void (*close)(void);
} backend;

extern const backend bare_jsonl, bare_jsonl_igzip;

bool complain(const char *what, const char *why); /* false */

static inline char *room(bytes *b, size_t n)
{
    if (b->cap - b->n < n) {
        b->cap = (b->cap + n) * 2;
        b->p = realloc(b->p, b->cap);
        if (b->p == NULL) abort();
    }
    b->n += n;
    return b->p + b->n - n;
}

static inline void put(bytes *b, const void *p, size_t n)
{
    if (n != 0) memcpy(room(b, n), p, n);
}

#endif
