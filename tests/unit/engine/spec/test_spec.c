#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "engine/spec/spec.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct mtd_error err;

static void add(struct strv *v, const char *a, const char *b)
{
    strv_add(v, a);
    strv_add(v, b);
}

static void fill_process(struct mtd_process *p)
{
    add(&p->args, "/bin/sh", "\xff\x01 \"quoted\" \xe2\x82\xac");
    add(&p->env, "A=1", "B=\xc3\x28");
    p->cwd = strdup("/work");
    p->user = strdup("1000:100");
    p->keeps_stdin = true;
    p->seccomp = strdup("{\"defaultAction\":\"SCMP_ACT_ALLOW\"}");
    p->tty = p->open_stdin = p->no_new_privs = p->init = p->privileged = true;
    p->caps = MTD_CAPS_ALL;
    p->rlimits = calloc(2, sizeof(*p->rlimits));
    p->oom_score_adj = -1000;
    add(&p->group_add, "audio", "44");
    p->n_rlimits = 2;
    p->rlimits[0] = (struct mtd_rlimit){"nofile", 1024, UINT64_MAX};
    p->rlimits[1] = (struct mtd_rlimit){"core", 0, UINT64_MAX - 1};
}

static void fill_mounts(struct mtd_spec *s)
{
    s->mounts = calloc(3, sizeof(*s->mounts));
    s->n_mounts = 3;
    s->mounts[0] = (struct mtd_mount){
        MTD_MOUNT_BIND, strdup("/srv/\xff"), strdup("/a"), NULL, true, false};
    s->mounts[1] = (struct mtd_mount){
        MTD_MOUNT_TMPFS, NULL, strdup("/t"), strdup("size=64m,mode=1777"), false, false};
    s->mounts[2] = (struct mtd_mount){
        MTD_MOUNT_VOLUME, strdup("vol"), strdup("/v"), NULL, false, true};
    s->mounts[0].propagation = MTD_PROPAGATION_SHARED;
    s->mounts[0].recursion = MTD_RECURSION_READONLY;
    s->mounts[0].mode = strdup("ro,z");
    s->mounts[2].no_copy = true;
    s->mounts[2].subpath = strdup("a/b");
    strv_add(&s->mounts[2].volume_labels, "k=v");
    strv_add(&s->mounts[2].volume_options, "type=tmpfs");
}

static void fill_resources(struct mtd_resources *r)
{
    *r = (struct mtd_resources){.memory = 1 << 30,
                                .memory_swap = -1,
                                .memory_reservation = 1 << 20,
                                .sets_swappiness = true,
                                .swappiness = 100,
                                .oom_kill_disable = true,
                                .nano_cpus = 1500000000,
                                .cpu_period = 50000,
                                .cpu_quota = -1,
                                .cpu_shares = 262144,
                                .blkio_weight = 1000,
                                .pids = -1,
                                .cpuset_cpus = strdup("0-1"),
                                .cpuset_mems = strdup("0")};
    for (size_t i = 0; i < MTD_BLKIO_COUNT; i++)
        add(&r->blkio[i], "/dev/a:1048576", "/dev/b:10");
}

