"""How Sphinx builds the documentation: make docs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from teadata.provenance import package_version

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "extensions"))

project = "TEA benchmark"
author = "The TEA benchmark developers"
version = release = package_version()
copyright = author
language = "en"

root_doc = "index"
# docs/README.md is the list of pages for those who read the files; the site has its own
exclude_patterns = ["README.md", "_build", "extensions", "**/.ipynb_checkpoints"]

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.intersphinx",
    "myst_nb",
    "sphinx_copybutton",
    "sphinx_design",
    # docs/extensions
    "blocks",
    "command_pages",
    "formulas",
    "links",
    "record_pages",
]

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_show_sourcelink = False
html_theme_options = {"source_view_link": ""}
# readable for everybody: the colours of code have a contrast of 7 and more
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # a test executes the notebooks; the pages show what is stored in them

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"show-inheritance": True}
napoleon_numpy_docstring = True
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"

# Links to the documentation of others need the network; a build without it has none.
intersphinx_mapping = (
    {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "pandas": ("https://pandas.pydata.org/docs", None),
        "ase": ("https://ase-lib.org", None),
        "matplotlib": ("https://matplotlib.org/stable", None),
    }
    if os.environ.get("DOCS_ONLINE") == "1"
    else {}
)

linkcheck_timeout = 20
linkcheck_workers = 4
linkcheck_anchors = False

suppress_warnings = ["toc.empty_glob"]
