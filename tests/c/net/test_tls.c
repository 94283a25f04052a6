/* Whom an https endpoint must be: certificates made here, served by openssl s_server(1). */
#include "net/server.h"
#include "plat/scratch.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/prctl.h>

typedef struct fixture {
    scratch *files;
    pid_t pid; /* s_server, with a certificate for localhost only */
    FILE *out; /* its output; open as long as it runs, for a broken pipe would end it */
    unsigned port;
    char ca[256], other_ca[256]; /* the server's own certificate, and an unrelated one */
    candor_buf pem;              /* text of ca */
} fixture;

static void add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *e;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(e);
    assert_int_equal(X509_add_ext(cert, e, -1), 1);
    X509_EXTENSION_free(e);
}

/* A self-signed certificate for host, and its key, as PEM files. */
static void make_certificate(const char *host, const char *cert_path, const char *key_path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_NAME *name;
    char alt[64];
    FILE *f;

    assert_true(key != NULL && cert != NULL);
    name = X509_get_subject_name(cert);
    (void)snprintf(alt, sizeof alt, "DNS:%s", host);
    assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -86400));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 86400));
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                (const unsigned char *)host, -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(cert, name), 1);
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(cert, NID_subject_alt_name, alt);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    f = fopen(cert_path, "wb");
    assert_non_null(f);
    assert_int_equal(PEM_write_X509(f, cert), 1);
    assert_int_equal(fclose(f), 0);
    f = fopen(key_path, "wb");
    assert_non_null(f);
    assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(f), 0);
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* s_server -www answers every GET with 200; on port 0 it prints "ACCEPT 127.0.0.1:<port>". */
static void start_s_server(fixture *x, const char *cert, const char *key)
{
    char line[128];
    int out[2];

    assert_int_equal(pipe(out), 0);
    x->pid = fork();
    assert_true(x->pid >= 0);
    if (x->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(out[1], 1);
        (void)dup2(open("/dev/null", O_RDWR), 0);
        (void)dup2(0, 2); /* it reports each refused handshake, which is what is wanted here */
        (void)close(out[0]);
        (void)execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", cert,
                     "-key", key, "-www", (char *)NULL);
        _exit(127);
    }
    (void)close(out[1]);
    x->out = fdopen(out[0], "r");
    assert_non_null(x->out);
    while (x->port == 0 && fgets(line, sizeof line, x->out) != NULL)
        (void)sscanf(line, "ACCEPT 127.0.0.1:%u", &x->port);
}

static int setup(void **state)
{
    fixture *x = calloc(1, sizeof *x);
    void *files = NULL;
    char key[256];

    if (x == NULL || scratch_setup(&files) != 0) return -1;
    x->files = files;
    *state = x;
    (void)snprintf(x->ca, sizeof x->ca, "%s", scratch_path(x->files, "cert.pem"));
    (void)snprintf(x->other_ca, sizeof x->other_ca, "%s", scratch_path(x->files, "other.pem"));
    (void)snprintf(key, sizeof key, "%s", scratch_path(x->files, "key.pem"));
    make_certificate("elsewhere.example", x->other_ca, key);
    make_certificate("localhost", x->ca, key);
    start_s_server(x, x->ca, key);
    return candor_file_read_all(x->ca, 1 << 20, &x->pem, NULL) == CANDOR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    fixture *x = *state;
    void *files = x->files;

    (void)kill(x->pid, SIGKILL);
    (void)waitpid(x->pid, NULL, 0);
    (void)fclose(x->out);
    candor_buf_free(&x->pem);
    (void)scratch_teardown(&files);
    free(x);
    return 0;
}

/* One GET to https://host, with these roots. */
static candor_http_response get(const fixture *x, const char *host, const char *ca_file,
                                candor_bytes ca_pem)
{
    candor_http_settings settings = usual_settings();
    client c;

    if (x->port == 0) skip(); /* no openssl(1) on this machine */
    settings.response_max = 100000;
    settings.ca_file = ca_file;
    settings.ca_pem = ca_pem;
    c = client_with(&settings, x->port);
    (void)snprintf(c.url, sizeof c.url, "https://%s:%u/", host, x->port);
    client_get(&c);
    client_free(&c);
    c.r.body = (candor_bytes){0}; /* it went with the client */
    return c.r;
}

