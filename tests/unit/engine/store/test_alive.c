#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "engine/store/alive.h"
#include "storebox.h"

#define FIRST_WORD 64

static char boot_id[BOOT_ID_LEN + 1];

static void setup(void)
{
    storebox_setup();
    cr_assert_eq(proc_boot_id(boot_id), 0);
}
TestSuite(alive, .init = setup, .fini = storebox_teardown);

static bool all_alive(void)
{
    return alive_all(&storebox, boot_id);
}

/* A process that has entered; end() ends it when it is told to. */
struct process {
    pid_t pid;
    int tell;
};

static void live(int ready, int told, void (*end)(struct alive *a))
{
    struct alive a = {0};
    char byte = 0;
    if (alive_enter(&storebox, &a, NULL) < 0 || write(ready, &byte, 1) != 1 ||
        read(told, &byte, 1) < 0)
        _exit(1);
    end(&a);
    _exit(0);
}

static struct process begin(void (*end)(struct alive *a))
{
    int ready[2], told[2];
    char byte;
    cr_assert(pipe2(ready, O_CLOEXEC) == 0 && pipe2(told, O_CLOEXEC) == 0);
    struct process p = {.pid = fork(), .tell = told[1]};
    if (p.pid == 0)
        live(ready[1], told[0], end);
    close(ready[1]);
    close(told[0]);
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return p;
}

static void finish(struct process *p)
{
    cr_assert_eq(write(p->tell, "", 1), 1);
    close(p->tell);
    waitpid(p->pid, NULL, 0);
}

static void leave(struct alive *a)
{
    alive_leave(a);
}

static void kill_itself(struct alive *a)
{
    (void)a;
    raise(SIGKILL);
}

static void crash(struct alive *a)
{
    (void)a;
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
}

static void just_exit(struct alive *a)
{
    (void)a;
}

static void exec(struct alive *a)
{
    (void)a;
    execl("/bin/true", "true", (char *)NULL);
}

static void leave_and_be_killed(struct alive *a)
{
    alive_leave(a);
    raise(SIGKILL);
}

static void forget(bool settled)
{
    struct alive_dead d;
    alive_find_dead(&storebox, boot_id, &d);
    alive_forget_dead(&d, settled);
}

Test(alive, without_the_file_nothing_can_be_told)
{
    cr_expect_not(all_alive());
}

Test(alive, whoever_leaves_is_not_missed)
{
    struct process one = begin(leave), other = begin(leave_and_be_killed);
    cr_expect(all_alive());
    finish(&one);
    cr_expect(all_alive());
    finish(&other);
    cr_expect(all_alive());
}

Test(alive, a_death_of_any_kind_is_seen)
{
    static void (*const ENDS[])(struct alive *) = {kill_itself, crash, just_exit, exec};
    struct process stays = begin(leave);
    for (size_t i = 0; i < ARRAY_SIZE(ENDS); i++) {
        struct process p = begin(ENDS[i]);
        cr_expect(all_alive(), "%zu", i);
        finish(&p);
        cr_expect_not(all_alive(), "%zu", i);
        forget(false);
        cr_expect_not(all_alive(), "%zu: it is not put right", i);
        forget(true);
        cr_expect(all_alive(), "%zu", i);
    }
    finish(&stays);
}

Test(alive, all_killed_at_once)
{
    struct process all[20];
    struct alive_dead d;
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        all[i] = begin(leave);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        kill(all[i].pid, SIGKILL);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        waitpid(all[i].pid, NULL, 0);
    alive_find_dead(&storebox, boot_id, &d);
    cr_expect_eq(d.n, ARRAY_SIZE(all));
    alive_forget_dead(&d, true);
    cr_expect(all_alive());
}

/* The second must not take away what dies while the first looks. */
Test(alive, one_at_a_time_takes_the_dead_away)
{
    struct process p = begin(just_exit);
    struct alive_dead first, second;
    finish(&p);
    alive_find_dead(&storebox, boot_id, &first);
    alive_find_dead(&storebox, boot_id, &second);
    cr_expect(first.any && second.any);
    alive_forget_dead(&second, true);
    cr_expect_not(all_alive());
    struct process later = begin(just_exit);
    finish(&later);
    alive_forget_dead(&first, true);
    cr_expect_not(all_alive(), "the one that died since");
    forget(true);
    cr_expect(all_alive());
}

