/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "certs.h"
#include "pong.h"
#include "realms.h"
#include "server.h"
#include "soap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <netinet/in.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DEVICES = 4, DAY = 86400, YEAR = 365 };

/* Addresses of this process, so that copies of the test can run side by side. */
static guint32
first_address(void)
{
    guint pid = (guint)getpid();

    return 0x7F000001U | (100 + pid % 100) << 16 | (pid / 100 % 256) << 8;
}

/* `faults`: NULL-terminated, with addresses as "*" or "FIRST" and "SECOND". */
static Sim *
make(const char *model, const char *const *faults)
{
    g_autoptr(GError) error = NULL;
    Sim *sim = sim_new("admin", "P@ssw0rd", 1);

    for (guint i = 0; faults != NULL && faults[i] != NULL; i++) {
        char address[2][16];
        g_autoptr(GString) option = g_string_new(faults[i]);
        device_address_text(first_address(), address[0]);
        device_address_text(first_address() + 1, address[1]);
        g_string_replace(option, "FIRST", address[0], 0);
        g_string_replace(option, "SECOND", address[1], 0);
        g_ptr_array_add(sim->faults, fault_parse(option->str, &error));
        g_assert_no_error(error);
    }
    g_assert_true(sim_populate(sim, first_address(), DEVICES, model, &error));
    g_assert_no_error(error);
    return sim;
}

static void
test_options(void)
{
    static const char *const bad[] = {"*=cert-name",
                                      "*=cert-name:",
                                      "*=cert-name:a,DNS:b",
                                      "*=cert-name:a b",
                                      "*=cert-name:"
                                      "1234567890123456789012345678901234567890"
                                      "1234567890123456789012345",
                                      "*=cert-expired:1",
                                      "*=realms:",
                                      "*=realms:general+nosuch",
                                      "*=realms:+",
                                      "*=not-provisioned:1"};

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(fault_parse(bad[i], &error));
        g_assert_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
    }
}

/* ---- certificates ---- */

static X509 *
certificate_of(Certs *certs, const Device *device)
{
    g_autoptr(GError) error = NULL;
    SSL_CTX *context = certs_context(certs, device->model, device, &error);

    g_assert_no_error(error);
    return SSL_CTX_get0_certificate(context);
}

static int
bits_of(X509 *certificate)
{
    return EVP_PKEY_get_bits(X509_get0_pubkey(certificate));
}

/* Seconds from now to `time`, to a few. */
static gint64
from_now(const ASN1_TIME *time)
{
    int days, seconds;

    g_assert_cmpint(ASN1_TIME_diff(&days, &seconds, NULL, time), ==, 1);
    return (gint64)days * DAY + seconds;
}

static void
test_cert_name(void)
{
    static const char *const faults[] = {"FIRST=cert-name:pc7.example.test", NULL};
    g_autoptr(Sim) sim = make("amt12", faults);
    Certs *certs = certs_new(FALSE);
    X509 *named = certificate_of(certs, &sim->devices[0]);
    X509 *plain = certificate_of(certs, &sim->devices[1]);
    char text[64] = "";

    g_assert_cmpint(X509_check_host(named, "pc7.example.test", 0, 0, NULL), ==, 1);
    g_assert_cmpint(X509_check_host(named, "pc8.example.test", 0, 0, NULL), ==, 0);
    X509_NAME_get_text_by_NID(X509_get_subject_name(named), NID_commonName, text, sizeof text);
    g_assert_cmpstr(text, ==, "pc7.example.test");
    X509_NAME_get_text_by_NID(X509_get_subject_name(plain), NID_commonName, text, sizeof text);
    g_assert_cmpstr(text, ==, "Intel(R) AMT");
    /* each set of faults has one certificate, and keeps it */
    g_assert_true(certificate_of(certs, &sim->devices[0]) == named);
    g_assert_true(certificate_of(certs, &sim->devices[2]) == plain);
    g_assert_true(named != plain);
    certs_free(certs);
}

