#include "central/reload.h"

#include "central/tls.h"

typedef struct reloadable {
    const char *name; /* in the log: <name>_reloaded, <name>_not_reloaded */
    candor_status (*load)(candor_server *s, candor_err *err);
} reloadable;

static candor_status load_tls(candor_server *s, candor_err *err)
{
    return candor_tls_load(s->tls, err);
}

static candor_status load_tokens(candor_server *s, candor_err *err)
{
    return candor_auth_load_file(s->auth, s->config.token_file, CANDOR_FIXED_SCOPES, NULL, err);
}

static const reloadable reloadables[CANDOR_RELOAD_COUNT] = {
    [CANDOR_RELOAD_TLS] = {"tls", load_tls},
    [CANDOR_RELOAD_TOKENS] = {"token_file", load_tokens},
};

static bool in_use(const candor_server *s, int which)
{
    return which == CANDOR_RELOAD_TLS ? s->tls != NULL : *s->config.token_file != '\0';
}

/* What is not there is all zeros. */
static void look_at(const candor_server *s, int which, struct stat out[2])
{
    const char *paths[2] = {s->config.tls_cert, s->config.tls_key};
    int i;
    if (which == CANDOR_RELOAD_TOKENS) {
        paths[0] = s->config.token_file;
        paths[1] = "";
    }
    for (i = 0; i < 2; i++)
        if (*paths[i] == '\0' || stat(paths[i], &out[i]) != 0) out[i] = (struct stat){0};
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool same(const struct stat a[2], const struct stat b[2])
{
    return same_file(&a[0], &b[0]) && same_file(&a[1], &b[1]);
}

/* Looked at before it is read: what is written meanwhile is read by the next look. */
static void load(candor_reload *r, int which)
{
    candor_server *s = r->server;
    candor_err err = {0};
    candor_status st;
    candor_log_level level;
    candor_log_line line;
    char event[48];
    look_at(s, which, r->watched[which].tried);
    st = reloadables[which].load(s, &err);
    candor_count(st == CANDOR_OK ? &s->metrics.reloads : &s->metrics.reload_failures, 1);
    level = st == CANDOR_OK ? CANDOR_LOG_INFO : CANDOR_LOG_ERROR;
    snprintf(event, sizeof event, "%s_%s", reloadables[which].name,
             st == CANDOR_OK ? "reloaded" : "not_reloaded");
    candor_log_begin(&line, level, event);
    if (st != CANDOR_OK) {
        char text[400];
        candor_err_describe(&err, text, sizeof text);
        candor_log_text(&line, "detail", text);
        candor_log_text(&line, "advice", "what was read before stays in use; mend the file");
    } else if (which == CANDOR_RELOAD_TLS) {
        candor_log_number(&line, "certificate_ends", candor_tls_expiry(s->tls));
    }
    candor_log_end(&s->log, &line, level);
}

void candor_reload_init(candor_reload *r, candor_server *s)
{
    int i;
    r->server = s;
    for (i = 0; i < CANDOR_RELOAD_COUNT; i++) {
        look_at(s, i, r->watched[i].tried);
        look_at(s, i, r->watched[i].seen);
    }
}

void candor_reload_look(candor_reload *r)
{
    int i;
    for (i = 0; i < CANDOR_RELOAD_COUNT; i++) {
        candor_watched *w = &r->watched[i];
        struct stat now[2];
        bool still;
        if (!in_use(r->server, i)) continue;
        look_at(r->server, i, now);
        still = same(now, w->seen);
        memcpy(w->seen, now, sizeof now);
        if (still && !same(now, w->tried)) load(r, i);
    }
}

void candor_reload_now(candor_reload *r)
{
    int i;
    for (i = 0; i < CANDOR_RELOAD_COUNT; i++)
        if (in_use(r->server, i)) load(r, i);
}
