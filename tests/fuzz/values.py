"""Values to type on a command line: sane ones by the kind of data, odd ones by their type."""

from __future__ import annotations

WHOLE = (
    *("0", "-1", "1.5", "nan", "", "9" * 30, "2147483648", "-9223372036854775809", "1_0", "x"),
    *(" 5 ", "٣", "1e3", "0x10", "³"),
)
REAL = ("0", "-1", "nan", "inf", "-inf", "1e308", "1e-308", "1e400", "", "1,5", "5%", "x", "-0.0")
WORDS = (
    *("", " ", "nope", "🦄", "\u202eabc", "two\nlines", "\x1b[31mred", "--", "-x", "=", "a=b", "*"),
    *("x" * 300, "x" * 5000, "\udcff", "None", "0", "%s", "{}", "../data", "größe"),
)
PATHS = (
    *(*WORDS[:18], ".", "..", "/", "~", "missing/dir/file.csv", "folder", "fifo", "dangling"),
    *("circle", "empty.csv", "zeros.bin", "/dev/null", "/dev/zero", "/proc/self/mem"),
    *("../other/kept", "noise.bin", "folder/", "http://127.0.0.1:9/x.csv", "data.csv/x"),
)
# Where something is written: never a place outside of the sandbox.
PLACES = (
    *("", " ", ".", "x/y/z", "🦄", "folder", "fifo", "dangling", "circle", "empty.csv"),
    *("empty.csv/x", "x" * 300, "two\nlines", "../other/new", "~", "\udcff", "--", "-x"),
)

NETWORKS = {
    "table": "dense4 dense8-relu dense4-tanh-dense4 dense8-drop0.1 dense6-bn dense4-ln-gelu "
    "dense4-selu dense8-silu-dense4 dense4-sigmoid dense4-leakyrelu dense4-elu",
    "series": "dense4 lstm4 gru4 rnn4 dense8-tanh conv4-gap",
    "sequences": "lstm4 gru4 rnn4 conv4-gap attention1-gap transformer1-gap flatten-dense4 dense4",
    "images": "conv4-gap conv4-pool-gap flatten-dense4 res4-gap conv4-flatten-dense4 dense8",
    "texts": "embed4-gap embed4-lstm4 embed4-gru4 embed4-conv4-gap dense4 embed4-gap-drop0.1",
    "example": "dense4 dense8-relu",
}
ODD_NETWORKS = (
    *("dense0", "dense-1", "dense1e9", "dense999999999", "bogus", "-", "dense4--dense4", "drop1"),
    *("drop2", "dense4-drop", "conv4", "lstm4", "embed4", "gap", "flatten", "attention3", "bn"),
    *("dense4-flatten-pool", "dense4 dense4", "DENSE4", "-".join(["dense4"] * 300)),
    *("dense4-lstm4-conv4-gap", "pool-pool-pool-pool"),
)
# What any plan has, what only a plan of our own has, and what none takes.
EVERYWHERE = ("weight_decay=0.1", "weight_decay=0")
SETTINGS = (
    *("units=4", "depth=1", "depth=0", "dropout=0.2", "activation=tanh", "members=2"),
    *("learning_rate=0.01", "batch_size=8", "updates=20", "embeddings=true"),
    "early_stopping=false",
)
ODD_SETTINGS = (
    *("units=0", "units=-4", "units=1e9", "dropout=1", "dropout=nan", "members=99", "bogus=1"),
    *("units", "=4", "units=", "activation=bogus", "learning_rate=inf", "depth=1.5"),
    *("early_stopping=maybe", "units=4=5", "batch_size=0"),
)
SPACES = ("units=4,8", "learning_rate=1e-4..1e-2", "dropout=0..0.5", "depth=0..2")
WEIGHTS = (
    *("dense1.weight[0,0]", "dense1.weight", "dense1.bias[0]", "bogus", "dense1.weight[99,99]"),
    *("conv1.weight", "dense1.weight[0", ""),
)
