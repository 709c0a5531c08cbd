"""Loggers: callbacks that tell others how training goes: files, TensorBoard, MLflow.

A run's own record stands beside them and needs none of them. Read in this order: logger (the
contract), destinations (which one a word names), then a file for each.
"""

from misstep.loggers.csv_file import CSVLogger
from misstep.loggers.destinations import are_destinations, make_logger, make_loggers
from misstep.loggers.json_lines import JSONLinesLogger
from misstep.loggers.logger import Logger
from misstep.loggers.mlflow_server import MLflowLogger
from misstep.loggers.tensorboard_folder import TensorBoardLogger

__all__ = [
    "CSVLogger",
    "JSONLinesLogger",
    "Logger",
    "MLflowLogger",
    "TensorBoardLogger",
    "are_destinations",
    "make_logger",
    "make_loggers",
]
