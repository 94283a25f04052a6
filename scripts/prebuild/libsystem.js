'use strict';
// Functions and data of macOS's libSystem that a binary may ask for, without the leading underscore. Each is in macOS
// 11.0, by its header or manual page: the stub that the addon is linked with is of a newer system, and has what an older
// one lacks.

const FUNCTIONS = `
abort access atexit atoi basename bind bsearch __bzero bzero calloc CCRandomGenerateBytes chmod clock_gettime close
closedir connect connectx __darwin_check_fd_set_overflow _DefaultRuneLocale __error fchmod fchown fclose fcntl feof
ferror fflush fgets flock fma fopen fprintf fputc fputs fread free freeaddrinfo fseek fstat fstat$INODE64 fstatfs
fstatfs$INODE64 fsync ftell ftruncate fwrite getaddrinfo getcontext getcwd getegid getentropy getenv geteuid getgid
gethostuuid getpeername getpid getpwuid_r getsockname getsockopt gettimeofday getuid gmtime gmtime_r if_nametoindex
inet_ntop inet_pton ioctl kevent kqueue link localtime_r _longjmp lseek lstat lstat$INODE64 makecontext malloc
malloc_create_zone malloc_default_zone malloc_set_zone_name malloc_size malloc_zone_free malloc_zone_malloc
malloc_zone_realloc __maskrune memchr memcmp memcpy __memcpy_chk memmove memset __memset_chk mkdir mmap msync munmap
open opendir opendir$INODE64 pipe poll pread pthread_cond_broadcast pthread_cond_destroy pthread_cond_init
pthread_cond_timedwait_relative_np pthread_cond_wait pthread_create pthread_detach pthread_equal pthread_getspecific
pthread_join pthread_key_create pthread_key_delete pthread_mutex_destroy pthread_mutex_init pthread_mutex_lock
pthread_mutex_trylock pthread_mutex_unlock pthread_mutexattr_destroy pthread_mutexattr_init pthread_mutexattr_settype
pthread_once pthread_rwlock_destroy pthread_rwlock_init pthread_rwlock_rdlock pthread_rwlock_unlock
pthread_rwlock_wrlock pthread_self pthread_set_qos_class_self_np pthread_setname_np pthread_setspecific
pthread_sigmask pwrite qsort read readdir readdir$INODE64 readlink realloc recv rename rmdir select select$1050 send
setcontext _setjmp setsockopt setvbuf sigaction siglongjmp sigprocmask sigsetjmp sleep snprintf socket socketpair
sprintf sscanf __stack_chk_fail __stack_chk_guard stat stat$INODE64 statvfs __stderrp __stdinp __stdoutp strchr strcmp
strcpy __strcpy_chk strcspn strdup strerror strerror_r strftime strlen __strncat_chk strncmp strncpy __strncpy_chk
strrchr strspn strstr strtod strtok_r strtol strtoll strtoul strtoull sysconf sysctlbyname time __tolower tzset unlink
usleep utimensat utimes vfprintf vsnprintf write
`.trim().split(/\s+/);

module.exports = { FUNCTIONS };
