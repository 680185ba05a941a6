/* There is no daemon: each container has this process, which owes nothing to the front
 * end that started it: an empty environment, a session of its own, and one descriptor,
 * the socket through which the front end learns how the start went. */

#include "engine/monitor/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/parse.h"
#include "engine/monitor/internal.h"
#include "engine/store/events.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
/* stderr is /dev/null, so reports go to files, which the tests look for. */
static void keep_reports(const char *root)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/sanitizer", root);
    __sanitizer_set_report_path(path);
}
#else
#define keep_reports(root) ((void)(root))
#endif

#define FD_FRONT 3
enum { ARG_NAME, ARG_ROOT, ARG_RUN_ROOT, ARG_ID, ARG_EXE, ARG_MODE, ARG_COUNT };

static void detach(void)
{
    setsid();
    umask(077);
    (void)!chdir("/");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* ulimit -f of the front end: writes fail with EFBIG */
    proc_set_name(MONITOR_WAITING);
    prctl(PR_SET_DUMPABLE, 0);
    fcntl(FD_FRONT, F_SETFD, FD_CLOEXEC);
}

static void set_up(struct monitor *m, char **argv)
{
    int *fds[] = {&m->dir_fd,     &m->run_fd,        &m->claim_fd,    &m->lock_fd,
                  &m->pid_ns,     &m->net_ns,        &m->share.ipc,   &m->share.mounts,
                  &m->share.root, &m->pidfd,         &m->sync_fd,     &m->in,
                  &m->out,        &m->err,           &m->log.fd,      &m->listen_fd,
                  &m->userns_fd,  &m->packs.lock_fd, &m->packs.pidfd, &m->packs.piece.in};
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        *fds[i] = -1;
    for (int i = 0; i < 3; i++)
        m->child[i] = -1;
    for (size_t i = 0; i < MONITOR_CLIENTS; i++)
        m->clients[i].fd = -1;
    m->dns = (struct dns_server)DNS_SERVER_NONE;
    m->relay = (struct relay)RELAY_NONE;
    m->watch_fd = -1;
    m->page = getauxval(AT_PAGESZ);
    mtd_record_init(&m->record);
    snprintf(m->id, sizeof(m->id), "%s", argv[ARG_ID]);
    m->exe = argv[ARG_EXE];
    monitor_client_add(m, FD_FRONT);
}

