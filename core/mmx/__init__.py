"""mmx: image and text disease classification from interchangeable methods."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmx.audit import Check, Finding, Score, Subject
    from mmx.data import (
        Appearance,
        TableRows,
        appearance_of,
        check_columns,
        inside,
        open_table,
        read_image,
        read_table,
    )
    from mmx.errors import (
        DataError,
        Fault,
        MissingExtraError,
        MmxError,
        PluginError,
        PluginLoadError,
        RunError,
        ShapeError,
        SpecError,
        WeightsError,
    )
    from mmx.evaluation import (
        bound_of_share,
        share_of_groups,
        share_of_rows,
        shares_of_classes,
    )
    from mmx.experiment import (
        Answers,
        AuditResult,
        EvaluationResult,
        NarratedSample,
        Reproduction,
        Run,
        ask,
        audit_spec,
        evaluate_run,
        narratives,
        predict,
        reproduce,
        run,
        spec_notes,
    )
    from mmx.inference import Case
    from mmx.interfaces import (
        BackboneOutput,
        Batch,
        Curve,
        Dataset,
        DatasetParams,
        DecisionFusion,
        Encoder,
        EncoderParams,
        Facts,
        Features,
        FeatureShape,
        FeatureSource,
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
        Input,
        InputRows,
        Inputs,
        Interval,
        Layout,
        Link,
        Loss,
        LossParams,
        LossValue,
        Narrative,
        NarrativeParams,
        OneClassTask,
        Outputs,
        PairFusion,
        PairFusionParams,
        Params,
        Picture,
        Prediction,
        ReaderParams,
        RejectedRow,
        Sample,
        Sampler,
        SamplerParams,
        Scores,
        SingleImageEncoder,
        SpecPath,
        Store,
        Task,
        TaskParams,
        TextEncoder,
        Texts,
        TokenCount,
        Validation,
        WrappingEncoder,
        WrappingParams,
        masked_mean,
    )
    from mmx.model import check_spec
    from mmx.plugins import (
        Description,
        InstalledMethod,
        Parameter,
        Plugins,
        Source,
        describe,
        find,
        hookimpl,
        installed,
        nearest,
    )
    from mmx.report import Explanation
    from mmx.runs import Observer, Progress
    from mmx.scaffold import new_plugin
    from mmx.spec import (
        ABSENT,
        Backbone,
        Columns,
        Difference,
        Spec,
        chosen,
        diff_specs,
        guess_columns,
        load_spec,
        spec_schema,
        write_template,
    )
    from mmx.study import (
        Study,
        StudyListing,
        StudySpec,
        list_studies,
        load_study,
        report_study,
        run_study,
    )
    from mmx.testing import Certificate, check_plugin

__all__ = [
    "ABSENT", "Answers", "Appearance", "AuditResult", "Backbone", "BackboneOutput", "Batch", "Case",
    "Certificate", "Check", "Columns", "Curve", "DataError", "Dataset", "DatasetParams",
    "DecisionFusion", "Description", "Difference", "Encoder", "EncoderParams", "EvaluationResult",
    "Explanation", "Facts", "Fault", "FeatureShape", "FeatureSource", "Features", "Finding",
    "Fusion", "FusionParams", "Head", "HeadOutput", "HeadParams", "Hook", "HookParams",
    "ImageEncoder", "Images", "InferenceHook", "InferenceParams", "Input", "InputRows", "Inputs",
    "InstalledMethod", "Interval", "Layout", "Link", "Loss", "LossParams", "LossValue",
    "MissingExtraError", "MmxError", "NarratedSample", "Narrative", "NarrativeParams", "Observer",
    "OneClassTask", "Outputs", "PairFusion", "PairFusionParams", "Parameter", "Params", "Picture",
    "PluginError", "PluginLoadError", "Plugins", "Prediction", "Progress", "ReaderParams",
    "RejectedRow", "Reproduction", "Run", "RunError", "Sample", "Sampler", "SamplerParams", "Score",
    "Scores", "ShapeError", "SingleImageEncoder", "Source", "Spec", "SpecError", "SpecPath",
    "Store", "Study", "StudyListing", "StudySpec", "Subject", "TableRows", "Task", "TaskParams",
    "TextEncoder", "Texts", "TokenCount", "Validation", "WeightsError", "WrappingEncoder",
    "WrappingParams", "appearance_of", "ask", "audit_spec", "bound_of_share", "check_columns",
    "check_plugin", "check_spec", "chosen", "describe", "diff_specs", "evaluate_run", "find",
    "guess_columns", "hookimpl", "inside", "installed", "list_studies", "load_spec", "load_study",
    "masked_mean", "narratives", "nearest", "new_plugin", "open_table", "predict", "read_image",
    "read_table", "report_study", "reproduce", "run", "run_study", "share_of_groups",
    "share_of_rows", "shares_of_classes", "spec_notes", "spec_schema", "write_template",
]  # fmt: skip

if not TYPE_CHECKING:  # a checker that sees __getattr__ accepts every misspelt name
    _HOMES = {
        "mmx.audit": [
            "Check", "Finding", "Score", "Subject",
        ],
        "mmx.data": [
            "Appearance", "TableRows", "appearance_of", "check_columns", "inside", "open_table",
            "read_image", "read_table",
        ],
        "mmx.errors": [
            "DataError", "Fault", "MissingExtraError", "MmxError", "PluginError", "PluginLoadError",
            "RunError", "ShapeError", "SpecError", "WeightsError",
        ],
        "mmx.evaluation": [
            "bound_of_share", "share_of_groups", "share_of_rows", "shares_of_classes",
        ],
        "mmx.experiment": [
            "Answers", "AuditResult", "EvaluationResult", "NarratedSample", "Reproduction", "Run",
            "ask", "audit_spec", "evaluate_run", "narratives", "predict", "reproduce", "run",
            "spec_notes",
        ],
        "mmx.inference": [
            "Case",
        ],
        "mmx.interfaces": [
            "BackboneOutput", "Batch", "Curve", "Dataset", "DatasetParams", "DecisionFusion",
            "Encoder", "EncoderParams", "Facts", "FeatureShape", "FeatureSource", "Features",
            "Fusion", "FusionParams", "Head", "HeadOutput", "HeadParams", "Hook", "HookParams",
            "ImageEncoder", "Images", "InferenceHook", "InferenceParams", "Input", "InputRows",
            "Inputs", "Interval", "Layout", "Link", "Loss", "LossParams", "LossValue", "Narrative",
            "NarrativeParams", "OneClassTask", "Outputs", "PairFusion", "PairFusionParams",
            "Params", "Picture", "Prediction", "ReaderParams", "RejectedRow", "Sample", "Sampler",
            "SamplerParams", "Scores", "SingleImageEncoder", "SpecPath", "Store", "Task",
            "TaskParams", "TextEncoder", "Texts", "TokenCount", "Validation", "WrappingEncoder",
            "WrappingParams", "masked_mean",
        ],
        "mmx.model": [
            "check_spec",
        ],
        "mmx.plugins": [
            "Description", "InstalledMethod", "Parameter", "Plugins", "Source", "describe", "find",
            "hookimpl", "installed", "nearest",
        ],
        "mmx.report": [
            "Explanation",
        ],
        "mmx.runs": [
            "Observer", "Progress",
        ],
        "mmx.scaffold": [
            "new_plugin",
        ],
        "mmx.spec": [
            "ABSENT", "Backbone", "Columns", "Difference", "Spec", "chosen", "diff_specs",
            "guess_columns", "load_spec", "spec_schema", "write_template",
        ],
        "mmx.study": [
            "StudyListing", "Study", "StudySpec", "list_studies", "load_study", "report_study",
            "run_study",
        ],
        "mmx.testing": [
            "Certificate", "check_plugin",
        ],
    }  # fmt: skip
    _HOME = {name: home for home, names in _HOMES.items() for name in names}

    def __getattr__(name):
        """Import a public name from its home on first use (PEP 562)."""
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_HOME[name]), name)
        return value

    def __dir__():
        return sorted({*globals(), *__all__})
