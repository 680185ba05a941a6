/* engine - the API: everything the command line and the dashboard may do to containers.
 * Shape   `ref` is what a user typed: id, name, "/name" or a unique id prefix.
 * Errors  0 or -errno, err says why in one line. -ENOENT = no such container / image,
 *         -EEXIST = name taken, -EBUSY = state forbids it, -EINVAL = bad request.
 * Process any single-threaded process, root. Nothing here prints or exits.
 * Calls   not re-entrant: one at a time in a process, none from a signal handler or from
 *         inside a callback. mtd_relay() and what hears from a monitor use static
 *         buffers.
 * Blocks  until the process in the container ends: mtd_relay, mtd_exec (unless it
 *         detaches), mtd_wait. Until the command runs: mtd_start. For the stop timeout
 *         and half a minute more: mtd_stop, mtd_shutdown, mtd_kill with SIGKILL,
 *         mtd_remove by force. As long as the data takes: mtd_commit, mtd_import,
 *         mtd_export, the first use of an image, mtd_pull, mtd_build and their kin. All others are quick, but whichever
 *         meets a container without its monitor starts one first and waits up to ten
 *         seconds for it.
 * Signals no handler is installed. mtd_relay and mtd_exec block signals and read them
 *         from a signalfd, mtd_relay also ignores SIGPIPE, mtd_exec sets SIGCHLD to its
 *         default; both put back what was. mtd_start with an attachment blocks what
 *         mtd_relay reads, from before the command runs until mtd_attachment_free.
 * Owner   results are freed by the matching *_done; fds belong to the caller.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "engine/attrs.h"
#include "engine/defaults.h"
#include "engine/grant.h"
#include "engine/idmap.h"
#include "engine/kernel_files.h"
#include "engine/limits.h"
#include "engine/log/log.h"
#include "engine/logindex/logindex.h"
#include "engine/port/port.h"
#include "engine/progress.h"
#include "engine/transfer/options.h"
#include "engine/types.h"

struct mtd_engine;

struct mtd_options {
    const char *root;     /* NULL = /var/lib/mytop-docker */
    const char *run_root; /* NULL = /run/mytop-docker */
    /* Do not create the roots (the dashboard, ps, logs, top). Containers that lost their
     * monitor still get a new one. */
    bool read_only;
    bool existing; /* the same while there is no state directory: about what must exist */
    bool as_found; /* repair nothing while opening: for mtd_check() */
};

int mtd_open(struct mtd_engine **ret, const struct mtd_options *o, struct mtd_error *err);
void mtd_close(struct mtd_engine *e);
const char *mtd_root(const struct mtd_engine *e);
const char *mtd_run_root(const struct mtd_engine *e);

/* ---- queries ----------------------------------------------------------------------- */

/* All containers, newest first, state observed. Broken records are items as well. */
int mtd_list(struct mtd_engine *e, struct mtd_list *ret, struct mtd_error *err);
int mtd_resolve(struct mtd_engine *e, const char *ref, char ret_id[MTD_ID_SIZE],
                struct mtd_error *err);
/* The whole record with status.state observed. */
int mtd_inspect(struct mtd_engine *e, const char *ref, struct mtd_record *ret,
                struct mtd_error *err);
/* The latest results of the running container's health checks; zero if it has none. The
 * status is r->status.health. */
void mtd_health(struct mtd_engine *e, const struct mtd_record *r, struct mtd_health *ret);
int mtd_stats(struct mtd_engine *e, const struct mtd_summary *s, struct mtd_stats *ret,
              struct mtd_error *err);
/* Host pids of all processes of the container, ascending; *ret is malloc'ed. Count or
 * -errno. */
int mtd_pids(struct mtd_engine *e, const struct mtd_summary *s, pid_t **ret,
             struct mtd_error *err);
/* An absolute path in the container's directory, which the caller frees; NULL =
 * what is not known. what: "dir" "log" "config" "hosts" "hostname" "resolv.conf"
 * "upper" "work" "rootfs". */
char *mtd_path(struct mtd_engine *e, const char *id, const char *what);

/* What the container has written, sorted by path; free it with mtd_changes_free(). */
struct mtd_change {
    char kind; /* 'A' added, 'C' changed, 'D' deleted */
    char *path;
    uint64_t size; /* bytes; 0 for directories and deletions */
};
int mtd_diff(struct mtd_engine *e, const char *ref, struct mtd_change **ret,
             size_t *ret_n, struct mtd_error *err);
void mtd_changes_free(struct mtd_change *c, size_t n);

