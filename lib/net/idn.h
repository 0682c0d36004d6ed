/* Converts non-ASCII host names: RFC 5891 with the mapping of UTS 46. The input is UTF-8 in
   every locale. */
#ifndef TOCSIN_NET_IDN_H
#define TOCSIN_NET_IDN_H

#include <stddef.h>

/* Writes the host in lowercase ASCII, at most room bytes. 0; TOCSIN_EURL; -ENOMEM. ret_reason:
   constant text. */
int tocsin__net_idn(const char *host, char *ret_host, size_t room, const char **ret_reason);

#endif
