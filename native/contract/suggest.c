#include "contract/suggest.h"

#define WORD_MAX 64 /* longer words get no hint: the work is quadratic */

static unsigned lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/* Optimal string alignment: Levenshtein's edits plus the swap of neighbours, the commonest slip of
 * the fingers. Letter case is ignored. Both words hold at most WORD_MAX bytes. */
static unsigned edit_distance(candor_bytes a, candor_bytes b)
{
    unsigned rows[3][WORD_MAX + 1];
    for (size_t j = 0; j <= b.n; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a.n; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.n; j++) {
            unsigned differ = lower(a.p[i - 1]) != lower(b.p[j - 1]);
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + differ);
            bool swapped = i > 1 && j > 1 && lower(a.p[i - 1]) == lower(b.p[j - 2]) &&
                           lower(a.p[i - 2]) == lower(b.p[j - 1]);
            if (swapped && above2[j - 2] + 1 < row[j]) row[j] = above2[j - 2] + 1;
        }
    }
    return rows[a.n % 3][b.n];
}

/* "boolean" for "bool", "integer" for "int": one word begins the other. */
static bool begins(candor_bytes a, candor_bytes b)
{
    size_t shorter = a.n < b.n ? a.n : b.n;
    if (shorter < 3) return false;
    for (size_t i = 0; i < shorter; i++)
        if (lower(a.p[i]) != lower(b.p[i])) return false;
    return true;
}

void candor_suggest_offer(candor_suggest *s, candor_bytes known)
{
    if (s->word.n == 0 || s->word.n > WORD_MAX || known.n == 0 || known.n > WORD_MAX) return;
    unsigned d = edit_distance(s->word, known);
    if (d > 2 && begins(s->word, known)) d = 2;
    size_t longer = s->word.n > known.n ? s->word.n : known.n;
    if (d > 2 && d > longer / 3) return;
    if (d == 2 && longer < 4) return;
    if (d >= longer) return; /* nothing in common: "x" is no slip for "y" */
    if (s->best.n != 0 && d >= s->distance) return;
    s->best = known;
    s->distance = d;
}
