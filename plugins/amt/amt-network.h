/* SPDX-License-Identifier: Apache-2.0 */
/* What the tasks about network ports share. */
#ifndef AMT_NETWORK_H
#define AMT_NETWORK_H

#include "amt-facts.h"

#define AMT_PORT_CLASS    "AMT_EthernetPortSettings"
#define AMT_WIRED_PORT    "Intel(r) AMT Ethernet Port Settings 0"
#define AMT_WIRELESS_PORT "Intel(r) AMT Ethernet Port Settings 1"

/* Who has the wireless link. */
extern const AmtWord amt_link_owners[];

/* Borrowed; NULL: the machine has no such port. */
GVariant *amt_find_port(GPtrArray *ports, gboolean wireless);
/* As it is now, the caller's. NULL with NOT_SUPPORTED: the machine has no such port. */
GVariant *amt_read_port(WsMan *ws, gboolean wireless, GError **error);
/* As amt.network.get tells it. Floating. */
GVariant *amt_describe_port(GVariant *port);
gboolean amt_policy_code(const char *word, guint32 *code);

/* What is wrong with a set of IPv4 texts ("192.168.1.5"), or NULL; newly allocated. `gateway` may be NULL. */
char *amt_address_problem(const char *address, const char *mask, const char *gateway);

#endif /* AMT_NETWORK_H */
