/* The full-content flag, the counters, and the calls of the C API. */
#include "client/vault.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "client/client.h"

const char *candor_vault_drop_name(candor_vault_drop d)
{
#define NAME(id, text) text,
    static const char *const names[] = {CANDOR_VAULT_DROP_MAP(NAME)};
#undef NAME
    return (unsigned)d < CANDOR_VAULT_DROP_COUNT ? names[d] : "unknown";
}

candor_status candor_vault_new(candor_vault **out)
{
    candor_vault *v = *out = calloc(1, sizeof *v);
    if (v == NULL) return CANDOR_NOMEM;
    v->decided_by = "default";
    candor_status st = candor_keyring_new(&v->keys);
    if (st == CANDOR_OK) st = candor_mutex_new(&v->mutex);
    if (st == CANDOR_OK) st = candor_env_copy("TELEMETRY_FULL_CONTENT", &v->environment);
    return st;
}

static void wipe_buf(candor_buf *b)
{
    if (b->p != NULL) candor_wipe(b->p, b->cap);
    candor_buf_free(b);
}

void candor_vault_free(candor_vault *v)
{
    if (v == NULL) return;
    candor_vault_segment_free(v->segment);
    candor_keyring_free(v->keys);
    candor_mutex_free(v->mutex);
    wipe_buf(&v->plain);
    candor_buf_free(&v->file);
    candor_buf_free(&v->gz);
    free(v->entries);
    free(v->environment);
    free(v);
}

/* --- the flag -------------------------------------------------------------------------------- */

/* Whatever cannot be understood is taken as off. */
static bool environment_on(const char *value)
{
    const candor_consent_inputs in = {.telemetry_enabled = value};
    return candor_consent_decide(&in).enabled;
}

static bool decide(const candor_client *c, const char **by)
{
    const candor_vault *v = c->vault;
    unsigned stored = candor_consent_get(c->consent, CANDOR_STORED_CONTENT);
    *by = "telemetry";
    if (!c->decision.enabled) return false;
    *by = "level";
    if (c->decision.level != CANDOR_PRIVACY_ALL) return false;
    *by = "host";
    if (atomic_load(&v->host_off)) return false;
    *by = "telemetry.toml";
    if (!c->limits.config_full_content) return false;
    *by = "exporter"; /* only a collector of our own takes texts apart from their events */
    if (c->settings.exporter != CANDOR_EXPORT_CANDOR) return false;
    *by = "TELEMETRY_FULL_CONTENT";
    if (v->environment != NULL) return environment_on(v->environment);
    *by = stored != 0 ? "stored" : "default";
    return stored == 2;
}

void candor_vault_decide(candor_client *c)
{
    candor_vault *v = c->vault;
    const char *by = NULL;
    bool on = decide(c, &by), before = atomic_load(&v->on);
    c->sanitiser.content_apart = on;
    if (on) atomic_store(&c->level_max, (int)CANDOR_LEVEL_CONTENT);
    candor_mutex_lock(v->mutex);
    v->decided_by = by;
    atomic_store(&v->on, on);
    candor_mutex_unlock(v->mutex);
    if (before != on) candor_waker_wake(c->waker);
}

bool candor_full_content(candor_client *c)
{
    return candor_enabled(c) && candor_vault_on(c->vault);
}

void candor_set_full_content(candor_client *c, bool on, candor_consent_source source,
                             candor_done done, void *ctx)
{
    candor_command command = {.type = CANDOR_COMMAND_CONTENT, .done = done, .ctx = ctx};
    bool resumed = false, chosen = false;
    if (candor_fork_guard_same(c->fork_guard)) {
        candor_journal_lock(&c->journal);
        bool before = candor_vault_on(c->vault);
        if (source == CANDOR_CONSENT_HOST)
            atomic_store(&c->vault->host_off, !on);
        else {
            chosen = !on && candor_consent_get(c->consent, CANDOR_STORED_CONTENT) == 2;
            candor_consent_put_content(c->consent, on);
        }
        (void)candor_gate_decide(c);
        resumed = !before && candor_vault_on(c->vault);
        command.purge = (before || chosen) && !candor_vault_on(c->vault);
        candor_journal_unlock(&c->journal);
    }
    candor_client_push(c, &command);
    if (resumed) candor_client_await(c);
}

