#include "net/trust.h"

#include <stdlib.h>

static bool is_there(const char *path)
{
    return path != NULL && path[0] != '\0' &&
           candor_file_mtime(path, NULL, NULL, NULL) == CANDOR_OK;
}

/* The system's bundle. A prebuilt addon runs on other distributions than the one it was built on,
 * so the path compiled into libcurl may not exist. SSL_CERT_FILE is OpenSSL's own override. NULL:
 * leave it to libcurl. */
static const char *system_bundle(candor_trust *t, const candor_curl *c)
{
    const char *const *places = candor_root_files();
    const curl_version_info_data *info = c->curl_version_info(CURLVERSION_NOW);

    if (candor_env_copy("SSL_CERT_FILE", &t->named) == CANDOR_OK && is_there(t->named))
        return t->named;
    if (is_there(info->cainfo)) return info->cainfo;
    for (size_t i = 0; places[i] != NULL; i++)
        if (is_there(places[i])) return places[i];
    return NULL;
}

/* libcurl's CURLOPT_CAINFO_BLOB replaces the file, so to add roots is to join the texts. */
static candor_status join_roots(candor_trust *t, candor_bytes ca_pem, candor_err *err)
{
    candor_status st = CANDOR_OK;

    if (t->file != NULL) st = candor_file_read_all(t->file, CANDOR_TRUST_FILE_MAX, &t->roots, err);
    if (st != CANDOR_OK && t->only_file) return st;
    candor_buf_put_c(&t->roots, '\n');
    candor_buf_put_bytes(&t->roots, ca_pem);
    if (t->roots.failed) return candor_fail(err, CANDOR_NOMEM, 0, "ca", "out of memory");
    return CANDOR_OK;
}

candor_status candor_trust_load(candor_trust *t, const candor_curl *c, const char *ca_file,
                                candor_bytes ca_pem, candor_err *err)
{
    candor_status st;

    *t = (candor_trust){0};
    t->only_file = ca_file != NULL;
    t->file = ca_file != NULL ? ca_file : system_bundle(t, c);
    if (ca_file != NULL) {
        st = candor_file_mtime(ca_file, NULL, NULL, err);
        if (st != CANDOR_OK) return st;
    }
    if (ca_pem.n == 0) return CANDOR_OK;
    st = join_roots(t, ca_pem, err);
    if (st != CANDOR_OK) candor_trust_free(t);
    return st;
}

candor_status candor_trust_apply(const candor_trust *t, const candor_curl *c, CURL *easy,
                                 candor_err *err)
{
    CURLcode rc = CURLE_OK;

    if (t->roots.n != 0) {
        struct curl_blob blob = {t->roots.p, t->roots.n, CURL_BLOB_NOCOPY};
        rc = c->curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
    } else if (t->file != NULL) {
        rc = c->curl_easy_setopt(easy, CURLOPT_CAINFO, t->file);
    }
    /* The compiled-in directory would still be asked (openssl.c of libcurl). */
    if (rc == CURLE_OK && t->only_file) rc = c->curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    /* Windows and macOS keep their roots elsewhere than in a file; ignored where libcurl cannot. */
    if (rc == CURLE_OK && !t->only_file)
        rc = c->curl_easy_setopt(easy, CURLOPT_SSL_OPTIONS, (long)CURLSSLOPT_NATIVE_CA);
    if (rc != CURLE_OK)
        return candor_fail(err, rc == CURLE_OUT_OF_MEMORY ? CANDOR_NOMEM : CANDOR_CRYPTO, 0, "ca",
                           "cannot set the trusted roots: %s", c->curl_easy_strerror(rc));
    return CANDOR_OK;
}

void candor_trust_free(candor_trust *t)
{
    candor_buf_free(&t->roots);
    free(t->named);
    *t = (candor_trust){0};
}
