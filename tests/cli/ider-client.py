# SPDX-License-Identifier: Apache-2.0
"""A client of storage redirection that breaks one rule, to see what the device does:
    ider-client.py ADDRESS PORT MODE PASSWORD-FILE
Prints how the session ended: "closed" by the device, or "going on"."""
import hashlib
import socket
import struct
import sys

address, port, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3]
PASSWORD = open(sys.argv[4]).read().strip()


class Line:
    def __init__(self):
        self.socket = socket.create_connection((address, port), 5)
        self.sequence = 0
        self.received = 0

    def take(self, count):
        data = b""
        while len(data) < count:
            some = self.socket.recv(count - len(data))
            if not some:
                raise EOFError
            data += some
        return data

    def start(self):
        self.socket.sendall(b"\x10\0\0\0IDER")
        reply = self.take(13)
        return reply[1]

    def login(self):
        uri, user = "/RedirectionService", "admin"

        def text(*parts):
            return b"".join(bytes([len(p)]) + p.encode() for p in parts)

        def send(body):
            self.socket.sendall(b"\x13\0\0\0\x04" + struct.pack("<I", len(body)) + body)
            head = self.take(9)
            return head[1], self.take(struct.unpack("<I", head[5:])[0])

        status, body = send(text(user) + b"\0\0" + text(uri) + b"\0\0\0\0")
        parts = []
        while body:
            parts.append(body[1 : 1 + body[0]].decode())
            body = body[1 + body[0] :]
        realm, nonce, qop = parts

        def md5(value):
            return hashlib.md5(value.encode()).hexdigest()

        digest = md5(f"{md5(f'{user}:{realm}:{PASSWORD}')}:{nonce}:00000002:c0ffee:{qop}:{md5('POST:' + uri)}")
        status, body = send(text(user, realm, nonce, uri, "c0ffee", "00000002", digest, qop))
        if status != 0:
            raise SystemExit("the login was refused")

    def send(self, opcode, body=b"", attributes=0, skip=0):
        self.sequence += skip
        self.socket.sendall(struct.pack("<BHBI", opcode, 0, attributes, self.sequence) + body)
        self.sequence += 1

    def message(self):
        """Opcode and body; every number in its turn."""
        head = self.take(8)
        opcode, number = head[0], struct.unpack("<I", head[4:])[0]
        if number != self.received:
            raise SystemExit(f"message {opcode:02x} has number {number}, expected {self.received}")
        self.received += 1
        length = {0x41: 22, 0x43: 0, 0x44: 0, 0x45: 0, 0x46: 1, 0x49: 5, 0x4B: 0, 0x50: 20}[opcode]
        return opcode, self.take(length)

    def open(self, patience=30000, heartbeat=20000):
        self.send(0x40, struct.pack("<HHHI", patience, 0, heartbeat, 1))
        opcode, body = self.message()
        assert opcode == 0x41
        self.buffers = struct.unpack("<HH", body[8:12])

    def features(self, value):
        self.send(0x48, struct.pack("<BI", 3, value))

    def end(self, device, good=True):
        registers = bytes([0xC5, 0, 3, 0, 0, 0, device, 0x50]) if good else bytes([0x87, 0x20, 3, 0, 0, 0, device, 0x51])
        self.send(0x51, bytes(12) + registers + (bytes(3) if good else bytes([2, 0x3A, 0])), 2)

    def data(self, device, data, last=True):
        into = struct.pack("<B3xHBB", 0xB5, len(data), device, 0x58)
        out = bytes([0x85, 0, 3, 0, 0, 0, device, 0x50]) if last else bytes(8)
        self.send(0x54, struct.pack("<BHB", 0, len(data), 0) + into + out + bytes(6) + data, 2 if last else 0)


# What goes wrong at READ CAPACITY of the CD
CAPACITY = struct.pack(">II", 99, 2048)


def answer_capacity(line, device):
    if mode == "no-data":
        line.end(device)
    elif mode == "unmarked":
        line.data(device, CAPACITY, False)
    elif mode == "other-drive":
        line.data(0xA0, CAPACITY)
    elif mode == "too-long":
        line.data(device, CAPACITY + b"x")
    elif mode == "too-short":
        line.data(device, CAPACITY[:4])
    elif mode == "silent":
        pass
    elif mode == "asks":
        line.send(0x52, struct.pack("<BHB", 0, 512, 0) + struct.pack("<B3xHBB", 0xB5, 512, device, 0x58) + bytes(11))
    elif mode == "unknown":
        line.send(0x60)
    else:
        line.data(device, CAPACITY)


def talk(line):
    if line.start() != 0:
        return "busy"
    line.login()
    line.open(300 if mode == "silent" else 30000, 100 if mode == "heartbeat" else 20000)
    if mode == "busy":
        second = Line()
        return "busy" if second.start() == 2 else "not busy"
    if mode == "early":
        line.data(0xB0, b"x" * 512)
    line.features(0x19)
    line.socket.settimeout(3)
    commands = 0
    while True:
        opcode, body = line.message()
        if opcode == 0x46:
            line.send(0x47, skip=1 if mode == "gap" else 0)
        elif opcode == 0x4B and mode == "heartbeat":
            line.send(0x4B)
            commands += 1
            if commands == 5:
                return "five heartbeats"
        elif opcode == 0x43:
            return "closed as asked"
        elif opcode == 0x50:
            device, code = body[6] & 0xF0, body[8]
            assert body[7] == 0xA0
            if code == 0x25 and device == 0xB0:
                answer_capacity(line, device)
                if mode == "close":
                    line.send(0x42)
            else:
                line.end(device, code == 0x00 and device == 0xB0)


line = Line()
try:
    print(talk(line))
except (EOFError, ConnectionResetError):
    print("closed")
except socket.timeout:
    print("going on")