static void
test_cert_times(void)
{
    static const char *const faults[] = {"FIRST=cert-expired", "SECOND=cert-not-yet", NULL};
    g_autoptr(Sim) sim = make("amt12", faults);
    Certs *certs = certs_new(FALSE);
    X509 *over = certificate_of(certs, &sim->devices[0]);
    X509 *early = certificate_of(certs, &sim->devices[1]);
    X509 *good = certificate_of(certs, &sim->devices[2]);

    g_assert_cmpint(from_now(X509_get0_notAfter(over)), <=, -YEAR * DAY);
    g_assert_cmpint(from_now(X509_get0_notAfter(over)), >, -(YEAR + 1) * DAY);
    g_assert_cmpint(from_now(X509_get0_notBefore(early)), >, (YEAR - 1) * DAY);
    g_assert_cmpint(from_now(X509_get0_notAfter(early)), >, 2 * YEAR * DAY);
    g_assert_cmpint(from_now(X509_get0_notBefore(good)), <, 0);
    g_assert_cmpint(from_now(X509_get0_notAfter(good)), >, YEAR * DAY);
    certs_free(certs);
}

static void
link_up(SSL *server, SSL *client)
{
    BIO *near = NULL, *far = NULL;

    g_assert_cmpint(BIO_new_bio_pair(&near, 0, &far, 0), ==, 1);
    SSL_set_bio(server, near, near);
    SSL_set_bio(client, far, far);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
}

/* A client that takes any key gets through to `context`, whatever its versions are. */
static void
shake_hands(SSL_CTX *context)
{
    SSL_CTX *lax = SSL_CTX_new(TLS_client_method());
    SSL *server = SSL_new(context), *client = SSL_new(lax);
    int done = 0;

    SSL_set_security_level(client, 0);
    link_up(server, client);
    for (guint i = 0; i < 20 && done != 1; i++) {
        int far = SSL_do_handshake(server);
        done = SSL_do_handshake(client) == 1 && far == 1;
    }
    g_assert_cmpint(done, ==, 1);
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(lax);
}

static void
test_cert_weak(void)
{
    static const char *const faults[] = {"FIRST=cert-weak", NULL};
    static const char *const models[] = {"amt12", "amt16", "amt19"};
    static const int usual[] = {2048, 2048, 384};

    for (guint i = 0; i < G_N_ELEMENTS(models); i++) {
        g_autoptr(Sim) sim = make(models[i], faults);
        Certs *certs = certs_new(FALSE);
        g_assert_cmpint(bits_of(certificate_of(certs, &sim->devices[0])), ==, 1024);
        g_assert_cmpint(bits_of(certificate_of(certs, &sim->devices[1])), ==, usual[i]);
        shake_hands(certs_context(certs, sim->devices->model, sim->devices, NULL));
        certs_free(certs);
    }
}

/* ---- ports ---- */

static struct sockaddr_in
socket_name(guint32 address, guint16 port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};

    name.sin_addr.s_addr = htonl(address);
    return name;
}

static gboolean
is_free(guint16 port, int kind)
{
    struct sockaddr_in name = socket_name(INADDR_ANY, port);
    int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);
    gboolean good = bind(fd, (struct sockaddr *)&name, sizeof name) == 0;

    close(fd);
    return good;
}

/* A number that nobody has on any address now, below those that the system gives to callers, and
 * another at each call; `kind` is SOCK_STREAM or SOCK_DGRAM. */
static guint16
free_port(int kind)
{
    static guint calls;
    guint16 port;

    do
        port = (guint16)(30300 + ((guint)getpid() * 16 + calls++) % 2400);
    while (!is_free(port, kind) && calls < 2400);
    return port;
}

static Server *
serve(Sim *sim, ServerListen how)
{
    g_autoptr(GError) error = NULL;
    Server *server;

    sim->port = free_port(SOCK_STREAM);
    sim->tls_port = free_port(SOCK_STREAM);
    server = server_new(sim, NULL, how, &error);
    g_assert_no_error(error);
    return server;
}

