"""An answer as search engines read it."""

import json

from markupsafe import Markup


def faq_page(title: str, html: str, lang: str) -> Markup:
    """schema.org's FAQPage as JSON-LD, ready to stand in a script element."""
    data = {
        "@context": "https://schema.org",
        "@type": "FAQPage",
        "inLanguage": lang,
        "mainEntity": [
            {
                "@type": "Question",
                "name": title,
                "acceptedAnswer": {"@type": "Answer", "text": html},
            }
        ],
    }
    # "</script>" in a text must not end the element
    return Markup(json.dumps(data, ensure_ascii=False).replace("<", "\\u003c"))
