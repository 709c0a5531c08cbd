"""A training that goes by single updates, forth and back, and what can be seen of it.

No sockets, no threads, nothing printed; one caller at a time. `Session` is all that a page needs;
what it gives is plain JSON, without NaN: a number that is not finite is null.

    session = Session(Settings(problem="moons"))   # or Session.of_link("v=1&p=moons&u=50")
    session.step(10); session.back(3); session.seek(100, seconds=0.2); session.change(l2=0.01)
    session.choose("dense1.weight.0.3"); session.choose_row(4, held_out=True)
    session.state(); session.rows(); session.frame(); session.link()

**What can be chosen.** `Settings.described()`: a list of {name, type ("int", "float", "bool",
"str", "tuple"), default, words, low, high, choices, keeps}; `keeps`: it may change while weights
stay (others begin anew). `problem_list()`: {name, title, sentence, kind, features, classes, window,
noisy}. `presets()`: each `.plain()` is {name, title, sentence, updates, broken, ailment, settings}.
`Settings.of(plain)` checks; all errors are `MisstepError`s in words, and leave a session as it was.

**Own data.** own = own_problem("houses.csv", Options(target="price")); Session(
own_settings(own), own): settings with problem="own", for which rows, noise and data_seed mean
nothing. Session.of_link(link, own) refuses a link of other rows in words (DataError).

**Packed arrays.** {dtype, shape, base64}: little-endian float32, or uint8. `shares`: 0 to 255 for 0
to 1. `picture`: uint8 (pictures, rows, columns) with `scale`, a list of a number for each picture:
128 is 0, 255 is +scale, 1 is −scale.

**session.state()** {settings, begins, changes: [{update, settings}], update, furthest, failed,
problem, network: [{path, words, output, parameters}], row, choice, link}. `changes` ahead of
`update` are those that going forth will meet. `failed`: the next update can't be done, since its
loss is no finite number. `problem`: {name, title, kind ("plane", "curve", "pictures", "table"),
features, classes (empty for numbers), target, window: [[low, high], …], shape, train_rows,
held_out_rows, notes, digest}. `link`: for the fragment of an address.

**session.rows()** {train, held_out}, each {x: float32 (rows, features), y: float32 (rows,)}: in the
problem's own window, class numbers or numbers.

**session.frame()** what is seen at this update:
- update, furthest, epoch, batch, batches (in an epoch), failed, learning_rate
- losses: {every, batch: float32, latest}: of the batch of each update; means of `every` updates
- curve: {updates, train_loss, train_score, held_out_loss, held_out_score, score}: on all rows
- now: the same five for this update: train_loss …, score ("accuracy", "rmse")
- surface: shares (classes, 40, 40) of a plane, the first row being its upper edge, else null
- fit: {x: float32 (160,), y: float32 (160,)} of a curve, else null
- units: for each hidden layer a picture (units, 20, 20) of what each unit gives on the plane, or
  (units, 1, 80) along the curve (`of`: "activation"), or of its weights (`of`: "weights"), or null
- weights: [{name, layer (from 1), values: float32, gradients: float32}], weights as (from, to).
  Gradients are those of the batch that the next update learns from, penalties with them
- row: {number, held_out, name, inputs: float32, truth, prediction, loss, layers}: the chosen row;
  layers: for each layer of units, the outputs last, {sums, given, sum_slopes, given_slopes}: each
  float32 (units,), before and after the activation, and the slope of the row's loss by them
- examples: a few held-out rows [{number, name, truth, prediction}]
A prediction is {class, probability, probabilities} or {number}.

**session.explain("dense1.weight.0.3")** or "dense1.bias.3": {choice, kind, update, label, sentence,
value, row, batch, clipping, change, words}:
- words: sentences for people, in their order
- batch, that the next update learns from: {rows: [{number, name, came, slope, product}], sum,
  penalty, gradient, in_training, loss}: each row's share is what came in times its slope;
  `gradient` = sum + penalty in float64, `in_training` the same in float32, as training has it
- clipping: null or {by, limit, length, changed, before, after}
- change: {optimizer, learning_rate, old, new, gradient, kept, steps, legend, agrees}: `new` is bit
  for bit what the next update leaves there (null where it can't be done); `steps`: [{label,
  formula, with_numbers, number, mathml}], the optimizer's own rule with these numbers, w′ last;
  `legend`: [{symbol, meaning}]
- row: {number, held_out, name, chain}: the chain rule in the chosen row, as `Explanation.to_dict`
  gives it (gradient, paths, forward, difference, remarks, legend …), with text, latex and mathml

**session.explain("unit.1.3")** (layers from 1, the outputs last; units from 0): {choice, kind,
update, label, sentence, is_output, activation, row, inputs, bias, sum, given, given_slope,
sum_slope, goes_to, neurons, changes, words}: inputs: [{name, label, value, weight, product}], whose
products and the bias make `sum`; goes_to: [{name, label, weight, slope, product}], whose products
make `given_slope`; neurons: [{layer, unit, given, slope, contribution}], the most first; changes:
[{label, gradient, old, new}], what the next update makes of its weights and its bias. `label`s of
inputs, goes_to and changes can be chosen and explained.

**session.diagnose(throttled=True)** {update, judges_end, critical, origin, findings, not_examined}:
`origin`: where the first number came from that is not finite, in words, or null; findings, as
`misstep diagnose --json` has them: [{slug, severity, title, symptom, evidence, remedy,
confidence, consequences}]. `judges_end`: the training is long enough for what it came to to be
judged, as if it ended now; what going on would mend is told only where it is critical.

**session.remedies(updates)** an iterator, one dict for each attempt as it is done, the unchanged
control (number 0) first: {number, remedy, title, label, advice, answers, begins_anew, settings,
updates, failed, curve: {updates, train_loss, held_out_loss}, train_loss, held_out_loss,
train_score, held_out_score, score, effect}. `settings`: those that it changes. `effect`: null for
the control, else {mean, low, high, helps, harms}: by how much the loss on held-out rows is lower
than the control's, with the interval of 95 % over rows; each by itself: of forty that do nothing,
one seems to help. `session.other_remedies()`: [{remedy, title, label, advice}] that no setting here
says. **session.adopt(number)** goes on with one; True where weights were kept, else training begins
anew and goes to the same update.
"""

from misstep.playground.choice import Choice
from misstep.playground.links import Link
from misstep.playground.own_rows import own_problem, own_settings
from misstep.playground.presets import Preset, preset_named, presets
from misstep.playground.problems.problem import Kind, Problem, problem_list, problem_names
from misstep.playground.row_choice import RowChoice
from misstep.playground.session import Session
from misstep.playground.settings import Settings

__all__ = [
    "Choice",
    "Kind",
    "Link",
    "Preset",
    "Problem",
    "RowChoice",
    "Session",
    "Settings",
    "own_problem",
    "own_settings",
    "preset_named",
    "presets",
    "problem_list",
    "problem_names",
]
