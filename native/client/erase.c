#include "client/erase.h"

#include "client/names.h"
#include "client/recover.h"

static bool begins(candor_bytes name, const char *with)
{
    size_t n = strlen(with);
    return name.n >= n && memcmp(name.p, with, n) == 0;
}

static bool ends(candor_bytes name, const char *with)
{
    size_t n = strlen(with);
    return name.n >= n && memcmp(name.p + name.n - n, with, n) == 0;
}

/* Files beside the folders. Of the consent file only what a crash left beside it goes. */
static bool is_root_file(const char *name)
{
    static const char *const names[] = {"salt",         "state.db",       "state.db-wal",
                                        "state.db-shm", "consent.",       "leader.lock",
                                        "rollup.lock",  "rollup.waiting", "ledger"};
    candor_bytes whole = candor_bytes_str(name);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) return true;
        if (begins(whole, names[i]) && ends(whole, ".tmp")) return true;
    }
    return begins(whole, "ledger") && ends(whole, ".jsonl");
}

static bool is_segment(const char *name)
{
    return candor_name_segment(name) || candor_name_temporary(name);
}

/* <uuid>, then anything: whatever a folder of ours holds is named after an event, a batch or a
 * segment. */
static bool is_numbered(const char *name)
{
    unsigned char id[16];
    candor_bytes whole = candor_bytes_str(name);
    return whole.n > CANDOR_UUID_TEXT && name[CANDOR_UUID_TEXT] == '.' &&
           candor_uuid_parse(candor_bytes_of(name, CANDOR_UUID_TEXT), id);
}

typedef struct place {
    const char *folder; /* "": the directory itself */
    bool (*ours)(const char *name);
} place;

/* A part of the client that keeps files of its own has its row here. */
static const place places[] = {
    {"journal", is_segment}, {"spool", is_numbered}, {"quarantine", candor_name_quarantined},
    {"sent", is_numbered},   {"vault", is_numbered}, {"otlp", candor_exporter_names},
    {"", is_root_file},
};

typedef struct removal {
    const char *dir;
    bool (*ours)(const char *name);
} removal;

static bool remove_one(void *ctx, const char *name)
{
    const removal *r = ctx;
    char path[CANDOR_PATH_MAX];
    if (r->ours(name) && candor_path_join(r->dir, name, path, sizeof path, NULL) == CANDOR_OK)
        candor_unlink_quiet(path);
    return true;
}

static void empty(const char *dir, const place *p)
{
    char path[CANDOR_PATH_MAX];
    removal r = {dir, p->ours};
    if (p->folder[0] != '\0') {
        if (candor_path_join(dir, p->folder, path, sizeof path, NULL) != CANDOR_OK) return;
        r.dir = path;
    }
    (void)!candor_dir_list(r.dir, remove_one, &r, NULL);
    if (p->folder[0] != '\0') candor_rmdir_quiet(path);
}

static bool others_live(const candor_client *c)
{
    candor_store s = {.usable = true};
    return candor_path_join(c->dir, "journal", s.journal_dir, sizeof s.journal_dir, NULL) ==
               CANDOR_OK &&
           candor_recover_others_live(&s);
}

void candor_erase(candor_client *c, bool asked)
{
    if (!c->has_dir || c->no_files || (c->settings.inspect != 0 && !asked)) return;
    if (!candor_consent_gdpr(c->consent) && others_live(c)) return;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        empty(c->dir, &places[i]);
}

void candor_erase_obey(candor_client *c, bool asked)
{
    candor_worker *w = &c->worker;
    uint32_t erases = candor_consent_happened(c->consent, CANDOR_HAPPENED_ERASE);
    bool on = candor_gate_gdpr(c), was_on = erases != w->erases_seen;
    w->erases_seen = erases;
    if (c->no_files || (!on && !was_on)) return;
    w->erased = true;
    candor_exporter_forget(&w->exporter);
    candor_worker_close_storage(c); /* its files may be gone already: another process deletes too */
    if (on) candor_erase(c, asked);
}

void candor_erase_undo(candor_client *c)
{
    candor_worker *w = &c->worker;
    w->erased = w->session_ended = false;
    candor_worker_open_storage(c);
    candor_gate_new_session(c, true);
    candor_worker_storage_ready(c);
    if (w->storage_open && w->store.usable) (void)candor_journal_unblock(&c->journal);
    w->report_due = true;
}
