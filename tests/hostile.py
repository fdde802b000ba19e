"""Files made to do harm, or broken by accident; every case is bytes that must not get in.

`CASES` maps a name to a function that makes the bytes. Nothing here is stored: a list of how each
file is made says more than the file.
"""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

from documents import PREVIEW, sample

from engine import files
from engine.files.archive import packed

Case = Callable[[], bytes]
CASES: dict[str, Case] = {}
TEXT = files.to_text(sample())
GOOD = files.to_bytes(sample(), PREVIEW)


def members() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(GOOD)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def pack(**changes: bytes | None) -> bytes:
    """The sample with members replaced, added (or with None removed), packed as Gradloom packs."""
    changed: dict[str, Any] = {**members(), **{k.replace("__", "/"): v for k, v in changes.items()}}
    return b"".join(packed({k: v for k, v in changed.items() if v is not None}))


def with_member(name: str, payload: bytes) -> bytes:
    return b"".join(packed({**members(), name: payload}))


def zipped(
    change: Callable[[zipfile.ZipInfo], object] = lambda info: None, **options: Any
) -> bytes:
    """The sample packed by the standard library, each member's record changed first."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as packed:
        for name, payload in members().items():
            info = zipfile.ZipInfo(name)
            info.compress_type = options.get("compression", zipfile.ZIP_STORED)
            change(info)
            packed.writestr(info, payload)
    return buffer.getvalue()


def text(old: str, new: str) -> bytes:
    assert old in TEXT
    return TEXT.replace(old, new, 1).encode()


def npy(header: str, body: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    """A .npy member with a header of one's choice in place of the matrix W."""
    line = header.encode() + b"\n"
    return pack(
        **{"tensors__n2.npy": b"\x93NUMPY" + version + struct.pack("<H", len(line)) + line + body}
    )


def described(descr: str, order: object, shape: str, body: bytes = bytes(48)) -> bytes:
    return npy(f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}", body)


def declared(shape: str, dtype: str = "float64") -> bytes:
    """The text of the .gloom with another shape declared for the matrix."""
    old = b'"n2": {"dtype": "float64", "shape": [2, 3]}'
    whole = members()["graph.json"]
    assert old in whole
    return whole.replace(old, f'"n2": {{"dtype": "{dtype}", "shape": {shape}}}'.encode())


def patched(at: int, value: bytes) -> bytes:
    return GOOD[:at] + value + GOOD[at + len(value) :]


def _add(group: str, **cases: Case) -> None:
    for name, case in cases.items():
        CASES[f"{group}: {name.replace('_', ' ')}"] = case


def bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("graph.json", b" " * (64 << 20))
    return buffer.getvalue()


def overlapping() -> bytes:
    """Two directory entries for one stretch of bytes."""
    start, count = (
        struct.unpack_from("<I", GOOD, len(GOOD) - 6)[0],
        struct.unpack_from("<H", GOOD, len(GOOD) - 12)[0],
    )
    first = GOOD[start : start + 46 + len("graph.json")]
    directory = first + GOOD[start:-22]
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count + 1, count + 1, len(directory), start, 0)
    return GOOD[:start] + directory + end


def twice() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2):
            packed.writestr(zipfile.ZipInfo("graph.json"), members()["graph.json"])
    return buffer.getvalue()


def many_nodes(count: int) -> bytes:
    entries = ",".join(
        f'{{"at":[0,0],"id":"n{i}","literals":{{}},"name":"v{i}","op":"add","options":{{}}}}'
        for i in range(1, count + 1)
    )
    start, end = TEXT.index('\n "nodes": [') + 2, TEXT.index('\n "output"') + 1
    return (TEXT[:start] + f'"nodes": [{entries}],\n' + TEXT[end:]).encode()


def formula(new: str) -> bytes:
    return text('"x * sigmoid(beta * x)"', f'"{new}"')


def nested_modules(depth: int) -> bytes:
    start = TEXT.index('\n "modules": {') + 2
    end = TEXT.index('\n "nodes": [') + 1
    opened = '"modules": {"a": {' * depth
    return (TEXT[:start] + opened + "}" * (2 * depth) + ",\n" + TEXT[end:]).encode()


def many_members() -> bytes:
    return b"".join(packed({f"tensors/n{i}.npy": b"" for i in range(20_000)}))


