/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * functions.h - what SQLite lacks: ipv4_number(text), an IPv4 address as a number, NULL for what is none.
 */
#include <sqlite3.h>

/* SQLITE_OK, or why not. */
int functions_add(sqlite3 *db);
