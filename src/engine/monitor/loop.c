/* There is one monitor for each container, so an idle one must cost next to nothing: it
 * sleeps in poll without a timeout and gives back the memory that starting took. The log
 * is written before clients are told, so what a client has seen is in the file. */

#include "engine/monitor/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <poll.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define STACK_DEEP (64 * 1024u)
#define CODE_MAX 768             /* bytes of a function that waits */
#define COOL_MS 1000             /* after the start, and after a burst of output */
#define FLOWS_MS 50              /* flows of datagrams are looked for after the start */
#define FULL_MS 1000             /* between checks whether a reader has moved on */
#define TERMINAL_ROOM (1u << 20) /* more than the kernel keeps for one */

enum {
    AT_PID,
    AT_OUT,
    AT_ERR,
    AT_IN,
    AT_LISTEN,
    AT_DNS,
    AT_RELAY,
    AT_TABLES,
    AT_PACK,
    AT_CLIENTS,
    AT_ALL = AT_CLIENTS + MONITOR_CLIENTS
};

/* Starting used more stack than waiting does; frames of calls from here are in the page
 * that is kept. Failing is harmless: part of it may never have been mapped. */
static void drop_stack(uintptr_t page)
{
    uintptr_t end = ((uintptr_t)__builtin_frame_address(0) & ~(page - 1)) - page;
    void *deep = (void *)(end - STACK_DEEP); /* NOLINT: an address */
    madvise(deep, STACK_DEEP, MADV_DONTNEED);
}

/* Moves one batch from the container into the log. false = nothing more to read. */
static bool pump(struct monitor *m, int *fd, enum log_stream stream)
{
    if (*fd < 0)
        return false;
    ssize_t n = log_take(&m->log, stream, *fd, clock_wall_ns());
    if (n == -EINTR)
        return true;
    if (n == -EAGAIN)
        return false;
    if (n <= 0) { /* EIO: no process has the terminal open any more */
        bool terminal = *fd == m->in;
        close(take_fd(fd));
        if (terminal) {
            m->in = -1;
            monitor_client_flush_input(m);
        }
        return false;
    }
    m->written += (uint64_t)n;
    monitor_client_notify_all(m);
    return true;
}

MONITOR_HOT static void fill(const struct monitor *m, struct pollfd *p)
{
    bool pending = monitor_input_waits(m), full = log_is_full(&m->log);
    p[AT_PID] = (struct pollfd){.fd = m->pidfd, .events = POLLIN};
    p[AT_OUT] = (struct pollfd){.fd = full ? -1 : m->out, .events = POLLIN};
    p[AT_ERR] = (struct pollfd){.fd = full ? -1 : m->err, .events = POLLIN};
    p[AT_IN] = (struct pollfd){.fd = pending ? m->in : -1, .events = POLLOUT};
    p[AT_LISTEN] = (struct pollfd){.fd = m->listen_fd, .events = POLLIN};
    p[AT_DNS] = (struct pollfd){.fd = m->dns.poll_fd, .events = POLLIN};
    p[AT_RELAY] = (struct pollfd){.fd = m->relay.poll_fd, .events = POLLIN};
    p[AT_TABLES] = (struct pollfd){.fd = m->watch_fd, .events = POLLIN};
    p[AT_PACK] = (struct pollfd){.fd = m->packs.pidfd, .events = POLLIN};
    for (size_t i = 0; i < MONITOR_CLIENTS; i++) {
        const struct monitor_client *c = &m->clients[i];
        p[AT_CLIENTS + i] =
            (struct pollfd){.fd = c->waits ? -1 : c->fd, .events = POLLIN};
    }
}

static void serve_clients(struct monitor *m, const struct pollfd *p)
{
    for (size_t i = 0; i < MONITOR_CLIENTS; i++) {
        if (m->clients[i].fd < 0 || p[AT_CLIENTS + i].fd != m->clients[i].fd)
            continue;
        if (p[AT_CLIENTS + i].revents & POLLIN)
            monitor_client_read(m, &m->clients[i]);
        else if (p[AT_CLIENTS + i].revents)
            monitor_client_drop(m, &m->clients[i]);
    }
}

/* With pid 1 all processes of the namespace have ended, so what the pipe holds is
 * all there is. No more than it can hold is read: its other end may have been passed
 * to a process outside. */
static void drain(struct monitor *m, int *fd, enum log_stream stream)
{
    int room = *fd < 0 ? 0 : fcntl(*fd, F_GETPIPE_SZ);
    uint64_t end = m->written + (room >= 0 ? (uint64_t)room : TERMINAL_ROOM);
    while (m->written < end && pump(m, fd, stream))
        ;
}

/* Starting touched most of the program, waiting needs a few pages. What is dropped is
 * clean and comes back from the page cache when it is needed. */