static void fill_spec(struct mtd_spec *s)
{
    s->image = strdup("busybox");
    s->image_id = strdup("sha256:0");
    add(&s->layers, "l0", "l1");
    add(&s->entrypoint, "/bin/sh", "-c");
    add(&s->cmd, "a", "");
    fill_process(&s->process);
    s->hostname = strdup("h");
    s->read_only = true;
    fill_mounts(s);
    fill_resources(&s->resources);
    s->network = MTD_NET_HOST;
    s->ipc = MTD_IPC_HOST;
    s->pid_host = s->uts_host = true;
    s->userns = MTD_USERNS_RANGES;
    s->userns_size = UINT32_MAX;
    s->idmap = calloc(2, sizeof(*s->idmap));
    s->idmap[0] = (struct mtd_idrange){0, 100000, 5};
    s->idmap[1] = (struct mtd_idrange){5, 4294967294, 1};
    s->n_idmap = 2;
    s->shm_size = 1 << 20;
    s->domainname = strdup("example.org");
    add(&s->sysctls, "net.core.somaxconn=5", "kernel.sem=1 2 3 4");
    add(&s->mask, "/a", "/b/c");
    add(&s->unmask, "ALL", "/proc/k*");
    add(&s->label_words, "type:a_t", "level:s0:c1,c2");
    s->mount_label = strdup("u:object_r:f_t:s0:c1,c2");
    s->process.selinux = strdup("u:r:a_t:s0:c1,c2");
    add(&s->devices, "/dev/fuse:/dev/fuse:rwm", "/dev/a:/dev/b:r");
    add(&s->device_rules, "c 1:3 r", "b *:* m");
    add(&s->volumes_from, "a:ro", "b");
    add(&s->exposed, "80/tcp", "53/udp");
    add(&s->annotations, "a=b", "c=");
    add(&s->dns_search, "example.org", "example.com");
    add(&s->dns_options, "ndots:2", "rotate");
    add(&s->dns, "1.1.1.1", "::1");
    s->joins = calloc(1, sizeof(*s->joins));
    s->n_joins = 1;
    s->joins[0].network = strdup("web");
    s->joins[0].address = strdup("172.18.0.9");
    s->joins[0].address6 = strdup("fd00::9");
    s->joins[0].mac = strdup("02:42:ac:12:00:09");
    add(&s->joins[0].aliases, "db", "cache");
    s->network_from = strdup(ID);
    s->ports = calloc(1, sizeof(*s->ports));
    s->n_ports = 1;
    s->ports[0] = (struct mtd_port){strdup("127.0.0.1"), 8080, 8090, 80, true};
    s->publish_all = true;
    add(&s->add_hosts, "a:1.2.3.4", "b:1.2.3.5");
    s->stop_signal = strdup("RTMIN+3");
    s->stop_timeout = -1;
    s->sets_stop_timeout = true;
    s->start_timeout = 7;
    s->attach[0] = s->attach[1] = s->attach[2] = true;
    add(&s->labels, "a", "mytop.privileged=true");
    add(&s->env_cmdline, "A=1", "B");
    s->auto_remove = true;
    s->restart = MTD_RESTART_UNLESS_STOPPED;
    s->restart_max = UINT32_MAX;
    s->log_driver = MTD_LOG_NONE;
    s->log_max_size = 10 << 20;
    s->log_max_file = 7;
    add(&s->log_opts, "tag=x", "env=A,B");
    add(&s->healthcheck.test, "CMD-SHELL", "true");
    s->healthcheck.interval = 1;
    s->healthcheck.timeout = 2;
    s->healthcheck.start_period = 3;
    s->healthcheck.start_interval = 5;
    s->healthcheck.retries = 4;
}

static void fill_status(struct mtd_status *s)
{
    *s = (struct mtd_status){
        .state = MTD_STATE_EXITED,
        .pid = 4194304,
        .pid_start = UINT64_MAX,
        .boot_id = "01234567-89ab-cdef-0123-456789abcdef",
        .monitor_pid = 77,
        .monitor_start = 88,
        .exit_code = 137,
        .exit_signal = 9,
        .oom_killed = true,
        .stopped_by_user = true,
        .restart_count = 5,
        .next_start_at = 1767322000123456789,
        .started_at = 1767323045678901234,
        .finished_at = 1767323045678901235,
        .error = strdup("exec: \"x\": not found"),
        .health = strdup("unhealthy"),
    };
    add(&s->cgroups, "unified:/sys/fs/cgroup/x", "memory:/y");
    add(&s->namespaces, "mnt:[4026531841]", "user:[4026531837]");
    s->endpoints = calloc(1, sizeof(*s->endpoints));
    s->n_endpoints = 1;
    struct mtd_endpoint *e = &s->endpoints[0];
    e->network = strdup("web");
    e->address = strdup("172.18.0.9");
    e->gateway = strdup("172.18.0.1");
    e->mac = strdup("02:42:ac:12:00:09");
    e->address6 = strdup("fd00::9");
    e->gateway6 = strdup("fd00::1");
    e->prefix = 16;
    e->prefix6 = 64;
    add(&e->names, "n", "db");
    s->ports = calloc(1, sizeof(*s->ports));
    s->n_ports = 1;
    s->ports[0] = (struct mtd_port){NULL, 32768, 0, 80, false};
}

static void make_minimal(struct mtd_record *r)
{
    mtd_record_init(r);
    strcpy(r->id, ID);
    r->name = strdup("n");
}

static void make_full(struct mtd_record *r)
{
    make_minimal(r);
    r->created_at = 1767323045000000001;
    fill_spec(&r->spec);
    fill_status(&r->status);
}

static void encode(const struct mtd_record *r, struct buf *text)
{
    mtd_error_clear(&err);
    cr_assert_eq(spec_encode(r, text, &err), 0, "%s", err.text);
}

