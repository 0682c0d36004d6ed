/* Creates a certificate authority, keys and certificates in the test process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "peer.h"

#define MUST(x) \
    do { \
        if (!(x)) \
            abort(); \
    } while (0)

static void extend(X509 *certificate, int which, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    MUST(extension = X509V3_EXT_conf_nid(NULL, &context, which, value));
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static X509 *certificate_new(EVP_PKEY *key, const char *name, long serial)
{
    X509 *certificate = X509_new();

    MUST(certificate);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    return certificate;
}

void authority_make(struct authority *authority)
{
    static long made;
    char name[64];
    FILE *file;
    int fd;

    snprintf(name, sizeof name, "tocsin test authority %ld", ++made);
    MUST(authority->key = EVP_EC_gen("P-256"));
    authority->certificate = certificate_new(authority->key, name, made);
    X509_set_issuer_name(authority->certificate, X509_get_subject_name(authority->certificate));
    extend(authority->certificate, NID_basic_constraints, "critical,CA:TRUE");
    extend(authority->certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
    MUST(X509_sign(authority->certificate, authority->key, EVP_sha256()));
    strcpy(authority->file, "/tmp/tocsin-authority-XXXXXX");
    MUST((fd = mkstemp(authority->file)) >= 0 && (file = fdopen(fd, "w")));
    MUST(PEM_write_X509(file, authority->certificate));
    fclose(file);
}

void authority_free(struct authority *authority)
{
    unlink(authority->file);
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
}

SSL_CTX *authority_server(const struct authority *authority, const char *names)
{
    SSL_CTX *server = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate;

    MUST(server && key);
    certificate = certificate_new(key, "tocsin test", 2);
    X509_set_issuer_name(certificate, X509_get_subject_name(authority->certificate));
    extend(certificate, NID_subject_alt_name, names);
    MUST(X509_sign(certificate, authority->key, EVP_sha256()));
    MUST(SSL_CTX_use_certificate(server, certificate) == 1 &&
         SSL_CTX_use_PrivateKey(server, key) == 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return server;
}
