#include "central/payload.h"

/* A key's text `"name":` cannot occur inside a string value: its closing quote would be escaped
 * there, and a string value is followed by `,`, `]` or `}`, never by `:`. So the first match is the
 * key. */
bool candor_payload_find(candor_bytes payload, const candor_field *f, candor_bytes *value)
{
    const char *end, *p, *q;
    if (payload.n == 0) return false;
    end = payload.p + payload.n;
    p = memmem(payload.p, payload.n, f->key_json.p, f->key_json.n);
    if (p == NULL) return false;
    p += f->key_json.n;
    q = p;
    if (p < end && *p == '"') {
        for (q = ++p; q < end && *q != '"'; q++)
            if (*q == '\\') q++;
    } else {
        while (q < end && *q != ',' && *q != '}')
            q++;
    }
    if (q > end) return false;
    *value = candor_bytes_of(p, (size_t)(q - p));
    return true;
}
