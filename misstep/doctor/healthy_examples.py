"""Healthy runs that look ill to rules of thumb: no rule may speak about any of them.

Programs as text, in the form of a rule's own examples. Each learns what there is to learn, in a way
that has made some tool raise an alarm: a high or a tiny learning rate, noise, a plateau, a
validation loss below the training loss, sparse activations, frozen layers, few rows or many.
"""

from __future__ import annotations

from misstep.doctor.rule import Example

# Two classes of points that a ring parts, and the network that most examples train on them.
_RING = """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
"""

# A smooth function of four standardized columns, with a little noise.
_WAVES = """
random = np.random.default_rng(0)
x = random.normal(size=(400, 4))
y = np.sin(2 * x[:, :1]) + x[:, 1:2] + 0.1 * random.normal(size=(400, 1))
network = ms.Sequential(ms.Dense(24), ms.Tanh(), ms.Dense(1))
"""

_XOR = """
x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([0, 1, 1, 0])
"""


def _example(name: str, *program: str) -> Example:
    return Example(name, "".join(program).strip() + "\n")


HEALTHY: tuple[Example, ...] = (
    _example(
        "SGD at a rate of 0.5 that converges",
        _RING,
        """
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.SGD(0.5))
run = trainer.fit(x, y, epochs=100)
""",
    ),
    _example(
        "SGD with momentum",
        _WAVES,
        """
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.SGD(0.02, momentum=0.9))
run = trainer.fit(x, y, epochs=150)
""",
    ),
    _example(
        "a trained network tuned further at 1e-5",
        _RING,
        """
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.02))
trainer.fit(x, y, epochs=60)
tuner = ms.Trainer(trainer.network, loss=ms.CrossEntropy(), optimizer=ms.Adam(1e-5))
run = tuner.fit(x, y, epochs=5)
""",
    ),
    _example(
        "batches of one row",
        _RING,
        """
trainer = ms.Trainer(
    network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.003), batch_size=1
)
run = trainer.fit(x, y, epochs=20)
""",
    ),
    _example(
        "warming up, then a cosine down to nothing",
        _WAVES,
        """
trainer = ms.Trainer(
    network,
    loss=ms.SquaredError(),
    optimizer=ms.Adam(0.02),
    schedule=ms.optim.WarmUp(100, then=ms.optim.Cosine()),
)
run = trainer.fit(x, y, epochs=100)
""",
    ),
    _example(
        "a schedule that rises and falls",
        _RING,
        """
trainer = ms.Trainer(
    network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.05), schedule=ms.optim.OneCycle()
)
run = trainer.fit(x, y, epochs=60)
""",
    ),
    _example(
        "a long plateau, then a drop",
        """
bits = np.array([[number >> place & 1 for place in range(4)] for number in range(16)])
x, y = 2.0 * bits - 1, bits.sum(axis=1) % 2
network = ms.Sequential(ms.Dense(16), ms.Tanh(), ms.Dense(2))
trainer = ms.Trainer(
    network, loss=ms.CrossEntropy(), optimizer=ms.SGD(0.1, momentum=0.5), batch_size="full"
)
run = trainer.fit(x, y, epochs=3000)
""",
    ),
    _example(
        "a validation loss below that of training, by dropout",
        """
random = np.random.default_rng(0)
x = random.normal(size=(800, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(64), ms.ReLU(), ms.Dropout(0.3), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x[:600], y[:600], validation=(x[600:], y[600:]), epochs=60)
""",
    ),
    _example(
        "an easy task, right for nearly every row after an epoch",
        """
random = np.random.default_rng(0)
y = np.tile([0, 1, 2], 200)
x = np.eye(3)[y] * 3 + 0.5 * random.normal(size=(600, 3))
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(3))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x[:500], y[:500], validation=(x[500:], y[500:]), epochs=20)
""",
    ),
    _example(
        "a loss in the thousands, by the unit of the answers",
        """
random = np.random.default_rng(0)
x = random.normal(size=(400, 3))
y = 40 * x[:, :1] - 30 * x[:, 1:2] + 3 * random.normal(size=(400, 1))
trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(0.05))
run = trainer.fit(x, y, epochs=20)
""",
    ),
    _example(
        "a number of which four fifths are noise",
        """
random = np.random.default_rng(0)
x = random.normal(size=(1000, 4))
y = 0.5 * x[:, :1] + random.normal(size=(1000, 1))
network = ms.Sequential(ms.Dense(8), ms.Tanh(), ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.003))
run = trainer.fit(x[:800], y[:800], validation=(x[800:], y[800:]), epochs=30)
""",
    ),
    _example(
        "classes that can only be guessed better than chance",
        """
random = np.random.default_rng(0)
x = random.normal(size=(1200, 4))
y = (random.uniform(size=1200) < 1 / (1 + np.exp(-x[:, 0]))).astype(int)
network = ms.Sequential(ms.Dense(8), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.003))
run = trainer.fit(x[:1000], y[:1000], validation=(x[1000:], y[1000:]), epochs=20)
""",
    ),
    _example(
        "a first layer that is frozen on purpose",
        """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(64, trainable=False), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.02))
run = trainer.fit(x, y, epochs=80)
""",
    ),
    _example(
        "three quarters of activations at 0, no unit dead",
        """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
sparse = ms.Dense(48, bias_initializer=ms.initializers.Constant(-0.5))
network = ms.Sequential(sparse, ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=80)
""",
    ),
    _example(
        "a run that stopped early, at its best",
        """
random = np.random.default_rng(0)
x = random.normal(size=(300, 6))
y = np.sin(x[:, :1]) + x[:, 1:2] + 0.3 * random.normal(size=(300, 1))
network = ms.Sequential(ms.Dense(24), ms.ReLU(), ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.SquaredError(), optimizer=ms.Adam(0.005))
run = trainer.fit(
    x[:200], y[:200], validation=(x[200:], y[200:]), epochs=300, early_stopping=8
)
""",
    ),
    _example(
        "four rows in one batch",
        _XOR,
        """
network = ms.Sequential(ms.Dense(8), ms.Tanh(), ms.Dense(2))
trainer = ms.Trainer(
    network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.05), batch_size="full"
)
run = trainer.fit(x, y, epochs=300)
""",
    ),
    _example(
        "ten rows on a line",
        """
x = np.linspace(-1, 1, 10)[:, None]
y = 3 * x + 1
trainer = ms.Trainer(ms.Dense(1), loss=ms.SquaredError(), optimizer=ms.SGD(0.1))
run = trainer.fit(x, y, epochs=300)
""",
    ),
    _example(
        "one epoch on many rows",
        """
random = np.random.default_rng(0)
x = random.normal(size=(30000, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x, y, epochs=1)
""",
    ),
    _example(
        "large batches and updates enough",
        """
random = np.random.default_rng(0)
x = random.normal(size=(2000, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(
    network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.03), batch_size=500
)
run = trainer.fit(x, y, epochs=100)
""",
    ),
    _example(
        "a mild penalty and decaying weights",
        _RING,
        """
trainer = ms.Trainer(
    network,
    loss=ms.CrossEntropy(),
    optimizer=ms.AdamW(0.02, weight_decay=0.01),
    regularizers=ms.optim.L2(1e-4),
)
run = trainer.fit(x, y, epochs=80)
""",
    ),
    _example(
        "gradients that are clipped at most updates, and learn",
        _WAVES,
        """
trainer = ms.Trainer(
    network,
    loss=ms.SquaredError(),
    optimizer=ms.Adam(0.01),
    clipping=ms.optim.ClipNorm(0.1),
)
run = trainer.fit(x, y, epochs=120)
""",
    ),
    _example(
        "a rate that falls in steps until nothing moves",
        _WAVES,
        """
trainer = ms.Trainer(
    network,
    loss=ms.SquaredError(),
    optimizer=ms.Adam(0.02),
    schedule=ms.optim.StepDecay(epochs=25, drop=0.3),
)
run = trainer.fit(x, y, epochs=150)
""",
    ),
    _example(
        "one row in ten of the second class, and told apart",
        """
random = np.random.default_rng(0)
y = (np.arange(600) % 10 == 0).astype(int)
x = random.normal(size=(600, 3)) + 4 * y[:, None]
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x[:500], y[:500], validation=(x[500:], y[500:]), epochs=30)
""",
    ),
    _example(
        "sorted rows in one batch, whose order is nobody's business",
        _RING,
        """
order = np.argsort(y)
trainer = ms.Trainer(
    network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.03), batch_size="full"
)
run = trainer.fit(x[order], y[order], epochs=200, shuffle=False)
""",
    ),
    _example(
        "separable classes, whose loss falls forever",
        """
random = np.random.default_rng(0)
y = np.arange(400) % 2
x = random.normal(size=(400, 3)) + 5 * y[:, None]
trainer = ms.Trainer(ms.Dense(2), loss=ms.CrossEntropy(), optimizer=ms.Adam(0.02))
run = trainer.fit(x, y, epochs=80)
""",
    ),
    _example(
        "pictures with pixels that are always dark, from 0 to 1",
        """
random = np.random.default_rng(0)
y = random.integers(4, size=600)
x = np.zeros((600, 36))
shapes = random.uniform(size=(4, 20)) > 0.5
x[:, 8:28] = np.clip(shapes[y] * 0.8 + 0.2 * random.uniform(size=(600, 20)), 0, 1)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(4))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01))
run = trainer.fit(x[:500], y[:500], validation=(x[500:], y[500:]), epochs=20)
""",
    ),
    _example(
        "counts from 0 to 16, as they are",
        """
random = np.random.default_rng(0)
y = random.integers(3, size=500)
means = random.integers(17, size=(3, 12))
x = np.clip(np.round(means[y] + 2 * random.normal(size=(500, 12))), 0, 16)
network = ms.Sequential(ms.Dense(16), ms.ReLU(), ms.Dense(3))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.005))
run = trainer.fit(x, y, epochs=40)
""",
    ),
    _example(
        "many layers with normalization",
        """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, 0], x[:, 1]) > 1.18).astype(int)
block = [layer for _ in range(4) for layer in (ms.Dense(16), ms.BatchNorm(), ms.ReLU())]
trainer = ms.Trainer(
    ms.Sequential(*block, ms.Dense(2)), loss=ms.CrossEntropy(), optimizer=ms.Adam(0.01)
)
run = trainer.fit(x, y, epochs=40)
""",
    ),
    _example(
        "one yes or no from one output",
        """
random = np.random.default_rng(0)
x = random.normal(size=(400, 2))
y = (np.hypot(x[:, :1], x[:, 1:]) > 1.18).astype(float)
network = ms.Sequential(ms.Dense(16), ms.Tanh(), ms.Dense(1))
trainer = ms.Trainer(network, loss=ms.BinaryCrossEntropy(), optimizer=ms.optim.RMSProp(0.01))
run = trainer.fit(x, y, epochs=80)
""",
    ),
    _example(
        "training that goes on where it ended",
        _RING,
        """
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.02))
trainer.fit(x, y, epochs=60)
run = trainer.fit(x, y, epochs=20)
""",
    ),
    _example(
        "a small recurrent network",
        """
random = np.random.default_rng(0)
x = random.normal(size=(300, 8, 1))
y = (x[:, :4, 0].sum(axis=1) > 0).astype(int)
network = ms.Sequential(ms.LSTM(12), ms.Dense(2))
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.02))
run = trainer.fit(x, y, epochs=25)
""",
    ),
    _example(
        "a small convolutional network",
        """
random = np.random.default_rng(0)
y = np.arange(300) % 2
x = 0.3 * random.normal(size=(300, 8, 8, 1))
at = random.integers(1, 7, size=300)
x[np.arange(300), at, :, 0] += y[:, None]
x[np.arange(300), :, at, 0] += 1 - y[:, None]
network = ms.Sequential(
    ms.Conv2D(6, 3), ms.ReLU(), ms.GlobalAveragePool2D(), ms.Dense(2)
)
trainer = ms.Trainer(network, loss=ms.CrossEntropy(), optimizer=ms.Adam(0.03))
run = trainer.fit(x, y, epochs=40)
""",
    ),
)
