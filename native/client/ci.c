#include "client/ci.h"

#include <stdlib.h>
#include <string.h>

#include "plat/plat.h"

static bool says_no(const char *v)
{
    return *v == '\0' || strcmp(v, "0") == 0 || strcmp(v, "false") == 0;
}

/* CI is what nearly all services set; the others are those of services that do not, or did not. */
bool candor_ci(void)
{
    static const char *const names[] = {
        "CI",        "CONTINUOUS_INTEGRATION", "BUILD_NUMBER",
        "TF_BUILD",  "GITHUB_ACTIONS",         "GITLAB_CI",
        "BUILDKITE", "TEAMCITY_VERSION",       "CODEBUILD_BUILD_ID"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *v = NULL;
        bool says_yes = candor_env_copy(names[i], &v) == CANDOR_OK && v != NULL && !says_no(v);
        free(v);
        if (says_yes) return true;
    }
    return false;
}
