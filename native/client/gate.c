/* The consent gate of a client: what is in force, what the worker owes because of it, and the calls
 * that change it. Layer: client. Threads: any; what is decided changes under journal.mutex. */
#include "client/client.h"

/* The settings file's level as its host's, or, when it is off, as its own "off". */
static candor_privacy host_level(const candor_client *c)
{
    candor_privacy host = (candor_privacy)atomic_load(&c->host_level);
    candor_privacy config = c->limits.config_level;
    return config != CANDOR_PRIVACY_OFF && config < host ? config : host;
}

static candor_config_says config_says(const candor_client *c)
{
    return c->limits.config_level == CANDOR_PRIVACY_OFF
               ? CANDOR_CONFIG_OFF
               : (candor_config_says)c->settings.config_enabled;
}

static candor_decision decide(candor_client *c)
{
    const candor_consent_inputs in = {
        .do_not_track = c->do_not_track,
        .telemetry_enabled = c->telemetry_enabled,
        .gdpr = candor_gate_gdpr(c),
        .host_off = atomic_load(&c->host_off),
        .config = config_says(c),
        .stored = candor_consent_choice(c->consent),
        .default_on = c->settings.default_enabled != 0,
        .has_level = true,
        .host_level = host_level(c),
        .stored_level = candor_consent_level(c->consent),
    };
    candor_decision d = candor_consent_decide(&in);
    candor_mode_narrow(c, &d);
    return d;
}

bool candor_gate_gdpr(const candor_client *c)
{
    return c->settings.gdpr != 0 || candor_consent_gdpr(c->consent);
}

bool candor_gate_own(const candor_client *c)
{
    const char *by = c->decision.source;
    if (strcmp(by, "gdpr") == 0) return !candor_consent_gdpr(c->consent);
    return strcmp(by, "stored") != 0 && strcmp(by, "default") != 0;
}

/* Highest level of an event that is recorded. Content has a switch of its own. */
static candor_level level_max(candor_privacy level)
{
    if (level == CANDOR_PRIVACY_ALL) return CANDOR_LEVEL_USAGE;
    return level == CANDOR_PRIVACY_ERROR ? CANDOR_LEVEL_ERROR : CANDOR_LEVEL_CRASH;
}

/* Add a debt to what is owed already. */
static void owe(candor_client *c, candor_owed more)
{
    candor_owed *o = &c->owed;
    o->serial++;
    o->journal = true;
    o->all = o->all || more.all;
    o->shared = o->shared || more.shared;
    o->asked = o->asked || more.asked;
    o->ended = o->ended || more.ended;
    if (more.at_ms != 0) o->at_ms = more.at_ms;
}

static bool happened(candor_client *c, candor_happened what)
{
    uint32_t now = candor_consent_happened(c->consent, what);
    bool changed = now != c->seen[what];
    c->seen[what] = now;
    return changed;
}

bool candor_gate_decide(candor_client *c)
{
    /* The epoch first: what is read behind it is at least as new. */
    uint32_t epoch = candor_consent_epoch(c->consent);
    bool offs = happened(c, CANDOR_HAPPENED_OFF), erases = happened(c, CANDOR_HAPPENED_ERASE);
    const candor_decision was = c->decision;
    bool first = was.source == NULL;
    c->decision = decide(c);
    bool on = c->decision.enabled, both = on && was.enabled;
    bool narrower = both && c->decision.level < was.level;
    if (!on && (first || was.enabled))
        owe(c, (candor_owed){.all = true, .shared = !candor_gate_own(c), .ended = !first});
    else if (narrower)
        owe(c, (candor_owed){0});
    /* Off and on again, by others, while nobody here was looking; GDPR mode closes files also where
     * it was off before. */
    if ((both && offs && !narrower && !candor_gate_own(c)) || (erases && !first))
        owe(c, (candor_owed){.ended = true});
    atomic_store(&c->level_max, (int)level_max(c->decision.level));
    atomic_store(&c->enabled, on && !c->owed.journal);
    atomic_store(&c->seen_epoch, epoch);
    candor_vault_decide(c);
    return c->owed.journal || was.enabled != on;
}

bool candor_gate_refresh(candor_client *c)
{
    candor_journal_lock(&c->journal);
    bool changed = candor_gate_decide(c), enabled = atomic_load(&c->enabled);
    candor_journal_unlock(&c->journal);
    if (changed) candor_waker_wake(c->waker);
    return enabled;
}