/* ---- life cycle -------------------------------------------------------------------- */

/* spec: what the user asked for (image is set, process.args = the typed command, may be
 * empty). The engine merges the image's config, applies defaults, validates, claims the
 * name (NULL = a random readable one) and writes the record. */
struct mtd_create {
    struct mtd_spec *spec; /* moved from: left initialised and empty on success */
    const char *name;
    /* With auto_remove: the next command removes it if this process dies before mtd_start()
     * has started it. */
    bool to_run;
    /* The user gave one: the Entrypoint and Cmd of the image are ignored. */
    bool entrypoint_set;
};
int mtd_create(struct mtd_engine *e, struct mtd_create *c, char ret_id[MTD_ID_SIZE],
               struct mtd_error *err);

/* A connection to a container's monitor, and its log open at the first byte of output to
 * show: what mtd_relay() works on. The caller owns it and frees it; that ends the
 * connection and leaves the container alone. It must not outlive the engine. */
struct mtd_attachment;
void mtd_attachment_free(struct mtd_attachment *a); /* NULL = nothing */
/* The container has a terminal. */
bool mtd_attachment_tty(const struct mtd_attachment *a);

/* Returns when the command runs (its exec succeeded). ret: NULL, or *ret becomes an
 * attachment to this run, made before the first byte of output can be written. */
struct mtd_start {
    unsigned short rows, cols; /* initial size of the terminal; 0 = 24x80 */
    bool gives_input; /* stdin ends with this client, even one that is killed at once */
    bool attaches;    /* mtd_start sets it: there is an event of it */
};
int mtd_start(struct mtd_engine *e, const char *ref, const struct mtd_start *s,
              struct mtd_attachment **ret, struct mtd_error *err);

/* Sends the stop signal and, after timeout_s, kills; -1 = never, -2 = what is configured.
 * The restart policy is suspended until the next start. */
int mtd_stop(struct mtd_engine *e, const char *ref, int64_t timeout_s,
             struct mtd_error *err);
/* The same with another stop signal; 0 = what is configured. */
int mtd_stop_by(struct mtd_engine *e, const char *ref, int sig, int64_t timeout_s,
                struct mtd_error *err);
/* The same before the host goes down: the restart policy applies again after a boot, and the
 * configured timeout is cut to at_most_ms; -1 = it is not. */
int mtd_shutdown(struct mtd_engine *e, const char *ref, int64_t at_most_ms,
                 struct mtd_error *err);
/* Stops it if it runs, then starts it; a container that does not run is started. */
int mtd_restart(struct mtd_engine *e, const char *ref, int64_t timeout_s,
                struct mtd_error *err);
int mtd_kill(struct mtd_engine *e, const char *ref, int sig, struct mtd_error *err);
int mtd_pause(struct mtd_engine *e, const char *ref, bool pause, struct mtd_error *err);
/* Blocks until it is not running. Already exited = at once with the last status. */
int mtd_wait(struct mtd_engine *e, const char *ref, int *ret_exit_code,
             struct mtd_error *err);
int mtd_remove(struct mtd_engine *e, const char *ref, bool force, bool volumes,
               struct mtd_error *err);
int mtd_rename(struct mtd_engine *e, const char *ref, const char *name,
               struct mtd_error *err);
/* ---- networks ---- */

/* name: or the beginning of an id. */
int mtd_network_inspect(struct mtd_engine *e, const char *name, struct mtd_net *ret,
                        struct mtd_error *err);
/* Docker's EndpointID: a container on a network, by the ids of both; the same at each start. */
void mtd_endpoint_id(const char *container, const char *network, char ret[MTD_ID_SIZE]);
int mtd_network_list(struct mtd_engine *e, struct mtd_net_list *ret,
                     struct mtd_error *err);
/* What is missing in n is chosen: id, bridge, subnet, gateway; subnet6 "" = any, NULL = no
 * IPv6. */
int mtd_network_create(struct mtd_engine *e, struct mtd_net *n, struct mtd_error *err);
/* What that would refuse, and how it would fill n in; nothing is made. */
int mtd_network_check(struct mtd_engine *e, struct mtd_net *n, struct mtd_error *err);
/* Whether the port could be published now; -EADDRINUSE: err names who has it. */
int mtd_port_check(struct mtd_engine *e, const struct mtd_port *p, struct mtd_error *err);
/* What a running container has received and sent by one of its networks. */
struct mtd_traffic {
    int64_t taken_at; /* monotonic ns */
    uint64_t rx, tx;  /* bytes */
};
int mtd_network_traffic(const struct mtd_summary *s, const char *network,
                        struct mtd_traffic *ret);
