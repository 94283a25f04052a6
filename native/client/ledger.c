#include "client/ledger.h"

#include <stdio.h>

#include "base/json.h"
#include "client/names.h"

static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
#define LOAD_TRIES 4 /* the file is rotated once in thousands of uploads */

static const char hash_key[] = ",\"hash\":\"";

/* --- one line -------------------------------------------------------------------------------- */

/* SHA-256 over the line as it is without its last member, in hex. */
static candor_status hash_line(candor_bytes front, char out[CANDOR_LEDGER_HASH])
{
    unsigned char digest[CANDOR_SHA256_SIZE];
    candor_buf whole = {0};
    candor_buf_put_bytes(&whole, front);
    candor_buf_put_c(&whole, '}');
    candor_status st =
        whole.failed ? CANDOR_NOMEM : candor_sha256(candor_buf_bytes(&whole), digest);
    if (st == CANDOR_OK) candor_hex_encode(digest, sizeof digest, out);
    candor_buf_free(&whole);
    return st;
}

static bool read_members(candor_bytes text, candor_ledger_line *out)
{
    candor_json j;
    candor_json_token key, t;
    int64_t n = 0;
    candor_json_init(&j, text, 2);
    if (candor_json_next(&j, &t) != CANDOR_JSON_OBJECT) return false;
    while (candor_json_next(&j, &key) == CANDOR_JSON_KEY) {
        (void)candor_json_next(&j, &t);
        if (candor_bytes_eq(key.raw, CANDOR_LIT("seq")) && candor_json_int64(t.raw, &n) && n > 0)
            out->seq = (uint64_t)n;
        else if (candor_bytes_eq(key.raw, CANDOR_LIT("at")))
            (void)candor_time_parse(t.raw, &out->at_ms);
        else if (candor_bytes_eq(key.raw, CANDOR_LIT("batch_id")))
            out->id = t.raw;
        else if (candor_bytes_eq(key.raw, CANDOR_LIT("sha256")))
            out->sha256 = t.raw;
        else if (candor_bytes_eq(key.raw, CANDOR_LIT("prev")))
            out->prev = t.raw;
        else if (candor_bytes_eq(key.raw, CANDOR_LIT("hash")))
            out->hash = t.raw;
        if (!candor_json_skip(&j, &t, NULL)) return false;
    }
    return candor_json_next(&j, &t) == CANDOR_JSON_END;
}

bool candor_ledger_parse(candor_bytes text, candor_ledger_line *out)
{
    const size_t tail = sizeof hash_key - 1 + CANDOR_LEDGER_HASH + 2; /* ,"hash":"<hex>"} */
    char hash[CANDOR_LEDGER_HASH];
    memset(out, 0, sizeof *out);
    if (text.n < tail || !read_members(text, out)) return false;
    if (out->seq == 0 || out->id.n != CANDOR_UUID_TEXT || out->prev.n != CANDOR_LEDGER_HASH ||
        out->hash.n != CANDOR_LEDGER_HASH ||
        memcmp(text.p + text.n - tail, hash_key, sizeof hash_key - 1) != 0)
        return false;
    return hash_line(candor_bytes_of(text.p, text.n - tail), hash) == CANDOR_OK &&
           memcmp(hash, out->hash.p, sizeof hash) == 0;
}

static candor_status write_line(const candor_ledger *l, const candor_ledger_entry *e, int64_t now,
                                candor_buf *out)
{
    unsigned char digest[CANDOR_SHA256_SIZE];
    char sha256[CANDOR_LEDGER_HASH + 3] = "null", hash[CANDOR_LEDGER_HASH], at[CANDOR_TIME_TEXT];
    candor_status st = e->guessable ? CANDOR_OK : candor_sha256(e->body, digest);
    if (st != CANDOR_OK) return st;
    if (!e->guessable) {
        candor_hex_encode(digest, sizeof digest, sha256 + 1);
        sha256[0] = sha256[CANDOR_LEDGER_HASH + 1] = '"';
        sha256[CANDOR_LEDGER_HASH + 2] = '\0';
    }
    candor_time_format(now, at);
    candor_buf_putf(out,
                    "{\"seq\":%llu,\"at\":\"%.24s\",\"batch_id\":\"%.36s\",\"sha256\":%s,"
                    "\"bytes\":%zu,\"events\":%llu,\"endpoint\":",
                    (unsigned long long)l->entries + 1, at, e->id, sha256, e->body.n,
                    (unsigned long long)e->events);
    candor_json_put_string(out, candor_bytes_str(e->endpoint));
    candor_buf_putf(out,
                    ",\"http\":%d,\"accepted\":%llu,\"duplicates\":%llu,\"rejected\":%llu,"
                    "\"consent\":",
                    e->http, (unsigned long long)e->accepted, (unsigned long long)e->duplicates,
                    (unsigned long long)e->rejected);
    candor_json_put_string(out, candor_bytes_str(e->consent));
    candor_buf_putf(out, ",\"prev\":\"%.64s\"", l->hash[0] != '\0' ? l->hash : zeros);
    st = out->failed ? CANDOR_NOMEM : hash_line(candor_buf_bytes(out), hash);
    candor_buf_putf(out, "%s%.64s\"}\n", hash_key, hash);
    if (st == CANDOR_OK && out->failed) st = CANDOR_NOMEM;
    return st == CANDOR_OK && out->n > CANDOR_LEDGER_LINE ? CANDOR_LIMIT : st;
}

