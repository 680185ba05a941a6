/* volume create, ls, inspect, rm and prune, and who may have what meanwhile. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/state.h"
#include "base/cleanup.h"

static struct state s;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(volume_verbs, .init = set_up, .fini = tear_down, .timeout = 60);

static void expect_out(const char *want, const char *const args[])
{
    auto_free char *got = state_ask(&s, args);
    cr_expect_str_eq(got, want, "%s %s: %s", args[0], args[1], got);
}
#define EXPECT(want, ...) expect_out(want, (const char *const[]){__VA_ARGS__, NULL})

/* One line on stderr that has this in it, nothing on stdout. */
static void expect_refusal(int status, const char *says, const char *const args[])
{
    auto_done(outcome_done) struct outcome o = state_run_input(&s, NULL, 0, args);
    cr_expect_eq(o.status, status, "%s %s: %d, %s", args[0], args[1], o.status, o.err);
    cr_expect(strstr(o.err, says), "\"%s\" lacks \"%s\"", o.err, says);
    cr_expect_eq(strchr(o.err, '\n'), o.err + o.err_len - 1, "not a line: %s", o.err);
    cr_expect_str_eq(o.out, strcmp(args[1], "inspect") == 0 ? "\n" : ""); /* docker's */
}
#define REFUSED(status, says, ...) \
    expect_refusal(status, says, (const char *const[]){__VA_ARGS__, NULL})

