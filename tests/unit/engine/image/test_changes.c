#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/image/image.h"

static struct mtd_image_config config;

static void start(void)
{
    cr_assert_eq(strv_add(&config.env, "PATH=/bin"), 0);
    cr_assert_eq(strv_add(&config.env, "A=1"), 0);
    cr_assert_eq(strv_add(&config.cmd, "old"), 0);
    config.working_dir = strdup("/srv/app");
}

static void end(void)
{
    mtd_image_config_done(&config);
}

TestSuite(image_config, .init = start, .fini = end);

static void apply(const char *instruction)
{
    struct mtd_error err = {0};
    cr_expect_eq(image_apply_change(&config, instruction, &err), 0, "%s: %s", instruction,
                 err.text);
}

static void refused(const char *instruction, const char *reason)
{
    struct mtd_error err = {0};
    cr_expect_eq(image_apply_change(&config, instruction, &err), -EINVAL, "%s",
                 instruction);
    cr_expect(strstr(err.text, reason), "%s: %s", instruction, err.text);
}

static void expect_list(const struct strv *v, ...)
{
    va_list ap;
    va_start(ap, v);
    for (size_t i = 0;; i++) {
        const char *want = va_arg(ap, const char *);
        cr_expect_eq(i < v->len, want != NULL, "%zu items", v->len);
        if (!want || i >= v->len)
            break;
        cr_expect_str_eq(v->items[i], want);
    }
    va_end(ap);
}

Test(image_config, cmd_is_a_list_or_a_line_for_the_shell)
{
    apply("CMD [\"a b\", \"\", \"c\"]");
    expect_list(&config.cmd, "a b", "", "c", NULL);
    apply("  cmd   echo $A 'x  y'  ");
    expect_list(&config.cmd, "/bin/sh", "-c", "echo $A 'x  y'", NULL);
    apply("CMD [not json]");
    expect_list(&config.cmd, "/bin/sh", "-c", "[not json]", NULL);
    apply("CMD []");
    expect_list(&config.cmd, NULL);
}

Test(image_config, entrypoint_drops_the_bases_cmd_only)
{
    struct strv both = {0};
    apply("ENTRYPOINT [\"/app\"]");
    expect_list(&config.entrypoint, "/app", NULL);
    expect_list(&config.cmd, NULL);
    strv_add(&both, "CMD [\"arg\"]");
    strv_add(&both, "ENTRYPOINT [\"/other\"]");
    cr_expect_eq(image_apply_changes(&config, &both, NULL), 0);
    expect_list(&config.entrypoint, "/other", NULL);
    expect_list(&config.cmd, "arg", NULL);
    strv_done(&both);
}

Test(image_config, env_knows_both_forms_quotes_and_variables)
{
    apply("ENV B=2 C=\"x y\" D='$A' E=a\\ b F=");
    expect_list(&config.env, "PATH=/bin", "A=1", "B=2", "C=x y", "D=$A", "E=a b",
                "F=", NULL);
    apply("ENV PATH=$PATH:/x A=${A}2");
    apply("ENV B several words \"here\"");
    expect_list(&config.env, "PATH=/bin:/x", "A=12", "B=several words here", "C=x y",
                "D=$A", "E=a b", "F=", NULL);
    apply("ENV F=${A:-no}${NO:-yes}${A:+set}${NO:+unset}${F:-f}\"$NO\"$ G=a$");
    cr_expect_str_eq(strv_env_get(&config.env, "F"), "12yessetf$");
    cr_expect_str_eq(strv_env_get(&config.env, "G"), "a$");
}

Test(image_config, words_that_do_not_end_are_refused)
{
    refused("ENV A=\"x", "is never closed");
    refused("ENV A='x", "is never closed");
    refused("ENV A=${A", "is never closed");
    refused("ENV A=${}", "has no name");
    refused("ENV B=${NO:?x}", "is not set");
    refused("ENV B=${NO?x}", "is not set");
    refused("ENV B=${A:#x}", "after a name");
    refused("ENV B=${A^^}", "after a name");
    refused("ENV B=${A/x}", "is never closed");
    refused("ENV B=${A#x\\y}", "not a pattern");
    refused(
        "ENV "
        "A=${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-"
        "${N:-${N:-${N:-${N:-x}}}}}}}}}}}}}}}}}}}",
        "nested too deeply");
    cr_expect_str_eq(strv_env_get(&config.env, "A"), "1");
}

Test(image_config, variables_cannot_grow_without_end)
{
    struct mtd_error err = {0};
    int rc = 0;
    apply("ENV A=0123456789012345678901234567890123456789");
    for (int i = 0; i < 40 && rc == 0; i++)
        rc = image_apply_change(&config, "ENV A=$A$A$A$A", &err);
    cr_expect_eq(rc, -EINVAL);
    cr_expect(strstr(err.text, "too long"), "%s", err.text);
}

