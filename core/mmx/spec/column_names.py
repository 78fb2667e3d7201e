"""What the names of columns say, in English and the languages of docs/data.md."""

import re
import unicodedata
from collections.abc import Iterable

# the most telling names first; words of one script without accents, in small letters
LABELS = (
    "label", "diagnosis", "dx", "finding", "class", "disease", "target", "category", "outcome",
    "labels", "diagnoses", "classes", "diagnose", "diagnosen", "krankheit", "klasse",
    "诊断", "标签", "类别", "疾病",
    "diagnostic", "maladie", "classe", "etiquette",
    "diagnostico", "enfermedad", "clase", "etiqueta",
    "診断", "診斷", "病名", "diagnosi", "classificazione", "doenca",
    "pathology", "pathologie", "histology", "histologie", "病理", "problems", "problem",
)  # fmt: skip
ABOUT_LABELS = (
    "method",
    "type",
    "source",
    "date",
    "confirm",
    "confirmation",
    "weight",
    "certainty",
)
"""Words behind the name of a label that say how, when or by whom it was given."""

GRADES = (
    "birads", "rads", "tirads", "pirads", "lirads", "grade", "level", "severity", "gleason",
    "grad", "schweregrad", "stufe", "分级", "程度", "grado", "gravite",
)  # fmt: skip
"""Names of labels that have an order; they are looked at where no other name is a label's."""

DISEASES = (
    "cancer", "malignancy", "malignant", "tumor", "tumour", "carcinoma", "melanoma", "covid",
    "covid19", "positive", "pneumonia", "tuberculosis", "glaucoma", "diabetes",
    "krebs", "malignitat", "肺炎", "癌",
)  # fmt: skip
"""Names of yes and no about one disease; they are looked at where no name is that of a label."""
_TELLING = DISEASES[:10]
BEFORE = ("history", "family", "personal", "previous", "prior", "hx", "fh", "familial", "anamnese",
          "familie", "antecedents", "antecedentes", "familiari", "既往", "家族")  # fmt: skip
"""Names of what was known of a disease before."""

REPORTS = (
    "report", "findings", "impression", "conclusion", "interpretation", "bericht", "befundbericht",
    "beurteilung", "rapport", "informe", "hallazgos", "impresion", "报告", "印象", "结论",
    "检查所见",
)  # fmt: skip
"""Names of what is written while the pictures are read."""
TEXTS = (
    "text", "notes", "note", "narrative", "description", "caption", "history", "indication",
    "complaint", "comment", "comments",
    "anamnese", "befund", "befundtext", "beschreibung", "arztbrief", "notiz",
    "kommentar", "anmerkung", "主诉", "病史", "既往史", "描述", "所见", "文本",
    "texte", "antecedents", "commentaire",
    "texto", "descripcion", "historia", "notas", "observaciones",
    "主訴", "現病歴", "既往歴", "病歷", "所見", "anamnesi", "descrizione", "descricao", "queixa",
)  # fmt: skip
# a person before a lesion before a visit: what stays together is as large as the table knows
GROUPS = (
    "patient", "pat", "person", "subject", "participant", "mrn", "ptid", "pid", "eid", "subjid",
    "usubjid", "seqn", "submitter", "患者", "病人", "受试者", "病历号",
    "住院号", "门诊号", "paciente", "sujet", "sujeto", "malade", "proband", "paziente",
    "prontuario", "病歴番号", "病歷號",
    "lesion", "lasion", "laesion", "病灶",
    "study", "case", "fall", "group", "visit", "exam", "病例", "检查号", "dossier", "cas", "caso",
)  # fmt: skip
WEAK_GROUPS = ("study", "case", "fall", "group", "visit", "exam", "cas", "caso")
"""Names that also stand for arms of a trial or kinds of visits; few values are then no groups."""

ROLES = {
    "age": ("age", "alter", "lebensalter", "年龄", "年齢", "年齡", "edad", "eta", "idade"),
    "sex": ("sex", "gender", "geschlecht", "性别", "性別", "sexe", "genre", "sexo", "genero",
            "sesso"),
    "site": (
        "site", "location", "localization", "localisation", "lokalisation", "anatom", "anatomy",
        "bodypart", "region", "korperstelle", "部位", "localizacion", "zona", "emplacement",
        "sede", "regiao", "localizacao", "localizzazione",
    ),
}  # fmt: skip
NOT_SITES = ("hospital", "clinic", "centre", "center", "institution", "study", "klinik", "医院")

TELLING = (
    "dx", "diagnos", "label", "class", "histolog", "histopath", "biops", "malign", "benign",
    "outcome", "target", "patholog", "confirmed", "confirmation", "icd", "mesh",
    "病理", "确诊", "诊断", "良恶性", "診断", "診斷", "確定", "histopat", "istolog", "anatomopat",
    "anapath",
)  # fmt: skip
"""Names that speak of the diagnosis."""

