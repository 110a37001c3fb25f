/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * delivery.h - events on their way to subscribers: WS-Management events, posted over HTTP to listeners on 127.0.0.0/8.
 *
 * What a subscription holds and nobody may read (its login) is kept here, beside the instances that tell of it.
 */
#include "envelope.h"

/* Where the events of a device go. */
typedef struct {
    char *listener; /* Name of its CIM_ListenerDestinationWSManagement, in wire form */
    char *url;
    char *parameters;      /* what comes back in each event, XML; NULL: nothing */
    char *user, *password; /* NULL: none */
    gboolean acknowledged; /* an event without an answer is repeated */
} Destination;

void destination_free(Destination *destination);

/* Reads a Subscribe: the login from its headers, the rest from its body. */
Destination *destination_read(const Request *request, const char *listener, gboolean acknowledged);

/* Posts an alert ("iAMT0057") with its argument (NULL: none) to all destinations of `device`, from the main loop. */
void delivery_post(Device *device, const char *alert, const char *argument);
