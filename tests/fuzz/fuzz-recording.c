/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings: read, and played to a client that asks for everything in them. */
#include "config.h"

#include "fuzz.h"
#include "tap-private.h"

#include <string.h>

enum { STEPS = 256 };

/* Both ends of what a step may answer: bytes, the end, nothing yet, or an error. FALSE: it is over.
 */
static gboolean
hear(TapStream *stream)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *from = NULL;
    g_autofree char *buffer = g_malloc(64);
    guint16 port = 0;
    gssize got = tap_replay_receive(stream, buffer, 64, &from, &port, &error);

    fuzz_demand(got <= 64 && got >= TAP_NOTHING_YET);
    fuzz_demand((got == -1) == (error != NULL));
    return got > 0;
}

static gboolean
say(TapStream *stream, const char *host)
{
    g_autoptr(GError) error = NULL;
    gboolean fine = tap_replay_send(stream, host, 623, "GET / HTTP/1.1\r\n\r\n", 18, &error);

    fuzz_demand(fine == (error == NULL));
    fuzz_demand(error == NULL || g_utf8_validate(error->message, -1, NULL));
    return fine;
}

static void
play(Tap *tap, const char *host)
{
    TapStream *stream = tap_stream_new(tap, NULL, host, 16992, FALSE);
    g_autoptr(GError) error = NULL;
    gint verdict = 0;
    gboolean goes_on = tap_replay_connect(stream, &verdict, &error);

    fuzz_demand(goes_on == (error == NULL));
    fuzz_demand(verdict >= 0);
    for (guint i = 0; goes_on && i < STEPS; i++)
        goes_on = hear(stream) || say(stream, host == NULL ? "device" : NULL);
    tap_stream_close(stream);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = g_strndup((const char *)data, size); /* the parser may want the NUL */
    g_autofree char *unused = NULL;
    g_autoptr(GError) error = NULL;
    Tap *tap = tap_plain();

    tap->path = g_strdup("fuzz.json");
    tap->task = g_strdup("fuzz");
    tap->replays = TRUE;
    if (tap_parse(tap, text, size, &error)) {
        play(tap, "device");
        play(tap, NULL);
        unused = tap_unused(tap);
    } else {
        fuzz_demand_error(error, POSTERN_ERROR_BAD_PARAM);
    }
    tap_close(tap, NULL);
    return 0;
}
