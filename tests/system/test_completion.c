/* What the shells' completion offers of real containers and images, asked the way the scripts ask
 * and through the shells themselves. Needs root. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/fields.h"
#include "../support/state.h"
#include "base/cleanup.h"

static struct state s;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
    free(ASK(&s, "create", "--name", "made", "busybox", "true"));
    free(ASK(&s, "run", "-d", "--name", "up", "busybox", "sleep", "1000"));
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(completion, .init = set_up, .fini = tear_down, .timeout = 60);

Test(completion, containers_by_what_the_verb_takes)
{
    EXPECT_OUTPUT(&s, 0, "made\tcreated\n", "__complete", "--", "start", "");
    EXPECT_OUTPUT(&s, 0, "up\trunning\n", "__complete", "--", "exec", "-it", "");
    EXPECT_OUTPUT(&s, 0, "up\trunning\n", "__complete", "--", "stop", "-t", "1", "u");
    EXPECT_OUTPUT(&s, 0, "up\trunning\nmade\tcreated\n", "__complete", "--", "rm", "");
    EXPECT_OUTPUT(&s, 0, "", "__complete", "--", "unpause", "");
    EXPECT_OUTPUT(&s, 0, "busybox:latest\timage\n", "__complete", "--", "rmi", "");
}

#define PLACES "up:\trunning\nmade:\tcreated\n"

/* docker's: containers with a colon, then, where it runs, what is in it; one end is the host's. */
Test(completion, the_ends_of_cp)
{
    free(ASK(
        &s, "exec", "up", "sh", "-c",
        "mkdir -p /qq/dir /qq/sub; echo x >/qq/data; echo x >/qq/dull; : >\"/qq/d\nl\"; "
        "ln -s /qq/sub /qq/link; echo x >/qq/sub/x; ln -s /etc /qq/out"));
    EXPECT_OUTPUT(&s, 0, PLACES ":files\n", "__complete", "--", "cp", "");
    EXPECT_OUTPUT(&s, 0, "up:\trunning\n:files\n", "__complete", "--", "cp", "-a", "u");
    EXPECT_OUTPUT(&s, 0, PLACES, "__complete", "--", "cp", "/etc/passwd", "");
    EXPECT_OUTPUT(&s, 0, PLACES, "__complete", "--", "cp", "./a:b", "");
    EXPECT_OUTPUT(&s, 0, ":files\n", "__complete", "--", "cp", "up:/qq/data", "");
    EXPECT_OUTPUT(&s, 0, ":files\n", "__complete", "--", "cp", "/etc/ho:");
    EXPECT_OUTPUT(&s, 0, "up:/qq/\n", "__complete", "--", "cp", "up:/q");
    EXPECT_OUTPUT(&s, 0, "up:qq/\n", "__complete", "--", "cp", "up:q");
    EXPECT_OUTPUT(&s, 0, "up:/qq/sub/\n", "__complete", "--", "cp", ".", "up:/qq/s");
    EXPECT_OUTPUT(&s, 0, "up:/qq/link/x\n", "__complete", "--", "cp", "up:/qq/link/");
    EXPECT_OUTPUT(&s, 0, "up:/qq/../qq/data\n", "__complete", "--", "cp",
                  "up:/qq/../qq/da");
    EXPECT_OUTPUT(&s, 0, "", "__complete", "--", "cp", "made:/");
    EXPECT_OUTPUT(&s, 0, "", "__complete", "--", "cp", "up:/none/");
    auto_free char *names = ASK(&s, "__complete", "--", "cp", "up:/qq/d");
    cr_expect(strstr(names, "up:/qq/dir/") && strstr(names, "up:/qq/data") &&
                  strstr(names, "up:/qq/dull"),
              "%s", names);
    cr_expect_null(strstr(names, "up:/qq/d\n"), "%s", names);
}

/* Runs a shell with the program in PATH and the script loaded; returns what it prints. */
static void expect_shell(const char *command, const char *want)
{
    char got[4096], bin[600];
    snprintf(bin, sizeof(bin), "%s/bin", s.dir.path);
    char *line = NULL;
    cr_assert(
        asprintf(&line,
                 "mkdir -p %s && ln -sf %s %s/mytop-docker && "
                 "MYTOP_DOCKER_ROOT=%s/root MYTOP_DOCKER_RUN_ROOT=%s/run "
                 "XDG_CONFIG_HOME= XDG_DATA_HOME= HOME=%s/home PATH=%s:$PATH %s 2>&1",
                 bin, MTD_PROGRAM, bin, s.dir.path, s.dir.path, s.dir.path, bin,
                 command) > 0);
    FILE *f = popen(line, "r");
    cr_assert_not_null(f);
    size_t n = fread(got, 1, sizeof(got) - 1, f);
    got[n] = '\0';
    cr_expect_eq(pclose(f), 0);
    cr_expect_str_eq(got, want, "%s", command);
    free(line);
}

#define BASH(typed)                                            \
    "bash --norc -c 'source <(mytop-docker completion bash); " \
    "mkdir -p $HOME/dir; cd $HOME; "                           \
    "COMP_LINE=\"" typed "\"; COMP_POINT=${#COMP_LINE}; "      \
    "_mytop_docker; printf \"%s\\n\" \"${COMPREPLY[@]}\"'"

Test(completion, bash)
{
    expect_shell(BASH("mytop-docker exec "), "up\n");
    expect_shell(BASH("mytop-docker run --restart=un"), "unless-stopped\n");
    expect_shell(BASH("mytop-docker run --rm busybox:la"), "latest\n");
    expect_shell(BASH("mytop-docker start --at"), "--attach\n");
    expect_shell(BASH("mytop-docker cp u"), "up:\n");
    expect_shell(BASH("mytop-docker cp d"), "dir\n");
    expect_shell(BASH("mytop-docker cp up:/dir d"), "dir\n");
    expect_shell(BASH("mytop-docker cp up:/bin/log"),
                 "/bin/logger\n/bin/login\n/bin/logname\n/bin/logread\n");
    free(ASK(&s, "create", "--name", "dire", "busybox", "true"));
    expect_shell(BASH("mytop-docker cp d"), "dir/\ndire:\n");
}

Test(completion, fish)
{
    if (access("/usr/bin/fish", X_OK) < 0)
        cr_skip("fish is not installed");
    expect_shell("fish --no-config -c 'mytop-docker completion fish | source; "
                 "complete -C \"mytop-docker run --restart un\"; "
                 "complete -C \"mytop-docker stop \"; "
                 "complete -C \"mytop-docker cp up:/bin/logn\"'",
                 "unless-stopped\nup\trunning\nup:/bin/logname\n");
}

Test(completion, zsh_takes_the_script)
{
    if (access("/bin/zsh", X_OK) < 0)
        cr_skip("zsh is not installed");
    expect_shell("zsh -f -c 'autoload -Uz compinit; compinit -D -u; "
                 "source <(mytop-docker completion zsh); print $_comps[mytop-docker]'",
                 "_mytop_docker\n");
}
