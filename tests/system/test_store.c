/* The image store: what other programs read of it, what a kill leaves of it, and how one of an
 * older form becomes one of this. Needs root; umoci and skopeo where they are named. */

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/fields.h"
#include "../support/state.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "base/strv.h"
#include "engine/image/compose.h"
#include "tarfile.h"

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

TestSuite(image_store, .init = set_up, .fini = tear_down, .timeout = 100);

static bool has_program(const char *name)
{
    char command[128];
    snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1", name);
    return system(command) == 0;
}

/* A shell's, with $D as the test's directory; "" = it succeeded and said nothing. */
static char *shell(const char *script)
{
    auto_free char *command = NULL;
    struct buf out = {0};
    char block[4096];
    size_t n;
    cr_assert_gt(
        asprintf(&command, "D=%s; { %s\n} 2>&1 || echo failed", s.dir.path, script), 0);
    FILE *f = popen(command, "re");
    cr_assert(f);
    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        buf_add(&out, block, n);
    pclose(f);
    return buf_take(&out);
}

static void make_image(void)
{
    free(ASK(&s, "run", "--name", "c", "busybox", "sh", "-c",
             "echo hey >/f; rm /etc/passwd; mkdir -p /d/e; ln -s x /d/l; chown 5:6 /d/e; "
             "ln /f /d/hard; chmod 4755 /f; rm -rf /bin/vi"));
    free(ASK(&s, "commit", "c", "mine:1"));
}

Test(image_store, skopeo_reads_it_as_it_lies_there)
{
    if (!has_program("skopeo"))
        cr_skip("skopeo is not installed");
    make_image();
    auto_free char *id = ASK(&s, "inspect", "--format", "{{.Id}}", "mine:1");
    auto_free char *layers =
        shell("skopeo inspect --format '{{.Digest}}{{range .Layers}} {{.}}{{end}}' "
              "oci:$D/root/images:docker.io/library/mine:1 | grep -o sha256: | wc -l");
    cr_expect_str_eq(layers, "3\n", "its own digest, and two layers");
    auto_free char *config =
        shell("printf sha256:; skopeo inspect --config --raw "
              "oci:$D/root/images:docker.io/library/mine:1 | sha256sum | cut -d' ' -f1");
    config[strcspn(config, "\n")] = '\0';
    cr_expect_str_eq(config, id, "the id is the digest of the config");
}

Test(image_store, umoci_unpacks_what_we_mount)
{
    if (!has_program("umoci"))
        cr_skip("umoci is not installed");
    make_image();
    auto_free char *said = shell(
        "umoci unpack --image $D/root/images:docker.io/library/mine:1 $D/bundle "
        ">/dev/null && mkdir $D/m && "
        "unshare -m sh -c 'L=$(sed -n \"/\\\"Layers\\\"/,/]/s/^ *\\\"\\([0-9a-f]*\\)\\\".*/\\1/p\""
        " $0/root/images/config/$1.json | tac | sed \"s|^|$0/root/images/layers/|\" | "
        "paste -sd:); mount -t overlay x -o lowerdir=$L $0/m && "
        "list() { (cd $1 && find . -mindepth 1 -printf \"%P %y %m %U %G %s %T@ %l\\n\" |"
        " sed \"/^[^ ]* d /s/ [0-9]* \\([0-9.]* *\\)$/ \\1/\" | sort); }; "
        "list $0/m >$0/a; list $0/bundle/rootfs >$0/b; diff $0/a $0/b && "
        "diff -r --no-dereference $0/m $0/bundle/rootfs && test -s $0/a' "
        "$D $(basename $D/root/images/config/$(readlink $D/root/images/refs/mine:1 | "
        "sed s/sha256://))");
    cr_expect_str_empty(said);
}

