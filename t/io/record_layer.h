/* A layer of the tests: records of at most 200 bytes, each a size and bytes that are XORed. The
   size 0 ends the direction, 255 is a token. The handshake is "C" from the client, then "S" from
   the peer. The layer receives as many records as there are, and returns one of them at a time. The
   odd kind (config 1) wants the other direction: a write needs a token, which it reads; a read
   waits once behind each record until it could write. */
#ifndef TOCSIN_T_IO_RECORD_LAYER_H
#define TOCSIN_T_IO_RECORD_LAYER_H

#include <stdlib.h>
#include <unistd.h>

#include <tocsin/layer.h>

#include "io/streams.h"

enum { RECORD = 200, RECORD_END = 0, RECORD_TOKEN = 255, RECORD_KEY = 0x5a };

struct record_layer {
    int fd;
    bool is_odd, has_greeted, is_ended, has_eof, has_waited;
    int tokens;
    unsigned char in[4096], out[RECORD + 1];
    size_t in_begin, in_end, out_begin, out_end, out_taken;
};

static int record_layers; /* states that exist */
static char record_host[64];

static int record_open(uint64_t config, const char *host, int fd, void **ret_state)
{
    struct record_layer *layer = calloc(1, sizeof *layer);

    if (!layer)
        return -ENOMEM;
    layer->fd = fd;
    layer->is_odd = config == 1;
    snprintf(record_host, sizeof record_host, "%s", host);
    record_layers++;
    *ret_state = layer;
    return 0;
}

/* Reads what is there. */
static int record_fill(struct record_layer *layer)
{
    ssize_t count;

    memmove(layer->in, layer->in + layer->in_begin, layer->in_end - layer->in_begin);
    layer->in_end -= layer->in_begin;
    layer->in_begin = 0;
    count = read(layer->fd, layer->in + layer->in_end, sizeof layer->in - layer->in_end);
    if (count == 0)
        layer->has_eof = true;
    if (count > 0)
        layer->in_end += (size_t)count;
    return count < 0 ? -errno : 0;
}

static int record_flush(struct record_layer *layer)
{
    while (layer->out_begin < layer->out_end) {
        ssize_t count = write(layer->fd, layer->out + layer->out_begin,
                              layer->out_end - layer->out_begin);

        if (count < 0)
            return -errno;
        layer->out_begin += (size_t)count;
    }
    return 0;
}

static int record_handshake(void *state, unsigned *ret_wants)
{
    struct record_layer *layer = state;

    if (!layer->has_greeted && write(layer->fd, "C", 1) != 1)
        return *ret_wants = TOCSIN_LAYER_WRITE, -EAGAIN;
    layer->has_greeted = true;
    if (layer->in_begin == layer->in_end && record_fill(layer) == -EAGAIN)
        return *ret_wants = TOCSIN_LAYER_READ, -EAGAIN;
    if (layer->in_begin == layer->in_end || layer->in[layer->in_begin] != 'S')
        return TOCSIN_ECERT;
    layer->in_begin++;
    return 0;
}

/* How many bytes the record in front has; -EAGAIN: it is not complete. Tokens are counted. */
static int record_size(struct record_layer *layer)
{
    size_t left = layer->in_end - layer->in_begin;

    while (left && layer->in[layer->in_begin] == RECORD_TOKEN) {
        layer->in_begin++;
        layer->tokens++;
        left--;
    }
    if (!left || left <= layer->in[layer->in_begin])
        return -EAGAIN;
    return layer->in[layer->in_begin];
}

static int64_t record_read(void *state, void *buffer, size_t size, unsigned *ret_wants)
{
    struct record_layer *layer = state;
    unsigned char *first;
    int count;

    *ret_wants = TOCSIN_LAYER_READ;
    if (layer->is_ended)
        return 0;
    while ((count = record_size(layer)) == -EAGAIN) {
        int err = layer->has_eof ? TOCSIN_ETRUNCATED : record_fill(layer);

        if (err < 0)
            return err;
    }
    if (count == RECORD_END) {
        layer->is_ended = true;
        return 0;
    }
    if (layer->is_odd && !layer->has_waited) {
        layer->has_waited = true;
        return *ret_wants = TOCSIN_LAYER_WRITE, -EAGAIN;
    }
    layer->has_waited = false;
    first = layer->in + layer->in_begin;
    if ((size_t)count > size) { /* the rest stays a record */
        for (size_t i = 0; i < size; i++)
            ((unsigned char *)buffer)[i] = first[1 + i] ^ RECORD_KEY;
        layer->in_begin += size;
        layer->in[layer->in_begin] = (unsigned char)(count - (int)size);
        return (int64_t)size;
    }
    for (int i = 0; i < count; i++)
        ((unsigned char *)buffer)[i] = first[1 + i] ^ RECORD_KEY;
    layer->in_begin += (size_t)count + 1;
    return count;
}

/* A read may have found the token, or must be made to find one. */
static int record_take_token(struct record_layer *layer)
{
    record_size(layer);
    while (!layer->tokens) {
        int err = layer->in_end - layer->in_begin == sizeof layer->in || layer->has_eof
                      ? -EPIPE
                      : record_fill(layer);

        if (err < 0)
            return err;
        for (size_t i = layer->in_begin; i < layer->in_end; i += layer->in[i] + 1u)
            if (layer->in[i] == RECORD_TOKEN) {
                memmove(layer->in + i, layer->in + i + 1, layer->in_end - i - 1);
                layer->in_end--;
                layer->tokens++;
                break;
            }
    }
    layer->tokens--;
    return 0;
}

static int64_t record_write(void *state, const void *data, size_t size, unsigned *ret_wants)
{
    struct record_layer *layer = state;
    int err;

    *ret_wants = TOCSIN_LAYER_WRITE;
    if (layer->out_begin == layer->out_end) {
        err = layer->is_odd ? record_take_token(layer) : 0;
        if (err == -EAGAIN)
            *ret_wants = TOCSIN_LAYER_READ;
        if (err < 0)
            return err;
        layer->out_taken = size < RECORD ? size : RECORD;
        layer->out[0] = (unsigned char)layer->out_taken;
        for (size_t i = 0; i < layer->out_taken; i++)
            layer->out[1 + i] = ((const unsigned char *)data)[i] ^ RECORD_KEY;
        layer->out_begin = 0;
        layer->out_end = layer->out_taken + 1;
    }
    ck_assert_uint_ge(size, layer->out_taken);
    err = record_flush(layer);
    return err < 0 ? err : (int64_t)layer->out_taken;
}

static int record_shutdown(void *state, unsigned *ret_wants)
{
    struct record_layer *layer = state;

    *ret_wants = TOCSIN_LAYER_WRITE;
    if (layer->out_end != 1) {
        layer->out[0] = RECORD_END;
        layer->out_begin = 0;
        layer->out_end = 1;
    }
    return record_flush(layer);
}

static int record_get(void *state, struct tocsin_stream_facts *facts)
{
    (void)state;
    strcpy(facts->protocol, "record");
    return 0;
}

static const char *record_reason(void *state)
{
    return ((struct record_layer *)state)->has_greeted ? "the records have failed" : "";
}

static void record_free(void *state)
{
    record_layers--;
    free(state);
}

static const struct tocsin_layer_type record_type = {
    .open = record_open,
    .handshake = record_handshake,
    .read = record_read,
    .write = record_write,
    .shutdown = record_shutdown,
    .get = record_get,
    .reason = record_reason,
    .free = record_free,
};

#endif
