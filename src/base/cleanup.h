/* cleanup - scope-bound ownership: auto_free, auto_fd, auto_file, auto_dir.
 * Owner   the variable owns its resource until take_ptr()/take_fd() moves it out.
 * Rule    errno survives every cleanup; NULL and -1 are ignored. fds start at -1.
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
    int saved = errno;
    free(*(void **)p);
    errno = saved;
}

static inline void cleanup_fd(const int *fd)
{
    int saved = errno;
    if (*fd >= 0)
        close(*fd);
    errno = saved;
}

static inline void cleanup_file(FILE **f)
{
    int saved = errno;
    if (*f)
        fclose(*f);
    errno = saved;
}

static inline void cleanup_dir(DIR **d)
{
    int saved = errno;
    if (*d)
        closedir(*d);
    errno = saved;
}

#define auto_free __attribute__((cleanup(cleanup_free)))
#define auto_fd __attribute__((cleanup(cleanup_fd)))
#define auto_file __attribute__((cleanup(cleanup_file)))
#define auto_dir __attribute__((cleanup(cleanup_dir)))
/* For any struct with a `done` function: auto_done(strv_done) struct strv v = {0}; */
#define auto_done(fn) __attribute__((cleanup(fn)))

static inline int take_fd(int *fd)
{
    int out = *fd;
    *fd = -1;
    return out;
}

static inline void *take_pointer(void *p)
{
    void **slot = p;
    void *out = *slot;
    *slot = NULL;
    return out;
}
#define take_ptr(p) ((__typeof__(*(p)))take_pointer(p))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
