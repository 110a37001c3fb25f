// SPDX-License-Identifier: Apache-2.0
//
// Manages accounts of one simulated device with the AMT stack of MeshCentral, without the rest of it:
//     node meshcentral-accounts.js AMT-DIRECTORY ADDRESS plain|tls PORT
// Lists, adds, changes, switches off and removes accounts, logs in as one, and changes the administrator's password.
// Prints what it found as one line of JSON; exit status 0 when every step worked.
'use strict';
const path = require('path');
const crypto = require('crypto');

const [dir, host, how, port] = process.argv.slice(2);
const CreateComm = require(path.join(dir, 'amt-wsman-comm.js'));
const CreateWsman = require(path.join(dir, 'amt-wsman.js'));
const CreateAmt = require(path.join(dir, 'amt.js'));
const found = {};

function login(user, password) {
    const comm = CreateComm(host, parseInt(port), user, password, how === 'tls' ? 1 : 0);
    comm.xtlsFingerprint = 0; // as the manager does for a device without a pin
    const amt = CreateAmt(CreateWsman(comm));
    return {
        comm: comm,
        // ReturnValue other than `wanted` is a failure
        call: (name, wanted, ...args) => new Promise((done, no) =>
            amt['AMT_AuthorizationService_' + name](...args, (stack, what, response, status) => {
                if (status !== 200) { no(name + ': status ' + status); }
                else if (response.Body.ReturnValue !== wanted) { no(name + ': ReturnValue ' + response.Body.ReturnValue); }
                else { done(response.Body); }
            })),
        get: (name) => new Promise((done) => amt.Get(name, (stack, what, response, status) => done(status))),
    };
}

const secret = (realm, user, password) =>
    crypto.createHash('md5').update(user + ':' + realm + ':' + password).digest('base64');
const expect = (what, is, wanted) => {
    if (JSON.stringify(is) !== JSON.stringify(wanted)) { throw what + ' is ' + JSON.stringify(is) + ', not ' + JSON.stringify(wanted); }
};
const handles = (r) => r.HandlesCount === 0 ? [] : Array.isArray(r.Handles) ? r.Handles : [r.Handles];

async function run() {
    const admin = login('admin', 'P@ssw0rd');
    const before = handles(await admin.call('EnumerateUserAclEntries', 0, 1));
    found.before = before.length;
    const realm = admin.comm.digestRealm;
    expect('admin', (await admin.call('GetAdminAclEntry', 0)).Username, 'admin');
    expect('default', (await admin.call('GetAdminAclEntryStatus', 0)).IsDefault, false);

    const made = await admin.call('AddUserAclEntryEx', 0, 'operator', secret(realm, 'operator', 'Oper-4711'), undefined, 2, [5, 13]);
    await admin.call('AddUserAclEntryEx', 2058, 'operator', secret(realm, 'operator', 'Oper-4711'), undefined, 2, [5]);
    await admin.call('AddUserAclEntryEx', 2055, 'other', secret(realm, 'other', 'Oper-4711'), undefined, 2, [99]);
    await admin.call('AddUserAclEntryEx', 12, 'a-name-of-17-char', secret(realm, 'x', 'x'), undefined, 2, [5]);
    await admin.call('AddUserAclEntryEx', 2054, 'other', 'dG9vIHNob3J0', undefined, 2, [5]);
    expect('one more', handles(await admin.call('EnumerateUserAclEntries', 0, 1)).length, before.length + 1);
    const read = await admin.call('GetUserAclEntryEx', 0, made.Handle);
    expect('account', [read.DigestUsername, read.AccessPermission, read.Realms], ['operator', 2, [5, 13]]);

    expect('its rights', await login('operator', 'Oper-4711').get('AMT_GeneralSettings'), 200);
    found.missing = await login('operator', 'Oper-4711').get('AMT_RedirectionService');
    if (found.missing !== 401 && found.missing !== 400) { throw 'a missing realm is answered ' + found.missing; }
    expect('wrong password', await login('operator', 'Oper-4712').get('AMT_GeneralSettings'), 401);

    await admin.call('UpdateUserAclEntryEx', 0, made.Handle, 'operator', secret(realm, 'operator', 'Oper-4711'), undefined, 2, [2, 5, 13]);
    expect('more rights', await login('operator', 'Oper-4711').get('AMT_RedirectionService'), 200);
    await admin.call('SetAclEnabledState', 0, made.Handle, false);
    expect('switched off', (await admin.call('GetAclEnabledState', 0, made.Handle)).Enabled, false);
    expect('off', await login('operator', 'Oper-4711').get('AMT_GeneralSettings'), 401);
    await admin.call('RemoveUserAclEntry', 0, made.Handle);
    await admin.call('RemoveUserAclEntry', 2053, made.Handle);
    for (const handle of before) { await admin.call('RemoveUserAclEntry', 16, handle); }

    for (let i = 0; i < 7; i++) {
        await admin.call('AddUserAclEntryEx', 0, 'user' + i, secret(realm, 'user' + i, 'x'), undefined, 2, [5]);
    }
    await admin.call('AddUserAclEntryEx', 23, 'user7', secret(realm, 'user7', 'x'), undefined, 2, [5]);
    const sid = Buffer.from('010500000000000515000000a065cf7e784b9b5fe77c8770091c0100', 'hex').toString('base64');
    const kerberos = await admin.call('AddUserAclEntryEx', 0, undefined, undefined, sid, 1, [2, 5]);
    expect('SID', (await admin.call('GetUserAclEntryEx', 0, kerberos.Handle)).KerberosUserSid, sid);

    await admin.call('SetAdminAclEntryEx', 0, 'admin', secret(realm, 'admin', 'N3w-P@ssw0rd'));
    expect('the old password', await login('admin', 'P@ssw0rd').get('AMT_GeneralSettings'), 401);
    expect('the new one', await login('admin', 'N3w-P@ssw0rd').get('AMT_GeneralSettings'), 200);
}

run().then(() => {
    console.log(JSON.stringify(found));
    process.exit(0);
}, (ex) => {
    console.log(JSON.stringify({ failed: String(ex), found: found }));
    process.exit(1);
});
setTimeout(() => { console.log('{"failed":"took more than 60 s"}'); process.exit(1); }, 60000);
