/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postern-plugin.h - the contract between the postern host and one plugin.
 *
 * There is nothing to link against: a plugin exports one function that returns static tables, and reaches
 * the host through the tables of functions that the host hands in. sdk/README.md teaches it by example.
 *
 * Rules that hold everywhere in this file:
 *
 *  (1) Every struct starts with its size and only ever grows at its end. A table is valid if its size
 *      reaches as far as the members of version 1.0.
 *  (2) Each side reads no more of a struct than the size its maker stated.
 *  (3) A member marked "since 1.N" with N > 0 is used only after POSTERN_CAN (table, member).
 *  (4) To change or remove a member is a new major version, hence a new entry symbol.
 *  (5) Lists are NULL-ended arrays of pointers. A NULL list is an empty list.
 *  (6) Strings are UTF-8. What a function takes as `const` stays the caller's; what it returns as `const`
 *      stays the callee's and is valid as long as the object it was asked of, unless it says otherwise.
 *      What it returns without `const` is the caller's to free.
 *  (7) A function with a `GError **error` sets it exactly when it returns NULL, FALSE or a negative number.
 *      Its domain is POSTERN_ERROR; errors of GIO passed on by a plugin are translated by the host.
 *
 * Thread marks, one on every function:
 *
 *  [task]  called on the stack of a run (or of a strand it spawned). The host may suspend that stack
 *          inside the call and run others meanwhile, on the same thread. Unless it says "suspends", a
 *          function returns at once. Never call it from in_thread() code, from a GIO callback or from a
 *          thread of your own.
 *  [main]  called by the host on its main thread, one call at a time; must return within 50 ms.
 *  [any]   any thread, any time between create() and destroy().
 */
#ifndef POSTERN_PLUGIN_H
#define POSTERN_PLUGIN_H

#include <gio/gio.h>
#include <stddef.h>

G_BEGIN_DECLS

#define POSTERN_ABI_MAJOR 1u
#define POSTERN_ABI_MINOR 1u
#define POSTERN_MAGIC     0x504f5354u /* "POST" */
#define POSTERN_EXPORT    __attribute__((visibility("default")))

/* True if `table` is there, reaches as far as `member`, and has it filled in. */
#define POSTERN_CAN(table, member)                                                                 \
    ((table) != NULL &&                                                                            \
     (table)->size >= offsetof(__typeof__(*(table)), member) + sizeof((table)->member) &&          \
     (table)->member != NULL)

/* ---------------------------------------------------------------------------------------------- */
/* Handles: made by the host, opaque to plugins                                                   */
/* ---------------------------------------------------------------------------------------------- */

typedef struct PosternRun PosternRun;               /* one execution of a task on one target */
typedef struct PosternAwait PosternAwait;           /* one pending GIO-style call */
typedef struct PosternStrand PosternStrand;         /* a further stack inside a run */
typedef struct PosternCredential PosternCredential; /* one login; holds secrets */
typedef struct PosternHttp PosternHttp;             /* an HTTP conversation with one device */
typedef struct PosternHttpReply PosternHttpReply;   /* one answer of it */
typedef struct PosternStream PosternStream;         /* a byte stream, plain or TLS */
typedef struct PosternListener PosternListener;     /* waits for streams to come in */
typedef struct PosternDatagram PosternDatagram;     /* a UDP socket */

/* ---------------------------------------------------------------------------------------------- */
/* Errors                                                                                         */
/* ---------------------------------------------------------------------------------------------- */

/*
 * Why a run did not succeed. The numbers are fixed; each has a word that scripts read (after the colon) and
 * `postern explain WORD` says what it means and what to do. Messages are lower case without a full stop and
 * say what was tried, on what, what was found and what was expected.
 */
