"""Every code that can stop a document, an account or an e-mail, with its cause and its remedy in words.

The sentences are Portuguese and are the keys of their translations; `%(name)s` inserts a fact from the detail of the
failure. A test finds any code without a sentence.
"""

from __future__ import annotations

from shopapp.messages.alarms import DOCUMENT_ALARMS
from shopapp.messages.i18n import N_
from shopapp.messages.order_errors import ORDER_ERRORS
from shopapp.messages.outcomes import UNCERTAIN_ERRORS
from shopapp.messages.sentence import AUTHORISE, FIGURES, KEYS, SETTINGS, SETUP, Sentence

ACCESS_ERRORS: dict[str, Sentence] = {
    "keys-refused": Sentence(
        N_("O %(provider)s deixou de aceitar as suas chaves."),
        N_("As encomendas esperam; nenhuma se perde. Saem sozinhas logo que a ligação volte."),
        N_("Ligar o %(provider)s de novo"), KEYS),
    "keys-wrong-key": Sentence(
        N_("A chave de integração não é a que o %(provider)s tem."),
        N_("Copie-a de novo, sem espaços antes ou depois."), N_("Ligar o %(provider)s de novo"), KEYS),
    "keys-wrong-code": Sentence(
        N_("O código de segurança não corresponde à chave de integração."),
        N_("Copie-o de novo, sem espaços antes ou depois."), N_("Ligar o %(provider)s de novo"), KEYS),
    "keys-nif-mismatch": Sentence(
        N_("O NIF não é o da empresa destas chaves."), N_("Confirme-o no %(provider)s e guarde de novo."),
        N_("Ligar o %(provider)s de novo"), KEYS),
    "keys-entity-unknown": Sentence(
        N_("O %(provider)s não conhece esta entidade."), N_("Confirme o número no %(provider)s e guarde de novo."),
        N_("Ligar o %(provider)s de novo"), KEYS),
    "keys-inactive": Sentence(
        N_("A integração está desativada no %(provider)s."),
        N_("Ative-a no %(provider)s e guarde aqui as chaves que ele mostrar."), N_("Ver como ativar"), KEYS),
    "keys-clock": Sentence(
        N_("O %(provider)s diz que a hora do pedido não é a certa."),
        N_("Não é nada que possa mudar: tente de novo dentro de minutos ou escreva ao apoio."),
        N_("Ligar o %(provider)s de novo"), KEYS),
    "keys-wrong-user": Sentence(
        N_("O %(provider)s não aceita este utilizador."), N_("Confirme-o no %(provider)s e guarde de novo."),
        N_("Ligar o %(provider)s de novo"), KEYS),
    "keys-wrong-password": Sentence(
        N_("A password não é a deste utilizador."), N_("Confirme-a no %(provider)s e guarde de novo."),
        N_("Ligar o %(provider)s de novo"), KEYS),
    "keys-wrong-token": Sentence(
        N_("O %(provider)s não aceita este token."),
        N_("Copie-o de novo, inteiro, com os sinais + / e = que tiver."), N_("Ligar o %(provider)s de novo"), KEYS),
    "keys-wrong-company": Sentence(
        N_("O %(provider)s não tem uma empresa com este nome."),
        N_("Confirme-o, ou deixe o campo vazio se só tiver uma."), N_("Ligar o %(provider)s de novo"), KEYS),
    "keys-silent": Sentence(
        N_("O %(provider)s não respondeu nada à entrada: é o que faz quando recusa as chaves."),
        N_("Confirme-as e guarde de novo. Se estiverem certas, veja se o plano ainda tem pedidos este mês."),
        N_("Ligar o %(provider)s de novo"), KEYS),
    "keys-address-shape": Sentence(
        N_("Isto não é o endereço de uma instalação do %(provider)s."),
        N_("Copie-o do browser com o %(provider)s aberto: https, sem porta nem sinais a mais."),
        N_("Ligar o %(provider)s de novo"), KEYS),
    "keys-address-foreign": Sentence(
        N_("Este endereço não é dos que o %(provider)s usa."),
        N_("Copie-o do browser com o %(provider)s aberto; se o servidor é seu, escreva ao apoio."),
        N_("Ligar o %(provider)s de novo"), KEYS),
    "log-in-bounded": Sentence(
        N_("Já se tentaram três vezes chaves que o %(provider)s recusou."),
        N_("Para ele não bloquear a sua conta, espere %(minutes)s minutos. Confirme entretanto os valores."),
        N_("Ligar o %(provider)s de novo"), KEYS),
    "keys-missing": Sentence(
        N_("As chaves do %(provider)s já não estão guardadas."), N_("Guarde-as de novo; as encomendas esperam."),
        N_("Ligar o %(provider)s de novo"), KEYS),
    "store-access": Sentence(
        N_("A loja deixou de nos dar acesso às encomendas."),
        N_("Autorize-a de novo. As encomendas esperam; nenhuma se perde."), N_("Autorizar a loja"), AUTHORISE),
    "store-key": Sentence(
        N_("A loja deixou de aceitar a chave que nos deu."),
        N_("Crie uma chave nova na loja e cole-a aqui. As encomendas esperam; nenhuma se perde."),
        N_("Pôr uma chave nova"), AUTHORISE),
    "grant-refused": Sentence(
        N_("A loja não aceitou o pedido de autorização."), N_("Comece de novo."), N_("Autorizar a loja"), AUTHORISE),
}  # fmt: skip

