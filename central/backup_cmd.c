/* candor-central backup, and candor-central restore. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/uuid.h"
#include "central/commands.h"
#include "central/options.h"
#include "central/parts.h"
#include "central/restore.h"

#define LINE_NS UINT64_C(500000000) /* between two lines of progress */
#define SLACK   UINT64_C(67108864)  /* free bytes left beside a copy */

static const char backup_usage[] =
    "Usage:\n"
    "  candor-central backup --out FILE [--texts FILE] [--json] [--data DIR]\n\n"
    "Copies events, tokens and keys of the data directory as they are at one moment, while the\n"
    "collector runs; --texts also copies the texts of full content, into a file of their own. "
    "Existing\n"
    "files are refused. Both hold personal data and, the first, keys: mode 600.\n";

static const char restore_usage[] =
    "Usage:\n"
    "  candor-central restore FILE [--texts FILE] [--json] [--data DIR]\n\n"
    "Puts a backup in the place of the data directory's files, while no collector runs there. "
    "What was\n"
    "there is kept beside, in before-restore-...; without --texts the texts of full content "
    "stay.\n";

/* --- progress ------------------------------------------------------------------------------- */

typedef struct terminal {
    const char *what;
    bool shown;
    uint64_t next_ns;
} terminal;

static void show(void *ctx, uint64_t done, uint64_t pages)
{
    terminal *t = ctx;
    uint64_t now = candor_clock_mono_ns();
    if (now < t->next_ns) return;
    t->next_ns = now + LINE_NS;
    t->shown = true;
    fprintf(stderr, "\r\033[K%s: %llu %%", t->what,
            (unsigned long long)(pages != 0 ? done * 100 / pages : 0));
}

static candor_status copy_shown(const char *what, const char *from, const char *to,
                                const candor_db_key *key, candor_err *err)
{
    terminal t = {what, false, 0};
    candor_status st =
        candor_backup_copy(from, to, key, isatty(STDERR_FILENO) != 0 ? show : NULL, &t, err);
    if (t.shown) fputs("\r\033[K", stderr);
    return st;
}

/* --- backup --------------------------------------------------------------------------------- */

static uint64_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static candor_status check_target(const char *from, const char *to, candor_err *err)
{
    char dir[CANDOR_PATH_MAX];
    const char *slash = strrchr(to, '/');
    size_t n = slash != NULL ? (size_t)(slash - to) : 0;
    uint64_t bytes = size_of(from), room = 0;
    struct stat st;
    if (lstat(to, &st) == 0)
        return candor_fail(err, CANDOR_BUSY, 0, "backup",
                           "%.180s exists; move it away or give another name", to);
    if (n >= sizeof dir) return candor_fail(err, CANDOR_LIMIT, 0, "backup", NULL);
    snprintf(dir, sizeof dir, "%.*s", n != 0 ? (int)n : 1, slash == NULL ? "." : to);
    if (candor_disk_free(dir, &room, err) != CANDOR_OK) return err->code;
    if (room < bytes + SLACK)
        return candor_fail(err, CANDOR_FULL, 0, "backup",
                           "%.140s has %llu MiB free and the copy takes %llu", dir,
                           (unsigned long long)(room >> 20), (unsigned long long)(bytes >> 20));
    return CANDOR_OK;
}

/* Complete under its name, or not there: until then it has another, which only a crash leaves. */
static candor_status make_file(const char *from, const char *to, const candor_db_key *key,
                               candor_backup_info *info, candor_err *err)
{
    char partial[CANDOR_PATH_MAX];
    int n = snprintf(partial, sizeof partial, "%s.%ld.tmp", to, (long)getpid());
    candor_status st = CANDOR_LIMIT;
    if (n < 0 || (size_t)n >= sizeof partial) return candor_fail(err, st, 0, "backup", NULL);
    candor_unlink_quiet(partial);
    st = copy_shown(info->kind == CANDOR_BACKUP_EVENTS ? "events" : "texts", from, partial, key,
                    err);
    if (st == CANDOR_OK) st = candor_backup_seal(partial, key, info, err);
    if (st == CANDOR_OK) st = candor_rename_durable(partial, to, err);
    if (st != CANDOR_OK) candor_unlink_quiet(partial);
    return st;
}