/* --- the file -------------------------------------------------------------------------------- */

/* Whole lines up to a line break; what is behind the last one is torn. */
static size_t whole_lines(candor_bytes text)
{
    size_t n = text.n;
    while (n != 0 && text.p[n - 1] != '\n')
        n--;
    return n;
}

/* The last line that is one. Lines that are not are passed over here: verify tells of them. */
static bool find_last(candor_bytes text, candor_ledger_line *out)
{
    size_t end = whole_lines(text);
    while (end != 0) {
        size_t start = whole_lines(candor_bytes_of(text.p, end - 1));
        if (candor_ledger_parse(candor_bytes_of(text.p + start, end - 1 - start), out)) return true;
        end = start;
    }
    return false;
}

static void take_last(candor_ledger *l, candor_bytes text)
{
    candor_ledger_line last;
    l->entries = 0;
    l->last_ms = 0;
    l->hash[0] = l->last_id[0] = '\0';
    if (!find_last(text, &last)) return;
    l->entries = last.seq;
    l->last_ms = last.at_ms;
    memcpy(l->hash, last.hash.p, CANDOR_LEDGER_HASH);
    memcpy(l->last_id, last.id.p, CANDOR_UUID_TEXT);
    l->hash[CANDOR_LEDGER_HASH] = l->last_id[CANDOR_UUID_TEXT] = '\0';
}

static uint64_t size_of(const char *dir, const char *name)
{
    char path[CANDOR_PATH_MAX];
    uint64_t size = 0;
    if (candor_path_join(dir, name, path, sizeof path, NULL) != CANDOR_OK ||
        candor_file_mtime(path, NULL, &size, NULL) != CANDOR_OK)
        return 0;
    return size;
}

/* Of a file that is larger than any that was written here, the end: what it says goes on. */
static candor_status load_one(const char *dir, const char *name, candor_buf *out,
                              const char **oversized, candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    bool cut = false;
    const size_t before = out->n;
    candor_status st = candor_path_join(dir, name, path, sizeof path, err);
    if (st == CANDOR_OK) st = candor_file_read_tail(path, CANDOR_LEDGER_MAX, out, &cut, err);
    if (st == CANDOR_NOTFOUND) return CANDOR_OK;
    if (st != CANDOR_OK || !cut || out->n == before) return st;
    *oversized = name;
    const char *end =
        memchr(out->p + before, '\n', out->n - before); /* of a line without its begin */
    const size_t gone = end != NULL ? (size_t)(end - out->p) + 1 - before : out->n - before;
    memmove(out->p + before, out->p + before + gone, out->n - before - gone);
    out->n -= gone;
    return CANDOR_OK;
}

/* The newer file first: when it has become the older one meanwhile, it is smaller afterwards. */
candor_status candor_ledger_load(const char *dir, candor_buf *out, const char **oversized,
                                 candor_err *err)
{
    candor_buf newer = {0};
    const size_t from = out->n;
    candor_status st = CANDOR_OK;
    bool whole = false;
    for (int tries = 0; st == CANDOR_OK && !whole && tries < LOAD_TRIES; tries++) {
        out->n = from;
        candor_buf_clear(&newer);
        *oversized = NULL;
        st = load_one(dir, CANDOR_LEDGER_FILE, &newer, oversized, err);
        if (st == CANDOR_OK) st = load_one(dir, CANDOR_LEDGER_OLD, out, oversized, err);
        whole = size_of(dir, CANDOR_LEDGER_FILE) >= newer.n;
    }
    if (out->n != from && out->p[out->n - 1] != '\n') candor_buf_put_c(out, '\n');
    candor_buf_put_bytes(out, candor_buf_bytes(&newer));
    candor_buf_free(&newer);
    if (st == CANDOR_OK && out->failed)
        st = candor_fail(err, CANDOR_NOMEM, 0, "ledger", "out of memory");
    return st;
}

