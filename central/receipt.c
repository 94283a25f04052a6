#include "central/receipt.h"

#include <inttypes.h>
#include <openssl/evp.h>

#include "base/json.h"
#include "base/uuid.h"

/* --- what is signed ------------------------------------------------------------------------- */

/* Not the JSON, whose white space and order a tool may change, but its values, a line each. No
 * value holds a line feed: they are numbers, hex, times, two words, and an app name that passed
 * candor_id_ok. */
static void put_signed(const candor_receipt *r, candor_buf *out)
{
    char id[CANDOR_UUID_TEXT], from[CANDOR_TIME_TEXT], to[CANDOR_TIME_TEXT];
    char digest[2 * CANDOR_SHA256_SIZE];
    candor_uuid_format(r->id, id);
    candor_time_format(r->requested_ms, from);
    candor_time_format(r->completed_ms, to);
    candor_hex_encode(r->digest, sizeof r->digest, digest);
    candor_buf_putf(out, "candor erasure receipt 1\n%.*s\n%.*s\n%.*s\n", (int)sizeof id, id,
                    (int)sizeof from, from, (int)sizeof to, to);
    candor_buf_putf(out, "%s\n%.*s\n%s\n", r->subject, (int)sizeof digest, digest, r->app);
    candor_buf_putf(out, "%" PRIu64 "\n%" PRIu64 "\n%" PRIu64 "\n", r->events, r->sessions,
                    r->attachments);
}

candor_status candor_receipt_subject(const char *subject, candor_bytes id,
                                     unsigned char out[CANDOR_SHA256_SIZE])
{
    candor_buf text = {0};
    candor_status st;
    candor_buf_putf(&text, "%s\n", subject);
    candor_buf_put_bytes(&text, id);
    st = text.failed ? CANDOR_NOMEM : candor_sha256(candor_buf_bytes(&text), out);
    candor_buf_free(&text);
    return st;
}

/* --- Ed25519 -------------------------------------------------------------------------------- */

candor_status candor_receipt_public(const unsigned char seed[CANDOR_RECEIPT_KEY],
                                    unsigned char out[CANDOR_RECEIPT_KEY])
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, CANDOR_RECEIPT_KEY);
    size_t n = CANDOR_RECEIPT_KEY;
    bool ok = key != NULL && EVP_PKEY_get_raw_public_key(key, out, &n) == 1;
    EVP_PKEY_free(key);
    return ok ? CANDOR_OK : CANDOR_CRYPTO;
}

static candor_status sign(const unsigned char seed[CANDOR_RECEIPT_KEY], candor_bytes text,
                          unsigned char sig[CANDOR_RECEIPT_SIG])
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, CANDOR_RECEIPT_KEY);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n = CANDOR_RECEIPT_SIG;
    bool ok = key != NULL && ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
              EVP_DigestSign(ctx, sig, &n, (const unsigned char *)text.p, text.n) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok ? CANDOR_OK : CANDOR_CRYPTO;
}

static bool is_signed(const unsigned char public_key[CANDOR_RECEIPT_KEY], candor_bytes text,
                      const unsigned char sig[CANDOR_RECEIPT_SIG])
{
    EVP_PKEY *key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, CANDOR_RECEIPT_KEY);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok =
        key != NULL && ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
        EVP_DigestVerify(ctx, sig, CANDOR_RECEIPT_SIG, (const unsigned char *)text.p, text.n) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok;
}

/* --- write ---------------------------------------------------------------------------------- */

static void put_time(candor_buf *b, const char *key, int64_t ms)
{
    char text[CANDOR_TIME_TEXT];
    candor_time_format(ms, text);
    candor_buf_putf(b, "\"%s\":\"%.*s\",", key, (int)sizeof text, text);
}

static void put_hex(candor_buf *b, const char *key, const unsigned char *value, size_t n)
{
    char text[2 * CANDOR_RECEIPT_SIG];
    candor_hex_encode(value, n, text);
    candor_buf_putf(b, "\"%s\":\"%.*s\"", key, (int)(2 * n), text);
}

candor_status candor_receipt_write(const candor_receipt *r,
                                   const unsigned char seed[CANDOR_RECEIPT_KEY], candor_buf *out,
                                   candor_err *err)
{
    unsigned char sig[CANDOR_RECEIPT_SIG], key[CANDOR_RECEIPT_KEY];
    char id[CANDOR_UUID_TEXT];
    candor_buf text = {0};
    candor_status st;
    put_signed(r, &text);
    st = text.failed ? CANDOR_NOMEM : sign(seed, candor_buf_bytes(&text), sig);
    if (st == CANDOR_OK) st = candor_receipt_public(seed, key);
    candor_buf_free(&text);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "sign a receipt", NULL);
    candor_uuid_format(r->id, id);
    candor_buf_putf(out, "{\"receipt_id\":\"%.*s\",", (int)sizeof id, id);
    put_time(out, "requested", r->requested_ms);
    put_time(out, "completed", r->completed_ms);
    candor_buf_putf(out, "\"subject\":\"%s\",", r->subject);
    put_hex(out, "subject_sha256", r->digest, sizeof r->digest);
    candor_buf_put_bytes(out, CANDOR_LIT(",\"app\":"));
    candor_json_put_string(out, candor_bytes_str(r->app));
    candor_buf_putf(out,
                    ",\"events\":%" PRIu64 ",\"sessions\":%" PRIu64 ",\"attachments\":%" PRIu64 ",",
                    r->events, r->sessions, r->attachments);
    put_hex(out, "key", key, sizeof key);
    candor_buf_put_c(out, ',');
    put_hex(out, "signature", sig, sizeof sig);
    candor_buf_put_bytes(out, CANDOR_LIT("}\n"));
    return out->failed ? candor_fail(err, CANDOR_NOMEM, 0, "sign a receipt", NULL) : CANDOR_OK;
}

