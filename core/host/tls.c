/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "options.h"
#include "tls.h"

#include <postern-plugin.h>

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

struct TlsContext {
    SSL_CTX *ssl;
    char *psk_identity;
    Secret *psk;
};

struct TlsSession {
    SSL *ssl;
    char *pin;
    char *psk_identity;
    Secret *psk;
    gboolean legacy;
};

/* ---- wishes ---- */

/* 64 hex digits, colons anywhere between them. */
static char *
read_pin(const char *text, GError **error)
{
    GString *pin = g_string_new(NULL);
    gboolean fine = TRUE;

    for (const char *at = text; *at != '\0' && fine; at++) {
        fine = *at == ':' || g_ascii_isxdigit(*at);
        if (*at != ':')
            g_string_append_c(pin, g_ascii_tolower(*at));
    }
    if (fine && pin->len == 64)
        return g_string_free(pin, FALSE);
    g_string_free(pin, TRUE);
    g_set_error(
        error,
        POSTERN_ERROR,
        POSTERN_ERROR_BAD_PARAM,
        "tls-pin '%.100s' is no SHA-256 fingerprint, expected 64 hexadecimal digits, with or "
        "without colons",
        text);
    return NULL;
}

static gboolean
read_psk(TlsWish *wish, const char *hex, GError **error)
{
    gsize length = strlen(hex);
    gboolean fine = length >= 2 && length <= 2 * PSK_MAX_PSK_LEN && length % 2 == 0;

    for (gsize i = 0; i < length && fine; i++)
        fine = g_ascii_isxdigit(hex[i]);
    if (!fine || wish->psk_identity == NULL) {
        g_set_error_literal(
            error,
            POSTERN_ERROR,
            POSTERN_ERROR_BAD_PARAM,
            "tls-psk-hex must be an even number of hexadecimal digits, at most 512, and "
            "goes with tls-psk-identity");
        return FALSE;
    }
    wish->psk = secret_new(hex, -1);
    return TRUE;
}

gboolean
tls_wish_read(TlsWish *wish, GVariant *options, GError **error)
{
    const char *pin = NULL, *psk = NULL, *ca_file = NULL, *identity = NULL;
    const char *certificate = NULL, *key = NULL;
    const OptionPlace places[] = {{"tls-legacy", "b", &wish->may_be_legacy},
                                  {"tls-ca-file", "s", &ca_file},
                                  {"tls-certificate-file", "s", &certificate},
                                  {"tls-key-file", "s", &key},
                                  {"tls-psk-identity", "s", &identity},
                                  {"tls-pin", "s", &pin},
                                  {"tls-psk-hex", "s", &psk},
                                  {NULL, NULL, NULL}};

    wish->may_be_legacy = TRUE;
    if (!options_read(options, places, error))
        return FALSE;
    wish->ca_file = g_strdup(ca_file);
    wish->certificate_file = g_strdup(certificate);
    wish->key_file = g_strdup(key != NULL ? key : certificate);
    wish->psk_identity = g_strdup(identity);
    if (pin != NULL && (wish->pin = read_pin(pin, error)) == NULL)
        return FALSE;
    return psk == NULL || read_psk(wish, psk, error);
}

void
tls_wish_clear(TlsWish *wish)
{
    g_free(wish->ca_file);
    g_free(wish->certificate_file);
    g_free(wish->key_file);
    g_free(wish->pin);
    g_free(wish->psk_identity);
    secret_unref(wish->psk);
    memset(wish, 0, sizeof *wish);
}

void
tls_wish_copy(TlsWish *to, const TlsWish *from)
{
    tls_wish_clear(to);
    *to = *from;
    to->ca_file = g_strdup(from->ca_file);
    to->certificate_file = g_strdup(from->certificate_file);
    to->key_file = g_strdup(from->key_file);
    to->pin = g_strdup(from->pin);
    to->psk_identity = g_strdup(from->psk_identity);
    to->psk = from->psk != NULL ? secret_ref(from->psk) : NULL;
}

