"""The panel, the ledger file and the control routes of the iGEST stand-in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.core.faults import faults_table
from sandbox.core.portuguese_tax import nif_is_valid
from sandbox.core.switches import Switches
from sandbox.igest import ledger
from sandbox.igest.faults import KINDS
from sandbox.igest.switches import SWITCHES
from tests.sandbox.igest_client import BUYER, OLARIA, QUINTA, IgestClient, credit, document, line, open_client


def page(igest: IgestClient, path: str) -> str:
    answer = igest.http.get(f"/panel/{path}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


# --- the panel --------------------------------------------------------------------------------------------


def test_the_panel_lets_the_merchant_choose_their_entity(igest: IgestClient) -> None:
    assert igest.http.get("/").headers["Location"] == "/panel/"
    shown = page(igest, "")
    for name in ("Olaria do Sado, Lda.", "Quinta da Serra, Unipessoal Lda.", "Atlântico Artes, Lda."):
        assert name in shown
    assert igest.http.get("/panel/9/integracoes").status_code == 404


def test_keys_are_shown_only_while_the_integration_is_active(igest: IgestClient) -> None:
    keys = igest.http.get(f"/sandbox/entities/{QUINTA}").get_json()
    secrets = (keys["integration_key"], keys["security_code"])
    assert not any(secret in page(igest, f"{QUINTA}/integracoes") for secret in secrets)
    answer = igest.http.post(f"/panel/{QUINTA}/integracoes/activate")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/panel/{QUINTA}/integracoes")
    shown = page(igest, f"{QUINTA}/integracoes")
    assert "Ativo desde 2026-11-20 12:00" in shown
    for text in (*secrets, QUINTA, "599970340"):
        assert f">{text}</code>" in shown
    igest.http.post(f"/panel/{QUINTA}/integracoes/rotate")
    assert not any(secret in page(igest, f"{QUINTA}/integracoes") for secret in secrets)
    igest.http.post(f"/panel/{QUINTA}/integracoes/deactivate")
    assert "Ativar Jumpseller" in page(igest, f"{QUINTA}/integracoes")


def test_a_merchant_finds_a_document_by_date_and_reference(igest: IgestClient) -> None:
    igest.issue(document(observacoes="Ref. QI-AAA", data_documento="2026-11-18"))
    igest.issue(document(observacoes="Ref. QI-BBB", nif_cliente=BUYER, nome_cliente="Ana <Exemplo>"))
    whole = page(igest, f"{OLARIA}/vendas")
    for text in ("FR 2026FR/2", "2026-11-20", "Ana &lt;Exemplo&gt;", BUYER, "12.30", "Ref. QI-BBB", "Pago"):
        assert text in whole
    assert "QI-AAA" not in page(igest, f"{OLARIA}/vendas?de=2026-11-19")
    assert "QI-BBB" not in page(igest, f"{OLARIA}/vendas?ate=2026-11-19")
    assert "QI-BBB" not in page(igest, f"{OLARIA}/vendas?q=qi-aaa")
    assert "Sem documentos" in page(igest, f"{QUINTA}/vendas")


def test_a_document_is_annulled_in_the_panel_with_a_reason(igest: IgestClient) -> None:
    identity = igest.issue()["id_documento"]
    where = f"/panel/{OLARIA}/vendas/{identity}"
    assert igest.http.post(f"{where}/anular", data={"motivo": " "}).status_code == 422
    assert igest.http.post(f"{where}/anular", data={"motivo": "Engano"}).status_code == 303
    assert ">Anulado<" in page(igest, f"{OLARIA}/vendas/{identity}")
    assert "já está anulado" in igest.http.post(f"{where}/anular", data={"motivo": "Outra vez"}).get_data(
        as_text=True
    )
    assert igest.http.get(f"/panel/{QUINTA}/vendas/{identity}").status_code == 404


def test_a_receipt_makes_an_invoice_paid(igest: IgestClient) -> None:
    identity = igest.issue(document(tipo_documento="FT"))["id_documento"]
    assert ">Por pagar<" in page(igest, f"{OLARIA}/vendas/{identity}")
    igest.http.post(f"/panel/{OLARIA}/vendas/{identity}/recibo")
    assert ">Pago<" in page(igest, f"{OLARIA}/vendas/{identity}")


def test_articles_are_listed_with_the_stock_of_each_warehouse(igest: IgestClient) -> None:
    igest.issue(
        document(
            line(referencia="NOVO-1", descricao="Prato", armazem="EST", quantidade="2"), atualiza_stock="sim"
        )
    )
    shown = page(igest, f"{OLARIA}/artigos")
    for text in ("Setúbal (principal)", "Feira de Estremoz", "NOVO-1", ">-2<", ">100<"):
        assert text in shown
    assert "Setúbal" not in page(igest, f"{QUINTA}/artigos")


def test_a_fault_is_scheduled_and_cleared_on_a_page(igest: IgestClient) -> None:
    igest.http.post("/panel/avarias", data={"kind": "refused", "times": "2", "match": "QI-7", "seconds": ""})
    shown = page(igest, "avarias")
    assert "<td>refused</td>" in shown
    assert "QI-7" in shown
    igest.http.post("/panel/avarias")
    assert "Nenhuma." in page(igest, "avarias")


# --- the ledger -------------------------------------------------------------------------------------------


def test_the_ledger_is_a_file_that_only_grows(igest: IgestClient) -> None:
    path = igest.program.ledger.path
    before = b""
    identity = ""
    for step in ("issue", "article", "mail", "annul"):
        if step == "annul":
            igest.http.post(f"/sandbox/documents/{identity}/annul")
        elif step == "mail":
            igest.call(
                "enviar_documento",
                f"<id_documento>{identity}</id_documento><email>ana@exemplo.example</email>",
            )
        else:
            identity = igest.issue(document(line(referencia=f"ART-{step}")))["id_documento"]
        after = path.read_bytes()
        assert after.startswith(before)
        assert len(after) > len(before)
        before = after
    kinds = [entry["kind"] for entry in ledger.read(path)]
    assert kinds == ["article", "document", "article", "document", "mail", "annulment"]
    assert [entry["seq"] for entry in ledger.read(path)] == [1, 2, 3, 4, 5, 6]


def test_the_ledger_reader_returns_each_document_with_its_later_events(igest: IgestClient) -> None:
    first, second = igest.issue(), igest.issue(document(tipo_documento="FT"))
    igest.call(
        "enviar_documento",
        f"<id_documento>{first['id_documento']}</id_documento><email>ana@exemplo.example</email>",
    )
    igest.http.post(f"/sandbox/documents/{first['id_documento']}/annul")
    igest.http.post(f"/sandbox/documents/{second['id_documento']}/receipt")
    found = ledger.documents(igest.program.ledger.path)
    assert [(d["number"], d["annulled"], d["paid_by_receipt"], d["mails"]) for d in found] == [
        ("FR 2026FR/1", True, False, ["ana@exemplo.example"]),
        ("FT 2026FT/1", False, True, []),
    ]


def test_a_line_still_being_written_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text(json.dumps({"kind": "stock"}) + '\n{"kind": "docu')
    assert ledger.read(path) == [{"kind": "stock"}]


def test_the_ledger_is_printed_for_a_person(igest: IgestClient) -> None:
    number = igest.issue(document(atualiza_stock="sim"))["numero_documento"]
    igest.issue(credit(number))
    shown = subprocess.run(
        [sys.executable, "-W", "error", "-m", "sandbox.igest.ledger", str(igest.program.ledger.path)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for text in ("FR 2026FR/1", "total 12.30", "credits FR 2026FR/1: Devolução", "stock AZU-014 SET -1"):
        assert text in shown


def test_the_ledger_is_served_whole_or_by_kind(igest: IgestClient) -> None:
    igest.issue(document(line(referencia="NOVO-1")))
    found = [igest.http.get(f"/sandbox/ledger{query}").get_json() for query in ("", "?kind=document")]
    assert [[entry["kind"] for entry in entries] for entries in found] == [
        ["article", "document"],
        ["document"],
    ]


# --- everything together ----------------------------------------------------------------------------------


def test_a_restart_finds_everything_again(tmp_path: Path) -> None:
    with open_client(tmp_path) as before:
        first = before.issue(document(line(quantidade="2"), atualiza_stock="sim"))
        before.issue(document(line(referencia="NOVO-1")))
        before.issue(credit(first["numero_documento"], line()))
        before.switch(document_state="on", unknown_article="refused")
        before.http.post(f"/sandbox/entities/{OLARIA}", json={"forbidden": ["FS"]})
        before.http.post(f"/sandbox/entities/{OLARIA}/rotate")
        keys = before.http.get(f"/sandbox/entities/{OLARIA}").get_json()
        rows = before.http.get(f"/sandbox/entities/{OLARIA}/stock").get_json()
    with open_client(tmp_path) as after:
        assert after.http.get(f"/sandbox/entities/{OLARIA}").get_json() == keys
        assert after.http.get(f"/sandbox/entities/{OLARIA}/stock").get_json() == rows
        assert after.issue(document(line(referencia="NOVO-1")))["numero_documento"] == "FR 2026FR/3"
        assert not after.issue(document(line(referencia="NOVO-2"))).ok
        assert "Quantidade" in after.issue(credit(first["numero_documento"], line(quantidade="2"))).error


def test_the_same_seed_gives_the_same_keys_and_another_seed_others(tmp_path: Path) -> None:
    keys = []
    for index, seed in enumerate(("a", "a", "b")):
        with open_client(tmp_path / str(index), seed=seed) as caller:
            keys.append((caller.code, caller.secret))
    assert keys[0] == keys[1] != keys[2]
    assert all(len(text) == 40 and int(text, 16) for pair in keys for text in pair)


def test_a_reset_restores_the_initial_state_and_archives_the_ledger(igest: IgestClient) -> None:
    igest.issue()
    igest.switch(document_state="on")
    igest.fault("refused")
    igest.http.post("/sandbox/entities", json={"name": "Nova, Lda.", "nif": "599950277", "region": "PT-MA"})
    shown = igest.http.post("/sandbox/reset").get_json()
    assert [entity["number"] for entity in shown] == ["40321", "40377", "40412"]
    assert not any(entity["active"] for entity in shown)
    assert igest.http.get("/sandbox/ledger").get_json() == []
    assert igest.http.get("/sandbox/faults").get_json()["faults"] == []
    assert all(
        switch["position"] == switch["default"] for switch in igest.http.get("/sandbox/switches").get_json()
    )
    aside = igest.program.folder / "ledger.1.jsonl"
    assert [entry["number"] for entry in ledger.documents(aside)] == ["FR 2026FR/1"]
    igest.http.post("/sandbox/clock", json={"now": "2026-11-20 12:00:00"})
    igest.http.post(f"/sandbox/entities/{OLARIA}/activate")
    assert igest.issue()["id_documento"] == "500001"


def test_a_new_entity_may_be_added_anywhere(tmp_path: Path) -> None:
    with open_client(tmp_path) as caller:
        wanted = {
            "name": "Nova, Lda.",
            "nif": "599950277",
            "region": "PT-MA",
            "warehouses": [{"code": "FUN", "name": "Funchal"}],
        }
        number = caller.http.post("/sandbox/entities", json=wanted).get_json()["number"]
        assert caller.http.post("/sandbox/entities", json=wanted | {"number": number}).status_code == 422
        assert caller.http.post("/sandbox/entities", json=wanted | {"region": "XX"}).status_code == 422
    with open_client(tmp_path, number) as madeira:
        assert madeira.issue(document(line(taxa="22", regiao="PT-MA"))).ok
        assert madeira.issued[0]["lines"][0]["warehouse"] == "FUN"


def test_every_entity_has_a_nif_with_a_valid_check_digit(igest: IgestClient) -> None:
    assert all(nif_is_valid(entity["nif"]) for entity in igest.http.get("/sandbox/entities").get_json())


def test_the_clock_is_put_on_a_day_at_a_moment_and_back(tmp_path: Path) -> None:
    with open_client(tmp_path) as caller:

        def at(wanted: dict[str, str]) -> str:
            return str(caller.http.post("/sandbox/clock", json=wanted).get_json()["now"])

        assert at({"today": "2026-02-28"}).startswith("2026-02-28T")
        assert at({"now": "2026-12-31 23:50:00"}).startswith("2026-12-31T23:50:0")
        assert caller.http.post("/sandbox/clock", json={"today": "amanhã"}).status_code == 422
        real = at({})
        assert caller.http.get("/sandbox/clock").get_json()["now"][:13] >= real[:13]


def test_only_known_fields_of_an_entity_can_be_changed(igest: IgestClient) -> None:
    assert igest.http.post(f"/sandbox/entities/{OLARIA}", json={"nif": "1"}).status_code == 422
    assert igest.http.post("/sandbox/entities/9/activate").status_code == 404


def test_every_switch_is_set_in_each_position_by_a_test() -> None:
    tried = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_igest*.py"))
    for switch in SWITCHES:
        assert switch.name in tried or switch.name.replace("-", "_") in tried
        for position in switch.positions[1:]:
            assert f'"{position}"' in tried, f"{switch.name} {position}"


@pytest.mark.parametrize(
    ("name", "table"),
    [("switches", Switches(SWITCHES).as_markdown()), ("faults", faults_table(KINDS, "issued"))],
)
def test_the_page_about_the_wire_format_lists_every_switch_and_fault(name: str, table: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / "igest-wire.md").read_text(encoding="utf-8")
    assert text.split(f"<!-- {name} -->\n")[1].split("<!-- end -->")[0] == table
