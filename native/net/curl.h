/* libcurl, loaded when the first request needs it: it brings some twenty libraries, ten
 * milliseconds and megabytes that an app which never sends should not pay. Layer: net. Threads: a
 * table has one owner.
 *
 * Sources of this layer call libcurl through the table's members, which have its names and types.
 *
 * A build that defines CANDOR_CURL_LINKED, as prebuilt binaries are, has libcurl linked into
 * itself: the table is filled with that one.
 */
#ifndef CANDOR_NET_CURL_H
#define CANDOR_NET_CURL_H

#include <curl/curl.h>

#include "plat/plat.h"

#define CANDOR_CURL_MAP(X)                                                                         \
    X(curl_easy_cleanup)                                                                           \
    X(curl_easy_getinfo)                                                                           \
    X(curl_easy_header)                                                                            \
    X(curl_easy_init)                                                                              \
    X(curl_easy_reset)                                                                             \
    X(curl_easy_setopt)                                                                            \
    X(curl_easy_strerror)                                                                          \
    X(curl_free)                                                                                   \
    X(curl_getdate)                                                                                \
    X(curl_global_cleanup)                                                                         \
    X(curl_global_init)                                                                            \
    X(curl_multi_add_handle)                                                                       \
    X(curl_multi_cleanup)                                                                          \
    X(curl_multi_info_read)                                                                        \
    X(curl_multi_init)                                                                             \
    X(curl_multi_perform)                                                                          \
    X(curl_multi_poll)                                                                             \
    X(curl_multi_remove_handle)                                                                    \
    X(curl_multi_strerror)                                                                         \
    X(curl_slist_append)                                                                           \
    X(curl_slist_free_all)                                                                         \
    X(curl_strequal)                                                                               \
    X(curl_url)                                                                                    \
    X(curl_url_cleanup)                                                                            \
    X(curl_url_get)                                                                                \
    X(curl_url_set)                                                                                \
    X(curl_url_strerror)                                                                           \
    X(curl_version_info)

/* The headers wrap a few functions in macros that check arguments or count them; a member of that
 * name must not be taken for one. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

typedef struct candor_curl {
#define CANDOR_AS_MEMBER(name) __typeof__(&name) name;
    CANDOR_CURL_MAP(CANDOR_AS_MEMBER)
#undef CANDOR_AS_MEMBER
    bool loaded;
} candor_curl;

/* Fill the table; at once when it is filled already. The library stays loaded for the process's
 * life. CANDOR_NET: there is no usable libcurl 4 on this machine; never where it is linked. */
CANDOR_CHECK candor_status candor_curl_load(candor_curl *c, candor_err *err);

#endif
