"""The listing of what a correction changes."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from formats.changes import Difference, changes, differences
from formats.messages import Change, Delivery
from formats.record import Contribution
from tests import builders, letters

CONTRIBUTION = "/delivery/record/contributions/contribution"


def delivery(*contributions: Contribution) -> Delivery:
    """A delivery of these contributions."""
    return builders.a_delivery(record=builders.a_record(contributions=contributions))


def test_each_kind_of_change_is_named() -> None:
    """A value that is other, a row that came, a row that went; and nothing of what is the same in another order."""
    one, two, three = (builders.a_contribution(month=f"2021-0{month}") for month in (1, 2, 3))
    corrected = two._replace(base="7100.00", received="")
    assert changes(delivery(one, two), delivery(three, corrected, one)) == (
        Change(f"{CONTRIBUTION}[1]", "added"),
        Change(f"{CONTRIBUTION}[2]/@base", "changed"),
        Change(f"{CONTRIBUTION}[2]/@received", "removed"),
    )
    assert changes(delivery(one, two, three), delivery(three, one)) == (Change(f"{CONTRIBUTION}[2]", "removed"),)
    assert changes(delivery(one, one), delivery(one)) == (Change(f"{CONTRIBUTION}[2]", "removed"),)


def test_the_person_and_the_forms_count_too() -> None:
    """A name that was wrong, and a form that is new or other."""
    before = builders.a_delivery()
    person = before.record.person._replace(name="周明")
    after = replace(before, record=builders.a_record(person=person), forms=(letters.an_information_form(),))
    assert changes(before, after) == (
        Change("/delivery/record/registration/person/@name", "changed"),
        Change("/delivery/forms/form[1]", "added"),
    )
    other = replace(after, forms=(letters.an_information_form(pooled="0.00"),))
    assert changes(after, other) == (Change("/delivery/forms/form[1]", "changed"),)
    assert changes(other, before)[-1] == Change("/delivery/forms/form[1]", "removed")


months = st.sampled_from([f"2021-0{month}" for month in range(1, 7)])
bases = st.sampled_from([7000_00, 7100_00])
rows = st.lists(
    st.builds(lambda month, base: builders.a_contribution(month=month, base=base), months, bases), max_size=6
)


@settings(max_examples=100, deadline=None)
@given(rows, rows)
def test_no_listing_means_the_same_rows(before: list[Contribution], after: list[Contribution]) -> None:
    """There is nothing to list exactly when both have the same rows, each as often."""
    listed = changes(delivery(*before), delivery(*after))
    assert (listed == ()) is (sorted(before) == sorted(after))


def test_differences_have_both_values() -> None:
    """What stood there and what stands there: of a value, of a row that came or went, of what a form says otherwise."""
    one, two, three = (builders.a_contribution(month=f"2021-0{month}") for month in (1, 2, 3))
    came, base, went = differences(delivery(one, two), delivery(three, two._replace(base="7100.00")))
    assert base == Difference(Change(f"{CONTRIBUTION}[2]/@base", "changed"), two.base, "7100.00")
    assert (came.before, went.after) == ("", "")
    assert "month=2021-03" in came.after.split()
    assert "month=2021-01" in went.before.split()

    form = letters.an_information_form()
    before = builders.a_delivery(forms=(form,))
    paid = form.periods[1]._replace(closing="7000.00")
    other = replace(form, sums=form.sums._replace(total="17080.00"), periods=(form.periods[0], paid))
    (found,) = differences(before, replace(before, forms=(other,)))
    assert found.change == Change("/delivery/forms/form[1]", "changed")
    assert found.before.startswith("total=17043.53; ")
    assert found.after.startswith("total=17080.00; ")
    assert found.after.count("; ") == 1