/* --- the worker's side ----------------------------------------------------------------------- */

candor_owed candor_gate_owed(candor_client *c)
{
    candor_journal_lock(&c->journal);
    candor_owed owed = c->owed;
    /* Allowed again by others: what they have recorded since is not ours to delete. */
    if (c->decision.enabled && !owed.asked) owed.all = false;
    candor_journal_unlock(&c->journal);
    return owed;
}

bool candor_gate_paid(candor_client *c, const candor_owed *owed)
{
    candor_journal_lock(&c->journal);
    bool all = c->owed.serial == owed->serial;
    if (all) {
        c->owed = (candor_owed){.serial = owed->serial};
        atomic_store(&c->enabled, c->decision.enabled);
    }
    candor_journal_unlock(&c->journal);
    return all;
}

void candor_gate_new_session(candor_client *c, bool salt)
{
    candor_identity next;
    candor_hmac *key = NULL, *unused = NULL;
    const char *dir = c->no_files || !c->has_dir ? NULL : c->dir;
    if (candor_identity_renew(&c->identity, &c->settings, dir, salt, &next) != CANDOR_OK) return;
    candor_bytes bytes = candor_bytes_of((const char *)next.salt, sizeof next.salt);
    if (salt && candor_hmac_new(bytes, &key) != CANDOR_OK) {
        candor_identity_wipe(&next);
        return;
    }
    candor_journal_lock(&c->journal);
    candor_identity old = c->identity;
    c->identity = next;
    memcpy(c->journal.info.session_id, next.session, 16);
    c->journal.info.context_json = candor_buf_bytes(&next.context_json);
    c->journal.info.started_ms = candor_clock_unix_ms();
    if (key != NULL) {
        unused = c->hash_key;
        c->hash_key = c->sanitiser.hash_key = key;
    }
    candor_journal_unlock(&c->journal);
    candor_hmac_free(unused);
    candor_identity_wipe(&old);
}

/* --- calls ----------------------------------------------------------------------------------- */

/* What others have chosen before is seen first, so that it is not taken for this call's doing.
 * Takes the lock that end_change releases. */
static candor_decision begin_change(candor_client *c)
{
    candor_journal_lock(&c->journal);
    (void)candor_gate_decide(c);
    return c->decision;
}

/* Decide, and make what this call takes away the worker's debt, whatever comes next. */
static void end_change(candor_client *c, const candor_decision *was, candor_consent_source source,
                       candor_command *command)
{
    (void)candor_gate_decide(c);
    bool off = was->enabled && !c->decision.enabled;
    bool narrower = was->enabled && !off && c->decision.level < was->level;
    bool shared = off ? !candor_gate_own(c) : source == CANDOR_CONSENT_USER;
    if (off || narrower || command->purge)
        owe(c, (candor_owed){.all = true,
                             .shared = shared,
                             .asked = true,
                             .ended = !c->decision.enabled,
                             .at_ms = shared ? candor_clock_unix_ms() : 0});
    command->purge = off || narrower || command->purge;
    /* Also where this process's own decision stays as it is. */
    if (command->purge) atomic_store(&c->enabled, false);
    /* emit keeps again when the worker has made a journal */
    bool waits = c->decision.enabled && (!was->enabled || c->owed.journal);
    candor_journal_unlock(&c->journal);
    candor_client_push(c, command);
    if (waits) candor_client_await(c);
}

candor_limits candor_gate_limits_of(const candor_settings *s)
{
    return (candor_limits){(candor_privacy)s->host_level, (candor_privacy)s->config_level,
                           s->full_content != 0, s->config_full_content != 0};
}

/* The highest level that host, file and user together allow, whether or not telemetry is on. */
static candor_privacy allowed_level(const candor_client *c)
{
    candor_privacy host = (candor_privacy)atomic_load(&c->host_level);
    candor_privacy least = c->limits.config_level, stored = candor_consent_level(c->consent);
    if (host < least) least = host;
    return stored < least ? stored : least;
}

static bool content_allowed(const candor_client *c)
{
    return c->limits.config_full_content && !atomic_load(&c->vault->host_off);
}

