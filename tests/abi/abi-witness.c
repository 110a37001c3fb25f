/* SPDX-License-Identifier: Apache-2.0 */

/*
 * abi-witness.c - one exported function for each table of the contract, so that its types are in the debugging data
 * that abidw reads. Functions, not variables: a variable would make every appended member look like a changed symbol.
 */
#include <postern-plugin.h>

#define WITNESS(type)                                                                              \
    POSTERN_EXPORT void witness_##type(const type *table);                                         \
    void witness_##type(const type *table)                                                         \
    {                                                                                              \
        (void)table;                                                                               \
    }

WITNESS(PosternField)
WITNESS(PosternTask)
WITNESS(PosternCredentialType)
WITNESS(PosternRunSvc)
WITNESS(PosternTasksSvc)
WITNESS(PosternCredentialSvc)
WITNESS(PosternSecretsSvc)
WITNESS(PosternHttpSvc)
WITNESS(PosternStreamSvc)
WITNESS(PosternSweep)
WITNESS(PosternDatagramSvc)
WITNESS(PosternInventorySvc)
WITNESS(PosternClockSvc)
WITNESS(PosternHost)
WITNESS(PosternPlugin)

POSTERN_EXPORT void witness_PosternError(PosternError code);
void
witness_PosternError(PosternError code)
{
    (void)code;
}
