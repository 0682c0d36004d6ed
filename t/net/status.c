/* Tests the status of a fetch for each error code of other libraries. There is one complete table
   for each kind of code. Some real fetches follow. */
#include <locale.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "page.h"

#include "net/mem.h"
#include "net/status.h"

static struct page page;

/* The error codes of libcurl and the status for each code. A code without a row must become
   -EIO. */
static const struct {
    CURLcode code;
    int status;
    const char *text;
    int number, open_error;
    long verdict;
    bool begun, in_header;
} curls[] = {
    { .code = CURLE_OK, .status = 0 },
    { .code = CURLE_UNSUPPORTED_PROTOCOL, .status = TOCSIN_ESCHEME },
    { .code = CURLE_UNSUPPORTED_PROTOCOL, .status = TOCSIN_EPEER, .begun = true },
    { .code = CURLE_FAILED_INIT, .status = -EIO },
    { .code = CURLE_URL_MALFORMAT, .status = TOCSIN_EURL },
    { .code = CURLE_NOT_BUILT_IN, .status = -ENOTSUP },
    { .code = CURLE_COULDNT_RESOLVE_HOST, .status = TOCSIN_ENAME },
    { .code = CURLE_COULDNT_CONNECT, .status = -ENOTCONN },
    { .code = CURLE_COULDNT_CONNECT, .status = -ECONNREFUSED, .number = ECONNREFUSED },
    { .code = CURLE_COULDNT_CONNECT, .status = -ENETUNREACH, .number = ENETUNREACH },
    { .code = CURLE_COULDNT_CONNECT, .status = -EHOSTUNREACH, .number = EHOSTUNREACH },
    { .code = CURLE_COULDNT_CONNECT, .status = -EADDRNOTAVAIL, .number = EADDRNOTAVAIL },
    { .code = CURLE_COULDNT_CONNECT, .status = -ETIMEDOUT, .number = ETIMEDOUT },
    { .code = CURLE_COULDNT_CONNECT, .status = -EACCES, .number = EACCES },
    { .code = CURLE_COULDNT_CONNECT, .status = -EMFILE, .open_error = -EMFILE },
    { .code = CURLE_COULDNT_CONNECT,
      .status = -EMFILE,
      .open_error = -EMFILE,
      .number = ECONNREFUSED },
    { .code = CURLE_COULDNT_CONNECT,
      .status = -ENFILE,
      .open_error = -ENFILE,
      .number = ECONNREFUSED },
    { .code = CURLE_COULDNT_CONNECT, .status = -ENOBUFS, .open_error = -ENOBUFS },
    { .code = CURLE_COULDNT_CONNECT, .status = -ENOMEM, .open_error = -ENOMEM },
    { .code = CURLE_COULDNT_CONNECT, .status = -EAFNOSUPPORT, .open_error = -EAFNOSUPPORT },
    { .code = CURLE_COULDNT_CONNECT,
      .status = -ECONNREFUSED,
      .open_error = -EAFNOSUPPORT,
      .number = ECONNREFUSED },
    { .code = CURLE_INTERFACE_FAILED, .status = -EADDRNOTAVAIL, .number = EADDRNOTAVAIL },
    { .code = CURLE_OPERATION_TIMEDOUT, .status = -ETIMEDOUT },
    { .code = CURLE_SEND_ERROR, .status = -ECONNRESET },
    { .code = CURLE_SEND_ERROR, .status = -ECONNRESET, .number = EPIPE },
    { .code = CURLE_SEND_ERROR, .status = -EHOSTUNREACH, .number = EHOSTUNREACH },
    { .code = CURLE_RECV_ERROR, .status = TOCSIN_EPEER },
    { .code = CURLE_RECV_ERROR, .status = -ECONNRESET, .number = ECONNRESET },
    { .code = CURLE_RECV_ERROR,
      .status = TOCSIN_EPEER,
      .text = "Illegal or missing hexadecimal sequence in chunked-encoding",
      .number = ECONNRESET },
    { .code = CURLE_RECV_ERROR,
      .status = TOCSIN_ETOOBIG,
      .text = "Out of memory in chunked-encoding" },
    { .code = CURLE_RECV_ERROR,
      .status = TOCSIN_ETRUNCATED,
      .text =
          "OpenSSL SSL_read: error:0A000126:SSL routines::unexpected eof while reading, errno 0" },
    { .code = CURLE_RECV_ERROR,
      .status = TOCSIN_ETRUNCATED,
      .text = "GnuTLS recv error (-110): The TLS connection was non-properly terminated." },
    { .code = CURLE_PARTIAL_FILE, .status = TOCSIN_ETRUNCATED },
    { .code = CURLE_GOT_NOTHING, .status = TOCSIN_ETRUNCATED },
    { .code = CURLE_FILESIZE_EXCEEDED, .status = TOCSIN_ETOOBIG },
    { .code = CURLE_TOO_MANY_REDIRECTS, .status = TOCSIN_EREDIRECTS },
    { .code = CURLE_OUT_OF_MEMORY, .status = -ENOMEM },
    { .code = CURLE_OUT_OF_MEMORY, .status = -ENOMEM, .in_header = true },
    { .code = CURLE_OUT_OF_MEMORY, .status = -ENOMEM, .begun = true },
    { .code = CURLE_OUT_OF_MEMORY, .status = TOCSIN_ETOOBIG, .begun = true, .in_header = true },
    { .code = CURLE_PEER_FAILED_VERIFICATION, .status = TOCSIN_EHOST, .verdict = 0 },
    { .code = CURLE_PEER_FAILED_VERIFICATION, .status = TOCSIN_ECERT, .verdict = 20 },
    { .code = CURLE_SSL_CACERT_BADFILE, .status = TOCSIN_ECERT },
    { .code = CURLE_SSL_ISSUER_ERROR, .status = TOCSIN_ECERT },
    { .code = CURLE_SSL_INVALIDCERTSTATUS, .status = TOCSIN_ECERT },
    { .code = CURLE_SSL_CRL_BADFILE, .status = TOCSIN_ECERT },
    { .code = CURLE_SSL_PINNEDPUBKEYNOTMATCH, .status = TOCSIN_ECERT },
    { .code = CURLE_SSL_CONNECT_ERROR, .status = TOCSIN_EHANDSHAKE },
    { .code = CURLE_SSL_CERTPROBLEM, .status = TOCSIN_EHANDSHAKE },
    { .code = CURLE_SSL_CLIENTCERT, .status = TOCSIN_EHANDSHAKE },
    { .code = CURLE_SSL_CIPHER, .status = TOCSIN_EHANDSHAKE },
    { .code = CURLE_USE_SSL_FAILED, .status = TOCSIN_EHANDSHAKE },
    { .code = CURLE_WEIRD_SERVER_REPLY, .status = TOCSIN_EPEER },
    { .code = CURLE_BAD_CONTENT_ENCODING, .status = TOCSIN_EPEER },
    { .code = CURLE_HTTP_RETURNED_ERROR, .status = TOCSIN_EPEER },
    { .code = CURLE_HTTP2, .status = TOCSIN_EPEER },
    { .code = CURLE_HTTP2_STREAM, .status = TOCSIN_EPEER },
    { .code = CURLE_HTTP3, .status = TOCSIN_EPEER },
    { .code = CURLE_RANGE_ERROR, .status = TOCSIN_EPEER },
    { .code = CURLE_CHUNK_FAILED, .status = TOCSIN_EPEER },
    { .code = CURLE_UNKNOWN_OPTION, .status = -ENOTSUP },
    { .code = CURLE_FUNCTION_NOT_FOUND, .status = -ENOTSUP },
    { .code = CURLE_BAD_FUNCTION_ARGUMENT, .status = -EINVAL },
    { .code = CURLE_BAD_FUNCTION_ARGUMENT, .status = TOCSIN_EPEER, .begun = true },
    { .code = CURLE_RECURSIVE_API_CALL, .status = -EDEADLK }
};

