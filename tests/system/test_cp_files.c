/* cp: what is copied and what is not, owners, mounts, tars, refusals. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../support/cpbox.h"
#include "base/cleanup.h"

TestSuite(cp_files, .init = cpbox_make, .fini = cpbox_delete, .timeout = 120);

/* ---- what is copied ---- */

Test(cp_files, links_holes_times_attributes_and_nodes_come_along)
{
    struct stat a, b;
    char value[8] = "";
    cpbox_shell(
        "cd %s; mkdir d; echo one >d/one; ln d/one d/two; mkfifo d/p; mknod d/n c 1 3;"
        "truncate -s 8M d/hole; ln -s /etc d/l; touch -d 2001-02-03T04:05:06.789 d/one d",
        cpbox_host);
    cr_assert_eq(setxattr(cpbox_path(cpbox_host, "d/one"), "user.x", "y", 1, 0), 0);
    free(ASK(&cpbox, "cp", cpbox_path(cpbox_host, "d"), "up:/w"));
    free(ASK(&cpbox, "cp", "up:/w/d", cpbox_path(cpbox_host, "back")));
    static const char *const BASES[] = {"d", "back"};
    for (size_t i = 0; i < ARRAY_SIZE(BASES); i++) {
        char base[600];
        snprintf(base, sizeof(base), "%s",
                 cpbox_path(i ? cpbox_host : cpbox_up, BASES[i]));
        cr_assert_eq(stat(cpbox_path(base, "one"), &a), 0);
        cr_assert_eq(stat(cpbox_path(base, "two"), &b), 0);
        cr_expect_eq(a.st_ino, b.st_ino);
        cr_expect_eq(a.st_mtim.tv_sec, 981173106);
        cr_expect_eq(a.st_mtim.tv_nsec, 789000000);
        cr_expect_eq(getxattr(cpbox_path(base, "one"), "user.x", value, sizeof(value)),
                     1);
        cr_assert_eq(stat(base, &a), 0);
        cr_expect_eq(a.st_mtim.tv_sec, 981173106);
        cr_assert_eq(stat(cpbox_path(base, "hole"), &a), 0);
        cr_expect_eq(a.st_size, 8 << 20);
        cr_expect_lt(a.st_blocks, 64);
        cr_assert_eq(stat(cpbox_path(base, "p"), &a), 0);
        cr_expect(S_ISFIFO(a.st_mode));
        cr_assert_eq(stat(cpbox_path(base, "n"), &a), 0);
        cr_expect(S_ISCHR(a.st_mode) && a.st_rdev == makedev(1, 3));
        cr_assert_eq(lstat(cpbox_path(base, "l"), &a), 0);
        cr_expect(S_ISLNK(a.st_mode));
    }
}

Test(cp_files, a_directory_is_not_copied_into_itself)
{
    free(ASK(&cpbox, "run", "-d", "--name", "bound", "-v",
             cpbox_path(cpbox.dir.path, "w:/b"), "busybox", "sleep", "1000"));
    cpbox_shell("mkdir %s/d; echo x >%s/d/x", cpbox_host, cpbox_host);
    auto_done(outcome_done) struct outcome o =
        RUN(&cpbox, "cp", cpbox_path(cpbox_host, "d"), "bound:/b/d");
    cr_expect_eq(o.status, 1);
    cr_expect(strstr(o.err, "into itself"), "%s", o.err);
}

/* ---- owners ---- */

static void expect_owner(const char *base, const char *name, unsigned uid, unsigned mode)
{
    struct stat st;
    cr_assert_eq(lstat(cpbox_path(base, name), &st), 0, "%s", cpbox_path(base, name));
    cr_expect_eq(st.st_uid, uid, "%s: %u", name, st.st_uid);
    cr_expect_eq(st.st_gid, uid, "%s: %u", name, st.st_gid);
    cr_expect_eq(st.st_mode & 07777, mode, "%s: %o", name, st.st_mode);
}