static int decode(const char *text, size_t len, struct mtd_record *r)
{
    mtd_record_init(r);
    mtd_error_clear(&err);
    return spec_decode(text, len, r, &err);
}

static bool same_list(const struct strv *a, const struct strv *b)
{
    bool same = a->len == b->len;
    for (size_t i = 0; same && i < a->len; i++)
        same = strcmp(a->items[i], b->items[i]) == 0;
    return same;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void expect_same(bool same, const char *member)
{
    cr_expect(same, "%s differs", member);
}

#define SAME(member) expect_same(a->member == b->member, #member)
#define SAME_TEXT(member) expect_same(same_text(a->member, b->member), #member)
#define SAME_LIST(member) expect_same(same_list(&a->member, &b->member), #member)

static void expect_same_process(const struct mtd_process *a, const struct mtd_process *b)
{
    SAME_LIST(args), SAME_LIST(env), SAME_TEXT(cwd), SAME_TEXT(user), SAME_TEXT(seccomp);
    SAME(tty), SAME(open_stdin), SAME(keeps_stdin), SAME(no_new_privs), SAME(init),
        SAME(privileged), SAME(caps), SAME(oom_score_adj), SAME_LIST(group_add);
    cr_assert_eq(a->n_rlimits, b->n_rlimits);
    for (size_t i = 0; i < a->n_rlimits; i++) {
        SAME_TEXT(rlimits[i].name);
        SAME(rlimits[i].soft), SAME(rlimits[i].hard);
    }
}

static void expect_same_resources(const struct mtd_resources *a,
                                  const struct mtd_resources *b)
{
    SAME(memory), SAME(memory_swap), SAME(memory_reservation), SAME(sets_swappiness);
    SAME(swappiness), SAME(oom_kill_disable), SAME(nano_cpus), SAME(cpu_period);
    SAME(cpu_quota), SAME(cpu_shares), SAME(blkio_weight), SAME(pids);
    SAME_TEXT(cpuset_cpus), SAME_TEXT(cpuset_mems);
    for (size_t i = 0; i < MTD_BLKIO_COUNT; i++)
        SAME_LIST(blkio[i]);
}

static void expect_same_ports(const struct mtd_port *a, size_t n,
                              const struct mtd_port *b, size_t m)
{
    cr_assert_eq(n, m);
    for (size_t i = 0; i < n; i++, a++, b++)
        SAME_TEXT(address), SAME(host), SAME(target), SAME(udp);
}

static void expect_same_networks(const struct mtd_record *a, const struct mtd_record *b)
{
    SAME_TEXT(spec.network_from), SAME(spec.publish_all), SAME(spec.n_joins);
    for (size_t i = 0; i < a->spec.n_joins && i < b->spec.n_joins; i++) {
        SAME_TEXT(spec.joins[i].network), SAME_TEXT(spec.joins[i].address);
        SAME_TEXT(spec.joins[i].address6), SAME_TEXT(spec.joins[i].mac);
        SAME_LIST(spec.joins[i].aliases);
    }
    expect_same_ports(a->spec.ports, a->spec.n_ports, b->spec.ports, b->spec.n_ports);
    expect_same_ports(a->status.ports, a->status.n_ports, b->status.ports,
                      b->status.n_ports);
    cr_assert_eq(a->status.n_endpoints, b->status.n_endpoints);
    for (size_t i = 0; i < a->status.n_endpoints; i++) {
        SAME_TEXT(status.endpoints[i].network), SAME_TEXT(status.endpoints[i].address);
        SAME_TEXT(status.endpoints[i].gateway), SAME_TEXT(status.endpoints[i].mac);
        SAME_TEXT(status.endpoints[i].address6), SAME_TEXT(status.endpoints[i].gateway6);
        SAME(status.endpoints[i].prefix), SAME(status.endpoints[i].prefix6);
        SAME_LIST(status.endpoints[i].names);
    }
}

static void expect_same_spec(const struct mtd_spec *a, const struct mtd_spec *b)
{
    SAME_TEXT(image), SAME_TEXT(image_id), SAME_LIST(layers), SAME_LIST(entrypoint);
    SAME_LIST(cmd), SAME_TEXT(hostname), SAME(read_only);
    expect_same_process(&a->process, &b->process);
    SAME(userns), SAME(userns_size);
    cr_assert_eq(a->n_idmap, b->n_idmap);
    for (size_t i = 0; i < a->n_idmap; i++)
        SAME(idmap[i].inside), SAME(idmap[i].host), SAME(idmap[i].count);
    cr_assert_eq(a->n_mounts, b->n_mounts);
    for (size_t i = 0; i < a->n_mounts; i++) {
        SAME(mounts[i].type), SAME(mounts[i].read_only), SAME(mounts[i].anonymous),
            SAME(mounts[i].idmap);
        SAME(mounts[i].origin);
        SAME_TEXT(mounts[i].source), SAME_TEXT(mounts[i].target),
            SAME_TEXT(mounts[i].options);
        SAME(mounts[i].propagation), SAME(mounts[i].recursion), SAME(mounts[i].no_copy);
        SAME_TEXT(mounts[i].subpath), SAME_TEXT(mounts[i].mode);
        SAME_LIST(mounts[i].volume_labels), SAME_LIST(mounts[i].volume_options);
    }
    expect_same_resources(&a->resources, &b->resources);
    SAME(network), SAME_LIST(dns), SAME_LIST(dns_search), SAME_LIST(dns_options);
    SAME_LIST(add_hosts), SAME(ipc), SAME(pid_host), SAME(uts_host), SAME(shm_size);
    SAME_TEXT(domainname), SAME_LIST(sysctls), SAME_LIST(devices);
    SAME_LIST(mask), SAME_LIST(unmask), SAME_LIST(label_words), SAME_TEXT(mount_label),
        SAME_TEXT(process.selinux);
    SAME_LIST(device_rules), SAME_LIST(exposed), SAME_LIST(annotations);
    SAME_LIST(volumes_from);
    SAME_TEXT(stop_signal), SAME(stop_timeout), SAME_LIST(labels), SAME_LIST(env_cmdline);
    SAME(sets_stop_timeout), SAME(start_timeout), SAME(attach[0]), SAME(attach[1]),
        SAME(attach[2]);
    SAME(auto_remove), SAME(restart), SAME(restart_max), SAME(log_max_size),
        SAME(log_driver);
    SAME_LIST(log_opts), SAME(log_max_file), SAME_LIST(healthcheck.test),
        SAME(healthcheck.interval), SAME(healthcheck.timeout);
    SAME(healthcheck.start_period), SAME(healthcheck.start_interval),
        SAME(healthcheck.retries);
}

static void expect_same_record(const struct mtd_record *a, const struct mtd_record *b)
{
    SAME_TEXT(id), SAME_TEXT(name), SAME(created_at);
    expect_same_spec(&a->spec, &b->spec);
    expect_same_networks(a, b);
    SAME(status.state), SAME(status.pid), SAME(status.pid_start),
        SAME_TEXT(status.boot_id);
    SAME(status.monitor_pid), SAME(status.monitor_start), SAME(status.exit_code);
    SAME(status.exit_signal), SAME(status.oom_killed), SAME(status.stopped_by_user);
    SAME(status.restart_count), SAME(status.started_at), SAME(status.finished_at);
    SAME(status.next_start_at);
    SAME_TEXT(status.error), SAME_LIST(status.cgroups), SAME_LIST(status.namespaces),
        SAME_TEXT(status.health);
}

Test(spec, a_full_record_comes_back_exactly)
{
    auto_done(mtd_record_done) struct mtd_record r, back, copy;
    auto_done(buf_done) struct buf text = {0}, again = {0};
    make_full(&r);
    encode(&r, &text);
    cr_assert_eq(decode(text.data, text.len, &back), 0, "%s", err.text);
    expect_same_record(&r, &back);
    encode(&back, &again);
    cr_expect_str_eq(text.data, again.data);
    mtd_record_init(&copy);
    cr_expect_eq(spec_copy(&copy, &r, &err), 0);
    expect_same_record(&r, &copy);
}

/* Nothing in the full record equals its default, so nothing may be left out. */
Test(spec, a_full_record_writes_every_member)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(buf_done) struct buf text = {0};
    make_full(&r);
    encode(&r, &text);
    json_t *json = json_loadb(text.data, text.len, 0, NULL);
    cr_assert(json);
    cr_expect_eq(json_object_size(json_object_get(json, "process")), 9);
    cr_expect_eq(json_object_size(json_object_get(json, "mytop")), 54);
    cr_expect_eq(json_object_size(json_object_get(json, "state")), 18);
    json_decref(json);
}

