/* The data directory. */
#include <stdlib.h>
#include <sys/stat.h>

#include "central/commands.h"
#include "plat/plat.h"

/* candor_dir_create makes it 700; a directory that existed and lets others in is refused, because
 * the database would be theirs to read. */
candor_status candor_data_open(const char *dir, char *db_path, size_t cap, candor_err *err)
{
    struct stat info;
    candor_status st = candor_dir_create(dir, err);
    if (st != CANDOR_OK) return st;
    if (stat(dir, &info) == 0 && (info.st_mode & 0077) != 0)
        return candor_fail(err, CANDOR_DENIED, 0, "open the data directory",
                           "%.140s is open to other users; run `chmod 700` on it", dir);
    umask(0077); /* SQLite creates its files with the process's mask */
    return candor_path_join(dir, CANDOR_EVENTS_FILE, db_path, cap, err);
}
