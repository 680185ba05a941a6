/* storm PROGRAM SECONDS [SEED] - eight workers run random commands on twenty names of one state
 * root while processes of ours are killed at random. At the end what the program says must be
 * true, and after `rm -f` of all nothing may be left. The seed fixes the commands and the
 * victims' order, not the moments. */

#include "storm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/sys.h"

#define WORKERS 8
#define NAMES 20
#define HANG_MS 40000
#define SLEEPER "busybox", "sleep", "1000"

/* "@" is a name, "%" another, "&" an image, "$" at the beginning the storm's directory. */
static const struct {
    unsigned weight;
    const char *words[STORM_ARGS];
} COMMANDS[] = {
    {10, {"run", "-d", "--name", "@", SLEEPER}},
    {2, {"run", "-d", "--init", "--name", "@", SLEEPER}},
    {4,
     {"run", "-d", "--restart", "always", "--name", "@", "busybox", "sh", "-c",
      "usleep 200000"}},
    {2, {"run", "-d", "--restart", "on-failure:3", "--name", "@", "busybox", "false"}},
    {2, {"run", "-d", "--restart", "unless-stopped", "--name", "@", SLEEPER}},
    {5, {"run", "--rm", "--name", "@", "busybox", "echo", "x"}},
    {4, {"run", "--rm", "--name", "@", "busybox", "usleep", "300000"}},
    {4, {"run", "-d", "--rm", "--name", "@", SLEEPER}},
    {3,
     {"run", "-d", "--name", "@", "busybox", "sh", "-c",
      "while :; do echo line; done | head -n 20000; sleep 1000"}},
    {2, {"create", "--name", "@", "busybox", "true"}},
    {4, {"run", "-d", "--userns", "auto", "--name", "@", SLEEPER}},
    {2,
     {"run", "--rm", "--userns", "auto", "--name", "@", "busybox", "usleep", "300000"}},
    {1, {"create", "--userns", "auto", "--name", "@", "busybox", "true"}},
    {4, {"run", "-d", "-v", "vol:/v", "-v", "/anonymous", "--name", "@", SLEEPER}},
    {3, {"run", "--rm", "-v", "vol:/v", "-v", "/bin", "--name", "@", "busybox", "true"}},
    {4,
     {"run", "-d", "--network", "net", "--network-alias", "sql", "-p", "8080:80",
      "--name", "@", SLEEPER}},
    {3,
     {"run", "-d", "-p", "127.0.0.1:53:53/udp", "-P", "--expose", "80", "--name", "@",
      SLEEPER}},
    {2,
     {"run", "--rm", "--network", "net", "--ip", "10.77.0.9", "--name", "@", "busybox",
      "usleep", "200000"}},
    {2,
     {"run", "-d", "--restart", "always", "--network", "net", "-p", "8081:80", "--name",
      "@", "busybox", "usleep", "200000"}},
    {4,
     {"network", "create", "--subnet", "10.77.0.0/24", "--subnet", "fd00:77::/64",
      "net"}},
    {1, {"network", "rm", "net"}},
    {1, {"network", "prune", "-f"}},
    {6, {"network", "connect", "net", "@"}},
    {5, {"network", "disconnect", "net", "@"}},
    {2, {"network", "disconnect", "bridge", "@"}},
    {4, {"update", "--publish-add", "8082:80", "@"}},
    {3, {"update", "--publish-rm", "8082:80", "@"}},
    {1, {"network", "ls"}},
    {2, {"cp", "/etc/passwd", "@:/tmp/file"}},
    {2, {"cp", "@:/etc", "-"}},
    {2, {"volume", "create", "vol"}},
    {2, {"volume", "rm", "vol"}},
    {1, {"volume", "prune", "-f"}},
    {2, {"rm", "-f", "-v", "@"}},
    {8, {"start", "@"}},
    {8, {"stop", "-t", "0", "@"}},
    {3, {"restart", "-t", "0", "@"}},
    {4, {"kill", "@"}},
    {2, {"kill", "-s", "USR1", "@"}},
    {5, {"pause", "@"}},
    {6, {"unpause", "@"}},
    {5, {"rename", "@", "%"}},
    {8, {"rm", "-f", "@"}},
    {4, {"rm", "@"}},
    {8, {"exec", "@", "true"}},
    {3, {"exec", "@", "usleep", "200000"}},
    {3, {"exec", "-d", "@", "sleep", "5"}},
    {2, {"commit", "@", "&"}},
    {1, {"rmi", "-f", "&"}},
    {2, {"pull", "-q", STORM_PULLED}},
    {1, {"push", "-q", STORM_PULLED}},
    {1, {"rmi", "-f", STORM_PULLED}},
    {2, {"load", "-q", "-i", "$/loaded.tar"}},
    {1, {"rmi", STORM_LOADED}},
    {1, {"tag", STORM_LOADED, "&"}},
    {2, {"save", "-o", "$/saved.tar", "&"}},
    {1, {"save", "--compress", "zstd", "-o", "$/saved.tar", STORM_LOADED}},
    {1, {"build", "-q", "-t", "&", "$/context"}},
    {1, {"image", "prune", "-f"}},
    {2, {"run", "--rm", "--name", "@", STORM_LOADED, "true"}},
    {4, {"logs", "@"}},
    {2, {"logs", "--tail", "5", "@"}},
    {4, {"inspect", "@"}},
    {3, {"ps", "-a"}},
    {2, {"update", "--restart", "no", "@"}},
    {2, {"top", "@"}},
    {1, {"stats", "--no-stream"}},
};
#define N_COMMANDS (sizeof(COMMANDS) / sizeof(COMMANDS[0]))

