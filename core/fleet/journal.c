/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "journal.h"
#include "machine.h"
#include "secret.h"

#include <openssl/sha.h>
#include <string.h>

/* ROW_BYTES: what a row takes besides its texts: numbers, hash, places in the indexes. */
enum { HASH = SHA256_DIGEST_LENGTH, TEXTS = 11, NUMBERS = 6, ROW_BYTES = 128, PURGE_MAX = 10000 };

#define DAY_US (24 * 3600 * (gint64)G_USEC_PER_SEC)
#define TEXT_COLUMNS                                                                               \
    "kind, actor, task, target, host, technology, params, profile, outcome, error, message"
#define NUMBER_COLUMNS "seq, at, run, parent, machine, elapsed_us"

/* One end of the chain, as table setting keeps it: "SEQ:HEX:BYTES". */
typedef struct {
    gint64 seq;
    guint8 hash[HASH];
    guint64 bytes; /* of all rows up to there since the first, removed ones included */
} End;

/* ---- rows in one spelling ---- */

typedef struct {
    const char *text[TEXTS]; /* in the order of TEXT_COLUMNS */
    gint64 number[NUMBERS];  /* in the order of NUMBER_COLUMNS */
    guint64 bytes;
} Spelling;

static void
spell(const JournalRow *row, Spelling *out)
{
    const Spelling spelling = {
        .text = {row->kind,
                 row->actor,
                 row->task,
                 row->target,
                 row->host,
                 row->technology,
                 row->params,
                 row->profile,
                 row->outcome,
                 row->error,
                 row->message},
        .number = {row->seq, row->at, row->run, row->parent, row->machine, row->elapsed_us},
    };

    *out = spelling;
    if (out->text[1] == NULL)
        out->text[1] = "";
}

static guint8 *
put_number(guint8 *at, gint64 number)
{
    guint64 big = GUINT64_TO_BE((guint64)number);

    memcpy(at, &big, sizeof big);
    return at + sizeof big;
}

/* Numbers are of eight bytes, each text follows its length (-1: none): two rows are spelled alike only if they are. Behind
 * the hash of the row before; the caller's. */
static guint8 *
spell_out(const End *before, Spelling *row, gsize *length)
{
    gsize lengths[TEXTS];
    guint8 *bytes, *at;

    row->bytes = ROW_BYTES;
    for (guint i = 0; i < TEXTS; i++) {
        lengths[i] = row->text[i] != NULL ? strlen(row->text[i]) : 0;
        row->bytes += lengths[i];
    }
    *length = HASH + (NUMBERS + TEXTS) * sizeof(gint64) + row->bytes - ROW_BYTES;
    bytes = g_malloc(*length);
    memcpy(bytes, before->hash, HASH);
    at = bytes + HASH;
    for (guint i = 0; i < NUMBERS; i++)
        at = put_number(at, row->number[i]);
    for (guint i = 0; i < TEXTS; i++) {
        at = put_number(at, row->text[i] != NULL ? (gint64)lengths[i] : -1);
        if (lengths[i] > 0)
            memcpy(at, row->text[i], lengths[i]);
        at += lengths[i];
    }
    return bytes;
}

static void
chain(const End *before, Spelling *row, End *after)
{
    gsize length = 0;
    g_autofree guint8 *bytes = spell_out(before, row, &length);

    SHA256(bytes, length, after->hash);
    after->seq = row->number[0];
    after->bytes = before->bytes + row->bytes;
}

/* ---- the ends of the chain ---- */

static char *
end_text(const End *end)
{
    GString *text = g_string_new(NULL);

    g_string_printf(text, "%" G_GINT64_FORMAT ":", end->seq);
    for (guint i = 0; i < HASH; i++)
        g_string_append_printf(text, "%02x", end->hash[i]);
    return g_string_free(text, FALSE);
}

/* "SEQ:HEX" or "SEQ:HEX:BYTES". */
static gboolean
end_parse(const char *text, End *end)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 4);
    guint count = g_strv_length(parts);
    guint64 seq;

    *end = (End){0};
    if (count < 2 || count > 3 || strlen(parts[1]) != 2 * HASH ||
        !g_ascii_string_to_unsigned(parts[0], 10, 0, G_MAXINT64, &seq, NULL) ||
        (count == 3 && !g_ascii_string_to_unsigned(parts[2], 10, 0, G_MAXINT64, &end->bytes, NULL)))
        return FALSE;
    end->seq = (gint64)seq;
    for (guint i = 0; i < HASH; i++) {
        gint high = g_ascii_xdigit_value(parts[1][2 * i]);
        gint low = g_ascii_xdigit_value(parts[1][2 * i + 1]);

        if (high < 0 || low < 0)
            return FALSE;
        end->hash[i] = (guint8)(high << 4 | low);
    }
    return TRUE;
}

