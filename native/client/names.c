#include "client/names.h"

#include "base/uuid.h"
#include "contract/limits.h"

static bool uuid_with(candor_bytes name, const char *suffix)
{
    unsigned char id[16];
    return name.n > CANDOR_UUID_TEXT &&
           candor_bytes_eq(candor_bytes_of(name.p + CANDOR_UUID_TEXT, name.n - CANDOR_UUID_TEXT),
                           candor_bytes_str(suffix)) &&
           candor_uuid_parse(candor_bytes_of(name.p, CANDOR_UUID_TEXT), id);
}

static bool segment_or_batch(candor_bytes name)
{
    return uuid_with(name, ".seg") || uuid_with(name, ".jsonl.gz") ||
           uuid_with(name, ".jsonl.gz.enc");
}

bool candor_name_segment(const char *name)
{
    return uuid_with(candor_bytes_str(name), ".seg");
}

bool candor_name_batch(const char *name)
{
    return uuid_with(candor_bytes_str(name), ".jsonl.gz") ||
           uuid_with(candor_bytes_str(name), ".jsonl.gz.enc");
}

static candor_bytes drop(candor_bytes b, size_t n)
{
    return candor_bytes_of(b.p + n, b.n - n);
}

static size_t span_of(candor_bytes b, const char *set)
{
    size_t n = 0;
    while (n < b.n && b.p[n] != '\0' && strchr(set, b.p[n]) != NULL)
        n++;
    return n;
}

/* .<pid>-<hex>.tmp, as candor_file_write_durable makes it */
static bool temporary_suffix(candor_bytes s)
{
    if (s.n == 0 || s.p[0] != '.') return false;
    s = drop(s, 1);
    size_t pid = span_of(s, "0123456789");
    if (pid == 0 || pid == s.n || s.p[pid] != '-') return false;
    s = drop(s, pid + 1);
    size_t hex = span_of(s, "0123456789abcdef");
    return hex != 0 && candor_bytes_eq(drop(s, hex), CANDOR_LIT(".tmp"));
}

bool candor_name_temporary(const char *name)
{
    candor_bytes whole = candor_bytes_str(name);
    if (uuid_with(whole, ".new")) return true;
    for (size_t n = CANDOR_UUID_TEXT; n < whole.n; n++)
        if (whole.p[n] == '.' && segment_or_batch(candor_bytes_of(whole.p, n)) &&
            temporary_suffix(drop(whole, n)))
            return true;
    return false;
}

static bool attachment(candor_bytes name)
{
    unsigned char id[16];
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    if (name.n <= CANDOR_UUID_TEXT || name.p[CANDOR_UUID_TEXT] != '.' ||
        !candor_uuid_parse(candor_bytes_of(name.p, CANDOR_UUID_TEXT), id))
        return false;
    candor_bytes rest = drop(name, CANDOR_UUID_TEXT + 1);
    size_t field = span_of(rest, letters);
    return field != 0 && field <= CANDOR_NAME_MAX &&
           candor_bytes_eq(drop(rest, field), CANDOR_LIT(".att"));
}

bool candor_name_attachment(const char *name)
{
    return attachment(candor_bytes_str(name));
}

bool candor_name_vault_segment(const char *name)
{
    return uuid_with(candor_bytes_str(name), ".vseg");
}

bool candor_name_vault_temporary(const char *name)
{
    candor_bytes whole = candor_bytes_str(name);
    if (uuid_with(whole, ".vnew")) return true;
    for (size_t n = CANDOR_UUID_TEXT; n < whole.n; n++)
        if (whole.p[n] == '.' && attachment(candor_bytes_of(whole.p, n)) &&
            temporary_suffix(drop(whole, n)))
            return true;
    return false;
}

bool candor_name_quarantined(const char *name)
{
    candor_bytes rest = candor_bytes_str(name);
    size_t digits = span_of(rest, "0123456789");
    if (digits == 0 || digits == rest.n || rest.p[digits] != '-') return false;
    rest = drop(rest, digits + 1);
    return segment_or_batch(rest) || candor_bytes_eq(rest, CANDOR_LIT("state.db")) ||
           candor_bytes_eq(rest, CANDOR_LIT("state.db-wal")) ||
           candor_bytes_eq(rest, CANDOR_LIT("state.db-shm"));
}
