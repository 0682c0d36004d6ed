/* Counts the streams of one listener. If the listener counts the streams of each address, a stream
   belongs to the part of its address, and counts in the part and in the whole. */
#define _GNU_SOURCE /* struct ucred */
#include <string.h>

#include "io/listen/crowd.h"
#include "io/stream/stream.h"

enum { PARTS = 1024 };

struct tocsin__crowd *tocsin__crowd_new(void)
{
    struct tocsin__crowd *crowd = tocsin__alloc(sizeof *crowd);

    if (crowd)
        crowd->refs = 1;
    return crowd;
}

static void part_unlink(struct tocsin__crowd *part)
{
    *part->link = part->next;
    if (part->next)
        part->next->link = part->link;
}

void tocsin__crowd_unref(struct tocsin__crowd *crowd)
{
    struct tocsin__crowd *whole;

    if (!crowd || --crowd->refs > 0)
        return;
    whole = crowd->whole;
    if (whole)
        part_unlink(crowd);
    tocsin__release(crowd->parts);
    tocsin__release(crowd);
    tocsin__crowd_unref(whole);
}

/* The hash starts with the table's address in memory, which peers do not know, so they cannot
   choose addresses that all fall into one bucket. */
static struct tocsin__crowd **bucket_of(const struct tocsin__crowd *whole,
                                        const unsigned char address[16])
{
    uint64_t hash = 14695981039346656037u ^ (uint64_t)(uintptr_t)whole->parts >> 4;

    for (int i = 0; i < 16; i++)
        hash = (hash ^ address[i]) * 1099511628211u;
    return &whole->parts[(hash ^ hash >> 32) % PARTS];
}

static struct tocsin__crowd *part_new(struct tocsin__crowd *whole, struct tocsin__crowd **bucket,
                                      const unsigned char address[16])
{
    struct tocsin__crowd *part = tocsin__crowd_new();

    if (!part)
        return NULL;
    whole->refs++;
    part->whole = whole;
    memcpy(part->address, address, sizeof part->address);
    part->next = *bucket;
    part->link = bucket;
    if (part->next)
        part->next->link = &part->next;
    *bucket = part;
    return part;
}

void tocsin__crowd_address(int fd, const struct tocsin__endpoint *peer, unsigned char address[16])
{
    struct ucred user = { .uid = (uid_t)-1 };
    socklen_t size = sizeof user;

    memset(address, 0, 16);
    if (peer->any.sa_family == AF_INET6) {
        memcpy(address, &peer->in6.sin6_addr, 16);
    } else if (peer->any.sa_family == AF_INET) {
        address[10] = address[11] = 0xff;
        memcpy(address + 12, &peer->in.sin_addr, 4);
    } else {
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &size);
        memcpy(address, &user.uid, sizeof user.uid);
    }
}

struct tocsin__crowd *tocsin__crowd_part(struct tocsin__crowd *whole,
                                         const unsigned char address[16])
{
    struct tocsin__crowd *part, **bucket;

    if (!whole->parts)
        whole->parts = tocsin__alloc(PARTS * sizeof *whole->parts);
    if (!whole->parts)
        return NULL;
    bucket = bucket_of(whole, address);
    for (part = *bucket; part && memcmp(part->address, address, 16) != 0; part = part->next)
        ;
    if (!part)
        return part_new(whole, bucket, address);
    part->refs++;
    return part;
}

void tocsin__crowd_join(struct tocsin__crowd *crowd, struct tocsin__stream *stream)
{
    crowd->refs++;
    crowd->live++;
    if (crowd->whole)
        crowd->whole->live++;
    stream->crowd = crowd;
}

void tocsin__crowd_leave(struct tocsin__stream *stream)
{
    struct tocsin__crowd *crowd = stream->crowd, *whole;

    if (!crowd)
        return;
    stream->crowd = NULL;
    whole = crowd->whole ? crowd->whole : crowd;
    crowd->live--;
    if (crowd->whole)
        whole->live--;
    if (whole->left)
        whole->left(whole, stream);
    tocsin__crowd_unref(crowd);
}