Test(spec, defaults_are_left_out_and_come_back)
{
    auto_done(mtd_record_done) struct mtd_record r, back;
    auto_done(buf_done) struct buf text = {0};
    make_minimal(&r);
    encode(&r, &text);
    json_t *json = json_loadb(text.data, text.len, 0, NULL);
    cr_assert(json);
    cr_expect_eq(json_object_size(json), 8, "%s", text.data);
    json_decref(json);
    cr_assert_eq(decode(text.data, text.len, &back), 0, "%s", err.text);
    expect_same_record(&r, &back);
}

Test(spec, the_readers_keys_come_first)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(buf_done) struct buf text = {0};
    static const char *const KEYS[] = {
        "\"pid\": 4194304",       "\"id\": \"0123",
        "\"name\": \"n\"",        "\"createdTime\": \"2026-",
        "\"status\": \"exited\"", "\"command\": ",
        "\"volume\": ",           "\"process\": "};
    make_full(&r);
    encode(&r, &text);
    const char *p = text.data;
    for (size_t i = 0; i < ARRAY_SIZE(KEYS); i++) {
        p = p ? strstr(p, KEYS[i]) : NULL;
        cr_expect(p, "%s is missing or late", KEYS[i]);
    }
    cr_expect_eq(text.data[text.len - 1], '\n');
}

