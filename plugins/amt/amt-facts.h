/* SPDX-License-Identifier: Apache-2.0 */
/* From AMT's properties to named facts: what is missing, empty or said to be unknown is not there. */
#ifndef AMT_FACTS_H
#define AMT_FACTS_H

#include "amt.h"

typedef enum {
    FACT_TEXT,   /* trimmed; padded by firmware */
    FACT_NUMBER, /* u; 0 and all ones are unknown */
    FACT_BIG,    /* t; likewise */
    FACT_FLAG,   /* b */
    FACT_WORD,   /* number to word of `words` */
    FACT_KILO,   /* t; the property counts thousands */
    FACT_MAC,    /* to aa:bb:cc:dd:ee:ff; all zero is none */
} AmtFactKind;

typedef struct {
    const char *property;
    const char *name;
    AmtFactKind kind;
    const AmtWord *words;
} AmtFact;

/* Add what `instance` tells of the rows of `facts` (ended by a NULL property). */
void amt_facts_add(PosternResult *result, const AmtFact *facts, GVariant *instance);
/* 32 hex digits in SMBIOS order to the usual form; NULL: no such. */
char *amt_uuid(const char *digits);
/* The same from the 16 bytes. */
char *amt_uuid_of(const guint8 *bytes, gsize length);
/* What firmware identities tell, by their names; a{sv}, floating. */
GVariant *amt_firmware_facts(GPtrArray *identities);

extern const AmtFact amt_chassis_facts[];
extern const AmtFact amt_card_facts[];
extern const AmtFact amt_bios_facts[];
extern const AmtFact amt_processor_facts[];
extern const AmtFact amt_chip_facts[];
extern const AmtFact amt_memory_facts[];
extern const AmtFact amt_media_facts[];
extern const AmtFact amt_package_facts[];
extern const AmtFact amt_battery_facts[];
extern const AmtFact amt_port_facts[];
extern const AmtFact amt_general_facts[];
extern const AmtFact amt_setup_facts[];
extern const AmtFact amt_control_facts[];

#endif /* AMT_FACTS_H */
