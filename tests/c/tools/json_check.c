/* Judges one JSON text by RFC 8259, for public conformance suites and scripts.
 *   json_check [--depth N] FILE|-
 * Exit: 0 valid, 1 invalid ("line:column: message" on stderr), 2 the text cannot be read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

#define CHUNK ((size_t)65536)

enum { VALID = 0, INVALID = 1, UNREADABLE = 2 };

typedef struct options {
    unsigned depth;
    const char *path;
} options;

static bool parse_depth(const char *text, unsigned *out)
{
    int64_t v;
    if (!candor_json_int64(candor_bytes_str(text), &v)) return false;
    if (v < 1 || v > CANDOR_JSON_DEPTH_MAX) return false;
    *out = (unsigned)v;
    return true;
}

static bool parse_options(int argc, char **argv, options *o)
{
    *o = (options){.depth = CANDOR_JSON_DEPTH_MAX};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--depth") == 0) {
            if (i + 1 == argc || !parse_depth(argv[++i], &o->depth)) return false;
        } else if (o->path == NULL && (argv[i][0] != '-' || argv[i][1] == '\0')) {
            o->path = argv[i];
        } else {
            return false;
        }
    }
    return o->path != NULL;
}

/* 0, or the errno that stopped it. */
static int read_stream(FILE *f, candor_buf *out)
{
    size_t n;
    do {
        if (!candor_buf_reserve(out, CHUNK)) return ENOMEM;
        n = fread(out->p + out->n, 1, CHUNK, f);
        out->n += n;
    } while (n == CHUNK);
    return ferror(f) ? errno : 0;
}

static int read_path(const char *path, candor_buf *out)
{
    FILE *f;
    int error;
    if (strcmp(path, "-") == 0) return read_stream(stdin, out);
    f = fopen(path, "rb");
    if (f == NULL) return errno;
    error = read_stream(f, out);
    (void)fclose(f);
    return error;
}

static int judge(candor_bytes text, unsigned depth)
{
    candor_json j;
    candor_json_token t;
    unsigned line, column;
    candor_json_init(&j, text, depth);
    while (candor_json_next(&j, &t) > CANDOR_JSON_END) {
    }
    if (t.type == CANDOR_JSON_END) return VALID;
    candor_json_where(&j, &line, &column);
    (void)fprintf(stderr, "%u:%u: %s\n", line, column, j.error);
    return INVALID;
}

int main(int argc, char **argv)
{
    options o;
    candor_buf text = {0};
    int error, verdict;
    if (!parse_options(argc, argv, &o)) {
        (void)fprintf(stderr, "usage: json_check [--depth 1..%d] FILE|-\n", CANDOR_JSON_DEPTH_MAX);
        return UNREADABLE;
    }
    error = read_path(o.path, &text);
    if (error != 0) {
        (void)fprintf(stderr, "json_check: %s: %s\n", o.path, strerror(error));
        verdict = UNREADABLE;
    } else {
        verdict = judge(candor_buf_bytes(&text), o.depth);
    }
    candor_buf_free(&text);
    return verdict;
}
