/* Lifecycle and the small calls of the C API. */
#include "client/client.h"
#include "client/ci.h"

#include <stdlib.h>

#define SEGMENT_WAIT_MS 500 /* how long set_enabled(true) waits until emit keeps again */

const char *candor_emit_name(candor_emit_result r)
{
#define NAME(id, text) text,
    static const char *const names[] = {CANDOR_EMIT_MAP(NAME)};
    return (unsigned)r < CANDOR_EMIT_COUNT ? names[r] : "unknown";
}

const char *candor_loss_name(candor_loss l)
{
    static const char *const names[] = {CANDOR_LOSS_MAP(NAME)};
    return (unsigned)l < CANDOR_LOSS_COUNT ? names[l] : "unknown";
}

const char *candor_privacy_name(candor_privacy p)
{
    static const char *const names[] = {CANDOR_PRIVACY_MAP(NAME)};
#undef NAME
    return (unsigned)p < CANDOR_PRIVACY_COUNT ? names[p] : "unknown";
}

/* --- open ------------------------------------------------------------------------------------ */

static void find_dir(candor_client *c)
{
    candor_status st = CANDOR_OK;
    if (c->settings.directory != NULL)
        memcpy(c->dir, c->settings.directory, strlen(c->settings.directory) + 1);
    else
        st = candor_data_dir(c->settings.app, c->dir, sizeof c->dir, &c->dir_error);
    c->has_dir = st == CANDOR_OK;
    if (!c->has_dir) c->dir[0] = '\0';
}

/* With the environment or GDPR mode saying no, or mode off, a directory that does not exist is not
 * made. */
static void decide_files(candor_client *c)
{
    int64_t when = 0;
    uint64_t size = 0;
    const candor_consent_inputs in = {.do_not_track = c->do_not_track,
                                      .telemetry_enabled = c->telemetry_enabled,
                                      .gdpr = c->settings.gdpr != 0,
                                      .default_on = true};
    candor_decision environment = candor_consent_decide(&in);
    find_dir(c);
    bool refused = !environment.enabled;
    c->no_files =
        c->settings.mode == CANDOR_MODE_OFF ||
        (refused && c->has_dir && candor_file_mtime(c->dir, &when, &size, NULL) == CANDOR_NOTFOUND);
}

/* The default directory is nobody else's business, so its mode is put right; a directory that the
 * host chose is refused instead. Nothing is written to one that cannot be used. */
static void make_dir(candor_client *c)
{
    candor_status st = CANDOR_OK;
    if (c->no_files || !c->has_dir) return;
    if (c->settings.directory == NULL) st = candor_dir_make_private(c->dir, &c->dir_error);
    if (st == CANDOR_OK) st = candor_dir_create(c->dir, &c->dir_error);
    c->has_dir = st == CANDOR_OK;
}

static candor_status open_consent(candor_client *c, candor_err *err)
{
    char path[CANDOR_PATH_MAX];
    candor_err why = {0};
    bool file = !c->no_files && c->has_dir &&
                candor_path_join(c->dir, "consent", path, sizeof path, NULL) == CANDOR_OK;
    candor_status st = candor_consent_open(file ? path : NULL, &c->consent, &why);
    if (st != CANDOR_OK && err != NULL) *err = why;
    if (st == CANDOR_OK && !file && !c->no_files) candor_consent_note(c->consent, &c->dir_error);
    return st;
}

static candor_status open_sync(candor_client *c, candor_err *err)
{
    candor_status st = candor_fork_guard_new(&c->fork_guard);
    if (st == CANDOR_OK) st = candor_waker_new(&c->waker, err);
    if (st == CANDOR_OK) st = candor_mutex_new(&c->commands.mutex);
    if (st == CANDOR_OK) st = candor_mutex_new(&c->report_mutex);
    if (st == CANDOR_OK) st = candor_latch_new(&c->started);
    return st;
}

