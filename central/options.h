/* Options of a command beside the flags of serve. Layer: central. Threads: any. */
#ifndef CANDOR_CENTRAL_OPTIONS_H
#define CANDOR_CENTRAL_OPTIONS_H

#include "central/config.h"

#define CANDOR_OPERANDS_MAX 256

typedef struct candor_option {
    const char *name;  /* with its dashes */
    const char *value; /* in: "" when it takes a value, NULL when it is a switch; out: the value */
    bool given;
} candor_option;

typedef struct candor_operands {
    const char *items[CANDOR_OPERANDS_MAX]; /* what is no option, in order */
    int n;
} candor_operands;

/* Known options go to options[n], the rest to the settings of serve, of which listening and TLS do
 * not matter. operands: NULL when there may be none. CANDOR_INVALID: err says what is wrong. */
CANDOR_CHECK candor_status candor_options_take(candor_option *options, size_t n, int argc,
                                               char *const *argv, candor_config *config,
                                               candor_operands *operands, candor_err *err);

#endif
