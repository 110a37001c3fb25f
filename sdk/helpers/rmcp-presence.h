/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RMCP_PRESENCE_H
#define RMCP_PRESENCE_H

/*
 * rmcp-presence.h - the presence ping of ASF (DSP0136 2.0, sections 3.2.4.2 and 3.2.4.3), to UDP port 623.
 *
 * Silence proves nothing: answering is a setting, and a packet may get lost.
 */
#include <postern-host.h>
#include <string.h>

enum { RMCP_PORT = 623, RMCP_IANA_ASF = 4542, RMCP_IANA_INTEL = 343 };

typedef struct {
    guint32 enterprise;       /* 4542 if nothing is particular to the maker, else the maker's number */
    gboolean asf, ipmi, dash; /* what it speaks */
    gboolean amt;             /* Intel AMT says what follows */
    guint16 port;             /* the open management port; 0: none, as it is not set up */
    guint8 major, minor;      /* firmware; 0: not told */
    guint8 setup;             /* 0 not set up, 1 being set up, 2 set up */
} RmcpPresence;

/* The ping; `tag` (not 255) comes back in the answer. The caller's. */
static inline GBytes *
rmcp_presence_ping(guint8 tag)
{
    const guint8 ping[] = {6, 0, 0xff, 6, 0, 0, 0x11, 0xbe, 0x80, tag, 0, 0};

    return g_bytes_new(ping, sizeof ping);
}

/* Take what an answer says. FALSE: it is no answer to the ping with that tag. */
static inline gboolean
rmcp_presence_read(GBytes *answer, guint8 tag, RmcpPresence *presence)
{
    static const guint8 head[] = {6, 0, 0xff, 6, 0, 0, 0x11, 0xbe, 0x40};
    gsize length = 0;
    const guint8 *b = (const guint8 *)g_bytes_get_data(answer, &length);

    memset(presence, 0, sizeof *presence);
    if (length < 28 || memcmp(b, head, sizeof head) != 0 || b[9] != tag || b[11] != 16)
        return FALSE;
    presence->enterprise = (guint32)b[12] << 24 | (guint32)b[13] << 16 | (guint32)b[14] << 8 | b[15];
    presence->asf = (b[20] & 0x0f) == 1;
    presence->ipmi = (b[20] & 0x80) != 0;
    presence->dash = (b[21] & 0x20) != 0;
    presence->amt = presence->enterprise == RMCP_IANA_INTEL;
    if (!presence->amt)
        return TRUE;
    presence->port = (guint16)(b[16] << 8 | b[17]);
    presence->major = b[18] != 0 ? b[18] >> 4 : b[22];
    presence->minor = b[18] != 0 ? b[18] & 0x0f : b[23];
    presence->setup = b[19] & 3;
    return TRUE;
}

enum { RMCP_TAG = 0x5a, RMCP_WAIT_MS = 250, RMCP_AGAIN = 1 };

static inline gboolean
rmcp_presence_fits(GBytes *answer, gpointer data)
{
    RmcpPresence presence;

    return rmcp_presence_read(answer, RMCP_TAG, &presence);
}

/* [task] Ping the run's target at `port`, twice at most, for three quarters of a second in all; suspends. FALSE: silence,
 * or the host has no datagrams. */
static inline gboolean
rmcp_presence_ask(const PosternServices *services,
                  PosternRun *run,
                  guint32 port,
                  RmcpPresence *presence)
{
    const PosternDatagramSvc *svc = services->datagram;
    PosternDatagram *socket = svc != NULL ? svc->open(run, NULL, 0, NULL) : NULL;
    g_autoptr(GBytes) ping = NULL;
    g_autoptr(GBytes) pong = NULL;

    if (socket == NULL)
        return FALSE;
    ping = rmcp_presence_ping(RMCP_TAG);
    pong = svc->exchange(
        socket, NULL, port, ping, RMCP_AGAIN, RMCP_WAIT_MS, rmcp_presence_fits, NULL, NULL);
    svc->close(socket);
    return pong != NULL && rmcp_presence_read(pong, RMCP_TAG, presence);
}

#endif /* RMCP_PRESENCE_H */
