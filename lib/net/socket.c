#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/client.h"
#include "net/fetch.h"
#include "net/mem.h"
#include "net/socket.h"

static int watch(struct tocsin__net_sockets *sockets, int fd, short events);

static int room_for(struct tocsin__net_sockets *sockets, int fd)
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

/* libcurl waits for what nobody watches any more: it is watched anew, or what waits for it is given up. */
static void watch_lost(struct tocsin__net_client *client, int fd)
{
    struct tocsin__net_socket *entry = &client->sockets.list[fd];

    entry->watch = (struct tocsin_op){ { 0 } };
    entry->watched = 0;
    if (entry->wanted && watch(&client->sockets, fd, entry->wanted) < 0)
        tocsin__net_client_act(client, fd, CURL_CSELECT_ERR);
}

static void ready(struct tocsin__net_client *client, int fd, short events)
{
    struct tocsin__net_socket *entry = &client->sockets.list[fd];

    events = (short)(events & entry->wanted);
    if (events)
        tocsin__net_client_act(client, fd, (events & POLLIN ? CURL_CSELECT_IN : 0) | (events & POLLOUT ? CURL_CSELECT_OUT : 0));
    else if (tocsin_watch_set(entry->watch, entry->wanted) == 0)
        entry->watched = entry->wanted;                  /* the peer closed a connection that is kept */
}

/* The client is looked up, not passed: a readiness that was recorded may be told after the client has gone. The watch is
   compared, since the socket may have been closed meanwhile, and its number be another's. */
static int on_watch(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_fd_ready *readiness = tocsin_fd_ready_of(info);
    struct tocsin__net_client *client = tocsin__net_client_current();
    int fd = readiness ? readiness->fd : tocsin_fd_done_of(info)->fd;

    (void)arg;
    if (!client || fd >= client->sockets.count || client->sockets.list[fd].watch.source.id != info->source.id)
        return TOCSIN_NEXT;
    if (readiness)
        ready(client, fd, (short)readiness->events);
    else
        watch_lost(client, fd);
    return TOCSIN_NEXT;
}

static int watch(struct tocsin__net_sockets *sockets, int fd, short events)
{
    const struct tocsin_notify notify = { .how = TOCSIN_AT_EACH | TOCSIN_AT_END | TOCSIN_SERVING, .fn = on_watch };
    struct tocsin__net_socket *entry;
    int err = room_for(sockets, fd);

    if (err < 0)
        return err;
    entry = &sockets->list[fd];
    entry->wanted = events;
    if (entry->watched == events)
        return 0;
    if (entry->watch.source.id) {
        err = tocsin_watch_set(entry->watch, events);    /* refused, it watches for what it did */
    } else {
        err = tocsin_watch(fd, events, &notify, &entry->watch);
        if (err < 0)
            entry->watch = (struct tocsin_op){ { 0 } };
    }
    if (err == 0)
        entry->watched = events;
    return err;
}

static void forget(struct tocsin__net_sockets *sockets, int fd)
{
    struct tocsin_op old;

    if (fd >= sockets->count || !sockets->list[fd].watch.source.id)
        return;
    old = sockets->list[fd].watch;
    sockets->list[fd] = (struct tocsin__net_socket){ .wanted = 0 };
    tocsin_cancel(old);
}

/* Reading goes on unheard, for the next fetch on this connection. Who was to write was not connected yet, or not done: libcurl
   closes such a socket, and in the first case without telling. */
static void unwant(struct tocsin__net_sockets *sockets, int fd)
{
    if (fd >= sockets->count)
        return;
    sockets->list[fd].wanted = 0;
    if (sockets->list[fd].watched & POLLOUT)
        forget(sockets, fd);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
    struct tocsin__net_client *client = arg;
    short events = what == CURL_POLL_IN ? POLLIN : what == CURL_POLL_OUT ? POLLOUT : POLLIN | POLLOUT;
    int err = 0;

    (void)unused;
    if (what == CURL_POLL_IN && is_wanted(&client->sockets, fd, POLLOUT))
        tocsin__net_client_connected(easy);                /* or its request is sent: the first time counts */
    if (what == CURL_POLL_REMOVE || what == CURL_POLL_NONE)
        unwant(&client->sockets, fd);
    else
        err = watch(&client->sockets, fd, events);
    if (err < 0)
        tocsin__net_client_break(client, easy, err);
    return 0;                                              /* else libcurl gives up all fetches of the loop */
}

/* A number that is still wanted is that of a socket which was closed without telling, and libcurl takes the new one for it. */
static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct tocsin__net_client *client = arg;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    short wanted = fd >= 0 && fd < client->sockets.count ? client->sockets.list[fd].wanted : 0;

    (void)purpose;
    if (fd < 0)
        return CURL_SOCKET_BAD;
    forget(&client->sockets, fd);
    if (!wanted || watch(&client->sockets, fd, wanted) == 0)
        return fd;
    close(fd);
    return CURL_SOCKET_BAD;
}

static int on_close(void *arg, curl_socket_t fd)
{
    struct tocsin__net_client *client = arg;

    forget(&client->sockets, fd);
    return close(fd);
}

CURLcode tocsin__net_sockets_of_easy(struct tocsin__net_client *client, CURL *easy)
{
    CURLcode code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);

    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, client);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, client) : code;
}

CURLMcode tocsin__net_sockets_of_multi(struct tocsin__net_client *client, CURLM *multi)
{
    CURLMcode code = curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);

    return code == CURLM_OK ? curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, client) : code;
}

void tocsin__net_sockets_free(struct tocsin__net_sockets *sockets)
{
    for (int fd = 0; fd < sockets->count; fd++)
        forget(sockets, fd);
    tocsin__net_release(sockets->list);
    *sockets = (struct tocsin__net_sockets){ .list = NULL };
}
