"""What Python's csv module reads from texts that are hard to read: the same rows are to come out of `csvRecords`."""

import csv
import io
import json
import os
import random

named = [
    ',file_name,text\n0,a.png,a cat\n1,b.png,a dog\n',
    'file_name,text\na.png,a 6" pipe\nb.png,a dog\n',
    'a,b,c\n,,\n,x,\n"",,""\n',
    '"a" b,c\n"""a"" b",c\n"a""b" "c" d,"e"\n"""a"" b" c,d\n',
    'a,"x\r\ny"\r\nb,"1\n\n2"\r\n',
    'a\rb\r\n\r\n\nc',
    'one field\n"another"\n""\n',
    ' "a", "b"\n',
    'größe,"ü "" ö"\n',
    'a,b\n"open, and never closed\nc,d\n',
]
random.seed(4)
pieces = ["a", '"', '"', ",", ",", "\n", "\r\n", "\r", " ", "é", "b", '""', "\u2028", "\ufffd", "'"]
drawn = ["".join(random.choice(pieces) for _ in range(random.randint(1, 14))) for _ in range(500)]


def ends_open(text):
    """Python takes all that follows an open quotation mark for one field: a line more makes no row more."""
    rows = list(csv.reader(io.StringIO(text + "\nx", newline="")))
    return rows[-1] != ["x"]


cases = []
for text in named + drawn:
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    cases.append({"text": text, "rows": rows[:-1] if ends_open(text) else rows, "open": ends_open(text)})
folder = os.path.join(os.path.dirname(__file__), "..", "fixtures", "csv")
os.makedirs(folder, exist_ok=True)
with open(os.path.join(folder, "rows.json"), "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
