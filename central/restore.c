#include "central/restore.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/uuid.h"
#include "central/commands.h"

#define NEW_DIR    "restore.new" /* inside the data directory: a rename stays on its file system */
#define READY_FILE "ready"       /* holds the name of the directory for the old files */
#define ASIDE      "before-restore-"
#define ASIDE_MAX  64
#define TRIES      10

static const char *const parts[] = {CANDOR_PEPPER_FILE, CANDOR_SEED_FILE, CANDOR_TEXTS_FILE,
                                    CANDOR_EVENTS_FILE};
#define N_PARTS (sizeof parts / sizeof parts[0])

static bool exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

/* --- swapping ------------------------------------------------------------------------------- */

/* data/name to aside/name, or beside what has that name there already. */
static candor_status set_aside(const char *data, const char *aside, const char *name,
                               const char *suffix, candor_err *err)
{
    char file[64], from[CANDOR_PATH_MAX], to[CANDOR_PATH_MAX];
    candor_status st;
    int i;
    snprintf(file, sizeof file, "%s%s", name, suffix);
    st = candor_path_join(data, file, from, sizeof from, err);
    if (st != CANDOR_OK || !exists(from)) return st;
    for (i = 0; i < TRIES && st == CANDOR_OK; i++) {
        if (i != 0) snprintf(file, sizeof file, "%s%s.%d", name, suffix, i);
        st = candor_path_join(aside, file, to, sizeof to, err);
        if (st == CANDOR_OK && !exists(to)) return candor_rename_durable(from, to, err);
    }
    return st != CANDOR_OK ? st
                           : candor_fail(err, CANDOR_BUSY, 0, "restore",
                                         "%.180s holds too many files of one name", aside);
}

static candor_status swap_one(const char *data, const char *fresh, const char *aside,
                              const char *name, candor_err *err)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char from[CANDOR_PATH_MAX], to[CANDOR_PATH_MAX];
    candor_status st = candor_path_join(fresh, name, from, sizeof from, err);
    size_t i;
    if (st != CANDOR_OK || !exists(from)) return st;
    for (i = 0; i < 3 && st == CANDOR_OK; i++)
        st = set_aside(data, aside, name, suffixes[i], err);
    if (st == CANDOR_OK) st = candor_path_join(data, name, to, sizeof to, err);
    return st == CANDOR_OK ? candor_rename_durable(from, to, err) : st;
}

static candor_status swap_all(const char *data, const char *fresh, const char *name,
                              candor_err *err)
{
    char aside[CANDOR_PATH_MAX];
    candor_status st = candor_path_join(data, name, aside, sizeof aside, err);
    size_t i;
    if (st == CANDOR_OK) st = candor_dir_create(aside, err);
    for (i = 0; i < N_PARTS && st == CANDOR_OK; i++)
        st = swap_one(data, fresh, aside, parts[i], err);
    return st;
}

static candor_status read_ready(const char *path, char name[ASIDE_MAX], candor_err *err)
{
    candor_buf text = {0};
    candor_status st = candor_file_read_all(path, ASIDE_MAX - 1, &text, err);
    bool good = st == CANDOR_OK && text.n > strlen(ASIDE) &&
                memcmp(text.p, ASIDE, strlen(ASIDE)) == 0 && memchr(text.p, '/', text.n) == NULL;
    if (good) {
        memcpy(name, text.p, text.n);
        name[text.n] = '\0';
    } else if (st == CANDOR_OK) {
        st = candor_fail(err, CANDOR_CORRUPT, 0, "restore",
                         "%.180s is damaged; restore the backup again", path);
    }
    candor_buf_free(&text);
    return st;
}

candor_status candor_restore_finish(const char *data, candor_err *err)
{
    char fresh[CANDOR_PATH_MAX], ready[CANDOR_PATH_MAX], name[ASIDE_MAX];
    candor_status st = candor_path_join(data, NEW_DIR, fresh, sizeof fresh, err);
    if (st == CANDOR_OK) st = candor_path_join(fresh, READY_FILE, ready, sizeof ready, err);
    if (st == CANDOR_OK) st = read_ready(ready, name, err);
    if (st == CANDOR_NOTFOUND) return CANDOR_OK;
    if (st == CANDOR_OK) st = swap_all(data, fresh, name, err);
    if (st == CANDOR_OK) st = candor_unlink(ready, err);
    if (st == CANDOR_OK) candor_rmdir_quiet(fresh);
    return st;
}

/* --- preparing ------------------------------------------------------------------------------ */

typedef struct leftovers {
    const char *dir;
} leftovers;

static bool remove_one(void *ctx, const char *name)
{
    const leftovers *l = ctx;
    char path[CANDOR_PATH_MAX];
    candor_err err = {0};
    if (candor_path_join(l->dir, name, path, sizeof path, &err) == CANDOR_OK)
        candor_unlink_quiet(path);
    return true;
}

static candor_status empty_dir(const char *dir, candor_err *err)
{
    leftovers l = {dir};
    candor_status st = candor_dir_create(dir, err);
    return st == CANDOR_OK ? candor_dir_list(dir, remove_one, &l, err) : st;
}

