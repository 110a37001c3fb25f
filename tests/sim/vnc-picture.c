/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VNC viewer made of libvncclient, as a judge of the simulator's RFB server and of amt.kvm.proxy.
 *
 *   vnc-picture HOST PORT PASSWORDFILE|- ENCODINGS 565|332 [TEXT]
 *
 * Takes a picture, prints its size and the colours of the simulator's eight bars, types TEXT and a move of the pointer,
 * and prints how many pixels of the line for it are lit then. Exit status 1: no picture, or what was typed is not seen.
 */
#include <glib.h>
#include <rfb/rfbclient.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BARS = 8,
    BAR = 64,
    BARS_Y = 160,
    LINE_X = 80,
    LINE_Y = 340,
    LINE_HEIGHT = 25,
    PATIENCE = 10
};

static char *password;

static char *
give_password(rfbClient *client)
{
    return password != NULL ? strdup(password) : NULL; /* an empty one the library would not free */
}

static guint
pixel(const rfbClient *client, int x, int y)
{
    const guint8 *at = client->frameBuffer;
    gsize bytes = client->format.bitsPerPixel / 8;

    at += ((gsize)y * (gsize)client->width + (gsize)x) * bytes;
    return bytes == 2 ? at[0] | (guint)at[1] << 8 : at[0];
}

/* Pixels of the line of typed text that are not black. */
static guint
lit(const rfbClient *client)
{
    guint n = 0;

    for (int y = LINE_Y; y < LINE_Y + LINE_HEIGHT; y++)
        for (int x = LINE_X; x < client->width - 64; x++)
            n += pixel(client, x, y) != 0;
    return n;
}

/* FALSE: the server has gone. */
static gboolean
handle(rfbClient *client, guint ms)
{
    int n = WaitForMessage(client, ms * 1000);

    return n >= 0 && (n == 0 || HandleRFBServerMessage(client));
}

/* The last pixel of the screen has come, and so all of them. */
static gboolean
get_picture(rfbClient *client)
{
    gint64 until = g_get_monotonic_time() + PATIENCE * G_USEC_PER_SEC;

    while (pixel(client, client->width - 1, client->height - 1) == 0)
        if (g_get_monotonic_time() > until || !handle(client, 100))
            return FALSE;
    return TRUE;
}

static gboolean
type_text(rfbClient *client, const char *text)
{
    gint64 until = g_get_monotonic_time() + PATIENCE * G_USEC_PER_SEC;
    guint before = lit(client);

    for (; *text != '\0'; text++) {
        SendKeyEvent(client, (guint8)*text, TRUE);
        SendKeyEvent(client, (guint8)*text, FALSE);
    }
    SendPointerEvent(client, 700, 500, rfbButton1Mask);
    while (lit(client) == before || pixel(client, 705, 505) == pixel(client, 690, 490))
        if (g_get_monotonic_time() > until || !handle(client, 100))
            return FALSE;
    for (guint i = 0; i < 10; i++) /* the rest of it */
        handle(client, 50);
    printf("typed: %u pixels lit, pointer %04x\n", lit(client), pixel(client, 705, 505));
    return TRUE;
}

/* `argv` is cut where libvncclient looks at it itself. */
static rfbClient *
make_client(char **argv)
{
    rfbClient *client;
    guint64 port;

    if (!g_ascii_string_to_unsigned(argv[2], 10, 1, 65535, &port, NULL))
        return NULL;
    client = rfbGetClient(5, 3, 2);

    if (strcmp(argv[5], "332") == 0)
        client->format = (rfbPixelFormat){8, 8, 0, 1, 7, 7, 3, 5, 2, 0, 0, 0};
    else
        client->format = (rfbPixelFormat){16, 16, 0, 1, 31, 63, 31, 11, 5, 0, 0, 0};
    free(client->serverHost);
    client->serverHost = strdup(argv[1]);
    client->serverPort = (int)port;
    client->appData.encodingsString = argv[4];
    client->appData.useRemoteCursor = FALSE;
    client->canHandleNewFBSize = TRUE;
    client->GetPassword = give_password;
    return rfbInitClient(client, NULL, NULL) ? client : NULL;
}

int
main(int argc, char **argv)
{
    rfbClient *client;
    gboolean good;

    if (argc < 6)
        return 2;
    if (strcmp(argv[3], "-") != 0 && !g_file_get_contents(argv[3], &password, NULL, NULL))
        return 2;
    if (password != NULL)
        g_strchomp(password);
    client = make_client(argv);
    if (client == NULL) {
        printf("no session\n");
        return 1;
    }
    good = get_picture(client);
    printf("%s: %d x %d\nbars:", good ? "picture" : "no picture", client->width, client->height);
    for (int i = 0; good && i < BARS; i++)
        printf(" %04x", pixel(client, i * BAR + BAR / 2, BARS_Y));
    printf("\n");
    good = good && (argc < 7 || type_text(client, argv[6]));
    free(client->frameBuffer);
    rfbClientCleanup(client);
    g_free(password);
    return good ? 0 : 1;
}
