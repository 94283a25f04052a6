#include "client/consent.h"

#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* Processes of one machine share it, so native byte order is right. */
typedef struct consent_block {
    _Atomic uint64_t magic; /* "CNDRCNS1"; written last when a damaged block is made whole */
    _Atomic uint32_t version;
    _Atomic uint32_t epoch;
    _Atomic uint8_t choice;
    _Atomic uint8_t stored[CANDOR_STORED_COUNT];
    _Atomic uint32_t purges;
    _Atomic uint32_t notice;
    _Atomic uint32_t happened[CANDOR_HAPPENED_COUNT];
    _Atomic uint8_t gdpr; /* 1: on */
    unsigned char reserved[3];
    _Atomic uint32_t content_offs; /* how often full content was switched off */
    unsigned char reserved_too[20];
} consent_block;
_Static_assert(sizeof(consent_block) == 64, "the consent file is 64 bytes");

static const char consent_magic[sizeof(uint64_t)] = {'C', 'N', 'D', 'R', 'C', 'N', 'S', '1'};
#define CONSENT_VERSION 1u

struct candor_consent {
    candor_map map; /* zeroed: local is used */
    consent_block local;
    _Atomic(consent_block *) block;
    _Atomic bool unreadable;  /* there is a file, and what it says is not known */
    _Atomic bool unstored;    /* the last choice did not reach the file */
    _Atomic bool unannounced; /* bumped, and nobody was told */
    char path[CANDOR_PATH_MAX];
    char error[256]; /* why the file is not in use; set while opening */
};

static bool equals_any(const char *v, const char *const *words)
{
    for (; *words != NULL; words++) {
        size_t i = 0;
        while (v[i] != '\0' && tolower((unsigned char)v[i]) == (*words)[i])
            i++;
        if (v[i] == '\0' && (*words)[i] == '\0') return true;
    }
    return false;
}

static candor_decision decide_environment(const char *v)
{
    static const char *const on[] = {"1", "true", "yes", "on", NULL};
    static const char *const off[] = {"0", "false", "no", "off", NULL};
    candor_decision d = {.source = "TELEMETRY_ENABLED", .final = true};
    if (equals_any(v, on)) {
        d.enabled = true;
        d.reason = "The environment variable TELEMETRY_ENABLED switches telemetry on.";
    } else if (equals_any(v, off)) {
        d.reason = "The environment variable TELEMETRY_ENABLED switches telemetry off.";
    } else {
        d.reason = "The environment variable TELEMETRY_ENABLED is neither 1, true, yes, on "
                   "nor 0, false, no, off: taken as off.";
    }
    return d;
}

static bool do_not_track(const char *v)
{
    static const char *const may_track[] = {"", "0", "false", NULL};
    return v != NULL && !equals_any(v, may_track);
}

/* The levels of those who narrow. An "off" among them has been overruled by the environment. */
static candor_privacy lower_level(const candor_consent_inputs *in)
{
    candor_privacy level = CANDOR_PRIVACY_ALL;
    if (!in->has_level) return level;
    if (in->host_level != CANDOR_PRIVACY_OFF && in->host_level < level) level = in->host_level;
    if (in->stored_level != CANDOR_PRIVACY_OFF && in->stored_level < level)
        level = in->stored_level;
    return level;
}

static candor_decision yes(const candor_consent_inputs *in, const char *source, const char *reason)
{
    return (candor_decision){
        .enabled = true, .level = lower_level(in), .source = source, .reason = reason};
}

static candor_decision no(const char *source, const char *reason)
{
    return (candor_decision){.source = source, .reason = reason};
}

static candor_decision decide_stored(const candor_consent_inputs *in)
{
    if (in->stored == CANDOR_CHOICE_UNREADABLE)
        return no("stored", "The stored choice cannot be read: taken as off.");
    if (in->stored == CANDOR_CHOICE_OFF)
        return no("stored", "The user has switched telemetry off.");
    if (in->has_level && in->stored_level == CANDOR_PRIVACY_OFF)
        return no("stored", "The user has set the privacy level to off.");
    if (in->stored == CANDOR_CHOICE_ON)
        return yes(in, "stored", "The user has switched telemetry on.");
    if (in->config == CANDOR_CONFIG_ON)
        return yes(in, "telemetry.toml", "The settings file telemetry.toml switches telemetry on.");
    if (in->default_on)
        return yes(in, "default", "Nobody has chosen; the application's default is on.");
    return no("default", "Nobody has chosen; the application's default is off.");
}