for _name in (
    "../evil.npy", "tensors/../../evil.npy", "/etc/evil.npy", "C:\\evil.npy", "tensors/a/b.npy",
    "tensors\\n1.npy", "tensors/.npy", "tensors/..npy", "tensors/n1.npy\0.txt", "evil.py",
    "tensors/n1.pkl", "GRAPH.JSON", "tensors/__init__.py", "tensors/", "tensors/n1 .npy",
    "tensors/" + "a" * 5_000 + ".npy", "tensors/\u202egnp.npy",
):  # fmt: skip
    CASES[f"names: {_name[:40]!r}"] = lambda name=_name: with_member(name, b"x")  # type: ignore[misc]

_add(
    "zip",
    empty=lambda: b"",
    one_byte=lambda: b"P",
    only_the_end=lambda: b"PK\5\6" + bytes(18),
    compressed=lambda: zipped(compression=zipfile.ZIP_DEFLATED),
    bomb=bomb,
    repacked=zipped,
    symbolic_link=lambda: zipped(lambda i: setattr(i, "external_attr", 0o120777 << 16)),
    device=lambda: zipped(lambda i: setattr(i, "external_attr", 0o020666 << 16)),
    a_comment_on_a_member=lambda: zipped(lambda i: setattr(i, "comment", b"hello")),
    extra_field=lambda: zipped(lambda i: setattr(i, "extra", b"\x01\x99\x02\x00ab")),
    encrypted=lambda: patched(6, b"\x01\x08"),
    method_in_the_header=lambda: patched(8, b"\x08"),
    other_name_in_the_directory=lambda: GOOD[::-1].replace(b"nosj.hparg", b"nosj.hparh", 1)[::-1],
    size_over_the_end=lambda: patched(22, b"\xff\xff\xff\x7f"),
    sizes_differ=lambda: patched(18, b"\x01"),
    wrong_checksum=lambda: patched(14, b"\0\0\0\0"),
    a_changed_number=lambda: GOOD.replace(struct.pack("<d", 1 / 3), struct.pack("<d", 1 / 5), 1),
    trailing_data=lambda: GOOD + b"x",
    trailing_zip=lambda: GOOD + GOOD,
    data_in_front=lambda: b"#!/bin/sh\n" + GOOD,
    bytes_between=lambda: GOOD.replace(b"PK\1\2", b"\0PK\1\2", 1),
    archive_comment=lambda: GOOD[:-2] + b"\5\0hello",
    overlapping_members=overlapping,
    a_member_twice=twice,
    many_members=many_members,
    no_graph=lambda: pack(**{"graph.json": None}),
    a_missing_tensor=lambda: pack(**{"tensors__n2.npy": None}),
    an_undeclared_tensor=lambda: pack(**{"tensors__n99.npy": b""}),
    count_of_members=lambda: GOOD[:-12] + b"\1\0\1\0" + GOOD[-8:],
)
for _part in range(100):
    CASES[f"cut: the zip at {_part} %"] = lambda part=_part: GOOD[: len(GOOD) * part // 100]  # type: ignore[misc]
    CASES[f"cut: the text at {_part} %"] = lambda part=_part: TEXT.encode()[
        : len(TEXT) * part // 100
    ]  # type: ignore[misc]

_add(
    "array",
    pickled_objects=lambda: described("|O", False, "(2, 3)"),
    a_record=lambda: npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2,3), }"),
    text_dtype=lambda: described("<U2", False, "(2, 3)"),
    complex_numbers=lambda: described("<c16", False, "(2, 3)", bytes(96)),
    half_floats=lambda: described("<f2", False, "(2, 3)", bytes(12)),
    big_endian=lambda: described(">f8", False, "(2, 3)"),
    column_order=lambda: described("<f8", True, "(2, 3)"),
    order_is_no_truth_value=lambda: described("<f8", 2, "(2, 3)"),
    ten_gigabytes=lambda: described("<f8", False, "(1342177280,)"),
    an_overflowing_shape=lambda: described("<f8", False, "(4294967296, 4294967296, 2)"),
    zero_times_huge=lambda: described("<f8", False, "(0, 999999999999, 999999999999)", b""),
    a_negative_shape=lambda: described("<f8", False, "(-2, -3)"),
    a_float_shape=lambda: described("<f8", False, "(2.0, 3)"),
    a_truth_value_in_the_shape=lambda: described("<f8", False, "(True, 6)"),
    a_product_in_the_shape=lambda: described("<f8", False, "(2*3,)"),
    sixty_five_dimensions=lambda: described("<f8", False, "(" + "1, " * 65 + ")", bytes(8)),
    another_shape=lambda: described("<f8", False, "(3, 2)"),
    another_dtype=lambda: described("<f4", False, "(2, 3)", bytes(24)),
    one_byte_too_few=lambda: described("<f8", False, "(2, 3)", bytes(47)),
    one_byte_too_many=lambda: described("<f8", False, "(2, 3)", bytes(49)),
    code_in_the_header=lambda: npy("__import__('os').system('touch pwned')", bytes(48)),
    deep_header=lambda: npy("(" * 30_000, bytes(48)),
    version_nine=lambda: npy("{}", bytes(48), b"\x09\x00"),
    header_longer_than_the_file=lambda: pack(**{"tensors__n2.npy": b"\x93NUMPY\1\0\xff\xff{"}),
    an_empty_member=lambda: pack(**{"tensors__n2.npy": b""}),
    a_npz_inside=lambda: pack(**{"tensors__n2.npy": GOOD}),
    truth_values_of_two=lambda: pack(
        **{"tensors__points.y.npy": members()["tensors/points.y.npy"][:-1] + b"\2"}
    ),
    ten_gigabytes_declared=lambda: pack(**{"graph.json": declared("[1342177280]")}),
    declared_with_33_dimensions=lambda: pack(**{"graph.json": declared(str([1] * 33))}),
    declared_as_objects=lambda: pack(**{"graph.json": declared("[2, 3]", "object")}),
)

