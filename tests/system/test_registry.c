/* Images to and from a registry: Debian's docker-registry on loopback, skopeo for real. What a
 * second program (the registry's log, skopeo itself) says counts. Needs root, docker-registry,
 * skopeo and htpasswd. */

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/closed.h"
#include "../support/pty.h"
#include "../support/registry.h"
#include "../support/state.h"
#include "../support/stopped.h"
#include "base/cleanup.h"

static struct state s;
static struct registry_box box;

static void set_up(void)
{
    static const char *const NEEDED[] = {"docker-registry", "skopeo", "htpasswd", NULL};
    if (!is_root() || !programs_are_there(NEEDED))
        cr_skip("needs root, docker-registry, skopeo and htpasswd");
    state_make(&s);
    setenv("HOME", s.dir.path, 1);
    unsetenv("XDG_RUNTIME_DIR");
    unsetenv("DOCKER_CONFIG");
    char path[128];
    snprintf(path, sizeof(path), "%s/auth.json", s.dir.path);
    setenv("REGISTRY_AUTH_FILE", path, 1);
}

static void tear_down(void)
{
    closed_end();
    registry_stop(&box);
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(registry, .init = set_up, .fini = tear_down, .timeout = 120);

/* ---- helpers ----------------------------------------------------------------------------- */

/* "127.0.0.1:PORT/PATH", one of four static texts. */
static const char *at(const char *path)
{
    static char text[4][256];
    static unsigned next;
    char *ret = text[next++ % 4];
    snprintf(ret, 256, "%s/%s", box.host, path);
    return ret;
}

static void expect_said(const struct outcome *o, int status, const char *words)
{
    cr_expect_eq(o->status, status, "%s%s", o->out, o->err);
    cr_expect(strstr(o->err, words), "expected \"%s\": %s", words, o->err);
}

#define EXPECT_OK(...)                                                     \
    do {                                                                   \
        auto_done(outcome_done) struct outcome ok_ = RUN(&s, __VA_ARGS__); \
        cr_assert_eq(ok_.status, 0, "%s%s", ok_.out, ok_.err);             \
    } while (0)

#define EXPECT_FAILS(words, ...)                                           \
    do {                                                                   \
        auto_done(outcome_done) struct outcome no_ = RUN(&s, __VA_ARGS__); \
        expect_said(&no_, 1, words);                                       \
    } while (0)

static int count(const char *dir)
{
    char path[128];
    snprintf(path, sizeof(path), "root/images/%s", dir);
    return tempdir_count(s.dir.fd, path);
}

static int own_blobs; /* those of busybox, which was unpacked */

/* An image of one layer with busybox in it, and one of a second layer on it. */
static void make_images(const char *one, const char *two)
{
    char tar[128];
    snprintf(tar, sizeof(tar), "%s/tar", s.dir.path);
    EXPECT_OK("create", "--name", "c", "busybox", "true");
    own_blobs = count("blobs/sha256");
    EXPECT_OK("export", "-o", tar, "c");
    EXPECT_OK("import", "-c", "CMD [\"sh\",\"-c\",\"cat /etc/passwd\"]", tar, one);
    EXPECT_OK("rm", "c");
    if (!two)
        return;
    EXPECT_OK("run", "--name", "c", one, "sh", "-c", "echo two > /two; rm /etc/group");
    EXPECT_OK("commit", "c", two);
    EXPECT_OK("rm", "c");
}

/* What no image needs is gone after one more command. */
static void expect_nothing_left(void)
{
    EXPECT_OK("images");
    EXPECT_OK("create", "--name", "sweeper", "busybox", "true");
    EXPECT_OK("rm", "sweeper");
    cr_expect_eq(count("tmp"), 0, "images/tmp holds something");
}

/* ---- there and back ---------------------------------------------------------------------- */

Test(registry, what_was_pushed_comes_back_and_runs)
{
    registry_start(&box, &s.dir, NULL);
    make_images(at("a/one:1"), at("a/two:2"));
    char *before = ASK(&s, "inspect", "-f", "{{.Id}} {{.RootFS.Layers}}", at("a/two:2"));
    auto_done(outcome_done) struct outcome push = RUN(&s, "push", at("a/two:2"));
    cr_assert_eq(push.status, 0, "%s", push.err);
    cr_expect(strstr(push.out, "The push refers to repository ["), "%s", push.out);
    cr_expect(strstr(push.out, ": Pushed\n"), "%s", push.out);
    cr_expect(strstr(push.out, "2: digest: sha256:"), "%s", push.out);
    EXPECT_OK("rmi", at("a/two:2"), at("a/one:1"));
    cr_expect_eq(count("blobs/sha256"), own_blobs);
    auto_done(outcome_done) struct outcome pull = RUN(&s, "pull", at("a/two:2"));
    cr_assert_eq(pull.status, 0, "%s", pull.err);
    cr_expect(strstr(pull.out, "2: Pulling from a/two\n"), "%s", pull.out);
    cr_expect(strstr(pull.out, ": Pull complete\nDigest: sha256:"), "%s", pull.out);
    cr_expect(strstr(pull.out, "\nStatus: Downloaded newer image for "), "%s", pull.out);
    char last[300];
    snprintf(last, sizeof(last), "\n%s\n", at("a/two:2"));
    cr_expect(strstr(pull.out, last), "the name comes last: %s", pull.out);
    char *after = ASK(&s, "inspect", "-f", "{{.Id}} {{.RootFS.Layers}}", at("a/two:2"));
    cr_expect_str_eq(after, before, "the same image");
    char *two = ASK(&s, "run", "--rm", at("a/two:2"), "sh", "-c",
                    "cat /two; test ! -e /etc/group && echo gone");
    cr_expect_str_eq(two, "two\ngone");
    free(two);
    free(before);
    free(after);
    expect_nothing_left();
}

Test(registry, nothing_is_written_beside_the_root)
{
    registry_start(&box, &s.dir, NULL);
    make_images(at("a:1"), at("b:1"));
    closed_begin(&s.dir);
    EXPECT_OK("push", at("b:1"));
    EXPECT_OK("push", "--all-tags", at("a"));
    EXPECT_OK("rmi", at("b:1"));
    EXPECT_OK("pull", at("b:1"));
    expect_nothing_left();
}

Test(registry, a_second_pull_transfers_nothing_but_the_manifest)
{
    registry_start(&box, &s.dir, NULL);
    make_images(at("a:1"), NULL);
    EXPECT_OK("push", at("a:1"));
    EXPECT_OK("rmi", at("a:1"));
    EXPECT_OK("pull", at("a:1"));
    int blobs = registry_requests(&box, "GET /v2/a/blobs/");
    int manifests = registry_requests(&box, "GET /v2/a/manifests/");
    cr_expect_geq(blobs, 2, "a layer and a config");
    auto_done(outcome_done) struct outcome o = RUN(&s, "pull", at("a:1"));
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_expect(strstr(o.out, "Status: Image is up to date for "), "%s", o.out);
    cr_expect_eq(registry_requests(&box, "GET /v2/a/blobs/"), blobs);
    cr_expect_eq(registry_requests(&box, "GET /v2/a/manifests/"), manifests + 1);
}

Test(registry, layers_that_are_here_are_not_fetched_again)
{
    registry_start(&box, &s.dir, NULL);
    make_images(at("a:1"), at("a:2"));
    EXPECT_OK("push", "-a", at("a"));
    EXPECT_OK("rmi", at("a:1"), at("a:2"));
    EXPECT_OK("pull", at("a:1"));
    int blobs = registry_requests(&box, "GET /v2/a/blobs/");
    auto_done(outcome_done) struct outcome o = RUN(&s, "pull", at("a:2"));
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_expect(strstr(o.out, ": Already exists\n"), "%s", o.out);
    cr_expect_eq(registry_requests(&box, "GET /v2/a/blobs/"), blobs + 2,
                 "one layer and a config");
}

Test(registry, a_layer_that_is_there_is_not_pushed_again)
{
    registry_start(&box, &s.dir, NULL);
    make_images(at("a:1"), NULL);
    EXPECT_OK("push", at("a:1"));
    int uploads = registry_requests(&box, "POST /v2/a/blobs/uploads/");
    auto_done(outcome_done) struct outcome o = RUN(&s, "push", at("a:1"));
    cr_expect(strstr(o.out, ": Layer already exists\n"), "%s", o.out);
    cr_expect_eq(registry_requests(&box, "POST /v2/a/blobs/uploads/"), uploads);
    char *name = ASK(&s, "push", "-q", at("a:1"));
    cr_expect_str_eq(name, at("a:1"));
    free(name);
}

Test(registry, an_image_is_pulled_by_its_digest)
{
    char digest[80] = "", ref[300];
    registry_start(&box, &s.dir, NULL);
    make_images(at("a:1"), NULL);
    auto_done(outcome_done) struct outcome push = RUN(&s, "push", at("a:1"));
    cr_assert_eq(sscanf(strstr(push.out, "sha256:"), "%71s", digest), 1);
    EXPECT_OK("rmi", at("a:1"));
    snprintf(ref, sizeof(ref), "%s@%s", at("a"), digest);
    auto_done(outcome_done) struct outcome pull = RUN(&s, "pull", ref);
    cr_assert_eq(pull.status, 0, "%s", pull.err);
    cr_expect(strstr(pull.out, ref), "%s", pull.out);
    EXPECT_OK("run", "--rm", ref, "true");
    char *digests = ASK(&s, "inspect", "-f", "{{.RepoDigests}}", ref);
    cr_expect(strstr(digests, digest), "%s", digests);
    free(digests);
    digest[70] = digest[70] == '0' ? '1' : '0';
    snprintf(ref, sizeof(ref), "%s@%s", at("a"), digest);
    EXPECT_FAILS("no such image in the registry at 127.0.0.1", "pull", ref);
}

Test(registry, all_tags_come_with_one_command)
{
    registry_start(&box, &s.dir, NULL);
    make_images(at("a:1"), at("a:2"));
    EXPECT_OK("push", "-a", at("a"));
    EXPECT_OK("rmi", at("a:1"), at("a:2"));
    auto_done(outcome_done) struct outcome o = RUN(&s, "pull", "-a", at("a"));
    cr_expect_eq(o.status, 0, "%s", o.err);
    EXPECT_OK("run", "--rm", at("a:1"), "true");
    EXPECT_OK("run", "--rm", at("a:2"), "true");
    EXPECT_FAILS("no image here is called", "push", "-a", at("b"));
}

/* ---- run --------------------------------------------------------------------------------- */

Test(registry, run_pulls_what_is_missing)
{
    registry_start(&box, &s.dir, NULL);
    make_images(at("a:1"), NULL);
    EXPECT_OK("push", at("a:1"));
    EXPECT_OK("rmi", at("a:1"));
    auto_done(outcome_done) struct outcome never =
        RUN(&s, "run", "--rm", "--pull", "never", at("a:1"), "true");
    expect_said(&never, 125, "not found; local images: busybox");
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "run", "--rm", at("a:1"), "echo", "x");
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_expect_str_eq(o.out, "x\n", "all that is said about the pull goes to stderr");
    cr_expect(strstr(o.err, "Unable to find image '"), "%s", o.err);
    cr_expect(strstr(o.err, "Status: Downloaded newer image for "), "%s", o.err);
    int manifests = registry_requests(&box, "GET /v2/a/manifests/");
    EXPECT_OK("run", "--rm", at("a:1"), "true");
    cr_expect_eq(registry_requests(&box, "GET /v2/a/manifests/"), manifests,
                 "what is here is not asked for");
    EXPECT_OK("run", "--rm", "--pull", "always", at("a:1"), "true");
    cr_expect_eq(registry_requests(&box, "GET /v2/a/manifests/"), manifests + 1);
    auto_done(outcome_done) struct outcome none =
        RUN(&s, "run", "--rm", at("none:1"), "true");
    expect_said(&none, 125, "no such image in the registry at");
    expect_said(&none, 125, "; local images: ");
}