SETTINGS_ERRORS: dict[str, Sentence] = {
    "exemption-missing": Sentence(
        N_("«%(line)s» está a 0%% e não tem motivo de isenção."),
        N_("Responda uma vez por este artigo; a encomenda segue logo."), N_("Escolher motivo")),
    "exemption-unconfirmed": Sentence(
        N_("«%(line)s» está a 0%% e nada mostra se é o artigo que é isento, ou só este cliente que não pagou IVA."),
        N_("Responda uma vez por este artigo; a encomenda segue logo."), N_("Responder")),
    "exemption-withdrawn": Sentence(
        N_("O motivo de isenção %(exemption)s já não está em vigor."), N_("Escolha outro nas escolhas fiscais."),
        N_("Escolher motivo"), SETTINGS),
    "exemption-not-lawful": Sentence(
        N_("O motivo de isenção %(exemption)s não pode ser escolhido para «%(line)s»."),
        N_("Escolha outro nas escolhas fiscais."), N_("Escolher motivo"), SETTINGS),
    "exception-unknown": Sentence(
        N_("A regra do SKU %(sku)s não se percebe: «%(value)s»."), N_("Corrija-a nas escolhas fiscais."),
        N_("Rever escolhas"), SETTINGS),
    "series-missing": Sentence(
        N_("Não há série escolhida para este tipo de documento."),
        N_("Escolha uma série nas escolhas fiscais; a encomenda segue logo."), N_("Escolher série"), SETTINGS),
    "kind-unsupported": Sentence(
        N_("O %(provider)s não emite este tipo de documento."), N_("Escolha outro nas escolhas fiscais."),
        N_("Rever escolhas"), SETTINGS),
    "kind-not-an-invoice": Sentence(
        N_("O tipo de documento escolhido não é uma fatura."), N_("Escolha outro nas escolhas fiscais."),
        N_("Rever escolhas"), SETTINGS),
    "original-missing": Sentence(
        N_("A nota de crédito não diz que documento corrige."), N_("Escreva ao apoio."), N_("Ver o documento")),
    "consumer-missing": Sentence(
        N_("O %(provider)s não tem o cliente genérico para consumidores finais."),
        N_("Crie-o no %(provider)s e tente de novo."), N_("Tentar de novo")),
    "country-unknown": Sentence(
        N_("O %(provider)s não tem o país %(country)s na sua lista."),
        N_("Acrescente-o no %(provider)s e tente de novo."), N_("Tentar de novo")),
    "layout-missing": Sentence(
        N_("O %(provider)s não tem um modelo de impressão para esta série."),
        N_("Escolha um no %(provider)s e tente de novo."), N_("Tentar de novo")),
    "loading-missing": Sentence(
        N_("Falta dizer onde a mercadoria é carregada."), N_("Escreva a morada de carga nas escolhas fiscais."),
        N_("Rever escolhas"), SETTINGS),
    "gift-card-undecided": Sentence(
        N_("«%(line)s» é um vale-oferta e ainda não disse como os trata."),
        N_("Responda uma vez; a encomenda segue logo."), N_("Escolher tratamento")),
    "gift-card-use-undecided": Sentence(
        N_("A encomenda foi paga com um vale de %(amount)s, e não sabemos se alguém o pagou."),
        N_("Responda uma vez; a encomenda segue logo."), N_("Responder")),
    "tax-differs": Sentence(
        N_("A loja cobrou %(charged)s de IVA em «%(line)s»; a lei diz %(lawful)s."),
        N_("Responda uma vez: seguir a lei sem mudar o total. Até lá a encomenda espera."), N_("Escolher o que fazer")),
}  # fmt: skip

