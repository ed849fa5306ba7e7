"""Portuguese tax facts that the stand-ins share: exemption codes and the check digit of a NIF.

As of 2026-11-20. Never shared with the application, so that the stand-ins detect a mistake there.
"""

from __future__ import annotations

EXEMPTIONS: dict[str, str] = {
    "M01": "Artigo 16.º, n.º 6 do CIVA",
    "M02": "Artigo 6.º do Decreto-Lei n.º 198/90, de 19 de junho",
    "M04": "Isento artigo 13.º do CIVA",
    "M05": "Isento artigo 14.º do CIVA",
    "M06": "Isento artigo 15.º do CIVA",
    "M07": "Isento artigo 9.º do CIVA",
    "M09": "IVA – não confere direito a dedução",
    "M10": "IVA – regime de isenção",
    "M11": "Regime particular do tabaco",
    "M12": "Regime da margem de lucro – Agências de viagens",
    "M13": "Regime da margem de lucro – Bens em segunda mão",
    "M14": "Regime da margem de lucro – Objetos de arte",
    "M15": "Regime da margem de lucro – Objetos de coleção e antiguidades",
    "M16": "Isento artigo 14.º do RITI",
    "M19": "Outras isenções",
    "M20": "IVA – regime forfetário",
    "M21": "IVA – não confere direito à dedução (ou expressão similar)",
    "M25": "Mercadorias à consignação",
    "M26": "Isenção de IVA com direito à dedução no cabaz alimentar",
    "M30": "IVA – autoliquidação",
    "M31": "IVA – autoliquidação",
    "M32": "IVA – autoliquidação",
    "M33": "IVA – autoliquidação",
    "M34": "IVA – autoliquidação",
    "M35": "IVA – autoliquidação",
    "M40": "IVA – autoliquidação",
    "M41": "IVA – autoliquidação",
    "M42": "IVA – autoliquidação",
    "M43": "IVA – autoliquidação",
    "M44": "IVA – Regras específicas – artigo 6.º",
    "M45": "IVA – regime transfronteiriço de isenção",
    "M46": "IVA – e-TaxFree",
    "M99": "Não sujeito ou não tributado",
}


def nif_is_valid(nif: str) -> bool:
    """Return whether the NIF has nine digits, the last one the right check digit."""
    if len(nif) != 9 or not nif.isascii() or not nif.isdigit() or nif[0] == "0":
        return False
    rest = sum(int(digit) * weight for digit, weight in zip(nif, range(9, 1, -1), strict=False)) % 11
    return int(nif[8]) == (0 if rest < 2 else 11 - rest)