/* ---- what is there ---- */

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names below root/images, without locks. */
static char *list_store(void)
{
    static const char *const DIRS[] = {"refs",         "config", "layers",  "info",
                                       "blobs/sha256", "tmp",    "digests", "ids"};
    struct buf text = {0};
    for (size_t i = 0; i < ARRAY_SIZE(DIRS); i++) {
        auto_done(strv_done) struct strv names = {0};
        char path[256];
        snprintf(path, sizeof(path), "%s/root/images/%s", s.dir.path, DIRS[i]);
        auto_dir DIR *d = opendir(path);
        for (const struct dirent *e; d && (e = readdir(d));)
            if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                strv_add(&names, e->d_name);
        if (names.len)
            qsort(names.items, names.len, sizeof(*names.items), compare);
        for (size_t n = 0; n < names.len; n++)
            buf_printf(&text, "%s/%s\n", DIRS[i], names.items[n]);
    }
    return buf_take(&text);
}

static char *read_index(void)
{
    struct buf text = {0};
    cr_assert_eq(fs_read_at(s.dir.fd, "root/images/index.json", 1u << 20, &text), 0);
    return buf_take(&text);
}

/* ---- an older version's store ---- */

/* Its images have neither manifest nor config, and it is no layout. */
static void make_old(void)
{
    free(shell(
        "cd $D/root/images && rm -r oci-layout form index.json blobs info digests ids "
        "&& sed -i '/\"Manifest\"/d; /\"ConfigDigest\"/d; /\"Os\"/d; "
        "/\"Architecture\"/d; /\"DiffIds\"/,/\\]/d' config/*.json"));
}

/* It is a layout, but the id of mine:1, which container "user" uses, is no digest. */
static void make_foreign(void)
{
    free(ASK(&s, "run", "--name", "user", "mine:1", "true"));
    auto_free char *said = shell(
        "cd $D/root/images && h=$(readlink refs/mine:1 | sed s/sha256://) && "
        "o=$(printf %064d 7) && sed s/$h/$o/ config/$h.json >config/$o.json && "
        "sed -i s/\\\"ConfigDigest.*$o/\\\"ConfigDigest\\\":\\\"$h/ config/$o.json && "
        "rm config/$h.json form && ln -sfn sha256:$o refs/mine:1 && "
        "ln -sfn sha256:$o digests/$(printf %064d 8) && "
        "sed -i s/$h/$o/ ../containers/*/config.json && grep -q $o ../containers/*/config.json");
    cr_assert_str_empty(said);
}
#define FOREIGN "0000000000000000000000000000000000000000000000000000000000000007"

/* Every image's id is the digest of its config, which is there. */
static void expect_digests(void)
{
    auto_free char *said = shell(
        "cd $D/root/images && for c in config/*; do test -e $c || continue; h=$(basename $c .json); "
        "test $(sha256sum <blobs/sha256/$h | cut -c1-64) = $h || echo $h; done; "
        "for n in refs/* digests/* ids/*; do test -L $n || continue; "
        "h=$(readlink $n | cut -c8-71); test -e config/$h.json || echo $n; done");
    cr_expect_str_empty(said);
}

static void expect_taken_over(void)
{
    expect_digests();
    auto_free char *index = read_index();
    cr_expect(strstr(index, "docker.io/library/mine:1"), "%s", index);
    auto_free char *out = ASK(&s, "run", "--rm", "mine:1", "cat", "/f");
    cr_expect_str_eq(out, "hey");
    auto_free char *tmp = shell("ls -A $D/root/images/tmp");
    cr_expect_str_empty(tmp);
}

Test(image_store, one_of_an_older_form_is_taken_over)
{
    make_image();
    auto_free char *old = ASK(&s, "inspect", "--format", "{{.Image}}", "c");
    make_old();
    free(ASK(&s, "images"));
    auto_free char *out = ASK(&s, "run", "--rm", "mine:1", "cat", "/f");
    cr_expect_str_eq(out, "hey");
    expect_taken_over();
    auto_free char *found = ASK(&s, "inspect", "--format", "{{.Id}}", old);
    auto_free char *id = ASK(&s, "inspect", "--format", "{{.Id}}", "busybox");
    cr_expect_str_eq(found, id, "what a record has leads to the image");
    free(ASK(&s, "commit", "c", "second"));
    free(ASK(&s, "rm", "c"));
    free(ASK(&s, "rmi", "second", "mine:1"));
}

