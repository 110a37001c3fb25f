/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "bench-common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

void
bench_die(const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list arguments;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s: %s\n", g_get_prgname(), message);
    exit(2);
}

char *
bench_read_secret(const char *file)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    if (!g_file_get_contents(file, &text, NULL, &error))
        bench_die("reading the password: %s", error->message);
    text[strcspn(text, "\r\n")] = '\0';
    return g_steal_pointer(&text);
}

void
bench_raise_limits(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* ---- options of the clients ---- */

static void
check_addresses(BenchOptions *options, const char *first)
{
    struct in_addr address;

    if (inet_pton(AF_INET, first, &address) != 1)
        bench_die("--first %s: expected an address such as 127.16.0.1", first);
    options->first = ntohl(address.s_addr);
    if (options->first >> 24 != 127 || options->count > 0x7ffffffeu - options->first)
        bench_die("--first %s --count %u: goes beyond 127.0.0.0/8", first, options->count);
}

static void
check_numbers(const BenchOptions *options, int count, int parallel, int port)
{
    if (count < 1 || count > 10000000)
        bench_die("--count %d: expected 1 to 10000000", count);
    if (parallel < 1 || parallel > 16384)
        bench_die("--parallel %d: expected 1 to 16384", parallel);
    if (port < 1 || port > 65535)
        bench_die("--port %d: expected 1 to 65535", port);
    if (options->user == NULL || strpbrk(options->user, "\"\\") != NULL)
        bench_die("--user: expected a name without quotes and backslashes");
}

void
bench_options_parse(BenchOptions *options, int argc, char **argv, const char *summary)
{
    int count = 1000, parallel = 256, port = 16992;
    g_autofree char *first = NULL, *password_file = NULL;
    const GOptionEntry entries[] = {
        {"first", 0, 0, G_OPTION_ARG_STRING, &first, "Address of the first device", "ADDRESS"},
        {"count", 0, 0, G_OPTION_ARG_INT, &count, "Number of devices", "N"},
        {"parallel", 0, 0, G_OPTION_ARG_INT, &parallel, "Devices at the same time", "N"},
        {"port", 0, 0, G_OPTION_ARG_INT, &port, "Port of the devices", "PORT"},
        {"tls", 0, 0, G_OPTION_ARG_NONE, &options->tls, "TLS 1.3, any certificate", NULL},
        {"user", 0, 0, G_OPTION_ARG_STRING, &options->user, "User of the login", "NAME"},
        {"password-file", 0, 0, G_OPTION_ARG_FILENAME, &password_file, "Its password", "FILE"},
        {NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;

    g_option_context_set_summary(context, summary);
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error))
        bench_die("%s", error->message);
    if (argc > 1)
        bench_die("%s: unexpected, see --help", argv[1]);
    if (password_file == NULL)
        bench_die("--password-file is missing, see --help");
    check_numbers(options, count, parallel, port);
    options->count = (guint)count;
    options->parallel = (guint)parallel;
    options->port = (guint)port;
    check_addresses(options, first != NULL ? first : "127.16.0.1");
    options->password = bench_read_secret(password_file);
}

void
bench_options_clear(BenchOptions *options)
{
    g_clear_pointer(&options->user, g_free);
    g_clear_pointer(&options->password, g_free);
}

void
bench_device_name(const BenchOptions *options, guint number, char name[BENCH_NAME])
{
    struct in_addr address = {.s_addr = htonl(options->first + number)};

    inet_ntop(AF_INET, &address, name, BENCH_NAME);
}

int
bench_request_body(guint message, char body[BENCH_REQUEST])
{
    return g_snprintf(
        body,
        BENCH_REQUEST,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>"
        "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\""
        " xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\""
        " xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"><s:Header>"
        "<a:Action>http://schemas.xmlsoap.org/ws/2004/09/transfer/Get</a:Action>"
        "<a:To>/wsman</a:To><w:ResourceURI>http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
        "CIM_AssociatedPowerManagementService</w:ResourceURI><a:MessageID>%u</a:MessageID>"
        "<a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
        "</a:Address></a:ReplyTo><w:OperationTimeout>PT60S</w:OperationTimeout></s:Header>"
        "<s:Body/></s:Envelope>",
        message);
}

/* ---- the report ---- */

static double
seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

void
bench_report(const BenchOptions *options, guint ok, guint failed, gint64 started)
{
    double wall = (double)(g_get_monotonic_time() - started) / 1e6, cpu;
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    cpu = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    printf("{\"targets\":%u,\"ok\":%u,\"failed\":%u,\"wall_s\":%.3f,\"cpu_s\":%.3f,"
           "\"us_per_target\":%.1f,\"rss_kib\":%ld}\n",
           options->count,
           ok,
           failed,
           wall,
           cpu,
           cpu * 1e6 / (double)options->count,
           usage.ru_maxrss);
}

/* ---- digest ---- */

static EVP_MD *md5;
static EVP_MD_CTX *md5_context;

void
bench_digest_init(void)
{
    md5 = EVP_MD_fetch(NULL, "MD5", NULL);
    md5_context = EVP_MD_CTX_new();
    if (md5 == NULL || md5_context == NULL)
        bench_die("OpenSSL has no MD5 here: digest logins are impossible");
}

void
bench_digest_end(void)
{
    EVP_MD_CTX_free(md5_context);
    EVP_MD_free(md5);
}

static void
hex_of(const guint8 *bytes, char hex[BENCH_HEX])
{
    static const char digits[] = "0123456789abcdef";

    for (guint i = 0; i < 16; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[32] = '\0';
}

/* MD5 of the parts with a colon between each two. */
static void
md5_of(const BenchText *parts, guint n, char hex[BENCH_HEX])
{
    guint8 bytes[16];

    EVP_DigestInit_ex2(md5_context, md5, NULL);
    for (guint i = 0; i < n; i++) {
        if (i > 0)
            EVP_DigestUpdate(md5_context, ":", 1);
        EVP_DigestUpdate(md5_context, parts[i].text, (gsize)parts[i].length);
    }
    EVP_DigestFinal_ex(md5_context, bytes, NULL);
    hex_of(bytes, hex);
}

static BenchText
text_of(const char *text)
{
    return (BenchText){text, (int)strlen(text)};
}

void
bench_digest_response(const char *user,
                      const char *password,
                      BenchText realm,
                      BenchText nonce,
                      BenchText nc,
                      BenchText cnonce,
                      char response[BENCH_HEX])
{
    static char what[BENCH_HEX]; /* the same for each request of the process */
    char who[BENCH_HEX];
    const BenchText of_who[] = {text_of(user), realm, text_of(password)};

    if (what[0] == '\0') {
        const BenchText of_what[] = {text_of("POST"), text_of("/wsman")};
        md5_of(of_what, G_N_ELEMENTS(of_what), what);
    }
    md5_of(of_who, G_N_ELEMENTS(of_who), who);
    {
        const BenchText all[] = {{who, 32}, nonce, nc, cnonce, text_of("auth"), {what, 32}};
        md5_of(all, G_N_ELEMENTS(all), response);
    }
}

BenchText
bench_header_param(const char *head, const char *name)
{
    gsize length = strlen(name);
    BenchText value = {NULL, 0};

    for (const char *at = strstr(head, name); at != NULL; at = strstr(at + length, name)) {
        if (at == head || strchr(" ,\t", at[-1]) == NULL || at[length] != '=')
            continue;
        value.text = at + length + 1;
        if (*value.text == '"')
            value.length = (int)strcspn(++value.text, "\"\r\n");
        else
            value.length = (int)strcspn(value.text, ", \t\r\n");
        break;
    }
    return value;
}

/* ---- one connection ---- */

SSL_CTX *
bench_tls_context(const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);

    if (context == NULL || !SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION))
        bench_die("OpenSSL offers no TLS 1.3 here");
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_quiet_shutdown(context, 1);
    /* a peer that just closes has ended its stream: no error */
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    return context;
}

