"""Three DLMS clients that nobody here wrote, with the same few calls.

Values come as plain Python: whole numbers (an enumeration or a truth value too), bytes, bit strings
as text of 0 and 1, lists.
"""

import socket
from contextlib import contextmanager
from urllib.parse import urlsplit

import serial
from dlms_cosem import cosem, dlms_data, enumerations, utils
from dlms_cosem.clients.blocking_tcp_transport import BlockingTcpTransport
from dlms_cosem.clients.dlms_client import ActionError, DataResultError, DlmsClient
from dlms_cosem.clients.hdlc_transport import SerialHdlcTransport
from dlms_cosem.cosem.capture_object import CaptureObject
from dlms_cosem.cosem.selective_access import RangeDescriptor
from dlms_cosem.parsers import AssociationObjectListParser
from gurux_dlms import GXBitString, GXByteBuffer, GXDLMSClient, GXDLMSException, GXReplyData
from gurux_dlms.enums import Authentication, DataType, ErrorCode, InterfaceType
from pydlms import DlmsClient as PyDlms
from pydlms import DlmsData, Mechanism, ServiceError, decode_data

PUBLIC, SERVER = 16, 1
GATEWAY, GATEWAY_NAME = 115, "0.0.19.40.0.255"
PROFILE, ROWS, COLUMNS = 7, 2, 3
TIMEOUT_S = 60
AGAIN_S = 0.1  # dlms-cosem waits so long for a flag that it has, where a check ends with one


class Refused(Exception):
    """The server refused; the message says the result in the client's words."""


def place(url):
    """Host and port of a URL."""
    parts = urlsplit(url)
    return parts.hostname, parts.port


@contextmanager
def hung_up(stranger):
    """A stranger that cannot connect leaves its socket open: close it."""
    try:
        yield
    except BaseException:
        stranger.hang_up()
        raise


class PyDlmsClient:
    """pydlms-client 0.1.0."""

    def __init__(self, url, hdlc=False, password=None):
        settings = {} if password is None else {"mechanism": Mechanism.LLS, "password": password}
        self.client = PyDlms.tcp(*place(url), hdlc=hdlc, timeout=TIMEOUT_S, **settings)
        with hung_up(self):
            self.client.connect()

    def hang_up(self):
        self.client.link.disconnect()

    def close(self):
        self.client.close()

    def listed(self):
        """Class, version, name and number of attributes of each object."""
        return [
            (entry.class_id, entry.version, str(entry.logical_name), len(entry.rights.attributes))
            for entry in self.client.get_association_view()
        ]

    def read(self, class_id, name, attribute):
        return self._tried(lambda: _plain_pydlms(self.client.get(name, class_id, attribute)))

    def write(self, class_id, name, attribute, number):
        self._tried(lambda: self.client.set(name, class_id, attribute, DlmsData.uint8(number)))

    def act(self, class_id, name, method, octets):
        parameter = DlmsData.octet_string(octets)
        self._tried(lambda: self.client.action(name, class_id, method, parameter))

    def _tried(self, call):
        try:
            return call()
        except ServiceError as error:
            raise Refused(str(error)) from None


def _plain_pydlms(data):
    if data.tag.name == "BIT_STRING":
        return "".join("01"[bit] for bit in data.value)
    if isinstance(data.value, list | tuple):
        return [_plain_pydlms(each) for each in data.value]
    return _plain(data.value)


def _plain(value):
    """Texts as their octets, for some clients make text of printable octets; numbers as numbers."""
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode()
    return bytes(value) if isinstance(value, bytes | bytearray) else int(value)


class DlmsCosemClient:
    """dlms-cosem 21.3.2; its HDLC is made for serial lines, and gets one that is a socket."""

    def __init__(self, url, hdlc=False, password=None):
        host, port = place(url)
        low = enumerations.AuthenticationMechanism.LLS
        addresses = {"client_logical_address": PUBLIC, "server_logical_address": SERVER}
        if hdlc:
            line = serial.serial_for_url(url, timeout=AGAIN_S)
            transport = SerialHdlcTransport(**addresses, serial_port=url, serial=line)
        else:
            transport = BlockingTcpTransport(host, port, PUBLIC, SERVER, timeout=TIMEOUT_S)
        self.client = DlmsClient(
            PUBLIC,
            SERVER,
            transport,
            authentication_method=None if password is None else low,
            password=password,
        )
        self.client.connect()
        with hung_up(self):
            self.client.associate()

    def close(self):
        self.client.release_association()
        self.hang_up()

    def hang_up(self):
        if isinstance(self.client.io_interface, SerialHdlcTransport):
            # its `disconnect` takes a UA without parameters for half a frame, and waits for ever
            self.client.io_interface._serial.close()
        else:
            self.client.disconnect()

    def listed(self):
        octets = self.client.get(_attribute(15, "0.0.40.0.0.255", 2))
        return [
            (
                int(entry.interface),
                entry.version,
                _dotted(entry.logical_name),
                len(entry.attribute_access_rights),
            )
            for entry in AssociationObjectListParser.parse_bytes(octets)
        ]

    def read(self, class_id, name, attribute):
        try:
            octets = self.client.get(_attribute(class_id, name, attribute))
        except DataResultError as error:
            raise Refused(str(error)) from None
        return _decoded(octets)

    def between(self, class_id, name, begin, end):
        """Rows of a profile from one time to another."""
        clock = cosem.CosemAttribute(
            enumerations.CosemInterface.CLOCK, cosem.Obis(0, 0, 1, 0, 0, 255), 2
        )
        wanted = RangeDescriptor(CaptureObject(clock, 0), begin, end)
        octets = self.client.get(_attribute(class_id, name, 2), wanted)
        return _decoded(octets)

    def write(self, class_id, name, attribute, number):
        octets = dlms_data.UnsignedIntegerData(number).to_bytes()
        answer = self.client.set(_attribute(class_id, name, attribute), octets)
        if answer.result != 0:
            raise Refused(str(answer.result))

    def act(self, class_id, name, method, octets):
        wanted = cosem.CosemMethod(enumerations.CosemInterface(class_id), _obis(name), method)
        try:
            self.client.action(wanted, dlms_data.OctetStringData(octets).to_bytes())
        except ActionError as error:
            raise Refused(str(error)) from None