Test(image_store, an_id_that_is_no_digest_leads_on_to_the_image)
{
    make_image();
    make_foreign();
    free(ASK(&s, "tag", "mine:1", "mine:2"));
    free(ASK(&s, "rmi", "mine:2"));
    expect_taken_over();
    auto_free char *id = ASK(&s, "images", "-q", "--no-trunc", "mine");
    auto_free char *found = ASK(&s, "inspect", "--format", "{{.Id}}", FOREIGN);
    cr_expect_str_eq(found, id);
    auto_free char *used = ASK(&s, "inspect", "--format", "{{.Image}}", "user");
    cr_expect_str_eq(used, id);
    EXPECT_OUTPUT(&s, 0, "user\n", "ps", "-a", "--format", "{{.Names}}", "--filter",
                  "ancestor=mine:1");
    auto_done(outcome_done) struct outcome o = RUN(&s, "rmi", "mine:1");
    cr_expect(o.status == 1 && strstr(o.err, "(user)"), "%s", o.err);
    free(ASK(&s, "rmi", "-f", "mine:1"));
    free(ASK(&s, "image", "prune", "-af"));
    free(ASK(&s, "start", "-a", "user"));
    free(ASK(&s, "rm", "user", "c"));
    free(ASK(&s, "image", "prune", "-af"));
    expect_digests();
    auto_free char *left = shell("cd $D/root/images && find ids digests -type l");
    cr_expect_str_empty(left);
}

/* As with docker: an image that comes back is the one that is there. */
Test(image_store, an_image_that_comes_back_is_the_same)
{
    char tar[128];
    make_image();
    snprintf(tar, sizeof(tar), "%s/saved.tar", s.dir.path);
    free(shell("mkdir $D/root/image && tar -C $D -cf $D/root/image/own.tar root/events"));
    free(ASK(&s, "image", "ls", "own"));
    auto_done(outcome_done) struct outcome ran = RUN(&s, "run", "--rm", "own", "/none");
    cr_expect_neq(ran.status, 0);
    auto_free char *before = ASK(&s, "images", "-q", "--no-trunc");
    free(ASK(&s, "save", "-o", tar, "busybox", "own", "mine:1"));
    free(ASK(&s, "load", "-i", tar));
    auto_free char *after = ASK(&s, "images", "-aq", "--no-trunc");
    cr_expect_str_eq(after, before);
    expect_digests();
}

#ifdef MTD_FAULTS

static void kill_at(const char *point, const char *const args[])
{
    s.fault = point;
    auto_done(outcome_done) struct outcome o = state_run_input(&s, NULL, 0, args);
    s.fault = NULL;
    cr_expect_eq(o.status, 128 + SIGKILL, "%s at %s: %d: %s", args[0], point, o.status,
                 o.err);
}
#define KILL(point, ...) kill_at(point, (const char *const[]){__VA_ARGS__, NULL})

Test(image_store, a_killed_takeover_is_continued)
{
    static const char *const POINTS[] = {"takeover.image:kill", "takeover.image:kill:2",
                                         "takeover.index:kill", "takeover.layout:kill",
                                         "takeover.form:kill"};
    make_image();
    for (size_t i = 0; i < ARRAY_SIZE(POINTS); i++) {
        make_old();
        KILL(POINTS[i], "run", "--rm", "mine:1", "true");
        cr_expect_eq(faccessat(s.dir.fd, "root/images/form", F_OK, 0), -1);
        free(ASK(&s, "run", "--rm", "mine:1", "true"));
        expect_taken_over();
    }
}

