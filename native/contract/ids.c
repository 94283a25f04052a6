#include "contract/ids.h"

#include "base/digest.h"
#include "base/uuid.h"
#include "contract/limits.h"
#include "contract/redact.h"

/* What the bytes of an id are, as bits: a lower-case letter of hexadecimal; another letter or '_';
 * '-'; '.', ':' or '+'; no byte of an id. A digit is none of these. */
#define ID_HEX  1u
#define ID_WORD 2u
#define ID_DASH 4u
#define ID_SIGN 8u
#define ID_NONE 16u
#define DG      0
#define HX      ID_HEX
#define ID      ID_WORD
#define DS      ID_DASH
#define SG      ID_SIGN
#define NO      ID_NONE
/* clang-format off */
static const unsigned char id_classes[256] = {
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, SG, NO, DS, SG, NO,
    DG, DG, DG, DG, DG, DG, DG, DG, DG, DG, SG, NO, NO, NO, NO, NO,
    NO, ID, ID, ID, ID, ID, ID, ID, ID, ID, ID, ID, ID, ID, ID, ID,
    ID, ID, ID, ID, ID, ID, ID, ID, ID, ID, ID, NO, NO, NO, NO, ID,
    NO, HX, HX, HX, HX, HX, HX, ID, ID, ID, ID, ID, ID, ID, ID, ID,
    ID, ID, ID, ID, ID, ID, ID, ID, ID, ID, ID, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
};
/* clang-format on */

static unsigned id_class(candor_bytes s)
{
    unsigned all = 0;
    for (size_t i = 0; i < s.n; i++)
        all |= id_classes[(unsigned char)s.p[i]];
    return all;
}

bool candor_id_charset_ok(candor_bytes s)
{
    return (id_class(s) & ID_NONE) == 0;
}

/* Ids, but for UUIDs, in which the redactor finds nothing, so that it need not look; test_rules.c
 * holds it to this. Paths, addresses and assignments need a sign, phrases a space. Of what is left,
 * hosts named after their address ("ip-1-1-1-1") have a '-' and ten bytes at least; card numbers,
 * IBANs and tokens have fifteen bytes, and no token without a '-' is made of hexadecimal alone, nor
 * is a card number one with a letter among its first fifteen bytes. */
#define PLAIN_MAX        14
#define PLAIN_DASHED_MAX 9
static bool needs_no_look(candor_bytes s, unsigned head, unsigned classes)
{
    if ((classes & ID_SIGN) != 0) return false;
    if ((classes & ID_DASH) != 0) return s.n <= PLAIN_DASHED_MAX;
    return s.n <= PLAIN_MAX || ((classes & ID_WORD) == 0 && (head & ID_HEX) != 0);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* Shorter ones take the redactor no longer than a look here would. */
#define MEMO_MIN 4

/* Both ends of the text, which overlap in a short one. */
static size_t slot_of(candor_bytes s)
{
    const size_t half = s.n < 8 ? 4 : 8;
    uint64_t head = 0, tail = 0;
    memcpy(&head, s.p, half);
    memcpy(&tail, s.p + s.n - half, half);
    head = (head ^ s.n) * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)((head ^ tail) * UINT64_C(0xC2B2AE3D27D4EB4F) >> 58);
}
_Static_assert(CANDOR_ID_MEMO_SLOTS == 64, "slot_of takes six bits");

static bool scan(candor_id_memo *m, candor_bytes s, unsigned allowed)
{
    candor_id_memo_slot *slot = NULL;
    if (m != NULL && s.n >= MEMO_MIN && s.n <= sizeof(slot->text)) slot = &m->slots[slot_of(s)];
    if (slot != NULL && slot->n == s.n && slot->allowed == allowed &&
        memcmp(slot->text, s.p, s.n) == 0)
        return true;
    if ((candor_redact_scan(s) & ~allowed) != 0) return false;
    if (slot == NULL) return true;
    slot->n = (unsigned char)s.n;
    slot->allowed = allowed;
    memcpy(slot->text, s.p, s.n);
    return true;
}

/* --- the rule --------------------------------------------------------------------------------- */

/* What most ids are: a UUID in lower case, or a hash with a letter where needs_no_look wants one.
 */
static bool is_uuid(candor_bytes s)
{
    static const unsigned char at[] = {0, 8, 16, 24, 28};
    unsigned char id[16];
    uint64_t upper = 0, x;
    if (s.n != CANDOR_UUID_TEXT || !candor_uuid_parse(s, id)) return false;
    for (size_t i = 0; i < sizeof(at); i++) {
        memcpy(&x, s.p + at[i], sizeof(x));
        upper |= x & ~(x << 1); /* bit 6 without bit 5: of what stands here, A to F alone */
    }
    return (upper & CANDOR_EACH(0x40)) == 0;
}

static bool is_hash(candor_bytes s)
{
    return s.n == CANDOR_HASH_TEXT && candor_is_hex(s) &&
           (candor_hex_letters(candor_get_u64(s.p)) & CANDOR_EACH(0x80)) != 0;
}

static bool passes(candor_id_memo *m, candor_bytes s, size_t max, unsigned allowed)
{
    if (s.n < 1 || s.n > max) return false;
    if (is_uuid(s) || is_hash(s)) return true;
    size_t head_n = s.n <= PLAIN_MAX ? s.n : PLAIN_MAX + 1;
    unsigned head = id_class(candor_bytes_of(s.p, head_n));
    unsigned classes = head | id_class(candor_bytes_of(s.p + head_n, s.n - head_n));
    if ((classes & ID_NONE) != 0) return false;
    return needs_no_look(s, head, classes) || scan(m, s, allowed);
}

bool candor_id_known_ok(candor_id_memo *m, candor_bytes s, size_t max)
{
    return passes(m, s, max, 0);
}

bool candor_version_known_ok(candor_id_memo *m, candor_bytes s)
{
    return passes(m, s, CANDOR_BASE_ID_MAX, CANDOR_FOUND_IP);
}

bool candor_id_ok(candor_bytes s, size_t max)
{
    return passes(NULL, s, max, 0);
}

bool candor_version_ok(candor_bytes s)
{
    return passes(NULL, s, CANDOR_BASE_ID_MAX, CANDOR_FOUND_IP);
}