_add(
    "json",
    not_json=lambda: b"hello",
    a_list=lambda: b"[]",
    a_number=lambda: b"1",
    nothing_but_space=lambda: b" \n",
    other_format=lambda: text('"gradloom"', '"other"'),
    future_version=lambda: text('"version": 6', '"version": 7'),
    negative_version=lambda: text('"version": 6', '"version": -7'),
    version_as_text=lambda: text('"version": 6', '"version": "1"'),
    version_true=lambda: text('"version": 6', '"version": true'),
    version_float=lambda: text('"version": 6', '"version": 1.0'),
    depth=lambda: b"[" * 100_000 + b"]" * 100_000,
    depth_of_objects=lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    depth_in_an_option=lambda: text('"axis": [0, 1]', '"axis": ' + "[" * 70 + "]" * 70),
    million_nodes=lambda: many_nodes(1_000_000),
    million_lists=lambda: text('"about": ', '"x": [' + "[]," * 2_500_000 + '[]], "about": '),
    nan=lambda: text('"learning_rate": 0.05', '"learning_rate": NaN'),
    infinity=lambda: text('"learning_rate": 0.05', '"learning_rate": Infinity'),
    minus_infinity=lambda: text("120.5", "-Infinity"),
    a_number_out_of_range=lambda: text("120.5", "1e999"),
    long_integer=lambda: text('"seed": 7', '"seed": ' + "9" * 5_000),
    longer_integer=lambda: text('"seed": 7', '"seed": ' + "9" * 1_000_000),
    long_float=lambda: text("120.5", "0." + "1" * 100_000),
    integer_over_64_bits=lambda: text('"seed": 7', '"seed": 18446744073709551616'),
    a_key_twice=lambda: text('"title": ', '"title": "a", "title": '),
    a_key_twice_deep_down=lambda: text('"momentum": 0.9}', '"momentum": 0.9, "momentum": 0.9}'),
    half_a_surrogate=lambda: text("Sample of", "\\ud800"),
    half_a_surrogate_in_a_key=lambda: text('"momentum": 0.9', '"\\udc00": 0.9'),
    raw_surrogate=lambda: TEXT.encode().replace(b"Sample", b"\xed\xa0\x80"),
    byte_order_mark=lambda: b"\xef\xbb\xbf" + TEXT.encode(),
    utf_16=lambda: TEXT.encode("utf-16"),
    latin_1=lambda: TEXT.replace("∂", "d").replace("🙂", "").encode("latin-1"),
    nul_bytes=lambda: TEXT.encode() + bytes(10),
    trailing_text=lambda: TEXT.encode() + b"{}",
    unknown_field=lambda: text('"about": ', '"code": "print(1)", "about": '),
    unknown_field_of_a_node=lambda: text('"op": "matmul"', '"op": "matmul", "run": "x"'),
    a_field_missing=lambda: text(' "title": "Sample of format 6: größer, ∂J/∂x",\n', ""),
    unterminated_strings=lambda: b'"' + b'\\"' * 4_000_000,
    million_quotes=lambda: b'{"' + b'"' * 4_000_000,
)