Test(image_store, a_killed_change_of_an_id_is_continued)
{
    static const char *const POINTS[] = {"ids.link:kill", "ids.names:kill",
                                         "ids.drop:kill"};
    make_image();
    for (size_t i = 0; i < ARRAY_SIZE(POINTS); i++) {
        make_foreign();
        KILL(POINTS[i], "run", "--rm", "mine:1", "true");
        free(ASK(&s, "run", "--rm", "mine:1", "true"));
        expect_taken_over();
        auto_free char *id = ASK(&s, "images", "-q", "--no-trunc", "mine");
        auto_free char *found = ASK(&s, "inspect", "--format", "{{.Id}}", FOREIGN);
        cr_expect_str_eq(found, id, "%s", POINTS[i]);
        free(ASK(&s, "rm", "user"));
    }
}

/* Before the config's own file is there, nothing was made; after it, all will be. */
static const struct {
    const char *point;
    bool made;
} STEPS[] = {
    {"layer.received:kill", false},  {"image.layer:kill", false},
    {"image.info:kill", false},      {"image.blob:kill", false},
    {"image.documents:kill", false}, {"image.config:kill", false},
    {"image.name:kill", true},       {"image.index:kill", true},
    {"image.composed:kill", true},
};

static void expect_kills_swept(const char *const args[], const char *name)
{
    auto_free char *before = list_store();
    for (size_t i = 0; i < ARRAY_SIZE(STEPS); i++) {
        kill_at(STEPS[i].point, args);
        free(ASK(&s, "ps", "-a"));
        auto_free char *index = read_index();
        cr_expect_eq(strstr(index, name) != NULL, STEPS[i].made, "%s: %s", STEPS[i].point,
                     index);
        if (STEPS[i].made)
            free(ASK(&s, "rmi", name));
        auto_free char *after = list_store();
        cr_expect_str_eq(after, before, "%s", STEPS[i].point);
    }
}

Test(image_store, a_killed_commit_is_undone_or_done)
{
    make_image();
    expect_kills_swept((const char *const[]){"commit", "c", "fresh", NULL}, "fresh");
}

Test(image_store, a_killed_import_is_undone_or_done)
{
    char tar[128];
    make_image();
    snprintf(tar, sizeof(tar), "%s/some.tar", s.dir.path);
    free(ASK(&s, "export", "-o", tar, "c"));
    expect_kills_swept((const char *const[]){"import", tar, "fresh", NULL}, "fresh");
}

Test(image_store, a_killed_rmi_is_undone_or_done)
{
    static const char *const POINTS[] = {"image.remove_config:kill",
                                         "image.remove_layer:kill",
                                         "image.remove_blobs:kill", "image.removed:kill"};
    make_image();
    free(ASK(&s, "run", "--name", "d", "busybox", "sh", "-c", "echo d >/d"));
    auto_free char *before = list_store();
    for (size_t i = 0; i < ARRAY_SIZE(POINTS); i++) {
        free(ASK(&s, "commit", "d", "fresh"));
        KILL(POINTS[i], "rmi", "fresh");
        free(ASK(&s, "ps", "-a"));
        auto_free char *left = ASK(&s, "images", "-q", "--filter", "dangling=true");
        if (*left) /* it had lost its name, and is removed by its id */
            free(ASK(&s, "rmi", left));
        auto_free char *after = list_store();
        cr_expect_str_eq(after, before, "%s", POINTS[i]);
        auto_free char *index = read_index();
        cr_expect(!strstr(index, "fresh"), "%s: %s", POINTS[i], index);
    }
}

Test(image_store, a_killed_prune_of_blobs_leaves_layers_that_can_be_packed)
{
    make_image();
    KILL("image.drop:kill", "image", "prune", "-f", "--blobs");
    free(ASK(&s, "image", "prune", "-f", "--blobs"));
    auto_free char *out = ASK(&s, "run", "--rm", "mine:1", "cat", "/f");
    cr_expect_str_eq(out, "hey");
    free(ASK(&s, "commit", "c", "second"));
}

