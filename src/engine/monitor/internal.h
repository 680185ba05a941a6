/* monitor/internal.h - what the monitor's files share.
 * Shape   monitor.c is main and the phases, start.c the START table, release.c its last step, loop.c the poll
 *         loop, client.c the attach clients, adopt.c taking over, end.c the record of the
 *         end and cleaning up, restart.c the wait before the next run, policy.c whether
 *         there is one, record.c the record and its lock, log.c the log, pack.c its old pieces,
 *         share.c namespaces of other containers, network.c its networks, names.c names,
 *         health.c the process beside it.
 * Memory  everything the loop touches is in struct monitor: no malloc in steady state.
 *         The record is only in memory while starting and ending.
 */
#ifndef ENGINE_MONITOR_INTERNAL_H
#define ENGINE_MONITOR_INTERNAL_H

#include <unistd.h>

#include "engine/cgroup/cgroup.h"
#include "engine/dns/dns.h"
#include "engine/host/label.h"
#include "engine/inside/inside.h"
#include "engine/log/log.h"
#include "engine/log/pack.h"
#include "engine/net/net.h"
#include "engine/relay/relay.h"
#include "engine/store/alive.h"
#include "engine/store/store.h"
#include "engine/wire/packet.h"

#define MONITOR_CLIENTS 32
#define MONITOR_HOT __attribute__((hot, noinline)) /* placed together by the linker */

struct monitor_client {
    int fd;           /* -1 = free slot */
    bool follows;     /* it has asked to be told that the log has grown */
    bool gives_input; /* when it goes, the input has ended */
    bool waits; /* its next packet is input, for which there is no room: it is not read */
};

/* The log's pieces on their way to be compressed. */
struct monitor_packs {
    int lock_fd; /* -1 = they are not */
    int pidfd;   /* of the process; -1 = none */
    pid_t pid;
    bool due;         /* there may be one, whoever rotated it */
    uint64_t refused; /* the inode number of one that could not be */
    struct log_piece piece;
};

struct monitor {
    struct store store;
    char id[MTD_ID_SIZE];
    const char *exe;              /* our executable's host path, for --init */
    char *dir, *images, *volumes; /* absolute */
    unsigned short rows, cols;

    int dir_fd, run_fd, claim_fd, lock_fd; /* claim: an OFD lock, held until exit */
    struct alive alive_entry;              /* from before the claim to the very end */
    struct mtd_record record;              /* only while starting and ending */
    bool tty, auto_remove;                 /* copied from it for the loop */
    bool attaches;    /* who starts it does, and it is not noted yet */
    bool keeps_stdin; /* a client's end of input is not its own */
    bool health;      /* the container has a health check */
    struct cgroup host, cgroup;
    bool cgroup_cloned; /* the clone made the cgroup namespace, not init */
    /* Others' that init will be in; of the network also one that was made before it. -1 = none */
    int pid_ns, net_ns;
    struct net_held held; /* ports of the host */
    struct net_flows
        flows;         /* still to be forgotten; of the start at flows_at, monotonic */
    int64_t flows_at;  /* 0 = not */
    int watch_fd;      /* the host's tables, while it is on a network; -1 = none */
    int64_t mended_at; /* monotonic */
    bool mend_again;   /* when what this took goes */
    struct dns_server dns;
    struct relay relay; /* to ports of ::1 */
    struct inside_share share;
    char *label; /* as label_prepare() made it; "" = none */

    pid_t pid;
    int pidfd;
    bool alive; /* pid 1 was alive when start or adopt ended */
    int sync_fd, userns_fd;
    struct rootfs_file_systems *file_systems; /* until it is cloned; NULL = none */
    bool starting; /* init has not become the command yet: clients hear nothing so far */
    int in, out, err; /* container's stdio, our ends; tty: out = in = master */
    int child[3];     /* the container's ends, until it is cloned */
    int listen_fd;
    struct log_writer log;
    struct log_mirror mirror;
    struct monitor_packs packs;
    uint64_t log_offset; /* where this run begins in the log */
    uint64_t written;    /* bytes read from the container */
    struct monitor_client clients[MONITOR_CLIENTS];

    size_t input_start, input_end;
    bool input_eof;
    uintptr_t page; /* the size of one */
    bool tidy;      /* something unusual was done: give its pages back before waiting */
    int64_t
        settle_ns; /* on the monotonic clock: when what the start used goes; 0 = it has */
    bool stopping; /* PACKET_STOPPING or PACKET_SHUTDOWN came: no restart */
    bool shutdown; /* it was PACKET_SHUTDOWN: the policy applies again after a boot */

    int exit_code, exit_signal; /* code -1 = not known */
    bool oom_killed;
    bool found_dead;    /* it had ended when this monitor took over */
    int64_t up_since;   /* monotonic */
    int64_t delay_ms;   /* the next restart's */
    int64_t restart_at; /* monotonic; 0 = not planned */
    unsigned restarts;

    /* Last: what the loop touches before it is on one page. */
    char input[PACKET_MAX]; /* stdin the container has not taken yet */
};

