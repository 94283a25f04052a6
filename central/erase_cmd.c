/* candor-central erase, and candor-central receipt verify|key. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/uuid.h"
#include "central/commands.h"
#include "central/erase.h"
#include "central/options.h"
#include "central/parts.h"

static const char erase_usage[] =
    "Usage:\n"
    "  candor-central erase --user ID|--machine ID [--app NAME] [--json] [--data DIR]\n\n"
    "Erases the events, sessions and texts of a person or a machine and prints a signed receipt.\n"
    "--machine takes the id that the client shows. While the collector runs, ask it instead: POST\n"
    "/api/v1/erasures with an admin token. The flags of serve are taken too.\n";

static const char receipt_usage[] =
    "Usage:\n"
    "  candor-central receipt verify FILE [--key HEX] [--user ID|--machine ID] [--data DIR] "
    "[--json]\n"
    "  candor-central receipt key [--data DIR]\n\n"
    "verify: FILE (- is standard input) was signed by this collector, or by --key; with --user or\n"
    "--machine also: it is about that one. key: prints the public key.\n";

/* --- erase ---------------------------------------------------------------------------------- */

static void on_done(candor_erase_job *j)
{
    candor_latch_open(j->owner);
}

static candor_status wait_for(candor_erase_job *j, candor_err *err)
{
    candor_latch *latch = NULL;
    candor_status st = candor_latch_new(&latch);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "erase", NULL);
    j->owner = latch;
    j->done = on_done;
    st = candor_erase_start(j);
    if (st == CANDOR_OK) {
        while (!candor_latch_wait(latch, 60000)) {
        }
        st = j->erasure.status;
        if (st != CANDOR_OK) *err = j->erasure.err;
    }
    candor_latch_free(latch);
    return st;
}

static candor_status erase(candor_server *s, const char *user, const char *machine, const char *app,
                           bool json, candor_err *err)
{
    candor_erase_job *j = NULL;
    candor_buf b = {0};
    candor_status st = candor_erase_new(s, candor_bytes_str(user), candor_bytes_str(machine),
                                        candor_bytes_str(app), &j, err);
    if (st == CANDOR_OK) st = wait_for(j, err);
    if (st == CANDOR_OK) st = candor_receipt_write(&j->receipt, s->receipt_seed, &b, err);
    if (st == CANDOR_OK) {
        fwrite(b.p, 1, b.n, stdout);
        if (!json)
            fprintf(stderr, "Erased %llu events, %llu sessions and %llu texts. Keep the receipt.\n",
                    (unsigned long long)j->receipt.events, (unsigned long long)j->receipt.sessions,
                    (unsigned long long)j->receipt.attachments);
    }
    candor_buf_free(&b);
    candor_erase_free(j);
    return st;
}

int candor_command_erase(int argc, char *const *argv)
{
    candor_option options[] = {{"--user", "", false},
                               {"--machine", "", false},
                               {"--app", "", false},
                               {"--json", NULL, false}};
    candor_server *s = calloc(1, sizeof *s);
    candor_parts parts = {0};
    candor_err err = {0};
    candor_status st;
    int code = 1;
    if (s == NULL) return 1;
    st = candor_options_take(options, 4, argc, argv, &s->config, NULL, &err);
    if (st == CANDOR_OK && (*options[0].value == '\0') == (*options[1].value == '\0'))
        st = candor_fail(&err, CANDOR_INVALID, 0, "erase", "give either --user or --machine");
    if (st != CANDOR_OK) {
        fputs(erase_usage, stderr);
        code = 2;
    } else {
        candor_log_init(&s->log, "error");
        st = candor_parts_open(s, &parts, &err);
        if (st == CANDOR_OK)
            st = erase(s, options[0].value, options[1].value, options[2].value, options[3].given,
                       &err);
        candor_parts_close(s, &parts);
        if (st == CANDOR_INVALID) code = 2;
    }
    free(s);
    return st == CANDOR_OK ? 0 : candor_command_fail(&err, code);
}

/* --- receipts ------------------------------------------------------------------------------- */

static candor_status public_key(const candor_config *c, const char *hex,
                                unsigned char key[CANDOR_RECEIPT_KEY], candor_err *err)
{
    candor_status st = CANDOR_OK;
    if (*hex == '\0')
        return candor_parts_receipt_key(*c->keys != '\0' ? c->keys : c->data, key, err);
    if (!candor_hex_decode(candor_bytes_str(hex), key, CANDOR_RECEIPT_KEY))
        st = candor_fail(err, CANDOR_INVALID, 0, "receipt", "--key takes 64 hex digits");
    return st;
}

