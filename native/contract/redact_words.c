/* The words that tell a path from prose. Each list ends with {NULL, 0}. */
#include "contract/redact_internal.h"

/* First segments that make even one segment a path. */
const candor_bytes candor_redact_roots[] = {
    {"home", 4},     {"users", 5},   {"root", 4},          {"tmp", 3},         {"var", 3},
    {"etc", 3},      {"usr", 3},     {"opt", 3},           {"mnt", 3},         {"media", 5},
    {"srv", 3},      {"proc", 4},    {"sys", 3},           {"dev", 3},         {"private", 7},
    {"volumes", 7},  {"library", 7}, {"applications", 12}, {"system", 6},      {"bin", 3},
    {"sbin", 4},     {"lib", 3},     {"lib64", 5},         {"boot", 4},        {"run", 3},
    {"snap", 4},     {"nix", 3},     {"workspace", 9},     {"workspaces", 10}, {"builds", 6},
    {"cygdrive", 8}, {"storage", 7}, {"sdcard", 6},        {NULL, 0}};

/* Extensions of file names that stand alone in prose. Left out, because they also follow a dot in
 * prose or in a property chain: com, net, io, env, map, key, test, lock. */
const candor_bytes candor_redact_extensions[] = {
    {"js", 2},    {"jsx", 3},     {"mjs", 3},    {"cjs", 3},    {"ts", 2},     {"tsx", 3},
    {"mts", 3},   {"cts", 3},     {"json", 4},   {"jsonl", 5},  {"jsonc", 5},  {"json5", 5},
    {"py", 2},    {"pyi", 3},     {"pyc", 3},    {"ipynb", 5},  {"rb", 2},     {"php", 3},
    {"java", 4},  {"class", 5},   {"jar", 3},    {"kt", 2},     {"kts", 3},    {"scala", 5},
    {"clj", 3},   {"groovy", 6},  {"gradle", 6}, {"go", 2},     {"rs", 2},     {"c", 1},
    {"h", 1},     {"cc", 2},      {"hh", 2},     {"cpp", 3},    {"hpp", 3},    {"cxx", 3},
    {"hxx", 3},   {"cs", 2},      {"csproj", 6}, {"sln", 3},    {"vb", 2},     {"swift", 5},
    {"dart", 4},  {"lua", 3},     {"pl", 2},     {"pm", 2},     {"ex", 2},     {"exs", 3},
    {"erl", 3},   {"hs", 2},      {"elm", 3},    {"ml", 2},     {"zig", 3},    {"nim", 3},
    {"jl", 2},    {"sol", 3},     {"vue", 3},    {"svelte", 6}, {"astro", 5},  {"css", 3},
    {"scss", 4},  {"sass", 4},    {"less", 4},   {"html", 4},   {"htm", 3},    {"xhtml", 5},
    {"xml", 3},   {"xsd", 3},     {"xsl", 3},    {"yml", 3},    {"yaml", 4},   {"toml", 4},
    {"ini", 3},   {"cfg", 3},     {"conf", 4},   {"sql", 3},    {"sqlite", 6}, {"db", 2},
    {"sh", 2},    {"bash", 4},    {"zsh", 3},    {"fish", 4},   {"ps1", 3},    {"psm1", 4},
    {"bat", 3},   {"cmd", 3},     {"md", 2},     {"mdx", 3},    {"rst", 3},    {"txt", 3},
    {"csv", 3},   {"tsv", 3},     {"pdf", 3},    {"doc", 3},    {"docx", 4},   {"odt", 3},
    {"xls", 3},   {"xlsx", 4},    {"ods", 3},    {"ppt", 3},    {"pptx", 4},   {"zip", 3},
    {"tar", 3},   {"tgz", 3},     {"gz", 2},     {"bz2", 3},    {"xz", 2},     {"7z", 2},
    {"exe", 3},   {"dll", 3},     {"so", 2},     {"dylib", 5},  {"node", 4},   {"wasm", 4},
    {"asar", 4},  {"vsix", 4},    {"dmg", 3},    {"deb", 3},    {"rpm", 3},    {"apk", 3},
    {"png", 3},   {"jpg", 3},     {"jpeg", 4},   {"gif", 3},    {"svg", 3},    {"webp", 4},
    {"ico", 3},   {"mp3", 3},     {"mp4", 3},    {"mov", 3},    {"wav", 3},    {"pem", 3},
    {"crt", 3},   {"cer", 3},     {"p12", 3},    {"pfx", 3},    {"tf", 2},     {"tfvars", 6},
    {"proto", 5}, {"graphql", 7}, {"gql", 3},    {"diff", 4},   {"patch", 5},  {"bak", 3},
    {"swp", 3},   {"dump", 4},    {"dmp", 3},    {"log", 3},    {NULL, 0}};

/* Products, and functions, that are named like files. */
const candor_bytes candor_redact_products[] = {
    {"node.js", 7},     {"vue.js", 6},       {"next.js", 7},   {"nuxt.js", 7},
    {"express.js", 10}, {"three.js", 8},     {"d3.js", 5},     {"react.js", 8},
    {"angular.js", 10}, {"ember.js", 8},     {"nest.js", 7},   {"electron.js", 11},
    {"p5.js", 5},       {"backbone.js", 11}, {"moment.js", 9}, {"chart.js", 8},
    {"alpine.js", 9},   {"discord.js", 10},  {"solid.js", 8},  {"console.log", 11},
    {"math.log", 8},    {"np.log", 6},       {"torch.log", 9}, {"logger.log", 10},
    {NULL, 0}};

