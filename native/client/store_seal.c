/* The part of the store that encrypts spool files, and copes with those whose key is not set. */
#include <stdio.h>

#include "client/store.h"

candor_status candor_store_seal(candor_store *s, candor_bytes gz, candor_err *err)
{
    candor_vault_key key;
    candor_batch *b = &s->batch;
    candor_seal seal = {.kind = CANDOR_SEAL_BATCH, .note = candor_bytes_str(b->comment)};
    if (!candor_uuid_parse(candor_bytes_str(b->row.id), seal.id) ||
        !candor_keyring_current(s->keys, &key))
        return candor_fail(err, CANDOR_DENIED, 0, "spool", "no key is set");
    candor_buf_clear(&s->sealed);
    candor_status st = candor_seal_write(&seal, &key, gz, &s->sealed);
    candor_wipe(&key, sizeof key);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "spool", "the batch cannot be encrypted");
    b->row.bytes = s->sealed.n;
    return st;
}

bool candor_store_needs_key(const candor_store *s)
{
    return s->exporter == NULL && s->settings->encrypt_spool != 0 && candor_keyring_empty(s->keys);
}

static candor_status read_file(candor_store *s, const char *id, candor_buf *out, candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    candor_status st = candor_store_path(s, id, path, err);
    if (st == CANDOR_OK) st = candor_file_read_all(path, CANDOR_SPOOL_FILE_MAX, out, err);
    return st == CANDOR_LIMIT ? CANDOR_CORRUPT : st;
}

static candor_status open_sealed(candor_store *s, const char *id, candor_buf *out, candor_err *err)
{
    candor_seal seal;
    unsigned char raw[16];
    size_t from = out->n;
    candor_status st = candor_seal_open(candor_buf_bytes(&s->sealed), s->keys, &seal, out);
    bool other = st == CANDOR_OK &&
                 (seal.kind != CANDOR_SEAL_BATCH || !candor_uuid_parse(candor_bytes_str(id), raw) ||
                  memcmp(raw, seal.id, sizeof raw) != 0);
    if (other) {
        out->n = from;
        st = CANDOR_CORRUPT;
    }
    if (st == CANDOR_DENIED)
        return candor_fail(err, st, 0, "spool", "the key \"%.*s\" of a batch is not set",
                           (int)seal.key_id.n, seal.key_id.p);
    return st == CANDOR_OK ? st : candor_fail(err, st, 0, "spool", "an encrypted batch is damaged");
}

candor_status candor_store_load(candor_store *s, const char *id, candor_buf *out, candor_err *err)
{
    candor_buf_clear(&s->sealed);
    candor_status st = read_file(s, id, &s->sealed, err);
    if (st != CANDOR_OK) return st;
    if (candor_seal_is(candor_buf_bytes(&s->sealed))) return open_sealed(s, id, out, err);
    candor_buf_put_bytes(out, candor_buf_bytes(&s->sealed));
    return out->failed ? candor_fail(err, CANDOR_NOMEM, 0, "spool", "out of memory") : CANDOR_OK;
}

/* The beginning of the file, copied into head, which seal then points into. */
static candor_status read_head(candor_store *s, const char *id, char head[CANDOR_SEAL_OVER],
                               candor_seal *seal, uint64_t *size)
{
    char path[CANDOR_PATH_MAX];
    candor_file *f = NULL;
    candor_map map = {0};
    candor_status st = candor_store_path(s, id, path, NULL);
    if (st == CANDOR_OK) st = candor_file_open(path, CANDOR_OPEN_READ, &f, NULL);
    if (st == CANDOR_OK) st = candor_file_size(f, size, NULL);
    if (st == CANDOR_OK && *size < CANDOR_SEAL_HEAD) st = CANDOR_CORRUPT;
    size_t n = st == CANDOR_OK && *size < CANDOR_SEAL_OVER ? (size_t)*size : CANDOR_SEAL_OVER;
    if (st == CANDOR_OK) st = candor_map_open(f, n, false, &map, NULL);
    if (st == CANDOR_OK) {
        memcpy(head, map.p, n);
        st = candor_seal_read(candor_bytes_of(head, n), false, seal);
    }
    candor_map_close(&map);
    candor_file_discard(f);
    return st;
}

bool candor_store_locked(candor_store *s, const char *id)
{
    char head[CANDOR_SEAL_OVER];
    candor_seal seal;
    uint64_t size = 0;
    return read_head(s, id, head, &seal, &size) == CANDOR_OK &&
           !candor_keyring_knows(s->keys, seal.key_id, seal.check);
}

candor_status candor_store_adopt_locked(candor_store *s, const char *id, candor_err *err)
{
    char head[CANDOR_SEAL_OVER];
    candor_seal seal;
    uint64_t size = 0;
    candor_status st = read_head(s, id, head, &seal, &size);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "spool", "an encrypted batch is damaged");
    return candor_batch_adopt_comment(&s->batch, id, seal.note, size, err);
}

typedef struct key_visit {
    candor_store *store;
    bool retry;
} key_visit;

static bool visit_row(void *ctx, const candor_batch_row *row, bool gone)
{
    key_visit *visit = ctx;
    candor_store *s = visit->store;
    char head[CANDOR_SEAL_OVER];
    candor_seal seal;
    uint64_t size = 0;
    if (gone) return true;
    bool sealed = read_head(s, row->id, head, &seal, &size) == CANDOR_OK;
    bool locked = sealed && !candor_keyring_knows(s->keys, seal.key_id, seal.check);
    bool again = sealed && !locked && visit->retry;
    int64_t next = again ? 0 : row->next_attempt_ms;
    if (again) (void)!candor_state_retry(s->state, row->id, row->retries, next, NULL);
    if (locked)
        s->locked++;
    else if (next < s->open_next_ms)
        s->open_next_ms = next;
    return true;
}

void candor_store_look_locked(candor_store *s, bool retry)
{
    key_visit visit = {s, retry};
    s->locked = 0;
    s->open_next_ms = INT64_MAX;
    if (s->usable) (void)!candor_state_each(s->state, visit_row, &visit, NULL);
}

void candor_store_describe_locked(const candor_store *s, char *text, size_t cap)
{
    if (s->locked == 0 || text[0] != '\0') return;
    (void)snprintf(text, cap,
                   "spool: %llu batches are encrypted with a key that is not set; set it to send "
                   "them, or they are deleted after retentionDays",
                   (unsigned long long)s->locked);
}