static bool is_there(const char *path)
{
    return faccessat(s.dir.fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

Test(volume_verbs, made_listed_shown_removed)
{
    EXPECT("vol", "volume", "create", "--label", "a=1", "--label", "b", "vol");
    EXPECT("vol", "volume", "create", "vol");
    auto_free char *anonymous = ASK(&s, "volume", "create");
    cr_expect_eq(strlen(anonymous), 64);
    EXPECT("vol", "volume", "ls", "-q", "--filter", "name=vo");
    EXPECT("local vol a=1,b= 1", "volume", "ls", "--format",
           "{{.Driver}} {{.Name}} {{.Labels}} {{.Label \"a\"}}", "-f", "label=a=1");
    EXPECT(anonymous, "volume", "ls", "-q", "-f", "label=com.docker.volume.anonymous");
    auto_free char *all = ASK(&s, "volume", "list");
    cr_expect_eq(strncmp(all, "DRIVER    VOLUME NAME\nlocal     ", 32), 0, "%s", all);
    EXPECT("vol local map[a:1 b:] <nil> local", "volume", "inspect", "-f",
           "{{.Name}} {{.Driver}} {{.Labels}} {{.Options}} {{.Scope}}", "vol");
    auto_free char *path =
        ASK(&s, "inspect", "--type", "volume", "-f", "{{.Mountpoint}}", "vol");
    struct stat st;
    cr_expect(stat(path, &st) == 0 && S_ISDIR(st.st_mode), "%s", path);
    EXPECT("vol", "volume", "rm", "vol");
    EXPECT(anonymous, "volume", "remove", anonymous);
    EXPECT("", "volume", "ls", "-q");
    cr_expect_str_empty(state_leftovers(&s, false));
}

Test(volume_verbs, bad_input_is_one_line)
{
    REFUSED(1, "no such volume: none", "volume", "rm", "none");
    REFUSED(1, "no such volume: ../x", "volume", "rm", "../x");
    REFUSED(1, "invalid volume name \"a/b\"", "volume", "create", "a/b");
    REFUSED(1, "\"nfs\" is not supported; only local", "volume", "create", "-d", "nfs");
    REFUSED(1, "invalid option: \"x\"", "volume", "create", "-o", "x=1");
    REFUSED(1, "--opt: \"x\" is not KEY=VALUE", "volume", "create", "-o", "x");
    REFUSED(1, "label \"=x\" has no name", "volume", "create", "--label", "=x");
    REFUSED(1, "is not UTF-8", "volume", "create", "--label", "a=\xff");
    REFUSED(1, "dangling, driver, label or name", "volume", "ls", "-f", "a=b");
    REFUSED(1, "true or false", "volume", "ls", "-f", "dangling=x");
    REFUSED(1, "label, label! or all", "volume", "prune", "--filter", "until=1h");
    REFUSED(125, "no cluster volumes", "volume", "create", "--scope", "single");
    EXPECT("none", "volume", "rm", "-f", "none");
    cr_expect_leq(tempdir_count(s.dir.fd, "root/volumes"), 0);
    cr_expect_str_empty(state_leftovers(&s, false));
}

Test(volume_verbs, one_in_use_stays_and_names_who_has_it)
{
    free(
        ASK(&s, "run", "-d", "--name", "web", "-v", "vol:/v", "busybox", "sleep", "100"));
    free(ASK(&s, "create", "--name", "db", "-v", "vol:/v:ro", "busybox", "true"));
    REFUSED(1, "volume vol is in use by db (created), web (running)", "volume", "rm",
            "vol");
    REFUSED(1, "in use by", "volume", "rm", "-f", "vol");
    EXPECT("", "volume", "ls", "-q", "-f", "dangling=true");
    EXPECT("vol", "volume", "ls", "-q", "-f", "dangling=false");
    free(ASK(&s, "volume", "prune", "-a", "-f"));
    cr_expect(is_there("root/volumes/vol/_data"));
    free(ASK(&s, "rm", "-f", "web"));
    REFUSED(1, "by db (created)", "volume", "rm", "vol");
    free(ASK(&s, "rm", "db"));
    EXPECT("vol", "volume", "rm", "vol");
}

Test(volume_verbs, prune_takes_what_it_says)
{
    auto_free char *anonymous = ASK(&s, "volume", "create");
    free(ASK(&s, "volume", "create", "--label", "keep=1", "kept"));
    free(ASK(&s, "run", "--rm", "-v", "big:/v", "busybox", "sh", "-c",
             "head -c 3000000 /dev/zero >/v/x"));
    REFUSED(1, "this would remove 1 volumes; add -f", "volume", "prune");
    auto_free char *said = ASK(&s, "volume", "prune", "-f"), *want = NULL;
    cr_assert_gt(
        asprintf(&want, "Deleted Volumes:\n%s\n\nTotal reclaimed space: 0B", anonymous),
        0);
    cr_expect_str_eq(said, want);
    EXPECT("Deleted Volumes:\nbig\n\nTotal reclaimed space: 3MB", "volume", "prune",
           "-af", "--filter", "label!=keep");
    EXPECT("Total reclaimed space: 0B", "volume", "prune", "-f", "--filter", "all=0");
    EXPECT("Deleted Volumes:\nkept\n\nTotal reclaimed space: 0B", "volume", "prune", "-f",
           "--filter", "all=1", "--filter", "label=keep=1");
    cr_expect_str_empty(state_leftovers(&s, false));
}

Test(volume_verbs, system_prune_takes_anonymous_ones_if_asked)
{
    free(ASK(&s, "run", "--name", "done", "-v", "/anonymous", "-v", "named:/n", "busybox",
             "true"));
    free(ASK(&s, "system", "prune", "-f"));
    cr_expect_eq(tempdir_count(s.dir.fd, "root/volumes"), 2);
    REFUSED(1, "not supported", "system", "prune", "--volumes", "--filter", "until=1h");
    free(ASK(&s, "system", "prune", "-af", "--volumes"));
    EXPECT("named", "volume", "ls", "-q");
}

Test(volume_verbs, events_and_what_they_use)
{
    free(ASK(&s, "run", "--rm", "-v", "vol:/v:ro", "-v", "big:/b", "busybox", "sh", "-c",
             "head -c 3000 /dev/zero >/b/x"));
    free(ASK(&s, "volume", "rm", "vol"));
    EXPECT("create  \nmount /v false\nunmount  \ndestroy  ", "events", "--since", "1h",
           "--until", "0s", "--filter", "volume=vol", "--format",
           "{{.Action}} {{or .Actor.Attributes.destination \"\"}} "
           "{{or (index .Actor.Attributes \"read/write\") \"\"}}");
    free(ASK(&s, "create", "--name", "c", "-v", "big:/b", "busybox", "true"));
    auto_free char *df = ASK(&s, "system", "df", "--format",
                             "{{.Type}} {{.TotalCount}} {{.Active}} {{.Size}} "
                             "{{.Reclaimable}}");
    cr_expect(strstr(df, "\nLocal Volumes 1 1 3kB 0B (0%)\n"), "%s", df);
    auto_free char *verbose = ASK(&s, "system", "df", "-v");
    cr_expect(
        strstr(verbose, "VOLUME NAME   LINKS     SIZE\nbig           1         3kB\n"),
        "%s", verbose);
}

/* A volume as version 0.1 made it. */
Test(volume_verbs, one_without_a_file_is_a_volume)
{
    tempdir_put(&s.dir, "root/volumes/old/_data/file", "x");
    cr_assert_eq(fchmodat(s.dir.fd, "root", 0700, 0), 0);
    cr_assert_eq(fchmodat(s.dir.fd, "root/volumes", 0700, 0), 0);
    EXPECT("old", "volume", "ls", "-q");
    EXPECT("<nil> <nil>", "volume", "inspect", "-f", "{{.Labels}} {{.Options}}", "old");
    EXPECT("x", "run", "--rm", "-v", "old:/v", "busybox", "cat", "/v/file");
    EXPECT("old", "volume", "rm", "old");
}

Test(volume_verbs, a_damaged_one_is_listed_and_can_be_removed)
{
    free(ASK(&s, "volume", "create", "vol"));
    tempdir_put(&s.dir, "root/volumes/vol/volume.json", "{");
    auto_done(outcome_done) struct outcome o = RUN(&s, "volume", "ls", "-q");
    cr_expect_str_eq(o.out, "vol\n");
    cr_expect(strstr(o.err, "volumes/vol/volume.json: not JSON"), "%s", o.err);
    REFUSED(1, "not JSON", "volume", "inspect", "-f", "{{.Name}}", "vol");
    EXPECT("vol", "volume", "rm", "vol");
}

Test(volume_verbs, two_creates_of_one_name)
{
    for (int i = 0; i < 20; i++) {
        struct running a = BEGIN(&s, "volume", "create", "--label", "by=a", "vol");
        struct running b = BEGIN(&s, "volume", "create", "--label", "by=b", "vol");
        auto_done(outcome_done) struct outcome x = state_end(&a), y = state_end(&b);
        cr_expect(x.status == 0 && y.status == 0, "%s%s", x.err, y.err);
        cr_expect_str_eq(x.out, "vol\n");
        cr_expect_str_eq(y.out, "vol\n");
        /* exactly one of the two hears that it came second */
        cr_expect_neq(x.err_len == 0, y.err_len == 0, "%s%s", x.err, y.err);
        auto_free char *by = ASK(&s, "volume", "inspect", "-f", "{{.Labels.by}}", "vol");
        cr_expect_str_eq(by, x.err_len ? "b" : "a");
        free(ASK(&s, "volume", "rm", "vol"));
    }
    cr_expect_str_empty(state_leftovers(&s, false));
}

#ifdef MTD_FAULTS
static bool process_stops(pid_t pid)
{
    int status = 0;
    return waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status);
}

/* A create that is stopped after its note keeps the volume from being removed; one that is stopped
 * before it, and goes on after the removal, makes it again. */
Test(volume_verbs, rm_beside_a_create)
{
    free(ASK(&s, "volume", "create", "vol"));
    s.fault = "create.volumes:stop";
    struct running made =
        BEGIN(&s, "create", "--name", "c", "-v", "vol:/v", "busybox", "true");
    s.fault = NULL;
    cr_assert(process_stops(made.pid));
    REFUSED(1, "in use by a container that is being created", "volume", "rm", "vol");
    kill(made.pid, SIGCONT);
    auto_done(outcome_done) struct outcome o = state_end(&made);
    cr_expect_eq(o.status, 0, "%s", o.err);
    free(ASK(&s, "rm", "c"));

    s.fault = "create.prepared:stop";
    struct running late =
        BEGIN(&s, "create", "--name", "d", "-v", "vol:/v", "busybox", "true");
    s.fault = NULL;
    cr_assert(process_stops(late.pid));
    EXPECT("vol", "volume", "rm", "vol");
    kill(late.pid, SIGCONT);
    auto_done(outcome_done) struct outcome again = state_end(&late);
    cr_expect_eq(again.status, 0, "%s", again.err);
    free(ASK(&s, "start", "-a", "d"));
}

/* Whatever a killed command leaves, the next one finishes or undoes. */
Test(volume_verbs, killed_anywhere)
{
    static const struct {
        const char *point;
        bool makes, there; /* afterwards */
    } POINTS[] = {
        {"volume.dir:kill", true, false},      {"volume.file:kill", true, false},
        {"fs.replace:kill", true, false},      {"volume.publish:kill", true, false},
        {"volume.remove:kill", false, true},   {"volume.retire:kill", false, true},
        {"volume.retired:kill", false, false},
    };
    for (size_t i = 0; i < sizeof(POINTS) / sizeof(POINTS[0]); i++) {
        const char *verb = POINTS[i].makes ? "create" : "rm";
        if (!POINTS[i].makes)
            free(ASK(&s, "volume", "create", "--label", "x=y", "vol"));
        s.fault = POINTS[i].point;
        auto_done(outcome_done) struct outcome o = RUN(&s, "volume", verb, "vol");
        s.fault = NULL;
        cr_expect_eq(o.status, 128 + SIGKILL, "%s was not reached", POINTS[i].point);
        EXPECT(POINTS[i].there ? "vol" : "", "volume", "ls", "-q");
        free(ASK(&s, "run", "--rm", "busybox", "true")); /* sweeps */
        cr_expect_eq(is_there("root/volumes/vol"), POINTS[i].there, "%s",
                     POINTS[i].point);
        cr_expect_str_empty(state_leftovers(&s, false), "%s", POINTS[i].point);
        if (POINTS[i].there)
            EXPECT("vol", "volume", "rm", "vol");
    }
}

/* A command that fails leaves nothing either. */
Test(volume_verbs, failing_anywhere)
{
    static const char *const POINTS[] = {"volume.dir", "volume.file", "fs.replace",
                                         "volume.publish"};
    for (size_t i = 0; i < sizeof(POINTS) / sizeof(POINTS[0]); i++) {
        s.fault = POINTS[i];
        REFUSED(1, "cannot create volume vol", "volume", "create", "vol");
        REFUSED(1, "cannot create volume vol", "create", "-v", "vol:/v", "busybox",
                "true");
        s.fault = NULL;
        cr_expect_leq(tempdir_count(s.dir.fd, "root/volumes"), 0);
        cr_expect_str_empty(state_leftovers(&s, false), "%s", POINTS[i]);
    }
}
#endif