Test(cp_files, owners_are_roots_unless_asked_to_stay)
{
    cpbox_shell("cd %s; echo x >f; chown 12:12 f; chmod 6755 f", cpbox_host);
    free(ASK(&cpbox, "cp", cpbox_path(cpbox_host, "f"), "up:/w/mine"));
    free(ASK(&cpbox, "cp", "-a", cpbox_path(cpbox_host, "f"), "up:/w/theirs"));
    expect_owner(cpbox_up, "mine", 0, 0755);
    expect_owner(cpbox_up, "theirs", 12, 06755);
    free(ASK(&cpbox, "cp", "up:/w/theirs", cpbox_path(cpbox_host, "mine")));
    free(ASK(&cpbox, "cp", "-a", "up:/w/theirs", cpbox_path(cpbox_host, "theirs")));
    expect_owner(cpbox_host, "mine", 0, 0755);
    expect_owner(cpbox_host, "theirs", 12, 06755);
}

/* Each bit is about its own id: that one of the two is root's already does not save the other. */
Test(cp_files, set_id_bits_go_with_their_owner)
{
    cpbox_shell("cd %s; echo x >u; chown 12:0 u; chmod 6755 u; echo x >g; chown 0:12 g; "
                "chmod 6755 g",
                cpbox_host);
    free(ASK(&cpbox, "cp", cpbox_path(cpbox_host, "u"), "up:/w/u"));
    free(ASK(&cpbox, "cp", cpbox_path(cpbox_host, "g"), "up:/w/g"));
    expect_owner(cpbox_up, "u", 0, 02755);
    expect_owner(cpbox_up, "g", 0, 04755);
}

/* A program of the container's root would be one of the host's root's. */
Test(cp_files, what_leaves_a_container_gives_no_rights)
{
    cpbox_shell("cd %s; echo x >su; chmod 4755 su; mknod disk b 7 0; chmod 666 disk",
                cpbox_up);
    static const char CAPABILITY[20] = {1, 0, 0,
                                        2, 0, 4}; /* VFS_CAP_REVISION_2, effective */
    cr_assert_eq(setxattr(cpbox_path(cpbox_up, "su"), "security.capability", CAPABILITY,
                          sizeof(CAPABILITY), 0),
                 0, "%s", strerror(errno));
    free(ASK(&cpbox, "cp", "up:/w/.", cpbox_host));
    expect_owner(cpbox_host, "su", 0, 0755);
    expect_owner(cpbox_host, "disk", 0, 0600);
    cr_expect_lt(getxattr(cpbox_path(cpbox_host, "su"), "security.capability", NULL, 0),
                 0);
}

Test(cp_files, ids_of_a_user_namespace_are_the_containers)
{
    cpbox_shell("cd %s; echo x >f; chown 12:12 f; echo y >g; chown 99999999 g",
                cpbox_host);
    free(ASK(&cpbox, "run", "-d", "--name", "own", "--userns", "auto", "-v", "vol:/vol",
             "--tmpfs", "/tmpfs", "busybox", "sleep", "1000"));
    static const char *const PLACES[] = {"own:/root/", "own:/vol/", "own:/tmpfs/"};
    for (size_t i = 0; i < ARRAY_SIZE(PLACES); i++) {
        char to[64];
        snprintf(to, sizeof(to), "%smine", PLACES[i]);
        free(ASK(&cpbox, "cp", cpbox_path(cpbox_host, "f"), to));
        snprintf(to, sizeof(to), "%stheirs", PLACES[i]);
        free(ASK(&cpbox, "cp", "-a", cpbox_path(cpbox_host, "f"), to));
        char *list =
            ASK(&cpbox, "exec", "own", "stat", "-c", "%u:%g", strchr(to, ':') + 1);
        cr_expect_str_eq(list, "12:12", "%s: %s", to, list);
        free(list);
        list = ASK(&cpbox, "exec", "-w", strchr(PLACES[i], ':') + 1, "own", "stat", "-c",
                   "%u:%g", "mine");
        cr_expect_str_eq(list, "0:0", "%s: %s", to, list);
        free(list);
    }
    auto_done(outcome_done) struct outcome o =
        RUN(&cpbox, "cp", "-a", cpbox_path(cpbox_host, "g"), "own:/");
    cr_expect_eq(o.status, 1);
    cr_expect(strstr(o.err, "no user of the container"), "%s", o.err);
    free(ASK(&cpbox, "cp", "-a", "own:/root/theirs", cpbox_path(cpbox_host, "out")));
    expect_owner(cpbox_host, "out", 12, 0644);
    /* stopped it is the same */
    free(ASK(&cpbox, "stop", "-t", "0", "own"));
    free(ASK(&cpbox, "cp", cpbox_path(cpbox_host, "f"), "own:/root/stopped"));
    free(ASK(&cpbox, "cp", "-a", cpbox_path(cpbox_host, "f"), "own:/vol/stopped"));
    free(ASK(&cpbox, "start", "own"));
    char *list =
        ASK(&cpbox, "exec", "own", "stat", "-c", "%u", "/root/stopped", "/vol/stopped");
    cr_expect_str_eq(list, "0\n12");
    free(list);
}

