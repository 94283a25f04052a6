#include "client/vault_seal.h"

#include "plat/plat.h"

#define SEAL_VERSION 1
static const char seal_magic[8] = {'C', 'N', 'D', 'R', 'S', 'E', 'A', 'L'};

bool candor_seal_is(candor_bytes in)
{
    return in.n >= sizeof seal_magic && memcmp(in.p, seal_magic, sizeof seal_magic) == 0;
}

static void write_head(const candor_seal *s, const candor_vault_key *key, uint32_t plain_n,
                       const unsigned char *nonce, unsigned char *h)
{
    memset(h, 0, CANDOR_SEAL_HEAD);
    memcpy(h, seal_magic, sizeof seal_magic);
    h[8] = SEAL_VERSION;
    h[9] = (unsigned char)s->kind;
    h[10] = (unsigned char)key->id_n;
    h[11] = (unsigned char)s->field.n;
    h[12] = (unsigned char)s->note.n;
    memcpy(h + 16, nonce, CANDOR_AEAD_NONCE);
    candor_put_u32(h + 28, plain_n);
    memcpy(h + 32, s->id, 16);
    memcpy(h + 48, key->check, CANDOR_KEY_CHECK);
}

candor_status candor_seal_write(const candor_seal *s, const candor_vault_key *key,
                                candor_bytes plain, candor_buf *out)
{
    unsigned char nonce[CANDOR_AEAD_NONCE], head[CANDOR_SEAL_HEAD];
    size_t from = out->n;
    if (s->field.n > CANDOR_NAME_MAX || s->note.n > CANDOR_SEAL_NOTE_MAX ||
        plain.n > UINT32_MAX - CANDOR_AEAD_TAG)
        return CANDOR_LIMIT;
    if (candor_random(nonce, sizeof nonce) != CANDOR_OK) return CANDOR_CRYPTO;
    write_head(s, key, (uint32_t)plain.n, nonce, head);
    if (!candor_buf_reserve(out, plain.n + CANDOR_SEAL_OVER)) return CANDOR_NOMEM;
    candor_buf_put(out, head, sizeof head);
    candor_buf_put(out, key->id, key->id_n);
    candor_buf_put_bytes(out, s->field);
    candor_buf_put_bytes(out, s->note);
    candor_bytes aad = candor_bytes_of(out->p + from, out->n - from);
    candor_status st = candor_aead_seal(key->key, nonce, aad, plain, out);
    if (st != CANDOR_OK) out->n = from;
    return st;
}

candor_status candor_seal_read(candor_bytes in, bool whole, candor_seal *out)
{
    const unsigned char *h = (const unsigned char *)in.p;
    memset(out, 0, sizeof *out);
    if (!candor_seal_is(in) || in.n < CANDOR_SEAL_HEAD || h[8] != SEAL_VERSION)
        return CANDOR_CORRUPT;
    size_t key_n = h[10], field_n = h[11], note_n = h[12];
    out->kind = (candor_seal_kind)h[9];
    out->head_n = CANDOR_SEAL_HEAD + key_n + field_n + note_n;
    out->plain_n = candor_get_u32(h + 28);
    if ((h[9] != CANDOR_SEAL_ATTACHMENT && h[9] != CANDOR_SEAL_BATCH) || key_n == 0 ||
        key_n > CANDOR_KEY_ID_MAX || field_n > CANDOR_NAME_MAX || in.n < out->head_n ||
        (whole && in.n - out->head_n != out->plain_n + CANDOR_AEAD_TAG))
        return CANDOR_CORRUPT;
    memcpy(out->id, h + 32, 16);
    memcpy(out->check, h + 48, CANDOR_KEY_CHECK);
    out->key_id = candor_bytes_of(in.p + CANDOR_SEAL_HEAD, key_n);
    out->field = candor_bytes_of(out->key_id.p + key_n, field_n);
    out->note = candor_bytes_of(out->field.p + field_n, note_n);
    return CANDOR_OK;
}

candor_status candor_seal_open(candor_bytes in, candor_keyring *ring, candor_seal *s,
                               candor_buf *out)
{
    candor_vault_key key;
    candor_status st = candor_seal_read(in, true, s);
    if (st != CANDOR_OK) return st;
    if (!candor_keyring_find(ring, s->key_id, s->check, &key)) return CANDOR_DENIED;
    st = candor_aead_open(key.key, (const unsigned char *)in.p + 16,
                          candor_bytes_of(in.p, s->head_n),
                          candor_bytes_of(in.p + s->head_n, in.n - s->head_n), out);
    candor_wipe(&key, sizeof key);
    return st;
}
