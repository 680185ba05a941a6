/* platform - what docker and images call this machine.
 * Owner   the result is static.
 * Source  Go's GOARCH, as the OCI image specification has it.
 */
#ifndef CLI_PLATFORM_H
#define CLI_PLATFORM_H

const char *platform_architecture(void); /* "amd64"; "" = the kernel does not say */

#endif
