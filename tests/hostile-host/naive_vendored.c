/* Stands for libraries whose sources are compiled into an addon, as SQLite's one big file is: their
 * names are the addon's own, and no option for archives touches them. */
const char *sqlite3_libversion(void);
const char *zlibVersion(void);

const char *sqlite3_libversion(void)
{
    return "vendored";
}

const char *zlibVersion(void)
{
    return "vendored";
}