/* ---- refusals ---------------------------------------------------------------------------- */

Test(registry, a_password_is_needed_tried_and_forgotten)
{
    registry_start(&box, &s.dir, "secret");
    make_images(at("a:1"), NULL);
    EXPECT_FAILS("wants a user and a password; mytop-docker login", "push", at("a:1"));
    auto_done(outcome_done) struct outcome wrong = state_run_input(
        &s, "guess\n", 6,
        (const char *const[]){"login", "-u", "me", "--password-stdin", box.host, NULL});
    expect_said(&wrong, 1, "refuses the user or the password");
    cr_expect_null(strstr(wrong.err, "guess"));
    auto_done(outcome_done) struct outcome right = state_run_input(
        &s, "secret\n", 7,
        (const char *const[]){"login", "-u", "me", "--password-stdin", box.host, NULL});
    cr_expect_eq(right.status, 0, "%s", right.err);
    cr_expect_str_eq(right.out, "Login Succeeded\n");
    EXPECT_OK("push", at("a:1"));
    EXPECT_OK("rmi", at("a:1"));
    EXPECT_OK("pull", at("a:1"));
    char *out = ASK(&s, "logout", box.host);
    cr_expect(strstr(out, "Removing login credentials for 127.0.0.1"), "%s", out);
    free(out);
    out = ASK(&s, "logout", box.host);
    cr_expect(strstr(out, "Not logged in to 127.0.0.1"), "%s", out);
    free(out);
    EXPECT_FAILS("wants a user and a password", "pull", at("a:1"));
}

