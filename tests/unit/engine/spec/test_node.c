/* The JSON reader of records: what it makes of a text is what jansson makes of it. */

#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "engine/spec/node.h"

TestSuite(node, .timeout = 30);

static struct mtd_error err;

static void same_value(const struct node *n, const json_t *v, const char *text);

static void same_object(const struct node *n, json_t *v, const char *text)
{
    const char *key;
    json_t *value;
    json_object_foreach(v, key, value)
    {
        const struct node *member = node_member(n, key, strlen(key));
        cr_assert(member, "%s: no member \"%s\"", text, key);
        cr_expect_str_eq(member->key, key);
        same_value(member, value, text);
    }
}

static void same_list(const struct node *n, const json_t *v, const char *text)
{
    const struct node *item = n->first;
    for (size_t i = 0; i < json_array_size(v); i++, item = item->next)
        same_value(item, json_array_get(v, i), text);
    cr_expect_null(item);
}

static enum node_kind kind_of(const json_t *v)
{
    static const enum node_kind KINDS[] = {
        [JSON_OBJECT] = NODE_OBJECT, [JSON_ARRAY] = NODE_LIST,
        [JSON_STRING] = NODE_STRING, [JSON_INTEGER] = NODE_INT,
        [JSON_REAL] = NODE_REAL,     [JSON_TRUE] = NODE_TRUE,
        [JSON_FALSE] = NODE_FALSE,   [JSON_NULL] = NODE_NULL,
    };
    return KINDS[json_typeof(v)];
}

static void same_value(const struct node *n, const json_t *v, const char *text)
{
    cr_assert_eq(n->kind, kind_of(v), "%s", text);
    if (n->kind == NODE_INT)
        cr_expect_eq(n->number, json_integer_value(v), "%s", text);
    if (n->kind == NODE_STRING) {
        cr_expect_eq(n->len, json_string_length(v), "%s", text);
        cr_expect_str_eq(n->text, json_string_value(v));
    }
    if (n->kind == NODE_OBJECT)
        cr_expect_eq(n->len, json_object_size(v), "%s", text);
    if (n->kind == NODE_OBJECT)
        same_object(n, (json_t *)v, text);
    if (n->kind == NODE_LIST)
        same_list(n, v, text);
}

/* Reals beyond a double are jansson's error only: it has to store them. */
static void same_text(const char *text, size_t len)
{
    auto_done(node_tree_done) struct node_tree tree = {0};
    json_error_t why;
    json_t *v = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    bool is_object = json_is_object(v),
         only_theirs = !v && json_error_code(&why) == json_error_numeric_overflow &&
                       strstr(why.text, "real");
    mtd_error_clear(&err);
    int rc = node_parse(text, len, &tree, &err);
    if (!only_theirs)
        cr_assert_eq(rc, is_object ? 0 : -EINVAL, "%.*s: %s, %s", (int)len, text,
                     err.text, why.text);
    if (rc == 0 && v)
        same_value(tree.nodes, v, text);
    cr_expect_eq(rc < 0, err.text[0] != '\0');
    json_decref(v);
}