candor_decision candor_consent_decide(const candor_consent_inputs *in)
{
    candor_decision d;
    if (do_not_track(in->do_not_track)) {
        d = no("DO_NOT_TRACK", "The environment variable DO_NOT_TRACK asks not to be tracked.");
        d.final = true;
        return d;
    }
    if (in->gdpr) return no("gdpr", "GDPR mode is on: nothing is recorded, nothing is kept.");
    if (in->telemetry_enabled != NULL && in->telemetry_enabled[0] != '\0') {
        d = decide_environment(in->telemetry_enabled);
        if (d.enabled) d.level = lower_level(in);
        return d;
    }
    if (in->host_off) return no("host", "The host application has switched telemetry off.");
    if (in->has_level && in->host_level == CANDOR_PRIVACY_OFF)
        return no("host", "The host application has set the privacy level to off.");
    if (in->config == CANDOR_CONFIG_OFF)
        return no("telemetry.toml", "The settings file telemetry.toml switches telemetry off.");
    if (in->config == CANDOR_CONFIG_UNREADABLE)
        return no("telemetry.toml",
                  "The settings file telemetry.toml cannot be read: taken as off.");
    return decide_stored(in);
}

static uint64_t magic_word(void)
{
    uint64_t word;
    memcpy(&word, consent_magic, sizeof word);
    return word;
}

static void init_block(consent_block *b)
{
    atomic_store(&b->version, CONSENT_VERSION);
    atomic_store(&b->magic, magic_word());
}

static bool is_known(const consent_block *b)
{
    return atomic_load(&b->magic) == magic_word() && atomic_load(&b->version) == CONSENT_VERSION;
}

/* What a damaged file says beside the new choice is nobody's. Other threads and processes read
 * meanwhile: the block says something again only when all of it is right. */
static void reset_block(consent_block *b, candor_choice choice)
{
    atomic_store(&b->magic, ~magic_word());
    for (size_t i = 0; i < CANDOR_STORED_COUNT; i++)
        atomic_store(&b->stored[i], 0);
    atomic_store(&b->notice, 0);
    atomic_store(&b->gdpr, 0);
    atomic_store(&b->choice, (uint8_t)choice);
    init_block(b);
}

/* A new file is all zeros; whoever comes first names it. Two processes that do so at the same time
 * write the same bytes and touch neither epoch nor choice. */
static bool is_blank(const consent_block *b)
{
    return atomic_load(&b->magic) == 0 && atomic_load(&b->version) == 0;
}

/* Whole from its first moment: an existing file that is too short has lost a choice. Any other
 * process may come first. CANDOR_OK: the file is there. */
static candor_status make_file(const char *path, candor_err *err)
{
    consent_block fresh = {0};
    candor_status st = candor_file_mtime(path, NULL, NULL, err);
    if (st != CANDOR_NOTFOUND) return CANDOR_OK; /* opening it tells what is wrong */
    init_block(&fresh);
    st = candor_file_create_whole(path, candor_bytes_of((const char *)&fresh, sizeof fresh), err);
    return st == CANDOR_BUSY ? CANDOR_OK : st;
}

/* repair: a file that is too short grows, because the user has just chosen. */
static candor_status map_file(const char *path, bool repair, candor_map *out, candor_err *err)
{
    candor_file *f = NULL;
    uint64_t size = 0;
    candor_status st = candor_file_open(path, CANDOR_OPEN_READ_WRITE, &f, err);
    if (st == CANDOR_OK) st = candor_file_size(f, &size, err);
    if (st == CANDOR_OK && size < sizeof(consent_block) && !repair)
        st = candor_fail(err, CANDOR_CORRUPT, 0, "consent", "%s is truncated", path);
    if (st == CANDOR_OK) st = candor_file_allocate(f, sizeof(consent_block), err);
    if (st == CANDOR_OK) st = candor_map_open(f, sizeof(consent_block), true, out, err);
    candor_file_discard(f);
    return st;
}

/* The file's block becomes the one in use. Released, so that whoever sees the block sees the map.
 */
static void use_map(candor_consent *c, const candor_map *map)
{
    consent_block *b = (consent_block *)(void *)map->p;
    c->map = *map;
    if (is_blank(b)) init_block(b);
    atomic_store_explicit(&c->block, b, memory_order_release);
}

static consent_block *block_of(const candor_consent *c)
{
    return atomic_load_explicit(&((candor_consent *)(uintptr_t)c)->block, memory_order_acquire);
}

