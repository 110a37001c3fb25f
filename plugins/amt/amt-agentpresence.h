/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AMT_AGENTPRESENCE_H
#define AMT_AGENTPRESENCE_H

#include "amt-facts.h"

/* GUID of an agent from base64 of its bytes, newly allocated; NULL: none. */
char *amt_agent_guid(const char *device_id);
/* "running", "stopped+expired" or "any", newly allocated; "" for none. */
char *amt_agent_states(guint32 mask);

#endif /* AMT_AGENTPRESENCE_H */