MONITOR_HOT static void drop_text(uintptr_t page)
{
    /* NOLINTNEXTLINE: an address */
    const ElfW(Phdr) *ph = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    size_t n = getauxval(AT_PHNUM);
    uintptr_t base = 0;
    for (size_t i = 0; i < n; i++)
        if (ph[i].p_type == PT_PHDR)
            base = (uintptr_t)ph - ph[i].p_vaddr;
    for (size_t i = 0; i < n; i++) {
        uintptr_t start = (base + ph[i].p_vaddr + page - 1) & ~(page - 1);
        uintptr_t end = (base + ph[i].p_vaddr + ph[i].p_filesz) & ~(page - 1);
        if (ph[i].p_type == PT_LOAD && !(ph[i].p_flags & PF_W) && end > start)
            syscall(SYS_madvise, start, end - start, MADV_DONTNEED);
    }
}

static void serve(struct monitor *m, const struct pollfd *p)
{
    if (p[AT_IN].revents)
        monitor_client_flush_input(m);
    if (p[AT_OUT].revents)
        pump(m, &m->out, LOG_STDOUT);
    if (p[AT_ERR].revents)
        pump(m, &m->err, LOG_STDERR);
    if (p[AT_LISTEN].revents)
        monitor_client_accept(m);
    bool worked = p[AT_DNS].revents && monitor_answer(m);
    worked |= p[AT_RELAY].revents && relay_turn(&m->relay);
    if (worked && !m->settle_ns) /* what that took goes later */
        m->settle_ns = clock_mono_ns() + COOL_MS * NS_PER_MS;
    if (p[AT_TABLES].revents)
        monitor_mend_table(m);
    if (p[AT_PACK].revents)
        monitor_end_pack(m);
    serve_clients(m, p);
}

/* A client that moves on wakes the loop; but a reader of an earlier run's output is no
 * client of this monitor, so a full log is also checked from time to time. */
static int patience(const struct monitor *m, int timeout_ms)
{
    if (timeout_ms >= 0)
        return timeout_ms;
    if (m->flows_at)
        return FLOWS_MS;
    if (m->settle_ns || m->log.burst)
        return COOL_MS;
    return log_is_full(&m->log) ? FULL_MS : -1;
}

/* The kernel maps 64 kB around each page it brings back, but never beyond the mapping.
 * madvise makes these pages a mapping of their own; what the advice is about, reading
 * ahead, does not matter for pages in the page cache. */
static void set_apart(const void *code, uintptr_t page)
{
    uintptr_t start = (uintptr_t)code & ~(page - 1);
    uintptr_t end = ((uintptr_t)code + CODE_MAX) & ~(page - 1);
    madvise((void *)start, end + page - start, MADV_RANDOM); /* NOLINT: an address */
}

/* The linker places the functions that wait together (MONITOR_HOT); they enter the kernel
 * through one function, syscall(). */
static void set_waiting_apart(uintptr_t page)
{
    set_apart((const void *)fill, page);
    set_apart((const void *)drop_text, page);
    set_apart((const void *)monitor_turn, page);
    set_apart((const void *)syscall, page);
}

/* The one wake-up without an event: what a start or a burst used is not kept while idle. */
static void give_back(struct monitor *m, bool quiet)
{
    bool settled = m->settle_ns && clock_mono_ns() >= m->settle_ns;
    if (!settled && !(quiet && m->log.burst && !m->settle_ns))
        return;
    log_idle(&m->log);
    m->tidy = true;
    m->settle_ns = 0;
    if (settled && m->mend_again)
        monitor_mend_table(m);
    if (settled) {
        malloc_trim(0);
        set_waiting_apart(m->page);
    }
}

MONITOR_HOT bool monitor_turn(struct monitor *m, int timeout_ms)
{
    struct pollfd p[AT_ALL];
    fill(m, p);
    if (m->tidy && !m->settle_ns) {
        drop_stack(m->page);
        drop_text(m->page);
        m->tidy = false;
    }
    int ms = patience(m, timeout_ms);
    struct timespec limit = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * NS_PER_MS};
    long n = syscall(SYS_ppoll, p, (long)AT_ALL, ms < 0 ? NULL : &limit, NULL, 0L);
    if (m->flows_at && clock_mono_ns() >= m->flows_at)
        monitor_forget_flows(m);
    if (timeout_ms < 0)
        give_back(m, n == 0);
    if (n > 0)
        serve(m, p);
    if (m->log.surplus_files)
        log_trim(&m->log);
    if (monitor_packs_are_due(m))
        monitor_pack(m);
    return n > 0 && p[AT_PID].revents != 0;
}

/* What the start used is kept for a second: a container that ends at once needs it again. */
MONITOR_HOT void monitor_serve(struct monitor *m)
{
    m->settle_ns = clock_mono_ns() + COOL_MS * NS_PER_MS;
    while (m->pidfd >= 0 && !monitor_turn(m, -1))
        ;
    monitor_take_status(m);
    drain(m, &m->out, LOG_STDOUT);
    drain(m, &m->err, LOG_STDERR);
}
