/* lsan - leaks the test runners are not to blame for: Criterion's own. The sanitizer's
 * run time asks for them by this name; as an object of each runner it is always
 * linked. */

const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libcriterion\nleak:libboxfort\n";
}