/* Files without a name before their dot. */
const candor_bytes candor_redact_dotfiles[] = {{"env", 3},
                                               {"env.local", 9},
                                               {"env.production", 14},
                                               {"env.development", 15},
                                               {"env.test", 8},
                                               {"npmrc", 5},
                                               {"yarnrc", 6},
                                               {"netrc", 5},
                                               {"pypirc", 6},
                                               {"pgpass", 6},
                                               {"my.cnf", 6},
                                               {"bashrc", 6},
                                               {"bash_history", 12},
                                               {"bash_profile", 12},
                                               {"zshrc", 5},
                                               {"zsh_history", 11},
                                               {"vimrc", 5},
                                               {"gitconfig", 9},
                                               {"git-credentials", 15},
                                               {"gitignore", 9},
                                               {"gitattributes", 13},
                                               {"gitmodules", 10},
                                               {"dockerignore", 12},
                                               {"dockercfg", 9},
                                               {"editorconfig", 12},
                                               {"eslintrc", 8},
                                               {"prettierrc", 10},
                                               {"babelrc", 7},
                                               {"htaccess", 8},
                                               {"htpasswd", 8},
                                               {"ssh", 3},
                                               {"aws", 3},
                                               {"kube", 4},
                                               {"gnupg", 5},
                                               {"vscode", 6},
                                               {"git", 3},
                                               {"ds_store", 8},
                                               {NULL, 0}};

/* Directories that are no words of prose, or hold what is personal: with one separator, a path. */
const candor_bytes candor_redact_folders[] = {
    {"home", 4},  {"users", 5},     {"documents", 9}, {"downloads", 9},     {"desktop", 7},
    {"src", 3},   {"dist", 4},      {"packages", 8},  {"node_modules", 12}, {"vendor", 6},
    {"repos", 5}, {"workspace", 9}, {"projects", 8},  {"__tests__", 9},     {NULL, 0}};

/* Words that prose joins by slashes in threes. */
const candor_bytes candor_redact_prose_words[] = {
    {"he", 2},      {"she", 3},     {"they", 4},    {"him", 3},     {"her", 3},    {"them", 4},
    {"his", 3},     {"hers", 4},    {"theirs", 6},  {"and", 3},     {"or", 2},     {"not", 3},
    {"yes", 3},     {"no", 2},      {"maybe", 5},   {"true", 4},    {"false", 5},  {"null", 4},
    {"none", 4},    {"on", 2},      {"off", 3},     {"auto", 4},    {"read", 4},   {"write", 5},
    {"execute", 7}, {"create", 6},  {"update", 6},  {"delete", 6},  {"get", 3},    {"put", 3},
    {"post", 4},    {"patch", 5},   {"head", 4},    {"tcp", 3},     {"ip", 2},     {"udp", 3},
    {"tls", 3},     {"ssl", 3},     {"http", 4},    {"https", 5},   {"ftp", 3},    {"ssh", 3},
    {"dns", 3},     {"icmp", 4},    {"min", 3},     {"max", 3},     {"avg", 3},    {"mean", 4},
    {"low", 3},     {"medium", 6},  {"high", 4},    {"small", 5},   {"large", 5},  {"red", 3},
    {"green", 5},   {"blue", 4},    {"yellow", 6},  {"left", 4},    {"right", 5},  {"center", 6},
    {"up", 2},      {"down", 4},    {"top", 3},     {"bottom", 6},  {"north", 5},  {"south", 5},
    {"east", 4},    {"west", 4},    {"in", 2},      {"out", 3},     {"pass", 4},   {"fail", 4},
    {"skip", 4},    {"warn", 4},    {"warning", 7}, {"info", 4},    {"debug", 5},  {"error", 5},
    {"trace", 5},   {"input", 5},   {"output", 6},  {"start", 5},   {"stop", 4},   {"pause", 5},
    {"open", 4},    {"close", 5},   {"add", 3},     {"remove", 6},  {"edit", 4},   {"windows", 7},
    {"mac", 3},     {"macos", 5},   {"linux", 5},   {"android", 7}, {"ios", 3},    {"client", 6},
    {"server", 6},  {"proxy", 5},   {"before", 6},  {"after", 5},   {"during", 6}, {"who", 3},
    {"what", 4},    {"when", 4},    {"where", 5},   {"why", 3},     {"how", 3},    {"day", 3},
    {"week", 4},    {"month", 5},   {"year", 4},    {"hour", 4},    {"minute", 6}, {"second", 6},
    {"dev", 3},     {"staging", 7}, {"prod", 4},    {NULL, 0}};

/* Registries of RFC 6838: type/subtype is no path. */
const candor_bytes candor_redact_media_types[] = {
    {"text", 4}, {"image", 5},     {"audio", 5},   {"video", 5}, {"application", 11},
    {"font", 4}, {"multipart", 9}, {"message", 7}, {"model", 5}, {NULL, 0}};