_add(
    "document",
    cycle=lambda: text('["n5", "n6", "a"]', '["n5", "n6", "a"],["n6", "n4", "x"]').replace(
        b'["n3", "n4", "x"],', b""
    ),
    self_link=lambda: text('["n5", "n6", "a"]', '["n6", "n6", "a"]'),
    link_from_nowhere=lambda: text('["n5", "n6", "a"]', '["n77", "n6", "a"]'),
    link_to_nowhere=lambda: text('["n5", "n6", "a"]', '["n5", "n77", "a"]'),
    two_links_into_one_port=lambda: text(
        '["n5", "n6", "a"]', '["n5", "n6", "a"],["n2", "n6", "a"]'
    ),
    unknown_port=lambda: text('["n5", "n6", "a"]', '["n5", "n6", "__class__"]'),
    unknown_variadic_port=lambda: text('"xs1"', '"xs-1"'),
    a_thousandth_port=lambda: text('"xs1"', '"xs1000"'),
    long_link=lambda: text('["n5", "n6", "a"]', '["n5", "n6", "a", "b"]'),
    id_twice=lambda: text('"id": "n6"', '"id": "n5"'),
    name_twice=lambda: text('"name": "v1"', '"name": "z"'),
    not_an_id=lambda: text('"id": "n6"', '"id": "__init__"'),
    id_with_a_zero=lambda: text('"id": "n6"', '"id": "n06"'),
    huge_id=lambda: text('"id": "n6"', '"id": "n' + "9" * 4_000 + '"'),
    id_in_other_digits=lambda: text('"id": "n6"', '"id": "n٦"'),
    unknown_operator=lambda: text('"op": "matmul"', '"op": "os.system"'),
    unknown_option=lambda: text('"slope": 0.01', '"__class__": 0.01'),
    option_of_a_wrong_kind=lambda: text('"slope": 0.01', '"slope": [1]'),
    option_as_object=lambda: text('"slope": 0.01', '"slope": {"a": {}}'),
    huge_option=lambda: text('"slope": 0.01', '"slope": "' + "x" * 1_000_000 + '"'),
    other_choice=lambda: text('"init": "given"', '"init": "exec"'),
    missing_option=lambda: text('"name": "z", "op": "matmul"', '"name": "z", "op": "reshape"'),
    literal_at_no_port=lambda: text('"literals": {"b": -0.0}', '"literals": {"__dict__": 1.0}'),
    literal_as_text=lambda: text('"literals": {"b": -0.0}', '"literals": {"b": "1+1"}'),
    literal_true=lambda: text('"literals": {"b": -0.0}', '"literals": {"b": true}'),
    dunder_name_with_a_dot=lambda: text('"name": "v1"', '"name": "a.__class__"'),
    name_with_a_line_break=lambda: text('"name": "v1"', '"name": "v1\\n"'),
    long_name=lambda: text('"name": "v1"', '"name": "' + "v" * 10_000 + '"'),
    place_off_the_canvas=lambda: text("120.5", "1e300"),
    unknown_source_kind=lambda: text('"kind": "csv"', '"kind": "python"'),
    source_with_a_path_for_a_name=lambda: text('  "file": {"checksum"', '  "../file": {"checksum"'),
    held_out_share_of_two=lambda: text('"validation": 0.25', '"validation": 2'),
    negative_epochs=lambda: text('"epochs": 30', '"epochs": -1'),
    epochs_as_float=lambda: text('"epochs": 30', '"epochs": 1.5'),
    negative_learning_rate=lambda: text('"learning_rate": 0.05', '"learning_rate": -1'),
    other_dtype=lambda: text('"dtype": "float64",\n "format"', '"dtype": "object",\n "format"'),
    values_of_another_shape=lambda: text(
        "[[0, 1], [2, 3], [4, 5], [6, 7]]", "[[0, 1], [2], [], []]"
    ),
    values_too_few=lambda: text("[4611686018427387904, -1]", "[1]"),
    values_as_text=lambda: text("[4611686018427387904, -1]", '["1", "2"]'),
    values_over_their_dtype=lambda: text("[[0, 1], [2", "[[0, 99999999999], [2"),
    a_float_among_integers=lambda: text("[[0, 1], [2", "[[0, 1.5], [2"),
    an_integer_among_truth_values=lambda: text("[true, false", "[2, false"),
    a_float32_out_of_range=lambda: text('"n7": "NaN"', '"n7": 1e300'),
    values_without_a_tensor=lambda: text('"n7": "NaN"', '"n7": "NaN", "n8": 1.0'),
    tensor_without_values=lambda: text(',\n  "n7": "NaN"', ""),
    shape_of_ten_gigabytes=lambda: text('4", "shape": [2, 3]', '4", "shape": [1342177280]'),
    shape_below_zero=lambda: text('4", "shape": [2, 3]', '4", "shape": [-2, 3]'),
    shape_of_floats=lambda: text('4", "shape": [2, 3]', '4", "shape": [2.0, 3]'),
    tensor_key_with_a_path=lambda: TEXT.replace('"n7":', '"../n7":').encode(),
)