static bool is_mapped(const candor_consent *c)
{
    return block_of(c) != &c->local;
}

static void open_file(candor_consent *c, candor_err *err)
{
    candor_map map = {0};
    candor_status made = make_file(c->path, err);
    candor_status st = made == CANDOR_OK ? map_file(c->path, false, &map, err) : made;
    if (st == CANDOR_OK) {
        use_map(c, &map);
        return;
    }
    /* What cannot be made holds no choice; what is there and cannot be read may hold "off". */
    if (made == CANDOR_OK) atomic_store(&c->unreadable, true);
    candor_consent_note(c, err);
}

candor_status candor_consent_open(const char *path, candor_consent **out, candor_err *err)
{
    candor_err why = {0};
    candor_consent *c = calloc(1, sizeof *c);
    *out = c;
    if (c == NULL) return candor_fail(err, CANDOR_NOMEM, 0, "consent", "out of memory");
    atomic_init(&c->block, &c->local);
    init_block(&c->local);
    if (path == NULL) return CANDOR_OK;
    (void)snprintf(c->path, sizeof c->path, "%s", path);
    open_file(c, &why); /* an unusable file must not keep the host from starting */
    if (err != NULL) *err = why;
    return CANDOR_OK;
}

void candor_consent_close(candor_consent *c)
{
    if (c == NULL) return;
    candor_map_close(&c->map);
    free(c);
}

void candor_consent_note(candor_consent *c, const candor_err *why)
{
    candor_err_describe(why, c->error, sizeof c->error);
}

const char *candor_consent_error(const candor_consent *c)
{
    return is_mapped(c) ? "" : c->error;
}

uint32_t candor_consent_epoch(const candor_consent *c)
{
    return atomic_load_explicit(&block_of(c)->epoch, memory_order_acquire);
}

candor_choice candor_consent_choice(const candor_consent *c)
{
    const consent_block *b = block_of(c);
    if (atomic_load(&((candor_consent *)(uintptr_t)c)->unreadable)) return CANDOR_CHOICE_UNREADABLE;
    uint8_t v = atomic_load_explicit(&b->choice, memory_order_acquire);
    return is_known(b) && v <= CANDOR_CHOICE_OFF ? (candor_choice)v : CANDOR_CHOICE_UNREADABLE;
}

/* The file may be usable by now, and a choice makes a damaged one whole. */
static bool repair(candor_consent *c)
{
    candor_map map = {0};
    if (c->path[0] == '\0' || make_file(c->path, NULL) != CANDOR_OK ||
        map_file(c->path, true, &map, NULL) != CANDOR_OK)
        return false;
    use_map(c, &map);
    atomic_store(&c->unreadable, false);
    return true;
}

static void count(candor_consent *c, candor_happened what)
{
    atomic_fetch_add_explicit(&block_of(c)->happened[what], 1, memory_order_acq_rel);
}

uint32_t candor_consent_happened(const candor_consent *c, candor_happened what)
{
    return atomic_load_explicit(&block_of(c)->happened[what], memory_order_acquire);
}

void candor_consent_store(candor_consent *c, candor_choice choice)
{
    bool stored = is_mapped(c) || repair(c);
    atomic_store(&c->unstored, !stored && c->error[0] != '\0');
    consent_block *b = block_of(c);
    if (stored && candor_consent_choice(c) == CANDOR_CHOICE_UNREADABLE) reset_block(b, choice);
    atomic_store_explicit(&b->choice, (uint8_t)choice, memory_order_release);
    if (choice == CANDOR_CHOICE_OFF) count(c, CANDOR_HAPPENED_OFF);
    /* "on" is not to be undone by a level of off that was chosen before */
    if (choice == CANDOR_CHOICE_ON && candor_consent_level(c) == CANDOR_PRIVACY_OFF)
        atomic_store_explicit(&b->stored[CANDOR_STORED_LEVEL], 0, memory_order_release);
    candor_consent_bump(c);
}

void candor_consent_bump(candor_consent *c)
{
    atomic_fetch_add_explicit(&block_of(c)->epoch, 1, memory_order_acq_rel);
    atomic_store(&c->unannounced, true);
}

/* For what is no choice: a file that cannot be read stays as it is until a choice makes it whole,
 * because it may hold an "off". */
