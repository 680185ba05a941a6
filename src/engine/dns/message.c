/* Messages. A name is read with a limit on its length, on labels and on jumps, and jumps lead back
 * only, so reading ends; what we write has no name but the question's and those of PTR answers. */

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/dns/dns.h"

#define HEAD 12
#define OPT 41
#define CLASS_IN 1
#define FLAG_ANSWER 0x8000
#define FLAG_RECURSION 0x0100
#define FLAG_AVAILABLE 0x0080
#define FLAG_CUT 0x0200
#define LABEL_MAX 63

static unsigned get16(const unsigned char *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static void put16(unsigned char *p, unsigned value)
{
    p[0] = (unsigned char)(value >> 8);
    p[1] = (unsigned char)value;
}

/* The name at *at of a question, without jumps: nothing stands before it to jump to. */
static int read_name(const unsigned char *m, size_t len, size_t *at, char *ret,
                     bool *plain)
{
    size_t used = 0;
    *plain = true;
    while (*at < len && m[*at]) {
        size_t label = m[*at];
        if (label > LABEL_MAX || *at + 1 + label >= len ||
            used + label + 1 >= DNS_NAME_MAX)
            return -EBADMSG;
        if (used)
            ret[used++] = '.';
        for (size_t i = 0; i < label; i++) {
            unsigned char c = m[*at + 1 + i];
            *plain = *plain && (isalnum(c) || c == '-' || c == '_');
            ret[used++] = (char)tolower(c);
        }
        *at += 1 + label;
    }
    if (*at >= len)
        return -EBADMSG;
    ret[used] = '\0';
    *plain = *plain && strlen(ret) == used;
    (*at)++;
    return 0;
}

/* Of the additional records only OPT counts, and only as the first of them. */
static void read_edns(const unsigned char *m, size_t len, struct dns_question *q)
{
    size_t at = q->end;
    if (get16(m + 6) || get16(m + 8) || !get16(m + 10) || len < at + 11 || m[at] != 0 ||
        get16(m + at + 1) != OPT)
        return;
    unsigned room = get16(m + at + 3);
    q->edns = true;
    q->room = room < DNS_UDP_PLAIN ? DNS_UDP_PLAIN : room;
    if (q->room > DNS_MESSAGE_MAX)
        q->room = DNS_MESSAGE_MAX;
}

int dns_message_question(const void *data, size_t len, struct dns_question *ret)
{
    const unsigned char *m = data;
    struct dns_question q = {.room = DNS_UDP_PLAIN, .end = HEAD};
    if (len < HEAD || (get16(m + 2) & 0xf800) || get16(m + 4) != 1)
        return -EBADMSG;
    q.id = (uint16_t)get16(m);
    q.recursion = get16(m + 2) & FLAG_RECURSION;
    if (read_name(m, len, &q.end, q.name, &q.plain) < 0 || len - q.end < 4)
        return -EBADMSG;
    q.type = (uint16_t)get16(m + q.end);
    q.class = (uint16_t)get16(m + q.end + 2);
    q.end += 4;
    read_edns(m, len, &q);
    *ret = q;
    return q.class == CLASS_IN || q.class == 255 ? 0 : -EBADMSG;
}

bool dns_message_answers(const void *data, size_t len, uint16_t id,
                         const struct dns_question *q)
{
    const unsigned char *m = data;
    char name[DNS_NAME_MAX];
    bool plain;
    size_t at = HEAD;
    if (len < HEAD || get16(m) != id || !(get16(m + 2) & FLAG_ANSWER) ||
        get16(m + 4) != 1)
        return false;
    return read_name(m, len, &at, name, &plain) == 0 && len - at >= 4 &&
           strcmp(name, q->name) == 0 && get16(m + at) == q->type &&
           get16(m + at + 2) == q->class;
}

/* ---- reverse names ---- */

static bool reverse4(const char *name, char ret[46])
{
    unsigned b[4];
    int end = 0;
    if (sscanf(name, "%3u.%3u.%3u.%3u.in-addr.arpa%n", b, b + 1, b + 2, b + 3, &end) !=
            4 ||
        end == 0 || name[end] || b[0] > 255 || b[1] > 255 || b[2] > 255 || b[3] > 255)
        return false;
    snprintf(ret, 46, "%u.%u.%u.%u", b[3], b[2], b[1], b[0]);
    return true;
}

static bool reverse6(const char *name, char ret[46])
{
    unsigned char bytes[16] = {0};
    for (size_t i = 0; i < 32; i++, name += 2) {
        const char *digits = "0123456789abcdef",
                   *at = name[0] ? strchr(digits, name[0]) : NULL;
        if (!at || name[1] != '.')
            return false;
        bytes[15 - i / 2] |= (unsigned char)((at - digits) << (i % 2 ? 4 : 0));
    }
    return strcmp(name, "ip6.arpa") == 0 && inet_ntop(AF_INET6, bytes, ret, 46) != NULL;
}

bool dns_message_reverse(const char *name, char ret[46])
{
    return reverse4(name, ret) || reverse6(name, ret);
}

/* ---- answers ---- */

#define EDNS_LEN 11

void dns_answer_begin(struct dns_answer *a, const void *question,
                      const struct dns_question *q, size_t room)
{
    size_t edns = q->edns ? EDNS_LEN : 0;
    a->len = q->end;
    a->room = room < sizeof(a->data) ? room : sizeof(a->data);
    a->room = a->room > q->end + edns ? a->room - edns : q->end;
    a->count = 0;
    a->full = false;
    memcpy(a->data, question, q->end);
    memset(a->data + 6, 0, 6);
}

/* The owner's name is that of the question, by a jump to it; time to live 0. */
static unsigned char *add(struct dns_answer *a, unsigned type, size_t len)
{
    static const unsigned char START[] = {0xc0, HEAD, 0, 0, 0, CLASS_IN, 0, 0, 0, 0};
    if (a->full || len + sizeof(START) + 2 > a->room - a->len) {
        a->full = true;
        return NULL;
    }
    unsigned char *at = a->data + a->len;
    memcpy(at, START, sizeof(START));
    put16(at + 2, type);
    put16(at + sizeof(START), (unsigned)len);
    a->len += sizeof(START) + 2 + len;
    a->count++;
    return at + sizeof(START) + 2;
}

void dns_answer_address(struct dns_answer *a, const void *bytes, size_t len)
{
    unsigned char *at = add(a, len == 4 ? DNS_A : DNS_AAAA, len);
    if (at)
        memcpy(at, bytes, len);
}

void dns_answer_name(struct dns_answer *a, const char *name)
{
    unsigned char wire[DNS_NAME_MAX + 2];
    size_t used = 0;
    while (*name) {
        size_t len = strcspn(name, ".");
        if (len == 0 || len > LABEL_MAX || used + len + 2 > sizeof(wire))
            return;
        wire[used++] = (unsigned char)len;
        memcpy(wire + used, name, len);
        used += len;
        name += len + (name[len] == '.');
    }
    wire[used++] = 0;
    unsigned char *at = add(a, DNS_PTR, used);
    if (at)
        memcpy(at, wire, used);
}

static void put_edns(struct dns_answer *a)
{
    static const unsigned char RECORD[EDNS_LEN] = {0, 0, OPT, DNS_MESSAGE_MAX >> 8};
    if (a->len + sizeof(RECORD) > sizeof(a->data))
        return;
    memcpy(a->data + a->len, RECORD, sizeof(RECORD));
    a->len += sizeof(RECORD);
    put16(a->data + 10, 1);
}

/* What fits stays, though it is marked as cut: resolvers without TCP, such as musl's before 1.2.4,
 * take what they get. */
void dns_answer_end(struct dns_answer *a, const struct dns_question *q, int code)
{
    unsigned flags = FLAG_ANSWER | FLAG_AVAILABLE | (unsigned)code |
                     (q->recursion ? FLAG_RECURSION : 0) | (a->full ? FLAG_CUT : 0);
    put16(a->data + 2, flags);
    put16(a->data + 6, a->count);
    if (q->edns)
        put_edns(a);
}
