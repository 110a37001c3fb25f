/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "schema.h"

/*
 * Times are microseconds since 1970 (store_now()). Names, addresses and UUIDs are kept in the one
 * spelling that machine.c gives them.
 */
/* clang-format off */
static const char *const steps[] = {
    /* 0 -> 1 */
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"

    /* whom there is; what identifies each, and when that was last so; what is known of it now, and was before. rank: query_rank()
     * of the text, by which numbers and versions compare */
    "CREATE TABLE machine (id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT UNIQUE, name TEXT NOT NULL,"
    " created INTEGER NOT NULL, seen INTEGER NOT NULL);"
    "CREATE INDEX machine_by_name ON machine (name);"
    "CREATE TABLE machine_key (kind TEXT NOT NULL CHECK (kind IN ('mac', 'fqdn', 'address')), value TEXT NOT NULL,"
    " machine INTEGER NOT NULL REFERENCES machine ON DELETE CASCADE, first_seen INTEGER NOT NULL,"
    " seen INTEGER NOT NULL, source TEXT NOT NULL, PRIMARY KEY (machine, kind, value)) WITHOUT ROWID;"
    "CREATE INDEX machine_key_by_value ON machine_key (kind, value, seen);"
    "CREATE TABLE machine_fact (machine INTEGER NOT NULL REFERENCES machine ON DELETE CASCADE, name TEXT NOT NULL,"
    " text TEXT NOT NULL, rank TEXT, seen INTEGER NOT NULL, source TEXT NOT NULL,"
    " PRIMARY KEY (machine, name)) WITHOUT ROWID;"
    "CREATE INDEX machine_fact_by_text ON machine_fact (name, text COLLATE NOCASE);"
    "CREATE INDEX machine_fact_by_rank ON machine_fact (name, rank) WHERE rank IS NOT NULL;"
    "CREATE TABLE machine_tag (tag TEXT NOT NULL, machine INTEGER NOT NULL REFERENCES machine ON DELETE CASCADE,"
    " PRIMARY KEY (tag, machine)) WITHOUT ROWID;"
    "CREATE INDEX machine_tag_of ON machine_tag (machine);"
    "CREATE TABLE machine_history (id INTEGER PRIMARY KEY, machine INTEGER NOT NULL REFERENCES machine ON DELETE CASCADE,"
    " at INTEGER NOT NULL, source TEXT NOT NULL, name TEXT NOT NULL, old TEXT, new TEXT);"
    "CREATE INDEX machine_history_of ON machine_history (machine, id);"

    "CREATE TABLE collection (name TEXT PRIMARY KEY, query TEXT, changed INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE collection_member (collection TEXT NOT NULL REFERENCES collection ON DELETE CASCADE,"
    " place INTEGER NOT NULL, target TEXT NOT NULL, PRIMARY KEY (collection, place)) WITHOUT ROWID;"

    /* sealed: what vault.h makes of the fields; print: vault_print() of the login, to tell when it changed */
    "CREATE TABLE profile (name TEXT PRIMARY KEY, note TEXT, is_default INTEGER NOT NULL DEFAULT 0,"
    " changed INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE UNIQUE INDEX profile_default ON profile (is_default) WHERE is_default = 1;"
    "CREATE TABLE profile_credential (profile TEXT NOT NULL REFERENCES profile ON DELETE CASCADE, type TEXT NOT NULL,"
    " sealed BLOB NOT NULL, print TEXT NOT NULL, changed INTEGER NOT NULL, PRIMARY KEY (profile, type)) WITHOUT ROWID;"
    /* how each login fared at each device; subject: 'machine:ID', or 'host:NAME' of what is no machine yet */
    "CREATE TABLE login (subject TEXT NOT NULL, print TEXT NOT NULL, type TEXT NOT NULL, profile TEXT,"
    " accepted INTEGER NOT NULL, at INTEGER NOT NULL, why TEXT, PRIMARY KEY (subject, print)) WITHOUT ROWID;"
    "CREATE INDEX login_by_print ON login (print);"

    /* rows are only ever added at the end, and removed at the front by retention */
    "CREATE TABLE journal (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL,"
    " run INTEGER, parent INTEGER, actor TEXT NOT NULL, task TEXT, target TEXT, host TEXT, machine INTEGER,"
    " technology TEXT, params TEXT, profile TEXT, outcome TEXT, error TEXT, message TEXT, elapsed_us INTEGER,"
    " hash BLOB NOT NULL);"
    "CREATE INDEX journal_by_run ON journal (run) WHERE run IS NOT NULL;"
    "CREATE INDEX journal_by_machine ON journal (machine, seq) WHERE machine IS NOT NULL AND kind <> 'end';",
};
/* clang-format on */

guint
schema_version(void)
{
    return G_N_ELEMENTS(steps);
}

const char *
schema_step(guint from)
{
    return steps[from];
}