static bool can_put(candor_consent *c)
{
    bool stored = is_mapped(c) || (!atomic_load(&c->unreadable) && repair(c));
    bool whole = stored && candor_consent_choice(c) != CANDOR_CHOICE_UNREADABLE;
    atomic_store(&c->unstored, !whole && (stored || c->path[0] != '\0'));
    return whole || !stored;
}

unsigned candor_consent_get(const candor_consent *c, candor_stored which)
{
    if (candor_consent_choice(c) == CANDOR_CHOICE_UNREADABLE) return 0;
    return atomic_load_explicit(&block_of(c)->stored[which], memory_order_acquire);
}

void candor_consent_put(candor_consent *c, candor_stored which, unsigned value)
{
    if (!can_put(c)) return;
    atomic_store_explicit(&block_of(c)->stored[which], (uint8_t)value, memory_order_release);
    candor_consent_bump(c);
}

void candor_consent_put_content(candor_consent *c, bool on)
{
    if (!on && can_put(c))
        atomic_fetch_add_explicit(&block_of(c)->content_offs, 1, memory_order_acq_rel);
    candor_consent_put(c, CANDOR_STORED_CONTENT, on ? 2 : 1);
}

uint32_t candor_consent_content_offs(const candor_consent *c)
{
    return atomic_load_explicit(&block_of(c)->content_offs, memory_order_acquire);
}

void candor_consent_put_mode(candor_consent *c, candor_mode mode)
{
    if (mode == CANDOR_MODE_OFF && can_put(c)) count(c, CANDOR_HAPPENED_OFF);
    candor_consent_put(c, CANDOR_STORED_MODE, 1 + (unsigned)mode);
}

uint32_t candor_consent_notice(const candor_consent *c)
{
    return atomic_load_explicit(&block_of(c)->notice, memory_order_acquire);
}

void candor_consent_put_notice(candor_consent *c, uint32_t version)
{
    if (!can_put(c)) return;
    atomic_store_explicit(&block_of(c)->notice, version, memory_order_release);
    candor_consent_bump(c);
}

candor_privacy candor_consent_level(const candor_consent *c)
{
    unsigned v = candor_consent_get(c, CANDOR_STORED_LEVEL);
    if (v == 0) return CANDOR_PRIVACY_ALL;
    return v <= CANDOR_PRIVACY_COUNT ? (candor_privacy)(v - 1) : CANDOR_PRIVACY_OFF;
}

void candor_consent_put_level(candor_consent *c, candor_privacy level)
{
    /* a process that sleeps until it is wider again has to obey it, too */
    if (level < candor_consent_level(c) && can_put(c)) count(c, CANDOR_HAPPENED_OFF);
    candor_consent_put(c, CANDOR_STORED_LEVEL, 1 + (unsigned)level);
}

bool candor_consent_gdpr(const candor_consent *c)
{
    return candor_consent_choice(c) != CANDOR_CHOICE_UNREADABLE &&
           atomic_load_explicit(&block_of(c)->gdpr, memory_order_acquire) != 0;
}

void candor_consent_put_gdpr(candor_consent *c, bool on)
{
    if (!can_put(c)) return;
    atomic_store_explicit(&block_of(c)->gdpr, on ? 1 : 0, memory_order_release);
    if (on) count(c, CANDOR_HAPPENED_ERASE);
    candor_consent_bump(c);
}

void candor_consent_announce(candor_consent *c)
{
    if (atomic_exchange(&c->unannounced, false) && is_mapped(c)) candor_file_announce(c->path);
}

bool candor_consent_watch(const candor_consent *c, candor_waker *waker)
{
    return is_mapped(c) && candor_waker_watch(waker, c->path);
}

uint32_t candor_consent_purges(const candor_consent *c)
{
    return atomic_load_explicit(&block_of(c)->purges, memory_order_acquire);
}

uint32_t candor_consent_ask_purge(candor_consent *c)
{
    uint32_t n = atomic_fetch_add_explicit(&block_of(c)->purges, 1, memory_order_acq_rel) + 1;
    candor_consent_bump(c);
    return n;
}

candor_status candor_consent_sync(candor_consent *c, candor_err *err)
{
    if (atomic_exchange(&c->unstored, false))
        return candor_fail(err, CANDOR_IO, 0, "consent", "the choice cannot be stored: %.180s",
                           c->error[0] != '\0'
                               ? c->error
                               : "the consent file is damaged; switch telemetry on or off first");
    if (!is_mapped(c)) return CANDOR_OK;
    return candor_map_sync(&c->map, 0, sizeof(consent_block), err);
}
