/* A source is an object that emits. A handler can be limited to the emissions of one source (O8).
 * Every operation is a source. A program makes further sources, for example for a room, a device or
 * a document. */
#ifndef TOCSIN_SOURCE_H
#define TOCSIN_SOURCE_H

#include <tocsin/base.h>

TOCSIN__BEGIN

/**
 * Makes a source on the calling thread's loop, which is created if the thread has none. `data` is a
 * pointer that tocsin_source_get and tocsin_info_data return to the program. `where` is the place
 * of the call; the macro passes it.
 *
 * @owner   the source is the caller's, who ends it with tocsin_source_free; data is stored, not
 *          used
 * @return  0 and ret_source set; -ENOMEM; -EINVAL: ret_source is NULL; -EDQUOT: the owner has
 *          reached its limit of sources; -ESHUTDOWN: the loop is being freed; or the error of
 *          creating the thread's loop. On failure ret_source carries the error
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
#define tocsin_source_new(...) tocsin_source_new_at(TOCSIN__HERE, __VA_ARGS__)
TOCSIN_API int tocsin_source_new_at(const char *where, void *data,
                                    struct tocsin_source *ret_source);

/**
 * Ends a source and disconnects the handlers that listen to this source only, as tocsin_disconnect
 * does. Any handler may call this, also a handler of this source. In this case the delivery
 * continues with the handlers that listen to all sources.
 *
 * @owner   the source does not exist any longer; its data is not touched
 * @return  0; -ENOENT: the source does not exist; -EINVAL: the source is an operation, which ends
 *          by itself; -EXDEV: the source belongs to the loop of another thread
 * @emits   tocsin.disconnected for each handler
 * @thread  loop
 * @source  E3
 * @since   0.1
 */
TOCSIN_API int tocsin_source_free(struct tocsin_source source);

/**
 * Returns the data of a source, or of an operation (op.source).
 *
 * @owner   as agreed where the data was set
 * @return  the data; NULL: none was set, or the source does not exist on the calling thread's loop
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API void *tocsin_source_get(struct tocsin_source source);

/**
 * Sets the data of a source, or of an operation (op.source).
 *
 * @owner   data is stored, not used
 * @return  0; -ENOENT: the source does not exist; -EXDEV: the source belongs to the loop of
 *          another thread
 * @emits   none
 * @thread  loop
 * @source  none
 * @since   0.1
 */
TOCSIN_API int tocsin_source_set(struct tocsin_source source, void *data);

TOCSIN__END
#endif
