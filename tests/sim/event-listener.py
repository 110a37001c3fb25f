#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Listens for events as an independent program would: event-listener.py ADDRESS OUTFILE USER PASSWORD.

Prints the port. A path of /digest wants a login (RFC 2617, checked here), /ack answers with an acknowledgement, /deaf answers
200 without one, which a device takes for none. Each event becomes a line of OUTFILE: path, login, alert, tag.
"""
import hashlib
import http.server
import re
import sys
import xml.etree.ElementTree

ADDRESS, OUTFILE, USER, PASSWORD = sys.argv[1:5]
REALM, NONCE = "events", "b07e1d"
NAMES = {
    "a": "http://www.w3.org/2003/05/soap-envelope",
    "b": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "g": "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_AlertIndication",
}
ACK = (
    '<a:Envelope xmlns:a="{a}" xmlns:b="{b}"><a:Header><b:Action>http://schemas.dmtf.org/wbem/wsman/1/wsman/Ack</b:Action>'
    "<b:RelatesTo>%s</b:RelatesTo></a:Header><a:Body></a:Body></a:Envelope>"
).format(**NAMES)


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def right_login(header):
    fields = dict(re.findall(r'(\w+)="?([^",]*)"?', header))
    a1, a2 = md5("%s:%s:%s" % (USER, REALM, PASSWORD)), md5("POST:" + fields.get("uri", ""))
    rest = ":".join((NONCE, fields.get("nc", ""), fields.get("cnonce", ""), fields.get("qop", ""), a2))
    return fields.get("response") == md5(a1 + ":" + rest) and fields.get("nonce") == NONCE


class Listener(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body, *headers):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        login = self.headers.get("Authorization")
        if self.path == "/digest" and login is None:
            self.answer(401, "", ("WWW-Authenticate", 'Digest realm="%s", nonce="%s", qop="auth"' % (REALM, NONCE)))
            return
        root = xml.etree.ElementTree.fromstring(body)
        alert = root.find("a:Body/g:CIM_AlertIndication/g:MessageID", NAMES).text
        tag = root.find("a:Header/{urn:postern:event}arg", NAMES)
        state = "none" if login is None else "right" if right_login(login) else "wrong"
        with open(OUTFILE, "a") as out:
            out.write("%s %s %s %s\n" % (self.path, state, alert, "-" if tag is None else tag.text))
        deaf = self.path == "/deaf"
        self.answer(200, "" if deaf else ACK % root.find("a:Header/b:MessageID", NAMES).text)

    def log_message(self, *words):
        pass


server = http.server.HTTPServer((ADDRESS, 0), Listener)
print(server.server_port, flush=True)
server.serve_forever()