static candor_status backup(const char *data, const char *keys, const candor_db_key *key,
                            const char *out, const char *texts, candor_backup_info *events_info,
                            candor_backup_info *texts_info, candor_err *err)
{
    char events_db[CANDOR_PATH_MAX], texts_db[CANDOR_PATH_MAX];
    bool with_texts = *texts != '\0';
    candor_status st = candor_path_join(data, CANDOR_EVENTS_FILE, events_db, sizeof events_db, err);
    if (st == CANDOR_OK)
        st = candor_path_join(data, CANDOR_TEXTS_FILE, texts_db, sizeof texts_db, err);
    if (st == CANDOR_OK && (size_of(events_db) == 0 || (with_texts && size_of(texts_db) == 0)))
        st = candor_fail(err, CANDOR_NOTFOUND, 0, "backup",
                         "%.140s is not the data directory of a collector; give --data", data);
    if (st == CANDOR_OK) st = check_target(events_db, out, err);
    if (st == CANDOR_OK && with_texts) st = check_target(texts_db, texts, err);
    if (st == CANDOR_OK)
        st = candor_parts_read_key(keys, CANDOR_PEPPER_FILE, events_info->pepper, err);
    if (st == CANDOR_OK)
        st = candor_parts_read_key(keys, CANDOR_SEED_FILE, events_info->receipt_seed, err);
    if (st == CANDOR_OK) st = make_file(events_db, out, key, events_info, err);
    if (st == CANDOR_OK && with_texts) st = make_file(texts_db, texts, key, texts_info, err);
    return st;
}

static void say_file(candor_buf *b, const char *key, const char *file,
                     const candor_backup_info *info)
{
    candor_buf_putf(b, "%s\"%s\":{\"file\":", b->n > 1 ? "," : "", key);
    candor_json_put_string(b, candor_bytes_str(file));
    candor_buf_putf(
        b, ",\"bytes\":%llu,\"%s\":%llu,\"created\":\"", (unsigned long long)size_of(file),
        info->kind == CANDOR_BACKUP_EVENTS ? "events" : "texts", (unsigned long long)info->rows);
    {
        char ts[CANDOR_TIME_TEXT];
        candor_time_format(info->created_ms, ts);
        candor_buf_put(b, ts, sizeof ts);
    }
    candor_buf_put_bytes(b, CANDOR_LIT("\"}"));
}

static void say_backup(const char *out, const char *texts, const candor_backup_info *events_info,
                       const candor_backup_info *texts_info, bool json)
{
    candor_buf b = {0};
    if (!json) {
        printf("%s: %llu events, checked.\n", out, (unsigned long long)events_info->rows);
        if (*texts != '\0')
            printf("%s: %llu texts, checked.\n", texts, (unsigned long long)texts_info->rows);
        return;
    }
    candor_buf_put_c(&b, '{');
    say_file(&b, "events", out, events_info);
    if (*texts != '\0') say_file(&b, "texts", texts, texts_info);
    printf("%.*s}\n", (int)b.n, b.p);
    candor_buf_free(&b);
}

