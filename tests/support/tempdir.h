/* tempdir - a directory of its own for one test. */
#ifndef TEMPDIR_H
#define TEMPDIR_H

struct tempdir {
    char path[64]; /* absolute */
    int fd;
};
void tempdir_make(struct tempdir *d); /* aborts the test when it cannot */
void tempdir_done(struct tempdir *d); /* removes it with all that is in it */
/* What is not done when the test's process ends goes then, containers first; also when it is killed
 * (guard.h), if it has a configuration. */
/* A file of that text at a path below it, directories made; aborts when it cannot. */
void tempdir_put(const struct tempdir *d, const char *path, const char *text);
/* DIR.config with that text is what the commands run from here on have as their configuration. By
 * it a container that names no network gets none: no test but those that make a host of their own
 * (netbox.h) touches interfaces or the firewall. */
void tempdir_configure(const char *dir, const char *text);
void tempdir_forget_config(const char *dir); /* tempdir_done does it */
/* Directory entries but "." and ".."; -1 = cannot be read. */
int tempdir_count(int dir_fd, const char *name);

#endif
