"""One neuron by hand: what it says, how wrong that is, who is to blame, and one step better.

python examples/one_neuron.py
"""

import misstep as ms

RATE = 0.1


def main() -> float:
    """Print each number of one training step; return the weight after it."""
    x, wanted = 0.5, 1.0
    weight, bias = ms.parameter(0.4, name="w"), ms.parameter(0.1, name="b")
    z = weight * x + bias
    answer = ms.sigmoid(z)
    loss = 0.5 * (answer - wanted) ** 2
    print(f"z = w x + b       {float(z):.4f}")
    print(f"a = sigmoid(z)    {float(answer):.4f}")
    print(f"L = ½ (a − y)²    {float(loss):.4f}")

    slope = float(ms.gradient(loss, weight))
    moved = float(weight) - RATE * slope
    print(f"∂L/∂w             {slope:.4f}")
    print(f"w − η ∂L/∂w       {moved:.4f}")
    print()
    print(ms.explain(loss, weight))
    return moved


if __name__ == "__main__":
    main()
