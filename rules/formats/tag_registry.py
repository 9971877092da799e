"""Records of IANA's Language Subtag Registry of 2021-08-06.

Deprecated tags and subtags with their preferred values: all records that have `Deprecated` and
`Preferred-Value`. The names of the languages that have a code of two letters.
"""

from __future__ import annotations


def _read_pairs(text: str) -> dict[str, str]:
    return dict(pair.split(":") for pair in text.split())


PREFERRED_LANGUAGES = _read_pairs(
    """
    in:id iw:he ji:yi jw:jv mo:ro aam:aas adp:dz asd:snz aue:ktz ayx:nun bgm:bcg bic:bir bjd:drl
    blg:iba ccq:rki cjr:mom cka:cmr cmk:xch coy:pij cqu:quh dit:dif drh:khk drr:kzk drw:prs
    gav:dev gfx:vaj ggn:gvr gli:kzk gti:nyc guv:duz hrr:jal ibi:opa ilw:gal jeg:oyb kgc:tdf
    kgh:kml koj:kwv krm:bmf ktr:dtp kvs:gdj kwq:yam kxe:tvd kxl:kru kzj:dtp kzt:dtp lii:raq
    llo:ngt lmm:rmx meg:cir mst:mry mwj:vaj myd:aog myt:mry nad:xny ncp:kdz nns:nbr nnx:ngv
    nts:pij nxu:bpp oun:vaj pat:kxr pcr:adx pmc:huw pmu:phr ppa:bfy ppr:lcq pry:prt puz:pub
    sca:hle skk:oyb tdu:dtp thc:tpo thw:ola thx:oyb tie:ras tkk:twm tlw:weo tmp:tyj tne:kak
    tnf:prs tsf:taj uok:ema xba:cax xia:acn xkh:waw xrq:dmw ybd:rki yma:lrr ymt:mtm yos:zom
    yuu:yug zir:scv
    """
)
"""Primary languages."""
PREFERRED_REGIONS = _read_pairs(
    """
    bu:MM dd:DE fx:FR tp:TL yd:YE zr:CD
    """
)
"""Regions."""
PREFERRED_VARIANTS = _read_pairs(
    """
    heploc:alalc97
    """
)
"""Variants."""
PREFERRED_TAGS = _read_pairs(
    """
    art-lojban:jbo en-gb-oed:en-GB-oxendict i-ami:ami i-bnn:bnn i-hak:hak i-klingon:tlh i-lux:lb
    i-navajo:nv i-pwn:pwn i-tao:tao i-tay:tay i-tsu:tsu no-bok:nb no-nyn:nn sgn-be-fr:sfb
    sgn-be-nl:vgt sgn-ch-de:sgg zh-guoyu:cmn zh-hakka:hak zh-min-nan:nan zh-xiang:hsn sgn-br:bzs
    sgn-co:csn sgn-de:gsg sgn-dk:dsl sgn-es:ssp sgn-fr:fsl sgn-gb:bfi sgn-gr:gss sgn-ie:isg
    sgn-it:ise sgn-jp:jsl sgn-mx:mfs sgn-ni:ncs sgn-nl:dse sgn-no:nsl sgn-pt:psr sgn-se:swl
    sgn-us:ase sgn-za:sfs zh-cmn:cmn zh-cmn-hans:cmn-Hans zh-cmn-hant:cmn-Hant zh-gan:gan
    zh-wuu:wuu zh-yue:yue
    """
)
"""Whole tags that RFC 5646 calls grandfathered or redundant."""
LANGUAGES_BY_NAME = _read_pairs(
    """
    abkhazian:ab afar:aa afrikaans:af akan:ak albanian:sq amharic:am arabic:ar aragonese:an
    armenian:hy assamese:as avaric:av avestan:ae aymara:ay azerbaijani:az bambara:bm bashkir:ba
    basque:eu belarusian:be bengali:bn bislama:bi bosnian:bs breton:br bulgarian:bg burmese:my
    catalan:ca chamorro:ch chechen:ce chinese:zh chuvash:cv cornish:kw corsican:co cree:cr
    croatian:hr czech:cs danish:da dhivehi:dv dutch:nl dzongkha:dz english:en esperanto:eo
    estonian:et faroese:fo fijian:fj finnish:fi french:fr fulah:ff galician:gl ganda:lg
    georgian:ka german:de guarani:gn gujarati:gu haitian:ht hausa:ha hebrew:he herero:hz
    hindi:hi hungarian:hu icelandic:is igbo:ig indonesian:id interlingua:ia interlingue:ie
    inuktitut:iu inupiaq:ik irish:ga italian:it japanese:ja javanese:jv kalaallisut:kl
    kannada:kn kanuri:kr kashmiri:ks kazakh:kk khmer:km kikuyu:ki kinyarwanda:rw kirghiz:ky
    komi:kv kongo:kg korean:ko kuanyama:kj kurdish:ku latin:la latvian:lv limburgan:li
    lingala:ln lithuanian:lt luxembourgish:lb macedonian:mk malagasy:mg malay:ms malayalam:ml
    maltese:mt manx:gv maori:mi marathi:mr marshallese:mh mongolian:mn nauru:na navajo:nv
    ndonga:ng nepali:ne norwegian:no nyanja:ny occitan:oc ojibwa:oj oriya:or oromo:om
    ossetian:os pali:pi panjabi:pa persian:fa polish:pl portuguese:pt pushto:ps quechua:qu
    romanian:ro romansh:rm rundi:rn russian:ru samoan:sm sango:sg sanskrit:sa sardinian:sc
    serbian:sr shona:sn sindhi:sd sinhala:si slovak:sk slovenian:sl somali:so spanish:es
    sundanese:su swahili:sw swati:ss swedish:sv tagalog:tl tahitian:ty tajik:tg tamil:ta
    tatar:tt telugu:te thai:th tibetan:bo tigrinya:ti tonga:to tsonga:ts tswana:tn turkish:tr
    turkmen:tk uighur:ug ukrainian:uk urdu:ur uzbek:uz venda:ve vietnamese:vi walloon:wa
    welsh:cy wolof:wo xhosa:xh yiddish:yi yoruba:yo zhuang:za zulu:zu
    """
)
"""Languages by their English names, in lower case."""
