/* SPDX-License-Identifier: Apache-2.0 */
/* The device's side of the redirection port: its login by itself, and whole sessions over a pair of sockets. */
#include "config.h"

#include "challenge.h"
#include "one-device.h"
#include "power.h"
#include "redirect-login.h"
#include "redirect.h"
#include "sim.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST     0x7F530301U /* 127.83.3.1 */
#define LOGIN_URI "/RedirectionService"

static void
set(Device *device, const char *class, const char *property, const char *value)
{
    device_store(device, device_first(device, class), property, value);
}

static LoginResult
try_login(Device *device, guint8 method, const guint8 *body, gsize length, GByteArray *out)
{
    g_autofree char *account = NULL;

    return redirect_login(device, method, body, length, out, &account);
}

/* One device that is on, with everything switched on, and nobody has to agree. */
static Sim *
make(const char *model, const char *fault)
{
    Sim *sim = one_device(model, FIRST, fault);

    set(sim->devices, "AMT_RedirectionService", "EnabledState", "32771");
    if (device_first(sim->devices, "IPS_OptInService") != NULL)
        set(sim->devices, "IPS_OptInService", "OptInRequired", "0");
    sim->devices->power = POWER_ON;
    return sim;
}

/* ---- the login ---- */

static void
put_text(GByteArray *out, const char *text)
{
    guint8 length = (guint8)strlen(text);

    g_byte_array_append(out, &length, 1);
    g_byte_array_append(out, (const guint8 *)text, length);
}

static char *
md5(const char *text)
{
    return g_compute_checksum_for_string(G_CHECKSUM_MD5, text, -1);
}

/* The first round asks for a challenge; its nonce, the caller's. */
static char *
nonce_of(Device *device, guint8 method)
{
    g_autoptr(GByteArray) body = g_byte_array_new(), out = g_byte_array_new();
    g_autofree char *realm = device_realm(device);
    const guint8 *at;

    put_text(body, "admin");
    put_text(body, "");
    put_text(body, "");
    put_text(body, LOGIN_URI);
    for (guint i = 0; i < 4; i++)
        put_text(body, "");
    g_assert_cmpint(try_login(device, method, body->data, body->len, out), ==, LOGIN_MORE);
    g_assert_cmpmem(out->data, 5, ((guint8[]){0x14, 1, 0, 0, method}), 5);
    g_assert_cmpuint(redirect_u32(out->data + 5), ==, out->len - 9);
    at = out->data + 9;
    g_assert_cmpmem(at + 1, at[0], realm, strlen(realm));
    at += at[0] + 1;
    return g_strndup((const char *)at + 1, at[0]);
}

static GByteArray *
answer_of(Device *device, guint8 method, const char *password)
{
    g_autofree char *nonce = nonce_of(device, method), *realm = device_realm(device);
    g_autofree char *text = g_strdup_printf("admin:%s:%s", realm, password);
    g_autofree char *a1 = md5(text);
    gboolean qop = method == LOGIN_DIGEST_QOP;
    g_autofree char *response = challenge_response(
        a1, nonce, qop ? "00000002" : NULL, qop ? "0011" : NULL, "POST", LOGIN_URI, NULL);
    GByteArray *body = g_byte_array_new();

    put_text(body, "admin");
    put_text(body, realm);
    put_text(body, nonce);
    put_text(body, LOGIN_URI);
    put_text(body, "0011");
    put_text(body, "00000002");
    put_text(body, response);
    if (qop)
        put_text(body, "auth");
    return body;
}

static LoginResult
log_in(Device *device, guint8 method, const char *password)
{
    g_autoptr(GByteArray) body = answer_of(device, method, password);
    g_autoptr(GByteArray) out = g_byte_array_new();
    LoginResult result = try_login(device, method, body->data, body->len, out);

    if (result == LOGIN_IN || result == LOGIN_REFUSED)
        g_assert_cmpmem(out->data,
                        out->len,
                        ((guint8[]){0x14, result == LOGIN_REFUSED, 0, 0, method, 0, 0, 0, 0}),
                        9);
    return result;
}