candor_status candor_set_keys(candor_client *c, const candor_key *keys, size_t n, candor_err *err)
{
    if (!candor_fork_guard_same(c->fork_guard))
        return candor_fail(err, CANDOR_CANCELLED, 0, "keys", "a fork child has no worker");
    candor_status st = candor_keyring_set(c->vault->keys, keys, n, err);
    if (st != CANDOR_OK) return st;
    atomic_store(&c->vault->keys_changed, true);
    candor_client_await(c);
    return CANDOR_OK;
}

/* --- counters -------------------------------------------------------------------------------- */

void candor_vault_count(candor_vault *v, candor_vault_drop why, uint64_t n)
{
    candor_mutex_lock(v->mutex);
    v->unmerged.drops[why] += n;
    candor_mutex_unlock(v->mutex);
}

static void put_count(candor_buf *out, const char *key, uint64_t n)
{
    candor_buf_putf(out, "\"%s\":%llu", key, (unsigned long long)n);
}

void candor_vault_status(candor_vault *v, candor_buf *out)
{
    candor_mutex_lock(v->mutex);
    candor_buf_putf(out, ",\"full_content\":{\"enabled\":%s,\"decided_by\":\"%s\"},\"vault\":{",
                    candor_vault_on(v) ? "true" : "false", v->decided_by);
    put_count(out, "pending", v->files + v->waiting);
    candor_buf_put_c(out, ',');
    put_count(out, "bytes", v->bytes);
    candor_buf_put_c(out, ',');
    put_count(out, "sent", v->merged.sent + v->unmerged.sent);
    candor_buf_put_c(out, ',');
    put_count(out, "locked", v->locked);
    candor_buf_put_bytes(out, CANDOR_LIT(",\"dropped\":{"));
    for (int i = 0; i < CANDOR_VAULT_DROP_COUNT; i++) {
        if (i != 0) candor_buf_put_c(out, ',');
        put_count(out, candor_vault_drop_name((candor_vault_drop)i),
                  v->merged.drops[i] + v->unmerged.drops[i]);
    }
    candor_buf_put_bytes(out, CANDOR_LIT("}}"));
    candor_mutex_unlock(v->mutex);
}

/* --- counters in state.db -------------------------------------------------------------------- */

static candor_status add_counts(candor_state *s, const candor_vault_counts *n, candor_err *err)
{
    char name[64];
    candor_status st = candor_state_add(s, "vault.sent", n->sent, err);
    for (int i = 0; i < CANDOR_VAULT_DROP_COUNT && st == CANDOR_OK; i++) {
        (void)snprintf(name, sizeof name, "vault.%s", candor_vault_drop_name((candor_vault_drop)i));
        st = candor_state_add(s, name, n->drops[i], err);
    }
    return st;
}

static void place(void *ctx, candor_bytes name, uint64_t n)
{
    candor_vault_counts *counts = ctx;
    if (candor_bytes_eq(name, CANDOR_LIT("vault.sent"))) counts->sent = n;
    for (int i = 0; i < CANDOR_VAULT_DROP_COUNT; i++)
        if (name.n > 6 &&
            candor_bytes_eq(candor_bytes_of(name.p + 6, name.n - 6),
                            candor_bytes_str(candor_vault_drop_name((candor_vault_drop)i))))
            counts->drops[i] = n;
}

void candor_vault_report(candor_vault *v)
{
    static const candor_vault_counts none;
    candor_err err = {0};
    candor_vault_counts taken, read = {0};
    if (v->store == NULL) return;
    candor_mutex_lock(v->mutex);
    taken = v->unmerged;
    candor_mutex_unlock(v->mutex);
    candor_status st = CANDOR_OK;
    bool any = memcmp(&taken, &none, sizeof none) != 0; /* uint64_t only: no padding */
    if (any) {
        st = candor_state_begin(v->store->state, &err);
        if (st == CANDOR_OK)
            st = candor_state_end(v->store->state, add_counts(v->store->state, &taken, &err), &err);
        if (st != CANDOR_OK) candor_store_note(v->store, &err);
    }
    bool known = candor_state_counters(v->store->state, "vault.", place, &read, &err) == CANDOR_OK;
    candor_mutex_lock(v->mutex);
    if (known) v->merged = read;
    if (any && st == CANDOR_OK) {
        v->unmerged.sent -= taken.sent;
        for (int i = 0; i < CANDOR_VAULT_DROP_COUNT; i++)
            v->unmerged.drops[i] -= taken.drops[i];
    }
    candor_mutex_unlock(v->mutex);
}