TEMPORARY_ERRORS: dict[str, Sentence] = {
    "unreachable": Sentence(
        N_("Não conseguimos falar com a loja ou com o %(provider)s."), N_("Tentamos de novo sozinhos.")),
    "address-refused": Sentence(N_("O endereço do outro lado não é admitido."), N_("Escreva ao apoio.")),
    "not-igest": Sentence(
        N_("No endereço do %(provider)s respondeu outra coisa, não o %(provider)s."), N_("Tentamos de novo sozinhos.")),
    "not-phcgo": Sentence(
        N_("No endereço da instalação não respondeu o %(provider)s. Confirme a URL nas chaves."),
        N_("Tentamos de novo sozinhos.")),
    "allowance-used": Sentence(
        N_("O %(provider)s diz «%(answer)s»: os pedidos do seu plano acabaram."),
        N_("Reforce o plano ou espere pelo mês seguinte. Perguntamos de hora a hora e as encomendas saem sozinhas.")),
    "plan-reserved": Sentence(
        N_("Este mês já usámos nove décimos dos pedidos do seu plano do %(provider)s: o resto fica para emitir."),
        N_("As faturas saem como sempre. Para o resto, espere pelo mês que vem ou reforce o plano e diga-o nas"
           " escolhas."),
        N_("Rever as escolhas"), SETTINGS),
    "sessions-full": Sentence(
        N_("O %(provider)s diz «%(answer)s»: não abre mais sessões deste utilizador."),
        N_("Tentamos de novo dentro de minutos. Se acontecer muito, use um utilizador só para a loja.")),
    "articles-pending": Sentence(
        N_("Os artigos desta encomenda ainda estão a ser criados no %(provider)s."), N_("Continuamos sozinhos.")),
    "articles-unread": Sentence(
        N_("O %(provider)s não nos deixou procurar os artigos desta encomenda."),
        N_("Tentamos de novo sozinhos. Se durar, abra as escolhas: vemos outra vez o que a sua conta deixa."),
        N_("Rever escolhas"), SETTINGS),
    "article-unsure": Sentence(
        N_("O %(provider)s não respondeu a tempo e não sabemos se chegou a criar um artigo."),
        N_("Procuramo-lo antes de o criar outra vez. Nada foi emitido.")),
    "shop-calls-used": Sentence(
        N_("A loja só aceita um certo número de pedidos por hora, e já os usámos quase todos."),
        N_("Tentamos de novo sozinhos dentro de minutos. As faturas têm a última parte só para elas.")),
    "order-busy": Sentence(
        N_("Estava outra coisa a ser escrita na encomenda."), N_("Tentamos de novo sozinhos.")),
    "throttled": Sentence(N_("O outro lado pediu para esperar."), N_("Tentamos de novo sozinhos.")),
    "vies-unavailable": Sentence(
        N_("O VIES não responde, e sem ele não se confirma o número de IVA do cliente."),
        N_("Tentamos de novo sozinhos.")),
    "internal": Sentence(
        N_("Uma falha nossa impediu este documento de sair."), N_("Já ficou registada. Nada foi emitido."),
        N_("Tentar de novo")),
    "mail-unsent": Sentence(N_("O e-mail não saiu à primeira."), N_("Tentamos de novo sozinhos.")),
    "pdf-not-ready": Sentence(
        N_("O PDF ainda não está pronto no %(provider)s."), N_("Tente de novo dentro de minutos.")),
    "too-late": Sentence(
        N_("Parámos antes de enviar, porque a máquina esteve parada."), N_("Tentamos de novo sozinhos.")),
    "token-busy": Sentence(N_("A autorização da loja está a ser renovada."), N_("Tentamos de novo sozinhos.")),
}  # fmt: skip