gboolean
tls_wish_equal(const TlsWish *a, const TlsWish *b)
{
    const char *key_a = a->psk != NULL ? secret_peek(a->psk) : NULL;
    const char *key_b = b->psk != NULL ? secret_peek(b->psk) : NULL;

    return g_strcmp0(a->ca_file, b->ca_file) == 0 && g_strcmp0(a->pin, b->pin) == 0 &&
           g_strcmp0(a->certificate_file, b->certificate_file) == 0 &&
           g_strcmp0(a->key_file, b->key_file) == 0 &&
           g_strcmp0(a->psk_identity, b->psk_identity) == 0 && g_strcmp0(key_a, key_b) == 0 &&
           a->may_be_legacy == b->may_be_legacy;
}

/* ---- errors ---- */

/* What the library says of the last error, in its own words; its queue is then empty. */
static const char *
last_reason(gulong *code)
{
    const char *text;

    *code = ERR_peek_last_error();
    text = ERR_reason_error_string(*code);
    ERR_clear_error();
    return text != NULL ? text : "no reason given";
}

static void
fail(GError **error, PosternError code, const char *what, const char *on)
{
    gulong number;
    const char *reason = last_reason(&number);

    g_set_error(error, POSTERN_ERROR, (gint)code, "%s %s: %s", what, on, reason);
}

/* Reasons that say: no version, cipher or key size in common. */
static gboolean
reason_is_old(int reason)
{
    static const int old[] = {
        SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE,
        SSL_R_SSLV3_ALERT_ILLEGAL_PARAMETER,
        SSL_R_SSLV3_ALERT_BAD_RECORD_MAC,
        SSL_R_TLSV1_ALERT_PROTOCOL_VERSION,
        SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY,
        SSL_R_TLSV1_ALERT_INTERNAL_ERROR,
        SSL_R_TLSV1_ALERT_DECODE_ERROR,
        SSL_R_UNSUPPORTED_PROTOCOL,
        SSL_R_WRONG_SSL_VERSION,
        SSL_R_NO_PROTOCOLS_AVAILABLE,
        SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED,
        SSL_R_DH_KEY_TOO_SMALL,
        SSL_R_EE_KEY_TOO_SMALL,
        SSL_R_WRONG_CIPHER_RETURNED,
        SSL_R_UNKNOWN_CIPHER_RETURNED,
        SSL_R_WRONG_SIGNATURE_TYPE,
        SSL_R_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED,
    };

    for (guint i = 0; i < G_N_ELEMENTS(old); i++)
        if (old[i] == reason)
            return TRUE;
    return FALSE;
}

/* Reasons that say: what came is no TLS record at all. */
static gboolean
reason_is_not_tls(int reason)
{
    return reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
           reason == SSL_R_HTTPS_PROXY_REQUEST || reason == SSL_R_UNKNOWN_PROTOCOL;
}

static TlsFault
fault_of(gulong code)
{
    int reason = ERR_GET_REASON(code);

    if (ERR_GET_LIB(code) != ERR_LIB_SSL)
        return TLS_FAULT_OTHER;
    if (reason_is_not_tls(reason))
        return TLS_FAULT_NOT_TLS;
    return reason_is_old(reason) ? TLS_FAULT_OLD : TLS_FAULT_OTHER;
}

/* ---- contexts ---- */

