// SPDX-License-Identifier: Apache-2.0
//
// Drives the AMT stack of MeshCentral against one simulated device with a wireless port:
//     node meshcentral-network.js AMT-DIRECTORY ADDRESS plain|tls PORT
// The steps and envelopes are those of its manager and console: an alarm, a wireless profile, calling home, events,
// power schemes.
// Prints what it found as one line of JSON; exit status 0 when every step worked.
'use strict';
const path = require('path');

const [dir, host, how, port] = process.argv.slice(2);
const comm = require(path.join(dir, 'amt-wsman-comm.js'))(host, parseInt(port), 'admin', 'P@ssw0rd', how === 'tls' ? 1 : 0);
comm.xtlsFingerprint = 0;
const amt = require(path.join(dir, 'amt.js'))(require(path.join(dir, 'amt-wsman.js'))(comm));
const found = {};

function fail(step, what) {
    console.log(JSON.stringify({ failed: step, what: what, found: found }));
    process.exit(1);
}

const batch = (names) => new Promise((done, no) =>
    amt.BatchEnum('', names, (stack, name, responses, status) =>
        status === 200 ? done(responses) : no('status ' + status)));
const call = (name, ...args) => new Promise((done, no) =>
    amt[name](...args, (stack, what, response, status) => {
        const body = status === 200 ? response.Body : {};
        return body.ReturnValue === 0 ? done(body) : no(name + ': status ' + status + ', ReturnValue ' + body.ReturnValue);
    }));
const remove = (name, keys) => new Promise((done, no) =>
    amt.Delete(name, keys, (stack, what, response, status) => status === 200 ? done() : no('Delete ' + name + ': ' + status)));
const expect = (what, is, wanted) => {
    if (is !== wanted) { throw what + ' is ' + JSON.stringify(is) + ', expected ' + JSON.stringify(wanted); }
};

async function alarm() {
    const when = new Date(Math.floor(Date.now() / 60000) * 60000 + 3600000).toISOString().replace('.000Z', 'Z');
    // this method hands over the raw answer, without its stack
    await new Promise((done, no) => amt.AMT_AlarmClockService_AddAlarm(
        { InstanceID: 'judge', ElementName: 'judge', StartTime: { Datetime: when }, Interval: { Datetime: 'P1DT0H0M' },
          DeleteOnCompletion: true },
        (ws, uri, response, status) => status === 200 && response.Body.ReturnValue === 0 ? done() : no('AddAlarm: ' + status)));
    const list = (await batch(['IPS_AlarmClockOccurrence'])).IPS_AlarmClockOccurrence.responses;
    expect('number of alarms', list.length, 1);
    expect('InstanceID', list[0].InstanceID, 'judge');
    expect('StartTime', list[0].StartTime.Datetime, when);
    expect('Interval', list[0].Interval.Interval, 'P1DT0H0M');
    expect('DeleteOnCompletion', list[0].DeleteOnCompletion, true);
    await remove('IPS_AlarmClockOccurrence', { InstanceID: 'judge' });
    expect('alarms left', (await batch(['IPS_AlarmClockOccurrence'])).IPS_AlarmClockOccurrence.responses.length, 0);
    found.alarm = when;
}