static void
check_methods(const char *model, const char *fault, const char *expected)
{
    g_autoptr(Sim) sim = make(model, fault);
    g_autoptr(GByteArray) out = g_byte_array_new();

    g_assert_cmpint(try_login(sim->devices, 0, NULL, 0, out), ==, LOGIN_MORE);
    g_assert_cmpmem(out->data + 9, out->len - 9, expected, strlen(expected));
}

static void
test_methods(void)
{
    check_methods("amt8", NULL, "\3\4");
    check_methods("amt9", NULL, "\3\4");
    check_methods("amt11.8", NULL, "\4");
    check_methods("amt19", NULL, "\4");
    check_methods("amt9", "*=plain-login", "\1\3\4");
}

static void
test_login(void)
{
    g_autoptr(Sim) old = make("amt9", NULL), new = make("amt16", NULL);

    g_assert_cmpint(log_in(old->devices, LOGIN_DIGEST, "P@ssw0rd"), ==, LOGIN_IN);
    g_assert_cmpint(log_in(old->devices, LOGIN_DIGEST, "P@ssw0r"), ==, LOGIN_REFUSED);
    g_assert_cmpint(log_in(old->devices, LOGIN_DIGEST_QOP, "P@ssw0rd"), ==, LOGIN_IN);
    g_assert_cmpint(log_in(new->devices, LOGIN_DIGEST_QOP, "P@ssw0rd"), ==, LOGIN_IN);
    g_assert_cmpint(log_in(new->devices, LOGIN_DIGEST_QOP, "wrong"), ==, LOGIN_REFUSED);
    g_assert_cmpuint(new->devices->logins_failed, ==, 1);
}

static void
test_plain_login(void)
{
    g_autoptr(Sim) closed = make("amt9", NULL), open = make("amt9", "*=plain-login");
    g_autoptr(GByteArray) body = g_byte_array_new(), out = g_byte_array_new();

    put_text(body, "admin");
    put_text(body, "P@ssw0rd");
    g_assert_cmpint(
        try_login(closed->devices, LOGIN_PLAIN, body->data, body->len, out), ==, LOGIN_REFUSED);
    g_assert_cmpint(
        try_login(open->devices, LOGIN_PLAIN, body->data, body->len, out), ==, LOGIN_IN);
    body->data[body->len - 1] ^= 1;
    g_assert_cmpint(
        try_login(open->devices, LOGIN_PLAIN, body->data, body->len, out), ==, LOGIN_REFUSED);
}

/* HTTP wants a qop, also from who logs in to the redirection port without. */
static void
test_old_digest_is_not_for_http(void)
{
    g_autoptr(Sim) sim = make("amt9", NULL);
    Device *device = sim->devices;
    g_autofree char *challenge = challenge_make(device, FALSE);
    g_autofree char *nonce = challenge_field(challenge + 7, "nonce"), *realm = device_realm(device);
    g_autofree char *text = g_strdup_printf("admin:%s:P@ssw0rd", realm);
    g_autofree char *a1 = md5(text);
    g_autofree char *response = challenge_response(a1, nonce, NULL, NULL, "POST", "/wsman", NULL);
    g_autofree char *header = g_strdup_printf(
        "Digest username=\"admin\", realm=\"%s\", nonce=\"%s\", uri=\"/wsman\", response=\"%s\"",
        realm,
        nonce,
        response);

    g_assert_cmpint(challenge_check(device, header, "POST", "/wsman", "", 0), ==, CHALLENGE_WRONG);
}

static void
test_realms(void)
{
    g_autoptr(Sim) without = make("amt12", "*=realms:general"),
                   with = make("amt12", "*=realms:redirection");

    g_assert_cmpint(log_in(without->devices, LOGIN_DIGEST_QOP, "P@ssw0rd"), ==, LOGIN_REFUSED);
    g_assert_cmpint(log_in(with->devices, LOGIN_DIGEST_QOP, "P@ssw0rd"), ==, LOGIN_IN);
}