/* --- verify --------------------------------------------------------------------------------- */

static bool take_text(candor_bytes raw, char *out, size_t cap)
{
    size_t n = candor_json_unescape(raw, out, cap - 1);
    if (n == SIZE_MAX || memchr(out, '\n', n) != NULL) return false;
    out[n] = '\0';
    return true;
}

static bool take_count(const candor_json_token *t, uint64_t *out)
{
    int64_t v;
    if (t->type != CANDOR_JSON_NUMBER || !candor_json_int64(t->raw, &v) || v < 0) return false;
    *out = (uint64_t)v;
    return true;
}

static bool take_string(candor_bytes key, candor_bytes raw, candor_receipt *r,
                        unsigned char sig[CANDOR_RECEIPT_SIG], unsigned *seen)
{
    ++*seen;
    if (candor_bytes_eq(key, CANDOR_LIT("receipt_id"))) return candor_uuid_parse(raw, r->id);
    if (candor_bytes_eq(key, CANDOR_LIT("requested")))
        return candor_time_parse(raw, &r->requested_ms);
    if (candor_bytes_eq(key, CANDOR_LIT("completed")))
        return candor_time_parse(raw, &r->completed_ms);
    if (candor_bytes_eq(key, CANDOR_LIT("subject")))
        return take_text(raw, r->subject, sizeof r->subject);
    if (candor_bytes_eq(key, CANDOR_LIT("subject_sha256")))
        return candor_hex_decode(raw, r->digest, sizeof r->digest);
    if (candor_bytes_eq(key, CANDOR_LIT("app"))) return take_text(raw, r->app, sizeof r->app);
    if (candor_bytes_eq(key, CANDOR_LIT("signature")))
        return candor_hex_decode(raw, sig, CANDOR_RECEIPT_SIG);
    --*seen;
    return candor_bytes_eq(key, CANDOR_LIT("key")); /* ours counts, not the one it brings */
}

static bool take_member(candor_bytes key, const candor_json_token *t, candor_receipt *r,
                        unsigned char sig[CANDOR_RECEIPT_SIG], unsigned *seen)
{
    if (t->type == CANDOR_JSON_STRING) return take_string(key, t->raw, r, sig, seen);
    ++*seen;
    if (candor_bytes_eq(key, CANDOR_LIT("events"))) return take_count(t, &r->events);
    if (candor_bytes_eq(key, CANDOR_LIT("sessions"))) return take_count(t, &r->sessions);
    return candor_bytes_eq(key, CANDOR_LIT("attachments")) && take_count(t, &r->attachments);
}

/* Every member once: ten besides the key. */
static bool parse(candor_bytes text, candor_receipt *r, unsigned char sig[CANDOR_RECEIPT_SIG])
{
    candor_json j;
    candor_json_token t;
    unsigned seen = 0;
    memset(r, 0, sizeof *r);
    candor_json_init(&j, text, 2);
    if (candor_json_next(&j, &t) != CANDOR_JSON_OBJECT) return false;
    while (candor_json_next(&j, &t) == CANDOR_JSON_KEY) {
        candor_bytes key = t.raw;
        (void)candor_json_next(&j, &t);
        if (!take_member(key, &t, r, sig, &seen)) return false;
    }
    return seen == 10 && t.type == CANDOR_JSON_OBJECT_END &&
           candor_json_next(&j, &t) == CANDOR_JSON_END;
}

candor_status candor_receipt_verify(candor_bytes text, const unsigned char key[CANDOR_RECEIPT_KEY],
                                    candor_receipt *out, candor_err *err)
{
    unsigned char sig[CANDOR_RECEIPT_SIG];
    candor_buf values = {0};
    bool ok;
    if (!parse(text, out, sig))
        return candor_fail(err, CANDOR_INVALID, 0, "verify",
                           "this is no erasure receipt, or members of it are missing or added");
    put_signed(out, &values);
    ok = !values.failed && is_signed(key, candor_buf_bytes(&values), sig);
    candor_buf_free(&values);
    if (ok) return CANDOR_OK;
    return candor_fail(
        err, CANDOR_INVALID, 0, "verify",
        "the signature does not belong to these values and this collector's key: the "
        "receipt was changed, or another collector gave it");
}
