"""The sentences for orders that have no lawful document as they are, and for documents that a provider refuses."""

from __future__ import annotations

from shopapp.messages.i18n import N_
from shopapp.messages.sentence import CHECK, ORDER, SETTINGS, Sentence

ORDER_ERRORS: dict[str, Sentence] = {
    "nif-invalid": Sentence(
        N_("O NIF %(nif)s não é válido: os algarismos não conferem."),
        N_("Corrija-o, ou emita sem NIF."), N_("Corrigir NIF")),
    "customer-incomplete": Sentence(
        N_("Uma fatura de %(total)s precisa do nome e da morada do cliente."),
        N_("Complete os dados na encomenda e tente de novo."), N_("Completar dados"), ORDER),
    "total-differs": Sentence(
        N_("O total pago (%(paid)s) não bate certo com as linhas (%(lines)s)."),
        N_("Nada foi emitido. Corrija a encomenda na loja e tente de novo."), N_("Ver as linhas"), ORDER),
    "rate-unknown": Sentence(
        N_("A loja cobrou %(rate)s de IVA em «%(line)s», uma taxa que não existe em Portugal."),
        N_("Corrija os impostos da loja e tente de novo."), N_("Rever impostos"), CHECK),
    "rate-not-in-table": Sentence(
        N_("Não conhecemos as taxas de IVA do dia %(day)s."), N_("Escreva ao apoio."), N_("Ver o documento")),
    "oss-reduced-rate": Sentence(
        N_("«%(line)s» vai para outro país da União com uma taxa reduzida, e só ele diz qual é."),
        N_("Responda uma vez por artigo e país; a encomenda segue logo."), N_("Responder")),
    "untaxed-abroad": Sentence(
        N_("«%(line)s» está sem IVA e vai para outro país da União."),
        N_("Corrija o imposto do artigo na loja, ou ponha a encomenda de parte."), N_("Ver a encomenda"), ORDER),
    "reverse-charge-needs-business": Sentence(
        N_("O motivo %(exemption)s só serve para empresas portuguesas com NIF."),
        N_("Escolha outro motivo para «%(line)s» nas escolhas fiscais."), N_("Escolher motivo"), SETTINGS),
    "shipping-untaxed": Sentence(
        N_("Os portes não têm taxa de IVA na loja."),
        N_("Dê-lhes uma taxa nas definições da loja e tente de novo."), N_("Rever portes"), ORDER),
    "destination-missing": Sentence(
        N_("A encomenda não diz para onde vão os artigos."), N_("Complete a morada de envio na loja e tente de novo."),
        N_("Ver a encomenda"), ORDER),
    "postal-code-missing": Sentence(
        N_("Falta o código postal, e dele depende o IVA neste país."),
        N_("Complete a morada na loja e tente de novo."), N_("Ver a encomenda"), ORDER),
    "postal-code-unreadable": Sentence(
        N_("O código postal «%(postal_code)s» não é deste país, e dele depende o IVA."),
        N_("Corrija a morada na loja e tente de novo."), N_("Ver a encomenda"), ORDER),
    "country-missing": Sentence(
        N_("A encomenda não diz o país do cliente, e dele depende o IVA."),
        N_("Escolha o país; o documento sai logo."), N_("Escolher o país")),
    "country-unreadable": Sentence(
        N_("Não sabemos que país é «%(country)s», e dele depende o IVA."),
        N_("Escolha o país; o documento sai logo."), N_("Escolher o país")),
    "business-unproven": Sentence(
        N_("%(name)s diz ser uma empresa fora da União: só o é para o IVA se tiver prova disso."),
        N_("Diga se a tem, ou emita como a um particular, sem número. Não leva IVA em nenhum dos casos."),
        N_("Escolher o que fazer")),
    "customer-erased": Sentence(
        N_("Os dados do cliente foram apagados na loja antes de os lermos."),
        N_("Se ainda os tem, escreva o NIF; senão, confirme que o documento sai sem ele."),
        N_("Escolher o que fazer")),
    "exempt-merchant-exports": Sentence(
        N_("A encomenda sai da União, e quem exporta deixa de poder estar no regime do artigo 53.º."),
        N_("Fale com o seu contabilista antes de emitir. Se mudar de regime, mude-o nas escolhas fiscais."),
        N_("Ver as escolhas"), SETTINGS),
    "exempt-merchant-abroad": Sentence(
        N_("No regime do artigo 53.º, esta venda para outro país da União precisa de ser vista caso a caso."),
        N_("Fale com o seu contabilista e ponha a encomenda de parte."), N_("Escolher o que fazer")),
    "currency": Sentence(
        N_("A encomenda está em %(currency)s e a loja não diz a que câmbio."),
        N_("Escreva uma vez o câmbio do mês; a encomenda segue logo."), N_("Escrever o câmbio")),
    "discount-exceeds": Sentence(
        N_("Um desconto é maior do que o valor das linhas."), N_("Corrija a encomenda na loja e tente de novo."),
        N_("Ver a encomenda"), ORDER),
    "negative-line": Sentence(
        N_("«%(line)s» tem um valor negativo."), N_("Corrija a encomenda na loja e tente de novo."),
        N_("Ver a encomenda"), ORDER),
    "negative-total": Sentence(
        N_("O total da encomenda é negativo."), N_("Corrija a encomenda na loja e tente de novo."),
        N_("Ver a encomenda"), ORDER),
    "quantity-not-positive": Sentence(
        N_("«%(line)s» tem uma quantidade que não pode ser faturada."),
        N_("Corrija a encomenda na loja e tente de novo."), N_("Ver a encomenda"), ORDER),
    "no-lines": Sentence(
        N_("A encomenda não tem nenhuma linha."), N_("Corrija a encomenda na loja e tente de novo."),
        N_("Ver a encomenda"), ORDER),
    "order-missing": Sentence(
        N_("A encomenda já não existe na loja."), N_("Ponha-a de parte se não houver nada a faturar."),
        N_("Escolher o que fazer")),
    "order-unreadable": Sentence(
        N_("A encomenda tem figuras que não conseguimos ler sem adivinhar."),
        N_("Escreva ao apoio com o número da encomenda."), N_("Ver a encomenda"), ORDER),
    "nif-is-telephone": Sentence(
        N_("O NIF %(nif)s é igual ao telefone do cliente."),
        N_("Foi talvez escrito no campo errado: corrija-o, ou emita sem NIF."), N_("Corrigir NIF")),
    "nif-unreadable": Sentence(
        N_("O NIF «%(nif)s» tem letras ou algarismos de outro alfabeto."),
        N_("Não o adivinhamos: corrija-o, ou emita sem NIF."), N_("Corrigir NIF")),
    "discount-unclear": Sentence(
        N_("O desconto da encomenda pode ser lido de mais do que uma maneira, com totais diferentes."),
        N_("Nada foi emitido. Emita este documento no seu programa e escreva ao apoio."), N_("Ver a encomenda"), ORDER),
    "tax-unclear": Sentence(
        N_("O IVA que a loja diz para «%(line)s» não bate certo com a taxa de %(rate)s."),
        N_("Nada foi emitido. Veja os impostos da loja e tente de novo."), N_("Ver a encomenda"), ORDER),
    "two-taxes": Sentence(
        N_("«%(line)s» tem dois impostos ao mesmo tempo."), N_("Deixe só um na loja e tente de novo."),
        N_("Rever impostos"), CHECK),
    "prices-mixed": Sentence(
        N_("Uns artigos têm o IVA incluído no preço e outros não."),
        N_("Escolha na loja uma das maneiras para todos e tente de novo."), N_("Rever impostos"), CHECK),
    "sku-missing": Sentence(
        N_("«%(line)s» não tem SKU na loja, e escolheu parar as vendas de artigos sem SKU."),
        N_("Dê-lhe um SKU na loja e tente de novo; se a encomenda continuar sem ele, mude a regra nas escolhas."),
        N_("Rever escolhas"), SETTINGS),
    "unloading-missing": Sentence(
        N_("A encomenda não tem morada completa para onde transportar a mercadoria."),
        N_("Complete a morada de envio na loja e tente de novo."), N_("Ver a encomenda"), ORDER),
    "nothing-to-move": Sentence(N_("A encomenda não tem nada que se transporte."), "", N_("Ver o documento")),
    "provider-refused": Sentence(
        N_("O %(provider)s recusou o documento."),
        N_("Leia a resposta, corrija e tente de novo. Nada foi emitido."), N_("Ver a resposta")),
    "draft-total-differs": Sentence(
        N_("O rascunho no %(provider)s soma %(theirs)s e a encomenda %(ours)s. Não foi fechado."),
        N_("Tente de novo; se continuar, escreva ao apoio. Nada foi emitido."), N_("Tentar de novo")),
    "draft-differs": Sentence(
        N_("O rascunho no %(provider)s ficou diferente da encomenda (%(field)s). Não foi fechado."),
        N_("Tente de novo; se continuar, escreva ao apoio. Nada foi emitido."), N_("Tentar de novo")),
    "draft-unsure": Sentence(
        N_("O %(provider)s não confirmou o rascunho. Nada foi emitido."), N_("Tentamos de novo sozinhos.")),
    "draft-not-ours": Sentence(
        N_("O rascunho já estava a ser tratado. Nada foi emitido."), N_("Tentamos de novo sozinhos.")),
    "note-unusable": Sentence(
        N_("O %(provider)s não fez a fatura a partir da nota de encomenda."), N_("Sai sem ela, com o mesmo conteúdo.")),
    "note-first": Sentence(N_("O rascunho espera pela nota de encomenda."), N_("Tentamos de novo sozinhos.")),
    "store-refused": Sentence(
        N_("A loja recusou o pedido."), N_("Tente de novo; se continuar, escreva ao apoio."), N_("Ver o documento")),
    "invoiced-elsewhere": Sentence(
        N_("A encomenda já mostra uma fatura na loja, que não fomos nós a emitir."),
        N_("Se a venda já está faturada, ponha-a de parte. Se não, apague a fatura na loja e tente de novo."),
        N_("Ver a encomenda"), ORDER),
    "other-invoice": Sentence(
        N_("A encomenda já mostra outra fatura na loja. Não a substituímos."),
        N_("Veja se a venda foi faturada duas vezes. Para mostrar a nossa, apague a outra na loja e tente de novo."),
        N_("Ver a encomenda"), ORDER),
}  # fmt: skip
