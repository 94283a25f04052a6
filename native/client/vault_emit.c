/* The emitter's part of the vault: find the content fields of a payload, cut them, seal them, and
 * have them in the mapped segment before emit returns. */
#include "base/json.h"
#include "client/client.h"
#include "contract/rules.h"

static bool has_content(const candor_event_def *def)
{
    for (unsigned i = 0; i < def->n_fields; i++)
        if (def->fields[i].kind == CANDOR_KIND_CONTENT) return true;
    return false;
}

/* The value of each content field; of a duplicate key the last one counts, as everywhere. */
typedef struct found {
    uint64_t present;
    candor_json_token at[CANDOR_FIELDS_MAX];
} found;

static void locate(const candor_event_def *def, candor_bytes payload, found *f)
{
    candor_json j;
    candor_json_token key, value;
    char local[2 * CANDOR_NAME_MAX];
    f->present = 0;
    candor_json_init(&j, payload, CANDOR_JSON_EVENT_DEPTH);
    if (candor_json_next(&j, &key) != CANDOR_JSON_OBJECT) return;
    while (candor_json_next(&j, &key) == CANDOR_JSON_KEY) {
        candor_bytes name = key.raw;
        if (key.escaped) {
            size_t n = candor_json_unescape(key.raw, local, sizeof local);
            name = candor_bytes_of(local, n == SIZE_MAX ? 0 : n);
        }
        const candor_field *field = candor_event_field(def, name);
        (void)candor_json_next(&j, &value);
        if (!candor_json_skip(&j, &value, NULL)) return;
        if (field == NULL || field->kind != CANDOR_KIND_CONTENT) continue;
        size_t i = (size_t)(field - def->fields);
        f->at[i] = value;
        if (value.type == CANDOR_JSON_NULL)
            f->present &= ~(UINT64_C(1) << i);
        else
            f->present |= UINT64_C(1) << i;
    }
}

static void adjusted(candor_client *c, candor_adjust why)
{
    candor_counts n = {0};
    n.adjust[why] = 1;
    candor_journal_lock(&c->journal);
    candor_journal_count(&c->journal, &n);
    candor_journal_unlock(&c->journal);
}

/* The text of the token, decoded into scratch where it has escapes. False: no memory. */
static bool text_of(const candor_json_token *t, candor_buf *scratch, candor_bytes *out)
{
    *out = t->raw;
    if (!t->escaped) return true;
    candor_buf_clear(scratch);
    if (!candor_buf_reserve(scratch, t->raw.n)) return false;
    scratch->n = candor_json_unescape(t->raw, scratch->p, t->raw.n);
    *out = candor_buf_bytes(scratch);
    return true;
}

/* Under the vault's mutex, so that nothing is kept once turning off has returned. */
static bool append(candor_vault *v, candor_bytes sealed, candor_vault_drop *why)
{
    bool kept = false;
    candor_mutex_lock(v->mutex);
    if (!candor_vault_on(v)) {
        *why = CANDOR_VAULT_DROP_PURGED;
    } else {
        *why = atomic_load(&v->disk_low) ? CANDOR_VAULT_DROP_DISK_LOW : CANDOR_VAULT_DROP_FULL;
        kept = v->segment != NULL && candor_vault_segment_append(v->segment, sealed);
    }
    if (kept) {
        v->waiting++;
        if (v->segment->tail > CANDOR_VAULT_SEGMENT_SIZE / 2) atomic_store(&v->pressed, true);
    }
    candor_mutex_unlock(v->mutex);
    return kept;
}

static bool seal_and_append(candor_vault *v, const candor_seal *seal, candor_bytes text,
                            candor_buf *sealed, candor_vault_drop *why)
{
    candor_vault_key key;
    *why = CANDOR_VAULT_DROP_NO_KEY;
    if (!candor_keyring_current(v->keys, &key)) return false;
    candor_buf_clear(sealed);
    candor_status st = candor_seal_write(seal, &key, text, sealed);
    candor_wipe(&key, sizeof key);
    *why = CANDOR_VAULT_DROP_FULL; /* of memory */
    return st == CANDOR_OK && append(v, candor_buf_bytes(sealed), why);
}

static void keep_field(candor_client *c, const candor_field *f, const unsigned char *event,
                       const candor_json_token *t, candor_buf scratch[2])
{
    candor_vault_drop why = CANDOR_VAULT_DROP_FULL;
    candor_bytes text = {0};
    if (t->type != CANDOR_JSON_STRING) {
        adjusted(c, CANDOR_ADJUST_BAD_TYPE);
        return;
    }
    if (!text_of(t, &scratch[0], &text)) {
        candor_vault_count(c->vault, why, 1);
        return;
    }
    if (text.n > f->max_length) {
        text.n = candor_utf8_prefix(text, f->max_length);
        adjusted(c, CANDOR_ADJUST_TRUNCATED);
    }
    if (text.n > CANDOR_ATTACHMENT_MAX) {
        candor_vault_count(c->vault, CANDOR_VAULT_DROP_TOO_LARGE, 1);
        return;
    }
    candor_seal seal = {.kind = CANDOR_SEAL_ATTACHMENT, .field = f->name};
    memcpy(seal.id, event, sizeof seal.id);
    if (!seal_and_append(c->vault, &seal, text, &scratch[1], &why))
        candor_vault_count(c->vault, why, 1);
}

void candor_vault_keep(candor_client *c, const candor_event_def *def, const unsigned char event[16],
                       candor_bytes payload_json)
{
    found f;
    candor_buf scratch[2] = {{0}, {0}};
    if (!has_content(def)) return;
    locate(def, payload_json, &f);
    for (unsigned i = 0; i < def->n_fields; i++)
        if ((f.present >> i & 1) != 0) keep_field(c, &def->fields[i], event, &f.at[i], scratch);
    if (scratch[0].p != NULL) candor_wipe(scratch[0].p, scratch[0].cap);
    candor_buf_free(&scratch[0]);
    candor_buf_free(&scratch[1]);
    if (candor_vault_presses(c->vault)) candor_waker_wake(c->waker);
}