static struct counts {
    atomic_bool over, calm; /* no more commands; no more kills */
    atomic_uint done[N_COMMANDS], failed[N_COMMANDS], killed, hung;
    atomic_uint victims[3];
} * counts;
static const char *const VICTIMS[] = {"monitors", "exec keepers", "front ends"};

static uint64_t next_random(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void wait_ms(unsigned ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * NS_PER_MS},
              NULL);
}

pid_t storm_spawn(const struct storm *s, const char *const words[], int out, int err)
{
    const char *argv[STORM_ARGS + 8] = {s->program,   "--root", s->root,
                                        "--run-root", s->run,   "--batch"};
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(99);
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(out < 0 ? null : out, 1);
    dup2(err < 0 ? null : err, 2);
    close_range(3, ~0u, 0);
    for (size_t i = 0; words[i] && i < STORM_ARGS; i++)
        argv[6 + i] = words[i];
    execv(s->program, (char *const *)argv);
    _exit(99);
}

int storm_ask(const struct storm *s, const char *const words[], struct buf *ret_out)
{
    int ends[2], status = 0;
    char room[16384];
    ssize_t n;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    pid_t pid = storm_spawn(s, words, ends[1], 2);
    close(ends[1]);
    while ((n = read(ends[0], room, sizeof(room))) > 0)
        if (ret_out)
            buf_add(ret_out, room, (size_t)n);
    close(ends[0]);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- workers ---------------------------------------------------------------------------- */

static size_t choose(uint64_t *seed)
{
    unsigned all = 0, at;
    for (size_t i = 0; i < N_COMMANDS; i++)
        all += COMMANDS[i].weight;
    at = (unsigned)(next_random(seed) % all);
    size_t i = 0;
    while (at >= COMMANDS[i].weight)
        at -= COMMANDS[i++].weight;
    return i;
}

#define ROOM 96

static void fill_words(const struct storm *s, size_t command, uint64_t *seed,
                       char room[4][ROOM], const char *words[])
{
    for (int i = 0; i < 2; i++)
        snprintf(room[i], ROOM, "c%u", (unsigned)(next_random(seed) % NAMES));
    snprintf(room[2], ROOM, "img%u", (unsigned)(next_random(seed) % 3));
    for (size_t i = 0; i < STORM_ARGS; i++) {
        const char *w = COMMANDS[command].words[i];
        if (w && w[0] == '$')
            snprintf(room[3], ROOM, "%s%s", s->dir, w + 1);
        words[i] = !w                    ? NULL
                   : strcmp(w, "@") == 0 ? room[0]
                   : strcmp(w, "%") == 0 ? room[1]
                   : strcmp(w, "&") == 0 ? room[2]
                   : w[0] == '$'         ? room[3]
                                         : w;
    }
}

static void print_words(const char *what, const char *const words[])
{
    char line[512] = "";
    size_t n = 0;
    for (size_t i = 0; words[i] && n < sizeof(line); i++)
        n += (size_t)snprintf(line + n, sizeof(line) - n, " %s", words[i]);
    printf("%s:%s\n", what, line);
}

static bool is_ours(const struct storm *s, pid_t pid, char *args, size_t size)
{
    arguments_of(pid, args, size);
    return strstr(args, s->dir) != NULL;
}

/* Who waits for whom: state, parent and where in the kernel. */
static bool show_process(pid_t pid, void *arg)
{
    char args[4096], path[64], stat[512] = "", wchan[64] = "";
    arguments_of(pid, args, sizeof(args));
    if (!is_ours(arg, pid, args, sizeof(args)) && strncmp(args, "mtd:", 4) != 0)
        return false;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    fs_read_small_at(AT_FDCWD, path, stat, sizeof(stat));
    snprintf(path, sizeof(path), "/proc/%d/wchan", (int)pid);
    fs_read_small_at(AT_FDCWD, path, wchan, sizeof(wchan));
    printf("  %.60s %s: %s\n", stat, wchan, args);
    return false;
}

/* A command that does not come back is a failure of its own. */
static int await(const struct storm *s, pid_t pid, const char *const words[])
{
    auto_fd int pidfd = sys_pidfd_open(pid, 0);
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    int status = 0;
    if (poll(&p, 1, HANG_MS) == 0) {
        print_words("hangs", words);
        printf("  %d is it; there are:\n", (int)pid);
        each_process(show_process, (void *)s);
        counts->hung++;
        sys_pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
    }
    waitpid(pid, &status, 0);
    return status;
}

static void work(const struct storm *s, uint64_t seed, int err)
{
    while (!counts->over) {
        char room[4][ROOM];
        const char *words[STORM_ARGS + 1] = {NULL};
        size_t c = choose(&seed);
        fill_words(s, c, &seed, room, words);
        int status = await(s, storm_spawn(s, words, -1, err), words);
        counts->done[c]++;
        if (WIFSIGNALED(status))
            counts->killed++;
        else if (WEXITSTATUS(status) != 0)
            counts->failed[c]++;
        fflush(stdout);
    }
}

/* ---- the killer ------------------------------------------------------------------------- */

#define CANDIDATES 1024

struct search {
    const struct storm *s;
    pid_t found[CANDIDATES];
    size_t n;
};

static bool collect(pid_t pid, void *arg)
{
    struct search *f = arg;
    char args[4096];
    if (is_ours(f->s, pid, args, sizeof(args)))
        f->found[f->n++] = pid;
    return f->n == CANDIDATES;
}

static unsigned kind_of(pid_t pid, const char *args)
{
    char path[64], name[32] = "";
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    auto_file FILE *f = fopen(path, "re");
    if (f && !fgets(name, sizeof(name), f))
        name[0] = '\0';
    if (strncmp(args, "mtd:monitor", 11) == 0)
        return 0;
    return strncmp(name, "mtd:keeper", 10) == 0 ? 1 : 2;
}

/* The arguments are read again while the pidfd holds the number. */
static void kill_one(const struct storm *s, uint64_t *seed)
{
    struct search f = {.s = s};
    char args[4096];
    each_process(collect, &f);
    if (f.n == 0)
        return;
    pid_t pid = f.found[next_random(seed) % f.n];
    auto_fd int pidfd = sys_pidfd_open(pid, 0);
    if (pidfd < 0 || !is_ours(s, pid, args, sizeof(args)))
        return;
    unsigned kind = kind_of(pid, args);
    if (sys_pidfd_send_signal(pidfd, SIGKILL, NULL, 0) == 0)
        counts->victims[kind]++;
}

static void kill_at_random(const struct storm *s, uint64_t seed)
{
    while (!counts->calm) {
        kill_one(s, &seed);
        wait_ms(10 + (unsigned)(next_random(&seed) % 120));
    }
}

/* ---- the whole ---------------------------------------------------------------------------- */

static pid_t start_child(const struct storm *s,
                         void (*run)(const struct storm *, uint64_t, int), uint64_t seed,
                         int err)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run(s, seed, err);
        _exit(0);
    }
    return pid;
}

