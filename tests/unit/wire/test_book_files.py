"""Price books as YAML: what is read, and what is refused with which file, line and field."""

import json

import pytest
from tests.support.messages import price, price_book, written

from drawdown.domain.limits import BOOK_BYTES_MAX, FILE_ERRORS_MAX
from drawdown.domain.prices import Price, Tier
from drawdown.errors import BadInput
from drawdown.wire.book_file import read_book
from drawdown.wire.price_book import decode_book

HEAD = """\
name: plan-usd
version: 1
kind: plan
currency: USD
effective_from: 2026-01-01T07:00:00+07:00
prices:
"""
IMAGES = '  - {service: inference, meter: images, unit_price: "0.5", per: 1}\n'
TIERS = """\
  - service: inference
    meter: output_tokens
    model: graduated
    per: 1000000
    tiers:
      - {up_to: 10, unit_price: "2"}
      - {up_to: 20, unit_price: "1.5"}
      - {unit_price: "1"}
"""


def wrong(text: str) -> list[str]:
    with pytest.raises(BadInput) as error:
        read_book("b.yaml", text.encode())
    return str(error.value).splitlines()


def entry(old: str, new: str) -> list[str]:
    return wrong(HEAD + IMAGES.replace(old, new))


def test_a_book_reads_as_it_is_written() -> None:
    file = read_book("b.yaml", (HEAD + IMAGES + TIERS).encode())
    book = file.book
    assert (book.name, book.version, book.kind, book.currency) == ("plan-usd", 1, "plan", "USD")
    assert book.effective_from == 1_767_225_600_000
    tiers = (Tier(10, 2_000_000_000), Tier(20, 1_500_000_000), Tier(None, 1_000_000_000))
    assert book.prices == (
        Price("inference", "images", (), 500_000_000, 1),
        Price("inference", "output_tokens", (), 0, 1_000_000, "graduated", tiers),
    )
    assert decode_book(file.message).same_as(book)


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_json_is_read_as_it_is(indent: int | str | None) -> None:
    message = price_book("plan-usd", price("inference", "images", "0.5", 1, model="a 😀"))
    text = json.dumps(message, indent=indent, ensure_ascii=indent != 2)
    assert read_book("b.json", text.encode()).book.same_as(decode_book(written(message)))


def test_all_that_is_wrong_is_told_by_line() -> None:
    text = HEAD.replace("version: 1", 'version: "1"').replace("USD", "usd")
    text = text.replace("2026-01-01T07:00:00+07:00", "5")
    text += (
        IMAGES.replace('"0.5"', "0.5")
        + IMAGES.replace("unit_price", "price")
        + IMAGES.replace("inference", "fine-tuning")
    )
    assert wrong(text) == [
        "b.yaml:2: version: write 1 without quotes: it is a number",
        "b.yaml:4: currency: 'usd' is no currency: write three capitals, such as USD",
        'b.yaml:5: effective_from: write "5" in quotes: it is text',
        'b.yaml:7: prices[0].unit_price: an amount is a quoted string: write "0.5", not 0.5',
        "b.yaml:8: prices[1].unit_price: this field is missing",
        "b.yaml:8: prices[1].price: there is no such field here; docs/price-books.md lists them",
        "b.yaml:9: prices[2].meter: images is not a meter of fine-tuning, which has gpu_seconds",
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("inference", "tea", "service: service 'tea' is not in the catalogue: gpu-container, fine-tuning, inference"),
        ("images", "gpu_seconds", "meter: gpu_seconds is not a meter of inference, which has input_tokens, cached"),
        ('"0.5"', "5", 'unit_price: an amount is a quoted string: write "5", not 5'),
        ('"0.5"', "1e-3", 'unit_price: an amount is a quoted string: write "1e-3", not 1e-3'),
        ('"0.5"', '"-1"', 'unit_price: "-1" is no amount: write digits with at most one point, such as "0.165"'),
        ('"0.5"', '"0.0000000001"', "unit_price: 0.0000000001 USD is finer than 9 decimals"),
        ('"0.5"', '"9999999999"', "unit_price: 9999999999 USD is larger than any amount can be"),
        ('"0.5"', "", "unit_price: this field is missing"),
        ("per: 1", "per: 0", "per: '0' cannot stand here: it should be greater than or equal to 1"),
        ("per: 1", "per: 1.5", 'per: 1.5 is a number with a fraction, which is not read: write "1.5" in quotes if it'),
        ("per: 1", "per: 0x10", "per: '0x10' is neither text nor a whole number; put text in quotes"),
        ("per: 1", "per: yes", "per: 'yes' cannot stand here: it should be a valid integer"),
        ("per: 1", "per: 1:30", "per: '1:30' cannot stand here: it should be a valid integer"),
        ("per: 1", "per: true", "per: 'True' cannot stand here: it should be a valid integer"),
        ("per: 1", "per: 1, per: 2", "per: this field stands here twice; keep one"),
        ("per: 1", "per: 1, dimensions: {model: 4090}", 'dimensions.model: write "4090" in quotes: it is text'),
        ("per: 1", "per: 1, dimensions: {model: no}", ""),
        (
            "per: 1",
            "per: 1, effective_from: 5",
            "effective_from: there is no such field here; docs/price-books.md lists",
        ),
        ("per: 1", "per: 1, dimensions: {model: true}", 'dimensions.model: write "true" in quotes: it is text'),
        ("per: 1", "per: 1, dimensions: H100", "dimensions: fields are expected here, each as name: value"),
        ("per: 1", 'per: 1, dimensions: {model: "\\u0007"}', "dimensions: model holds control characters: '\\x07'"),
        ("per: 1", 'per: 1, dimensions: {model: "\\ud83d"}', "dimensions.model: '\\ud83d' holds half a character"),
        ("per: 1", "per: 1, model: spot", "model: 'spot' cannot stand here: it should be 'per_unit', 'graduated'"),
        ("per: 1", "per: 1, model: graduated", "unit_price: a graduated price has a unit_price in each tier"),
        ("per: 1", 'per: 1, tiers: [{unit_price: "1"}]', "tiers: a per_unit price has no tiers"),
    ],
)
def test_a_price_that_is_wrong(old: str, new: str, said: str) -> None:
    if not said:
        assert read_book("b.yaml", (HEAD + IMAGES.replace(old, new)).encode()).book.prices[0].dimensions[0][1] == "no"
        return
    assert entry(old, new)[0].removeprefix("b.yaml:7: prices[0]").startswith(f".{said}")


