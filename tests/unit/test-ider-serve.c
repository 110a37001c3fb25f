/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conversation of storage redirection against a device that says what the test wants: a session of its own stands in for the
 * one on the network.
 */
#include "amt-ider.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* ---- a session that plays a script ---- */

struct AmtSession {
    GByteArray *in, *out;
    gsize at;
    guint32 sequence;
};

static AmtSession session;
static gint64 clock_us = 1;

gboolean
amt_session_read(AmtSession *self, AmtMessage *message, gint64 timeout_ms, GError **error)
{
    gssize length = amt_message_parse(
        AMT_SESSION_IDER, self->in->data + self->at, self->in->len - self->at, message, error);

    if (length > 0)
        self->at += (gsize)length;
    if (length == 0) {
        clock_us += timeout_ms * 1000;
        postern_fail(error, POSTERN_ERROR_TIMEOUT, "nothing more is in the script");
    }
    return length > 0;
}

gboolean
amt_session_write(AmtSession *self, gconstpointer bytes, gsize length, GError **error)
{
    g_byte_array_append(self->out, bytes, (guint)length);
    return TRUE;
}

guint32
amt_session_sequence(AmtSession *self)
{
    return self->sequence++;
}

gboolean
amt_session_send_bare(AmtSession *self, guint8 opcode, GError **error)
{
    amt_put_header(self->out, opcode, self->sequence++);
    return TRUE;
}

AmtSession *
amt_session_open(
    const Amt *amt, PosternRun *run, GVariant *params, AmtSessionKind kind, GError **error)
{
    g_assert_cmpint(kind, ==, AMT_SESSION_IDER);
    return &session;
}

void
amt_session_close(AmtSession *self)
{
}

static gint64
monotonic(PosternRun *run)
{
    return clock_us;
}

static gboolean
cancelled(PosternRun *run)
{
    return FALSE;
}

static void
take_log(PosternRun *run, GLogLevelFlags level, const char *text)
{
}

static const PosternRunSvc run_svc = {
    .size = sizeof(PosternRunSvc), .cancelled = cancelled, .log = take_log};
static const PosternClockSvc clock_svc = {.size = sizeof(PosternClockSvc), .monotonic = monotonic};
static const Amt amt = {.svc = {.run = &run_svc, .clock = &clock_svc}, .timeout_ms = 10000};

/* ---- what the tests use ---- */

static char *folder, *floppy_path, *cd_path;
static guint32 device_sequence;

static void
says(const char *hex)
{
    g_autofree char **words = g_strsplit(hex, " ", -1);
    guint start = session.in->len;

    for (guint i = 0; words[i] != NULL; i++) {
        guint8 byte = (guint8)g_ascii_strtoull(words[i], NULL, 16);
        g_byte_array_append(session.in, &byte, 1);
        g_free(words[i]);
    }
    for (guint i = 0; i < 4; i++)
        session.in->data[start + 4 + i] = (guint8)(device_sequence >> 8 * i);
    device_sequence++;
}

/* A command of the machine: `drive` A0 or B0, `cdb` of twelve bytes. */
static void
commands(const char *drive, const char *cdb)
{
    g_autofree char *text =
        g_strdup_printf("50 00 00 00 00 00 00 00 00 00 00 00 00 00 %s A0 %s", drive, cdb);

    says(text);
}

static void
begin(IderServer *server, gboolean writable)
{
    g_autoptr(GError) error = NULL;

    session.in = g_byte_array_new();
    session.out = g_byte_array_new();
    session.at = 0;
    session.sequence = device_sequence = 0;
    memset(server, 0, sizeof *server);
    server->amt = &amt;
    server->images[IDER_FLOPPY] = ider_image_open(floppy_path, IDER_FLOPPY, writable, &error);
    g_assert_no_error(error);
    server->images[IDER_CD] = ider_image_open(cd_path, IDER_CD, FALSE, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < 2; i++)
        server->drives[i] = (IderDrive){.kind = (IderKind)i,
                                        .size = ider_image_size(server->images[i]),
                                        .writable = i == IDER_FLOPPY && writable};
    says("41 00 00 00 00 00 00 00 01 00 0C 00 00 00 00 00 00 20 00 10 00 00 00 00 00 57 01 00 00 "
         "00");
    says("49 00 00 00 00 00 00 00 03 01 00 00 00");
    g_assert_true(amt_ider_begin(server, NULL, IDER_NOW, &error));
    g_assert_no_error(error);
    g_byte_array_set_size(session.out, 0);
}

static void
end(IderServer *server)
{
    amt_ider_end(server);
    ider_image_close(server->images[IDER_FLOPPY]);
    ider_image_close(server->images[IDER_CD]);
    g_byte_array_unref(session.in);
    g_byte_array_unref(session.out);
}

static void
step(IderServer *server)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(amt_ider_step(server, 1000, &error));
    g_assert_no_error(error);
}

static void
step_fails(IderServer *server, PosternError code, const char *part)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(amt_ider_step(server, 1000, &error));
    g_assert_error(error, POSTERN_ERROR, (gint)code);
    if (strstr(error->message, part) == NULL)
        g_error("\"%s\" is not in \"%s\"", part, error->message);
}