void candor_gate_limit(candor_client *c, const candor_settings *next, candor_command *command)
{
    const candor_limits limits = candor_gate_limits_of(next);
    (void)begin_change(c);
    candor_privacy level = allowed_level(c);
    bool content = content_allowed(c);
    if (limits.host_level != c->limits.host_level)
        atomic_store(&c->host_level, (int)limits.host_level);
    if (limits.full_content != c->limits.full_content)
        atomic_store(&c->vault->host_off, !limits.full_content);
    c->limits = limits;
    (void)candor_gate_decide(c);
    /* Who only looks deletes nothing that nobody asked it to delete. */
    bool narrower = allowed_level(c) < level && c->settings.inspect == 0;
    if (narrower) {
        owe(c, (candor_owed){.all = true, .asked = true, .ended = !c->decision.enabled});
        atomic_store(&c->enabled, false);
    }
    command->purge = content && !content_allowed(c) && c->settings.inspect == 0;
    candor_journal_unlock(&c->journal);
}

static candor_command consent_command(candor_done done, void *ctx)
{
    return (candor_command){.type = CANDOR_COMMAND_CONSENT, .done = done, .ctx = ctx};
}

/* A fork child has no worker, and the maps are its parent's: nothing changes, done says so. */
static bool is_parents(candor_client *c, candor_command *command)
{
    if (candor_fork_guard_same(c->fork_guard)) return false;
    candor_client_push(c, command);
    return true;
}

void candor_set_enabled(candor_client *c, bool enabled, candor_consent_source source,
                        candor_done done, void *ctx)
{
    candor_command command = consent_command(done, ctx);
    if (is_parents(c, &command)) return;
    const candor_decision was = begin_change(c);
    if (source == CANDOR_CONSENT_HOST)
        atomic_store(&c->host_off, !enabled);
    else {
        bool news = candor_consent_choice(c->consent) != CANDOR_CHOICE_OFF;
        candor_consent_store(c->consent, enabled ? CANDOR_CHOICE_ON : CANDOR_CHOICE_OFF);
        (void)candor_gate_decide(c);
        /* Also where it was off by host or environment: the directory's files are the user's. */
        command.purge = !enabled && news && !c->decision.enabled;
    }
    end_change(c, &was, source, &command);
}

void candor_set_level(candor_client *c, candor_privacy level, candor_consent_source source,
                      candor_done done, void *ctx)
{
    candor_command command = consent_command(done, ctx);
    if (is_parents(c, &command)) return;
    if ((unsigned)level >= CANDOR_PRIVACY_COUNT) level = CANDOR_PRIVACY_OFF;
    const candor_decision was = begin_change(c);
    if (source == CANDOR_CONSENT_HOST)
        atomic_store(&c->host_level, (int)level);
    else {
        command.purge = level < candor_consent_level(c->consent);
        candor_consent_put_level(c->consent, level);
    }
    end_change(c, &was, source, &command);
}

void candor_set_gdpr(candor_client *c, bool on, candor_done done, void *ctx)
{
    candor_command command = consent_command(done, ctx);
    if (is_parents(c, &command)) return;
    const candor_decision was = begin_change(c);
    command.purge = on && !candor_consent_gdpr(c->consent); /* also when it was off already */
    candor_consent_put_gdpr(c->consent, on);
    end_change(c, &was, CANDOR_CONSENT_USER, &command);
}

void candor_set_mode(candor_client *c, candor_mode mode, candor_done done, void *ctx)
{
    candor_command command = consent_command(done, ctx);
    if (is_parents(c, &command)) return;
    if ((unsigned)mode > CANDOR_MODE_OFF) mode = CANDOR_MODE_OFF;
    command.names_mode = true;
    const candor_decision was = begin_change(c);
    command.purge = mode == CANDOR_MODE_OFF && candor_consent_get(c->consent, CANDOR_STORED_MODE) !=
                                                   1 + (unsigned)CANDOR_MODE_OFF;
    candor_consent_put_mode(c->consent, mode);
    end_change(c, &was, CANDOR_CONSENT_USER, &command);
}

void candor_acknowledge_notice(candor_client *c, candor_done done, void *ctx)
{
    candor_command command = consent_command(done, ctx);
    uint32_t version = candor_schema_notice(c->schema);
    if (candor_fork_guard_same(c->fork_guard)) {
        candor_journal_lock(&c->journal);
        if (candor_consent_notice(c->consent) < version)
            candor_consent_put_notice(c->consent, version);
        (void)candor_gate_decide(c);
        candor_journal_unlock(&c->journal);
    }
    candor_client_push(c, &command);
}
