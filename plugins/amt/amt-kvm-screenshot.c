/* SPDX-License-Identifier: Apache-2.0 */
/* amt.kvm.screenshot: one picture of what the machine shows. */
#include "amt-kvm.h"

#include <errno.h>

static const char *const colour_choices[] = {"auto", "rgb565", "rgb332", "grey8", "grey4", NULL};

/* What the firmware can hold of a screen this large, when nothing is said. */
static RfbFormat
choose_format(const char *colours, const RfbInit *init)
{
    for (guint i = 0; i < RFB_FORMATS; i++)
        if (g_strcmp0(colours, colour_choices[i + 1]) == 0)
            return (RfbFormat)i;
    return (guint64)init->width * init->height * 2 > RFB_SCREEN_MOST ? RFB_RGB332 : RFB_RGB565;
}

static gboolean
ask(AmtKvm *kvm, const RfbScreen *screen, gboolean incremental, GError **error)
{
    g_autoptr(GByteArray) out = g_byte_array_new();

    rfb_put_update_request(out, incremental, rfb_screen_width(screen), rfb_screen_height(screen));
    return amt_kvm_write(kvm, out->data, out->len, error);
}

/* Formats and encodings; raw must always be among them. */
static gboolean
prepare(AmtKvm *kvm, RfbFormat format, GError **error)
{
    static const gint32 encodings[] = {RFB_RLE, RFB_RAW, RFB_DESKTOP_SIZE};
    g_autoptr(GByteArray) out = g_byte_array_new();

    rfb_put_encodings(out, encodings, G_N_ELEMENTS(encodings));
    rfb_put_format(out, format);
    return amt_kvm_write(kvm, out->data, out->len, error);
}

/* Until every pixel was painted. */
static gboolean
paint(AmtKvm *kvm, RfbScreen *screen, GError **error)
{
    RfbPeer peer = amt_kvm_peer(kvm);

    if (!ask(kvm, screen, FALSE, error))
        return FALSE;
    while (rfb_screen_missing(screen) > 0) {
        RfbMessage kind;
        gboolean resized;

        if (!rfb_screen_read(screen, &peer, &kind, &resized, error))
            return FALSE;
        if (kind == RFB_MESSAGE_UPDATE && rfb_screen_missing(screen) > 0 &&
            !ask(kvm, screen, !resized, error))
            return FALSE;
    }
    return TRUE;
}

static RfbScreen *
take(AmtKvm *kvm, GVariant *params, RfbFormat *format, GError **error)
{
    const guint32 wait = params_uint(params, "wait-seconds", 10);
    RfbPeer peer = amt_kvm_peer(kvm);
    g_autoptr(RfbScreen) screen = NULL;
    g_autoptr(GError) why = NULL;
    RfbInit init;

    if (!rfb_read_init(&peer, &init, error))
        return NULL;
    *format = choose_format(params_string(params, "colours"), &init);
    screen = rfb_screen_new(init.width, init.height, *format, error);
    if (screen == NULL || !prepare(kvm, *format, error))
        return NULL;
    amt_kvm_set_deadline(kvm, (gint64)wait * 1000);
    if (paint(kvm, screen, &why))
        return g_steal_pointer(&screen);
    if (g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_TIMEOUT))
        postern_fail(
            error,
            POSTERN_ERROR_CONFLICT,
            "the KVM session is open, and no whole picture came within %u s (%" G_GSIZE_FORMAT
            " of %u x %u pixels are missing): a machine that is off or asleep shows nothing; look "
            "with "
            "amt.power.get",
            wait,
            rfb_screen_missing(screen),
            rfb_screen_width(screen),
            rfb_screen_height(screen));
    else
        g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

static GVariant *
describe(const AmtPicture *picture, RfbFormat format)
{
    PosternResult result;

    result_begin(&result);
    result_string(&result, "file", picture->path);
    result_uint64(&result, "bytes", picture->bytes);
    result_uint(&result, "width", rfb_screen_width(picture->screen));
    result_uint(&result, "height", rfb_screen_height(picture->screen));
    result_string(&result, "colours", colour_choices[format + 1]);
    return result_end(&result);
}

static GVariant *
run_screenshot(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const Amt *amt = self;
    g_autofree char *path =
        amt_picture_path(params_string(params, "file"), amt->svc.run->target(run), error);
    AmtPicture picture = {.path = path, .replace = params_bool(params, "replace", FALSE)};
    g_autoptr(AmtKvm) kvm = NULL;
    g_autoptr(RfbScreen) screen = NULL;
    RfbFormat format = RFB_RGB565;

    if (path == NULL)
        return NULL;
    if (!picture.replace && g_file_test(path, G_FILE_TEST_EXISTS | G_FILE_TEST_IS_SYMLINK)) {
        postern_fail(error,
                     POSTERN_ERROR_BAD_PARAM,
                     "cannot create %s: it is there already; name another, or give replace=true",
                     path);
        return NULL;
    }
    kvm = amt_kvm_open(amt, run, params, error);
    screen = kvm != NULL ? take(kvm, params, &format, error) : NULL;
    g_clear_pointer(&kvm, amt_kvm_close); /* the frame around the user's screen goes with it */
    picture.screen = screen;
    if (screen == NULL || !amt->svc.run->in_thread(run, amt_picture_write, &picture, error))
        return NULL;
    return describe(&picture, format);
}

/* clang-format off */
static const PosternField *const params[] = {
    POSTERN_FIELD_ITEM(.name = "file", .type = "s", .format = "file", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "PNG file to write; %t stands for the target; a folder that exists: TARGET.png in it"),
    POSTERN_FIELD_ITEM(.name = "replace", .type = "b", .fallback = "false", .summary = "take the place of a file that is there"),
    POSTERN_FIELD_ITEM(.name = "colours", .type = "s", .fallback = "'auto'", .choices = colour_choices,
                       .summary = "how pixels are sent; auto: rgb565, and rgb332 where the screen is too large for it; greys from AMT 16 on"),
    POSTERN_FIELD_ITEM(.name = "wait-seconds", .type = "u", .fallback = "10", .summary = "how long to wait for a whole picture"),
    AMT_KVM_PARAMS,
    NULL,
};

static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "file", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "where the picture is; only its owner may read it"),
    POSTERN_FIELD_ITEM(.name = "bytes", .type = "t", .flags = POSTERN_FIELD_REQUIRED, .summary = "how large the file is"),
    POSTERN_FIELD_ITEM(.name = "width", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "pixels"),
    POSTERN_FIELD_ITEM(.name = "height", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "pixels"),
    POSTERN_FIELD_ITEM(.name = "colours", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "how pixels were sent"),
    NULL,
};

const PosternTask amt_kvm_screenshot_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .timeout_ms = 120000,
    .id = "amt.kvm.screenshot",
    .summary = "write a picture of what the machine shows to a PNG file",
    .details = "A KVM session over the redirection port, or over the VNC port; it ends with the picture. While it is open the firmware "
               "paints a frame around the screen, which is in the picture, too. A file that is there is left alone unless replace=true. "
               "The session needs what amt.features.get tells of: KVM, its listener, and perhaps the consent of somebody at the machine. "
               "Before it: CIM_KVMRedirectionSAP, AMT_RedirectionService, IPS_OptInService. Least realm: Redirection.",
    .params = params,
    .outputs = outputs,
    .credentials = amt_kvm_credentials,
    .run = run_screenshot,
};
/* clang-format on */
