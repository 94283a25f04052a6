/* candor-central-encrypted rekey: encrypt, change the key, or decrypt. */
#include <stdio.h>
#include <stdlib.h>

#include "central/commands.h"
#include "central/options.h"
#include "central/parts.h"
#include "central/restore.h"

static const char usage[] =
    "Usage:\n"
    "  candor-central-encrypted rekey --new-key-file FILE [--key-file FILE] [--data DIR]\n"
    "  candor-central-encrypted rekey --plain --key-file FILE [--data DIR]\n\n"
    "While no collector runs: encrypts the databases with the key of --new-key-file, or no more "
    "with\n"
    "--plain. --key-file is the key they have; without it they are not encrypted. A crash leaves "
    "all "
    "of\n"
    "them with the old key or all with the new one. Backups keep the key that they were made "
    "with.\n";

static candor_status rekey(const candor_config *c, const char *new_file, candor_err *err)
{
    char db_path[CANDOR_PATH_MAX];
    candor_db_key from = {0}, to = {0};
    candor_file *lock = NULL;
    candor_status st = candor_db_key_load(c->key_file, &from, err);
    if (st == CANDOR_OK) st = candor_db_key_load(new_file, &to, err);
    if (st == CANDOR_OK) st = candor_data_open(c->data, db_path, sizeof db_path, err);
    if (st == CANDOR_OK) st = candor_parts_lock(c->data, &lock, err);
    if (st == CANDOR_OK) st = candor_restore_rekey(c->data, &from, &to, err);
    candor_db_key_wipe(&from);
    candor_db_key_wipe(&to);
    candor_file_discard(lock);
    return st;
}

int candor_command_rekey(int argc, char *const *argv)
{
    candor_option options[] = {{"--new-key-file", "", false}, {"--plain", NULL, false}};
    candor_config *c = calloc(1, sizeof *c);
    candor_err err = {0};
    candor_status st;
    bool encrypt;
    int code = 1;
    if (c == NULL) return 1;
    st = candor_options_take(options, 2, argc, argv, c, NULL, &err);
    encrypt = *options[0].value != '\0';
    if (st == CANDOR_OK && encrypt == options[1].given)
        st = candor_fail(&err, CANDOR_INVALID, 0, "rekey", "give either --new-key-file or --plain");
    if (st == CANDOR_OK && !encrypt && *c->key_file == '\0')
        st = candor_fail(&err, CANDOR_INVALID, 0, "rekey", "--plain needs the --key-file");
    if (st != CANDOR_OK) {
        fputs(usage, stderr);
        code = 2;
    } else {
        st = rekey(c, options[0].value, &err);
    }
    free(c);
    if (st == CANDOR_OK)
        printf("The databases %s.\n", encrypt ? "have the new key" : "are not encrypted any more");
    return st == CANDOR_OK ? 0 : candor_command_fail(&err, code);
}
