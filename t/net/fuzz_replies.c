/* Replies are changed and cut at random. The result of each fetch is compared with a small model
   of RFC 9112. A fetch may succeed only if the reply is complete, and its body must be the
   model's body. TOCSIN_FUZZ=COUNT sets the number of replies, TOCSIN_FUZZ_SEED=N sets the seed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "page.h"
#include "test.h"

static const char *const corpus[] = {
    "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 10\r\n\r\n0123456789",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nto the end",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
    "chunked\r\n\r\n5;a=b\r\n01234\r\n1\r\n5\r\na\r\n6789abcdef\r\n0\r\nX-T: 1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: "
    "4\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: </x>\r\n\r\nHTTP/1.1 200 "
    "OK\r\nContent-Length: 3\r\n\r\nabc",
    "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n",
    "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 5\r\n\r\nthere",
    "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc"
};

static const char *const pieces[] = { "\r\n",
                                      "\n",
                                      "\r",
                                      "\r\n\r\n",
                                      ":",
                                      " ",
                                      "\t",
                                      ",",
                                      ";",
                                      "0",
                                      "00",
                                      "-1",
                                      "+3",
                                      "ffffffffffffffff",
                                      "18446744073709551616",
                                      "Content-Length: 3\r\n",
                                      "Content-Length: 0\r\n",
                                      "content-length:5\r\n",
                                      "Content-Length : 2\r\n",
                                      "Transfer-Encoding: chunked\r\n",
                                      "Transfer-Encoding: gzip\r\n",
                                      "transfer-encoding:\r\n chunked\r\n",
                                      "Transfer-Encoding: identity\r\n",
                                      "HTTP/1.1 200 OK\r\n",
                                      "HTTP/1.1 100 Continue\r\n\r\n",
                                      "HTTP/1.1 103 E\r\nContent-Length: 2\r\n\r\n",
                                      "HTTP/1.1 101 S\r\n\r\n",
                                      "HTTP/1.0 200 OK\r\n\r\n",
                                      "0\r\n\r\n",
                                      "3\r\nabc\r\n",
                                      "204",
                                      "304",
                                      "417",
                                      "\xff",
                                      "Connection: close\r\n",
                                      "Upgrade: h2c\r\n" };

static uint64_t state;

static unsigned draw(unsigned below)
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (unsigned)((state >> 11) % below);
}

struct text {
    char data[2048];
    size_t size;
};

static void replace(struct text *text, size_t at, size_t old, const char *with, size_t size)
{
    if (at + old > text->size || text->size - old + size > sizeof text->data)
        return;
    memmove(text->data + at + size, text->data + at + old, text->size - at - old);
    memcpy(text->data + at, with, size);
    text->size = text->size - old + size;
}

static void change(struct text *text)
{
    const char *piece = pieces[draw(sizeof pieces / sizeof *pieces)];
    size_t at = draw((unsigned)text->size + 1), more = draw(8);
    char byte = (char)draw(256);

    switch (draw(7)) {
    case 0: replace(text, at, 1, &byte, 1); break;
    case 1: replace(text, at, 0, &byte, 1); break;
    case 2: replace(text, at, more, "", 0); break;
    case 3: replace(text, at, 0, piece, strlen(piece)); break;
    case 4: replace(text, at, strlen(piece), piece, strlen(piece)); break;
    case 5: replace(text, at, 0, corpus[draw(sizeof corpus / sizeof *corpus)], 20 + more); break;
    default: replace(text, at, 0, "\0", 1); break;
    }
}

/* The bytes of a reply that the model has not read yet. The connection ends after the last byte. */

struct reader {
    const char *at, *end;
};
struct line {
    const char *at;
    size_t size;
};

static bool next_line(struct reader *reader, struct line *line)
{
    const char *lf = reader->at < reader->end
                         ? memchr(reader->at, '\n', (size_t)(reader->end - reader->at))
                         : NULL;

    if (!lf)
        return false;
    *line = (struct line){ reader->at, (size_t)(lf - reader->at) };
    line->size -= line->size > 0 && line->at[line->size - 1] == '\r';
    reader->at = lf + 1;
    return true;
}

struct header {
    int code;
    bool chunked, coded, has_length, wrong;
    unsigned long long length;
};

/* If the line is a header field with this name, copies the value of the field and returns true. */
static bool value_of(const struct line *line, const char *name, char ret_value[256])
{
    size_t size = strlen(name);

    if (line->size < size + 1 || line->size - size > 250 ||
        strncasecmp(line->at, name, size) != 0 || line->at[size] != ':')
        return false;
    snprintf(ret_value, 256, "%.*s", (int)(line->size - size - 1), line->at + size + 1);
    return true;
}

static void read_field(const struct line *line, struct header *header)
{
    char value[256], *save, *end;

    if (value_of(line, "Content-Length", value))
        for (char *one = strtok_r(value, ", \t", &save); one; one = strtok_r(NULL, ", \t", &save)) {
            unsigned long long n = strtoull(one, &end, 10);

            header->wrong = header->wrong || *end || one[strspn(one, "0123456789")] ||
                            (header->has_length && n != header->length);
            header->length = n, header->has_length = true;
        }
    else if (value_of(line, "Transfer-Encoding", value))
        for (char *one = strtok_r(value, ", \t", &save); one; one = strtok_r(NULL, ", \t", &save)) {
            header->wrong = header->wrong || header->chunked;
            header->chunked = strcasecmp(one, "chunked") == 0;
            header->wrong = header->wrong || (!header->chunked && strcasecmp(one, "identity") != 0);
        }
}