typedef enum {
    POSTERN_ERROR_INTERNAL = 0,         /* internal: a bug in host or plugin */
    POSTERN_ERROR_UNRESOLVED = 1,       /* unresolved: the name has no address */
    POSTERN_ERROR_UNREACHABLE = 2,      /* unreachable: no route, or the connection was cut */
    POSTERN_ERROR_REFUSED = 3,          /* refused: the machine answers, the port does not */
    POSTERN_ERROR_TIMEOUT = 4,          /* timeout: no answer within the time allowed */
    POSTERN_ERROR_TLS = 5,              /* tls: handshake failed, or the certificate is not the wanted one */
    POSTERN_ERROR_NOT_DETECTED = 6,     /* not-detected: something answers, but not this technology */
    POSTERN_ERROR_NOT_PROVISIONED = 7,  /* not-provisioned: it is there and not set up */
    POSTERN_ERROR_AUTH = 8,             /* auth: no credential, or all were refused */
    POSTERN_ERROR_FORBIDDEN = 9,        /* forbidden: logged in, but without the right to this */
    POSTERN_ERROR_NOT_SUPPORTED = 10,   /* not-supported: this model or firmware cannot do it */
    POSTERN_ERROR_CONSENT = 11,         /* consent: the user at the machine must agree first */
    POSTERN_ERROR_BUSY = 12,            /* busy: the device or the host is at its limit; later may work */
    POSTERN_ERROR_DEVICE = 13,          /* device: the device said no, with its own code (see note()) */
    POSTERN_ERROR_PROTOCOL = 14,        /* protocol: the answer makes no sense */
    POSTERN_ERROR_BAD_PARAM = 15,       /* bad-param: a parameter is missing or not acceptable */
    POSTERN_ERROR_CONFLICT = 16,        /* conflict: the present state does not allow it */
    POSTERN_ERROR_CANCELLED = 17,       /* cancelled: by the user, the host or a parent run */
} PosternError;

/* The domain of all of them. [any] */
#define POSTERN_ERROR (g_quark_from_static_string("postern-error-quark"))

/* ---------------------------------------------------------------------------------------------- */
/* How a plugin describes itself: static const data                                               */
/* ---------------------------------------------------------------------------------------------- */

typedef enum {
    POSTERN_FIELD_REQUIRED = 1 << 0, /* must be given; such a field has no fallback */
    POSTERN_FIELD_SECRET = 1 << 1,   /* never logged, recorded, printed or put in results */
} PosternFieldFlags;

/* One parameter, output, credential field or configuration key. */
typedef struct {
    guint32 size;               /* sizeof (PosternField) as the plugin knows it */
    guint32 flags;              /* PosternFieldFlags */
    const char *name;           /* "timeout-ms": lower case, digits and '-'; starts with a letter */
    const char *type;           /* GVariant type: "s" "b" "u" "i" "t" "x" "d" "as" "a{sv}" "aa{sv}" ... */
    const char *format;         /* refines the type: "host", "ipaddr", "mac", "guid", "port", "file", "ms",
                                   "bytes", "datetime" (RFC 3339), "xml", or NULL */
    const char *fallback;       /* default in GVariant text form ("'auto'", "true", "30"), or NULL: none;
                                   an absent optional field without a fallback is not in the dictionary */
    const char *const *choices; /* closed set of values of a field of type "s", or NULL: any */
    const char *summary;        /* one line for help and manual, lower case, no full stop */
} PosternField;

typedef enum {
    POSTERN_TASK_READ_ONLY = 1 << 0,  /* changes nothing on the target */
    POSTERN_TASK_DISRUPTIVE = 1 << 1, /* may cut power, network or access: the command asks first */
    POSTERN_TASK_IDEMPOTENT = 1 << 2, /* doing it twice is doing it once: the host may try again */
    POSTERN_TASK_PROBE = 1 << 3,      /* tells what is there; cheap, no login needed */
    POSTERN_TASK_SERVICE = 1 << 4,    /* runs until cancelled (listeners); no time-out, no target needed */
    POSTERN_TASK_NO_TARGET = 1 << 5,  /* works on the host itself: run->host() is NULL */
} PosternTaskFlags;

/* One task. */
typedef struct {
    guint32 size;                       /* sizeof (PosternTask) */
    guint32 flags;                      /* PosternTaskFlags */
    guint32 version;                    /* counts changes of parameters or outputs that a script would notice; from 1 */
    guint32 timeout_ms;                 /* of one run; 0: the host's default */
    const char *id;                     /* "amt.power.get": PLUGIN.NOUN.VERB; never reused for another meaning */
    const char *summary;                /* one line */
    const char *details;                /* paragraphs for the manual, or NULL */
    const PosternField *const *params;  /* what it takes; checked by the host before run() */
    const PosternField *const *outputs; /* what it returns; checked by the host after run() */
    const PosternField *const *rows;    /* what each partial result holds (PosternRunSvc.row), or NULL: none */
    const char *const *credentials;     /* ids of credential types it can work with, best first */
    /*
     * [task] Do it. Runs on a stack of its own (256 KiB, guarded), possibly beside other runs of the same
     * task on other threads. A call into the host may suspend it; nothing else in it may block: hand
     * blocking code to PosternRunSvc.in_thread.
     *  `params` is a{sv}: checked, complete with fallbacks, the host's, valid until return.
     *  `self`   is what create() returned.
     * Returns a{sv} with the documented outputs (floating is fine), or NULL with `error` set. Cancellation
     * and time-out arrive as an error from the host call in progress: clean up and pass it on.
     */
    GVariant *(*run)(PosternRun *run, GVariant *params, gpointer self, GError **error);
} PosternTask;

