/* passed - a descriptor that goes along with a message.
 * Rule    who receives a message owns all descriptors in it, wanted or not: what is not the
 *         one that was expected is closed, or the sender could fill the receiver's table.
 * Source  unix(7), cmsg(3).
 */
#ifndef BASE_PASSED_H
#define BASE_PASSED_H

#include <sys/socket.h>

/* The only descriptor of a received message, which is then the caller's; -1 = none, or more
 * than one, which are closed. */
int passed_fd(struct msghdr *msg);
/* Sends data and fd, which stays the caller's; one byte at least. How many bytes went, or -errno;
 * no SIGPIPE. */
int passed_send(int socket, const void *data, size_t len, int fd);

#endif