/* Asked for on the terminal, which shows the name and not the password, and is as before then. */
Test(registry, login_asks_on_a_terminal)
{
    registry_start(&box, &s.dir, "secret");
    char root[128], run[128], auth[160];
    snprintf(root, sizeof(root), "%s/root", s.dir.path);
    snprintf(run, sizeof(run), "%s/run", s.dir.path);
    snprintf(auth, sizeof(auth), "REGISTRY_AUTH_FILE=%s/auth.json", s.dir.path);
    const char *const args[] = {"--root", root,     "--run-root", run,
                                "login",  box.host, NULL};
    const char *const env[] = {auth, NULL};
    struct pty p;
    pty_start(&p, &(struct pty_setup){.args = args, .env = env, .rows = 24, .cols = 80});
    cr_assert(pty_expect(&p, 0, "Username: "), "%s", p.text);
    pty_send(&p, "me\n");
    cr_assert(pty_expect(&p, 0, "Password: "), "%s", p.text);
    pty_send(&p, "secret\n");
    cr_expect(pty_expect(&p, 0, "Login Succeeded"), "%s", p.text);
    cr_expect_eq(pty_status(&p), 0);
    cr_expect(strstr(p.text, "me"), "the name is shown: %s", p.text);
    cr_expect_null(strstr(p.text, "secret"), "the password is shown: %s", p.text);
    struct termios after;
    cr_expect_eq(tcgetattr(p.master, &after), 0);
    cr_expect_eq(after.c_lflag & ECHO, p.before.c_lflag & ECHO);
    pty_done(&p);
    EXPECT_OK("logout", box.host);
}