def _obis(name):
    return cosem.Obis(*map(int, name.split(".")))


def _dotted(obis):
    return ".".join(map(str, obis.to_bytes()))


def _attribute(class_id, name, attribute):
    return cosem.CosemAttribute(enumerations.CosemInterface(class_id), _obis(name), attribute)


def _decoded(octets):
    """Its own decoder knows no bit strings and no UTF-8: those a stranger decodes for it."""
    try:
        return _plain_cosem(utils.parse_as_dlms_data(octets))
    except NotImplementedError:
        return _plain_pydlms(decode_data(octets)[0])


def _plain_cosem(value):
    return [_plain_cosem(each) for each in value] if isinstance(value, list) else _plain(value)


class GuruxClient:
    """gurux-dlms 1.0.203, which leaves the socket to us."""

    def __init__(self, url, hdlc=False, password=None):
        level = Authentication.NONE if password is None else Authentication.LOW
        kind = InterfaceType.HDLC if hdlc else InterfaceType.WRAPPER
        self.client = GXDLMSClient(True, PUBLIC, SERVER, level, password, kind)
        self.line = socket.create_connection(place(url), timeout=TIMEOUT_S)
        self.kept = b""
        with hung_up(self):
            if hdlc:
                self.client.parseUAResponse(self._ask(self.client.snrmRequest()).data)
            self.client.parseAareResponse(self._ask(*self.client.aarqRequest()).data)

    def close(self):
        for message in self.client.releaseRequest() or ():
            self._ask(message)
        if self.client.interfaceType == InterfaceType.HDLC:
            self._ask(self.client.disconnectRequest())
        self.hang_up()

    def hang_up(self):
        self.line.close()

    def listed(self):
        found = self.client.parseObjects(self._ask(self.client.getObjectsRequest()).data, True)
        return [
            (int(each.objectType), each.version, each.logicalName, each.getAttributeCount())
            for each in found
        ]

    def read(self, class_id, name, attribute):
        """The value; the client's own object of this class takes it too."""
        thing = self._thing(class_id, name)
        reply = self._ask(*self.client.read(thing, attribute))
        value = _plain_gurux(reply.value)
        if value is None:  # so it gives an empty array
            value = []
        if (class_id, attribute) != (PROFILE, ROWS):  # which needs its columns first
            self.client.updateValue(thing, attribute, reply.value)
        return value

    def rows(self, name, first, count):
        """Rows of a profile, by their numbers."""
        thing = self._thing(PROFILE, name)
        columns = self._ask(*self.client.read(thing, COLUMNS)).value
        self.client.updateValue(thing, COLUMNS, columns)
        reply = self._ask(*self.client.readRowsByEntry(thing, first, count))
        return _plain_gurux(reply.value)

    def write(self, class_id, name, attribute, number):
        write = self.client._GXDLMSClient__write  # it writes attributes of its own objects alone
        self._ask(*write(name, number, DataType.UINT8, class_id, attribute))

    def act(self, class_id, name, method, octets):
        thing = self._thing(class_id, name)
        self._ask(*self.client.method(thing, method, octets, DataType.OCTET_STRING))

    def _thing(self, class_id, name):
        thing = GXDLMSClient.createObject(class_id)
        thing.logicalName = name
        return thing

    def _ask(self, *messages):
        """Send messages; the answer to the last one, whole."""
        reply = GXReplyData()
        try:
            for message in messages:
                reply.clear()
                self._exchange(message, reply)
                while reply.isMoreData():
                    self._exchange(self.client.receiverReady(reply), reply)
        except GXDLMSException as error:
            raise Refused(str(error)) from None
        if reply.error:
            raise Refused(ErrorCode(reply.error).name)
        return reply

    def _exchange(self, message, reply):
        self.line.sendall(bytes(message))
        kept = GXByteBuffer()
        while not self.client.getData(kept, reply):
            more = self.line.recv(4096)
            assert more, "the server hung up"
            kept.set(more)


def _plain_gurux(value):
    if isinstance(value, list):
        return [_plain_gurux(each) for each in value]
    return str(value) if isinstance(value, GXBitString) else _plain(value)


STRANGERS = (PyDlmsClient, DlmsCosemClient, GuruxClient)
