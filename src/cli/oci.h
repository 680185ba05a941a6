/* oci - the face of an OCI runtime: runc's command line over engine/runtime.
 * Shape   `mytop-runc [GLOBAL OPTIONS] VERB [OPTIONS] [ID] ...`: the program under the name
 *         mytop-runc, runc or crun, or `mytop-docker oci ...`. oci.c has the global options and
 *         the log, verb_oci.c and verb_oci_exec.c the verbs, oci_text.c what features and spec print.
 * Errors  one line on stderr, the bare message; with --log one more in that file, in its format.
 *         Status 1; 255 = exec could not run the command.
 * Source  runc(8); what podman, conmon, containerd and buildah really send.
 */
#ifndef CLI_OCI_H
#define CLI_OCI_H

#include <stdbool.h>

/* Is the program called by a name of a runtime's? */
bool oci_is_name(const char *argv0);
/* argv[0] is skipped; whole: the process's own, to be executed again with. */
int oci_main(int argc, char **argv, char **whole);

#endif
