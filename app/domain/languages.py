"""The languages that Radarr and Sonarr name in English, by their two-letter code (ISO 639-1)."""

from __future__ import annotations

_CODES = {
    "afrikaans": "af",
    "albanian": "sq",
    "arabic": "ar",
    "azerbaijani": "az",
    "bengali": "bn",
    "bosnian": "bs",
    "bulgarian": "bg",
    "catalan": "ca",
    "chinese": "zh",
    "croatian": "hr",
    "czech": "cs",
    "danish": "da",
    "dutch": "nl",
    "english": "en",
    "estonian": "et",
    "finnish": "fi",
    "flemish": "nl",
    "french": "fr",
    "georgian": "ka",
    "german": "de",
    "greek": "el",
    "hebrew": "he",
    "hindi": "hi",
    "hungarian": "hu",
    "icelandic": "is",
    "indonesian": "id",
    "italian": "it",
    "japanese": "ja",
    "kannada": "kn",
    "korean": "ko",
    "latvian": "lv",
    "lithuanian": "lt",
    "macedonian": "mk",
    "malayalam": "ml",
    "marathi": "mr",
    "mongolian": "mn",
    "norwegian": "no",
    "persian": "fa",
    "polish": "pl",
    "portuguese": "pt",
    "portuguese (brazil)": "pt",
    "romanian": "ro",
    "romansh": "rm",
    "russian": "ru",
    "serbian": "sr",
    "slovak": "sk",
    "slovenian": "sl",
    "spanish": "es",
    "spanish (latino)": "es",
    "swedish": "sv",
    "tagalog": "tl",
    "tamil": "ta",
    "telugu": "te",
    "thai": "th",
    "turkish": "tr",
    "ukrainian": "uk",
    "urdu": "ur",
    "uzbek": "uz",
    "vietnamese": "vi",
}


def code_of(name: str | None) -> str | None:
    """Give the code of a language, None where it is not known."""
    return None if name is None else _CODES.get(name.strip().lower())


def name_of(code: str) -> str | None:
    """Give the first name of a language, None where the code is not known."""
    return next((name for name, known in _CODES.items() if known == code), None)
