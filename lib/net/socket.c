#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/client.h"
#include "net/fetch.h"
#include "net/mem.h"
#include "net/socket.h"
#include "net/transfer.h"

static int socket_watch(struct tocsin__net_sockets *sockets, int fd, short events);

static int sockets_reserve(struct tocsin__net_sockets *sockets, int fd)
{
    int count = fd < 32 ? 64 : fd * 2;
    struct tocsin__net_socket *list;

    if (fd < sockets->count)
        return 0;
    list = tocsin__net_resize(sockets->list, (size_t)count * sizeof *list);
    if (!list)
        return -ENOMEM;
    for (int i = sockets->count; i < count; i++)
        list[i] = (struct tocsin__net_socket){ .wanted = 0 };
    sockets->list = list, sockets->count = count;
    return 0;
}

static bool is_wanted(const struct tocsin__net_sockets *sockets, int fd, short events)
{
    return fd < sockets->count && sockets->list[fd].wanted & events;
}

/* Called if the watch of a socket has ended although libcurl waits for the socket. Watches the
   socket again, or reports an error to libcurl. */
static void socket_rewatch(struct tocsin__net_client *client, int fd)
{
    struct tocsin__net_socket *entry = &client->sockets.list[fd];

    entry->watch = (struct tocsin_op){ { 0 } };
    entry->watched = 0;
    if (entry->wanted && socket_watch(&client->sockets, fd, entry->wanted) < 0)
        tocsin__net_client_act(client, fd, CURL_CSELECT_ERR);
}

static void socket_ready(struct tocsin__net_client *client, int fd, short events)
{
    struct tocsin__net_socket *entry = &client->sockets.list[fd];

    events = (short)(events & entry->wanted);
    if (events)
        tocsin__net_client_act(client, fd,
                               (events & POLLIN ? CURL_CSELECT_IN : 0) |
                                   (events & POLLOUT ? CURL_CSELECT_OUT : 0));
    else if (tocsin_watch_set(entry->watch, entry->wanted) == 0)
        /* libcurl has not requested this event: the peer has closed a kept connection */
        entry->watched = entry->wanted;
}

/* Handles an event of a watch. The client of the thread is looked up, because the event may be
   delivered after the client was freed. The watch is compared, because the socket may have been
   closed meanwhile and its number may be in use again. */
static int on_watch(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_fd_ready *readiness = tocsin_fd_ready_of(info);
    struct tocsin__net_client *client = tocsin__net_client_current();
    int fd = readiness ? readiness->fd : tocsin_fd_done_of(info)->fd;

    (void)arg;
    if (!client || fd >= client->sockets.count ||
        client->sockets.list[fd].watch.source.id != info->source.id)
        return TOCSIN_NEXT;
    if (readiness)
        socket_ready(client, fd, (short)readiness->events);
    else
        socket_rewatch(client, fd);
    return TOCSIN_NEXT;
}

static int socket_watch(struct tocsin__net_sockets *sockets, int fd, short events)
{
    const struct tocsin_notify notify = {
        .mode = TOCSIN_AT_EACH | TOCSIN_AT_END | TOCSIN_BACKGROUND, .fn = on_watch
    };
    struct tocsin__net_socket *entry;
    int err = sockets_reserve(sockets, fd);

    if (err < 0)
        return err;
    entry = &sockets->list[fd];
    entry->wanted = events;
    if (entry->watched == events)
        return 0;
    if (entry->watch.source.id) {
        /* if tocsin_watch_set fails, the watch is unchanged */
        err = tocsin_watch_set(entry->watch, events);
    } else {
        err = tocsin_watch(fd, events, &notify, &entry->watch);
        if (err < 0)
            entry->watch = (struct tocsin_op){ { 0 } };
    }
    if (err == 0)
        entry->watched = events;
    return err;
}

static void socket_unwatch(struct tocsin__net_sockets *sockets, int fd)
{
    struct tocsin_op old;

    if (fd >= sockets->count || !sockets->list[fd].watch.source.id)
        return;
    old = sockets->list[fd].watch;
    sockets->list[fd] = (struct tocsin__net_socket){ .origin = sockets->list[fd].origin };
    tocsin_cancel(old);
}

static void socket_clear_origin(struct tocsin__net_sockets *sockets, int fd)
{
    struct tocsin__net_origin *origin = fd < sockets->count ? sockets->list[fd].origin : NULL;

    if (!origin)
        return;
    sockets->list[fd].origin = NULL;
    origin->sockets--;
    tocsin__net_origin_unref(origin);
}

static int socket_set_origin(struct tocsin__net_sockets *sockets, int fd,
                             struct tocsin__net_origin *origin)
{
    int err = sockets_reserve(sockets, fd);

