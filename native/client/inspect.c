#include "client/inspect.h"

#include "base/json.h"
#include "client/names.h"
#include "plat/plat.h"

typedef struct journal_list {
    const char *dir;
    candor_buf *out;
    bool more;
} journal_list;

/* A file whose lock cannot be taken belongs to a living process. */
static bool is_held(const char *dir, const char *name)
{
    char path[CANDOR_PATH_MAX];
    candor_file *f = NULL;
    candor_err err = {0};
    candor_status st = candor_path_join(dir, name, path, sizeof path, &err);
    if (st == CANDOR_OK) st = candor_file_open(path, CANDOR_OPEN_READ, &f, &err);
    if (st == CANDOR_OK) st = candor_file_try_lock(f, &err);
    candor_file_discard(f);
    return st == CANDOR_BUSY;
}

static bool visit(void *ctx, const char *name)
{
    journal_list *list = ctx;
    if (!candor_name_segment(name)) return true;
    if (list->more) candor_buf_put_c(list->out, ',');
    list->more = true;
    candor_buf_put_bytes(list->out, CANDOR_LIT("{\"name\":"));
    candor_json_put_string(list->out, candor_bytes_str(name));
    candor_buf_putf(list->out, ",\"alive\":%s}", is_held(list->dir, name) ? "true" : "false");
    return true;
}

candor_status candor_inspect(const char *directory, candor_buf *out, candor_err *err)
{
    char journal[CANDOR_PATH_MAX];
    candor_status st = candor_path_join(directory, "journal", journal, sizeof journal, err);
    if (st != CANDOR_OK) return st;
    journal_list list = {.dir = journal, .out = out};
    candor_buf_put_bytes(out, CANDOR_LIT("{\"segments\":["));
    st = candor_dir_list(journal, visit, &list, err);
    if (st != CANDOR_OK && st != CANDOR_NOTFOUND) return st;
    candor_buf_putf(out, "],\"uploading\":%s}",
                    is_held(directory, "leader.lock") ? "true" : "false");
    return out->failed ? candor_fail(err, CANDOR_NOMEM, 0, "inspect", "out of memory") : CANDOR_OK;
}