/* What is in sent, and what may go. */
typedef struct sent_scan {
    const char *dir; /* sent itself */
    uint64_t bytes;
    char oldest[64];
} sent_scan;

static bool visit_sent(void *ctx, const char *name)
{
    sent_scan *s = ctx;
    if (!candor_name_batch(name)) return true;
    s->bytes += size_of(s->dir, name);
    /* the ids of batches ascend in time */
    if (s->oldest[0] == '\0' || strcmp(name, s->oldest) < 0)
        (void)snprintf(s->oldest, sizeof s->oldest, "%s", name);
    return true;
}

static bool scan_sent(const char *dir, char path[CANDOR_PATH_MAX], sent_scan *s)
{
    *s = (sent_scan){.dir = path};
    return candor_path_join(dir, CANDOR_LEDGER_SENT, path, CANDOR_PATH_MAX, NULL) == CANDOR_OK &&
           candor_dir_list(path, visit_sent, s, NULL) == CANDOR_OK;
}

static int64_t made_ms(const char *name)
{
    unsigned char id[16];
    if (!candor_uuid_parse(candor_bytes_of(name, CANDOR_UUID_TEXT), id)) return INT64_MAX;
    return (int64_t)candor_uuid7_ms(id);
}

static void take_scan(candor_ledger *l, const sent_scan *s)
{
    l->sent_known = true;
    l->sent_bytes = s->bytes;
    l->sent_oldest_ms = s->oldest[0] != '\0' ? made_ms(s->oldest) : INT64_MAX;
}

void candor_ledger_look(candor_ledger *l, const char *dir)
{
    char path[CANDOR_PATH_MAX];
    candor_buf text = {0};
    sent_scan scan;
    const char *oversized;
    uint64_t bytes = size_of(dir, CANDOR_LEDGER_FILE);
    if (!l->sent_known) {
        if (!scan_sent(dir, path, &scan)) scan = (sent_scan){.bytes = 0};
        take_scan(l, &scan);
    }
    if (l->looked && bytes == l->file_bytes) return;
    l->looked = true;
    l->old_bytes = size_of(dir, CANDOR_LEDGER_OLD);
    if (candor_ledger_load(dir, &text, &oversized, NULL) == CANDOR_OK)
        take_last(l, candor_buf_bytes(&text));
    l->file_bytes = bytes;
    l->torn = bytes != 0 && text.n != 0 && text.p[text.n - 1] != '\n';
    candor_buf_free(&text);
}

/* A line that a crash has cut goes: it was never acknowledged to anybody. */
static candor_status mend(candor_ledger *l, const char *path, candor_err *err)
{
    candor_buf text = {0};
    candor_status st = candor_file_read_all(path, CANDOR_LEDGER_MAX, &text, err);
    if (st == CANDOR_OK) {
        text.n = whole_lines(candor_buf_bytes(&text));
        st = candor_file_write_durable(path, candor_buf_bytes(&text), err);
    }
    if (st == CANDOR_OK) {
        l->file_bytes = text.n;
        l->torn = false;
    }
    candor_buf_free(&text);
    return st;
}

static candor_status rotate(candor_ledger *l, const char *dir, const char *path, candor_err *err)
{
    char old[CANDOR_PATH_MAX];
    candor_status st = candor_path_join(dir, CANDOR_LEDGER_OLD, old, sizeof old, err);
    if (st == CANDOR_OK) st = candor_rename_durable(path, old, err);
    if (st != CANDOR_OK) return st;
    l->old_bytes = l->file_bytes;
    l->file_bytes = 0;
    l->torn = false;
    return CANDOR_OK;
}

static candor_status append(const char *dir, const char *path, bool is_new, candor_bytes line,
                            candor_err *err)
{
    candor_file *f = NULL;
    candor_status st = candor_file_open(path, CANDOR_OPEN_APPEND, &f, err);
    if (st == CANDOR_OK) st = candor_file_write(f, line, err);
    if (st == CANDOR_OK) st = candor_file_sync(f, err);
    if (st == CANDOR_OK) st = candor_file_close(&f, err);
    candor_file_discard(f);
    if (st == CANDOR_OK && is_new) st = candor_dir_sync(dir, err);
    return st;
}