/* ~/.docker/config.json is what docker's login leaves. */
Test(registry, logins_of_docker_are_read)
{
    registry_start(&box, &s.dir, "secret");
    make_images(at("a:1"), NULL);
    char text[256];
    snprintf(text, sizeof(text), "{\"auths\":{\"%s\":{\"auth\":\"bWU6c2VjcmV0\"}}}",
             box.host);
    tempdir_put(&s.dir, ".docker/config.json", text);
    unsetenv("REGISTRY_AUTH_FILE");
    EXPECT_OK("push", at("a:1"));
}

Test(registry, a_broken_blob_is_noticed_and_leaves_nothing)
{
    registry_start(&box, &s.dir, NULL);
    make_images(at("a:1"), NULL);
    EXPECT_OK("push", at("a:1"));
    EXPECT_OK("rmi", at("a:1"));
    registry_break(&box);
    EXPECT_FAILS("sent something else than its digest says", "pull", at("a:1"));
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "run", "--pull", "never", at("a:1"), "true");
    expect_said(&o, 125, "not found");
    expect_nothing_left();
    cr_expect_eq(count("blobs/sha256"), own_blobs);
}

/* Each of the two parts of a manifest names an address, where somebody would notice a question. */
Test(registry, nothing_is_fetched_from_where_a_manifest_says)
{
    static const char *const PARTS[] = {"config\":{", "layers\":\\[{"};
    registry_start(&box, &s.dir, NULL);
    make_images(at("a:1"), NULL);
    for (size_t i = 0; i < sizeof(PARTS) / sizeof(PARTS[0]); i++) {
        auto_free char *line = NULL;
        EXPECT_OK("push", at("a:1"));
        cr_assert_gt(
            asprintf(
                &line,
                "cd %s/storage/docker/registry/v2 && r=repositories/a/_manifests && "
                "h=$(cut -d: -f2 $r/tags/1/current/link) && m=$(cat blobs/sha256/$(echo "
                "$h | cut -c1-2)/$h/data) && echo \"$m\" | sed "
                "'s|%s|&\"urls\":[\"http://%s/secret\"],|' >new && "
                "n=$(sha256sum <new | cut -c1-64) && "
                "d=blobs/sha256/$(echo $n | cut -c1-2)/$n && "
                "mkdir -p $d $r/revisions/sha256/$n && cp new $d/data && "
                "printf sha256:$n >$r/tags/1/current/link && "
                "printf sha256:$n >$r/revisions/sha256/$n/link && grep -q urls new",
                box.dir, PARTS[i], box.host),
            0);
        cr_assert_eq(system(line), 0, "%s", line);
        EXPECT_OK("rmi", at("a:1"));
        EXPECT_FAILS("other addresses", "pull", at("a:1"));
        cr_expect_eq(registry_requests(&box, "GET /secret"), 0);
        make_images(at("a:1"), NULL);
    }
    EXPECT_OK("rmi", at("a:1"));
    expect_nothing_left();
}