static void
context_common(SSL_CTX *ssl)
{
    SSL_CTX_set_mode(ssl,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                         SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    /* old firmware cuts the connection without a goodbye: the layer above knows whether all has
     * come */
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_num_tickets(ssl, 0);
    SSL_CTX_set_read_ahead(ssl, 1);
}

static void
context_modern(SSL_CTX *ssl)
{
    SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
}

/* What firmware up to about 11 needs. Only ever for one device at a time, after a modern attempt
 * failed. */
static void
context_legacy(SSL_CTX *ssl)
{
    SSL_CTX_set_min_proto_version(ssl, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(ssl, TLS1_2_VERSION);
    SSL_CTX_set_security_level(ssl, 0);
    SSL_CTX_set_cipher_list(ssl, "ALL:!aNULL:!eNULL:@SECLEVEL=0");
    SSL_CTX_set_options(ssl,
                        SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
}

static guint
copy_psk(const char *hex, guchar *key, guint most)
{
    guint length = (guint)strlen(hex) / 2;

    if (length > most)
        return 0;
    for (guint i = 0; i < length; i++)
        key[i] =
            (guchar)(g_ascii_xdigit_value(hex[2 * i]) * 16 + g_ascii_xdigit_value(hex[2 * i + 1]));
    return length;
}

static guint
give_psk(
    SSL *ssl, const char *hint, char *identity, guint identity_most, guchar *key, guint key_most)
{
    const TlsSession *session = SSL_get_app_data(ssl);

    if (session == NULL || session->psk == NULL ||
        g_strlcpy(identity, session->psk_identity, identity_most) >= identity_most)
        return 0;
    return copy_psk(secret_peek(session->psk), key, key_most);
}

static guint
check_psk(SSL *ssl, const char *identity, guchar *key, guint key_most)
{
    const TlsSession *session = SSL_get_app_data(ssl);

    if (session == NULL || session->psk == NULL || g_strcmp0(identity, session->psk_identity) != 0)
        return 0;
    return copy_psk(secret_peek(session->psk), key, key_most);
}

/* A key with a password of its own cannot be read: without this OpenSSL asks the terminal for it. */
static int
no_password(char *buffer, int size, int writing, void *data)
{
    return 0;
}

static gboolean
use_certificate(SSL_CTX *ssl, const char *certificate_file, const char *key_file)
{
    SSL_CTX_set_default_passwd_cb(ssl, no_password);
    return SSL_CTX_use_certificate_chain_file(ssl, certificate_file) == 1 &&
           SSL_CTX_use_PrivateKey_file(
               ssl, key_file != NULL ? key_file : certificate_file, SSL_FILETYPE_PEM) == 1 &&
           SSL_CTX_check_private_key(ssl) == 1;
}

static SSL_CTX *
context_client(const TlsWish *wish, GError **error)
{
    SSL_CTX *ssl = SSL_CTX_new(TLS_client_method());

    if (ssl == NULL) {
        fail(error, POSTERN_ERROR_INTERNAL, "cannot prepare TLS", "for clients");
        return NULL;
    }
    context_common(ssl);
    if (wish->legacy)
        context_legacy(ssl);
    else
        context_modern(ssl);
    if (wish->psk != NULL)
        SSL_CTX_set_psk_client_callback(ssl, give_psk);
    if (wish->certificate_file != NULL &&
        !use_certificate(ssl, wish->certificate_file, wish->key_file)) {
        fail(error,
             POSTERN_ERROR_BAD_PARAM,
             "cannot use the certificate and key of",
             wish->certificate_file);
        SSL_CTX_free(ssl);
        return NULL;
    }
    if (wish->ca_file == NULL)
        return ssl;
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_load_verify_file(ssl, wish->ca_file) == 1)
        return ssl;
    fail(error, POSTERN_ERROR_BAD_PARAM, "cannot read roots from tls-ca-file", wish->ca_file);
    SSL_CTX_free(ssl);
    return NULL;
}

/* One context for each policy, kept for the life of the process: there are as many as files of roots
 * and certificates. */
static SSL_CTX *
context_for(const TlsWish *wish, GError **error)
{
    static GMutex lock;
    static GHashTable *contexts; /* policy in words -> SSL_CTX */
    g_autofree char *key =
        g_strdup_printf("%d%d%s|%s|%s",
                        wish->legacy,
                        wish->psk != NULL,
                        wish->ca_file != NULL ? wish->ca_file : "",
                        wish->certificate_file != NULL ? wish->certificate_file : "",
                        wish->key_file != NULL ? wish->key_file : "");
    SSL_CTX *ssl;

    g_mutex_lock(&lock);
    if (contexts == NULL)
        contexts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    ssl = g_hash_table_lookup(contexts, key);
    if (ssl == NULL && (ssl = context_client(wish, error)) != NULL)
        g_hash_table_insert(contexts, g_steal_pointer(&key), ssl);
    g_mutex_unlock(&lock);
    return ssl;
}

TlsContext *
tls_context_serve(const char *certificate_file,
                  const char *key_file,
                  const TlsWish *wish,
                  GError **error)
{
    TlsContext *context = g_new0(TlsContext, 1);

    ERR_clear_error();
    context->ssl = SSL_CTX_new(TLS_server_method());
    context_common(context->ssl);
    if (wish->may_be_legacy)
        context_legacy(context->ssl);
    else
        context_modern(context->ssl);
    context->psk_identity = g_strdup(wish->psk_identity);
    context->psk = wish->psk != NULL ? secret_ref(wish->psk) : NULL;
    if (context->psk != NULL)
        SSL_CTX_set_psk_server_callback(context->ssl, check_psk);
    if (certificate_file != NULL && !use_certificate(context->ssl, certificate_file, key_file)) {
        fail(error,
             POSTERN_ERROR_BAD_PARAM,
             "cannot use the certificate and key of",
             certificate_file);
        tls_context_free(context);
        return NULL;
    }
    return context;
}

void
tls_context_free(TlsContext *context)
{
    if (context == NULL)
        return;
    SSL_CTX_free(context->ssl);
    g_free(context->psk_identity);
    secret_unref(context->psk);
    g_free(context);
}

/* ---- sessions ---- */

static TlsSession *
session_new(SSL_CTX *context, int fd, const char *psk_identity, Secret *psk, GError **error)
{
    TlsSession *session = g_new0(TlsSession, 1);

    session->ssl = SSL_new(context);
    if (session->ssl == NULL || SSL_set_fd(session->ssl, fd) != 1) {
        fail(error, POSTERN_ERROR_BUSY, "cannot begin a TLS session", "for want of memory");
        tls_session_free(session);
        return NULL;
    }
    session->psk_identity = g_strdup(psk_identity);
    session->psk = psk != NULL ? secret_ref(psk) : NULL;
    SSL_set_app_data(session->ssl, session);
    return session;
}

TlsSession *
tls_client_new(int fd, const TlsWish *wish, GError **error)
{
    SSL_CTX *context = context_for(wish, error);
    TlsSession *session;

    if (context == NULL)
        return NULL;
    session = session_new(context, fd, wish->psk_identity, wish->psk, error);
    if (session == NULL)
        return NULL;
    session->pin = g_strdup(wish->pin);
    session->legacy = wish->legacy;
    SSL_set_connect_state(session->ssl);
    return session;
}

TlsSession *
tls_server_new(int fd, TlsContext *context, GError **error)
{
    TlsSession *session = session_new(context->ssl, fd, context->psk_identity, context->psk, error);

    if (session != NULL)
        SSL_set_accept_state(session->ssl);
    return session;
}

void
tls_session_free(TlsSession *session)
{
    if (session == NULL)
        return;
    SSL_free(session->ssl);
    g_free(session->pin);
    g_free(session->psk_identity);
    secret_unref(session->psk);
    g_free(session);
}

/* ---- steps ---- */

static TlsStep
step_of(TlsSession *session, int result)
{
    switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_ENDED;
    default:
        return TLS_ERROR;
    }
}

static char *
fingerprint(X509 *certificate)
{
    guchar hash[EVP_MAX_MD_SIZE];
    guint length = 0;
    GString *hex = g_string_new(NULL);

    if (X509_digest(certificate, EVP_sha256(), hash, &length) != 1)
        length = 0;
    for (guint i = 0; i < length; i++)
        g_string_append_printf(hex, "%02x", hash[i]);
    return g_string_free(hex, FALSE);
}

static gboolean
pin_fits(TlsSession *session, const char *peer, GError **error)
{
    X509 *certificate;
    g_autofree char *found = NULL;

    if (session->pin == NULL)
        return TRUE;
    certificate = SSL_get1_peer_certificate(session->ssl);
    found = certificate != NULL ? fingerprint(certificate) : g_strdup("none");
    X509_free(certificate);
    if (strcmp(found, session->pin) == 0)
        return TRUE;
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_TLS,
                "the certificate of %s has the SHA-256 fingerprint %s, expected the pinned %s; if "
                "the device was set up anew on purpose, pin the new one",
                peer,
                found,
                session->pin);
    return FALSE;
}