/* ---- mounts ---- */

Test(cp_files, volumes_binds_and_tmpfs_are_seen)
{
    cpbox_shell("echo x >%s/f", cpbox_host);
    free(ASK(&cpbox, "cp", cpbox_path(cpbox_host, "f"), "up:/tmpfs/a"));
    free(ASK(&cpbox, "cp", cpbox_path(cpbox_host, "f"), "up:/vol/a"));
    char *got = ASK(&cpbox, "exec", "up", "cat", "/tmpfs/a", "/vol/a");
    cr_expect_str_eq(got, "x\nx");
    free(got);
    /* not only of a running one */
    free(ASK(&cpbox, "cp", "new:/vol/a", cpbox_path(cpbox_host, "out")));
    cr_expect_str_eq(cpbox_text(cpbox_host, "out"), "x\n");
    free(ASK(&cpbox, "cp", cpbox_path(cpbox_host, "f"), "new:/vol/b"));
    cr_expect_str_eq(cpbox_text(cpbox.dir.path, "root/volumes/vol/_data/b"), "x\n");
    free(ASK(&cpbox, "create", "--name", "bound", "-v",
             cpbox_path(cpbox.dir.path, "w:/b"), "busybox"));
    free(ASK(&cpbox, "cp", cpbox_path(cpbox_host, "f"), "bound:/b/c"));
    cr_expect_str_eq(cpbox_text(cpbox_host, "c"), "x\n");
}

/* Looking into one that was never started changes nothing in it. */
Test(cp_files, out_of_a_created_one_leaves_no_trace)
{
    free(ASK(&cpbox, "create", "--name", "clean", "-v", "vol:/vol", "--rm", "busybox",
             "true"));
    free(ASK(&cpbox, "cp", "clean:/etc/passwd", cpbox_path(cpbox_host, "out")));
    char *got = ASK(&cpbox, "diff", "clean");
    cr_expect_str_empty(got);
    free(got);
    cpbox_shell("echo x >%s/f", cpbox_host);
    free(ASK(&cpbox, "cp", cpbox_path(cpbox_host, "f"), "clean:/f"));
    got = ASK(&cpbox, "start", "-a", "clean");
    free(got);
}

Test(cp_files, what_is_read_only_stays_as_it_is)
{
    cpbox_shell("echo x >%s/f", cpbox_host);
    free(ASK(&cpbox, "run", "-d", "--name", "ro", "--read-only", "-v", "vol:/ro:ro", "-v",
             "vol:/rw", "busybox", "sleep", "1000"));
    for (int stopped = 0; stopped < 2; stopped++) {
        static const char *const TO[] = {"ro:/f", "ro:/ro/f"};
        for (size_t i = 0; i < ARRAY_SIZE(TO); i++) {
            auto_done(outcome_done) struct outcome o =
                RUN(&cpbox, "cp", cpbox_path(cpbox_host, "f"), TO[i]);
            cr_expect_eq(o.status, 1, "%s", TO[i]);
            cr_expect(strstr(o.err, "read-only"), "%s", o.err);
        }
        free(ASK(&cpbox, "cp", cpbox_path(cpbox_host, "f"), "ro:/rw/f"));
        free(ASK(&cpbox, "stop", "-t", "0", "ro"));
    }
}