/* What was sent since the last look: opcode and sense key of each 51, length and mark of each 54. */
static char *
sent(void)
{
    GString *text = g_string_new(NULL);
    const guint8 *at = session.out->data;
    const guint8 *last = at + session.out->len;

    while (at < last) {
        guint16 length = amt_get_u16(at + 9);
        g_string_append_printf(text, " %02X", at[0]);
        switch (at[0]) {
        case 0x51:
            g_string_append_printf(text, ":%X/%02X", at[28], at[29]);
            at += 31;
            break;
        case 0x52:
            g_string_append_printf(text, ":%u", length);
            at += 31;
            break;
        case 0x54:
            g_string_append_printf(text, ":%u%s", length, (at[3] & 2) != 0 ? "!" : "");
            at += 34 + length;
            break;
        case 0x48:
            at += 13;
            break;
        default:
            at += 8;
            break;
        }
    }
    g_assert_true(at == last);
    g_byte_array_set_size(session.out, 0);
    return g_string_free(text, FALSE);
}

static void
expect_sent(const char *expected)
{
    g_autofree char *found = sent();

    g_assert_cmpstr(found, ==, expected);
}

/* ---- tests ---- */

static void
test_pieces(void)
{
    IderServer server;
    const guint8 *at;

    begin(&server, FALSE);
    commands("B0", "28 00 00 00 00 00 00 00 0B 00 00 00"); /* 22 KiB, in pieces of 8 */
    step(&server);
    at = session.out->data;
    for (guint i = 0; i < 22; i++) /* the image counts its KiB */
        g_assert_cmpuint(at[34 * (i / 8 + 1) + 1024 * i], ==, i);
    g_assert_cmpuint(amt_get_u32(at + 4), ==, 2);
    g_assert_cmpuint(amt_get_u32(at + 34 + 8192 + 4), ==, 3);
    expect_sent(" 54:8192 54:8192 54:6144!");
    commands("A0", "28 00 00 00 0B 3F 00 00 01 00 00 00");
    step(&server);
    expect_sent(" 54:512!");
    g_assert_cmpuint(server.counts.read, ==, 22 * 1024 + 512);
    g_assert_cmpuint(server.counts.last_block, ==, 2879);
    commands("A0", "28 00 00 00 0B 3F 00 00 02 00 00 00");
    step(&server);
    expect_sent(" 51:5/21");
    g_assert_cmpuint(server.counts.errors, ==, 1);
    end(&server);
}

/* More than goes out at once. */
static void
test_large(void)
{
    IderServer server;
    g_autofree char *text = NULL;

    begin(&server, FALSE);
    commands("A0", "28 00 00 00 00 00 00 0B 40 00 00 00");
    step(&server);
    text = sent();
    g_assert_true(g_str_has_suffix(text, " 54:8192!"));
    g_assert_cmpuint(strlen(text), ==, 180 * strlen(" 54:8192") + 1);
    end(&server);
}

static void
test_medium(void)
{
    IderServer server;

    begin(&server, FALSE);
    server.drives[IDER_CD].changed = TRUE;
    for (guint i = 0; i < 2; i++) {
        commands("B0", "00 00 00 00 00 00 00 00 00 00 00 00");
        step(&server);
    }
    expect_sent(" 51:6/28 51:0/00");
    says("46 00 00 00 00 00 00 00 03");
    commands("B0", "00 00 00 00 00 00 00 00 00 00 00 00");
    step(&server);
    step(&server);
    expect_sent(" 47 51:6/28");
    g_assert_cmpuint(server.counts.errors, ==, 0);
    g_assert_cmpuint(server.counts.resets, ==, 1);
    end(&server);
}

static void
test_alive(void)
{
    IderServer server;

    begin(&server, FALSE);
    says("44 00 00 00 00 00 00 00");
    says("4B 00 00 00 00 00 00 00");
    says("45 00 00 00 00 00 00 00");
    says("4A 00 00 00 00 00 00 00 01 02 03");
    for (guint i = 0; i < 4; i++)
        step(&server);
    expect_sent(" 45 4B");
    g_assert_cmpuint(server.counts.errors, ==, 1);
    for (guint i = 0; i < 45; i++)
        step(&server); /* silence, a second each */
    step_fails(&server, POSTERN_ERROR_UNREACHABLE, "not even a heartbeat");
    end(&server);
    begin(&server, FALSE);
    amt_ider_end(&server);
    expect_sent(" 48 42");
    end(&server);
}

/* 53 with `count` bytes of 0x5A. */
static void
gives(guint count)
{
    g_autofree char *head =
        g_strdup_printf("53 00 00 00 00 00 00 00 00 %02X %02X 00 00 00", count & 0xFF, count >> 8);

    says(head);
    g_byte_array_set_size(session.in, session.in->len + count);
    memset(session.in->data + session.in->len - count, 0x5A, count);
}