static void
handshake_failed(
    TlsSession *session, const char *peer, int saved_errno, TlsFault *fault, GError **error)
{
    gulong code = 0;
    long verified = SSL_get_verify_result(session->ssl);
    const char *reason = last_reason(&code);

    if (code == 0) {
        /* a reset is a reset, whether it comes within the connection or within the handshake */
        g_set_error(error,
                    POSTERN_ERROR,
                    saved_errno == ECONNRESET || saved_errno == EPIPE ? POSTERN_ERROR_UNREACHABLE
                                                                      : POSTERN_ERROR_TLS,
                    "%s cut the connection in the TLS handshake%s%s",
                    peer,
                    saved_errno != 0 ? ": " : "",
                    saved_errno != 0 ? g_strerror(saved_errno) : "");
        return;
    }
    if (verified != X509_V_OK && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_TLS,
                    "the certificate of %s is not one of the wanted issuers': %s",
                    peer,
                    X509_verify_cert_error_string(verified));
        return;
    }
    *fault = fault_of(code);
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_TLS,
                "TLS handshake with %s failed (%s): %s",
                peer,
                session->legacy ? "profile for old firmware" : "TLS 1.2 and later",
                reason);
}

TlsStep
tls_handshake(TlsSession *session, const char *peer, TlsFault *fault, GError **error)
{
    int result, saved;
    TlsStep step;

    *fault = TLS_FAULT_OTHER;
    ERR_clear_error();
    errno = 0;
    result = SSL_do_handshake(session->ssl);
    saved = errno;
    if (result == 1)
        return pin_fits(session, peer, error) ? TLS_DONE : TLS_ERROR;
    step = step_of(session, result);
    if (step == TLS_WANTS_READ || step == TLS_WANTS_WRITE)
        return step;
    handshake_failed(session, peer, saved, fault, error);
    return TLS_ERROR;
}

