// SPDX-License-Identifier: Apache-2.0
//
// Event log and audit log of a simulated device through MeshCentral's decoders, and what else is said of them.
//     node meshcentral-logs.js AMT-DIRECTORY act ADDRESS plain|tls PORT PASSWORD-FILE      do things that are put on record
//     node meshcentral-logs.js AMT-DIRECTORY read ADDRESS plain|tls PORT PASSWORD-FILE     both logs, decoded, as JSON
//     node meshcentral-logs.js - compare READ EVENTS AUDIT STATE ADDRESS                   that with our rows and the state file
'use strict';
const fs = require('fs');
const path = require('path');

const [dir, what, ...rest] = process.argv.slice(2);

function fail(why) {
    console.log('failed: ' + why);
    process.exit(1);
}

function connect(host, how, port, passwordFile) {
    const password = fs.readFileSync(passwordFile, 'utf8').split('\n')[0];
    const load = (name) => require(path.join(dir, name));
    const comm = load('amt-wsman-comm.js')(host, parseInt(port), 'admin', password, how === 'tls' ? 1 : 0);
    comm.xtlsFingerprint = 0;
    return load('amt.js')(load('amt-wsman.js')(comm));
}

async function act(amt) {
    const call = (name, ...args) => new Promise((done, no) =>
        amt[name](...args, (stack, method, response, status) =>
            status === 200 ? done(response.Body) : no(name + ': status ' + status)));
    const must = async (expected, name, ...args) => {
        const body = await call(name, ...args);
        if (body.ReturnValue !== expected) { throw name + ': ReturnValue ' + body.ReturnValue + ', expected ' + expected; }
        return body;
    };
    // 24/2 and 24/3 are audited from here on
    await must(0, 'AMT_AuditPolicyRule_SetAuditPolicy', true, 24, 2, 0);
    await must(0, 'AMT_AuditPolicyRule_SetAuditPolicyBulk', [true, true], [24, 29], [3, 0], [0, 0]);
    await must(36, 'AMT_AuditPolicyRule_SetAuditPolicy', true, 99, 0, 0);
    await must(0, 'AMT_MessageLog_FreezeLog', true);
    await must(2, 'AMT_MessageLog_ClearLog');
    await must(0, 'AMT_MessageLog_FreezeLog', false);
    await must(0, 'AMT_AuditLog_RequestStateChange', 3, null);
    await must(0, 'AMT_AuditLog_RequestStateChange', 2, null);
    const lock = await must(0, 'AMT_AuditLog_SetAuditLock', 30, 0, 0);
    await must(18, 'AMT_AuditLog_SetAuditLock', 0, 2, lock.Handle + 1);
    await must(0, 'AMT_AuditLog_SetAuditLock', 0, 2, lock.Handle);
    await must(2, 'AMT_AuditLog_ClearLog');
    await must(2060, 'AMT_AuditLog_ExportAuditLogSignature', 0);
    const time = await must(0, 'AMT_TimeSynchronizationService_GetLowAccuracyTimeSynch');
    await must(0, 'AMT_TimeSynchronizationService_SetHighAccuracyTimeSynch', time.Ta0, time.Ta0, time.Ta0);
    return { acted: true };
}

async function read(amt) {
    const logs = (name) => new Promise((done, no) =>
        amt[name]((stack, records, tag, status) => records ? done(records) : no(name + ': status ' + status)));
    const events = await logs('GetMessageLog');
    const audit = await logs('GetAuditLog');
    return {
        events: events.map((x) => ({ time: x.Time.getTime() / 1000, sensor: x.EventSensorType, type: x.EventType,
            offset: x.EventOffset, severity: x.EventSeverity, entity: x.EntityStr, text: x.Desc,
            data: Buffer.from(x.EventData).toString('hex') })),
        audit: audit.map((x) => ({ application: x.AuditAppID, event: x.EventID, initiator: x.Initiator, kind: x.InitiatorType,
            time: x.Time.getTime() / 1000, address: x.NetAddress, extended: Buffer.from(x.Ex).toString('hex'), details: x.ExStr })),
    };
}

// ---- comparing ----

const severities = { 0: 'unspecified', 1: 'monitor', 2: 'information', 4: 'ok', 8: 'non-critical', 16: 'critical', 32: 'non-recoverable' };
const entities = { 'BIOS': 'BIOS', 'Intel(r) ME': 'management engine' };
const texts = {
    'Memory initialization.': 'memory initialization',
    'Starting hard-disk initialization and test': 'disk initialization',
    'PCI resource configuration': 'PCI configuration',
    'Starting operating system boot process': 'starting the operating system',
    'Authentication failed 10 times. The system may be under attack.': 'authentication failed 10 times: possibly an attack',
};
const details = { 'Invalid ME access': 'at the engine' };

