/* What an interrupted start has made of the machine. */

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/container/container.h"
#include "engine/net/net.h"

/* Groups have the container's id as their name, so they can be found without a record. */
static void drop_groups(const char *id)
{
    auto_done(cgroup_done) struct cgroup host = {0}, group = {0};
    if (cgroup_discover(&host, "/proc", NULL) < 0)
        return;
    if (cgroup_open_id(&group, &host, id, NULL) == 0 && group.n > 0) {
        cgroup_kill(&group, NULL);
        cgroup_destroy(&group, NULL);
    }
}

/* With the lock held, what is there belongs to an interrupted start, not
 * to one in progress. */
void container_clear_run(struct mtd_engine *e, const char *id)
{
    drop_groups(id);
    net_forget(&e->store, id);
    fs_remove_tree_at(e->store.run_fd, id);
}