/* One kind of login. The host keeps, asks for and hands out credentials of it; the plugin only uses them. */
typedef struct {
    guint32 size;                      /* sizeof (PosternCredentialType) */
    guint32 flags;                     /* none yet: 0 */
    const char *id;                    /* "amt.digest": PLUGIN.KIND */
    const char *summary;               /* one line */
    const PosternField *const *fields; /* mark passwords and keys SECRET; a SECRET field has no fallback */
    const char *login;                 /* how PosternHttpSvc uses it: "digest" or "basic", from its fields "user"
                                          and "password"; NULL: it is not for HTTP */
} PosternCredentialType;

/* ---------------------------------------------------------------------------------------------- */
/* What the host offers: one table for each concern, fetched by id from PosternHost.service()     */
/* ---------------------------------------------------------------------------------------------- */

/* The run itself: its target, its progress, and everything a task may wait for. */
#define POSTERN_SVC_RUN "postern.run/1"
typedef struct {
    guint32 size;  /* sizeof (PosternRunSvc) as the host knows it */
    guint32 flags; /* none yet */

    /* [task] The target as the user named it ("lab-7:16993"), for messages. NULL: the task has none. */
    const char *(*target)(PosternRun *run);
    /* [task] The name or address to connect to, without port or brackets. NULL: the task has no target. */
    const char *(*host)(PosternRun *run);
    /* [task] The port named with the target; 0: none was, use the technology's own. */
    guint32 (*port)(PosternRun *run);

    /* [any] Say how far it is: `part` from 0 to 1 (negative: unknown), `words` what it does now. Cheap;
     * the host shows the latest. */
    void (*progress)(PosternRun *run, double part, const char *words);
    /* [task] Hand out one partial result, a{sv} as PosternTask.rows documents (may be floating). Suspends
     * while the reader is behind. FALSE when the run is cancelled. */
    gboolean (*row)(PosternRun *run, GVariant *row, GError **error);
    /* [task] Attach a field to the error this run may end with, as data for scripts: "device-code" u,
     * "device-code-name" s, "fault" s, "http-status" u ... A second note of that name replaces the first.
     * Ignored if the run succeeds. Takes a floating `value`. */
    void (*note)(PosternRun *run, const char *name, GVariant *value);
    /* [any] One line of the run's log; the host adds plugin, task and target, and masks secrets. */
    void (*log)(PosternRun *run, GLogLevelFlags level, const char *text);

    /* [any] TRUE once the run is to end, whatever caused it. */
    gboolean (*cancelled)(PosternRun *run);
    /* [task] Milliseconds until the run's time-out; G_MAXINT64 if it has none. */
    gint64 (*remaining_ms)(PosternRun *run);
    /* [task] Suspends for `ms` milliseconds. FALSE when the run is cancelled or times out meanwhile. */
    gboolean (*sleep)(PosternRun *run, guint32 ms, GError **error);

    /* [task] For calls of GIO and its like: fires when the run is to end. Borrowed, valid until run() returns. */
    GCancellable *(*cancellable)(PosternRun *run);
    /*
     * [task] Turns any asynchronous call in the manner of GIO into a synchronous line:
     *     PosternAwait *await = svc->await_new (run);
     *     g_file_read_async (file, prio, svc->cancellable (run), svc->await_ready, await);
     *     g_autoptr(GAsyncResult) result = svc->await_result (await, error);
     * The call's callback comes on the run's own main context, which is thread-default there. Each
     * await_new() needs exactly one await_result(), which takes the handle.
     */
    PosternAwait *(*await_new)(PosternRun *run);
    /* [any] Pass it as the callback, with the handle as its data. Called once. */
    GAsyncReadyCallback await_ready;
    /* [task] Suspends until await_ready was called. Returns the caller's reference. NULL when the run is
     * cancelled or times out first (the callback may still come later; the host sees to it). */
    GAsyncResult *(*await_result)(PosternAwait *await, GError **error);

    /* [task] Suspends until `fd`, the plugin's own, is ready for `events` (G_IO_IN, G_IO_OUT) or `timeout_ms`
     * have passed (negative: none but the run's own). Returns the events found, 0 at time-out, -1 with
     * `error` when the run is to end. For libraries that bring their own socket: such traffic is not
     * recorded, so say so in the plugin's README. */
    gint32 (*wait_fd)(PosternRun *run, gint32 fd, guint32 events, gint64 timeout_ms, GError **error);
    /* [task] Suspends while `fn (data, cancellable, error)` runs on a thread of the host's pool, where it may
     * block but must call nothing of the host. Returns what `fn` returned. The call does not return before
     * `fn` has, even when the run is cancelled: honour `cancellable`. */
    gboolean (*in_thread)(PosternRun *run,
                          gboolean (*fn)(gpointer data, GCancellable *cancellable, GError **error),
                          gpointer data,
                          GError **error);
    /* [task] Start `fn (run, data, error)` on a further stack of this run, on the same thread: it goes on
     * whenever this one is suspended. For copying both ways, or a listener's connections. Every strand
     * ends with its run: the host cancels and joins what is left when run() returns. At most 256 at a
     * time: NULL with BUSY beyond. */
    PosternStrand *(*spawn)(PosternRun *run,
                            gboolean (*fn)(PosternRun *run, gpointer data, GError **error),
                            gpointer data,
                            GError **error);
    /* [task] Suspends until the strand has ended; returns what its `fn` returned. Takes the handle. */
    gboolean (*join)(PosternStrand *strand, GError **error);
    /* [task] Id of the task that runs ("amt.power.get"), for code that many tasks share. Since 1.1. */
    const char *(*task)(PosternRun *run);
} PosternRunSvc;

