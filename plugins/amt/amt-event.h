/* SPDX-License-Identifier: Apache-2.0 */
/* One record of the event log: bytes to words. */
#ifndef AMT_EVENT_H
#define AMT_EVENT_H

#include "amt.h"

enum { AMT_EVENT_BYTES = 21 };

/* What a record of AMT_EVENT_BYTES says, a{sv}, floating: "time" s (RFC 3339 in UTC; absent: the device does not know),
 * "severity" s, "entity" s, "entity-instance" u, "source" s, "sensor" u, "event-type" u, "offset" u, "text" s, "data" s and
 * "raw" s (hex). Never fails: what has no words is told in numbers. */
GVariant *amt_event_decode(const guint8 record[AMT_EVENT_BYTES]);

#endif /* AMT_EVENT_H */