/* No part and no bit flip of a right answer is one; nothing reads past its end. */
static void
test_login_disturbed(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    g_autoptr(GByteArray) body = answer_of(sim->devices, LOGIN_DIGEST_QOP, "P@ssw0rd");

    for (guint cut = 0; cut < body->len; cut++) {
        g_autofree guint8 *copy = g_memdup2(body->data, cut);
        g_autoptr(GByteArray) out = g_byte_array_new();
        g_assert_cmpint(try_login(sim->devices, LOGIN_DIGEST_QOP, copy, cut, out), !=, LOGIN_IN);
    }
    for (guint bit = 0; bit < body->len * 8; bit++) {
        g_autofree guint8 *copy = g_memdup2(body->data, body->len);
        g_autoptr(GByteArray) out = g_byte_array_new();
        copy[bit / 8] ^= (guint8)(1 << bit % 8);
        /* a digest in capitals is the same number */
        if (try_login(sim->devices, LOGIN_DIGEST_QOP, copy, body->len, out) == LOGIN_IN)
            g_assert_true(g_ascii_isalpha(body->data[bit / 8]) && bit % 8 == 5);
    }
}

/* ---- sessions ---- */

typedef struct {
    Sim *sim;
    Reactor *reactor;
    Redirect *session; /* NULL: it is gone */
    int fd;            /* the client's end */
    GByteArray *in;
} Talk;

static void
on_gone(Redirect *session, gpointer data)
{
    ((Talk *)data)->session = NULL;
}

static void
talk_open(Talk *talk, Sim *sim, Reactor *reactor)
{
    int pair[2];

    g_assert_cmpint(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), ==, 0);
    talk->sim = sim;
    talk->reactor = reactor;
    talk->fd = pair[0];
    talk->in = g_byte_array_new();
    talk->session = redirect_start(reactor, sim->devices, pair[1], NULL, on_gone, talk);
    g_assert_nonnull(talk->session);
}

static void
talk_close(Talk *talk)
{
    if (talk->session != NULL)
        redirect_free(talk->session);
    close(talk->fd);
    g_byte_array_unref(talk->in);
}

static void
take(Talk *talk)
{
    guint8 block[4096];
    gssize n;

    while ((n = recv(talk->fd, block, sizeof block, 0)) > 0)
        g_byte_array_append(talk->in, block, (guint)n);
}

static void
turn(Talk *talk)
{
    g_main_context_iteration(NULL, FALSE);
    take(talk);
    g_usleep(1000);
}

/* Lets the simulator work until `length` bytes are there, or it is over. */
static void
wait_for(Talk *talk, gsize length)
{
    gint64 until = g_get_monotonic_time() + 5 * G_USEC_PER_SEC;

    while (talk->in->len < length && talk->session != NULL && g_get_monotonic_time() < until)
        turn(talk);
    take(talk);
}

static void
wait_gone(Talk *talk)
{
    gint64 until = g_get_monotonic_time() + 5 * G_USEC_PER_SEC;

    while (talk->session != NULL && g_get_monotonic_time() < until)
        turn(talk);
    g_assert_null(talk->session);
    take(talk);
}

static void
say(Talk *talk, const guint8 *bytes, gsize length)
{
    g_assert_cmpint(send(talk->fd, bytes, length, MSG_NOSIGNAL), ==, (gssize)length);
}

#define SAY(talk, ...) say(talk, (guint8[]){__VA_ARGS__}, sizeof((guint8[]){__VA_ARGS__}))

static void
drop(Talk *talk, gsize length)
{
    g_assert_cmpuint(talk->in->len, >=, length);
    g_byte_array_remove_range(talk->in, 0, (guint)length);
}

static void
send_start(Talk *talk)
{
    SAY(talk, 0x10, 0, 0, 0, 'S', 'O', 'L', ' ');
}

