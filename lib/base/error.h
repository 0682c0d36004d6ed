/* Texts of errors that come from system calls. */
#ifndef TOCSIN_BASE_ERROR_H
#define TOCSIN_BASE_ERROR_H

/* Returns the system's text of a negative errno, for an error of a system call. */
const char *tocsin__system_text(int err);

#endif