static TlsStep
io_failed(const char *peer, int saved_errno, GError **error)
{
    gulong code;
    const char *reason = last_reason(&code);

    if (code == 0)
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_UNREACHABLE,
                    "the connection to %s was cut%s%s",
                    peer,
                    saved_errno != 0 ? ": " : "",
                    saved_errno != 0 ? g_strerror(saved_errno) : "");
    else
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_TLS,
                    "the TLS session with %s broke: %s",
                    peer,
                    reason);
    return TLS_ERROR;
}

TlsStep
tls_read(
    TlsSession *session, void *buffer, gsize length, gsize *done, const char *peer, GError **error)
{
    int result, saved;
    TlsStep step;

    ERR_clear_error();
    errno = 0;
    result = SSL_read_ex(session->ssl, buffer, length, done);
    saved = errno;
    if (result == 1)
        return TLS_DONE;
    step = step_of(session, result);
    return step == TLS_ERROR ? io_failed(peer, saved, error) : step;
}

TlsStep
tls_write(TlsSession *session,
          const void *data,
          gsize length,
          gsize *done,
          const char *peer,
          GError **error)
{
    int result, saved;
    TlsStep step;

    ERR_clear_error();
    errno = 0;
    result = SSL_write_ex(session->ssl, data, length, done);
    saved = errno;
    if (result == 1)
        return TLS_DONE;
    step = step_of(session, result);
    return step == TLS_ERROR || step == TLS_ENDED ? io_failed(peer, saved, error) : step;
}

void
tls_goodbye(TlsSession *session)
{
    ERR_clear_error();
    SSL_shutdown(session->ssl);
    ERR_clear_error();
}

gboolean
tls_has_news(TlsSession *session)
{
    char byte;
    gsize done;
    int result;

    ERR_clear_error();
    result = SSL_peek_ex(session->ssl, &byte, 1, &done);
    return result == 1 || step_of(session, result) != TLS_WANTS_READ;
}

/* ---- facts ---- */