int monitor_start(struct monitor *m, struct mtd_error *err);
/* The last step. It gives the container's lock back; the record in memory stays. */
int monitor_release_init(struct monitor *m, struct mtd_error *err);
/* Takes over a container whose monitor was killed; also one that has ended
 * since, to record it. */
int monitor_adopt(struct monitor *m, struct mtd_error *err);
/* An init that lost its monitor before it became the command: waits until it has ended,
 * so that it does not pass for the running container. The caller holds the lock. */
void monitor_await_lost_init(const struct mtd_status *st);
/* Returns when the container has ended and its output is in the log. */
void monitor_serve(struct monitor *m);
/* Records the end and cleans up: record, cgroups, run directory, --rm, clients. true =
 * the policy demands another run. */
bool monitor_finish(struct monitor *m);
/* Sets when, before the end is recorded, since the record has it as well. */
void monitor_plan_restart(struct monitor *m);
/* Waits before a restart, serving clients. false = the container was stopped meanwhile,
 * which is recorded. */
bool monitor_back_off(struct monitor *m);
bool monitor_wants_restart(const struct monitor *m);
void monitor_end_restarting(struct monitor *m); /* stopped between two runs */
void monitor_undo_start(struct monitor *m, const struct mtd_error *err);
/* Closes and destroys what the start made, except the claim and the socket.
 * Safe to call twice. */
void monitor_release(struct monitor *m);
/* Removes the groups of an earlier run whose monitor was killed. */
void monitor_drop_left_groups(struct monitor *m);
/* One turn of the poll loop. timeout_ms -1 = none. true = pid 1 has ended. */
bool monitor_turn(struct monitor *m, int timeout_ms);
/* Sets exit code and signal of the ended pid 1, whether it is our child or not. */
void monitor_take_status(struct monitor *m);
int monitor_claim(struct monitor *m, struct mtd_error *err);
bool monitor_is_claimed(const struct monitor *m); /* by another one */
int monitor_open_log(struct monitor *m, struct mtd_error *err);
int monitor_open_stdio(struct monitor *m, struct mtd_error *err);
void monitor_close_stdio(struct monitor *m);
/* ---- pack.c ---- */
/* Before the log is opened; nothing if it is not to be compressed. */
void monitor_open_packs(struct monitor *m);
static inline bool monitor_packs_are_due(const struct monitor *m)
{
    return m->packs.lock_fd >= 0 && m->packs.pidfd < 0 &&
           (m->packs.due || m->log.unpacked || m->mirror.unpacked);
}
void monitor_pack(struct monitor *m);
void monitor_end_pack(struct monitor *m); /* its process has ended */
void monitor_pack_rest(struct monitor *m);
/* ---- share.c ---- */
/* Opens what it shares with other containers; only a start needs it. */
int monitor_open_shared(struct monitor *m, struct mtd_error *err);
/* monitor/volume.c */
int monitor_open_volumes(struct monitor *m, struct mtd_error *err);
void monitor_close_volumes(struct monitor *m);
void monitor_close_shared(struct monitor *m);
/* Between the two, what is cloned is in the other container's PID namespace. -errno */
int monitor_enter_pids(struct monitor *m, int *ret_back);
int monitor_leave_pids(int *back);

/* ---- network.c ---- */
/* Addresses, names and ports; what it has from an earlier run it keeps. */
int monitor_claim_network(struct monitor *m, struct mtd_error *err);
/* Gives them back; the record in memory is to be saved. */
void monitor_drop_network(struct monitor *m);
/* Of datagrams, to its ports: those that were there before it, or that it leaves. */
void monitor_forget_flows(struct monitor *m);
int monitor_make_links(struct monitor *m, struct mtd_error *err);
void monitor_take_over_network(struct monitor *m);
void monitor_close_network(struct monitor *m);
/* Something was deleted from the host's tables. */
void monitor_mend_table(struct monitor *m);
/* The record on disk says other networks or ports than before. */
void monitor_networks_changed(struct monitor *m);
/* As those of the PID namespace. */
int monitor_enter_network(struct monitor *m, int *ret_back);
int monitor_leave_network(int *back);

/* ---- names.c ---- */
void monitor_open_names(struct monitor *m, int ns_fd);
bool monitor_answer(struct monitor *m); /* false = there was nothing to be answered */

/* Locks the container and reads the record again: its name or policy may have changed. */
int monitor_reload(struct monitor *m);
void monitor_unlock(struct monitor *m);

/* A file that is deleted if the disk has no other room for the record of the end. */
#define MONITOR_CLAIM "monitor" /* in the run directory */
#define MONITOR_RESERVE "reserve"

void monitor_client_add(struct monitor *m, int fd);
void monitor_client_drop(struct monitor *m, struct monitor_client *c);
void monitor_client_notify_all(struct monitor *m);
void monitor_client_send_all(struct monitor *m, enum packet_type type, const void *data,
                             size_t len);
void monitor_client_accept(struct monitor *m);
void monitor_client_read(struct monitor *m, struct monitor_client *c);
/* Writes as much input as the container takes; drops it if the container
 * no longer reads any. */
void monitor_client_flush_input(struct monitor *m);
static inline bool monitor_input_waits(const struct monitor *m)
{
    return m->input_start < m->input_end;
}

static inline void monitor_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

#endif