UNISSUED_REASONS: dict[str, Sentence] = {
    "automatic-off": Sentence(N_("Espera que carregue em Emitir."), "", N_("Emitir")),
    "unpaid": Sentence(N_("A encomenda ainda não está paga."), N_("Segue sozinha quando a loja disser que foi paga.")),
    "older": Sentence(
        N_("É anterior à data de início, por isso não sai sozinha."), N_("Pode emiti-la aqui."), N_("Emitir")),
    "free": Sentence(
        N_("A encomenda não tem valor a faturar."),
        N_("Uma oferta até 50 €, dentro de cinco por mil das vendas do ano, não leva IVA (CIVA, artigo 3.º, n.º 7;"
           " confirme com o contabilista): se for isso, ponha a encomenda de parte. Se o stock segue para a loja:"
           " sem documento, ninguém dá saída a estes artigos no %(provider)s. Ficam"
           " reservados até lhes dar lá saída e pôr a encomenda de parte.")),
    "cancelled": Sentence(N_("Cancelada na loja antes de haver documento."), ""),
    "not-in-shop": Sentence(
        N_("A loja não tem esta encomenda: foi apagada, ou o aviso dela era um teste."),
        N_("Nada é emitido. Se aparecer paga na loja, segue sozinha.")),
    "asked-in-shop": Sentence(N_("Pediu a fatura no painel da loja."), ""),
    "repaid": Sentence(N_("A encomenda voltou a ser paga: a nota de crédito deixou de fazer falta."), ""),
    "set-aside": Sentence(N_("Posta de parte por si."), ""),
    "kept-as-draft": Sentence(
        N_("Fica em rascunho no %(provider)s até a encomenda ser paga."), ""),
    "note-needless": Sentence(N_("A encomenda foi paga antes de haver nota de encomenda: a fatura basta."), ""),
    "note-used": Sentence(N_("A fatura foi feita a partir desta nota de encomenda."), ""),
    "uninstalled": Sentence(N_("A aplicação foi desinstalada antes de haver documento."), ""),
    "first-alone": Sentence(
        N_("Espera por outro documento, que saiu à frente para conferirmos os valores que o %(provider)s lhe deu."),
        N_("Segue sozinho logo que os valores batam certo.")),
    "first-unsettled": Sentence(
        N_("Espera pelo primeiro documento: não sabemos se o %(provider)s o emitiu."),
        N_("Diga-nos se ele existe; depois tudo segue."), N_("Esclarecer"), FIGURES),
    "not-connected": Sentence(
        N_("Não há nenhum programa de faturação ligado."),
        N_("Ligue-o; as encomendas pagas esperam e nenhuma se perde."), N_("Ligar a faturação"), SETUP),
    "figures-undecided": Sentence(
        N_("A faturação está parada: os valores de um documento não batem certo com os do %(provider)s."),
        N_("Veja os dois valores e decida; depois tudo segue."), N_("Ver a diferença"), FIGURES),
    "absent": Sentence(N_("Disse-nos que o documento não existe; vamos emiti-lo."), ""),
    "late": Sentence(N_("A resposta chegou tarde, mas chegou: o documento existe."), ""),
}  # fmt: skip

