#include "central/parts.h"

#include <stdlib.h>

#include "central/commands.h"
#include "central/receipt.h"
#include "central/restore.h"
#include "central/sink/choose.h"

#define ALERT_FILE "alert.key" /* losing it: the webhook's receiver needs the new one */
#define LOCK_FILE  "lock"

static candor_status load_schema(candor_server *s, candor_err *err)
{
    candor_buf text = {0};
    candor_status st;
    if (*s->config.schema == '\0')
        return candor_schema_compile(candor_builtin_schema(), "built-in schema", &s->schema, err);
    st = candor_file_read_all(s->config.schema, CANDOR_SCHEMA_FILE_MAX, &text, err);
    if (st == CANDOR_OK)
        st = candor_schema_compile(candor_buf_bytes(&text), s->config.schema, &s->schema, err);
    candor_buf_free(&text);
    return st;
}

/* Made once for a data directory; in --keys by hand, as two collectors that start at the same time
 * would make two. keys: --keys, or empty. */
static candor_status load_secret(const char *keys, const char *data, const char *name,
                                 unsigned char out[32], candor_err *err)
{
    const bool shared = *keys != '\0';
    char path[CANDOR_PATH_MAX];
    candor_buf text = {0};
    candor_status st = candor_path_join(shared ? keys : data, name, path, sizeof path, err);
    if (st != CANDOR_OK) return st;
    st = candor_file_read_all(path, 32, &text, err);
    if (st == CANDOR_NOTFOUND && shared) {
        st = candor_fail(err, CANDOR_NOTFOUND, 0, "read a key",
                         "%.120s is not there; make it once, for all collectors: head -c 32 "
                         "/dev/urandom > FILE",
                         path);
    } else if (st == CANDOR_NOTFOUND) {
        st = candor_random(out, 32);
        if (st == CANDOR_OK)
            st = candor_file_write_durable(path, candor_bytes_of((const char *)out, 32), err);
    } else if (st == CANDOR_OK && text.n == 32) {
        memcpy(out, text.p, text.n);
    } else if (st == CANDOR_OK || st == CANDOR_LIMIT) {
        st = candor_fail(err, CANDOR_CORRUPT, 0, "read a key",
                         "%.180s does not hold 32 bytes; restore it, or remove it to start anew",
                         path);
    }
    candor_buf_free(&text);
    return st;
}

static candor_status open_store(candor_server *s, const char *db_path, candor_err *err)
{
    const candor_sqlite_settings settings = {
        .path = db_path,
        .key = &s->db_key,
        .schema = s->schema,
        .log = &s->log,
        .metrics = &s->metrics,
        .cache_kib = s->config.cache_kib,
        .commit_rows = s->config.commit_rows,
        .queue_bytes = s->config.queue_bytes,
        .retention_days = s->config.retention_days,
        .retention = &s->retention,
        .space_low = &s->disk_low,
    };
    return candor_sinks_open(&s->config, &settings, &s->store, err);
}

static candor_status open_attachments(candor_server *s, const char *db_path, candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    const candor_attachments_settings settings = {
        .path = path,
        .key = &s->db_key,
        .events_path = db_path,
        .log = &s->log,
        .metrics = &s->metrics,
        .space_low = &s->disk_low,
        .queue_bytes = s->config.queue_bytes,
        .retention_days = s->config.attachments_retention_days,
        .partial_bytes = s->config.partial_bytes,
        .partial_age_ms = (int64_t)s->config.partial_age_s * 1000,
    };
    candor_status st = candor_path_join(s->config.data, CANDOR_TEXTS_FILE, path, sizeof path, err);
    return st == CANDOR_OK ? candor_attachments_open(&settings, &s->attachments, err) : st;
}

/* From here on config.retention_days is the longest time of any category: what bounds an event. */
static candor_status read_retention(candor_server *s, candor_err *err)
{
    candor_status st = candor_retention_read(s->config.retention, s->config.retention_days,
                                             s->schema, &s->retention, err);
    s->config.retention_days = candor_retention_longest(&s->retention);
    candor_deleted_init(&s->metrics.deleted, s->schema);
    return st;
}

/* One server a data directory: two would fight over the pepper's meaning and the write lock. */
candor_status candor_parts_lock(const char *data, candor_file **out, candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    candor_status st = candor_path_join(data, LOCK_FILE, path, sizeof path, err);
    if (st == CANDOR_OK) st = candor_file_open(path, CANDOR_OPEN_READ_WRITE, out, err);
    if (st == CANDOR_OK) st = candor_file_try_lock(*out, err);
    if (st == CANDOR_BUSY)
        st = candor_fail(err, CANDOR_BUSY, 0, "start",
                         "another candor-central serves %.180s; stop it or give another --data",
                         data);
    return st;
}

candor_status candor_parts_open(candor_server *s, candor_parts *p, candor_err *err)
{
    candor_status st;
    memset(p, 0, sizeof *p);
    st = candor_data_open(s->config.data, p->db_path, sizeof p->db_path, err);
    if (st == CANDOR_OK) st = candor_parts_lock(s->config.data, &p->lock, err);
    if (st == CANDOR_OK) st = candor_restore_finish(s->config.data, err);
    if (st == CANDOR_OK) st = candor_db_key_load(s->config.key_file, &s->db_key, err);
    if (st == CANDOR_OK) st = load_schema(s, err);
    if (st == CANDOR_OK) st = read_retention(s, err);
    if (st == CANDOR_OK)
        st = load_secret(s->config.keys, s->config.data, CANDOR_PEPPER_FILE, s->pepper, err);
    if (st == CANDOR_OK)
        st = load_secret(s->config.keys, s->config.data, CANDOR_SEED_FILE, s->receipt_seed, err);
    if (st == CANDOR_OK) st = open_store(s, p->db_path, err);
    if (st == CANDOR_OK) st = open_attachments(s, p->db_path, err);
    return st;
}

void candor_parts_close(candor_server *s, candor_parts *p)
{
    if (s->store != NULL) s->store->ops->close(s->store); /* commits what it was given */
    candor_attachments_close(s->attachments);
    candor_schema_free(s->schema);
    candor_file_discard(p->lock);
    candor_db_key_wipe(&s->db_key);
    s->store = NULL;
    s->attachments = NULL;
    s->schema = NULL;
    p->lock = NULL;
}

candor_status candor_parts_read_key(const char *dir, const char *name, unsigned char out[32],
                                    candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    candor_buf text = {0};
    candor_status st = candor_path_join(dir, name, path, sizeof path, err);
    if (st == CANDOR_OK) st = candor_file_read_all(path, 32, &text, err);
    if (st == CANDOR_OK && text.n != 32)
        st = candor_fail(err, CANDOR_CORRUPT, 0, "read a key", "%.180s does not hold 32 bytes",
                         path);
    if (st == CANDOR_OK) memcpy(out, text.p, 32);
    candor_buf_free(&text);
    return st;
}

candor_status candor_parts_receipt_key(const char *dir, unsigned char key[32], candor_err *err)
{
    unsigned char seed[CANDOR_RECEIPT_KEY];
    candor_status st = candor_parts_read_key(dir, CANDOR_SEED_FILE, seed, err);
    if (st != CANDOR_OK) return st;
    st = candor_receipt_public(seed, key);
    return st == CANDOR_OK ? st : candor_fail(err, st, 0, "read a key", NULL);
}

candor_status candor_parts_alert_secret(const char *data, unsigned char out[32], candor_err *err)
{
    return load_secret("", data, ALERT_FILE, out, err);
}
