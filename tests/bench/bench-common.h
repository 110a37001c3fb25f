/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * bench-common.h - what the yardsticks share: options, the digest's sums, a socket with or without
 * TLS, and the line of JSON at the end.
 *
 * The yardsticks show what the exchange costs at least, so nothing here may cost more than it must.
 * They speak to 127.0.0.0/8 and to nothing else.
 */
#include <glib.h>
#include <openssl/ssl.h>
#include <sys/types.h>

enum { BENCH_HEX = 33, BENCH_REQUEST = 2048, BENCH_NAME = 32 };

/* What a client is to do. */
typedef struct {
    guint32 first; /* address of the first device, host byte order */
    guint count, parallel, port;
    gboolean tls;
    char *user, *password;
} BenchOptions;

/* Read the command line of a client. On nonsense: says so and ends the process with status 2. */
void bench_options_parse(BenchOptions *options, int argc, char **argv, const char *summary);

void bench_options_clear(BenchOptions *options);

/* The first line of a file, without its end. Ends the process when it cannot be read. */
char *bench_read_secret(const char *file);

/* Ends the process with status 2 and a message. */
void bench_die(const char *format, ...) G_GNUC_PRINTF(1, 2) G_GNUC_NORETURN;

/* As many descriptors as the system grants. */
void bench_raise_limits(void);

/* "127.16.0.1" of the device with this number. */
void bench_device_name(const BenchOptions *options, guint number, char name[BENCH_NAME]);

/* The body of the request: Get CIM_AssociatedPowerManagementService. Returns its length. */
int bench_request_body(guint message, char body[BENCH_REQUEST]);

/* One line on standard output: how many targets, how long, how much CPU and memory. */
void bench_report(const BenchOptions *options, guint ok, guint failed, gint64 started);

/* ---- digest, MD5 and qop=auth only ---- */

/* The parts of a login, as they stand in the header: not terminated, with their lengths. */
typedef struct {
    const char *text;
    int length;
} BenchText;

/* Fetches MD5 once for the process. */
void bench_digest_init(void);
void bench_digest_end(void);

/* The "response" of a POST to /wsman, in hex. */
void bench_digest_response(const char *user,
                           const char *password,
                           BenchText realm,
                           BenchText nonce,
                           BenchText nc,
                           BenchText cnonce,
                           char response[BENCH_HEX]);

/* The value of a parameter such as realm="..." or nc=...; text NULL when there is none. */
BenchText bench_header_param(const char *head, const char *name);

/* ---- one connection ---- */

typedef struct {
    int fd;
    SSL *ssl; /* NULL: plain */
} BenchStream;

enum { BENCH_END = 0, BENCH_AGAIN = -1, BENCH_BROKEN = -2 };

/* A context for TLS 1.3 that keeps neither sessions nor buffers. */
SSL_CTX *bench_tls_context(const SSL_METHOD *method);

/* Bytes moved, or one of the three above. */
ssize_t bench_stream_read(BenchStream *stream, char *buffer, gsize size);
ssize_t bench_stream_write(BenchStream *stream, const char *buffer, gsize size);
void bench_stream_close(BenchStream *stream);
