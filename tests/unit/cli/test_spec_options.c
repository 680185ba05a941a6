/* The options of run and the spec they make; each wrong one refused before anything exists. */

#include "cli/spec_options.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static struct run_values v;
static struct operands o;
static struct mtd_error err;
static const struct option_set SET = {{RUN_OPTIONS, SPEC_OPTIONS},
                                      .stop_at_operand = true};

static void forget(void)
{
    options_done(&SET, &v, &o);
    run_values_done(&v);
}

static void begin(void)
{
    memset(&v, 0, sizeof(v));
    run_values_init(&v);
    err = (struct mtd_error){0};
}
TestSuite(spec_options, .init = begin, .fini = forget);

static int parse(const char *const words[])
{
    static char *argv[32];
    int argc = 1;
    forget();
    begin();
    argv[0] = "run";
    for (; *words; words++)
        argv[argc++] = (char *)*words;
    argv[argc] = NULL;
    int rc = options_parse(&SET, argc, argv, &v, &o, &err);
    return rc < 0 ? rc : spec_from_values(&v, &o, &err);
}
#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

Test(spec_options, the_mydocker_line)
{
    cr_assert_eq(PARSE("-ti", "-name", "web", "-mem", "100m", "-cpushare", "512",
                       "-cpuset", "0", "-net", "none", "-e", "A=1", "busybox", "sh", "-c",
                       "echo  x"),
                 0, "%s", err.text);
    cr_expect(v.spec.process.tty && v.spec.process.open_stdin);
    cr_expect_str_eq(v.name, "web");
    cr_expect_eq(v.spec.resources.memory, 100 << 20);
    cr_expect_eq(v.spec.resources.cpu_shares, 512);
    cr_expect_str_eq(v.spec.resources.cpuset_cpus, "0");
    cr_expect_str_eq(v.spec.image, "busybox");
    cr_assert_eq(v.spec.process.args.len, 3);
    cr_expect_str_eq(v.spec.process.args.items[2], "echo  x");
    cr_expect_str_eq(v.spec.process.env.items[0], "A=1");
}

Test(spec_options, defaults)
{
    cr_assert_eq(PARSE("busybox"), 0, "%s", err.text);
    cr_expect_eq(v.spec.network, MTD_NET_BRIDGE);
    cr_assert_eq(v.spec.n_joins, 1);
    cr_expect_str_eq(v.spec.joins[0].network, "bridge");
    cr_expect_eq(v.spec.process.caps, MTD_CAPS_DEFAULT);
    cr_expect_eq(v.spec.process.args.len, 0);
    cr_expect_eq(v.spec.restart, MTD_RESTART_NO);
    cr_expect(v.sig_proxy && !v.detach);
}