STOCK_ERRORS: dict[str, Sentence] = {
    "goods-gone": Sentence(N_("O produto já não existe na loja."), N_("Compare de novo.")),
    "goods-unlimited": Sentence(
        N_("Na loja, este produto passou a ter stock ilimitado."), N_("Já não precisa de acerto.")),
    "goods-by-place": Sentence(
        N_("A loja conta o stock deste produto por local e não aceitou um número para todos."),
        N_("Diga nas escolhas que local da loja segue."), N_("Rever escolhas"), SETTINGS),
    "stock-refused": Sentence(
        N_("O %(provider)s não aceitou o acerto de stock."), N_("Veja o artigo no %(provider)s e tente de novo.")),
    "stock-unsure": Sentence(
        N_("O %(provider)s não respondeu a tempo e não sabemos se o stock mexeu."),
        N_("Procuramos o movimento antes de o repetir.")),
    "not-undoable": Sentence(N_("Esta alteração já não se desfaz."), N_("O stock mudou de novo depois dela.")),
}  # fmt: skip

ACTION_ERRORS: dict[str, Sentence] = {
    "article-unknown": Sentence(
        N_("O %(provider)s não tem nenhum artigo com a referência «%(article)s»."),
        N_("Copie-a tal como está no %(provider)s, com maiúsculas e minúsculas.")),
    "article-refused": Sentence(
        N_("O %(provider)s não aceitou este artigo."),
        N_("Crie-o no %(provider)s com este SKU, ou associe aqui um que já lá esteja.")),
    "article-too-long": Sentence(
        N_("Este SKU tem %(length)s carateres, e a referência de um artigo do %(provider)s leva no máximo %(limit)s."),
        N_("Encurte o SKU na loja, ou ligue-o a um artigo que já exista.")),
    "number-shape": Sentence(
        N_("Isto não é um número de documento."), N_("Escreva-o tal como aparece no %(provider)s.")),
    "proof-missing": Sentence(
        N_("Falta o que só o documento mostra."), N_("Copie o ATCUD, ou escreva a hora a que foi emitido.")),
    "atcud-shape": Sentence(
        N_("Isto não é um ATCUD."), N_("Copie-o do documento, como em JFX4RT2K-79.")),
    "atcud-not-of-number": Sentence(
        N_("O ATCUD não é o do número %(number)s: acaba noutro número."), N_("Copie os dois do mesmo documento.")),
    "atcud-of-other-series": Sentence(
        N_("O ATCUD não é desta série: os outros documentos dela começam de outra maneira."),
        N_("Copie-o do documento, letra por letra.")),
    "hour-shape": Sentence(N_("Isto não é uma hora."), N_("Escreva-a como em 14:05.")),
    "hour-not-ours": Sentence(
        N_("Um documento das %(hour)s não é este: enviámo-lo às %(sent)s."),
        N_("Deve ser o de outra venda: confirme a hora no %(provider)s.")),
    "number-taken": Sentence(
        N_("Esse número já é o da encomenda #%(order)s."), N_("Confirme no %(provider)s qual é o desta venda.")),
    "total-not-ours": Sentence(
        N_("O documento que enviámos é de %(ours)s, não de %(theirs)s."),
        N_("Deve ser o de outra venda: confirme o total no %(provider)s.")),
    "pdf-by-hand": Sentence(
        N_("Este documento foi registado por si: o PDF está no %(provider)s."),
        N_("Envie-o ao cliente a partir de lá.")),
    "pdf-none": Sentence(N_("Este documento não tem PDF."), N_("Procure-o no seu programa de faturação.")),
    "mail-off": Sentence(N_("O envio de e-mail não está ligado neste servidor."), N_("Descarregue o PDF e envie-o.")),
    "mail-address": Sentence(N_("O endereço «%(to)s» não é um e-mail."), N_("Corrija-o e envie de novo."),
        N_("Corrigir e-mail")),
    "mail-refused": Sentence(
        N_("O e-mail a %(to)s foi devolvido: endereço inexistente."),
        N_("O documento está emitido. Corrija o endereço."),
        N_("Corrigir e-mail")),
    "credit-exceeds": Sentence(
        N_("O reembolso de %(asked)s é maior do que falta creditar (%(left)s)."), N_("Reveja o valor."),
        N_("Rever reembolso")),
    "credit-amount-below-lines": Sentence(
        N_("O valor a creditar (%(amount)s) é menor do que as linhas escolhidas."), N_("Reveja o valor.")),
    "credit-pieces": Sentence(
        N_("De «%(line)s» só podem voltar %(pieces_left)s, e escreveu %(pieces)s."), N_("Reveja as quantidades.")),
    "credit-fraction": Sentence(
        N_("«%(line)s» vende-se à unidade."), N_("Escreva um número inteiro de artigos.")),
    "credit-without-value": Sentence(
        N_("O que escolheu já não tem dinheiro para devolver."),
        N_("Escolha também o que ainda tem valor, ou registe só o regresso dos artigos.")),
    "credit-open": Sentence(
        N_("Já há uma nota de crédito deste documento por concluir."), N_("Espere por ela, ou resolva-a primeiro.")),
    "credit-not-whole": Sentence(
        N_("Para emitir de novo é preciso creditar o documento todo."), N_("Escolha creditar tudo.")),
    "credit-nothing-left": Sentence(
        N_("O documento %(number)s já está todo creditado."),
        N_("Não há mais nada a creditar: uma nota de crédito à espera põe-se de parte.")),
    "credit-without-original": Sentence(N_("Não há documento emitido para creditar."), ""),
    "credit-of-no-invoice": Sentence(N_("O documento %(number)s não é uma fatura que se credite."), ""),
    "credit-line-twice": Sentence(N_("A mesma linha foi escolhida duas vezes."), N_("Escolha cada linha uma só vez.")),
    "credit-line-unknown": Sentence(N_("Uma das linhas não é deste documento."), N_("Escolha de novo.")),
}  # fmt: skip