/* A connected socket; -1 when the port is closed. */
static int
call(guint32 address, guint16 port)
{
    struct sockaddr_in name = socket_name(address, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (struct sockaddr *)&name, sizeof name) == 0)
        return fd;
    g_assert_cmpint(errno, ==, ECONNREFUSED);
    close(fd);
    return -1;
}

static gboolean
is_open(guint32 address, guint16 port)
{
    int fd = call(address, port);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void
test_closed_ports(void)
{
    static const char *const faults[] = {"FIRST=not-provisioned", "SECOND=amt-disabled", NULL};
    g_autoptr(Sim) sim = make("amt12", faults);
    g_autoptr(Server) server = serve(sim, SERVER_LISTEN_EACH);

    for (guint i = 0; i < 3; i++) {
        g_assert_cmpint(is_open(first_address() + i, sim->port), ==, i == 2);
        g_assert_cmpint(is_open(first_address() + i, sim->tls_port), ==, i == 2);
    }
}

/* A socket that stops waiting; the answer to what it sends arrives while the simulator runs. */
static gssize
receive(int fd, void *bytes, gsize length)
{
    gint64 until = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;
    gssize n;

    while ((n = recv(fd, bytes, length, MSG_DONTWAIT)) < 0 && errno == EAGAIN &&
           g_get_monotonic_time() < until)
        if (!g_main_context_iteration(NULL, FALSE))
            g_usleep(1000);
    return n;
}

static void
check_host_port(ServerListen how)
{
    static const char *const faults[] = {"FIRST=amt-disabled", NULL};
    g_autoptr(Sim) sim = make("amt12", faults);
    g_autoptr(Server) server = NULL;

    sim->host_port = free_port(SOCK_STREAM);
    server = serve(sim, how);
    for (guint i = 0; i < DEVICES; i++) {
        int fd = call(first_address() + i, sim->host_port);
        char byte;
        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(receive(fd, &byte, 1), ==, 0); /* closed, not reset */
        close(fd);
    }
    g_assert_cmpuint(server_connections(server), ==, 0);
    g_assert_cmpint(
        is_open(first_address() + DEVICES, sim->host_port), ==, how == SERVER_LISTEN_WILDCARD);
}

static void
test_host_port(void)
{
    check_host_port(SERVER_LISTEN_EACH);
    check_host_port(SERVER_LISTEN_WILDCARD);
}

/* ---- presence pings ---- */

static const guint8 ping[] = {6, 0, 0xFF, 6, 0, 0, 0x11, 0xBE, 0x80, 0x31, 0, 0};

/* The pong of the first device, in hex; NULL when it keeps silent. */
static char *
pong_of(Sim *sim)
{
    guint8 pong[PONG_LENGTH];
    GString *hex = g_string_new(NULL);

    if (!pong_answer(sim->devices, ping, sizeof ping, pong))
        return g_string_free(hex, TRUE);
    for (guint i = 0; i < sizeof pong; i++)
        g_string_append_printf(hex, "%02x", pong[i]);
    return g_string_free(hex, FALSE);
}

#define PONG_HEAD "0600ff06000011be4031001000000157"

/* The first two are vectors of the protocol notes. */
static void
test_pong_vectors(void)
{
    static const char *const unset[] = {"*=not-provisioned", NULL}, *const off[] = {
                                                                        "*=amt-disabled", NULL};
    static const struct {
        const char *model;
        SimTls tls;
        const char *const *faults;
        const char *data;
    } cases[] = {
        {"amt11.8", SIM_TLS_OFF, NULL, PONG_HEAD "4260b8020120000000000000"},
        {"amt16", SIM_TLS_MODEL, NULL, PONG_HEAD "426100020120100100000000"},
        {"amt11.8", SIM_TLS_ON, NULL, PONG_HEAD "4261b8060120000000000000"},
        {"amt12", SIM_TLS_MODEL, unset, PONG_HEAD "0000c0000120000000000000"},
        {"amt12", SIM_TLS_MODEL, off, NULL},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Sim) sim = make(cases[i].model, cases[i].faults);
        g_autofree char *pong = NULL;
        sim->tls = cases[i].tls;
        pong = pong_of(sim);
        g_assert_cmpstr(pong, ==, cases[i].data);
    }
}

