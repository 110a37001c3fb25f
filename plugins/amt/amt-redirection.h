/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AMT_REDIRECTION_H
#define AMT_REDIRECTION_H

/*
 * amt-redirection.h - a session on the redirection port (16994, or 16995 with TLS): serial console, storage, KVM.
 *
 * One connection holds one session. All integers are little-endian. Behind the login each message is an opcode, three
 * bytes, a sequence number of 32 bits and what the opcode says; a KVM session is raw RFB behind its first answer.
 */
#include "amt.h"

typedef enum { AMT_SESSION_SOL, AMT_SESSION_IDER, AMT_SESSION_KVM } AmtSessionKind;
typedef struct AmtSession AmtSession;

enum {
    AMT_OP_START = 0x10,
    AMT_OP_START_REPLY = 0x11,
    AMT_OP_END = 0x12,
    AMT_OP_LOGIN = 0x13,
    AMT_OP_LOGIN_REPLY = 0x14,
    AMT_OP_SOL_START = 0x20,
    AMT_OP_SOL_START_REPLY = 0x21,
    AMT_OP_SOL_END = 0x22,
    AMT_OP_SOL_END_REPLY = 0x23,
    AMT_OP_SOL_PING = 0x24,
    AMT_OP_SOL_PONG = 0x25,
    AMT_OP_SOL_SETTINGS = 0x27,
    AMT_OP_SOL_TO_HOST = 0x28,
    AMT_OP_SOL_CONTROLS = 0x29,
    AMT_OP_SOL_FROM_HOST = 0x2A,
    AMT_OP_SOL_HEARTBEAT = 0x2B,
    AMT_OP_OPEN = 0x40, /* IDER and KVM, each with its own layout */
    AMT_OP_OPEN_REPLY = 0x41,
    AMT_OP_IDER_CLOSE = 0x42,
    AMT_OP_IDER_CLOSE_REPLY = 0x43,
    AMT_OP_IDER_PING = 0x44,
    AMT_OP_IDER_PONG = 0x45,
    AMT_OP_IDER_RESET = 0x46,
    AMT_OP_IDER_RESET_REPLY = 0x47,
    AMT_OP_IDER_FEATURES = 0x48,
    AMT_OP_IDER_FEATURES_REPLY = 0x49,
    AMT_OP_IDER_ERROR = 0x4A,
    AMT_OP_IDER_HEARTBEAT = 0x4B,
    AMT_OP_IDER_COMMAND = 0x50,
    AMT_OP_IDER_COMMAND_END = 0x51,
    AMT_OP_IDER_WANT_DATA = 0x52,
    AMT_OP_IDER_FROM_HOST = 0x53,
    AMT_OP_IDER_TO_HOST = 0x54
};

/* No message from a device is longer: 64 KiB of data behind 14 bytes of header, the largest that a length field can say. */
enum { AMT_MESSAGE_MOST = 65535 + 14, AMT_LOGIN_MOST = 4096, AMT_TEXT_MOST = 255 };

/* ---- amt-redirection-message.c: bytes in, messages out; touches nothing else ---- */

/* One message of a device. Bytes are borrowed from what was parsed. */
typedef struct {
    guint8 opcode;
    guint8 status;       /* byte 1; 0 is success */
    guint8 method;       /* byte 4 of AMT_OP_LOGIN_REPLY */
    guint32 sequence;    /* 0 below AMT_OP_SOL_START */
    const guint8 *bytes; /* all of it */
    gsize length;
    const guint8 *data; /* what the opcode carries behind its header; see data_length */
    gsize data_length;
} AmtMessage;

/* How many bytes the first message of `bytes` has; 0: it is not there whole yet; -1 with PROTOCOL: no device says that
 * in a session of this kind. */
gssize amt_message_parse(
    AmtSessionKind kind, const guint8 *bytes, gsize length, AmtMessage *message, GError **error);

/* The next text with a length byte at `*at`, newly allocated, NULL when it is cut or holds a zero byte; moves on. */
char *amt_message_text(const guint8 **at, const guint8 *end);

