"""Configuration of Sphinx. The build needs no network."""

from importlib.metadata import version as installed

project = "energyforecast"
author = "the energyforecast developers"
copyright = f"2026, {author}"  # noqa: A001
version = release = installed("energyforecast")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

myst_heading_anchors = 3

# scikit-learn adds methods of its own to every estimator; they are documented there.
_of_scikit_learn = ("set_fit_request", "set_predict_request", "set_score_request", "get_metadata_routing")
autodoc_default_options = {
    "members": True,
    "show-inheritance": True,
    # `shape` too: in "array, shape (rows, columns)" the word would become a link to that of a grid.
    "exclude-members": ",".join((*_of_scikit_learn, "shape")),
}
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings name the types in words
napoleon_google_docstring = False
napoleon_use_param = False  # types are words such as "optional", not names to look up
napoleon_use_rtype = False

html_theme = "pydata_sphinx_theme"
html_title = f"energyforecast {release}"
html_sidebars = {"index": [], "reference": [], "changelog": []}  # elsewhere the pages of the part
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
}