/* Other tasks: the only way in which plugins use each other. */
#define POSTERN_SVC_TASKS "postern.tasks/1"
typedef struct {
    guint32 size, flags; /* as above */
    /*
     * [task] Run task `id` as a child and wait for it; suspends.
     *  `target` is another target, or NULL: the parent's own.
     *  `params` a{sv}, may be floating, or NULL: none.
     * The child shares cancellation, identity and credentials with its parent, is checked and limited like
     * any run, and its progress shows inside the parent's. Returns its result, the caller's, or NULL with
     * the child's error. NOT_SUPPORTED if no enabled plugin has the task; the message names the plugin.
     */
    GVariant *(*run)(PosternRun *parent, const char *id, const char *target, GVariant *params, GError **error);
} PosternTasksSvc;

/* Credentials, for technologies that log in by themselves. PosternHttpSvc does it for HTTP. */
#define POSTERN_SVC_CREDENTIALS "postern.credentials/1"
typedef struct {
    guint32 size, flags; /* as above */
    /*
     * [task] The next candidate of one of `types` (NULL: the task's own list) for this run's target, in the
     * host's order; each comes once in a run. May suspend. The caller's until release(). NULL with AUTH
     * when none is left; the error then lists every candidate and what became of it.
     */
    PosternCredential *(*next)(PosternRun *run, const char *const *types, GError **error);
    /* [task] Its credential type's id. */
    const char *(*type)(PosternCredential *credential);
    /* [task] How to call it in messages: the profile or option it came from. Holds no secret. */
    const char *(*label)(PosternCredential *credential);
    /* [task] One field of it, in text form; NULL: not set. Valid until release(). Do not copy secrets. */
    const char *(*peek)(PosternCredential *credential, const char *field);
    /* [task] It worked: the host learns it for this target. */
    void (*accepted)(PosternCredential *credential);
    /* [task] It did not, because of `why` (AUTH: the device refused it, which counts against lock-out;
     * anything else: it could not be tried). */
    void (*rejected)(PosternCredential *credential, const GError *why);
    /* [task] Give it back; the host wipes what it lent. Accepts NULL. */
    void (*release)(PosternCredential *credential);
    /* [task] One field, in text form, of the candidate that next() would give now, which stays untried by that: who will
     * log in, before anybody does. NULL: there is none, it has no such field, or that is secret. Valid until the next
     * call into the host. Since 1.1. */
    const char *(*foresee)(PosternRun *run, const char *const *types, const char *field);
} PosternCredentialSvc;

