#include <stdio.h>
#include <stdlib.h>

#include "central/alert_outbox.h"
#include "central/commands.h"
#include "central/options.h"
#include "central/parts.h"

static const char usage[] =
    "candor-central alert secret [--data DIR] [--json]\n\n"
    "Prints what the receiver of --alert-url verifies alerts with, as libraries of the Standard\n"
    "Webhooks take it: \"whsec_\" and base64. Made the first time. Keep it like a password.\n";

int candor_command_alert(int argc, char *const *argv)
{
    candor_option json = {"--json", NULL, false};
    bool help = argc > 0 && strcmp(argv[0], "--help") == 0;
    candor_config *c = NULL;
    char db[CANDOR_PATH_MAX], text[CANDOR_ALERT_SECRET_TEXT + 1];
    unsigned char secret[CANDOR_ALERT_SECRET];
    candor_err err = {0};
    candor_status st;
    int code = 2;
    if (argc == 0 || strcmp(argv[0], "secret") != 0) {
        fputs(usage, help ? stdout : stderr);
        return help ? 0 : 2;
    }
    c = calloc(1, sizeof *c);
    if (c == NULL) return 1;
    st = candor_options_take(&json, 1, argc - 1, argv + 1, c, NULL, &err);
    if (st == CANDOR_OK) code = 1;
    if (st == CANDOR_OK) st = candor_data_open(c->data, db, sizeof db, &err);
    if (st == CANDOR_OK) st = candor_parts_alert_secret(c->data, secret, &err);
    free(c);
    if (st != CANDOR_OK) return candor_command_fail(&err, code);
    candor_alert_secret_text(secret, text);
    printf(json.given ? "{\"secret\":\"%s\"}\n" : "%s\n", text);
    return 0;
}
