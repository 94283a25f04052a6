/* Reading the ledger for people, and proving it. */
#include <stdio.h>

#include "base/json.h"
#include "client/ledger.h"
#include "client/names.h"

#define SENT_FILE_MAX (2 * 1024 * 1024) /* as a spool file */

typedef struct proof {
    const char *dir;
    uint64_t entries, bodies, seq;
    uint64_t broken_at; /* 0: not at a line */
    char prev[CANDOR_LEDGER_HASH];
    const char *error; /* a sentence; NULL: none */
} proof;

/* The next line of text from *at on; false at the end. A last line without an end is torn: a crash
 * has cut it before anybody was told of it, and the next upload removes it. */
static bool next_line(candor_bytes text, size_t *at, candor_bytes *line)
{
    const char *end = *at < text.n ? memchr(text.p + *at, '\n', text.n - *at) : NULL;
    if (end == NULL) return false;
    *line = candor_bytes_of(text.p + *at, (size_t)(end - text.p) - *at);
    *at += line->n + 1;
    return true;
}

static void broken(proof *p, uint64_t seq, const char *error)
{
    if (p->error != NULL) return;
    p->broken_at = seq;
    p->error = error;
}

/* A body that is kept must be the one that the line names. An encrypted one is not looked into. */
static void check_body(proof *p, const candor_ledger_line *l)
{
    char name[CANDOR_UUID_TEXT + sizeof ".jsonl.gz"], sent[CANDOR_PATH_MAX], path[CANDOR_PATH_MAX];
    unsigned char digest[CANDOR_SHA256_SIZE];
    char hex[CANDOR_LEDGER_HASH];
    candor_buf body = {0};
    memcpy(name, l->id.p, CANDOR_UUID_TEXT);
    memcpy(name + CANDOR_UUID_TEXT, ".jsonl.gz", sizeof ".jsonl.gz");
    if (!candor_name_batch(name) ||
        candor_path_join(p->dir, CANDOR_LEDGER_SENT, sent, sizeof sent, NULL) != CANDOR_OK ||
        candor_path_join(sent, name, path, sizeof path, NULL) != CANDOR_OK)
        return;
    candor_status st = candor_file_read_all(path, SENT_FILE_MAX, &body, NULL);
    if (st != CANDOR_NOTFOUND) {
        bool same = st == CANDOR_OK && candor_sha256(candor_buf_bytes(&body), digest) == CANDOR_OK;
        candor_hex_encode(digest, same ? sizeof digest : 0, hex);
        same = same && candor_bytes_eq(candor_bytes_of(hex, sizeof hex), l->sha256);
        p->bodies += same ? 1 : 0;
        if (!same) broken(p, l->seq, "the kept body is not the one that was sent");
    }
    candor_buf_free(&body);
}

static void check_line(proof *p, candor_bytes text)
{
    candor_ledger_line l;
    bool first = p->entries++ == 0;
    if (!candor_ledger_parse(text, &l)) {
        broken(p, p->seq + 1, "the line was changed or damaged");
        p->seq++;
        return;
    }
    bool begins = l.seq == 1;
    if (first ? begins && memcmp(l.prev.p, p->prev, sizeof p->prev) != 0
              : memcmp(l.prev.p, p->prev, sizeof p->prev) != 0 || l.seq != p->seq + 1)
        broken(p, p->seq + 1,
               "the line does not follow the one before it: lines are missing, "
               "added or in another order");
    memcpy(p->prev, l.hash.p, sizeof p->prev);
    p->seq = l.seq;
    check_body(p, &l);
}

static bool stop(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return false;
}

static void put_proof(const proof *p, candor_buf *out)
{
    candor_buf_putf(out, "{\"entries\":%llu,\"bodies\":%llu,\"ok\":%s,\"broken_at\":",
                    (unsigned long long)p->entries, (unsigned long long)p->bodies,
                    p->error == NULL ? "true" : "false");
    if (p->broken_at == 0)
        candor_buf_put_bytes(out, CANDOR_LIT("null"));
    else
        candor_buf_putf(out, "%llu", (unsigned long long)p->broken_at);
    candor_buf_put_bytes(out, CANDOR_LIT(",\"error\":"));
    if (p->error == NULL)
        candor_buf_put_bytes(out, CANDOR_LIT("null"));
    else
        candor_json_put_string(out, candor_bytes_str(p->error));
    candor_buf_put_c(out, '}');
}

candor_status candor_ledger_verify(const char *dir, candor_buf *out, candor_err *err)
{
    proof p = {.dir = dir};
    candor_buf text = {0};
    candor_bytes line;
    candor_err why = {0};
    char too_large[128];
    const char *oversized = NULL;
    size_t at = 0;
    memset(p.prev, '0', sizeof p.prev);
    candor_status st = candor_dir_list(dir, stop, NULL, &why); /* one without a ledger is whole */
    if (st == CANDOR_OK) st = candor_ledger_load(dir, &text, &oversized, &why);
    if (oversized != NULL) {
        (void)snprintf(too_large, sizeof too_large,
                       "%s is larger than %d bytes, which it never becomes by itself: something "
                       "was added to it",
                       oversized, CANDOR_LEDGER_MAX);
        broken(&p, 0, too_large);
    }
    while (st == CANDOR_OK && next_line(candor_buf_bytes(&text), &at, &line))
        check_line(&p, line);
    if (st != CANDOR_OK) broken(&p, 0, why.text);
    if (st != CANDOR_NOMEM) put_proof(&p, out);
    candor_buf_free(&text);
    if (st == CANDOR_NOMEM || out->failed)
        return candor_fail(err, CANDOR_NOMEM, 0, "ledger", "out of memory");
    return CANDOR_OK;
}

candor_status candor_ledger_read(const char *dir, unsigned limit, candor_buf *out, candor_err *err)
{
    candor_buf text = {0};
    candor_bytes line;
    size_t at = 0;
    uint64_t lines = 0, first = 0;
    const char *oversized; /* for verify to tell */
    candor_status st = candor_ledger_load(dir, &text, &oversized, err);
    if (limit > CANDOR_LEDGER_SHOWN) limit = CANDOR_LEDGER_SHOWN;
    while (st == CANDOR_OK && next_line(candor_buf_bytes(&text), &at, &line))
        lines++;
    first = lines > limit ? lines - limit : 0;
    candor_buf_put_bytes(out, CANDOR_LIT("{\"entries\":["));
    at = 0;
    bool any = false;
    for (uint64_t i = 0; i < lines && next_line(candor_buf_bytes(&text), &at, &line); i++) {
        candor_ledger_line parsed;
        if (i < first || !candor_ledger_parse(line, &parsed)) continue; /* verify tells of it */
        if (any) candor_buf_put_c(out, ',');
        candor_buf_put_bytes(out, line);
        any = true;
    }
    candor_buf_put_bytes(out, CANDOR_LIT("]}"));
    candor_buf_free(&text);
    if (st == CANDOR_OK && out->failed)
        st = candor_fail(err, CANDOR_NOMEM, 0, "ledger", "out of memory");
    return st;
}