/* A socket that listens and never answers. */
static int listen_silently(char host[32])
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    cr_assert_eq(listen(fd, 16), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    snprintf(host, 32, "127.0.0.1:%d", ntohs(a.sin_port));
    return fd;
}

static void set_timeout(const char *seconds)
{
    char text[64];
    snprintf(text, sizeof(text), "registry_timeout = %s\n", seconds);
    tempdir_configure(s.dir.path, text);
}

Test(registry, one_that_is_not_there_or_hangs_is_told_in_a_bounded_time)
{
    auto_fd int silent = listen_silently(box.host);
    set_timeout("1");
    EXPECT_FAILS("no answer from the registry at 127.0.0.1", "pull", at("a:1"));
    auto_done(outcome_done) struct outcome o = RUN(&s, "run", "--rm", at("a:1"), "true");
    expect_said(&o, 125, " within 1 s; local images: busybox");
    EXPECT_FAILS("no answer from", "login", "-u", "me", "-p", "x", box.host);
    close(take_fd(&silent));
    EXPECT_FAILS("is not there: connection refused", "pull", at("a:1"));
    expect_nothing_left();
}

Test(registry, bad_requests_are_one_line)
{
    static const struct {
        const char *args[6];
        const char *words;
    } CASES[] = {
        {{"pull", "UPPER"}, "the name must be lower case"},
        {{"pull", "-a", "a:1"}, "tag can't be used with --all-tags/-a"},
        {{"pull", "--platform", "x/y/z/w", "localhost:1/a"}, "platform"},
        {{"push", "nosuch"}, "image \"nosuch"},
        {{"push", "a@sha256:00"}, "a digest is sha256: and 64 hex digits"},
        {{"login", "-u", "a"}, "stdin is no terminal"},
        {{"login", "--password-stdin"}, "must provide --username"},
        {{"login", "a b"}, "is no registry"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        auto_done(outcome_done) struct outcome o =
            state_run_input(&s, NULL, 0, CASES[i].args);
        expect_said(&o, 1, CASES[i].words);
        cr_expect_eq(strchr(o.err, '\n'), strrchr(o.err, '\n'), "%s", o.err);
    }
}

/* ---- platforms --------------------------------------------------------------------------- */

/* A list for s390x and riscv64 alone, of an image that the registry has, put there by
 * skopeo. */
static void push_foreign_list(const char *from, const char *to)
{
    char line[2048];
    snprintf(
        line, sizeof(line),
        "cd %s && skopeo copy -q --src-tls-verify=false docker://%s oci:list:y && "
        "m=$(grep -o 'sha256:[0-9a-f]*' list/index.json | cut -d: -f2) && "
        "z=$(stat -c %%s list/blobs/sha256/$m) && "
        "d=\"\\\"mediaType\\\":\\\"application/vnd.oci.image.manifest.v1+json\\\","
        "\\\"size\\\":$z,\\\"digest\\\":\\\"sha256:$m\\\"\" && "
        "p='\"platform\":{\"os\":\"linux\",\"architecture\":' && "
        "printf '{\"schemaVersion\":2,\"mediaType\":"
        "\"application/vnd.oci.image.index.v1+json\",\"manifests\":"
        "[{%%s,%%s\"s390x\"}},{%%s,%%s\"riscv64\"}}]}' \"$d\" \"$p\" \"$d\" \"$p\" "
        ">index && i=$(sha256sum index | cut -c1-64) && mv index list/blobs/sha256/$i && "
        "printf '{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":"
        "\"application/vnd.oci.image.index.v1+json\",\"size\":%%d,\"digest\":"
        "\"sha256:%%s\",\"annotations\":{\"org.opencontainers.image.ref.name\":\"x\"}}]}' "
        "$(stat -c %%s list/blobs/sha256/$i) $i >list/index.json && "
        "skopeo copy -q --all --dest-tls-verify=false oci:list:x docker://%s",
        s.dir.path, from, to);
    cr_assert_eq(system(line), 0);
}

Test(registry, a_list_without_our_platform_tells_what_there_is)
{
    registry_start(&box, &s.dir, NULL);
    make_images(at("a:1"), NULL);
    EXPECT_OK("push", at("a:1"));
    push_foreign_list(at("a:1"), at("list:1"));
    EXPECT_OK("rmi", at("a:1"));
    auto_done(outcome_done) struct outcome o = RUN(&s, "pull", at("list:1"));
    expect_said(&o, 1, "linux/s390x");
    expect_said(&o, 1, "linux/riscv64");
    EXPECT_OK("pull", "--platform", "linux/s390x", at("list:1"));
    expect_nothing_left();
}

Test(registry, an_image_for_one_platform_is_not_taken_for_another)
{
    registry_start(&box, &s.dir, NULL);
    make_images(at("a:1"), NULL);
    EXPECT_OK("push", at("a:1"));
    EXPECT_FAILS("not for linux/s390x", "pull", "--platform", "linux/s390x", at("a:1"));
}

/* ---- two at once, and killed ones -------------------------------------------------------- */

Test(registry, of_two_pulls_at_once_one_does_the_work)
{
    registry_start(&box, &s.dir, NULL);
    make_images(at("a:1"), NULL);
    EXPECT_OK("push", at("a:1"));
    EXPECT_OK("rmi", at("a:1"));
    int before = registry_requests(&box, "GET /v2/a/blobs/");
    struct running one = BEGIN(&s, "pull", at("a:1")), two = BEGIN(&s, "pull", at("a:1"));
    auto_done(outcome_done) struct outcome first = state_end(&one),
                                           second = state_end(&two);
    cr_expect_eq(first.status, 0, "%s", first.err);
    cr_expect_eq(second.status, 0, "%s", second.err);
    cr_expect_eq(registry_requests(&box, "GET /v2/a/blobs/"), before + 2,
                 "one layer and one config");
    EXPECT_OK("run", "--rm", at("a:1"), "true");
    expect_nothing_left();
}

static bool has_child(void *arg)
{
    const pid_t *pid = arg;
    return state_child(*pid) > 0;
}

/* Dead, whether or not somebody has waited for it: an orphan's new parent may take seconds. */
static bool is_dead(void *arg)
{
    const pid_t *pid = arg;
    char path[64], state = 'Z';
    snprintf(path, sizeof(path), "/proc/%d/stat", *pid);
    auto_file FILE *f = fopen(path, "re");
    return !f || fscanf(f, "%*d (%*[^)]) %c", &state) != 1 || state == 'Z';
}

Test(registry, skopeo_dies_with_a_killed_pull)
{
    auto_fd int silent = listen_silently(box.host);
    pid_t pid = SPAWN(&s, "pull", at("a:1"));
    cr_assert(state_until(has_child, &pid));
    pid_t skopeo = state_child(pid);
    kill(pid, SIGKILL);
    cr_expect_eq(state_reap(pid), 128 + SIGKILL);
    cr_expect(state_until(is_dead, &skopeo), "skopeo outlives its pull");
    expect_nothing_left();
}

#ifdef MTD_FAULTS
static bool waits_for_its_child(void *pid)
{
    return stopped_in(*(pid_t *)pid, SYS_recvfrom);
}

/* The child that the tracee makes next; it has not done anything yet. The tracee goes on. */
static pid_t hold_child(pid_t tracee)
{
    unsigned long child = 0;
    int status;
    while (!child && waitpid(tracee, &status, __WALL) == tracee && WIFSTOPPED(status)) {
        if (status >> 16 == PTRACE_EVENT_FORK)
            ptrace(PTRACE_GETEVENTMSG, tracee, NULL, &child);
        ptrace(PTRACE_CONT, tracee, NULL, NULL);
    }
    cr_assert(child > 0 && waitpid((pid_t)child, &status, __WALL) == (pid_t)child);
    return (pid_t)child;
}

/* The pull has told it to go on, and is dead before it asks to be told of that. */
Test(registry, skopeo_is_not_started_by_a_child_of_a_dead_pull)
{
    auto_fd int silent = listen_silently(box.host);
    free(ASK(&s, "volume", "create", "any")); /* makes the roots: else it asks before */
    free(ASK(&s, "volume", "rm", "any"));
    s.fault = "transfer.begin:stop";
    pid_t pid = SPAWN(&s, "pull", at("a:1"));
    s.fault = NULL;
    cr_assert_eq(stopped_await(pid), pid);
    cr_assert_eq(ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_TRACEFORK), 0);
    kill(pid, SIGCONT);
    pid_t child = hold_child(pid);
    cr_assert(state_until(waits_for_its_child, &pid));
    kill(pid, SIGKILL);
    cr_expect_eq(state_reap(pid), 128 + SIGKILL);
    cr_assert_eq(ptrace(PTRACE_DETACH, child, NULL, NULL), 0);
    bool dead = state_until(is_dead, &child);
    cr_expect(dead, "skopeo outlives its pull");
    if (!dead)
        kill(child, SIGKILL);
    expect_nothing_left();
}

