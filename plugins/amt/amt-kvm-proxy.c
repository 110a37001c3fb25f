/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amt.kvm.proxy: a port of ours that any VNC viewer can use, and behind it the device's KVM session.
 *
 * Only the handshake is ours, on both sides: the viewer gives a password to us, we log in to the device. From the viewer's
 * ClientInit on, bytes pass unchanged. Each side is read only when the other has taken what came before.
 */
#include "amt-kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>
#include <unistd.h>

enum {
    BLOCK = 16384,
    HANDSHAKE_MS = 30000, /* for the viewer's part of it: people type passwords */
    WRITE_MS = 60000,     /* a viewer that takes nothing for so long is gone */
    FAILURES_MOST = 10,
    FAILURE_MS = 1000,
    OWNER_ONLY = 0600
};

typedef struct {
    const Amt *amt;
    PosternRun *run;
    GVariant *params;
    PosternListener *listener;
    char password[RFB_PASSWORD_MOST + 1];
    gboolean open;       /* without a password */
    char *password_file; /* NULL: it was given to us */
    guint viewers, failures;
    guint64 to_viewer, from_viewer;
    /* of the viewer that is connected */
    PosternStream *viewer;
    gint64 deadline; /* monotonic: of its handshake */
    AmtKvm *kvm;
    const char *ended_by;
} Proxy;

/* ---- the password ---- */

/* Letters and digits that people do not mix up: 54 of them, eight times. */
static gboolean
invent_password(char *password, GError **error)
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    const guint n = sizeof letters - 1, fair = 256 / n * n;

    for (guint i = 0; i < RFB_PASSWORD_MOST;) {
        guint8 byte;
        if (RAND_bytes(&byte, 1) != 1)
            return postern_fail(error, POSTERN_ERROR_INTERNAL, "there are no random numbers");
        if (byte < fair)
            password[i++] = letters[byte % n];
    }
    return TRUE;
}

/* For in_thread(). */
static gboolean
write_password(gpointer data, GCancellable *cancellable, GError **error)
{
    Proxy *proxy = data;
    g_autofree char *line = g_strconcat(proxy->password, "\n", NULL);
    gsize length = strlen(line);
    int fd;
    gboolean good;

    if (proxy->password_file == NULL) {
        g_mkdir_with_parents(g_get_user_runtime_dir(), 0700);
        proxy->password_file =
            g_build_filename(g_get_user_runtime_dir(), "postern-kvm-XXXXXX", NULL);
        fd = g_mkstemp_full(proxy->password_file, O_WRONLY | O_CLOEXEC, OWNER_ONLY);
    } else {
        fd = g_open(
            proxy->password_file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, OWNER_ONLY);
    }
    if (fd < 0) {
        postern_fail(error,
                     POSTERN_ERROR_BAD_PARAM,
                     "cannot create the file for the viewer's password, %s: %s",
                     proxy->password_file,
                     g_strerror(errno));
        g_clear_pointer(&proxy->password_file, g_free);
        OPENSSL_cleanse(line, length);
        return FALSE;
    }
    good = write(fd, line, length) == (gssize)length;
    good = close(fd) == 0 && good;
    OPENSSL_cleanse(line, length);
    return good || postern_fail(error,
                                POSTERN_ERROR_INTERNAL,
                                "cannot write the viewer's password to %s",
                                proxy->password_file);
}

/* Others than this machine's users must not find an open door. */
static gboolean
is_loopback(const char *address)
{
    g_autoptr(GInetAddress) parsed = g_inet_address_new_from_string(address);

    return parsed != NULL && g_inet_address_get_is_loopback(parsed);
}

