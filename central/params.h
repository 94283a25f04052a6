/* Query parameters of a request, each with its bounds. What a route does not know is refused: a
 * misspelt filter would answer with everything. Layer: central. Threads: the connection's loop. */
#ifndef CANDOR_CENTRAL_PARAMS_H
#define CANDOR_CENTRAL_PARAMS_H

#include "central/conn.h"

#define CANDOR_TIME_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

/* BAD: c->reply holds the refusal. An empty value is as good as none. */
typedef enum candor_found { CANDOR_FOUND_NO, CANDOR_FOUND_YES, CANDOR_FOUND_BAD } candor_found;

candor_found candor_param_text(candor_conn *c, const char *name, char *out, size_t cap);
/* RFC 3339, a date alone (UTC), or Unix milliseconds. */
candor_found candor_param_time(candor_conn *c, const char *name, int64_t *out);
candor_found candor_param_number(candor_conn *c, const char *name, unsigned min, unsigned max,
                                 unsigned *out);
/* A decimal fraction such as 0.995. */
candor_found candor_param_ratio(candor_conn *c, const char *name, double *out);
/* words: those allowed; *out: the index of the one given. */
candor_found candor_param_word(candor_conn *c, const char *name, const char *const *words,
                               size_t n_words, unsigned *out);
/* names: "a,b,c". False: the query names another one, and c->reply says which are known. */
bool candor_params_known(candor_conn *c, const char *names);

#endif