/* Replaces a member of a good record: path "a.b", value as JSON. */
static char *with_member(const char *path, const char *value)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(buf_done) struct buf text = {0};
    char part[64];
    make_minimal(&r);
    encode(&r, &text);
    json_t *json = json_loadb(text.data, text.len, 0, NULL), *object = json;
    for (const char *dot; (dot = strchr(path, '.')); path = dot + 1) {
        snprintf(part, sizeof(part), "%.*s", (int)(dot - path), path);
        if (!json_object_get(object, part))
            json_object_set_new(object, part, json_object());
        object = json_object_get(object, part);
    }
    json_t *v = json_loads(value, JSON_DECODE_ANY, NULL);
    cr_assert(v, "%s", value);
    json_object_set_new(object, path, v);
    char *out = json_dumps(json, 0);
    json_decref(json);
    return out;
}

Test(spec, refuses_members_of_the_wrong_kind_by_name)
{
    static const struct {
        const char *path, *value, *error;
    } CASES[] = {
        {"id", "\"x\"", "id: not 64 hexadecimal digits"},
        {"id", "\"../../etc\"", "id: not 64 hexadecimal digits"},
        {"id", "1", "id: not a string"},
        {"id", "\"" ID "0\"", "id: too long"},
        {"name", "\"../x\"", "name: not a container name"},
        {"name", "null", "name: not a container name"},
        {"status", "\"flying\"", "status: not a known value"},
        {"pid", "-1", "pid: out of range"},
        {"pid", "4294967297", "pid: out of range"},
        {"pid", "1.5", "pid: not a whole number"},
        {"pid", "\"1\"", "pid: not a whole number"},
        {"process", "[]", "process: not an object"},
        {"process.args", "\"sh\"", "process.args: not a list of strings"},
        {"process.args", "[1]", "process.args: not a list of strings"},
        {"process.args", "[\"a\", {\"hex\": \"zz\"}]",
         "process.args: not a list of strings"},
        {"process.args", "[{\"hex\": \"00\"}]", "process.args: not a list of strings"},
        {"process.args", "[{\"hex\": \"f\"}]", "process.args: not a list of strings"},
        {"process.args", "[{}]", "process.args: not a list of strings"},
        {"process.terminal", "1", "process.terminal: not true or false"},
        {"process.rlimits", "[1]", "process.rlimits: not a list of objects"},
        {"process.rlimits", "[{\"type\": \"aaaaaaaaaaaaaaaaaaaa\"}]",
         "process.rlimits: type: too long"},
        {"mounts", "[{\"destination\": \"/a\"}, {\"destination\": \"b\"}]",
         "mounts: destination: not an absolute path"},
        {"mounts", "[{}]", "mounts: destination: not an absolute path"},
        {"mounts", "[{\"destination\": \"/a\", \"type\": \"nfs\"}]",
         "mounts: type: not a known value"},
        {"mytop.ports", "[{\"host\": 80}]", "mytop.ports: target: missing"},
        {"linux.uidMappings", "[{\"hostID\": 1}]", "linux.uidMappings: size: missing"},
        {"mytop.networks", "[{}]", "mytop.networks: network: missing"},
        {"state.networks", "[{\"network\": null}]", "state.networks: network: missing"},
        {"linux", "7", "linux: not an object"},
        {"linux.resources", "7", "linux.resources: not an object"},
        {"linux.resources.memory.limit", "-5",
         "linux.resources.memory.limit: out of range"},
        {"linux.resources.cpu.shares", "262145",
         "linux.resources.cpu.shares: out of range"},
        {"mytop.capabilities", "\"ff\"", "mytop.capabilities: not 16 hexadecimal digits"},
        {"mytop.stopSignal", "\"NOPE\"", "mytop.stopSignal: not a signal"},
        {"mytop.logMaxFile", "0", "mytop.logMaxFile: out of range"},
        {"mytop.restart", "\"\"", "mytop.restart: not a known value"},
        {"createdTime", "\"10m\"", "createdTime: not a timestamp"},
        {"createdTime", "5", "createdTime: not a timestamp"},
        {"state.exitCode", "256", "state.exitCode: out of range"},
        {"state.bootId", "\"01234567-89ab-cdef-0123-456789abcdef0\"",
         "state.bootId: too long"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        auto_free char *text = with_member(CASES[i].path, CASES[i].value);
        struct mtd_record r;
        cr_expect_eq(decode(text, strlen(text), &r), -EINVAL, "%s", CASES[i].path);
        cr_expect_str_eq(err.text, CASES[i].error);
        cr_expect(!r.name && !r.spec.mounts && !r.spec.process.args.items,
                  "holds nothing");
    }
}

Test(spec, ignores_what_it_does_not_know)
{
    auto_free char *text = with_member("mytop.new", "{\"x\": [1, null, \"y\"]}");
    auto_done(mtd_record_done) struct mtd_record r;
    cr_expect_eq(decode(text, strlen(text), &r), 0, "%s", err.text);
    cr_expect_str_eq(r.name, "n");
}

Test(spec, what_a_later_version_added_is_written_again)
{
    auto_free char *text = with_member("mytop.new", "{\"x\": [1, null, \"y\"]}");
    auto_done(mtd_record_done) struct mtd_record r, again;
    auto_done(buf_done) struct buf out = {0};
    cr_assert_eq(decode(text, strlen(text), &r), 0, "%s", err.text);
    cr_expect_str_eq(r.foreign, "{\"mytop\":{\"new\":{\"x\":[1,null,\"y\"]}}}");
    r.spec.process.tty = true;
    encode(&r, &out);
    cr_assert_eq(decode(out.data, out.len, &again), 0, "%s", err.text);
    cr_expect_str_eq(again.foreign, r.foreign);
    cr_expect(again.spec.process.tty);
}

/* Nothing of a record of our own is foreign, or it would come back after it was unset. */
Test(spec, every_member_of_ours_is_known)
{
    auto_done(mtd_record_done) struct mtd_record r, back, listed_back;
    auto_done(buf_done) struct buf text = {0};
    make_full(&r);
    encode(&r, &text);
    cr_assert_eq(decode(text.data, text.len, &back), 0, "%s", err.text);
    cr_expect_null(back.foreign, "%s", back.foreign);
    auto_free char *listed = with_member("listed", "\"00\"");
    cr_assert_eq(decode(listed, strlen(listed), &listed_back), 0, "%s", err.text);
    cr_expect_null(listed_back.foreign, "%s", listed_back.foreign);
}

Test(spec, a_later_format_is_kept_and_named)
{
    auto_free char *later = with_member("mytop.format", "3");
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(buf_done) struct buf out = {0};
    cr_assert_eq(MTD_FORMAT, 2, "this test's 3 is a later one");
    cr_assert_eq(decode(later, strlen(later), &r), 0, "%s", err.text);
    cr_expect_eq(mtd_record_check(&r, &err), -EPROTO);
    cr_expect_str_eq(err.text,
                     "container n: a later mytop-docker wrote its record (format 3, "
                     "this one knows 2), so it may not run as was asked for; use "
                     "that one");
    encode(&r, &out);
    cr_expect(strstr(out.data, "\"format\": 3"), "%s", out.data);
}

/* A monitor of the version that made it may still have to read it. */
Test(spec, a_record_keeps_its_format)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(buf_done) struct buf out = {0};
    auto_free char *text = with_member("mytop.format", "1");
    cr_assert_eq(decode(text, strlen(text), &r), 0, "%s", err.text);
    cr_expect_eq(mtd_record_check(&r, NULL), 0);
    encode(&r, &out);
    cr_expect(strstr(out.data, "\"format\": 1"), "%s", out.data);
}