static void
test_write(void)
{
    IderServer server;
    guint8 byte[2];

    begin(&server, TRUE);
    commands("A0", "2A 00 00 00 00 64 00 00 0A 00 00 00"); /* 5 KiB; asked for by 4 at most */
    gives(4096);
    gives(1000);
    gives(24);
    for (guint i = 0; i < 4; i++)
        step(&server);
    expect_sent(" 52:4096 52:1024 51:0/00");
    g_assert_cmpuint(server.counts.written, ==, 5120);
    g_assert_true(ider_image_read(server.images[IDER_FLOPPY], 110 * 512 - 1, byte, 2));
    g_assert_cmphex(byte[0], ==, 0x5A);
    g_assert_cmphex(byte[1], !=, 0x5A);
    /* given up by a reset, and by another command */
    commands("A0", "2A 00 00 00 00 64 00 00 01 00 00 00");
    says("46 00 00 00 00 00 00 00 03");
    gives(512);
    step(&server);
    step(&server);
    step_fails(&server, POSTERN_ERROR_PROTOCOL, "sent 512 bytes to write, and was asked for 0");
    end(&server);
    begin(&server, TRUE);
    commands("A0", "0A 00 00 64 01 00 00 00 00 00 00 00");
    gives(513);
    step(&server);
    step_fails(&server, POSTERN_ERROR_PROTOCOL, "sent 513 bytes to write, and was asked for 512");
    end(&server);
    begin(&server, FALSE);
    commands("A0", "2A 00 00 00 00 64 00 00 01 00 00 00");
    step(&server);
    expect_sent(" 51:7/27");
    end(&server);
}

static void
test_lies(void)
{
    IderServer server;

    begin(&server, FALSE);
    device_sequence = 7;
    says("44 00 00 00 00 00 00 00");
    step_fails(&server, POSTERN_ERROR_PROTOCOL, "has number 7, expected 2: something is lost");
    end(&server);
    begin(&server, FALSE);
    says("43 00 00 00 00 00 00 00");
    step_fails(&server, POSTERN_ERROR_UNREACHABLE, "has ended the storage session");
    g_byte_array_set_size(session.out, 0);
    amt_ider_end(&server);
    expect_sent(""); /* nothing is said to who has gone */
    end(&server);
    begin(&server, FALSE);
    says("41 00 00 00 00 00 00 00 01 00 0C 00 00 00 00 00 00 20 00 10 00 00 00 00 00 57 01 00 00 "
         "00");
    step_fails(&server, POSTERN_ERROR_PROTOCOL, "0x41 came in the middle of the session");
    end(&server);
    begin(&server, FALSE);
    says("49 00 00 00 00 00 00 00 03 00 00 00 00");
    step_fails(&server, POSTERN_ERROR_DEVICE, "does not let the drives appear");
    end(&server);
    begin(&server, FALSE);
    says("50 00 00 00 00 00 00 00 00 00 00 00 00 00 B0 EC 28 00 00 00 00 00 00 00 01 00 00 00");
    step(&server);
    expect_sent(" 51:5/20"); /* no packet command */
    end(&server);
}

/* Somebody cuts the file while it is served: the machine is told, and nobody else notices. */
static void
test_cut(void)
{
    IderServer server;

    begin(&server, FALSE);
    g_assert_cmpint(truncate(cd_path, 40 * 1024), ==, 0);
    commands("B0", "28 00 00 00 00 00 00 00 40 00 00 00");
    step(&server);
    expect_sent(" 54:8192 54:8192 54:8192 54:8192 54:8192 51:3/11");
    g_assert_cmpuint(server.counts.read, ==, 0);
    commands("B0", "28 00 00 00 00 00 00 00 01 00 00 00");
    step(&server);
    expect_sent(" 54:2048!");
    end(&server);
}

/* An image whose KiB are counted by their first byte. */
static char *
make_image(const char *name, guint kib, guint descriptor)
{
    char *path = g_build_filename(folder, name, NULL);
    g_autofree guint8 *bytes = g_malloc0((gsize)kib * 1024);
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < kib; i++)
        bytes[i * 1024] = (guint8)i;
    if (descriptor != 0)
        memcpy(bytes + descriptor + 1, "CD001", 5);
    g_assert_true(g_file_set_contents(path, (const char *)bytes, (gssize)kib * 1024, &error));
    g_assert_no_error(error);
    return path;
}

int
main(int argc, char *argv[])
{
    int status;

    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("postern-ider-XXXXXX", NULL);
    floppy_path = make_image("floppy.img", 1440, 0);
    cd_path = make_image("cd.iso", 200, 16 * 2048);
    g_test_add_func("/ider/serve/pieces", test_pieces);
    g_test_add_func("/ider/serve/large", test_large);
    g_test_add_func("/ider/serve/medium", test_medium);
    g_test_add_func("/ider/serve/alive", test_alive);
    g_test_add_func("/ider/serve/write", test_write);
    g_test_add_func("/ider/serve/lies", test_lies);
    g_test_add_func("/ider/serve/cut", test_cut);
    status = g_test_run();
    g_remove(floppy_path);
    g_remove(cd_path);
    g_rmdir(folder);
    g_free(floppy_path);
    g_free(cd_path);
    g_free(folder);
    return status;
}