static gboolean
choose_password(Proxy *proxy, GError **error)
{
    const char *given = params_string(proxy->params, "viewer-password");
    const char *file = params_string(proxy->params, "password-file");
    const char *address = params_string(proxy->params, "listen");

    proxy->open = params_bool(proxy->params, "no-password", FALSE);
    if (proxy->open && (given != NULL || file != NULL))
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "no-password goes with neither viewer-password nor password-file");
    if (proxy->open && !is_loopback(address))
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "no-password at %s would let everybody in: give a password, or listen "
                            "at 127.0.0.1",
                            address);
    if (given != NULL && (*given == '\0' || strlen(given) > RFB_PASSWORD_MOST))
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "the viewer's password has %" G_GSIZE_FORMAT
                            " bytes, expected 1 to 8: VNC reads no further",
                            strlen(given));
    if (proxy->open)
        return TRUE;
    if (given != NULL) {
        g_strlcpy(proxy->password, given, sizeof proxy->password);
        return TRUE;
    }
    proxy->password_file = g_strdup(file);
    return invent_password(proxy->password, error) &&
           proxy->amt->svc.run->in_thread(proxy->run, write_password, proxy, error);
}

/* ---- the viewer ---- */

static gboolean
read_viewer(gpointer data, void *buffer, gsize length, GError **error)
{
    Proxy *proxy = data;
    guint8 *at = buffer;

    while (length > 0) {
        gint64 left = (proxy->deadline - g_get_monotonic_time()) / 1000;
        gssize got = proxy->amt->svc.stream->read(proxy->viewer, at, length, MAX(left, 0), error);

        if (got == 0)
            return postern_fail(error, POSTERN_ERROR_UNREACHABLE, "the viewer has left");
        if (got < 0)
            return FALSE;
        at += got;
        length -= (gsize)got;
    }
    return TRUE;
}

static gboolean
write_viewer(gpointer data, gconstpointer bytes, gsize length, GError **error)
{
    Proxy *proxy = data;

    return proxy->amt->svc.stream->write(proxy->viewer, bytes, length, WRITE_MS, error);
}

static void
drop_viewer(Proxy *proxy)
{
    proxy->amt->svc.stream->close(g_steal_pointer(&proxy->viewer));
}

/* A viewer that does not get in is nothing to end for, until there are too many of them. */
static gboolean
turn_away(Proxy *proxy, const GError *why, GError **error)
{
    drop_viewer(proxy);
    if (proxy->amt->svc.run->cancelled(proxy->run))
        return proxy->amt->svc.run->sleep(proxy->run, 0, error); /* says why */
    postern_log(&proxy->amt->svc,
                proxy->run,
                G_LOG_LEVEL_MESSAGE,
                "a viewer was turned away: %s",
                why->message);
    if (!g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_AUTH))
        return TRUE;
    if (++proxy->failures >= FAILURES_MOST)
        return postern_fail(error,
                            POSTERN_ERROR_AUTH,
                            "viewers gave %u wrong passwords: somebody is guessing; look who uses "
                            "this machine",
                            proxy->failures);
    return proxy->amt->svc.run->sleep(proxy->run, FAILURE_MS, error);
}

/* Until a viewer knows the password. */
static gboolean
wait_for_viewer(Proxy *proxy, GError **error)
{
    const PosternStreamSvc *svc = proxy->amt->svc.stream;
    const RfbPeer peer = {read_viewer, write_viewer, proxy};

    while (TRUE) {
        g_autoptr(GError) why = NULL;

        proxy->viewer = svc->accept(proxy->listener, -1, error);
        if (proxy->viewer == NULL)
            return FALSE;
        proxy->deadline = g_get_monotonic_time() + HANDSHAKE_MS * G_TIME_SPAN_MILLISECOND;
        if (rfb_welcome(&peer, proxy->open ? NULL : proxy->password, &why))
            return TRUE;
        if (!turn_away(proxy, why, error))
            return FALSE;
    }
}

/* ---- bytes both ways ---- */

/* On a stack of its own. Ends when either side does, and makes the other stack end, too. */
static gboolean
pump_to_device(PosternRun *run, gpointer data, GError **error)
{
    Proxy *proxy = data;
    g_autofree guint8 *block = g_malloc(BLOCK);
    gssize got;

    while ((got = proxy->amt->svc.stream->read(proxy->viewer, block, BLOCK, -1, NULL)) > 0) {
        proxy->from_viewer += (guint64)got;
        if (!amt_kvm_write(proxy->kvm, block, (gsize)got, NULL))
            break;
    }
    if (proxy->ended_by == NULL)
        proxy->ended_by = got > 0 ? "device" : "viewer";
    amt_kvm_hang_up(proxy->kvm);
    return TRUE;
}