_add(
    "operators",
    an_operator_called_as_a_row=lambda: TEXT.replace('"gate"', '"sin"').encode(),
    an_operator_called_as_a_module=lambda: TEXT.replace('"gate"', '"Outer"').encode(),
    an_operator_with_a_path=lambda: TEXT.replace('"gate"', '"../gate"').encode(),
    an_operator_that_is_not_there=lambda: text('"op": "gate"', '"op": "mish2"'),
    an_operator_without_a_formula=lambda: formula(""),
    an_operator_that_is_no_formula=lambda: formula("x sigmoid"),
    an_operator_of_code=lambda: formula("__import__('os').system(x)"),
    an_operator_of_itself=lambda: formula("gate(x) * beta"),
    an_operator_of_an_unknown_one=lambda: formula("nowhere(x) * beta"),
    an_operator_that_reads_nothing=lambda: formula("exp(beta)"),
    an_operator_with_another_port=lambda: formula("exp(z) * beta"),
    an_operator_too_long=lambda: formula("beta * x" + " * x" * 3000),
    an_operator_that_explodes=lambda: formula("beta * " + "softmax(" * 50 + "x" + ")" * 50),
    an_operator_with_deep_brackets=lambda: formula("beta * " + "(" * 90 + "x" + ")" * 90),
    an_operator_with_a_setting_of_text=lambda: text('{"beta": 1.5}', '{"beta": "1"}'),
    an_operator_with_a_setting_out_of_range=lambda: text('{"beta": 1.5}', '{"beta": 1e999}'),
    an_operator_with_a_setting_called_g=lambda: text('{"beta": 1.5}', '{"beta": 1.5, "g": 1.0}'),
    an_operator_with_a_broken_text=lambda: text('"doc": "Größer."', '"doc": "\\ud800"'),
)

_add(
    "modules",
    a_module_called_as_an_operator=lambda: TEXT.replace('"Outer"', '"sin"').encode(),
    a_module_called_as_a_node=lambda: TEXT.replace('"Outer"', '"n5"').encode(),
    a_module_with_a_path=lambda: TEXT.replace('"Outer"', '"../Outer"').encode(),
    a_module_called_as_data=lambda: TEXT.replace('"Outer"', '"points"').encode(),
    a_size_below_one=lambda: text('"units": 2', '"units": 0'),
    a_size_as_text=lambda: text('"sizes": {"units": 2}', '"sizes": {"units": "2"}'),
    a_module_that_is_not_there=lambda: text('"op": "Outer"', '"op": "Nowhere"'),
    a_module_inside_itself=lambda: text('"op": "Inner"', '"op": "Outer"'),
    a_module_of_code=lambda: text('"op": "maximum"', '"op": "eval"'),
    modules_nested_deeply=lambda: nested_modules(200),
)

_add(
    "picture",
    not_a_picture=lambda: pack(**{"preview.png": b"\x89PNG\r\n\x1a\n"}),
    a_picture_bomb=lambda: pack(
        **{"preview.png": PREVIEW[:16] + struct.pack(">II", 100_000, 100_000) + PREVIEW[24:]}
    ),
    five_megabytes=lambda: pack(**{"preview.png": PREVIEW + bytes(5 << 20)}),
    html=lambda: pack(**{"preview.png": b"<script>alert(1)</script>"}),
)