Test(cp_files, the_kernels_files_are_left_alone)
{
    cpbox_shell("echo x >%s/f", cpbox_host);
    static const char *const PAIRS[][2] = {
        {"up:/proc/version", "v"}, {"up:/sys/kernel", "v"}, {"up:/proc", "v"}};
    for (size_t i = 0; i < ARRAY_SIZE(PAIRS); i++) {
        auto_done(outcome_done) struct outcome o =
            RUN(&cpbox, "cp", PAIRS[i][0], cpbox_path(cpbox_host, PAIRS[i][1]));
        cr_expect_eq(o.status, 1);
        cr_expect(strstr(o.err, "kernel's"), "%s", o.err);
    }
    static const char *const TO[] = {"up:/proc/f", "up:/sys", "up:/dev/pts/f"};
    for (size_t i = 0; i < ARRAY_SIZE(TO); i++) {
        auto_done(outcome_done) struct outcome o =
            RUN(&cpbox, "cp", cpbox_path(cpbox_host, "f"), TO[i]);
        cr_expect_eq(o.status, 1);
        cr_expect(strstr(o.err, "kernel's file systems"), "%s", o.err);
    }
    auto_done(outcome_done) struct outcome o =
        RUN(&cpbox, "cp", cpbox_path(cpbox_host, "f"), "up:/dev/null");
    cr_expect(strstr(o.err, "got a device"), "%s", o.err);
    /* as part of a tree they are empty directories */
    free(ASK(&cpbox, "cp", "up:/", cpbox_path(cpbox_host, "all")));
    cpbox_shell(
        "cd %s/all; test -e etc/passwd; test -d proc; test -z \"$(ls proc sys | grep -v :)\"",
        cpbox_host);
}

/* ---- tars ---- */