static void run_killer(const struct storm *s, uint64_t seed, int err)
{
    (void)err;
    kill_at_random(s, seed);
}

/* What was let into a container that was paused the next moment stands still with it, for ever
 * when nobody gives another command. */
static void unpause_all(const struct storm *s, int err)
{
    for (unsigned i = 0; i < NAMES; i++) {
        char name[16];
        snprintf(name, sizeof(name), "c%u", i);
        const char *const words[] = {"unpause", name, NULL};
        waitpid(storm_spawn(s, words, -1, err), NULL, 0);
    }
}

static void join(pid_t worker, const struct storm *s, int err)
{
    while (waitpid(worker, NULL, WNOHANG) == 0) {
        unpause_all(s, err);
        wait_ms(100);
    }
}

/* Kills end before the commands do, so that each of these may still mend something. */
static void blow(const struct storm *s, unsigned seconds, uint64_t seed, int err)
{
    pid_t workers[WORKERS], killer = start_child(s, run_killer, seed ^ 1, err);
    for (unsigned i = 0; i < WORKERS; i++)
        workers[i] = start_child(s, work, seed + 1000 * (i + 1), err);
    wait_ms(seconds * 1000);
    counts->calm = true;
    waitpid(killer, NULL, 0);
    counts->over = true;
    for (unsigned i = 0; i < WORKERS; i++)
        join(workers[i], s, err);
}