static gboolean damaged(const Store *store, GError **error, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static gboolean
damaged(const Store *store, GError **error, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list values;

    va_start(values, format);
    text = g_strdup_vprintf(format, values);
    va_end(values);
    g_set_error(
        error,
        POSTERN_ERROR,
        POSTERN_ERROR_CONFLICT,
        "store %s: the journal was tampered with or is damaged: %s; compare it with a backup",
        store_path(store),
        text);
    return FALSE;
}

/* `name`: "journal.head" or "journal.floor"; all zero when it was never written. */
static gboolean
end_read(Store *store, const char *name, End *end, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows =
        store_query(store, &problem, "SELECT value FROM setting WHERE name = $1", "s", name);

    *end = (End){0};
    if (rows != NULL && store_next(rows, &problem)) {
        if (store_text(rows, 0) != NULL && end_parse(store_text(rows, 0), end))
            return TRUE;
        return damaged(store, error, "setting %s is not SEQ:HASH:BYTES", name);
    }
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static gboolean
end_write(Store *store, const char *name, const End *end, GError **error)
{
    g_autofree char *text = end_text(end);
    g_autofree char *value = g_strdup_printf("%s:%" G_GUINT64_FORMAT, text, end->bytes);

    return store_run(store,
                     error,
                     "INSERT INTO setting (name, value) VALUES ($1, $2) "
                     "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                     "ss",
                     name,
                     value);
}

/* ---- adding ---- */

static gboolean
write_head(Store *store, gpointer data, GError **error)
{
    return end_write(store, "journal.head", data, error);
}

/* The end of the chain, read once in a transaction and written once, before its commit. */
static End *
head_of(Store *store, GError **error)
{
    End *head = store_kept(store);

    if (head != NULL)
        return head;
    head = g_new(End, 1);
    if (!end_read(store, "journal.head", head, error)) {
        g_free(head);
        return NULL;
    }
    store_keep(store, head, g_free, write_head);
    return head;
}

/* Looks at all texts at once: that one of them holds a secret is rare. */
static void
mask_texts(Spelling *row, GPtrArray *masked)
{
    g_autoptr(GString) all = g_string_sized_new(512);
    g_autofree char *found = NULL;

    for (guint i = 0; i < TEXTS; i++)
        if (row->text[i] != NULL)
            g_string_append_len(g_string_append(all, row->text[i]), "\n", 1);
    found = secret_mask(all->str, (gssize)all->len);
    for (guint i = 0; found != NULL && i < TEXTS; i++) {
        char *text = row->text[i] != NULL ? secret_mask(row->text[i], -1) : NULL;

        if (text == NULL)
            continue;
        g_ptr_array_add(masked, text);
        row->text[i] = text;
    }
}

/* A device's message may be no UTF-8; what is hashed must be what is read back. */
static void
clean_texts(Spelling *row, GPtrArray *made)
{
    for (guint i = 0; i < TEXTS; i++) {
        if (row->text[i] == NULL || g_utf8_validate(row->text[i], -1, NULL))
            continue;
        g_ptr_array_add(made, g_utf8_make_valid(row->text[i], -1));
        row->text[i] = made->pdata[made->len - 1];
    }
}

static gboolean
insert(Store *store, const Spelling *row, const guint8 *hash, GError **error)
{
    g_autoptr(GBytes) bytes = g_bytes_new(hash, HASH);
    const gint64 *n = row->number;
    const char *const *t = row->text;

    return store_run(
        store,
        error,
        "INSERT INTO journal (" NUMBER_COLUMNS ", " TEXT_COLUMNS ", hash) VALUES ($1, $2, "
        "nullif($3, 0), nullif($4, 0), nullif($5, 0), $6, $7, $8, $9, $10, $11, $12, $13, "
        "$14, $15, $16, $17, $18)",
        "iiiiiisssssssssssb",
        n[0],
        n[1],
        n[2],
        n[3],
        n[4],
        n[5],
        t[0],
        t[1],
        t[2],
        t[3],
        t[4],
        t[5],
        t[6],
        t[7],
        t[8],
        t[9],
        t[10],
        bytes);
}

gboolean
journal_add(Store *store, JournalRow *row, GError **error)
{
    g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func(g_free);
    End *head = head_of(store, error);
    Spelling spelling;
    End next;

    if (head == NULL)
        return FALSE;
    row->seq = head->seq + 1;
    spell(row, &spelling);
    mask_texts(&spelling, made);
    clean_texts(&spelling, made);
    chain(head, &spelling, &next);
    if (!insert(store, &spelling, next.hash, error))
        return FALSE;
    *head = next;
    return TRUE;
}

/* ---- reading ---- */

gboolean
journal_last(Store *store, gint64 *seq, GError **error)
{
    return store_number(store, seq, 0, error, "SELECT max(seq) FROM journal", "");
}

static void
add_number(GString *sql, GPtrArray *values, const char *condition, gint64 value)
{
    g_ptr_array_add(values, g_variant_ref_sink(g_variant_new_int64(value)));
    g_string_append_printf(sql, "%s $%u", condition, values->len);
}

static gboolean
add_machine(Store *store, const char *word, GString *sql, GPtrArray *values, GError **error)
{
    gint64 machine = 0;

    if (!machine_find(store, word, &machine, error))
        return FALSE;
    g_ptr_array_add(values, g_variant_ref_sink(g_variant_new_string(word)));
    g_string_append_printf(sql, " AND (b.target = $%u", values->len);
    if (machine > 0)
        add_number(sql, values, " OR b.machine =", machine);
    g_string_append_c(sql, ')');
    return TRUE;
}

static StoreRows *
query(Store *store, const JournalFilter *filter, GError **error)
{
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
    g_autoptr(GString) sql = g_string_new(
        "SELECT b.seq, coalesce(e.seq, b.seq), b.at, coalesce(b.parent, 0), coalesce(b.machine, "
        "0), "
        "CASE b.kind WHEN 'begin' THEN coalesce(e.elapsed_us, -1) ELSE b.elapsed_us END, b.kind, "
        "b.actor, b.task, b.target, b.technology, b.params, coalesce(e.profile, b.profile), "
        "CASE b.kind WHEN 'begin' THEN coalesce(e.outcome, 'running') ELSE b.outcome END, "
        "coalesce(e.error, b.error), coalesce(e.message, b.message) "
        "FROM journal b LEFT JOIN journal e ON e.run = b.seq WHERE b.kind <> 'end'");

    if (filter->machine != NULL && !add_machine(store, filter->machine, sql, values, error))
        return NULL;
    if (filter->since != 0)
        add_number(sql, values, " AND b.at >=", filter->since);
    if (filter->until != 0)
        add_number(sql, values, " AND b.at <", filter->until);
    if (filter->after != 0)
        add_number(sql,
                   values,
                   " AND b.seq IN (SELECT coalesce(run, seq) FROM journal WHERE seq >",
                   filter->after);
    g_string_append(sql, filter->after != 0 ? ") ORDER BY b.seq" : " ORDER BY b.seq");
    return store_query_values(store, sql->str, values, error);
}

static void
entry_of(StoreRows *rows, JournalEntry *entry)
{
    const JournalEntry read = {
        .seq = store_integer(rows, 0),
        .last_seq = store_integer(rows, 1),
        .at = store_integer(rows, 2),
        .parent = store_integer(rows, 3),
        .machine = store_integer(rows, 4),
        .elapsed_us = store_integer(rows, 5),
        .kind = store_text(rows, 6),
        .actor = store_text(rows, 7),
        .task = store_text(rows, 8),
        .target = store_text(rows, 9),
        .technology = store_text(rows, 10),
        .params = store_text(rows, 11),
        .profile = store_text(rows, 12),
        .outcome = store_text(rows, 13),
        .error = store_text(rows, 14),
        .message = store_text(rows, 15),
    };

    *entry = read;
}

static gboolean
wanted(const JournalFilter *filter, const JournalEntry *entry)
{
    return (filter->actor == NULL || g_strcmp0(filter->actor, entry->actor) == 0) &&
           (filter->outcome == NULL || g_strcmp0(filter->outcome, entry->outcome) == 0) &&
           (filter->task == NULL ||
            (entry->task != NULL && g_pattern_match_simple(filter->task, entry->task)));
}

gboolean
journal_read(Store *store,
             const JournalFilter *filter,
             gboolean (*fn)(const JournalEntry *entry, gpointer data),
             gpointer data,
             GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = query(store, filter, &problem);

    while (rows != NULL && store_next(rows, &problem)) {
        JournalEntry entry;

        entry_of(rows, &entry);
        if (wanted(filter, &entry) && !fn(&entry, data))
            return TRUE;
    }
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

/* ---- checking ---- */

/* SQLite keeps 5.5 in a column of integers and a NUL within a text: neither was written by us. */
static gboolean
read_spelling(StoreRows *rows, Spelling *row)
{
    for (guint i = 0; i < NUMBERS; i++) {
        char type = store_type(rows, i);
        gboolean may_miss = i >= 2 && i <= 4;

        row->number[i] = store_integer(rows, i);
        if (type != 'i' && !(may_miss && type == 0))
            return FALSE;
        if (may_miss && type == 'i' && row->number[i] == 0)
            return FALSE;
    }
    for (guint i = 0; i < TEXTS; i++) {
        char type = store_type(rows, NUMBERS + i);

        row->text[i] = store_text(rows, NUMBERS + i);
        if (type != 0 && (type != 's' || strlen(row->text[i]) != store_length(rows, NUMBERS + i)))
            return FALSE;
    }
    return TRUE;
}

static gboolean
check_expected(Store *store, const End *expected, const End *found, GError **error)
{
    if (expected->seq != found->seq || memcmp(expected->hash, found->hash, HASH) == 0)
        return TRUE;
    return damaged(store,
                   error,
                   "row %" G_GINT64_FORMAT
                   " has another hash than the one given: it or a row before "
                   "it was written anew",
                   found->seq);
}

static gboolean
check_row(Store *store, StoreRows *rows, End *last, GError **error)
{
    g_autoptr(GBytes) hash = store_bytes(rows, NUMBERS + TEXTS);
    gint64 seq = store_integer(rows, 0);
    Spelling row;
    End next;

    if (seq != last->seq + 1)
        return damaged(store,
                       error,
                       "row %" G_GINT64_FORMAT
                       " is missing (the next one there is row %" G_GINT64_FORMAT ")",
                       last->seq + 1,
                       seq);
    if (!read_spelling(rows, &row))
        return damaged(
            store, error, "row %" G_GINT64_FORMAT " was changed to what no postern writes", seq);
    chain(last, &row, &next);
    if (hash == NULL || g_bytes_get_size(hash) != HASH ||
        memcmp(g_bytes_get_data(hash, NULL), next.hash, HASH) != 0)
        return damaged(store,
                       error,
                       "row %" G_GINT64_FORMAT
                       " is not what its hash says: it, or the hash of the row "
                       "before, was changed",
                       seq);
    *last = next;
    return TRUE;
}

static gboolean
check_rows(Store *store, const End *expected, End *last, guint64 *count, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows =
        store_query(store,
                    &problem,
                    "SELECT " NUMBER_COLUMNS ", " TEXT_COLUMNS ", hash FROM journal ORDER BY seq",
                    "");

    while (rows != NULL && problem == NULL && store_next(rows, &problem)) {
        if (check_row(store, rows, last, &problem) &&
            check_expected(store, expected, last, &problem))
            (*count)++;
    }
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static gboolean
check_end(Store *store, const End *last, const End *expected, GError **error)
{
    End head;

    if (!end_read(store, "journal.head", &head, error))
        return FALSE;
    if (head.seq > last->seq)
        return damaged(store,
                       error,
                       "row %" G_GINT64_FORMAT
                       " is missing, and all behind it up to row %" G_GINT64_FORMAT,
                       last->seq + 1,
                       head.seq);
    if (head.seq != last->seq || memcmp(head.hash, last->hash, HASH) != 0)
        return damaged(store,
                       error,
                       "row %" G_GINT64_FORMAT
                       " is not the last one on record (row %" G_GINT64_FORMAT ")",
                       last->seq,
                       head.seq);
    if (expected->seq > last->seq)
        return damaged(store,
                       error,
                       "row %" G_GINT64_FORMAT
                       ", whose hash was given, is missing: the journal ends "
                       "with row %" G_GINT64_FORMAT,
                       expected->seq,
                       last->seq);
    return TRUE;
}

static gboolean
verify(Store *store, const End *expected, End *last, guint64 *rows, GError **error)
{
    if (!end_read(store, "journal.floor", last, error))
        return FALSE;
    if (expected->seq != 0 && expected->seq < last->seq) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "row %" G_GINT64_FORMAT
                    " cannot be compared: retention has removed the rows up to "
                    "%" G_GINT64_FORMAT "; give the hash of a later row",
                    expected->seq,
                    last->seq);
        return FALSE;
    }
    return (expected->seq == 0 || check_expected(store, expected, last, error)) &&
           check_rows(store, expected, last, rows, error) &&
           check_end(store, last, expected, error);
}

gboolean
journal_verify(Store *store, const char *expected, char **head, guint64 *rows, GError **error)
{
    End given = {0}, last;
    gboolean good;

    *head = NULL;
    *rows = 0;
    if (expected != NULL && (!end_parse(expected, &given) || given.seq == 0)) {
        g_set_error(
            error,
            POSTERN_ERROR,
            POSTERN_ERROR_BAD_PARAM,
            "%s: expected SEQ:HASH as postern log verify prints it, a number and %d hex digits",
            expected,
            2 * HASH);
        return FALSE;
    }
    if (!store_begin_read(store, error))
        return FALSE;
    good = verify(store, &given, &last, rows, error);
    store_rollback(store);
    if (good && last.seq > 0)
        *head = end_text(&last);
    return good;
}

/* ---- retention ---- */

typedef struct {
    gint64 now, before; /* rows older than that go */
    guint64 bytes;      /* and those that begin before so many bytes of the whole chain */
} Limit;

/* FALSE: this row, and all behind it, stay. */
static gboolean
may_go(Store *store, StoreRows *rows, const Limit *limit, const End *floor, GError **error)
{
    gint64 ended = 1;

    if (store_integer(rows, 1) >= limit->before && floor->bytes >= limit->bytes)
        return FALSE;
    if (store_integer(rows, 1) > limit->now - DAY_US &&
        g_strcmp0(store_text(rows, NUMBERS), "begin") == 0 &&
        !store_number(store,
                      &ended,
                      0,
                      error,
                      "SELECT count(*) FROM journal WHERE run = $1",
                      "i",
                      store_integer(rows, 0)))
        return FALSE;
    return ended > 0;
}

static void
step_over(StoreRows *rows, End *floor)
{
    g_autoptr(GBytes) hash = store_bytes(rows, NUMBERS + TEXTS);

    floor->seq = store_integer(rows, 0);
    floor->bytes += ROW_BYTES;
    for (guint i = 0; i < TEXTS; i++)
        floor->bytes += store_length(rows, NUMBERS + i);
    if (hash != NULL && g_bytes_get_size(hash) == HASH)
        memcpy(floor->hash, g_bytes_get_data(hash, NULL), HASH);
}

static gboolean
find_floor(Store *store, const Limit *limit, End *floor, guint64 *count, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows =
        store_query(store,
                    &problem,
                    "SELECT " NUMBER_COLUMNS ", " TEXT_COLUMNS
                    ", hash FROM journal WHERE seq > $1 ORDER BY seq LIMIT $2",
                    "ii",
                    floor->seq,
                    (gint64)PURGE_MAX);

    while (rows != NULL && store_next(rows, &problem) &&
           may_go(store, rows, limit, floor, &problem)) {
        step_over(rows, floor);
        (*count)++;
    }
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static gboolean
remove_up_to(Store *store, const End *floor, guint64 count, const char *actor, GError **error)
{
    g_autofree char *message =
        g_strdup_printf("retention removed %" G_GUINT64_FORMAT " rows, up to row %" G_GINT64_FORMAT,
                        count,
                        floor->seq);
    JournalRow row = {.at = store_now(),
                      .kind = "store",
                      .actor = actor,
                      .task = "log purge",
                      .outcome = "ok",
                      .message = message};

    return store_run(store, error, "DELETE FROM journal WHERE seq <= $1", "i", floor->seq) &&
           end_write(store, "journal.floor", floor, error) && journal_add(store, &row, error);
}

gboolean
journal_purge(Store *store,
              guint keep_days,
              guint64 max_bytes,
              const char *actor,
              guint64 *removed,
              GError **error)
{
    Limit limit = {.now = store_now(), .before = G_MININT64};
    const End *head = head_of(store, error);
    End floor;

    *removed = 0;
    if (head == NULL || !end_read(store, "journal.floor", &floor, error))
        return FALSE;
    if (keep_days > 0)
        limit.before = limit.now - keep_days * DAY_US;
    /* a sixteenth more than need be, so that a full journal is not cut, and that noted, at every run */
    if (max_bytes > 0 && head->bytes > floor.bytes && head->bytes - floor.bytes > max_bytes)
        limit.bytes = head->bytes - (max_bytes - max_bytes / 16);
    if (!find_floor(store, &limit, &floor, removed, error))
        return FALSE;
    return *removed == 0 || remove_up_to(store, &floor, *removed, actor, error);
}