static bool read_header(struct reader *reader, struct header *header)
{
    struct line line;
    char status[32];

    *header = (struct header){ .code = 0 };
    if (!next_line(reader, &line))
        return false;
    snprintf(status, sizeof status, "%.*s", line.size < 31 ? (int)line.size : 31, line.at);
    if (sscanf(status, "HTTP/1.%*1[0-9] %3d", &header->code) != 1)
        return false;
    while (next_line(reader, &line)) {
        if (line.size == 0)
            return true;
        read_field(&line, header);
    }
    return false;
}

static bool read_chunks(struct reader *reader, struct text *body)
{
    struct line line;
    char size[32];

    for (;;) {
        unsigned long long n;

        if (!next_line(reader, &line))
            return false;
        snprintf(size, sizeof size, "%.*s", line.size < 31 ? (int)line.size : 31, line.at);
        n = strtoull(size, NULL, 16);
        if (n == 0)
            break;
        if (n > (size_t)(reader->end - reader->at))
            return false;
        memcpy(body->data + body->size, reader->at, n);
        body->size += n, reader->at += n;
        if (!next_line(reader, &line) || line.size > 0)
            return false;
    }
    while (next_line(reader, &line))
        if (line.size == 0)
            return true;
    return false;
}

static bool is_whole(const struct text *text, bool head, struct text *ret_body)
{
    struct reader reader = { text->data, text->data + text->size };
    struct header header;
    size_t left;

    ret_body->size = 0;
    do
        if (!read_header(&reader, &header) || header.wrong || header.code == 101)
            return false;
    while (header.code < 200);
    if (head || header.code == 204 || header.code == 304)
        return true;
    if (header.chunked)
        return read_chunks(&reader, ret_body);
    left = (size_t)(reader.end - reader.at);
    if (header.has_length && header.length > left)
        return false;
    ret_body->size = header.has_length ? (size_t)header.length : left;
    memcpy(ret_body->data, reader.at, ret_body->size);
    return true;
}

static struct text told;

static int on_body(const struct tocsin_info *info, void *arg)
{
    const struct tocsin_http_client_body *body = tocsin_http_client_body_of(info);

    (void)arg;
    ck_assert_uint_le(told.size + body->data.size, sizeof told.data);
    memcpy(told.data + told.size, body->data.data, body->data.size);
    told.size += body->data.size;
    return TOCSIN_NEXT;
}

static void show(const char *name, const char *data, size_t size)
{
    printf("%s: \"", name);
    for (size_t i = 0; i < size; i++)
        printf(data[i] >= ' ' && data[i] < 0x7f && data[i] != '"' && data[i] != '\\' ? "%c"
                                                                                     : "\\%03o",
               (unsigned char)data[i]);
    printf("\"\n");
    fflush(stdout);
}

static int successes, refused;

static void try(const struct text *text, bool stream, bool head)
{
    static struct text body;
    bool whole = is_whole(text, head, &body), same;
    const void *got;
    struct page page;
    size_t size;

    told.size = 0;
    peer_raw(peer, text->data, text->size, PEER_CLOSES);
    page_fetch(&page, &(struct tocsin_http_request){ .url = peer_url(peer, "/raw"),
                                                     .method = head ? "HEAD" : "GET",
                                                     .redirects = -1,
                                                     .flags = stream ? TOCSIN_HTTP_STREAM : 0 });
    size = stream ? told.size : page.done->body.size,
    got = stream ? told.data : page.done->body.data;
    same = size == body.size && (size == 0 || memcmp(got, body.data, size) == 0);
    if (page.status == 0 && (!whole || !same)) {
        show("sent", text->data, text->size);
        show("model", body.data, body.size);
        show("fetched", got, size);
        ck_abort_msg("a success that is %s", whole ? "of another body" : "not whole");
    }
    ck_assert_int_eq(page.done->reason[0] != 0, page.status < 0);
    successes += page.status == 0;
    refused += page.status < 0 && whole;
    page_drop(&page);
}

START_TEST(only_complete_replies_succeed)
{
    const char *count = getenv("TOCSIN_FUZZ"), *seed = getenv("TOCSIN_FUZZ_SEED");
    long rounds = count ? atol(count) : test_scaled(3000, 1, 10);
    static struct text text;

    state = (seed ? strtoull(seed, NULL, 10) : 1) * UINT64_C(0x9e3779b97f4a7c15) + 1;
    ck_assert_int_eq(
        tocsin_connect("http.client.body", &(struct tocsin_action){ .fn = on_body }, NULL), 0);
    for (long i = 0; i < rounds; i++) {
        const char *whole = corpus[draw(sizeof corpus / sizeof *corpus)];

        text.size = strlen(whole);
        memcpy(text.data, whole, text.size);
        for (unsigned changes = draw(4); changes > 0; changes--)
            change(&text);
        if (draw(3) == 0)
            text.size = draw((unsigned)text.size + 1);
        try(&text, draw(2), draw(12) == 0);
    }
    printf("net/fuzz_replies: %ld replies, %d successes, %d whole ones refused\n", rounds,
           successes, refused);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("net/fuzz_replies");
    TCase *tests = tcase_create("fuzz");

    tcase_add_checked_fixture(tests, page_begin, page_end);
    tcase_set_timeout(tests, 600);
    tcase_add_test(tests, only_complete_replies_succeed);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return page_main(suite());
}
