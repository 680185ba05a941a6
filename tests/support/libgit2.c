/* libgit2 - Criterion starts it in every worker, that is for every test, to show
 * differences of texts by the assertions of its newer kind. They are not used here, and
 * starting it costs more than most tests: with mbed TLS below it, it reads all
 * certificates of the machine (with sanitizers 25 ms). These take the place of the
 * library's own. */

int git_libgit2_init(void);
int git_libgit2_shutdown(void);

int git_libgit2_init(void)
{
    return 1;
}

int git_libgit2_shutdown(void)
{
    return 0;
}
