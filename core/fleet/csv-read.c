/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "csv-read.h"

#include <postern-plugin.h>

#include <string.h>

#define MARK "\xef\xbb\xbf" /* before UTF-8, as spreadsheets write it */

enum { CHUNK = 64 * 1024, RECORD_MOST = 64 * 1024, CELLS_MOST = 256, END = -1, BROKEN = -2 };

struct CsvReader {
    GInputStream *stream;
    char *name;
    guint8 *chunk;
    gsize have, at;
    guint line, column, begun; /* of what comes next; of the record */
    gsize size;                /* of the record so far */
    GPtrArray *cells;
    GString *cell;
    int ahead; /* a byte that was looked at; END: none */
    gboolean has_ahead;
};

CsvReader *
csv_reader_new(GInputStream *stream, const char *name)
{
    CsvReader *reader = g_new0(CsvReader, 1);

    reader->stream = g_object_ref(stream);
    reader->name = g_strdup(name);
    reader->chunk = g_malloc(CHUNK);
    reader->line = 1;
    reader->column = 1;
    reader->cells = g_ptr_array_new_with_free_func(g_free);
    reader->cell = g_string_new(NULL);
    return reader;
}

void
csv_reader_free(CsvReader *reader)
{
    if (reader == NULL)
        return;
    g_object_unref(reader->stream);
    g_free(reader->name);
    g_free(reader->chunk);
    g_ptr_array_unref(reader->cells);
    g_string_free(reader->cell, TRUE);
    g_free(reader);
}

guint
csv_reader_line(const CsvReader *reader)
{
    return reader->begun;
}

static int
refuse(const CsvReader *reader, GError **error, const char *what)
{
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_BAD_PARAM,
                "%s, line %u, column %u: %s",
                reader->name,
                reader->line,
                reader->column,
                what);
    return BROKEN;
}

/* ---- bytes ---- */

static int
next_byte(CsvReader *reader, GError **error)
{
    gssize got;

    if (reader->has_ahead) {
        reader->has_ahead = FALSE;
        return reader->ahead;
    }
    if (reader->at == reader->have) {
        got = g_input_stream_read(reader->stream, reader->chunk, CHUNK, NULL, error);
        if (got <= 0) {
            g_prefix_error(error, "cannot read %s: ", reader->name);
            return got == 0 ? END : BROKEN;
        }
        reader->have = (gsize)got;
        reader->at = 0;
    }
    if (++reader->size > RECORD_MOST)
        return refuse(reader, error, "the record is longer than 64 KiB; is a \" missing?");
    return reader->chunk[reader->at++];
}

static void
push_back(CsvReader *reader, int byte)
{
    reader->ahead = byte;
    reader->has_ahead = TRUE;
}

/* Counts lines and columns; makes LF of CR LF. */
static int
next_char(CsvReader *reader, GError **error)
{
    int byte = next_byte(reader, error);

    if (byte == '\r') {
        int after = next_byte(reader, error);
        if (after != '\n') {
            if (after == BROKEN)
                return BROKEN;
            push_back(reader, after);
        }
        byte = '\n';
    }
    if (byte == '\0')
        return refuse(reader, error, "found a byte of zeros: this is no text");
    return byte;
}

static void
count(CsvReader *reader, int byte)
{
    if (byte == '\n') {
        reader->line++;
        reader->column = 1;
    } else if ((byte & 0xc0) != 0x80) {
        reader->column++;
    }
}

/* ---- cells ---- */

static gboolean
end_cell(CsvReader *reader, GError **error)
{
    const char *text = reader->cell->str;

    if (!g_utf8_validate(text, (gssize)reader->cell->len, NULL)) {
        refuse(reader, error, "the cell before this place is not UTF-8");
        return FALSE;
    }
    if (reader->cells->len == CELLS_MOST) {
        refuse(reader, error, "more than 256 cells in a record");
        return FALSE;
    }
    if (text[0] == '\'' && text[1] != '\0' && strchr("=+-@\t", text[1]) != NULL)
        text++;
    g_ptr_array_add(reader->cells, g_strdup(text));
    g_string_truncate(reader->cell, 0);
    return TRUE;
}

/* Behind the opening quote, up to what follows the closing one: a comma, a line end, or the end. */
static int
quoted(CsvReader *reader, GError **error)
{
    for (;;) {
        int byte = next_char(reader, error);

        if (byte == END)
            return refuse(reader, error, "the file ends inside a \"");
        if (byte < 0)
            return byte;
        count(reader, byte);
        if (byte == '"') {
            byte = next_char(reader, error);
            if (byte != '"') {
                if (byte >= 0 && byte != ',' && byte != '\n')
                    return refuse(reader,
                                  error,
                                  "expected a comma or the end of the line behind a closing \"");
                return byte;
            }
            count(reader, byte);
        }
        g_string_append_c(reader->cell, (char)byte);
    }
}

/* So far the file has nothing but the mark of UTF-8. */
static gboolean
is_mark(const CsvReader *reader)
{
    return reader->begun == 1 && reader->cells->len == 0 && strcmp(reader->cell->str, MARK) == 0;
}

static int
plain(CsvReader *reader, int byte, GError **error)
{
    while (byte >= 0 && byte != ',' && byte != '\n') {
        if (byte == '"' && is_mark(reader)) {
            g_string_truncate(reader->cell, 0);
            count(reader, byte);
            return quoted(reader, error);
        }
        if (byte == '"')
            return refuse(reader, error, "found a \" inside a cell that does not begin with one");
        g_string_append_c(reader->cell, (char)byte);
        count(reader, byte);
        byte = next_char(reader, error);
    }
    return byte;
}

/* Returns what ended it: a comma, a line end, END or BROKEN. */
static int
take_cell(CsvReader *reader, GError **error)
{
    int byte = next_char(reader, error);

    if (byte == '"') {
        count(reader, byte);
        byte = quoted(reader, error);
    } else {
        byte = plain(reader, byte, error);
    }
    if (byte == BROKEN || !end_cell(reader, error))
        return BROKEN;
    if (byte >= 0)
        count(reader, byte);
    return byte;
}

static void
skip_mark(CsvReader *reader)
{
    char *first = reader->cells->len > 0 ? reader->cells->pdata[0] : NULL;

    if (reader->begun == 1 && first != NULL && g_str_has_prefix(first, MARK))
        memmove(first, first + strlen(MARK), strlen(first + strlen(MARK)) + 1);
}

GPtrArray *
csv_reader_next(CsvReader *reader, GError **error)
{
    int ended;

    do {
        g_ptr_array_set_size(reader->cells, 0);
        g_string_truncate(reader->cell, 0);
        reader->size = 0;
        reader->begun = reader->line;
        do
            ended = take_cell(reader, error);
        while (ended == ',');
        if (ended == BROKEN)
            return NULL;
        skip_mark(reader);
        if (reader->cells->len > 1 || *(const char *)reader->cells->pdata[0] != '\0')
            return reader->cells;
    } while (ended != END);
    return NULL;
}
