"""What the runner says of a scenario that differs, and of a file that is wrong."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from drawdown.cli.app import app
from drawdown.errors import BadInput
from drawdown.marked import Marked
from drawdown.scenario.run import plan_of, run

USE = "  - usage: {service: inference, input_tokens: 1000000}\n"
WHOLE = f"scenario: s\nsteps:\n{USE}    expect:\n      - overage: {{total: 2.00}}\n".replace("2.00", '"2.00"')
BEGUN = "      - event: {kind: debt_begun}\n"
DRAWN = f"      - drawn: {{}}\n{BEGUN}"


def differences(text: str) -> list[str]:
    report = run(plan_of(Marked("s.yaml", text)))
    return [what for step in report.differing for what in step.differences]


def wrong(text: str) -> str:
    with pytest.raises(BadInput) as error:
        plan_of(Marked("s.yaml", text))
    return str(error.value)


def test_an_output_that_is_not_listed_differs() -> None:
    assert differences(WHOLE)[0] == (
        "output 2 is not listed: drawn: account acme, event.id step-1, total 2, paid {debt 2}"
    )


def test_without_expect_no_output_is_expected() -> None:
    assert len(differences(f"scenario: s\nsteps:\n{USE}")) == 3


def test_an_output_that_did_not_come_differs() -> None:
    assert differences("scenario: s\nsteps:\n  - expect: [{event: {kind: plan_expired}}]\n") == [
        "output 1 did not come: event: kind plan_expired"
    ]


def test_a_wrong_amount_is_shown_beside_the_right_one() -> None:
    text = WHOLE.replace('"2.00"', '"2.01"') + '      - drawn: {paid: {debt: "1"}}\n' + BEGUN
    assert differences(text) == [
        "output 1 (overage) total: expected 2.01, came 2",
        "output 2 (drawn) paid: expected debt 1, came debt 2",
    ]


def test_another_kind_of_output_differs() -> None:
    text = WHOLE.replace("overage: {", "charge: {") + DRAWN
    (told,) = differences(text)
    assert told.startswith("output 1: expected charge: total 2")
    assert "came overage" in told


def test_a_refusal_under_another_code_differs() -> None:
    text = "scenario: s\nsteps:\n  - usage: {service: inference, ends: +1h}\n    expect: [{refused: too_late}]\n"
    (told,) = differences(text)
    assert told.startswith("output 1 (refused) code: expected too_late, came in_the_future: the usage ends")


def test_a_field_that_no_message_has_differs() -> None:
    assert "no such field" in differences(WHOLE.replace("total", "sum") + DRAWN)[0]


def test_a_state_that_differs_is_told_and_one_not_listed_too() -> None:
    text = WHOLE + DRAWN + '    state: {acme: {wallet: {debt: "1", top_ups: {}}, plans: {p: {spent: "1"}}}}\n'
    assert differences(text) == [
        "state.acme.plans.p: there is no such field; there are none",
        "state.acme.wallet.debt: expected 1, came 2",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("scenario: s\nscenario: t\nsteps: []\n", "s.yaml:2: scenario: this field stands here twice; keep one"),
        ("scenario: s\nsteps:\n  - command: {amount: 1.5}\n", "s.yaml:3: steps[0].command.amount: an amount is"),
        ("scenario: s\nsteps:\n  - command: {amount: 5}\n", "s.yaml:3: steps[0].command.amount: an amount is"),
        ("scenario: s\nsteps:\n  - note: a\n    expext: []\n", "s.yaml:4: steps[0].expext: there is no such"),
        ("scenario: s\n", "s.yaml:1: steps: this field is missing"),
        ("scenario: [\n", "s.yaml:2: this is not YAML: "),
        ("scenario: &a s\nnote: *a\n", "s.yaml:2: this is not YAML: an alias (*name) is not read"),
        ("scenario: s\nsteps: [{at: noon}]\n", "s.yaml:2: steps[0].at: at is an RFC 3339 date and time"),
        ("scenario: s\nsteps: [{at: 2020-01-01T00:00:00Z}]\n", "s.yaml:2: steps[0].at: 2020-01-01T00:00:00Z lies"),
        ("scenario: s\nsteps:\n  - command: {command: fly}\n", "s.yaml:3: steps[0].command: command 'fly' is not"),
        ("scenario: s\nsteps:\n  - command: {command: adjust, x: y}\n", "s.yaml:3: steps[0].command.x: the command"),
        ("scenario: s\nsteps:\n  - command: {command: adjust}\n", "s.yaml:3: steps[0].command: the command needs"),
        ("scenario: s\nsteps:\n  - usage: {service: tea}\n", "s.yaml:3: steps[0].usage: service 'tea' is not"),
        ("scenario: s\nsteps:\n  - {usage: {}, command: {}}\n", "s.yaml:3: steps[0]: a step has a command or"),
        ("scenario: s\nsteps:\n  - expect: [{}]\n", "s.yaml:3: steps[0].expect[0]: each output is one of"),
        ("scenario: s\nsteps:\n  - expect: [{event: }]\n", "s.yaml:3: steps[0].expect[0]: each output is one of"),
        ("scenario: s\nsteps: [{at: +99999999d}]\n", "s.yaml:2: steps[0].at: +99999999d leads out of the years"),
        ("scenario: s\nbegins: +1h\nsteps: [{}]\n", "s.yaml:2: begins: +1h leads out of the years"),
        ("scenario: s\naccounts: {a: }\nsteps: [{}]\n", "s.yaml:2: accounts.a: fields are expected here"),
        ("scenario: s\nprices:\n  - {name: b}\nsteps: [{}]\n", "s.yaml:3: prices[0].version: this field is missing"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_file_line_and_field(text: str, said: str) -> None:
    assert wrong(text).startswith(said)


def test_the_command_line_says_what_differs_and_its_exit_codes(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(WHOLE + DRAWN)
    bad.write_text(WHOLE)
    runner = CliRunner()
    agreed = runner.invoke(app, ["scenario", "run", str(good)])
    assert (agreed.exit_code, agreed.stdout.splitlines()[-1]) == (0, "1 run, 0 differ")
    differed = runner.invoke(app, ["scenario", "run", str(good), str(bad)])
    assert differed.exit_code == 1
    assert "  step 1 (line 3), 2026-03-01T00:00:00.000Z\n    output 2 is not listed" in differed.stdout
    assert runner.invoke(app, ["scenario", "check", str(good), str(bad)]).exit_code == 0
    bad.write_text("scenario: s\n")
    refused = runner.invoke(app, ["scenario", "check", str(bad)])
    assert isinstance(refused.exception, BadInput)
    assert refused.exception.exit_code == 2


def test_the_example_of_the_page_comes_out_as_it_says() -> None:
    page = Path(__file__).parents[3].joinpath("docs", "scenarios.md").read_text()
    assert differences(page.split("```yaml\n")[1].split("```")[0]) == []