WEBHOOK_PROBLEMS: dict[str, str] = {
    "missing": N_("Faltavam avisos da loja e criámo-los de novo."),
    "paused": N_("A loja tinha posto os avisos em pausa e criámo-los de novo."),
    "doubled": N_("Havia avisos da loja repetidos e ficou um de cada."),
    "foreign": N_("Havia avisos da loja mal encaminhados e criámo-los de novo."),
    "refused": N_(
        "Recusámos avisos da loja: não vêm assinados com a chave que nos deu. Confirme-a onde ligou a loja; até lá"
        " lemos as encomendas de tempos a tempos."
    ),
    "silent": N_("A loja deixou de nos avisar das encomendas pagas e criámos os avisos de novo."),
}

WARNINGS: dict[str, str] = {
    "all-untaxed": N_("Nenhuma linha da encomenda tem IVA na loja."),
    "tax-follows-law": N_("A loja cobrou outra taxa; seguimos a lei, com o mesmo total."),
    "shipping-tax-changed": N_(
        "A loja cobrou outro IVA nos portes; no documento levam o dos artigos, com o mesmo total."
    ),
    "nif-obsolete-range": N_("O NIF começa por 8, uma série antiga: confirme-o com o cliente."),
    "foreign-number-left-out": N_("O número que o cliente fora da União escreveu ficou fora do documento."),
    "text-shortened": N_("Um texto da loja era maior do que cabe no documento e foi encurtado."),
    "vat-number-rejected": N_("O número de IVA estrangeiro não foi confirmado: ficou fora do documento."),
    "oss-not-registered": N_("Vendas para outros países da União acima do limite pedem registo no OSS."),
    "article-none": N_("Uma linha saiu sem artigo, porque o SKU dela não foi aceite: veja-o em Produtos."),
    "article-generic-missing": N_(
        "O artigo para produtos sem SKU não existe no seu programa; a linha saiu sem artigo."
    ),
    "simplified-not-allowed": N_("Esta venda não pode levar fatura simplificada; sai fatura-recibo."),
}

SENTENCES: dict[str, Sentence] = {
    **ACCESS_ERRORS,
    **SETTINGS_ERRORS,
    **ORDER_ERRORS,
    **TEMPORARY_ERRORS,
    **UNCERTAIN_ERRORS,
    **UNISSUED_REASONS,
    **DOCUMENT_ALARMS,
    **STOCK_ERRORS,
    **ACTION_ERRORS,
}