static void
pump_to_viewer(Proxy *proxy)
{
    g_autofree guint8 *block = g_malloc(BLOCK);
    gssize got;

    while ((got = amt_kvm_read_some(proxy->kvm, block, BLOCK, -1, NULL)) > 0) {
        proxy->to_viewer += (guint64)got;
        if (!write_viewer(proxy, block, (gsize)got, NULL))
            break;
    }
    if (proxy->ended_by == NULL)
        proxy->ended_by = got > 0 ? "viewer" : "device";
}

/* One viewer, from its ClientInit on. FALSE: the device did not let us in, or the run is to end. */
static gboolean
serve(Proxy *proxy, GError **error)
{
    static const guint8 shared = 1;
    const PosternRunSvc *svc = proxy->amt->svc.run;
    PosternStrand *strand;
    g_autoptr(GError) why = NULL;

    proxy->ended_by = NULL;
    proxy->kvm = amt_kvm_open(proxy->amt, proxy->run, proxy->params, error);
    if (proxy->kvm == NULL || !amt_kvm_write(proxy->kvm, &shared, 1, error))
        return FALSE;
    proxy->viewers++;
    svc->progress(proxy->run, -1, "a viewer is connected");
    strand = svc->spawn(proxy->run, pump_to_device, proxy, error);
    if (strand == NULL)
        return FALSE;
    pump_to_viewer(proxy);
    amt_kvm_hang_up(proxy->kvm);
    proxy->amt->svc.stream->close(proxy->viewer); /* wakes the other stack up */
    proxy->viewer = NULL;
    svc->join(strand, NULL);
    return svc->sleep(proxy->run, 0, error); /* was it ended from outside? */
}

/* ---- the run ---- */

static gboolean
tell(Proxy *proxy, GError **error)
{
    g_autoptr(GVariant) info = proxy->amt->svc.stream->listener_info(proxy->listener);
    const char *address = params_string(info, "address");
    guint32 port = params_uint(info, "port", 0);
    g_autofree char *words =
        g_strdup_printf("waiting for a VNC viewer at %s port %u%s%s",
                        address,
                        port,
                        proxy->open                    ? ", without a password"
                        : proxy->password_file != NULL ? ", whose password is in "
                                                       : "",
                        proxy->password_file != NULL ? proxy->password_file : "");
    PosternResult row;

    proxy->amt->svc.run->progress(proxy->run, -1, words);
    proxy->amt->svc.run->log(proxy->run, G_LOG_LEVEL_MESSAGE, words);
    result_begin(&row);
    result_string(&row, "address", address);
    result_uint(&row, "port", port);
    result_string(&row, "password-file", proxy->password_file);
    return proxy->amt->svc.run->row(proxy->run, result_end(&row), error);
}

static gboolean
serve_all(Proxy *proxy, GError **error)
{
    const gboolean once = params_bool(proxy->params, "once", TRUE);

    do {
        if (!wait_for_viewer(proxy, error))
            return FALSE;
        if (once) /* nobody else is to wait in vain */
            proxy->amt->svc.stream->close_listener(g_steal_pointer(&proxy->listener));
        if (!serve(proxy, error))
            return FALSE;
        g_clear_pointer(&proxy->kvm, amt_kvm_close);
    } while (!once);
    return TRUE;
}

/* The device is asked first, so that nobody is invited to what cannot be. */
static gboolean
begin(Proxy *proxy, GError **error)
{
    if (!params_bool(proxy->params, "port-5900", FALSE) &&
        !amt_session_ready(proxy->amt, proxy->run, proxy->params, AMT_SESSION_KVM, error))
        return FALSE;
    if (!choose_password(proxy, error))
        return FALSE;
    proxy->listener = proxy->amt->svc.stream->listen(proxy->run,
                                                     params_string(proxy->params, "listen"),
                                                     params_uint(proxy->params, "port", 0),
                                                     NULL,
                                                     error);
    return proxy->listener != NULL && tell(proxy, error);
}