/*
 * Changing the password by which the run's own target is logged in to, so that at no moment one is in force that is
 * not stored: prepare(), change it on the device, try_first(), log in, in_force(), keep() or drop(). A run that ends
 * in between leaves the prepared login in the store, where later runs find it and try it behind those that are known
 * to work; the next prepare() finds out about it. Since 1.1.
 */
#define POSTERN_SVC_SECRETS "postern.secrets/1"
typedef struct {
    guint32 size, flags; /* as above */
    /*
     * [task] Store a login of `type` for the run's target, sealed, before this returns; suspends. `fields` is a{sv} of
     * strings, may be floating. A required secret field that is not among them is made up: 24 characters, with small
     * and capital letters, digits and marks of !#$%*+-.=?@^~ in it. Log in to the account that is to change before:
     * that tells what became of an earlier change that nobody ended. The caller's until release(). NULL with
     * NOT_SUPPORTED: this host keeps no logins; CONFLICT: another change has begun a moment ago and not ended.
     */
    PosternCredential *(*prepare)(PosternRun *run, const char *type, GVariant *fields, GError **error);
    /* [task] Conversations that are opened from now on log in with it first, then with the others, in their order. */
    void (*try_first)(PosternCredential *credential);
    /* [task] TRUE: it is the one that the device let in last. */
    gboolean (*in_force)(PosternCredential *credential);
    /* [task] It is in force: from now on it is the first to be tried at this machine, and at no other; suspends until
     * that is on the disk, and label() of it then names the place. FALSE with `error`: it is stored as before, and later runs find it all the same. */
    gboolean (*keep)(PosternCredential *credential, GError **error);
    /* [task] It is not in force, for the old one was let in: forget it; suspends. */
    gboolean (*drop)(PosternCredential *credential, GError **error);
    /* [task] Give it back, as in PosternCredentialSvc. Accepts NULL. */
    void (*release)(PosternCredential *credential);
    /* [task] `text` was made from a secret and is as good as one, such as a digest on its way to the device: until the run
     * ends it is masked in logs, errors, results and recordings, as secret parameters are. */
    void (*hide)(PosternRun *run, const char *text);
} PosternSecretsSvc;

typedef enum {
    POSTERN_HTTP_REPEATABLE = 1 << 0, /* safe to send again when a kept connection dies before the first byte of an answer */
} PosternHttpFlags;

/*
 * HTTP/1.1 with a device: one request after another over one kept connection. Requests to a device from
 * all runs go one at a time: firmware breaks under parallel ones (suspends until it is its turn).
 */
