#include <arpa/inet.h>
#include <netdb.h>
#include <stdatomic.h>
#include <string.h>
#include <strings.h>

#include "net/client.h"
#include "net/mem.h"
#include "net/names.h"

/* Two have it: the fetch, and the work, which may be at it long after the fetch has been cancelled. */
struct tocsin__net_names {
    atomic_int refs;
    struct tocsin_op work;
    int (*resolve)(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **ret_list);
    struct addrinfo *list;
    int error;                                             /* EAI_… */
    char port[6];
    char host[TOCSIN__NET_HOST_MAX + 1];
};

static void unref(void *arg)
{
    struct tocsin__net_names *names = arg;

    if (atomic_fetch_sub(&names->refs, 1) > 1)
        return;
    if (names->list)
        freeaddrinfo(names->list);
    tocsin__net_release(names);
}

static bool is_localhost(const char *host)
{
    static const char local[] = "localhost";
    size_t size = strlen(host), tail = sizeof local - 1;

    size -= size && host[size - 1] == '.';
    return size >= tail && strncasecmp(host + size - tail, local, tail) == 0 && (size == tail || host[size - tail - 1] == '.');
}

/* RFC 6761 section 6.3: localhost is the loopback, whatever the machine's files and servers say. */
static int by_system(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **ret_list)
{
    return getaddrinfo(is_localhost(host) ? NULL : host, port, hints, ret_list);
}

static int look_up(void *arg)
{
    struct tocsin__net_names *names = arg;
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };

    errno = 0;
    names->error = names->resolve(names->host, names->port, &hints, &names->list);
    if (names->error == 0)
        return 0;
    if (names->error == EAI_MEMORY)
        return -ENOMEM;
    return names->error == EAI_SYSTEM && errno > 0 ? -errno : TOCSIN_ENAME;
}

static struct tocsin__net_names *names_new(const struct tocsin__net_client *client, const struct tocsin__net_origin *origin)
{
    struct tocsin__net_names *names = tocsin__net_alloc(sizeof *names);

    if (!names)
        return NULL;
    atomic_init(&names->refs, 2);
    names->resolve = client->options.resolve ? client->options.resolve : by_system;
    strcpy(names->host, origin->site.host);
    strcpy(names->port, origin->site.port);
    return names;
}

int tocsin__net_names_start(struct tocsin__net_client *client, const struct tocsin__net_origin *origin, tocsin_fn done, void *arg,
                            struct tocsin__net_names **ret_names)
{
    const struct tocsin_notify notify = { .how = TOCSIN_AT_END | TOCSIN_SERVING, .fn = done, .arg = arg };
    struct tocsin_work_options options = { .drop = unref, .flags = TOCSIN_ABANDON };
    struct tocsin__net_names *names;
    int err = tocsin__net_client_pool(client, &options.pool);

    if (err < 0)
        return err;
    names = names_new(client, origin);
    if (!names)
        return -ENOMEM;
    err = tocsin_work_with(&options, look_up, names, &notify, &names->work);
    if (err < 0)
        tocsin__net_release(names);
    else
        *ret_names = names;
    return err;
}

void tocsin__net_names_cancel(struct tocsin__net_names *names)
{
    tocsin_cancel(names->work);
}

void tocsin__net_names_free(struct tocsin__net_names *names)
{
    unref(names);
}

const char *tocsin__net_names_reason(const struct tocsin__net_names *names)
{
    return names->error && names->error != EAI_SYSTEM ? gai_strerror(names->error) : "The name has no address";
}

/* "address," or "[address],". What is neither IPv4 nor IPv6 is passed over. */
static int add_address(struct tocsin__net_buffer *text, const struct sockaddr *address)
{
    char number[INET6_ADDRSTRLEN + 3] = "[";
    bool six = address->sa_family == AF_INET6;
    const void *bytes = six ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)address)->sin_addr;

    if (!six && address->sa_family != AF_INET)
        return 0;
    inet_ntop(address->sa_family, bytes, number + six, INET6_ADDRSTRLEN);
    strcat(number, six ? "]," : ",");
    return tocsin__net_buffer_add(text, number, strlen(number));
}

/* "+host:port:address,address": the plus has libcurl forget it after a while. */
static int write_entry(const struct tocsin__net_names *names, struct tocsin__net_buffer *text)
{
    size_t front;
    int err = tocsin__net_buffer_reserve(text, strlen(names->host) + strlen(names->port) + 64);

    if (err < 0)
        return err;
    strcat(strcat(strcat(strcat(strcpy(text->data, "+"), names->host), ":"), names->port), ":");
    front = text->size = strlen(text->data);
    for (const struct addrinfo *info = names->list; info && err == 0; info = info->ai_next)
        err = add_address(text, info->ai_addr);
    if (err == 0 && text->size == front)
        return TOCSIN_ENAME;
    text->data[text->size - 1] = 0;                        /* the last comma */
    return err;
}

int tocsin__net_names_take(struct tocsin__net_names *names, struct curl_slist **ret_list)
{
    struct tocsin__net_buffer text = { NULL, 0, 0 };
    int err = write_entry(names, &text);

    if (err == 0 && !(*ret_list = curl_slist_append(NULL, text.data)))
        err = -ENOMEM;
    tocsin__net_buffer_free(&text);
    return err;
}