    if (err < 0)
        return err;
    socket_clear_origin(sockets, fd);
    sockets->list[fd].origin = origin;
    origin->sockets++;
    origin->refs++;
    return 0;
}

/* Called when libcurl does not wait for a socket any more. A watch for reading is kept for the next
   fetch on this connection. A watch for writing ends. In that case the socket was not connected yet
   or had not sent everything, so libcurl closes it. If it was not connected, libcurl does this
   without a call of on_close. */
static void socket_ignore(struct tocsin__net_sockets *sockets, int fd)
{
    if (fd >= sockets->count)
        return;
    sockets->list[fd].wanted = 0;
    if (sockets->list[fd].watched & POLLOUT)
        socket_unwatch(sockets, fd);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
    struct tocsin__net_client *client = arg;
    short events = what == CURL_POLL_IN    ? POLLIN
                   : what == CURL_POLL_OUT ? POLLOUT
                                           : POLLIN | POLLOUT;
    int err = 0;

    (void)unused;
    if (what == CURL_POLL_IN && is_wanted(&client->sockets, fd, POLLOUT))
        /* the request may have been recorded already, but only the first call has an effect */
        tocsin__net_client_connected(easy);
    if (what == CURL_POLL_REMOVE || what == CURL_POLL_NONE)
        socket_ignore(&client->sockets, fd);
    else
        err = socket_watch(&client->sockets, fd, events);
    if (err < 0)
        tocsin__net_client_break(client, easy, err);
    /* returns success in any case, because after an error libcurl would end all fetches of the
     * loop */
    return 0;
}

/* Prepares the entry of a new socket. The entry may still have wanted events. Then libcurl has
   closed the old socket without a call of on_close, and uses the new socket in its place. */
static int socket_reset(struct tocsin__net_sockets *sockets, int fd,
                        struct tocsin__net_origin *origin)
{
    short wanted = fd < sockets->count ? sockets->list[fd].wanted : 0;
    int err;

    socket_unwatch(sockets, fd);
    err = socket_set_origin(sockets, fd, origin);
    return err == 0 && wanted ? socket_watch(sockets, fd, wanted) : err;
}

/* Returns true if one more descriptor is free. TLS needs one to read the CA file. Without it,
   libcurl would report a missing CA file and not -EMFILE. */
static bool has_descriptor(int fd, const struct tocsin__net_origin *origin)
{
    int other = origin->site.secure ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;

    if (other >= 0)
        close(other);
    return other >= 0 || !origin->site.secure;
}

/* Opens a socket for libcurl. libcurl does not learn the cause of a failure, so the errno is stored
 * in the transfer. */
static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct tocsin__net_transfer *transfer = arg;
    struct tocsin__net_sockets *sockets = &transfer->client->sockets;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol),
        err = fd < 0 ? -errno : 0;

    (void)purpose;
    if (err == 0 && !has_descriptor(fd, transfer->fetch->origin))
        err = -errno;
    if (err == 0)
        err = socket_reset(sockets, fd, transfer->fetch->origin);
    if (err == 0)
        return fd;
    transfer->open_error = err;
    if (fd >= 0) {
        socket_clear_origin(sockets, fd);
        close(fd);
    }
    return CURL_SOCKET_BAD;
}

static int on_close(void *arg, curl_socket_t fd)
{
    struct tocsin__net_client *client = arg;

    socket_unwatch(&client->sockets, fd);
    socket_clear_origin(&client->sockets, fd);
    return close(fd);
}

CURLcode tocsin__net_sockets_of_transfer(struct tocsin__net_transfer *transfer)
{
    CURL *easy = transfer->easy;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);

    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->client)
                            : code;
}

void tocsin__net_sockets_retire(struct tocsin__net_sockets *sockets,
                                const struct tocsin__net_origin *origin)
{
    unsigned left = origin->sockets;

    for (int fd = 0; fd < sockets->count && left > 0; fd++)
        if (sockets->list[fd].origin == origin) {
            shutdown(fd, SHUT_RDWR);
            left--;
        }
}

CURLMcode tocsin__net_sockets_of_multi(struct tocsin__net_client *client, CURLM *multi)
{
    CURLMcode code = curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);

    return code == CURLM_OK ? curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, client) : code;
}

void tocsin__net_sockets_free(struct tocsin__net_sockets *sockets)
{
    for (int fd = 0; fd < sockets->count; fd++) {
        socket_unwatch(sockets, fd);
        socket_clear_origin(sockets, fd);
    }
    tocsin__net_release(sockets->list);
    *sockets = (struct tocsin__net_sockets){ .list = NULL };
}
