/* Sources: what an emission comes from, so that a handler can listen to one of many (O8). Every operation is one; a
   room, a device, a document can be. */
#ifndef TOCSIN_SOURCE_H
#define TOCSIN_SOURCE_H

#include <tocsin/base.h>

TOCSIN__BEGIN

/**
 * Makes a source, of the calling thread's loop (which is made if the thread has none). data is a word of the caller's. where, which the
 * macro passes, is the place for a report.
 *
 * @owner   the source is the caller's, who ends it with tocsin_source_free; data is only kept
 * @return  0 and ret_source set; -ENOMEM; -EINVAL: ret_source is NULL; -ESHUTDOWN: the loop is being freed; or what making
 *          the loop answered. On failure ret_source carries the error
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
#define tocsin_source_new(...) tocsin_source_new_at(TOCSIN__HERE, __VA_ARGS__)
TOCSIN_API int tocsin_source_new_at(const char *where, void *data, struct tocsin_source *ret_source);

/**
 * Ends a source: its handlers are disconnected, as if by tocsin_disconnect each. Legal in any handler, also in one of its
 * own: the delivery goes on with those that listen to all sources.
 *
 * @owner   the source is gone, its data untouched
 * @return  0; -ENOENT: there is no such source; -EINVAL: it is an operation, which ends by itself; -EXDEV: it
 *          belongs to the loop of another thread
 * @emits   tocsin.disconnected for each of them
 * @thread  loop
 * @source  E3
 * @since   0.1
 */
TOCSIN_API int tocsin_source_free(struct tocsin_source source);

/**
 * The word of data that a source, or an operation (op.source), was given.
 *
 * @owner   as it was given
 * @return  the data; NULL: none was given, or there is no such source on the calling thread's loop
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API void *tocsin_source_get(struct tocsin_source source);

/**
 * Gives a source, or an operation (op.source), another word of data.
 *
 * @owner   data is only kept
 * @return  0; -ENOENT: there is no such source; -EXDEV: it belongs to the loop of another thread
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_source_set(struct tocsin_source source, void *data);

TOCSIN__END
#endif