static void
proxy_clear(Proxy *proxy)
{
    const PosternStreamSvc *svc = proxy->amt->svc.stream;

    g_clear_pointer(&proxy->kvm, amt_kvm_close);
    svc->close(proxy->viewer);
    if (proxy->listener != NULL)
        svc->close_listener(proxy->listener);
    if (proxy->password_file != NULL)
        g_unlink(proxy->password_file);
    OPENSSL_cleanse(proxy->password, sizeof proxy->password);
    g_free(proxy->password_file);
}

static GVariant *
run_proxy(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    Proxy proxy = {.amt = self, .run = run, .params = params};
    gboolean good = begin(&proxy, error) && serve_all(&proxy, error);
    PosternResult result;

    proxy_clear(&proxy);
    if (!good)
        return NULL;
    result_begin(&result);
    result_uint(&result, "viewers", proxy.viewers);
    result_string(&result, "ended-by", proxy.ended_by);
    result_uint64(&result, "bytes-to-viewer", proxy.to_viewer);
    result_uint64(&result, "bytes-from-viewer", proxy.from_viewer);
    return result_end(&result);
}

/* clang-format off */
static const PosternField *const params[] = {
    POSTERN_FIELD_ITEM(.name = "listen", .type = "s", .format = "ipaddr", .fallback = "'127.0.0.1'",
                       .summary = "address of this machine to listen at; there is no TLS towards the viewer"),
    POSTERN_FIELD_ITEM(.name = "port", .type = "u", .fallback = "0", .summary = "port to listen at; 0: any that is free"),
    POSTERN_FIELD_ITEM(.name = "once", .type = "b", .fallback = "true", .summary = "end when the viewer leaves; else wait for the next one"),
    POSTERN_FIELD_ITEM(.name = "viewer-password", .type = "s", .flags = POSTERN_FIELD_SECRET,
                       .summary = "what the viewer must give, at most 8 characters; without it one is made up for this run"),
    POSTERN_FIELD_ITEM(.name = "password-file", .type = "s", .format = "file",
                       .summary = "new file for the password that is made up, which goes with the run; without it one is made in the user's runtime folder"),
    POSTERN_FIELD_ITEM(.name = "no-password", .type = "b", .fallback = "false",
                       .summary = "let in every user of this machine; only at a loopback address"),
    AMT_KVM_PARAMS,
    NULL,
};

static const PosternField *const rows[] = {
    POSTERN_FIELD_ITEM(.name = "address", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "where to point the viewer"),
    POSTERN_FIELD_ITEM(.name = "port", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "its port"),
    POSTERN_FIELD_ITEM(.name = "password-file", .type = "s", .summary = "where the password is that was made up"),
    NULL,
};

static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "viewers", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "how many were connected, one after another"),
    POSTERN_FIELD_ITEM(.name = "ended-by", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "viewer or device"),
    POSTERN_FIELD_ITEM(.name = "bytes-to-viewer", .type = "t", .flags = POSTERN_FIELD_REQUIRED, .summary = "behind the handshake"),
    POSTERN_FIELD_ITEM(.name = "bytes-from-viewer", .type = "t", .flags = POSTERN_FIELD_REQUIRED, .summary = "behind the handshake"),
    NULL,
};

const PosternTask amt_kvm_proxy_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_SERVICE,
    .version = 1,
    .id = "amt.kvm.proxy",
    .summary = "let a VNC viewer on this machine show and steer the machine",
    .details = "Listens, tells where in a row and in the log, and connects the viewer that gives the password to the device's KVM session, "
               "logged in with the device's account. One viewer at a time; AMT has but one session anyhow. A viewer must be content with 16 or 8 bits "
               "of colour: the firmware ends sessions that ask for more. Ends with its viewer, or when it is cancelled. Before it listens: "
               "CIM_KVMRedirectionSAP, AMT_RedirectionService, IPS_OptInService. Least realm: Redirection.",
    .params = params,
    .outputs = outputs,
    .rows = rows,
    .credentials = amt_kvm_credentials,
    .run = run_proxy,
};
/* clang-format on */
