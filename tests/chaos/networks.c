/* The storm has a host of its own: network and mount namespaces, so that containers get the
 * default network. Where that cannot be made, none do, and the reason is said. */

#include "storm.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define PATIENCE_NS \
    (30 * NS_PER_SEC) /* the kernel removes interfaces when it gets to it */

bool storm_networks_begin(struct storm *s)
{
    s->networks = access("/usr/sbin/nft", X_OK) == 0 &&
                  access("/usr/sbin/ip", X_OK) == 0 &&
                  unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
                  mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                  system("ip link set lo up") == 0;
    if (!s->networks)
        printf("storm: no host of its own (nft, ip, namespaces): without networks\n");
    return s->networks;
}

/* Lines of the command; shown = printed. */
static unsigned count_lines(const char *command, const char *what, bool shown)
{
    auto_free char *line = NULL;
    size_t cap = 0;
    unsigned n = 0;
    FILE *p = popen(command, "re");
    while (p && getline(&line, &cap, p) >= 0) {
        n++;
        if (shown)
            printf("%s: %s", what, line);
    }
    if (p)
        pclose(p);
    return n;
}

static unsigned await_none(const char *command, const char *what)
{
    for (int64_t end = clock_mono_ns() + PATIENCE_NS; clock_mono_ns() < end;) {
        if (count_lines(command, what, false) == 0)
            return 0;
        nanosleep(&(struct timespec){.tv_nsec = 200 * NS_PER_MS}, NULL);
    }
    return count_lines(command, what, true);
}

unsigned truth_of_networks(struct storm *s)
{
    char command[512];
    snprintf(command, sizeof(command), MTD_TESTS_DIR "/support/nettruth %s %s %s 2>&1",
             s->program, s->root, s->run);
    return s->networks ? await_none(command, "lie: network") : 0;
}

unsigned truth_of_network_leftovers(struct storm *s)
{
    char command[512];
    if (!s->networks)
        return 0;
    snprintf(
        command, sizeof(command),
        "nft list ruleset | grep comment.*:; ip -o link show type veth;"
        "find %s/net -type f ! -name next ! -name .closed ! -name '.host-*';"
        "[ $(ip -o link show type bridge | wc -l) -le 1 ] || ip -o link show type bridge",
        s->run);
    return await_none(command, "leak");
}
