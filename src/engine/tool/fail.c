/* skopeo and buildah say what they were doing at length, and last what went wrong. What
 * users meet has a sentence of ours; the words looked for are those of Go's net package,
 * of the registries' protocol and of the two programs. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/tool/internal.h"
#include "engine/types.h"

#define SAID_ROOM 150 /* of an error's 244 bytes */

static const struct {
    const char *words;
    int code;
    const char *text; /* "@" = the registry */
    int about;
} REASONS[] = {
    {"no space left on device", ENOSPC, "the disk is full"},
    {"disk quota exceeded", ENOSPC, "the disk quota is used up"},
    {"manifest unknown", ENOENT, "no such image in @"},
    {"name unknown", ENOENT, "no such image in @"},
    {"repository name not known", ENOENT, "no such image in @"},
    {"invalid username/password", EACCES, "@ refuses the user or the password"},
    {"requested access to the resource is denied", EACCES,
     "@ refuses it: no such image, or it wants a login", MTD_ABOUT_LOGIN},
    {"unauthorized", EACCES, "@ wants a user and a password", MTD_ABOUT_LOGIN},
    {"authentication required", EACCES, "@ wants a user and a password", MTD_ABOUT_LOGIN},
    {"access to the requested resource is not authorized", EACCES,
     "@ refuses it: no such image, or this user may not"},
    {"toomanyrequests", EAGAIN, "@ wants fewer requests; try again later, or log in"},
    {"no such host", EHOSTUNREACH, "@ is not there: no host has this name"},
    {"Temporary failure in name resolution", EHOSTUNREACH,
     "@ is not there: names cannot be resolved; is the network up?"},
    {"server misbehaving", EHOSTUNREACH,
     "@ is not there: names cannot be resolved; is the network up?"},
    {"connection refused", ECONNREFUSED, "@ is not there: connection refused"},
    {"network is unreachable", EHOSTUNREACH,
     "@ is not there: the network is unreachable"},
    {"no route to host", EHOSTUNREACH, "@ is not there: no route to it"},
    {"connection reset by peer", EIO, "@ broke the connection off"},
    {"unexpected EOF", EIO, "@ broke the connection off"},
    {"i/o timeout", ETIMEDOUT, "@ does not answer"},
    {"TLS handshake timeout", ETIMEDOUT, "@ does not answer"},
    {"server gave HTTP response to HTTPS client", EPROTO,
     "@ speaks plain http; give it a certificate", MTD_ABOUT_TLS},
    {"x509: ", EPROTO,
     "the certificate of @ is not trusted; put its authority's into "
     "/etc/containers/certs.d",
     MTD_ABOUT_TLS},
    {"Digest did not match", EBADMSG, "@ sent something else than its digest says"},
    {"manifest digest", EBADMSG, "@ sent something else than its digest says"},
    {"could not find \"netavark\"", ENOENT,
     "buildah needs the program netavark; apt install netavark"},
    {"does not match digest", EBADMSG, "@ sent something else than its digest says"},
};

/* ---- its own words ---- */

static const char *last_of(const char *text, const char *words)
{
    const char *found = NULL;
    for (const char *p = text; (p = strstr(p, words)); p++)
        found = p;
    return found;
}

/* msg="..." of a log line, with Go's quoting undone, or the last line that is not empty. */
static void find_message(const char *said, struct buf *ret)
{
    const char *msg = last_of(said, "msg=\"");
    if (msg) {
        for (msg += 5; *msg && *msg != '"'; msg++) {
            msg += msg[0] == '\\' && msg[1];
            (void)buf_putc(ret, *msg);
        }
        return;
    }
    size_t end = strlen(said), begin;
    while (end > 0 && isspace((unsigned char)said[end - 1]))
        end--;
    for (begin = end; begin > 0 && said[begin - 1] != '\n'; begin--)
        ;
    (void)buf_add(ret, said + begin, end - begin);
}

/* Its end tells the cause. */
static const char *shorten(const char *message)
{
    size_t len = strlen(message);
    if (len <= SAID_ROOM)
        return message;
    const char *tail = message + len - SAID_ROOM, *next = strstr(tail, ": ");
    return next && next[2] ? next + 2 : tail;
}

/* ---- ours ---- */

static int say(const char *text, int code, const char *registry, struct mtd_error *err)
{
    size_t before = strcspn(text, "@");
    if (!text[before])
        return mtd_fail(err, code, "%s", text);
    return mtd_fail(err, code, "%.*s%s%s", (int)before, text, registry,
                    text + before + 1);
}

int tool_fail(const struct tool_result *r, const char *host, struct mtd_error *err)
{
    auto_done(buf_done) struct buf message = {0};
    char registry[160];
    const char *said = r->said.data ? r->said.data : "";
    snprintf(registry, sizeof(registry),
             host ? "the registry at %.100s" : "the registry%s", host ? host : "");
    if (r->silent)
        return mtd_fail(err, ETIMEDOUT, "no answer from %s within %u s", registry,
                        r->silent);
    find_message(said, &message);
    const char *last = message.data && *message.data ? message.data : NULL;
    for (size_t i = 0; last && i < ARRAY_SIZE(REASONS); i++)
        if (strstr(last, REASONS[i].words))
            return mtd_about(err, REASONS[i].about,
                             say(REASONS[i].text, REASONS[i].code, registry, err));
    if (last)
        return mtd_fail(err, EIO, "%s", shorten(last));
    return r->status > 128
               ? mtd_fail(err, EIO, "killed by signal %d", r->status - 128)
               : mtd_fail(err, EIO, "failed without a word, status %d", r->status);
}
