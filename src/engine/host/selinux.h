/* selinux - the labels of a container's processes and files, on a host with SELinux.
 * Shape   A label is "user:role:type[:level]". Types come from the policy's own file for
 *         containers, /etc/selinux/TYPE/contexts/lxc_contexts, as with docker and podman; the
 *         level's two categories are the container's own (store), so that containers are
 *         strangers to each other though their types are the same.
 *         A host has SELinux when its file system is mounted and a policy is loaded.
 * Errors  0 or -errno; err says what to do. A label that the policy does not know is an
 *         error: nothing runs less confined than it was meant to.
 * Process monitor and front end, on the host's file tree; init before the pivot.
 * Source  libselinux's is_selinux_enabled(3); opencontainers/selinux; selinux(8).
 */
#ifndef ENGINE_HOST_SELINUX_H
#define ENGINE_HOST_SELINUX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strv.h"

#define SELINUX_LABEL_SIZE 256 /* of the longest label, with its end */
#define SELINUX_CATEGORIES 1024
#define SELINUX_LEVEL_SIZE 32

/* root_fd: where a test puts another machine's files; -1 = "/". */
bool selinux_is_enabled(int root_fd);

/* Words of --security-opt label=: disable, nested, or WHAT:VALUE with user, role, type, level
 * and filetype. -EINVAL */
int selinux_word_check(const char *word, struct mtd_error *err);
bool selinux_has_word(const struct strv *words, const char *word);

/* Labels by the words, of which the last of a kind counts. level: "s0:c1,c2", used if no word
 * gives one. With the word disable, process is "" and files are those of no container.
 * -ENOENT = the policy has no file for containers. */
int selinux_choose(int root_fd, const struct strv *words, const char *level,
                   char process[SELINUX_LABEL_SIZE], char files[SELINUX_LABEL_SIZE],
                   struct mtd_error *err);
/* Of what all containers read and none writes: ro_file of the same file; "" = there is none. */
void selinux_of_layers(int root_fd, char ret[SELINUX_LABEL_SIZE]);
/* The words that make the same label; "" = disable. */
int selinux_words_of(const char *label, struct strv *words);
/* The level of a label, "" = it has none. */
void selinux_level(const char *label, char ret[SELINUX_LABEL_SIZE]);
/* Two categories by their number among all pairs. */
void selinux_pair(unsigned number, char ret[SELINUX_LEVEL_SIZE]);
#define SELINUX_PAIRS (SELINUX_CATEGORIES * (SELINUX_CATEGORIES - 1u) / 2)

/* Whether the loaded policy knows the label. */
int selinux_check(const char *label, struct mtd_error *err);

/* label: NULL or "" = nothing is done. 0 or -errno; a file system without labels is no
 * error. */
int selinux_label_fd(int fd, const char *label);
int selinux_label_at(int dir_fd, const char *name, const char *label);

/* Labels a tree, its root last: one whose root has the label is done. shared: for every
 * container, without categories. System directories are refused. No link is followed. */
int selinux_relabel(int root_fd, const char *path, const char *label, bool shared,
                    struct mtd_error *err);
bool selinux_is_labelled(int fd, const char *label, bool shared);

#endif