static int open_paths(struct monitor *m, struct mtd_error *err)
{
    if (asprintf(&m->dir, "%s/containers/%s", m->store.root, m->id) < 0 ||
        asprintf(&m->images, "%s/images", m->store.root) < 0 ||
        asprintf(&m->volumes, "%s/volumes", m->store.root) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    m->dir_fd = store_open_dir(&m->store, m->id, err);
    return m->dir_fd < 0 ? m->dir_fd : 0;
}

/* The front end may still be making the container. What needs no record is done meanwhile. */
static int prepare(struct monitor *m, char **argv, struct mtd_error *err)
{
    int rc =
        store_open(&m->store, argv[ARG_ROOT], argv[ARG_RUN_ROOT], STORE_CHECKED, err);
    if (rc < 0)
        return rc;
    (void)cgroup_discover(&m->host, "/proc", NULL); /* the step that needs it says why */
    return 0;
}

/* false = there is nothing to be done: the front end has died, or made no container. */
static bool await_begin(struct monitor *m)
{
    char room[PACKET_MAX];
    struct packet_begin begin;
    const void *data = NULL;
    size_t len = 0;
    if (packet_recv(FD_FRONT, room, 0, &data, &len) != PACKET_BEGIN)
        return false;
    memcpy(&begin, data, sizeof(begin));
    proc_know_boot_id(begin.boot_id);
    m->rows = begin.rows ? begin.rows : 24;
    m->cols = begin.cols ? begin.cols : 80;
    m->clients[0].gives_input = begin.gives_input;
    m->attaches = begin.attaches;
    proc_set_name(MONITOR_NAME);
    return true;
}

static int load(struct monitor *m, char **argv, struct mtd_error *err)
{
    m->lock_fd = store_lock(&m->store, m->id, err);
    if (m->lock_fd < 0)
        return m->lock_fd;
    int rc = store_load(&m->store, m->id, &m->record, err);
    if (rc == 0 && strcmp(argv[ARG_MODE], MONITOR_ADOPT) != 0)
        rc = mtd_record_check(&m->record, err);
    if (rc < 0)
        return rc;
    m->tty = m->record.spec.process.tty;
    m->keeps_stdin = m->record.spec.process.keeps_stdin;
    m->auto_remove = m->record.spec.auto_remove;
    m->health = m->record.spec.healthcheck.test.len > 0;
    return open_paths(m, err);
}

/* docker's order. Who attaches does so to the first run. */
static void note_start(struct monitor *m)
{
    const struct event events[] = {event_of(&m->record, "attach"),
                                   event_of(&m->record, "start")};
    size_t first = m->attaches ? 0 : 1;
    events_append_all(m->store.root_fd, events + first, ARRAY_SIZE(events) - first);
    m->attaches = false;
}

/* Tells all clients that the command runs. From here the record is not needed. They are
 * told last, so that they find the event in the log and the container unlocked. */
static void announce(struct monitor *m, bool adopted)
{
    struct packet_ready ready = {
        .pid = m->alive ? m->pid : 0, .tty = m->tty, .log_offset = m->log_offset};
    if (adopted) {
        events_note(m->store.root_fd, &m->record, "adopt");
    } else {
        store_note_volumes(&m->store, &m->record, "mount");
        note_start(m);
    }
    (void)fault_point("start.announce");
    monitor_unlock(m);
    monitor_client_send_all(m, PACKET_READY, &ready, sizeof(ready));
    if (m->health && m->alive)
        monitor_start_health(m->store.root, m->store.run_root, m->id, NULL);
}

/* Of two starts at the same time the second finds the container running, and has nothing to do.
 * While the first one waits for init, it has the claim; then this one fails, and its front end
 * asks the other monitor. */
static bool already_running(struct monitor *m)
{
    const struct mtd_status *st = &m->record.status;
    char boot_id[BOOT_ID_LEN + 1] = "";
    if (st->state != MTD_STATE_RUNNING || proc_boot_id(boot_id) < 0 ||
        strcmp(boot_id, st->boot_id) != 0)
        return false;
    bool starting = proc_is(st->pid, st->pid_start) && inside_is_init(st->pid);
    if (starting && monitor_is_claimed(m))
        return false;
    if (starting)
        monitor_await_lost_init(st);
    if (!proc_is(st->pid, st->pid_start))
        return false;
    struct packet_ready ready = {.pid = st->pid, .tty = m->tty};
    monitor_client_send_all(m, PACKET_READY, &ready, sizeof(ready));
    return true;
}

static bool start(struct monitor *m)
{
    struct mtd_error err = {0};
    if (monitor_start(m, &err) == 0)
        return true;
    monitor_undo_start(m, &err);
    return false;
}

/* One run after another, as long as the policy demands it. */
static int live(struct monitor *m, bool adopted)
{
    for (;; adopted = false) {
        announce(m, adopted);
        monitor_serve(m);
        if (!monitor_finish(m) || !monitor_back_off(m))
            return 0;
        if (!start(m))
            return 1;
    }
}

/* The front end read the record before it was locked: the old monitor may have recorded
 * the end and exited meanwhile, and then there is nothing to do. */
static bool has_ended(const struct monitor *m)
{
    return !mtd_state_is_active(m->record.status.state);
}

static int adopt(struct monitor *m)
{
    struct mtd_error err = {0};
    if (has_ended(m)) {
        struct packet_ready nobody = {0};
        monitor_client_send_all(m, PACKET_READY, &nobody, sizeof(nobody));
        return 0;
    }
    if (monitor_adopt(m, &err) < 0) {
        monitor_client_send_all(m, PACKET_ERROR, &err, sizeof(err));
        return 1;
    }
    if (m->record.status.state != MTD_STATE_RESTARTING)
        return live(m, true);
    monitor_unlock(m);
    if (!monitor_back_off(m))
        return 0;
    return start(m) ? live(m, false) : 1;
}

int monitor_main(int argc, char **argv)
{
    static _Alignas(4096) struct monitor m; /* what it touches while it waits: one page */
    struct mtd_error err = {0};
    if (argc != ARG_COUNT || !hex_is_valid(argv[ARG_ID], MTD_ID_LEN))
        return 125;
    detach();
    keep_reports(argv[ARG_ROOT]);
    set_up(&m, argv);
    int rc = prepare(&m, argv, &err);
    if (rc == 0 && !await_begin(&m))
        return 0;
    (void)fault_point("monitor.begin");
    if (rc < 0 || load(&m, argv, &err) < 0) {
        monitor_client_send_all(&m, PACKET_ERROR, &err, sizeof(err));
        return 1;
    }
    if (strcmp(argv[ARG_MODE], MONITOR_ADOPT) == 0)
        return adopt(&m);
    if (already_running(&m))
        return 0;
    return start(&m) ? live(&m, false) : 1;
}
