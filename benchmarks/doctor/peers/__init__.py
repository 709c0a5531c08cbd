"""The thresholds of other tools, on the same records: their thresholds, our engine.

Each file says one tool's thresholds as they are published, and what it calls a finding in our
words. They are judged by what a record holds: where a tool looks at something that it does not
hold, what stands in its place is said in the file. None of these files is the tool itself: what it
would do with other evidence, other frameworks or a repair is not measured here.
"""

from benchmarks.doctor.peers import auto_trainer, deep_checker, deep_diagnosis, sage_maker, umlaut
from benchmarks.doctor.scoring import Judge

PEERS: dict[str, Judge] = {
    "AutoTrainer": auto_trainer.judge,
    "SageMaker Debugger": sage_maker.judge,
    "DeepDiagnosis": deep_diagnosis.judge,
    "UMLAUT": umlaut.judge,
    "TheDeepChecker": deep_checker.judge,
}