AFTER = (
    "management", "treatment", "therapy", "therapie", "score", "scoring", "surgery", "excision",
    "prognosis", "followup", "metasta", "stage", "staging", "tnm", "survival", "death",
    "mortality", "discharge", "recurrence", "response", "qc", "icu", "intubated", "intubation",
    "extubated", "ventilated", "ventilation",
    "behandlung", "operation", "stadium", "verlauf", "entlassung", "prognose", "rezidiv",
    "治疗", "处理", "手术", "评分", "分期", "预后", "随访", "出院",
    "traitement", "chirurgie", "pronostic", "suivi", "stade", "deces", "sortie",
    "tratamiento", "manejo", "cirugia", "puntuacion", "pronostico", "seguimiento", "estadio",
    "治療", "手術", "経過", "予後", "terapia", "chirurgia", "prognosi", "tratamento",
)  # fmt: skip
"""Names of what is known only after the diagnosis."""

IDS = (
    "id", "ids", "nr", "no", "num", "number", "nummer", "uid", "uuid", "guid", "key", "code",
    "identifier", "accession", "kennung", "aktenzeichen", "akte", "编号", "序号", "号", "号码",
    "numero", "identifiant", "identificador", "matricule", "folio", "番号", "編號", "codice",
    "codigo",
)  # fmt: skip
_COUNTS = ("days", "hours", "weeks", "months", "years", "day", "time", "count", "duration",
           "wochen", "monate", "jahre", "anzahl", "jours", "mois", "dias", "meses",
           "天数")  # fmt: skip
COUNTERS = (
    "",
    "index",
    "idx",
    "row",
    "rownum",
    "unnamed",
    "lfd",
    "zeile",
    "序号",
    "行号",
    "ligne",
    "fila",
)
STRICT_IDS = (
    "id", "ids", "uid", "uuid", "guid", "identifier", "rid", "ptid", "eid", "pid", "iid", "subjid",
    "usubjid", "seqn",
)  # fmt: skip
"""Of these, those that are ids however few values they have."""

PERSONS = (
    "patient", "pat", "person", "subject", "participant", "mrn", "患者", "病人", "受试者",
    "paciente", "sujet", "sujeto", "proband",
)  # fmt: skip
"""Names of whose the pictures are."""

VIEWS = ("view", "projection", "ansicht", "incidence", "proyeccion", "体位", "投照")
"""Names of from where a picture was taken."""

SLICES = ("slice", "slices", "instance", "frame", "schicht", "coupe", "corte", "层", "切片")
"""Names of the place of a picture among others of one examination."""

LATERALITY = ("laterality", "side", "breast", "eye", "seite", "auge", "侧别")
"""Names of the side of the body that a row is about."""

PROCEDURES = ("procedure", "protocol", "sequence")
"""Names of what was done; its descriptions are categories."""

READERS = (
    *REPORTS, "assessment", "birads", "rads", "subtlety", "opinion", "verdict", "suspicion",
    "adjudicated", "annotator", "grader", "rater", "consensus", "confidence", "prediction",
    "predicted", "probability", "logit", "dnn",
    "einschatzung", "evaluation",
)  # fmt: skip
"""Names of what a reader, or another model, made of the pictures."""

TECHNICAL = (
    "pixel", "pixelspacing", "photometric", "manufacturer", "hersteller", "scanner", "resolution",
    "originalimage", "bitsstored", "filesize", "megapixel", "imagedir", "folder", "directory",
)  # fmt: skip
"""Names of how a picture was taken or stored."""

PUBLISHED = ("attribution", "license", "licence", "copyright", "citation", "credit", "doi")
"""Names of whose a picture is."""

SIZES = (("height", "width"), ("rows", "columns"), ("hohe", "breite"))
"""Names of sizes in pixels, where both are there."""

SHOWN = ("view", "projection", "laterality", "sex", "age", "body", "position")
"""Of headers of DICOM files, what says who was shown and from where."""

MASKS = ("mask", "segmentation", "contour", "heatmap", "roi", "maske", "掩码", "分割")
"""Names of pictures that were drawn over the others."""

SIDES = (("left", "right"), ("od", "os"), ("l", "r"), ("links", "rechts"), ("左", "右"),
         ("gauche", "droite"), ("izquierdo", "derecho"))  # fmt: skip
"""Both sides of a body, as names of columns call them."""

_DATES = ("date", "datum", "日期", "fecha", "日付", "年月日", "検査日", "診察日")
_EXAMINED = ("study", "series", "acquisition", "content", "exam", "scan", "image", "visit")
_NOTHING = (
    "no finding", "no findings", "normal", "none", "healthy", "negative", "unremarkable",
    "ohne befund", "o. b.", "unauffällig", "gesund", "kein befund", "未见异常", "正常", "无",
    "sin hallazgos",
)  # fmt: skip
EXAMINED = (
    "visit", "exam", "examination", "study", "scan", "acquisition", "untersuchung",
    "untersuchungsdatum", "aufnahmedatum", "就诊", "检查日期", "consultation", "consulta",
)  # fmt: skip
"""Names of the day on which the pictures were taken."""

