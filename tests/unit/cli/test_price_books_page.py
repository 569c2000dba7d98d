"""docs/price-books.md: its example is a book, its refusals are real, and its limits are those of the code."""

from pathlib import Path

import pytest

from drawdown.domain.catalogue import SERVICES
from drawdown.domain.limits import BOOK_BYTES_MAX, BOOK_PRICES_MAX, DIMENSIONS_MAX, FILE_ERRORS_MAX, TIERS_MAX
from drawdown.domain.money import CURRENCIES
from drawdown.errors import BadInput
from drawdown.wire.book_file import read_book
from drawdown.wire.price_book import PriceBookMessage, PriceMessage

PAGE = Path("docs/price-books.md").read_text()
EXAMPLE = PAGE.split("```yaml\n")[1].split("```")[0]


def test_the_example_is_a_book_with_all_models() -> None:
    book = read_book("prices.yaml", EXAMPLE.encode()).book
    assert (book.name, book.currency, len(book.prices)) == ("on-demand-usd", "USD", 7)
    assert {price.model for price in book.prices} == {"per_unit", "graduated", "package"}


def test_the_errors_shown_are_those_of_the_example_with_three_mistakes() -> None:
    mistaken = EXAMPLE.replace("currency: USD", "currency: usd").replace('"2.31"', "2.31")
    mistaken = mistaken.replace("fine-tuning, meter: gpu_seconds", "fine-tuning, meter: gpu_hours")
    with pytest.raises(BadInput) as error:
        read_book("prices.yaml", mistaken.encode())
    assert f"drawdown: this is no price book:\n{error.value}\n[2]\n" in PAGE


def test_all_fields_meters_and_limits_are_on_the_page() -> None:
    for field in (*PriceBookMessage.model_fields, *PriceMessage.model_fields):
        assert f"| `{field}` |" in PAGE
    for service in SERVICES.values():
        assert f"| `{service.name}` | {', '.join(f'`{meter}`' for meter in service.meters)} |" in PAGE
    for limit in (BOOK_BYTES_MAX, BOOK_PRICES_MAX):
        assert f"at most {limit:,}" in PAGE.replace("At most", "at most")
    assert f"at most {DIMENSIONS_MAX}:" in PAGE
    assert f"at most {TIERS_MAX};" in " ".join(PAGE.split())
    assert f"at most {FILE_ERRORS_MAX} lines" in PAGE
    assert all(code in PAGE for code in CURRENCIES)