Test(spec_options, refused_in_one_line)
{
    static const char *const CASES[][3] = {
        {"-m", "1k", "--memory: memory limit 1KiB is below the minimum of 512KiB"},
        {"-m", "lots", "--memory: \"lots\" is not a size"},
        {"--memory-swap", "1g", "a limit of memory plus swap needs a memory limit"},
        {"--cpus", "9999", "--cpus: 9999 CPUs are out of range"},
        {"--cpus", "x", "--cpus: \"x\" is not a number of CPUs"},
        {"--cpuset-cpus", "9999", "--cpuset-cpus: \"9999\": this machine has CPUs 0-"},
        {"--cpuset-cpus", "1-", "--cpuset-cpus: \"1-\" is not a list"},
        {"--cpu-shares", "1", "--cpu-shares: CPU weight 1 is out of range: 2 to"},
        {"--blkio-weight", "5", "--blkio-weight: block IO weight 5 is out of range: 10"},
        {"--pids-limit", "-2", "--pids-limit: "},
        {"--name", "a b", "invalid container name \"a b\""},
        {"-v", "/nonexistent/dir:/x", "--volume \"/nonexistent/dir:/x\": host path"},
        {"-v", "./nonexistent:/x", "--volume \"./nonexistent:/x\": host path /"},
        {"-v", "/tmp:relative",
         "--volume \"/tmp:relative\": \"relative\" must be an absolute"},
        {"-v", "/tmp:/x:rx", "--volume \"/tmp:/x:rx\": invalid mode: rx"},
        {"-v", "/tmp:/x:ro:y", "--volume \"/tmp:/x:ro:y\": too many colons"},
        {"-v", "/tmp:/", "--volume \"/tmp:/\": the target cannot be \"/\""},
        {"-v", "a b:/x", "--volume \"a b:/x\": invalid volume name \"a b\""},
        {"--mount", "type=bind,target=/x",
         "--mount \"type=bind,target=/x\": field Source must not be empty"},
        {"--mount", "type=foo,target=/x",
         "--mount \"type=foo,target=/x\": mount type unknown: \"foo\""},
        {"--mount", "target=/x,what=1",
         "--mount \"target=/x,what=1\": unexpected key 'what' in 'what=1'"},
        {"--tmpfs", "/x:sized=1",
         "--tmpfs \"/x:sized=1\": unknown tmpfs option \"sized=1\""},
        {"--env-file", "/nonexistent", "--env-file: cannot read /nonexistent"},
        {"-e", "=x", "--env: \"=x\" has no variable name"},
        {"--ulimit", "nofile=9:3", "--ulimit: ulimit nofile: the soft limit is above"},
        {"--ulimit", "nonsense=1", "--ulimit: ulimit nonsense: no such limit"},
        {"--ulimit", "nofile=x", "--ulimit: \"nofile=x\" is not NAME=SOFT"},
        {"--cap-add", "CAP_NONSENSE",
         "--cap-add: \"CAP_NONSENSE\" is not a capability; write NET_ADMIN or ALL"},
        {"--security-opt", "seccomp=/nonexistent",
         "--security-opt: seccomp profile /nonexistent: No such file"},
        {"--security-opt", "seccomp=/tmp",
         "--security-opt: seccomp profile /tmp: Is a directory"},
        {"--security-opt", "seccomp=/dev/null",
         "--security-opt: seccomp profile /dev/null: line 1"},
        {"--security-opt", "seccomp=", "--security-opt: seccomp= needs a file"},
        {"--security-opt", "seccomp", "--security-opt: seccomp needs a value"},
        {"--restart", "sometimes", "--restart: \"sometimes\" is not a restart policy"},
        {"--restart", "always:3",
         "--restart: \"always:3\": only on-failure takes a number"},
        {"--restart", "on-failure:-1", "--restart: \"on-failure:-1\" is not"},
        {"--log-opt", "max-size=x", "--log-opt: \"max-size=x\" is not"},
        {"--log-driver", "syslog",
         "--log-driver: there is no log driver \"syslog\"; there are k8s-file, local, "
         "json-file, journald and none"},
        {"--log-opt", "max-size=0", "--log-opt: \"max-size=0\" is not"},
        {"--log-opt", "max-size=-2", "--log-opt: \"max-size=-2\" is not"},
        {"--log-opt", "max-file=0", "--log-opt: \"max-file=0\" is not"},
        {"--stop-signal", "NONSENSE", "--stop-signal: \"NONSENSE\" is not a signal"},
        {"--stop-timeout", "x", "--stop-timeout: \"x\" is not a number of seconds"},
        {"--network", "a b", "--network: \"a b\" is not a name of a network"},
        {"--network", "name=x,ip=1.2.3", "--network: \"1.2.3\" is not an IPv4 address"},
        {"--network", "x:what=1", "--network: \"what\" is not known of a network"},
        {"--network", "container:", "--network: container: names no container"},
        {"--pid", "x", "--pid: \"x\": it is not a mode; use host"},
        {"--ipc", "container:", "--ipc: container: names no container"},
        {"--ipc", "x", "--ipc: \"x\": it is not a mode; use private, shareable"},
        {"--cgroupns", "host", "--cgroupns: \"host\": a container always has a cgroup"},
        {"--cgroupns", "x", "--cgroupns: \"x\": it is not a mode; use private"},
        {"--uts", "x", "--uts: \"x\": it is not a mode; use host"},
        {"--memory-reservation", "1k",
         "--memory-reservation: memory reservation 1KiB is"},
        {"--memory-swappiness", "101", "--memory-swappiness: swappiness 101 is out of"},
        {"--cpu-period", "999", "--cpu-period: CPU period 999 is out of range: 1000 to"},
        {"--cpu-quota", "999", "--cpu-quota: CPU quota 999 is below the minimum of 1000"},
        {"--cpuset-mems", "x", "--cpuset-mems: \"x\" is not a list of memory nodes"},
        {"--blkio-weight-device", "/dev/x:5",
         "--blkio-weight-device: \"/dev/x:5\" is not "
         "/dev/NAME:WEIGHT, 10 to 1000"},
        {"--device-read-bps", "x:1m",
         "--device-read-bps: \"x:1m\" is not /dev/NAME:BYTES"},
        {"--device-write-iops", "/dev/x:0", "--device-write-iops: \"/dev/x:0\" is not"},
        {"--oom-score-adj", "1001",
         "--oom-score-adj: \"1001\" is not a number from -1000"},
        {"--shm-size", "x", "--shm-size: \"x\" is not a size"},
        {"--sysctl", "kernel.panic=1",
         "--sysctl: sysctl \"kernel.panic\" is not allowed"},
        {"--device", "x:/y", "--device: device \"x:/y\": both paths must be absolute"},
        {"--device", "/dev/x:/dev/y:q",
         "--device: device \"/dev/x:/dev/y:q\" is not HOST"},
        {"--device", "v.com/c=n", "--device: \"v.com/c=n\": devices by a CDI name"},
        {"--device-cgroup-rule", "c 1 r",
         "--device-cgroup-rule: device rule \"c 1 r\" is"},
        {"--annotation", "x", "--annotation: \"x\" is not NAME=VALUE"},
        {"--expose", "0", "--expose: \"0\" is not PORT"},
        {"--expose", "9-8", "--expose: \"9-8\" is not PORT"},
        {"--dns-search", "a b", "--dns-search: \"a b\" is not a domain"},
        {"--platform", "linux/none",
         "--platform: \"linux/none\": this machine is linux/"},
        {"--isolation", "hyperv", "--isolation: \"hyperv\" is for Windows"},
        {"--volume-driver", "nfs", "--volume-driver: \"nfs\" is not supported"},
        {"--cpu-rt-runtime", "9", "--cpu-rt-runtime: not supported; use --cpu-shares"},
        {"--link", "x",
         "--link: not supported; containers of one network find each other"},
        {"-v", "/tmp:/x:rw,ro", "--volume \"/tmp:/x:rw,ro\": option \"ro\": another one"},
        {"-v", "/tmp:/x:z,Z", "--volume \"/tmp:/x:z,Z\": option \"Z\": another one"},
        {"--pull", "newer", "--pull: \"newer\" is not always, missing or never"},
        {"-w", "relative", "--workdir: \"relative\" must be an absolute path"},
        {"-h", "bad host", "--hostname: \"bad host\" is not a host name"},
        {"--dns", "nonsense", "--dns: \"nonsense\" is not an IP address"},
        {"--add-host", "x", "--add-host: \"x\" is not NAME:ADDRESS"},
        {"--health-interval", "1", "--health-interval: \"1\" is not a duration"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        cr_expect_lt(PARSE(CASES[i][0], CASES[i][1], "busybox"), 0, "%s %s", CASES[i][0],
                     CASES[i][1]);
        cr_expect(strncmp(err.text, CASES[i][2], strlen(CASES[i][2])) == 0,
                  "%s %s: \"%s\", not \"%s\"", CASES[i][0], CASES[i][1], err.text,
                  CASES[i][2]);
        cr_expect_null(strchr(err.text, '\n'));
    }
}

Test(spec_options, conflicts)
{
    cr_expect_eq(PARSE("--rm", "--restart", "always", "busybox"), -EINVAL);
    cr_expect_eq(PARSE("--rm", "--restart", "no", "busybox"), 0);
    cr_expect_eq(PARSE("-m", "10m", "--memory-swap", "5m", "busybox"), -EINVAL);
    cr_expect_eq(PARSE("-v", "/tmp:/x", "--tmpfs", "/x/.", "busybox"), -EINVAL);
    cr_expect_str_eq(err.text, "duplicate mount point: /x");
    cr_expect_eq(PARSE("--network", "none", "--ip", "10.0.0.1", "busybox"), -EINVAL);
    cr_expect_str_eq(err.text, "--ip needs a network to be on; add --network NAME");
    cr_expect_lt(PARSE("--network", "host", "--network-alias", "x", "busybox"), 0);
}

Test(spec_options, volumes)
{
    char here[4096];
    cr_assert(getcwd(here, sizeof(here)));
    cr_assert_eq(PARSE("-v", "/tmp/../tmp/.:/x/../y", "-v", "./:/here:ro", "-v",
                       "vol:/v:rw,z", "-v", "/anonymous", "busybox"),
                 0, "%s", err.text);
    const struct mtd_mount *m = v.spec.mounts;
    cr_assert_eq(v.spec.n_mounts, 4);
    cr_expect(m[0].type == MTD_MOUNT_BIND && !m[0].read_only);
    cr_expect_str_eq(m[0].source, "/tmp");
    cr_expect_str_eq(m[0].target, "/y");
    cr_expect_str_eq(m[1].source, here);
    cr_expect(m[1].read_only);
    cr_expect(m[2].type == MTD_MOUNT_VOLUME && !m[2].anonymous && !m[2].read_only);
    cr_expect_str_eq(m[2].source, "vol");
    cr_expect(m[3].type == MTD_MOUNT_VOLUME && m[3].anonymous && !m[3].source);
}

Test(spec_options, mounts_and_tmpfs)
{
    cr_assert_eq(PARSE("--mount", "type=bind,src=/tmp,dst=/a,readonly", "--mount",
                       "type=tmpfs,target=/b,tmpfs-size=64m,tmpfs-mode=1770", "--mount",
                       "source=v,target=/c,ro=false", "--tmpfs", "/d:size=1m,mode=700",
                       "--tmpfs", "/e", "busybox"),
                 0, "%s", err.text);
    const struct mtd_mount *m = v.spec.mounts;
    cr_assert_eq(v.spec.n_mounts, 5);
    cr_expect(m[0].type == MTD_MOUNT_BIND && m[0].read_only);
    cr_expect_str_eq(m[1].options, "size=67108864,mode=1770");
    cr_expect(m[2].type == MTD_MOUNT_VOLUME && !m[2].read_only);
    cr_expect_str_eq(m[3].options, "size=1m,mode=700");
    cr_expect(m[4].type == MTD_MOUNT_TMPFS && !m[4].options);
}

/* The words are those of docker's client 28.2. */
Test(spec_options, mounts_that_docker_refuses)
{
    static const struct {
        const char *mount, *says;
    } BAD[] = {
        {"", "it is empty"},
        {"dst", "invalid field 'dst' must be a key=value pair"},
        {"type=bind,src=/tmp", "target is required"},
        {"type=bind,src=a,dst=/x", "source \"a\" must be a path"},
        {"dst=/x,readonly=maybe", "invalid value for readonly: maybe"},
        {"dst=/x,bind-propagation=rslave",
         "cannot mix 'bind-*' options with mount type 'volume'"},
        {"type=bind,src=/tmp,dst=/x,volume-nocopy",
         "cannot mix 'volume-*' options with mount type 'bind'"},
        {"type=bind,src=/tmp,dst=/x,tmpfs-size=1m",
         "cannot mix 'tmpfs-*' options with mount type 'bind'"},
        {"type=tmpfs,dst=/x,tmpfs-size=abc", "invalid value for tmpfs-size: abc"},
        {"type=tmpfs,dst=/x,tmpfs-mode=9", "invalid value for tmpfs-mode: 9"},
        {"type=tmpfs,dst=/x,tmpfs-mode=17777", "invalid value for tmpfs-mode: 17777"},
        {"type=tmpfs,src=a,dst=/x", "field Source must not be specified"},
        {"type=bind,src=/tmp,dst=/x,bind-propagation=foo",
         "invalid propagation mode: foo"},
        {"type=bind,src=/tmp,dst=/x,bind-recursive=foo",
         "invalid value for bind-recursive: foo (must be \"enabled\", \"disabled\", "
         "\"writable\", or \"readonly\")"},
        {"type=bind,src=/tmp,dst=/x,bind-recursive=writable",
         "option 'bind-recursive=writable' requires 'readonly' to be specified in "
         "conjunction"},
        {"type=bind,src=/tmp,dst=/x,ro,bind-recursive=readonly",
         "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be "
         "specified in conjunction"},
        {"dst=/x,volume-driver=nfs", "\"nfs\" is not supported; only local"},
        {"dst=/x,consistency=foo", "invalid value for consistency: foo"},
        {"dst=/x,\"volume-opt=o=a,b", "a quote is not closed"},
        {"dst=/x,vo\"lume-opt=o=a\"", "a quote in the middle of a word"},
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        cr_expect_eq(PARSE("--mount", BAD[i].mount, "busybox"), -EINVAL, "%s",
                     BAD[i].mount);
        cr_expect(strstr(err.text, BAD[i].says), "%s: %s", BAD[i].mount, err.text);
    }
    cr_expect_eq(PARSE("-v", "vol:/x:rslave", "busybox"), -EINVAL);
    cr_expect(strstr(err.text, "rslave is for host paths, not volumes"), "%s", err.text);
    cr_expect_eq(PARSE("-v", "/tmp:/x:nocopy", "busybox"), -EINVAL);
    cr_expect(strstr(err.text, "nocopy is for volumes, not host paths"), "%s", err.text);
}

Test(spec_options, mounts_with_all_their_words)
{
    cr_assert_eq(
        PARSE("--mount",
              "Type=BIND,source=/tmp,destination=/a,ReadOnly,bind-propagation=rshared,"
              "bind-recursive=writable,consistency=cached",
              "--mount",
              "src=v,dst=/b,volume-nocopy,volume-subpath=a/b,volume-label=k=1,"
              "volume-label=k=2,volume-label=l,volume-driver=local,"
              "\"volume-opt=o=size=1m,mode=700\",volume-opt=type=tmpfs",
              "--mount", "type=bind,src=/tmp,dst=/c,bind-nonrecursive", "-v",
              "/tmp:/d:ro,z,slave", "busybox"),
        0, "%s", err.text);
    const struct mtd_mount *m = v.spec.mounts;
    cr_assert_eq(v.spec.n_mounts, 4); /* -v first */
    cr_expect(m[0].read_only && m[0].propagation == MTD_PROPAGATION_SLAVE);
    cr_expect_str_eq(m[0].mode, "ro,z,slave");
    cr_expect(m[1].type == MTD_MOUNT_BIND && m[1].read_only);
    cr_expect(m[1].propagation == MTD_PROPAGATION_RSHARED &&
              m[1].recursion == MTD_RECURSION_WRITABLE && !m[1].mode);
    cr_expect(m[2].type == MTD_MOUNT_VOLUME && m[2].no_copy);
    cr_expect_str_eq(m[2].subpath, "a/b");
    cr_assert_eq(m[2].volume_labels.len, 2);
    cr_expect_str_eq(m[2].volume_labels.items[0], "k=2");
    cr_expect_str_eq(m[2].volume_labels.items[1], "l=");
    cr_assert_eq(m[2].volume_options.len, 2);
    cr_expect_str_eq(m[2].volume_options.items[0], "o=size=1m,mode=700");
    cr_expect_eq(m[3].recursion, MTD_RECURSION_DISABLED);
}

Test(spec_options, capabilities)
{
    cr_assert_eq(PARSE("--cap-add", "net_admin", "--cap-drop", "CAP_CHOWN", "busybox"),
                 0);
    cr_expect_eq(v.spec.process.caps, (MTD_CAPS_DEFAULT & ~1ULL) | 1ULL << 12);
    cr_assert_eq(PARSE("--cap-drop", "ALL", "--cap-add", "CHOWN", "busybox"), 0);
    cr_expect_eq(v.spec.process.caps, 1);
    cr_assert_eq(PARSE("--cap-add", "ALL", "--cap-drop", "CHOWN", "busybox"), 0);
    cr_expect_eq(v.spec.process.caps, MTD_CAPS_ALL & ~1ULL);
    cr_assert_eq(PARSE("--privileged", "--cap-drop", "CHOWN", "busybox"), 0);
    cr_expect_eq(v.spec.process.caps, MTD_CAPS_ALL);
}

/* What is said, what the administrator's file says, what we say: in that order. */
Test(spec_options, the_log_is_bounded)
{
    cr_assert_eq(PARSE("busybox"), 0, "%s", err.text);
    cr_expect(v.spec.log_max_size == 100 << 20 && v.spec.log_max_file == 5);
    cr_assert_eq(PARSE("--log-opt", "max-size=1m", "busybox"), 0, "%s", err.text);
    cr_expect(v.spec.log_max_size == 1 << 20 && v.spec.log_max_file == 1);
    cr_assert_eq(PARSE("--log-opt", "max-file=2", "busybox"), 0, "%s", err.text);
    cr_expect(v.spec.log_max_size == 100 << 20 && v.spec.log_max_file == 2);
    cr_assert_eq(PARSE("--log-opt", "max-size=-1", "busybox"), 0, "%s", err.text);
    cr_expect(v.spec.log_max_size == 0 && v.spec.log_max_file == 1);
    cr_expect_eq(PARSE("--log-opt", "max-size=-1", "--log-opt", "max-file=2", "busybox"),
                 -EINVAL);
    cr_expect_str_eq(err.text, "--log-opt: max-file needs max-size");
}

Test(spec_options, log_drivers)
{
    cr_assert_eq(PARSE("busybox"), 0, "%s", err.text);
    cr_expect_eq(v.spec.log_driver, MTD_LOG_K8S_FILE);
    cr_assert_eq(PARSE("--log-driver", "json-file", "--log-opt", "tag={{.Name}}",
                       "--log-opt", "compress=true", "--log-opt", "max-size=1m",
                       "--log-opt", "max-file=3", "busybox"),
                 0, "%s", err.text);
    cr_expect_eq(v.spec.log_driver, MTD_LOG_JSON_FILE);
    cr_assert_eq(PARSE("--log-driver=local", "--log-opt", "max-size=1m", "busybox"), 0);
    cr_expect_eq(v.spec.log_max_file, 5);
    cr_assert_eq(PARSE("--log-driver=none", "busybox"), 0, "%s", err.text);
    cr_expect_eq(v.spec.log_driver, MTD_LOG_NONE);
}

Test(spec_options, limits_policies_and_health)
{
    cr_assert_eq(PARSE("--ulimit", "nofile=10:-1", "--ulimit", "core=0", "--restart",
                       "on-failure:3", "--log-opt", "max-size=10m", "--log-opt",
                       "max-file=3", "--health-cmd", "true", "--security-opt",
                       "no-new-privileges", "--stop-timeout", "-1", "--cpus", "0.5",
                       "--entrypoint", "", "busybox"),
                 0, "%s", err.text);
    const struct mtd_rlimit *l = v.spec.process.rlimits;
    cr_assert_eq(v.spec.process.n_rlimits, 2);
    cr_expect_str_eq(l[0].name, "nofile");
    cr_expect(l[0].soft == 10 && l[0].hard == UINT64_MAX);
    cr_expect(l[1].soft == 0 && l[1].hard == 0);
    cr_expect(v.spec.restart == MTD_RESTART_ON_FAILURE && v.spec.restart_max == 3);
    cr_expect(v.spec.log_max_size == 10 << 20 && v.spec.log_max_file == 3);
    cr_expect_str_eq(v.spec.healthcheck.test.items[1], "true");
    cr_expect(v.spec.process.no_new_privs);
    cr_expect_eq(v.spec.stop_timeout, -1);
    cr_expect_eq(v.spec.resources.nano_cpus, 500000000);
    cr_expect(v.entrypoint && v.spec.entrypoint.len == 0);
}

/* As docker: the options ended with the image. */
Test(spec_options, dashes_after_the_image_are_the_command)
{
    cr_assert_eq(PARSE("busybox", "--", "echo", "x"), 0);
    cr_assert_eq(v.spec.process.args.len, 3);
    cr_expect_str_eq(v.spec.process.args.items[0], "--");
    cr_assert_eq(PARSE("-t", "--", "busybox", "echo"), 0);
    cr_expect_str_eq(v.spec.image, "busybox");
    cr_expect_str_eq(v.spec.process.args.items[0], "echo");
}

/* Scripts pass "$VARIABLE". */
Test(spec_options, empty_values_are_as_if_not_given)
{
    cr_assert_eq(PARSE("--name=", "--workdir=", "--restart=", "--user=", "--hostname=",
                       "--entrypoint=", "--cpuset-cpus=", "--cpuset-mems=", "--network=",
                       "--stop-signal=", "--domainname=", "--pid=", "--ipc=", "--uts=",
                       "--platform=", "--isolation=", "--cidfile=", "busybox"),
                 0, "%s", err.text);
    cr_expect(!v.spec.process.cwd && !v.spec.process.user && !v.spec.hostname);
    cr_expect(!v.spec.resources.cpuset_cpus && !v.spec.resources.cpuset_mems);
    cr_expect(!v.spec.domainname && !v.spec.stop_signal);
    cr_expect(v.spec.restart == MTD_RESTART_NO && v.spec.network == MTD_NET_BRIDGE);
    cr_expect_lt(PARSE("--memory=", "busybox"), 0);
    cr_expect_lt(PARSE("--env=", "busybox"), 0);
}

/* docker keeps -v in a set and --tmpfs by path; --mount is a list. */
Test(spec_options, a_mount_given_twice)
{
    cr_assert_eq(PARSE("-v", "/tmp:/x", "-v", "/tmp:/x", "busybox"), 0, "%s", err.text);
    cr_expect_eq(v.spec.n_mounts, 1);
    cr_assert_eq(PARSE("--tmpfs", "/x:size=1m", "--tmpfs", "/x:size=2m", "busybox"), 0);
    cr_assert_eq(v.spec.n_mounts, 1);
    cr_expect_str_eq(v.spec.mounts[0].options, "size=2m");
    cr_expect_eq(PARSE("-v", "/tmp:/x", "-v", "/tmp:/x:ro", "busybox"), -EINVAL);
    cr_expect_str_eq(err.text, "duplicate mount point: /x");
    static const char MOUNT[] = "type=tmpfs,dst=/x";
    cr_expect_eq(PARSE("--mount", MOUNT, "--mount", MOUNT, "busybox"), -EINVAL);
}

Test(spec_options, what_the_host_gives)
{
    cr_assert_eq(PARSE("--pid", "host", "--ipc", "none", "--uts", "host", "--shm-size",
                       "1m", "--device", "/dev/null:/dev/n:r", "--device-cgroup-rule",
                       "c 189:* rwm", "--sysctl", "net.core.somaxconn=9", "--group-add",
                       "audio", "--annotation", "a=b", "--expose", "80-81/udp",
                       "--expose", "53", "--oom-score-adj", "-5", "busybox"),
                 0, "%s", err.text);
    cr_expect(v.spec.pid_host && v.spec.uts_host && v.spec.ipc == MTD_IPC_NONE);
    cr_expect_eq(v.spec.shm_size, 1 << 20);
    cr_expect_str_eq(v.spec.devices.items[0], "/dev/null:/dev/n:r");
    cr_expect_str_eq(v.spec.device_rules.items[0], "c 189:* rwm");
    cr_expect_str_eq(v.spec.sysctls.items[0], "net.core.somaxconn=9");
    cr_expect_str_eq(v.spec.process.group_add.items[0], "audio");
    cr_expect_str_eq(v.spec.annotations.items[0], "a=b");
    cr_expect_eq(v.spec.process.oom_score_adj, -5);
    cr_assert_eq(v.spec.exposed.len, 3);
    cr_expect_str_eq(v.spec.exposed.items[1], "81/udp");
    cr_expect_str_eq(v.spec.exposed.items[2], "53/tcp");
}

Test(spec_options, every_limit)
{
    cr_assert_eq(PARSE("-m", "64m", "--memory-reservation", "32m", "--memory-swappiness",
                       "0", "--oom-kill-disable", "--cpu-period", "50000", "--cpu-quota",
                       "-1", "--cpuset-mems", "0", "--blkio-weight-device", "/dev/a:20",
                       "--device-read-bps", "/dev/a:1m", "--device-write-iops",
                       "/dev/b:9", "busybox"),
                 0, "%s", err.text);
    const struct mtd_resources *r = &v.spec.resources;
    cr_expect_eq(r->memory_reservation, 32 << 20);
    cr_expect(r->sets_swappiness && r->swappiness == 0 && r->oom_kill_disable);
    cr_expect(r->cpu_period == 50000 && r->cpu_quota == -1);
    cr_expect_str_eq(r->blkio[MTD_BLKIO_WEIGHT].items[0], "/dev/a:20");
    cr_expect_str_eq(r->blkio[MTD_BLKIO_READ_BPS].items[0], "/dev/a:1048576");
    cr_expect_str_eq(r->blkio[MTD_BLKIO_WRITE_IOPS].items[0], "/dev/b:9");
}

Test(spec_options, conflicts_of_what_the_host_gives)
{
    cr_expect_eq(PARSE("--cpus", "1", "--cpu-quota", "5000", "busybox"), -EINVAL);
    cr_expect_eq(PARSE("-m", "8m", "--memory-reservation", "9m", "busybox"), -EINVAL);
    cr_expect_eq(PARSE("--uts", "host", "-h", "x", "busybox"), -EINVAL);
    cr_expect_eq(PARSE("--network", "host", "--sysctl", "net.a=1", "busybox"), -EINVAL);
    cr_expect_eq(PARSE("--ipc", "host", "--sysctl", "kernel.sem=1", "busybox"), -EINVAL);
    cr_expect_eq(PARSE("-p", "80:80", "--network", "host", "busybox"), 0, "%s", err.text);
}

Test(spec_options, hosts)
{
    cr_assert_eq(PARSE("--add-host", "a:1.2.3.4", "--add-host", "b=[::1]", "--add-host",
                       "c:::2", "--dns", "8.8.8.8", "busybox"),
                 0, "%s", err.text);
    cr_expect_str_eq(v.spec.add_hosts.items[0], "a:1.2.3.4");
    cr_expect_str_eq(v.spec.add_hosts.items[1], "b:::1");
    cr_expect_str_eq(v.spec.add_hosts.items[2], "c:::2");
}
