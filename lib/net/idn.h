/* Converts non-ASCII host names to ASCII (RFC 5891 with the mapping of UTS 46). The input is UTF-8,
   whatever the locale is. */
#ifndef TOCSIN_NET_IDN_H
#define TOCSIN_NET_IDN_H

#include <stddef.h>

/* Writes the host in lowercase ASCII, at most `room` bytes. Returns 0, TOCSIN_EURL or -ENOMEM.
 *ret_reason is set to a constant text. */
int tocsin__net_idn(const char *host, char *ret_host, size_t room, const char **ret_reason);

#endif