static void
describe_name(const X509_NAME *name, const char *member, GVariantDict *dict)
{
    BIO *text = BIO_new(BIO_s_mem());
    char *start = NULL;
    long length;

    X509_NAME_print_ex(text, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    length = BIO_get_mem_data(text, &start);
    if (length > 0) {
        g_autofree char *valid = g_utf8_make_valid(start, length);
        g_variant_dict_insert(dict, member, "s", valid);
    }
    BIO_free(text);
}

static void
describe_time(const ASN1_TIME *time, const char *member, GVariantDict *dict)
{
    g_autofree char *when = NULL;
    struct tm tm;

    if (ASN1_TIME_to_tm(time, &tm) != 1)
        return;
    when = g_strdup_printf("%04d-%02d-%02dT%02d:%02d:%02dZ",
                           tm.tm_year + 1900,
                           tm.tm_mon + 1,
                           tm.tm_mday,
                           tm.tm_hour,
                           tm.tm_min,
                           tm.tm_sec);
    g_variant_dict_insert(dict, member, "s", when);
}

static void
add_name(GPtrArray *names, const ASN1_STRING *text)
{
    guchar *utf8 = NULL;
    int length = ASN1_STRING_to_UTF8(&utf8, text);

    /* a NUL inside would make another name of it */
    if (length > 0 && memchr(utf8, '\0', (gsize)length) == NULL &&
        g_utf8_validate((const char *)utf8, length, NULL))
        g_ptr_array_add(names, g_strndup((const char *)utf8, (gsize)length));
    OPENSSL_free(utf8);
}

static void
add_address(GPtrArray *names, const ASN1_OCTET_STRING *bytes)
{
    int length = ASN1_STRING_length(bytes);
    g_autoptr(GInetAddress) address = NULL;

    if (length != 4 && length != 16)
        return;
    address = g_inet_address_new_from_bytes(
        ASN1_STRING_get0_data(bytes), length == 4 ? G_SOCKET_FAMILY_IPV4 : G_SOCKET_FAMILY_IPV6);
    g_ptr_array_add(names, g_inet_address_to_string(address));
}

static void
add_alternatives(GPtrArray *names, X509 *certificate)
{
    GENERAL_NAMES *others = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

    for (int i = 0; i < sk_GENERAL_NAME_num(others); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(others, i);
        if (name->type == GEN_DNS)
            add_name(names, name->d.dNSName);
        else if (name->type == GEN_IPADD)
            add_address(names, name->d.iPAddress);
    }
    GENERAL_NAMES_free(others);
}

/* Whom it is for: its subject alternative names, and the common name where it has none of them. */
static void
describe_names(X509 *certificate, GVariantDict *dict)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at;

    add_alternatives(names, certificate);
    at = names->len == 0 ? X509_NAME_get_index_by_NID(subject, NID_commonName, -1) : -1;
    if (at >= 0)
        add_name(names, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    g_ptr_array_add(names, NULL);
    g_variant_dict_insert(dict, "certificate-names", "^as", names->pdata);
}

static void
describe_key(X509 *certificate, GVariantDict *dict)
{
    const EVP_PKEY *key = X509_get0_pubkey(certificate);
    int bits = key != NULL ? EVP_PKEY_get_bits(key) : 0;

    if (bits <= 0)
        return;
    g_variant_dict_insert(dict, "certificate-key", "s", OBJ_nid2sn(EVP_PKEY_get_base_id(key)));
    g_variant_dict_insert(dict, "certificate-key-bits", "u", (guint32)bits);
}

static void
describe_certificate(X509 *certificate, GVariantDict *dict)
{
    g_autofree char *hash = fingerprint(certificate);

    g_variant_dict_insert(dict, "certificate-sha256", "s", hash);
    describe_name(X509_get_subject_name(certificate), "certificate-subject", dict);
    describe_name(X509_get_issuer_name(certificate), "certificate-issuer", dict);
    describe_time(X509_get0_notBefore(certificate), "certificate-not-before", dict);
    describe_time(X509_get0_notAfter(certificate), "certificate-not-after", dict);
    describe_names(certificate, dict);
    describe_key(certificate, dict);
}

void
tls_describe(TlsSession *session, GVariantDict *dict)
{
    X509 *certificate = SSL_get1_peer_certificate(session->ssl);

    g_variant_dict_insert(dict, "tls-version", "s", SSL_get_version(session->ssl));
    g_variant_dict_insert(dict, "tls-cipher", "s", SSL_get_cipher_name(session->ssl));
    g_variant_dict_insert(dict, "tls-legacy", "b", session->legacy);
    if (certificate != NULL)
        describe_certificate(certificate, dict);
    X509_free(certificate);
}