/* A value that is not known here is explained by the format. */
Test(spec, an_unknown_value_of_a_later_format_is_explained)
{
    auto_free char *text = with_member("mytop.network", "\"wireless\"");
    auto_done(mtd_record_done) struct mtd_record r;
    cr_expect_eq(decode(text, strlen(text), &r), -EINVAL);
    cr_expect_str_eq(err.text, "mytop.network: not a known value");
    char *at = strstr(text, "\"format\": 2");
    cr_assert_not_null(at);
    at[strlen("\"format\": ")] = '3';
    cr_expect_eq(decode(text, strlen(text), &r), -EPROTO);
    cr_expect_str_eq(err.text,
                     "written by a later mytop-docker (format 3, this one knows 2)");
}

Test(spec, labels_never_become_members)
{
    auto_done(mtd_record_done) struct mtd_record r, back;
    auto_done(buf_done) struct buf text = {0};
    make_minimal(&r);
    add(&r.spec.labels, "mytop.privileged=true", "process.args=[\"x\"]");
    encode(&r, &text);
    cr_assert_eq(decode(text.data, text.len, &back), 0);
    cr_expect_not(back.spec.process.privileged);
    cr_expect_eq(back.spec.process.args.len, 0);
}

Test(spec, refuses_what_is_not_json)
{
    static const char *const BAD[] = {
        "",
        "x",
        "[]",
        "null",
        "{",
        "{}x",
        "{\"id\":\"\\u0000\"}",
        "{\"id\":\"a\",\"id\":\"b\"}",
        "{\"pid\": 99999999999999999999}",
        "{\"id\":\"\xff\"}",
    };
    struct mtd_record r;
    for (size_t i = 0; i < ARRAY_SIZE(BAD); i++) {
        cr_expect_eq(decode(BAD[i], strlen(BAD[i]), &r), -EINVAL, "%s", BAD[i]);
        cr_expect(err.text[0], "%s", BAD[i]);
    }
    cr_expect_eq(decode("{}", 2, &r), -EINVAL);
}

