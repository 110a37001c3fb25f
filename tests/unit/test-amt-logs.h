/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of test-amt-logs share. */
#ifndef TEST_AMT_LOGS_H
#define TEST_AMT_LOGS_H

/* test-amt-audit.c: reading, clearing, policies, exports and their signatures. */
void add_audit_tests(void);

#endif /* TEST_AMT_LOGS_H */