static void expect_untrusted(const candor_http_response *r)
{
    assert_int_equal(r->status, CANDOR_NET);
    assert_int_equal(r->code, 0);
    if (strstr(r->error, "certificate is not trusted") == NULL ||
        strstr(r->error, "name its PEM file") == NULL)
        fail_msg("%s", r->error);
}

static void an_unknown_certificate_is_rejected(void **state)
{
    const fixture *x = *state;
    const candor_http_response r = get(x, "localhost", NULL, (candor_bytes){0});
    const candor_http_response s = get(x, "localhost", x->other_ca, (candor_bytes){0});

    expect_untrusted(&r);
    expect_untrusted(&s);
}

static void a_ca_file_makes_it_trusted(void **state)
{
    const fixture *x = *state;
    const candor_http_response r = get(x, "localhost", x->ca, (candor_bytes){0});

    assert_string_equal(r.error, "");
    assert_int_equal(r.status, CANDOR_OK);
    assert_int_equal(r.code, 200);
}

static void ca_pem_is_added_to_the_store_and_to_a_ca_file(void **state)
{
    const fixture *x = *state;
    const candor_http_response r = get(x, "localhost", NULL, candor_buf_bytes(&x->pem));
    const candor_http_response s = get(x, "localhost", x->other_ca, candor_buf_bytes(&x->pem));
    candor_buf other = {0};
    candor_http_response t;

    assert_string_equal(r.error, "");
    assert_int_equal(r.code, 200);
    assert_string_equal(s.error, "");
    assert_int_equal(s.code, 200);
    assert_int_equal(candor_file_read_all(x->other_ca, 1 << 20, &other, NULL), CANDOR_OK);
    t = get(x, "localhost", x->ca, candor_buf_bytes(&other));
    candor_buf_free(&other);
    assert_int_equal(t.code, 200);
}

static void ssl_cert_file_names_the_systems_store(void **state)
{
    const fixture *x = *state;
    candor_http_response r;

    assert_int_equal(setenv("SSL_CERT_FILE", x->ca, 1), 0);
    r = get(x, "localhost", NULL, (candor_bytes){0});
    unsetenv("SSL_CERT_FILE");
    assert_string_equal(r.error, "");
    assert_int_equal(r.code, 200);
}

static void a_trusted_certificate_of_another_host_is_rejected(void **state)
{
    const fixture *x = *state;
    const candor_http_response r = get(x, "127.0.0.1", x->ca, (candor_bytes){0});

    expect_untrusted(&r);
}

static void a_ca_file_that_is_missing_is_told_at_the_start(void **state)
{
    fixture *x = *state;
    candor_http_settings settings = usual_settings();
    client c;

    if (x->port == 0) skip();
    settings.ca_file = scratch_path(x->files, "missing.pem");
    c = client_with(&settings, x->port);
    assert_int_equal(client_start(&c, "GET", (candor_bytes){0}), CANDOR_NOTFOUND);
    scratch_write(settings.ca_file, "there now, but no certificate");
    assert_int_equal(client_start(&c, "GET", (candor_bytes){0}), CANDOR_OK);
    candor_http_cancel(c.h);
    (void)snprintf(c.url, sizeof c.url, "https://localhost:%u/", x->port);
    client_get(&c);
    assert_int_equal(c.r.status, CANDOR_INVALID);
    assert_non_null(strstr(c.r.error, "CA certificates cannot be used"));
    client_free(&c);
}

static void a_port_without_tls_is_told(void **state)
{
    server s = {.speak_first = true, .reply = "220 plain\r\n", .after = SERVER_HANG};
    const candor_http_settings settings = usual_settings();
    client c;

    (void)state;
    server_start(&s);
    c = client_with(&settings, s.port);
    (void)snprintf(c.url, sizeof c.url, "https://localhost:%u/", s.port);
    client_get(&c);
    assert_int_equal(c.r.status, CANDOR_NET);
    assert_non_null(strstr(c.r.error, "TLS handshake failed"));
    client_free(&c);
    server_stop(&s);
    candor_buf_free(&s.last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_certificate_is_rejected),
        cmocka_unit_test(a_ca_file_makes_it_trusted),
        cmocka_unit_test(ca_pem_is_added_to_the_store_and_to_a_ca_file),
        cmocka_unit_test(ssl_cert_file_names_the_systems_store),
        cmocka_unit_test(a_trusted_certificate_of_another_host_is_rejected),
        cmocka_unit_test(a_ca_file_that_is_missing_is_told_at_the_start),
        cmocka_unit_test(a_port_without_tls_is_told),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
