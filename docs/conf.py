"""Configuration of Sphinx. The build needs no network."""

import re
from importlib import import_module
from importlib.metadata import version as installed
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.errors import ExtensionError

project = "energyforecast"
author = "the energyforecast developers"
copyright = f"2026, {author}"  # noqa: A001
version = release = installed("energyforecast")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3

# scikit-learn adds methods of its own to every estimator; they are documented there.
_of_scikit_learn = ("set_fit_request", "set_predict_request", "set_score_request", "get_metadata_routing")
autodoc_default_options = {
    "members": True,
    "show-inheritance": True,
    # `shape` too: in "array, shape (rows, columns)" the word would become a link to that of a grid.
    "exclude-members": ",".join((*_of_scikit_learn, "shape")),
}
html_math_renderer = "mathml"
autosummary_generate = False  # a page for each sub-package, not for each name
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings name the types in words
napoleon_google_docstring = False
napoleon_use_param = False  # types are words such as "optional", not names to look up
napoleon_use_rtype = False

# A reference that leads nowhere is an error. Not those of other projects, whose pages are not at hand, nor of bases
# that have no page, nor the words with which docstrings begin to say what a value is.
nitpicky = True
nitpick_ignore_regex = [("py:class", r"(?!energyforecast\.).*"), ("py:class", r".*\._\w+")]

html_theme = "pydata_sphinx_theme"
html_title = f"energyforecast {release}"
html_sidebars = {"index": []}  # elsewhere the pages of the part
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
}


def at_home(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """Lead a public name, such as ``energyforecast.load``, to the module that documents it."""
    if node.get("refdomain") != "py":
        return None
    package, _, name = str(node.get("reftarget", "")).partition(".")
    public, _, rest = name.partition(".")
    library = import_module("energyforecast")
    item = getattr(library, public, None) if public in library.__all__ else None
    domain, page = env.get_domain("py"), node.get("refdoc", "")
    if package == "energyforecast" and hasattr(item, "__module__"):
        home = item.__module__
        modules = (home, home.rpartition(".")[0])  # a sub-package documents names of its modules as its own
        targets = [".".join(part for part in (module, item.__name__, rest) if part) for module in modules]
        if callable(getattr(item, rest, None)):  # a method of a base class is documented there
            method = getattr(item, rest)
            targets.append(f"{method.__module__}.{method.__qualname__}")
        # A module that names objects of other modules as its own documents them.
        targets += sorted(known for known in domain.objects if known.endswith(f".{name}"))
    else:  # a short name, in the docstring of an object that its sub-package documents
        short = f".{node.get('reftarget')}"
        targets = sorted((known for known in domain.objects if known.endswith(short)), key=len)
    for target in targets:
        found = domain.resolve_xref(env, page, app.builder, node["reftype"], target, node, contnode)
        if found is not None:
            return found
    return None


# Forms of LaTeX that docutils does not know, and forms that it knows; an accent in a group keeps an index at its side.
FORMS = (
    (r"\\([bB]igg?)(?![a-zA-Z])", r"\\\1l"),
    (r"\\dots", r"\\ldots"),
    (r"(?<=[\w}]) *\\(cos|sin|tan|log|ln|exp)(?![a-zA-Z])", r"\\,\\\1"),
    (r"\\(cos|sin|tan|log|ln|exp) +(?=[\w\\])", r"\\\1\\,"),
    (r"\\(bar|hat|tilde|overline) *(\{[^{}]*\}|\\[a-zA-Z]+|\w)", r"{\g<0>{}}"),
)


def mathml(node: Any, *, as_block: bool) -> str:
    """A formula as MathML: browsers display it without a script and without a network."""
    text = node.astext()
    for known, better in FORMS:
        text = re.sub(known, better, text)
    try:
        return tex2mathml(text, as_block=as_block)
    except MathError as error:
        raise ExtensionError(f"{node.source}: {error} in the formula {text}") from error


def inline_formula(writer: Any, node: Any) -> None:
    """Write a formula in a line of text."""
    writer.body.append(mathml(node, as_block=False))
    raise nodes.SkipNode


def display_formula(writer: Any, node: Any) -> None:
    """Write a formula on lines of its own."""
    style = "margin: 1em 0; font-size: 1.15em; overflow-x: auto"
    writer.body.append(f'<div style="{style}">{mathml(node, as_block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("missing-reference", at_home)
    app.add_html_math_renderer("mathml", (inline_formula, None), (display_formula, None))