static candor_status put_key(const char *dir, const char *name,
                             const unsigned char key[CANDOR_BACKUP_KEY], candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    candor_status st = candor_path_join(dir, name, path, sizeof path, err);
    return st == CANDOR_OK ? candor_file_write_durable(
                                 path, candor_bytes_of((const char *)key, CANDOR_BACKUP_KEY), err)
                           : st;
}

static candor_status put_database(const char *dir, const candor_db_key *key, const char *name,
                                  const char *backup, candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    candor_status st = candor_path_join(dir, name, path, sizeof path, err);
    if (st == CANDOR_OK) st = candor_backup_copy(backup, path, key, NULL, NULL, err);
    return st == CANDOR_OK ? candor_backup_unseal(path, key, err) : st;
}

static candor_status prepare(const char *fresh, bool with_keys, const candor_db_key *key,
                             const char *events, const char *texts, const candor_restored *r,
                             candor_err *err)
{
    candor_status st = empty_dir(fresh, err);
    if (st == CANDOR_OK && with_keys)
        st = put_key(fresh, CANDOR_PEPPER_FILE, r->events.pepper, err);
    if (st == CANDOR_OK && with_keys)
        st = put_key(fresh, CANDOR_SEED_FILE, r->events.receipt_seed, err);
    if (st == CANDOR_OK) st = put_database(fresh, key, CANDOR_EVENTS_FILE, events, err);
    if (st == CANDOR_OK && texts != NULL)
        st = put_database(fresh, key, CANDOR_TEXTS_FILE, texts, err);
    return st == CANDOR_OK ? candor_dir_sync(fresh, err) : st;
}

static candor_status make_ready(const char *data, const char *fresh, char aside[CANDOR_PATH_MAX],
                                candor_err *err)
{
    char name[ASIDE_MAX], ts[CANDOR_TIME_TEXT], path[CANDOR_PATH_MAX];
    candor_status st;
    size_t n;
    candor_time_format(candor_clock_unix_ms(), ts);
    n = (size_t)snprintf(name, sizeof name, ASIDE "%.19s", ts);
    for (char *p = name; *p != '\0'; p++)
        if (*p == ':') *p = '-';
    st = candor_path_join(data, name, aside, CANDOR_PATH_MAX, err);
    if (st == CANDOR_OK) st = candor_path_join(fresh, READY_FILE, path, sizeof path, err);
    return st == CANDOR_OK ? candor_file_write_durable(path, candor_bytes_of(name, n), err) : st;
}

candor_status candor_restore(const char *data, bool with_keys, const candor_db_key *key,
                             const char *events, const char *texts, candor_restored *out,
                             candor_err *err)
{
    char fresh[CANDOR_PATH_MAX];
    candor_status st = candor_backup_check(events, key, CANDOR_BACKUP_EVENTS, &out->events, err);
    if (st == CANDOR_OK && texts != NULL)
        st = candor_backup_check(texts, key, CANDOR_BACKUP_TEXTS, &out->texts, err);
    if (st == CANDOR_OK) st = candor_path_join(data, NEW_DIR, fresh, sizeof fresh, err);
    if (st == CANDOR_OK) st = candor_restore_finish(data, err);
    if (st == CANDOR_OK) st = prepare(fresh, with_keys, key, events, texts, out, err);
    if (st == CANDOR_OK) st = make_ready(data, fresh, out->aside, err);
    return st == CANDOR_OK ? candor_restore_finish(data, err) : st;
}

/* --- another key ---------------------------------------------------------------------------- */

static candor_status rekey_one(const char *data, const char *fresh, const char *name,
                               const candor_db_key *from, const candor_db_key *to, candor_err *err)
{
    char path[CANDOR_PATH_MAX], copy[CANDOR_PATH_MAX];
    candor_status st = candor_path_join(data, name, path, sizeof path, err);
    if (st != CANDOR_OK || !exists(path)) return st;
    st = candor_path_join(fresh, name, copy, sizeof copy, err);
    if (st == CANDOR_OK) st = candor_backup_copy(path, copy, from, NULL, NULL, err);
    return st == CANDOR_OK ? candor_backup_rekey(copy, from, to, err) : st;
}

candor_status candor_restore_rekey(const char *data, const candor_db_key *from,
                                   const candor_db_key *to, candor_err *err)
{
    char fresh[CANDOR_PATH_MAX], aside[CANDOR_PATH_MAX];
    leftovers old = {aside};
    candor_status st = candor_path_join(data, NEW_DIR, fresh, sizeof fresh, err);
    if (st == CANDOR_OK) st = candor_restore_finish(data, err);
    if (st == CANDOR_OK) st = empty_dir(fresh, err);
    if (st == CANDOR_OK) st = rekey_one(data, fresh, CANDOR_EVENTS_FILE, from, to, err);
    if (st == CANDOR_OK) st = rekey_one(data, fresh, CANDOR_TEXTS_FILE, from, to, err);
    if (st == CANDOR_OK) st = make_ready(data, fresh, aside, err);
    if (st == CANDOR_OK) st = candor_restore_finish(data, err);
    if (st != CANDOR_OK) return st;
    st = candor_dir_list(aside, remove_one, &old, err);
    candor_rmdir_quiet(aside);
    return st;
}
