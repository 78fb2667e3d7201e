"""mmx: image and text disease classification from interchangeable methods."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmx.audit import Check, Finding, Subject
    from mmx.data import TableRows, appearance_of, open_table, read_image, read_table
    from mmx.errors import (
        DataError,
        MmxError,
        PluginError,
        RunError,
        ShapeError,
        SpecError,
        WeightsError,
    )
    from mmx.experiment import (
        Run,
        ask,
        audit_spec,
        evaluate_run,
        narratives,
        predict,
        reproduce,
        run,
    )
    from mmx.inference import Case
    from mmx.interfaces import (
        Batch,
        Dataset,
        DatasetParams,
        Encoder,
        EncoderParams,
        Features,
        FeatureShape,
        Fusion,
        FusionParams,
        Head,
        HeadOutput,
        HeadParams,
        Hook,
        HookParams,
        ImageEncoder,
        Images,
        InferenceHook,
        InferenceParams,
        Loss,
        LossParams,
        LossValue,
        Narrative,
        NarrativeParams,
        Outputs,
        PairFusion,
        PairFusionParams,
        Params,
        Prediction,
        Sample,
        Sampler,
        SamplerParams,
        SingleImageEncoder,
        TextEncoder,
        Texts,
    )
    from mmx.plugins import Plugins, hookimpl
    from mmx.spec import Backbone, Spec, chosen, load_spec
    from mmx.study import report_study, run_study

__all__ = [
    "Backbone", "Batch", "Case", "Check", "DataError", "Dataset", "DatasetParams", "Encoder",
    "EncoderParams", "FeatureShape", "Features", "Finding", "Fusion", "FusionParams", "Head",
    "HeadOutput", "HeadParams", "Hook", "HookParams", "ImageEncoder", "Images", "InferenceHook",
    "InferenceParams", "Loss", "LossParams", "LossValue", "MmxError", "Narrative",
    "NarrativeParams", "Outputs", "PairFusion", "PairFusionParams", "Params", "PluginError",
    "Plugins", "Prediction", "Run", "RunError", "Sample", "Sampler", "SamplerParams", "ShapeError",
    "SingleImageEncoder", "Spec", "SpecError", "Subject", "TableRows", "TextEncoder", "Texts",
    "WeightsError", "appearance_of", "ask", "audit_spec", "chosen", "evaluate_run", "hookimpl",
    "load_spec", "narratives", "open_table", "predict", "read_image", "read_table", "report_study",
    "reproduce", "run", "run_study",
]  # fmt: skip

if not TYPE_CHECKING:  # a checker that sees __getattr__ accepts every misspelt name
    from mmx.lazy import lazy

    _HOMES = {
        "mmx.audit": [
            "Check", "Finding", "Subject",
        ],
        "mmx.data": [
            "TableRows", "appearance_of", "open_table", "read_image", "read_table",
        ],
        "mmx.errors": [
            "DataError", "MmxError", "PluginError", "RunError", "ShapeError", "SpecError",
            "WeightsError",
        ],
        "mmx.experiment": [
            "Run", "ask", "audit_spec", "evaluate_run", "narratives", "predict", "reproduce", "run",
        ],
        "mmx.inference": [
            "Case",
        ],
        "mmx.interfaces": [
            "Batch", "Dataset", "DatasetParams", "Encoder", "EncoderParams", "FeatureShape",
            "Features", "Fusion", "FusionParams", "Head", "HeadOutput", "HeadParams", "Hook",
            "HookParams", "ImageEncoder", "Images", "InferenceHook", "InferenceParams", "Loss",
            "LossParams", "LossValue", "Narrative", "NarrativeParams", "Outputs", "PairFusion",
            "PairFusionParams", "Params", "Prediction", "Sample", "Sampler", "SamplerParams",
            "SingleImageEncoder", "TextEncoder", "Texts",
        ],
        "mmx.plugins": [
            "Plugins", "hookimpl",
        ],
        "mmx.spec": [
            "Backbone", "Spec", "chosen", "load_spec",
        ],
        "mmx.study": [
            "report_study", "run_study",
        ],
    }  # fmt: skip
    __getattr__, __dir__ = lazy(__name__, _HOMES)