static void expect_names(const char *from, const char *want)
{
    auto_done(outcome_done) struct outcome o = RUN(&cpbox, "cp", from, "-");
    cr_assert_eq(o.status, 0, "%s", o.err);
    auto_fd int fd = open(cpbox_path(cpbox_host, "x.tar"),
                          O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert_eq(write(fd, o.out, o.out_len), (ssize_t)o.out_len);
    cpbox_shell("cd %s; tar tf x.tar | tr '\\n' ' ' >names", cpbox_host);
    cr_expect_str_eq(cpbox_text(cpbox_host, "names"), want, "%s: %s", from,
                     cpbox_text(cpbox_host, "names"));
}

Test(cp_files, a_tar_goes_out_and_comes_in)
{
    cpbox_source(cpbox_up);
    expect_names("up:/w/f", "f ");
    expect_names("up:/w/d", "d/ d/in d/sub/ d/sub/deep ");
    expect_names("up:/w/d/.", "./ ./in ./sub/ ./sub/deep ");
    expect_names("up:/w/lf", "lf ");
    cpbox_shell(
        "cd %s; mkdir src; echo T >src/t; chown 7:7 src/t; tar cf in.tar -C src .; "
        "gzip -k in.tar",
        cpbox_host);
    static const char *const FILES[] = {"in.tar", "in.tar.gz"};
    static const char *const TO[] = {"up:/w/d", "up:/w/ld/"};
    for (size_t i = 0; i < ARRAY_SIZE(FILES); i++) {
        auto_fd int fd = open(cpbox_path(cpbox_host, FILES[i]), O_RDONLY | O_CLOEXEC);
        struct running r =
            state_begin_from(&cpbox, fd, (const char *const[]){"cp", "-", TO[i], NULL});
        auto_done(outcome_done) struct outcome o = state_end(&r);
        cr_assert_eq(o.status, 0, "%s", o.err);
        cr_expect_str_eq(cpbox_text(cpbox_up, "d/t"), "T\n");
        expect_owner(cpbox_up, "d/t", 7, 0644);
        cpbox_shell("rm %s/d/t", cpbox_up);
    }
}

/* The checksum stands behind the end of the tar. */
Test(cp_files, a_tar_that_was_damaged_when_it_was_packed_is_refused)
{
    cpbox_shell("cd %s; mkdir src; echo T >src/t; tar czf in.tar.gz -C src .; "
                "size=$(stat -c %%s in.tar.gz); printf 'damaged!' | "
                "dd of=in.tar.gz bs=1 seek=$((size - 8)) conv=notrunc 2>/dev/null",
                cpbox_host);
    auto_fd int fd = open(cpbox_path(cpbox_host, "in.tar.gz"), O_RDONLY | O_CLOEXEC);
    struct running r =
        state_begin_from(&cpbox, fd, (const char *const[]){"cp", "-", "up:/w", NULL});
    auto_done(outcome_done) struct outcome o = state_end(&r);
    cr_expect_eq(o.status, 1, "%s", o.err);
    cr_expect(strstr(o.err, "not a valid tar archive"), "%s", o.err);
}

static struct outcome put_tar(const char *make, const char *to)
{
    cpbox_shell("cd %s; rm -rf src x.tar; mkdir src; cd src; %s", cpbox_host, make);
    auto_fd int fd = open(cpbox_path(cpbox_host, "x.tar"), O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    struct running r =
        state_begin_from(&cpbox, fd, (const char *const[]){"cp", "-", to, NULL});
    return state_end(&r);
}

Test(cp_files, a_tar_stays_below_the_containers_root)
{
    char make[600];
    snprintf(make, sizeof(make),
             "ln -s %s out; tar cf ../x.tar out; rm out; mkdir out; echo x >out/f; "
             "tar rf ../x.tar out/f",
             cpbox_host);
    auto_done(outcome_done) struct outcome o = put_tar(make, "up:/w");
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_expect_str_eq(cpbox_text(cpbox_host, "f"), "No such file or directory");
    auto_done(outcome_done) struct outcome up =
        put_tar("echo x >f; tar cPf ../x.tar --transform 's,^,../../,' f", "up:/w");
    cr_expect_eq(up.status, 1);
    cr_expect(strstr(up.err, "\"..\" is refused"), "%s", up.err);
    auto_done(outcome_done) struct outcome none =
        put_tar("echo no tar >../x.tar", "up:/w");
    cr_expect_eq(none.status, 1);
    cr_expect(strstr(none.err, "not a valid tar archive"), "%s", none.err);
    cpbox_shell("echo x >%s/file", cpbox_up);
    auto_done(outcome_done) struct outcome file =
        put_tar("echo x >f; tar cf ../x.tar f", "up:/w/file");
    cr_expect(strstr(file.err, "must be a directory"), "%s", file.err);
}

/* ---- refusals, events ---- */

Test(cp_files, refusals_are_dockers)
{
    static const char *const ROW[][3] = {
        {"up:/a", "new:/b", "copying between containers is not supported"},
        {"a", "b", "must specify at least one container source"},
        {"./up:/a", "b", "must specify at least one container source"},
        {"", "up:/a", "source can not be empty"},
        {"a", "", "destination can not be empty"},
        {"nobody:/a", "b", "No such container: nobody"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(ROW); i++) {
        auto_done(outcome_done) struct outcome o =
            RUN(&cpbox, "cp", ROW[i][0], ROW[i][1]);
        cr_expect_eq(o.status, 1, "%s %s: %d", ROW[i][0], ROW[i][1], o.status);
        cr_expect(strstr(o.err, ROW[i][2]), "not \"%s\": %s", ROW[i][2], o.err);
    }
}

Test(cp_files, has_dockers_events_and_shows_in_diff)
{
    cpbox_shell("echo x >%s/f", cpbox_host);
    free(ASK(&cpbox, "cp", cpbox_path(cpbox_host, "f"), "up:/added"));
    free(ASK(&cpbox, "cp", "up:/added", cpbox_path(cpbox_host, "out")));
    char *events = ASK(&cpbox, "events", "--since", "1h", "--until", "0s", "--format",
                       "{{.Action}}");
    cr_expect(strstr(events, "extract-to-dir\narchive-path"), "%s", events);
    free(events);
    char *diff = ASK(&cpbox, "diff", "up");
    cr_expect(strstr(diff, "A /added"), "%s", diff);
    free(diff);
}