START_TEST(status_of_a_transfer)
{
    bool has_row[CURL_LAST] = { false };

    for (size_t i = 0; i < sizeof curls / sizeof *curls; i++) {
        struct tocsin__net_failure failure = { .code = curls[i].code,
                                               .text = curls[i].text
                                                           ? curls[i].text
                                                           : curl_easy_strerror(curls[i].code),
                                               .number = curls[i].number,
                                               .open_error = curls[i].open_error,
                                               .verdict = curls[i].verdict,
                                               .begun = curls[i].begun,
                                               .in_header = curls[i].in_header };
        int status = tocsin__net_status_of_curl(&failure);

        ck_assert_msg(status == curls[i].status, "row %zu, %s: %d", i, failure.text, status);
        has_row[curls[i].code] = true;
    }
    for (int code = 0; code < CURL_LAST; code++) {
        int status = tocsin__net_status_of_curl(
            &(struct tocsin__net_failure){ .code = code, .text = "" });

        ck_assert_msg(has_row[code] || status == -EIO || status == TOCSIN_ETOOBIG, "%d, %s: %d",
                      code, curl_easy_strerror(code), status);
    }
}
END_TEST

START_TEST(status_of_options_and_handles)
{
    static const struct {
        CURLcode code;
        int status;
    } options[] = { { CURLE_OK, 0 },
                    { CURLE_OUT_OF_MEMORY, -ENOMEM },
                    { CURLE_URL_MALFORMAT, TOCSIN_EURL },
                    { CURLE_UNSUPPORTED_PROTOCOL, TOCSIN_ESCHEME },
                    { CURLE_UNKNOWN_OPTION, -ENOTSUP },
                    { CURLE_NOT_BUILT_IN, -ENOTSUP },
                    { CURLE_FUNCTION_NOT_FOUND, -ENOTSUP },
                    { CURLE_BAD_FUNCTION_ARGUMENT, -EINVAL },
                    { CURLE_RECURSIVE_API_CALL, -EDEADLK },
                    { CURLE_FAILED_INIT, -EIO } };
    static const struct {
        CURLMcode code;
        int status;
    } multis[] = { { CURLM_CALL_MULTI_PERFORM, 0 },     { CURLM_OK, 0 },
                   { CURLM_OUT_OF_MEMORY, -ENOMEM },    { CURLM_RECURSIVE_API_CALL, -EDEADLK },
                   { CURLM_UNKNOWN_OPTION, -ENOTSUP },  { CURLM_BAD_FUNCTION_ARGUMENT, -EINVAL },
                   { CURLM_BAD_HANDLE, -EIO },          { CURLM_BAD_EASY_HANDLE, -EIO },
                   { CURLM_INTERNAL_ERROR, -EIO },      { CURLM_BAD_SOCKET, -EIO },
                   { CURLM_ADDED_ALREADY, -EIO },       { CURLM_WAKEUP_FAILURE, -EIO },
                   { CURLM_ABORTED_BY_CALLBACK, -EIO }, { CURLM_UNRECOVERABLE_POLL, -EIO } };

    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        ck_assert_int_eq(tocsin__net_status_of_option(options[i].code), options[i].status);
    for (size_t i = 0; i < sizeof multis / sizeof *multis; i++)
        ck_assert_int_eq(tocsin__net_status_of_multi(multis[i].code), multis[i].status);
    for (int code = CURLM_OK + 1; code < CURLM_LAST; code++)
        ck_assert_int_lt(tocsin__net_status_of_multi(code), 0);
}
END_TEST