ONSETS = (
    "onset", "symptom", "symptoms", "noticed", "begin", "beginn", "symptombeginn", "erstmals",
    "发病", "起病", "debut", "inicio",
)  # fmt: skip
"""Names of the day of an event before the examination."""

SPLITS = (
    "split", "set", "subset", "partition", "part", "phase", "usage", "dataset", "aufteilung",
    "划分", "数据集", "集合", "particion", "conjunto", "ensemble", "partie",
)  # fmt: skip
FOLDS = ("fold", "kfold", "cv", "folds", "折", "折数", "faltung")
PERSONAL = (
    "surname", "forename", "firstname", "lastname", "birthday", "birthdate", "dob", "birth",
    "address", "phone", "email", "geburtsdatum", "nachname", "vorname", "姓名", "出生日期",
    "电话",
    "prenom", "naissance", "apellido", "nacimiento", "氏名", "生年月日", "cognome", "nascita",
    "sobrenome", "nascimento",
)  # fmt: skip


def words_of(name: str) -> list[str]:
    """``PatientID`` and ``patient-id`` give patient, id; ``Läsion`` gives lasion."""
    plain = unicodedata.normalize("NFKC", name).replace("ß", "ss")
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", plain)
    letters = unicodedata.normalize("NFD", plain.casefold())
    bare = "".join(one for one in letters if not unicodedata.combining(one))
    return [word for word in re.split(r"[\W_]+", bare) if word]


def says(name: str, words: Iterable[str]) -> str | None:
    """The first of these words that a name holds; None when it holds none.

    A word stands alone, or begins a longer one when it has five letters or more
    (``Patientennummer``), or the whole name is it (``Follow-up``); words of Chinese stand anywhere.
    """
    own = words_of(name)
    own = [*own, "".join(own)] if len(own) > 1 else own
    for word in words:
        if not word.isascii():
            if any(word in one for one in own):
                return word
        elif any(one == word or (len(word) > 4 and one.startswith(word)) for one in own):
            return word
    return None


def ends_with(name: str, words: Iterable[str]) -> str | None:
    """The first of these words with which a name ends; None when it ends with none."""
    last = (words_of(name) or [""])[-1]
    chinese = (word for word in words if not word.isascii() and last.endswith(word))
    return last if last in words else next(chinese, None)


def begins_with(name: str, words: Iterable[str]) -> bool:
    """Whether a name begins with one of these words, and another one follows."""
    own = words_of(name)
    first = own[0] if own else ""
    chinese = any(not word.isascii() and first.startswith(word) for word in words)
    return (len(own) > 1 and first in {*words}) or chinese


def counts_something(name: str) -> bool:
    """Whether a name is that of a number of things, such as days_from_study or Number of lesions.

    ``num`` and ``nr`` alone may stand before the name of an id.
    """
    own = words_of(name)
    return own[0] in _COUNTS or own[:2] in (["number", "of"], ["no", "of"], ["nombre", "de"])


def counts_rows(name: str) -> bool:
    """Whether a name is that of row numbers: none at all, index, Unnamed: 0, lfd. Nr., 序号."""
    own = words_of(name)
    return not own or own[0] in COUNTERS


def is_date(name: str) -> bool:
    """Whether a name is that of a day, or of the hour of an examination."""
    hour = (words_of(name) or [""])[-1] == "time" and says(name, _EXAMINED)
    return bool(ends_with(name, _DATES) or hour)


def is_of_disease(name: str) -> bool:
    """Whether a name is that of a disease or its finding, and not of what was known before."""
    return bool(ends_with(name, DISEASES)) and not says(name, BEFORE)


def tells_of_disease(name: str) -> bool:
    """Whether a name says that there is a tumour, or what a test gave.

    Other diseases may accompany what is asked, as diabetes does.
    """
    return is_of_disease(name) and ends_with(name, DISEASES) in _TELLING


def says_nothing(label: str) -> bool:
    """Whether a label means that none of the others is there, such as No Finding."""
    return label.casefold().replace("_", " ").strip() in _NOTHING


def one_of_sizes(name: str, others: Iterable[str]) -> bool:
    """Whether a name is that of a height or width, and another column is the other one."""
    own, there = {*words_of(name)}, {word for one in others for word in words_of(one)}
    return any(own & {*pair} and {*pair} <= own | there for pair in SIZES)


def are_sides(names: Iterable[str]) -> bool:
    """Whether two names differ in nothing but the side of the body."""
    words = [words_of(name) for name in names]
    return len(words) == 2 and any(
        {left, right} == {first, second} and words[0][:place] == words[1][:place]
        and words[0][place + 1 :] == words[1][place + 1 :]
        for left, right in SIDES
        for place, (first, second) in enumerate(zip(*words, strict=False))
    )  # fmt: skip
