/* Erasure from the JSONL sink: a day is written anew beside the old folder, then takes its place.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "central/sink/jsonl_internal.h"

typedef struct rewriting {
    candor_jsonl *sink;
    candor_jsonl_day to;
    int from; /* events.jsonl.gz of the old folder */
    const candor_erasure *erasure;
    candor_buf text, lines, ids, gone;
    candor_status status;
    candor_err *err;
} rewriting;

void candor_jsonl_remove(const char *path)
{
    static const char *const names[] = {"events.jsonl.gz", "events.ids"};
    char full[CANDOR_PATH_MAX];
    candor_err err = {0};
    size_t i;
    for (i = 0; i < 2; i++)
        if (candor_path_join(path, names[i], full, sizeof full, &err) == CANDOR_OK)
            candor_unlink_quiet(full);
    candor_rmdir_quiet(path);
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
        if (candor_erasure_takes(w->erasure, &e.context)) {
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
    candor_status st = candor_erasure_tell(w->erasure, w->gone.p, w->gone.n / 16, err);
    if (st != CANDOR_OK) return st;
    candor_mutex_lock(w->sink->layout);
    st = swap(path, fresh, old, err);
    candor_mutex_unlock(w->sink->layout);
    return st;
}

candor_status candor_jsonl_rewrite(candor_jsonl *s, int64_t day, candor_erasure *e, candor_err *err)
{
    char name[CANDOR_JSONL_NAME], path[CANDOR_PATH_MAX], fresh[CANDOR_PATH_MAX + 8],
        old[CANDOR_PATH_MAX + 8];
    rewriting w = {.sink = s, .erasure = e, .err = err};
    candor_status st;
    candor_jsonl_name(day, name);
    st = candor_path_join(s->dir, name, path, sizeof path, err);
    if (st != CANDOR_OK) return st;
    snprintf(fresh, sizeof fresh, "%s.new", path);
    snprintf(old, sizeof old, "%s.old", path);
    st = copy_day(&w, path, fresh, err);
    if (st == CANDOR_OK && w.gone.n != 0)
        st = take_place(&w, path, fresh, old, err);
    else
        candor_jsonl_remove(fresh);
    if (st == CANDOR_OK) e->events += w.gone.n / 16;
    candor_buf_free(&w.text);
    candor_buf_free(&w.lines);
    candor_buf_free(&w.ids);
    candor_buf_free(&w.gone);
    return st;
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
