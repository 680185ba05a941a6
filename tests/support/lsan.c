/* lsan - leaks in Criterion itself, which the sanitizer should not report. The
 * sanitizer's run time asks for them by this name; as an object of each runner it is
 * always linked. */

const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libcriterion\nleak:libboxfort\n";
}