def test_each_tier_that_is_wrong_is_told_on_its_own_line() -> None:
    text = HEAD + TIERS.replace("up_to: 20", "up_to: 10").replace('{unit_price: "1"}', '{up_to: 30, unit_price: "x"}')
    (told,) = wrong(text)
    assert told.startswith('b.yaml:14: prices[0].tiers[2].unit_price: "x" is no amount: ')
    assert wrong(text.replace('"x"', '"1"')) == [
        "b.yaml:13: prices[0].tiers[1].up_to: tier 2 ends at 10, which must be above 10",
        "b.yaml:14: prices[0].tiers[2].up_to: the last tier has no up_to: it prices all that is above the tier before",
    ]
    assert wrong(HEAD + TIERS.replace('"1.5"', '"0.0000000001"')) == [
        "b.yaml:13: prices[0].tiers[1].unit_price: 0.0000000001 USD is finer than 9 decimals"
    ]


def test_a_price_that_stands_twice_names_the_other_line() -> None:
    dated = IMAGES.replace("per: 1", "per: 2, dimensions: {a: x, b: y}")
    turned = dated.replace("a: x, b: y", "b: y, a: x")
    assert wrong(HEAD + dated + IMAGES + turned) == [
        "b.yaml:9: prices[2]: inference images has a price for the same dimensions on line 7; keep one"
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "b.yaml:1: name: this field is missing"),
        (b"- a", "b.yaml:1: fields are expected here, each as name: value"),
        (b"name: [", "b.yaml:1: this is not YAML: "),
        (b"name: a\n---\nname: b", "b.yaml:2: this is not YAML: but found another document"),
        (b"a: 1\nname: \xff", "b.yaml:2: this is not UTF-8: write it anew in that encoding"),
        (b"a: 1\nname: \x00", "b.yaml:2: this is not YAML: the character U+0000 may not stand in a file"),
        (b'a: 1\nname: "\\UFFFFFFFF"', "b.yaml:2: this is not YAML: "),
        (b"name: &a b\nkind: *a", "b.yaml:2: this is not YAML: an alias (*name) is not read; write the value out"),
        (b"name:\n" + b"[" * 500, "b.yaml:2: this is not YAML: this is nested too deep"),
        (b"name: a" + b" " * BOOK_BYTES_MAX, f"b.yaml: more than {BOOK_BYTES_MAX} bytes"),
        ("a: 1\nname: '\u2028'".encode(), "b.yaml:2: this is not YAML: write this character as '\\u2028', in double"),
        (b"!!set {a, b}", "b.yaml:1: the tag tag:yaml.org,2002:set is not read; leave it out"),
        (b"? [a]\n: b", "b.yaml:1: a field's name is plain text"),
    ],
)
def test_what_is_no_book(text: bytes, said: str) -> None:
    with pytest.raises(BadInput) as error:
        read_book("b.yaml", text)
    assert str(error.value).startswith(said)


def test_at_most_so_many_errors_are_told() -> None:
    told = wrong(HEAD + IMAGES.replace('"0.5"', "5") * (FILE_ERRORS_MAX + 7))
    assert len(told) == FILE_ERRORS_MAX + 1
    assert told[-1] == "b.yaml: and 7 more"
