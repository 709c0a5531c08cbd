"""Short texts and requests from outside: links, questions of a page, graphs, words of a space."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from urllib.parse import quote

import misstep as ms
from misstep.ir import read_graph, write_graph
from misstep.playground import Link, Session
from misstep.train.programs import Programs
from misstep.web.play.beginning import Beginning
from misstep.web.play.page import _Page
from tests.fuzz.mutations import BYTES, CELLS, flip_bits, swap_lines
from tests.fuzz.structures import change_json
from tests.fuzz.targets.target import Target

LINKS = (
    "v=1&l=4&u=3",
    "v=1&p=moons&r=40&n=0.2&ds=3&l=3.2&a=relu&s=5&o=adam&lr=0.01&bs=8&u=2",
    "v=1&l=3&c2=lr:0.01,l2:0.1&c3=o:adam&u=4&row=h3",
    "v=1&p=xor&nn=batch&rs=1&i=zeros&is=2&b=0.5&d=0.2&c=1&cb=value&z=1&x=10",
    "v=1&l=2&u=1&k=dense1.weight.0.1&row=t5",
)
# What a link may ask for and a try can't wait for: the same is asked of each of its updates.
MOST_UPDATES = 4


def change_pairs(content: bytes, random: Random) -> bytes:
    """Change, drop, repeat or exchange the pairs of a link."""
    pairs = [each.partition(b"=") for each in content.split(b"&")]
    for _ in range(random.choice((1, 1, 2, 3))):
        at, way = random.randrange(len(pairs)), random.randrange(6)
        key, _, value = pairs[at]
        if way == 0:
            pairs[at] = (key, b"=", quote(random.choice(CELLS)).encode())
        elif way == 1 and re.fullmatch(rb"[0-9]+(\.[0-9]+)?", value):
            number = float(value) if b"." in value else int(value)
            other = random.choice((number + 1, -number, number * 10, number / 2, 0, 1e9))
            pairs[at] = (key, b"=", str(other).encode())
        elif way == 2:
            other_link = random.choice(LINKS).encode().split(b"&")
            pairs.insert(at, random.choice(other_link).partition(b"="))
        elif way == 3:
            pairs[at] = (random.choice(pairs)[0], b"=", value)
        elif way == 4 and len(pairs) > 1:
            del pairs[at]
        else:
            pairs[at] = (key, b"=", value + random.choice((b".1", b".0.0", b",lr:1", b"0", b"%00")))
    return b"&".join(b"".join(each) for each in pairs)


class Links(Target):
    """Links to the playground, gone to their update where that is near."""

    name = "link"
    ending = ".txt"
    mutations = (*BYTES, *(change_pairs,) * 12)

    def make(self) -> list[bytes]:
        return [each.encode() for each in LINKS]

    def attempt(self, path: Path) -> None:
        text = path.read_bytes().decode("utf-8", "replace")
        link = Link.read(text)
        assert Link.read(link.text()) == link
        if link.update <= MOST_UPDATES and self.sometimes(path, 8):
            session = Session.of_link(text, seconds=1.0)
            session.state()
            session.frame()
            session.link()
            json.dumps([session.state(), session.rows(), session.frame()], allow_nan=False)


QUESTIONS = (
    ["step", {"updates": 2}],
    ["seek", {"update": 1}],
    ["change", {"settings": {"learning_rate": 0.5, "optimizer": "adam", "l2": 0.1}}],
    ["begin", {"settings": {"problem": "xor", "layers": [3], "rows": 30, "seed": 4}}],
    ["choose", {"choice": {"path": "dense1.weight", "entry": [0, 1]}}],
    ["row", {"number": 3, "held_out": True}],
    ["explain", {}],
    ["examine", {"throttled": True}],
    ["try", {"updates": 2}],
    ["try-next", {}],
    ["adopt", {"number": 0}],
)


class Questions(Target):
    """What a page of the playground asks, one after the other, as JSON."""

    name = "questions"
    weight = 1
    ending = ".json"
    mutations = (flip_bits, *(change_json,) * 15)

    def make(self) -> list[bytes]:
        asked = [*QUESTIONS]
        parts = (
            asked[:3],
            [asked[3], asked[0]],
            asked[4:6],
            [asked[4], asked[6]],
            [asked[0], asked[7]],
        )
        return [json.dumps(each).encode() for each in parts]

    def begin(self) -> None:
        self._page = _Page(Beginning(link="v=1&r=30&l=3"))

    def attempt(self, path: Path) -> None:
        try:
            listed = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            return
        opened = json.loads(bytes(self._page._opened({}).body))
        listed = listed if isinstance(listed, list) else [listed]
        for each in listed[:6]:
            what, asked = each if isinstance(each, list) and len(each) == 2 else ("begin", each)
            # The guard lets objects through, and nothing else.
            asked = asked if isinstance(asked, dict) else {"settings": asked}
            asked = {"session": opened["session"], **asked}
            answer = self._page._answered(str(what), asked)
            json.loads(bytes(answer.body))
        self._page._sessions.close(opened["session"])


class Graphs(Target):
    """Programs as text, as networks with scans hold them."""

    name = "graph"
    ending = ".txt"
    mutations = (*BYTES, swap_lines)

    def make(self) -> list[bytes]:
        graphs = []
        for layer in (ms.Dense(2), ms.LSTM(2)):
            shape = (2,) if isinstance(layer, ms.Dense) else (3, 2)
            network = ms.Network(ms.Sequential(layer, ms.Dense(1)), input_shape=shape)
            programs = Programs(network, ms.SquaredError(), ms.optim.SGD(), ())
            graphs.append(write_graph(programs.step(3, weighted=False).graph))
        return [each.encode() for each in graphs]

    def attempt(self, path: Path) -> None:
        graph = read_graph(path.read_bytes().decode("utf-8", "replace"))
        str(graph)

    def is_open(self, content: bytes) -> bool:
        return content.startswith(b"graph ")