/* The beginning of a foreign text, for messages: valid, also where it is cut. Newly allocated. */
char *amt_excerpt(const char *text, gsize most);

void amt_put_u16(GByteArray *out, guint16 value);
void amt_put_u32(GByteArray *out, guint32 value);
guint16 amt_get_u16(const guint8 *bytes);
guint32 amt_get_u32(const guint8 *bytes);

/* The eight bytes that most messages of a session begin with. */
void amt_put_header(GByteArray *out, guint8 opcode, guint32 sequence);

/* ---- amt-redirection-login.c ---- */

/* The body of the login message with an answer to `realm`, `nonce` and `qop` ("" or NULL: method 3, without). */
GByteArray *amt_login_answer(const char *user,
                             const char *password,
                             const char *realm,
                             const char *nonce,
                             const char *cnonce,
                             const char *nc,
                             const char *qop);

/* The whole login of a session that has been started. AUTH: the device refused this account. Suspends. */
gboolean
amt_session_login(AmtSession *session, const char *user, const char *password, GError **error);

/* ---- amt-redirection.c: the session itself; every function here suspends ---- */

/*
 * Look whether the device offers the session (and switch it on when the parameter "enable" says so), connect, start,
 * log in. Errors: CONFLICT: switched off; CONSENT: somebody at the machine must agree; BUSY: another session of this kind
 * is open; REFUSED, TIMEOUT, TLS, ...: as PosternStreamSvc.connect(); AUTH.
 */
AmtSession *amt_session_open(
    const Amt *amt, PosternRun *run, GVariant *params, AmtSessionKind kind, GError **error);

/* The next whole message, valid until the next call on this session. TIMEOUT when none came whole within `timeout_ms`
 * (negative: until the run ends): what came so far is kept. UNREACHABLE when the device has closed. One stack at a time. */
gboolean
amt_session_read(AmtSession *session, AmtMessage *message, gint64 timeout_ms, GError **error);

/* Raw bytes, for KVM: at least one and at most `length`; 0: the device has closed its half; -1: error. */
gssize amt_session_read_some(
    AmtSession *session, void *buffer, gsize length, gint64 timeout_ms, GError **error);
/* Exactly `length` raw bytes. */
gboolean amt_session_read_exactly(
    AmtSession *session, void *buffer, gsize length, gint64 timeout_ms, GError **error);

/* All of it. May be called while another stack reads; several stacks that write take turns. */
gboolean amt_session_write(AmtSession *session, gconstpointer bytes, gsize length, GError **error);
/* The number for the next message that carries one. Take it right before the write, without suspending in between. */
guint32 amt_session_sequence(AmtSession *session);
/* A message that is nothing but a header with the next sequence number. */
gboolean amt_session_send_bare(AmtSession *session, guint8 opcode, GError **error);

/* As PosternStreamSvc.info(). The caller's. */
GVariant *amt_session_info(AmtSession *session);
const Amt *amt_session_amt(const AmtSession *session);
PosternRun *amt_session_run(const AmtSession *session);

/* Close the connection from another stack: whoever reads or writes fails. The session still needs amt_session_close(). */
void amt_session_hang_up(AmtSession *session);

/* Say good-bye and close. Accepts NULL. */
void amt_session_close(AmtSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AmtSession, amt_session_close)

/* Parameters of every task with a session, beside AMT_COMMON_PARAMS. */
/* clang-format off */
#define AMT_SESSION_PARAMS                                                                                    \
    POSTERN_FIELD_ITEM(.name = "enable", .type = "b", .fallback = "false",                                    \
                       .summary = "switch on what the session needs, if it is off"),                          \
    AMT_COMMON_PARAMS
/* clang-format on */

/* ---- amt-redirection-ready.c ---- */

/* FALSE unless the device has the session switched on, its listener too, and nobody has to agree first. */
gboolean amt_session_ready(
    const Amt *amt, PosternRun *run, GVariant *params, AmtSessionKind kind, GError **error);

#endif /* AMT_REDIRECTION_H */