Test(image_config, env_needs_an_assignment)
{
    refused("ENV", "needs a value");
    refused("ENV A", "is not NAME=VALUE");
    refused("ENV B=1 C", "is not NAME=VALUE");
    refused("ENV =1", "is not NAME=VALUE");
    expect_list(&config.env, "PATH=/bin", "A=1", NULL);
}

Test(image_config, labels_are_sorted_and_replaced)
{
    apply("LABEL z=1 a.b=\"two words\"");
    apply("LABEL z=3");
    expect_list(&config.labels, "a.b=two words", "z=3", NULL);
}

Test(image_config, workdir_is_joined)
{
    apply("WORKDIR sub/./x/../y");
    cr_expect_str_eq(config.working_dir, "/srv/app/sub/y");
    apply("WORKDIR /$A//b/");
    cr_expect_str_eq(config.working_dir, "/1/b");
    apply("WORKDIR ../../../..");
    cr_expect_str_eq(config.working_dir, "/");
}

Test(image_config, ports_have_a_protocol_and_ranges)
{
    apply("EXPOSE 80 53/udp 8000-8002");
    expect_list(&config.exposed, "53/udp", "80/tcp", "8000/tcp", "8001/tcp", "8002/tcp",
                NULL);
    refused("EXPOSE 0", "is not PORT");
    refused("EXPOSE 65536", "is not PORT");
    refused("EXPOSE 1-65535", "is not PORT");
    refused("EXPOSE 9-8", "is not PORT");
    refused("EXPOSE 80/icmp", "is not PORT");
    refused("EXPOSE http", "is not PORT");
}

Test(image_config, the_rest_of_the_table)
{
    apply("USER nobody:$A");
    cr_expect_str_eq(config.user, "nobody:1");
    apply("VOLUME [\"/data\", \"/a b\"]");
    apply("VOLUME /data /more");
    expect_list(&config.volumes, "/a b", "/data", "/more", NULL);
    refused("VOLUME data", "absolute");
    apply("STOPSIGNAL SIGQUIT");
    cr_expect_str_eq(config.stop_signal, "SIGQUIT");
    refused("STOPSIGNAL x", "is not a signal");
}

Test(image_config, other_instructions_are_refused_by_name)
{
    refused("RUN rm -rf /", "\"RUN\" cannot be changed");
    refused("", "no instruction");
    refused("# CMD x", "no instruction");
    refused("CM", "cannot be changed");
    refused("SHELL [\"/bin/ash\", \"-c\"]", "HEALTHCHECK");
}

/* What 20.10's daemon makes of the same, typed there. */
Test(image_config, operators_of_variables_are_buildkits)
{
    apply("ENV P=/usr/lib/x.tar.gz E=");
    apply("ENV B=${NO-d}${E-d}${E:-e} C=${E+set}${NO+set}${A+set} D=${A:?x}${E?x}");
    expect_list(&config.env, "PATH=/bin", "A=1", "P=/usr/lib/x.tar.gz", "E=", "B=de",
                "C=setset", "D=1", NULL);
    apply("ENV B=${P#*/}_${P##*/} C=${P%.*}_${P%%.*} D=${P#x}${P%x}");
    cr_expect_str_eq(strv_env_get(&config.env, "B"), "usr/lib/x.tar.gz_x.tar.gz");
    cr_expect_str_eq(strv_env_get(&config.env, "C"), "/usr/lib/x.tar_/usr/lib/x");
    cr_expect_str_eq(strv_env_get(&config.env, "D"),
                     "/usr/lib/x.tar.gz/usr/lib/x.tar.gz");
    apply("ENV B=${P/.*/-} C=${P//[a-z]/} D=${P//\\//:} E=${P/?/} A=${P//.?a?/_}");
    cr_expect_str_eq(strv_env_get(&config.env, "B"), "/usr/lib/x-");
    cr_expect_str_eq(strv_env_get(&config.env, "C"), "/usr/lib/x.tar.gz");
    cr_expect_str_eq(strv_env_get(&config.env, "D"), ":usr:lib:x.tar.gz");
    cr_expect_str_eq(strv_env_get(&config.env, "E"), "usr/lib/x.tar.gz");
    cr_expect_str_eq(strv_env_get(&config.env, "A"), "/usr/lib/x_.gz");
    apply("ENV B=a$1b$@c$?d$$e C=$ D=${1}${@:-x}");
    cr_expect_str_eq(strv_env_get(&config.env, "B"), "abcde");
    cr_expect_str_eq(strv_env_get(&config.env, "C"), "$");
    cr_expect_str_eq(strv_env_get(&config.env, "D"), "x");
}