static void
test_pong_silence(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    const SimInstance *general = device_first(sim->devices, "AMT_GeneralSettings");
    guint8 pong[PONG_LENGTH];

    g_assert_false(pong_answer(sim->devices, ping, sizeof ping - 1, pong));
    g_assert_false(pong_answer(sim->devices, ping, 0, pong));
    for (guint i = 0; i < 9; i++) {
        guint8 other[sizeof ping];
        memcpy(other, ping, sizeof ping);
        other[i] ^= 1;
        /* what is reserved, and the sequence number, may be anything */
        g_assert_cmpint(pong_answer(sim->devices, other, sizeof other, pong), ==, i == 1 || i == 2);
    }
    device_store(sim->devices, general, "RmcpPingResponseEnabled", "false");
    g_assert_false(pong_answer(sim->devices, ping, sizeof ping, pong));
}

/* Over the wire, and from the address that was asked: the socket is connected to it. */
static void
check_pongs(ServerListen how)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    g_autoptr(Server) server = NULL;

    sim->pong_port = free_port(SOCK_DGRAM);
    server = serve(sim, how);
    for (guint i = 0; i < DEVICES; i++) {
        struct sockaddr_in name = socket_name(first_address() + i, sim->pong_port);
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        guint8 pong[64];
        g_assert_cmpint(connect(fd, (struct sockaddr *)&name, sizeof name), ==, 0);
        g_assert_cmpint(send(fd, "nonsense", 8, 0), ==, 8);
        g_assert_cmpint(send(fd, ping, sizeof ping, 0), ==, sizeof ping);
        g_assert_cmpint(receive(fd, pong, sizeof pong), ==, PONG_LENGTH);
        g_assert_cmpuint(pong[16] << 8 | pong[17], ==, sim->tls_port);
        close(fd);
    }
}

static void
test_pong_wire(void)
{
    check_pongs(SERVER_LISTEN_EACH);
    check_pongs(SERVER_LISTEN_WILDCARD);
}