static void kill_at(const char *point, const char *verb, const char *ref)
{
    char fault[64];
    snprintf(fault, sizeof(fault), "%s:kill", point);
    s.fault = fault;
    auto_done(outcome_done) struct outcome o = RUN(&s, verb, ref);
    s.fault = NULL;
    cr_expect_eq(o.status, 128 + SIGKILL, "%s is not passed by %s: %s", point, verb,
                 o.err);
    expect_nothing_left();
}

Test(registry, killed_at_any_step_of_a_pull_the_next_one_does_it)
{
    static const char *const POINTS[] = {
        "transfer.begin", "pull.asked",      "pull.copied",  "take.manifest",
        "take.layer",     "layer.received",  "image.layer",  "image.info",
        "image.blob",     "image.documents", "image.config", "image.name",
        "image.index",    "image.composed",  "transfer.end"};
    registry_start(&box, &s.dir, NULL);
    make_images(at("a:1"), NULL);
    EXPECT_OK("push", at("a:1"));
    EXPECT_OK("rmi", at("a:1"));
    for (size_t i = 0; i < ARRAY_SIZE(POINTS); i++) {
        kill_at(POINTS[i], "pull", at("a:1"));
        EXPECT_OK("pull", at("a:1"));
        char *out = ASK(&s, "run", "--rm", at("a:1"), "echo", "x");
        cr_expect_str_eq(out, "x");
        free(out);
        EXPECT_OK("rmi", at("a:1"));
        cr_expect_eq(count("blobs/sha256"), own_blobs, "%s leaves blobs", POINTS[i]);
    }
}

Test(registry, killed_at_any_step_of_a_push_nothing_is_left)
{
    static const char *const POINTS[] = {"transfer.begin", "push.layout", "push.copied",
                                         "take.manifest", "transfer.end"};
    registry_start(&box, &s.dir, NULL);
    make_images(at("a:1"), NULL);
    for (size_t i = 0; i < ARRAY_SIZE(POINTS); i++) {
        kill_at(POINTS[i], "push", at("a:1"));
        EXPECT_OK("push", at("a:1"));
    }
}
#endif