static candor_status about(const candor_receipt *r, const char *user, const char *machine,
                           candor_err *err)
{
    unsigned char digest[CANDOR_SHA256_SIZE];
    const char *subject = *user != '\0' ? "user_id" : "machine_id";
    const char *id = *user != '\0' ? user : machine;
    candor_status st;
    if (*id == '\0') return CANDOR_OK;
    st = candor_receipt_subject(subject, candor_bytes_str(id), digest);
    if (st != CANDOR_OK) return candor_fail(err, st, 0, "receipt", NULL);
    if (strcmp(subject, r->subject) == 0 && memcmp(digest, r->digest, sizeof digest) == 0)
        return CANDOR_OK;
    return candor_fail(err, CANDOR_INVALID, 0, "verify", "the receipt is good, but about another");
}

static candor_status verify(const char *file, const unsigned char key[CANDOR_RECEIPT_KEY],
                            candor_receipt *out, candor_err *err)
{
    candor_buf text = {0};
    candor_status st = candor_file_read_all(strcmp(file, "-") == 0 ? "/dev/stdin" : file,
                                            CANDOR_RECEIPT_FILE, &text, err);
    if (st == CANDOR_OK) st = candor_receipt_verify(candor_buf_bytes(&text), key, out, err);
    candor_buf_free(&text);
    return st;
}

static void say_good(const candor_receipt *r, bool json)
{
    char at[CANDOR_TIME_TEXT];
    candor_time_format(r->completed_ms, at);
    if (json)
        printf("{\"valid\":true,\"completed\":\"%.*s\",\"subject\":\"%s\",\"events\":%llu,"
               "\"sessions\":%llu,\"attachments\":%llu}\n",
               (int)sizeof at, at, r->subject, (unsigned long long)r->events,
               (unsigned long long)r->sessions, (unsigned long long)r->attachments);
    else
        printf("Good: %llu events, %llu sessions and %llu texts of a %s were erased by %.*s.\n",
               (unsigned long long)r->events, (unsigned long long)r->sessions,
               (unsigned long long)r->attachments, r->subject, (int)sizeof at, at);
}

static void print_key(const unsigned char key[CANDOR_RECEIPT_KEY])
{
    char hex[2 * CANDOR_RECEIPT_KEY];
    candor_hex_encode(key, CANDOR_RECEIPT_KEY, hex);
    printf("%.*s\n", (int)sizeof hex, hex);
}

int candor_command_receipt(int argc, char *const *argv)
{
    candor_option options[] = {{"--key", "", false},
                               {"--user", "", false},
                               {"--machine", "", false},
                               {"--json", NULL, false}};
    bool is_key = argc > 0 && strcmp(argv[0], "key") == 0;
    bool is_verify = argc > 1 && strcmp(argv[0], "verify") == 0 && strncmp(argv[1], "--", 2) != 0;
    int skip = is_key ? 1 : 2, code = 2;
    candor_config *c = calloc(1, sizeof *c);
    unsigned char key[CANDOR_RECEIPT_KEY];
    candor_receipt r;
    candor_err err = {0};
    candor_status st = CANDOR_OK;
    if (c == NULL) return 1;
    if (!is_key && !is_verify) {
        fputs(receipt_usage, argc > 0 && strcmp(argv[0], "--help") == 0 ? stdout : stderr);
        free(c);
        return argc > 0 && strcmp(argv[0], "--help") == 0 ? 0 : 2;
    }
    st = candor_options_take(options, 4, argc - skip, argv + skip, c, NULL, &err);
    if (st == CANDOR_OK) code = 1;
    if (st == CANDOR_OK) st = public_key(c, options[0].value, key, &err);
    if (st == CANDOR_OK && is_verify) st = verify(argv[1], key, &r, &err);
    if (st == CANDOR_OK && is_verify) st = about(&r, options[1].value, options[2].value, &err);
    free(c);
    if (st != CANDOR_OK) return candor_command_fail(&err, code);
    if (is_verify)
        say_good(&r, options[3].given);
    else
        print_key(key);
    return 0;
}