#define POSTERN_SVC_HTTP "postern.http/1"
typedef struct {
    guint32 size, flags; /* as above */
    /*
     * [task] Begin a conversation with the run's target. No traffic yet. `options` is a{sv}, may be
     * floating, or NULL:
     *   "host"         s   another host than the run's
     *   "port"         u   where plain HTTP is spoken; default 80
     *   "tls-port"     u   where TLS is spoken; default 443. A port named with the target replaces both;
     *                      whether it speaks TLS then follows from "tls" and from which of the two it equals
     *   "tls"          s   "require": TLS or nothing; "prefer" (default): TLS, else plain; "off": plain only.
     *                      "prefer" goes to plain only when the TLS port is refused or does not speak TLS,
     *                      never because a certificate is wrong
     *   "tls-ca-file"  s   PEM file of the roots that must have issued the certificate. Without it and
     *                      without a pin any certificate is taken, as device certificates are self-signed
     *   "tls-certificate-file" s, "tls-key-file" s  PEM: what to show to a device that asks for a certificate of ours
     *                      (mutual TLS); without the second the key is in the first
     *   "tls-pin"      s   SHA-256 of the wanted certificate, 64 hex digits, colons allowed
     *   "tls-legacy"   b   TRUE (default): when a modern handshake fails for its version or cipher, try once more as
     *                      old firmware needs it (TLS 1.0, weak ciphers, no secure renegotiation), for
     *                      this device only; what worked is remembered
     *   "credentials"  as  types to log in with when asked (401), tried in the host's order; default:
     *                      the task's list; empty: never log in, a 401 is an answer like others
     *   "timeout-ms"   u   for each step: connect, and each wait for bytes; default 10000
     *   "max-body"     u   largest answer accepted, in bytes; default 4 MiB
     */
    PosternHttp *(*open)(PosternRun *run, GVariant *options, GError **error);
    /*
     * [task] One request; suspends. `path` as in the request line ("/wsman"); `headers` is name, value,
     * name, value ... NULL, or NULL (Host, Content-Length, Connection and Authorization are the host's);
     * `body` may be NULL; `flags` PosternHttpFlags. Any status is an answer, except 401 after the last
     * credential: AUTH. An answer that is no HTTP: PROTOCOL. Cut after the request went out: UNREACHABLE,
     * with the note "sent" b TRUE: the device may have acted on it.
     */
    PosternHttpReply *(*request)(PosternHttp *http,
                                 const char *method,
                                 const char *path,
                                 const char *const *headers,
                                 GBytes *body,
                                 guint32 flags,
                                 GError **error);
    /* [task] About the connection last used, a{sv}, the caller's: "address" s, "port" u, "tls" b, "tls-version"
     * s, "tls-cipher" s, "tls-legacy" b, "certificate-sha256" s, "certificate-subject" s,
     * "certificate-issuer" s, "certificate-not-before" s, "certificate-not-after" s, "certificate-names" as (DNS names and
     * addresses it is for; its common name where it has none of them), "certificate-key" s ("rsaEncryption"),
     * "certificate-key-bits" u, "credential" s (label). Members not known are absent. */
    GVariant *(*peer)(PosternHttp *http);
    /* [task] End the conversation. The connection may be kept for the next one with the same device in
     * this run. Accepts NULL. */
    void (*close)(PosternHttp *http);

    /* [any] The status code. */
    guint32 (*status)(PosternHttpReply *reply);
    /* [any] The value of the first header of that name, any case; NULL: not sent. */
    const char *(*header)(PosternHttpReply *reply, const char *name);
    /* [any] The body, transfer coding undone; empty, never NULL. Borrowed. */
    GBytes *(*body)(PosternHttpReply *reply);
    /* [any] Accepts NULL. */
    void (*reply_free)(PosternHttpReply *reply);
} PosternHttpSvc;

/* Byte streams: redirection sessions, hello messages, tunnels. */
#define POSTERN_SVC_STREAM "postern.stream/1"
typedef struct {
    guint32 size, flags; /* as above */
    /*
     * [task] Connect to `host` (NULL: the run's target) and `port`; suspends. `options` a{sv}, may be floating, or
     * NULL: "tls" s "require" or "off" (default), "tls-ca-file", "tls-pin", "tls-certificate-file", "tls-key-file",
     * "tls-legacy", "timeout-ms" as in
     * PosternHttpSvc.open(); "tls-psk-identity" s and "tls-psk-hex" s for pre-shared keys (the latter secret).
     */
    PosternStream *(*connect)(PosternRun *run, const char *host, guint32 port, GVariant *options, GError **error);
    /* [task] Accept connections at `address` (NULL: 127.0.0.1) and `port` (0: any free one, see info()).
     * `options` as for connect(), and "certificate-file", "key-file" s (PEM) with "tls" "require". Closed
     * with the run at the latest. */
    PosternListener *(*listen)(PosternRun *run, const char *address, guint32 port, GVariant *options, GError **error);
    /* [task] The next connection; suspends. `timeout_ms` < 0: wait until the run ends. TIMEOUT when none came. */
    PosternStream *(*accept)(PosternListener *listener, gint64 timeout_ms, GError **error);
    /* [task] At least one and at most `length` bytes into `buffer`; suspends. 0: the other side has ended
     * its half. -1: error, TIMEOUT when nothing came within `timeout_ms` (negative: until the run ends). */
    gssize (*read)(PosternStream *stream, void *buffer, gsize length, gint64 timeout_ms, GError **error);
    /* [task] All of `data`; suspends. FALSE: error, an unknown part may have gone out. Once the run is to end, a few
     * writes still go out as far as that needs no waiting: enough to say good-bye to a device. */
    gboolean (*write)(PosternStream *stream, const void *data, gsize length, gint64 timeout_ms, GError **error);
    /* [task] a{sv}, the caller's: "address" s and "port" u of the peer, "local-port" u, and the TLS members of
     * PosternHttpSvc.peer(). */
    GVariant *(*info)(PosternStream *stream);
    /* [task] "address" s and "port" u it listens at. */
    GVariant *(*listener_info)(PosternListener *listener);
    /* [task] Close; accepts NULL. Left open, it is closed with the run. */
    void (*close)(PosternStream *stream);
    /* [task] The same for a listener. */
    void (*close_listener)(PosternListener *listener);
} PosternStreamSvc;

