/* rollup_hold DIRECTORY: the local date has looked as it does for eleven minutes longer, so that a
 * test need not wait for them. */
#include <stdio.h>

#include "client/state.h"

#define AGE_NS 660000000000ll

int main(int argc, char **argv)
{
    char path[CANDOR_PATH_MAX];
    candor_state *s = NULL;
    candor_err err = {0};
    if (argc != 2) return 2;
    candor_status st = candor_path_join(argv[1], "state.db", path, sizeof path, &err);
    if (st == CANDOR_OK) st = candor_state_open(path, &s, &err);
    int64_t since =
        st == CANDOR_OK ? candor_state_get_number(s, "rollup.since_ns", INT64_MAX) : INT64_MAX;
    if (st == CANDOR_OK && since == INT64_MAX)
        st = candor_fail(&err, CANDOR_NOTFOUND, 0, "rollup_hold", "no date is held");
    if (st == CANDOR_OK) st = candor_state_set_number(s, "rollup.since_ns", since - AGE_NS, &err);
    candor_state_close(s);
    if (st != CANDOR_OK) fprintf(stderr, "%s: %s\n", path, err.text);
    return st != CANDOR_OK;
}
