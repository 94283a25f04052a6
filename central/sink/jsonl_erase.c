/* Erasure from the JSONL sink: a day is written anew beside the old folder, then takes its place.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "central/sink/jsonl_internal.h"

#define SWEPT_MAX ((size_t)64 << 10) /* of the file that names categories */

typedef struct rewriting {
    candor_jsonl *sink;
    candor_jsonl_day to;
    int from;                      /* events.jsonl.gz of the old folder */
    const candor_erasure *erasure; /* NULL: a sweep */
    const candor_sweep *sweep;
    candor_deleted *tally; /* of a sweep */
    candor_buf text, lines, ids, gone;
    candor_status status;
    candor_err *err;
} rewriting;

void candor_jsonl_remove(const char *path)
{
    static const char *const names[] = {"events.jsonl.gz", "events.ids", CANDOR_JSONL_WITHOUT};
    char full[CANDOR_PATH_MAX];
    candor_err err = {0};
    size_t i;
    for (i = 0; i < sizeof names / sizeof names[0]; i++)
        if (candor_path_join(path, names[i], full, sizeof full, &err) == CANDOR_OK)
            candor_unlink_quiet(full);
    candor_rmdir_quiet(path);
}

static bool goes(rewriting *w, const candor_stored_event *e)
{
    if (w->erasure != NULL) return candor_erasure_takes(w->erasure, &e->context);
    if (!candor_sweep_takes(w->sweep, e->category)) return false;
    candor_deleted_add(w->tally, e->category, 1);
    return true;
}

static void keep_lines(rewriting *w)
{
    candor_bytes rest = candor_buf_bytes(&w->text);
    candor_buf_clear(&w->lines);
    candor_buf_clear(&w->ids);
    while (rest.n != 0) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t n = end != NULL ? (size_t)(end - rest.p) + 1 : rest.n;
        candor_stored_event e;
        if (!candor_jsonl_read_line(w->sink->schema, candor_bytes_of(rest.p, n - 1), &e)) {
            w->status = candor_fail(w->err, CANDOR_CORRUPT, 0, "erase", "a line is damaged");
            return;
        }
        if (goes(w, &e)) {
            candor_buf_put(&w->gone, e.id, sizeof e.id);
        } else {
            candor_buf_put(&w->lines, rest.p, n);
            candor_buf_put(&w->ids, e.id, sizeof e.id);
        }
        rest = candor_bytes_of(rest.p + n, rest.n - n);
    }
}

static bool copy_member(void *ctx, const candor_jsonl_member *m, const char *ids)
{
    rewriting *w = ctx;
    (void)ids;
    w->status = candor_jsonl_member_read(w->from, m, &w->text, w->err);
    if (w->status == CANDOR_OK) keep_lines(w);
    if (w->status == CANDOR_OK && (w->lines.failed || w->ids.failed || w->gone.failed))
        w->status = candor_fail(w->err, CANDOR_NOMEM, 0, "erase", NULL);
    if (w->status == CANDOR_OK && w->lines.n != 0)
        w->status = candor_jsonl_day_append(&w->to, candor_buf_bytes(&w->lines),
                                            candor_buf_bytes(&w->ids), w->err);
    return w->status == CANDOR_OK;
}

/* Old aside, new into place: candor_jsonl_tidy knows every state in between. */
static candor_status swap(const char *path, const char *fresh, const char *old, candor_err *err)
{
    candor_status st = candor_rename_durable(path, old, err);
    if (st == CANDOR_OK) st = candor_rename_durable(fresh, path, err);
    if (st == CANDOR_OK) candor_jsonl_remove(old);
    return st;
}

static candor_status copy_day(rewriting *w, const char *path, const char *fresh, candor_err *err)
{
    char data[CANDOR_PATH_MAX];
    uint64_t ids_end, data_end;
    candor_status st = candor_path_join(path, "events.jsonl.gz", data, sizeof data, err);
    if (st != CANDOR_OK) return st;
    w->from = open(data, O_RDONLY | O_CLOEXEC);
    if (w->from < 0) return candor_fail(err, CANDOR_IO, 0, "erase", "%.200s: no such file", data);
    candor_jsonl_remove(fresh);
    st = candor_jsonl_day_open(fresh, &w->to, err);
    if (st == CANDOR_OK) st = candor_jsonl_scan(path, copy_member, w, &ids_end, &data_end, err);
    if (w->status != CANDOR_OK) st = w->status;
    if (st == CANDOR_OK) st = candor_jsonl_day_commit(&w->to, err);
    candor_jsonl_day_close(&w->to);
    close(w->from);
    return st;
}

static candor_status take_place(rewriting *w, const char *path, const char *fresh, const char *old,
                                candor_err *err)
{
    candor_status st = w->erasure != NULL
                           ? candor_erasure_tell(w->erasure, w->gone.p, w->gone.n / 16, err)
                           : CANDOR_OK;
    if (st != CANDOR_OK) return st;
    candor_mutex_lock(w->sink->layout);
    st = swap(path, fresh, old, err);
    candor_mutex_unlock(w->sink->layout);
    return st;
}

static candor_status path_of(const candor_jsonl *s, int64_t day, char path[CANDOR_PATH_MAX],
                             candor_err *err)
{
    char name[CANDOR_JSONL_NAME];
    candor_jsonl_name(day, name);
    return candor_path_join(s->dir, name, path, CANDOR_PATH_MAX, err);
}