static candor_status open_emit(candor_client *c, candor_err *err)
{
    candor_bytes salt = candor_bytes_of((const char *)c->identity.salt, sizeof c->identity.salt);
    candor_status st = candor_hmac_new(salt, &c->hash_key);
    if (st == CANDOR_OK) st = candor_id_source_init(&c->ids);
    if (st != CANDOR_OK) return st;
    candor_sanitiser_init(&c->sanitiser, c->schema, c->hash_key, CANDOR_AT_SOURCE);
#ifdef CANDOR_TEST_HOOKS
    const char *off = getenv("CANDOR_TEST_REDACT_OFF");
    c->sanitiser.redact_off = off != NULL && strcmp(off, "1") == 0;
#endif
    candor_segment_info info = {
        .schema_hash = candor_schema_hash(c->schema),
        .context_json = candor_buf_bytes(&c->identity.context_json),
        .process_id = candor_process_id(),
        .started_ms = candor_clock_unix_ms(),
    };
    memcpy(info.session_id, c->identity.session, 16);
    char journal_dir[CANDOR_PATH_MAX] = "";
    if (c->has_dir) st = candor_path_join(c->dir, "journal", journal_dir, sizeof journal_dir, err);
    if (st == CANDOR_OK)
        st = candor_journal_init(&c->journal, journal_dir, &info,
                                 (uint64_t)c->settings.journal_max_bytes);
    return st;
}

static void free_client(candor_client *c)
{
    candor_journal_deinit(&c->journal, NULL, NULL);
    candor_vault_free(c->vault);
    candor_sanitiser_deinit(&c->sanitiser);
    candor_hmac_free(c->hash_key);
    candor_schema_free(c->schema);
    candor_identity_wipe(&c->identity);
    candor_consent_close(c->consent);
    candor_latch_free(c->started);
    candor_mutex_free(c->commands.mutex);
    candor_mutex_free(c->report_mutex);
    candor_waker_free(c->waker);
    candor_fork_guard_free(c->fork_guard);
    candor_settings_free(&c->settings);
    free(c->do_not_track);
    free(c->telemetry_enabled);
    free(c);
}

static candor_status prepare(candor_client *c, candor_bytes options, candor_bytes schema,
                             candor_err *err)
{
    candor_status st = candor_settings_read(options, &c->settings, err);
    if (st == CANDOR_OK && c->schema == NULL)
        st = candor_schema_compile(schema, "schema", &c->schema, err);
    if (st == CANDOR_OK) st = candor_env_copy("DO_NOT_TRACK", &c->do_not_track);
    if (st == CANDOR_OK) st = candor_env_copy("TELEMETRY_ENABLED", &c->telemetry_enabled);
    if (st != CANDOR_OK) return st;
    c->ci = candor_ci();
    atomic_store(&c->host_off, c->settings.host_enabled == 0);
    atomic_store(&c->host_level, (int)c->settings.host_level);
    c->limits = candor_gate_limits_of(&c->settings);
    decide_files(c);
    st = open_sync(c, err);
    if (st == CANDOR_OK) st = candor_vault_new(&c->vault);
    if (st == CANDOR_OK) atomic_store(&c->vault->host_off, c->settings.full_content == 0);
    make_dir(c);
    if (st == CANDOR_OK) st = open_consent(c, err);
    if (st == CANDOR_OK)
        st = candor_identity_make(&c->identity, &c->settings,
                                  c->no_files || !c->has_dir || candor_gate_gdpr(c) ? NULL : c->dir,
                                  err);
    if (st == CANDOR_OK) st = open_emit(c, err);
    return st;
}