static void
get_in(Talk *talk)
{
    g_autoptr(GByteArray) body = answer_of(talk->sim->devices, LOGIN_DIGEST_QOP, "P@ssw0rd");

    send_start(talk);
    wait_for(talk, 13);
    g_assert_cmpint(talk->in->data[1], ==, 0);
    drop(talk, 13);
    SAY(talk, 0x13, 0, 0, 0, 4, (guint8)body->len, 0, 0, 0);
    say(talk, body->data, body->len);
    wait_for(talk, 9);
    g_assert_cmpint(talk->in->data[1], ==, 0);
    drop(talk, 9);
}

static void
start_console(Talk *talk, guint8 heartbeat_low, guint8 heartbeat_high)
{
    /* 1,000 bytes in a message */
    SAY(talk,
        0x20,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0xE8,
        3,
        100,
        0,
        0,
        0,
        16,
        39,
        100,
        0,
        heartbeat_low,
        heartbeat_high,
        0,
        0,
        0,
        0);
    wait_for(talk, 23);
    g_assert_cmpint(talk->in->data[0], ==, 0x21);
    drop(talk, 23);
}

typedef struct {
    GString *text;
    guint messages, heartbeats, longest;
    guint8 status; /* all that were told */
    guint32 sequence;
} Heard;

/* Takes whole messages off what came: their numbers are one after the other. */
static void
hear(Talk *talk, Heard *heard)
{
    while (talk->in->len >= 8) {
        const guint8 *at = talk->in->data;
        gsize length = at[0] == 0x2A ? 10 : at[0] == 0x29 ? 10 : 8;
        if (talk->in->len < length)
            return;
        if (at[0] == 0x2A)
            length += redirect_u16(at + 8);
        if (talk->in->len < length)
            return;
        g_assert_cmpuint(redirect_u32(at + 4), ==, ++heard->sequence);
        heard->messages++;
        if (at[0] == 0x2A) {
            g_string_append_len(heard->text, (const char *)at + 10, (gssize)length - 10);
            heard->longest = MAX(heard->longest, (guint)length - 10);
        } else if (at[0] == 0x29)
            heard->status |= at[9];
        else if (at[0] == 0x2B)
            heard->heartbeats++;
        drop(talk, length);
    }
}

static void
hear_until(Talk *talk, Heard *heard, const char *text)
{
    gint64 until = g_get_monotonic_time() + 5 * G_USEC_PER_SEC;

    while (strstr(heard->text->str, text) == NULL && g_get_monotonic_time() < until) {
        turn(talk);
        hear(talk, heard);
    }
    if (strstr(heard->text->str, text) == NULL)
        g_error("\"%s\" did not come: \"%s\"", text, heard->text->str);
    g_string_truncate(heard->text, 0);
}

static void
type(Talk *talk, const char *text)
{
    SAY(talk, 0x28, 0, 0, 0, 9, 9, 9, 9, (guint8)strlen(text), 0);
    say(talk, (const guint8 *)text, strlen(text));
}

static guint8
start_status(const char *model,
             const char *fault,
             const char *class,
             const char *name,
             const char *value,
             const char *type_name)
{
    g_autoptr(Sim) sim = make(model, fault);
    Reactor *reactor = reactor_new(NULL, NULL);
    Talk talk = {0};
    guint8 status;

    if (class != NULL)
        set(sim->devices, class, name, value);
    talk_open(&talk, sim, reactor);
    SAY(&talk, 0x10, 0, 0, 0);
    say(&talk, (const guint8 *)type_name, 4);
    wait_for(&talk, 13);
    g_assert_cmpuint(talk.in->len, ==, 13);
    g_assert_cmpmem(talk.in->data + 8, 4, "\x57\1\0\0", 4);
    status = talk.in->data[1];
    if (status != 0)
        wait_gone(&talk);
    talk_close(&talk);
    reactor_free(reactor);
    return status;
}

