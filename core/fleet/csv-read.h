/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * csv-read.h - comma separated values as RFC 4180 has them, one record after another, from bytes of strangers.
 *
 * A record is at most 64 KiB of text in at most 256 cells. UTF-8, with or without a mark in front; lines end in LF or
 * CR LF. A ' before = + - @ or a tab is taken away: spreadsheets are kept from calculating by it.
 */
#include <gio/gio.h>

typedef struct CsvReader CsvReader;

/* `name` is for messages. Takes a reference. */
CsvReader *csv_reader_new(GInputStream *stream, const char *name);
void csv_reader_free(CsvReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CsvReader, csv_reader_free)

/* The next record, empty lines left out: its cells, valid until the next call. NULL at the end, and with BAD_PARAM, which
 * names file, line and column. */
GPtrArray *csv_reader_next(CsvReader *reader, GError **error); /* of char * */

/* The line in which the last record began, from 1. */
guint csv_reader_line(const CsvReader *reader);
