"""Pictures made to do harm, or broken by accident; every case is bytes that hold no document."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from functools import cache

from documents import PREVIEW, sample

from engine import files
from engine.files import picture
from engine.files.picture import KEYWORD, PNG, SPACE

Case = Callable[[], bytes]
CASES: dict[str, Case] = {}
DRAWING = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
    b'<svg width="10mm" height="10mm" viewBox="0 0 10 10" xmlns="http://www.w3.org/2000/svg"\n'
    b' xmlns:xlink="http://www.w3.org/1999/xlink" version="1.2">\n'
    b'<title>a</title><g fill="none"><text x="1" y="2">x &lt; 1</text></g></svg>\n'
)
GOOD_PNG = picture.with_document(PREVIEW, sample())
GOOD_SVG = picture.with_document(DRAWING, sample())
BYTES = files.canonical_bytes(sample())


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def parts(data: bytes) -> list[bytes]:
    """A PNG file as its chunks."""
    found, at = [], len(PNG)
    while at < len(data):
        end = at + 12 + struct.unpack_from(">I", data, at)[0]
        found.append(data[at:end])
        at = end
    return found


HEAD, OURS, *REST = parts(GOOD_PNG)


def png(*chunks: bytes) -> bytes:
    return PNG + HEAD + b"".join(chunks) + b"".join(REST)


def carrying(packed: bytes, method: bytes = b"\0") -> bytes:
    return png(chunk(b"zTXt", KEYWORD + b"\0" + method + packed))


def base64(data: bytes) -> bytes:
    return picture.binascii.b2a_base64(data, newline=False)


@cache
def bomb(text: bytes, times: int = 200 << 10) -> bytes:
    """A text many times over, packed."""
    packer = zlib.compressobj(1)
    return b"".join([*(packer.compress(text * 1024) for _ in range(times >> 10)), packer.flush()])


def svg(old: bytes, new: bytes) -> bytes:
    assert old in GOOD_SVG
    return GOOD_SVG.replace(old, new, 1)


def within(markup: bytes) -> bytes:
    """A good picture with more inside."""
    return svg(b"<title>", markup + b"<title>")


def _add(group: str, **cases: Case) -> None:
    for name, case in cases.items():
        CASES[f"{group}: {name.replace('_', ' ')}"] = case


for _part in range(100):
    CASES[f"cut: the PNG at {_part} %"] = (
        lambda part=_part: GOOD_PNG[  # type: ignore[misc]
            : len(GOOD_PNG) * part // 100
        ]
    )
    CASES[f"cut: the SVG at {_part} %"] = (
        lambda part=_part: GOOD_SVG[  # type: ignore[misc]
            : len(GOOD_SVG) * part // 100
        ]
    )

ELEMENT = GOOD_SVG[GOOD_SVG.index(b"<metadata>") : GOOD_SVG.index(b"</metadata>") + 11]

_add(
    "png",
    without_a_document=lambda: PREVIEW,
    only_the_signature=lambda: PNG,
    bomb=lambda: carrying(bomb(b"A" * 1024)),
    bomb_of_base64=lambda: carrying(bomb(base64(bytes(768)))),
    wrong_checksum=lambda: GOOD_PNG.replace(OURS, OURS[:-4] + b"\0\0\0\0"),
    wrong_checksum_of_the_pixels=lambda: GOOD_PNG[:-20] + b"\0\0\0\0" + GOOD_PNG[-16:],
    a_changed_byte=lambda: GOOD_PNG.replace(OURS, OURS[:40] + b"!" + OURS[41:]),
    huge_length=lambda: png(b"\xff\xff\xff\xff" + OURS[4:]),
    length_to_the_end=lambda: png(struct.pack(">I", len(OURS) + 60) + OURS[4:]),
    length_of_nothing=lambda: png(bytes(4) + OURS[4:]),
    two_documents=lambda: png(OURS, OURS),
    two_other_documents=lambda: png(OURS, chunk(b"zTXt", KEYWORD + b"\0\0" + zlib.compress(b"A"))),
    another_packing=lambda: carrying(zlib.compress(base64(BYTES)), b"\1"),
    not_packed=lambda: carrying(base64(BYTES)),
    packed_and_cut=lambda: carrying(zlib.compress(base64(BYTES))[:-8]),
    packed_and_more=lambda: carrying(zlib.compress(base64(BYTES)) + b"more"),
    not_base64=lambda: carrying(zlib.compress(b"!" * 400)),
    base64_with_breaks=lambda: carrying(zlib.compress(base64(BYTES)[:100] + b"\n=")),
    empty=lambda: carrying(zlib.compress(b"")),
    no_document_inside=lambda: carrying(zlib.compress(base64(b"hello"))),
    a_cut_document_inside=lambda: carrying(zlib.compress(base64(BYTES[:-9]))),
    a_picture_inside=lambda: carrying(zlib.compress(base64(GOOD_PNG))),
    a_zip_bomb_inside=lambda: carrying(zlib.compress(base64(b"PK\3\4" + bytes(1 << 20)))),
    bytes_behind=lambda: GOOD_PNG + b"PK\3\4",
    two_pictures=lambda: GOOD_PNG + GOOD_PNG,
    no_end=lambda: GOOD_PNG[: -len(REST[-1])],
    no_head=lambda: PNG + OURS + b"".join(REST),
    head_twice=lambda: png(HEAD, OURS),
    million_chunks=lambda: png(OURS, chunk(b"teXt", b"") * 1_000_000),
    html=lambda: b"<html><body></body></html>",
)

_add(
    "svg",
    without_a_document=lambda: DRAWING,
    document_type=lambda: svg(
        b"<svg ", b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://x/svg.dtd"><svg '
    ),
    entities=lambda: svg(b"<svg ", b'<!DOCTYPE s [<!ENTITY a "aaaa">]><svg '),
    billion_laughs=lambda: svg(
        b"<svg ",
        b'<!DOCTYPE s [<!ENTITY a "ha">'
        + b"".join(b'<!ENTITY a%d "%s">' % (i, b"&a%d;" % (i - 1) * 10) for i in range(1, 12))
        + b"]><svg ",
    ).replace(b"x &lt; 1", b"&a11;"),
    external_entity=lambda: svg(
        b"<svg ", b'<!DOCTYPE s [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg '
    ).replace(b"x &lt; 1", b"&a;"),
    parameter_entity=lambda: svg(
        b"<svg ", b'<!DOCTYPE s [<!ENTITY % a SYSTEM "http://x/a">%a;]><svg '
    ),
    unknown_entity=lambda: svg(b"x &lt; 1", b"&nbsp;"),
    a_style_sheet_outside=lambda: svg(b"<svg ", b'<?xml-stylesheet href="http://x/a.css"?><svg '),
    a_script=lambda: within(b"<script>alert(1)</script>"),
    a_script_of_another_kind=lambda: within(b'<h:SCRIPT xmlns:h="http://www.w3.org/1999/xhtml"/>'),
    a_handler=lambda: svg(b"<g ", b'<g onload="alert(1)" '),
    foreign_markup=lambda: within(b"<foreignObject/>"),
    a_style=lambda: within(b"<style>@import url(http://x/a.css)</style>"),
    an_image_outside=lambda: within(b'<image xlink:href="http://x/a.png"/>'),
    a_file_outside=lambda: within(b'<image href="file:///etc/passwd"/>'),
    a_link_of_script=lambda: within(b'<a href="javascript:alert(1)"/>'),
    an_svg_in_data=lambda: within(b'<use href="data:image/svg+xml;base64,AA"/>'),
    a_fill_outside=lambda: svg(b'fill="none"', b'fill="url(http://x/a#b)"'),
    a_fill_outside_in_quotes=lambda: svg(b'fill="none"', b"fill=\"url( 'http://x/a#b')\""),
    two_documents=lambda: within(ELEMENT),
    two_in_one_element=lambda: svg(
        ELEMENT, ELEMENT.replace(b"</metadata>", b"") + ELEMENT.replace(b"<metadata>", b"")
    ),
    a_document_deep_inside=lambda: svg(ELEMENT, b"<g>" + ELEMENT + b"</g>"),
    a_document_of_two_elements=lambda: svg(b"</g:document>", b"<g/></g:document>"),
    another_space=lambda: svg(SPACE.encode(), b"urn:other"),
    another_root=lambda: GOOD_SVG.replace(b"<svg ", b"<html ").replace(b"</svg>", b"</html>"),
    another_space_of_the_root=lambda: svg(b"www.w3.org/2000/svg", b"www.w3.org/1999/xhtml"),
    not_base64=lambda: svg(b"UEsDB", b"!!!!!"),
    without_a_text=lambda: svg(
        ELEMENT, b"<metadata><g:document xmlns:g='%s'/></metadata>" % SPACE.encode()
    ),
    a_cut_document_inside=lambda: svg(b"</g:document>", b"UEsD</g:document>"),
    fifty_megabytes_deep=lambda: svg(b"<title>", b"<g>" * (50 << 18) + b"<title>"),
    deep=lambda: within(b"<g>" * 200 + b"</g>" * 200),
    fifty_megabytes_wide=lambda: within(b"<g/>" * (50 << 18)),
    a_million_elements=lambda: within(b"<g/>" * 1_000_000),
    fifty_megabytes_in_a_comment=lambda: within(b"<!--" + b"x" * (50 << 20)),
    fifty_megabytes_in_an_attribute=lambda: svg(b"<g ", b'<g d="' + b"x" * (50 << 20) + b'" '),
    fifty_megabytes_of_document=lambda: svg(b"UEsDB", b"A" * (50 << 20)),
    two_hundred_megabytes=lambda: within(b" " * (200 << 20)),
    not_closed=lambda: svg(b"</g>", b""),
    more_behind=lambda: GOOD_SVG + GOOD_SVG,
    utf_16=lambda: GOOD_SVG.decode().encode("utf-16"),
    a_null=lambda: svg(b"x &lt; 1", b"\0"),
    nothing=lambda: b"",
)