int candor_command_backup(int argc, char *const *argv)
{
    candor_option options[] = {
        {"--out", "", false}, {"--texts", "", false}, {"--json", NULL, false}};
    candor_config *c = calloc(1, sizeof *c);
    candor_backup_info events_info = {.kind = CANDOR_BACKUP_EVENTS};
    candor_backup_info texts_info = {.kind = CANDOR_BACKUP_TEXTS};
    candor_db_key key = {0};
    candor_err err = {0};
    candor_status st;
    int code = 1;
    if (c == NULL) return 1;
    st = candor_options_take(options, 3, argc, argv, c, NULL, &err);
    if (st == CANDOR_OK && *options[0].value == '\0')
        st = candor_fail(&err, CANDOR_INVALID, 0, "backup", "give --out FILE");
    if (st != CANDOR_OK) {
        fputs(backup_usage, stderr);
        code = 2;
    } else {
        umask(0077); /* SQLite creates its files with the process's mask */
        events_info.created_ms = texts_info.created_ms = candor_clock_unix_ms();
        st = candor_db_key_load(c->key_file, &key, &err);
        if (st == CANDOR_OK)
            st = backup(c->data, *c->keys != '\0' ? c->keys : c->data, &key, options[0].value,
                        options[1].value, &events_info, &texts_info, &err);
    }
    if (st == CANDOR_OK)
        say_backup(options[0].value, options[1].value, &events_info, &texts_info, options[2].given);
    free(c);
    return st == CANDOR_OK ? 0 : candor_command_fail(&err, code);
}

/* --- restore -------------------------------------------------------------------------------- */

static void say_restored(const candor_restored *r, bool texts, bool json)
{
    char ts[CANDOR_TIME_TEXT];
    candor_buf b = {0};
    candor_time_format(r->events.created_ms, ts);
    if (json) {
        candor_buf_putf(&b, "{\"events\":%llu,\"created\":\"%.*s\",\"before\":",
                        (unsigned long long)r->events.rows, (int)sizeof ts, ts);
        candor_json_put_string(&b, candor_bytes_str(r->aside));
        if (texts) candor_buf_putf(&b, ",\"texts\":%llu", (unsigned long long)r->texts.rows);
        printf("%.*s}\n", (int)b.n, b.p);
        candor_buf_free(&b);
        return;
    }
    printf("%llu events as of %.*s are in place", (unsigned long long)r->events.rows,
           (int)sizeof ts, ts);
    if (texts) printf(", and %llu texts", (unsigned long long)r->texts.rows);
    printf(". What was there is in\n%s: delete it when it is not needed. What was erased since "
           "then has to be erased again.\n",
           r->aside);
}

static candor_status restore(const candor_config *c, const char *events, const char *texts,
                             candor_restored *r, candor_err *err)
{
    char db_path[CANDOR_PATH_MAX];
    candor_file *lock = NULL;
    candor_db_key key;
    candor_status st = candor_db_key_load(c->key_file, &key, err);
    if (st == CANDOR_OK) st = candor_data_open(c->data, db_path, sizeof db_path, err);
    if (st == CANDOR_OK) st = candor_parts_lock(c->data, &lock, err);
    if (st == CANDOR_OK)
        st = candor_restore(c->data, *c->keys == '\0', &key, events, *texts != '\0' ? texts : NULL,
                            r, err);
    candor_db_key_wipe(&key);
    candor_file_discard(lock);
    return st;
}

int candor_command_restore(int argc, char *const *argv)
{
    candor_option options[] = {{"--texts", "", false}, {"--json", NULL, false}};
    candor_config *c = calloc(1, sizeof *c);
    candor_operands *files = calloc(1, sizeof *files);
    candor_restored *r = calloc(1, sizeof *r);
    candor_err err = {0};
    candor_status st = CANDOR_NOMEM;
    int code = 1;
    if (c != NULL && files != NULL && r != NULL) {
        st = candor_options_take(options, 2, argc, argv, c, files, &err);
        if (st == CANDOR_OK && files->n != 1)
            st = candor_fail(&err, CANDOR_INVALID, 0, "restore", "give one file to restore");
        if (st != CANDOR_OK) {
            fputs(restore_usage, stderr);
            code = 2;
        } else {
            st = restore(c, files->items[0], options[0].value, r, &err);
        }
        if (st == CANDOR_OK) say_restored(r, options[0].given, options[1].given);
    }
    free(c);
    free(files);
    free(r);
    return st == CANDOR_OK ? 0 : candor_command_fail(&err, code);
}