/* For each of status.ports of a running container whether somebody inside listens at it. -ESRCH. */
int mtd_ports_heard(const struct mtd_record *r, bool *heard);
/* -EBUSY = a container that runs is on it. */
int mtd_network_remove(struct mtd_engine *e, const char *name, struct mtd_error *err);
/* Of a container that runs at once, of any from its next start on. */
int mtd_network_connect(struct mtd_engine *e, const char *ref, const struct mtd_join *j,
                        struct mtd_error *err);
int mtd_network_disconnect(struct mtd_engine *e, const char *name, const char *ref,
                           struct mtd_error *err);

/* Makes the host's side anew: rules, bridges, ports; and what living containers have of it. */
int mtd_network_reload(struct mtd_engine *e, struct mtd_error *err);
/* Other programs' rules that drop what is forwarded for the network: a sentence for each, with the
 * command that ends it. */
void mtd_network_obstacles(struct mtd_engine *e, const char *network,
                           void (*tell)(const char *network, const char *text, void *arg),
                           void *arg);

/* Changes limits of a live or stopped container; resources that are 0 / NULL stay as they
 * are, and so does the restart policy unless sets_restart. */
struct mtd_update {
    struct mtd_resources resources;
    bool sets_restart;
    enum mtd_restart restart;
    unsigned restart_max;
    /* Ports that are published from now on, and others no more: of a live container at once.
     * rm: what is 0 or NULL there matches any. */
    const struct mtd_port *publish_add, *publish_rm;
    size_t n_publish_add, n_publish_rm;
};
int mtd_update(struct mtd_engine *e, const char *ref, const struct mtd_update *u,
               struct mtd_error *err);

/* ---- checking ---------------------------------------------------------------------- */

/* Compares the records with names, trash, run directories, monitors, processes, control
 * groups and mounts, and tells each disagreement that lasts longer than a moment. Looks
 * only at what belongs to these two roots. With repair it puts right what it can. Open
 * the engine as_found, or opening it has repaired most. Returns how many disagreements
 * remain, or -errno. */
struct mtd_finding {
    const char *id;   /* container; "" = none */
    const char *text; /* what disagrees with what, one line */
    bool repaired;
};
typedef void (*mtd_finding_fn)(const struct mtd_finding *f, void *arg);
int mtd_check(struct mtd_engine *e, bool repair, mtd_finding_fn found, void *arg,
              struct mtd_error *err);

/* ---- terminals and streams --------------------------------------------------------- */

/* Attaches to a running container, to the output from now on. */
int mtd_attach(struct mtd_engine *e, const char *ref, struct mtd_attachment **ret,
               struct mtd_error *err);

/* Runs the client side of a container's stdio until it exits or the user detaches: stdin
 * to the container, its output from the log to stdout and stderr, terminal sizes, signals
 * proxied. Puts a terminal in raw mode and always gives it back; blocks and forwards
 * signals while it runs. *ret_status = the exit status; MTD_DETACHED when the keys were
 * typed, MTD_UNREAD when nobody reads out or err any more (EPIPE) or, with an error,
 * when they cannot be written, MTD_FORCED when the user
 * insisted: three SIGINT or SIGTERM within two seconds, all of them passed on. An attachment is
 * relayed once; it is the caller's before and after. */
#define MTD_DETACHED (-1)
#define MTD_UNREAD (-2)
#define MTD_FORCED (-3)
struct mtd_relay {
    bool with_stdin, with_output, sig_proxy;
    const char *detach_keys; /* NULL = "ctrl-p,ctrl-q", "" = none */
    int in, out, err;        /* fds, normally 0 1 2 */
};
int mtd_relay(struct mtd_engine *e, struct mtd_attachment *a, const struct mtd_relay *r,
              int *ret_status, struct mtd_error *err);
/* After that: some of the output could not be shown, because somebody emptied, deleted or damaged
 * the log. */
bool mtd_attachment_lost(const struct mtd_attachment *a);
int mtd_detach_keys_check(const char *keys, struct mtd_error *err);

/* Runs a command in a running container. Relays like mtd_relay unless detach. *ret_status
 * is the command's: 126/127 when it could not be run (err then says why and 0 is
 * returned). */
int mtd_exec(struct mtd_engine *e, const char *ref, const struct mtd_exec *x,
             int *ret_status, struct mtd_error *err);

/* The sessions of exec that live now, oldest first. What the command started belongs to
 * its session too, until it makes a session of its own (setsid). */