static ssize_t
tls_result(BenchStream *stream, int result)
{
    int reason;

    if (result > 0)
        return result;
    reason = SSL_get_error(stream->ssl, result);
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE)
        return BENCH_AGAIN;
    /* what stays in the queue would be taken for the next connection's */
    ERR_clear_error();
    return reason == SSL_ERROR_ZERO_RETURN ? BENCH_END : BENCH_BROKEN;
}

static ssize_t
plain_result(ssize_t result)
{
    if (result >= 0)
        return result;
    return errno == EAGAIN || errno == EINTR ? BENCH_AGAIN : BENCH_BROKEN;
}

ssize_t
bench_stream_read(BenchStream *stream, char *buffer, gsize size)
{
    if (stream->ssl != NULL)
        return tls_result(stream, SSL_read(stream->ssl, buffer, (int)size));
    return plain_result(recv(stream->fd, buffer, size, 0));
}

ssize_t
bench_stream_write(BenchStream *stream, const char *buffer, gsize size)
{
    if (stream->ssl != NULL)
        return tls_result(stream, SSL_write(stream->ssl, buffer, (int)size));
    return plain_result(send(stream->fd, buffer, size, MSG_NOSIGNAL));
}

void
bench_stream_close(BenchStream *stream)
{
    g_clear_pointer(&stream->ssl, SSL_free);
    close(stream->fd);
    stream->fd = -1;
}