START_TEST(status_of_urls)
{
    for (int code = CURLUE_OK; code < CURLUE_LAST; code++) {
        int status = code == CURLUE_OK                   ? 0
                     : code == CURLUE_OUT_OF_MEMORY      ? -ENOMEM
                     : code == CURLUE_UNSUPPORTED_SCHEME ? TOCSIN_ESCHEME
                                                         : TOCSIN_EURL;

        ck_assert_int_eq(tocsin__net_status_of_url(code), status);
    }
}
END_TEST

START_TEST(status_of_certificates)
{
    for (long verdict = 0; verdict < 110; verdict++) {
        bool name = verdict == X509_V_OK || verdict == 1 ||
                    verdict == X509_V_ERR_HOSTNAME_MISMATCH ||
                    verdict == X509_V_ERR_EMAIL_MISMATCH ||
                    verdict == X509_V_ERR_IP_ADDRESS_MISMATCH;

        ck_assert_int_eq(tocsin__net_status_of_verdict(verdict), name ? TOCSIN_EHOST
                                                                 : verdict == X509_V_ERR_OUT_OF_MEM
                                                                     ? -ENOMEM
                                                                     : TOCSIN_ECERT);
    }
}
END_TEST

START_TEST(status_of_names)
{
    static const struct {
        int error, number, status;
    } names[] = { { 0, 0, 0 },
                  { 0, EMFILE, 0 },
                  { EAI_MEMORY, 0, -ENOMEM },
                  { EAI_SYSTEM, EACCES, -EACCES },
                  { EAI_SYSTEM, EMFILE, -EMFILE },
                  { EAI_SYSTEM, 0, TOCSIN_ENAME },
                  { EAI_AGAIN, 0, TOCSIN_ENAME },
                  { EAI_AGAIN, EMFILE, -EMFILE },
                  { EAI_AGAIN, ENFILE, -ENFILE },
                  { EAI_AGAIN, ECONNREFUSED, TOCSIN_ENAME },
                  { EAI_NONAME, 0, TOCSIN_ENAME },
                  { EAI_NONAME, ENOENT, TOCSIN_ENAME },
                  { EAI_NONAME, EMFILE, -EMFILE },
                  { EAI_FAIL, 0, TOCSIN_ENAME },
                  { EAI_FAMILY, 0, TOCSIN_ENAME },
                  { EAI_SERVICE, 0, TOCSIN_ENAME },
                  { EAI_SOCKTYPE, 0, TOCSIN_ENAME },
                  { EAI_BADFLAGS, 0, TOCSIN_ENAME },
                  { EAI_OVERFLOW, 0, TOCSIN_ENAME },
                  { -5 /* -5 is the value of EAI_NODATA in glibc */, 0, TOCSIN_ENAME },
                  { -9 /* -9 is the value of EAI_ADDRFAMILY in glibc */, 0, TOCSIN_ENAME },
                  { 12345, 0, TOCSIN_ENAME } };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_msg(tocsin__net_status_of_name(names[i].error, names[i].number) ==
                          names[i].status,
                      "row %zu", i);
}
END_TEST

