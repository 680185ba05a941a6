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
    refused("ENV A=${A:?x}", "only ${NAME:-word}");
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
    refused("", "cannot be changed");
    refused("CM", "cannot be changed");
}
