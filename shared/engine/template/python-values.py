"""Writes python-values.json anew: what Python's Jinja makes of the templates in it.

The templates are read with the settings of transformers (`_compile_jinja_template` in utils/chat_template_utils.py):

    python3 python-values.py        # needs jinja2 3.1
"""

import json
import pathlib

from jinja2 import nodes
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

FILE = pathlib.Path(__file__).with_name("python-values.json")
MESSAGES = [{"role": "user", "content": "Hi \u00e9"}, {"role": "assistant", "content": None}]


class Generation(Extension):
    """`{% generation %}`, which only prints when nothing is trained."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_print"), [], [], body).set_lineno(line)

    def _print(self, caller):
        return caller()


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(
        x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def raise_exception(message):
    raise TemplateError(message)


environment = ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
)
environment.filters["tojson"] = tojson
environment.globals["raise_exception"] = raise_exception


def value_of(template):
    """None where Python fails."""
    try:
        return environment.from_string(template).render(messages=MESSAGES)
    except Exception:
        return None


if __name__ == "__main__":
    templates = [entry[0] for entry in json.loads(FILE.read_text())]
    lines = [json.dumps([template, value_of(template)]) for template in templates]
    FILE.write_text("[\n  " + ",\n  ".join(lines) + "\n]\n")