static void remove_all(const struct storm *s)
{
    auto_done(buf_done) struct buf ids = {0};
    char *save = NULL;
    ASK(s, &ids, "ps", "-aq", "--no-trunc");
    for (char *id = ids.data ? strtok_r(ids.data, "\n", &save) : NULL; id;
         id = strtok_r(NULL, "\n", &save))
        if (ASK(s, NULL, "rm", "-f", id) != 0)
            printf("rm -f %s fails\n", id);
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof(name), "img%d", i);
        ASK(s, NULL, "rmi", "-f", name); /* there may be none of it */
    }
    storm_images_remove(s);
    ASK(s, NULL, "volume", "prune", "-a", "-f"); /* of removals without -v */
    ASK(s, NULL, "network", "prune", "-f");
    ASK(s, NULL, "image", "prune", "-f"); /* whose names a later commit took */
}

static void print_counts(unsigned lies, unsigned leaks)
{
    unsigned done = 0, failed = 0, kills = 0;
    for (size_t i = 0; i < N_COMMANDS; i++) {
        done += counts->done[i];
        failed += counts->failed[i];
        if (getenv("STORM_VERBOSE"))
            printf("%6u %6u refused  %s %s\n", counts->done[i], counts->failed[i],
                   COMMANDS[i].words[0],
                   COMMANDS[i].words[1] ? COMMANDS[i].words[1] : "");
    }
    for (size_t i = 0; i < ARRAY_SIZE(VICTIMS); i++)
        kills += counts->victims[i];
    printf("storm: %u operations (%u refused, %u killed), %u kills (", done, failed,
           counts->killed, kills);
    for (size_t i = 0; i < ARRAY_SIZE(VICTIMS); i++)
        printf("%s%u %s", i ? ", " : "", counts->victims[i], VICTIMS[i]);
    printf("), %u hung, %u lies, %u leaks\n", counts->hung, lies, leaks);
}

static void make_dir(struct storm *s)
{
    snprintf(s->dir, sizeof(s->dir), "/var/tmp/mtd-storm.XXXXXX");
    if (!mkdtemp(s->dir)) {
        perror(s->dir);
        exit(125);
    }
    snprintf(s->root, sizeof(s->root), "%s/root", s->dir);
    snprintf(s->run, sizeof(s->run), "%s/run", s->dir);
    if (storm_networks_begin(s))
        return;
    char config[96]; /* this machine's interfaces and firewall are left alone */
    snprintf(config, sizeof(config), "%s/config", s->dir);
    if (fs_replace_at(AT_FDCWD, config, "network = none\n", 15, 0600, false) < 0 ||
        setenv("MYTOP_DOCKER_CONFIG", config, 1) < 0)
        exit(125);
}

static uint64_t seed_of(const char *text)
{
    uint64_t seed = 0;
    if (text)
        return strtoull(text, NULL, 0);
    return getrandom(&seed, sizeof(seed), 0) < 0 ? 1 : seed >> 32;
}

int main(int argc, char **argv)
{
    struct storm s = {.program = argc > 1 ? argv[1] : ""};
    if (argc < 3 || geteuid() != 0) {
        fprintf(stderr, "usage: storm PROGRAM SECONDS [SEED], as root\n");
        return 125;
    }
    uint64_t seed = seed_of(argc > 3 ? argv[3] : NULL);
    counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    make_dir(&s);
    printf("storm: seed %llu, %s\n", (unsigned long long)seed, s.dir);
    /* the image is unpacked, the directory of claims made, the blob of its layer written, as
     * a commit does */
    ASK(&s, NULL, "run", "--rm", "--userns", "auto", "busybox", "true");
    char path[96];
    snprintf(path, sizeof(path), "%s/busybox.tar", s.dir);
    ASK(&s, NULL, "save", "-o", path, "busybox");
    storm_images_begin(&s);
    truth_remember(&s);
    snprintf(path, sizeof(path), "%s/stderr", s.dir);
    auto_fd int err = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    blow(&s, (unsigned)atol(argv[2]), seed, err);
    unsigned lies = truth_of_states(&s) + truth_of_networks(&s);
    remove_all(&s);
    unsigned leaks = truth_of_leftovers(&s) + truth_of_network_leftovers(&s);
    storm_images_end(&s);
    print_counts(lies, leaks);
    bool bad = lies || leaks || counts->hung;
    if (bad)
        printf("storm: %s is kept; again with seed %llu\n", s.dir,
               (unsigned long long)seed);
    else
        execlp("rm", "rm", "-rf", "--", s.dir, (char *)NULL);
    return bad;
}