/* One sweep: the same datagram to many addresses, answers as they come. */
typedef struct {
    guint32 size;          /* sizeof (PosternSweep) */
    guint32 port;          /* destination */
    guint32 per_second;    /* datagrams a second; 0: the host's default of 2,000 */
    guint32 wait_ms;       /* how long to listen after the last one; 0: 1,000 */
    const char *first;     /* first IPv4 address, text */
    guint64 count;         /* how many addresses from there on */
    GBytes *payload;       /* what to send, at most 1,400 bytes */
} PosternSweep;

/* Datagrams: presence pings, RMCP, traps. At most 65,507 bytes each. */
#define POSTERN_SVC_DATAGRAM "postern.datagram/1"
typedef struct {
    guint32 size, flags; /* as above */
    /* [task] A UDP socket at `address` (NULL: any) and `port` (0: any free one). Closed with the run at the
     * latest. */
    PosternDatagram *(*open)(PosternRun *run, const char *address, guint32 port, GError **error);
    /* [task] Send one datagram to `host` (NULL: the run's target); may suspend to resolve the name. */
    gboolean (*send)(PosternDatagram *datagram, const char *host, guint32 port, GBytes *data, GError **error);
    /* [task] The next one to arrive; suspends. `from` (the caller's to free) and `from_port` may be NULL.
     * `timeout_ms` as in PosternStreamSvc.read(). */
    GBytes *(*receive)(PosternDatagram *datagram, gint64 timeout_ms, char **from, guint32 *from_port, GError **error);
    /* [task] Send and wait for the answer from that very address that `fits` accepts (NULL: any), sending
     * again `retries` times, `interval_ms` apart and doubling; suspends. TIMEOUT when none came. */
    GBytes *(*exchange)(PosternDatagram *datagram,
                        const char *host,
                        guint32 port,
                        GBytes *data,
                        guint32 retries,
                        guint32 interval_ms,
                        gboolean (*fits)(GBytes *answer, gpointer user_data),
                        gpointer user_data,
                        GError **error);
    /* [task] Send `sweep->payload` to each address, batched and paced, and call `answer` for each datagram that
     * comes from one of them (with its first address left as text, valid during the call); suspends.
     * Returns how many were sent, -1 with `error`. */
    gint64 (*sweep)(PosternDatagram *datagram,
                    const PosternSweep *sweep,
                    void (*answer)(const char *from, guint32 from_port, GBytes *data, gpointer user_data),
                    gpointer user_data,
                    GError **error);
    /* [task] Close; accepts NULL. */
    void (*close)(PosternDatagram *datagram);
} PosternDatagramSvc;

/* What is known of machines, for tasks that learn something or need it. */
#define POSTERN_SVC_INVENTORY "postern.inventory/1"
typedef struct {
    guint32 size, flags; /* as above */
    /*
     * [task] Report what was found out about the run's target, a{sv}, may be floating. Returns at once: what
     * becomes of it is the host's concern, and a host without memory forgets it. Identity, as far as it is
     * known, decides which machine it is, the first that is given: "uuid" s (RFC 4122 order), "mac" as, "fqdn"
     * s, "address" s (of the machine, not of a proxy). Other members are facts, named as collections ask for
     * them, "PLUGIN.WORD" or one of "power" s, "manufacturer", "model", "serial" s; values s, b, u, t, x or d.
     * What a device may not tell to everybody, secrets first, has no place in it.
     */
    void (*observe)(PosternRun *run, GVariant *facts);
    /* [task] What is known of the run's target, a{sv}, the caller's: "id" x, "name" s, and the members above,
     * each as it was last seen; and "seen" a{sx}, when each fact was, in microseconds since 1970. Empty: nothing. Suspends. */
    GVariant *(*known)(PosternRun *run);
} PosternInventorySvc;

