"""What the command line needs beside `mmx`: lists, checks, templates, and types of results."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmx.data import reader_with_columns, tables_beside, with_lists
    from mmx.experiment import (
        Answers,
        AuditResult,
        EvaluationResult,
        NarratedSample,
        Reproduction,
        spec_notes,
    )
    from mmx.model import check_spec
    from mmx.plugins import (
        Description,
        InstalledMethod,
        Parameter,
        Source,
        describe,
        find,
        installed,
    )
    from mmx.report import Explanation
    from mmx.runs import Observer, Progress
    from mmx.scaffold import new_plugin
    from mmx.spec import (
        ABSENT,
        Columns,
        Difference,
        diff_specs,
        guess_columns,
        spec_schema,
        with_record,
        write_template,
    )
    from mmx.study import Study, StudyListing, StudySpec, list_studies, load_study
    from mmx.testing import Certificate, check_plugin

__all__ = [
    "ABSENT", "Answers", "AuditResult", "Certificate", "Columns", "Description", "Difference",
    "EvaluationResult", "Explanation", "InstalledMethod", "NarratedSample", "Observer", "Parameter",
    "Progress", "Reproduction", "Source", "Study", "StudyListing", "StudySpec", "check_plugin",
    "check_spec", "describe", "diff_specs", "find", "guess_columns", "installed", "list_studies",
    "load_study", "new_plugin", "reader_with_columns", "spec_notes", "spec_schema", "tables_beside",
    "with_lists", "with_record", "write_template",
]  # fmt: skip

if not TYPE_CHECKING:  # a checker that sees __getattr__ accepts every misspelt name
    from mmx.lazy import lazy

    _HOMES = {
        "mmx.data": [
            "reader_with_columns", "tables_beside", "with_lists",
        ],
        "mmx.experiment": [
            "Answers", "AuditResult", "EvaluationResult", "NarratedSample", "Reproduction",
            "spec_notes",
        ],
        "mmx.model": [
            "check_spec",
        ],
        "mmx.plugins": [
            "Description", "InstalledMethod", "Parameter", "Source", "describe", "find",
            "installed",
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
            "ABSENT", "Columns", "Difference", "diff_specs", "guess_columns", "spec_schema",
            "with_record",
            "write_template",
        ],
        "mmx.study": [
            "Study", "StudyListing", "StudySpec", "list_studies", "load_study",
        ],
        "mmx.testing": [
            "Certificate", "check_plugin",
        ],
    }  # fmt: skip
    __getattr__, __dir__ = lazy(__name__, _HOMES)
