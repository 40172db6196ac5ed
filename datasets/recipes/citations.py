"""Works that the cards of the mini edition cite."""

from __future__ import annotations

CHALLENGE = {
    "text": "I. Poltavsky et al., Crash testing machine learning force fields for molecules, "
    "materials, and interfaces: model analysis in the TEA Challenge 2023, Chem. Sci. 16, "
    "3720 (2025).",
    "doi": "10.1039/d4sc06529h",
    "bibtex": """@article{Poltavsky2025Analysis,
  title   = {Crash testing machine learning force fields for molecules, materials, and
             interfaces: model analysis in the {TEA} {Challenge} 2023},
  author  = {Poltavsky, Igor and others},
  journal = {Chemical Science},
  volume  = {16},
  pages   = {3720},
  year    = {2025},
  doi     = {10.1039/d4sc06529h}
}""",
}

GFN2 = {
    "text": "C. Bannwarth, S. Ehlert, S. Grimme, GFN2-xTB: an accurate and broadly "
    "parametrized self-consistent tight-binding quantum chemical method with "
    "multipole electrostatics and density-dependent dispersion contributions, J. Chem. Theory "
    "Comput. 15, 1652 (2019).",
    "doi": "10.1021/acs.jctc.8b01176",
    "bibtex": """@article{Bannwarth2019,
  title   = {{GFN2-xTB}: an accurate and broadly parametrized self-consistent tight-binding
             quantum chemical method with multipole electrostatics and density-dependent
             dispersion contributions},
  author  = {Bannwarth, Christoph and Ehlert, Sebastian and Grimme, Stefan},
  journal = {Journal of Chemical Theory and Computation},
  volume  = {15},
  pages   = {1652--1671},
  year    = {2019},
  doi     = {10.1021/acs.jctc.8b01176}
}""",
}

GFN1 = {
    "text": "S. Grimme, C. Bannwarth, P. Shushkov, A robust and accurate tight-binding quantum "
    "chemical method for structures, vibrational frequencies, and noncovalent interactions of "
    "large molecular systems parametrized for all spd-block elements (Z = 1-86), J. Chem. "
    "Theory Comput. 13, 1989 (2017).",
    "doi": "10.1021/acs.jctc.7b00118",
    "bibtex": """@article{Grimme2017,
  title   = {A robust and accurate tight-binding quantum chemical method for structures,
             vibrational frequencies, and noncovalent interactions of large molecular systems
             parametrized for all spd-block elements ({$Z$} = 1--86)},
  author  = {Grimme, Stefan and Bannwarth, Christoph and Shushkov, Philip},
  journal = {Journal of Chemical Theory and Computation},
  volume  = {13},
  pages   = {1989--2009},
  year    = {2017},
  doi     = {10.1021/acs.jctc.7b00118}
}""",
}

BUSSI = {
    "text": "G. Bussi, D. Donadio, M. Parrinello, Canonical sampling through velocity rescaling, "
    "J. Chem. Phys. 126, 014101 (2007).",
    "doi": "10.1063/1.2408420",
    "bibtex": """@article{Bussi2007,
  title   = {Canonical sampling through velocity rescaling},
  author  = {Bussi, Giovanni and Donadio, Davide and Parrinello, Michele},
  journal = {The Journal of Chemical Physics},
  volume  = {126},
  pages   = {014101},
  year    = {2007},
  doi     = {10.1063/1.2408420}
}""",
}

HYDROGEN = {
    "text": "T. Bischoff, B. Jäckl, M. Rupp, Hydrogen under pressure as a benchmark for "
    "machine-learning interatomic potentials, arXiv:2409.13390 (2024).",
    "doi": "10.48550/arXiv.2409.13390",
    "bibtex": """@misc{Bischoff2024,
  title         = {Hydrogen under Pressure as a Benchmark for Machine-Learning Interatomic
                   Potentials},
  author        = {Bischoff, Thomas and J{\\"a}ckl, Bastian and Rupp, Matthias},
  year          = {2024},
  eprint        = {2409.13390},
  archiveprefix = {arXiv},
  doi           = {10.48550/arXiv.2409.13390}
}""",
}