function same(where, name, theirs, ours) {
    if (theirs !== ours) { fail(where + ': ' + name + ': MeshCentral has ' + theirs + ', postern ' + ours); }
}

function rows(file) {
    return fs.readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line)).filter((x) => x.row).map((x) => x.row);
}

function stateOf(file, address) {
    return fs.readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line)).find((x) => x.address === address);
}

const seconds = (text) => Date.parse(text) / 1000;

function compareEvents(theirs, ours, state) {
    // postern tells records that are the same to the last bit once
    const once = (list) => list.filter((x, i) => list.findIndex((y) => JSON.stringify(x) === JSON.stringify(y)) === i);
    const found = once(theirs), raw = once(state.events.slice().reverse());
    same('events', 'number', found.length, ours.length);
    same('events', 'number in the simulator', raw.length, ours.length);
    ours.forEach((row, i) => {
        const where = 'event ' + i, x = found[i];
        same(where, 'bytes', Buffer.from(raw[i], 'base64').toString('hex'), row.raw);
        same(where, 'time', x.time, seconds(row.time));
        same(where, 'sensor', x.sensor, row.sensor);
        same(where, 'type', x.type, row['event-type']);
        same(where, 'offset', x.offset, row.offset);
        same(where, 'data', x.data, row.data);
        same(where, 'severity', severities[x.severity], row.severity);
        same(where, 'entity', entities[x.entity], row.entity);
        same(where, 'text', texts[x.text], row.text);
    });
    return ours.length;
}

// MeshCentral reads records as UTF-8 text: a byte from 80h on moves all behind it. So only records without one are
// compared whole; of the others what stands before it.
function compareAudit(theirs, ours, state) {
    let whole = 0;
    same('audit', 'number', theirs.length, ours.length);
    same('audit', 'number in the simulator', state.audit.length, ours.length);
    ours.forEach((row, i) => {
        const where = 'audit ' + i, x = theirs[i];
        same(where, 'bytes', state.audit[i], row.raw);
        same(where, 'application', x.application, row['application-id']);
        same(where, 'event', x.event, row['event-id']);
        same(where, 'kind', ['digest', 'kerberos', 'local', 'kvm'][x.kind], row.initiator);
        same(where, 'initiator', x.initiator, row.initiator === 'local' ? 'Local' : row.user);
        if (Buffer.from(row.raw, 'base64').some((byte) => byte >= 0x80)) { return; }
        whole++;
        same(where, 'time', x.time, seconds(row.time));
        same(where, 'address', x.address, row.address || '');
        same(where, 'extended', x.extended, row.extended);
        if (x.application === 30) { same(where, 'details', x.details.toLowerCase(), row.details); }
        if (x.application === 16 && x.event === 5) { same(where, 'details', details[x.details], row.details); }
        if (x.application === 21) { same(where, 'details', 'to ' + new Date(parseInt(x.extended, 16) * 1000).toISOString().replace('.000', ''), row.details); }
    });
    return whole;
}

function compare(file, events, audit, state, address) {
    const found = JSON.parse(fs.readFileSync(file, 'utf8'));
    const device = stateOf(state, address);
    const counts = { events: compareEvents(found.events, rows(events), device), audit: compareAudit(found.audit, rows(audit), device) };
    const did = rows(audit).map((row) => row.application + '.' + row.event).slice(-8).join(' ');
    // what act() did, in order; the refused policy is on record as well, and the log says when it goes off and on
    const expected = 'audit-log.policy-modified audit-log.policy-modified audit-log.policy-modified event-manager.log-frozen ' +
        'audit-log.disabled audit-log.enabled time.set security-admin.invalid-credentials';
    if (did !== expected) { fail('the last records are ' + did); }
    if (counts.audit < 8) { fail('only ' + counts.audit + ' records of the audit log were compared whole'); }
    if (counts.events < 5) { fail('only ' + counts.events + ' events'); }
    return counts;
}

(async () => {
    try {
        const result = what === 'compare' ? compare(...rest) : await (what === 'act' ? act : read)(connect(...rest));
        console.log(JSON.stringify(result));
        process.exit(0);
    } catch (ex) { fail(ex.stack || String(ex)); }
})();
setTimeout(() => fail('took more than 60 s'), 60000);
