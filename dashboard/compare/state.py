"""The state of the page Compare: it is in the address, so a copied address shows the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from dashboard.compare.filters import NAMES, Filters
from dashboard.page_numbers import page_in

VIEWS = ("Grid", "List")


@dataclass(frozen=True)
class State:
    """What the page shows.

    Attributes:
        run_id: The run.
        other_id: The run beside it; None without one.
        key: The chosen check, by the parts of `dashboard.compare.cell_queries.KEY`.
        filters: Which checks are shown.
        view: One of `VIEWS`.
        page: The page of the grid or the list, from 1.
    """

    run_id: str
    other_id: str | None
    key: Mapping[str, str]
    filters: Filters
    view: str
    page: int

    def link(self, **changed: str | Sequence[str] | int | None) -> str:
        """The address of this state with some parameters changed; None leaves one out."""
        filters = {name: getattr(self.filters, name) for name in NAMES}
        own: dict[str, object] = {"run": self.run_id, "other": self.other_id, **self.key, **filters}
        own |= {
            "view": self.view if self.view != VIEWS[0] else None,
            "page": self.page if self.page > 1 else None,
        }
        kept = {name: value for name, value in (own | changed).items() if value}
        return f"/compare?{urlencode(kept, doseq=True)}"

    def without_check(self) -> str:
        """The address of this state without the chosen check."""
        return self.link(**dict.fromkeys(self.key))


def view_in(asked: Sequence[str]) -> str:
    """The view in an address; the first one if it is none."""
    return next((value for value in asked if value in VIEWS), VIEWS[0])


def wrong_in(asked: Mapping[str, Sequence[str]]) -> list[str]:
    """A sentence for each view and page in an address that cannot be."""
    views = [value for value in asked["view"] if value not in VIEWS]
    pages = [value for value in asked["page"] if value != str(page_in([value]))]
    return [
        *(f"There is no view {value}. The grid is shown." for value in views[:1]),
        *(f"There is no page {value}. The first page is shown." for value in pages[:1]),
    ]