static const char *const TEXTS[] = {
    "{}",
    " \t\r\n{ \"a\" : 1 , \"b\" : [ ] , \"c\" : { } } \n",
    "{\"a\":-0,\"b\":0,\"c\":-1,\"d\":9223372036854775807,\"e\":-9223372036854775808}",
    "{\"a\":9223372036854775808}",
    "{\"a\":1.5,\"b\":1e3,\"c\":1E+3,\"d\":-2.5e-7,\"e\":1e99999}",
    "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\ud83d\\ude00 \xc3\xa9\x7f\"}",
    "{\"\":\"\",\"a.b\":null,\"\\u0061\":true}",
    "{\"a\":1,\"\\u0061\":2}",
    "{\"a\":\"\\ud83d\"}",
    "{\"a\":\"\\ude00\"}",
    "{\"a\":\"\\ud83dx\"}",
    "{\"a\":\"\\ud83d\\u0041\"}",
    "{\"a\":\"\\u00zz\"}",
    "{\"a\":\"\\x\"}",
    "{\"a\":\"\\u0000\"}",
    "{\"a\":\"\n\"}",
    "{\"a\":\"\xc0\x80\"}",
    "{\"a\":\"\xed\xa0\x80\"}",
    "{\"a\":\"\xf4\x90\x80\x80\"}",
    "{\"a\":\"\xe2\x82\"}",
    "{\"a\":01}",
    "{\"a\":-}",
    "{\"a\":1.}",
    "{\"a\":.5}",
    "{\"a\":1e}",
    "{\"a\":+1}",
    "{\"a\":truex}",
    "{\"a\":tru}",
    "{\"a\":True}",
    "{\"a\" 1}",
    "{\"a\":1,}",
    "{\"a\":[1,]}",
    "{\"a\":[1 2]}",
    "{\"a\":[,1]}",
    "{,}",
    "{a:1}",
    "{1:1}",
    "{\"a\":1}}",
    "{\"a\":1} x",
    "{\"a\":1}\xc2\xa0",
    "[1]",
    "1",
    "\"a\"",
    "null",
    "",
    " ",
    "{\"a\":{\"b\":{\"c\":[[[{\"d\":[1,\"x\",null,true,false,1.0]}]]]}}}",
};

Test(node, reads_what_jansson_reads)
{
    for (size_t i = 0; i < ARRAY_SIZE(TEXTS); i++)
        same_text(TEXTS[i], strlen(TEXTS[i]));
    same_text("{\"a\":\0001}", 8);
    same_text("{\"a\":1}\0", 8);
}

/* Every beginning of each text, and each of its bytes replaced by another. */
Test(node, damaged_texts_as_well)
{
    static const char DAMAGE[] = "\"\\{}[],:0-.eu \n\x01\x80\xc3t";
    for (size_t i = 0; i < ARRAY_SIZE(TEXTS); i++) {
        size_t len = strlen(TEXTS[i]);
        auto_free char *text = strdup(TEXTS[i]);
        for (size_t at = 0; at < len; at++) {
            same_text(text, at);
            for (const char *d = DAMAGE; *d; d++) {
                text[at] = *d;
                same_text(text, len);
            }
            text[at] = TEXTS[i][at];
        }
    }
}

/* A hundred members are compared in another way than ten. */
Test(node, a_member_twice_among_many_is_refused)
{
    for (int twice = 0; twice < 2; twice++) {
        auto_done(buf_done) struct buf text = {0};
        buf_puts(&text, "{");
        for (int i = 0; i < 100; i++)
            buf_printf(&text, "\"m%d\":%d,", i, i);
        buf_printf(&text, "\"m%d\":0}", twice ? 57 : 100);
        same_text(text.data, text.len);
    }
}

Test(node, the_depth_is_bounded)
{
    for (int depth = NODE_MAX_DEPTH - 1; depth <= NODE_MAX_DEPTH; depth++) {
        auto_done(node_tree_done) struct node_tree tree = {0};
        auto_done(buf_done) struct buf text = {0};
        buf_puts(&text, "{\"a\":");
        for (int i = 0; i < depth; i++)
            buf_puts(&text, "[");
        for (int i = 0; i < depth; i++)
            buf_puts(&text, "]");
        buf_puts(&text, "}");
        mtd_error_clear(&err);
        cr_expect_eq(node_parse(text.data, text.len, &tree, &err),
                     depth < NODE_MAX_DEPTH ? 0 : -EINVAL);
    }
    cr_expect_str_eq(err.text, "nested deeper than 32");
}

Test(node, an_error_names_its_line)
{
    static const char TEXT[] = "{\n \"a\": \"x\\ny\",\n \"b\": nil\n}";
    auto_done(node_tree_done) struct node_tree tree = {0};
    mtd_error_clear(&err);
    cr_expect_eq(node_parse(TEXT, strlen(TEXT), &tree, &err), -EINVAL);
    cr_expect_str_eq(err.text, "not JSON: not a value, line 3");
}
