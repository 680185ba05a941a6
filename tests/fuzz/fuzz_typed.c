/* What a person types or writes into files: command lines, sizes, durations, times. */
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/words.h"
#include "fuzz.h"

static void words(const char *text)
{
    struct strv v = {0}, again = {0};
    struct buf line = {0};
    if (words_split(text, &v, NULL) == 0) {
        CHECK(words_join(&v, &line) == 0);
        CHECK(words_split(line.data ? line.data : "", &again, NULL) == 0);
        CHECK(v.len == again.len);
        for (size_t i = 0; i < v.len; i++)
            CHECK(strcmp(v.items[i], again.items[i]) == 0);
    }
    strv_done(&v);
    strv_done(&again);
    buf_done(&line);
}

static void values(const char *text)
{
    uint64_t u;
    int64_t i;
    unsigned cpu;
    int sig;
    bool b;
    parse_u64(text, UINT64_MAX, &u);
    parse_i64(text, INT64_MIN, INT64_MAX, &i);
    parse_bool(text, &b);
    parse_size(text, &u);
    parse_decimal_nano(text, &i);
    parse_duration_ns(text, &i);
    parse_cpu_list(text, 1024, &cpu);
    time_parse(text, 0, &i);
    if (parse_signal(text, &sig) == 0)
        CHECK(sig > 0 && sig < 65);
    name_is_valid(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    CHECK(text);
    words(text);
    values(text);
    free(text);
    return 0;
}
