"""From a spec to all that a model is trained on: rows, texts, sources, and what names the run."""

from mmx.pipeline.allowed import check_pictures, check_views
from mmx.pipeline.audited_rows import fields_read, subject_of, text_fields, unread
from mmx.pipeline.facts import (
    GROUPS,
    HOOKS,
    METRICS,
    MODEL,
    SETTLED,
    SURROUNDINGS,
    WEIGHTS,
    Counts,
    read_facts,
    read_scored,
    read_surroundings,
    read_texts,
)
from mmx.pipeline.fits import check_promises, class_notes
from mmx.pipeline.identity import (
    core_digest,
    environment,
    libraries,
    run_digest,
    sources_used,
    weights_digest,
)
from mmx.pipeline.learner import Learner, build_learner, link_for, trained_prior
from mmx.pipeline.model_inputs import ModelInputs, PreparedRows, UnlabelledSamples, restored_inputs
from mmx.pipeline.open_dataset import open_dataset, read_rows
from mmx.pipeline.open_split import open_split
from mmx.pipeline.permission import permitted
from mmx.pipeline.prepare import PreparedData, cache_folder, prepare, texts_of, together
from mmx.pipeline.processes import first_process, heard, lock_of, wait_for_everyone
from mmx.pipeline.shown_images import image_files, lost_depth_note, stated_range
from mmx.pipeline.sources import Sources, open_sources
from mmx.pipeline.spec_hooks import open_hooks
from mmx.pipeline.stage_progress import JobProgress, stage
from mmx.pipeline.text_writer import LEAKY, FrozenFeatures
from mmx.pipeline.training_files import reading_notes, tell_files
from mmx.pipeline.withheld_fields import hidden_fields

__all__ = [
    "GROUPS", "HOOKS", "LEAKY", "METRICS", "MODEL", "SETTLED", "SURROUNDINGS", "WEIGHTS",
    "Counts", "FrozenFeatures", "JobProgress", "Learner", "ModelInputs", "PreparedData",
    "PreparedRows", "Sources", "UnlabelledSamples", "build_learner", "cache_folder",
    "check_pictures", "check_promises", "check_views", "class_notes",
    "core_digest", "environment", "fields_read", "first_process", "heard", "hidden_fields",
    "image_files", "libraries", "link_for", "lock_of", "lost_depth_note", "open_dataset",
    "open_hooks", "open_sources", "open_split", "permitted", "prepare", "read_facts",
    "read_rows", "read_scored", "read_surroundings", "read_texts", "reading_notes",
    "restored_inputs", "run_digest", "sources_used", "stage", "stated_range", "subject_of",
    "tell_files", "text_fields", "texts_of", "together", "trained_prior", "unread",
    "wait_for_everyone", "weights_digest",
]  # fmt: skip
