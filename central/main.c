/* candor-central: the collector's commands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "central/commands.h"
#include "central/config.h"
#include "central/version.h"

static void help(FILE *out)
{
    fputs("candor-central " CANDOR_CENTRAL_VERSION
          ": collects telemetry that people can look in the eye\n\n"
          "  candor-central serve [flags]             run the collector\n"
          "  candor-central token create|list|revoke  manage tokens (token --help)\n"
          "  candor-central import FILE...            store exported packages and event files\n"
          "  candor-central erase --user ID           erase a person or a machine (--machine ID)\n"
          "  candor-central receipt verify FILE       check the receipt of an erasure\n"
          "  candor-central alert secret              what alerts are signed with\n"
          "  candor-central backup --out FILE         copy the data while the collector runs\n"
          "  candor-central restore FILE              put a backup in place\n"
          "  candor-central rekey --new-key-file FILE encrypt the databases (docs/at-rest.md)\n"
          "  candor-central routes                    the routes of the API, as JSON\n"
          "  candor-central --version\n\n"
          "Without flags `serve` listens on 127.0.0.1:8797, keeps its data in\n"
          "~/.local/share/candor-central and, the first time, prints a token.\n"
          "CANDOR_CENTRAL_TOKEN (environment): one more token, with scopes ingest and read.\n"
          "Exit codes: 0 done, 1 failed, 2 wrong usage.\n\nFlags of serve, their environment "
          "variables and "
          "defaults:\n",
          out);
    candor_config_help(out);
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    int i;
    for (i = 2; i < argc && strcmp(command, "serve") == 0; i++)
        if (strcmp(argv[i], "--help") == 0) command = "--help";
    if (strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0 ||
        strcmp(command, "help") == 0) {
        help(stdout);
        return 0;
    }
    if (strcmp(command, "--version") == 0) {
        bool json = argc > 2 && strcmp(argv[2], "--json") == 0;
        printf(json ? "{\"version\":\"%s\"}\n" : "candor-central %s\n", CANDOR_CENTRAL_VERSION);
        return 0;
    }
    if (strcmp(command, "serve") == 0) return candor_command_serve(argc - 2, argv + 2);
    if (strcmp(command, "import") == 0) return candor_command_import(argc - 2, argv + 2);
    if (strcmp(command, "erase") == 0) return candor_command_erase(argc - 2, argv + 2);
    if (strcmp(command, "backup") == 0) return candor_command_backup(argc - 2, argv + 2);
    if (strcmp(command, "restore") == 0) return candor_command_restore(argc - 2, argv + 2);
    if (strcmp(command, "rekey") == 0) return candor_command_rekey(argc - 2, argv + 2);
    if (strcmp(command, "receipt") == 0) return candor_command_receipt(argc - 2, argv + 2);
    if (strcmp(command, "alert") == 0) return candor_command_alert(argc - 2, argv + 2);
    if (strcmp(command, "routes") == 0) return candor_command_routes(argc - 2, argv + 2);
    if (strcmp(command, "token") == 0) return candor_command_token(argc - 2, argv + 2);
    fprintf(stderr, "candor-central: %s%s%s; `candor-central --help` shows what there is\n",
            *command != '\0' ? "unknown command \"" : "no command given", command,
            *command != '\0' ? "\"" : "");
    return 2;
}
