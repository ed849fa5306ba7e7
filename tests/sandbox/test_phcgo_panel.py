"""The PHC GO stand-in's panel and control routes, and the state after a restart."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from sandbox.core.ledger import read
from tests.sandbox.phcgo_client import FT, OLARIA, QUINTA, PhcGoClient, line, serve_stand_in

HOME = f"/panel/{OLARIA}/OLARIA"
README = Path(__file__).parents[2] / "sandbox" / "README.md"


def test_a_person_sees_documents_and_signs_annuls_and_deletes_drafts(caller: PhcGoClient) -> None:
    first, second = caller.draft(), caller.draft(obs="Ref. QI-1-2")
    assert caller.client.get(f"{HOME}/rascunhos").text.count("registo/") == 2
    assert caller.client.get(f"{HOME}/rascunhos?q=QI-1-2").text.count("registo/") == 1
    page = f"{HOME}/registo/{first['ftstamp']}"
    assert caller.client.post(f"{page}/assinar").status_code == 303
    assert caller.ledger()[0]["by"] == "hand"
    assert "FT 2026S12/1" in caller.client.get(f"{HOME}/documentos").text
    assert caller.client.get(f"{page}.pdf").data.startswith(b"%PDF-")
    for act, state in (("receber", "Pago"), ("anular", "Anulado")):
        assert caller.client.post(f"{page}/{act}").status_code == 303
        assert f'<dd id="estado">{state}</dd>' in caller.client.get(page).text
    for act in ("assinar", "anular", "apagar", "receber"):
        refused = caller.client.post(f"{page}/{act}")
        assert refused.status_code == 422 and 'role="alert"' in refused.text
    caller.client.post(f"{HOME}/registo/{second['ftstamp']}/apagar")
    assert len(caller.base.rows("Ft")) == 1 and len(caller.ledger()) == 1
    assert caller.client.get(f"{HOME}/registo/nobodys").status_code == 404


def test_a_document_with_a_credit_note_is_not_annulled(caller: PhcGoClient) -> None:
    source = caller.signed(line(qtt=2))
    origin = {"oftstamp": source["ftstamp"], "ofistamp": source["fis"][0]["fistamp"]}
    note = caller.signed(line(**origin), series=58, rectificationReason="Troca")
    acts = f"/sandbox/companies/{OLARIA}/OLARIA/records"
    assert caller.client.post(f"{acts}/{source['ftstamp']}/annul").status_code == 422
    assert caller.client.post(f"{acts}/{note['ftstamp']}/annul").status_code == 200
    assert caller.client.post(f"{acts}/{source['ftstamp']}/annul").status_code == 200
    assert caller.base.stock("AZU-014", 1) == 50


def test_series_and_plan_are_changed_on_the_panel(caller: PhcGoClient) -> None:
    page = caller.client.get(f"{HOME}/series").text
    assert all(
        word in page for word in (caller.program.token(OLARIA), "OLARIA", "barro-e-azeite", f"/{OLARIA}")
    )
    caller.client.post(f"{HOME}/series", data={"ndoc": str(FT), "codigoValidacao": "NOVO"})
    row = caller.draft()
    assert (row["draftRecord"], row["atcud"]) == (False, "NOVO-1")
    assert caller.client.post(f"{HOME}/series", data={"ndoc": "77"}).status_code == 404
    caller.client.post(f"{HOME}/plano", data={"plan": "Grow", "allowance": "2000"})
    assert caller.refused("BoWS", "getNewInstance", ndos="4") == "messages.Licence.NoDossiers"
    assert caller.client.get("/sandbox/installations").get_json()[0]["allowance"] == 2000


def test_the_other_pages_open(caller: PhcGoClient) -> None:
    row = caller.call("BoWS", "getNewInstance", ndos="9")[0] | {
        "no": 1,
        "bis": [{"ref": "AZU-014", "qtt": 1}],
    }
    stamp = caller.save("Bo", caller.act("Bo", row))["bostamp"]
    pages = ["/panel/", f"{HOME}/dossiers", f"{HOME}/fichas", f"{HOME}/registo/{stamp}", "/panel/avarias",
             f"{HOME}/registo/{stamp}.pdf", "/sandbox/switches", "/login.aspx"]  # fmt: skip
    assert [caller.client.get(page).status_code for page in pages] == [200] * len(pages)
    assert caller.client.get("/").status_code == caller.client.get(f"{HOME}/").status_code == 302
    assert caller.client.get(f"/panel/{QUINTA}/OLARIA/fichas").status_code == 404
    assert (
        caller.client.post("/panel/avarias", data={"kind": "slow", "step": "Save", "seconds": ""}).status_code
        == 303
    )
    assert "<td>slow</td>" in caller.client.get("/panel/avarias").text
    caller.client.post("/panel/avarias")
    assert "Nenhuma." in caller.client.get("/panel/avarias").text


def test_documents_drafts_and_dossiers_are_listed_apart(caller: PhcGoClient) -> None:
    caller.signed(), caller.draft(), caller.draft()
    row = caller.call("BoWS", "getNewInstance", ndos="9")[0] | {
        "no": 1,
        "bis": [{"ref": "AZU-014", "qtt": 1}],
    }
    caller.save("Bo", caller.act("Bo", row))

    def listed(what: str) -> int:
        return len(caller.client.get(f"/sandbox/{what}").get_json())

    assert [listed(what) for what in ("documents", "drafts", "dossiers", "ledger", "outbox")] == [
        1,
        2,
        1,
        1,
        0,
    ]
    assert caller.client.get("/sandbox/sessions").get_json()[0]["user"] == "loja"


def test_layouts_and_dossier_series_can_be_removed_and_added(caller: PhcGoClient) -> None:
    here = f"/sandbox/companies/{OLARIA}/OLARIA"
    caller.client.delete(f"{here}/layouts")
    assert caller.call("reportws", "getReportsForPrint", entityname="ft", numdoc="12") == []
    caller.client.post(f"{here}/layouts", json={"descricao": "Novo"})
    assert caller.call("reportws", "getReportsForPrint", entityname="ft", numdoc="12")[0]["enabled"] is True
    caller.client.delete(f"{here}/dossier_series")
    assert caller.query("Ts") == []
    assert (
        caller.client.post(f"{here}/series", json={"ndoc": 99, "nmdoc": "Nova", "tiposaft": "FR"}).status_code
        == 200
    )
    assert caller.draft(series=99)["draftRecord"] is True
    caller.client.post(f"{here}/articles", json={"ref": "AZU-014", "stock": 7})
    assert caller.base.stock("AZU-014", 1) == 7
    for wrong in ({}, {"ndoc": 12, "color": "red"}):
        assert caller.client.post(f"{here}/series", json=wrong).status_code == 422


def test_a_restart_finds_everything_but_the_sessions(tmp_path: Path) -> None:
    with serve_stand_in(tmp_path) as app:
        caller = PhcGoClient(app)
        caller.login()
        caller.switch(rounding="line")
        stamp, first = caller.draft()["ftstamp"], caller.signed()
        used = caller.program.used(OLARIA)
    with serve_stand_in(tmp_path) as app:
        caller = PhcGoClient(app)
        assert caller.refused("FtWS", "signDocument", ftstamp=stamp) == "messages.Session.Invalid"
        caller.login()
        assert caller.sign(stamp)["fno"] == first["fno"] + 1
        assert caller.program.switches["rounding"] == "line" and caller.program.used(OLARIA) == used + 3
        assert [one["fno"] for one in caller.ledger()] == [1, 2]


def test_a_reset_archives_the_ledger(caller: PhcGoClient, tmp_path: Path) -> None:
    caller.signed()
    caller.client.post("/sandbox/reset")
    caller.login()
    assert caller.ledger() == [] and caller.base.rows("Ft") == []
    assert len(read(tmp_path / "ledger.1.jsonl")) == 1
    caller.program.clock.set_day(date(2026, 11, 20))
    caller.login()
    assert caller.signed()["fno"] == 1


def test_the_log_of_requests_holds_no_password_and_no_token(caller: PhcGoClient, tmp_path: Path) -> None:
    caller.draft()
    text = (tmp_path / "requests.jsonl").read_text(encoding="utf-8")
    assert caller.program.token(OLARIA) not in text and "barro-e-azeite" not in text
    assert [json.loads(one)["step"] for one in text.splitlines()] == [
        "login", "getNewInstance", "actEntity", "actEntity", "Save",
    ]  # fmt: skip


def test_the_page_names_every_control_route(caller: PhcGoClient) -> None:
    text = README.read_text(encoding="utf-8").partition("## PHC GO")[2].partition("## Mailbox")[0]
    routes = [rule.rule for rule in caller.app.url_map.iter_rules() if rule.rule.startswith("/sandbox/")]
    for route in routes:
        parts = [part for part in route.split("/") if part and not part.startswith("<")]
        assert parts[-1] in text or parts[-1] in ("health", "switches", "release"), route
