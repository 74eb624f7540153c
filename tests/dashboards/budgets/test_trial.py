"""The form's preview: what the budget would have done over the last 90 days."""

from tests.dashboards.budgets.conftest import FORM
from tests.dashboards.page import figure, row, rows, text


def previewed(client, htmx: bool = True, **fields) -> str:
    headers = {"HX-Request": "true", "HX-Target": "preview"} if htmx else {}
    answer = client.post("/budgets/new", {**FORM, "do": "preview", **fields}, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_lists_what_would_have_been_told_newest_first(editor, spend):
    spend((16, "60", {}), (1, "35", {}), (30, "10", {}))
    page = previewed(editor)
    assert text(page).startswith("2 crossings would have been told; no month reached the limit.")
    assert rows(page)[1:] == [["Tue 17 Nov 2026", "80 %"], ["Mon 2 Nov 2026", "50 %"]]
    assert "Dearest $95.00, usual $52.50." in text(page)


def test_what_is_crossed_at_once_is_one_message(editor, spend):
    spend((1, "120", {}))
    assert rows(previewed(editor))[1:] == [["Tue 17 Nov 2026", "50, 80, 100 %"]]


def test_the_chart_sets_periods_against_the_limit(editor, spend):
    spend((16, "60", {}), (30, "130", {}))
    spent, limit = figure(previewed(editor))["data"]
    assert spent["y"] == [130, 60]
    assert spent["marker"]["color"] == ["--bad", "--warn"]
    assert set(limit["y"]) == {100}


def test_a_template_names_who_would_have_been_told_of(editor, spend):
    spend((1, "120", {"user_id": "u-1"}), (1, "20", {"user_id": "u-2"}))
    page = previewed(editor, per="user")
    assert row(page, "Tue 17 Nov 2026")[2] == "u-1"
    assert "Of each month its dearest user." in text(page)


def test_a_window_is_drawn_by_days(editor, spend):
    spend((1.1, "60", {}), (1.2, "60", {}))
    page = previewed(editor, period="rolling", window="24", window_unit="h")
    assert "1 of 90 days reached the limit" in text(page)
    assert len(figure(page)["data"][0]["x"]) == 90


def test_it_says_that_nothing_matched(editor, spend):
    spend((1, "5", {"agent_id": "triage"}))
    line = {"dimension-0": "agent", "is-0": "is", "shown-0": "agent", "others-0": "traige"}
    page = text(previewed(editor, conditions="1", **line))
    assert "Known are triage." in page
    assert "Nothing would have been told" in page


def test_too_many_messages_are_called_too_many(editor, spend):
    spend(*[(day, "10", {"user_id": f"u-{user}"}) for day in range(80) for user in range(3)])
    assert "That is more than people read" in text(previewed(editor, per="user", period="daily", amount="1"))


def test_without_an_amount_it_asks_for_one(editor):
    assert "Say how much may be spent" in previewed(editor, amount="")
    assert "The amount must be a number" in previewed(editor, amount="x")


def test_without_a_script_the_whole_page_comes_back_as_it_was_written(editor, spend):
    spend((1, "35", {}))
    page = previewed(editor, htmx=False, name="Half written", amount="50")
    assert page.startswith("<!doctype html>")
    assert 'value="Half written"' in page
    assert "1 crossing would have been told" in text(page)


def test_another_dimension_brings_its_known_values(editor, spend):
    spend((1, "5", {"agent_id": "triage"}), (1, "9", {"agent_id": "<b>bold</b>"}))
    headers = {"HX-Request": "true", "HX-Target": "conditions"}
    fields = {**FORM, "do": "condition", "conditions": "1", "dimension-0": "agent"}
    page = editor.post("/budgets/new", fields, headers=headers).content.decode()
    assert page.strip().startswith('<div class="conditions"')
    assert 'name="known-0" value="triage"' in page
    assert "<b>bold" not in page
    assert 'name="dimension-1"' in page


def test_a_preview_keeps_nothing(editor, make, spend):
    from costwatch.budgets.models import Budget

    previewed(editor)
    assert not Budget.objects.exists()


def test_a_condition_that_has_no_value_yet_asks_for_one_in_the_words_of_the_form(editor, spend):
    spend((1, "5", {"agent_id": "triage"}))
    chosen = {"conditions": "1", "dimension-0": "agent", "is-0": "is", "others-0": ""}
    assert "Tick at least one value, or write one." in text(previewed(editor, **chosen))
    assert "must be a list" not in text(previewed(editor, htmx=False, **chosen))
    assert "Tick at least" not in text(previewed(editor, **chosen, **{"shown-0": "agent", "known-0": "triage"}))
