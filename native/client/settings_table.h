/* Private to settings.c and settings_read.c: the rows of the table. */
#ifndef CANDOR_CLIENT_SETTINGS_TABLE_H
#define CANDOR_CLIENT_SETTINGS_TABLE_H

#include "client/settings.h"

typedef enum candor_setting_type {
    CANDOR_SETTING_STRING,
    CANDOR_SETTING_INT,
    CANDOR_SETTING_BOOL,
    CANDOR_SETTING_ENUM
} candor_setting_type;

typedef struct candor_setting {
    const char *name;
    candor_setting_type type;
    const char *unit;          /* "" when there is none */
    const char *text_default;  /* STRING; NULL: absent */
    int64_t default_value;     /* INT, BOOL, ENUM (index into values) */
    int64_t min, max;          /* INT: inclusive; STRING: bytes */
    const char *const *values; /* ENUM, ends with NULL */
    const char *env;           /* NULL: no environment variable */
    const char *doc;
    size_t at; /* offset of the member in candor_settings */
} candor_setting;

const candor_setting *candor_setting_at(size_t i); /* NULL behind the last */
const char *candor_setting_type_name(candor_setting_type t);

#endif