/* schema_json is looked at where there is no compiled schema, which becomes the client's. */
static candor_status open_client(candor_bytes options_json, candor_bytes schema_json,
                                 candor_schema *compiled, candor_client **out, candor_err *err)
{
    candor_err local = {0};
    *out = NULL;
    if (err == NULL) err = &local;
    candor_client *c = calloc(1, sizeof *c);
    if (c == NULL) {
        candor_schema_free(compiled);
        return candor_fail(err, CANDOR_NOMEM, 0, "open", "out of memory");
    }
    c->schema = compiled;
    candor_status st = prepare(c, options_json, schema_json, err);
    if (st == CANDOR_OK) {
        candor_journal_lock(&c->journal);
        (void)candor_gate_decide(c);
        candor_journal_unlock(&c->journal);
        st = candor_thread_start("candor", candor_worker_run, c, &c->thread, err);
    }
    if (st != CANDOR_OK) {
        if (err->code == CANDOR_OK)
            (void)candor_fail(err, st, 0, "open", "%s", candor_status_text(st));
        free_client(c);
        return st;
    }
    (void)candor_latch_wait(c->started, -1);
    *out = c;
    return CANDOR_OK;
}

candor_status candor_open(candor_bytes options_json, candor_bytes schema_json, candor_client **out,
                          candor_err *err)
{
    return open_client(options_json, schema_json, NULL, out, err);
}

candor_status candor_open_compiled(candor_bytes options_json, candor_schema *schema,
                                   candor_client **out, candor_err *err)
{
    return open_client(options_json, CANDOR_LIT(""), schema, out, err);
}

void candor_close(candor_client *c, int timeout_ms)
{
    if (c == NULL) return;
    /* In a fork child there is no worker to join and the maps are the parent's: leave them alone.
     */
    if (!candor_fork_guard_same(c->fork_guard)) return;
    if (timeout_ms < 0) timeout_ms = (int)c->settings.exit_flush_ms;
    candor_journal_lock(&c->journal);
    atomic_store(&c->closed, true);
    candor_journal_unlock(&c->journal);
    atomic_store(&c->stop_at_ns, (int64_t)candor_clock_mono_ns() + (int64_t)timeout_ms * 1000000);
    atomic_store(&c->stop, true);
    candor_waker_wake(c->waker);
    candor_thread_join(&c->thread);
    free_client(c);
}

/* --- commands -------------------------------------------------------------------------------- */

static uint64_t appended(candor_client *c)
{
    candor_journal_view view;
    candor_journal_look(&c->journal, &view);
    return view.appended;
}

void candor_client_push(candor_client *c, candor_command *command)
{
    candor_status st = CANDOR_CANCELLED;
    if (candor_fork_guard_same(c->fork_guard)) {
        command->target = appended(c);
        st = candor_command_push(&c->commands, command);
    }
    if (st == CANDOR_OK)
        candor_waker_wake(c->waker);
    else if (command->done != NULL) /* no worker will: the one case of another thread */
        command->done(command->ctx, st, CANDOR_LIT("{}"));
}

static void ask(candor_client *c, candor_command_type type, candor_done done, void *ctx)
{
    candor_command command = {.type = type, .done = done, .ctx = ctx};
    candor_client_push(c, &command);
}

void candor_flush(candor_client *c, candor_done done, void *ctx)
{
    ask(c, CANDOR_COMMAND_FLUSH, done, ctx);
}

void candor_upload(candor_client *c, candor_done done, void *ctx)
{
    ask(c, CANDOR_COMMAND_UPLOAD, done, ctx);
}

void candor_purge(candor_client *c, candor_done done, void *ctx)
{
    ask(c, CANDOR_COMMAND_PURGE, done, ctx);
}

/* Bounded: emit works when this returns, unless the disk is very slow or full. */
void candor_client_await(candor_client *c)
{
    candor_command command = {.type = CANDOR_COMMAND_REPORT};
    if (candor_waiter_new(&command.waiter) != CANDOR_OK) return;
    if (candor_command_push(&c->commands, &command) == CANDOR_OK) {
        candor_waker_wake(c->waker);
        (void)candor_waiter_wait(command.waiter, SEGMENT_WAIT_MS, NULL, NULL);
    } else {
        candor_waiter_drop(command.waiter);
    }
}

bool candor_enabled(candor_client *c)
{
    if (candor_consent_epoch(c->consent) != atomic_load(&c->seen_epoch))
        return candor_gate_refresh(c);
    return atomic_load(&c->enabled);
}
