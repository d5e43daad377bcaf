"""What the tokenizers library replaces by regular expressions of tokenizer.json: python make_regex_fixture.py OUT"""
import json, os, sys
import tokenizers
from tokenizers import Regex, normalizers

TEXTS = ["a1 ٣b²Ⅷ", "aé_٣ \u0301x-b‿\u200d ª", "a\u00a0b\u0085c\ufeffd\u2028e\u180ef\x0bg\x1ch i\tj\nk\u200bl", "afF0G9",
         "B\n a \n  b\n", "a?b\\c-d]e^f[g 1b0\\ &'\"/", "\x01\x1b\x07\x08😀😀é😀 e", "aa a\naaa bb b\n\n", "", "\n\n", "  lead\n trail  "]
SUPPORTED = r"""
\d \d+ \D+ \w \w+ \W+ \s \s+ \S+ \h \H+ \e \a \v \f \n \t \r \x61 \x4 \x{61} \u00e9 \u200b \\ \/ \- \' \" \% \? \é \😀
[\d] [^\w] [^\S] [^\d\S]+ [\W\d] [^\W\D] [\x41-\x5a] [\x00-\x1f] [\s\u200b] [\h] [\e\a] [\w\s]+ [^\w\s]+ [\w-] [a\-b] [-a] [a-] [\]] [\^] [a^] [^^]+
[a-c-e] [a&] [&a] [.] [\x4] [😀]+ [^a] [é-😀] #+ 😀{2}
^\s+|\s+$ ^\s+ \s+$ \A\s+ \s+\z ^a+$ \w$ ^a$ \n$ ^\n \n+$ a{2}$ ^[a\s]{2,3}$ ^a|b$ \Aa|b\z a{2} a{2,} b{1,2}|a c{2}|a
""".split()
UNSUPPORTED = r"""
a||b |a a| \b \B [\b] \R \X \N \O \G \0 \1 \8 \M \c \cA [\cA] \q \k \A \z \Z \p{L} [\p{L}] [[:alpha:]] [a[bc]] [[]a] [a-c&&b] [a-\d] [\d-a] [z-a]
[]a] [^]a] \u12 \ud83d \xe9 \x{110000} [\101] [\q] [\R] [\N] . ^ $ a* a? a+? a++ a{,3} a{0,2} (a) (?:a|b) (?i)a ab [] [^]
""".split()

def replace(pattern):
    return [normalizers.Replace(Regex(pattern), "§").normalize_str(text) for text in TEXTS]

json.dump(dict(source=f"tokenizers {tokenizers.__version__}", texts=TEXTS,
               supported=[dict(pattern=p, replaced=replace(p)) for p in SUPPORTED], unsupported=UNSUPPORTED),
          open(os.path.join(sys.argv[1], "regexes.json"), "w"), ensure_ascii=True, indent=1)