static off_t file_size(void)
{
    struct stat st;
    cr_assert_eq(fstatat(storebox.run_fd, "alive", &st, 0), 0);
    return st.st_size;
}

static uint32_t word_at(off_t at)
{
    uint32_t word = 0;
    auto_fd int fd = openat(storebox.run_fd, "alive", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(pread(fd, &word, sizeof(word), at), sizeof(word));
    return word;
}

static void put_words(uint32_t word, off_t from, off_t to)
{
    auto_fd int fd = openat(storebox.run_fd, "alive", O_WRONLY | O_CLOEXEC);
    for (off_t at = from; at < to; at += (off_t)sizeof(word))
        cr_assert_eq(pwrite(fd, &word, sizeof(word), at), sizeof(word));
}

Test(alive, words_are_used_again_and_the_file_grows_when_there_is_none)
{
    struct process p = begin(leave);
    off_t page = file_size();
    cr_expect_eq(word_at(FIRST_WORD), (uint32_t)p.pid);
    finish(&p);
    p = begin(leave);
    cr_expect_eq(word_at(FIRST_WORD), (uint32_t)p.pid);
    put_words(1, FIRST_WORD + 4, page);
    struct process further = begin(just_exit);
    cr_expect_eq(file_size(), 2 * page);
    cr_expect_eq(word_at(page), (uint32_t)further.pid);
    cr_expect(all_alive());
    finish(&further);
    cr_expect_not(all_alive());
    finish(&p);
}

Test(alive, the_words_of_another_boot_tell_nothing)
{
    struct process p = begin(leave);
    cr_expect_not(alive_all(&storebox, "01234567-0000-0000-0000-000000000000"));
    finish(&p);
    auto_fd int fd = openat(storebox.run_fd, "alive", O_WRONLY | O_CLOEXEC);
    cr_assert_eq(pwrite(fd, "0", 1, 8), 1); /* of the boot id */
    cr_assert_eq(pwrite(fd, "1", 1, 9), 1);
    put_words(77, FIRST_WORD, FIRST_WORD + 40);
    cr_expect_not(all_alive());
    p = begin(just_exit);
    cr_expect(all_alive());
    cr_expect_eq(word_at(FIRST_WORD), (uint32_t)p.pid);
    cr_expect_eq(word_at(FIRST_WORD + 4), 0);
    finish(&p);
    cr_expect_not(all_alive());
}

/* Of a monitor from before the file, or that found no room in it. */
Test(alive, a_run_directory_without_a_word_is_seen)
{
    struct process p = begin(leave);
    cr_assert_eq(mkdirat(storebox.run_fd, "one", 0700), 0);
    cr_expect(all_alive());
    cr_assert_eq(mkdirat(storebox.run_fd, "two", 0700), 0);
    cr_expect_not(all_alive());
    cr_assert_eq(unlinkat(storebox.run_fd, "two", AT_REMOVEDIR), 0);
    cr_expect(all_alive());
    cr_assert_eq(unlinkat(storebox.run_fd, "one", AT_REMOVEDIR), 0);
    finish(&p);
}

Test(alive, a_file_that_was_removed_is_made_again)
{
    struct process p = begin(leave);
    cr_assert_eq(unlinkat(storebox.run_fd, "alive", 0), 0);
    cr_expect_not(all_alive());
    struct process later = begin(just_exit);
    cr_expect(all_alive());
    finish(&later);
    cr_expect_not(all_alive());
    finish(&p);
}

Test(alive, the_page_is_not_kept_in_memory)
{
    struct alive a = {0};
    char line[256];
    int rss = -1;
    bool ours = false;
    cr_assert_eq(alive_enter(&storebox, &a, &storebox_err), 0, "%s", storebox_err.text);
    auto_file FILE *f = fopen("/proc/self/smaps", "re");
    while (rss < 0 && fgets(line, sizeof(line), f)) {
        ours |= strstr(line, "/alive\n") != NULL;
        if (ours)
            sscanf(line, "Rss: %d", &rss);
    }
    cr_expect_eq(rss, 0);
    cr_expect_eq(alive_enter(&storebox, &a, &storebox_err), 0, "again is no error");
    alive_leave(&a);
    alive_leave(&a);
    cr_expect(all_alive());
}