/* A port that somebody has is an error, or done without when it was only the default. */
static void
test_pong_port_taken(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    g_autoptr(GError) error = NULL;
    struct sockaddr_in name = socket_name(first_address(), 0);
    socklen_t length = sizeof name;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    g_autoptr(Server) server = NULL;

    g_assert_cmpint(bind(fd, (struct sockaddr *)&name, sizeof name), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&name, &length), ==, 0);
    sim->port = free_port(SOCK_STREAM);
    sim->tls_port = free_port(SOCK_STREAM);
    sim->pong_port = ntohs(name.sin_port);
    g_assert_null(server_new(sim, NULL, SERVER_LISTEN_EACH, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
    sim->pong_optional = TRUE;
    server = serve(sim, SERVER_LISTEN_EACH);
    g_assert_nonnull(server);
    close(fd);
}

/* ---- what the account and the settings allow ---- */

static void
test_realms(void)
{
    static const struct {
        const char *words, *class;
        gboolean allowed;
    } cases[] = {
        {"general", "AMT_GeneralSettings", TRUE},
        {"general", "CIM_ComputerSystemPackage", TRUE},
        {"general", "AMT_SetupAndConfigurationService", TRUE},
        {"general", "CIM_Processor", FALSE},
        {"general", "AMT_RedirectionService", FALSE},
        {"power+hardware", "CIM_Processor", TRUE},
        {"power+hardware", "CIM_AssociatedPowerManagementService", TRUE},
        {"power+hardware", "AMT_BootSettingData", TRUE},
        {"power+hardware", "AMT_MessageLog", FALSE},
        {"redirection", "CIM_KVMRedirectionSAP", TRUE},
        {"eventlog", "AMT_MessageLog", TRUE},
        {"general+power", "AMT_AuthorizationService", FALSE},
        {"administration", "AMT_AuthorizationService", TRUE},
        {"administration", "AMT_MessageLog", TRUE},
        {"general", "NoSuchClass", FALSE},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s: %s", cases[i].words, cases[i].class);
        g_assert_true(realms_known(cases[i].words));
        g_assert_cmpint(realms_allow(cases[i].words, cases[i].class), ==, cases[i].allowed);
    }
}

/* The status of a Get of `class`; its answer in `out`. */
static guint
get(Sim *sim, const char *class, GString *out)
{
    g_autofree char *uri = classes_uri(class);
    g_autofree char *request = g_strdup_printf(
        "<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:a=\"" NS_ADDRESSING "\" xmlns:w=\"" NS_WSMAN
        "\"><s:Header><a:Action>" NS_TRANSFER "/Get</a:Action><w:ResourceURI>%s</w:ResourceURI>"
        "<a:MessageID>1</a:MessageID></s:Header><s:Body></s:Body></s:Envelope>",
        uri);
    SoapNote note;

    g_string_truncate(out, 0);
    return soap_serve(sim->devices, request, strlen(request), out, &note);
}

static void
test_realm_denied(void)
{
    static const char *const faults[] = {"FIRST=realms:general", NULL};
    g_autoptr(Sim) sim = make("amt12", faults);
    g_autoptr(GString) out = g_string_new(NULL);

    g_assert_cmpuint(get(sim, "AMT_GeneralSettings", out), ==, 200);
    g_assert_cmpuint(get(sim, "AMT_RedirectionService", out), ==, 401);
    g_assert_cmpuint(out->len, ==, 0); /* the page of a 401 is HTTP's */
}

/* What the first settings are with and without the faults. */
static void
test_first_settings(void)
{
    static const char *const faults[] = {
        "FIRST=redirection-off", "FIRST=kvm-off", "FIRST=consent", NULL};
    static const struct {
        const char *class, *expected;
    } cases[] = {
        {"AMT_RedirectionService", "<g:EnabledState>32768</g:EnabledState>"},
        {"AMT_RedirectionService", "<g:ListenerEnabled>false</g:ListenerEnabled>"},
        {"CIM_KVMRedirectionSAP", "<g:EnabledState>3</g:EnabledState>"},
        {"IPS_OptInService", "<g:OptInRequired>4294967295</g:OptInRequired>"},
    };
    static const char *const models[] = {"amt8", "amt12", "amt19"};

    for (guint i = 0; i < G_N_ELEMENTS(models) * G_N_ELEMENTS(cases); i++) {
        g_autoptr(Sim) sim = make(models[i % G_N_ELEMENTS(models)], faults);
        g_autoptr(GString) out = g_string_new(NULL);
        guint n = i / G_N_ELEMENTS(models);
        g_assert_cmpuint(get(sim, cases[n].class, out), ==, 200);
        g_test_message("%s", out->str);
        g_assert_nonnull(strstr(out->str, cases[n].expected));
    }
    g_autoptr(Sim) usual = make("amt12", NULL);
    g_autoptr(GString) out = g_string_new(NULL);
    g_assert_cmpuint(get(usual, "CIM_KVMRedirectionSAP", out), ==, 200);
    g_assert_nonnull(strstr(out->str, "<g:EnabledState>6</g:EnabledState>"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sim/faults/bad-options", test_options);
    g_test_add_func("/sim/faults/cert-name", test_cert_name);
    g_test_add_func("/sim/faults/cert-times", test_cert_times);
    g_test_add_func("/sim/faults/cert-weak", test_cert_weak);
    g_test_add_func("/sim/faults/closed-ports", test_closed_ports);
    g_test_add_func("/sim/host-port", test_host_port);
    g_test_add_func("/sim/pong/vectors", test_pong_vectors);
    g_test_add_func("/sim/pong/silence", test_pong_silence);
    g_test_add_func("/sim/pong/wire", test_pong_wire);
    g_test_add_func("/sim/pong/port-taken", test_pong_port_taken);
    g_test_add_func("/sim/faults/realms", test_realms);
    g_test_add_func("/sim/faults/realm-denied", test_realm_denied);
    g_test_add_func("/sim/faults/first-settings", test_first_settings);
    return g_test_run();
}