int mtd_execs(struct mtd_engine *e, const char *id, struct mtd_exec_info **ret,
              struct mtd_error *err); /* count; *ret is malloc'ed */
/* exec: a session's id or a unique prefix of it. SIGKILL ends all of the session and
 * returns when its command is gone; any other signal is the command's alone. */
int mtd_exec_kill(struct mtd_engine *e, const char *ref, const char *exec, int sig,
                  struct mtd_error *err);

/* ---- files ---- */

/* Copies between the host and a container, running or not, by docker cp's rules about what is
 * there and slashes at the end; engine/copy/copy.h has the rest. *ret_bytes: what a tar of it
 * takes. Blocks as long as the data takes; a container that does not run cannot be started or
 * removed meanwhile. */
struct mtd_copy {
    bool into;             /* the container; else out of it */
    const char *path;      /* in the container */
    const char *host_path; /* NULL = the tar at tar_fd */
    int tar_fd;
    bool keep_owner;  /* uid and gid; else root's inside, the caller's outside */
    bool follow_link; /* that is the source itself */
    const struct mtd_progress *progress;
};
int mtd_copy(struct mtd_engine *e, const char *ref, const struct mtd_copy *c,
             uint64_t *ret_bytes, struct mtd_error *err);
/* Adds the names in a directory of a running container, sorted, those of directories with a "/" at
 * the end; any bytes. At most 4096, then -E2BIG. -ESRCH = it does not run. */
int mtd_names(struct mtd_engine *e, const char *ref, const char *path, struct strv *ret,
              struct mtd_error *err);

/* ---- images ------------------------------------------------------------------------ */

/* Names without a tag mean ":latest". The embedded busybox and <root>/image/NAME.tar
 * appear as images and are unpacked at first use. */
int mtd_images(struct mtd_engine *e, struct mtd_image_list *ret, struct mtd_error *err);
int mtd_image_find(struct mtd_engine *e, const char *ref, struct mtd_image *ret,
                   struct mtd_error *err);
int mtd_image_remove(struct mtd_engine *e, const char *ref, bool force,
                     struct strv *ret_report,
                     struct mtd_error *err); /* report: "Untagged: ..", "Deleted: .." */
int mtd_image_tag(struct mtd_engine *e, const char *ref, const char *name,
                  struct mtd_error *err);
/* How the image was made, as its config says; of a step that is not known only its layer. */
int mtd_image_history(struct mtd_engine *e, const char *ref, struct mtd_history_list *ret,
                      struct mtd_error *err);
/* Bytes in the files of a layer (of mtd_image's layers); 0 = not known. */
uint64_t mtd_layer_size(struct mtd_engine *e, const char *chain);
/* Deletes the blobs of layers that are unpacked and, as is tried for each, can be packed again
 * to the same bytes. -EBUSY = a load or a pull is running. */
int mtd_image_drop_blobs(struct mtd_engine *e, bool only_count,
                         const struct mtd_progress *progress, struct mtd_dropped *ret,
                         struct mtd_error *err);
struct mtd_commit {
    const char *name; /* NULL = no name */
    const char *message, *author;
    const char *platform; /* of an import, "linux/arm64"; NULL = the host's */
    /* Dockerfile instructions: "CMD [\"a\"]", "ENV A=b" ... */
    const struct strv *changes;
    bool pause;                          /* while the files are read */
    const struct mtd_progress *progress; /* NULL = nobody asks */
};
int mtd_commit(struct mtd_engine *e, const char *ref, const struct mtd_commit *c,
               char **ret_id, struct mtd_error *err);
/* meta: pause means nothing here. */
int mtd_import(struct mtd_engine *e, int tar_fd, const struct mtd_commit *meta,
               char **ret_id, struct mtd_error *err);
int mtd_export(struct mtd_engine *e, const char *ref, int out_fd,
               const struct mtd_progress *progress, struct mtd_error *err);
/* Images out of an archive of docker's or OCI's (a file, a pipe, any compression), or out of
 * an OCI layout's directory. platform: "linux/arm64", NULL = all. ret_loaded: the name,
 * or without one the id ("sha256:.."), of each; also of those before a failure. */
int mtd_load(struct mtd_engine *e, int fd, const char *platform,
             const struct mtd_progress *progress, struct strv *ret_loaded,
             struct mtd_error *err);
