/* Whether this process runs in continuous integration: its uploads say so (Candor-Environment), its
 * events carry nothing more. Layer: client. Threads: while nobody changes the environment. */
#ifndef CANDOR_CLIENT_CI_H
#define CANDOR_CLIENT_CI_H

#include <stdbool.h>

bool candor_ci(void);

#endif
