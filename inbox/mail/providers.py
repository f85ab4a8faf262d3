"""Mail domains that anybody can have: they say nothing about a company.

An operator adds more under `public_domains` in aboard.yaml. A subdomain of one counts too.
"""

from __future__ import annotations

_LISTED = """
    gmail.com googlemail.com outlook.com hotmail.com live.com msn.com passport.com outlook.de
    outlook.fr outlook.es outlook.it outlook.jp hotmail.co.uk hotmail.fr hotmail.de hotmail.it
    hotmail.es hotmail.nl live.co.uk live.fr live.de live.nl live.it live.be yahoo.com ymail.com
    rocketmail.com yahoo.co.uk yahoo.fr yahoo.de yahoo.it yahoo.es yahoo.co.in yahoo.co.jp
    yahoo.com.br yahoo.com.mx yahoo.ca yahoo.com.au icloud.com me.com mac.com aol.com aim.com
    proton.me protonmail.com protonmail.ch pm.me tutanota.com tutanota.de tuta.io tuta.com
    gmx.de gmx.net gmx.at gmx.ch gmx.com gmx.fr web.de freenet.de t-online.de arcor.de online.de
    mail.de posteo.de posteo.net mailbox.org email.de kabelmail.de vodafone.de 1und1.de
    orange.fr wanadoo.fr free.fr sfr.fr laposte.net neuf.fr bbox.fr numericable.fr libero.it
    virgilio.it tin.it alice.it tiscali.it fastwebnet.it inwind.it email.it telefonica.net
    terra.es ono.com movistar.es ziggo.nl kpnmail.nl planet.nl hetnet.nl xs4all.nl home.nl
    upcmail.nl telenet.be skynet.be bluewin.ch hispeed.ch sunrise.ch a1.net chello.at aon.at
    sapo.pt clix.pt netcabo.pt uol.com.br bol.com.br terra.com.br ig.com.br globo.com wp.pl
    o2.pl onet.pl interia.pl op.pl vp.pl gazeta.pl seznam.cz centrum.cz email.cz telia.com
    spray.se comhem.se bredband.net online.no broadpark.no jubii.dk mail.dk kolumbus.fi
    luukku.com elisanet.fi btinternet.com sky.com virginmedia.com talktalk.net ntlworld.com
    blueyonder.co.uk comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net
    charter.net earthlink.net juno.com netzero.net optonline.net rogers.com shaw.ca sympatico.ca
    bigpond.com optusnet.com.au xtra.co.nz mail.ru inbox.ru list.ru bk.ru yandex.ru yandex.com
    rambler.ru ukr.net qq.com foxmail.com 163.com 126.com sina.com sohu.com aliyun.com naver.com
    daum.net hanmail.net rediffmail.com zoho.com zohomail.com fastmail.com fastmail.fm
    hushmail.com hey.com mail.com email.com usa.com post.com consultant.com inbox.com duck.com
    relay.firefox.com
"""

PUBLIC_DOMAINS = frozenset(_LISTED.split())