Test(image_store, rmi_during_run_takes_nothing_away)
{
    make_image();
    s.fault = "create.noted:stop";
    struct running r = BEGIN(&s, "run", "--rm", "mine:1", "cat", "/f");
    s.fault = NULL;
    int status;
    cr_assert_eq(waitpid(r.pid, &status, WUNTRACED), r.pid);
    cr_assert(WIFSTOPPED(status));
    struct running other = BEGIN(&s, "rmi", "mine:1");
    kill(r.pid, SIGCONT);
    auto_done(outcome_done) struct outcome ran = state_end(&r),
                                           removed = state_end(&other);
    cr_expect_eq(ran.status, 0, "%s", ran.err);
    cr_expect_str_eq(ran.out, "hey\n");
    cr_expect(removed.status == 0 || strstr(removed.err, "conflict: "), "%s",
              removed.err);
}

#endif

/* ---- what is shown and freed ---- */

Test(image_store, rmi_says_who_uses_the_image)
{
    make_image();
    free(ASK(&s, "run", "--name", "user", "mine:1", "true"));
    auto_free char *id = ASK(&s, "ps", "-aq", "--filter", "name=user");
    auto_done(outcome_done) struct outcome o = RUN(&s, "rmi", "mine:1");
    cr_expect_eq(o.status, 1);
    cr_expect(
        strstr(o.err, "conflict: unable to remove image \"mine:1\" (must be forced)"),
        "%s", o.err);
    cr_expect(strstr(o.err, "stopped container ") && strstr(o.err, id) &&
                  strstr(o.err, "(user)"),
              "%s", o.err);
    free(ASK(&s, "rmi", "-f", "mine:1"));
    free(ASK(&s, "start", "-a", "user"));
    auto_free char *dangling = ASK(&s, "images", "-q", "--filter", "dangling=true");
    cr_expect_str_neq(dangling, "");
    free(ASK(&s, "rm", "user"));
    free(ASK(&s, "image", "prune", "-f"));
    auto_free char *none = ASK(&s, "images", "-q", "--filter", "dangling=true");
    cr_expect_str_empty(none);
}

Test(image_store, dropped_blobs_come_back_with_the_same_digest)
{
    make_image();
    auto_free char *before = list_store();
    free(ASK(&s, "image", "prune", "-f", "--blobs"));
    auto_free char *dropped = list_store();
    cr_expect_lt(strlen(dropped), strlen(before));
    free(ASK(&s, "commit", "c", "again")); /* above a small layer, whose blob is wanted */
    free(ASK(&s, "rmi", "again"));
    auto_free char *index = read_index();
    cr_expect(strstr(index, "mine:1"), "%s", index);
}

Test(image_store, images_filters_by_age_and_label)
{
    make_image();
    free(ASK(&s, "commit", "-c", "LABEL k=v", "c", "labelled"));
    EXPECT_OUTPUT(&s, 0, "labelled\n", "images", "--format", "{{.Repository}}",
                  "--filter", "since=mine:1");
    EXPECT_OUTPUT(&s, 0, "busybox\n", "images", "--format", "{{.Repository}}", "--filter",
                  "before=mine:1");
    EXPECT_OUTPUT(&s, 0, "labelled\n", "images", "--format", "{{.Repository}}",
                  "--filter", "label=k=v");
    free(ASK(&s, "image", "prune", "-a", "-f", "--filter", "label=k"));
    EXPECT_OUTPUT(&s, 0, "mine\nbusybox\n", "images", "--format", "{{.Repository}}");
}

Test(image_store, history_goes_on_through_commits)
{
    make_image();
    free(ASK(&s, "run", "--name", "d", "mine:1", "sh", "-c", "echo 2 >/g"));
    free(ASK(&s, "commit", "-m", "second", "d", "mine:2"));
    auto_free char *out = ASK(&s, "history", "--no-trunc", "--format",
                              "{{.CreatedBy}} {{.Comment}}", "mine:2");
    cr_expect(strncmp(out, "sh -c echo 2 >/g second\nsh -c echo hey >/f;", 43) == 0, "%s",
              out);
    const char *last = strrchr(out, '\n');
    cr_expect(last && strcmp(last, "\nsh ") == 0, "%s", out);
}