Test(image_config, a_change_is_as_many_lines_as_it_has)
{
    struct strv both = {0};
    apply("# first\n  ENV B=1 \\\n   # within\n\n  C=2\nUSER u\n");
    expect_list(&config.env, "PATH=/bin", "A=1", "B=1", "C=2", NULL);
    cr_expect_str_eq(config.user, "u");
    apply("CMD echo a\\\\\nUSER v");
    expect_list(&config.cmd, "/bin/sh", "-c", "echo a\\\\", NULL);
    cr_expect_str_eq(config.user, "v");
    strv_add(&both, "CMD [\"a\", \\");
    strv_add(&both, "\"b\"]");
    cr_expect_eq(image_apply_changes(&config, &both, NULL), 0);
    expect_list(&config.cmd, "a", "b", NULL);
    strv_done(&both);
    apply("USER w\\");
    cr_expect_str_eq(config.user, "w");
}

Test(image_config, lists_are_of_strings_and_are_expanded_where_docker_does)
{
    refused("CMD [\"a\", 1]", "one of strings");
    refused("VOLUME [null]", "one of strings");
    refused("VOLUME [\"\"]", "absolute");
    refused("VOLUME []", "needs a value");
    apply("VOLUME [\"/v$A\"]");
    expect_list(&config.volumes, "/v1", NULL);
    apply("CMD [\"$A\"]");
    expect_list(&config.cmd, "$A", NULL);
    apply("ENV $A\"x\" old form");
    cr_expect_str_eq(strv_env_get(&config.env, "1x"), "old form");
    refused("ENV \"\" x", "is not NAME=VALUE");
    apply("ENV PORTS=\"80 443/UDP\"");
    apply("EXPOSE $PORTS 53/Tcp $NO");
    expect_list(&config.exposed, "443/udp", "53/tcp", "80/tcp", NULL);
}

Test(image_config, a_health_check_replaces_all_of_the_bases)
{
    struct mtd_healthcheck *h = &config.healthcheck;
    apply("HEALTHCHECK --interval=5s --timeout=1m30s --start-period=\"2s\" "
          "--start-interval=1ms --retries=4 CMD curl -f http://localhost/ || exit $A");
    expect_list(&h->test, "CMD-SHELL", "curl -f http://localhost/ || exit $A", NULL);
    cr_expect_eq(h->interval, 5000000000);
    cr_expect_eq(h->timeout, 90000000000);
    cr_expect_eq(h->start_period, 2000000000);
    cr_expect_eq(h->start_interval, 1000000);
    cr_expect_eq(h->retries, 4);
    apply("healthcheck cmd [\"/check\", \"a b\"]");
    expect_list(&h->test, "CMD", "/check", "a b", NULL);
    cr_expect_eq(h->interval, 0);
    cr_expect_eq(h->retries, 0);
    apply("HEALTHCHECK NONE");
    expect_list(&h->test, "NONE", NULL);
}

Test(image_config, a_health_check_that_is_none)
{
    static const char *const BAD[][2] = {
        {"HEALTHCHECK", "needs a value"},
        {"HEALTHCHECK CMD", "no command"},
        {"HEALTHCHECK CMD []", "no command"},
        {"HEALTHCHECK CMD [1]", "one of strings"},
        {"HEALTHCHECK true", "not CMD or NONE"},
        {"HEALTHCHECK NONE now", "no arguments"},
        {"HEALTHCHECK --interval=5s", "not CMD or NONE"},
        {"HEALTHCHECK --interval 5s CMD x", "needs a value"},
        {"HEALTHCHECK --interval= CMD x", "needs a value"},
        {"HEALTHCHECK --interval=5 CMD x", "not a time"},
        {"HEALTHCHECK --interval=1us CMD x", "less than 1ms"},
        {"HEALTHCHECK --interval=-1s CMD x", "not a time"},
        {"HEALTHCHECK --retries=-1 CMD x", "number of retries"},
        {"HEALTHCHECK --retries=1 --retries=2 CMD x", "twice"},
        {"HEALTHCHECK --often CMD x", "no option --often"},
    };
    apply("HEALTHCHECK --retries=7 CMD old");
    for (size_t i = 0; i < ARRAY_SIZE(BAD); i++)
        refused(BAD[i][0], BAD[i][1]);
    expect_list(&config.healthcheck.test, "CMD-SHELL", "old", NULL);
    cr_expect_eq(config.healthcheck.retries, 7);
}

Test(image_config, triggers_are_kept_as_they_are_typed)
{
    apply("ONBUILD RUN echo  $A");
    apply("onbuild COPY . /src");
    expect_list(&config.on_build, "RUN echo  $A", "COPY . /src", NULL);
    refused("ONBUILD", "needs a value");
    refused("ONBUILD ONBUILD RUN x", "cannot be a trigger");
    refused("ONBUILD from x", "cannot be a trigger");
}