candor_status candor_ledger_append(candor_ledger *l, const char *dir, const candor_ledger_entry *e,
                                   candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    candor_buf line = {0};
    candor_ledger_look(l, dir);
    if (!e->repeats && strncmp(l->last_id, e->id, CANDOR_UUID_TEXT) == 0) return CANDOR_OK;
    candor_status st = candor_path_join(dir, CANDOR_LEDGER_FILE, path, sizeof path, err);
    if (st == CANDOR_OK) {
        st = write_line(l, e, candor_clock_unix_ms(), &line);
        if (st != CANDOR_OK) (void)candor_fail(err, st, 0, "ledger", "%s", candor_status_text(st));
    }
    if (st == CANDOR_OK && l->torn && l->file_bytes <= CANDOR_LEDGER_MAX) st = mend(l, path, err);
    if (st == CANDOR_OK && l->file_bytes != 0 && l->file_bytes + line.n > CANDOR_LEDGER_MAX)
        st = rotate(l, dir, path, err);
    if (st == CANDOR_OK) st = append(dir, path, l->file_bytes == 0, candor_buf_bytes(&line), err);
    if (st == CANDOR_OK) {
        l->file_bytes += line.n;
        take_last(l, candor_buf_bytes(&line));
    } else {
        l->looked = false; /* it may be there in part */
    }
    candor_buf_free(&line);
    return st;
}

/* --- the bodies ------------------------------------------------------------------------------ */

static const char *name_of(const char *path)
{
    const char *name = path;
    for (const char *p = path; *p != '\0'; p++)
        if (*p == '/' || *p == '\\') name = p + 1;
    return name;
}

void candor_ledger_keep(candor_ledger *l, const char *dir, const char *path, uint64_t max_bytes)
{
    char sent[CANDOR_PATH_MAX], target[CANDOR_PATH_MAX];
    uint64_t size = 0;
    candor_ledger_look(l, dir);
    if (candor_file_mtime(path, NULL, &size, NULL) != CANDOR_OK || size > max_bytes) return;
    if (candor_path_join(dir, CANDOR_LEDGER_SENT, sent, sizeof sent, NULL) == CANDOR_OK &&
        candor_dir_create(sent, NULL) == CANDOR_OK &&
        candor_path_join(sent, name_of(path), target, sizeof target, NULL) == CANDOR_OK &&
        candor_rename_durable(path, target, NULL) == CANDOR_OK) {
        l->sent_bytes += size;
        if (made_ms(name_of(path)) < l->sent_oldest_ms) l->sent_oldest_ms = made_ms(name_of(path));
    }
}

/* A quarter more than needed goes, so that not every upload has to look through the directory. */
void candor_ledger_bound(candor_ledger *l, const char *dir, uint64_t max_bytes, int64_t before_ms)
{
    char path[CANDOR_PATH_MAX], victim[CANDOR_PATH_MAX];
    sent_scan scan;
    candor_ledger_look(l, dir);
    uint64_t target = l->sent_bytes > max_bytes ? max_bytes - max_bytes / 4 : max_bytes;
    while (l->sent_bytes > target || l->sent_oldest_ms < before_ms) {
        if (!scan_sent(dir, path, &scan)) return;
        take_scan(l, &scan);
        if (scan.oldest[0] == '\0' || (l->sent_bytes <= target && l->sent_oldest_ms >= before_ms) ||
            candor_path_join(path, scan.oldest, victim, sizeof victim, NULL) != CANDOR_OK ||
            candor_unlink(victim, NULL) != CANDOR_OK)
            return;
    }
}

static bool remove_sent(void *ctx, const char *name)
{
    const char *dir = ctx;
    char path[CANDOR_PATH_MAX];
    if (candor_name_batch(name) &&
        candor_path_join(dir, name, path, sizeof path, NULL) == CANDOR_OK)
        candor_unlink_quiet(path);
    return true;
}

void candor_ledger_forget(candor_ledger *l, const char *dir)
{
    char path[CANDOR_PATH_MAX];
    if (candor_path_join(dir, CANDOR_LEDGER_SENT, path, sizeof path, NULL) == CANDOR_OK)
        (void)!candor_dir_list(path, remove_sent, path, NULL);
    l->sent_known = false;
}
