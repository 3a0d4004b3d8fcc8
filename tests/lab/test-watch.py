#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a capture proves: two holders of one address, and the farewell of a machine that was cut."""

import os
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from gemel_lab import watch  # noqa: E402

A, B = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
VIP, VIP6, CLIENT = "10.77.1.10", "fd77:1::10", "10.77.100.10"
FIN, SYN, RST, PUSH_ACK = 1, 2, 4, 24


def capture(*packets):
    """A pcap file of (second, frame)."""
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 192, 1)
    for at, frame in packets:
        cut = frame[:192]
        data += struct.pack("<IIII", int(at), int(at % 1 * 1e6), len(cut), len(frame)) + cut
    return data


def arp(mac, operation=2, sender=VIP):
    return (b"\xff" * 6 + mac + b"\x08\x06" + struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation)
            + mac + socket.inet_aton(sender) + bytes(6) + socket.inet_aton(VIP))


def advertisement(mac):
    body = struct.pack(">BBHI", 136, 0, 0, 0x20000000) + socket.inet_pton(socket.AF_INET6, VIP6)
    header = struct.pack(">IHBB", 6 << 28, len(body), 58, 255) + bytes(32)
    return b"\x33\x33" + bytes(4) + mac + b"\x86\xdd" + header + body


def segment(mac, flags, payload=b"", port=4000):
    tcp = struct.pack(">HHIIBBHHH", 25, port, 0, 0, 0x50, flags, 0, 0, 0) + payload
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0)
    frame = bytes(6) + mac + b"\x08\x00" + header + socket.inet_aton(VIP) + socket.inet_aton(CLIENT) + tcp
    return frame + bytes(max(0, 60 - len(frame)))


def overlaps(*packets):
    return watch.overlaps_in(watch.claims_in(capture(*packets), (VIP, VIP6)))


def farewells(*packets):
    return [bye.flag for bye in watch.farewells_in(capture(*packets), watch.hardware(A))]


def rivals(*packets):
    return len(watch.overlaps_in(watch.acknowledgements_in(capture(*packets))))


def acknowledgement(mac, sequence, port=4000):
    frame = bytearray(segment(mac, PUSH_ACK, b"250 2.0.0 queued as 1-2\r\n", port))
    struct.pack_into(">I", frame, 14 + 20 + 4, sequence)
    return bytes(frame)


def two_that_acknowledge_one_after_the_other_are_no_rivals():
    assert rivals((1, acknowledgement(A, 1)), (2, acknowledgement(A, 2)), (3, acknowledgement(B, 1))) == 0


def who_acknowledges_after_another_has_begun_to_is_a_rival():
    assert rivals((1, acknowledgement(A, 1)), (2, acknowledgement(B, 1)), (3, acknowledgement(A, 2))) == 1


def what_is_sent_again_is_no_new_acknowledgement():
    assert rivals((1, acknowledgement(A, 1)), (2, acknowledgement(B, 1)), (3, acknowledgement(A, 1))) == 0


def one_holder_is_no_overlap():
    assert overlaps((1, arp(A)), (2, arp(A)), (3, arp(A))) == []


def a_takeover_is_no_overlap():
    assert overlaps((1, arp(A)), (2, arp(A)), (3, arp(B, 1)), (4, arp(B))) == []


def an_address_that_comes_back_was_held_twice():
    found = overlaps((1, arp(A)), (2, arp(B)), (2.5, arp(A)), (3, arp(B)))
    assert [claim.mac for claim in found] == [watch.hardware(A), watch.hardware(B)]


def other_addresses_prove_nothing():
    assert overlaps((1, arp(A)), (2, arp(B, sender="10.77.1.2")), (3, arp(A))) == []
    assert overlaps((1, arp(A)), (2, arp(B, sender="0.0.0.0")), (3, arp(A))) == []


def neighbour_advertisements_count_too():
    assert overlaps((1, advertisement(A)), (2, advertisement(B))) == []
    assert len(overlaps((1, advertisement(A)), (2, advertisement(B)), (3, advertisement(A)))) == 1


def a_reset_is_a_farewell():
    assert farewells((1, segment(A, RST))) == ["RST"]


def a_fin_after_221_is_none():
    bye = segment(A, PUSH_ACK, b"221 2.0.0 bye\r\n")
    assert farewells((1, bye), (2, segment(A, FIN))) == []
    assert farewells((1, segment(A, PUSH_ACK | FIN, b"221 2.0.0 bye\r\n"))) == []


def a_fin_without_221_is_a_farewell():
    assert farewells((1, segment(A, PUSH_ACK, b"250 2.0.0 ok\r\n")), (2, segment(A, FIN))) == ["FIN"]


def a_new_session_on_an_old_port_needs_its_own_221():
    bye = segment(A, PUSH_ACK, b"221 2.0.0 bye\r\n")
    assert farewells((1, bye), (2, segment(A, FIN)), (3, segment(A, SYN | 16)),
                     (4, segment(A, FIN))) == ["FIN"]


def the_other_machine_may_reset():
    assert farewells((1, segment(B, RST)), (2, segment(B, FIN))) == []


def a_cut_capture_is_read_as_far_as_it_goes():
    data = capture((1, arp(A)), (2, arp(B)), (3, arp(A)))
    for length in range(len(data)):
        watch.overlaps_in(watch.claims_in(data[:length], (VIP,)))
    assert len(watch.claims_in(data[:-1], (VIP,))) == 2


TESTS = [function for function in list(globals().values())
         if callable(function) and getattr(function, "__module__", "") == "__main__"
         and function.__code__.co_argcount == 0 and not function.__code__.co_flags & 4]


def main():
    print(f"1..{len(TESTS)}")
    failed = 0
    for number, test in enumerate(TESTS, 1):
        try:
            test()
            print(f"ok {number} - {test.__name__.replace('_', ' ')}")
        except AssertionError as error:
            failed += 1
            print(f"not ok {number} - {test.__name__.replace('_', ' ')}\n# {error}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
