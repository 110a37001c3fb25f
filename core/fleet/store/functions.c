/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "functions.h"

#include <arpa/inet.h>
#include <stddef.h>

static void
ipv4_number(sqlite3_context *context, int count, sqlite3_value **values)
{
    const char *text = (const char *)sqlite3_value_text(values[0]);
    struct in_addr address;

    if (text != NULL && inet_pton(AF_INET, text, &address) == 1)
        sqlite3_result_int64(context, ntohl(address.s_addr));
    else
        sqlite3_result_null(context);
}

int
functions_add(sqlite3 *db)
{
    return sqlite3_create_function_v2(db,
                                      "ipv4_number",
                                      1,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
                                      NULL,
                                      ipv4_number,
                                      NULL,
                                      NULL,
                                      NULL);
}
