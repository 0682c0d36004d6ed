/* libcurl passes each header line with a size and without a NUL. Each test copies a line into a
   buffer of exactly that size, so that a sanitizer finds every read past the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"

#include "net/fetch.h"
#include "net/reply.h"

static struct tocsin__net_fetch fetch;

static size_t line(const char *text, size_t size)
{
    char *exact = malloc(size > 0 ? size : 1);
    size_t taken;

    ck_assert_ptr_nonnull(exact);
    memcpy(exact, text, size);
    taken = tocsin__net_reply_header(&fetch, size > 0 ? exact : exact + 1, size);
    free(exact);
    return taken;
}

#define LINE(text) line(text, sizeof(text) - 1)

static void begin(void)
{
    fetch = (struct tocsin__net_fetch){ .redirects = 10 };
}

static void end(void)
{
    tocsin__net_buffer_free(&fetch.header);
    tocsin__net_buffer_free(&fetch.body);
}

static void again(void)
{
    end();
    begin();
}

START_TEST(header_lines_with_a_nul)
{
    static const struct {
        const char *text;
        size_t size;
    } lines[] = { { "A: x\0y\r\n", 8 },
                  { "\0\r\n", 3 },
                  { "\0", 1 },
                  { "A: x\0", 5 },
                  { "Location: \0\r\n", 13 },
                  { "\0Location: x\r\n", 14 },
                  { "Content-Length: 1\0\r\n", 20 },
                  { "Transfer-Encoding: \0chunked\r\n", 29 } };

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ck_assert_uint_eq(LINE("HTTP/1.1 302 Found\r\n"), 20);
        ck_assert_uint_eq(LINE("Location: /x\r\n"), 14);
        ck_assert_uint_ne(line(lines[i].text, lines[i].size), lines[i].size);
        ck_assert_int_eq(fetch.status, TOCSIN_EPEER);
        again();
    }
    ck_assert_uint_ne(line("HTTP/1.1 200\0OK\r\n", 17), 17);
    ck_assert_int_eq(fetch.status, TOCSIN_EPEER);
}
END_TEST

START_TEST(header_lines_truncated_at_each_byte)
{
    static const char *const lines[] = { "HTTP/1.1 200 OK\r\n",
                                         "Content-Length: 12\r\n",
                                         "Transfer-Encoding: gzip , chunked\r\n",
                                         "Location: http://a/\r\n",
                                         " folded: 1\r\n",
                                         "no colon\r\n",
                                         ":\r\n",
                                         "Content-Length\r\n",
                                         "\r\n",
                                         "\n",
                                         "\rx\r\n" };

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        for (size_t size = 0; size <= strlen(lines[i]); size++)
            for (int later = 0; later < 2; later++) {
                if (later)
                    LINE("HTTP/1.1 302 Found\r\n"), LINE("Location: /y\r\n");
                line(lines[i], size);
                again();
            }
}
END_TEST

START_TEST(a_line_is_found)
{
    size_t size = 0;

    LINE("HTTP/1.1 302 Found\r\n");
    LINE("X-Location: no\r\n");
    LINE("Locatio: no\r\n");
    LINE("Location:\r\n");
    ck_assert_ptr_nonnull(tocsin__net_reply_find(&fetch, "Location", &size));
    ck_assert_uint_eq(size, 0);
    ck_assert_ptr_null(tocsin__net_reply_find(&fetch, "Location2", &size));
    LINE("lOCATION2: \t/where\n");
    ck_assert(strncmp(tocsin__net_reply_find(&fetch, "Location2", &size), "/where\r\n", 8) == 0);
    ck_assert_uint_eq(size, 6);
    again();
    ck_assert_ptr_null(tocsin__net_reply_find(&fetch, "Location", &size));
}
END_TEST

/* A chunked body arrives in pieces of each possible size. Input and output buffers have exactly the
   size of their data. */
START_TEST(chunks_in_pieces)
{
    static const char text[] = "5;a=\"b\"\r\n01234\r\n00a \r\n56789abcde\n0\r\nX: y\r\n\r\nbehind";
    static const char whole[] = "0123456789abcde";

    for (size_t piece = 1; piece <= sizeof text - 1; piece++) {
        struct tocsin__net_chunks chunks = { .left = 0 };
        char got[64];
        size_t total = 0;

        for (size_t at = 0, size; at < sizeof text - 1; at += size) {
            size = sizeof text - 1 - at < piece ? sizeof text - 1 - at : piece;
            char *in = malloc(size), *out = malloc(size);
            size_t n = 0;

            memcpy(in, text + at, size);
            ck_assert_ptr_null(tocsin__net_chunks_read(&chunks, in, size, out, &n));
            memcpy(got + total, out, n);
            total += n;
            free(in);
            free(out);
        }
        ck_assert_uint_eq(total, 15);
        ck_assert(memcmp(got, whole, 15) == 0);
        ck_assert_int_eq(chunks.part, TOCSIN__NET_CHUNK_OVER);
    }
}
END_TEST

START_TEST(malformed_chunks)
{
    static const char *const wrong[] = { "\r\n",
                                         "x",
                                         " 5\r\n",
                                         "-5\r\n",
                                         "+5\r\n",
                                         "5x\r\n",
                                         "0x5\r\n",
                                         ";a\r\n",
                                         "10000000000000000\r\n",
                                         "fffffffffffffffff\r\n",
                                         "5\r5",
                                         "5;a\rb\r\n",
                                         "1\r\nab",
                                         "1\r\na\rb",
                                         "1\r\na\r\n\r\n",
                                         "0\r\n\rx" };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct tocsin__net_chunks chunks = { .left = 0 };
        size_t size = strlen(wrong[i]), n;
        char *in = malloc(size), *out = malloc(size);

        memcpy(in, wrong[i], size);
        ck_assert_msg(tocsin__net_chunks_read(&chunks, in, size, out, &n) != NULL, "%s", wrong[i]);
        free(in);
        free(out);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("net/header_line_bounds");
    TCase *tests = tcase_create("header lines");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, header_lines_with_a_nul);
    tcase_add_test(tests, header_lines_truncated_at_each_byte);
    tcase_add_test(tests, a_line_is_found);
    tcase_add_test(tests, chunks_in_pieces);
    tcase_add_test(tests, malformed_chunks);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return page_main(suite());
}