static void
test_start(void)
{
    const char *redirection = "AMT_RedirectionService", *state = "EnabledState";

    g_assert_cmpint(start_status("amt12", NULL, NULL, NULL, NULL, "SOL "), ==, 0);
    g_assert_cmpint(start_status("amt12", NULL, NULL, NULL, NULL, "TEXT"), ==, 1);
    g_assert_cmpint(start_status("amt12", NULL, redirection, state, "32769", "SOL "), ==, 3);
    g_assert_cmpint(start_status("amt12", NULL, redirection, state, "32770", "SOL "), ==, 0);
    g_assert_cmpint(
        start_status("amt12", NULL, "IPS_OptInService", "OptInRequired", "4294967295", "SOL "),
        ==,
        3);
    g_assert_cmpint(
        start_status("amt12", NULL, "IPS_OptInService", "OptInRequired", "1", "SOL "), ==, 0);
}

static void
test_one_at_a_time(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    Reactor *reactor = reactor_new(NULL, NULL);
    Talk first = {0}, second = {0}, third = {0};

    talk_open(&first, sim, reactor);
    get_in(&first);
    talk_open(&second, sim, reactor);
    send_start(&second);
    wait_for(&second, 13);
    g_assert_cmpint(second.in->data[1], ==, 2);
    wait_gone(&second);
    talk_close(&second);
    SAY(&first, 0x12, 0, 0, 0);
    wait_gone(&first);
    talk_close(&first);
    talk_open(&third, sim, reactor);
    get_in(&third);
    talk_close(&third);
    reactor_free(reactor);
}

static void
test_console(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    Reactor *reactor = reactor_new(NULL, NULL);
    Heard heard = {.text = g_string_new(NULL)};
    Talk talk = {0};

    talk_open(&talk, sim, reactor);
    get_in(&talk);
    start_console(&talk, 50, 0);
    SAY(&talk, 0x27, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x1B, 0, 0, 0);
    hear_until(&talk, &heard, " login: ");
    type(&talk, "root\r");
    hear_until(&talk, &heard, "Password: ");
    type(&talk, "sim-host\r");
    hear_until(&talk, &heard, ":~# ");
    type(&talk, "echx\x7Fo one two\r");
    hear_until(&talk, &heard, "\r\none two\r\n");
    type(&talk, "flood 500\r");
    hear_until(&talk, &heard, "line 000500 ");
    g_assert_cmpuint(heard.longest, ==, 1000);
    for (guint i = 0; i < 2000 && heard.heartbeats < 2; i++) {
        turn(&talk);
        hear(&talk, &heard);
    }
    g_assert_cmpuint(heard.heartbeats, ==, 2);
    type(&talk, "poweroff\r");
    for (guint i = 0; i < 2000 && heard.status == 0; i++) {
        turn(&talk);
        hear(&talk, &heard);
    }
    g_assert_cmpint(heard.status, ==, 4);
    talk_close(&talk);
    g_string_free(heard.text, TRUE);
    reactor_free(reactor);
}

/* Who does not read gets no more than so much kept, and is told that something is missing. */
static void
test_overflow(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    Reactor *reactor = reactor_new(NULL, NULL);
    Heard heard = {.text = g_string_new(NULL)};
    Talk talk = {0};
    gsize all;

    talk_open(&talk, sim, reactor);
    get_in(&talk);
    start_console(&talk, 0, 0);
    hear_until(&talk, &heard, " login: ");
    type(&talk, "root\r");
    hear_until(&talk, &heard, "Password: ");
    type(&talk, "sim-host\r");
    hear_until(&talk, &heard, ":~# ");
    type(&talk, "flood 100000\r");
    for (guint i = 0; i < 100; i++) {
        g_main_context_iteration(NULL, FALSE); /* without reading */
        g_usleep(1000);
    }
    g_assert_cmpuint(redirect_backlog(talk.session), <, 100 * 1024);
    for (guint i = 0; i < 2000 && heard.status == 0; i++) {
        turn(&talk);
        hear(&talk, &heard);
    }
    g_assert_cmpint(heard.status, ==, 1);
    all = 100000 * strlen("line 000001 of a lot of text\r\n");
    g_assert_cmpuint(heard.text->len, <, all);
    talk_close(&talk);
    g_string_free(heard.text, TRUE);
    reactor_free(reactor);
}

