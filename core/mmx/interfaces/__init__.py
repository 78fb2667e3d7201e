"""What a plugin author reads: one small file per kind of method, and features.py."""

from mmx.interfaces.dataset import (
    Box,
    Dataset,
    DatasetParams,
    Facts,
    FieldKind,
    Picture,
    Rejected,
    Sample,
    Value,
    View,
)
from mmx.interfaces.encoder import (
    Encoder,
    EncoderParams,
    ImageEncoder,
    ImagesInput,
    SingleImageEncoder,
    TextEncoder,
    TextsInput,
    Training,
)
from mmx.interfaces.features import Features, FeatureShape, masked_mean
from mmx.interfaces.fusion import DecisionFusion, Fusion, FusionParams
from mmx.interfaces.head import Head, HeadOutput, HeadParams
from mmx.interfaces.hook import MOMENTS, Described, Hook, HookParams, Section
from mmx.interfaces.inference import Curve, InferenceHook, InferenceParams, Prediction, Validation
from mmx.interfaces.input import Input, InputRows, Store, Tokenizer
from mmx.interfaces.inputs import Batch, Images, Inputs, Texts, TokenCount, Views, middle_places
from mmx.interfaces.interval import Interval
from mmx.interfaces.joining import join, joined_shape
from mmx.interfaces.layout import Labels, Layout, Role
from mmx.interfaces.link import Link
from mmx.interfaces.loss import Loss, LossParams, LossValue, Outputs
from mmx.interfaces.modality import IMAGE, RECORD, TEXT, ModalityName, by_modality
from mmx.interfaces.narrative import FeatureSource, Narrative, NarrativeParams
from mmx.interfaces.pair import Paired, PairFusion, PairFusionParams
from mmx.interfaces.params import API, EVERY_TASK, Params, SpecPath
from mmx.interfaces.records import Record, RecordEncoder, Records
from mmx.interfaces.sampler import Sampler, SamplerParams
from mmx.interfaces.tensors import map_tensors
from mmx.interfaces.wrapping import (
    Seen,
    WrappingEncoder,
    WrappingParams,
    innermost,
    innermost_params,
    on_real,
    one_by_one,
)

__all__ = [
    "API", "Batch", "Box", "Curve", "Dataset", "DatasetParams", "DecisionFusion", "Described",
    "EVERY_TASK", "Encoder", "EncoderParams", "Facts", "FeatureShape", "FeatureSource", "Features",
    "FieldKind", "Fusion", "FusionParams", "Head", "HeadOutput", "HeadParams", "Hook", "HookParams",
    "IMAGE", "ImageEncoder", "Images", "ImagesInput", "InferenceHook", "InferenceParams", "Input",
    "InputRows", "Inputs", "Interval", "Labels", "Layout", "Link", "Loss", "LossParams",
    "LossValue", "MOMENTS", "ModalityName", "Narrative", "NarrativeParams", "Outputs", "PairFusion",
    "PairFusionParams", "Paired", "Params", "Picture", "Prediction", "RECORD", "Record",
    "RecordEncoder", "Records", "Rejected", "Role", "Sample", "Sampler", "SamplerParams", "Section",
    "Seen", "SingleImageEncoder", "SpecPath", "Store", "TEXT", "TextEncoder", "Texts", "TextsInput",
    "TokenCount", "Tokenizer", "Training", "Validation", "Value", "View", "Views",
    "WrappingEncoder", "WrappingParams", "by_modality", "innermost", "innermost_params", "join",
    "joined_shape", "map_tensors", "masked_mean", "middle_places", "on_real", "one_by_one",
]  # fmt: skip