START_TEST(status_of_versions)
{
    ck_assert_int_eq(tocsin__net_version_check(0x075700), 0);
    ck_assert_int_eq(tocsin__net_version_check(0x080000), 0);
    ck_assert_int_eq(tocsin__net_version_check(0x075601), -ENOTSUP);
    ck_assert_int_eq(tocsin__net_version_check(0x075100), -ENOTSUP);
}
END_TEST

/* The server sends a header line longer than libcurl's limit, or a header longer than the limit
   of libtocsin-net. */
static void reply_with_line(size_t size, int status)
{
    static const char front[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Long: ",
                      back[] = "\r\n\r\n";
    size_t all = sizeof front - 1 + size + sizeof back - 1;
    char *text = malloc(all);

    ck_assert_ptr_nonnull(text);
    memcpy(text, front, sizeof front - 1);
    memset(text + sizeof front - 1, 'x', size);
    memcpy(text + sizeof front - 1 + size, back, sizeof back - 1);
    peer_raw(peer, text, all, PEER_CLOSES);
    page_get(&page, peer_url(peer, "/raw"));
    ck_assert_msg(page.status == status, "%zu: %d (%s)", size, page.status, page.done->reason);
    page_drop(&page);
    free(text);
}

START_TEST(a_header_line_over_the_limit)
{
    reply_with_line(1000, 0);
    reply_with_line(99000, 0);
    reply_with_line(110000, TOCSIN_ETOOBIG);
    reply_with_line(1000000, TOCSIN_ETOOBIG);
}
END_TEST

START_TEST(a_trailer_over_the_limit)
{
    static char text[10000] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Long: ";
    size_t front = strlen(text);

    memset(text + front, 'x', sizeof text - 4 - front);
    memcpy(text + sizeof text - 4, "\r\n\r\n", 4);
    peer_raw(peer, text, sizeof text, PEER_CLOSES);
    page_get(&page, peer_url(peer, "/raw"));
    ck_assert_msg(page.status == 0 || page.status == TOCSIN_ETOOBIG, "%d (%s)", page.status,
                  page.done->reason);
    page_drop(&page);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("net/status");
    TCase *tests = tcase_create("status");

    tcase_add_checked_fixture(tests, page_begin, page_end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, status_of_a_transfer);
    tcase_add_test(tests, status_of_options_and_handles);
    tcase_add_test(tests, status_of_urls);
    tcase_add_test(tests, status_of_certificates);
    tcase_add_test(tests, status_of_names);
    tcase_add_test(tests, status_of_versions);
    tcase_add_test(tests, a_header_line_over_the_limit);
    tcase_add_test(tests, a_trailer_over_the_limit);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return page_main(suite());
}