enum mtd_save_form {
    MTD_SAVE_DOCKER, /* what docker 25 writes, and everybody reads */
    MTD_SAVE_OCI,    /* an OCI layout in a tar */
    MTD_SAVE_LAYOUT, /* an OCI layout */
};
enum mtd_compress { MTD_COMPRESS_NONE, MTD_COMPRESS_GZIP, MTD_COMPRESS_ZSTD };
struct mtd_save {
    const struct strv *refs;
    enum mtd_save_form form;
    enum mtd_compress compress; /* of the tar */
    int fd;                     /* of the tar, or of an empty directory */
    const struct mtd_progress *progress;
};
int mtd_save(struct mtd_engine *e, const struct mtd_save *s, struct mtd_error *err);

/* ---- volumes ----------------------------------------------------------------------- */

/* All volumes, by name, with who uses them. One that cannot be read has its error set. sizes: it
 * reads every directory of every volume, which takes as long as `du`. */
int mtd_volumes(struct mtd_engine *e, bool sizes, struct mtd_volume_list *ret,
                struct mtd_error *err);
/* One; a whole name. used_by is left empty. */
int mtd_volume_find(struct mtd_engine *e, const char *name, struct mtd_volume *ret,
                    struct mtd_error *err);
/* Its directory, which the caller frees; NULL = out of memory. */
char *mtd_volume_path(struct mtd_engine *e, const char *name);
uint64_t mtd_volume_size(struct mtd_engine *e,
                         const char *name); /* 0 = it is not there */
struct mtd_volume_create {
    const char *name;                    /* NULL = an anonymous one */
    const struct strv *labels, *options; /* "key=value"; NULL = none */
};
/* 1 = it was made, 0 = there is one of this name, which stays as it is. ret_name is malloc'ed. */
int mtd_volume_create(struct mtd_engine *e, const struct mtd_volume_create *c,
                      char **ret_name, struct mtd_error *err);
/* What `options` of the local driver may say; before anything is made. */
int mtd_volume_options_check(const struct strv *options, struct mtd_error *err);
/* -EBUSY = containers have it; err names them. */
int mtd_volume_remove(struct mtd_engine *e, const char *name, struct mtd_error *err);

/* ---- registries --------------------------------------------------------------------- */

/* By skopeo: -ENOENT and a sentence that says so where it is not installed. platform:
 * "linux/arm64/v8", NULL = the host's. */
int mtd_pull(struct mtd_engine *e, const char *ref, const char *platform,
             const struct mtd_registry *how, struct mtd_pulled *ret,
             struct mtd_error *err);
/* All tags of ref's repository there are in its registry. */
int mtd_registry_tags(const char *ref, const struct mtd_registry *how, struct strv *ret,
                      struct mtd_error *err);
/* ref: a name that an image has. */
int mtd_push(struct mtd_engine *e, const char *ref, const struct mtd_registry *how,
             struct mtd_error *err);
/* host: "docker.io", "localhost:5000". The password is tried, then kept in skopeo's file. */
int mtd_login(const char *host, const char *user, const char *password,
              const struct mtd_registry *how, struct mtd_error *err);
/* -ENOENT = there was no login. */
int mtd_logout(const char *host, const struct mtd_registry *how, struct mtd_error *err);
/* A name in pieces as docker writes it, for what is shown; -EINVAL. */
struct mtd_image_name {
    char text[256];  /* "busybox:latest" */
    char whole[280]; /* "docker.io/library/busybox:latest" */
    size_t repo_len, whole_repo_len;
    bool has_tag, has_digest;
};
int mtd_image_name(const char *ref, struct mtd_image_name *ret, struct mtd_error *err);
/* By buildah. ret_id: "sha256:..", malloc'ed. */
int mtd_build(struct mtd_engine *e, const struct mtd_build *b,
              const struct mtd_registry *how, char **ret_id, struct mtd_error *err);
/* Drops what builds keep for the next ones, <root>/build/storage. -EBUSY = one is running. */
int mtd_drop_builds(struct mtd_engine *e, struct mtd_error *err);
/* Whether pull can work at all: skopeo is installed. */
int mtd_can_pull(struct mtd_error *err);

/* ---- host -------------------------------------------------------------------------- */

struct mtd_info {
    unsigned cpus;
    uint64_t memory;
    char cgroup_version[16]; /* "1", "2", "hybrid" */
    char kernel[65], machine[65];
    bool seccomp;  /* the kernel can confine system calls */
    bool apparmor; /* containers get a profile */
    bool selinux;  /* containers get labels */
    bool forwards; /* IPv4 between interfaces: before the first bridge a host may not */
};
int mtd_host_info(struct mtd_engine *e, struct mtd_info *ret, struct mtd_error *err);

#endif