Test(spec, truncations_are_errors)
{
    auto_done(mtd_record_done) struct mtd_record full;
    auto_done(buf_done) struct buf text = {0};
    make_full(&full);
    encode(&full, &text);
    for (size_t len = 0; len + 2 < text.len; len += len < 300 ? 1 : 7) {
        struct mtd_record r;
        cr_assert_eq(decode(text.data, len, &r), -EINVAL, "cut at %zu", len);
    }
}

/* Whatever a changed byte makes of it: an error or a record, nothing else. */
Test(spec, survives_damaged_bytes)
{
    auto_done(mtd_record_done) struct mtd_record full;
    auto_done(buf_done) struct buf text = {0};
    static const char DAMAGE[] = {0, '"', '{', ']', '9', '\\', (char)0xff, '-'};
    make_full(&full);
    encode(&full, &text);
    for (size_t i = 0; i < text.len; i += 3) {
        auto_done(mtd_record_done) struct mtd_record r;
        char saved = text.data[i];
        text.data[i] = DAMAGE[i % sizeof(DAMAGE)];
        int rc = decode(text.data, text.len, &r);
        cr_assert(rc == 0 || (rc == -EINVAL && err.text[0]), "byte %zu: %d", i, rc);
        text.data[i] = saved;
    }
}

Test(spec, depth_size_and_counts_are_bounded)
{
    struct mtd_record r;
    size_t n = SPEC_MAX_BYTES + 1;
    auto_free char *text = malloc(n + 1);
    memset(text, '[', n);
    text[n] = '\0';
    cr_expect_eq(decode(text, n, &r), -EINVAL);
    cr_expect_eq(decode(text, n - 1, &r), -EINVAL);
    cr_expect_str_eq(err.text, "nested deeper than 32");
    size_t head = (size_t)sprintf(text, "{\"id\":\"" ID
                                        "\",\"name\":\"n\",\"process\":{\"args\":[\"\"");
    for (size_t i = 0; i < 70000; i++)
        memcpy(text + head + 3 * i, ",\"\"", 3);
    strcpy(text + head + 210000, "]}}");
    cr_expect_eq(decode(text, strlen(text), &r), -EINVAL);
    cr_expect_str_eq(err.text, "process.args: too long");
}