async function wifi() {
    const r = await batch(['CIM_WiFiEndpointSettings', '*CIM_WiFiPort', '*AMT_WiFiPortConfigurationService']);
    expect('profiles at first', r.CIM_WiFiEndpointSettings.responses.length, 0);
    const endpoint = { __parameterType: 'reference', Name: 'WiFi Endpoint 0',
        __resourceUri: 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_WiFiEndpoint' };
    const settings = { __parameterType: 'instance',
        __namespace: 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_WiFiEndpointSettings',
        ElementName: 'judge', InstanceID: 'Intel(r) AMT:WiFi Endpoint Settings judge', AuthenticationMethod: 6,
        EncryptionMethod: 4, SSID: 'Judges', Priority: 1, PSKPassPhrase: 'a phrase of it' };
    await call('AMT_WiFiPortConfigurationService_AddWiFiSettings', endpoint, settings, undefined, undefined, undefined);
    const list = (await batch(['CIM_WiFiEndpointSettings'])).CIM_WiFiEndpointSettings.responses;
    expect('profiles', list.length, 1);
    expect('SSID', list[0].SSID, 'Judges');
    expect('Priority', list[0].Priority, 1);
    expect('AuthenticationMethod', list[0].AuthenticationMethod, 6);
    expect('PSKPassPhrase', list[0].PSKPassPhrase, undefined);
    const service = r.AMT_WiFiPortConfigurationService.response;
    service.localProfileSynchronizationEnabled = 1;
    await new Promise((done, no) => amt.Put('AMT_WiFiPortConfigurationService', service, (stack, name, response, status) =>
        status === 200 && response.Body.localProfileSynchronizationEnabled === 1 ? done() : no('Put: status ' + status), 0, 1));
    await call('CIM_WiFiPort_RequestStateChange', 32769, null);
    expect('radio', (await batch(['*CIM_WiFiPort'])).CIM_WiFiPort.response.EnabledState, 32769);
    await remove('CIM_WiFiEndpointSettings', { InstanceID: settings.InstanceID });
    found.wifi = list[0].ElementName;
}

// as its manager does: server, rule, environment, and what it looks for afterwards
async function remoteAccess() {
    const server = await call('AMT_RemoteAccessService_AddMpServer', 'gw.example.test', 201, 4433, 2, null, 'judge', 'Gate-Pass-1', 'gw.example.test');
    const name = server.MpServer.ReferenceParameters.SelectorSet.Selector.filter((x) => x['@Name'] === 'Name')[0].Value;
    const reference = '<Address xmlns="http://schemas.xmlsoap.org/ws/2004/08/addressing">http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</Address><ReferenceParameters xmlns="http://schemas.xmlsoap.org/ws/2004/08/addressing"><ResourceURI xmlns="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd">http://intel.com/wbem/wscim/1/amt-schema/1/AMT_ManagementPresenceRemoteSAP</ResourceURI><SelectorSet xmlns="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><Selector Name="Name">' + name + '</Selector></SelectorSet></ReferenceParameters>';
    await call('AMT_RemoteAccessService_AddRemoteAccessPolicyRule', 2, 0, 'AAAAAAAAAAo=', [reference], []);
    await call('AMT_UserInitiatedConnectionService_RequestStateChange', 32771, null);
    const r = await batch(['*AMT_EnvironmentDetectionSettingData', 'AMT_ManagementPresenceRemoteSAP', 'AMT_RemoteAccessCredentialContext',
        'AMT_RemoteAccessPolicyAppliesToMPS', 'AMT_RemoteAccessPolicyRule', '*AMT_UserInitiatedConnectionService', 'AMT_MPSUsernamePassword']);
    const link = r.AMT_RemoteAccessPolicyAppliesToMPS.responses[0];
    const key = (property, key) => link[property].ReferenceParameters.SelectorSet.Selector.filter((x) => x['@Name'] === key)[0].Value;
    expect('server', r.AMT_ManagementPresenceRemoteSAP.responses[0].AccessInfo, 'gw.example.test');
    expect('link to the server', key('ManagedElement', 'Name'), name);
    expect('link to the rule', key('PolicySet', 'PolicyRuleName'), 'Periodic');
    expect('its user', r.AMT_MPSUsernamePassword.responses[0].RemoteID, 'judge');
    expect('the switch', r.AMT_UserInitiatedConnectionService.response.EnabledState, 32771);
    await remove('AMT_RemoteAccessPolicyRule', { PolicyRuleName: 'Periodic' });
    await remove('AMT_ManagementPresenceRemoteSAP', { Name: name });
    const left = await batch(['AMT_ManagementPresenceRemoteSAP', 'AMT_RemoteAccessPolicyAppliesToMPS', 'AMT_MPSUsernamePassword']);
    expect('what is left', left.AMT_ManagementPresenceRemoteSAP.responses.length + left.AMT_RemoteAccessPolicyAppliesToMPS.responses.length +
        left.AMT_MPSUsernamePassword.responses.length, 0);
    found.server = name;
}

async function events() {
    const url = 'http://127.88.8.200:4444/';
    await new Promise((done, no) => amt.Subscribe('CIM_FilterCollection', 'PushWithAck', url,
        (stack, name, response, status) => status === 200 && response.Body.SubscriptionManager ? done() : no('Subscribe: status ' + status),
        0, 0, { InstanceID: 'Intel(r) AMT:All' }, null, 'judge', 'Gate-Pass-1'));
    const r = await batch(['CIM_FilterCollection', 'CIM_FilterCollectionSubscription', 'CIM_ListenerDestinationWSManagement']);
    expect('Destination', r.CIM_ListenerDestinationWSManagement.responses[0].Destination, url);
    expect('DeliveryMode', r.CIM_ListenerDestinationWSManagement.responses[0].DeliveryMode, 3);
    const one = r.CIM_FilterCollectionSubscription.responses[0];
    await new Promise((done, no) => amt.UnSubscribe('CIM_FilterCollectionSubscription',
        (stack, name, response, status) => status === 200 ? done() : no('Unsubscribe: status ' + status),
        0, 0, { Filter: one.Filter, Handler: one.Handler }));
    expect('subscriptions left', (await batch(['CIM_ListenerDestinationWSManagement'])).CIM_ListenerDestinationWSManagement.responses.length, 0);
    found.events = r.CIM_FilterCollection.responses.length;
}

// its method names the scheme, as our own does
async function powerScheme() {
    await new Promise((done, no) => amt.AMT_SystemPowerScheme_SetPowerScheme((stack, name, response, status) =>
        status === 200 && response.Body.ReturnValue === 0 ? done() : no('SetPowerScheme: status ' + status), 'SCHEME 2', 0));
    const r = await batch(['AMT_SystemPowerScheme', 'CIM_ElementSettingData']);
    const current = r.CIM_ElementSettingData.responses.filter((x) => x.IsCurrent === 1);
    expect('current schemes', current.length, 1);
    expect('the current scheme', current[0].SettingData.ReferenceParameters.SelectorSet.Selector.Value, 'SCHEME 2');
    found.schemes = r.AMT_SystemPowerScheme.responses.length;
}

(async () => {
    for (const step of [alarm, wifi, remoteAccess, events, powerScheme]) {
        try { await step(); } catch (ex) { fail(step.name, String(ex)); }
    }
    console.log(JSON.stringify(found));
    process.exit(0);
})();
setTimeout(() => fail('time', 'took more than 60 s'), 60000);