/* Time that tests can move. */
#define POSTERN_SVC_CLOCK "postern.clock/1"
typedef struct {
    guint32 size, flags; /* as above */
    /* [any] Microseconds since 1970-01-01T00:00:00Z. In a replay: the recorded time. */
    gint64 (*real)(PosternRun *run);
    /* [any] Microseconds from an arbitrary start; never goes back. */
    gint64 (*monotonic)(PosternRun *run);
} PosternClockSvc;

/* The host, as a plugin sees it. */
typedef struct {
    guint32 size;             /* sizeof (PosternHost) as the host knows it */
    guint32 abi_major;        /* POSTERN_ABI_MAJOR of the host */
    guint32 abi_minor;        /* POSTERN_ABI_MINOR of the host */
    guint32 abi_minor_oldest; /* oldest minor whose plugins it still takes */
    const char *name;         /* "postern" */
    const char *version;      /* "0.1.0", for messages only: decide by ABI numbers and services */
    gpointer impl;            /* the host's own; pass it back */
    /* [any] The table with that id, valid until destroy() has returned; NULL: this host does not have it. */
    const void *(*service)(gpointer impl, const char *id);
    /* [any] One line of log that belongs to no run. */
    void (*log)(gpointer impl, GLogLevelFlags level, const char *text);
} PosternHost;

/* ---------------------------------------------------------------------------------------------- */
/* The plugin itself                                                                              */
/* ---------------------------------------------------------------------------------------------- */

typedef struct {
    guint32 magic;             /* POSTERN_MAGIC */
    guint32 size;              /* sizeof (PosternPlugin) */
    guint32 abi_major;         /* POSTERN_ABI_MAJOR it was built with */
    guint32 abi_minor;         /* POSTERN_ABI_MINOR it was built with */
    guint32 abi_minor_needed;  /* oldest host it can live with */
    guint32 flags;             /* none yet: 0 */
    const char *name;          /* "amt": its file is NAME.so, its ids start with "NAME." */
    const char *version;       /* its own, "1.2.3" */
    const char *license;       /* SPDX identifier */
    const char *summary;       /* one line */
    const char *origin;        /* who makes it: a name or a URL */
    const char *const *requires_services; /* service ids without which it is not loaded */
    const char *const *depends; /* "task:asf.ping": not loaded without it; "?task:asf.ping": can do without */
    const PosternField *const *config; /* keys of the [config] section of its file in plugins.d */
    const PosternTask *const *tasks;
    const PosternCredentialType *const *credential_types;

    /* [main] Come to life. `host` stays valid until destroy() has returned; `config` is a{sv}, checked and
     * complete like parameters, valid during the call. Returns `self`, or NULL with `error`: the plugin is
     * then listed as failed, with that reason. NULL member: `self` is NULL and nothing is configured. */
    gpointer (*create)(const PosternHost *host, GVariant *config, GError **error);
    /* [main] Take a new configuration while running. FALSE: refused, the old one stays in force. NULL member:
     * the host quiesces, destroys and creates anew instead. */
    gboolean (*reconfigure)(gpointer self, GVariant *config, GError **error);
    /* [main] No new runs will come; end soon what waits for long. NULL member: nothing to do. */
    void (*quiesce)(gpointer self);
    /* [main] The last call; no run is open. Join own threads here. NULL member: nothing to free. */
    void (*destroy)(gpointer self);
} PosternPlugin;

/*
 * The one exported symbol, found under the module's name so that plugins can also be linked into a program.
 * [main] Pure: no I/O, no thread, no GType, no allocation; the same pointer at each call. It may look at
 * `host` (NULL when it is only being listed) and return NULL to decline it.
 */
#define POSTERN_ENTRY_NAME "postern_plugin_v1"
typedef const PosternPlugin *(*PosternQueryFunc)(const PosternHost *host);

/* Define the entry of plugin `module`:  POSTERN_PLUGIN (amt) { return &amt_plugin; } */
#ifdef __cplusplus
#define POSTERN_PLUGIN_LINKAGE extern "C"
#else
#define POSTERN_PLUGIN_LINKAGE extern
#endif
#define POSTERN_PLUGIN(module)                                                                     \
    POSTERN_PLUGIN_LINKAGE POSTERN_EXPORT const PosternPlugin *module##_LTX_postern_plugin_v1(     \
        const PosternHost *host);                                                                  \
    const PosternPlugin *module##_LTX_postern_plugin_v1(const PosternHost *host)

G_END_DECLS

#endif /* POSTERN_PLUGIN_H */