/* ---- many layers ---- */

#define LAYERS 127

static struct image_layer receive(const struct image_store *store, int n)
{
    char name[16];
    struct tarfile t;
    struct mtd_error err = {0};
    struct image_layer l = {0};
    snprintf(name, sizeof(name), "n%d", n);
    const struct tar_item items[] = {
        {name, S_IFREG | 0644, "x"}, {"last", S_IFREG | 0644, name}, {0}};
    tarfile_make(&t, items, "", "");
    auto_fd int fd =
        openat(s.dir.fd, "layer.tar", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert_eq(fs_write_all(fd, t.data, t.len), 0);
    cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
    struct image_layer_source src = {.fd = fd, .keep = IMAGE_KEEP_PLAIN};
    cr_assert_eq(image_layer_receive(store, &src, NULL, &l, &err), 0, "%s", err.text);
    tarfile_done(&t);
    return l;
}

/* Layers above busybox's, which the store has. */
static void make_deep(void)
{
    char root[128];
    struct mtd_error err = {0};
    struct mtd_image base = {0};
    struct image_layer layers[LAYERS] = {0};
    struct image_part parts[LAYERS] = {0};
    struct strv names = {0};
    char *id = NULL;
    free(ASK(&s, "run", "--rm", "busybox", "true"));
    snprintf(root, sizeof(root), "%s/root", s.dir.path);
    auto_fd int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const struct image_store store = {.root = root, .root_fd = fd};
    cr_assert_eq(image_find(&store, "busybox", &base, &err), 0, "%s", err.text);
    parts[0].chain = base.layers.items[0];
    for (int i = 1; i < LAYERS; i++) {
        layers[i] = receive(&store, i);
        parts[i].layer = &layers[i];
    }
    cr_assert_eq(strv_add(&names, "deep"), 0);
    struct image_compose c = {.config = &base.config,
                              .created_at = 1,
                              .parts = parts,
                              .n_parts = LAYERS,
                              .names = &names};
    cr_assert_eq(image_compose(&store, &c, &id, &err), 0, "%s", err.text);
    for (int i = 1; i < LAYERS; i++)
        image_layer_done(&layers[i]);
    free(id);
    strv_done(&names);
    mtd_image_done(&base);
}

static void expect_deep(const char *fault)
{
    s.fault = fault;
    auto_free char *out =
        ASK(&s, "run", "--rm", "deep", "sh", "-c", "ls -d /n[0-9]* | wc -l; cat /last");
    s.fault = NULL;
    cr_expect_str_eq(out, "126\nn126", "%s", fault ? fault : "");
}

/* Two layers fit into mount(2)'s one string, go in one by one, or by id as on an old kernel. */
Test(image_store, an_image_of_two_layers_runs_in_each_way)
{
    static const char *const WAYS[] = {NULL,
#ifdef MTD_FAULTS
                                       "rootfs.few:fail:*", "rootfs.lowerdir:fail:*"
#endif
    };
    free(
        ASK(&s, "run", "--name", "c", "busybox", "sh", "-c", "rm /bin/vi; echo 2 >/two"));
    free(ASK(&s, "commit", "c", "two"));
    for (size_t i = 0; i < ARRAY_SIZE(WAYS); i++) {
        s.fault = WAYS[i];
        auto_free char *out = ASK(&s, "run", "--rm", "two", "sh", "-c",
                                  "cat /two; ls /bin/vi /bin/sh 2>/dev/null; "
                                  "echo 3 >/two; cat /two");
        s.fault = NULL;
        cr_expect_str_eq(out, "2\n/bin/sh\n3", "%s", WAYS[i] ? WAYS[i] : "");
    }
}

Test(image_store, an_image_of_127_layers_runs)
{
    make_deep();
    expect_deep(NULL);
#ifdef MTD_FAULTS
    expect_deep("rootfs.lowerdir:fail:*"); /* more than one mount(2) has room for by id */
#endif
}