static candor_status rewrite(rewriting *w, const char *path, uint64_t *gone, candor_err *err)
{
    char fresh[CANDOR_PATH_MAX + 8], old[CANDOR_PATH_MAX + 8];
    candor_status st;
    snprintf(fresh, sizeof fresh, "%s.new", path);
    snprintf(old, sizeof old, "%s.old", path);
    st = copy_day(w, path, fresh, err);
    if (st == CANDOR_OK && w->gone.n != 0)
        st = take_place(w, path, fresh, old, err);
    else
        candor_jsonl_remove(fresh);
    *gone = st == CANDOR_OK ? w->gone.n / 16 : 0;
    candor_buf_free(&w->text);
    candor_buf_free(&w->lines);
    candor_buf_free(&w->ids);
    candor_buf_free(&w->gone);
    return st;
}

candor_status candor_jsonl_rewrite(candor_jsonl *s, int64_t day, candor_erasure *e, candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    rewriting w = {.sink = s, .erasure = e, .err = err};
    uint64_t gone = 0;
    candor_status st = path_of(s, day, path, err);
    if (st == CANDOR_OK) st = rewrite(&w, path, &gone, err);
    e->events += gone;
    return st;
}

/* --- retention by category ----------------------------------------------------------------------
 */

/* The sweep's categories, a line each. */
static bool is_swept(const char *path, const candor_sweep *w)
{
    candor_buf text = {0};
    candor_err err = {0};
    size_t i, found = 0;
    if (candor_file_read_all(path, SWEPT_MAX, &text, &err) == CANDOR_OK) {
        candor_bytes rest = candor_buf_bytes(&text);
        while (rest.n != 0) {
            const char *end = memchr(rest.p, '\n', rest.n);
            size_t n = end != NULL ? (size_t)(end - rest.p) : rest.n;
            for (i = 0; i < w->n; i++)
                if (candor_bytes_eq(w->categories[i], candor_bytes_of(rest.p, n))) found++;
            rest = end != NULL ? candor_bytes_of(end + 1, rest.n - n - 1) : candor_bytes_of(end, 0);
        }
    }
    candor_buf_free(&text);
    return found == w->n;
}

/* Those that were swept before stay noted: without whatever was taken out since it was written. */
static candor_status note_swept(const char *path, const candor_sweep *w, candor_err *err)
{
    candor_buf text = {0};
    candor_err none = {0};
    candor_status st = candor_file_read_all(path, SWEPT_MAX, &text, &none);
    size_t i;
    if (st != CANDOR_OK) candor_buf_clear(&text);
    for (i = 0; i < w->n; i++) {
        candor_buf_put_bytes(&text, w->categories[i]);
        candor_buf_put_c(&text, '\n');
    }
    st = text.failed ? candor_fail(err, CANDOR_NOMEM, 0, "delete what is old", NULL)
                     : candor_file_write_durable(path, candor_buf_bytes(&text), err);
    candor_buf_free(&text);
    return st;
}

candor_status candor_jsonl_sweep(candor_jsonl *s, int64_t day, const candor_sweep *w,
                                 candor_err *err)
{
    char path[CANDOR_PATH_MAX], mark[CANDOR_PATH_MAX];
    candor_deleted tally = {0};
    rewriting r = {.sink = s, .sweep = w, .err = err};
    uint64_t gone = 0;
    candor_status st = path_of(s, day, path, err);
    if (st == CANDOR_OK) st = candor_path_join(path, CANDOR_JSONL_WITHOUT, mark, sizeof mark, err);
    if (st != CANDOR_OK || is_swept(mark, w)) return st;
    candor_deleted_init(&tally, s->schema);
    r.tally = &tally;
    st = rewrite(&r, path, &gone, err);
    if (st != CANDOR_OK) return st;
    candor_deleted_sum(w->deleted, &tally);
    return note_swept(mark, w, err);
}

/* --- after a crash ---------------------------------------------------------------------------- */

typedef struct tidying {
    candor_jsonl *sink;
    candor_status status;
    candor_err *err;
} tidying;

/* .new beside a day is unfinished, .old beside a day is done with; .old alone: the swap was under
 * way, and .new, which was whole before it began, takes the place. */
static bool tidy_entry(void *ctx, const char *name)
{
    tidying *t = ctx;
    char path[CANDOR_PATH_MAX], day[CANDOR_PATH_MAX], fresh[CANDOR_PATH_MAX + 8];
    const char *dot = strrchr(name, '.');
    if (dot == NULL || (strcmp(dot, ".old") != 0 && strcmp(dot, ".new") != 0)) return true;
    t->status = candor_path_join(t->sink->dir, name, path, sizeof path, t->err);
    if (t->status != CANDOR_OK) return false;
    snprintf(day, sizeof day, "%.*s", (int)(strlen(path) - 4), path);
    snprintf(fresh, sizeof fresh, "%s.new", day);
    if (access(day, F_OK) == 0)
        candor_jsonl_remove(path);
    else if (strcmp(dot, ".old") == 0)
        t->status = candor_rename_durable(fresh, day, t->err);
    return t->status == CANDOR_OK;
}

/* Twice: an .old whose day has just come back goes in the second turn. */
candor_status candor_jsonl_tidy(candor_jsonl *s, candor_err *err)
{
    tidying t = {.sink = s, .err = err};
    candor_status st = CANDOR_OK;
    int turn;
    for (turn = 0; turn < 2 && st == CANDOR_OK; turn++) {
        st = candor_dir_list(s->dir, tidy_entry, &t, err);
        if (t.status != CANDOR_OK) st = t.status;
    }
    return st;
}