Test(spec, a_record_nobody_could_read_is_not_written)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(buf_done) struct buf text = {0};
    make_minimal(&r);
    char *big = malloc(SPEC_MAX_BYTES + 1);
    memset(big, 'x', SPEC_MAX_BYTES);
    big[SPEC_MAX_BYTES] = '\0';
    strv_take(&r.spec.process.args, big);
    cr_expect_eq(spec_encode(&r, &text, &err), -E2BIG);
    cr_expect_null(text.data);
}

Test(spec, a_list_nobody_could_read_is_not_written)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(buf_done) struct buf text = {0};
    make_minimal(&r);
    for (size_t i = r.spec.process.args.len; i < 65536; i++)
        strv_add(&r.spec.process.args, "");
    cr_expect_eq(spec_check(&r, &err), 0);
    cr_expect_eq(spec_encode(&r, &text, &err), 0);
    strv_add(&r.spec.process.args, "");
    cr_expect_eq(spec_check(&r, &err), -E2BIG);
    cr_expect_str_eq(err.text, "process.args: 65537 of them, and there may be 65536");
    buf_done(&text);
    cr_expect_eq(spec_encode(&r, &text, &err), -E2BIG);
    cr_expect_null(text.data);
}

Test(spec, brackets_in_strings_are_not_depth)
{
    auto_done(mtd_record_done) struct mtd_record r, back;
    auto_done(buf_done) struct buf text = {0};
    make_minimal(&r);
    add(&r.spec.process.args, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        "\\\"{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{");
    encode(&r, &text);
    cr_assert_eq(decode(text.data, text.len, &back), 0, "%s", err.text);
    cr_expect_str_eq(back.spec.process.args.items[1], r.spec.process.args.items[1]);
}

static void make_image(struct mtd_image *i)
{
    *i = (struct mtd_image){
        .id = strdup("sha256:0"), .created_at = 1767323045000000001, .size = 12345};
    add(&i->names, "busybox:latest", "b:1");
    add(&i->layers, "l0", "l1");
    add(&i->diff_ids, "l0", "d1");
    add(&i->config.cmd, "sh", "-c");
    add(&i->config.entrypoint, "/e", "x");
    add(&i->config.env, "PATH=/bin", "A=");
    add(&i->config.labels, "a=b=c", "d=");
    add(&i->config.exposed, "80/tcp", "53/udp");
    add(&i->config.volumes, "/data", "/x.y");
    i->config.working_dir = strdup("/w");
    i->config.user = strdup("nobody");
    i->config.author = strdup("me");
    i->config.comment = strdup("");
    i->config.stop_signal = strdup("QUIT");
}

Test(spec, images_come_back_exactly)
{
    auto_done(mtd_image_done) struct mtd_image image, copy = {0};
    auto_done(buf_done) struct buf text = {0};
    struct mtd_image *a = &image, *b = &copy;
    make_image(a);
    cr_assert_eq(spec_encode_image(a, &text, &err), 0, "%s", err.text);
    cr_assert_eq(spec_decode_image(text.data, text.len, b, &err), 0, "%s", err.text);
    SAME_TEXT(id), SAME(created_at), SAME(size), SAME_LIST(names), SAME_LIST(layers);
    SAME_LIST(diff_ids);
    SAME_LIST(config.cmd), SAME_LIST(config.entrypoint), SAME_LIST(config.env);
    SAME_LIST(config.labels), SAME_LIST(config.exposed), SAME_LIST(config.volumes);
    SAME_TEXT(config.working_dir), SAME_TEXT(config.user), SAME_TEXT(config.author);
    SAME_TEXT(config.comment), SAME_TEXT(config.stop_signal);
    cr_expect(strstr(text.data, "\"StopSignal\": \"QUIT\""));
}

Test(spec, image_configs_of_docker_are_read)
{
    static const char TEXT[] =
        "{\"Id\":\"x\",\"Config\":{\"Hostname\":\"\",\"Cmd\":[\"sh\"],\"Entrypoint\":null,"
        "\"Labels\":{\"k\":\"v\"},\"ExposedPorts\":{\"80/tcp\":{}},\"Volumes\":null}}";
    auto_done(mtd_image_done) struct mtd_image i = {0};
    cr_assert_eq(spec_decode_image(TEXT, strlen(TEXT), &i, &err), 0, "%s", err.text);
    cr_expect_str_eq(i.config.labels.items[0], "k=v");
    cr_expect_str_eq(i.config.exposed.items[0], "80/tcp");
    cr_expect_eq(i.config.entrypoint.len, 0);
}
