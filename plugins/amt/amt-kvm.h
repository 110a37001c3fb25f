/* SPDX-License-Identifier: Apache-2.0 */
/* What the tasks with a KVM session share: a way to the device's RFB server, over either of its ports. */
#ifndef AMT_KVM_H
#define AMT_KVM_H

#include "amt-redirection.h"
#include "amt-rfb.h"

extern const char *const amt_kvm_credentials[];

/* clang-format off */
#define AMT_KVM_PARAMS                                                                                        \
    POSTERN_FIELD_ITEM(.name = "port-5900", .type = "b", .fallback = "false",                                 \
                       .summary = "use the device's VNC port, which has no TLS, and a login of type amt.rfb"),\
    AMT_SESSION_PARAMS
/* clang-format on */

/* One RFB session with a device that has let us in; ClientInit is to come next. */
typedef struct AmtKvm AmtKvm;

/* As amt_session_open(); with "port-5900", nothing but that port is asked. Suspends, as all below. */
AmtKvm *amt_kvm_open(const Amt *amt, PosternRun *run, GVariant *params, GError **error);
void amt_kvm_close(AmtKvm *kvm); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AmtKvm, amt_kvm_close)

/* From now on, whatever is read through the peer must be there `ms` milliseconds from now. */
void amt_kvm_set_deadline(AmtKvm *kvm, gint64 ms);
RfbPeer amt_kvm_peer(AmtKvm *kvm);

/* Raw bytes: at least one and at most `length`, 0: the device has closed, -1: error. */
gssize
amt_kvm_read_some(AmtKvm *kvm, void *buffer, gsize length, gint64 timeout_ms, GError **error);
gboolean amt_kvm_write(AmtKvm *kvm, gconstpointer bytes, gsize length, GError **error);

/* From another stack: whoever reads or writes fails, and what was begun still needs amt_kvm_close(). */
void amt_kvm_hang_up(AmtKvm *kvm);

/* amt-kvm-picture.c: the screen as a PNG file that was not there before, or, with `replace`, takes its place once it is
 * whole. Only its owner may read it. Blocks: for in_thread(). */
typedef struct {
    const RfbScreen *screen;
    const char *path;
    gboolean replace;
    guint64 bytes; /* out: how large it is */
} AmtPicture;
gboolean amt_picture_write(gpointer picture, GCancellable *cancellable, GError **error);

/* Where to write it. `pattern` is a file; a folder that exists: TARGET.png in it; "%t" stands for the target, "%%" for
 * a percent sign. The caller's; NULL with BAD_PARAM. */
char *amt_picture_path(const char *pattern, const char *target, GError **error);

#endif /* AMT_KVM_H */