static void
test_ping_and_end(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    Reactor *reactor = reactor_new(NULL, NULL);
    Talk talk = {0};

    sim->devices->power = POWER_OFF; /* says nothing */
    talk_open(&talk, sim, reactor);
    get_in(&talk);
    start_console(&talk, 0, 0);
    wait_for(&talk, 10); /* that it has no power */
    g_assert_cmpint(talk.in->data[0], ==, 0x29);
    drop(&talk, 10);
    SAY(&talk, 0x24, 0, 0, 0, 1, 0, 0, 0);
    wait_for(&talk, 8);
    g_assert_cmpint(talk.in->data[0], ==, 0x25);
    drop(&talk, 8);
    type(&talk, "x");
    wait_for(&talk, 10);
    g_assert_cmpmem(talk.in->data + 8, 2, "\0\x0C", 2);
    drop(&talk, 10);
    SAY(&talk, 0x22, 0, 0, 0, 2, 0, 0, 0);
    wait_for(&talk, 8);
    g_assert_cmpint(talk.in->data[0], ==, 0x23);
    SAY(&talk, 0x28, 0, 0, 0, 3, 0, 0, 0, 0, 0);
    wait_gone(&talk); /* it has not been started anew */
    talk_close(&talk);
    reactor_free(reactor);
}

/* Bytes that are no message end the connection, whatever the stage. */
static void
test_nonsense(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    Reactor *reactor = reactor_new(NULL, NULL);

    for (guint stage = 0; stage < 4; stage++) {
        Talk talk = {0};
        talk_open(&talk, sim, reactor);
        if (stage == 1)
            send_start(&talk);
        if (stage >= 2)
            get_in(&talk);
        if (stage == 3)
            start_console(&talk, 0, 0);
        SAY(&talk, 0x99, 1, 2, 3, 4, 5, 6, 7, 8, 9);
        wait_gone(&talk);
        talk_close(&talk);
    }
    reactor_free(reactor);
}

static void
test_records(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    Reactor *reactor = reactor_new(NULL, NULL);
    const DeviceExtra *extra;
    Talk talk = {0};

    talk_open(&talk, sim, reactor);
    get_in(&talk);
    talk_close(&talk);
    extra = sim->devices->extra;
    g_assert_cmpuint(extra->audit->records->len, ==, 2);
    for (guint i = 0; i < 2; i++) {
        gsize length;
        const guint8 *audit = g_bytes_get_data(extra->audit->records->pdata[i], &length);
        const guint8 *event = (const guint8 *)extra->events->data + 21 * i;
        const guint8 application[] = {0, 18, 0, (guint8)(4 + i), 0, 5, 'a', 'd', 'm', 'i', 'n'};
        g_assert_cmpmem(audit, MIN(length, sizeof application), application, sizeof application);
        g_assert_cmpint(event[5], ==, 192);
        g_assert_cmpmem(event + 13, 3, ((guint8[]){0xAA, 0x30, (guint8)i}), 3);
    }
    reactor_free(reactor);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sim/redirect/methods", test_methods);
    g_test_add_func("/sim/redirect/login", test_login);
    g_test_add_func("/sim/redirect/plain-login", test_plain_login);
    g_test_add_func("/sim/redirect/old-digest-is-not-for-http", test_old_digest_is_not_for_http);
    g_test_add_func("/sim/redirect/realms", test_realms);
    g_test_add_func("/sim/redirect/login-disturbed", test_login_disturbed);
    g_test_add_func("/sim/redirect/start", test_start);
    g_test_add_func("/sim/redirect/one-at-a-time", test_one_at_a_time);
    g_test_add_func("/sim/redirect/console", test_console);
    g_test_add_func("/sim/redirect/overflow", test_overflow);
    g_test_add_func("/sim/redirect/ping-and-end", test_ping_and_end);
    g_test_add_func("/sim/redirect/nonsense", test_nonsense);
    g_test_add_func("/sim/redirect/records", test_records);
    return g_test_run();
}
