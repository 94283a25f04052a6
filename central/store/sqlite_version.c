/* Counts by app version, and by group of errors: with each row that is inserted, and back again
 * when it is erased. */
#include "central/error_group.h"
#include "central/store/sqlite_internal.h"

#define GROUPS_MAX 10000u /* of errors; what comes later is "(other)" */

candor_status candor_version_row(candor_writer *w, const candor_event_def *def, int64_t day,
                                 int64_t app, int64_t version, int64_t n, candor_err *err)
{
    candor_status st = candor_rollup_add(w, CANDOR_COUNT_VERSION, day, app, version,
                                         CANDOR_VERSION_EVENTS, n, err);
    if (st == CANDOR_OK && candor_is_error(def))
        st = candor_rollup_add(w, CANDOR_COUNT_VERSION, day, app, version, CANDOR_VERSION_ERRORS, n,
                               err);
    if (st == CANDOR_OK && def == w->start_def)
        st = candor_rollup_add(w, CANDOR_COUNT_VERSION, day, app, version, CANDOR_VERSION_SESSIONS,
                               n, err);
    return st;
}

candor_status candor_error_row(candor_writer *w, const candor_event_def *def, candor_bytes payload,
                               int64_t day, int64_t app, int64_t n, candor_err *err)
{
    char text[CANDOR_ERROR_GROUP_TEXT];
    int64_t group = 0;
    candor_status st;
    if (!candor_is_error(def)) return CANDOR_OK;
    st = candor_error_group(def, payload, text);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "group an error", NULL);
    st = candor_dict_id(w, CANDOR_DICT_ERROR, candor_bytes_str(text), GROUPS_MAX, &group, err);
    return st == CANDOR_OK ? candor_rollup_add(w, CANDOR_COUNT_ERROR, day, app, group, 0, n, err)
                           : st;
}
