/* Returns texts of errors that come from system calls. */
#ifndef TOCSIN_BASE_ERROR_H
#define TOCSIN_BASE_ERROR_H

/* Returns the system's text for a negative errno that a system call set. */
const char *tocsin__system_text(int err);

#endif
