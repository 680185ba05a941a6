/* Images come from a registry and from an archive, and go there. The registry is Debian's, in the
 * storm's own network; no process of it has the storm's directory among its arguments, or it
 * would be killed as ours. */

#include "storm.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"

#define PORT 5005 /* of STORM_REGISTRY */
#define PATIENCE_NS (20 * NS_PER_SEC)

static const char CONFIG[] = "version: 0.1\nlog: {level: error}\n"
                             "http: {addr: '127.0.0.1:5005'}\n"
                             "storage: {filesystem: {rootdirectory: registry}}\n";
static const char DOCKERFILE[] = "FROM busybox AS one\nRUN echo 1 >/1\n"
                                 "FROM busybox\nCOPY --from=one /1 /2\n";

static _Noreturn void serve(const struct storm *s)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; i++)
        dup2(null, i);
    if (chdir(s->dir) == 0)
        execl("/usr/bin/docker-registry", "docker-registry", "serve", "registry.yml",
              NULL);
    _exit(99);
}

static bool listens(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(PORT),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
}

static void start_registry(struct storm *s)
{
    if (!s->networks || access("/usr/bin/docker-registry", X_OK) < 0 ||
        access("/usr/bin/skopeo", X_OK) < 0) {
        printf("storm: no registry (docker-registry, skopeo, a network): pulls fail\n");
        return;
    }
    s->registry = fork();
    if (s->registry == 0)
        serve(s);
    for (int64_t end = clock_mono_ns() + PATIENCE_NS;
         clock_mono_ns() < end && !listens();)
        nanosleep(&(struct timespec){.tv_nsec = 100 * NS_PER_MS}, NULL);
}

static void put(const struct storm *s, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", s->dir, name);
    if (fs_replace_at(AT_FDCWD, path, text, strlen(text), 0600, false) < 0)
        printf("storm: cannot write %s\n", path);
}

void storm_images_begin(struct storm *s)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/context", s->dir);
    if (mkdir(path, 0700) < 0)
        printf("storm: cannot make %s\n", path);
    put(s, "context/Dockerfile", DOCKERFILE);
    put(s, "registry.yml", CONFIG);
    start_registry(s);
    snprintf(path, sizeof(path), "%s/loaded.tar", s->dir);
    ASK(s, NULL, "run", "--name", "made", "busybox", "touch", "/made");
    ASK(s, NULL, "commit", "made", STORM_PULLED);
    ASK(s, NULL, "tag", STORM_PULLED, STORM_LOADED);
    ASK(s, NULL, "save", "-o", path, STORM_LOADED);
    if (s->registry > 0)
        ASK(s, NULL, "push", "-q", STORM_PULLED);
    ASK(s, NULL, "rm", "made");
    storm_images_remove(s);
}

void storm_images_remove(const struct storm *s)
{
    ASK(s, NULL, "rmi", "-f", STORM_PULLED);
    ASK(s, NULL, "rmi", "-f", STORM_LOADED);
}

void storm_images_end(struct storm *s)
{
    if (s->registry > 0)
        kill(s->registry, SIGKILL);
}
