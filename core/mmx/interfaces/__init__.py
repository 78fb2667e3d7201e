"""What a plugin author reads: one small file per kind of method, and features.py."""

from mmx.interfaces.baseline import Baseline, BaselineAnswers, BaselineParams, TargetRows
from mmx.interfaces.comparable_task import Breakdown, ComparableTask, ConstantAnswer, MethodAnswers
from mmx.interfaces.dataset import (
    Box,
    Dataset,
    DatasetParams,
    Facts,
    FieldKind,
    FilesRead,
    ImageSource,
    Picture,
    RejectedRow,
    Sample,
    Value,
    View,
)
from mmx.interfaces.encoded_prompts import EncodedPrompts
from mmx.interfaces.encoder import (
    Encoder,
    EncoderParams,
    ImageEncoder,
    ImagesInput,
    SingleImageEncoder,
    TextEncoder,
    TextsInput,
)
from mmx.interfaces.feature_rows import FeatureRows
from mmx.interfaces.features import Features, FeatureShape, masked_mean
from mmx.interfaces.frame import Corner, ImageFrame, Interpolation, Resize
from mmx.interfaces.fusion import DecisionFusion, Fusion, FusionParams
from mmx.interfaces.head import Head, HeadOutput, HeadParams, HeadRows
from mmx.interfaces.hook import MOMENTS, Hook, HookParams, RunDescription, Section
from mmx.interfaces.image_reader import (
    SPACING,
    ImageContents,
    ImageExample,
    ImageReader,
    ImageReaderParams,
    ImageRequest,
    Plane,
    WhichFrame,
)
from mmx.interfaces.inference import Curve, InferenceHook, InferenceParams, Prediction, Validation
from mmx.interfaces.input import Input, InputParams, InputRows, Store, Tokenizer
from mmx.interfaces.inputs import Batch, Images, Inputs, Texts, TokenCount, Views, middle_indices
from mmx.interfaces.interval import Interval
from mmx.interfaces.joining import join, joined_shape
from mmx.interfaces.layout import Labels, Layout, Role
from mmx.interfaces.link import Link
from mmx.interfaces.long_table import LongTable
from mmx.interfaces.lora import ADAPTER, Lora, LoraTraining, Training
from mmx.interfaces.loss import Loss, LossParams, LossValue, Outputs
from mmx.interfaces.modality import IMAGE, RECORD, TEXT, ModalityName, by_modality
from mmx.interfaces.narrative import FeatureSource, Narrative, NarrativeParams
from mmx.interfaces.one_class import OneClassTask
from mmx.interfaces.pair import PairAdapter, PairFusion, PairFusionParams
from mmx.interfaces.params import API, EVERY_TASK, Params, SpecPath
from mmx.interfaces.reader import (
    PackedImage,
    ReaderParams,
    Reading,
    RowNumbers,
    TableContents,
    TableExample,
    TableReader,
    TableReaderParams,
)
from mmx.interfaces.records import Record, RecordEncoder, Records, RecordsInput, RecordStore
from mmx.interfaces.sampler import Sampler, SamplerParams
from mmx.interfaces.score import McNemar, Score
from mmx.interfaces.sections import (
    Content,
    Grid,
    Line,
    Matrix,
    MetricWords,
    Plot,
    ScoreRow,
    ScoreSection,
    ScoreTable,
    Summary,
)
from mmx.interfaces.task import Scores, Strata, Target, Task, TaskParams, WrongAnswer, known_rows
from mmx.interfaces.tensors import map_tensors
from mmx.interfaces.wrapping import (
    BackboneOutput,
    WrappingEncoder,
    WrappingParams,
    innermost,
    innermost_params,
    on_real,
    one_by_one,
)

__all__ = [
    "ADAPTER", "API", "BackboneOutput", "Baseline", "BaselineAnswers", "BaselineParams", "Batch",
    "Box", "Breakdown", "ComparableTask", "ConstantAnswer", "Content", "Corner", "Curve", "Dataset",
    "DatasetParams", "DecisionFusion", "EVERY_TASK", "EncodedPrompts", "Encoder", "EncoderParams",
    "Facts", "FeatureRows", "FeatureShape", "FeatureSource", "Features", "FieldKind", "FilesRead",
    "Fusion", "FusionParams", "Grid", "Head", "HeadOutput", "HeadParams", "HeadRows", "Hook",
    "HookParams", "IMAGE", "ImageContents", "ImageEncoder", "ImageExample", "ImageFrame",
    "ImageReader", "ImageReaderParams", "ImageRequest", "ImageSource", "Images", "ImagesInput",
    "InferenceHook", "InferenceParams", "Input", "InputParams", "InputRows", "Inputs",
    "Interpolation", "Interval", "Labels", "Layout", "Line", "Link", "LongTable", "Lora",
    "LoraTraining", "Loss", "LossParams", "LossValue", "MOMENTS", "Matrix", "McNemar",
    "MethodAnswers", "MetricWords", "ModalityName", "Narrative", "NarrativeParams", "OneClassTask",
    "Outputs", "PackedImage", "PairAdapter", "PairFusion", "PairFusionParams", "Params", "Picture",
    "Plane", "Plot", "Prediction", "RECORD", "ReaderParams", "Reading", "Record", "RecordEncoder",
    "RecordStore", "Records", "RecordsInput", "RejectedRow", "Resize", "Role", "RowNumbers",
    "RunDescription",
    "SPACING", "Sample", "Sampler", "SamplerParams", "Score", "ScoreRow", "ScoreSection",
    "ScoreTable", "Scores", "Section", "SingleImageEncoder", "SpecPath", "Store", "Strata",
    "Summary", "TEXT", "TableContents", "TableExample", "TableReader", "TableReaderParams",
    "Target", "TargetRows", "Task", "TaskParams", "TextEncoder", "Texts", "TextsInput",
    "TokenCount", "Tokenizer", "Training", "Validation", "Value", "View", "Views", "WhichFrame",
    "WrappingEncoder", "WrappingParams", "WrongAnswer", "by_modality", "innermost",
    "innermost_params", "join", "joined_shape", "known_rows", "map_tensors", "masked_mean",
    "middle_indices", "on_real", "one_by_one",
]  # fmt: skip

# what packages written for plugin API 1 call them
Rejected = RejectedRow
Seen = BackboneOutput
middle_places = middle_indices
