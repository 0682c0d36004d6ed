/* The texts of errors, which are written for people. */
#define _GNU_SOURCE /* makes the headers declare strerrordesc_np */
#include <string.h>

#include <tocsin/base.h>

#include "base/error.h"
#include "base/id.h"

/* An errno may come from this library or from a system call. So each text states the meaning in
   this library first, then the meaning in the system. The errors of the second library (TOCSIN_EURL
   and the like) are in this table, too, because any program may print an info that contains such an
   error. */
static const struct {
    int status;
    const char *text;
} texts[] = {
    { 0, "done" },
    { -ECANCELED, "canceled" },
    { -ETIMEDOUT, "timed out" },
    { -ECONNREFUSED, "connection refused" },
    { -ECONNRESET, "connection reset by the peer" },
    { -ENOENT, "no such name or id, or the object has ended; or no such file" },
    { -ENODEV, "this thread has no loop; or no such device" },
    { -EXDEV, "the object belongs to the loop of another thread; or to another file system" },
    { -EAGAIN, "a queue, an inbox or a limit is full, or the call would block: try again" },
    { -EDQUOT, "the owner's limit is reached; or the disk quota is exceeded" },
    { -EPROTO, "the payload has another layout than the signal; or a protocol error" },
    { -EEXIST, "the name exists already, or is declared otherwise; or the file exists" },
    { -EBUSY, "another caller uses it, or waits for it, already" },
    { -EALREADY, "the operation has ended, or is about to end; or is already under way" },
    { -EINPROGRESS, "still running" },
    { -ESHUTDOWN, "the loop, the plugin or the connection is shutting down, or has ended" },
    { -EDEADLK,
      "the call would wait for itself: a handler, a turn or a fiber is on the stack; or a "
      "deadlock" },
    { -ELOOP, "nested too deeply, or plugins need each other; or too many symbolic links" },
    { -EOWNERDEAD,
      "the loop belongs to the parent process: call tocsin_after_fork; or a lock's owner died" },
    { -ESTALE, "the object was replaced; or a stale file handle" },
    { -EACCES, "a handler is in quarantine or being reloaded; or permission denied" },
    { -EPERM, "not permitted to this caller, or for this kind of object" },
    { -ENOSPC, "the limit of names is reached; or no space left on the device" },
    { -ENOTEMPTY, "something was left behind; or the folder is not empty" },
    { -ENOTSUP, "not supported here" },
    { -ENOEXEC, "no plugin that can be loaded here; or no program" },
    { -ELIBACC, "the dynamic linker cannot load the file, or a library that it needs" },
    { -EBADMSG, "the content is malformed" },
    { -EBADF, "the descriptor is not open" },
    { -EMFILE, "the process has no descriptors left" },
    { -ENFILE, "the system has no descriptors left" },
    { TOCSIN_EURL, "malformed URL" },
    { TOCSIN_ESCHEME, "unknown URL scheme" },
    { TOCSIN_ENAME, "no such host" },
    { TOCSIN_ETRUNCATED, "the peer closed the connection before the end" },
    { TOCSIN_ETOOBIG, "larger than the limit" },
    { TOCSIN_ECERT, "the certificate is not trusted" },
    { TOCSIN_EHOST, "the certificate is for another host" },
    { TOCSIN_EREDIRECTS, "too many redirects" },
    { TOCSIN_EHANDSHAKE, "the TLS handshake failed" },
    { TOCSIN_EPEER, "the peer violated the protocol" },
};

const char *tocsin__system_text(int err)
{
    const char *text = strerrordesc_np(-err);

    return text ? text : "unknown error";
}

const char *tocsin_strerror(int status)
{
    const char *text;

    if (status > 0)
        status = -status;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].status == status)
            return texts[i].text;
    text = status < -4095 ? NULL : strerrordesc_np(-status);
    return text ? text : "unknown error";
}

int tocsin_id_error(uint64_t id)
{
    return id >= TOCSIN__ID_ERRORS ? (int)(int64_t)id : 0;
}

const char *tocsin_version(void)
{
    return TOCSIN__TEXT(0.1.0);
}
