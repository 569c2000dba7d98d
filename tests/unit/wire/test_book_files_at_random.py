"""Whatever stands in a file: a book or a list of errors. Any book that is written reads as the same terms."""

from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.examples import examples

from drawdown.domain.catalogue import SERVICES
from drawdown.domain.limits import AMOUNT_MAX, NAME_LENGTH_MAX, TIERS_MAX
from drawdown.domain.money import CURRENCIES
from drawdown.domain.prices import GRADUATED, PACKAGE, PER_UNIT, Book, Model, Price, Tier
from drawdown.errors import BadInput
from drawdown.wire.book_file import read_book, write_book

many = examples(300)
GOOD = b"""\
name: plan-usd
version: 1
kind: plan
currency: USD
effective_from: 2026-01-01T00:00:00Z
prices:
  - {service: inference, meter: images, dimensions: {model: "a\\u00e9"}, unit_price: "0.5", per: 1}
  - service: inference
    meter: output_tokens
    model: graduated
    per: 1000000
    tiers: [{up_to: 10, unit_price: "2"}, {unit_price: "1"}]
"""
BITS = st.sampled_from(
    (
        *(b"", b"\n", b" ", b"\t", b"  - ", b": ", b"{", b"}", b"[", b"]", b",", b"? ", b"- ", b"|", b">", b"|9-\n"),
        *(b"*a", b"&a ", b"!!map ", b"!!binary ", b"!!python/object:os.system ", b"<<: ", b"%YAML 1.2\n---\n", b"---"),
        *(b"...", b"#", b"'", b'"', b'"\\U', b"\\u", b"\\x", b"\xff", b"\x00", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\r"),
        *(b"null", b"~", b"true", b"1e9", b".inf", b"0o7", b"-", b"9" * 5_000, b"[" * 50, b"{a: " * 50, b"a" * 2_000),
        *(b"2026-01-01", b"1:30", b"up_to: 3", b"tiers: ", b"prices: ", b"name: ", b"currency: ", b"per: 1"),
    )
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Put odd bits into a good file, or take parts out of it."""
    text = GOOD
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.integers(0, 12))
        text = text[:start] + draw(BITS | st.binary(max_size=6)) + text[end:]
    return text


def told(value: bytes) -> list[str]:
    """Read a file: the errors of one that is refused, each naming the file."""
    try:
        file = read_book("f", value)
    except BadInput as error:
        lines = str(error).split("\n")
        assert all(line.startswith("f:") for line in lines), lines
        return lines
    assert read_book("f", write_book(file.book).encode()).book.same_as(file.book)
    return []


@many
@given(damaged())
@example(b"%YAML 9" + b"9" * 5_000 + b".1\n---\na: b")
@example(b'"\\UFFFFFFFF": a')
@example(b'a: "\\UFFFFFFFF"')
@example(b"? ? ? a")
@example(b"a: |99\n b")
def test_a_damaged_file_is_read_or_refused(value: bytes) -> None:
    told(value)


@many
@given(st.binary(max_size=60) | st.lists(BITS, max_size=30).map(b"".join))
def test_any_bytes_are_read_or_refused(value: bytes) -> None:
    assert told(value)


TEXT = st.text(min_size=1, max_size=12) | st.sampled_from(
    (
        "null",
        "true",
        "No",
        "1",
        "1e5",
        "-",
        "a: b",
        "#",
        "a #b",
        "~",
        ".inf",
        "2026-01-01T00:00:00Z",
        "a\u2028",
        "😀",
        "=",
    )
)
NAMES = TEXT.filter(
    lambda text: not any(ord(one) < 32 or ord(one) == 127 or 0xD800 <= ord(one) < 0xE000 for one in text)
)
AMOUNTS = st.integers(0, AMOUNT_MAX)
COUNTS = st.integers(1, 10**12)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    service = draw(st.sampled_from(list(SERVICES.values())))
    meter = draw(st.sampled_from(service.meters))
    dimensions = tuple(sorted(draw(st.dictionaries(NAMES, NAMES, max_size=3)).items()))
    model: Model = draw(st.sampled_from((PER_UNIT, PACKAGE, GRADUATED)))
    if model != GRADUATED:
        return Price(service.name, meter, dimensions, draw(AMOUNTS), draw(COUNTS), model)
    bounds = sorted(draw(st.sets(COUNTS, max_size=TIERS_MAX - 1)))
    tiers = tuple(Tier(bound, draw(AMOUNTS)) for bound in (*bounds, None))
    return Price(service.name, meter, dimensions, 0, draw(COUNTS), GRADUATED, tiers)


@many
@given(
    NAMES.filter(lambda name: len(name) <= NAME_LENGTH_MAX),
    st.integers(1, 10**9),
    st.sampled_from(("on_demand", "plan")),
    st.sampled_from(sorted(CURRENCIES)),
    st.integers(946_684_800_000, 7_258_118_399_999),
    st.lists(prices(), max_size=4, unique_by=lambda one: (one.service, one.meter, one.dimensions)),
)
def test_a_book_that_is_written_reads_as_the_same_terms(
    name: str, version: int, kind: str, currency: str, since: int, entries: list[Price]
) -> None:
    book = Book(name, version, kind, currency, since, tuple(entries))
    assert read_book("f", write_book(book).encode()).book.same_as(book)
